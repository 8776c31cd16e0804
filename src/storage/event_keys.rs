//! Event keys: what decides whether an interaction is new.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Result, stored_time};
use crate::{
    clock::Micros,
    ids::{IdentityKey, InteractionId, RunId, TenantId},
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("event_keys.claim", CLAIM),
    ("event_keys.load", LOAD),
    ("event_keys.release", RELEASE),
    ("event_keys.of_run", OF_RUN),
    ("event_keys.retract", RETRACT),
    ("event_keys.after", AFTER),
];

// Rows come sorted by key, so that two writers that claim the same keys wait for each other in one direction only.
const CLAIM: &str = "
INSERT INTO event_keys (tenant, event_key, body_hash, anchor, occurred_at, run_id)
SELECT $1, event_key, body_hash, anchor, occurred_at, run_id
FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::uuid[])
    AS given (event_key, body_hash, anchor, occurred_at, run_id)
ON CONFLICT (tenant, event_key) DO NOTHING
RETURNING event_key";

const LOAD: &str = "
SELECT event_key, body_hash, anchor, occurred_at, retracted_by
FROM event_keys
WHERE tenant = $1 AND event_key = ANY($2::uuid[])";

const RELEASE: &str = "
DELETE FROM event_keys
WHERE tenant = $1 AND event_key = ANY($2::uuid[])";

const OF_RUN: &str = "
SELECT event_key, body_hash, anchor, occurred_at, retracted_by
FROM event_keys
WHERE tenant = $1 AND run_id = $2 AND retracted_by IS NULL
ORDER BY event_key
LIMIT $3";

const RETRACT: &str = "
UPDATE event_keys
SET retracted_by = $3
WHERE tenant = $1 AND event_key = ANY($2::uuid[]) AND retracted_by IS NULL";

const AFTER: &str = "
SELECT event_key, body_hash, anchor, occurred_at, retracted_by
FROM event_keys
WHERE tenant = $1 AND event_key > $2
ORDER BY event_key
LIMIT $3";

/// A claim on an event key.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// The interaction's id, which is its event key.
    pub id: InteractionId,
    /// Hash of its content.
    pub body_hash: Uuid,
    /// Its anchor.
    pub anchor: IdentityKey,
    /// When it occurred.
    pub occurred_at: Micros,
    /// The import run it belongs to.
    pub run: Option<RunId>,
}

/// A claimed event key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventKey {
    /// The interaction's id.
    pub id: InteractionId,
    /// Hash of its content.
    pub body_hash: Uuid,
    /// Its anchor.
    pub anchor: IdentityKey,
    /// When it occurred.
    pub occurred_at: Micros,
    /// The operation that retracted it.
    pub retracted_by: Option<String>,
}

type Row = (
    Uuid,
    Uuid,
    Uuid,
    chrono::DateTime<chrono::Utc>,
    Option<String>,
);

impl From<Row> for EventKey {
    fn from((id, body_hash, anchor, occurred_at, retracted_by): Row) -> Self {
        Self {
            id: InteractionId::from_uuid(id),
            body_hash,
            anchor: IdentityKey::from_uuid(anchor),
            occurred_at: Micros::from_datetime(occurred_at),
            retracted_by,
        }
    }
}

/// Claims keys, which must be sorted by id and without repeats; answers with those that were not claimed before.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.event_keys.claim", skip_all, fields(rows = claims.len()))]
pub async fn claim(
    connection: &mut PgConnection,
    tenant: &TenantId,
    claims: &[Claim],
) -> Result<Vec<InteractionId>> {
    let new: Vec<Uuid> = sqlx::query_scalar(CLAIM)
        .bind(tenant.as_str())
        .bind(claims.iter().map(|c| c.id.as_uuid()).collect::<Vec<_>>())
        .bind(claims.iter().map(|c| c.body_hash).collect::<Vec<_>>())
        .bind(
            claims
                .iter()
                .map(|c| c.anchor.as_uuid())
                .collect::<Vec<_>>(),
        )
        .bind(
            claims
                .iter()
                .map(|c| stored_time(c.occurred_at))
                .collect::<Vec<_>>(),
        )
        .bind(
            claims
                .iter()
                .map(|c| c.run.map(RunId::as_uuid))
                .collect::<Vec<_>>(),
        )
        .fetch_all(connection)
        .await?;
    Ok(new.into_iter().map(InteractionId::from_uuid).collect())
}

/// Gives back claims of this transaction that another one will make.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.event_keys.release", skip_all, fields(rows = ids.len()))]
pub async fn release(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[InteractionId],
) -> Result<()> {
    sqlx::query(RELEASE)
        .bind(tenant.as_str())
        .bind(ids.iter().map(|id| id.as_uuid()).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// Loads the keys that exist among those given.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.event_keys.load", skip_all, fields(rows = ids.len()))]
pub async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[InteractionId],
) -> Result<Vec<EventKey>> {
    let rows: Vec<Row> = sqlx::query_as(LOAD)
        .bind(tenant.as_str())
        .bind(ids.iter().map(|id| id.as_uuid()).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(EventKey::from).collect())
}

/// The first keys of a run that are not retracted.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.event_keys.of_run", skip_all)]
pub async fn of_run(
    connection: &mut PgConnection,
    tenant: &TenantId,
    run: RunId,
    limit: i64,
) -> Result<Vec<EventKey>> {
    let rows: Vec<Row> = sqlx::query_as(OF_RUN)
        .bind(tenant.as_str())
        .bind(run.as_uuid())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(EventKey::from).collect())
}

/// Marks keys as retracted by an operation; answers with how many were not before.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.event_keys.retract", skip_all, fields(rows = ids.len()))]
pub async fn retract(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[InteractionId],
    operation: &str,
) -> Result<u64> {
    let done = sqlx::query(RETRACT)
        .bind(tenant.as_str())
        .bind(ids.iter().map(|id| id.as_uuid()).collect::<Vec<_>>())
        .bind(operation)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// The keys after one, in their order, for verification.
///
/// # Errors
/// When the database fails.
pub async fn after(
    connection: &mut PgConnection,
    tenant: &TenantId,
    last: InteractionId,
    limit: i64,
) -> Result<Vec<EventKey>> {
    let rows: Vec<Row> = sqlx::query_as(AFTER)
        .bind(tenant.as_str())
        .bind(last.as_uuid())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(EventKey::from).collect())
}
