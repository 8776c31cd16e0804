//! Key drivers: which topics go with a chosen outcome, and how well each does.
//!
//! What must stay true:
//!
//! - This is association, not cause ([`CAVEAT`]), and every answer carries the words.
//! - A topic that was not mentioned is missing, not zero: every pair of variables is correlated over the rows that have
//!   both. A pair that is seen together too rarely counts as uncorrelated, and is counted in the answer.
//! - Sums are whole numbers ([`Moments`]), so a population's are those of its profiles in any order, exactly.
//! - Importances are shares of R^2: none is negative, and they add up to 1.
//! - Too little is refused: fewer than ten rows a topic, or an R^2 below 0.05.

mod matrix;
mod moments;
mod shares;

use super::{
    measure::Z_95,
    number::{length, real},
};
use matrix::Matrix;
pub use moments::{LARGEST, Misfit, Moments, TOPICS};

/// Version of the definition.
pub const DEFINITION: u32 = 1;

/// What every answer must say.
pub const CAVEAT: &str = "association, not cause";

/// Up to so many topics the shares are exact Shapley values, above Johnson's relative weights.
pub const SHAPLEY_TO: usize = 12;

/// Rows needed for each topic.
const ROWS_A_TOPIC: u64 = 10;
/// A lower R^2 explains nothing.
const WEAK: f64 = 0.05;
/// Correlations over different rows may contradict each other; the smallest eigenvalue that is let pass.
const LEAST_EIGENVALUE: f64 = 1e-6;

/// How R^2 was divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Shapley values of R^2: the mean gain of a topic over all orders in which topics can be added.
    Shapley,
    /// Relative weights (Johnson 2000).
    RelativeWeights,
}

/// What to do about a topic: importance against 1 / topics, performance against the mean of all topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quadrant {
    /// Important and doing badly.
    Improve,
    /// Important and doing well.
    Keep,
    /// Unimportant and doing badly.
    Watch,
    /// Unimportant and doing well.
    Enough,
}

/// A topic's part in the outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Driver {
    /// Its place in the rows.
    pub topic: usize,
    /// Rows in which it was mentioned.
    pub n: u64,
    /// Share of the explained variance, 0 to 1; all add up to 1.
    pub importance: f64,
    /// Its mean, in the unit of the rows.
    pub performance: f64,
    /// Normal interval of the mean at 95%; `None` of a single row.
    pub performance_within: Option<(f64, f64)>,
    /// Correlation with the outcome, -1 to 1: negative when the outcome is lower where the topic does better.
    pub correlation: f64,
    /// Its interval at 95% by Fisher's transform; `None` of fewer than four rows.
    pub correlation_within: Option<(f64, f64)>,
    /// Where it stands.
    pub quadrant: Quadrant,
}

/// Why a topic takes no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omission {
    /// Mentioned in fewer rows than the floor.
    TooFew,
    /// Always the same, or in rows whose outcome is.
    Constant,
}

/// Key drivers of an outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Drivers {
    /// The drivers, most important first.
    pub drivers: Vec<Driver>,
    /// Topics that take no part.
    pub omitted: Vec<(usize, Omission)>,
    /// Share of the outcome's variance that goes with the topics, 0.05 to 1.
    pub r_squared: f64,
    /// The same without what chance alone would explain with so many topics, at most `r_squared`; may be below 0.
    pub adjusted_r_squared: f64,
    /// How it was divided.
    pub method: Method,
    /// Rows with the outcome and at least one topic.
    pub n: u64,
    /// Harmonic mean of the rows of the topics: what the missing ones leave.
    pub effective_n: f64,
    /// Pairs of topics that are seen together too rarely and count as uncorrelated.
    pub unseen_pairs: u64,
    /// By how much correlations were shrunk so that they do not contradict each other; 0 when they did not.
    pub shrunk: f64,
    /// Version of the definition.
    pub definition: u32,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Refused {
    /// No topic is mentioned often enough, or none varies with the outcome.
    #[error("no topic is mentioned often enough")]
    NoTopics,
    /// Fewer than ten rows a topic.
    #[error("{n} rows, {needed} are needed")]
    TooFew {
        /// Rows.
        n: u64,
        /// Rows needed.
        needed: u64,
    },
    /// The topics explain less than 5% of the variance.
    #[error("the topics explain {r_squared:.3} of the variance, less than 0.05")]
    Weak {
        /// Share explained.
        r_squared: f64,
    },
}

