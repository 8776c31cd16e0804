//! Links, stored under each end.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, Postgres, postgres::PgArguments, query::Query};
use uuid::Uuid;

use super::{Result, identities::uuids, stored_time};
use crate::{
    clock::Micros,
    identity::Link,
    ids::{IdentityKey, TenantId},
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("links.add", ADD),
    ("links.put", PUT),
    ("links.of", OF),
    ("links.some_of", SOME_OF),
    ("links.among", AMONG),
    ("links.between", BETWEEN),
    ("links.spans", SPANS),
    ("links.in_key_range", IN_KEY_RANGE),
    ("links.delete", DELETE),
];

const ADD: &str = "
INSERT INTO links AS stored (tenant, identity_key, other_key, anchored, first_seen, last_seen, seen)
SELECT $1, identity_key, other_key, anchored, first_seen, last_seen, seen
FROM unnest($2::uuid[], $3::uuid[], $4::boolean[], $5::timestamptz[], $6::timestamptz[], $7::bigint[])
    AS given (identity_key, other_key, anchored, first_seen, last_seen, seen)
ON CONFLICT (tenant, identity_key, other_key) DO UPDATE SET
    first_seen = least(stored.first_seen, excluded.first_seen),
    last_seen = greatest(stored.last_seen, excluded.last_seen),
    seen = stored.seen + excluded.seen
RETURNING identity_key, other_key, xmax = 0";

const PUT: &str = "
INSERT INTO links AS stored (tenant, identity_key, other_key, anchored, first_seen, last_seen, seen)
SELECT $1, identity_key, other_key, anchored, first_seen, last_seen, seen
FROM unnest($2::uuid[], $3::uuid[], $4::boolean[], $5::timestamptz[], $6::timestamptz[], $7::bigint[])
    AS given (identity_key, other_key, anchored, first_seen, last_seen, seen)
ON CONFLICT (tenant, identity_key, other_key) DO UPDATE SET
    first_seen = excluded.first_seen,
    last_seen = excluded.last_seen,
    seen = excluded.seen";

const OF: &str = "
SELECT identity_key, other_key, anchored, first_seen, last_seen, seen
FROM links
WHERE tenant = $1 AND identity_key = ANY($2::uuid[])";

// In the order of the primary key, so that a few of very many are read and no more.
const SOME_OF: &str = "
SELECT identity_key, other_key, anchored, first_seen, last_seen, seen
FROM links
WHERE tenant = $1 AND identity_key = $2
ORDER BY other_key
LIMIT $3";

// Each link once: from the end that was the anchor.
const AMONG: &str = "
SELECT identity_key, other_key, anchored, first_seen, last_seen, seen
FROM links
WHERE tenant = $1
    AND identity_key = ANY($2::uuid[])
    AND other_key = ANY($2::uuid[])
    AND anchored";

const BETWEEN: &str = "
SELECT stored.identity_key, stored.other_key, stored.anchored, stored.first_seen, stored.last_seen, stored.seen
FROM unnest($2::uuid[], $3::uuid[]) AS wanted (identity_key, other_key)
CROSS JOIN LATERAL (
    SELECT *
    FROM links AS found
    WHERE found.tenant = $1
        AND found.identity_key = wanted.identity_key
        AND found.other_key = wanted.other_key
    OFFSET 0
) AS stored";

const SPANS: &str = "
SELECT identity_key, min(first_seen), max(last_seen)
FROM links
WHERE tenant = $1 AND identity_key = ANY($2::uuid[])
GROUP BY identity_key";

const IN_KEY_RANGE: &str = "
SELECT identity_key, other_key, anchored, first_seen, last_seen, seen
FROM links
WHERE tenant = $1 AND identity_key > $2 AND identity_key <= $3
ORDER BY identity_key";

const DELETE: &str = "
DELETE FROM links AS stored
USING unnest($2::uuid[], $3::uuid[]) AS given (identity_key, other_key)
WHERE stored.tenant = $1
    AND stored.identity_key = given.identity_key
    AND stored.other_key = given.other_key";

pub(super) type Row = (Uuid, Uuid, bool, DateTime<Utc>, DateTime<Utc>, i64);

impl From<Row> for Link {
    fn from((key, other, anchored, first_seen, last_seen, seen): Row) -> Self {
        Self {
            key: IdentityKey::from_uuid(key),
            other: IdentityKey::from_uuid(other),
            anchored,
            first_seen: Micros::from_datetime(first_seen),
            last_seen: Micros::from_datetime(last_seen),
            seen,
        }
    }
}

type Written<'q> = Query<'q, Postgres, PgArguments>;

