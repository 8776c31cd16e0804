//! Where feelings are going.
//!
//! The mean of the last week or so beside that of the last months: `(fast - slow)/se` of 2 or more is a trend when the
//! difference is 0.15 or more too. `se^2 = v (1/n_fast + 1/n_slow)`. Fast and slow share feelings, which makes the true
//! error smaller than this: that is what keeps the false alarms of few feelings below one in twenty (`shuffled`).

use super::{Dated, Decayed, Moment};
use crate::proto::v1::{SentimentTrend, TrendDirection};

/// Half-lives in days.
const FAST: f64 = 7.0;
const SLOW: f64 = 60.0;

/// Standard errors by which fast and slow differ at least.
const FACTOR: f64 = 2.0;

/// By how much they differ at least.
const DIFFERENCE: f64 = 0.15;

/// To how many feelings the evidence amounts at least.
const LEAST_FAST: f64 = 3.0;
const LEAST_SLOW: f64 = 6.0;

/// The trend of a series in the order of days.
#[must_use]
pub fn trend(series: &[Dated], moment: Moment) -> SentimentTrend {
    let fast = Decayed::of(series, moment, FAST);
    let slow = Decayed::of(series, moment, SLOW);
    let (n_fast, n_slow) = (fast.effective_n(), slow.effective_n());
    let variance = slow.variance().filter(|_| n_fast > 0.0);
    let error = variance.map(|v| (v * (1.0 / n_fast + 1.0 / n_slow)).sqrt());
    let direction = match (fast.mean(), slow.mean(), error) {
        (Some(fast), Some(slow), Some(error)) if n_fast >= LEAST_FAST && n_slow >= LEAST_SLOW => {
            verdict(fast - slow, error)
        }
        _ => TrendDirection::Insufficient,
    };
    SentimentTrend {
        direction: direction.into(),
        fast: fast.mean(),
        slow: slow.mean(),
        standard_error: error,
        effective_n_fast: n_fast,
        effective_n_slow: n_slow,
    }
}

fn verdict(difference: f64, error: f64) -> TrendDirection {
    if difference.abs() < DIFFERENCE || difference.abs() < FACTOR * error {
        TrendDirection::Stable
    } else if difference > 0.0 {
        TrendDirection::Improving
    } else {
        TrendDirection::Declining
    }
}
