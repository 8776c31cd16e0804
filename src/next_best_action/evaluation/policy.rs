//! Policies that are judged: what they would have chosen where something else did.
//!
//! What must stay true: a policy is a function of what was known at the decision. It never sees the reward of the row or
//! what was learned from it later; a policy that was fitted on the very rows it is judged on looks better than it is. Judge a
//! greedy policy on days after those its means were learned from.

use super::log::{Decided, Log};

/// A policy: probabilities of the candidates of a row.
pub trait Policy {
    /// Writes the probability of each candidate, in their order; `into` is as long as there are candidates and starts at 0.
    /// They must sum to 1 within 1e-9.
    fn probabilities(&self, row: &Decided<'_>, into: &mut [f64]);
}

/// Another version of the policy, as a function.
impl<F: Fn(&Decided<'_>, &mut [f64])> Policy for F {
    fn probabilities(&self, row: &Decided<'_>, into: &mut [f64]) {
        self(row, into);
    }
}

/// What was logged. Rows where only the chosen propensity is known take it as sure, which is not a distribution; they are
/// refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsLogged;

impl Policy for AsLogged {
    fn probabilities(&self, row: &Decided<'_>, into: &mut [f64]) {
        for (to, from) in into.iter_mut().zip(row.propensities()) {
            *to = *from;
        }
    }
}

/// Every candidate alike.
#[derive(Clone, Copy, Debug, Default)]
pub struct Uniform;

impl Policy for Uniform {
    fn probabilities(&self, _: &Decided<'_>, into: &mut [f64]) {
        let share = 1.0 / super::number::length(into.len().max(1));
        into.fill(share);
    }
}

/// Another policy as far as what it does was done often enough: what it gives to candidates with a logged propensity below `least` is
/// spread as it was logged. So no weight exceeds `1 / least + 1`, and of what cannot be told the logged policy is neither better nor worse.
#[derive(Clone, Copy, Debug)]
pub struct Supported<P> {
    /// What it does otherwise.
    pub policy: P,
    /// The least logged propensity, above 0.
    pub least: f64,
}

impl<P: Policy> Supported<P> {
    /// The mean share of what the policy does that was done too rarely; 0 without rows.
    #[must_use]
    pub fn lost(&self, log: &Log) -> f64 {
        let mut buffer = Vec::new();
        let mut lost = 0.0;
        for row in log.rows() {
            buffer.clear();
            buffer.resize(row.candidates(), 0.0);
            self.policy.probabilities(&row, &mut buffer);
            let pairs = buffer.iter().zip(row.propensities());
            let rare = pairs.filter(|(_, logged)| **logged < self.least);
            lost += rare.map(|(share, _)| share).sum::<f64>();
        }
        lost / super::number::length(log.len().max(1))
    }
}

impl<P: Policy> Policy for Supported<P> {
    fn probabilities(&self, row: &Decided<'_>, into: &mut [f64]) {
        self.policy.probabilities(row, into);
        let logged = row.propensities();
        let mut lost = 0.0;
        for (to, logged) in into.iter_mut().zip(logged) {
            if *logged < self.least {
                lost += *to;
                *to = 0.0;
            }
        }
        for (to, logged) in into.iter_mut().zip(logged) {
            *to += lost * logged;
        }
    }
}

/// Always the candidate with the highest score; among equal ones the one with the lowest key.
///
/// The score is given the row and the place of the candidate; greedy on means is the score "mean of this action".
#[derive(Clone, Copy, Debug)]
pub struct Greedy<S>(
    /// The score.
    pub S,
);

impl<S: Fn(&Decided<'_>, usize) -> f64> Policy for Greedy<S> {
    fn probabilities(&self, row: &Decided<'_>, into: &mut [f64]) {
        let best = (0..into.len())
            .map(|place| ((self.0)(row, place), row.action(place), place))
            .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(&a.1)));
        if let Some(to) = best.and_then(|(.., place)| into.get_mut(place)) {
            *to = 1.0;
        }
    }
}

/// Another policy, but with probability `epsilon` (0 to 1) any candidate alike.
#[derive(Clone, Copy, Debug)]
pub struct Mixed<P> {
    /// What it does otherwise.
    pub policy: P,
    /// How often it does anything.
    pub epsilon: f64,
}

impl<P: Policy> Policy for Mixed<P> {
    fn probabilities(&self, row: &Decided<'_>, into: &mut [f64]) {
        self.policy.probabilities(row, into);
        let each = self.epsilon / super::number::length(into.len().max(1));
        for share in into {
            *share = (1.0 - self.epsilon) * *share + each;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::next_best_action::evaluation::scene::{Seen, log};

    fn held_to(wanted: [f64; 3]) -> (Vec<f64>, f64) {
        let seen = Seen {
            profile: 1,
            cell: 0,
            propensities: vec![0.9, 0.09, 0.01],
            chosen: 0,
            reward: 1.0,
        };
        let log = log(&[seen.clone(), Seen { profile: 2, ..seen }]);
        let policy = move |_: &Decided<'_>, into: &mut [f64]| into.copy_from_slice(&wanted);
        let held = Supported {
            policy,
            least: 0.02,
        };
        let row = log.rows().next().unwrap();
        let mut found = vec![0.0; 3];
        held.probabilities(&row, &mut found);
        (found, held.lost(&log))
    }

    #[test]
    fn what_was_hardly_ever_done_counts_as_what_was_logged() {
        let near = |found: &[f64], wanted: [f64; 3]| {
            let pairs = found.iter().zip(wanted);
            assert!(
                pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-12),
                "{found:?}"
            );
        };
        let (found, lost) = held_to([0.2, 0.8, 0.0]);
        near(&found, [0.2, 0.8, 0.0]);
        assert!(lost.abs() < 1e-12);
        let (found, lost) = held_to([0.0, 0.1, 0.9]);
        near(&found, [0.81, 0.1 + 0.081, 0.009]);
        assert!((lost - 0.9).abs() < 1e-12);
        // Of what cannot be told at all the logged policy is neither better nor worse.
        near(&held_to([0.0, 0.0, 1.0]).0, [0.9, 0.09, 0.01]);
    }
}
