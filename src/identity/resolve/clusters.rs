//! Sets under way: disjoint sets that know what they are made of.

use std::collections::HashMap;

use crate::{
    identity::{Refusal, Standing, Weight, rules::Rules},
    ids::IdentityKey,
};

use super::graph::Node;

/// Disjoint sets of identifiers.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    places: HashMap<IdentityKey, usize>,
    keys: Vec<IdentityKey>,
    shared: Vec<bool>,
    parent: Vec<usize>,
    weight: Vec<Weight>,
}

impl Clusters {
    /// Adds an identifier as a set of its own.
    pub(super) fn add(&mut self, key: IdentityKey, node: &Node, rules: &Rules) {
        if self.places.contains_key(&key) {
            return;
        }
        let place = self.keys.len();
        self.places.insert(key, place);
        self.keys.push(key);
        self.shared.push(node.standing == Standing::Shared);
        self.parent.push(place);
        let namespace = &node.identifier.namespace;
        self.weight.push(Weight::of(namespace, &node.sides, rules));
    }

    /// The place of an identifier that was added.
    pub(super) fn place(&self, key: IdentityKey) -> Option<usize> {
        self.places.get(&key).copied()
    }

    /// The place that stands for the set of an identifier.
    pub(super) fn root(&mut self, mut at: usize) -> usize {
        while self.parent[at] != at {
            self.parent[at] = self.parent[self.parent[at]];
            at = self.parent[at];
        }
        at
    }

    /// What the set of an identifier is made of.
    pub(super) fn weight(&mut self, at: usize) -> &Weight {
        let root = self.root(at);
        &self.weight[root]
    }

    /// Whether an identifier is shared and goes with someone already.
    pub(super) fn is_taken(&mut self, at: usize) -> bool {
        self.shared[at] && self.weight(at).size() > 1
    }

    /// Whether two identifiers lie in one set.
    pub(super) fn are_one(&mut self, a: usize, b: usize) -> bool {
        self.root(a) == self.root(b)
    }

    /// Joins the sets of two identifiers if the rules allow it.
    pub(super) fn join(&mut self, a: usize, b: usize, rules: &Rules) -> Result<(), Refusal> {
        let (mut large, mut small) = (self.root(a), self.root(b));
        if large == small {
            return Ok(());
        }
        for (end, other) in [(a, b), (b, a)] {
            if self.shared[end] && (self.shared[other] || self.is_taken(end)) {
                return Err(Refusal::Shared(self.keys[end]));
            }
        }
        if let Some(refusal) = self.weight[large].refuses(&self.weight[small], rules) {
            return Err(refusal);
        }
        if self.weight[large].size() < self.weight[small].size() {
            (large, small) = (small, large);
        }
        self.parent[small] = large;
        let weight = std::mem::take(&mut self.weight[small]);
        self.weight[large].add(&weight);
        Ok(())
    }

    /// The sets, each sorted, in the order of their smallest members.
    pub(super) fn into_sets(mut self) -> Vec<Vec<IdentityKey>> {
        let mut sets: HashMap<usize, Vec<IdentityKey>> = HashMap::new();
        for at in 0..self.keys.len() {
            let root = self.root(at);
            sets.entry(root).or_default().push(self.keys[at]);
        }
        let mut sets: Vec<Vec<IdentityKey>> = sets.into_values().collect();
        for set in &mut sets {
            set.sort_unstable();
        }
        sets.sort_unstable();
        sets
    }
}
