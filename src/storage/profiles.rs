//! Profiles: sets of identities with their merged state.

use std::collections::BTreeSet;

use prost::Message as _;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{Error, Result, identities::beside, summaries};
use crate::{
    clock::Micros,
    identity::{Home, Makeup, Members, Normalised},
    ids::{IdentityKey, ProfileId, TenantId},
    profile::{State, encoding::Encoded},
    proto::state::v1::Summary,
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("profiles.load", LOAD),
    ("profiles.read", READ),
    ("profiles.version", VERSION),
    ("profiles.after", AFTER),
    ("profiles.count", COUNT),
    ("profiles.upsert", UPSERT),
];

// OFFSET 0 keeps it a look-up for each id, as in `identities`.
const LOAD: &str = "
SELECT
    stored.profile_id,
    stored.version,
    stored.rules,
    stored.home,
    stored.summary,
    stored.state,
    stored.segments,
    octet_length(stored.members) AS members_length,
    CASE WHEN wanted.members THEN stored.members END AS members,
    CASE WHEN wanted.subjects THEN stored.subjects END AS subjects
FROM unnest($2::uuid[], $3::boolean[], $4::boolean[]) AS wanted (profile_id, members, subjects)
CROSS JOIN LATERAL (
    SELECT *
    FROM profiles AS found
    WHERE found.tenant = $1 AND found.profile_id = wanted.profile_id
    OFFSET 0
) AS stored";

// For look-ups: no subjects, since the totals in the state show them.
const READ: &str = "
SELECT
    profile_id,
    version,
    rules,
    home,
    summary,
    state,
    segments,
    octet_length(members) AS members_length,
    members,
    NULL::bytea AS subjects,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1 AS position
FROM profiles
WHERE tenant = $1 AND profile_id = ANY($2::uuid[])";

const VERSION: &str = "
SELECT version
FROM profiles
WHERE tenant = $1 AND profile_id = $2";

const AFTER: &str = "
SELECT
    profile_id,
    version,
    rules,
    home,
    summary,
    state,
    segments,
    octet_length(members) AS members_length,
    members,
    subjects
FROM profiles
WHERE tenant = $1 AND profile_id > $2
ORDER BY profile_id
LIMIT $3";

// Merged-away ids are passed over; no subjects, which may be large.
const COUNT: &str = "
SELECT count(*)
FROM profiles
WHERE tenant = $1 AND last_day IS NOT NULL";

// A profile that is last seen has members; when none are given they stay, and a large set is not written again.
const UPSERT: &str = "
INSERT INTO profiles AS stored
    (tenant, profile_id, version, home, summary, last_day, state, members, subjects, rules)
SELECT $1, profile_id, version, home, summary, last_day, state, coalesce(members, ''), subjects, rules
FROM unnest(
    $2::uuid[], $3::bigint[], $4::uuid[], $5::bytea[], $6::integer[], $7::bytea[], $8::bytea[], $9::bytea[], $10::bigint[]
) AS given (profile_id, version, home, summary, last_day, state, members, subjects, rules)
ON CONFLICT (tenant, profile_id) DO UPDATE SET
    version = excluded.version,
    rules = excluded.rules,
    home = excluded.home,
    summary = excluded.summary,
    last_day = excluded.last_day,
    state = excluded.state,
    members = CASE
        WHEN excluded.members = '' AND excluded.last_day IS NOT NULL THEN stored.members
        ELSE excluded.members
    END,
    subjects = CASE WHEN excluded.subjects = '' THEN stored.subjects ELSE excluded.subjects END";

/// A stored profile.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its id.
    pub id: ProfileId,
    /// Its version.
    pub version: i64,
    /// Key of its home.
    pub home_key: IdentityKey,
    /// Its home.
    pub home: Home,
    /// The merge of its identities' states.
    pub state: State,
    /// Whether it keeps its home beside stronger identifiers.
    pub keeps_home: bool,
    /// What it is made of.
    pub makeup: Makeup,
    /// Its identities that lend it nothing.
    pub apart: BTreeSet<IdentityKey>,
    /// The revision of the rules under which it was resolved; 0 when it waits to be resolved.
    pub rules: i64,
    /// How many identities it has; none when it is merged away.
    pub members_total: usize,
    /// Its identities, when they were asked for.
    pub members: Option<Members>,
    /// The segments that it was in when it was last looked at, in their order.
    pub segments: Vec<String>,
}

