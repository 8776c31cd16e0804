//! What a batch of new interactions does to identities, links and profiles: pure.
//!
//! This is the fast path of resolution: `admission` has let through only interactions of which nothing but a union comes.
//! Every set that they touch is the union of the profiles that their identifiers lie in, hubs left out. States are never
//! computed from stored interactions here: the new ones are folded and added.
//!
//! Because `⊕` is commutative and associative and unions are, the result does not depend on how interactions are dealt
//! into batches. What depends on it are profile ids and versions, which no digest sees.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use super::{evidence, heard::mark_felt, index_keys, model::Prepared};
use crate::{
    calendar::Zone,
    clock::Micros,
    identity::{
        HashSecret, Home, Keyed, Link, Makeup, Members, Region, Rules, Standing,
        components::UnionFind, namespace::rule,
    },
    ids::{IdentityKey, ProfileId, TenantId},
    profile::{State, SubjectsBeside},
    storage::{
        identities,
        outbox::{Change, Kind},
        profiles,
    },
};

/// What a batch is planned against.
#[derive(Debug, Default)]
pub struct Known {
    /// The identities of the batch that exist, with the states of its anchors.
    pub identities: HashMap<IdentityKey, identities::Identity>,
    /// The profiles that those lie in, with members and subjects as [`needs`] says.
    pub profiles: HashMap<ProfileId, profiles::Profile>,
}

impl Known {
    fn lies_in(&self) -> LiesIn {
        let identities = self.identities.iter();
        identities
            .map(|(key, identity)| (*key, identity.profile))
            .collect()
    }
}

/// Everything that a batch writes.
#[derive(Default)]
pub struct Writes {
    /// Identities, new or changed.
    pub identities: Vec<identities::Write>,
    /// Identities that go to another profile without being in the batch.
    pub moves: Vec<(Vec<IdentityKey>, ProfileId)>,
    /// Merged-away profiles, by their homes.
    pub former: Vec<(IdentityKey, ProfileId)>,
    /// Links, from both ends.
    pub links: Vec<Link>,
    /// What the index by trait gains and loses.
    pub index: index_keys::Changes,
    /// Profiles, new or changed.
    pub profiles: Vec<profiles::Write>,
    /// What happened to profiles.
    pub changes: Vec<Change>,
    /// The profile and version of each interaction, in their order.
    pub placed: Vec<(ProfileId, i64)>,
    /// How many profiles went into others.
    pub joins: usize,
    rules: i64,
}

/// Constants of a plan.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// Its region.
    pub region: Region,
    /// Its time zone.
    pub zone: Zone,
    /// The hash secret.
    pub secret: &'a HashSecret,
    /// The rules of resolution.
    pub rules: &'a Rules,
    /// The number of their revision.
    pub revision: i64,
    /// Identifiers that one change may look at.
    pub resolve_limit: usize,
}

/// A node of the union: a profile that exists, or an identity that does not lie in one yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Node {
    Profile(ProfileId),
    New(IdentityKey),
}

fn node_of(key: IdentityKey, lies_in: &LiesIn) -> Node {
    lies_in
        .get(&key)
        .map_or(Node::New(key), |id| Node::Profile(*id))
}

/// The sets of a batch. What came together only through a hub stays apart.
fn union(items: &[&Prepared], lies_in: &LiesIn, hubs: &HashSet<IdentityKey>) -> Vec<Vec<Node>> {
    let mut sets = UnionFind::default();
    for item in items {
        let mut joined = None;
        for (n, identifier) in item.identifiers.iter().enumerate() {
            let node = node_of(identifier.key, lies_in);
            sets.insert(node);
            let hub = hubs.contains(&identifier.key);
            if n == 0 && !hub {
                joined = Some(node);
            } else if let (Some(first), false) = (joined, hub) {
                sets.join(first, node);
            }
        }
    }
    sets.into_sets()
}

/// The identities that are hubs.
fn hubs(identities: &HashMap<IdentityKey, identities::Identity>) -> HashSet<IdentityKey> {
    let hubs = identities.values().filter(|i| i.standing == Standing::Hub);
    hubs.map(|identity| identity.key).collect()
}

