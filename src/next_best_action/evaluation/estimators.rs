//! What another policy would have brought, from what the logged one did: four estimators.
//!
//! With `w = pi_e(a|x) / pi_b(a|x)` of the chosen action and q a cross-fitted reward model:
//!
//! | name | formula | right when | interval |
//! |---|---|---|---|
//! | IPW | mean(w r) | propensities are (Horvitz and Thompson 1952) | wide |
//! | SNIPW | sum(w r) / sum(w) | propensities are, up to 1/n; rewards may be shifted (Swaminathan and Joachims 2015) | narrower |
//! | DM | mean of sum over a of `pi_e(a)` q(x, a) | q is | narrowest, and silent about a wrong q |
//! | DR | mean of [sum over a of `pi_e(a)` q(x, a) + w (r - q)] | either is (Dudik, Langford and Li 2011) | narrow |
//!
//! What must stay true:
//!
//! - Sums run over rows in the order (day, decision, slot), and over profiles in the order of their ids: rows in any order
//!   give the same figures bit for bit.
//! - A row's q comes from a model that saw no row of its profile.
//! - Weights are used as they are: clipping would hide what the report is to show.
//!
//! DM is a mean of predictions, and what varies from one log to the next is mostly the predictions. So its standard error is
//! that of `d_i + g_i (r_i - q(x_i, a_i))`, d the direct term and g how much the whole sum of predictions moves with that one
//! reward (its leverage, summed over the pools it falls in and the folds that were fitted with it). With a model that was
//! fitted elsewhere g is 0, and the interval is that of the mix of contexts alone.

use super::{
    bootstrap::{self, Group, Known, Resampling},
    log::{CANDIDATES, Decided, Log},
    number::length,
    policy::Policy,
    reward::{FOLDS, RewardModel, Rewards},
};

pub use super::bootstrap::Estimate;

/// Probabilities of a policy may sum to 1 within this.
pub const SUM_WITHIN: f64 = 1e-9;

/// A policy whose probabilities are negative, not numbers, or do not sum to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy's probabilities for decision {decision:032x}, slot {slot}, do not sum to 1")]
pub struct NotADistribution {
    /// The first such decision.
    pub decision: u128,
    /// Its slot.
    pub slot: u16,
}

/// What the four say, and what the logged policy itself brought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimates {
    /// Inverse propensity weighting.
    pub ipw: Estimate,
    /// Self-normalised inverse propensity weighting.
    pub snipw: Estimate,
    /// Direct method.
    pub dm: Estimate,
    /// Doubly robust.
    pub dr: Estimate,
    /// Mean reward of what was logged.
    pub logged: Estimate,
}

/// How well a log speaks about a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Weights {
    /// Effective sample size, (sum w)^2 / sum w^2; 0 without weights.
    pub effective: f64,
    /// The same as it is expected from all logged propensities, `n^2 / sum over rows of sum over a of pi_e^2 / pi_b`; `None`
    /// when a row has only the chosen one. It sees weights so large and rare that none happened to be drawn.
    pub expected_effective: Option<f64>,
    /// The largest w.
    pub largest: f64,
    /// The mean of w. Far from 1 over many rows: the logged propensities are not those that chose.
    pub mean: f64,
    /// Rows where the policy would do what could not happen (logged propensity 0).
    pub unsupported_rows: usize,
    /// Mean probability of doing so.
    pub unsupported_share: f64,
    /// Rows where that could not be checked, as only the chosen propensity was logged.
    pub unchecked_rows: usize,
    /// Rows with a reward above 0 and a weight above 0.
    pub positives: usize,
}

/// What one row adds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Share {
    pub(super) weight: f64,
    pub(super) reward: f64,
    /// Sum over a of `pi_e(a)` q(x, a).
    pub(super) direct: f64,
    /// q of the chosen action.
    pub(super) predicted: f64,
    /// g.
    pub(super) leverage: f64,
}

