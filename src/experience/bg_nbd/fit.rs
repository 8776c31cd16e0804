//! Parameters of a population, by maximum likelihood.
//!
//! What must stay true:
//!
//! - A sample is a count of equal histories, so it is the exact sum of its customers: what is added can be taken away, and
//!   the order of both does not matter.
//! - The same sample gives the same parameters, bit for bit.
//! - A fit that means nothing is refused: too few customers, no repeat orders, a likelihood without a maximum inside.

use std::collections::BTreeMap;

use super::likelihood::Histories;
use super::{DEFINITION, History, Parameters};
use crate::experience::simplex::minimise;

/// Ten customers a parameter, as for every regression here.
pub const FEWEST: u64 = 40;

/// Logarithms of parameters are sought between plus and minus this; beyond, the model has degenerated into another.
const EDGE: f64 = 14.0;

/// A population of histories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    groups: BTreeMap<History, u64>,
}

/// Parameters with what they rest on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// The parameters.
    pub parameters: Parameters,
    /// The logarithm of their likelihood.
    pub log_likelihood: f64,
    /// Customers.
    pub n: u64,
    /// Version of the definition.
    pub definition: u32,
}

/// Why a population has no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Too few customers.
    #[error("{n} customers, {fewest} are needed")]
    TooFew {
        /// Customers.
        n: u64,
        /// Customers needed.
        fewest: u64,
    },
    /// Nobody ordered again.
    #[error("nobody ordered again")]
    NoRepeats,
    /// The likelihood has no maximum that could be found, or only at the edge of the sensible.
    #[error("the likelihood has no maximum")]
    NoMaximum,
}

impl Sample {
    /// Adds customers with one history.
    pub fn add(&mut self, history: History, customers: u64) {
        if customers > 0 {
            let count = self.groups.entry(history).or_default();
            *count = count.saturating_add(customers);
        }
    }

    /// Takes a customer's history away; false when there is none.
    pub fn remove(&mut self, history: History) -> bool {
        let Some(count) = self.groups.get_mut(&history) else {
            return false;
        };
        *count -= 1;
        if *count == 0 {
            self.groups.remove(&history);
        }
        true
    }

    /// Adds another population.
    pub fn merge(&mut self, other: &Self) {
        for (&history, &customers) in &other.groups {
            self.add(history, customers);
        }
    }

    /// The histories that occur with the number of customers who have them, ascending.
    pub fn groups(&self) -> impl Iterator<Item = (History, u64)> {
        self.groups
            .iter()
            .map(|(&history, &count)| (history, count))
    }

    /// Customers.
    #[must_use]
    pub fn customers(&self) -> u64 {
        self.groups.values().sum()
    }

    /// Customers who ordered again.
    #[must_use]
    pub fn repeaters(&self) -> u64 {
        self.groups()
            .filter(|(history, _)| history.repeats > 0)
            .map(|(_, count)| count)
            .sum()
    }

    /// Repeat orders of all customers.
    #[must_use]
    pub fn repeats(&self) -> u64 {
        self.groups()
            .map(|(history, count)| u64::from(history.repeats) * count)
            .sum()
    }

    /// The logarithm of the likelihood of this population.
    #[must_use]
    pub fn log_likelihood(&self, parameters: &Parameters) -> f64 {
        Histories::of(&self.groups).log_likelihood(parameters)
    }
}

impl FromIterator<History> for Sample {
    fn from_iter<I: IntoIterator<Item = History>>(histories: I) -> Self {
        let mut sample = Self::default();
        for history in histories {
            sample.add(history, 1);
        }
        sample
    }
}

/// The parameters under which the sample is most likely.
///
/// # Errors
/// The sample is too small, or says nothing about the parameters.
pub fn fit(sample: &Sample) -> Result<Fit, Unfit> {
    let n = sample.customers();
    if n < FEWEST {
        let fewest = FEWEST;
        return Err(Unfit::TooFew { n, fewest });
    }
    if sample.repeats() == 0 {
        return Err(Unfit::NoRepeats);
    }
    let histories = Histories::of(&sample.groups);
    let inside = |logs: &[f64; 4]| logs.iter().all(|log| log.abs() < EDGE);
    let parameters = |logs: &[f64; 4]| {
        let [r, alpha, a, b] = logs.map(f64::exp);
        Parameters { r, alpha, a, b }
    };
    let found = minimise(
        |logs| {
            if inside(logs) {
                -histories.log_likelihood(&parameters(logs))
            } else {
                f64::INFINITY
            }
        },
        [0.0; 4],
    );
    // A maximum at the edge is none.
    if !found.settled || !inside(&found.at.map(|log| log * (1.0 + 1e-3))) {
        return Err(Unfit::NoMaximum);
    }
    Ok(Fit {
        parameters: parameters(&found.at),
        log_likelihood: -found.value,
        n,
        definition: DEFINITION,
    })
}
