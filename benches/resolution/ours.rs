//! The service's partition: the pure resolution of everything at once, by the default rules.
//!
//! A record is in the profile that holds its anchor. A record whose anchor lies *apart* (a shared or contested device or
//! cookie) is shown in no profile, so all records at such an anchor are a cluster of their own. So are those at a hub.

use std::collections::BTreeSet;

use customer_profile::{
    identity::{
        Link, Neighbours, Rules,
        link::{Links, add_link, from_both_ends, links_of},
        resolve::{Graph, Node, Resolution, Territory, resolve},
        settle,
        standing::standing,
    },
    ids::{IdentityKey, ProfileId},
};
use uuid::Uuid;

use crate::{read::Read, score::Clusters};

const EVERYTHING: Territory = Territory::Profile(ProfileId::from_uuid(Uuid::nil()));

/// The clusters of the records.
pub(crate) fn partition(read: &Read<'_>) -> Clusters {
    let rules = Rules::default();
    let graph = graph(read, &rules);
    let inside = BTreeSet::from([EVERYTHING]);
    let Resolution::Resolved { sets, .. } = resolve(&graph, &rules, &inside) else {
        unreachable!("there is nothing outside");
    };
    let mut cluster_of: Vec<u64> = vec![0; read.identifiers.len()];
    let mut next = 0;
    for set in sets {
        let members: BTreeSet<IdentityKey> = set.into_iter().collect();
        let apart = settle::apart(&graph, &rules, &members);
        let shown = next;
        next += 1;
        for key in members {
            cluster_of[place(key)] = if apart.contains(&key) {
                next += 1;
                next - 1
            } else {
                shown
            };
        }
    }
    let anchors = read.rows.iter().map(super::read::Row::anchor).enumerate();
    anchors
        .filter_map(|(n, anchor)| anchor.map(|anchor| (n, cluster_of[anchor])))
        .collect()
}

fn key(place: usize) -> IdentityKey {
    IdentityKey::from_uuid(Uuid::from_u128(u128::try_from(place).unwrap()))
}

fn place(key: IdentityKey) -> usize {
    usize::try_from(key.as_uuid().as_u128()).unwrap()
}

fn graph(read: &Read<'_>, rules: &Rules) -> Graph {
    let mut first_seen = vec![None; read.identifiers.len()];
    let mut links = Links::new();
    for row in &read.rows {
        for i in &row.identifiers {
            let first = first_seen[*i].get_or_insert(row.at);
            *first = row.at.min(*first);
        }
        for link in links_of(row.at, row.identifiers.iter().map(|i| key(*i))) {
            add_link(&mut links, link);
        }
    }
    let mut of_place: Vec<Vec<Link>> = vec![Vec::new(); read.identifiers.len()];
    for link in from_both_ends(&links).into_values() {
        of_place[place(link.key)].push(link);
    }
    let mut graph = Graph::default();
    for (n, links) in of_place.into_iter().enumerate() {
        let identifier = &read.identifiers[n];
        let namespace = |link: &Link| read.identifiers[place(link.other)].namespace.as_str();
        let mut neighbours = Neighbours::default();
        for link in &links {
            neighbours.add(namespace(link));
        }
        let node = Node {
            identifier: identifier.clone(),
            first_seen: first_seen[n].unwrap_or_default(),
            // No namespace is `nobody`'s by default, so whether two people meet does not matter.
            standing: standing(rules, identifier, &neighbours, false),
            sides: Vec::new(),
            territory: EVERYTHING,
        };
        graph.put(key(n), node);
        graph.set_links_of(key(n), links);
    }
    graph.know(EVERYTHING, (0..read.identifiers.len()).map(key));
    graph
}
