//! What is recorded: interactions, decisions, and what decisions in force say.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    clock::Micros,
    identity::{Keyed, Side, fast::Denied, resolve::Assertion},
    ids::{DecisionId, IdentityKey},
};

/// A recorded interaction: its anchor first.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) id: u32,
    pub(super) at: Micros,
    pub(super) identifiers: Vec<Keyed>,
}

/// A frozen decision.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    pub(super) id: DecisionId,
    pub(super) made_at: Micros,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Merge {
        ends: (IdentityKey, IdentityKey),
        voids: BTreeSet<DecisionId>,
    },
    Separation {
        chosen: BTreeSet<IdentityKey>,
        rest: BTreeSet<IdentityKey>,
        together: Vec<(IdentityKey, IdentityKey)>,
    },
    Undo(DecisionId),
}

/// What decisions in force say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct InForce {
    pub(super) assertions: BTreeMap<IdentityKey, Vec<Assertion>>,
    pub(super) sides: BTreeMap<IdentityKey, Vec<(DecisionId, Side)>>,
}

/// Which decisions are in force, and what they say.
pub(super) fn in_force(decisions: &[Decision]) -> InForce {
    let undone: BTreeSet<DecisionId> = decisions
        .iter()
        .filter_map(|d| match d.what {
            What::Undo(of) => Some(of),
            _ => None,
        })
        .collect();
    let voided: BTreeSet<DecisionId> = decisions
        .iter()
        .filter(|d| !undone.contains(&d.id))
        .filter_map(|d| match &d.what {
            What::Merge { voids, .. } => Some(voids.iter().copied()),
            _ => None,
        })
        .flatten()
        .collect();
    let mut force = InForce::default();
    for decision in decisions.iter().filter(|d| !undone.contains(&d.id)) {
        match &decision.what {
            What::Merge { ends, .. } => force.assert(decision, *ends),
            What::Separation {
                chosen,
                rest,
                together,
            } if !voided.contains(&decision.id) => {
                for (keys, side) in [(chosen, Side::Chosen), (rest, Side::Rest)] {
                    for key in keys {
                        force
                            .sides
                            .entry(*key)
                            .or_default()
                            .push((decision.id, side));
                    }
                }
                for ends in together {
                    force.assert(decision, *ends);
                }
            }
            What::Separation { .. } | What::Undo(_) => (),
        }
    }
    force
}

impl InForce {
    fn assert(&mut self, decision: &Decision, (key, other): (IdentityKey, IdentityKey)) {
        let assertion = Assertion {
            key,
            other,
            made_at: decision.made_at,
            decision: decision.id,
        };
        for one in [assertion, assertion.reversed()] {
            self.assertions.entry(one.key).or_default().push(one);
        }
    }
}

/// How an engine may be wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fault {
    #[default]
    None,
    /// The fast path admits what it denies for this reason.
    Admits(Denied),
    /// The slow path does not look across its border.
    IgnoresTheBorder,
    /// The slow path loads only the interaction's profiles, also when a standing changes.
    ForgetsNeighbours,
    /// The fast path admits interactions of profiles that are not under the rules in force yet.
    AdmitsWaiting,
}
