//! Resolution: from links, operators' decisions and rules to sets of identifiers.
//!
//! What must stay true:
//!
//! - The partition is a function of links, decisions and rules alone. Links are tried strongest first ([`Strength`]); a
//!   link joins the sets of its ends unless the union breaks a rule, a separation or the size cap. Else it is *cut*: kept,
//!   shown, and tried again whenever resolution reaches it. Links at a hub are left out.
//! - A shared identifier comes last and goes with the first set that takes it; its other links are cut. So nobody joins
//!   anybody through a device that both used.
//! - **Local is exact.** [`resolve`] looks at some territories only. A link that leads out of them is compared, at its
//!   turn, with the *cluster* of its outer end: what stronger accepted links had joined there by then. If the two may be
//!   one, the outer profile has to be resolved too and resolution starts again. Otherwise nothing outside changes: by
//!   induction along the order, every outer cluster is at every turn what it was when it was resolved, because no link
//!   between inside and outside joins. Leaving out the comparison is wrong: a link that was cut may join now that its
//!   inner end has become smaller, or stronger.
//! - Rules are hereditary, so a link within a stored set was accepted (or its ends were one already) at its turn, and the
//!   cluster of an outer end follows from the links within its set. Of a shared identifier only the strongest of these
//!   counts.
//!
//! - **Raising a link within a set changes nothing**, nor does a new link within a union that the rules allow, as long as
//!   no standing changes: clusters only grow earlier, so what was refused is refused again, and what was accepted lies
//!   within a set that is allowed. Because shared identifiers come last this holds for their links too; if they took
//!   their turn by strength, raising one could delay the growth of another set past a link that it used to refuse.

mod clusters;
mod graph;
mod set_of;
mod strength;

use std::collections::{BTreeSet, HashMap, HashSet};

use clusters::Clusters;
pub use graph::{Assertion, Graph, Node, Territory};
pub use set_of::{Found, Needs, SetOf};
pub use strength::Strength;

use super::{Refusal, Standing, Weight, rules::Rules};
use crate::ids::{DecisionId, IdentityKey, ProfileId};

/// What resolution found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The sets, each sorted, in the order of their smallest members, and what keeps them apart.
    Resolved {
        /// The sets.
        sets: Vec<Vec<IdentityKey>>,
        /// The links that were cut, strongest first.
        cuts: Vec<Cut>,
    },
    /// More has to be known first.
    Wants(Wants),
}

/// What has to be known before resolution can go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// Profiles that have to be resolved too.
    pub join: BTreeSet<ProfileId>,
    /// Profiles that have to be known, to be compared with.
    pub compare: BTreeSet<ProfileId>,
}

/// A link that joins nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The end that was resolved.
    pub key: IdentityKey,
    /// The other end.
    pub other: IdentityKey,
    /// The decision whose assertion it is; `None` for a link by interactions.
    pub asserted_by: Option<DecisionId>,
    /// What refused it.
    pub refusal: Refusal,
}

/// A link on its turn.
struct Tie<'a> {
    strength: Strength<'a>,
    key: IdentityKey,
    other: IdentityKey,
    asserted_by: Option<DecisionId>,
}

/// Resolves some territories, which must be known.
#[must_use]
pub fn resolve(graph: &Graph, rules: &Rules, inside: &BTreeSet<Territory>) -> Resolution {
    let mut clusters = Clusters::default();
    let mut members = Vec::new();
    for territory in inside {
        for key in graph.members(*territory).into_iter().flatten() {
            if let Some(node) = graph.node(*key) {
                clusters.add(*key, node, rules);
                members.push(*key);
            }
        }
    }
    let ties = ties(graph, rules, &members, &clusters);
    let mut wants = Wants::default();
    let mut cuts = Vec::new();
    let mut outside = Outside::default();
    for tie in ties {
        let Some(inner) = clusters.place(tie.key) else {
            continue;
        };
        let refusal = match clusters.place(tie.other) {
            Some(outer) => clusters.join(inner, outer, rules).err(),
            None => match outside.compare(graph, rules, &mut clusters, inner, &tie) {
                Compared::Refused(refusal) => Some(refusal),
                Compared::Unknown(profile) => {
                    wants.compare.insert(profile);
                    None
                }
                Compared::Joins(profile) => {
                    wants.join.insert(profile);
                    return Resolution::Wants(wants);
                }
            },
        };
        if let Some(refusal) = refusal {
            cuts.push(Cut {
                key: tie.key,
                other: tie.other,
                asserted_by: tie.asserted_by,
                refusal,
            });
        }
    }
    if !wants.compare.is_empty() {
        return Resolution::Wants(wants);
    }
    // A link that closed no circle at its turn may lie within a set in the end.
    cuts.retain(
        |cut| match (clusters.place(cut.key), clusters.place(cut.other)) {
            (Some(a), Some(b)) => !clusters.are_one(a, b),
            _ => true,
        },
    );
    Resolution::Resolved {
        sets: clusters.into_sets(),
        cuts,
    }
}

