//! Deciding again what was decided, and saying whether it came out the same.
//!
//! What must stay true: a replay reads nothing but the record, the policy version and the model snapshot that it names;
//! neither the profile as it is now, nor newer policies, models or merges play a part. Identical means the same bytes.

use super::{
    Decision, Inputs, Policy, Record, Unreadable, decide,
    record::{self},
};
use crate::next_best_action::{exploration::Model, gates::Judge, keys::PlacementKey};

/// Why a decision cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum Mismatch {
    /// The record cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The policy is of another version than the record names.
    #[error("the decision was made with policy {wanted}, not {given}")]
    Policy {
        /// Which the record names.
        wanted: u64,
        /// Which was given.
        given: u64,
    },
    /// The model is another snapshot than the record names.
    #[error("the decision was made with model snapshot {wanted}, not {given}")]
    Model {
        /// Which the record names.
        wanted: u64,
        /// Which was given.
        given: u64,
    },
}

/// What came of a replay.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// Whether it came out the same, byte for byte.
    pub identical: bool,
    /// What was decided then.
    pub then: Decision,
    /// What is decided now; with the explanation, where the record or the caller wants one.
    pub now: Decision,
    /// Where they differ; empty when they are identical.
    pub differences: Vec<Difference>,
}

/// Where two decisions differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The customer's group or its pin.
    Group,
    /// The number of placements.
    Placements,
    /// What passed the gates, and what stopped the others, in a placement.
    Gates(PlacementKey),
    /// The bars of those that passed.
    Terms(PlacementKey),
    /// The probabilities of a slot.
    Shares(PlacementKey, u16),
    /// What a slot shows, or the number that it drew.
    Choice(PlacementKey, u16),
    /// What is reserved.
    Reservations,
}

/// Decides again from the bytes of a record.
///
/// `world` makes the model and the rules for the inputs, from the snapshot and the version that they name; `explain` asks
/// for all gates, which changes nothing else.
///
/// # Errors
/// When the record cannot be read, or the policy or the model is not the one that it names.
pub fn replay<M: Model, J: Judge>(
    bytes: &[u8],
    policy: &Policy,
    explain: bool,
    world: impl FnOnce(&Inputs) -> (M, J),
) -> Result<Replay, Mismatch> {
    let Record { inputs, decision } = Record::decode(bytes)?;
    let (model, judge) = world(&inputs);
    let (wanted, given) = (inputs.policy_version, policy.settings().version);
    if wanted != given {
        return Err(Mismatch::Policy { wanted, given });
    }
    let (wanted, given) = (inputs.model_snapshot, model.snapshot());
    if wanted != given {
        return Err(Mismatch::Model { wanted, given });
    }
    let asked = Inputs {
        explain: inputs.explain || explain,
        ..inputs.clone()
    };
    let now = decide(&asked, policy, &model, &judge);
    let identical = record::encode(&inputs, &now) == bytes;
    Ok(Replay {
        identical,
        differences: differences(&decision, &now),
        then: decision,
        now,
    })
}

/// Where two decisions differ, apart from explanations.
#[must_use]
pub fn differences(then: &Decision, now: &Decision) -> Vec<Difference> {
    let mut found = Vec::new();
    if then.assigned != now.assigned {
        found.push(Difference::Group);
    }
    if then.placements.len() != now.placements.len() {
        found.push(Difference::Placements);
    }
    for (then, now) in then.placements.iter().zip(&now.placements) {
        let key = then.placement;
        let names = |placed: &super::Placed| -> Vec<_> {
            placed.survivors.iter().map(|s| s.action).collect()
        };
        if then.lost != now.lost || names(then) != names(now) {
            found.push(Difference::Gates(key));
        } else if then.survivors != now.survivors {
            found.push(Difference::Terms(key));
        }
        for (then, now) in then.slots.iter().zip(&now.slots) {
            if then.shares != now.shares {
                found.push(Difference::Shares(key, then.number));
            }
            let chosen =
                |slot: &super::Slot| (slot.choice, slot.pi.to_bits(), slot.drawn.to_bits());
            if chosen(then) != chosen(now) {
                found.push(Difference::Choice(key, then.number));
            }
        }
        if then.slots.len() != now.slots.len() || key != now.placement {
            found.push(Difference::Placements);
        }
    }
    if then.reservations != now.reservations {
        found.push(Difference::Reservations);
    }
    found
}