/// Whether an interaction may change the subjects of a state.
fn touches_subjects(item: &Prepared) -> bool {
    use crate::proto::v1::SubjectKind::{Order, Ticket};
    item.message
        .subject
        .as_ref()
        .is_some_and(|s| matches!(s.kind(), Order | Ticket))
}

/// In which profiles identities lie.
pub type LiesIn = HashMap<IdentityKey, ProfileId>;

/// What has to be loaded of the profiles before a batch can be admitted and planned.
#[must_use]
pub fn needs(items: &[&Prepared], known: &Known) -> Vec<profiles::Wanted> {
    let lies_in = known.lies_in();
    let with_subjects: HashSet<Node> = items
        .iter()
        .filter(|item| touches_subjects(item))
        .flat_map(|item| item.identifiers.iter().map(|i| node_of(i.key, &lies_in)))
        .collect();
    let mut wanted = Vec::new();
    for set in union(items, &lies_in, &hubs(&known.identities)) {
        let grows = set.len() > 1;
        let merges = set.iter().filter(|n| matches!(n, Node::Profile(_))).count() > 1;
        let subjects = merges || set.iter().any(|node| with_subjects.contains(node));
        wanted.extend(set.iter().filter_map(|node| match node {
            Node::Profile(id) => Some(profiles::Wanted {
                id: *id,
                members: grows,
                subjects,
            }),
            Node::New(_) => None,
        }));
    }
    wanted
}

/// What has to be loaded of the identities of a batch.
#[must_use]
pub fn identities_wanted(items: &[&Prepared]) -> Vec<identities::Wanted> {
    let mut wanted: BTreeMap<IdentityKey, identities::Wanted> = BTreeMap::new();
    for item in items {
        for (n, identifier) in item.identifiers.iter().enumerate() {
            let entry = wanted
                .entry(identifier.key)
                .or_insert(identities::Wanted::row(identifier.key));
            entry.state |= n == 0;
            entry.subjects |= n == 0 && touches_subjects(item);
        }
    }
    wanted.into_values().collect()
}

/// An identity of the batch as it becomes.
struct Touched {
    identifier: Keyed,
    first_seen: Micros,
    last_seen: Micros,
    /// The fold of the new interactions anchored here.
    added: Option<State>,
}

/// Plans a batch. `items` are new, every one; `draw` makes profile ids.
///
/// # Errors
/// When `known` lacks subjects that [`needs`] asked for.
pub fn plan(
    items: &[&Prepared],
    mut known: Known,
    context: Context<'_>,
    mut draw: impl FnMut() -> ProfileId,
) -> Result<Writes, SubjectsBeside> {
    let mut writes = Writes {
        rules: context.revision,
        ..Writes::default()
    };
    let touched = touch(items, context)?;
    let lies_in = known.lies_in();
    let mut set_of: HashMap<Node, (ProfileId, i64)> = HashMap::new();
    let mut members_of: HashMap<Node, Vec<IdentityKey>> = HashMap::new();
    for key in touched.keys() {
        members_of
            .entry(node_of(*key, &lies_in))
            .or_default()
            .push(*key);
    }
    for set in union(items, &lies_in, &hubs(&known.identities)) {
        let keys: Vec<IdentityKey> = set
            .iter()
            .flat_map(|node| members_of.get(node).cloned().unwrap_or_default())
            .collect();
        let placed = plan_set(&set, &keys, &touched, &mut known, &mut draw, &mut writes)?;
        for node in set {
            set_of.insert(node, placed);
        }
    }
    let place = |key: IdentityKey| {
        set_of
            .get(&node_of(key, &lies_in))
            .copied()
            .unwrap_or((ProfileId::from_uuid(Uuid::nil()), 0))
    };
    writes.links = evidence::links(items);
    writes.placed = items
        .iter()
        .map(|item| {
            item.anchor()
                .map_or((ProfileId::from_uuid(Uuid::nil()), 0), place)
        })
        .collect();
    for (key, touched) in touched {
        let stored = known.identities.remove(&key);
        write_identity(touched, stored, place(key).0, context, &mut writes)?;
    }
    mark_felt(items, &writes.placed, &mut writes.changes);
    Ok(writes)
}

