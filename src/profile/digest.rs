//! Digests: one hash of what a profile says.
//!
//! A digest leaves out profile ids, versions, arrival times and everything that depends on the hash secret, so that two
//! stores that were told the same have the same digest, in whatever order they were told.

use super::model::State;
use crate::{identity::Normalised, ids::LengthPrefixed};

/// The digest of one profile; `None` while its subjects are not loaded.
#[must_use]
pub fn of_profile(identifiers: &[Normalised], state: &State) -> Option<[u8; 32]> {
    let canonical = state.canonical()?;
    let mut identifiers: Vec<&Normalised> = identifiers.iter().collect();
    identifiers.sort_unstable();
    let mut hash = LengthPrefixed(blake3::Hasher::new());
    hash.add(b"profile");
    for Normalised { namespace, value } in identifiers {
        hash.add(namespace.as_bytes());
        hash.add(value.as_bytes());
    }
    hash.add(b"state");
    hash.add(&canonical);
    Some(*hash.0.finalize().as_bytes())
}

/// The digest of a set of profiles, built up in any order and in constant memory.
///
/// The sum of the profiles' digests modulo 2^256, hashed together with their number: equal sets give equal sums. It
/// detects differences; it is no defence against someone who makes up profiles to hit a sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Population {
    sum: [u64; 4],
    profiles: u64,
}

impl Population {
    /// Adds one profile.
    pub fn add(&mut self, digest: &[u8; 32]) {
        let mut carry = false;
        for (limb, bytes) in self.sum.iter_mut().zip(digest.chunks_exact(8)) {
            let mut term = [0; 8];
            term.copy_from_slice(bytes);
            let (partial, over) = limb.overflowing_add(u64::from_le_bytes(term));
            let (total, again) = partial.overflowing_add(u64::from(carry));
            *limb = total;
            carry = over || again;
        }
        self.profiles += 1;
    }

    /// How many profiles were added.
    #[must_use]
    pub fn profiles(&self) -> u64 {
        self.profiles
    }

    /// The digest, as 64 hexadecimal digits.
    #[must_use]
    pub fn finish(&self) -> String {
        let mut hash = blake3::Hasher::new();
        hash.update(&self.profiles.to_le_bytes());
        for limb in self.sum {
            hash.update(&limb.to_le_bytes());
        }
        hash.finalize().to_hex().to_string()
    }
}
