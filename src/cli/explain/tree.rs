//! The links of a profile as a tree: from the strongest identifier outward, each other one hangs where the strongest and
//! oldest link holds it. Pure.

use std::collections::BTreeMap;

use crate::{
    clock::Micros,
    proto::v1::{ExplainIdentityResponse, IdentityLink},
};

/// An identifier in its place.
#[derive(Debug)]
pub(super) struct Branch<'a> {
    /// Its place among the identifiers.
    pub(super) node: usize,
    /// What joins it to the one that it hangs under; a root has none.
    pub(super) link: Option<&'a IdentityLink>,
    /// From the root down: whether it, or what it hangs under, is the last of its siblings.
    pub(super) lasts: Vec<bool>,
    /// Whether anything hangs under it.
    pub(super) has_children: bool,
}

/// The tree, from top to bottom, and the links that it does without.
#[derive(Debug, Default)]
pub(super) struct Tree<'a> {
    pub(super) branches: Vec<Branch<'a>>,
    pub(super) aside: Vec<&'a IdentityLink>,
    pub(super) roots: usize,
}

/// A link with its ends as places among the identifiers.
#[derive(Clone, Copy)]
struct Edge<'a> {
    ends: [usize; 2],
    link: &'a IdentityLink,
}

impl<'a> Tree<'a> {
    /// The tree of an answer. Links whose ends are not shown are left out.
    pub(super) fn of(answer: &'a ExplainIdentityResponse) -> Self {
        let count = answer.identifiers.len();
        let place = |end: i32| usize::try_from(end).ok().filter(|end| *end < count);
        let edges: Vec<Edge<'_>> = answer
            .links
            .iter()
            .filter_map(|link| {
                let ends = [place(link.from)?, place(link.to)?];
                (ends[0] != ends[1]).then_some(Edge { ends, link })
            })
            .collect();
        let mut used = vec![false; edges.len()];
        let mut placed = vec![false; count];
        let mut children: BTreeMap<usize, Vec<(usize, &IdentityLink)>> = BTreeMap::new();
        let mut roots = Vec::new();
        while let Some(root) = placed.iter().position(|placed| !placed) {
            placed[root] = true;
            roots.push(root);
            while let Some((n, parent, child)) = next(&edges, &placed) {
                used[n] = true;
                placed[child] = true;
                children
                    .entry(parent)
                    .or_default()
                    .push((child, edges[n].link));
            }
        }
        let unused = edges.iter().zip(used).filter(|(_, used)| !used);
        let mut tree = Self {
            branches: Vec::with_capacity(count),
            aside: unused.map(|(edge, _)| edge.link).collect(),
            roots: roots.len(),
        };
        for root in roots {
            tree.hang(root, &mut children);
        }
        tree
    }

    /// How many links hold the tree together.
    pub(super) fn joining(&self) -> usize {
        self.branches.len() - self.roots
    }

    /// Adds what hangs under a root, top down. Without recursion: a chain may be 256 deep.
    fn hang(
        &mut self,
        root: usize,
        children: &mut BTreeMap<usize, Vec<(usize, &'a IdentityLink)>>,
    ) {
        let mut left: Vec<(usize, Option<&IdentityLink>, Vec<bool>)> =
            vec![(root, None, Vec::new())];
        while let Some((node, link, lasts)) = left.pop() {
            let mut below = children.remove(&node).unwrap_or_default();
            below.sort_by_key(|(child, _)| *child);
            for (n, (child, link)) in below.iter().enumerate().rev() {
                let mut path = lasts.clone();
                path.push(n + 1 == below.len());
                left.push((*child, Some(link), path));
            }
            self.branches.push(Branch {
                node,
                link,
                lasts,
                has_children: !below.is_empty(),
            });
        }
    }
}

/// The link that places the next identifier: held by the strongest that is placed, then the oldest. With it, which end is
/// placed and which is not.
fn next(edges: &[Edge<'_>], placed: &[bool]) -> Option<(usize, usize, usize)> {
    let candidates = edges.iter().enumerate().filter_map(|(n, edge)| {
        let [a, b] = edge.ends;
        match (placed[a], placed[b]) {
            (true, false) => Some((n, a, b)),
            (false, true) => Some((n, b, a)),
            _ => None,
        }
    });
    candidates.min_by_key(|(n, parent, child)| {
        let first = edges[*n].link.first_seen.as_ref();
        let first = first.and_then(Micros::from_proto);
        (*parent, first.map_or(i64::MAX, |at| at.0), *child)
    })
}
