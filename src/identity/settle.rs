//! From sets to profiles: which id each set has, what it is made of, and whose state it shows.
//!
//! What must stay true: identifiers that stay apart lend their state to no profile while they are *shared*, or *contested*:
//! one of their links to a value of a unique namespace is cut. Both are derived; what is stored of them is there to be
//! fast, and `verify` derives it again. The fast path changes neither: what rules refuse stays refused as sets grow.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Home, Makeup, Standing,
    resolve::Graph,
    rules::{Rules, Shared},
    succession::{Standpoint, succeed},
};
use crate::ids::{IdentityKey, ProfileId};

/// A profile as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// Its id, version and home.
    pub standpoint: Standpoint,
    /// Its identifiers.
    pub members: BTreeSet<IdentityKey>,
    /// Those of them that lend it nothing.
    pub apart: BTreeSet<IdentityKey>,
    /// What it was made of.
    pub makeup: Makeup,
}

/// A profile as it becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// Its id; `None` for one that has to be drawn.
    pub id: Option<ProfileId>,
    /// Key of its home.
    pub home_key: IdentityKey,
    /// Its home.
    pub home: Home,
    /// Whether it keeps its home beside stronger identifiers.
    pub keeps: bool,
    /// Its identifiers.
    pub members: BTreeSet<IdentityKey>,
    /// Those of them that lend it nothing.
    pub apart: BTreeSet<IdentityKey>,
    /// What it is made of.
    pub makeup: Makeup,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// Nothing about it changed.
    Same,
    /// It is new.
    New,
    /// It took in others.
    Joined,
    /// Its identifiers changed, or it came back.
    Parted,
    /// Who is in it did not change; what it shows did.
    Changed,
}

/// A profile that has no identifiers any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Its id.
    pub id: ProfileId,
    /// Where its home was, which says who answers for it.
    pub home_key: IdentityKey,
    /// Its home.
    pub home: Home,
    /// Whether it went into another profile; else its identifiers are gone.
    pub merged: bool,
}

/// What becomes of the profiles of a region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// The sets as profiles, those that stay the same among them.
    pub profiles: Vec<After>,
    /// The profiles that have no identifiers any more.
    pub gone: Vec<Gone>,
    /// The version of everything that changed.
    pub version: i64,
    /// Merged-away ids at the homes where they changed.
    pub former: BTreeMap<IdentityKey, Vec<ProfileId>>,
}

/// What the caller of [`settle`] knows better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The id that an operator wants to stay.
    pub chosen: Option<ProfileId>,
    /// A version that others have seen along an identifier that comes back.
    pub not_below: i64,
}

/// Makes profiles of sets. `former` are the merged-away ids by the keys of their homes.
#[must_use]
pub fn settle(
    graph: &Graph,
    rules: &Rules,
    sets: Vec<Vec<IdentityKey>>,
    before: &[Before],
    former: &BTreeMap<IdentityKey, Vec<ProfileId>>,
    wishes: Wishes,
) -> Settled {
    let homes = homes(graph, &sets);
    let mut gone = Vec::new();
    let mut standpoints = Vec::new();
    for old in before {
        match standpoint(old, &homes) {
            Some(now) => standpoints.push(now),
            None => gone.push(Gone {
                id: old.standpoint.id,
                home_key: old.standpoint.home_key,
                home: old.standpoint.home.clone(),
                merged: false,
            }),
        }
    }
    let mut now_former = former.clone();
    let succeeded = succeed(&sets, &homes, &standpoints, &mut now_former, wishes.chosen);
    for emptied in &gone {
        // Whose home is seen again gets its id back.
        let ids = now_former.entry(emptied.home_key).or_default();
        if !ids.contains(&emptied.id) {
            ids.push(emptied.id);
        }
    }
    let of_id: HashMap<ProfileId, &Before> =
        before.iter().map(|old| (old.standpoint.id, old)).collect();
    let now_of_id: HashMap<ProfileId, &Standpoint> =
        standpoints.iter().map(|now| (now.id, now)).collect();
    let mut profiles = Vec::with_capacity(sets.len());
    for (set, succeeded) in sets.into_iter().zip(succeeded) {
        let Some(succeeded) = succeeded else { continue };
        for id in &succeeded.merged {
            if let Some(now) = now_of_id.get(id) {
                now_former.entry(now.home_key).or_default().push(*id);
                gone.push(Gone {
                    id: *id,
                    home_key: now.home_key,
                    home: now.home.clone(),
                    merged: true,
                });
            }
        }
        let members: BTreeSet<IdentityKey> = set.into_iter().collect();
        let mut after = After {
            id: succeeded.id,
            home_key: succeeded.home_key,
            home: succeeded.home,
            keeps: succeeded.keeps,
            apart: apart(graph, rules, &members),
            makeup: makeup(graph, &members),
            members,
            fate: Fate::Same,
        };
        after.fate = fate(
            &after,
            succeeded.returned,
            !succeeded.merged.is_empty(),
            succeeded.id.and_then(|id| of_id.get(&id).copied()),
        );
        profiles.push(after);
    }
    now_former.retain(|key, ids| former.get(key) != Some(ids));
    Settled {
        profiles,
        gone,
        version: 1 + before
            .iter()
            .map(|b| b.standpoint.version)
            .fold(wishes.not_below, i64::max),
        former: now_former,
    }
}

