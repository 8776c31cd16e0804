//! Requests for figures of actions and policies.

use std::collections::BTreeSet;

use prost_types::Timestamp;

use super::{
    fields::{self, choice, count, slug},
    limits::MAX_SLUG_BYTES,
    reason::{DUPLICATE_NAME, OUT_OF_RANGE},
    violations::Violations,
};
use crate::{
    clock::Micros,
    error::Violation,
    offering::{
        Period,
        evaluate::{Asked, Reward},
        lift::Goal,
    },
    proto::v1::{
        EvaluatePolicyRequest, GetActionStatsRequest, GetLiftRequest, LiftOutcome, PolicyReward,
        evaluate_policy_request::Candidate,
    },
};

/// Actions that are asked for by name.
const MAX_ACTIONS: usize = 100;
/// Decisions that are looked at: when nothing is said, and at most.
const USUAL_DECISIONS: usize = 10_000;
const MOST_DECISIONS: i32 = 50_000;

const DAY: i64 = 86_400 * Micros::SECOND;
/// The longest period, and when nothing is said.
const LONGEST: i64 = 400 * DAY;
const USUAL: i64 = 30 * DAY;

/// Which figures of actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Of decisions of this period.
    pub period: Period,
    /// Of these actions; empty: all.
    pub actions: BTreeSet<String>,
}

/// What is to be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// What is in force.
    InForce,
    /// A revision.
    Revision(u64),
    /// What is in force with changes.
    Changed(Vec<String>),
}

fn period(
    out: &mut Violations,
    (from, before): (Option<&Timestamp>, Option<&Timestamp>),
    now: Micros,
) -> Period {
    let (start, end) = fields::period(out, (&"from", from), (&"before", before));
    for (field, at) in [("from", start), ("before", end)] {
        if at.is_some_and(|at| at.0 < 0) {
            out.add(&field, OUT_OF_RANGE, "years 1970 to 9999");
        }
    }
    let before = end.unwrap_or(now);
    let from = start.unwrap_or(Micros(before.0.saturating_sub(USUAL)));
    if before <= from && (start.is_none() || end.is_none()) {
        out.add(&"from", OUT_OF_RANGE, "the period must end after it starts");
    }
    if before.0.saturating_sub(from.0) > LONGEST {
        out.add(&"from", OUT_OF_RANGE, "a period of at most 400 days");
    }
    Period { from, before }
}

/// Checks a request for figures of actions.
///
/// # Errors
/// With everything that is wrong.
pub fn stats(request: &GetActionStatsRequest, now: Micros) -> Result<Stats, Vec<Violation>> {
    let mut out = Violations::default();
    let ends = (request.from.as_ref(), request.before.as_ref());
    let period = period(&mut out, ends, now);
    let given = &request.action_ids;
    count(&mut out, &"action_ids", given.len(), MAX_ACTIONS);
    let mut actions = BTreeSet::new();
    for (n, id) in given.iter().take(MAX_ACTIONS).enumerate() {
        let field = format_args!("action_ids[{n}]");
        if slug(&mut out, &field, id, MAX_SLUG_BYTES) && !actions.insert(id.clone()) {
            out.add(&field, DUPLICATE_NAME, "each once");
        }
    }
    out.finish(Some(Stats { period, actions }))
}

/// Checks a request for a lift: the period, what counts, and the epoch.
///
/// # Errors
/// With everything that is wrong.
pub fn lift(
    request: &GetLiftRequest,
    now: Micros,
) -> Result<(Period, Goal, Option<u32>), Vec<Violation>> {
    let mut out = Violations::default();
    let ends = (request.from.as_ref(), request.before.as_ref());
    let period = period(&mut out, ends, now);
    let goal = match choice(&mut out, &"outcome", request.outcome) {
        Some(LiftOutcome::Ordered) => Goal::Ordered,
        Some(LiftOutcome::Accepted | LiftOutcome::Unspecified) | None => Goal::Accepted,
    };
    let epoch = u32::try_from(request.epoch);
    if epoch.is_err() {
        out.add(&"epoch", OUT_OF_RANGE, "0 to 2147483647");
    }
    let epoch = epoch.ok().filter(|epoch| *epoch > 0);
    out.finish(Some((period, goal, epoch)))
}

/// Checks a request to judge a policy.
///
/// # Errors
/// With everything that is wrong.
pub fn evaluation(
    request: &EvaluatePolicyRequest,
    now: Micros,
) -> Result<(Judged, Asked), Vec<Violation>> {
    let mut out = Violations::default();
    let ends = (request.from.as_ref(), request.before.as_ref());
    let period = period(&mut out, ends, now);
    let reward = match choice(&mut out, &"reward", request.reward) {
        Some(PolicyReward::Value) => Reward::Value,
        Some(PolicyReward::Success | PolicyReward::Unspecified) | None => Reward::Success,
    };
    if !(0..=MOST_DECISIONS).contains(&request.max_decisions) {
        let within = format!("0 to {MOST_DECISIONS}");
        out.add(&"max_decisions", OUT_OF_RANGE, within);
    }
    let most = usize::try_from(request.max_decisions).ok();
    let judged = match &request.candidate {
        None => Judged::InForce,
        Some(Candidate::Documents(changes)) => Judged::Changed(changes.documents.clone()),
        Some(Candidate::PolicyVersion(revision)) => {
            let revision = u64::try_from(*revision).unwrap_or_default();
            if revision == 0 {
                out.add(&"policy_version", OUT_OF_RANGE, "at least 1");
            }
            Judged::Revision(revision)
        }
    };
    let asked = Asked {
        period,
        most: most.filter(|most| *most > 0).unwrap_or(USUAL_DECISIONS),
        reward,
    };
    out.finish(Some((judged, asked)))
}
