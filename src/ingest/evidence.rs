//! The links that a batch gives, and which of them turn out to be new.

use std::collections::HashMap;

use super::{model::Prepared, plan::Writes};
use crate::{
    identity::{
        Link, Neighbours,
        link::{self, Links},
    },
    ids::IdentityKey,
    storage::links::Ends,
};

/// The links of new interactions, from both ends, each once.
pub(super) fn links(items: &[&Prepared]) -> Vec<Link> {
    let mut links = Links::new();
    for item in items {
        for link in link::links_of(item.occurred_at, item.identifiers.iter().map(|i| i.key)) {
            link::add_link(&mut links, link);
        }
    }
    link::from_both_ends(&links).into_values().collect()
}

impl Writes {
    /// Counts the links that turned out to be new among the neighbours of their ends.
    pub fn count_new_links(&mut self, new: &[Ends]) {
        let namespace_of: HashMap<IdentityKey, String> = self
            .identities
            .iter()
            .map(|write| (write.key, write.identifier.namespace.clone()))
            .collect();
        let mut neighbours: HashMap<IdentityKey, &mut Neighbours> = self
            .identities
            .iter_mut()
            .map(|write| (write.key, &mut write.neighbours))
            .collect();
        for (key, other) in new {
            if let (Some(counted), Some(namespace)) =
                (neighbours.get_mut(key), namespace_of.get(other))
            {
                counted.add(namespace);
            }
        }
    }
}
