//! Numbers that look random and are the same for the same seed on every machine (splitmix64).

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of a thing: the seed, what kind of thing it is, and which one.
    pub(crate) fn of(seed: u64, kind: u64, which: u64) -> Self {
        let key = mixed(mixed(seed.wrapping_add(GOLDEN)) ^ mixed(kind.wrapping_mul(GOLDEN)));
        Self(key ^ mixed(which))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mixed(self.0)
    }

    /// One of 0, 1, .. below a bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap();
        usize::try_from(self.next() % bound).unwrap()
    }

    /// A number from the first to the second, the second left out.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = usize::try_from(high - low).unwrap_or(0);
        low + i64::try_from(self.below(width)).unwrap()
    }

    /// True in so many of a thousand cases.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.next() % 1_000 < per_mille
    }

    /// One of a list by weights.
    pub(crate) fn weighted<T: Copy>(&mut self, choices: &[(u64, T)]) -> T {
        let total: u64 = choices.iter().map(|(weight, _)| weight).sum();
        let mut left = self.next() % total;
        let mut chosen = choices[0].1;
        for (weight, choice) in choices {
            chosen = *choice;
            if left < *weight {
                break;
            }
            left -= weight;
        }
        chosen
    }
}

fn mixed(number: u64) -> u64 {
    let z = number;
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
