//! What interactions do to the links and standings of a store in memory, and what is left when one is taken out.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    facts::{Event, Fault},
    world::{Row, World},
};
use crate::{
    identity::{
        Link, Neighbours, Standing,
        link::{Links, add_link, from_both_ends, links_of},
        resolve::Territory,
        rules::Shared,
        settle::Wishes,
        standing::{meet, standing},
    },
    ids::{IdentityKey, ProfileId},
};

impl World {
    /// Stores an interaction: its links, what its identifiers are by them, and the state of its anchor.
    pub(super) fn add(&mut self, event: &Event) {
        let mut of_event = Links::new();
        for link in links_of(event.at, event.identifiers.iter().map(|i| i.key)) {
            add_link(&mut of_event, link);
        }
        for (n, i) in event.identifiers.iter().enumerate() {
            let row = self.rows.entry(i.key).or_insert_with(|| Row {
                identifier: i.identifier.clone(),
                first_seen: event.at,
                standing: Standing::Own,
                neighbours: Neighbours::default(),
                profile: ProfileId::from_uuid(Uuid::nil()),
                present: false,
                former: Vec::new(),
                state: BTreeSet::new(),
            });
            row.first_seen = if row.present {
                row.first_seen.min(event.at)
            } else {
                event.at
            };
            if n == 0 {
                row.state.insert(event.id);
            }
        }
        for (ends, link) in from_both_ends(&of_event) {
            if !self.links.contains_key(&ends) {
                let namespace = self.rows[&link.other].identifier.namespace.clone();
                if let Some(row) = self.rows.get_mut(&link.key) {
                    row.neighbours.add(&namespace);
                }
            }
            add_link(&mut self.links, link);
        }
        for i in &event.identifiers {
            self.stand(i.key);
        }
    }

    /// What an identifier is by its links.
    pub(super) fn stand(&mut self, key: IdentityKey) {
        let links = self.links_from(key);
        let to_unique: Vec<(&str, Link)> = links
            .iter()
            .map(|link| {
                let namespace = self.rows[&link.other].identifier.namespace.as_str();
                (namespace, *link)
            })
            .filter(|(namespace, _)| self.rules.of(namespace).is_unique())
            .collect();
        let nobodys = meet(&to_unique);
        let row = &self.rows[&key];
        let now = standing(&self.rules, &row.identifier, &row.neighbours, nobodys);
        if let Some(row) = self.rows.get_mut(&key) {
            row.standing = now;
        }
    }

    /// The territories of neighbours that may be contested by an identifier whose standing changes.
    pub(super) fn concerned(&self, key: IdentityKey) -> Vec<Territory> {
        if self.fault == Fault::ForgetsNeighbours
            || !self
                .rules
                .of(&self.rows[&key].identifier.namespace)
                .is_unique()
        {
            return Vec::new();
        }
        self.links_from(key)
            .iter()
            .map(|link| link.other)
            .filter(|other| {
                self.rules.of(&self.rows[other].identifier.namespace).shared == Shared::Apart
            })
            .map(|other| self.territory(other))
            .collect()
    }

    pub(super) fn links_from(&self, key: IdentityKey) -> Vec<Link> {
        let all = IdentityKey::from_uuid(Uuid::nil())..=IdentityKey::from_uuid(Uuid::max());
        self.links
            .range((key, *all.start())..=(key, *all.end()))
            .map(|(_, link)| *link)
            .collect()
    }

    /// Takes an interaction out.
    pub(super) fn retract(&mut self, id: u32) {
        let Some(event) = self.events.remove(&id) else {
            return;
        };
        let keys: BTreeSet<IdentityKey> = event.identifiers.iter().map(|i| i.key).collect();
        let mut inside: BTreeSet<Territory> = keys.iter().map(|k| self.territory(*k)).collect();
        let standings: Vec<(IdentityKey, Standing)> =
            keys.iter().map(|k| (*k, self.rows[k].standing)).collect();
        // Neighbours before the links go.
        let concerned: BTreeMap<IdentityKey, Vec<Territory>> =
            keys.iter().map(|k| (*k, self.concerned(*k))).collect();
        let anchor = event.identifiers[0].key;
        if let Some(row) = self.rows.get_mut(&anchor) {
            row.state.remove(&id);
        }
        let mut left = Links::new();
        for event in self.events.values() {
            for link in links_of(event.at, event.identifiers.iter().map(|i| i.key)) {
                add_link(&mut left, link);
            }
        }
        self.links = from_both_ends(&left);
        for key in &keys {
            let seen = self
                .events
                .values()
                .filter(|e| e.identifiers.iter().any(|i| i.key == *key))
                .map(|e| e.at)
                .min();
            let links = self.links_from(*key);
            let mut neighbours = Neighbours::default();
            for link in &links {
                neighbours.add(&self.rows[&link.other].identifier.namespace);
            }
            if let Some(row) = self.rows.get_mut(key) {
                row.neighbours = neighbours;
                match seen {
                    Some(at) => row.first_seen = at,
                    None => row.present = false,
                }
            }
            self.stand(*key);
        }
        for (key, was) in standings {
            if self.rows[&key].standing != was {
                inside.extend(concerned[&key].iter().copied());
            }
        }
        self.resolve_inside(inside, Wishes::default());
    }
}
