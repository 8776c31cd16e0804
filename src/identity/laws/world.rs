//! A store in memory, worked by the same pure code as the real one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::facts::{Decision, Event, Fault, InForce};
use crate::{
    clock::Micros,
    identity::{
        Home, Keyed, Makeup, Neighbours, Normalised, Rules, Standing,
        fast::{Fast, Stored},
        link::Links,
        resolve::{Graph, Node, Resolution, Territory, resolve},
        settle::{Before, Fate, Settled, Wishes, settle},
        succession::Standpoint,
    },
    ids::{IdentityKey, ProfileId},
};

/// A stored identity.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) identifier: Normalised,
    pub(super) first_seen: Micros,
    pub(super) standing: Standing,
    pub(super) neighbours: Neighbours,
    /// Where it lies; when nothing speaks of it any more, where it last lay.
    pub(super) profile: ProfileId,
    pub(super) present: bool,
    pub(super) former: Vec<ProfileId>,
    /// Events anchored here: its state.
    pub(super) state: BTreeSet<u32>,
}

/// A stored profile, live or not.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) version: i64,
    pub(super) home_key: IdentityKey,
    pub(super) home: Home,
    pub(super) keeps: bool,
    pub(super) members: BTreeSet<IdentityKey>,
    pub(super) apart: BTreeSet<IdentityKey>,
    pub(super) makeup: Makeup,
    pub(super) state: BTreeSet<u32>,
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) rules: Rules,
    pub(super) fault: Fault,
    pub(super) events: BTreeMap<u32, Event>,
    pub(super) decisions: Vec<Decision>,
    pub(super) force: InForce,
    pub(super) rows: BTreeMap<IdentityKey, Row>,
    pub(super) links: Links,
    pub(super) profiles: BTreeMap<ProfileId, Profile>,
    /// Profiles that are not under the rules in force yet.
    pub(super) behind: BTreeSet<ProfileId>,
    drawn: u128,
    pub(super) slow: usize,
    pub(super) fast: usize,
    pub(super) largest: usize,
}

/// A region under way.
struct Region {
    graph: Graph,
    inside: BTreeSet<Territory>,
}

impl World {
    pub(super) fn new(rules: Rules, fault: Fault) -> Self {
        Self {
            rules,
            fault,
            events: BTreeMap::new(),
            decisions: Vec::new(),
            force: InForce::default(),
            rows: BTreeMap::new(),
            links: Links::new(),
            profiles: BTreeMap::new(),
            behind: BTreeSet::new(),
            drawn: 0,
            slow: 0,
            fast: 0,
            largest: 0,
        }
    }

    fn draw(&mut self) -> ProfileId {
        self.drawn += 1;
        ProfileId::from_uuid(Uuid::from_u128(self.drawn))
    }

    pub(super) fn present(&self, key: IdentityKey) -> Option<&Row> {
        self.rows.get(&key).filter(|row| row.present)
    }

    pub(super) fn territory(&self, key: IdentityKey) -> Territory {
        self.present(key)
            .map_or(Territory::New(key), |row| Territory::Profile(row.profile))
    }

    /// Records an interaction.
    pub(super) fn record(&mut self, event: &Event) {
        if self.events.contains_key(&event.id) {
            return;
        }
        self.events.insert(event.id, event.clone());
        // What decisions say of an identifier that is not there comes into force with it.
        let absent = |i: &Keyed| match self.rows.get(&i.key) {
            Some(row) => !row.present,
            None => {
                self.force.sides.contains_key(&i.key) || self.force.assertions.contains_key(&i.key)
            }
        };
        let waits = |i: &Keyed| match self.territory(i.key) {
            Territory::Profile(id) => self.behind.contains(&id),
            Territory::New(_) => false,
        };
        let waiting = self.fault != Fault::AdmitsWaiting && event.identifiers.iter().any(waits);
        let admitted = if waiting || event.identifiers.iter().any(absent) {
            None
        } else {
            self.admit(event)
        };
        match admitted {
            Some(joined) => {
                self.unite(event, &joined);
                // What the fast path writes counts as under the rules in force.
                for i in &event.identifiers {
                    let profile = self.rows[&i.key].profile;
                    self.behind.remove(&profile);
                }
            }
            None => self.resolve_event(event),
        }
    }

