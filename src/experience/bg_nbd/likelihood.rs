//! How likely histories are under parameters: equation 6 of the paper, in logarithms.
//!
//! What must stay true: equal histories are computed once and weighed by their number, in ascending order, so the sum is
//! the same bit for bit for the same population.

use std::collections::BTreeMap;

use libm::lgamma;

use super::{History, Parameters};
use crate::experience::number::real;

/// A population, ready to be asked for many parameters.
pub(super) struct Histories {
    /// Numbers of repeat orders that occur, with how many customers have them.
    repeats: Vec<(f64, f64)>,
    rows: Vec<Row>,
}

struct Row {
    history: History,
    customers: f64,
}

impl Histories {
    pub(super) fn of(groups: &BTreeMap<History, u64>) -> Self {
        let mut repeats: BTreeMap<u32, u64> = BTreeMap::new();
        for (history, count) in groups {
            *repeats.entry(history.repeats).or_default() += count;
        }
        let row = |(&history, &count): (&History, &u64)| Row {
            history,
            customers: real(count),
        };
        Self {
            repeats: repeats
                .into_iter()
                .map(|(x, count)| (f64::from(x), real(count)))
                .collect(),
            rows: groups.iter().map(row).collect(),
        }
    }

    /// The logarithm of the likelihood.
    pub(super) fn log_likelihood(&self, parameters: &Parameters) -> f64 {
        let Parameters { r, alpha, a, b } = *parameters;
        let fixed = r * alpha.ln() - lgamma(r) + lgamma(a + b) - lgamma(b);
        let of_numbers: f64 = self
            .repeats
            .iter()
            .map(|(x, customers)| {
                customers * (fixed + lgamma(r + x) + lgamma(b + x) - lgamma(a + b + x))
            })
            .sum();
        let of_times: f64 = self
            .rows
            .iter()
            .map(|row| {
                let still = -(r + row.history.x()) * (alpha + row.history.weeks()).ln();
                row.customers
                    * (still + log_1_plus_exp(parameters.log_odds_of_having_left(row.history)))
            })
            .sum();
        of_numbers + of_times
    }
}

impl Parameters {
    /// The logarithm of the odds of having left against being alive; minus infinity without a repeat order.
    pub(super) fn log_odds_of_having_left(&self, history: History) -> f64 {
        if history.repeats == 0 {
            return f64::NEG_INFINITY;
        }
        let x = history.x();
        let idle = history.weeks() - history.last_week();
        (self.a / (self.b + x - 1.0)).ln()
            + (self.r + x) * (idle / (self.alpha + history.last_week())).ln_1p()
    }
}

/// ln(1 + e^x) without overflow.
fn log_1_plus_exp(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}
