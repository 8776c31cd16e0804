//! The fast path: what an interaction does when nothing but a union comes of it.
//!
//! What must stay true: an interaction is admitted only if full resolution would give the union of the sets that its
//! identifiers lie in, with nothing else moved. That is so when no identifier changes its standing, no shared identifier
//! stands between two sets, and the rules allow the union: rules are hereditary, so every link within the union is then
//! accepted at its turn, and every link out of it is refused as before. Whether anything is contested does not matter.
//!
//! It is decided from the rows of the identifiers and the makeups of their profiles. Refusing too often costs time and
//! nothing else; so where it would take more reading to know, the answer is no.

use std::collections::{HashMap, HashSet};

use super::{
    Keyed, Makeup, Neighbours, Normalised, Standing,
    resolve::Territory,
    rules::{Rules, Shared},
    standing::{counts, standing},
};
use crate::ids::IdentityKey;

/// An identifier as stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Where it lies.
    pub territory: Territory,
    /// What it is by its links.
    pub standing: Standing,
    /// To how many values it is linked.
    pub neighbours: Neighbours,
}

/// The sets of a batch as they grow.
#[derive(Debug)]
pub struct Fast<'a> {
    rules: &'a Rules,
    stored: HashMap<IdentityKey, Stored>,
    /// Links that are known to exist.
    links: HashSet<(IdentityKey, IdentityKey)>,
    /// Territories that have gone into others.
    into: HashMap<Territory, Territory>,
    makeups: HashMap<Territory, Makeup>,
}

/// Why an interaction is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Denied {
    /// An identifier becomes a hub, or shared.
    Standing,
    /// A shared identifier stands between two sets.
    Shared,
    /// The rules do not allow the union.
    Rules,
    /// A profile's row does not say what it is made of.
    Makeup,
}

impl<'a> Fast<'a> {
    /// With what is stored of the identifiers of a batch and the makeups of the profiles they lie in.
    #[must_use]
    pub fn new(
        rules: &'a Rules,
        stored: HashMap<IdentityKey, Stored>,
        makeups: HashMap<Territory, Makeup>,
    ) -> Self {
        Self {
            rules,
            stored,
            links: HashSet::new(),
            into: HashMap::new(),
            makeups,
        }
    }

    /// Says that a link is stored.
    pub fn know_link(&mut self, key: IdentityKey, other: IdentityKey) {
        self.links.insert((key, other));
        self.links.insert((other, key));
    }

    fn standing(&self, key: IdentityKey) -> Standing {
        self.stored.get(&key).map_or(Standing::Own, |s| s.standing)
    }

    fn territory(&self, key: IdentityKey) -> Territory {
        let mut at = self
            .stored
            .get(&key)
            .map_or(Territory::New(key), |s| s.territory);
        while let Some(next) = self.into.get(&at) {
            at = *next;
        }
        at
    }

    /// The links of an interaction that may be new and whose being new would change a standing: whether they are stored
    /// has to be known before it can be admitted.
    #[must_use]
    pub fn doubtful(&self, identifiers: &[Keyed]) -> Vec<(IdentityKey, IdentityKey)> {
        let Some((anchor, others)) = identifiers.split_first() else {
            return Vec::new();
        };
        let changed = self.changed(identifiers);
        others
            .iter()
            .filter(|other| changed.contains(&anchor.key) || changed.contains(&other.key))
            .map(|other| (anchor.key, other.key))
            .collect()
    }

    /// The identifiers whose standing the links of an interaction would change, for all that is known.
    fn changed(&self, identifiers: &[Keyed]) -> HashSet<IdentityKey> {
        let mut neighbours: HashMap<IdentityKey, (&Normalised, Neighbours)> = HashMap::new();
        let mut nobodys = HashSet::new();
        for (one, other) in self.new_links(identifiers) {
            for (this, that) in [(one, other), (other, one)] {
                neighbours
                    .entry(this.key)
                    .or_insert_with(|| (&this.identifier, self.neighbours(this.key)))
                    .1
                    .add(&that.identifier.namespace);
            }
        }
        // Whether two meet depends on times and counts of links, new or not, that are not at hand.
        if let Some((anchor, others)) = identifiers.split_first() {
            for other in others {
                for (this, that) in [(anchor, other), (other, anchor)] {
                    if self.rules.of(&this.identifier.namespace).shared == Shared::Nobody
                        && counts(self.rules, &that.identifier.namespace)
                        && self.standing(this.key) != Standing::Hub
                    {
                        nobodys.insert(this.key);
                    }
                }
            }
        }
        neighbours
            .into_iter()
            .filter(|(key, (identifier, neighbours))| {
                // A hub stays one, whatever made it one.
                let was = self.standing(*key);
                was != Standing::Hub && standing(self.rules, identifier, neighbours, false) != was
            })
            .map(|(key, _)| key)
            .chain(nobodys)
            .collect()
    }

