//! What changes, laid over what is read.

use std::collections::{BTreeSet, HashMap};

use crate::{
    clock::Micros,
    identity::{
        Link, Normalised, Side, Standing,
        resolve::{Assertion, Node, Territory},
    },
    ids::{DecisionId, IdentityKey, ProfileId},
};

/// What changes before sets are resolved.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    /// Identifiers as they become.
    pub(crate) nodes: HashMap<IdentityKey, Changed>,
    /// Links as they become, from one end each.
    pub(crate) links: Vec<Link>,
    /// Assertions that come into force, from one end each.
    pub(crate) assertions: Vec<Assertion>,
    /// Sides that come into force.
    pub(crate) sides: HashMap<IdentityKey, Vec<(DecisionId, Side)>>,
    /// Decisions that go out of force.
    pub(crate) revoked: BTreeSet<DecisionId>,
}

/// An identifier as it becomes.
#[derive(Clone, Debug)]
pub(crate) struct Changed {
    /// The identifier.
    pub(crate) identifier: Normalised,
    /// When it was first in an interaction.
    pub(crate) first_seen: Micros,
    /// What it is by its links.
    pub(crate) standing: Standing,
    /// The profile it lies in; none when it is new or comes back.
    pub(crate) profile: Option<ProfileId>,
    /// Whether any interaction speaks of it.
    pub(crate) present: bool,
}

impl Changed {
    pub(super) fn node(&self, territory: Territory, overlay: &Overlay, key: IdentityKey) -> Node {
        Node {
            identifier: self.identifier.clone(),
            first_seen: self.first_seen,
            standing: self.standing,
            sides: overlay.sides.get(&key).cloned().unwrap_or_default(),
            territory,
        }
    }
}
