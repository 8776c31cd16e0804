//! Everything that resolution looks at, page by page and without states: for previews of rules.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{
    Result,
    identities::{neighbours, standing},
    links,
};
use crate::{
    clock::Micros,
    identity::{Link, Normalised, population::Stored},
    ids::{IdentityKey, ProfileId, TenantId},
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("population.identities", IDENTITIES),
    ("population.links", LINKS),
    ("population.homes", HOMES),
    ("population.count", COUNT),
];

const IDENTITIES: &str = "
SELECT identity_key, namespace, value, profile_id, first_seen, neighbours, standing, apart
FROM identities
WHERE tenant = $1 AND identity_key > $2 AND present
ORDER BY identity_key
LIMIT $3";

// Each link once: from the end that was the anchor.
const LINKS: &str = "
SELECT identity_key, other_key, anchored, first_seen, last_seen, seen
FROM links
WHERE tenant = $1 AND (identity_key, other_key) > ($2, $3) AND anchored
ORDER BY identity_key, other_key
LIMIT $4";

const HOMES: &str = "
SELECT profile_id, home
FROM profiles
WHERE tenant = $1 AND profile_id > $2 AND last_day IS NOT NULL
ORDER BY profile_id
LIMIT $3";

const COUNT: &str = "
SELECT count(*)
FROM identities
WHERE tenant = $1 AND present";

#[derive(FromRow)]
struct Row {
    identity_key: Uuid,
    namespace: String,
    value: String,
    profile_id: Uuid,
    first_seen: DateTime<Utc>,
    neighbours: Vec<u8>,
    standing: i16,
    apart: bool,
}

/// How many identifiers interactions speak of.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.population.count", skip_all)]
pub async fn count(connection: &mut PgConnection, tenant: &TenantId) -> Result<i64> {
    Ok(sqlx::query_scalar(COUNT)
        .bind(tenant.as_str())
        .fetch_one(connection)
        .await?)
}

/// The identifiers after a key, in the order of keys.
///
/// # Errors
/// When the database fails or a row cannot be read.
#[tracing::instrument(name = "db.population.identities", skip_all)]
pub async fn identities(
    connection: &mut PgConnection,
    tenant: &TenantId,
    last: IdentityKey,
    limit: i64,
) -> Result<Vec<Stored>> {
    let rows: Vec<Row> = sqlx::query_as(IDENTITIES)
        .bind(tenant.as_str())
        .bind(last.as_uuid())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Stored {
                key: IdentityKey::from_uuid(row.identity_key),
                identifier: Normalised {
                    namespace: row.namespace,
                    value: row.value,
                },
                first_seen: Micros::from_datetime(row.first_seen),
                profile: ProfileId::from_uuid(row.profile_id),
                neighbours: neighbours(&row.neighbours)?,
                standing: standing(row.standing)?,
                apart: row.apart,
            })
        })
        .collect()
}

/// The links after a point, each from the end that was the anchor, in the order of keys.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.population.links", skip_all)]
pub async fn links(
    connection: &mut PgConnection,
    tenant: &TenantId,
    last: (IdentityKey, IdentityKey),
    limit: i64,
) -> Result<Vec<Link>> {
    let rows: Vec<links::Row> = sqlx::query_as(LINKS)
        .bind(tenant.as_str())
        .bind(last.0.as_uuid())
        .bind(last.1.as_uuid())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Link::from).collect())
}

/// The profiles with identifiers after an id, in the order of ids, and the keys of their homes.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.population.homes", skip_all)]
pub async fn homes(
    connection: &mut PgConnection,
    tenant: &TenantId,
    last: ProfileId,
    limit: i64,
) -> Result<Vec<(ProfileId, IdentityKey)>> {
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(HOMES)
        .bind(tenant.as_str())
        .bind(last.as_uuid())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, home)| (ProfileId::from_uuid(id), IdentityKey::from_uuid(home)))
        .collect())
}
