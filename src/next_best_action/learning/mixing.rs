//! Counter-based randomness: numbers that depend on their place only (`SplitMix64` of Steele, Lea and Flood 2014).
//!
//! What must stay true: stable for ever, since stored decisions are replayed with it and level 2 is keyed by it. Inputs are
//! 64-bit words, folded one by one after a word that says how many there are, so that inputs do not run together. Texts come
//! in as the 64-bit hash that the catalogue made of them.

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of `SplitMix64`: a bijection of 64 bits.
const fn scattered(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// A hash of words.
pub(super) const fn hash<const N: usize>(words: [u64; N]) -> u64 {
    let mut hash = scattered(STEP ^ words_of(N));
    let mut rest: &[u64] = &words;
    while let [word, after @ ..] = rest {
        hash = scattered(hash.wrapping_add(STEP) ^ scattered(word.wrapping_add(STEP)));
        rest = after;
    }
    hash
}

const fn words_of(count: usize) -> u64 {
    count as u64
}

/// A stream of numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream(u64);

impl Stream {
    /// The stream of a seed.
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        scattered(self.0)
    }

    /// A number below `bound`, which is at least 1: the high half of a product (Lemire 2019, whose bias is below
    /// `bound / 2^64`).
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        let wide = (u128::from(self.next()) * u128::from(bound)) >> 64;
        u64::try_from(wide).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_splitmix64() {
        // The published test vector of seed 1234567.
        let mut stream = Stream::new(1_234_567);
        let first: Vec<u64> = (0..5).map(|_| stream.next()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821
            ]
        );
    }

    #[test]
    fn words_do_not_run_together_and_hashes_stay() {
        assert_ne!(hash([1, 0]), hash([1]));
        assert_ne!(hash([1, 2]), hash([2, 1]));
        assert_eq!(hash([]), scattered(STEP));
        // Frozen: a change here breaks replay.
        assert_eq!(hash([1, 2, 3]), FROZEN);
    }

    const FROZEN: u64 = 14_246_079_791_593_498_481;
}
