//! Reading the outbox on behalf of those who watch: changes of one tenant in the order of their positions.
//!
//! Each change comes with the position of the version before it: a transaction that had its position before it waited for the
//! profile's lock is committed after one with a later position (`feed::order`).

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{Error, Result, outbox::Kind};
use crate::{
    clock::Micros,
    ids::{ProfileId, TenantId},
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("feed.now", NOW),
    ("feed.page", PAGE),
    ("feed.page_of", PAGE_OF),
    ("feed.before", BEFORE),
    ("feed.profiles", PROFILES),
    ("feed.versions", VERSIONS),
];

const NOW: &str = "
SELECT
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next,
    (SELECT system_identifier::text FROM pg_control_system())
        || ' ' || (SELECT oid::text FROM pg_database WHERE datname = current_database())
        || ' ' || left(pg_walfile_name(pg_current_wal_lsn()), 8)
        || ' ' || extract(epoch FROM pg_postmaster_start_time())::text AS incarnation";

// A page of what everybody did, of which the tenant's is told, and the last row in any case: it says how far was looked.
const PAGE: &str = "
WITH looked AS (
    SELECT
        tenant,
        profile_id,
        version,
        position,
        kind,
        written_at,
        merged_into,
        felt,
        joined,
        parted,
        row_number() OVER (ORDER BY position, profile_id, version) AS number
    FROM (
        SELECT tenant, profile_id, version, position, kind, written_at, merged_into, felt, joined, parted
        FROM outbox
        WHERE position >= $2
            AND position < $3
            AND (position > $2 OR (profile_id, version) > ($4, $5))
        ORDER BY position, profile_id, version
        LIMIT $6
    ) AS page
)
SELECT
    looked.profile_id,
    looked.version,
    looked.position,
    looked.kind,
    looked.written_at,
    looked.merged_into,
    looked.felt,
    looked.joined,
    looked.parted,
    looked.tenant = $1 AS ours,
    looked.number = $6 AS last,
    CASE WHEN looked.tenant = $1 THEN (
        SELECT earlier.position
        FROM outbox AS earlier
        WHERE earlier.tenant = $1
            AND earlier.profile_id = looked.profile_id
            AND earlier.version < looked.version
        ORDER BY earlier.version DESC
        LIMIT 1
    ) END AS before
FROM looked
WHERE looked.tenant = $1 OR looked.number = $6
ORDER BY looked.number";

// The same of some profiles, each after a version. OFFSET 0 keeps it a look-up for each.
const PAGE_OF: &str = "
SELECT
    changed.profile_id,
    changed.version,
    changed.position,
    changed.kind,
    changed.written_at,
    changed.merged_into,
    changed.felt,
    changed.joined,
    changed.parted,
    true AS ours,
    false AS last,
    (
        SELECT earlier.position
        FROM outbox AS earlier
        WHERE earlier.tenant = $1
            AND earlier.profile_id = changed.profile_id
            AND earlier.version < changed.version
        ORDER BY earlier.version DESC
        LIMIT 1
    ) AS before
FROM unnest($4::uuid[], $5::bigint[]) AS wanted (profile_id, told)
CROSS JOIN LATERAL (
    SELECT *
    FROM outbox AS found
    WHERE found.tenant = $1
        AND found.profile_id = wanted.profile_id
        AND found.version > wanted.told
        AND found.position >= $2
        AND found.position < $3
    OFFSET 0
) AS changed
ORDER BY changed.position, changed.profile_id, changed.version
LIMIT $6";

const BEFORE: &str = "
SELECT
    profile_id,
    version,
    position,
    kind,
    written_at,
    merged_into,
    felt,
    joined,
    parted,
    true AS ours,
    false AS last,
    NULL::bigint AS before
FROM outbox
WHERE tenant = $1 AND profile_id = $2 AND version < $3
ORDER BY version DESC
LIMIT $4";

const PROFILES: &str = "
SELECT profile_id, version
FROM profiles
WHERE tenant = $1 AND profile_id > $2 AND last_day IS NOT NULL
ORDER BY profile_id
LIMIT $3";

const VERSIONS: &str = "
SELECT profile_id, version
FROM profiles
WHERE tenant = $1 AND profile_id = ANY($2::uuid[]) AND last_day IS NOT NULL
ORDER BY profile_id";

/// A change as it stands in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The profile.
    pub profile: ProfileId,
    /// Its version after the change.
    pub version: i64,
    /// The transaction that made it.
    pub position: i64,
    /// What happened.
    pub kind: Kind,
    /// When that transaction began.
    pub written_at: Micros,
    /// The profile that took it in, when it was merged away; also then not in what an earlier release wrote.
    pub merged_into: Option<ProfileId>,
    /// The position of the version before it, if that is kept.
    pub before: Option<i64>,
    /// Whether it changed what is known of how the customer feels.
    pub felt: bool,
    /// The segments that the profile came into with it.
    pub joined: Vec<String>,
    /// Those that it went from.
    pub parted: Vec<String>,
}

impl Row {
    /// Whether it changed nothing but in which segments the profile is.
    #[must_use]
    pub fn is_of_segments(&self) -> bool {
        self.kind == Kind::Updated && !(self.joined.is_empty() && self.parted.is_empty())
    }
}

/// A page of changes.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Those of the tenant, in the order of position, profile and version.
    pub rows: Vec<Row>,
    /// Where the page ended because it was full: position, profile and version.
    pub full: Option<(i64, ProfileId, i64)>,
}

