//! How long a yes takes: the distribution G of the delay from delivery to conversion, in whole days within the attribution
//! window W.
//!
//! What must stay true:
//!
//! - G grows from day to day, G(W) = 1, and no use of it divides by less than the floor of 0.05.
//! - It is made of whole counts, which add up over arms, groups and tables in any order.
//! - It is not fooled by youth. Of young cohorts only short delays can have been seen, so the plain share of delays up to
//!   `t` is too high while an action is new, and its propensity too low. Therefore G is the product-limit estimate for
//!   delays that are truncated on the right (Lynden-Bell 1971; Woodroofe 1985): with `d_u` the positives of delay `u` and
//!   `n_u` the positives of a delay up to `u`, both among cohorts at least `u` days old,
//!   `G(t) = product over u = t+1 ..= W of (1 - d_u / n_u)`. With cohorts that are all older than W it is the plain share.
//! - Few counts borrow: the reverse hazard `d_u / n_u` of an arm is taken together with [`FEW`] positives that go like its
//!   group's, the group's with as many that go like everyone's, and everyone's with [`GUESSED`] that go like a guess. So the
//!   fall-back needs no threshold: without positives of its own an arm has its group's G, with 30 in reach of a delay both
//!   weigh the same. Where an arm is too young to have seen a delay at all, the group's hazard stands alone.
//!
//! The guess is `G(t) = sqrt((t + 1) / (W + 1))`: most who say yes do so early. Reverse hazards do not depend on W, so arms
//! with different windows borrow from each other.

use super::{
    MAX_WINDOW_DAYS,
    cohorts::{Cohorts, age},
    number::real,
};
use crate::calendar::Day;

/// So many positives of the group weigh as much in an arm's G as its own, and so many of everyone's in a group's.
pub const FEW: f64 = 30.0;
/// So many positives the guess weighs in everyone's G.
pub const GUESSED: f64 = 5.0;
/// The lowest G that is divided by.
pub const FLOOR: f64 = 0.05;

/// Counts of delays: by delay in days, `d_u` and `n_u`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delays {
    counts: Vec<Seen>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    /// Positives of this delay (`d_u`).
    exactly: i64,
    /// Positives of up to this delay in cohorts old enough to have shown it (`n_u`).
    within: i64,
}

impl Delays {
    /// Of an arm's cohorts, as known at the end of `as_of`, within a window.
    #[must_use]
    pub fn of(cohorts: &Cohorts, as_of: Day, window: u16) -> Self {
        let window = window.min(MAX_WINDOW_DAYS);
        let mut counts = vec![Seen::default(); usize::from(window) + 1];
        for (day, cohort) in cohorts {
            let Some(age) = age(*day, as_of) else {
                continue;
            };
            let reach = u16::try_from(age).unwrap_or(u16::MAX).min(window);
            let mut positives = cohort.positives().peekable();
            let mut within = 0_i64;
            for (delay, seen) in (0..=reach).zip(&mut counts) {
                let exactly = positives.next_if(|(at, _)| *at == delay);
                let exactly = exactly.map_or(0, |(_, count)| count);
                within = within.wrapping_add(exactly);
                seen.exactly = seen.exactly.wrapping_add(exactly);
                seen.within = seen.within.wrapping_add(within);
            }
        }
        Self { counts }
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), Seen::default());
        }
        for (mine, other) in self.counts.iter_mut().zip(&other.counts) {
            mine.exactly = mine.exactly.wrapping_add(other.exactly);
            mine.within = mine.within.wrapping_add(other.within);
        }
    }

    /// `d_u` and `n_u` of a delay.
    fn seen(&self, delay: u16) -> (f64, f64) {
        let seen = self.counts.get(usize::from(delay));
        let seen = seen.copied().unwrap_or_default();
        let within = real(seen.within);
        (real(seen.exactly).min(within), within)
    }
}

/// The distribution of the delay.
#[derive(Clone, Debug, PartialEq)]
pub struct Delay {
    within: Vec<f64>,
}

impl Delay {
    /// From the counts of an arm, its group and everyone (each containing the one before), for a window.
    #[must_use]
    pub fn learned(own: &Delays, group: &Delays, all: &Delays, window: u16) -> Self {
        let window = window.min(MAX_WINDOW_DAYS);
        let hazard = |delay: u16| {
            // Of the guess: 1 - sqrt(u / (u + 1)).
            let guess = 1.0 - (f64::from(delay) / (f64::from(delay) + 1.0)).sqrt();
            let together = |(exactly, within): (f64, f64), weight: f64, like: f64| {
                (exactly + weight * like) / (within + weight)
            };
            let all = together(all.seen(delay), GUESSED, guess);
            let group = together(group.seen(delay), FEW, all);
            together(own.seen(delay), FEW, group)
        };
        let mut within = vec![1.0; usize::from(window) + 1];
        let mut left = 1.0;
        for (delay, within) in (0..=window).zip(&mut within).rev() {
            *within = left;
            left *= 1.0 - hazard(delay);
        }
        Self { within }
    }

    /// A distribution that is known: weights of the delays 0, 1, ... W, not all 0. `None` otherwise.
    #[must_use]
    pub fn known(weights: &[f64]) -> Option<Self> {
        let total: f64 = weights.iter().sum();
        let valid = weights.iter().all(|weight| *weight >= 0.0) && total > 0.0;
        let mut sum = 0.0;
        let mut within: Vec<f64> = weights
            .iter()
            .map(|weight| {
                sum += weight;
                sum / total
            })
            .collect();
        *within.last_mut()? = 1.0;
        valid.then_some(Self { within })
    }

    /// No delay at all, as if every yes came at once: what leaving the correction out means.
    #[must_use]
    pub fn none() -> Self {
        Self { within: vec![1.0] }
    }

    /// The share of yeses that come within so many days, 0.05 to 1; 1 from the window on.
    #[must_use]
    pub fn within(&self, days: i32) -> f64 {
        let at = usize::try_from(days.max(0)).unwrap_or(usize::MAX);
        self.within.get(at).map_or(1.0, |within| within.max(FLOOR))
    }
}

#[cfg(test)]
mod tests;
