//! Lift: what the policy brings over showing nothing chosen (holdout) and over choosing at random (uniform group).
//!
//! What must stay true:
//!
//! - A customer counts once, with everything they did in the window, in the group they were pinned to: what is drawn at random
//!   is the customer, so intervals are clustered by profile.
//! - A customer whose profile was merged is left out, in every group alike, and counted: two pins may have met in one profile,
//!   and which group its rewards belong to is unknown.
//! - Sums are whole numbers (rewards in millionths), so order does not matter and the figures of two parts add up.
//! - Too few customers or too few with a reward make no figure but a reason.
//!
//! The difference has a normal interval with unequal variances; the ratio has one on the logarithmic scale, by
//! linearisation (delta method). Both hold for **one** look at a time fixed beforehand. Who looks every day and stops
//! at the first interval without 0 is wrong far more often than in 5 of 100 cases (with daily looks over a month in more than
//! a quarter of them: Armitage and others 1969): fix the day of decision first, or ask for more than the interval shows.

use super::number::{real, sum};
use crate::experience::measure::Z_95;

/// The fewest customers of a group.
pub const CUSTOMERS: u64 = 200;
/// The fewest customers of a group with a reward above 0.
pub const POSITIVES: u64 = 25;
/// Standard normal deviate of a power of 80%.
const Z_80: f64 = 0.841_621_233_572_914_2;
/// Parts of a reward of 1.
const MILLION: f64 = 1_000_000.0;

/// The groups of the experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Gets what the policy chooses.
    Policy,
    /// Gets any eligible action alike.
    Uniform,
    /// Gets the fallback.
    Holdout,
}

/// What a mean is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Reward per customer: the right one when the policy may change how often customers come.
    Customer,
    /// Reward per decision.
    Decision,
}

/// One customer's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Customer {
    /// The group they were pinned to.
    pub group: Group,
    /// Whether their profile was ever merged with another pinned one.
    pub merged: bool,
    /// Decisions made for them, the holdout's too (the fallback is a decision). A customer without any does not count.
    pub decisions: u32,
    /// The sum of their rewards, in millionths.
    pub reward: i64,
}

/// Sums of one group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    customers: u64,
    positives: u64,
    decisions: i128,
    rewards: i128,
    decisions_squared: i128,
    products: i128,
    rewards_squared: i128,
}

impl Sums {
    fn add(&mut self, customer: &Customer) {
        let (decisions, reward) = (i128::from(customer.decisions), i128::from(customer.reward));
        self.unite(&Self {
            customers: 1,
            positives: u64::from(reward > 0),
            decisions,
            rewards: reward,
            decisions_squared: decisions * decisions,
            products: decisions * reward,
            rewards_squared: reward * reward,
        });
    }

    fn unite(&mut self, other: &Self) {
        self.customers = self.customers.saturating_add(other.customers);
        self.positives = self.positives.saturating_add(other.positives);
        for (to, from) in [
            (&mut self.decisions, other.decisions),
            (&mut self.rewards, other.rewards),
            (&mut self.decisions_squared, other.decisions_squared),
            (&mut self.products, other.products),
            (&mut self.rewards_squared, other.rewards_squared),
        ] {
            *to = to.saturating_add(from);
        }
    }

    /// The mean and its squared standard error, in millionths.
    fn mean(&self, basis: Basis) -> (f64, f64) {
        let n = real(self.customers);
        let (under, unders, products) = match basis {
            Basis::Customer => (n, n, sum(self.rewards)),
            Basis::Decision => (
                sum(self.decisions),
                sum(self.decisions_squared),
                sum(self.products),
            ),
        };
        let mean = sum(self.rewards) / under;
        let residual = sum(self.rewards_squared) - mean * (2.0 * products - mean * unders);
        (mean, residual.max(0.0) * n / (n - 1.0) / (under * under))
    }
}

/// Sums of all groups. Adding customers and uniting tallies may happen in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    policy: Sums,
    uniform: Sums,
    holdout: Sums,
    merged: u64,
}

impl Tally {
    /// Adds one customer; each must be added once.
    pub fn add(&mut self, customer: &Customer) {
        if customer.merged {
            self.merged = self.merged.saturating_add(1);
        } else if customer.decisions > 0 {
            match customer.group {
                Group::Policy => self.policy.add(customer),
                Group::Uniform => self.uniform.add(customer),
                Group::Holdout => self.holdout.add(customer),
            }
        }
    }

