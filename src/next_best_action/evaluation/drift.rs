//! Has the world moved away from what was learned? Page-Hinkley on residuals.
//!
//! What must stay true:
//!
//! - Outcomes are taken in the order (day, decision): a day is sorted before it is folded, and what comes before the last
//!   one folded is refused. The same outcomes end in the same state, bit for bit.
//! - An alarm widens what is believed and never forgets it: the learned counts stay, and are worth fewer rows for a
//!   while. Every alarm is kept with its day, direction and strength. Nothing is reset silently: after an alarm only the test's own
//!   sum starts again, which the alarm says.
//!
//! The residual of an outcome is `z = (r - p) / sqrt(max(p (1 - p), 0.005))`: mean 0 and variance 1 (less for rare ones)
//! when p is right, so that one threshold serves all actions. Page (1954) and Hinkley (1971), both ways:
//! `up = max(0, up + z - delta)`, `down = max(0, down - z - delta)`; alarm when one is above the threshold. The reference is 0 and
//! not the running mean, since a right prediction has residuals of mean 0: being wrong from the start is found as well.
//!
//! [`DELTA`] = 0.025 is half of the shift to be found: a rate of 4% that is a quarter off moves z by 0.051. With
//! [`THRESHOLD`] = 140 a false alarm comes once in about `(e^(2 d h) - 1 - 2 d h) / (2 d^2) / 2`, 435,000
//! outcomes (Siegmund 1985, for sums of normal residuals, two sides), and a shift s is found after about `h / (s - d)`
//! outcomes: 5,400 for that quarter, 620 when the rate halves from 20%.
//!
//! Widening: an alarm doubles the factor, up to 8, and it halves its distance from 1 every 14 days. Variances of draws are
//! multiplied by it (level 2), effective counts divided by it (level 1): an action in doubt is explored more, until new outcomes
//! have told.

use crate::calendar::Day;

/// What a residual must be off to add up.
pub const DELTA: f64 = 0.025;
/// The sum that alarms.
pub const THRESHOLD: f64 = 140.0;
/// The smallest variance a residual is divided by.
pub const VARIANCE: f64 = 0.005;
/// By how much an alarm multiplies the widening.
pub const WIDER: f64 = 2.0;
/// The largest widening.
pub const WIDEST: f64 = 8.0;
/// Days in which the widening halves its distance from 1.
pub const HALVES_IN: f64 = 14.0;
/// Alarms that are kept; older ones are counted only.
pub const ALARMS: usize = 32;

/// A resolved outcome of an action.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The day it was resolved on.
    pub day: Day,
    /// Its decision (128-bit hash of its id).
    pub decision: u128,
    /// The predicted propensity, 0 to 1.
    pub predicted: f64,
    /// Whether it came true.
    pub observed: bool,
}

/// Which way the world moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More comes true than predicted.
    Up,
    /// Less comes true than predicted.
    Down,
}

/// An alarm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alarm {
    /// Day of the outcome that rang it.
    pub day: Day,
    /// Its decision.
    pub decision: u128,
    /// Which way.
    pub direction: Direction,
    /// The sum that was reached; the test's sums start again from 0 after it.
    pub reached: f64,
    /// Outcomes since the alarm before, or the first.
    pub after: u64,
    /// The widening from then on.
    pub widening: f64,
}

/// A day's outcomes came before what was folded already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("outcomes to {folded} are folded already: fold again from the snapshot before")]
pub struct OutOfOrder {
    /// The last day folded.
    pub folded: Day,
}

/// The state of the test of one action.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drift {
    up: f64,
    down: f64,
    since: u64,
    widening: Widening,
    folded: Option<(Day, u128)>,
    alarms: Vec<Alarm>,
    rung: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Widening {
    /// What it is above 1.
    above: f64,
    on: Day,
}

impl Widening {
    fn at(self, day: Day) -> f64 {
        let days = f64::from(day.0.saturating_sub(self.on.0).max(0));
        1.0 + self.above * libm::exp2(-days / HALVES_IN)
    }
}

impl Drift {
    /// Folds a closed day (or several), in any order, and answers the alarms that rang.
    ///
    /// # Errors
    /// An outcome comes before one folded already, or is that one; then nothing is folded.
    pub fn fold(&mut self, outcomes: &mut [Outcome]) -> Result<Vec<Alarm>, OutOfOrder> {
        outcomes.sort_unstable_by(|a, b| {
            let place = |of: &Outcome| (of.day, of.decision, of.observed);
            place(a)
                .cmp(&place(b))
                .then_with(|| a.predicted.total_cmp(&b.predicted))
        });
        if let (Some(first), Some(folded)) = (outcomes.first(), self.folded)
            && (first.day, first.decision) <= folded
        {
            return Err(OutOfOrder { folded: folded.0 });
        }
        let alarms: Vec<Alarm> = outcomes.iter().filter_map(|of| self.take(of)).collect();
        Ok(alarms)
    }

    fn take(&mut self, outcome: &Outcome) -> Option<Alarm> {
        self.folded = Some((outcome.day, outcome.decision));
        self.since += 1;
        let z = residual(outcome.predicted, outcome.observed);
        self.up = (self.up + z - DELTA).max(0.0);
        self.down = (self.down - z - DELTA).max(0.0);
        let direction = if self.up > THRESHOLD {
            Direction::Up
        } else if self.down > THRESHOLD {
            Direction::Down
        } else {
            return None;
        };
        let widening = (self.widening.at(outcome.day) * WIDER).min(WIDEST);
        let alarm = Alarm {
            day: outcome.day,
            decision: outcome.decision,
            direction,
            reached: self.up.max(self.down),
            after: self.since,
            widening,
        };
        self.widening = Widening {
            above: widening - 1.0,
            on: outcome.day,
        };
        (self.up, self.down, self.since) = (0.0, 0.0, 0);
        self.rung = self.rung.saturating_add(1);
        if self.alarms.len() == ALARMS {
            self.alarms.remove(0);
        }
        self.alarms.push(alarm);
        Some(alarm)
    }

    /// By how much to multiply variances and divide effective counts on a day, 1 to [`WIDEST`].
    #[must_use]
    pub fn widening(&self, on: Day) -> f64 {
        self.widening.at(on)
    }

    /// The latest alarms, oldest first, at most [`ALARMS`].
    #[must_use]
    pub fn alarms(&self) -> &[Alarm] {
        &self.alarms
    }

    /// How many alarms ever rang.
    #[must_use]
    pub const fn rung(&self) -> u64 {
        self.rung
    }

    /// The sums (up, down) of the test as they stand.
    #[must_use]
    pub const fn sums(&self) -> (f64, f64) {
        (self.up, self.down)
    }
}

/// The standardised residual of an outcome. A prediction outside 0 to 1 counts as the end, one that is no number as 0.
#[must_use]
pub fn residual(predicted: f64, observed: bool) -> f64 {
    let predicted = if predicted.is_nan() {
        0.0
    } else {
        predicted.clamp(0.0, 1.0)
    };
    let variance = (predicted * (1.0 - predicted)).max(VARIANCE);
    (f64::from(u8::from(observed)) - predicted) / variance.sqrt()
}

#[cfg(test)]
#[path = "drift/tests.rs"]
mod tests;
