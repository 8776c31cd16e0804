//! A stretch of the time of decisions, and turns of those who look at many of them.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, SemaphorePermit},
    time::Instant,
};

use super::Desk;
use crate::{clock::Micros, error::Error, telemetry::names};

/// How long is waited for a turn to count.
const PATIENCE: Duration = Duration::from_secs(5);

/// From a time to before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// From this time on.
    pub from: Micros,
    /// Before this time.
    pub before: Micros,
}

impl Desk {
    /// The turn of one who looks at many decisions: kept until the work has ended, also when nobody waits for it any more.
    ///
    /// # Errors
    /// Overloaded while another one does.
    pub(super) fn turn(&self) -> Result<OwnedSemaphorePermit, Error> {
        let turn = Arc::clone(&self.turns).try_acquire_owned();
        turn.map_err(|_| Error::Overloaded {
            what: "looking at many decisions",
        })
    }

    /// The turn of one who counts what became of offers: there are two, so that it takes few of the connections that look-ups need.
    ///
    /// # Errors
    /// Overloaded when there is none within 5 seconds.
    pub(super) async fn counting(&self) -> Result<SemaphorePermit<'_>, Error> {
        let turn = tokio::time::timeout(PATIENCE, self.counting.acquire()).await;
        let turn = turn.ok().and_then(Result::ok);
        turn.ok_or(Error::Overloaded {
            what: "counting what became of offers",
        })
    }
}

/// A look at many customers or decisions: notes how long it took when it ends, however it ends.
pub(super) struct Look {
    call: &'static str,
    since: Instant,
}

impl Look {
    /// One that begins now.
    pub(super) fn at(call: &'static str) -> Self {
        Self {
            call,
            since: Instant::now(),
        }
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        let took = self.since.elapsed().as_secs_f64();
        metrics::histogram!(names::ACTION_FIGURES_SECONDS, "call" => self.call).record(took);
    }
}