#[derive(FromRow)]
struct Stored {
    profile_id: Uuid,
    version: i64,
    position: i64,
    kind: i16,
    written_at: DateTime<Utc>,
    merged_into: Option<Uuid>,
    felt: Option<bool>,
    joined: Option<Vec<String>>,
    parted: Option<Vec<String>>,
    ours: bool,
    last: bool,
    before: Option<i64>,
}

impl Stored {
    fn row(self) -> Result<Row> {
        let kind = Kind::of(self.kind);
        Ok(Row {
            profile: ProfileId::from_uuid(self.profile_id),
            version: self.version,
            position: self.position,
            kind: kind.ok_or_else(|| Error::corrupt("outbox", "an unknown kind of change"))?,
            written_at: Micros::from_datetime(self.written_at),
            merged_into: self.merged_into.map(ProfileId::from_uuid),
            before: self.before,
            felt: self.felt.unwrap_or_default(),
            joined: self.joined.unwrap_or_default(),
            parted: self.parted.unwrap_or_default(),
        })
    }
}

/// Where in the outbox of a tenant to look.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<'a> {
    /// Whose.
    pub tenant: &'a TenantId,
    /// From this position on.
    pub from: i64,
    /// Up to this one, which is not looked at. Everything below it has to be committed or never will be.
    pub to: i64,
}

/// How far a database is.
#[derive(Clone, Debug, FromRow)]
pub struct Now {
    /// The oldest position of a transaction that runs.
    pub oldest: i64,
    /// One that no transaction has yet.
    pub next: i64,
    /// Which run of which database it is, as in a page of the outbox.
    pub incarnation: String,
}

/// How far the database is.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.feed.now", skip_all)]
pub async fn now(connection: &mut PgConnection) -> Result<Now> {
    Ok(sqlx::query_as(NOW).fetch_one(connection).await?)
}

/// The next changes of a tenant, looking at `limit` changes of anybody at most, of the first position after a version of a profile.
///
/// # Errors
/// When the database fails or a change cannot be read.
#[tracing::instrument(name = "db.feed.page", skip_all)]
pub async fn page(
    connection: &mut PgConnection,
    stretch: Stretch<'_>,
    after: (ProfileId, i64),
    limit: i64,
) -> Result<Page> {
    let stored: Vec<Stored> = sqlx::query_as(PAGE)
        .bind(stretch.tenant.as_str())
        .bind(stretch.from)
        .bind(stretch.to)
        .bind(after.0.as_uuid())
        .bind(after.1)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    let mut page = Page::default();
    for one in stored {
        if one.last {
            let profile = ProfileId::from_uuid(one.profile_id);
            page.full = Some((one.position, profile, one.version));
        }
        if one.ours {
            page.rows.push(one.row()?);
        }
    }
    Ok(page)
}

/// The next changes of some profiles, each after a version; `limit` at most.
///
/// # Errors
/// When the database fails or a change cannot be read.
#[tracing::instrument(name = "db.feed.page_of", skip_all)]
pub async fn page_of(
    connection: &mut PgConnection,
    stretch: Stretch<'_>,
    wanted: &[(ProfileId, i64)],
    limit: i64,
) -> Result<Page> {
    let stored: Vec<Stored> = sqlx::query_as(PAGE_OF)
        .bind(stretch.tenant.as_str())
        .bind(stretch.from)
        .bind(stretch.to)
        .bind(
            wanted
                .iter()
                .map(|(id, _)| id.as_uuid())
                .collect::<Vec<_>>(),
        )
        .bind(wanted.iter().map(|(_, told)| *told).collect::<Vec<_>>())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    let rows: Result<Vec<Row>> = stored.into_iter().map(Stored::row).collect();
    let rows = rows?;
    let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= limit;
    let last = rows.last().filter(|_| full);
    Ok(Page {
        full: last.map(|row| (row.position, row.profile, row.version)),
        rows,
    })
}

/// The changes of a profile before a version, newest first.
///
/// # Errors
/// When the database fails or a change cannot be read.
#[tracing::instrument(name = "db.feed.before", skip_all)]
pub async fn before(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (profile, version): (ProfileId, i64),
    limit: i64,
) -> Result<Vec<Row>> {
    let stored: Vec<Stored> = sqlx::query_as(BEFORE)
        .bind(tenant.as_str())
        .bind(profile.as_uuid())
        .bind(version)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    stored.into_iter().map(Stored::row).collect()
}

/// The profiles after an id that have members, in their order, with their versions.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.feed.profiles", skip_all)]
pub async fn profiles(
    connection: &mut PgConnection,
    tenant: &TenantId,
    after: ProfileId,
    limit: i64,
) -> Result<Vec<(ProfileId, i64)>> {
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(PROFILES)
        .bind(tenant.as_str())
        .bind(after.as_uuid())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(versioned(rows))
}

/// Those of some profiles that have members, with their versions.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.feed.versions", skip_all)]
pub async fn versions(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[ProfileId],
) -> Result<Vec<(ProfileId, i64)>> {
    let rows: Vec<(Uuid, i64)> = sqlx::query_as(VERSIONS)
        .bind(tenant.as_str())
        .bind(ids.iter().map(|id| id.as_uuid()).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    Ok(versioned(rows))
}

fn versioned(rows: Vec<(Uuid, i64)>) -> Vec<(ProfileId, i64)> {
    let rows = rows.into_iter();
    rows.map(|(id, version)| (ProfileId::from_uuid(id), version))
        .collect()
}
