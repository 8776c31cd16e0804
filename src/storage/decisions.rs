//! Operators' decisions: merges, separations and undos, each recorded once.
//!
//! A row is written by the transaction that carries the decision out, and says who made it, when, why, and what came of it:
//! it is the audit record. Later decisions only leave their marks (`undone_by`, `voided_by`).

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{Error, Result, stored_time};
use crate::{
    clock::Micros,
    ids::{DecisionId, TenantId},
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("decisions.insert", INSERT),
    ("decisions.load", LOAD),
    ("decisions.mark_undone", MARK_UNDONE),
    ("decisions.mark_voided", MARK_VOIDED),
    ("decisions.after", AFTER),
    ("decisions.not_indexed", NOT_INDEXED),
    ("decisions.not_indexed_anywhere", NOT_INDEXED_ANYWHERE),
    ("decisions.mark_indexed", MARK_INDEXED),
];

const INSERT: &str = "
INSERT INTO decisions (tenant, decision_id, operation_id, kind, made_at, caller, reason, body, outcome, indexed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, true)";

const LOAD: &str = "
SELECT decision_id, operation_id, kind, made_at, caller, reason, body, outcome, undone_by, voided_by, indexed
FROM decisions
WHERE tenant = $1 AND decision_id = ANY($2::uuid[])";

const MARK_UNDONE: &str = "
UPDATE decisions
SET undone_by = $3
WHERE tenant = $1 AND decision_id = $2 AND undone_by IS NULL";

const MARK_VOIDED: &str = "
UPDATE decisions
SET voided_by = voided_by || $3
WHERE tenant = $1 AND decision_id = ANY($2::uuid[])";

const AFTER: &str = "
SELECT decision_id, operation_id, kind, made_at, caller, reason, body, outcome, undone_by, voided_by, indexed
FROM decisions
WHERE tenant = $1 AND decision_id > $2
ORDER BY decision_id
LIMIT $3";

const NOT_INDEXED: &str = "
SELECT decision_id, operation_id, kind, made_at, caller, reason, body, outcome, undone_by, voided_by, indexed
FROM decisions
WHERE tenant = $1 AND NOT indexed
LIMIT $2";

// Of every tenant: what a migration would do, could SQL read the bodies.
const NOT_INDEXED_ANYWHERE: &str = "
SELECT tenant, decision_id
FROM decisions
WHERE NOT indexed
LIMIT $1";

const MARK_INDEXED: &str = "
UPDATE decisions
SET indexed = true
WHERE tenant = $1 AND decision_id = $2";

/// What kind of decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Two profiles are one person.
    Merge,
    /// Some identifiers of a profile are another person's.
    Separation,
    /// A decision is taken back.
    Undo,
}

impl Kind {
    fn code(self) -> i16 {
        match self {
            Self::Merge => 1,
            Self::Separation => 2,
            Self::Undo => 3,
        }
    }
}

/// A decision as stored.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Its id.
    pub id: DecisionId,
    /// The caller's id of the operation.
    pub operation: String,
    /// What kind.
    pub kind: Kind,
    /// When it was made.
    pub made_at: Micros,
    /// Who made it.
    pub caller: String,
    /// Why.
    pub reason: String,
    /// What the request was frozen into, in its kind's own form.
    pub body: Vec<u8>,
    /// What came of it.
    pub outcome: Vec<u8>,
    /// What took it back.
    pub undone_by: Option<DecisionId>,
    /// The merges that void it, whether or not they are in force.
    pub voided_by: Vec<DecisionId>,
    /// Whether its identifiers are in `decision_keys`.
    pub indexed: bool,
}

#[derive(FromRow)]
struct Row {
    decision_id: Uuid,
    operation_id: String,
    kind: i16,
    made_at: DateTime<Utc>,
    caller: String,
    reason: String,
    body: Vec<u8>,
    outcome: Vec<u8>,
    undone_by: Option<Uuid>,
    voided_by: Vec<Uuid>,
    indexed: bool,
}

impl TryFrom<Row> for Decision {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: DecisionId::from_uuid(row.decision_id),
            operation: row.operation_id,
            kind: match row.kind {
                1 => Kind::Merge,
                2 => Kind::Separation,
                3 => Kind::Undo,
                _ => return Err(Error::corrupt("kind of a decision", "it is none of ours")),
            },
            made_at: Micros::from_datetime(row.made_at),
            caller: row.caller,
            reason: row.reason,
            body: row.body,
            outcome: row.outcome,
            undone_by: row.undone_by.map(DecisionId::from_uuid),
            voided_by: row
                .voided_by
                .into_iter()
                .map(DecisionId::from_uuid)
                .collect(),
            indexed: row.indexed,
        })
    }
}