    /// What the fast path says: the territories to unite, or nothing.
    fn admit(&self, event: &Event) -> Option<Vec<Territory>> {
        let stored: HashMap<IdentityKey, Stored> = event
            .identifiers
            .iter()
            .filter_map(|i| self.present(i.key).map(|row| (i.key, row)))
            .map(|(key, row)| {
                let stored = Stored {
                    territory: Territory::Profile(row.profile),
                    standing: row.standing,
                    neighbours: row.neighbours.clone(),
                };
                (key, stored)
            })
            .collect();
        let makeups = stored
            .values()
            .filter_map(|s| match s.territory {
                Territory::Profile(id) => Some((s.territory, self.profiles[&id].makeup.clone())),
                Territory::New(_) => None,
            })
            .collect();
        let mut fast = Fast::new(&self.rules, stored, makeups);
        for (key, other) in fast.doubtful(&event.identifiers) {
            if self.links.contains_key(&(key, other)) {
                fast.know_link(key, other);
            }
        }
        let joined = fast.joined(&event.identifiers);
        match fast.admit(&event.identifiers) {
            Ok(()) => Some(joined),
            Err(denied) if self.fault == Fault::Admits(denied) => Some(joined),
            Err(_) => None,
        }
    }

    /// The fast path: the union, and nothing else moves.
    fn unite(&mut self, event: &Event, joined: &[Territory]) {
        self.fast += 1;
        let mut sets: Vec<Vec<Territory>> = vec![joined.to_vec()];
        for i in &event.identifiers {
            let territory = self.territory(i.key);
            if !joined.contains(&territory) {
                sets.push(vec![territory]);
            }
        }
        self.add(event);
        for set in sets.into_iter().filter(|set| !set.is_empty()) {
            let before: Vec<Before> = set.iter().filter_map(|t| self.before(*t)).collect();
            let mut keys: Vec<IdentityKey> = before
                .iter()
                .flat_map(|b| b.members.iter().copied())
                .chain(set.iter().filter_map(|t| match t {
                    Territory::New(key) => Some(*key),
                    Territory::Profile(_) => None,
                }))
                .collect();
            keys.sort_unstable();
            // Only what the fast path may look at: the identifiers themselves and what is stored of the profiles.
            let apart: BTreeSet<IdentityKey> = before
                .iter()
                .flat_map(|b| b.apart.iter().copied())
                .collect();
            let mut graph = Graph::default();
            for key in &keys {
                graph.put(*key, self.node(*key));
            }
            let former = self.former(&keys);
            let mut settled = settle(
                &graph,
                &self.rules,
                vec![keys],
                &before,
                &former,
                Wishes::default(),
            );
            for after in &mut settled.profiles {
                after.apart.clone_from(&apart);
                after.fate = Fate::Changed;
            }
            self.apply(settled);
        }
    }

    /// The slow path for an interaction.
    fn resolve_event(&mut self, event: &Event) {
        let standings: HashMap<IdentityKey, Standing> = event
            .identifiers
            .iter()
            .filter_map(|i| self.present(i.key).map(|row| (i.key, row.standing)))
            .collect();
        let not_below = self.not_below(event);
        let mut inside: BTreeSet<Territory> = event
            .identifiers
            .iter()
            .map(|i| self.territory(i.key))
            .collect();
        self.add(event);
        for i in &event.identifiers {
            let was = standings.get(&i.key).copied().unwrap_or_default();
            if self.rows[&i.key].standing != was {
                inside.extend(self.concerned(i.key));
            }
        }
        let wishes = Wishes {
            not_below,
            ..Wishes::default()
        };
        self.resolve_inside(inside, wishes);
    }

    /// Versions that were seen along identifiers that come back.
    fn not_below(&self, event: &Event) -> i64 {
        event
            .identifiers
            .iter()
            .filter_map(|i| self.rows.get(&i.key).filter(|row| !row.present))
            .filter_map(|row| self.profiles.get(&row.profile))
            .map(|profile| profile.version)
            .max()
            .unwrap_or(0)
    }

    fn node(&self, key: IdentityKey) -> Node {
        let row = &self.rows[&key];
        Node {
            identifier: row.identifier.clone(),
            first_seen: row.first_seen,
            standing: row.standing,
            sides: self.force.sides.get(&key).cloned().unwrap_or_default(),
            territory: self.territory(key),
        }
    }

    fn before(&self, territory: Territory) -> Option<Before> {
        let Territory::Profile(id) = territory else {
            return None;
        };
        let stored = &self.profiles[&id];
        Some(Before {
            standpoint: Standpoint {
                id,
                version: stored.version,
                home_key: stored.home_key,
                home: stored.home.clone(),
                keeps: stored.keeps,
            },
            members: stored.members.clone(),
            apart: stored.apart.clone(),
            makeup: stored.makeup.clone(),
        })
    }

