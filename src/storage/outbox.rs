//! The outbox: every change of a profile, in the transaction that made it.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{Result, figures::tenant_of, memberships};
use crate::ids::{ProfileId, TenantId};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("outbox.append", APPEND),
    ("outbox.delete_old", DELETE_OLD),
    ("outbox.lately", LATELY),
    ("outbox.since", SINCE),
];

const APPEND: &str = "
INSERT INTO outbox (tenant, profile_id, version, position, kind, merged_into, felt, joined, parted)
SELECT $1, profile_id, version, $4, kind, merged_into, felt, joined::text[], parted::text[]
FROM unnest(
    $2::uuid[], $3::bigint[], $5::smallint[], $6::uuid[], $7::boolean[], $8::text[], $9::text[]
) AS given (profile_id, version, kind, merged_into, felt, joined, parted)";

const DELETE_OLD: &str = "
DELETE FROM outbox
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM (
        SELECT ctid, written_at FROM outbox ORDER BY position LIMIT $2
    ) AS oldest
    WHERE written_at < now() - make_interval(secs => $1)
))";

// How far back the newest changes go that are younger than an age; the oldest transaction that runs where there is none.
const LATELY: &str = "
SELECT coalesce(
    (
        SELECT min(position)
        FROM (SELECT position, written_at FROM outbox ORDER BY position DESC LIMIT $2) AS newest
        WHERE written_at > now() - make_interval(secs => $1)
    ),
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint
)";

// A page of changes from a position on, also of transactions that are younger than the oldest that still runs, and those of
// some transactions before; which transactions run; and which incarnation of the store it is read from.
const SINCE: &str = "
SELECT
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next,
    ARRAY(SELECT pg_snapshot_xip(pg_current_snapshot())::text::bigint) AS running,
    (SELECT system_identifier::text FROM pg_control_system())
        || ' ' || (SELECT oid::text FROM pg_database WHERE datname = current_database())
        || ' ' || left(pg_walfile_name(pg_current_wal_lsn()), 8)
        || ' ' || extract(epoch FROM pg_postmaster_start_time())::text AS incarnation,
    coalesce(array_agg(page.tenant), '{}') AS tenants,
    coalesce(array_agg(page.profile_id), '{}') AS profiles,
    coalesce(array_agg(page.version), '{}') AS versions,
    coalesce(array_agg(page.position), '{}') AS positions
FROM (
    (
        SELECT tenant, profile_id, version, position
        FROM outbox
        WHERE position = ANY($3::bigint[])
    )
    UNION ALL
    (
        SELECT tenant, profile_id, version, position
        FROM outbox
        WHERE position >= $1
        ORDER BY position
        LIMIT $2
    )
) AS page";

/// What happened to a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It came to be.
    Created,
    /// It changed.
    Updated,
    /// It took in another profile.
    Merged,
    /// It went into another profile.
    MergedAway,
    /// It lost members, or came back from having been merged away.
    Split,
    /// It has no members any more.
    Emptied,
}

impl Kind {
    /// From what is stored.
    pub(super) fn of(code: i16) -> Option<Self> {
        let all = [
            Self::Created,
            Self::Updated,
            Self::Merged,
            Self::MergedAway,
            Self::Split,
            Self::Emptied,
        ];
        all.into_iter().find(|kind| kind.code() == code)
    }

    /// As it is stored.
    #[must_use]
    pub fn code(self) -> i16 {
        match self {
            Self::Created => 1,
            Self::Updated => 2,
            Self::Merged => 3,
            Self::MergedAway => 4,
            Self::Split => 5,
            Self::Emptied => 6,
        }
    }
}

/// A change of a profile.
#[derive(Clone, Debug)]
pub struct Change {
    /// The profile.
    pub profile: ProfileId,
    /// Its version after the change.
    pub version: i64,
    /// What happened.
    pub kind: Kind,
    /// The profile that took it in, when it was merged away.
    pub merged_into: Option<ProfileId>,
    /// Whether it changed what is known of how the customer feels.
    pub felt: bool,
    /// The segments that the profile came into with it.
    pub joined: Vec<String>,
    /// Those that it went from.
    pub parted: Vec<String>,
}

impl Change {
    /// A change of a profile itself.
    #[must_use]
    pub fn new(profile: ProfileId, version: i64, kind: Kind) -> Self {
        Self {
            profile,
            version,
            kind,
            merged_into: None,
            felt: false,
            joined: Vec::new(),
            parted: Vec::new(),
        }
    }
}

