//! Why a transaction that records failed.

use std::time::Duration;

use super::ruling;
use crate::{error::Error, storage};

/// Why a transaction failed.
pub(super) enum Failure {
    /// The database refuses the data of a row.
    Data(storage::Error),
    /// Anything else.
    Other(Error),
}

impl From<storage::Error> for Failure {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::Data(_) => Self::Data(error),
            other => Self::Other(other.into()),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl Failure {
    /// Whether a race was lost, or locks were waited for too long: nothing was written, and the same may succeed.
    pub(super) fn is_lost_race(&self) -> bool {
        matches!(self, Self::Other(Error::Conflict { reason: "conflict" }))
    }

    /// Whether rules were replaced, so that the work may start again under those in force.
    pub(super) fn is_replaced_rules(&self) -> bool {
        matches!(self, Self::Other(error) if ruling::replaced(error))
    }
}

/// Some work, or that storage is away when it is not done in time.
pub(super) async fn in_time<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(patience, work)
        .await
        .unwrap_or_else(|_| {
            Err(Failure::Other(Error::StorageAway {
                source: "no answer in time".into(),
            }))
        })
}
