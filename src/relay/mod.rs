//! The relay: changes of profiles, handed over to where they are read without asking this service.
//!
//! What must stay true:
//!
//! - **At least once, of one profile in the order of versions.** What is handed over is noted afterwards; whoever goes on begins at
//!   what was noted, so what is repeated is repeated from there in full.
//! - **One instance hands over the changes of a tenant at a time**, for as long as it prolongs its lease. One that was held up and
//!   does not know that another has taken over repeats what the other has handed over, and ends with the next look at its lease.
//! - **It holds up nothing else**: it reads with the feed's turns, and a sink that fails is tried again.

pub mod event;
pub mod redis_streams;

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::event::{Event, event, gap};
use crate::{
    cache::Caches,
    clock::Clock,
    error::Error,
    feed::{Tape, place::Place, seats::Seats},
    ids::{self, TenantId},
    storage::{Storage, relays, rule_sets, store},
    telemetry::names,
};

/// The name of the work, among a tenant's leases.
const WORK: &str = "relay";

/// How long a lease lasts, and after how long it is prolonged.
const LEASE: Duration = Duration::from_secs(15);
const PROLONG: Duration = Duration::from_secs(5);

/// How often a place is noted while nothing is handed over.
const NOTE: Duration = Duration::from_mins(1);

/// How long it waits after a failure.
const AGAIN: Duration = Duration::from_secs(1);

/// Why a sink did not take events.
pub type SinkError = Box<dyn std::error::Error + Send + Sync>;

/// Where events go.
pub trait Sink: Send + Sync {
    /// Its name, under which is noted how far it is.
    const NAME: &'static str;

    /// Takes events, in their order within each bucket. When it fails it may have taken some.
    ///
    /// # Errors
    /// When it did not take all.
    fn put(&self, events: &[Event]) -> impl Future<Output = Result<(), SinkError>> + Send;
}

/// What the work needs.
#[derive(Debug)]
pub struct Relay<S> {
    /// The database.
    pub storage: Storage,
    /// The caches, which know how far the outbox can be read.
    pub caches: Arc<Caches>,
    /// Turns to read, and how long changes are kept.
    pub seats: Arc<Seats>,
    /// The time.
    pub clock: Clock,
    /// Where events go.
    pub sink: S,
}

/// A tenant whose changes this instance hands over.
struct Held {
    tape: Tape,
    leased_at: Instant,
    noted_at: Instant,
}

impl<S: Sink> Relay<S> {
    /// Relays until told to stop.
    pub async fn keep(self, stop: CancellationToken) {
        let work = self.work();
        stop.run_until_cancelled(work).await;
    }

    async fn work(&self) {
        let holder = ids::draw_instance_id();
        let mut held: HashMap<TenantId, Held> = HashMap::new();
        let mut looks = self.caches.looks();
        let mut asked: Option<Instant> = None;
        loop {
            looks.mark_unchanged();
            // Those that are another's are asked for now and then.
            let all = asked.is_none_or(|asked| asked.elapsed() >= PROLONG);
            if all {
                asked = Some(Instant::now());
            }
            if let Err(error) = self.round(holder, &mut held, all).await {
                // What was read and not handed over is read again from what is noted.
                held.clear();
                tracing::warn!(%error, "changes could not be relayed, it is tried again");
                tokio::time::sleep(AGAIN).await;
            }
            self.show(&held);
            if looks.changed().await.is_err() {
                return;
            }
        }
    }

    async fn round(
        &self,
        holder: Uuid,
        held: &mut HashMap<TenantId, Held>,
        all: bool,
    ) -> Result<(), Error> {
        if all {
            let mut connection = self.storage.acquire().await?;
            for tenant in store::tenants(&mut connection).await? {
                let work = rule_sets::take_lease(&mut connection, &tenant, WORK, holder, LEASE);
                if !work.await? {
                    held.remove(&tenant);
                } else if let Some(known) = held.get_mut(&tenant) {
                    known.leased_at = Instant::now();
                } else {
                    let begun = self.begin(&tenant).await?;
                    held.insert(tenant, begun);
                }
            }
        }
        for (tenant, known) in held {
            self.relay(holder, tenant, known).await?;
        }
        Ok(())
    }

    /// Where the changes of a tenant go on.
    async fn begin(&self, tenant: &TenantId) -> Result<Held, Error> {
        let mut connection = self.storage.acquire().await?;
        let now = self.clock.now();
        let noted = relays::load(&mut connection, tenant, S::NAME).await?;
        let tape = if let Some(noted) = noted {
            let keep = i64::try_from(self.seats.keep().as_micros()).unwrap_or(i64::MAX);
            if now.0.saturating_sub(noted.as_of.0) > keep {
                tracing::error!(%tenant, "changes that were not relayed are not kept any more");
                self.put(&gap(tenant, now.0.unsigned_abs())).await?;
            }
            Tape::from_noted(tenant.clone(), noted)
        } else {
            // With what is kept: a tenant that is new has changes before anybody knows of it.
            Tape::new(tenant.clone(), Place::from(0), now, Vec::new())
        };
        self.note(tenant, &tape).await?;
        let begun = Instant::now();
        Ok(Held {
            tape,
            leased_at: begun,
            noted_at: begun,
        })
    }

    async fn relay(&self, holder: Uuid, tenant: &TenantId, held: &mut Held) -> Result<(), Error> {
        loop {
            let Some(seen) = held.tape.seen(&self.caches) else {
                return Ok(());
            };
            if !seen.is_new {
                held.tape.pass(seen, &self.caches, self.clock.now());
                if held.noted_at.elapsed() >= NOTE {
                    self.note(tenant, &held.tape).await?;
                    held.noted_at = Instant::now();
                }
                return Ok(());
            }
            let page = {
                let _turn = self.seats.turn().await;
                let mut connection = self.storage.acquire().await?;
                if held.leased_at.elapsed() >= PROLONG {
                    let work = rule_sets::take_lease(&mut connection, tenant, WORK, holder, LEASE);
                    if !work.await? {
                        return Err(Error::Conflict { reason: "conflict" });
                    }
                    held.leased_at = Instant::now();
                }
                held.tape.page(&mut connection, seen.horizon).await?
            };
            let events: Vec<Event> = page
                .changes
                .iter()
                .map(|change| event(tenant, change))
                .collect();
            if !events.is_empty() {
                self.put(&events).await?;
                let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
                metrics::counter!(names::RELAY_EVENTS).increment(count);
            }
            self.note(tenant, &held.tape).await?;
            held.noted_at = Instant::now();
        }
    }

    async fn put(&self, events: &[Event]) -> Result<(), Error> {
        let taken = self.sink.put(events).await;
        taken.map_err(|source| Error::StorageAway { source })
    }

    async fn note(&self, tenant: &TenantId, tape: &Tape) -> Result<(), Error> {
        let mut connection = self.storage.acquire().await?;
        relays::save(&mut connection, tenant, S::NAME, tape.noted()).await?;
        Ok(())
    }

    fn show(&self, held: &HashMap<TenantId, Held>) {
        let times = held.values().map(|held| held.tape.mark().as_of.0);
        let now = self.clock.now().0;
        let behind = times
            .min()
            .map_or(0, |oldest| now.saturating_sub(oldest).max(0));
        let behind = Duration::from_micros(behind.unsigned_abs());
        metrics::gauge!(names::RELAY_LAG).set(behind.as_secs_f64());
    }
}
