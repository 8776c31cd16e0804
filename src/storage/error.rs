//! Errors of the database, sorted by what a caller should do.

use sqlx::error::DatabaseError;

/// A failure of the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not answer, is starting, stopping or read-only, or a statement took too long.
    #[error("the database is away: {0}")]
    Away(#[source] sqlx::Error),
    /// Another transaction was in the way; this one did nothing.
    #[error("the transaction lost a conflict: {0}")]
    Conflict(#[source] sqlx::Error),
    /// The data of one of the rows cannot be stored.
    #[error("a row was refused: {0}")]
    Data(#[source] sqlx::Error),
    /// A statement of ours is wrong.
    #[error("the database refused a statement: {0}")]
    Driver(#[source] sqlx::Error),
    /// What is stored cannot be read.
    #[error("stored {what} cannot be read: {source}")]
    Corrupt {
        /// What it is.
        what: &'static str,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Result of a call to storage.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Something stored that cannot be read.
    pub fn corrupt(
        what: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Corrupt {
            what,
            source: source.into(),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Away(error),
            sqlx::Error::Database(database) => match class(database.as_ref()) {
                Class::Away => Self::Away(error),
                Class::Conflict => Self::Conflict(error),
                Class::Data => Self::Data(error),
                Class::Ours => Self::Driver(error),
            },
            _ => Self::Driver(error),
        }
    }
}

enum Class {
    Away,
    Conflict,
    Data,
    Ours,
}

/// By SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn class(error: &dyn DatabaseError) -> Class {
    let code = error.code().unwrap_or_default();
    match (code.get(..2).unwrap_or_default(), code.as_ref()) {
        // serialization failure, deadlock, lock timeout
        (_, "40001" | "40P01" | "55P03") => Class::Conflict,
        // statement timeout or cancelled, read-only transaction, connection faults, resources, shutdown and start-up
        (_, "57014" | "25006" | "25P03") | ("08" | "53" | "57" | "58", _) => Class::Away,
        ("22" | "23", _) => Class::Data,
        _ => Class::Ours,
    }
}

impl From<Error> for crate::error::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Away(source) => Self::StorageAway {
                source: Box::new(source),
            },
            Error::Conflict(_) => Self::Conflict { reason: "conflict" },
            Error::Data(source) | Error::Driver(source) => Self::bug("in a statement", source),
            Error::Corrupt { what, source } => Self::bug(what, source),
        }
    }
}
