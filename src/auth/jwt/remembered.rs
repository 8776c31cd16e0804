//! Tokens that were verified before, so that a caller who makes many calls with one token pays for one signature.
//!
//! What must stay true: only what was found good is kept, so strangers cannot fill it; it is bounded, whatever callers do;
//! and it belongs to one set of keys, so it is gone when the keys are. Times are checked on every call by who asks.

use std::{collections::HashMap, mem, sync::Arc};

/// A hash of a token that nobody can make a second token for.
pub(super) type Fingerprint = [u8; 32];

/// Entries of a generation at most; there are two.
const GENERATION: usize = 2_048;

/// What was found, by token: those asked for lately, and those of the generation before, which end with it.
#[derive(Debug)]
pub(super) struct Remembered<T> {
    young: HashMap<Fingerprint, Arc<T>>,
    old: HashMap<Fingerprint, Arc<T>>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }
}

impl<T> Remembered<T> {
    /// What was found of a token.
    pub(super) fn get(&mut self, token: &Fingerprint) -> Option<Arc<T>> {
        if let Some(found) = self.young.get(token) {
            return Some(Arc::clone(found));
        }
        let found = self.old.remove(token)?;
        self.put(*token, Arc::clone(&found));
        Some(found)
    }

    /// Keeps what was found of a token.
    pub(super) fn put(&mut self, token: Fingerprint, found: Arc<T>) {
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(token, found);
    }
}

/// The hash of a token.
pub(super) fn fingerprint(token: &str) -> Fingerprint {
    *blake3::hash(token.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_bounded_and_keeps_what_is_asked_for() {
        let mut remembered = Remembered::default();
        let favourite = fingerprint("favourite");
        remembered.put(favourite, Arc::new(0));
        for n in 0..10 * GENERATION {
            remembered.put(fingerprint(&n.to_string()), Arc::new(n));
            assert!(remembered.young.len() + remembered.old.len() <= 2 * GENERATION);
            assert!(remembered.get(&favourite).is_some());
        }
        assert!(remembered.get(&fingerprint("0")).is_none());
    }
}
