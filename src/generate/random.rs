//! Numbers that look random and are the same for the same seed on every machine (splitmix64), and numbers that are given
//! out once each.

/// A stream of numbers.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The stream of a thing: the seed, what kind of thing it is, and which one.
    pub(super) fn of(seed: u64, kind: u64, which: u64) -> Self {
        Self(key(seed, kind) ^ mixed(which))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mixed(self.0)
    }

    /// One of 0, 1, .. below a bound.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A number from the first to the second, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high - low).unwrap_or_default() + 1;
        low + i64::try_from(self.below(width)).unwrap_or_default()
    }

    /// True in so many of a thousand cases.
    pub(super) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    /// One of a list that is not empty.
    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let bound = u64::try_from(choices.len()).unwrap_or(1);
        &choices[usize::try_from(self.below(bound)).unwrap_or_default()]
    }

    /// One of a list by weights.
    pub(super) fn weighted<T: Copy>(&mut self, choices: &[(u64, T)]) -> Option<T> {
        let total = choices.iter().map(|(weight, _)| weight).sum();
        let mut left = self.below(total);
        for (weight, choice) in choices {
            if left < *weight {
                return Some(*choice);
            }
            left -= weight;
        }
        None
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A prime above every modulus' factors, so that multiplying by it gives each number once.
const PRIME: u128 = 2_147_483_647;

/// One to one: different numbers have different images.
pub(super) fn mixed(number: u64) -> u64 {
    let z = number;
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn key(seed: u64, kind: u64) -> u64 {
    mixed(mixed(seed.wrapping_add(GOLDEN)) ^ mixed(kind.wrapping_mul(GOLDEN)))
}

/// A number of 64 bits for `n`; different `n` have different ones under the same seed and kind.
pub(super) fn unique(seed: u64, kind: u64, n: u64) -> u64 {
    mixed(n ^ key(seed, kind)) ^ key(kind, seed)
}

/// A number below `modulus` for `n` below it; different `n` have different ones under the same seed and kind.
pub(super) fn scrambled(seed: u64, kind: u64, n: u64, modulus: u64) -> u64 {
    let modulus = u128::from(modulus);
    let image = (u128::from(n) * PRIME + u128::from(key(seed, kind))) % modulus;
    u64::try_from(image).unwrap_or_default()
}
