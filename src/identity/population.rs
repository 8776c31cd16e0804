//! A whole population under other rules: what it would resolve to, and how that differs from what it is.
//!
//! What must stay true: the sets are those of [`resolve`](super::resolve) over everything that is stored, and the
//! difference is told by sets and homes alone, so that whoever compares the store before and after a change of rules finds
//! the same figures: ids that are drawn anew do not count.
//!
//! Memory grows with the population, by a few hundred bytes an identifier; whoever fills it keeps the number in bounds.
//! Links at hubs join nothing and are mostly left out.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use uuid::Uuid;

use super::{
    Link, Neighbours, Normalised, Rules, Side, Standing,
    resolve::{Assertion, Graph, Node, Resolution, Territory, resolve},
    rules::Shared,
    settle::apart,
    standing::{meet, standing},
};
use crate::{
    clock::Micros,
    ids::{DecisionId, IdentityKey, ProfileId},
};

mod difference;

pub use difference::{Difference, Example, Figures, Part};

/// An identifier as it is stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its key.
    pub key: IdentityKey,
    /// The identifier.
    pub identifier: Normalised,
    /// When it was first in an interaction.
    pub first_seen: Micros,
    /// The profile it lies in.
    pub profile: ProfileId,
    /// To how many values it is linked.
    pub neighbours: Neighbours,
    /// What it is, under the rules in force.
    pub standing: Standing,
    /// Whether it lends nothing, under the rules in force.
    pub apart: bool,
}

/// A population that is being told, to be resolved under some rules.
#[derive(Clone, Debug)]
pub struct Population {
    rules: Arc<Rules>,
    graph: Graph,
    lies_in: HashMap<IdentityKey, ProfileId>,
    homes: HashMap<ProfileId, IdentityKey>,
    links: HashMap<IdentityKey, Vec<Link>>,
    assertions: HashMap<IdentityKey, Vec<Assertion>>,
    before: Figures,
}

const EVERYTHING: Territory = Territory::Profile(ProfileId::from_uuid(Uuid::nil()));

impl Population {
    /// Nobody yet.
    #[must_use]
    pub fn new(rules: Arc<Rules>) -> Self {
        Self {
            rules,
            graph: Graph::default(),
            lies_in: HashMap::new(),
            homes: HashMap::new(),
            links: HashMap::new(),
            assertions: HashMap::new(),
            before: Figures::default(),
        }
    }

    /// How many identifiers were told.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lies_in.len()
    }

    /// Whether none was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lies_in.is_empty()
    }

    /// Tells of an identifier. All of them come before any link.
    pub fn identifier(&mut self, stored: Stored) {
        self.before.hubs += usize::from(stored.standing == Standing::Hub);
        self.before.apart += usize::from(stored.apart);
        self.lies_in.insert(stored.key, stored.profile);
        let stands = standing(&self.rules, &stored.identifier, &stored.neighbours, false);
        let node = Node {
            identifier: stored.identifier,
            first_seen: stored.first_seen,
            standing: stands,
            sides: Vec::new(),
            territory: EVERYTHING,
        };
        self.graph.put(stored.key, node);
    }

    /// Tells of a profile with identifiers: where its home is.
    pub fn profile(&mut self, id: ProfileId, home: IdentityKey) {
        self.homes.insert(id, home);
    }

    /// Tells of a link, from one end.
    pub fn link(&mut self, link: Link) {
        let node = |key| self.graph.node(key);
        let joins = |key| node(key).is_some_and(|node| node.standing != Standing::Hub);
        // Whether two people meet at an identifier is asked of all its links.
        let meets = |key| {
            node(key).is_some_and(|node| {
                self.rules.of(&node.identifier.namespace).shared == Shared::Nobody
            })
        };
        let (one, other) = (link.key, link.other);
        if joins(one) && joins(other) || meets(one) || meets(other) {
            for end in [link, link.reversed()] {
                self.links.entry(end.key).or_default().push(end);
            }
        }
    }

    /// Tells of an operator's word, from one end.
    pub fn assertion(&mut self, assertion: Assertion) {
        for end in [assertion, assertion.reversed()] {
            let of_key = self.assertions.entry(end.key).or_default();
            if !of_key.contains(&end) {
                of_key.push(end);
            }
        }
    }

    /// Tells on which side of a separation an identifier is.
    pub fn side(&mut self, key: IdentityKey, decision: DecisionId, side: Side) {
        if let Some(node) = self.graph.node_mut(key) {
            node.sides.push((decision, side));
        }
    }

    /// Finds what everybody would be, and shows at most so many examples of each kind.
    #[must_use]
    pub fn foresee(mut self, examples: usize) -> Difference {
        self.settle_standings();
        self.graph.know(EVERYTHING, self.lies_in.keys().copied());
        for (key, links) in std::mem::take(&mut self.links) {
            self.graph.set_links_of(key, links);
        }
        for (key, assertions) in std::mem::take(&mut self.assertions) {
            self.graph.set_assertions_of(key, assertions);
        }
        let sets = match resolve(&self.graph, &self.rules, &BTreeSet::from([EVERYTHING])) {
            Resolution::Resolved { sets, .. } => sets,
            // There is nothing outside that could be wanted.
            Resolution::Wants(_) => Vec::new(),
        };
        let after = self.figures(&sets);
        let mut difference = difference::Compare {
            graph: &self.graph,
            lies_in: &self.lies_in,
            homes: &self.homes,
        }
        .compare(&sets, examples);
        self.before.profiles = self.homes.len();
        self.before.largest = difference.before.largest;
        difference.before = self.before;
        difference.after = after;
        difference
    }

    /// What two links of an identifier make a hub of is known when all links are.
    fn settle_standings(&mut self) {
        let rules = &self.rules;
        let mut nobodys = Vec::new();
        for (key, links) in &self.links {
            let Some(node) = self.graph.node(*key) else {
                continue;
            };
            if rules.of(&node.identifier.namespace).shared != Shared::Nobody {
                continue;
            }
            let to_unique: Vec<(&str, Link)> = links
                .iter()
                .filter_map(|link| {
                    let namespace = self.graph.node(link.other)?.identifier.namespace.as_str();
                    rules
                        .of(namespace)
                        .is_unique()
                        .then_some((namespace, *link))
                })
                .collect();
            if meet(&to_unique) {
                nobodys.push(*key);
            }
        }
        for key in nobodys {
            if let Some(node) = self.graph.node_mut(key) {
                node.standing = Standing::Hub;
            }
        }
    }

    fn figures(&self, sets: &[Vec<IdentityKey>]) -> Figures {
        let mut figures = Figures {
            profiles: sets.len(),
            ..Figures::default()
        };
        for set in sets {
            figures.largest = figures.largest.max(set.len());
            let members: BTreeSet<IdentityKey> = set.iter().copied().collect();
            figures.apart += apart(&self.graph, &self.rules, &members).len();
            let hub = |key: &&IdentityKey| {
                self.graph
                    .node(**key)
                    .is_some_and(|node| node.standing == Standing::Hub)
            };
            figures.hubs += set.iter().filter(hub).count();
        }
        figures
    }
}

fn order(graph: &Graph, key: IdentityKey) -> Option<(u8, Micros, &str, &str)> {
    let node = graph.node(key)?;
    let Normalised { namespace, value } = &node.identifier;
    let rank = super::namespace::rule(namespace).anchor_rank;
    Some((rank, node.first_seen, namespace, value))
}
