//! Snapshots of what was learned of actions.
//!
//! What must stay true: a snapshot is written once and never changed, and its number only grows: decisions name it and are made
//! again from it.

use sqlx::PgConnection;

use super::Result;
use crate::{calendar::Day, ids::TenantId};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("action_models.latest", LATEST),
    ("action_models.load", LOAD),
    ("action_models.before", BEFORE),
    ("action_models.insert", INSERT),
];

const LATEST: &str = "
SELECT snapshot, as_of
FROM action_models
WHERE tenant = $1
ORDER BY snapshot DESC
LIMIT 1";

const LOAD: &str = "
SELECT as_of, body, contextual, standing
FROM action_models
WHERE tenant = $1 AND snapshot = $2";

const BEFORE: &str = "
SELECT snapshot, as_of, standing
FROM action_models
WHERE tenant = $1 AND snapshot < $2 AND contextual IS NOT NULL AND standing IS NOT NULL
ORDER BY snapshot DESC
LIMIT 1";

const INSERT: &str = "
INSERT INTO action_models (tenant, snapshot, as_of, catalogue_revision, body, contextual, standing)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant, snapshot) DO NOTHING";

/// The newest snapshot of a tenant, with its day; none before the first.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.action_models.latest", skip_all)]
pub async fn latest(
    connection: &mut PgConnection,
    tenant: &TenantId,
) -> Result<Option<(i64, Day)>> {
    let found: Option<(i64, i32)> = sqlx::query_as(LATEST)
        .bind(tenant.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(found.map(|(snapshot, day)| (snapshot, Day(day))))
}

/// What a snapshot holds, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The last closed day that was read.
    pub as_of: Day,
    /// Level 1.
    pub counts: Vec<u8>,
    /// Level 2 and what stands beside it; none from a release that had none.
    pub contextual: Option<(Vec<u8>, Vec<u8>)>,
}

/// Columns of a snapshot: day, level 1, level 2, what stands beside it.
type Row = (i32, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>);

/// What a snapshot holds; none when there is none of this number.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.action_models.load", skip_all)]
pub async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    snapshot: i64,
) -> Result<Option<Stored>> {
    let found: Option<Row> = sqlx::query_as(LOAD)
        .bind(tenant.as_str())
        .bind(snapshot)
        .fetch_optional(connection)
        .await?;
    Ok(found.map(|(day, counts, weights, standing)| Stored {
        as_of: Day(day),
        counts,
        contextual: weights.zip(standing),
    }))
}

/// The newest snapshot with level 2 before another, with its day and what stands beside the weights.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.action_models.before", skip_all)]
pub async fn before(
    connection: &mut PgConnection,
    tenant: &TenantId,
    snapshot: i64,
) -> Result<Option<(i64, Day, Vec<u8>)>> {
    let found: Option<(i64, i32, Vec<u8>)> = sqlx::query_as(BEFORE)
        .bind(tenant.as_str())
        .bind(snapshot)
        .fetch_optional(connection)
        .await?;
    Ok(found.map(|(snapshot, day, standing)| (snapshot, Day(day), standing)))
}

/// Stores a snapshot, unless there is one of this number.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.action_models.insert", skip_all)]
pub async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (snapshot, revision): (i64, i64),
    stored: &Stored,
) -> Result<bool> {
    let contextual = stored.contextual.as_ref();
    let done = sqlx::query(INSERT)
        .bind(tenant.as_str())
        .bind(snapshot)
        .bind(stored.as_of.0)
        .bind(revision)
        .bind(&stored.counts)
        .bind(contextual.map(|(weights, _)| weights))
        .bind(contextual.map(|(_, standing)| standing))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}
