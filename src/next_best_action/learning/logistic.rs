//! Level 2: one step of a Bayesian logistic regression with a diagonal posterior (Chapelle and Li 2011, algorithm 3), one
//! outcome at a time, with forgetting.
//!
//! Prior `w_i ~ N(m_i, 1/q_i)`, `q = 1`. For an outcome `r` (0 or 1) with features `x`:
//!
//! ```text
//! q_i <- 1 + (q_i - 1) 2^(-dt/h)          dt: days since the weight was last touched
//! s = sum x_i^2 / q_i
//! solve g = r - sigmoid(x.m + g s)        one root: the left side grows, the right side falls
//! m_i <- m_i + g x_i / q_i
//! p = sigmoid(x.m)                        with the new m
//! q_i <- q_i + x_i^2 p (1 - p)
//! ```
//!
//! What must stay true:
//!
//! - A step is a pure function of the weights and the outcome; the order of the features is that of the keys.
//! - A weight that was not touched for 598 days is gone: it starts anew, whether it is still stored or not.
//! - Only the mean of the bias starts elsewhere than at 0: at logit(0.05), since offers are refused more often than not, and
//!   a new action would otherwise be taken for one that half of all customers accept.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use libm::exp;

use super::{
    HALF_LIFE_DAYS, OLDEST_DAYS, cohorts::age, features::Keys, features::bias_of,
    number::left_after,
};
use crate::calendar::Day;

/// Precision of the prior (`q`, lambda).
pub const PRIOR_PRECISION: f64 = 1.0;
/// Where the bias of an action starts: logit(0.05).
pub const PRIOR_BIAS: f64 = -2.944_438_979_166_440_3;
/// Newton's steps for `g`.
const STEPS: u32 = 6;

/// What is believed of the logit of a yes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logit {
    /// Its mean.
    pub mean: f64,
    /// Its variance, at least 0.
    pub variance: f64,
}

impl Logit {
    /// The expected probability: the mean of the sigmoid over the normal, by `MacKay`'s approximation (1992), off by less than
    /// 0.02.
    #[must_use]
    pub fn probability(&self) -> f64 {
        sigmoid(self.mean / (1.0 + std::f64::consts::FRAC_PI_8 * self.variance).sqrt())
    }

    /// The probability at the upper end of the 95% interval of the logit.
    #[must_use]
    pub fn upper(&self) -> f64 {
        sigmoid(self.mean + 1.959_963_984_540_054 * self.variance.max(0.0).sqrt())
    }
}

/// A weight: mean and precision as of the day when it was last touched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Weight {
    pub(super) mean: f64,
    pub(super) precision: f64,
    pub(super) touched: Day,
}

/// Names are hashes already.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, name: u64) {
        self.0 = name;
    }
}

/// Weights by name.
pub(super) type Weights = HashMap<u64, Weight, BuildHasherDefault<AsIs>>;

/// Takes in an outcome on the day when it was resolved. Days never go back.
pub(super) fn learn(weights: &mut Weights, action_id: u64, keys: &Keys, yes: bool, day: Day) {
    let bias = bias_of(action_id);
    let mut at = 0.0;
    let mut spread = 0.0;
    for (name, x) in keys.weights(action_id) {
        let weight = weights
            .entry(name)
            .or_insert_with(|| fresh(name == bias, day));
        *weight = aged(*weight, name == bias, day);
        at += x * weight.mean;
        spread += x * x / weight.precision;
    }
    let step = solve(f64::from(u8::from(yes)), at, spread);
    let mut after = 0.0;
    for (name, x) in keys.weights(action_id) {
        if let Some(weight) = weights.get_mut(&name) {
            weight.mean += step * x / weight.precision;
            after += x * weight.mean;
        }
    }
    let p = sigmoid(after);
    let information = p * (1.0 - p);
    for (name, x) in keys.weights(action_id) {
        if let Some(weight) = weights.get_mut(&name) {
            weight.precision += x * x * information;
        }
    }
}

/// The logit of an action in a situation, as of a day.
pub(super) fn logit(weights: &Weights, action_id: u64, keys: &Keys, day: Day) -> Logit {
    let bias = bias_of(action_id);
    let mut logit = Logit {
        mean: 0.0,
        variance: 0.0,
    };
    for (name, x) in keys.weights(action_id) {
        let weight = weights.get(&name);
        let weight = weight.map_or_else(
            || fresh(name == bias, day),
            |weight| aged(*weight, name == bias, day),
        );
        logit.mean += x * weight.mean;
        logit.variance += x * x / weight.precision;
    }
    logit
}

/// A weight as it stands on a later day.
pub(super) fn aged(weight: Weight, bias: bool, day: Day) -> Weight {
    match age(weight.touched, day) {
        Some(0) | None => weight,
        Some(days) if days >= OLDEST_DAYS => fresh(bias, day),
        Some(days) => Weight {
            mean: weight.mean,
            precision: PRIOR_PRECISION
                + (weight.precision - PRIOR_PRECISION) * left_after(days, HALF_LIFE_DAYS),
            touched: day,
        },
    }
}

const fn fresh(bias: bool, day: Day) -> Weight {
    Weight {
        mean: if bias { PRIOR_BIAS } else { 0.0 },
        precision: PRIOR_PRECISION,
        touched: day,
    }
}

/// The root of `g = r - sigmoid(at + g spread)`, which lies between `r - 1` and `r`.
///
/// Newton's method begins with its step from 0, but no further than where the sigmoid turns (`at + g spread = 0`): beyond it
/// six steps may end anywhere, from there they end within 10^-12.
fn solve(r: f64, at: f64, spread: f64) -> f64 {
    let (mut low, mut high) = (r - 1.0, r);
    let p = sigmoid(at);
    let mut g = (r - p) / (1.0 + spread * p * (1.0 - p));
    let turn = -at / spread;
    if turn * g > 0.0 && turn.abs() < g.abs() {
        g = turn;
    }
    for _ in 0..STEPS {
        let p = sigmoid(at + g * spread);
        let off = g - r + p;
        if off > 0.0 {
            high = g;
        } else {
            low = g;
        }
        let next = g - off / (1.0 + spread * p * (1.0 - p));
        let inside = next >= low && next <= high;
        g = if inside {
            next
        } else {
            f64::midpoint(low, high)
        };
    }
    g
}

/// `1 / (1 + e^-logit)`.
#[must_use]
pub fn sigmoid(logit: f64) -> f64 {
    if logit >= 0.0 {
        1.0 / (1.0 + exp(-logit))
    } else {
        let odds = exp(logit);
        odds / (1.0 + odds)
    }
}

#[cfg(test)]
mod tests;
