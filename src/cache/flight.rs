//! One piece of work for all who want the same at the same time.
//!
//! What must stay true: the work goes on when whoever began it goes away, because others wait for it; who comes after it has ended
//! begins anew; work that ends badly frees its place.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;
use tracing::Instrument as _;

type Open<K, V> = Arc<Mutex<HashMap<K, watch::Receiver<Option<V>>>>>;

/// Work that is under way, by what it is about.
#[derive(Debug)]
pub struct Flights<K, V>(Open<K, V>);

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

/// Gives the place back.
struct Place<K: Eq + Hash, V> {
    open: Open<K, V>,
    key: K,
}

impl<K: Eq + Hash, V> Drop for Place<K, V> {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&self.key);
    }
}

impl<K, V> Flights<K, V>
where
    K: Eq + Hash + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// What the work about something comes to, begun now or already under way; nothing when it ended badly.
    pub async fn join<F>(&self, key: K, work: impl FnOnce() -> F) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut outcome = self.enter(key, work);
        let value = outcome.wait_for(Option::is_some).await.ok()?;
        value.clone()
    }

    fn enter<F>(&self, key: K, work: impl FnOnce() -> F) -> watch::Receiver<Option<V>>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = open.get(&key) {
            return outcome.clone();
        }
        let (tell, outcome) = watch::channel(None);
        open.insert(key.clone(), outcome.clone());
        drop(open);
        let place = Place {
            open: Arc::clone(&self.0),
            key,
        };
        let work = work();
        let flight = async move {
            let value = work.await;
            // Before it is told, so that who hears of it and wants more begins anew.
            drop(place);
            tell.send_replace(Some(value));
        };
        tokio::spawn(flight.in_current_span());
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        time::Duration,
    };

    use super::*;

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
                flights.join(key, work).await
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
            own.join(1, slow).await
        });
        tokio::time::sleep(Duration::from_millis(10)).await;
        first.abort();
        assert_eq!(flights.join(1, || async { 8 }).await, Some(7));
        let panics = || async { panic!("work ends badly") };
        assert_eq!(flights.join(2, panics).await, None);
        assert_eq!(flights.join(2, || async { 9 }).await, Some(9));
    }
}
