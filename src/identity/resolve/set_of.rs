//! The set that holds one identifier, from links that are asked for as they are needed: for looking into the past, where
//! no sets are stored that a link could be compared with.
//!
//! What must stay true: the set is that of everything resolved at once. Every identifier that was reached has a *depth*:
//! its links stronger than that are on their turn here, the weaker ones are not looked at. Links are tried strongest first,
//! as ever:
//!
//! - A cluster here is never more than the true cluster. Rules are hereditary, so what it refuses the true one refuses, and
//!   a link that two clusters refuse joins nothing, however little is known of them.
//! - A cluster all of whose members are at least as deep as a turn is the true cluster at that turn: the first link that
//!   joined something to it would have been on its turn here. So where nothing refuses, both clusters are made as deep as
//!   the link, and what comes of it is tried from the start. A pass in which every cluster was deep enough was true.
//! - The cluster of the identifier asked for is known to the end once all its members are. Depths only grow, so it ends.
//!
//! A link that nothing refuses has to be followed only through what is stronger than itself: who holds an address is found
//! out without looking at all that its holder did.

use std::collections::{BTreeSet, HashMap};

use super::{
    clusters::Clusters,
    graph::{Assertion, Graph, Territory},
    strength::Strength,
};
use crate::{
    identity::{Link, Standing, rules::Rules},
    ids::IdentityKey,
};

/// The search for the set that holds an identifier.
///
/// The graph that it is handed grows: each identifier lies in [`Territory::New`] of its own key, which is known when its
/// links are here, or without members when there is no such identifier.
#[derive(Clone, Debug)]
pub struct SetOf {
    key: IdentityKey,
    depths: HashMap<IdentityKey, Depth>,
}

/// How far a search has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The set; empty when there is no such identifier.
    Set(BTreeSet<IdentityKey>),
    /// More has to be put into the graph first.
    Needs(Needs),
}

/// What a search needs to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Identifiers of which nothing is known, not even whether they are there.
    pub nodes: BTreeSet<IdentityKey>,
    /// Identifiers whose links and assertions are needed.
    pub links: BTreeSet<IdentityKey>,
}

/// How much of an identifier's links is on its turn.
#[derive(Clone, Copy, Debug)]
enum Depth {
    /// Those that are stronger than this.
    Until(Evidence),
    /// All.
    Whole,
}

/// What ties two identifiers.
#[derive(Clone, Copy, Debug)]
enum Evidence {
    Link(Link),
    Assertion(Assertion),
}

impl Evidence {
    fn ends(&self) -> (IdentityKey, IdentityKey) {
        match self {
            Self::Link(link) => (link.key, link.other),
            Self::Assertion(assertion) => (assertion.key, assertion.other),
        }
    }

    /// Its place in the order; none for what joins nothing.
    fn strength<'a>(&self, graph: &'a Graph, rules: &Rules) -> Option<Strength<'a>> {
        let (key, other) = self.ends();
        let node = |key| graph.node(key).filter(|n| n.standing != Standing::Hub);
        let (a, b) = (node(key)?, node(other)?);
        Some(match self {
            Self::Link(link) => Strength::of_link(link, a, b, rules),
            Self::Assertion(assertion) => Strength::of_assertion(assertion, a, b),
        })
    }
}

/// A tie on its turn.
struct Turn<'a> {
    strength: Strength<'a>,
    evidence: Evidence,
}

fn is_known(graph: &Graph, key: IdentityKey) -> bool {
    graph.members(Territory::New(key)).is_some()
}

fn is_hub(graph: &Graph, key: IdentityKey) -> bool {
    let node = graph.node(key);
    node.is_some_and(|node| node.standing == Standing::Hub)
}

impl SetOf {
    /// Begins the search for the set that holds `key`.
    #[must_use]
    pub fn new(key: IdentityKey) -> Self {
        Self {
            key,
            depths: HashMap::from([(key, Depth::Whole)]),
        }
    }

    /// Goes on with what is in the graph by now. What it needs has to be there when it is asked again.
    pub fn search(&mut self, graph: &Graph, rules: &Rules) -> Found {
        loop {
            let needs = self.needs(graph);
            if needs != Needs::default() {
                return Found::Needs(needs);
            }
            if graph.node(self.key).is_none() {
                return Found::Set(BTreeSet::new());
            }
            if let Some(set) = self.pass(graph, rules) {
                return Found::Set(set);
            }
        }
    }

