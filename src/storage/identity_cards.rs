//! What look-ups read of identities: identifiers as they are shown, and the times of anchors.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Result, identities::uuids};
use crate::{
    clock::Micros,
    identity::Normalised,
    ids::{IdentityKey, TenantId},
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("identities.cards", CARDS),
    ("identities.count", COUNT),
    ("identities.ever_known", EVER_KNOWN),
    ("identities.spans", SPANS),
];

const CARDS: &str = "
SELECT identity_key, namespace, value, first_seen, last_seen
FROM identities
WHERE tenant = $1 AND identity_key = ANY($2::uuid[])";

const COUNT: &str = "
SELECT count(*)
FROM identities
WHERE tenant = $1 AND present";

// Also those of which nothing speaks any more, and how far transactions are counted.
const EVER_KNOWN: &str = "
SELECT
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next,
    ARRAY(
        SELECT identity_key FROM identities WHERE tenant = $1 AND identity_key = ANY($2::uuid[])
    ) AS known";

const SPANS: &str = "
SELECT identity_key, first_seen, last_seen
FROM identities
WHERE tenant = $1 AND identity_key = ANY($2::uuid[]) AND state IS NOT NULL";

type CardRow = (Uuid, String, String, DateTime<Utc>, DateTime<Utc>);

/// What is shown of an identifier.
#[derive(Clone, Debug)]
pub struct Card {
    /// Its key.
    pub key: IdentityKey,
    /// The identifier.
    pub identifier: Normalised,
    /// First and last time it was in an interaction.
    pub first_seen: Micros,
    /// As `first_seen`.
    pub last_seen: Micros,
}

/// The number that the next transaction gets, and which of some identities were ever recorded.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identities.ever_known", skip_all, fields(rows = keys.len()))]
pub async fn ever_known(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[IdentityKey],
) -> Result<(i64, Vec<IdentityKey>)> {
    let (next, known): (i64, Vec<Uuid>) = sqlx::query_as(EVER_KNOWN)
        .bind(tenant.as_str())
        .bind(uuids(keys))
        .fetch_one(connection)
        .await?;
    Ok((
        next,
        known.into_iter().map(IdentityKey::from_uuid).collect(),
    ))
}

/// Loads what is shown of identifiers.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identities.cards", skip_all, fields(rows = keys.len()))]
pub async fn cards(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[IdentityKey],
) -> Result<Vec<Card>> {
    let rows: Vec<CardRow> = sqlx::query_as(CARDS)
        .bind(tenant.as_str())
        .bind(uuids(keys))
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(key, namespace, value, first_seen, last_seen)| Card {
            key: IdentityKey::from_uuid(key),
            identifier: Normalised { namespace, value },
            first_seen: Micros::from_datetime(first_seen),
            last_seen: Micros::from_datetime(last_seen),
        })
        .collect())
}

/// Within which times the interactions of an anchor lie.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The anchor.
    pub key: IdentityKey,
    /// None is earlier.
    pub first: Micros,
    /// None is later.
    pub last: Micros,
}

/// The times of those identities that are anchors.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identities.spans", skip_all, fields(rows = keys.len()))]
pub async fn spans(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[IdentityKey],
) -> Result<Vec<Span>> {
    let rows: Vec<(Uuid, DateTime<Utc>, DateTime<Utc>)> = sqlx::query_as(SPANS)
        .bind(tenant.as_str())
        .bind(uuids(keys))
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(key, first, last)| Span {
            key: IdentityKey::from_uuid(key),
            first: Micros::from_datetime(first),
            last: Micros::from_datetime(last),
        })
        .collect())
}

/// How many identities there are.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identities.count", skip_all)]
pub async fn count(connection: &mut PgConnection, tenant: &TenantId) -> Result<i64> {
    Ok(sqlx::query_scalar(COUNT)
        .bind(tenant.as_str())
        .fetch_one(connection)
        .await?)
}
