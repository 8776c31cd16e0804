//! What a customer spends an order: the Gamma-Gamma model (Fader and Hardie 2013, "The Gamma-Gamma model of monetary
//! value").
//!
//! A customer's orders are gamma distributed around a mean of their own (shape p), and the means over the population by
//! another gamma (shape q, rate gamma). The expected mean lies between what the customer spent and what all do, nearer to
//! the former the more orders there are.
//!
//! What must stay true: amounts are whole minor units of one currency and never mixed with another; who has no repeat
//! order, or did not pay for them, has no value and takes no part in the fit. The model holds where spending does not
//! depend on how often a customer orders.

use std::collections::BTreeMap;

use libm::lgamma;

use super::number::{real, signed};
use super::simplex::minimise;

/// Version of the definition.
pub const DEFINITION: u32 = 1;

/// Ten customers a parameter.
pub const FEWEST: u64 = 30;

/// Logarithms of the shapes, and of gamma in means of the population, are sought between plus and minus this.
const EDGE: f64 = 14.0;

/// What a customer's repeat orders came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spending {
    /// Repeat orders, days with an order after the first; 1 or more.
    repeats: u32,
    /// Their sum in minor units, above 0.
    total: i64,
}

impl Spending {
    /// `None` without repeat orders or when they came to nothing.
    #[must_use]
    pub const fn new(repeats: u32, total: i64) -> Option<Self> {
        if repeats == 0 || total <= 0 {
            return None;
        }
        Some(Self { repeats, total })
    }

    /// Repeat orders, 1 or more.
    #[must_use]
    pub const fn repeats(self) -> u32 {
        self.repeats
    }

    /// What they came to in minor units, above 0.
    #[must_use]
    pub const fn total(self) -> i64 {
        self.total
    }

    fn x(self) -> f64 {
        f64::from(self.repeats)
    }

    /// x times the mean: the sum.
    fn sum(self) -> f64 {
        signed(i128::from(self.total))
    }
}

/// The three parameters, each above 0; gamma is in minor units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    p: f64,
    q: f64,
    gamma: f64,
}

/// Parameters with what they rest on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// The parameters.
    pub parameters: Parameters,
    /// The logarithm of their likelihood, for means in minor units.
    pub log_likelihood: f64,
    /// Customers with paid repeat orders.
    pub n: u64,
    /// Version of the definition.
    pub definition: u32,
}

/// Why a population has no parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Too few customers with paid repeat orders.
    #[error("{n} customers with repeat orders, {fewest} are needed")]
    TooFew {
        /// Customers.
        n: u64,
        /// Customers needed.
        fewest: u64,
    },
    /// The likelihood has no maximum that could be found.
    #[error("the likelihood has no maximum")]
    NoMaximum,
}

impl Parameters {
    /// `None` unless all are finite and above 0.
    #[must_use]
    pub fn new(p: f64, q: f64, gamma: f64) -> Option<Self> {
        let valid = [p, q, gamma]
            .iter()
            .all(|parameter| parameter.is_finite() && *parameter > 0.0);
        valid.then_some(Self { p, q, gamma })
    }

    /// Shape of a customer's orders.
    #[must_use]
    pub const fn p(&self) -> f64 {
        self.p
    }

    /// Shape of the customers' means.
    #[must_use]
    pub const fn q(&self) -> f64 {
        self.q
    }

    /// Rate of the customers' means, minor units.
    #[must_use]
    pub const fn gamma(&self) -> f64 {
        self.gamma
    }

    /// p (gamma + x mean) / (p x + q - 1): the expected mean of a customer's orders in minor units. `None` where it does
    /// not exist, p x + q <= 1.
    #[must_use]
    pub fn expected_spend(&self, spending: Spending) -> Option<f64> {
        let below = self.p * spending.x() + self.q - 1.0;
        (below > 0.0).then(|| self.p * (self.gamma + spending.sum()) / below)
    }

    /// The mean of the population, p gamma / (q - 1), in minor units; `None` where it does not exist, q <= 1.
    #[must_use]
    pub fn population_spend(&self) -> Option<f64> {
        (self.q > 1.0).then(|| self.p * self.gamma / (self.q - 1.0))
    }

    /// The logarithm of the likelihood of a customer's mean.
    fn log_likelihood(&self, spending: Spending) -> f64 {
        let (x, sum) = (spending.x(), spending.sum());
        let px = self.p * x;
        lgamma(px + self.q) - lgamma(px) - lgamma(self.q)
            + self.q * self.gamma.ln()
            + (px - 1.0) * (sum / x).ln()
            + px * x.ln()
            - (px + self.q) * (self.gamma + sum).ln()
    }
}

