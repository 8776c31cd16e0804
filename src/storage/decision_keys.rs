//! Which decisions name an identifier, in force or not. Unlike what `decided` holds, nothing is ever taken out.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Result, identities::uuids};
use crate::ids::{DecisionId, IdentityKey, TenantId};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("decision_keys.of", OF),
    ("decision_keys.after", AFTER),
    ("decision_keys.insert", INSERT),
];

const OF: &str = "
SELECT DISTINCT decision_id
FROM decision_keys
WHERE tenant = $1 AND identity_key = ANY($2::uuid[])";

const AFTER: &str = "
SELECT identity_key, decision_id
FROM decision_keys
WHERE tenant = $1 AND (identity_key, decision_id) > ($2, $3)
ORDER BY identity_key, decision_id
LIMIT $4";

const INSERT: &str = "
INSERT INTO decision_keys (tenant, identity_key, decision_id)
SELECT $1, identity_key, $3
FROM unnest($2::uuid[]) AS given (identity_key)
ON CONFLICT DO NOTHING";

/// The decisions that name some identifiers.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.decision_keys.of", skip_all, fields(rows = keys.len()))]
pub async fn of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[IdentityKey],
) -> Result<Vec<DecisionId>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(OF)
        .bind(tenant.as_str())
        .bind(uuids(keys))
        .fetch_all(connection)
        .await?;
    Ok(ids.into_iter().map(DecisionId::from_uuid).collect())
}

/// What is indexed after a point, in the order of keys.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.decision_keys.after", skip_all)]
pub async fn after(
    connection: &mut PgConnection,
    tenant: &TenantId,
    last: Option<(IdentityKey, DecisionId)>,
    limit: i64,
) -> Result<Vec<(IdentityKey, DecisionId)>> {
    let (key, decision) = last.map_or((Uuid::nil(), Uuid::nil()), |last| {
        (last.0.as_uuid(), last.1.as_uuid())
    });
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(AFTER)
        .bind(tenant.as_str())
        .bind(key)
        .bind(decision)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(key, id)| (IdentityKey::from_uuid(key), DecisionId::from_uuid(id)))
        .collect())
}

/// Notes which identifiers a decision names.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.decision_keys.insert", skip_all, fields(rows = keys.len()))]
pub async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[IdentityKey],
    decision: DecisionId,
) -> Result<()> {
    sqlx::query(INSERT)
        .bind(tenant.as_str())
        .bind(uuids(keys))
        .bind(decision.as_uuid())
        .execute(connection)
        .await?;
    Ok(())
}
