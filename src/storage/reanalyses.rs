//! Re-analyses of a tenant's texts: what they have to do, and how far each is.
//!
//! What must stay true: the cursor only moves on, and only past identifiers of which nothing is left to analyse; what is
//! counted as analysed is counted in the transaction that stores it.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{
    Result,
    interactions::{Place, Row, Stored},
    stored_time,
};
use crate::ids::{IdentityKey, TenantId};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("reanalyses.begin", BEGIN),
    ("reanalyses.load", LOAD),
    ("reanalyses.under_way", UNDER_WAY),
    ("reanalyses.raise", RAISE),
    ("reanalyses.advance", ADVANCE),
    ("reanalyses.count", COUNT),
    ("reanalyses.finish", FINISH),
    ("reanalyses.left", LEFT),
];

const BEGIN: &str = "
INSERT INTO reanalyses (tenant, operation_id, version)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING";

const LOAD: &str = "
SELECT operation_id, version, cursor, identifiers, analyzed, done
FROM reanalyses
WHERE tenant = $1 AND operation_id = $2";

// The predicate of the partial index, word for word: mostly the index is empty.
const UNDER_WAY: &str = "
SELECT tenant, operation_id, version
FROM reanalyses
WHERE NOT done
ORDER BY tenant, started_at, operation_id";

const RAISE: &str = "
UPDATE reanalyses
SET version = $3, cursor = NULL, identifiers = 0
WHERE tenant = $1 AND operation_id = $2 AND version < $3 AND NOT done";

// Of two processes that both believe to have the work, the one that is behind says nothing.
const ADVANCE: &str = "
UPDATE reanalyses
SET cursor = $4, identifiers = identifiers + $5
WHERE tenant = $1 AND operation_id = $2 AND version = $3 AND NOT done AND (cursor IS NULL OR cursor < $4)";

const COUNT: &str = "
UPDATE reanalyses
SET analyzed = analyzed + $3
WHERE tenant = $1 AND operation_id = $2";

const FINISH: &str = "
UPDATE reanalyses
SET done = true, finished_at = now()
WHERE tenant = $1 AND operation_id = $2 AND version = $3 AND NOT done";

// What was analysed by this version, or by a later one, is passed over: by a look-up for each, since a join would read all
// analyses of a tenant for every page. Interactions with a text cannot be told from those without.
const LEFT: &str = "
SELECT stored.anchor, stored.occurred_at, stored.interaction_id, stored.identity_keys, stored.recorded_at, stored.body
FROM interactions AS stored
WHERE stored.tenant = $1
    AND (stored.anchor, stored.occurred_at, stored.interaction_id) > ($2, $3, $4)
    AND stored.retracted_by IS NULL
    AND (
        SELECT known.version
        FROM analyses AS known
        WHERE known.tenant = $1
            AND known.anchor = stored.anchor
            AND known.occurred_at = stored.occurred_at
            AND known.interaction_id = stored.interaction_id
            AND known.method = $5
            AND known.version >= $6
        LIMIT 1
    ) IS NULL
ORDER BY stored.anchor, stored.occurred_at, stored.interaction_id
LIMIT $7";

/// How far a re-analysis is.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Reanalysis {
    /// The caller's operation id.
    #[sqlx(rename = "operation_id")]
    pub operation: String,
    /// Version of the model.
    pub version: i32,
    /// The last identifier that is done.
    pub cursor: Option<Uuid>,
    /// Identifiers that were looked at.
    pub identifiers: i64,
    /// Texts that were analysed.
    pub analyzed: i64,
    /// Whether nothing is left.
    pub done: bool,
}

/// A re-analysis that is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnderWay {
    /// The tenant.
    pub tenant: TenantId,
    /// The caller's operation id.
    pub operation: String,
    /// Version of the model.
    pub version: i32,
}

/// Makes a re-analysis known, unless it is. Answers how far it is.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.reanalyses.begin", skip_all)]
pub async fn begin(
    connection: &mut PgConnection,
    tenant: &TenantId,
    operation: &str,
    version: i32,
) -> Result<Option<Reanalysis>> {
    sqlx::query(BEGIN)
        .bind(tenant.as_str())
        .bind(operation)
        .bind(version)
        .execute(&mut *connection)
        .await?;
    load(connection, tenant, operation).await
}

/// How far a re-analysis is.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.reanalyses.load", skip_all)]
pub async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    operation: &str,
) -> Result<Option<Reanalysis>> {
    Ok(sqlx::query_as(LOAD)
        .bind(tenant.as_str())
        .bind(operation)
        .fetch_optional(connection)
        .await?)
}

/// All that are not done: by tenant, of one tenant in their turn.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.reanalyses.under_way", skip_all)]
pub async fn under_way(connection: &mut PgConnection) -> Result<Vec<UnderWay>> {
    let rows: Vec<(String, String, i32)> = sqlx::query_as(UNDER_WAY).fetch_all(connection).await?;
    let under_way = |(tenant, operation, version): (String, String, i32)| {
        Some(UnderWay {
            tenant: TenantId::parse(&tenant)?,
            operation,
            version,
        })
    };
    Ok(rows.into_iter().filter_map(under_way).collect())
}

/// Lets a re-analysis that is not done begin again with a later version.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.reanalyses.raise", skip_all)]
pub async fn raise(
    connection: &mut PgConnection,
    tenant: &TenantId,
    operation: &str,
    version: i32,
) -> Result<()> {
    sqlx::query(RAISE)
        .bind(tenant.as_str())
        .bind(operation)
        .bind(version)
        .execute(connection)
        .await?;
    Ok(())
}

/// Says that nothing is left of the identifiers up to one, and how many they were since it was said last.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.reanalyses.advance", skip_all)]
pub async fn advance(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (operation, version): (&str, i32),
    (last, identifiers): (IdentityKey, i64),
) -> Result<()> {
    sqlx::query(ADVANCE)
        .bind(tenant.as_str())
        .bind(operation)
        .bind(version)
        .bind(last.as_uuid())
        .bind(identifiers)
        .execute(connection)
        .await?;
    Ok(())
}

/// Counts texts that were analysed.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.reanalyses.count", skip_all)]
pub async fn count(
    connection: &mut PgConnection,
    tenant: &TenantId,
    operation: &str,
    analyzed: i64,
) -> Result<()> {
    sqlx::query(COUNT)
        .bind(tenant.as_str())
        .bind(operation)
        .bind(analyzed)
        .execute(connection)
        .await?;
    Ok(())
}

/// Says that nothing is left. Answers whether that is new.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.reanalyses.finish", skip_all)]
pub async fn finish(
    connection: &mut PgConnection,
    tenant: &TenantId,
    operation: &str,
    version: i32,
) -> Result<bool> {
    let done = sqlx::query(FINISH)
        .bind(tenant.as_str())
        .bind(operation)
        .bind(version)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Interactions after a place that no analysis by a method at a version or a later one is stored of, by anchor and time.
/// Those without a text are among them.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.reanalyses.left", skip_all)]
pub async fn left(
    connection: &mut PgConnection,
    tenant: &TenantId,
    after: Place,
    (method, version): (i16, i32),
    limit: i64,
) -> Result<Vec<Stored>> {
    let first: DateTime<Utc> = stored_time(after.occurred_at);
    let rows: Vec<Row> = sqlx::query_as(LEFT)
        .bind(tenant.as_str())
        .bind(after.anchor.as_uuid())
        .bind(first)
        .bind(after.id.as_uuid())
        .bind(method)
        .bind(version)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Stored::from).collect())
}
