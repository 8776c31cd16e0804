//! What a decision says.
//!
//! What must stay true: each action of the policy is, for each placement, either among the lost with the gate that stopped
//! it first, or among the survivors with its four terms. The explanation is apart: with it or without, the rest is the same.

use crate::next_best_action::{
    arbitration::Terms,
    contact::Reservation,
    gates::{Gate, GateReport},
    holdout::Assigned,
    keys::{ActionKey, ChannelIndex, DecisionKey, PlacementKey, Verdict},
};

/// What is to be shown on a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The decision.
    pub decision: DecisionKey,
    /// The policy's version.
    pub policy_version: u64,
    /// The snapshot of the model.
    pub model_snapshot: u64,
    /// How it was decided.
    pub assigned: Assigned,
    /// In the order of the page.
    pub placements: Vec<Placed>,
    /// What is to be reserved before the answer; empty for a dry run.
    pub reservations: Vec<Reservation>,
}

/// What is to be shown in a placement.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The placement.
    pub placement: PlacementKey,
    /// Its channel.
    pub channel: ChannelIndex,
    /// In their order.
    pub slots: Vec<Slot>,
    /// Actions that passed every gate, by key.
    pub survivors: Vec<Survivor>,
    /// Actions that did not, by key.
    pub lost: Vec<Lost>,
    /// All gates of all actions, by key; empty without `explain`.
    pub explained: Vec<Explained>,
}

/// An action that passed every gate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Survivor {
    /// The action.
    pub action: ActionKey,
    /// Its place in the policy.
    pub index: u32,
    /// Its four bars.
    pub terms: Terms,
    /// The 95% upper bound of its priority, a logarithm.
    pub upper: f64,
    /// Which level of the model spoke, 1 or 2.
    pub level: u8,
    /// Whether it is never explored.
    pub high_risk: bool,
}

/// An action that did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Its place in the policy.
    pub index: u32,
    /// The first gate that it did not pass.
    pub gate: Gate,
    /// Fail or unknown.
    pub verdict: Verdict,
}

/// A slot of the page.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Its number on the page, from 0.
    pub number: u16,
    /// What is to be shown.
    pub choice: Choice,
    /// The probability with which that was chosen, given the slots before; 1 for a fallback and for nothing.
    pub pi: f64,
    /// The number at which the cumulated probabilities were looked up.
    pub drawn: f64,
    /// The probability of each candidate; all others had none.
    pub shares: Vec<Share>,
}

/// What is shown in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// An action that won.
    Action(ActionKey),
    /// The fallback: no action survived that is not on the page already.
    Fallback(ActionKey),
    /// Nothing: there is no fallback, or it may not be shown either.
    Nothing,
}

/// A candidate's probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Its place among the survivors.
    pub survivor: u32,
    /// The probability.
    pub pi: f64,
}

/// All gates of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The action.
    pub action: ActionKey,
    /// In the order of the gates.
    pub gates: Vec<GateReport>,
}

impl Choice {
    /// The action that is shown.
    #[must_use]
    pub const fn action(self) -> Option<ActionKey> {
        match self {
            Self::Action(key) | Self::Fallback(key) => Some(key),
            Self::Nothing => None,
        }
    }
}
