//! What an operator wants to know of the database that serves.

use std::time::Duration;

use sqlx::{FromRow, PgConnection};

use super::Result;
use crate::clock::Micros;

pub(super) const STATEMENTS: &[(&str, &str)] = &[("diagnosis.server", SERVER)];

// What replication does is hidden from a user who is no member of pg_read_all_stats: standbys are counted, what they do is
// null.
const SERVER: &str = "
SELECT current_setting('server_version_num')::int AS version,
    pg_is_in_recovery() AS in_recovery,
    current_setting('default_transaction_read_only')::bool AS read_only,
    current_setting('fsync')::bool AND current_setting('full_page_writes')::bool AS durable,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('synchronous_standby_names') AS standby_names,
    (SELECT count(*) FROM pg_stat_replication) AS standbys,
    (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')) AS synchronous,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS most_connections,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
    (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now,
    (SELECT extract(epoch FROM clock_timestamp() - min(written_at))::float8 FROM outbox) AS oldest_change,
    (SELECT extract(epoch FROM max(clock_timestamp() - xact_start))::float8 FROM pg_stat_activity
        WHERE state <> 'idle' AND backend_type = 'client backend') AS longest_transaction";

/// A database as it sees itself.
#[derive(Clone, Debug)]
pub struct Server {
    /// `server_version_num`, such as 150004.
    pub version: i32,
    /// Whether it is a standby.
    pub in_recovery: bool,
    /// Whether transactions are read-only unless they say otherwise.
    pub read_only: bool,
    /// Whether what it has confirmed outlives a crash: `fsync` and `full_page_writes`.
    pub durable: bool,
    /// `synchronous_commit`.
    pub synchronous_commit: String,
    /// `synchronous_standby_names`.
    pub standby_names: String,
    /// Standbys that are connected.
    pub standbys: i64,
    /// Those of them that commits wait for, as far as we may see.
    pub synchronous: i64,
    /// Connections that it takes of all but superusers.
    pub most_connections: i32,
    /// Connections that there are.
    pub connections: i64,
    /// What its clock shows.
    pub now: Micros,
    /// The age of the oldest change in the outbox.
    pub oldest_change: Option<Duration>,
    /// How long the longest transaction has run.
    pub longest_transaction: Option<Duration>,
}

#[derive(FromRow)]
struct Row {
    version: i32,
    in_recovery: bool,
    read_only: bool,
    durable: bool,
    synchronous_commit: String,
    standby_names: String,
    standbys: i64,
    synchronous: i64,
    most_connections: i32,
    connections: i64,
    now: i64,
    oldest_change: Option<f64>,
    longest_transaction: Option<f64>,
}

/// Asks the database what it is.
///
/// # Errors
/// When it fails.
#[tracing::instrument(name = "db.diagnosis.server", skip_all)]
pub async fn server(connection: &mut PgConnection) -> Result<Server> {
    let row: Row = sqlx::query_as(SERVER).fetch_one(connection).await?;
    let span = |seconds: Option<f64>| Duration::try_from_secs_f64(seconds?.max(0.0)).ok();
    Ok(Server {
        version: row.version,
        in_recovery: row.in_recovery,
        read_only: row.read_only,
        durable: row.durable,
        synchronous_commit: row.synchronous_commit,
        standby_names: row.standby_names,
        standbys: row.standbys,
        synchronous: row.synchronous,
        most_connections: row.most_connections,
        connections: row.connections,
        now: Micros(row.now),
        oldest_change: span(row.oldest_change),
        longest_transaction: span(row.longest_transaction),
    })
}
