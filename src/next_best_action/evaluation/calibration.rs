//! Do predicted propensities come true?
//!
//! What must stay true:
//!
//! - Only resolved outcomes count: a row that waits for its answer is neither yes nor no. The caller leaves out what is
//!   younger than the attribution window.
//! - Sums are whole numbers, so order does not matter and tallies unite exactly: predictions are rounded to 2^-30.
//! - An action is flagged when observed over expected lies outside 0.8 to 1.25 and 500 rows or more say so. The interval
//!   beside it tells whether that may be chance; the flag itself is a rule and no test.

use super::number::{ONE, parts, real, sum};
use crate::experience::measure::{Z_95, wilson};

/// Observed over expected within which an action is calibrated.
pub const WITHIN: (f64, f64) = (0.8, 1.25);
/// The fewest rows that flag an action.
pub const ROWS: u64 = 500;
/// Upper ends of the bins of predictions; the last holds what is above. Propensities are small, so bins are too.
pub const ENDS: [f64; 11] = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9];
const BINS: usize = ENDS.len() + 1;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    rows: u64,
    observed: u64,
    expected: u128,
}

/// Predictions of one action with what came of them, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    bins: [Sums; BINS],
    squares: u128,
}

impl Tally {
    /// Adds a resolved row: the predicted propensity (0 to 1; outside it is moved to the end) and whether it came true.
    pub fn add(&mut self, predicted: f64, observed: bool) {
        let at = ENDS.iter().take_while(|end| predicted > **end).count();
        let predicted = parts(predicted);
        if let Some(bin) = self.bins.get_mut(at) {
            bin.rows += 1;
            bin.observed += u64::from(observed);
            bin.expected += u128::from(predicted);
        }
        let truth = if observed { u64::from(ONE) } else { 0 };
        let off = u128::from(predicted.abs_diff(truth));
        self.squares += off * off;
    }

    /// Adds another's rows.
    pub fn unite(&mut self, other: &Self) {
        for (to, from) in self.bins.iter_mut().zip(&other.bins) {
            to.rows += from.rows;
            to.observed += from.observed;
            to.expected += from.expected;
        }
        self.squares += other.squares;
    }

    /// How calibrated they are; `None` without rows.
    #[must_use]
    pub fn calibration(&self) -> Option<Calibration> {
        let rows: u64 = self.bins.iter().map(|bin| bin.rows).sum();
        let observed: u64 = self.bins.iter().map(|bin| bin.observed).sum();
        let expected = self.bins.iter().map(|bin| bin.expected).sum::<u128>();
        if rows == 0 {
            return None;
        }
        let expected = of_parts(expected);
        let share = real(observed) / real(rows);
        let over = Over::of(rows, observed, expected);
        Some(Calibration {
            rows,
            observed,
            expected,
            over: over.map(|over| over.ratio),
            interval: over.map(|over| over.interval),
            flag: over.and_then(|over| over.flag),
            brier: of_parts(self.squares) / f64::from(ONE) / real(rows),
            brier_of_the_mean: share * (1.0 - share),
        })
    }

    /// The bins that have rows, from the lowest predictions up.
    #[must_use]
    pub fn reliability(&self) -> Vec<Bin> {
        let filled = self.bins.iter().enumerate().filter(|(_, bin)| bin.rows > 0);
        filled
            .map(|(at, bin)| {
                let observed = real(bin.observed) / real(bin.rows);
                Bin {
                    from: at
                        .checked_sub(1)
                        .and_then(|at| ENDS.get(at))
                        .map_or(0.0, |end| *end),
                    to: ENDS.get(at).copied().unwrap_or(1.0),
                    rows: bin.rows,
                    predicted: of_parts(bin.expected) / real(bin.rows),
                    observed,
                    interval: wilson(observed, real(bin.rows), Z_95).unwrap_or((0.0, 1.0)),
                }
            })
            .collect()
    }
}

/// A sum of parts as a real.
fn of_parts(parts: u128) -> f64 {
    sum(i128::try_from(parts).unwrap_or(i128::MAX)) / f64::from(ONE)
}

/// On which side an action is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// Fewer came true than predicted.
    Overrated,
    /// More came true than predicted.
    Underrated,
}

/// Observed over expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Over {
    /// Observed over expected.
    pub ratio: f64,
    /// Its 95% interval (Wilson's of the observed share, over the mean prediction).
    pub interval: (f64, f64),
    /// Outside [`WITHIN`] with [`ROWS`] rows or more.
    pub flag: Option<Flag>,
}

impl Over {
    /// Of so many rows of which so many came true, where the sum of predictions is known; `None` without rows or when nothing was
    /// expected.
    #[must_use]
    pub fn of(rows: u64, observed: u64, expected: f64) -> Option<Self> {
        if rows == 0 || expected.is_nan() || expected <= 0.0 {
            return None;
        }
        let (low, high) = wilson(real(observed) / real(rows), real(rows), Z_95)?;
        let ratio = real(observed) / expected;
        let outside = if ratio < WITHIN.0 {
            Some(Flag::Overrated)
        } else if ratio > WITHIN.1 {
            Some(Flag::Underrated)
        } else {
            None
        };
        Some(Self {
            ratio,
            interval: (low * real(rows) / expected, high * real(rows) / expected),
            flag: outside.filter(|_| rows >= ROWS),
        })
    }
}

/// How calibrated the predictions of an action are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// Resolved rows.
    pub rows: u64,
    /// Those that came true.
    pub observed: u64,
    /// The sum of predictions.
    pub expected: f64,
    /// Observed over expected; `None` when nothing was expected.
    pub over: Option<f64>,
    /// Its 95% interval (Wilson's of the observed share, over the mean prediction).
    pub interval: Option<(f64, f64)>,
    /// Outside [`WITHIN`] with [`ROWS`] rows or more.
    pub flag: Option<Flag>,
    /// Brier score: mean squared error of predictions, 0 to 1, lower is better.
    pub brier: f64,
    /// The Brier score of always predicting the mean. Predictions that are not below it tell rows apart no better than that.
    pub brier_of_the_mean: f64,
}

/// Predictions of about the same size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// Predictions above this (0 in the first bin) ...
    pub from: f64,
    /// ... to this.
    pub to: f64,
    /// Rows.
    pub rows: u64,
    /// Mean prediction.
    pub predicted: f64,
    /// Share that came true.
    pub observed: f64,
    /// Wilson's 95% interval of that share.
    pub interval: (f64, f64),
}

#[cfg(test)]
#[path = "calibration/tests.rs"]
mod tests;
