//! Who is in which segment, as it was last looked at: with each profile, and by segment.
//!
//! What must stay true: the segments that stand with a profile and the rows by segment are changed together, under the profile's
//! lock, so they never differ. When a profile is looked at again is written by whoever has the tenant's lease, without that lock: who
//! changes the profile meanwhile makes it be looked at again.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Result, stored_time};
use crate::{
    clock::Micros,
    ids::{ProfileId, TenantId},
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("memberships.standing", STANDING),
    ("memberships.write", WRITE),
    ("memberships.insert", INSERT),
    ("memberships.delete", DELETE),
    ("memberships.clear", CLEAR),
    ("memberships.members", MEMBERS),
    ("memberships.among", AMONG),
    ("memberships.sizes", SIZES),
    ("membership_dues.due", DUE),
    ("membership_dues.put", PUT_DUES),
    ("membership_dues.delete", DELETE_DUES),
    ("membership_rules.load", LOAD_RULES),
    ("membership_rules.save", SAVE_RULES),
];

const STANDING: &str = "
SELECT profile_id, version, last_day IS NOT NULL
FROM profiles
WHERE tenant = $1 AND profile_id = ANY($2::uuid[])";

// Arrays of different length, which an array of arrays cannot hold, come as their literals.
const WRITE: &str = "
UPDATE profiles
SET version = given.version, segments = given.segments::text[]
FROM unnest($2::uuid[], $3::bigint[], $4::text[]) AS given (profile_id, version, segments)
WHERE profiles.tenant = $1 AND profiles.profile_id = given.profile_id";

const INSERT: &str = "
INSERT INTO memberships (tenant, segment, profile_id)
SELECT $1, segment, profile_id
FROM unnest($2::text[], $3::uuid[]) AS given (segment, profile_id)
ON CONFLICT DO NOTHING";

const DELETE: &str = "
DELETE FROM memberships
USING unnest($2::text[], $3::uuid[]) AS given (segment, profile_id)
WHERE memberships.tenant = $1
    AND memberships.segment = given.segment
    AND memberships.profile_id = given.profile_id";

const CLEAR: &str = "
WITH gone AS (
    SELECT profile_id, segments
    FROM profiles
    WHERE tenant = $1 AND profile_id = ANY($2::uuid[]) AND segments IS NOT NULL
), cleared AS (
    UPDATE profiles
    SET segments = NULL
    FROM gone
    WHERE profiles.tenant = $1 AND profiles.profile_id = gone.profile_id
), deleted AS (
    DELETE FROM memberships
    USING gone
    WHERE memberships.tenant = $1
        AND memberships.segment = ANY(gone.segments)
        AND memberships.profile_id = gone.profile_id
)
SELECT profile_id, segments FROM gone";

const MEMBERS: &str = "
SELECT member.profile_id, profile.version
FROM memberships AS member
JOIN profiles AS profile ON profile.tenant = member.tenant AND profile.profile_id = member.profile_id
WHERE member.tenant = $1
    AND member.segment = $2
    AND member.profile_id > $3
    AND profile.last_day IS NOT NULL
ORDER BY member.profile_id
LIMIT $4";

const AMONG: &str = "
SELECT profile_id
FROM memberships
WHERE tenant = $1 AND segment = $2 AND profile_id = ANY($3::uuid[])";

// Each by the rows that there are of it, up to a number: a segment of a million costs no more than one of so many.
const SIZES: &str = "
SELECT given.segment, (
    SELECT count(*)
    FROM (
        SELECT FROM memberships
        WHERE memberships.tenant = $1 AND memberships.segment = given.segment
        LIMIT $3
    ) AS members
)
FROM unnest($2::text[]) AS given (segment)";

const DUE: &str = "
SELECT profile_id, due
FROM membership_dues
WHERE tenant = $1 AND due <= $2
ORDER BY due
LIMIT $3";

const PUT_DUES: &str = "
INSERT INTO membership_dues (tenant, profile_id, due)
SELECT $1, profile_id, due
FROM unnest($2::uuid[], $3::timestamptz[]) AS given (profile_id, due)
ORDER BY profile_id
ON CONFLICT (tenant, profile_id) DO UPDATE SET due = excluded.due
WHERE membership_dues.due IS DISTINCT FROM excluded.due";

