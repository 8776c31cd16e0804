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
    ("action_models.insert", INSERT),
];

const LATEST: &str = "
SELECT snapshot, as_of
FROM action_models
WHERE tenant = $1
ORDER BY snapshot DESC
LIMIT 1";

const LOAD: &str = "
SELECT as_of, body
FROM action_models
WHERE tenant = $1 AND snapshot = $2";

const INSERT: &str = "
INSERT INTO action_models (tenant, snapshot, as_of, catalogue_revision, body)
VALUES ($1, $2, $3, $4, $5)
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

/// A snapshot: its day and its bytes.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.action_models.load", skip_all)]
pub async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    snapshot: i64,
) -> Result<Option<(Day, Vec<u8>)>> {
    let found: Option<(i32, Vec<u8>)> = sqlx::query_as(LOAD)
        .bind(tenant.as_str())
        .bind(snapshot)
        .fetch_optional(connection)
        .await?;
    Ok(found.map(|(day, body)| (Day(day), body)))
}

/// Stores a snapshot, unless there is one of this number.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.action_models.insert", skip_all)]
pub async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (snapshot, as_of): (i64, Day),
    revision: i64,
    body: &[u8],
) -> Result<bool> {
    let done = sqlx::query(INSERT)
        .bind(tenant.as_str())
        .bind(snapshot)
        .bind(as_of.0)
        .bind(revision)
        .bind(body)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}