    fn former(&self, keys: &[IdentityKey]) -> BTreeMap<IdentityKey, Vec<ProfileId>> {
        keys.iter()
            .filter_map(|key| self.rows.get(key).map(|row| (*key, row.former.clone())))
            .filter(|(_, former)| !former.is_empty())
            .collect()
    }

    /// Loads a territory: its members, their links, and the other ends of these.
    fn load(&self, region: &mut Region, territory: Territory) {
        let members: Vec<IdentityKey> = match territory {
            Territory::New(key) => vec![key],
            Territory::Profile(id) => self.profiles[&id].members.iter().copied().collect(),
        };
        let members: Vec<IdentityKey> = members
            .into_iter()
            .filter(|key| self.rows[key].present || matches!(territory, Territory::New(_)))
            .collect();
        for key in &members {
            region.graph.put(*key, self.node(*key));
        }
        for key in &members {
            if self.rows[key].standing == Standing::Hub {
                continue;
            }
            let links = self.links_from(*key);
            let assertions = self.force.assertions.get(key).cloned().unwrap_or_default();
            let ends = links
                .iter()
                .map(|l| l.other)
                .chain(assertions.iter().map(|a| a.other));
            for other in ends {
                let known = self.fault != Fault::IgnoresTheBorder || members.contains(&other);
                if known && region.graph.node(other).is_none() && self.present(other).is_some() {
                    region.graph.put(other, self.node(other));
                }
            }
            region.graph.set_links_of(*key, links);
            region.graph.set_assertions_of(*key, assertions);
        }
        region.graph.know(territory, members);
    }

    /// The slow path: resolves some territories and whatever they reach.
    pub(super) fn resolve_inside(&mut self, inside: BTreeSet<Territory>, wishes: Wishes) {
        self.slow += 1;
        let mut region = Region {
            graph: Graph::default(),
            inside,
        };
        for territory in region.inside.clone() {
            self.load(&mut region, territory);
        }
        let sets = loop {
            match resolve(&region.graph, &self.rules, &region.inside) {
                Resolution::Resolved { sets, .. } => break sets,
                Resolution::Wants(wants) => {
                    for id in wants.compare.iter().chain(&wants.join) {
                        let territory = Territory::Profile(*id);
                        if region.graph.members(territory).is_none() {
                            self.load(&mut region, territory);
                        }
                    }
                    region
                        .inside
                        .extend(wants.join.into_iter().map(Territory::Profile));
                }
            }
        };
        self.largest = self.largest.max(region.graph.len());
        let before: Vec<Before> = region
            .inside
            .iter()
            .filter_map(|t| self.before(*t))
            .collect();
        let keys: Vec<IdentityKey> = sets.iter().flatten().copied().collect();
        // Also of identifiers that are gone: their profile may be emptied.
        let homes = before.iter().map(|b| b.standpoint.home_key);
        let all: Vec<IdentityKey> = keys.iter().copied().chain(homes).collect();
        let former = self.former(&all);
        let settled = settle(&region.graph, &self.rules, sets, &before, &former, wishes);
        self.apply(settled);
        for territory in region.inside {
            if let Territory::Profile(id) = territory {
                self.behind.remove(&id);
            }
        }
    }

    fn apply(&mut self, settled: Settled) {
        for after in settled.profiles {
            let id = match after.id {
                Some(id) => id,
                None => self.draw(),
            };
            let state: BTreeSet<u32> = after
                .members
                .difference(&after.apart)
                .flat_map(|key| self.rows[key].state.iter().copied())
                .collect();
            let known = self.profiles.get(&id);
            if after.fate == Fate::Same && known.is_some_and(|p| p.state == state) {
                continue;
            }
            for key in &after.members {
                if let Some(row) = self.rows.get_mut(key) {
                    row.profile = id;
                    row.present = true;
                }
            }
            let profile = Profile {
                version: settled.version,
                home_key: after.home_key,
                home: after.home,
                keeps: after.keeps,
                members: after.members,
                apart: after.apart,
                makeup: after.makeup,
                state,
            };
            self.profiles.insert(id, profile);
        }
        for gone in settled.gone {
            let profile = Profile {
                version: settled.version,
                home_key: gone.home_key,
                home: gone.home,
                keeps: false,
                members: BTreeSet::new(),
                apart: BTreeSet::new(),
                makeup: Makeup::default(),
                state: BTreeSet::new(),
            };
            self.profiles.insert(gone.id, profile);
        }
        for (key, ids) in settled.former {
            if let Some(row) = self.rows.get_mut(&key) {
                row.former = ids;
            }
        }
    }
}
