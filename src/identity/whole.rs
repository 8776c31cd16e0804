//! Resolution of everything at once, from the interactions themselves.
//!
//! This is what every local change must come to; previews and tests use it. Memory grows with what is
//! told.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::{
    Keyed, Link, Neighbours, Normalised, Rules, Side,
    link::{Links, add_link, from_both_ends, links_of},
    resolve::{Assertion, Cut, Graph, Node, Resolution, Territory, resolve},
    settle::apart,
    standing::{meet, standing},
};
use crate::{
    clock::Micros,
    ids::{DecisionId, IdentityKey, ProfileId},
};

/// What is told of identifiers: interactions, and what decisions in force say.
#[derive(Clone, Debug, Default)]
pub struct Told {
    names: HashMap<IdentityKey, (Normalised, Micros)>,
    links: Links,
    assertions: HashMap<IdentityKey, Vec<Assertion>>,
    sides: HashMap<IdentityKey, Vec<(DecisionId, Side)>>,
}

/// A set of identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// The identifiers.
    pub members: BTreeSet<IdentityKey>,
    /// Those of them that lend it nothing.
    pub apart: BTreeSet<IdentityKey>,
}

/// Everything, resolved.
#[derive(Clone, Debug)]
pub struct Whole {
    /// The sets.
    pub sets: Vec<Set>,
    /// The links that were cut.
    pub cuts: Vec<Cut>,
    /// The identifiers with their links.
    pub graph: Graph,
}

impl Told {
    /// Adds an interaction; its anchor is the first of its identifiers.
    pub fn interaction(&mut self, occurred_at: Micros, identifiers: &[Keyed]) {
        for identifier in identifiers {
            let known = self
                .names
                .entry(identifier.key)
                .or_insert_with(|| (identifier.identifier.clone(), occurred_at));
            known.1 = known.1.min(occurred_at);
        }
        for link in links_of(occurred_at, identifiers.iter().map(|i| i.key)) {
            add_link(&mut self.links, link);
        }
    }

    /// Adds an operator's word that two identifiers are one person.
    pub fn assertion(&mut self, assertion: Assertion) {
        for one in [assertion, assertion.reversed()] {
            self.assertions.entry(one.key).or_default().push(one);
        }
    }

    /// Puts an identifier on a side of a separation.
    pub fn side(&mut self, key: IdentityKey, decision: DecisionId, side: Side) {
        self.sides.entry(key).or_default().push((decision, side));
    }

    /// Resolves everything that was told.
    #[must_use]
    pub fn resolve(self, rules: &Rules) -> Whole {
        let everything = Territory::Profile(ProfileId::from_uuid(Uuid::nil()));
        let graph = self.graph(rules, everything);
        match resolve(&graph, rules, &BTreeSet::from([everything])) {
            Resolution::Resolved { sets, cuts } => Whole {
                sets: sets
                    .into_iter()
                    .map(|set| {
                        let members: BTreeSet<IdentityKey> = set.into_iter().collect();
                        Set {
                            apart: apart(&graph, rules, &members),
                            members,
                        }
                    })
                    .collect(),
                cuts,
                graph,
            },
            // There is nothing outside that could be wanted.
            Resolution::Wants(_) => Whole {
                sets: Vec::new(),
                cuts: Vec::new(),
                graph,
            },
        }
    }

    fn graph(mut self, rules: &Rules, everything: Territory) -> Graph {
        let mut of_key: BTreeMap<IdentityKey, Vec<Link>> = BTreeMap::new();
        for link in from_both_ends(&self.links).into_values() {
            of_key.entry(link.key).or_default().push(link);
        }
        let mut graph = Graph::default();
        graph.know(everything, self.names.keys().copied());
        for (key, (identifier, first_seen)) in &self.names {
            let links = of_key.remove(key).unwrap_or_default();
            let mut neighbours = Neighbours::default();
            let mut to_unique = Vec::new();
            for link in &links {
                let Some((other, _)) = self.names.get(&link.other) else {
                    continue;
                };
                neighbours.add(&other.namespace);
                if rules.of(&other.namespace).is_unique() {
                    to_unique.push((other.namespace.as_str(), *link));
                }
            }
            let node = Node {
                identifier: identifier.clone(),
                first_seen: *first_seen,
                standing: standing(rules, identifier, &neighbours, meet(&to_unique)),
                sides: self.sides.remove(key).unwrap_or_default(),
                territory: everything,
            };
            graph.put(*key, node);
            graph.set_links_of(*key, links);
            graph.set_assertions_of(*key, self.assertions.remove(key).unwrap_or_default());
        }
        graph
    }
}
