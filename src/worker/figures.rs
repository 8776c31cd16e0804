//! Counting figures, and fitting models of purchases, beside the calls.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::stopped;
use crate::{
    clock::Clock,
    error::Error,
    figures::{Counting, count_page, fit_models},
    storage::Storage,
    telemetry::names,
    tenants::Tenants,
};

/// How often changes are looked for.
const LOOK: Duration = Duration::from_secs(1);

/// How often models are looked at; a tenant gets a new one when its day has changed.
const MODELS: Duration = Duration::from_mins(1);

/// What the work needs.
#[derive(Clone, Debug)]
pub struct Counter {
    /// The database.
    pub storage: Storage,
    /// The tenants of this process.
    pub tenants: Arc<Tenants>,
    /// The time.
    pub clock: Clock,
}

/// Counts until told to stop.
pub async fn count(counter: Counter, stop: CancellationToken) {
    while !stopped(&stop, LOOK).await {
        let caught_up = tokio::select! {
            caught_up = counter.catch_up() => caught_up,
            () = stop.cancelled() => return,
        };
        if let Err(error) = caught_up {
            tracing::warn!(%error, "figures could not be counted, it is tried again");
        }
    }
}

/// Fits models until told to stop.
pub async fn model(counter: Counter, stop: CancellationToken) {
    loop {
        let (known, now) = (counter.tenants.models(), counter.clock.now());
        let fitted = tokio::select! {
            fitted = fit_models(&counter.storage, &known, now) => fitted,
            () = stop.cancelled() => return,
        };
        match fitted {
            Ok(models) => counter.tenants.put_models(models),
            Err(error) => {
                tracing::warn!(%error, "models of purchases could not be fitted, it is tried again");
            }
        }
        if stopped(&stop, MODELS).await {
            return;
        }
    }
}

impl Counter {
    async fn catch_up(&self) -> Result<(), Error> {
        loop {
            match count_page(&self.storage).await? {
                Counting::Counted(number) => counted(number),
                Counting::Done(number) => {
                    counted(number);
                    return Ok(());
                }
                Counting::Busy => return Ok(()),
            }
        }
    }
}

fn counted(number: usize) {
    let number = u64::try_from(number).unwrap_or(u64::MAX);
    metrics::counter!(names::FIGURES_COUNTED).increment(number);
}