const DELETE_DUES: &str = "
DELETE FROM membership_dues
WHERE tenant = $1 AND profile_id = ANY($2::uuid[])";

const LOAD_RULES: &str = "
SELECT rules, walked
FROM membership_rules
WHERE tenant = $1";

const SAVE_RULES: &str = "
INSERT INTO membership_rules (tenant, rules, walked)
VALUES ($1, $2, $3)
ON CONFLICT (tenant) DO UPDATE SET rules = excluded.rules, walked = excluded.walked";

/// A profile that comes into segments or goes from them.
#[derive(Clone, Debug)]
pub struct Moved {
    /// The profile.
    pub profile: ProfileId,
    /// Its new version.
    pub version: i64,
    /// All that it is in now, in their order.
    pub segments: Vec<String>,
    /// Those of them that it was not in before.
    pub joined: Vec<String>,
    /// Those that it was in before.
    pub parted: Vec<String>,
}

/// By which rules a tenant's profiles are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// A code of the rules.
    pub rules: [u8; 16],
    /// Up to which profile all have been; none when all are.
    pub walked: Option<ProfileId>,
}

/// The version of some profiles, and whether they have members.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.memberships.standing", skip_all, fields(rows = ids.len()))]
pub async fn standing(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[ProfileId],
) -> Result<HashMap<ProfileId, (i64, bool)>> {
    let rows: Vec<(Uuid, i64, bool)> = sqlx::query_as(STANDING)
        .bind(tenant.as_str())
        .bind(uuids(ids))
        .fetch_all(connection)
        .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(id, version, is_there)| (ProfileId::from_uuid(id), (version, is_there)))
        .collect())
}

/// Writes in which segments some profiles are. The caller holds their locks.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.memberships.write", skip_all, fields(rows = moved.len()))]
pub async fn write(
    connection: &mut PgConnection,
    tenant: &TenantId,
    moved: &[Moved],
) -> Result<()> {
    let ids: Vec<Uuid> = moved.iter().map(|one| one.profile.as_uuid()).collect();
    let versions: Vec<i64> = moved.iter().map(|one| one.version).collect();
    let segments = moved.iter().map(|one| literal(&one.segments));
    let segments: Vec<String> = segments.collect();
    sqlx::query(WRITE)
        .bind(tenant.as_str())
        .bind(ids)
        .bind(versions)
        .bind(segments)
        .execute(&mut *connection)
        .await?;
    for (statement, of) in [
        (INSERT, (|one| &one.joined) as fn(&Moved) -> &Vec<String>),
        (DELETE, |one| &one.parted),
    ] {
        let rows = moved.iter().flat_map(|one| {
            let id = one.profile.as_uuid();
            of(one).iter().map(move |segment| (segment.as_str(), id))
        });
        let (segments, ids): (Vec<&str>, Vec<Uuid>) = rows.unzip();
        if !ids.is_empty() {
            sqlx::query(statement)
                .bind(tenant.as_str())
                .bind(segments)
                .bind(ids)
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

/// Takes profiles that have no members any more out of all segments; answers with those that each was in. The caller holds their
/// locks.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.memberships.clear", skip_all, fields(rows = ids.len()))]
pub async fn clear(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[ProfileId],
) -> Result<HashMap<ProfileId, Vec<String>>> {
    let rows: Vec<(Uuid, Vec<String>)> = sqlx::query_as(CLEAR)
        .bind(tenant.as_str())
        .bind(uuids(ids))
        .fetch_all(connection)
        .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(id, segments)| (ProfileId::from_uuid(id), segments))
        .collect())
}

/// The members of a segment after a profile, in the order of their ids, with their versions.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.memberships.members", skip_all)]
pub async fn members(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (segment, after): (&str, ProfileId),
    limit: i64,
) -> Result<Vec<(ProfileId, i64)>> {
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(MEMBERS)
        .bind(tenant.as_str())
        .bind(segment)
        .bind(after.as_uuid())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(id, version)| (ProfileId::from_uuid(id), version))
        .collect())
}

