//! Migrations: forward only, each file with a comment that says why it is safe under load.
//!
//! The migrator takes a session lock, so many replicas that start at once run each migration once. A binary refuses a
//! schema newer than it knows, unless all that it does not know is marked compatible: the name of a migration that ends in
//! `_compatible` promises that the release before it may go on, and start, as if it were not there. So a release whose
//! migrations are all compatible can be rolled back.

use sqlx::{
    PgPool,
    migrate::{MigrateError, Migrator},
};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Why the schema is not as this release needs it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database has a migration that this release does not know and that is not marked compatible.
    #[error(
        "the database has schema version {found}, but this release knows versions up to {known}: use the newer release"
    )]
    NewerSchema {
        /// Version found.
        found: i64,
        /// Last version known.
        known: i64,
    },
    /// Migrations are missing.
    #[error(
        "the database has schema version {found}, but this release needs {known}: run `customer-profile migrate`"
    )]
    OlderSchema {
        /// Version found, 0 when there is none.
        found: i64,
        /// Version needed.
        known: i64,
    },
    /// Anything else.
    #[error("migrating failed: {0}")]
    Failed(#[source] MigrateError),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] super::Error),
}

/// The last version that this release knows.
#[must_use]
pub fn known() -> i64 {
    MIGRATIONS
        .iter()
        .map(|m| m.version)
        .max()
        .unwrap_or_default()
}

/// Brings the schema up to what this release needs.
///
/// # Errors
/// When the schema is newer, or a migration fails.
pub async fn run(pool: &PgPool) -> Result<(), Error> {
    let found = version(pool).await?;
    bear_newer(pool, found).await?;
    let mut migrator = Migrator::with_migrations(MIGRATIONS.iter().cloned().collect());
    match migrator.set_ignore_missing(true).run(pool).await {
        Ok(()) => Ok(()),
        Err(MigrateError::Execute(error)) => Err(super::Error::from(error).into()),
        Err(other) => Err(Error::Failed(other)),
    }
}

const TABLE: &str = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";

const VERSION: &str = "SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success";

const NEWER: &str = "SELECT max(version) FROM _sqlx_migrations
WHERE version > $1 AND success AND description NOT LIKE '% compatible'";

/// The version of the schema, 0 when there is none.
///
/// # Errors
/// When the database fails.
pub async fn version(pool: &PgPool) -> Result<i64, super::Error> {
    let migrated: bool = sqlx::query_scalar(TABLE).fetch_one(pool).await?;
    if !migrated {
        return Ok(0);
    }
    Ok(sqlx::query_scalar(VERSION).fetch_one(pool).await?)
}

/// Refuses what a later release did to the schema, unless it is marked compatible.
async fn bear_newer(pool: &PgPool, found: i64) -> Result<(), Error> {
    let known = known();
    if found <= known {
        return Ok(());
    }
    let newer: Option<i64> = sqlx::query_scalar(NEWER)
        .bind(known)
        .fetch_one(pool)
        .await
        .map_err(super::Error::from)?;
    if let Some(found) = newer {
        return Err(Error::NewerSchema { found, known });
    }
    tracing::info!(found, known, "the schema is newer and compatible");
    Ok(())
}

/// Checks that the schema is what this release needs.
///
/// # Errors
/// When it is older or newer.
pub async fn check(pool: &PgPool) -> Result<(), Error> {
    let (found, known) = (version(pool).await?, known());
    if found < known {
        return Err(Error::OlderSchema { found, known });
    }
    bear_newer(pool, found).await
}