#[derive(FromRow)]
pub(super) struct Row {
    pub(super) profile_id: Uuid,
    pub(super) version: i64,
    pub(super) rules: i64,
    pub(super) home: Uuid,
    pub(super) summary: Vec<u8>,
    pub(super) state: Vec<u8>,
    pub(super) members_length: i32,
    pub(super) members: Option<Vec<u8>>,
    pub(super) subjects: Option<Vec<u8>>,
    #[sqlx(default)]
    pub(super) segments: Option<Vec<String>>,
}

#[derive(FromRow)]
struct ReadRow {
    #[sqlx(flatten)]
    row: Row,
    position: i64,
}

impl TryFrom<Row> for Profile {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let state = State::decode(&row.state, row.subjects.as_deref())
            .map_err(|e| Error::corrupt("profile state", e))?;
        let summary = Summary::decode(row.summary.as_slice())
            .map_err(|e| Error::corrupt("profile summary", e))?;
        let members = row
            .members
            .map(|members| Members::decode(&members))
            .transpose()
            .map_err(|e| Error::corrupt("profile members", e))?;
        let makeup = summaries::makeup(&summary)?;
        Ok(Self {
            id: ProfileId::from_uuid(row.profile_id),
            version: row.version,
            home_key: IdentityKey::from_uuid(row.home),
            keeps_home: summary.keeps_home,
            makeup,
            apart: summaries::keys(&summary.apart)?,
            rules: row.rules,
            home: Home {
                identifier: Normalised {
                    namespace: summary.home_namespace,
                    value: summary.home_value,
                },
                first_seen: Micros(summary.home_first_seen),
            },
            state,
            members_total: Members::count_of(
                usize::try_from(row.members_length).unwrap_or_default(),
            ),
            members,
            segments: row.segments.unwrap_or_default(),
        })
    }
}

/// What to load of a profile.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Its id.
    pub id: ProfileId,
    /// Whether its members are needed.
    pub members: bool,
    /// Whether the subjects beside its state are needed.
    pub subjects: bool,
}

impl Wanted {
    /// Only its row.
    #[must_use]
    pub fn row(id: ProfileId) -> Self {
        Self {
            id,
            members: false,
            subjects: false,
        }
    }

    /// With its members.
    #[must_use]
    pub fn with_members(id: ProfileId) -> Self {
        Self {
            members: true,
            ..Self::row(id)
        }
    }
}

/// A profile to write.
#[derive(Clone)]
pub struct Write {
    /// Its id.
    pub id: ProfileId,
    /// Its new version.
    pub version: i64,
    /// Key of its home.
    pub home_key: IdentityKey,
    /// Its home.
    pub home: Home,
    /// Latest occurred-at; absent when it is merged away.
    pub last_seen: Option<Micros>,
    /// The merge of its identities' states.
    pub state: Encoded,
    /// Its identities; absent leaves them.
    pub members: Option<Members>,
    /// Whether it keeps its home beside stronger identifiers.
    pub keeps_home: bool,
    /// What it is made of.
    pub makeup: Makeup,
    /// Its identities that lend it nothing.
    pub apart: BTreeSet<IdentityKey>,
    /// The revision of the rules under which it was resolved; 0 when it waits to be resolved.
    pub rules: i64,
}

impl Write {
    /// Its summary as it is stored.
    #[must_use]
    pub fn summary(&self) -> Vec<u8> {
        summaries::encode(self)
    }

    /// A profile that has no identities any more.
    #[must_use]
    pub fn emptied(id: ProfileId, version: i64, home_key: IdentityKey, home: Home) -> Self {
        Self {
            id,
            version,
            home_key,
            home,
            last_seen: None,
            state: State::default().encode(),
            members: None,
            keeps_home: false,
            makeup: Makeup::default(),
            apart: BTreeSet::new(),
            rules: 0,
        }
    }
}

