//! How many interactions may be under way, found by how long they take: additive increase, multiplicative decrease, as TCP
//! finds its window (Chiu and Jain, 1989).
//!
//! What must stay true: it never leaves its bounds; a wait beyond the target never raises it, and one below half the
//! target never lowers it; what one congestion did is answered once, since the waits of those who were let in before are
//! no news, also where they are short.

use std::time::Duration;

/// Bounds and target of a [`Limit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// At least so many, also when storage is so slow that nothing meets the target.
    pub least: usize,
    /// At most so many: what there is memory for.
    pub most: usize,
    /// So many at the start.
    pub first: usize,
    /// How long they may take.
    pub target: Duration,
}

/// The limit as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    bounds: Bounds,
    now: usize,
    /// Until when the last cut is not to be followed by another.
    rest: Duration,
}

impl Limit {
    /// The limit of a service that has just begun.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            now: bounds
                .first
                .clamp(bounds.least, bounds.most.max(bounds.least)),
            rest: Duration::ZERO,
        }
    }

    /// Interactions that may be under way.
    #[must_use]
    pub const fn now(&self) -> usize {
        self.now
    }

    /// Whether it is above its least.
    #[must_use]
    pub const fn can_give(&self) -> bool {
        self.now > self.bounds.least
    }

    /// How long they may take.
    #[must_use]
    pub const fn target(&self) -> Duration {
        self.bounds.target
    }

    /// Learns from a batch that ended at `at` (time of some clock that only goes forward), while `held` of these interactions
    /// were under way: `took` is how long the slowest of them in it took to be stored, if it had any.
    pub fn observe(&mut self, at: Duration, took: Option<Duration>, held: usize) {
        let Bounds {
            least,
            most,
            target,
            ..
        } = self.bounds;
        match took {
            Some(took) if took > target => self.cut(at, took, held),
            // Room that nobody uses says nothing of how much there could be, nor does a batch without any of them.
            Some(took) if took <= target / 2 && held >= self.now / 2 && at >= self.rest => {
                let more = (self.now / 16).max(4);
                self.now = self.now.saturating_add(more).min(most.max(least));
            }
            _ => (),
        }
    }

    /// Lets in fewer, since `held` of them under way are too many: something took `took`.
    pub fn cut(&mut self, at: Duration, took: Duration, held: usize) {
        if at >= self.rest {
            let least = self.bounds.least;
            let used = held.clamp(least, self.now.max(least));
            self.now = (used - used / 4).max(least);
            self.rest = at + took;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Bounds = Bounds {
        least: 64,
        most: 10_000,
        first: 256,
        target: Duration::from_millis(100),
    };

    /// A service that stores so many interactions a second, in batches of what is under way, asked for more than that.
    fn settle(each_second: f64, fixed: f64) -> (usize, f64) {
        let mut limit = Limit::new(BOUNDS);
        let (mut at, mut longest) = (0.0, 0.0_f64);
        for batch in 0..4_000 {
            let held = limit.now();
            let took = fixed + f64::from(u32::try_from(held).unwrap()) / each_second;
            at += took;
            // Half of what is under way waits for the batch before.
            let waited = Duration::from_secs_f64(1.5 * took);
            limit.observe(Duration::from_secs_f64(at), Some(waited), held);
            if batch > 200 {
                longest = longest.max(1.5 * took);
            }
        }
        (limit.now(), longest)
    }

    #[test]
    fn it_settles_where_small_calls_meet_the_target() {
        for (each_second, fixed) in [(500.0, 0.004), (2_000.0, 0.004), (20_000.0, 0.01)] {
            let (now, longest) = settle(each_second, fixed);
            assert!((BOUNDS.least..BOUNDS.most).contains(&now));
            // The least is more than slow storage stores in time.
            let by_least = 1.5 * (fixed + 64.0 / each_second);
            assert!(longest <= by_least.max(0.13), "{each_second}: {longest}");
        }
    }

    #[test]
    fn what_is_stored_in_time_may_use_all_there_is() {
        let mut limit = Limit::new(BOUNDS);
        for batch in 0..200 {
            let quick = Some(Duration::from_millis(20));
            limit.observe(Duration::from_secs(batch), quick, limit.now());
        }
        assert_eq!(limit.now(), BOUNDS.most);
    }

    #[test]
    fn one_congestion_is_answered_once() {
        let mut limit = Limit::new(BOUNDS);
        let slow = Some(Duration::from_millis(400));
        limit.observe(Duration::from_secs(1), slow, 256);
        assert_eq!(limit.now(), 192);
        limit.observe(Duration::from_millis(1_300), slow, 192);
        assert_eq!(limit.now(), 192);
        limit.observe(Duration::from_millis(1_400), slow, 192);
        assert_eq!(limit.now(), 144);
    }

    proptest! {
        #[test]
        fn it_stays_within_its_bounds_and_moves_the_right_way(
            steps in prop::collection::vec((0_u64..500, prop::option::of(0_u64..300), 0_usize..20_000), 1..200),
        ) {
            let mut limit = Limit::new(BOUNDS);
            let mut at = 0;
            for (passed, took, held) in steps {
                at += passed;
                let before = limit.now();
                let took = took.map(Duration::from_millis);
                limit.observe(Duration::from_millis(at), took, held);
                prop_assert!((BOUNDS.least..=BOUNDS.most).contains(&limit.now()));
                match took {
                    Some(took) if took > BOUNDS.target => prop_assert!(limit.now() <= before),
                    Some(took) if took > BOUNDS.target / 2 => prop_assert_eq!(limit.now(), before),
                    None => prop_assert_eq!(limit.now(), before),
                    _ => prop_assert!(limit.now() >= before),
                }
            }
        }
    }
}
