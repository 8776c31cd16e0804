//! Operations that callers may retry.
//!
//! The request is frozen when the operation id is first seen; the outcome is given again on every retry; the same id with
//! another request is refused.

use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::Result;
use crate::ids::TenantId;

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("operations.begin", BEGIN),
    ("operations.lock", LOCK),
    ("operations.load", LOAD),
    ("operations.progress", PROGRESS),
];

const BEGIN: &str = "
INSERT INTO operations (tenant, operation_id, kind, request_hash, caller, reason, progress)
VALUES ($1, $2, $3, $4, $5, $6, '')
ON CONFLICT (tenant, operation_id) DO NOTHING";

const LOCK: &str = "
SELECT kind, request_hash, progress, done
FROM operations
WHERE tenant = $1 AND operation_id = $2
FOR UPDATE NOWAIT";

const LOAD: &str = "
SELECT kind, request_hash, progress, done
FROM operations
WHERE tenant = $1 AND operation_id = $2";

const PROGRESS: &str = "
UPDATE operations
SET progress = $3, done = $4, finished_at = CASE WHEN $4 THEN now() END
WHERE tenant = $1 AND operation_id = $2";

/// A request under an operation id.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The caller's id of the operation.
    pub id: &'a str,
    /// What kind of operation.
    pub kind: &'static str,
    /// Hash of the request.
    pub hash: Uuid,
    /// Who asks.
    pub caller: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// What is known of an operation.
#[derive(Clone, Debug, FromRow)]
pub struct Operation {
    /// What kind of operation.
    pub kind: String,
    /// Hash of the request as first seen.
    pub request_hash: Uuid,
    /// How far it has come, in its kind's own form; empty at first.
    pub progress: Vec<u8>,
    /// Whether it is finished.
    pub done: bool,
}

/// Makes an operation known and takes hold of it until the transaction ends.
///
/// # Errors
/// A conflict when another call holds it; or when the database fails.
#[tracing::instrument(name = "db.operations.begin", skip_all)]
pub async fn begin(
    connection: &mut PgConnection,
    tenant: &TenantId,
    request: Request<'_>,
) -> Result<Operation> {
    sqlx::query(BEGIN)
        .bind(tenant.as_str())
        .bind(request.id)
        .bind(request.kind)
        .bind(request.hash)
        .bind(request.caller)
        .bind(request.reason)
        .execute(&mut *connection)
        .await?;
    let operation = sqlx::query_as(LOCK)
        .bind(tenant.as_str())
        .bind(request.id)
        .fetch_one(connection)
        .await?;
    Ok(operation)
}

/// What is known of an operation, without taking hold of it.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.operations.load", skip_all)]
pub async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: &str,
) -> Result<Option<Operation>> {
    Ok(sqlx::query_as(LOAD)
        .bind(tenant.as_str())
        .bind(id)
        .fetch_optional(connection)
        .await?)
}

/// Notes how far an operation has come.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.operations.progress", skip_all)]
pub async fn progress(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: &str,
    progress: &[u8],
    done: bool,
) -> Result<()> {
    sqlx::query(PROGRESS)
        .bind(tenant.as_str())
        .bind(id)
        .bind(progress)
        .bind(done)
        .execute(connection)
        .await?;
    Ok(())
}
