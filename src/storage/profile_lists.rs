//! Walks over the profiles of a tenant that have identifiers.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Result,
    profiles::{Profile, Row},
};
use crate::ids::{ProfileId, TenantId};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("profiles.live_from", LIVE_FROM),
    ("profiles.by_day", BY_DAY),
];

const LIVE_FROM: &str = "
SELECT
    profile_id,
    version,
    rules,
    home,
    summary,
    state,
    octet_length(members) AS members_length,
    members,
    NULL::bytea AS subjects
FROM profiles
WHERE tenant = $1 AND profile_id >= $2 AND last_day IS NOT NULL
ORDER BY profile_id
LIMIT $3";

const BY_DAY: &str = "
SELECT last_day, profile_id
FROM profiles
WHERE tenant = $1
    AND last_day IS NOT NULL
    AND last_day BETWEEN $2 AND $3
    AND (last_day < $4 OR (last_day = $4 AND profile_id > $5))
ORDER BY last_day DESC, profile_id
LIMIT $6";

/// The profiles that have members from an id on, in their order, without subjects.
///
/// # Errors
/// When the database fails or a profile cannot be read.
#[tracing::instrument(name = "db.profiles.live_from", skip_all)]
pub async fn live_from(
    connection: &mut PgConnection,
    tenant: &TenantId,
    first: ProfileId,
    limit: i64,
) -> Result<Vec<Profile>> {
    let rows: Vec<Row> = sqlx::query_as(LIVE_FROM)
        .bind(tenant.as_str())
        .bind(first.as_uuid())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(Profile::try_from).collect()
}

/// Profiles last seen on the days from the first to the last, newest day first, after a point.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.profiles.by_day", skip_all)]
pub async fn by_day(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (first, last): (i32, i32),
    after: (i32, ProfileId),
    limit: i64,
) -> Result<Vec<(i32, ProfileId)>> {
    let rows: Vec<(i32, Uuid)> = sqlx::query_as(BY_DAY)
        .bind(tenant.as_str())
        .bind(first)
        .bind(last)
        .bind(after.0)
        .bind(after.1.as_uuid())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(day, id)| (day, ProfileId::from_uuid(id)))
        .collect())
}
