//! Numbers that follow from a seed and nothing else.
//!
//! What must stay true: they are the same for ever and on every machine. Which profiles a sample keeps, in which fold one
//! falls and what a resample draws all follow from these functions: a change of one changes answers that were given.
//!
//! `SplitMix64` is that of Steele, Lea and Flood (OOPSLA 2014). [`hash`] takes (salt, value): the salt, then the higher
//! and the lower half of the value, eight bytes each and so of fixed length, each folded in by the finalizer.

/// 2^64 over the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

const fn finish(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A 64-bit hash of a value under a salt.
#[must_use]
pub(super) fn hash(salt: u64, value: u128) -> u64 {
    let high = u64::try_from(value >> 64).unwrap_or_default();
    let low = u64::try_from(value & u128::from(u64::MAX)).unwrap_or_default();
    let salted = finish(salt.wrapping_add(STEP));
    finish(finish(salted ^ high).wrapping_add(STEP) ^ low)
}

/// `SplitMix64`.
#[derive(Clone, Debug)]
pub(super) struct SplitMix(u64);

impl SplitMix {
    pub(super) const fn new(seed: u64) -> Self {
        Self(finish(seed.wrapping_add(STEP)))
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        finish(self.0)
    }

    /// Two numbers below `bound` (1 or more; 0 counts as 1), each as likely as the next to within 2^-32 of its share.
    pub(super) fn two_below(&mut self, bound: u32) -> (usize, usize) {
        let drawn = self.next();
        let place = |half: u64| usize::try_from((half * u64::from(bound.max(1))) >> 32);
        let low = drawn & u64::from(u32::MAX);
        (
            place(drawn >> 32).unwrap_or_default(),
            place(low).unwrap_or_default(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        // The first of seed 1234567, as published with the generator.
        let mut random = SplitMix(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn both_halves_of_a_value_and_its_salt_change_the_hash() {
        let seen = [
            hash(1, 5),
            hash(2, 5),
            hash(1, 6),
            hash(1, 5 << 64),
            hash(1, (5 << 64) | 5),
        ];
        for (at, value) in seen.iter().enumerate() {
            assert!(!seen[..at].contains(value));
        }
    }

    #[test]
    fn every_place_below_a_bound_is_drawn_about_as_often() {
        let (mut random, mut counts) = (SplitMix::new(7), [0_u32; 7]);
        for _ in 0..35_000 {
            let (one, two) = random.two_below(7);
            counts[one] += 1;
            counts[two] += 1;
        }
        assert!(
            counts.iter().all(|count| (9_600..10_400).contains(count)),
            "{counts:?}"
        );
    }
}
