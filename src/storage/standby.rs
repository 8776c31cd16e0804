//! What a standby is, and how far it has come, by its own word.
//!
//! What must stay true:
//!
//! - **Of a standby's snapshot only its oldest transaction is believed.** A snapshot that is taken in recovery keeps the
//!   transactions that run elsewhere, so `pg_snapshot_xip` is empty there: one that still runs between the oldest and the next looks
//!   as if it were committed. Everything below the oldest is over, and shows if it was committed: a standby takes every number that
//!   it has heard of for running until it has read how that transaction ended, and one that has subtransactions keeps its own number.
//! - **A timeline is told late, never early.** What the control file says was reached by replay; a standby that has followed a new
//!   primary says so after its next restartpoint.

use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::Result;
use crate::ids::ProfileId;

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("standby.primary", PRIMARY),
    ("standby.stand", STAND),
    ("standby.shows", SHOWS),
];

const PRIMARY: &str = "
SELECT
    (SELECT system_identifier FROM pg_control_system()) AS system,
    (SELECT oid::bigint FROM pg_database WHERE datname = current_database()) AS database,
    ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int AS timeline";

const STAND: &str = "
SELECT
    pg_is_in_recovery() AS in_recovery,
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next,
    (SELECT system_identifier FROM pg_control_system()) AS system,
    (SELECT oid::bigint FROM pg_database WHERE datname = current_database()) AS database,
    greatest(
        (SELECT timeline_id FROM pg_control_checkpoint()),
        (SELECT min_recovery_end_timeline FROM pg_control_recovery())
    ) AS timeline";

// Which of some changes show, by their place.
const SHOWS: &str = "
SELECT place
FROM unnest($1::bigint[], $2::uuid[], $3::bigint[]) WITH ORDINALITY AS given (position, profile_id, version, place)
WHERE EXISTS (
    SELECT FROM outbox
    WHERE outbox.position = given.position
        AND outbox.profile_id = given.profile_id
        AND outbox.version = given.version
)";

/// Which history of which database a server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub struct Lineage {
    /// The cluster's system identifier, drawn when it was made.
    pub system: i64,
    /// The database in it, by its object id.
    pub database: i64,
    /// The timeline; each failover and each restore begins one.
    pub timeline: i32,
}

/// How a server stands, as of one snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub struct Stand {
    /// Whether it follows another.
    pub in_recovery: bool,
    /// Everything below this transaction is over, and shows if it was committed.
    pub oldest: i64,
    /// Nothing from this transaction on shows.
    pub next: i64,
    /// What it has the history of.
    #[sqlx(flatten)]
    pub lineage: Lineage,
}

/// What the primary has the history of.
///
/// # Errors
/// When the database fails, or follows another.
#[tracing::instrument(name = "db.standby.primary", skip_all)]
pub async fn primary(connection: &mut PgConnection) -> Result<Lineage> {
    Ok(sqlx::query_as(PRIMARY).fetch_one(connection).await?)
}

/// How a server stands.
///
/// # Errors
/// When it fails.
#[tracing::instrument(name = "db.standby.stand", skip_all)]
pub async fn stand(connection: &mut PgConnection) -> Result<Stand> {
    Ok(sqlx::query_as(STAND).fetch_one(connection).await?)
}

/// Whether each of some changes shows, in their order: profile, version, position.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.standby.shows", skip_all, fields(rows = changes.len()))]
pub async fn shows(
    connection: &mut PgConnection,
    changes: &[(ProfileId, i64, i64)],
) -> Result<Vec<bool>> {
    let profiles = changes.iter().map(|(profile, ..)| profile.as_uuid());
    let places: Vec<i64> = sqlx::query_scalar(SHOWS)
        .bind(changes.iter().map(|(.., at)| *at).collect::<Vec<_>>())
        .bind(profiles.collect::<Vec<Uuid>>())
        .bind(changes.iter().map(|(_, v, _)| *v).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    let shown = |place| places.contains(&place);
    Ok((1..).take(changes.len()).map(shown).collect())
}