    /// Adds another's customers.
    pub fn unite(&mut self, other: &Self) {
        self.policy.unite(&other.policy);
        self.uniform.unite(&other.uniform);
        self.holdout.unite(&other.holdout);
        self.merged = self.merged.saturating_add(other.merged);
    }

    /// How many customers were left out because their profile was merged.
    #[must_use]
    pub const fn merged(&self) -> u64 {
        self.merged
    }

    /// How many customers a group has, and how many of them a reward above 0.
    #[must_use]
    pub const fn counted(&self, group: Group) -> (u64, u64) {
        let sums = self.of(group);
        (sums.customers, sums.positives)
    }

    const fn of(&self, group: Group) -> &Sums {
        match group {
            Group::Policy => &self.policy,
            Group::Uniform => &self.uniform,
            Group::Holdout => &self.holdout,
        }
    }

    /// What group `of` brings over group `over`, or every reason why that cannot be said.
    ///
    /// # Errors
    /// Every [`Refusal`] that applies.
    pub fn lift(&self, of: Group, over: Group, basis: Basis) -> Result<Lift, Vec<Refusal>> {
        let refusals: Vec<Refusal> = [of, over]
            .into_iter()
            .flat_map(|group| refusals(group, self.of(group)))
            .collect();
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let (treated, control) = (self.of(of), self.of(over));
        let ((mean, variance), (base, base_variance)) = (treated.mean(basis), control.mean(basis));
        let error = (variance + base_variance).sqrt();
        let difference = mean - base;
        let half = Z_95 * error;
        let ratio = (mean > 0.0 && base > 0.0).then(|| {
            let log_error = (variance / (mean * mean) + base_variance / (base * base)).sqrt();
            let ratio = mean / base;
            let factor = libm::exp(Z_95 * log_error);
            (ratio, (ratio / factor, ratio * factor))
        });
        Ok(Lift {
            mean: mean / MILLION,
            base: base / MILLION,
            difference: difference / MILLION,
            interval: ((difference - half) / MILLION, (difference + half) / MILLION),
            ratio,
            detectable: (Z_95 + Z_80) * error / MILLION,
            customers: (treated.customers, control.customers),
            positives: (treated.positives, control.positives),
            merged: self.merged,
        })
    }
}

/// What a group brings over another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lift {
    /// Mean reward of the group, in the unit of rewards.
    pub mean: f64,
    /// Mean reward of the other.
    pub base: f64,
    /// The first less the second.
    pub difference: f64,
    /// 95% interval of the difference, lower end first.
    pub interval: (f64, f64),
    /// The first over the second with its 95% interval; `None` where a mean is not above 0.
    pub ratio: Option<(f64, (f64, f64))>,
    /// The smallest true difference that as large an experiment finds in 80 of 100 cases.
    pub detectable: f64,
    /// Customers of both groups.
    pub customers: (u64, u64),
    /// Those with a reward above 0.
    pub positives: (u64, u64),
    /// Customers left out in all groups, as their profile was merged.
    pub merged: u64,
}

impl Lift {
    /// Whether the interval of the difference is without 0.
    #[must_use]
    pub fn certain(&self) -> bool {
        self.interval.0 > 0.0 || self.interval.1 < 0.0
    }
}

/// Why a lift is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Too few customers.
    #[error("the group {group:?} has {found} customers and {CUSTOMERS} are needed")]
    TooFewCustomers {
        /// Of this group.
        group: Group,
        /// So many.
        found: u64,
    },
    /// Too few rewards.
    #[error("{found} customers of the group {group:?} have a reward and {POSITIVES} are needed")]
    TooFewPositives {
        /// Of this group.
        group: Group,
        /// So many.
        found: u64,
    },
}

impl Refusal {
    /// Its stable name.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::TooFewCustomers { .. } => "too_few_customers",
            Self::TooFewPositives { .. } => "too_few_positives",
        }
    }
}

fn refusals(group: Group, sums: &Sums) -> impl Iterator<Item = Refusal> {
    let customers = (sums.customers < CUSTOMERS).then_some(Refusal::TooFewCustomers {
        group,
        found: sums.customers,
    });
    let positives = (sums.positives < POSITIVES).then_some(Refusal::TooFewPositives {
        group,
        found: sums.positives,
    });
    customers.into_iter().chain(positives)
}

#[cfg(test)]
#[path = "lift/tests.rs"]
mod tests;