/// The logarithm of the likelihood of customers, each with how many there are.
#[must_use]
pub fn log_likelihood(customers: &BTreeMap<Spending, u64>, parameters: &Parameters) -> f64 {
    customers
        .iter()
        .map(|(&spending, &count)| real(count) * parameters.log_likelihood(spending))
        .sum()
}

/// The parameters under which the customers' means are most likely.
///
/// # Errors
/// There are too few customers, or their means say nothing about the parameters.
pub fn fit(customers: &BTreeMap<Spending, u64>) -> Result<Fit, Unfit> {
    let n = customers.values().sum();
    if n < FEWEST {
        let fewest = FEWEST;
        return Err(Unfit::TooFew { n, fewest });
    }
    let spent: f64 = customers
        .iter()
        .map(|(spending, &count)| real(count) * spending.sum() / spending.x())
        .sum();
    // The search works in means of the population, so that the unit of money does not matter.
    let unit = spent / real(n);
    let parameters = |logs: &[f64; 3]| {
        let [p, q, gamma] = logs.map(f64::exp);
        let gamma = gamma * unit;
        Parameters { p, q, gamma }
    };
    let inside = |logs: &[f64; 3]| logs.iter().all(|log| log.abs() < EDGE);
    let found = minimise(
        |logs| {
            if inside(logs) {
                -log_likelihood(customers, &parameters(logs))
            } else {
                f64::INFINITY
            }
        },
        [0.0; 3],
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn published() -> Parameters {
        Parameters::new(6.25, 3.74, 1_544.0).unwrap()
    }

    fn spending(repeats: u32, total: i64) -> Spending {
        Spending::new(repeats, total).unwrap()
    }

    #[test]
    fn without_a_paid_repeat_order_there_is_no_value() {
        assert_eq!(Spending::new(0, 0), None);
        assert_eq!(Spending::new(0, 500), None);
        assert_eq!(Spending::new(3, 0), None);
        assert_eq!(Spending::new(3, -500), None);
    }

    #[test]
    fn expected_spend_is_the_formula() {
        let found = published().expected_spend(spending(2, 6_000)).unwrap();
        assert!((found - 6.25 * (1_544.0 + 6_000.0) / (12.5 + 2.74)).abs() < 1e-9);
        let all = published().population_spend().unwrap();
        assert!((all - 6.25 * 1_544.0 / 2.74).abs() < 1e-9);
    }

    #[test]
    fn a_mean_that_does_not_exist_is_none() {
        let heavy = Parameters::new(0.2, 0.5, 100.0).unwrap();
        assert_eq!(heavy.population_spend(), None);
        assert_eq!(heavy.expected_spend(spending(2, 100)), None);
        assert!(heavy.expected_spend(spending(3, 100)).is_some());
    }

    #[test]
    fn too_few_customers_and_customers_all_alike_have_no_fit() {
        let alike = |count| BTreeMap::from([(spending(2, 1_000), count)]);
        assert_eq!(fit(&alike(29)), Err(Unfit::TooFew { n: 29, fewest: 30 }));
        assert_eq!(fit(&alike(1_000)), Err(Unfit::NoMaximum));
    }

    #[test]
    fn the_unit_of_money_does_not_matter() {
        let shop = |unit: i64| {
            (1..200_i64)
                .map(|i| {
                    let repeats = u32::try_from(i % 5 + 1).unwrap();
                    let mean = 200 + (i * 37) % 900 + (i * 101) % 13 * i;
                    (spending(repeats, mean * unit * i64::from(repeats)), 1)
                })
                .collect::<BTreeMap<_, u64>>()
        };
        let (small, large) = (fit(&shop(1)).unwrap(), fit(&shop(1_000_000)).unwrap());
        let (small, large) = (small.parameters, large.parameters);
        assert!((large.p() / small.p() - 1.0).abs() < 1e-5);
        assert!((large.q() / small.q() - 1.0).abs() < 1e-5);
        assert!((large.gamma() / small.gamma() / 1e6 - 1.0).abs() < 1e-5);
    }

    proptest! {
        #[test]
        fn expected_spend_lies_between_the_customers_mean_and_the_populations(repeats in 1_u32..200, mean in 1_i64..1_000_000) {
            let found = published().expected_spend(spending(repeats, mean * i64::from(repeats))).unwrap();
            let (own, all) = (signed(i128::from(mean)), published().population_spend().unwrap());
            prop_assert!(own.min(all) - 1e-6 <= found && found <= own.max(all) + 1e-6);
        }
    }
}