/// Appends changes. Profiles that have no members any more go from the segments that they were in.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.outbox.append", skip_all, fields(rows = changes.len()))]
pub async fn append(
    connection: &mut PgConnection,
    tenant: &TenantId,
    position: i64,
    changes: &[Change],
) -> Result<()> {
    let gone = changes.iter().filter(|change| {
        let kind = change.kind;
        matches!(kind, Kind::MergedAway | Kind::Emptied)
    });
    let gone: Vec<ProfileId> = gone.map(|change| change.profile).collect();
    let mut parted = if gone.is_empty() {
        HashMap::new()
    } else {
        memberships::clear(connection, tenant, &gone).await?
    };
    let mut parted_of = |change: &Change| {
        let cleared = parted.remove(&change.profile);
        let cleared = cleared.filter(|segments| !segments.is_empty());
        some(cleared.as_ref().unwrap_or(&change.parted))
    };
    sqlx::query(APPEND)
        .bind(tenant.as_str())
        .bind(column(changes, |c| c.profile.as_uuid()))
        .bind(column(changes, |c| c.version))
        .bind(position)
        .bind(column(changes, |c| c.kind.code()))
        .bind(column(changes, |c| c.merged_into.map(ProfileId::as_uuid)))
        .bind(column(changes, |c| c.felt.then_some(true)))
        .bind(column(changes, |c| some(&c.joined)))
        .bind(column(changes, &mut parted_of))
        .execute(connection)
        .await?;
    Ok(())
}

/// Names of segments; nothing where there are none.
fn some(segments: &[String]) -> Option<String> {
    (!segments.is_empty()).then(|| memberships::literal(segments))
}

fn column<T>(changes: &[Change], of: impl FnMut(&Change) -> T) -> Vec<T> {
    changes.iter().map(of).collect()
}

/// Deletes up to `limit` of the oldest changes that are older than `age`; answers with how many.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.outbox.delete_old", skip_all)]
pub async fn delete_old(connection: &mut PgConnection, age: Duration, limit: i64) -> Result<u64> {
    let done = sqlx::query(DELETE_OLD)
        .bind(age.as_secs_f64())
        .bind(limit)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// A page of changes, for caches.
#[derive(Clone, Debug)]
pub struct Page {
    /// The oldest transaction that runs.
    pub oldest: i64,
    /// None from this one on has begun.
    pub next: i64,
    /// Those that run.
    pub running: Vec<i64>,
    /// Which run of which database answers, on which timeline: cluster, database, timeline and start of the server.
    pub incarnation: String,
    /// The changes: profile, version, position.
    pub changes: Vec<(ProfileId, i64, i64)>,
    /// The greatest position of each tenant among them.
    pub tenants: Vec<(TenantId, i64)>,
}

#[derive(FromRow)]
struct PageRow {
    oldest: i64,
    next: i64,
    running: Vec<i64>,
    incarnation: String,
    tenants: Vec<String>,
    profiles: Vec<Uuid>,
    versions: Vec<i64>,
    positions: Vec<i64>,
}

/// How far back the newest `most` changes go that are younger than `age`, as a position.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.outbox.lately", skip_all)]
pub async fn lately(connection: &mut PgConnection, age: Duration, most: i64) -> Result<i64> {
    Ok(sqlx::query_scalar(LATELY)
        .bind(age.as_secs_f64())
        .bind(most)
        .fetch_one(connection)
        .await?)
}

/// The first changes at a position or later, of every tenant, and all of some transactions before. Those of transactions younger
/// than the oldest that runs are among them.
///
/// # Errors
/// When the database fails, or follows another.
#[tracing::instrument(name = "db.outbox.since", skip_all)]
pub async fn since(
    connection: &mut PgConnection,
    position: i64,
    before: &[i64],
    limit: i64,
) -> Result<Page> {
    let row: PageRow = sqlx::query_as(SINCE)
        .bind(position)
        .bind(limit)
        .bind(before)
        .fetch_one(connection)
        .await?;
    let mut newest: BTreeMap<&str, i64> = BTreeMap::new();
    for (tenant, position) in row.tenants.iter().zip(&row.positions) {
        let known = newest.entry(tenant).or_insert(*position);
        *known = (*known).max(*position);
    }
    let tenants: Result<Vec<(TenantId, i64)>> = newest
        .into_iter()
        .map(|(tenant, position)| Ok((tenant_of(tenant)?, position)))
        .collect();
    let tenants = tenants?;
    let versions = row.versions.into_iter().zip(row.positions);
    let changes = row.profiles.into_iter().zip(versions);
    let changes = changes.map(|(id, (version, at))| (ProfileId::from_uuid(id), version, at));
    Ok(Page {
        oldest: row.oldest,
        next: row.next,
        running: row.running,
        incarnation: row.incarnation,
        changes: changes.collect(),
        tenants,
    })
}