fn touch(
    items: &[&Prepared],
    context: Context<'_>,
) -> Result<BTreeMap<IdentityKey, Touched>, SubjectsBeside> {
    let mut touched: BTreeMap<IdentityKey, Touched> = BTreeMap::new();
    for item in items {
        for (n, identifier) in item.identifiers.iter().enumerate() {
            let entry = touched.entry(identifier.key).or_insert_with(|| Touched {
                identifier: identifier.clone(),
                first_seen: item.occurred_at,
                last_seen: item.occurred_at,
                added: None,
            });
            entry.first_seen = entry.first_seen.min(item.occurred_at);
            entry.last_seen = entry.last_seen.max(item.occurred_at);
            if n == 0 {
                entry
                    .added
                    .get_or_insert_default()
                    .add(item.fact(context.region, context.zone))?;
            }
        }
    }
    Ok(touched)
}

/// Plans one set: which id it has, its version, its state and its members.
fn plan_set(
    set: &[Node],
    keys: &[IdentityKey],
    touched: &BTreeMap<IdentityKey, Touched>,
    known: &mut Known,
    draw: &mut impl FnMut() -> ProfileId,
    writes: &mut Writes,
) -> Result<(ProfileId, i64), SubjectsBeside> {
    let mut profiles: Vec<profiles::Profile> = set
        .iter()
        .filter_map(|node| match node {
            Node::Profile(id) => known.profiles.remove(id),
            Node::New(_) => None,
        })
        .collect();
    raise_homes(&mut profiles, keys, touched, known);
    profiles.sort_by(|a, b| a.home.order().cmp(&b.home.order()));
    let greatest = profiles.iter().map(|p| p.version).max().unwrap_or_default();
    let version = greatest + 1;

    let kind = match profiles.len() {
        0 => Kind::Created,
        1 => Kind::Updated,
        _ => Kind::Merged,
    };
    let mut profiles = profiles.into_iter();
    let survivor = profiles.next();
    let id = survivor.as_ref().map_or_else(draw, |p| p.id);
    let mut home = survivor.as_ref().map(|p| (p.home_key, p.home.clone()));
    let mut members = survivor
        .as_ref()
        .map_or(Some(Members::default()), |p| p.members.clone());
    let mut made = survivor.as_ref().map(Made::of).unwrap_or_default();
    let mut state = survivor.map(|p| p.state).unwrap_or_default();

    let mut felt = false;
    for merged in profiles {
        felt |= !merged.state.core().feelings.is_empty();
        made.add(Made::of(&merged));
        writes.joins += 1;
        merge_away(&merged, id, version, writes);
        state.merge(merged.state)?;
        if let (Some(members), Some(more)) = (&mut members, merged.members) {
            members.extend(more);
        }
    }
    for key in keys {
        let Some(identity) = touched.get(key) else {
            continue;
        };
        let stored = known.identities.get(key);
        if let Some(added) = &identity.added
            && !stored.is_some_and(|identity| identity.apart)
        {
            state.merge(added.clone())?;
        }
        let namespace = &identity.identifier.identifier.namespace;
        if stored.is_none() {
            made.makeup.add(&Makeup::of(namespace, &[]));
        }
        if let Some(members) = &mut members {
            members.insert(rule(namespace).anchor_rank, *key);
        }
        let candidate = candidate_home(identity, known.identities.get(key));
        home = Some(match home {
            Some((best_key, best)) if made.keeps_home => (best_key, best),
            Some((_, ref best)) if candidate.order() < best.order() => (*key, candidate),
            Some(best) => best,
            None => (*key, candidate),
        });
    }
    let mentioned = keys
        .iter()
        .filter_map(|key| touched.get(key))
        .map(|identity| identity.last_seen)
        .max();
    if let Some((home_key, home)) = home {
        writes.changes.push(Change {
            felt,
            ..Change::new(id, version, kind)
        });
        writes.profiles.push(profiles::Write {
            id,
            version,
            home_key,
            home,
            // A profile that lends nothing is still last seen some day: without one it would count as merged away.
            last_seen: state.core().last_at.map(Micros).or(mentioned),
            state: state.encode(),
            members,
            keeps_home: made.keeps_home,
            makeup: made.makeup,
            apart: made.apart,
            rules: writes.rules,
        });
    }
    Ok((id, version))
}

