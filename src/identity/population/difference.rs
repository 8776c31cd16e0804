//! How two partitions of the same identifiers differ.
//!
//! A set of those after goes on from the one before that has the strongest oldest home in it, as ids do; whoever lay in
//! another before has moved.

use std::collections::{BTreeMap, HashMap};

use super::order;
use crate::{
    identity::{Normalised, resolve::Graph},
    ids::{IdentityKey, LengthPrefixed, ProfileId},
};

/// Profiles that an example names at most, before and after.
const PARTS: usize = 16;

/// Identifiers that are shown of a profile.
const SHOWN: usize = 16;

/// A population in figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Profiles with identifiers.
    pub profiles: usize,
    /// Hubs.
    pub hubs: usize,
    /// Identifiers that lend what was done by them to no profile.
    pub apart: usize,
    /// Identifiers of the largest profile.
    pub largest: usize,
}

/// What becomes of a population.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// As it is.
    pub before: Figures,
    /// As it would be.
    pub after: Figures,
    /// Sets after that hold identifiers of several before.
    pub joined: usize,
    /// Sets before whose identifiers lie in several after.
    pub split: usize,
    /// Identifiers that lie in another profile than before.
    pub moved: usize,
    /// Identifiers there are.
    pub identifiers: usize,
    /// A hash of the sets after, whatever their ids.
    pub digest: u128,
    /// Sets that are joined, the strongest first.
    pub joined_examples: Vec<Example>,
    /// Sets that come apart, the strongest first.
    pub split_examples: Vec<Example>,
}

/// What becomes of some profiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Example {
    /// As they are.
    pub before: Vec<Part>,
    /// As they would be.
    pub after: Vec<Part>,
}

/// A profile in an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its id; `None` for one that would be new.
    pub profile: Option<ProfileId>,
    /// Its strongest identifiers.
    pub identifiers: Vec<Normalised>,
    /// How many it has.
    pub total: usize,
}

/// What is compared.
pub(super) struct Compare<'a> {
    pub(super) graph: &'a Graph,
    pub(super) lies_in: &'a HashMap<IdentityKey, ProfileId>,
    pub(super) homes: &'a HashMap<ProfileId, IdentityKey>,
}

impl Compare<'_> {
    /// Compares the stored sets with others.
    pub(super) fn compare(&self, sets: &[Vec<IdentityKey>], examples: usize) -> Difference {
        let mut now: HashMap<IdentityKey, usize> = HashMap::with_capacity(self.lies_in.len());
        for (n, set) in sets.iter().enumerate() {
            now.extend(set.iter().map(|key| (*key, n)));
        }
        let heirs = self.heirs(&now);
        let mut difference = Difference {
            identifiers: self.lies_in.len(),
            ..Difference::default()
        };
        let mut joined = Vec::new();
        for (n, set) in sets.iter().enumerate() {
            let from = |key: &IdentityKey| self.lies_in.get(key).copied();
            let first = set.first().and_then(from);
            if set.iter().any(|key| from(key) != first) {
                joined.push(n);
            }
            let heir = heirs.get(&n).copied();
            difference.moved += set.iter().filter(|key| from(key) != heir).count();
            difference.digest = difference.digest.wrapping_add(self.hash(set));
        }
        let mut before: BTreeMap<ProfileId, Vec<IdentityKey>> = BTreeMap::new();
        for (key, profile) in self.lies_in {
            before.entry(*profile).or_default().push(*key);
        }
        difference.before.largest = before.values().map(Vec::len).max().unwrap_or_default();
        let parts = |set: &[IdentityKey]| set.iter().any(|key| now.get(key) != now.get(&set[0]));
        let split = before.iter().filter(|(_, set)| parts(set));
        let split: Vec<(ProfileId, &[IdentityKey])> =
            split.map(|(id, set)| (*id, set.as_slice())).collect();
        difference.joined = joined.len();
        difference.split = split.len();
        joined.sort_by_key(|n| self.strongest(&sets[*n]));
        for n in joined.into_iter().take(examples) {
            let mut ids: Vec<ProfileId> = Vec::new();
            for id in sets[n].iter().filter_map(|key| self.lies_in.get(key)) {
                if !ids.contains(id) && ids.len() < PARTS {
                    ids.push(*id);
                }
            }
            let mut old: Vec<(ProfileId, &[IdentityKey])> = ids
                .into_iter()
                .filter_map(|id| Some((id, before.get(&id)?.as_slice())))
                .collect();
            old.sort_by_key(|(_, set)| self.strongest(set));
            difference.joined_examples.push(Example {
                before: old
                    .iter()
                    .map(|(id, set)| self.part(Some(*id), set))
                    .collect(),
                after: vec![self.part(heirs.get(&n).copied(), &sets[n])],
            });
        }
        let mut split = split;
        split.sort_by_key(|(_, set)| self.strongest(set));
        for (id, set) in split.into_iter().take(examples) {
            let mut places: Vec<usize> = Vec::new();
            for n in set.iter().filter_map(|key| now.get(key)) {
                if !places.contains(n) && places.len() < PARTS {
                    places.push(*n);
                }
            }
            places.sort_by_key(|n| self.strongest(&sets[*n]));
            difference.split_examples.push(Example {
                before: vec![self.part(Some(id), set)],
                after: places
                    .into_iter()
                    .map(|n| self.part(heirs.get(&n).copied(), &sets[n]))
                    .collect(),
            });
        }
        difference
    }

    /// The profile before that each set goes on from.
    fn heirs(&self, now: &HashMap<IdentityKey, usize>) -> HashMap<usize, ProfileId> {
        let mut heirs: HashMap<usize, (ProfileId, IdentityKey)> = HashMap::new();
        for (profile, home) in self.homes {
            let Some(n) = now.get(home) else { continue };
            let heir = heirs.entry(*n).or_insert((*profile, *home));
            if order(self.graph, *home) < order(self.graph, heir.1) {
                *heir = (*profile, *home);
            }
        }
        heirs
            .into_iter()
            .map(|(n, (profile, _))| (n, profile))
            .collect()
    }

    fn strongest(&self, set: &[IdentityKey]) -> Option<(u8, crate::clock::Micros, &str, &str)> {
        set.iter().filter_map(|key| order(self.graph, *key)).min()
    }

    fn part(&self, profile: Option<ProfileId>, set: &[IdentityKey]) -> Part {
        let mut named: Vec<_> = set
            .iter()
            .filter_map(|key| order(self.graph, *key))
            .collect();
        named.sort_unstable();
        Part {
            profile,
            identifiers: named
                .iter()
                .take(SHOWN)
                .map(|(_, _, namespace, value)| Normalised {
                    namespace: (*namespace).to_owned(),
                    value: (*value).to_owned(),
                })
                .collect(),
            total: set.len(),
        }
    }

    fn hash(&self, set: &[IdentityKey]) -> u128 {
        let mut named: Vec<(&str, &str)> = set
            .iter()
            .filter_map(|key| self.graph.node(*key))
            .map(|node| {
                (
                    node.identifier.namespace.as_str(),
                    node.identifier.value.as_str(),
                )
            })
            .collect();
        named.sort_unstable();
        let mut hash = LengthPrefixed(blake3::Hasher::new());
        for (namespace, value) in named {
            hash.add(namespace.as_bytes());
            hash.add(value.as_bytes());
        }
        hash.finish_128().as_u128()
    }
}
