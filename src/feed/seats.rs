//! How many watch at a time, and how far the slowest of them is.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{sync::Semaphore, time::timeout};

use crate::{auth::Caller, clock::Micros, error::Error, telemetry::names};

/// Watches that read from the database at a time: those that have much to catch up with leave the rest to other calls.
const READERS: usize = 2;

/// The longest that a turn to read lasts: what a database that hangs holds up goes on then.
const TURN: Duration = Duration::from_secs(15);

/// How much longer changes are kept than they are promised to be: longer than any transaction takes, since a change tells when
/// its transaction began.
pub const GRACE: Duration = Duration::from_mins(15);

/// Who watches.
#[derive(Debug)]
pub struct Seats {
    most: usize,
    most_of_caller: usize,
    keep: Duration,
    turns: Semaphore,
    turn: Duration,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    next: u64,
    seats: HashMap<u64, (Caller, Arc<AtomicI64>)>,
}

/// A place among those who watch, until it is dropped.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    number: u64,
    as_of: Arc<AtomicI64>,
}

impl Seats {
    /// So many at a time, of one caller and in all; changes are promised to be kept for `keep`.
    #[must_use]
    pub fn new(most: usize, most_of_caller: usize, keep: Duration) -> Self {
        Self {
            most,
            most_of_caller,
            keep,
            turns: Semaphore::new(READERS),
            turn: TURN,
            taken: Mutex::default(),
        }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long changes are kept.
    #[must_use]
    pub fn keep(&self) -> Duration {
        self.keep
    }

    /// Takes a seat; the watch goes on from a time.
    ///
    /// # Errors
    /// `overloaded`, when too many watch already.
    pub fn take(self: &Arc<Self>, caller: &Caller, as_of: Micros) -> Result<Seat, Error> {
        let mut taken = self.taken();
        let same = |one: &Caller| one.tenant == caller.tenant && one.name == caller.name;
        let theirs = taken.seats.values().filter(|(one, _)| same(one)).count();
        if taken.seats.len() >= self.most || theirs >= self.most_of_caller {
            return Err(Error::Overloaded { what: "watches" });
        }
        let number = taken.next;
        taken.next += 1;
        let at = Arc::new(AtomicI64::new(as_of.0));
        taken
            .seats
            .insert(number, (caller.clone(), Arc::clone(&at)));
        drop(taken);
        Ok(Seat {
            seats: Arc::clone(self),
            number,
            as_of: at,
        })
    }

    /// Reads from the database, when it is its turn. A turn is never refused, and ends by itself.
    ///
    /// # Errors
    /// When the reading fails, or lasts longer than a turn. What it was to change may be changed in part then.
    pub async fn read<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        // It is never closed.
        let _turn = self.turns.acquire().await.ok();
        let outcome = timeout(self.turn, work).await;
        outcome.unwrap_or_else(|_| {
            Err(Error::StorageAway {
                source: "no answer in time".into(),
            })
        })
    }

    /// Brings gauges up to date.
    pub fn show(&self, now: Micros) {
        let (count, oldest) = {
            let taken = self.taken();
            let times = taken.seats.values().map(|(_, as_of)| as_of.load(Relaxed));
            (taken.seats.len(), times.min())
        };
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        metrics::gauge!(names::FEED_WATCHES).set(f64::from(count));
        let behind = oldest.map_or(0, |oldest| now.0.saturating_sub(oldest).max(0));
        let behind = Duration::from_micros(behind.unsigned_abs());
        metrics::gauge!(names::FEED_LAG).set(behind.as_secs_f64());
    }
}

impl Seat {
    /// The watcher has taken everything up to a time.
    pub fn took(&self, as_of: Micros) {
        self.as_of.store(as_of.0, Relaxed);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken().seats.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::Permissions, ids::TenantId};

    fn caller(name: &str) -> Caller {
        Caller {
            tenant: TenantId::default_tenant(),
            name: name.into(),
            permissions: Permissions::NONE,
            department: None,
        }
    }

    #[test]
    fn seats_are_bounded_by_caller_and_in_all_and_given_back() {
        let seats = Arc::new(Seats::new(3, 2, Duration::from_hours(1)));
        let take = |name| seats.take(&caller(name), Micros(0));
        let first = take("a").unwrap();
        let _second = take("a").unwrap();
        assert!(matches!(take("a"), Err(Error::Overloaded { .. })));
        let _third = take("b").unwrap();
        assert!(matches!(take("c"), Err(Error::Overloaded { .. })));
        drop(first);
        assert!(take("a").is_ok());
    }

    #[tokio::test]
    async fn a_reading_that_hangs_gives_its_turn_back() {
        let seats = Seats {
            turn: Duration::from_millis(20),
            ..Seats::new(1, 1, Duration::from_hours(1))
        };
        let hanging = || seats.read(std::future::pending::<Result<(), Error>>());
        for _ in 0..2 * READERS {
            let (one, other) = tokio::join!(hanging(), hanging());
            for outcome in [one, other] {
                assert!(matches!(outcome, Err(Error::StorageAway { .. })));
            }
        }
        assert_eq!(seats.read(async { Ok(7) }).await.unwrap(), 7);
    }
}
