//! What joins a profile as a tree: from the strongest identifier outward, each other one hangs where the strongest holds it
//! by the oldest link, or by the word of an operator.

use std::collections::{BTreeMap, HashMap};

use crate::{
    clock::Micros,
    proto::v1::{ExplainIdentityResponse, Identifier, IdentityDecision, IdentityLink},
};

/// What joins two identifiers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Joint<'a> {
    /// Interactions that carried both.
    Link(&'a IdentityLink),
    /// An operator's word.
    Said(&'a IdentityDecision),
}

/// An identifier in its place.
#[derive(Debug)]
pub(crate) struct Branch<'a> {
    /// Its place among the identifiers.
    pub(crate) node: usize,
    /// The place of the one that it hangs under, and what joins the two; a root has none.
    pub(crate) under: Under<'a>,
    /// From the root down: whether it, or what it hangs under, is the last of its siblings.
    pub(crate) lasts: Vec<bool>,
    /// Whether anything hangs under it.
    pub(crate) has_children: bool,
}

/// The tree, from top to bottom, and the links that it does without.
#[derive(Debug, Default)]
pub(crate) struct Tree<'a> {
    pub(crate) branches: Vec<Branch<'a>>,
    pub(crate) aside: Vec<&'a IdentityLink>,
    pub(crate) roots: usize,
}

/// What joins, with its ends as places among the identifiers.
#[derive(Clone, Copy)]
struct Edge<'a> {
    ends: [usize; 2],
    by: Joint<'a>,
}

/// What an identifier hangs under, and by what.
type Under<'a> = Option<(usize, Joint<'a>)>;

type Children<'a> = BTreeMap<usize, Vec<(usize, Joint<'a>)>>;

/// The places of identifiers by what they are called.
pub(crate) fn places(answer: &ExplainIdentityResponse) -> HashMap<(&str, &str), usize> {
    let shown = answer.identifiers.iter().enumerate();
    shown
        .map(|(n, i)| ((i.namespace.as_str(), i.value.as_str()), n))
        .collect()
}

/// The pairs of identifiers that decisions say are one person, with the decisions. Those that are not shown are left out.
pub(crate) fn asserted(answer: &ExplainIdentityResponse) -> Vec<([usize; 2], &IdentityDecision)> {
    let places = places(answer);
    let place = |end: Option<&Identifier>| {
        let end = end?;
        let name = (end.namespace.as_str(), end.value.as_str());
        places.get(&name).copied()
    };
    let mut pairs = Vec::new();
    for decision in &answer.decisions {
        for pair in &decision.asserted {
            let ends = place(pair.from.as_ref()).zip(place(pair.to.as_ref()));
            pairs.extend(
                ends.filter(|(a, b)| a != b)
                    .map(|(a, b)| ([a.min(b), a.max(b)], decision)),
            );
        }
    }
    pairs
}

impl<'a> Tree<'a> {
    /// The tree of an answer. Links whose ends are not shown are left out.
    pub(crate) fn of(answer: &'a ExplainIdentityResponse) -> Self {
        let count = answer.identifiers.len();
        let edges = edges(answer);
        let mut used = vec![false; edges.len()];
        let mut placed = vec![false; count];
        let mut children = Children::new();
        let mut roots = Vec::new();
        while let Some(root) = placed.iter().position(|placed| !placed) {
            placed[root] = true;
            roots.push(root);
            while let Some((n, parent, child)) = next(&edges, &placed) {
                used[n] = true;
                placed[child] = true;
                let of_parent = children.entry(parent).or_default();
                of_parent.push((child, edges[n].by));
            }
        }
        let unused = edges.iter().zip(used).filter(|(_, used)| !used);
        let links = unused.filter_map(|(edge, _)| match edge.by {
            Joint::Link(link) => Some(link),
            Joint::Said(_) => None,
        });
        let mut tree = Self {
            branches: Vec::with_capacity(count),
            aside: links.collect(),
            roots: roots.len(),
        };
        for root in roots {
            tree.hang(root, &mut children);
        }
        tree
    }

    /// How many links hold the tree together.
    pub(crate) fn joining(&self) -> usize {
        let joints = self.branches.iter().filter_map(|branch| branch.under);
        joints
            .filter(|(_, by)| matches!(by, Joint::Link(_)))
            .count()
    }

    /// Adds what hangs under a root, top down. Without recursion: a chain may be 256 deep.
    fn hang(&mut self, root: usize, children: &mut Children<'a>) {
        let mut left: Vec<(usize, Under<'_>, Vec<bool>)> = vec![(root, None, Vec::new())];
        while let Some((node, under, lasts)) = left.pop() {
            let mut below = children.remove(&node).unwrap_or_default();
            below.sort_by_key(|(child, _)| *child);
            for (n, (child, by)) in below.iter().enumerate().rev() {
                let mut path = lasts.clone();
                path.push(n + 1 == below.len());
                left.push((*child, Some((node, *by)), path));
            }
            self.branches.push(Branch {
                node,
                under,
                lasts,
                has_children: !below.is_empty(),
            });
        }
    }
}

/// Links, and words of operators where there is no link.
fn edges(answer: &ExplainIdentityResponse) -> Vec<Edge<'_>> {
    let count = answer.identifiers.len();
    let place = |end: i32| usize::try_from(end).ok().filter(|end| *end < count);
    let links = answer.links.iter().filter_map(|link| {
        let ends = [place(link.from)?, place(link.to)?];
        let by = Joint::Link(link);
        (ends[0] != ends[1]).then_some(Edge { ends, by })
    });
    let said = asserted(answer).into_iter().map(|(ends, decision)| Edge {
        ends,
        by: Joint::Said(decision),
    });
    links.chain(said).collect()
}

/// The edge that places the next identifier: held by the strongest that is placed, then the oldest. With it, which end is
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
        let (said, first) = match edges[*n].by {
            Joint::Link(link) => (false, link.first_seen.as_ref()),
            Joint::Said(decision) => (true, decision.made_at.as_ref()),
        };
        let first = first.and_then(Micros::from_proto);
        (*parent, said, first.map_or(i64::MAX, |at| at.0), *child)
    })
}
