//! Health: whether look-ups can be served.
//!
//! The database is asked every second, on a connection of the pool like any call, so a pool that has run dry shows too.
//! Liveness is another thing: the process answers `/livez` whatever the database does.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::storage::{self, Storage, store};

/// How often the database is asked.
const EVERY: Duration = Duration::from_secs(1);

/// After which a database that does not answer is away. A server that hangs, or a host that is gone, ends no statement.
const PATIENCE: Duration = Duration::from_secs(5);

/// Names of the services that health speaks of; the empty one is the process.
pub(super) const SERVICES: [&str; 6] = [
    "",
    "customer_profile.v1.IdentityService",
    "customer_profile.v1.InteractionService",
    "customer_profile.v1.NextBestActionService",
    "customer_profile.v1.ProfileService",
    "customer_profile.v1.SentimentService",
];

/// Makes the services known, before anyone can ask for one and hear that there is none.
pub(super) async fn begin(reporter: &HealthReporter) {
    report(reporter, ServingStatus::NotServing).await;
}

/// Keeps health up to date until told to stop, and then says that nothing is served.
pub(super) async fn watch(
    storage: Storage,
    reporter: HealthReporter,
    ready: watch::Sender<bool>,
    stop: CancellationToken,
) {
    let mut was = None;
    loop {
        let answered = tokio::time::timeout(PATIENCE, ask(&storage)).await;
        let serving = matches!(answered, Ok(Ok(()))) && !stop.is_cancelled();
        if was != Some(serving) {
            set(&reporter, &ready, serving).await;
            if was.is_some() {
                tracing::warn!(serving, "health changed");
            }
            was = Some(serving);
        }
        if tokio::time::timeout(EVERY, stop.cancelled()).await.is_ok() {
            set(&reporter, &ready, false).await;
            return;
        }
    }
}

async fn set(reporter: &HealthReporter, ready: &watch::Sender<bool>, serving: bool) {
    let status = if serving {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    report(reporter, status).await;
    ready.send_replace(serving);
}

async fn report(reporter: &HealthReporter, status: ServingStatus) {
    for service in SERVICES {
        reporter.set_service_status(service, status).await;
    }
}

async fn ask(storage: &Storage) -> storage::Result<()> {
    let mut connection = storage.acquire().await?;
    store::ping(&mut connection).await
}
