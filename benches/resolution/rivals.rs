//! What others do with the same links. Blocked values are left out for them too; without that they would do far worse.

use std::collections::HashMap;

use customer_profile::identity::components::components;

use crate::{read::Read, score::Clusters};

/// Plain connected components: whatever a chain of links connects is one person.
pub(crate) fn plain_components(read: &Read<'_>) -> Clusters {
    let links = read.rows.iter().flat_map(super::read::Row::links);
    let sets = components(0..read.identifiers.len(), links);
    let mut set_of = vec![0; read.identifiers.len()];
    for (set, members) in sets.into_iter().enumerate() {
        for member in members {
            set_of[member] = set;
        }
    }
    at_anchors(read, |anchor| set_of[anchor])
}

/// Newest link wins: records are taken in the order of their arrival, each link from the anchor as it comes. If at most one
/// of the two profiles has a `customer_id`, they become one; else the weaker end leaves its profile for the anchor's, with
/// everything recorded at it, and nothing else moves. Nothing is taken back later.
pub(crate) fn newest_link_wins(read: &Read<'_>) -> Clusters {
    let mut profiles = Profiles {
        of: (0..read.identifiers.len()).collect(),
        members: (0..read.identifiers.len()).map(|i| vec![i]).collect(),
        customer: read
            .identifiers
            .iter()
            .map(|i| i.namespace == "customer_id")
            .collect(),
    };
    for (anchor, other) in read.rows.iter().flat_map(super::read::Row::links) {
        profiles.link(anchor, other);
    }
    at_anchors(read, |anchor| profiles.of[anchor])
}

struct Profiles {
    /// The profile of each identifier.
    of: Vec<usize>,
    members: Vec<Vec<usize>>,
    /// Whether a profile has a `customer_id`, which never leaves it: it is always an anchor.
    customer: Vec<bool>,
}

impl Profiles {
    fn link(&mut self, anchor: usize, other: usize) {
        let (to, from) = (self.of[anchor], self.of[other]);
        if to == from {
            return;
        }
        if self.customer[to] && self.customer[from] {
            self.members[from].retain(|i| *i != other);
            self.members[to].push(other);
            self.of[other] = to;
            return;
        }
        let (large, small) = if self.members[to].len() >= self.members[from].len() {
            (to, from)
        } else {
            (from, to)
        };
        let moved = std::mem::take(&mut self.members[small]);
        for i in &moved {
            self.of[*i] = large;
        }
        self.members[large].extend(moved);
        self.customer[large] |= self.customer[small];
        self.customer[small] = false;
    }
}

fn at_anchors(read: &Read<'_>, cluster: impl Fn(usize) -> usize) -> Clusters {
    let mut clusters = HashMap::new();
    for (n, row) in read.rows.iter().enumerate() {
        if let Some(anchor) = row.anchor() {
            clusters.insert(n, u64::try_from(cluster(anchor)).unwrap());
        }
    }
    clusters
}
