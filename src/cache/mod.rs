//! Caches of the read path: what look-ups keep in the process and in Redis, and when it may be served.
//!
//! What must stay true:
//!
//! - **A cache never decides.** Every value carries the version of its profile and the position at which it was read; whether it
//!   may be served is asked of [`memory`], which each instance fills from the outbox by itself ([`tail`]). So it does not matter
//!   what becomes of messages, of Redis or of a value on its way: a value that its profile has left behind is noticed where it
//!   is served. The rules are pure: [`memory`], [`rule`], [`sealed`].
//! - **Nothing in a value depends on who asks, or when.** A document is what the store says of a profile; what a caller may see,
//!   rules of the configuration and the hour are applied to it. What comes of that is kept too ([`encoded`]), for the same reading
//!   of the document, the same rights, fields, models and hour.
//! - **Redis fails nothing.** It is asked within a budget and left alone while it fails ([`redis`]); what comes from it is
//!   believed only when this store sealed it ([`sealed`]).
//! - **Names carry the run of the store**: the database, its start and its timeline. After a restore, a failover or a crash that
//!   lost commits, whose positions may come again, everything kept is of another run and is not found.

pub mod encoded;
pub mod flight;
mod lives;
pub mod local;
pub mod memory;
pub mod redis;
pub mod rule;
pub mod sealed;
pub mod settled;
pub mod tail;

use std::{
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Notify, Semaphore, watch};
use uuid::Uuid;

use self::{
    encoded::Encoded,
    local::Local,
    memory::Memory,
    redis::Tier,
    rule::{Facts, Why, Wish},
    sealed::{Epoch, Run},
};
use crate::ids::IdentityKey;

/// The longest that a writer waits until this process knows of what it committed.
const KNOWN_WITHIN: Duration = Duration::from_millis(100);

/// Which part of the memory is for what was shown: one of so many.
const ENCODED: u64 = 4;

/// Batches of changes that are told to others at a time.
const TELLING: usize = 4;

/// What to keep.
#[derive(Clone, Debug)]
pub struct Options {
    /// The store.
    pub store: Uuid,
    /// Bytes in the process; 0 turns that tier off.
    pub memory: u64,
    /// How long a value is kept, and changes are remembered.
    pub lifetime: Duration,
    /// Changed profiles that are remembered.
    pub remembered: usize,
}

/// The caches of an instance.
#[derive(Debug)]
pub struct Caches {
    options: Options,
    begun: Instant,
    memory: RwLock<Memory>,
    epoch: AtomicU64,
    run: AtomicU64,
    /// Whether the last look at the outbox failed.
    away: AtomicBool,
    looks: Looks,
    local: Option<Local>,
    encoded: Option<Encoded>,
    redis: Option<Arc<Tier>>,
    telling: Arc<Semaphore>,
    primary_reads: AtomicU64,
}

/// Looks at the outbox that somebody waits for.
#[derive(Debug)]
struct Looks {
    asked: AtomicU64,
    done: watch::Sender<u64>,
    wake: Notify,
}

impl Caches {
    /// Empty ones. They are of use once [`tail::follow`] runs.
    #[must_use]
    pub fn new(options: Options, redis: Option<Arc<Tier>>) -> Self {
        let for_encoded = options.memory / ENCODED;
        let for_local = options.memory - for_encoded;
        let local = (options.memory > 0).then(|| Local::new(for_local, options.lifetime));
        let encoded = (options.memory > 0).then(|| Encoded::new(for_encoded, options.lifetime));
        Self {
            memory: RwLock::new(Memory::new(options.lifetime, options.remembered)),
            options,
            begun: Instant::now(),
            epoch: AtomicU64::new(0),
            run: AtomicU64::new(0),
            away: AtomicBool::new(true),
            looks: Looks {
                asked: AtomicU64::new(0),
                done: watch::channel(0).0,
                wake: Notify::new(),
            },
            local,
            encoded,
            redis,
            telling: Arc::new(Semaphore::new(TELLING)),
            primary_reads: AtomicU64::new(0),
        }
    }

