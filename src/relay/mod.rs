//! The relay: changes of profiles, handed over to where they are read without asking this service.
//!
//! What must stay true:
//!
//! - **At least once, of one profile in the order of versions.** What is handed over is noted afterwards; whoever goes on begins at
//!   what was noted, so what is repeated is repeated from there in full.
//! - **One instance hands over the changes of a tenant at a time**, for as long as it prolongs its lease. One that was held up and
//!   does not know that another has taken over repeats what the other has handed over, and ends with the next look at its lease.
//! - **It holds up nothing else, and no tenant another**: it reads with the feed's turns, a page of a tenant before the next has its
//!   turn. What fails of a tenant is tried again, less and less often (`held`), from what was noted.
//! - **Nobody is left in the belief that nothing is missing.** What the outbox does not keep any more, and what another history of the
//!   database may have instead of what was handed over, is told in every stream, after which only a snapshot helps.

pub mod event;
mod held;
pub mod redis_streams;

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::{
    event::{Event, Why, event, gap},
    held::{Held, behind},
};
use crate::{
    cache::{Caches, sealed::Run},
    clock::Clock,
    error::Error,
    feed::{
        OtherRun, Tape,
        place::{Mark, Place, Stage},
        seats::Seats,
    },
    ids::{self, TenantId},
    storage::{Storage, feed, relays, rule_sets, store},
    telemetry::names,
};

/// The name of the work, among a tenant's leases.
const WORK: &str = "relay";

/// How long a lease lasts, and after how long it is prolonged.
const LEASE: Duration = Duration::from_secs(15);
const PROLONG: Duration = Duration::from_secs(5);

/// The longest that it asks at a time which tenants it relays.
const ASKING: Duration = Duration::from_secs(5);

/// How often a place is noted while nothing is handed over.
const NOTE: Duration = Duration::from_mins(1);

/// How often it is told how far it is behind, also while the outbox cannot be looked at.
const TELL: Duration = Duration::from_secs(1);

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