/// The links of the members, each once, strongest first; those at hubs are left out.
fn ties<'a>(
    graph: &'a Graph,
    rules: &Rules,
    members: &[IdentityKey],
    inside: &Clusters,
) -> Vec<Tie<'a>> {
    let mut ties = Vec::new();
    for key in members {
        let Some(node) = graph.node(*key).filter(|n| n.standing != Standing::Hub) else {
            continue;
        };
        let mut add =
            |other: IdentityKey, asserted_by, strength: &dyn Fn(&'a Node) -> Strength<'a>| {
                // From inside, each once.
                if inside.place(other).is_some() && other < *key {
                    return;
                }
                if let Some(end) = graph.node(other).filter(|n| n.standing != Standing::Hub) {
                    ties.push(Tie {
                        strength: strength(end),
                        key: *key,
                        other,
                        asserted_by,
                    });
                }
            };
        for link in graph.links(*key) {
            add(link.other, None, &|end| {
                Strength::of_link(link, node, end, rules)
            });
        }
        for assertion in graph.assertions(*key) {
            add(assertion.other, Some(assertion.decision), &|end| {
                Strength::of_assertion(assertion, node, end)
            });
        }
    }
    ties.sort_by(|a, b| a.strength.cmp(&b.strength));
    ties
}

enum Compared {
    Refused(Refusal),
    Unknown(ProfileId),
    Joins(ProfileId),
}

/// The outer ends of links, with what was found out about their profiles.
#[derive(Default)]
struct Outside<'a> {
    within: HashMap<ProfileId, Vec<Tie<'a>>>,
}

impl<'a> Outside<'a> {
    /// Compares the set of an inner end with the cluster of an outer one.
    fn compare(
        &mut self,
        graph: &'a Graph,
        rules: &Rules,
        clusters: &mut Clusters,
        inner: usize,
        tie: &Tie<'_>,
    ) -> Compared {
        let Some((node, profile)) = graph.node(tie.other).and_then(|node| match node.territory {
            Territory::Profile(profile) => Some((node, profile)),
            Territory::New(_) => None,
        }) else {
            return Compared::Refused(Refusal::Size);
        };
        // Whatever its cluster is, it holds the outer end; most comparisons end here.
        let alone = Weight::of(&node.identifier.namespace, &node.sides, rules);
        if let Some(refusal) = clusters.weight(inner).refuses(&alone, rules) {
            return Compared::Refused(refusal);
        }
        let inner_shared = graph
            .node(tie.key)
            .is_some_and(|n| n.standing == Standing::Shared);
        let outer_shared = node.standing == Standing::Shared;
        if inner_shared && (outer_shared || clusters.is_taken(inner)) {
            return Compared::Refused(Refusal::Shared(tie.key));
        }
        let Some(members) = graph.members(Territory::Profile(profile)) else {
            return Compared::Unknown(profile);
        };
        let within = self
            .within
            .entry(profile)
            .or_insert_with(|| within(graph, rules, members));
        let cluster = cluster(graph, rules, within, tie);
        if outer_shared && cluster.size() > 1 {
            return Compared::Refused(Refusal::Shared(tie.other));
        }
        match clusters.weight(inner).refuses(&cluster, rules) {
            Some(refusal) => Compared::Refused(refusal),
            None => Compared::Joins(profile),
        }
    }
}

/// The links within a stored set, strongest first.
fn within<'a>(graph: &'a Graph, rules: &Rules, members: &BTreeSet<IdentityKey>) -> Vec<Tie<'a>> {
    let mut inside = Clusters::default();
    let keys: Vec<IdentityKey> = members.iter().copied().collect();
    for key in &keys {
        if let Some(node) = graph.node(*key) {
            inside.add(*key, node, rules);
        }
    }
    let mut ties = ties(graph, rules, &keys, &inside);
    ties.retain(|tie| members.contains(&tie.other));
    // A shared identifier went with the first that took it, which is no shared one.
    let mut taken: HashSet<IdentityKey> = HashSet::new();
    let shared = |key: IdentityKey| {
        graph
            .node(key)
            .is_some_and(|n| n.standing == Standing::Shared)
    };
    ties.retain(|tie| match (shared(tie.key), shared(tie.other)) {
        (false, false) => true,
        (true, false) => taken.insert(tie.key),
        (false, true) => taken.insert(tie.other),
        (true, true) => false,
    });
    ties
}

/// What the cluster of a tie's outer end is made of at the tie's turn.
fn cluster(graph: &Graph, rules: &Rules, within: &[Tie<'_>], tie: &Tie<'_>) -> Weight {
    let stronger = within.partition_point(|link| link.strength < tie.strength);
    let mut around: HashMap<IdentityKey, Vec<IdentityKey>> = HashMap::new();
    for link in &within[..stronger] {
        around.entry(link.key).or_default().push(link.other);
        around.entry(link.other).or_default().push(link.key);
    }
    let mut seen = HashSet::from([tie.other]);
    let mut open = vec![tie.other];
    let mut weight = Weight::default();
    while let Some(key) = open.pop() {
        if let Some(node) = graph.node(key) {
            let own = Weight::of(&node.identifier.namespace, &node.sides, rules);
            if weight.size() == 0 {
                weight = own;
            } else {
                weight.add(&own);
            }
        }
        for next in around.get(&key).into_iter().flatten() {
            if seen.insert(*next) {
                open.push(*next);
            }
        }
    }
    weight
}
