//! Tallies: whether two large sets are equal, in constant memory.
//!
//! A tally is the number of entries and the sum of their 128-bit hashes, so it does not depend on an order. Equal sets
//! have equal tallies; different ones practically never do.

use crate::ids::LengthPrefixed;

/// A set, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// How many entries.
    pub(super) entries: u64,
    sum: u128,
}

impl Tally {
    /// Adds an entry, given by its parts.
    pub(super) fn add(&mut self, parts: &[&[u8]]) {
        let mut hash = LengthPrefixed(blake3::Hasher::new());
        for part in parts {
            hash.add(part);
        }
        self.sum = self.sum.wrapping_add(hash.finish_128().as_u128());
        self.entries += 1;
    }
}