/// Records a decision, whose identifiers are noted in `decision_keys` in the same transaction.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.decisions.insert", skip_all)]
pub async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    decision: &Decision,
) -> Result<()> {
    sqlx::query(INSERT)
        .bind(tenant.as_str())
        .bind(decision.id.as_uuid())
        .bind(&decision.operation)
        .bind(decision.kind.code())
        .bind(stored_time(decision.made_at))
        .bind(&decision.caller)
        .bind(&decision.reason)
        .bind(&decision.body)
        .bind(&decision.outcome)
        .execute(connection)
        .await?;
    Ok(())
}

/// Loads decisions.
///
/// # Errors
/// When the database fails or a decision cannot be read.
#[tracing::instrument(name = "db.decisions.load", skip_all, fields(rows = ids.len()))]
pub async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[DecisionId],
) -> Result<Vec<Decision>> {
    let rows: Vec<Row> = sqlx::query_as(LOAD)
        .bind(tenant.as_str())
        .bind(uuids(ids))
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(Decision::try_from).collect()
}

/// Marks a decision as undone. Answers whether it was not before.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.decisions.mark_undone", skip_all)]
pub async fn mark_undone(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: DecisionId,
    by: DecisionId,
) -> Result<bool> {
    let done = sqlx::query(MARK_UNDONE)
        .bind(tenant.as_str())
        .bind(id.as_uuid())
        .bind(by.as_uuid())
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Marks separations as voided by a merge.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.decisions.mark_voided", skip_all)]
pub async fn mark_voided(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[DecisionId],
    by: DecisionId,
) -> Result<()> {
    sqlx::query(MARK_VOIDED)
        .bind(tenant.as_str())
        .bind(uuids(ids))
        .bind(by.as_uuid())
        .execute(connection)
        .await?;
    Ok(())
}

/// The decisions after an id, in the order of ids.
///
/// # Errors
/// When the database fails or a decision cannot be read.
#[tracing::instrument(name = "db.decisions.after", skip_all)]
pub async fn after(
    connection: &mut PgConnection,
    tenant: &TenantId,
    last: DecisionId,
    limit: i64,
) -> Result<Vec<Decision>> {
    let rows: Vec<Row> = sqlx::query_as(AFTER)
        .bind(tenant.as_str())
        .bind(last.as_uuid())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(Decision::try_from).collect()
}

/// Decisions whose identifiers are not in `decision_keys`: an older release made them.
///
/// # Errors
/// When the database fails or a decision cannot be read.
#[tracing::instrument(name = "db.decisions.not_indexed", skip_all)]
pub async fn not_indexed(
    connection: &mut PgConnection,
    tenant: &TenantId,
    limit: i64,
) -> Result<Vec<Decision>> {
    let rows: Vec<Row> = sqlx::query_as(NOT_INDEXED)
        .bind(tenant.as_str())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(Decision::try_from).collect()
}

/// Some decisions of any tenant whose identifiers are not in `decision_keys`.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.decisions.not_indexed_anywhere", skip_all)]
pub async fn not_indexed_anywhere(
    connection: &mut PgConnection,
    limit: i64,
) -> Result<Vec<(TenantId, DecisionId)>> {
    let rows: Vec<(String, Uuid)> = sqlx::query_as(NOT_INDEXED_ANYWHERE)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.into_iter()
        .map(|(tenant, id)| {
            let tenant = TenantId::parse(&tenant);
            let tenant = tenant.ok_or_else(|| Error::corrupt("tenant of a decision", "no name"))?;
            Ok((tenant, DecisionId::from_uuid(id)))
        })
        .collect()
}

/// Notes that the identifiers of a decision are in `decision_keys`.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.decisions.mark_indexed", skip_all)]
pub async fn mark_indexed(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: DecisionId,
) -> Result<()> {
    sqlx::query(MARK_INDEXED)
        .bind(tenant.as_str())
        .bind(id.as_uuid())
        .execute(connection)
        .await?;
    Ok(())
}

fn uuids(ids: &[DecisionId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.as_uuid()).collect()
}