    fn neighbours(&self, key: IdentityKey) -> Neighbours {
        self.stored
            .get(&key)
            .map(|s| s.neighbours.clone())
            .unwrap_or_default()
    }

    /// The links of an interaction that are not known to exist.
    fn new_links<'i>(
        &self,
        identifiers: &'i [Keyed],
    ) -> impl Iterator<Item = (&'i Keyed, &'i Keyed)> {
        let anchor = identifiers.first();
        identifiers
            .iter()
            .skip(1)
            .filter_map(move |other| Some((anchor?, other)))
            .filter(|(anchor, other)| !self.links.contains(&(anchor.key, other.key)))
    }

    /// Admits an interaction, or says why not; what is not admitted leaves no trace.
    ///
    /// # Errors
    /// Why it is not admitted.
    pub fn admit(&mut self, identifiers: &[Keyed]) -> Result<(), Denied> {
        if !self.changed(identifiers).is_empty() {
            return Err(Denied::Standing);
        }
        let joined = self.joined(identifiers);
        if joined.len() > 1
            && identifiers
                .iter()
                .any(|i| self.standing(i.key) == Standing::Shared)
        {
            return Err(Denied::Shared);
        }
        let mut union: Option<(Territory, Makeup)> = None;
        // Mostly it is about one profile, which stays as it is.
        let alone = joined.len() == 1 && self.makeups.contains_key(&joined[0]);
        for territory in joined.iter().filter(|_| !alone) {
            let makeup = match (self.makeups.get(territory), territory) {
                (Some(makeup), _) => makeup.clone(),
                (None, Territory::New(key)) => identifiers
                    .iter()
                    .find(|i| i.key == *key)
                    .map(|i| Makeup::of(&i.identifier.namespace, &[]))
                    .unwrap_or_default(),
                (None, Territory::Profile(_)) => return Err(Denied::Makeup),
            };
            match &mut union {
                None => union = Some((*territory, makeup)),
                Some((_, whole)) => {
                    if whole.refuses(&makeup, self.rules).is_some() {
                        return Err(Denied::Rules);
                    }
                    whole.add(&makeup);
                }
            }
        }
        let links: Vec<(Keyed, Keyed)> = self
            .new_links(identifiers)
            .map(|(a, b)| (a.clone(), b.clone()))
            .collect();
        for (anchor, other) in links {
            self.add_link(&anchor, &other);
        }
        if let Some((first, makeup)) = union {
            for territory in joined.iter().filter(|t| **t != first) {
                self.into.insert(*territory, first);
            }
            self.makeups.insert(first, makeup);
        }
        Ok(())
    }

    /// The territories that an interaction makes one: its anchor's and those of its other identifiers, hubs left out.
    #[must_use]
    pub fn joined(&self, identifiers: &[Keyed]) -> Vec<Territory> {
        let hub = |i: &&Keyed| self.standing(i.key) == Standing::Hub;
        let Some(anchor) = identifiers.first().filter(|anchor| !hub(anchor)) else {
            return Vec::new();
        };
        let mut joined = vec![self.territory(anchor.key)];
        for other in identifiers[1..].iter().filter(|other| !hub(other)) {
            let territory = self.territory(other.key);
            if !joined.contains(&territory) {
                joined.push(territory);
            }
        }
        joined
    }

    fn add_link(&mut self, one: &Keyed, other: &Keyed) {
        self.know_link(one.key, other.key);
        for (this, that) in [(one, other), (other, one)] {
            let territory = Territory::New(this.key);
            self.stored
                .entry(this.key)
                .or_insert_with(|| Stored {
                    territory,
                    standing: Standing::Own,
                    neighbours: Neighbours::default(),
                })
                .neighbours
                .add(&that.identifier.namespace);
        }
    }
}
