//! What a store must hold, computed from everything at once.

use std::collections::{BTreeMap, BTreeSet};

use super::{facts::in_force, world::World};
use crate::{
    identity::{Makeup, Normalised, Standing, whole::Told},
    ids::IdentityKey,
};

/// A set as everything says it must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Set {
    pub(super) members: Vec<Normalised>,
    pub(super) apart: Vec<Normalised>,
    pub(super) state: BTreeSet<u32>,
}

/// Resolves all recorded interactions and decisions at once.
pub(super) fn whole(world: &World) -> (Vec<Set>, BTreeMap<IdentityKey, Standing>) {
    let mut told = Told::default();
    for event in world.events.values() {
        told.interaction(event.at, &event.identifiers);
    }
    let force = in_force(&world.decisions);
    for assertion in force.assertions.into_values().flatten() {
        if assertion.key < assertion.other {
            told.assertion(assertion);
        }
    }
    for (key, sides) in force.sides {
        for (decision, side) in sides {
            told.side(key, decision, side);
        }
    }
    let whole = told.resolve(&world.rules);
    let standings = whole
        .sets
        .iter()
        .flat_map(|set| &set.members)
        .filter_map(|key| whole.graph.node(*key).map(|node| (*key, node.standing)))
        .collect();
    let sets = whole
        .sets
        .into_iter()
        .map(|set| {
            let state = world
                .events
                .values()
                .filter(|e| {
                    let anchor = e.identifiers[0].key;
                    set.members.contains(&anchor) && !set.apart.contains(&anchor)
                })
                .map(|e| e.id)
                .collect();
            let name = |keys: &BTreeSet<IdentityKey>| {
                let nodes = keys.iter().filter_map(|k| whole.graph.node(*k));
                let mut names: Vec<_> = nodes.map(|n| n.identifier.clone()).collect();
                names.sort();
                names
            };
            Set {
                members: name(&set.members),
                apart: name(&set.apart),
                state,
            }
        })
        .collect::<BTreeSet<_>>();
    (sets.into_iter().collect(), standings)
}

/// The sets that a store holds.
pub(super) fn stored(world: &World) -> Vec<Set> {
    let sets: BTreeSet<Set> = world
        .profiles
        .values()
        .filter(|p| !p.members.is_empty())
        .map(|profile| {
            let name = |keys: &BTreeSet<IdentityKey>| {
                let mut names: Vec<_> = keys
                    .iter()
                    .map(|k| world.rows[k].identifier.clone())
                    .collect();
                names.sort();
                names
            };
            Set {
                members: name(&profile.members),
                apart: name(&profile.apart),
                state: profile.state.clone(),
            }
        })
        .collect();
    sets.into_iter().collect()
}

/// What the rows say beside the sets, checked against them; what is wrong, if anything.
pub(super) fn wrong_rows(
    world: &World,
    standings: &BTreeMap<IdentityKey, Standing>,
) -> Option<String> {
    for (key, row) in &world.rows {
        match (row.present, standings.get(key)) {
            (true, Some(standing)) if *standing == row.standing => {
                if !world.profiles[&row.profile].members.contains(key) {
                    return Some(format!(
                        "{:?} lies in a profile that does not list it",
                        row.identifier
                    ));
                }
            }
            (false, None) => (),
            other => {
                return Some(format!(
                    "{:?} stands {other:?}, stored {:?}",
                    row.identifier, row.standing
                ));
            }
        }
    }
    for (id, profile) in world.profiles.iter().filter(|(_, p)| !p.members.is_empty()) {
        let mut makeup = Makeup::default();
        for key in &profile.members {
            let sides = world.force.sides.get(key).cloned().unwrap_or_default();
            makeup.add(&Makeup::of(&world.rows[key].identifier.namespace, &sides));
        }
        if makeup != profile.makeup {
            return Some(format!(
                "{id} is made of {makeup:?}, stored {:?}",
                profile.makeup
            ));
        }
        let strongest = profile
            .members
            .iter()
            .min_by_key(|k| {
                let row = &world.rows[k];
                let name = &row.identifier;
                (
                    crate::identity::namespace::rule(&name.namespace).anchor_rank,
                    row.first_seen,
                    name.clone(),
                )
            })
            .copied();
        let at_home = profile.members.contains(&profile.home_key)
            && (profile.keeps || strongest == Some(profile.home_key))
            && profile.home.first_seen == world.rows[&profile.home_key].first_seen;
        if !at_home {
            return Some(format!("{id} is not at home"));
        }
    }
    None
}