/// Which of some profiles are in a segment.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.memberships.among", skip_all, fields(rows = ids.len()))]
pub async fn among(
    connection: &mut PgConnection,
    tenant: &TenantId,
    segment: &str,
    ids: &[ProfileId],
) -> Result<Vec<ProfileId>> {
    let rows: Vec<Uuid> = sqlx::query_scalar(AMONG)
        .bind(tenant.as_str())
        .bind(segment)
        .bind(uuids(ids))
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(ProfileId::from_uuid).collect())
}

/// How many members each of some segments has; no more than `most` are counted.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.memberships.sizes", skip_all)]
pub async fn sizes(
    connection: &mut PgConnection,
    tenant: &TenantId,
    segments: &[&str],
    most: i64,
) -> Result<HashMap<String, i64>> {
    let rows: Vec<(String, i64)> = sqlx::query_as(SIZES)
        .bind(tenant.as_str())
        .bind(segments)
        .bind(most)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Profiles that are to be looked at by now, those first that have been for the longest time, and since when.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.membership_dues.due", skip_all)]
pub async fn due(
    connection: &mut PgConnection,
    tenant: &TenantId,
    now: Micros,
    limit: i64,
) -> Result<Vec<(ProfileId, Micros)>> {
    let rows: Vec<(Uuid, DateTime<Utc>)> = sqlx::query_as(DUE)
        .bind(tenant.as_str())
        .bind(stored_time(now))
        .bind(limit)
        .fetch_all(connection)
        .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(id, due)| (ProfileId::from_uuid(id), Micros::from_datetime(due)))
        .collect())
}

/// Notes when profiles are to be looked at again, and that others never are.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.membership_dues.put", skip_all, fields(rows = dues.len()))]
pub async fn put_dues(
    connection: &mut PgConnection,
    tenant: &TenantId,
    dues: &[(ProfileId, Option<Micros>)],
) -> Result<()> {
    let known = dues.iter().filter_map(|(id, due)| Some((*id, (*due)?)));
    let (ids, times): (Vec<Uuid>, Vec<DateTime<Utc>>) = known
        .map(|(id, due)| (id.as_uuid(), stored_time(due)))
        .unzip();
    if !ids.is_empty() {
        sqlx::query(PUT_DUES)
            .bind(tenant.as_str())
            .bind(ids)
            .bind(times)
            .execute(&mut *connection)
            .await?;
    }
    let never = dues.iter().filter(|(_, due)| due.is_none());
    let never: Vec<Uuid> = never.map(|(id, _)| id.as_uuid()).collect();
    if !never.is_empty() {
        sqlx::query(DELETE_DUES)
            .bind(tenant.as_str())
            .bind(never)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// By which rules a tenant's profiles are looked at; none where they never were.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.membership_rules.load", skip_all)]
pub async fn walk(connection: &mut PgConnection, tenant: &TenantId) -> Result<Option<Walk>> {
    let row: Option<(Vec<u8>, Option<Uuid>)> = sqlx::query_as(LOAD_RULES)
        .bind(tenant.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|(rules, walked)| Walk {
        // Of another length: of rules that nobody has, so all are looked at again.
        rules: rules.try_into().unwrap_or_default(),
        walked: walked.map(ProfileId::from_uuid),
    }))
}

/// Notes how far a tenant's profiles have been looked at by which rules.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.membership_rules.save", skip_all)]
pub async fn save_walk(connection: &mut PgConnection, tenant: &TenantId, walk: Walk) -> Result<()> {
    sqlx::query(SAVE_RULES)
        .bind(tenant.as_str())
        .bind(walk.rules.as_slice())
        .bind(walk.walked.map(ProfileId::as_uuid))
        .execute(connection)
        .await?;
    Ok(())
}

/// Names of segments as an array's literal. They are slugs, so nothing in them ends a quote; without quotes one called `null` would be
/// nothing.
pub(super) fn literal(segments: &[String]) -> String {
    let quoted: Vec<String> = segments.iter().map(|name| format!("\"{name}\"")).collect();
    format!("{{{}}}", quoted.join(","))
}

fn uuids(ids: &[ProfileId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.as_uuid()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_may_have_any_name_that_a_slug_may() {
        let named = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            literal(&names)
        };
        assert_eq!(named(&[]), "{}");
        assert_eq!(named(&["null", "vip-1"]), "{\"null\",\"vip-1\"}");
    }
}
