//! A fast hash without a secret, for look-ups in embedded tables and for hashed features.
//!
//! Its values are part of the model file: a change here makes every trained model worthless.

use std::hash::{BuildHasherDefault, Hasher};

const FACTOR: u64 = 0x517c_c1b7_2722_0a95;

/// Folds a value into a hash.
#[must_use]
pub(super) const fn mix(hash: u64, value: u64) -> u64 {
    (hash.rotate_left(5) ^ value).wrapping_mul(FACTOR)
}

/// Folds bytes into a hash.
#[must_use]
pub(super) fn bytes(mut hash: u64, bytes: &[u8]) -> u64 {
    for byte in bytes {
        hash = mix(hash, u64::from(*byte));
    }
    hash
}

/// The hasher of the embedded tables; their keys are ours, so nobody can aim at collisions.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Fast(u64);

impl Hasher for Fast {
    /// Multiplication leaves the low bits, by which maps choose a place, to the low bits of the key.
    fn finish(&self) -> u64 {
        self.0.rotate_left(26)
    }

    fn write(&mut self, input: &[u8]) {
        for chunk in input.chunks(8) {
            let mut word = [0_u8; 8];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.0 = mix(self.0, u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = mix(self.0, value);
    }

    fn write_u8(&mut self, value: u8) {
        self.0 = mix(self.0, u64::from(value));
    }
}

/// A map with the fast hasher.
pub(super) type Map<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<Fast>>;
