//! Under which rules profiles were resolved.
//!
//! A profile of an earlier release, and one of which an interaction would have reached too much, is under revision 0 and
//! waits. Merged-away profiles are under none.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use crate::ids::{ProfileId, TenantId};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("profiles.set_rules", SET_RULES),
    ("profiles.under_others", UNDER_OTHERS),
    ("profiles.tenants_waiting", TENANTS_WAITING),
    ("profiles.count_under_others", COUNT_UNDER_OTHERS),
];

const SET_RULES: &str = "
UPDATE profiles
SET rules = $3
WHERE tenant = $1 AND profile_id = ANY($2::uuid[])";

const UNDER_OTHERS: &str = "
SELECT profile_id
FROM profiles
WHERE tenant = $1 AND profile_id > $2 AND rules <> $3 AND last_day IS NOT NULL
ORDER BY profile_id
LIMIT $4";

// The predicate of the partial index, word for word: mostly the index is empty.
const TENANTS_WAITING: &str = "
SELECT DISTINCT tenant
FROM profiles
WHERE rules = 0 AND last_day IS NOT NULL";

const COUNT_UNDER_OTHERS: &str = "
SELECT count(*)
FROM profiles
WHERE tenant = $1 AND rules <> $2 AND last_day IS NOT NULL";

/// Says under which revision of the rules profiles are.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.profiles.set_rules", skip_all, fields(rows = ids.len()))]
pub async fn set_rules(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[ProfileId],
    revision: i64,
) -> Result<()> {
    sqlx::query(SET_RULES)
        .bind(tenant.as_str())
        .bind(ids.iter().map(|id| id.as_uuid()).collect::<Vec<_>>())
        .bind(revision)
        .execute(connection)
        .await?;
    Ok(())
}

/// Profiles after an id that are not under a revision of the rules, in their order.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.profiles.under_others", skip_all)]
pub async fn under_others(
    connection: &mut PgConnection,
    tenant: &TenantId,
    last: ProfileId,
    revision: i64,
    limit: i64,
) -> Result<Vec<ProfileId>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(UNDER_OTHERS)
        .bind(tenant.as_str())
        .bind(last.as_uuid())
        .bind(revision)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(ids.into_iter().map(ProfileId::from_uuid).collect())
}

/// The tenants with profiles that wait to be resolved.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.profiles.tenants_waiting", skip_all)]
pub async fn tenants_waiting(connection: &mut PgConnection) -> Result<BTreeSet<TenantId>> {
    let names: Vec<String> = sqlx::query_scalar(TENANTS_WAITING)
        .fetch_all(connection)
        .await?;
    let tenants = names.iter().filter_map(|name| TenantId::parse(name));
    Ok(tenants.collect())
}

/// How many profiles are not under a revision of the rules.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.profiles.count_under_others", skip_all)]
pub async fn count_under_others(
    connection: &mut PgConnection,
    tenant: &TenantId,
    revision: i64,
) -> Result<i64> {
    Ok(sqlx::query_scalar(COUNT_UNDER_OTHERS)
        .bind(tenant.as_str())
        .bind(revision)
        .fetch_one(connection)
        .await?)
}
