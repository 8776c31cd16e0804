//! What is known of identifiers and their links when sets are resolved.

use std::collections::{BTreeSet, HashMap};

use crate::{
    clock::Micros,
    identity::{Link, Normalised, Side, Standing},
    ids::{DecisionId, IdentityKey, ProfileId},
};

/// Where an identifier lies: in a profile that there is, or by itself because it is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Territory {
    /// In this profile.
    Profile(ProfileId),
    /// By itself.
    New(IdentityKey),
}

/// An identifier.
#[derive(Clone, Debug)]
pub struct Node {
    /// The identifier.
    pub identifier: Normalised,
    /// When it was first in an interaction.
    pub first_seen: Micros,
    /// What it is by its links.
    pub standing: Standing,
    /// Sides of separations in force.
    pub sides: Vec<(DecisionId, Side)>,
    /// Where it lies.
    pub territory: Territory,
}

/// An operator's word that two identifiers are one person, as seen from one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Assertion {
    /// This end.
    pub key: IdentityKey,
    /// The other end.
    pub other: IdentityKey,
    /// When the decision was made.
    pub made_at: Micros,
    /// The decision.
    pub decision: DecisionId,
}

impl Assertion {
    /// As seen from the other end.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            key: self.other,
            other: self.key,
            ..self
        }
    }
}

/// Identifiers with their links. A territory is *known* when all its members are here with all their links, except those
/// of hubs, which join nothing; the other ends of the links of what is resolved are here too.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: HashMap<IdentityKey, Node>,
    links: HashMap<IdentityKey, Vec<Link>>,
    assertions: HashMap<IdentityKey, Vec<Assertion>>,
    known: HashMap<Territory, BTreeSet<IdentityKey>>,
}

impl Graph {
    /// Adds an identifier, or replaces what is known of it.
    pub fn put(&mut self, key: IdentityKey, node: Node) {
        if let Some(before) = self.nodes.get(&key)
            && before.territory != node.territory
            && let Some(members) = self.known.get_mut(&before.territory)
        {
            members.remove(&key);
        }
        self.nodes.insert(key, node);
    }

    /// An identifier.
    #[must_use]
    pub fn node(&self, key: IdentityKey) -> Option<&Node> {
        self.nodes.get(&key)
    }

    /// An identifier, to change.
    pub fn node_mut(&mut self, key: IdentityKey) -> Option<&mut Node> {
        self.nodes.get_mut(&key)
    }

    /// Identifiers that are here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether nothing is here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Says that a territory has these members and no others. Their links must be here, or come.
    pub fn know(&mut self, territory: Territory, members: impl IntoIterator<Item = IdentityKey>) {
        self.known.insert(territory, members.into_iter().collect());
    }

    /// The members of a territory that is known.
    #[must_use]
    pub fn members(&self, territory: Territory) -> Option<&BTreeSet<IdentityKey>> {
        self.known.get(&territory)
    }

    /// Sets a link from both ends.
    pub fn set_link(&mut self, link: Link) {
        self.set_link_from(link);
        self.set_link_from(link.reversed());
    }

    /// Sets a link from one end.
    pub fn set_link_from(&mut self, link: Link) {
        let links = self.links.entry(link.key).or_default();
        match links.iter_mut().find(|known| known.other == link.other) {
            Some(known) => *known = link,
            None => links.push(link),
        }
    }

    /// Sets all links of one end.
    pub fn set_links_of(&mut self, key: IdentityKey, links: Vec<Link>) {
        self.links.insert(key, links);
    }

    /// The links of an identifier.
    #[must_use]
    pub fn links(&self, key: IdentityKey) -> &[Link] {
        self.links.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Sets the assertions of an identifier.
    pub fn set_assertions_of(&mut self, key: IdentityKey, assertions: Vec<Assertion>) {
        self.assertions.insert(key, assertions);
    }

    /// The operators' assertions at an identifier.
    #[must_use]
    pub fn assertions(&self, key: IdentityKey) -> &[Assertion] {
        self.assertions.get(&key).map_or(&[], Vec::as_slice)
    }
}
