//! What runs beside the calls, in every instance: it may run in several at once, so each piece of work is safe to repeat.

pub mod figures;
pub mod learning;
pub mod reanalysis;
pub mod rules;

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    error::Error,
    feed::seats::Seats,
    identity::HashSecret,
    ingest::gate::{Class, Gate},
    storage::{Storage, outbox},
    telemetry::names,
    tenants::Tenants,
};

/// What work on the profiles of tenants needs.
#[derive(Clone, Debug)]
pub struct Needed {
    /// The database.
    pub storage: Storage,
    /// The tenants of this process.
    pub tenants: Arc<Tenants>,
    /// The hash secret.
    pub secret: HashSecret,
}

/// How often gauges are brought up to date.
const GAUGES: Duration = Duration::from_secs(1);

/// How often old changes are looked for.
const CLEAN: Duration = Duration::from_mins(1);

/// Changes deleted in one statement.
const CHUNK: i64 = 10_000;

/// Keeps gauges up to date until told to stop.
pub async fn watch(
    storage: Storage,
    gate: Arc<Gate>,
    (seats, clock): (Arc<Seats>, Clock),
    stop: CancellationToken,
) {
    let gauge = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    while !stopped(&stop, GAUGES).await {
        let (open, idle) = storage.connections();
        let open = usize::try_from(open).unwrap_or(usize::MAX);
        metrics::gauge!(names::DB_CONNECTIONS, "state" => "idle").set(gauge(idle));
        metrics::gauge!(names::DB_CONNECTIONS, "state" => "used")
            .set(gauge(open.saturating_sub(idle)));
        let mut waiting = 0;
        for (class, calls) in [(Class::Small, "small"), (Class::Bulk, "bulk")] {
            let (held, limit) = gate.load(class);
            waiting += held;
            metrics::gauge!(names::INGEST_LIMIT_ITEMS, "calls" => calls).set(gauge(limit));
        }
        metrics::gauge!(names::INGEST_QUEUE_ITEMS).set(gauge(waiting));
        seats.show(clock.now());
    }
}

/// Deletes changes that nobody may ask for any more, until told to stop.
pub async fn clean(storage: Storage, keep: Duration, stop: CancellationToken) {
    while !stopped(&stop, CLEAN).await {
        match clean_once(&storage, keep).await {
            Ok(0) => (),
            Ok(deleted) => tracing::info!(deleted, "deleted old changes from the outbox"),
            Err(error) => tracing::warn!(%error, "deleting old changes failed, it is tried again"),
        }
    }
}

async fn clean_once(storage: &Storage, keep: Duration) -> Result<u64, Error> {
    let mut total = 0;
    loop {
        let mut connection = storage.acquire().await?;
        let deleted = outbox::delete_old(&mut connection, keep, CHUNK).await?;
        total += deleted;
        if deleted == 0 {
            return Ok(total);
        }
    }
}

/// Waits; true when it is time to stop.
async fn stopped(stop: &CancellationToken, wait: Duration) -> bool {
    tokio::time::timeout(wait, stop.cancelled()).await.is_ok()
}
