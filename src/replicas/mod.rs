//! Read replicas: which there are, which of them may be asked, and which is asked next.
//!
//! What must stay true:
//!
//! - **A replica decides nothing.** Every reading comes with how the replica stood in the very snapshot it is of, and is judged by
//!   [`cache::settled`](crate::cache::settled) like a value that was kept somewhere. What is remembered here of a replica only spares
//!   asking it.
//! - **It fails nothing.** It is asked within a budget and left alone while it fails; whatever it does not answer the primary does.
//! - **What it may stand in for is one run of the store**: which history the primary has is read together with the run that caches
//!   name, and a look-up of another run asks nobody here.

mod fit;
mod watch;

use std::{
    fmt::Display,
    sync::{
        Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

pub use fit::{Unfit, fit};

use crate::{
    breaker::{Admission, Breaker, End},
    cache::sealed::Epoch,
    storage::{Storage, standby::Lineage},
    telemetry::names,
};

/// How long a replica that failed several times in a row is left alone at first.
const PAUSE: Duration = Duration::from_millis(500);

/// Look-ups that one replica is asked for at a time, for each of its connections: the others ask the primary.
const CROWD: usize = 4;

/// The replicas of a database.
#[derive(Debug)]
pub struct Replicas {
    all: Vec<Replica>,
    budget: Duration,
    begun: Instant,
    /// What the primary has the history of, and in which run of the store.
    primary: RwLock<Option<(Epoch, Lineage)>>,
    turn: AtomicUsize,
}

#[derive(Debug)]
struct Replica {
    /// Its place among the settings, from 1 on, as metrics and logs name it.
    number: String,
    storage: Storage,
    crowd: usize,
    asked: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    breaker: Breaker,
    /// Why it is not asked, as of when it was last looked at.
    unfit: Option<Unfit>,
    /// Whether it was looked at.
    is_known: bool,
}

/// What a look-up came to that a replica was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It answered; whether that may be served is another thing.
    Answered,
    /// It did not within the budget.
    Slow,
    /// It replayed something that was in the way of the look-up.
    Conflict,
    /// It failed.
    Failed,
    /// It may not answer at all.
    Unfit(Unfit),
}

impl Outcome {
    const fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Slow => "slow",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
            Self::Unfit(unfit) => unfit.label(),
        }
    }

    /// What it says of whether the replica works. One that is no replica any more works well enough.
    const fn end(self) -> End {
        match self {
            Self::Answered | Self::Unfit(_) => End::Well,
            Self::Slow | Self::Failed => End::Badly,
            Self::Conflict => End::Unknown,
        }
    }
}

impl Replica {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of whether it may be asked. Answers with whether that is new.
    fn found(&self, unfit: Option<Unfit>) -> bool {
        let mut state = self.state();
        let was = std::mem::replace(&mut state.unfit, unfit);
        let is_new = !std::mem::replace(&mut state.is_known, true) || was != unfit;
        drop(state);
        let replica = &self.number;
        match unfit {
            Some(unfit) if is_new => {
                tracing::warn!(replica, state = unfit.label(), "a replica is not asked");
            }
            None if is_new => tracing::info!(replica, "a replica is asked"),
            _ => (),
        }
        is_new
    }
}

impl Replicas {
    /// None of which is asked before [`Replicas::watch`] has looked at it. `budget` is what a look-up may take.
    #[must_use]
    pub fn new(all: Vec<Storage>, budget: Duration) -> Self {
        let replica = |(n, storage): (usize, Storage)| Replica {
            number: (n + 1).to_string(),
            crowd: CROWD * storage.most_connections(),
            storage,
            asked: AtomicUsize::new(0),
            state: Mutex::new(State {
                breaker: Breaker::new(PAUSE),
                unfit: Some(Unfit::Away),
                is_known: false,
            }),
        };
        Self {
            all: all.into_iter().enumerate().map(replica).collect(),
            budget,
            begun: Instant::now(),
            primary: RwLock::new(None),
            turn: AtomicUsize::new(0),
        }
    }

    /// How long a look-up may take.
    #[must_use]
    pub fn budget(&self) -> Duration {
        self.budget
    }

    /// Whether any was fit when it was last looked at.
    #[must_use]
    pub fn is_any_fit(&self) -> bool {
        self.all.iter().any(|it| it.state().unfit.is_none())
    }

    /// Why one of them is not asked, by its place from 0 on; none where it is.
    #[must_use]
    pub fn unfit(&self, place: usize) -> Option<Unfit> {
        self.all.get(place)?.state().unfit
    }

    fn primary(&self) -> Option<(Epoch, Lineage)> {
        let known = self.primary.read();
        *known.unwrap_or_else(PoisonError::into_inner)
    }

    /// The one to ask for a look-up of a run of the store: of those that are fit, that with the fewest look-ups under way. None when
    /// there is none to ask.
    #[must_use]
    pub fn call(&self, epoch: Epoch) -> Option<Call<'_>> {
        let Some((_, primary)) = self.primary().filter(|(of, _)| *of == epoch) else {
            return self.nobody("unknown");
        };
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % self.all.len().max(1);
        let (before, from) = self.all.split_at(first);
        let mut fit: Vec<_> = from.iter().chain(before).collect();
        fit.retain(|replica| replica.state().unfit.is_none());
        // Once each: they change meanwhile.
        fit.sort_by_cached_key(|replica| replica.asked.load(Ordering::Relaxed));
        let mut why = "unfit";
        for replica in fit {
            if replica.asked.load(Ordering::Relaxed) >= replica.crowd {
                why = "busy";
                break;
            }
            if let Some(admission) = replica.state().breaker.admit(self.begun.elapsed()) {
                replica.asked.fetch_add(1, Ordering::Relaxed);
                return Some(Call {
                    replicas: self,
                    replica,
                    primary,
                    admission,
                    outcome: None,
                });
            }
            why = "paused";
        }
        self.nobody(why)
    }

    fn nobody(&self, why: &'static str) -> Option<Call<'_>> {
        if !self.all.is_empty() {
            count(&"none", why);
        }
        None
    }
}

fn count(replica: &dyn Display, outcome: &'static str) {
    metrics::counter!(names::REPLICA_READS, "replica" => replica.to_string(), "outcome" => outcome)
        .increment(1);
}

/// A look-up that a replica is asked for. It ends when it is dropped.
#[derive(Debug)]
pub struct Call<'a> {
    replicas: &'a Replicas,
    replica: &'a Replica,
    primary: Lineage,
    admission: Admission,
    outcome: Option<Outcome>,
}

impl Call<'_> {
    /// The replica's database.
    #[must_use]
    pub fn storage(&self) -> &Storage {
        &self.replica.storage
    }

    /// What the primary has the history of.
    #[must_use]
    pub fn primary(&self) -> &Lineage {
        &self.primary
    }

    /// Which replica it is.
    #[must_use]
    pub fn number(&self) -> &str {
        &self.replica.number
    }

    /// Says what it came to. One that may not answer is not asked until it was looked at again.
    pub fn end(mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.replica.asked.fetch_sub(1, Ordering::Relaxed);
        let end = self.outcome.map_or(End::Unknown, Outcome::end);
        let mut state = self.replica.state();
        let now = self.replicas.begun.elapsed();
        state.breaker.ended(self.admission, end, now);
        drop(state);
        if let Some(Outcome::Unfit(unfit)) = self.outcome {
            self.replica.found(Some(unfit));
        }
        if let Some(outcome) = self.outcome {
            count(&self.replica.number, outcome.label());
        }
    }
}

#[cfg(test)]
mod tests;
