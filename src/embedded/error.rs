//! Why there is no private server, in words for whoever started the program.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::run_as::RunAs;

/// Why there is no server. Each is one line, followed by what the server said where that helps.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No installation was found.
    #[error(
        "no PostgreSQL server programs on this machine: install them (`apt-get install postgresql`, `brew install postgresql`; \
         no service needs to run), or set CUSTOMER_PROFILE_POSTGRES_BIN to their directory, or DATABASE_URL to a server"
    )]
    NoBinaries,
    /// The directory that was named holds none.
    #[error("CUSTOMER_PROFILE_POSTGRES_BIN is {}, which does not hold both initdb and postgres", .0.display())]
    NoBinariesIn(PathBuf),
    /// The cluster is another version's.
    #[error(
        "the data was made by PostgreSQL {made_by} but this machine has {found}: install postgresql-{made_by}, \
         or set CUSTOMER_PROFILE_POSTGRES_BIN to the directory of its programs"
    )]
    WrongVersion {
        /// The version that made it.
        made_by: String,
        /// The newest version at hand.
        found: String,
    },
    /// Postgres refuses to run as root, and there is nobody else.
    #[error(
        "started by root, but there is neither a user postgres nor a user nobody to run PostgreSQL as"
    )]
    NoUser,
    /// A directory above the data keeps its server out.
    #[error("{user}, as whom PostgreSQL runs when root starts it, cannot enter {}: choose another place than {}", closed.display(), data_dir.display())]
    CannotEnter {
        /// What was asked for.
        data_dir: PathBuf,
        /// The directory that is closed.
        closed: PathBuf,
        /// Who is kept out.
        user: String,
    },
    /// Another run has it.
    #[error("{} is already in use by process {}", data_dir.display(), pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string()))]
    InUse {
        /// What was asked for.
        data_dir: PathBuf,
        /// Who has it, where that can be told.
        pid: Option<u32>,
    },
    /// A program could not be started.
    #[error("cannot run {} as {user}: {source}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// As whom.
        user: String,
        /// Why.
        source: io::Error,
    },
    /// `initdb` failed.
    #[error("initdb failed: {output}")]
    Initdb {
        /// What it said.
        output: String,
    },
    /// The server ended before it was ready.
    #[error("PostgreSQL did not start ({status}): {log}")]
    Exited {
        /// How it ended.
        status: std::process::ExitStatus,
        /// The end of its log.
        log: String,
    },
    /// The server did not become ready in time.
    #[error("PostgreSQL was not ready after {} s: {log}", super::postgres::START_LIMIT.as_secs())]
    NotReady {
        /// The end of its log.
        log: String,
    },
    /// A server that says nothing ended before it was ready.
    #[error("{program} did not start ({status})")]
    Ended {
        /// Which one.
        program: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
    /// A server does not answer.
    #[error("{program} does not answer")]
    Silent {
        /// Which one.
        program: String,
    },
    /// The server did not end, not even by force.
    #[error("PostgreSQL, process {pid}, does not end")]
    NotStopped {
        /// Its process.
        pid: u32,
    },
    /// A file or directory could not be used.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Error {
    pub(super) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Io { what, path, source }
    }

    pub(super) fn run(program: &Path, run_as: &RunAs, source: io::Error) -> Self {
        Self::Run {
            program: program.to_owned(),
            user: run_as.describe(),
            source,
        }
    }
}