    /// The tier in the process, unless it is turned off.
    #[must_use]
    pub fn local(&self) -> Option<&Local> {
        self.local.as_ref()
    }

    /// What was shown in this process, unless that tier is turned off.
    #[must_use]
    pub fn encoded(&self) -> Option<&Encoded> {
        self.encoded.as_ref()
    }

    /// Redis, if there is one.
    #[must_use]
    pub fn redis(&self) -> Option<&Arc<Tier>> {
        self.redis.as_ref()
    }

    /// How long a value is kept.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.options.lifetime
    }

    /// Since this began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// What is remembered of changes.
    pub fn memory(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory_mut(&self) -> RwLockWriteGuard<'_, Memory> {
        self.memory.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run of the store that values are of.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    /// The run of the database that positions here are of. Whoever compares it with what is remembered holds the memory meanwhile.
    #[must_use]
    pub fn run(&self) -> Run {
        Run(self.run.load(Ordering::Acquire))
    }

    /// The run of the store that an incarnation of its database is.
    #[must_use]
    pub fn epoch_of(&self, incarnation: &str) -> Epoch {
        Epoch::of(self.options.store, incarnation)
    }

    /// How far a kept value is behind, if it may be served to who began to ask at a time, in a run of the store.
    ///
    /// # Errors
    /// With why it may not.
    pub fn judge<F: Fn(&IdentityKey) -> bool>(
        &self,
        epoch: Epoch,
        facts: &Facts<F>,
        wish: &Wish,
        began: Duration,
    ) -> Result<Duration, Why> {
        let memory = self.of_run(epoch)?;
        let as_of = rule::judge(facts, wish, &memory, began)?;
        Ok(began.saturating_sub(as_of))
    }

    /// The same for who takes old answers, of a value that was read so long ago.
    ///
    /// # Errors
    /// With why it may not.
    pub fn judge_old<F: Fn(&IdentityKey) -> bool>(
        &self,
        epoch: Epoch,
        (facts, age): (&Facts<F>, Duration),
        wish: &Wish,
        began: Duration,
    ) -> Result<Duration, Why> {
        let memory = self.of_run(epoch)?;
        rule::judge_old(facts, age, wish, &memory, began)
    }

    /// The same of the answer that nobody is known, read at a position.
    ///
    /// # Errors
    /// With why it may not.
    pub fn judge_unknown(
        &self,
        epoch: Epoch,
        position: i64,
        wish: &Wish,
        began: Duration,
    ) -> Result<Duration, Why> {
        let memory = self.of_run(epoch)?;
        let right = rule::judge_unknown(position, wish, &memory, began)?;
        Ok(began.saturating_sub(right))
    }

    /// What is remembered, if it is still of a run of the store: both change under the same lock. What is kept of another run
    /// is held against positions that do not count there.
    fn of_run(&self, epoch: Epoch) -> Result<RwLockReadGuard<'_, Memory>, Why> {
        let memory = self.memory();
        if self.epoch() == epoch {
            Ok(memory)
        } else {
            Err(Why::TooOld)
        }
    }

    /// Whether the database did not answer when it was last looked at.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Acquire)
    }

    /// Whether something is kept that who takes old answers may get while the database is away. A Redis that answers is taken
    /// to have something; `elsewhere`: so has something else that is judged by what is remembered here.
    #[must_use]
    pub fn can_answer_old(&self, elsewhere: bool) -> bool {
        let as_of = self.memory().as_of();
        let known = as_of.is_some_and(|at| self.now().saturating_sub(at) <= rule::OLDEST);
        let here = || self.local.as_ref().is_some_and(Local::holds_any);
        let there = || self.redis.as_ref().is_some_and(|redis| redis.is_asked());
        known && (elsewhere || here() || there())
    }

    /// How far nothing is missing: everything below this position was committed, or never will be, and when that was so. None
    /// before the first look.
    #[must_use]
    pub fn horizon(&self) -> Option<(i64, Duration)> {
        let memory = self.memory();
        memory.as_of().map(|as_of| (memory.horizon(), as_of))
    }

    /// Hears of every look at the outbox that is complete.
    #[must_use]
    pub fn looks(&self) -> watch::Receiver<u64> {
        self.looks.done.subscribe()
    }

    /// A run of the store begins for this instance: whatever was known is of another.
    fn begin(&self, incarnation: &str, floor: i64) {
        let epoch = self.epoch_of(incarnation);
        let mut memory = self.memory_mut();
        memory.begin(floor);
        self.epoch.store(epoch.0, Ordering::Release);
        self.run.store(Run::of(incarnation).0, Ordering::Release);
        drop(memory);
        if let Some(local) = &self.local {
            local.clear();
        }
        tracing::info!(
            epoch = format_args!("{:016x}", epoch.0),
            "caches begin anew"
        );
    }

    /// Something was committed that mentions these identifiers: waits until this instance knows of it, so that who is told of the
    /// commit reads it here, with or without a token; but not for long.
    pub async fn committed(&self, identifiers: impl Iterator<Item = IdentityKey>) {
        if let Some(local) = &self.local {
            for key in identifiers {
                local.forget_entry(key);
            }
        }
        if self.is_away() {
            return;
        }
        let mut done = self.looks.done.subscribe();
        let mine = self.looks.asked.fetch_add(1, Ordering::AcqRel) + 1;
        self.looks.wake.notify_one();
        let known = done.wait_for(|done| *done >= mine);
        // When nobody looks, or not in time, the next look will tell.
        let _ = tokio::time::timeout(KNOWN_WITHIN, known).await;
    }

    /// A look-up had to read from the primary.
    pub fn count_primary(&self) {
        self.primary_reads.fetch_add(1, Ordering::Relaxed);
    }

    /// How many look-ups had to.
    #[must_use]
    pub fn primary_reads(&self) -> u64 {
        self.primary_reads.load(Ordering::Relaxed)
    }

    /// Hears a message of another instance.
    pub fn hear(&self, seal: &sealed::Seal, message: &[u8]) {
        if let Some(changes) = seal.hear(self.epoch(), message) {
            self.saw(changes.into_iter());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{memory::Changed, *};
    use crate::ids::ProfileId;

    fn caches() -> Caches {
        let options = Options {
            store: Uuid::nil(),
            memory: 0,
            lifetime: Duration::from_mins(1),
            remembered: 100,
        };
        Caches::new(options, None)
    }

    #[test]
    fn nothing_of_another_run_of_the_store_is_believed() {
        let caches = caches();
        let run = |incarnation| {
            caches.begin(incarnation, 5);
            caches.memory_mut().looked(caches.now(), 20);
            caches.epoch_of(incarnation)
        };
        let facts = Facts {
            profile: ProfileId::from_uuid(Uuid::nil()),
            version: 3,
            position: 9,
            lists: |_: &IdentityKey| true,
        };
        let wish = Wish {
            tokens: Vec::new(),
            bound: Duration::from_mins(1),
            allow_stale: true,
        };
        let judged = |epoch| {
            let now = caches.now();
            [
                caches.judge(epoch, &facts, &wish, now),
                caches.judge_old(epoch, (&facts, Duration::ZERO), &wish, now),
                caches.judge_unknown(epoch, 20, &wish, now),
            ]
        };
        let first = run("first");
        assert!(judged(first).iter().all(Result::is_ok));
        let second = run("second");
        assert_eq!(judged(first), [Err(Why::TooOld); 3]);
        assert!(judged(second).iter().all(Result::is_ok));
        caches.memory_mut().saw(Changed {
            profile: facts.profile,
            version: 4,
            position: 21,
        });
        assert_eq!(judged(second)[0], Err(Why::Changed));
    }
}
