//! Connected components: what links alone would make one, and what a batch of the fast path does.

use std::{collections::HashMap, hash::Hash};

/// Sets of nodes that merge.
#[derive(Clone, Debug)]
pub struct UnionFind<T> {
    index: HashMap<T, usize>,
    nodes: Vec<T>,
    parent: Vec<usize>,
    size: Vec<usize>,
}

impl<T> Default for UnionFind<T> {
    fn default() -> Self {
        Self {
            index: HashMap::new(),
            nodes: Vec::new(),
            parent: Vec::new(),
            size: Vec::new(),
        }
    }
}

impl<T: Copy + Eq + Hash + Ord> UnionFind<T> {
    /// Makes a node known, as a set of its own when it is new.
    pub fn insert(&mut self, node: T) -> usize {
        if let Some(&at) = self.index.get(&node) {
            return at;
        }
        let at = self.nodes.len();
        self.index.insert(node, at);
        self.nodes.push(node);
        self.parent.push(at);
        self.size.push(1);
        at
    }

    fn root(&mut self, mut at: usize) -> usize {
        while self.parent[at] != at {
            // Path halving keeps later walks short.
            self.parent[at] = self.parent[self.parent[at]];
            at = self.parent[at];
        }
        at
    }

    /// Joins the sets of two nodes.
    pub fn join(&mut self, a: T, b: T) {
        let (a, b) = (self.insert(a), self.insert(b));
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return;
        }
        let (large, small) = if self.size[a] >= self.size[b] {
            (a, b)
        } else {
            (b, a)
        };
        self.parent[small] = large;
        self.size[large] += self.size[small];
    }

    /// The sets, each sorted, in the order of their smallest members.
    #[must_use]
    pub fn into_sets(mut self) -> Vec<Vec<T>> {
        let mut sets: HashMap<usize, Vec<T>> = HashMap::new();
        for at in 0..self.nodes.len() {
            let root = self.root(at);
            sets.entry(root).or_default().push(self.nodes[at]);
        }
        let mut sets: Vec<Vec<T>> = sets.into_values().collect();
        for set in &mut sets {
            set.sort_unstable();
        }
        sets.sort_unstable();
        sets
    }
}

/// The partition of `nodes` by `links`; ends of links that are not among the nodes count as nodes too.
pub fn components<T: Copy + Eq + Hash + Ord>(
    nodes: impl IntoIterator<Item = T>,
    links: impl IntoIterator<Item = (T, T)>,
) -> Vec<Vec<T>> {
    let mut sets = UnionFind::default();
    for node in nodes {
        sets.insert(node);
    }
    for (a, b) in links {
        sets.join(a, b);
    }
    sets.into_sets()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_node_without_links_is_alone() {
        assert_eq!(components([3, 1, 2], [(1, 3)]), vec![vec![1, 3], vec![2]]);
    }

    proptest! {
        #[test]
        fn the_order_of_links_does_not_matter(
            mut links in prop::collection::vec((0u8..20, 0u8..20), 0..40),
        ) {
            let before = components(0..20, links.clone());
            links.reverse();
            prop_assert_eq!(before, components(0..20, links));
        }
    }
}