/// Loads profiles for writing.
///
/// # Errors
/// When the database fails or a profile cannot be read.
#[tracing::instrument(name = "db.profiles.load", skip_all, fields(rows = wanted.len()))]
pub async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    wanted: &[Wanted],
) -> Result<Vec<Profile>> {
    let rows: Vec<Row> = sqlx::query_as(LOAD)
        .bind(tenant.as_str())
        .bind(wanted.iter().map(|w| w.id.as_uuid()).collect::<Vec<_>>())
        .bind(wanted.iter().map(|w| w.members).collect::<Vec<_>>())
        .bind(wanted.iter().map(|w| w.subjects).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(Profile::try_from).collect()
}

/// Reads profiles for a look-up, each with the latest position of which something may be in what was read.
///
/// # Errors
/// When the database fails or a profile cannot be read.
#[tracing::instrument(name = "db.profiles.read", skip_all, fields(rows = ids.len()))]
pub async fn read(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[ProfileId],
) -> Result<Vec<(Profile, i64)>> {
    let rows: Vec<ReadRow> = sqlx::query_as(READ)
        .bind(tenant.as_str())
        .bind(ids.iter().map(|id| id.as_uuid()).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    rows.into_iter()
        .map(|row| Ok((Profile::try_from(row.row)?, row.position)))
        .collect()
}

/// The version of a profile; none when there is none.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.profiles.version", skip_all)]
pub async fn version(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: ProfileId,
) -> Result<Option<i64>> {
    let version = sqlx::query_scalar(VERSION)
        .bind(tenant.as_str())
        .bind(id.as_uuid())
        .fetch_optional(connection)
        .await?;
    Ok(version)
}

/// The profiles after an id, in their order, whole.
///
/// # Errors
/// When the database fails or a profile cannot be read.
#[tracing::instrument(name = "db.profiles.after", skip_all)]
pub async fn after(
    connection: &mut PgConnection,
    tenant: &TenantId,
    last: ProfileId,
    limit: i64,
) -> Result<Vec<Profile>> {
    let rows: Vec<Row> = sqlx::query_as(AFTER)
        .bind(tenant.as_str())
        .bind(last.as_uuid())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(Profile::try_from).collect()
}

/// How many profiles have members.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.profiles.count", skip_all)]
pub async fn count(connection: &mut PgConnection, tenant: &TenantId) -> Result<i64> {
    Ok(sqlx::query_scalar(COUNT)
        .bind(tenant.as_str())
        .fetch_one(connection)
        .await?)
}

/// Writes profiles, new or not. The caller holds their locks.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.profiles.upsert", skip_all, fields(rows = writes.len()))]
pub async fn upsert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    writes: &[Write],
) -> Result<()> {
    sqlx::query(UPSERT)
        .bind(tenant.as_str())
        .bind(writes.iter().map(|w| w.id.as_uuid()).collect::<Vec<_>>())
        .bind(writes.iter().map(|w| w.version).collect::<Vec<_>>())
        .bind(
            writes
                .iter()
                .map(|w| w.home_key.as_uuid())
                .collect::<Vec<_>>(),
        )
        .bind(writes.iter().map(Write::summary).collect::<Vec<_>>())
        .bind(
            writes
                .iter()
                .map(|w| w.last_seen.map(Micros::day))
                .collect::<Vec<_>>(),
        )
        .bind(
            writes
                .iter()
                .map(|w| w.state.state.as_slice())
                .collect::<Vec<_>>(),
        )
        .bind(
            writes
                .iter()
                .map(|w| w.members.as_ref().map(Members::encode))
                .collect::<Vec<_>>(),
        )
        .bind(
            writes
                .iter()
                .map(|w| beside(Some(&w.state)))
                .collect::<Vec<_>>(),
        )
        .bind(writes.iter().map(|w| w.rules).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}
