//! How far ahead rows may be dealt out.
//!
//! Two bounds, both against the oldest row that is not done. Against the mark in memory, so that what waits for that row
//! stays small. Against the mark on disk, so that an import that is killed knows how far it can have sent: no row further
//! than [`SENT_AHEAD`] past the saved mark has left, and a duplicate beyond that is one for certain.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Rows that may be dealt out past the mark.
const HELD_AHEAD: u64 = 20_000;
/// Rows that may be dealt out past the saved mark.
pub(super) const SENT_AHEAD: u64 = 200_000;

#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Clone, Copy, Debug)]
struct State {
    mark: u64,
    saved: u64,
    shut: bool,
}

impl State {
    fn limit(self) -> u64 {
        (self.mark + HELD_AHEAD).min(self.saved + SENT_AHEAD)
    }
}

impl Gate {
    pub(super) fn new(mark: u64) -> Self {
        Self {
            state: Mutex::new(State {
                mark,
                saved: mark,
                shut: false,
            }),
            moved: Condvar::new(),
        }
    }

    /// The last row that may be dealt out now, without waiting.
    pub(super) fn limit(&self) -> u64 {
        self.lock().limit()
    }

    /// Waits until a row may be dealt out; `None` when the import is over.
    pub(super) fn wait_for(&self, number: u64) -> Option<u64> {
        let closed = |state: &mut State| !state.shut && state.limit() < number;
        let waited = self.moved.wait_while(self.lock(), closed);
        let state = waited.unwrap_or_else(PoisonError::into_inner);
        (!state.shut).then(|| state.limit())
    }

    pub(super) fn moved_to(&self, mark: u64) {
        self.change(|state| state.mark = mark);
    }

    pub(super) fn saved_at(&self, mark: u64) {
        self.change(|state| state.saved = mark);
    }

    pub(super) fn shut(&self) {
        self.change(|state| state.shut = true);
    }

    fn change(&self, how: impl FnOnce(&mut State)) {
        how(&mut self.lock());
        self.moved.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shuts the gate when dropped, so that nobody waits for an import that is gone.
#[derive(Debug)]
pub(super) struct ShutOnDrop<'a>(pub(super) &'a Gate);

impl Drop for ShutOnDrop<'_> {
    fn drop(&mut self) {
        self.0.shut();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_no_further_than_both_marks_allow() {
        let gate = Gate::new(5);
        assert_eq!(gate.wait_for(6), Some(5 + HELD_AHEAD));
        gate.moved_to(SENT_AHEAD);
        assert_eq!(gate.limit(), 5 + SENT_AHEAD);
        gate.saved_at(SENT_AHEAD);
        assert_eq!(gate.limit(), SENT_AHEAD + HELD_AHEAD);
        drop(ShutOnDrop(&gate));
        assert_eq!(gate.wait_for(6), None);
    }
}