impl Share {
    pub(super) fn doubly(&self) -> f64 {
        self.direct + self.weight * (self.reward - self.predicted)
    }

    fn linear(&self) -> f64 {
        self.direct + self.leverage * (self.reward - self.predicted)
    }
}

/// What the rows add, and what their weights are like.
#[derive(Clone, Debug)]
pub(super) struct Shares {
    pub(super) rows: Vec<Share>,
    pub(super) weights: Weights,
    /// The expected sum of squared weights; `None` when a row has only the chosen propensity.
    pub(super) expected: Option<f64>,
}

/// A log with the reward models that were fitted on it, for any number of policies.
pub struct Evaluation<'a> {
    log: &'a Log,
    folds: Vec<Box<dyn Rewards>>,
}

impl<'a> Evaluation<'a> {
    /// Fits the reward model once for each fold.
    #[must_use]
    pub fn new(log: &'a Log, model: &dyn RewardModel) -> Self {
        let folds = (0..FOLDS).map(|left_out| model.fit(log, &|row| row.fold() != left_out));
        Self {
            log,
            folds: folds.collect(),
        }
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &'a Log {
        self.log
    }

    /// What the policy would have brought, unjudged: [`super::report::report`] refuses what cannot be relied upon. `None`
    /// with fewer than two profiles, or when no row has weight.
    ///
    /// # Errors
    /// The policy answers no distribution.
    pub fn measure(
        &self,
        policy: &dyn Policy,
        resampling: Resampling,
    ) -> Result<(Weights, Option<Estimates>), NotADistribution> {
        let shares = self.shares(policy)?;
        let estimates = self.estimates(&shares, resampling);
        Ok((shares.weights, estimates))
    }

    pub(super) fn shares(&self, policy: &dyn Policy) -> Result<Shares, NotADistribution> {
        let mut rows = Vec::with_capacity(self.log.len());
        let mut tally = Tally::default();
        let pools = self.folds.first().map_or(0, |fold| fold.pools());
        // By fold: how much the predictions of its rows move with a reward of each pool.
        let mut moved = vec![vec![0.0; pools]; self.folds.len()];
        let mut buffer = [0.0; CANDIDATES];
        for row in self.log.rows() {
            let Some(target) = buffer.get_mut(..row.candidates()) else {
                continue;
            };
            target.fill(0.0);
            policy.probabilities(&row, target);
            let sum: f64 = target.iter().sum();
            if !(target.iter().all(|share| *share >= 0.0) && (sum - 1.0).abs() <= SUM_WITHIN) {
                return Err(NotADistribution {
                    decision: row.decision(),
                    slot: row.slot(),
                });
            }
            let at = row.fold();
            let Some((model, moved)) = self.folds.get(at).zip(moved.get_mut(at)) else {
                continue;
            };
            let share = share_of(&row, target, model.as_ref(), moved);
            tally.add(&row, target, &share);
            rows.push(share);
        }
        self.lever(&mut rows, &moved);
        Ok(Shares {
            weights: tally.weights(rows.len()),
            expected: (tally.so_far.unchecked_rows == 0).then_some(tally.expected),
            rows,
        })
    }

    /// Gives each row its leverage: what its reward moved in the predictions of the folds that were fitted with it.
    fn lever(&self, rows: &mut [Share], moved: &[Vec<f64>]) {
        let Some(model) = self.folds.first().filter(|fold| fold.pools() > 0) else {
            return;
        };
        let mut all = vec![0.0; model.pools()];
        for fold in moved {
            for (sum, more) in all.iter_mut().zip(fold) {
                *sum += more;
            }
        }
        for (row, share) in self.log.rows().zip(rows) {
            let own = moved.get(row.fold());
            for pool in model.averaged(&row, row.chosen()) {
                let of = |sums: &Vec<f64>| sums.get(pool.index).copied().unwrap_or_default();
                share.leverage += of(&all) - own.map_or(0.0, of);
            }
            share.leverage *= model.weight(&row);
        }
    }

