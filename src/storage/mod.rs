//! Postgres, the truth.
//!
//! SQL lives here and nowhere else, as static text: one file a table, each statement a constant that is listed in
//! [`STATEMENTS`], so that a test prepares every one of them on a migrated database. Functions take a connection, never a
//! pool, so that a request holds one connection and its statements see one transaction; each is a span
//! `db.<table>.<verb>`. Arrays are bound and unnested, so the number of distinct statements stays small whatever the
//! size of a batch.
//!
//! What is not found is `Ok(None)`. Driver errors become domain errors in [`error`], by their SQLSTATE and never by their
//! text.

use std::time::Duration;

use sqlx::{
    PgPool, Postgres, SqlSafeStr as _, SqlStr, Transaction,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tracing::Instrument as _;

use crate::clock::Micros;

pub mod action_models;
pub mod actions;
pub mod analyses;
pub mod catalogues;
pub mod contributions;
pub mod decided;
pub mod decision_keys;
pub mod decisions;
pub mod diagnosis;
pub mod error;
pub mod event_keys;
pub mod feed;
pub mod figures;
pub mod identities;
pub mod identity_cards;
pub mod identity_moves;
pub mod identity_traits;
pub mod interactions;
pub mod links;
pub mod locks;
pub mod memberships;
pub mod migrate;
pub mod offer_figures;
pub mod offers;
pub mod operations;
pub mod outbox;
pub mod outcomes;
pub mod past;
pub mod population;
pub mod profile_documents;
pub mod profile_lists;
pub mod profile_rules;
pub mod profiles;
pub mod reanalyses;
pub mod relays;
pub mod rule_sets;
pub mod samples;
pub mod standby;
pub mod store;
mod summaries;

pub use error::{Error, Result};

/// Every statement of this release, by name.
pub const STATEMENTS: &[&[(&str, &str)]] = &[
    action_models::STATEMENTS,
    actions::STATEMENTS,
    analyses::STATEMENTS,
    catalogues::STATEMENTS,
    contributions::STATEMENTS,
    decided::STATEMENTS,
    decision_keys::STATEMENTS,
    decisions::STATEMENTS,
    diagnosis::STATEMENTS,
    event_keys::STATEMENTS,
    feed::STATEMENTS,
    figures::STATEMENTS,
    identities::STATEMENTS,
    identity_cards::STATEMENTS,
    identity_moves::STATEMENTS,
    identity_traits::STATEMENTS,
    interactions::STATEMENTS,
    links::STATEMENTS,
    locks::STATEMENTS,
    memberships::STATEMENTS,
    offer_figures::STATEMENTS,
    offers::STATEMENTS,
    operations::STATEMENTS,
    outcomes::STATEMENTS,
    outbox::STATEMENTS,
    past::STATEMENTS,
    population::STATEMENTS,
    profile_documents::STATEMENTS,
    profile_lists::STATEMENTS,
    profile_rules::STATEMENTS,
    profiles::STATEMENTS,
    reanalyses::STATEMENTS,
    relays::STATEMENTS,
    rule_sets::STATEMENTS,
    samples::STATEMENTS,
    standby::STATEMENTS,
    store::STATEMENTS,
];

/// How to reach and use the database.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is.
    pub connect: PgConnectOptions,
    /// Connections of the pool.
    pub connections: u32,
    /// The longest wait for a connection.
    pub acquire_timeout: Duration,
    /// The longest a statement may take.
    pub statement_timeout: Duration,
    /// The longest wait for a lock.
    pub lock_timeout: Duration,
}

/// The database.
#[derive(Clone, Debug)]
pub struct Storage {
    pool: PgPool,
}

impl Storage {
    /// A pool; connections are made when they are needed, so this does not fail when the database is away.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let connect = options
            .connect
            .application_name("customer-profile")
            .statement_cache_capacity(256)
            .options([
                ("timezone", "UTC".to_owned()),
                ("jit", "off".to_owned()),
                (
                    "statement_timeout",
                    options.statement_timeout.as_millis().to_string(),
                ),
                ("lock_timeout", options.lock_timeout.as_millis().to_string()),
                ("idle_in_transaction_session_timeout", "60000".to_owned()),
            ]);
        let pool = PgPoolOptions::new()
            .max_connections(options.connections)
            .min_connections(0)
            .acquire_timeout(options.acquire_timeout)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(Duration::from_mins(30))
            .connect_lazy_with(connect);
        Self { pool }
    }

    /// A connection for a read.
    ///
    /// # Errors
    /// When there is none within the acquire timeout.
    #[tracing::instrument(name = "db.pool.acquire", skip_all)]
    pub async fn acquire(&self) -> Result<PoolConnection<Postgres>> {
        Ok(self.pool.acquire().await?)
    }

    /// Makes connections before anyone needs them, one after the other: the first callers would all make some at once, and
    /// on a busy machine wait longer than they are willing to. Where that fails, they are made when they are needed.
    pub async fn warm(&self, connections: usize) {
        let mut held = Vec::with_capacity(connections);
        while held.len() < connections {
            match self.pool.acquire().await {
                Ok(connection) => held.push(connection),
                Err(error) => {
                    tracing::warn!(%error, made = held.len(), "connections could not be made yet");
                    return;
                }
            }
        }
    }

    /// A transaction, READ COMMITTED.
    ///
    /// # Errors
    /// When there is no connection within the acquire timeout.
    #[tracing::instrument(name = "db.transaction.begin", skip_all)]
    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>> {
        self.begun(None).await
    }

    /// A transaction that has begun.
    ///
    /// Whoever waits for it may go away at any moment, and a driver that is told to begin and then dropped leaves its
    /// connection in a transaction of which it does not know. So the task that begins it goes on to its end by itself.
    async fn begun(&self, statement: Option<SqlStr>) -> Result<Transaction<'static, Postgres>> {
        let connection = self.pool.acquire().await?;
        let work = Transaction::begin(connection, statement).in_current_span();
        let ended = tokio::spawn(work).await;
        Ok(ended.map_err(|_| sqlx::Error::WorkerCrashed)??)
    }

    /// A transaction that sees one snapshot and writes nothing.
    ///
    /// # Errors
    /// When there is no connection within the acquire timeout.
    pub async fn begin_snapshot(&self) -> Result<Transaction<'static, Postgres>> {
        let statement = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY";
        self.begun(Some(statement.into_sql_str())).await
    }

    /// Connections that there may be.
    #[must_use]
    pub fn most_connections(&self) -> usize {
        let most = self.pool.options().get_max_connections();
        usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// Connections open and idle.
    #[must_use]
    pub fn connections(&self) -> (u32, usize) {
        (self.pool.size(), self.pool.num_idle())
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// The pool, for migrations and tests.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}

/// Commits a transaction, as a span of its own: this is where a durable write waits for the disk.
///
/// # Errors
/// When the commit fails or its outcome is unknown.
#[tracing::instrument(name = "db.transaction.commit", skip_all)]
pub async fn commit(transaction: Transaction<'static, Postgres>) -> Result<()> {
    Ok(transaction.commit().await?)
}

/// A time as it is stored. Validation keeps times within what a calendar can name.
fn stored_time(at: Micros) -> chrono::DateTime<chrono::Utc> {
    at.to_datetime().unwrap_or_default()
}
