//! A report on a policy, or why there is none.
//!
//! What must stay true: figures that cannot be relied upon are not shown, and every reason is named at once with what was found
//! and what was needed. What a log is like (effective sample size, largest weight, support) is always shown: it says what to
//! log more of.

use super::{
    bootstrap::Resampling,
    estimators::{Estimates, Evaluation, NotADistribution, Weights},
    policy::Policy,
};

/// The fewest effective samples, both as found and as expected.
pub const EFFECTIVE: f64 = 200.0;
/// The fewest rows with a reward above 0 (and a weight above 0).
pub const POSITIVES: usize = 50;
/// The fewest profiles: resampling fewer says little about how profiles differ.
pub const PROFILES: usize = 50;
/// A policy may do what could not happen with this mean probability, which is rounding and no more.
pub const UNSUPPORTED: f64 = 1e-9;

/// Why a policy is not judged.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Too few effective samples.
    #[error(
        "the log is worth {found:.0} effective samples for this policy and {EFFECTIVE} are needed: it does too often what \
         was rarely done"
    )]
    TooFewEffective {
        /// The lower of the effective sample sizes found and expected.
        found: f64,
    },
    /// It does what could not happen.
    #[error(
        "in {rows} rows the policy would choose an action that was never chosen there, with a mean probability of {share:.6}"
    )]
    NoSupport {
        /// Rows.
        rows: usize,
        /// Mean probability over all rows.
        share: f64,
    },
    /// Too few rewards.
    #[error("{found} rows with a reward count for this policy and {POSITIVES} are needed")]
    TooFewPositives {
        /// Such rows.
        found: usize,
    },
    /// Too few profiles.
    #[error("the log is of {found} profiles and {PROFILES} are needed")]
    TooFewProfiles {
        /// Profiles.
        found: usize,
    },
}

impl Refusal {
    /// Its stable name.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::TooFewEffective { .. } => "too_few_effective_samples",
            Self::NoSupport { .. } => "policy_without_support",
            Self::TooFewPositives { .. } => "too_few_positives",
            Self::TooFewProfiles { .. } => "too_few_profiles",
        }
    }
}

/// What a log says about a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Rows that counted.
    pub rows: usize,
    /// Profiles they are of.
    pub profiles: usize,
    /// Share of profiles in the sample, 1 when every row counted.
    pub sampled: f64,
    /// What the weights are like.
    pub weights: Weights,
    /// The four estimates with their 95% intervals, or every reason why there are none.
    pub estimates: Result<Estimates, Vec<Refusal>>,
}

/// Reports on a policy.
///
/// # Errors
/// The policy answers no distribution.
pub fn report(
    evaluation: &Evaluation<'_>,
    policy: &dyn Policy,
    resampling: Resampling,
) -> Result<Report, NotADistribution> {
    let (weights, estimates) = evaluation.measure(policy, resampling)?;
    let log = evaluation.log();
    let mut refusals = refusals(&weights, log.profiles());
    if estimates.is_none() && refusals.is_empty() {
        refusals.push(Refusal::TooFewEffective { found: 0.0 });
    }
    Ok(Report {
        rows: log.len(),
        profiles: log.profiles(),
        sampled: log.sampled(),
        weights,
        estimates: match estimates {
            Some(estimates) if refusals.is_empty() => Ok(estimates),
            _ => Err(refusals),
        },
    })
}

/// Every reason against relying on a log of such weights.
#[must_use]
pub fn refusals(weights: &Weights, profiles: usize) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let expected = weights.expected_effective.unwrap_or(weights.effective);
    let found = weights.effective.min(expected);
    if found < EFFECTIVE {
        refusals.push(Refusal::TooFewEffective { found });
    }
    if weights.unsupported_share > UNSUPPORTED {
        refusals.push(Refusal::NoSupport {
            rows: weights.unsupported_rows,
            share: weights.unsupported_share,
        });
    }
    if weights.positives < POSITIVES {
        refusals.push(Refusal::TooFewPositives {
            found: weights.positives,
        });
    }
    if profiles < PROFILES {
        refusals.push(Refusal::TooFewProfiles { found: profiles });
    }
    refusals
}

#[cfg(test)]
#[path = "report/tests.rs"]
mod tests;