    fn estimates(&self, shares: &Shares, resampling: Resampling) -> Option<Estimates> {
        let mut groups = vec![Group::default(); self.log.groups()];
        let mut direct = 0.0;
        for (row, share) in self.log.rows().zip(&shares.rows) {
            direct += share.direct;
            let Some(group) = groups.get_mut(row.group()) else {
                continue;
            };
            group.squares += share.weight * share.weight;
            let weighted = share.weight * share.reward;
            let more = [
                (weighted, 1.0),
                (weighted, share.weight),
                (share.linear(), 1.0),
                (share.doubly(), 1.0),
                (share.reward, 1.0),
            ];
            for (part, (over, under)) in group.parts.iter_mut().zip(more) {
                part.over += over;
                part.under += under;
            }
        }
        let known = Known {
            expected: shares.expected,
            of: [true, false, false, true, false],
        };
        let [ipw, snipw, linear, dr, logged] = bootstrap::intervals(&groups, known, resampling)?;
        // The terms g (r - q) say how DM varies; they are no part of it.
        let off = direct / length(shares.rows.len()) - linear.value;
        let moved = |(low, high): (f64, f64)| (low + off, high + off);
        let dm = Estimate {
            value: linear.value + off,
            interval: moved(linear.interval),
            percentile: moved(linear.percentile),
            ..linear
        };
        Some(Estimates {
            ipw,
            snipw,
            dm,
            dr,
            logged,
        })
    }
}

fn share_of(row: &Decided<'_>, target: &[f64], model: &dyn Rewards, moved: &mut [f64]) -> Share {
    let chosen = row.chosen();
    let mut share = Share {
        reward: row.reward(),
        ..Share::default()
    };
    let propensities = row.propensities();
    for (place, probability) in target.iter().enumerate() {
        let reward = model.reward(row, place);
        share.direct += probability * reward;
        if place == chosen {
            share.predicted = reward;
            let logged = propensities.get(place).copied().unwrap_or(1.0);
            share.weight = probability / logged;
        }
        if *probability > 0.0 && !moved.is_empty() {
            for pool in model.averaged(row, place) {
                if let Some(sum) = moved.get_mut(pool.index) {
                    *sum += probability * pool.leverage;
                }
            }
        }
    }
    share
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    sum: f64,
    squares: f64,
    expected: f64,
    so_far: Weights,
}

impl Tally {
    fn add(&mut self, row: &Decided<'_>, target: &[f64], share: &Share) {
        self.sum += share.weight;
        self.squares += share.weight * share.weight;
        self.so_far.largest = self.so_far.largest.max(share.weight);
        if share.reward > 0.0 && share.weight > 0.0 {
            self.so_far.positives += 1;
        }
        if !row.complete() {
            self.so_far.unchecked_rows += 1;
            return;
        }
        let mut unsupported = 0.0;
        for (probability, logged) in target.iter().zip(row.propensities()) {
            if *logged > 0.0 {
                self.expected += probability * probability / logged;
            } else {
                unsupported += probability;
            }
        }
        if unsupported > 0.0 {
            self.so_far.unsupported_rows += 1;
            self.so_far.unsupported_share += unsupported;
        }
    }

    fn weights(self, rows: usize) -> Weights {
        let n = length(rows.max(1));
        let over = |above: f64, below: f64| if below > 0.0 { above / below } else { 0.0 };
        let complete = self.so_far.unchecked_rows == 0;
        Weights {
            effective: over(self.sum * self.sum, self.squares),
            expected_effective: complete.then(|| over(length(rows) * length(rows), self.expected)),
            mean: self.sum / n,
            unsupported_share: self.so_far.unsupported_share / n,
            ..self.so_far
        }
    }
}

#[cfg(test)]
#[path = "estimators/tests.rs"]
mod tests;
