//! 64-bit hashes that are stable for ever, and the numbers that a decision draws.
//!
//! What must stay true: a change of a single constant here makes stored decisions impossible to replay and moves customers
//! from one holdout group to another, so the values are pinned by a test.
//!
//! Layout of an input: the domain, then the number of words (so that (a) and (a, 0) differ), then the words; each is added
//! by `h = mix(h xor word)`. Words have 64 bits, so no lengths are needed between them; a text is first made a word by
//! [`text`], whose parts are prefixed with their lengths. `mix` is the output function of `SplitMix64` (Steele, Lea, Flood:
//! "Fast splittable pseudorandom number generators", OOPSLA 2014): a bijection of 64 bits.

use crate::ids::LengthPrefixed;

/// What a hash is for; hashes of different domains have nothing in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Where a candidate's draws begin: (decision high, low, action id, version).
    Offset,
    /// What a slot draws: (decision high, low, policy version, slot).
    Slot,
    /// Which group a profile is in: (salt, profile high, low, epoch).
    Holdout,
    /// In which order the quantiles of an action come: (action id, version).
    Permutation,
    /// What an outcome event says, to tell a repeat from a conflict: (decision high, low, slot, outcome, at).
    Outcome,
}

/// The fractional part of the golden ratio, in 64 bits.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

const fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(GOLDEN);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Domain {
    /// Its word.
    const fn word(self) -> u64 {
        match self {
            Self::Offset => 1,
            Self::Slot => 2,
            Self::Holdout => 3,
            Self::Permutation => 4,
            Self::Outcome => 5,
        }
    }

    /// The hash of some words in this domain.
    #[must_use]
    pub fn hash(self, words: &[u64]) -> u64 {
        let count = u64::try_from(words.len()).unwrap_or(u64::MAX);
        let begin = mix(mix(self.word()) ^ count);
        words.iter().fold(begin, |hash, word| mix(hash ^ word))
    }
}

/// A text as a word: the first 64 bits of BLAKE3 over the parts, each prefixed with its length.
#[must_use]
pub fn text(parts: &[&str]) -> u64 {
    let mut hash = LengthPrefixed(blake3::Hasher::new());
    for part in parts {
        hash.add(part.as_bytes());
    }
    hash.finish_64()
}

/// `SplitMix64`: the n-th number is a function of the seed and n alone.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    seed: u64,
    drawn: u64,
}

impl Counter {
    /// From a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// The next 64 bits.
    #[must_use]
    pub fn draw(&mut self) -> u64 {
        let state = self.seed.wrapping_add(self.drawn.wrapping_mul(GOLDEN));
        self.drawn = self.drawn.wrapping_add(1);
        mix(state)
    }

    /// The next number of 0 and above and below 1, of 53 bits.
    #[must_use]
    pub fn draw_unit(&mut self) -> f64 {
        unit(self.draw())
    }
}

/// 0 and above and below 1, from the upper 53 of 64 bits.
#[must_use]
pub fn unit(bits: u64) -> f64 {
    let high = u32::try_from(bits >> 32).unwrap_or_default();
    let low = u32::try_from(bits >> 11 & 0x1f_ffff).unwrap_or_default();
    // Both summands are multiples of 2^-53, and the sum is below 1: it is exact.
    f64::from(high) / 4_294_967_296.0 + f64::from(low) / 9_007_199_254_740_992.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_what_they_were() {
        assert_eq!(Domain::Slot.hash(&[]), 0x6468_4c4f_0fd7_84b4);
        assert_eq!(Domain::Holdout.hash(&[1, 2, 3]), 0x7cd1_64eb_c37b_51e5);
        assert_eq!(text(&["a", "b"]), 0x2372_38bc_1341_a057);
        // The reference values of SplitMix64 for seed 1234567.
        let mut counter = Counter::new(1_234_567);
        assert_eq!(counter.draw(), 6_457_827_717_110_365_317);
        assert_eq!(counter.draw(), 3_203_168_211_198_807_973);
        assert_eq!(counter.draw(), 9_817_491_932_198_370_423);
    }

    #[test]
    fn inputs_do_not_run_together() {
        assert_ne!(Domain::Slot.hash(&[0]), Domain::Slot.hash(&[0, 0]));
        assert_ne!(Domain::Slot.hash(&[0]), Domain::Offset.hash(&[0]));
        assert_ne!(text(&["ab", "c"]), text(&["a", "bc"]));
    }

    #[test]
    fn units_are_below_one_and_keep_53_bits() {
        assert!(unit(u64::MAX) < 1.0);
        assert!((unit(u64::MAX) - (1.0 - f64::EPSILON / 2.0)).abs() < f64::MIN_POSITIVE);
        assert!(unit(0) < f64::MIN_POSITIVE);
        assert!((unit(1 << 63) - 0.5).abs() < f64::MIN_POSITIVE);
    }

    #[test]
    fn units_fill_the_interval_evenly() {
        let mut counter = Counter::new(7);
        let mut counts = [0_u32; 16];
        for _ in 0..160_000 {
            let at = (counter.draw() >> 60) as usize;
            counts[at] += 1;
        }
        let chi: f64 = counts
            .iter()
            .map(|n| (f64::from(*n) - 1e4).powi(2) / 1e4)
            .sum();
        assert!(chi < 37.7, "15 degrees of freedom, p = 0.001: {chi}");
    }
}