    fn needs(&self, graph: &Graph) -> Needs {
        let mut needs = Needs::default();
        for key in self.depths.keys() {
            if !is_known(graph, *key) {
                if graph.node(*key).is_none() {
                    needs.nodes.insert(*key);
                } else if !is_hub(graph, *key) {
                    needs.links.insert(*key);
                }
                continue;
            }
            let links = graph.links(*key).iter().map(|link| link.other);
            let asserted = graph.assertions(*key).iter().map(|a| a.other);
            let unknown = links
                .chain(asserted)
                .filter(|other| graph.node(*other).is_none() && !is_known(graph, *other));
            needs.nodes.extend(unknown);
        }
        needs
    }

    /// Tries what is on its turn. Answers with the set when nothing had to be made deeper for it.
    fn pass(&mut self, graph: &Graph, rules: &Rules) -> Option<BTreeSet<IdentityKey>> {
        let turns = self.turns(graph, rules);
        let mut clusters = Clusters::default();
        let reached = turns.iter().flat_map(|turn| {
            let (key, other) = turn.evidence.ends();
            [key, other]
        });
        let mut keys: Vec<IdentityKey> = reached.chain(self.depths.keys().copied()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in &keys {
            if let Some(node) = graph.node(*key) {
                clusters.add(*key, node, rules);
            }
        }
        // The weakest tie at which something joined each cluster, by its root.
        let mut joined: HashMap<usize, Evidence> = HashMap::new();
        for turn in &turns {
            let (key, other) = turn.evidence.ends();
            let (Some(a), Some(b)) = (clusters.place(key), clusters.place(other)) else {
                continue;
            };
            if !clusters.are_one(a, b) && clusters.join(a, b, rules).is_ok() {
                joined.insert(clusters.root(a), turn.evidence);
            }
        }
        let mut deeper = false;
        for key in &keys {
            let Some(root) = clusters.place(*key).map(|at| clusters.root(at)) else {
                continue;
            };
            if let Some(evidence) = joined.get(&root) {
                deeper |= self.deepen(*key, *evidence, graph, rules);
            }
        }
        if deeper {
            return None;
        }
        let home = clusters.place(self.key)?;
        let set: BTreeSet<IdentityKey> = keys
            .into_iter()
            .filter(|key| {
                let at = clusters.place(*key);
                at.is_some_and(|at| clusters.are_one(at, home))
            })
            .collect();
        for key in &set {
            let before = self.depths.insert(*key, Depth::Whole);
            deeper |= !matches!(before, Some(Depth::Whole));
        }
        (!deeper).then_some(set)
    }

    /// The ties that are on their turn, each once, strongest first.
    fn turns<'a>(&self, graph: &'a Graph, rules: &Rules) -> Vec<Turn<'a>> {
        let limits: HashMap<IdentityKey, Option<Strength<'a>>> = self
            .depths
            .iter()
            .map(|(key, depth)| match depth {
                Depth::Until(evidence) => (*key, evidence.strength(graph, rules)),
                Depth::Whole => (*key, None),
            })
            .collect();
        let is_due = |key: IdentityKey, strength: &Strength<'a>| match limits.get(&key) {
            None => false,
            Some(None) => true,
            Some(Some(limit)) => strength < limit,
        };
        let mut turns = Vec::new();
        for key in self.depths.keys() {
            let links = graph.links(*key).iter().copied().map(Evidence::Link);
            let asserted = graph.assertions(*key).iter().copied();
            for evidence in links.chain(asserted.map(Evidence::Assertion)) {
                let Some(strength) = evidence.strength(graph, rules) else {
                    continue;
                };
                let (_, other) = evidence.ends();
                // From the smaller end when it is due at both.
                let again = other < *key && is_due(other, &strength);
                if !again && is_due(*key, &strength) {
                    turns.push(Turn { strength, evidence });
                }
            }
        }
        turns.sort_by(|a, b| a.strength.cmp(&b.strength));
        turns
    }

    /// Makes an identifier at least as deep as a tie. Answers whether it was not.
    fn deepen(
        &mut self,
        key: IdentityKey,
        evidence: Evidence,
        graph: &Graph,
        rules: &Rules,
    ) -> bool {
        let deep_enough = match self.depths.get(&key) {
            None => false,
            Some(Depth::Whole) => true,
            Some(Depth::Until(depth)) => {
                depth.strength(graph, rules) >= evidence.strength(graph, rules)
            }
        };
        if !deep_enough {
            self.depths.insert(key, Depth::Until(evidence));
        }
        !deep_enough
    }
}