/// What came of a tenant's turn.
enum Turn {
    /// There may be more to hand over.
    More,
    /// There is nothing for now.
    Done,
    /// Another instance relays it.
    Lost,
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
            if asked.is_none_or(|asked| asked.elapsed() >= PROLONG) {
                asked = Some(Instant::now());
                if let Err(error) = self.hold(holder, &mut held).await {
                    tracing::warn!(%error, "which tenants to relay could not be settled, it is tried again");
                }
            }
            let more = self.round(holder, &mut held).await;
            self.show(&held);
            if more {
                continue;
            }
            if let Ok(Err(_)) = timeout(TELL, looks.changed()).await {
                return;
            }
        }
    }

    /// Takes and prolongs leases of tenants.
    async fn hold(&self, holder: Uuid, held: &mut HashMap<TenantId, Held>) -> Result<(), Error> {
        let asking = async {
            let mut connection = self.storage.acquire().await?;
            for tenant in store::tenants(&mut connection).await? {
                let work = rule_sets::take_lease(&mut connection, &tenant, WORK, holder, LEASE);
                if !work.await? {
                    held.remove(&tenant);
                    continue;
                }
                let known = held
                    .entry(tenant)
                    .or_insert_with(|| Held::new(self.clock.now()));
                known.leased_at = Instant::now();
            }
            Ok(())
        };
        timeout(ASKING, Box::pin(asking))
            .await
            .unwrap_or_else(|_| Err(no_answer()))
    }

    /// Lets each tenant have its turn. Answers whether there may be more to hand over.
    async fn round(&self, holder: Uuid, held: &mut HashMap<TenantId, Held>) -> bool {
        let mut more = false;
        let mut lost = Vec::new();
        for (tenant, known) in held.iter_mut() {
            if known.rests() {
                continue;
            }
            match self.turn(holder, tenant, known).await {
                Ok(turn) => {
                    known.went_well();
                    match turn {
                        Turn::More => more = true,
                        Turn::Done => {}
                        Turn::Lost => lost.push(tenant.clone()),
                    }
                }
                Err(error) => {
                    if known.failed() {
                        let behind = behind(known.delivered, self.clock.now()).as_secs();
                        tracing::warn!(%tenant, %error, behind_s = behind, "changes could not be relayed, it is tried again");
                    }
                }
            }
        }
        for tenant in lost {
            held.remove(&tenant);
        }
        more
    }

    /// Hands over a page of a tenant's changes, if there is one. While it does, the tenant has no tape: whatever breaks off, it begins
    /// again at what is noted.
    async fn turn(&self, holder: Uuid, tenant: &TenantId, held: &mut Held) -> Result<Turn, Error> {
        let mut tape = match held.tape.take() {
            Some(tape) => tape,
            None => self.begin(tenant, held).await?,
        };
        let seen = match tape.seen(&self.caches) {
            Ok(Some(seen)) => seen,
            Ok(None) => {
                held.tape = Some(tape);
                return Ok(Turn::Done);
            }
            // It begins again in the run that the database says, at the next look: what looks at the outbox may be behind.
            Err(OtherRun) => return Ok(Turn::Done),
        };
        if !seen.is_new {
            tape.pass(seen, &self.caches, self.clock.now());
            if held.noted_at.elapsed() >= NOTE {
                self.note(tenant, &tape).await?;
                held.noted_at = Instant::now();
            }
            held.goes_on(tape);
            return Ok(Turn::Done);
        }
        let reading = async {
            let mut connection = self.storage.acquire().await?;
            if held.leased_at.elapsed() >= PROLONG {
                let work = rule_sets::take_lease(&mut connection, tenant, WORK, holder, LEASE);
                if !work.await? {
                    return Ok(None);
                }
                held.leased_at = Instant::now();
            }
            tape.page(&mut connection, seen.horizon).await.map(Some)
        };
        let Some(page) = self.seats.read(Box::pin(reading)).await? else {
            return Ok(Turn::Lost);
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
        self.note(tenant, &tape).await?;
        held.noted_at = Instant::now();
        held.goes_on(tape);
        Ok(Turn::More)
    }

    /// Where the changes of a tenant go on.
    async fn begin(&self, tenant: &TenantId, held: &mut Held) -> Result<Tape, Error> {
        let asked = async {
            let mut connection = self.storage.acquire().await?;
            let noted = relays::load(&mut connection, tenant, S::NAME).await?;
            Ok((noted, feed::now(&mut connection).await?))
        };
        let (noted, database) = self.seats.read(Box::pin(asked)).await?;
        let now = self.clock.now();
        let run = Run::of(&database.incarnation);
        let from = |position, as_of| {
            let mark = Mark {
                run,
                as_of,
                stage: Stage::Changes(Place::from(position)),
                chain: Vec::new(),
            };
            Tape::new(tenant.clone(), mark)
        };
        // What was noted may be lost itself.
        let is_other = held.run.is_some_and(|last| !last.shares_history(run));
        let known = noted.filter(|noted| !is_other && noted.position <= database.next);
        let known = known.and_then(|noted| Tape::from_noted(tenant.clone(), noted, run));
        held.delivered = noted.map_or(held.delivered, |noted| noted.as_of);
        let tape = match (noted, known) {
            // With what is kept: a tenant that is new has changes before anybody knows of it.
            (None, _) if !is_other => from(0, now),
            (Some(noted), Some(tape)) => {
                let keep = i64::try_from(self.seats.keep().as_micros()).unwrap_or(i64::MAX);
                if now.0.saturating_sub(noted.as_of.0) <= keep {
                    tape
                } else {
                    tracing::error!(%tenant, "changes that were not relayed are not kept any more");
                    self.put(&gap(tenant, now, Why::NotKept)).await?;
                    from(noted.position, now)
                }
            }
            (noted, _) => {
                let relayed_to = noted.map_or(0, |noted| noted.position);
                tracing::error!(
                    %tenant,
                    relayed_to,
                    "the database is another than the one whose changes were relayed last, by a failover or a restore: some that were relayed may not have happened in it, and others are relayed twice or not at all; consumers are told to begin with a snapshot"
                );
                // Who begins with a snapshot on hearing of it needs what is under way now, and what comes afterwards.
                self.put(&gap(tenant, now, Why::OtherHistory)).await?;
                from(relayed_to.min(database.oldest), now)
            }
        };
        held.run = Some(run);
        self.note(tenant, &tape).await?;
        held.noted_at = Instant::now();
        Ok(tape)
    }

    async fn put(&self, events: &[Event]) -> Result<(), Error> {
        let taken = self.sink.put(events).await;
        taken.map_err(|source| Error::StorageAway { source })
    }

    async fn note(&self, tenant: &TenantId, tape: &Tape) -> Result<(), Error> {
        let noting = async {
            let mut connection = self.storage.acquire().await?;
            relays::save(&mut connection, tenant, S::NAME, tape.noted()).await?;
            Ok(())
        };
        timeout(ASKING, noting)
            .await
            .unwrap_or_else(|_| Err(no_answer()))
    }

    fn show(&self, held: &HashMap<TenantId, Held>) {
        let oldest = held.values().map(|held| held.delivered).min();
        let behind = oldest.map_or(Duration::ZERO, |oldest| behind(oldest, self.clock.now()));
        metrics::gauge!(names::RELAY_LAG).set(behind.as_secs_f64());
    }
}

fn no_answer() -> Error {
    Error::StorageAway {
        source: "no answer in time".into(),
    }
}