fn homes(graph: &Graph, sets: &[Vec<IdentityKey>]) -> HashMap<IdentityKey, Home> {
    let nodes = sets
        .iter()
        .flatten()
        .filter_map(|key| graph.node(*key).map(|node| (*key, node)));
    nodes
        .map(|(key, node)| {
            let home = Home {
                identifier: node.identifier.clone(),
                first_seen: node.first_seen,
            };
            (key, home)
        })
        .collect()
}

/// Where an old id stands now: a late interaction may have made another member the strongest oldest, and the home may be
/// gone. `None` when none of its members is left.
fn standpoint(old: &Before, homes: &HashMap<IdentityKey, Home>) -> Option<Standpoint> {
    let keeps = old.standpoint.keeps && homes.contains_key(&old.standpoint.home_key);
    let home_key = if keeps {
        old.standpoint.home_key
    } else {
        let alive = old
            .members
            .iter()
            .filter_map(|key| homes.get(key).map(|home| (*key, home)));
        alive
            .min_by(|(_, a), (_, b)| a.order().cmp(&b.order()))
            .map(|(key, _)| key)?
    };
    Some(Standpoint {
        home_key,
        home: homes.get(&home_key)?.clone(),
        keeps,
        ..old.standpoint.clone()
    })
}

fn fate(after: &After, returned: bool, took_in: bool, old: Option<&Before>) -> Fate {
    let Some(old) = old else {
        return if returned { Fate::Parted } else { Fate::New };
    };
    if took_in {
        return Fate::Joined;
    }
    if after.members != old.members {
        return Fate::Parted;
    }
    let same = after.home_key == old.standpoint.home_key
        && after.home == old.standpoint.home
        && after.keeps == old.standpoint.keeps
        && after.apart == old.apart
        && after.makeup == old.makeup;
    if same { Fate::Same } else { Fate::Changed }
}

/// What a set is made of.
#[must_use]
pub fn makeup(graph: &Graph, members: &BTreeSet<IdentityKey>) -> Makeup {
    let mut makeup = Makeup::default();
    for node in members.iter().filter_map(|key| graph.node(*key)) {
        makeup.add(&Makeup::of(&node.identifier.namespace, &node.sides));
    }
    makeup
}

/// The members of a set that lend it nothing: those whose shared values stay apart, when they are shared or contested.
#[must_use]
pub fn apart(
    graph: &Graph,
    rules: &Rules,
    members: &BTreeSet<IdentityKey>,
) -> BTreeSet<IdentityKey> {
    let stays_apart = |key: &&IdentityKey| {
        graph.node(**key).is_some_and(|node| {
            rules.of(&node.identifier.namespace).shared == Shared::Apart
                && match node.standing {
                    Standing::Own => is_contested(graph, rules, **key, members),
                    Standing::Shared => true,
                    Standing::Hub => false,
                }
        })
    };
    members.iter().filter(stays_apart).copied().collect()
}

/// Whether a link of an identifier to a value of a unique namespace is cut, other than for a shared end: such a link may
/// come to lie within a set without anything being resolved. `members` is the set that the identifier lies in.
#[must_use]
pub fn is_contested(
    graph: &Graph,
    rules: &Rules,
    key: IdentityKey,
    members: &BTreeSet<IdentityKey>,
) -> bool {
    graph.links(key).iter().any(|link| {
        !members.contains(&link.other)
            && graph.node(link.other).is_some_and(|other| {
                rules.of(&other.identifier.namespace).is_unique() && other.standing == Standing::Own
            })
    })
}
