//! Numbers that look random and are the same for the same seed on every machine (splitmix64).

#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of 0, 1, .. below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap();
        usize::try_from(self.next() % bound).unwrap()
    }

    /// The same as a signed number.
    pub fn upto(&mut self, bound: i64) -> i64 {
        i64::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Cuts a list into parts of 1 to `most`.
    pub fn cut<T>(&mut self, items: Vec<T>, most: usize) -> Vec<Vec<T>> {
        let mut items = items.into_iter().peekable();
        let mut parts = Vec::new();
        while items.peek().is_some() {
            let size = 1 + self.below(most);
            parts.push(items.by_ref().take(size).collect());
        }
        parts
    }
}

/// The seed of a race: that of `CUSTOMER_PROFILE_TEST_SEED`, which repeats what it drew, or one of this very moment. It is printed.
#[expect(clippy::print_stdout, reason = "who repeats a race needs its seed")]
pub fn seed_of_race() -> u64 {
    let asked = std::env::var("CUSTOMER_PROFILE_TEST_SEED").ok();
    let seed = asked.map_or_else(seed_of_now, |seed| seed.parse().unwrap());
    println!("CUSTOMER_PROFILE_TEST_SEED={seed}");
    seed
}

/// A seed of this very moment, for what must not be the same each time; whoever draws one prints it.
pub fn seed_of_now() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(std::process::id())
}