fn bind<'q>(statement: &'static str, tenant: &'q TenantId, links: &[Link]) -> Written<'q> {
    sqlx::query(statement)
        .bind(tenant.as_str())
        .bind(links.iter().map(|l| l.key.as_uuid()).collect::<Vec<_>>())
        .bind(links.iter().map(|l| l.other.as_uuid()).collect::<Vec<_>>())
        .bind(links.iter().map(|l| l.anchored).collect::<Vec<_>>())
        .bind(
            links
                .iter()
                .map(|l| stored_time(l.first_seen))
                .collect::<Vec<_>>(),
        )
        .bind(
            links
                .iter()
                .map(|l| stored_time(l.last_seen))
                .collect::<Vec<_>>(),
        )
        .bind(links.iter().map(|l| l.seen).collect::<Vec<_>>())
}

/// Ends of a link.
pub type Ends = (IdentityKey, IdentityKey);

/// Adds evidence to links, new or not, and answers with those that are new. Each (key, other) stands once in `links`,
/// from both ends.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.links.add", skip_all, fields(rows = links.len()))]
pub async fn add(
    connection: &mut PgConnection,
    tenant: &TenantId,
    links: &[Link],
) -> Result<Vec<Ends>> {
    let rows = bind(ADD, tenant, links).fetch_all(connection).await?;
    let mut new = Vec::new();
    for row in rows {
        let (key, other, is_new): (Uuid, Uuid, bool) = FromRow::from_row(&row)?;
        if is_new {
            new.push((IdentityKey::from_uuid(key), IdentityKey::from_uuid(other)));
        }
    }
    Ok(new)
}

/// Sets links to what is given.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.links.put", skip_all, fields(rows = links.len()))]
pub async fn put(connection: &mut PgConnection, tenant: &TenantId, links: &[Link]) -> Result<()> {
    bind(PUT, tenant, links).execute(connection).await?;
    Ok(())
}

/// The links between some pairs of identities.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.links.between", skip_all, fields(rows = ends.len()))]
pub async fn between(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ends: &[Ends],
) -> Result<Vec<Link>> {
    let rows: Vec<Row> = sqlx::query_as(BETWEEN)
        .bind(tenant.as_str())
        .bind(ends.iter().map(|(a, _)| a.as_uuid()).collect::<Vec<_>>())
        .bind(ends.iter().map(|(_, b)| b.as_uuid()).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Link::from).collect())
}

/// The links of some identities.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.links.of", skip_all, fields(rows = keys.len()))]
pub async fn of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[IdentityKey],
) -> Result<Vec<Link>> {
    let rows: Vec<Row> = sqlx::query_as(OF)
        .bind(tenant.as_str())
        .bind(uuids(keys))
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Link::from).collect())
}

/// Some links of an identity that may have very many: those to the smallest keys.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.links.some_of", skip_all)]
pub async fn some_of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    key: IdentityKey,
    limit: i64,
) -> Result<Vec<Link>> {
    let rows: Vec<Row> = sqlx::query_as(SOME_OF)
        .bind(tenant.as_str())
        .bind(key.as_uuid())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Link::from).collect())
}

/// The links whose ends are both among some identities, each once, from the end that was the anchor.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.links.among", skip_all, fields(rows = keys.len()))]
pub async fn among(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[IdentityKey],
) -> Result<Vec<Link>> {
    let rows: Vec<Row> = sqlx::query_as(AMONG)
        .bind(tenant.as_str())
        .bind(uuids(keys))
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Link::from).collect())
}

/// When identities were first and last linked to anything; those that are.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.links.spans", skip_all, fields(rows = keys.len()))]
pub async fn spans(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[IdentityKey],
) -> Result<Vec<(IdentityKey, Micros, Micros)>> {
    let rows: Vec<(Uuid, DateTime<Utc>, DateTime<Utc>)> = sqlx::query_as(SPANS)
        .bind(tenant.as_str())
        .bind(uuids(keys))
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(key, first, last)| {
            let (first, last) = (Micros::from_datetime(first), Micros::from_datetime(last));
            (IdentityKey::from_uuid(key), first, last)
        })
        .collect())
}

/// The links of the identities after the first key and not after the last.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.links.in_key_range", skip_all)]
pub async fn in_key_range(
    connection: &mut PgConnection,
    tenant: &TenantId,
    after: IdentityKey,
    until: IdentityKey,
) -> Result<Vec<Link>> {
    let rows: Vec<Row> = sqlx::query_as(IN_KEY_RANGE)
        .bind(tenant.as_str())
        .bind(after.as_uuid())
        .bind(until.as_uuid())
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Link::from).collect())
}

/// Deletes links, given from both ends.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.links.delete", skip_all, fields(rows = ends.len()))]
pub async fn delete(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ends: &[(IdentityKey, IdentityKey)],
) -> Result<()> {
    sqlx::query(DELETE)
        .bind(tenant.as_str())
        .bind(
            ends.iter()
                .map(|(key, _)| key.as_uuid())
                .collect::<Vec<_>>(),
        )
        .bind(
            ends.iter()
                .map(|(_, other)| other.as_uuid())
                .collect::<Vec<_>>(),
        )
        .execute(connection)
        .await?;
    Ok(())
}
