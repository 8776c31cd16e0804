//! What a row would have brought with another action: the reward model q of DM and DR.
//!
//! What must stay true: a row is predicted by a model that saw no row of its profile (cross-fitting: profiles fall into
//! [`FOLDS`] folds by a hash, and the model of a fold is fitted on the others). Else a row's own luck would be in its
//! prediction and DR's interval too narrow.
//!
//! DR is right whatever q is, as long as propensities are; a better q only makes its interval narrower. DM is as right as
//! q is. So DM's interval says how far the data leave q open *given its form*; how wrong the form is, no interval says.

use super::log::{Decided, Log};

/// Folds of the cross-fit.
pub const FOLDS: usize = 5;

/// A pool of rewards that a prediction averages.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pool {
    /// Number of the pool, below [`Rewards::pools`].
    pub index: usize,
    /// How much the prediction moves when one reward of weight 1 in the pool moves by 1: 1/n for a mean of n.
    pub leverage: f64,
}

/// A fitted reward model.
pub trait Rewards {
    /// The reward expected of the candidate in this place, in the unit of rewards.
    fn reward(&self, row: &Decided<'_>, place: usize) -> f64;

    /// How many pools there are; 0 for a model that was fitted elsewhere.
    fn pools(&self) -> usize {
        0
    }

    /// The pools that this prediction averages, and in which the row's reward falls when the candidate was chosen. A model
    /// that was fitted elsewhere has none: intervals then take it as given.
    fn averaged(&self, _row: &Decided<'_>, _place: usize) -> [Pool; 2] {
        [Pool::default(); 2]
    }

    /// How much the row weighs in its pools.
    fn weight(&self, _row: &Decided<'_>) -> f64 {
        1.0
    }
}

/// How a reward model is fitted.
pub trait RewardModel {
    /// Fits it on the rows of a log for which `with` says so.
    fn fit(&self, log: &Log, with: &dyn Fn(&Decided<'_>) -> bool) -> Box<dyn Rewards>;
}

/// The same reward for everything: with 0, DR is IPW.
#[derive(Clone, Copy, Debug, Default)]
pub struct Constant(
    /// The reward.
    pub f64,
);

impl Rewards for Constant {
    fn reward(&self, _: &Decided<'_>, _: usize) -> f64 {
        self.0
    }
}

impl RewardModel for Constant {
    fn fit(&self, _: &Log, _: &dyn Fn(&Decided<'_>) -> bool) -> Box<dyn Rewards> {
        Box::new(*self)
    }
}

/// The default: the mean reward per (action, context cell), shrunk towards the action's, and that towards the mean of all.
///
/// A row weighs v = 1 / `pi_b` in these means: a logging policy that learns stops doing what was unlucky at first, so plain means
/// of what it did are too low (Nie, Tian, Taylor and Zou 2018), and weighted ones are not. With `m_xa = sum(v r) / sum(v)` and
/// `n_xa = sum(v)^2 / sum(v^2)`, likewise for an action: `q(x, a) = (n_xa m_xa + k p_a) / (n_xa + k)`,
/// `p_a = (n_a m_a + k m) / (n_a + k)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShrunkMeans {
    /// How many rows the parent's mean is worth, above 0. More makes rare cells steadier and DM more biased.
    pub k: f64,
    /// Whether cells are told apart; without, an action has one mean.
    pub by_cell: bool,
}

impl Default for ShrunkMeans {
    fn default() -> Self {
        Self {
            k: 2.0,
            by_cell: true,
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    rewards: f64,
    weights: f64,
    squares: f64,
}

impl Mean {
    fn add(&mut self, reward: f64, weight: f64) {
        self.rewards += weight * reward;
        self.weights += weight;
        self.squares += weight * weight;
    }

    fn mean(self) -> f64 {
        if self.weights > 0.0 {
            self.rewards / self.weights
        } else {
            0.0
        }
    }

    /// How much of a mean is its own, and not its parent's: n / (n + k).
    fn own(self, k: f64) -> f64 {
        let squared = self.weights * self.weights;
        squared / (squared + k * self.squares).max(f64::MIN_POSITIVE)
    }

    fn shrunk(self, to: f64, k: f64) -> f64 {
        let own = self.own(k);
        own * self.mean() + (1.0 - own) * to
    }

    /// How much the mean moves with the reward of a row of weight 1.
    fn leverage(self) -> f64 {
        if self.weights > 0.0 {
            1.0 / self.weights
        } else {
            0.0
        }
    }
}

struct Means {
    k: f64,
    by_cell: bool,
    all: f64,
    actions: Vec<Mean>,
    strata: Vec<Mean>,
}

impl RewardModel for ShrunkMeans {
    fn fit(&self, log: &Log, with: &dyn Fn(&Decided<'_>) -> bool) -> Box<dyn Rewards> {
        let (actions, strata) = log.sizes();
        let mut all = Mean::default();
        let mut actions = vec![Mean::default(); actions];
        let mut strata = vec![Mean::default(); strata];
        for row in log.rows().filter(|row| with(row)) {
            let (at, of) = row.stratum(row.chosen());
            let weight = weight(&row);
            all.add(row.reward(), weight);
            if let Some(mean) = actions.get_mut(of.action) {
                mean.add(row.reward(), weight);
            }
            if let Some(mean) = strata.get_mut(at) {
                mean.add(row.reward(), weight);
            }
        }
        Box::new(Means {
            k: self.k.max(f64::MIN_POSITIVE),
            by_cell: self.by_cell,
            all: all.mean(),
            actions,
            strata,
        })
    }
}

/// One over the logged propensity of the chosen action.
fn weight(row: &Decided<'_>) -> f64 {
    let logged = row.propensities().get(row.chosen());
    1.0 / logged.copied().unwrap_or(1.0)
}

impl Means {
    fn of(&self, row: &Decided<'_>, place: usize) -> (usize, Mean, usize, Mean) {
        let (at, of) = row.stratum(place);
        let stratum = self.strata.get(at).copied().unwrap_or_default();
        let action = self.actions.get(of.action).copied().unwrap_or_default();
        (at, stratum, of.action, action)
    }
}

impl Rewards for Means {
    fn reward(&self, row: &Decided<'_>, place: usize) -> f64 {
        let (_, stratum, _, action) = self.of(row, place);
        let parent = action.shrunk(self.all, self.k);
        if self.by_cell {
            stratum.shrunk(parent, self.k)
        } else {
            parent
        }
    }

    fn pools(&self) -> usize {
        self.strata.len() + self.actions.len()
    }

    fn averaged(&self, row: &Decided<'_>, place: usize) -> [Pool; 2] {
        let (at, stratum, action, of_action) = self.of(row, place);
        let own = if self.by_cell {
            stratum.own(self.k)
        } else {
            0.0
        };
        [
            Pool {
                index: at,
                leverage: own * stratum.leverage(),
            },
            Pool {
                index: self.strata.len() + action,
                leverage: (1.0 - own) * of_action.own(self.k) * of_action.leverage(),
            },
        ]
    }

    fn weight(&self, row: &Decided<'_>) -> f64 {
        weight(row)
    }
}

#[cfg(test)]
#[path = "reward/tests.rs"]
mod tests;