/// What a profile's row says beside its state and members.
#[derive(Default)]
struct Made {
    makeup: Makeup,
    apart: BTreeSet<IdentityKey>,
    keeps_home: bool,
}

impl Made {
    fn of(profile: &profiles::Profile) -> Self {
        Self {
            makeup: profile.makeup.clone(),
            apart: profile.apart.clone(),
            keeps_home: profile.keeps_home,
        }
    }

    fn add(&mut self, other: Self) {
        self.makeup.add(&other.makeup);
        self.apart.extend(other.apart);
    }
}

/// A late interaction makes an identifier older, and so perhaps the home of its profile; ids must follow the homes as
/// they are with it.
fn raise_homes(
    profiles: &mut [profiles::Profile],
    keys: &[IdentityKey],
    touched: &BTreeMap<IdentityKey, Touched>,
    known: &Known,
) {
    for key in keys {
        let (Some(touched), Some(stored)) = (touched.get(key), known.identities.get(key)) else {
            continue;
        };
        let candidate = candidate_home(touched, Some(stored));
        for profile in profiles.iter_mut().filter(|p| p.id == stored.profile) {
            let rises = candidate.order() < profile.home.order() && !profile.keeps_home;
            if profile.home_key == *key || rises {
                profile.home = candidate.clone();
                profile.home_key = *key;
            }
        }
    }
}

fn candidate_home(touched: &Touched, stored: Option<&identities::Identity>) -> Home {
    Home {
        identifier: touched.identifier.identifier.clone(),
        first_seen: stored.map_or(touched.first_seen, |s| s.first_seen.min(touched.first_seen)),
    }
}

fn merge_away(merged: &profiles::Profile, into: ProfileId, version: i64, writes: &mut Writes) {
    let keys = merged.members.iter().flat_map(Members::keys).collect();
    writes.moves.push((keys, into));
    writes.former.push((merged.home_key, merged.id));
    writes.changes.push(Change {
        merged_into: Some(into),
        ..Change::new(merged.id, version, Kind::MergedAway)
    });
    let (home_key, home) = (merged.home_key, merged.home.clone());
    writes
        .profiles
        .push(profiles::Write::emptied(merged.id, version, home_key, home));
}

fn write_identity(
    touched: Touched,
    stored: Option<identities::Identity>,
    profile: ProfileId,
    context: Context<'_>,
    writes: &mut Writes,
) -> Result<(), SubjectsBeside> {
    let Keyed { key, identifier } = touched.identifier;
    let (first_seen, last_seen) =
        stored
            .as_ref()
            .map_or((touched.first_seen, touched.last_seen), |s| {
                (
                    s.first_seen.min(touched.first_seen),
                    s.last_seen.max(touched.last_seen),
                )
            });
    let (standing, apart, neighbours) = stored.as_ref().map_or_else(Default::default, |s| {
        (s.standing, s.apart, s.neighbours.clone())
    });
    let states_traits =
        (touched.added.as_ref()).is_some_and(|added| !added.core().traits.is_empty());
    let mut before = stored.map(|s| s.state.unwrap_or_default());
    let unknown = before.is_none();
    let state = match touched.added {
        None => None,
        Some(added) if unknown || states_traits => {
            let mut state = before.clone().unwrap_or_default();
            state.merge(added)?;
            Some(state)
        }
        Some(added) => {
            let mut state = before.take().unwrap_or_default();
            state.merge(added)?;
            Some(state)
        }
    };
    if unknown || states_traits {
        let nothing = State::default();
        let after = state.as_ref().unwrap_or(&nothing);
        let identity = (key, &identifier);
        (writes.index).follow(context, identity, before.as_ref(), Some(after));
    }
    let state = state.map(State::encode);
    writes.identities.push(identities::Write {
        key,
        identifier,
        profile,
        first_seen,
        last_seen,
        state,
        standing,
        apart,
        neighbours,
    });
    Ok(())
}
