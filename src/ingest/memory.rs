//! Memory that those who wait to be stored may hold, in KiB.
//!
//! What must stay true: whoever comes first gets it first, so one who needs much waits no longer than those who need little; one
//! who needs more than there is gets all of it, and does not wait for ever.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory of one class.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    free: Arc<Semaphore>,
    all: usize,
}

impl Memory {
    pub(super) fn new(kib: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(kib)),
            all: kib,
        }
    }

    /// Takes so many, or all there are.
    pub(super) async fn take(&self, kib: usize) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(kib.min(self.all)).unwrap_or(u32::MAX);
        Arc::clone(&self.free).acquire_many_owned(kib).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn whoever_needs_more_than_there_is_gets_all_of_it_in_turn() {
        let memory = Memory::new(10);
        let some = memory.take(3).now_or_never().flatten().unwrap();
        let mut much = Box::pin(memory.take(1_000));
        assert!((&mut much).now_or_never().is_none());
        // Who comes later waits behind.
        let mut little = Box::pin(memory.take(1));
        assert!((&mut little).now_or_never().is_none());
        drop(some);
        let much = much.now_or_never().flatten().unwrap();
        assert_eq!(much.num_permits(), 10);
        assert!((&mut little).now_or_never().is_none());
        drop(much);
        assert!(little.now_or_never().flatten().is_some());
    }
}
