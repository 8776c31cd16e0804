//! One piece of work for all who want the same at the same time.
//!
//! What must stay true: the work goes on when whoever began it goes away, because others wait for it; who comes after it has ended
//! begins anew; work that ends badly frees its place; who comes long after it began does not wait for it.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};
use tracing::Instrument as _;

type Open<K, V> = Arc<Mutex<HashMap<K, Way<V>>>>;

/// Work that is under way.
#[derive(Debug)]
struct Way<V> {
    begun: Instant,
    outcome: watch::Receiver<Option<V>>,
}

/// Work that is under way, by what it is about.
#[derive(Debug)]
pub struct Flights<K, V>(Open<K, V>);

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// What somebody has to do with some work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It was begun for it.
    Led,
    /// It was under way.
    Joined,
}

/// Gives the place back.
struct Place<K: Eq + Hash, V> {
    open: Open<K, V>,
    key: K,
    outcome: watch::Receiver<Option<V>>,
}

impl<K: Eq + Hash, V> Drop for Place<K, V> {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Another may have it.
        let way = open.get(&self.key);
        if way.is_some_and(|way| way.outcome.same_channel(&self.outcome)) {
            open.remove(&self.key);
        }
    }
}

impl<K, V> Flights<K, V>
where
    K: Eq + Hash + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// What the work about something comes to, begun now or already under way; nothing when it ended badly. Work that has been
    /// under way for longer than `longest` is not joined: what is begun now takes its place, and those who wait for it go on
    /// waiting.
    pub async fn join<F>(
        &self,
        key: K,
        longest: Duration,
        work: impl FnOnce() -> F,
    ) -> (Option<V>, Role)
    where
        F: Future<Output = V> + Send + 'static,
    {
        let (mut outcome, role) = self.enter(key, longest, work);
        let value = match outcome.wait_for(Option::is_some).await {
            Ok(value) => value.clone(),
            Err(_) => None,
        };
        (value, role)
    }

    fn enter<F>(
        &self,
        key: K,
        longest: Duration,
        work: impl FnOnce() -> F,
    ) -> (watch::Receiver<Option<V>>, Role)
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(way) = open.get(&key)
            && way.begun.elapsed() <= longest
        {
            return (way.outcome.clone(), Role::Joined);
        }
        let (tell, outcome) = watch::channel(None);
        let way = Way {
            begun: Instant::now(),
            outcome: outcome.clone(),
        };
        open.insert(key.clone(), way);
        drop(open);
        let place = Place {
            open: Arc::clone(&self.0),
            key,
            outcome: outcome.clone(),
        };
        let work = work();
        let flight = async move {
            let value = work.await;
            // Before it is told, so that who hears of it and wants more begins anew.
            drop(place);
            tell.send_replace(Some(value));
        };
        tokio::spawn(flight.in_current_span());
        (outcome, Role::Led)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const LONGEST: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn many_who_want_the_same_cause_one_piece_of_work() {
        let flights = Arc::new(Flights::<u8, u32>::default());
        let begun = Arc::new(AtomicU32::new(0));
        let join = |key| {
            let (flights, begun) = (Arc::clone(&flights), Arc::clone(&begun));
            tokio::spawn(async move {
                let work = || async move {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    begun.fetch_add(1, Ordering::SeqCst)
                };
                flights.join(key, LONGEST, work).await.0
            })
        };
        let waiting: Vec<_> = (0..100).map(|n| join(n % 2)).collect();
        for one in waiting {
            assert!(one.await.unwrap().is_some());
        }
        assert_eq!(begun.load(Ordering::SeqCst), 2);
        join(0).await.unwrap();
        assert_eq!(begun.load(Ordering::SeqCst), 3, "it had ended");
    }

    #[tokio::test]
    async fn work_goes_on_without_whoever_began_it_and_failing_frees_its_place() {
        let flights = Arc::new(Flights::<u8, u32>::default());
        let own = Arc::clone(&flights);
        let first = tokio::spawn(async move {
            let slow = || async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                7
            };
            own.join(1, LONGEST, slow).await
        });
        tokio::time::sleep(Duration::from_millis(10)).await;
        first.abort();
        let other = flights.join(1, LONGEST, || async { 8 }).await;
        assert_eq!(other, (Some(7), Role::Joined));
        let panics = || async { panic!("work ends badly") };
        assert_eq!(flights.join(2, LONGEST, panics).await, (None, Role::Led));
        let again = flights.join(2, LONGEST, || async { 9 }).await;
        assert_eq!(again, (Some(9), Role::Led));
    }

    #[tokio::test]
    async fn who_comes_long_after_it_began_takes_the_place_of_work_that_hangs() {
        let flights = Flights::<u8, u32>::default();
        let (end_first, mut first_ends) = watch::channel(false);
        let (end_second, mut second_ends) = watch::channel(false);
        let (mut first, role) = flights.enter(1, LONGEST, || async move {
            first_ends.changed().await.unwrap();
            1
        });
        assert_eq!(role, Role::Led);
        tokio::time::sleep(Duration::from_millis(20)).await;
        let (mut second, role) = flights.enter(1, Duration::from_millis(10), || async move {
            second_ends.changed().await.unwrap();
            2
        });
        assert_eq!(role, Role::Led, "the first began long ago");
        // Who was there before hears of what it waits for; the end of that gives back no place that another has.
        end_first.send_replace(true);
        assert_eq!(*first.wait_for(Option::is_some).await.unwrap(), Some(1));
        let (mut third, role) = flights.enter(1, LONGEST, || async { 3 });
        assert_eq!(role, Role::Joined);
        end_second.send_replace(true);
        for outcome in [&mut second, &mut third] {
            assert_eq!(*outcome.wait_for(Option::is_some).await.unwrap(), Some(2));
        }
        assert!(flights.0.lock().unwrap().is_empty());
    }
}
