//! Migrations: forward only, each file with a comment that says why it is safe under load.
//!
//! The migrator takes a session lock, so many replicas that start at once run each migration once. A binary refuses a
//! schema newer than it knows.

use sqlx::{
    PgPool,
    migrate::{MigrateError, Migrator},
};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Why the schema is not as this release needs it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database has a migration that this release does not know.
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

fn known() -> i64 {
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
    match MIGRATIONS.run(pool).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(found)) => Err(Error::NewerSchema {
            found,
            known: known(),
        }),
        Err(MigrateError::Execute(error)) => Err(super::Error::from(error).into()),
        Err(other) => Err(Error::Failed(other)),
    }
}

const TABLE: &str = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";

const VERSION: &str = "SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success";

/// Checks that the schema is what this release needs.
///
/// # Errors
/// When it is older or newer.
pub async fn check(pool: &PgPool) -> Result<(), Error> {
    let migrated: bool = sqlx::query_scalar(TABLE)
        .fetch_one(pool)
        .await
        .map_err(super::Error::from)?;
    let found: i64 = if migrated {
        sqlx::query_scalar(VERSION)
            .fetch_one(pool)
            .await
            .map_err(super::Error::from)?
    } else {
        0
    };
    let known = known();
    match found {
        found if found > known => Err(Error::NewerSchema { found, known }),
        found if found < known => Err(Error::OlderSchema { found, known }),
        _ => Ok(()),
    }
}
