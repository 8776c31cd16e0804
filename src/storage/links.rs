//! Links, stored under each end.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Result, identities::uuids, stored_time};
use crate::{
    clock::Micros,
    ids::{IdentityKey, TenantId},
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("links.add", ADD),
    ("links.put", PUT),
    ("links.of", OF),
    ("links.among", AMONG),
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
    seen = stored.seen + excluded.seen";

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

// Each link once: from the end that was the anchor.
const AMONG: &str = "
SELECT identity_key, other_key, anchored, first_seen, last_seen, seen
FROM links
WHERE tenant = $1
    AND identity_key = ANY($2::uuid[])
    AND other_key = ANY($2::uuid[])
    AND anchored";

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

/// A link as seen from one of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// This end.
    pub key: IdentityKey,
    /// The other end.
    pub other: IdentityKey,
    /// Whether this end was the anchor.
    pub anchored: bool,
    /// When the two were first together in an interaction.
    pub first_seen: Micros,
    /// When they last were.
    pub last_seen: Micros,
    /// In how many interactions they were.
    pub seen: i64,
}

impl Link {
    /// As seen from the other end.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            key: self.other,
            other: self.key,
            anchored: !self.anchored,
            ..self
        }
    }
}

type Row = (Uuid, Uuid, bool, DateTime<Utc>, DateTime<Utc>, i64);

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

async fn write(
    connection: &mut PgConnection,
    statement: &'static str,
    tenant: &TenantId,
    links: &[Link],
) -> Result<()> {
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
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds evidence to links, new or not. Each (key, other) stands once in `links`, from both ends.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.links.add", skip_all, fields(rows = links.len()))]
pub async fn add(connection: &mut PgConnection, tenant: &TenantId, links: &[Link]) -> Result<()> {
    write(connection, ADD, tenant, links).await
}

/// Sets links to what is given.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.links.put", skip_all, fields(rows = links.len()))]
pub async fn put(connection: &mut PgConnection, tenant: &TenantId, links: &[Link]) -> Result<()> {
    write(connection, PUT, tenant, links).await
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