/// The key drivers of the outcome. A topic (and a pair) needs `floor` rows, 3 at least.
///
/// # Errors
/// There are too few rows, or the topics explain too little.
pub fn drivers(moments: &Moments, floor: u64) -> Result<Drivers, Refused> {
    let floor = floor.max(3);
    let outcome = moments.topics();
    let (mut kept, mut omitted) = (Vec::new(), Vec::new());
    for topic in 0..moments.topics() {
        let pair = moments.pair(topic, outcome);
        if pair.rows() < floor {
            omitted.push((topic, Omission::TooFew));
        } else if pair.correlation().is_none() {
            omitted.push((topic, Omission::Constant));
        } else {
            kept.push(topic);
        }
    }
    if kept.is_empty() {
        return Err(Refused::NoTopics);
    }
    let (n, needed) = (moments.rows(), ROWS_A_TOPIC * length(&kept));
    if n < needed {
        return Err(Refused::TooFew { n, needed });
    }
    let (correlations, unseen_pairs) = correlations(moments, &kept, floor);
    let (correlations, shrunk) = consistent(&correlations);
    let r_squared = shares::r_squared(&correlations);
    if r_squared < WEAK {
        return Err(Refused::Weak { r_squared });
    }
    let (method, shares) = if kept.len() <= SHAPLEY_TO {
        (Method::Shapley, shares::shapley(&correlations))
    } else {
        (
            Method::RelativeWeights,
            shares::relative_weights(&correlations),
        )
    };
    let topics = real(length(&kept));
    let inverse: f64 = kept
        .iter()
        .map(|&topic| 1.0 / real(moments.pair(topic, outcome).rows()))
        .sum();
    Ok(Drivers {
        drivers: ranked(moments, &kept, &shares),
        omitted,
        r_squared,
        adjusted_r_squared: 1.0 - (1.0 - r_squared) * (real(n) - 1.0) / (real(n) - topics - 1.0),
        method,
        n,
        effective_n: topics / inverse,
        unseen_pairs,
        shrunk,
        definition: DEFINITION,
    })
}

/// Correlations of the kept topics and, last, the outcome; and how many pairs of topics were not seen together.
fn correlations(moments: &Moments, kept: &[usize], floor: u64) -> (Matrix, u64) {
    let variables: Vec<usize> = kept.iter().copied().chain([moments.topics()]).collect();
    let mut unseen = 0;
    let mut found = Matrix::identity(variables.len());
    for (i, &one) in variables.iter().enumerate() {
        for (j, &other) in variables.iter().enumerate().skip(i + 1) {
            let pair = moments.pair(one, other);
            let seen = pair.rows() >= floor;
            let correlation = pair.correlation().filter(|_| seen);
            unseen += u64::from(!seen);
            found.set(i, j, correlation.unwrap_or(0.0));
            found.set(j, i, correlation.unwrap_or(0.0));
        }
    }
    (found, unseen)
}

/// Correlations without contradiction: shrunk towards none just as far as the smallest eigenvalue demands.
fn consistent(correlations: &Matrix) -> (Matrix, f64) {
    let least = correlations
        .eigen()
        .values
        .into_iter()
        .fold(f64::INFINITY, f64::min);
    if least >= LEAST_EIGENVALUE {
        return (correlations.clone(), 0.0);
    }
    let ridge = (LEAST_EIGENVALUE - least) / (1.0 - LEAST_EIGENVALUE);
    let kept = 1.0 / (1.0 + ridge);
    let shrunk = correlations.map(|i, j, value| if i == j { 1.0 } else { value * kept });
    (shrunk, 1.0 - kept)
}

/// Drivers from the shares of R^2, most important first.
fn ranked(moments: &Moments, kept: &[usize], shares: &[f64]) -> Vec<Driver> {
    let whole: f64 = shares.iter().sum();
    let topics = real(length(kept));
    let mean = |topic| moments.pair(topic, moments.topics()).mean_of_first();
    let all = kept.iter().map(|&topic| mean(topic)).sum::<f64>() / topics;
    let mut drivers: Vec<Driver> = kept
        .iter()
        .zip(shares)
        .map(|(&topic, share)| {
            let pair = moments.pair(topic, moments.topics());
            let (importance, performance) = (share / whole, mean(topic));
            let quadrant = match (importance * topics >= 1.0, performance >= all) {
                (true, false) => Quadrant::Improve,
                (true, true) => Quadrant::Keep,
                (false, false) => Quadrant::Watch,
                (false, true) => Quadrant::Enough,
            };
            let correlation = pair.correlation().unwrap_or(0.0);
            Driver {
                topic,
                n: pair.rows(),
                importance,
                performance,
                performance_within: pair.error_of_first().map(|error| {
                    let half = Z_95 * error;
                    (performance - half, performance + half)
                }),
                correlation,
                correlation_within: fisher(correlation, pair.rows()),
                quadrant,
            }
        })
        .collect();
    drivers.sort_by(|a, b| {
        let by_importance = b.importance.total_cmp(&a.importance);
        by_importance.then(a.topic.cmp(&b.topic))
    });
    drivers
}

/// The interval of a correlation of so many rows (Fisher 1921).
fn fisher(correlation: f64, rows: u64) -> Option<(f64, f64)> {
    let half = Z_95 / real(rows.checked_sub(3).filter(|rows| *rows > 0)?).sqrt();
    let at = correlation.atanh();
    Some(((at - half).tanh(), (at + half).tanh()))
}

#[cfg(test)]
mod tests;
