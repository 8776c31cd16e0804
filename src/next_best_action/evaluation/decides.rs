//! Which model speaks for an action: the contextual one (level 2), or the counts (level 1)?
//!
//! What must stay true:
//!
//! - Level 1 speaks until the contrary is shown: level 2 needs [`EFFECTIVE_OUTCOMES`] of the action, a log that can be relied
//!   upon, and a 95% interval of the difference that lies above 0. Every reason against it is named at once.
//! - The comparison is paired: both policies are judged by DR on the same rows with the same cross-fitted q, and the interval is
//!   that of the difference row by row. Where the two would do the same, nothing is added but certainty.
//! - The models must have been learned before the first day of the log. One that has seen the rows it is judged on wins too often.
//!
//! The two policies differ in nothing but this action's model, so that the difference is what *this* model brings. Asked for
//! many actions, one in forty without any gain wins by chance; asked again every day, more: ask after whole attribution
//! windows, on rows that were not asked about before.

use super::{
    bootstrap::{self, Estimate, Group, Known, Part, Resampling},
    estimators::{Evaluation, NotADistribution, Shares, Weights},
    policy::Policy,
    report::{self, Refusal},
};

/// Effective outcomes of an action (discounted, as learning counts them) that its contextual model needs.
pub const EFFECTIVE_OUTCOMES: f64 = 200.0;

/// Why level 2 does not speak.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Reason {
    /// Too few outcomes to have learned from.
    #[error("the action has {found:.0} effective outcomes and {EFFECTIVE_OUTCOMES} are needed")]
    TooFewOutcomes {
        /// Effective outcomes.
        found: f64,
    },
    /// The log says too little about a policy with level 2.
    #[error("with the contextual model: {0}")]
    Contextual(Refusal),
    /// The log says too little about a policy with level 1.
    #[error("with counts: {0}")]
    Counts(Refusal),
    /// Both would do the same in every row.
    #[error("both models would choose alike in every row")]
    Same,
    /// The interval holds 0.
    #[error("the gain may be chance: its interval is {low:.6} to {high:.6}")]
    NotCertain {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// The interval lies below 0.
    #[error("the contextual model is worse: its interval is {low:.6} to {high:.6}")]
    Worse {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
}

impl Reason {
    /// Its stable name.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::TooFewOutcomes { .. } => "too_few_outcomes",
            Self::Contextual(refusal) | Self::Counts(refusal) => refusal.slug(),
            Self::Same => "policies_alike",
            Self::NotCertain { .. } => "gain_not_certain",
            Self::Worse { .. } => "contextual_worse",
        }
    }
}

/// Which model speaks, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Whether level 2 speaks.
    pub contextual: bool,
    /// Why not; empty when it does.
    pub reasons: Vec<Reason>,
    /// DR of level 2 less DR of level 1, in the unit of rewards per decision; `None` when the log says nothing.
    pub difference: Option<Estimate>,
    /// Rows in which they would not do the same.
    pub differing: usize,
    /// Weights of the policy with level 2.
    pub weights: Weights,
}

/// Decides for one action: `counts` is the policy with level 1 for it, `contextual` the same policy with level 2 for it,
/// `outcomes` the effective outcomes that level 2 has learned from.
///
/// # Errors
/// A policy answers no distribution.
pub fn decide(
    evaluation: &Evaluation<'_>,
    counts: &dyn Policy,
    contextual: &dyn Policy,
    outcomes: f64,
    resampling: Resampling,
) -> Result<Verdict, NotADistribution> {
    let (one, two) = (evaluation.shares(counts)?, evaluation.shares(contextual)?);
    let (expected, differing) = apart(evaluation, counts, contextual);
    let difference = difference(evaluation, &one, &two, expected, resampling);
    let profiles = evaluation.log().profiles();
    let mut reasons = Vec::new();
    if outcomes.is_nan() || outcomes < EFFECTIVE_OUTCOMES {
        reasons.push(Reason::TooFewOutcomes { found: outcomes });
    }
    let refused = |of: &Shares| report::refusals(&of.weights, profiles);
    reasons.extend(refused(&two).into_iter().map(Reason::Contextual));
    reasons.extend(refused(&one).into_iter().map(Reason::Counts));
    match difference.map(|found| found.interval) {
        _ if differing == 0 => reasons.push(Reason::Same),
        Some((low, _)) if low > 0.0 => {}
        Some((low, high)) if high < 0.0 => reasons.push(Reason::Worse { low, high }),
        Some((low, high)) => reasons.push(Reason::NotCertain { low, high }),
        None => reasons.push(Reason::Same),
    }
    Ok(Verdict {
        contextual: reasons.is_empty(),
        reasons,
        difference,
        differing,
        weights: two.weights,
    })
}

fn difference(
    evaluation: &Evaluation<'_>,
    one: &Shares,
    two: &Shares,
    expected: Option<f64>,
    resampling: Resampling,
) -> Option<Estimate> {
    let mut groups: Vec<Group<1>> = vec![Group::default(); evaluation.log().groups()];
    let shares = one.rows.iter().zip(&two.rows);
    for (row, (one, two)) in evaluation.log().rows().zip(shares) {
        let Some(group) = groups.get_mut(row.group()) else {
            continue;
        };
        let apart = two.weight - one.weight;
        group.squares += apart * apart;
        for Part { over, under } in &mut group.parts {
            *over += two.doubly() - one.doubly();
            *under += 1.0;
        }
    }
    let known = Known {
        expected,
        of: [true],
    };
    let [found] = bootstrap::intervals(&groups, known, resampling)?;
    Some(found)
}

/// The expected sum of squared differences of weights (`None` when not all propensities were logged), and in how many rows the
/// policies differ.
fn apart(
    evaluation: &Evaluation<'_>,
    counts: &dyn Policy,
    contextual: &dyn Policy,
) -> (Option<f64>, usize) {
    let mut expected = Some(0.0);
    let mut differing = 0;
    let (mut one, mut two) = (Vec::new(), Vec::new());
    for row in evaluation.log().rows() {
        for (policy, into) in [(counts, &mut one), (contextual, &mut two)] {
            into.clear();
            into.resize(row.candidates(), 0.0);
            policy.probabilities(&row, into);
        }
        differing += usize::from(one != two);
        let apart = one.iter().zip(&two).zip(row.propensities());
        let squares = apart.filter(|(_, logged)| **logged > 0.0);
        let squares = squares.map(|((one, two), logged)| (two - one) * (two - one) / logged);
        expected = expected
            .filter(|_| row.complete())
            .map(|sum| sum + squares.sum::<f64>());
    }
    (expected, differing)
}

#[cfg(test)]
#[path = "decides/tests.rs"]
mod tests;
