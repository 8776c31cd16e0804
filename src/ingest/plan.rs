//! What a batch of new interactions does to identities, links and profiles: pure.
//!
//! This is the fast path of resolution. Every set that a batch touches is the union of the profiles that its identifiers
//! lie in; there is no rule yet that could refuse a union, so the result is the union and nothing else moves. States are
//! never computed from stored interactions here: the new ones are folded and added.
//!
//! Because `⊕` is commutative and associative and unions are, the result does not depend on how interactions are dealt
//! into batches. What depends on it are profile ids and versions, which no digest sees.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use super::model::Prepared;
use crate::{
    clock::Micros,
    identity::{HashSecret, Home, Keyed, Members, Region, components::UnionFind, namespace::rule},
    ids::{IdentityKey, ProfileId, TenantId},
    profile::{Fact, State, SubjectsBeside, trait_value},
    proto::v1::TraitValue,
    storage::{
        identities, identity_traits,
        links::Link,
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
    /// Trait values that identities now state.
    pub traits_added: Vec<identity_traits::Entry>,
    /// Trait values that identities state no more.
    pub traits_removed: Vec<identity_traits::Entry>,
    /// Profiles, new or changed.
    pub profiles: Vec<profiles::Write>,
    /// What happened to profiles.
    pub changes: Vec<Change>,
    /// The profile and version of each interaction, in their order.
    pub placed: Vec<(ProfileId, i64)>,
    /// How many profiles went into others.
    pub joins: usize,
}

/// Constants of a plan.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// Its region.
    pub region: Region,
    /// The hash secret.
    pub secret: &'a HashSecret,
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

fn union(items: &[&Prepared], lies_in: &LiesIn) -> Vec<Vec<Node>> {
    let mut sets = UnionFind::default();
    for item in items {
        let mut nodes = item.identifiers.iter().map(|i| node_of(i.key, lies_in));
        let Some(first) = nodes.next() else { continue };
        sets.insert(first);
        for node in nodes {
            sets.join(first, node);
        }
    }
    sets.into_sets()
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

/// What has to be loaded of the profiles before a batch can be planned.
#[must_use]
pub fn needs(items: &[&Prepared], lies_in: &LiesIn) -> Vec<profiles::Wanted> {
    let with_subjects: HashSet<Node> = items
        .iter()
        .filter(|item| touches_subjects(item))
        .flat_map(|item| item.identifiers.iter().map(|i| node_of(i.key, lies_in)))
        .collect();
    let mut wanted = Vec::new();
    for set in union(items, lies_in) {
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
            let entry = wanted.entry(identifier.key).or_insert(identities::Wanted {
                key: identifier.key,
                state: false,
                subjects: false,
            });
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
    let mut writes = Writes::default();
    let touched = touch(items, context.region)?;
    let lies_in: LiesIn = known
        .identities
        .iter()
        .map(|(key, identity)| (*key, identity.profile))
        .collect();
    let mut set_of: HashMap<Node, (ProfileId, i64)> = HashMap::new();
    let mut members_of: HashMap<Node, Vec<IdentityKey>> = HashMap::new();
    for key in touched.keys() {
        members_of
            .entry(node_of(*key, &lies_in))
            .or_default()
            .push(*key);
    }
    for set in union(items, &lies_in) {
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
    writes.links = links(items);
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
    Ok(writes)
}

fn touch(
    items: &[&Prepared],
    region: Region,
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
                entry.added.get_or_insert_default().add(Fact {
                    id: item.id,
                    occurred_at: item.occurred_at,
                    message: &item.message,
                    region,
                })?;
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
    let mut state = survivor.map(|p| p.state).unwrap_or_default();

    for merged in profiles {
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
        if let Some(added) = &identity.added {
            state.merge(added.clone())?;
        }
        let namespace = &identity.identifier.identifier.namespace;
        if let Some(members) = &mut members {
            members.insert(rule(namespace).anchor_rank, *key);
        }
        let candidate = candidate_home(identity, known.identities.get(key));
        home = Some(match home {
            Some((_, ref best)) if candidate.order() < best.order() => (*key, candidate),
            Some(best) => best,
            None => (*key, candidate),
        });
    }
    if let Some((home_key, home)) = home {
        writes.changes.push(Change {
            profile: id,
            version,
            kind,
        });
        writes.profiles.push(profiles::Write {
            id,
            version,
            home_key,
            home,
            last_seen: state.core().last_at.map(Micros),
            state: state.encode(),
            members,
        });
    }
    Ok((id, version))
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
            if profile.home_key == *key || candidate.order() < profile.home.order() {
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
        profile: merged.id,
        version,
        kind: Kind::MergedAway,
    });
    writes.profiles.push(profiles::Write {
        id: merged.id,
        version,
        home_key: merged.home_key,
        home: merged.home.clone(),
        last_seen: None,
        state: State::default().encode(),
        members: None,
    });
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
    let state = match touched.added {
        None => None,
        Some(added) => {
            let mut state = stored.and_then(|s| s.state).unwrap_or_default();
            let states_traits = !added.core().traits.is_empty();
            let before = if states_traits {
                trait_keys(&state, context)
            } else {
                BTreeSet::new()
            };
            state.merge(added)?;
            if states_traits {
                let after = trait_keys(&state, context);
                let entry = |trait_key: &Uuid| (*trait_key, key);
                writes
                    .traits_added
                    .extend(after.difference(&before).map(entry));
                writes
                    .traits_removed
                    .extend(before.difference(&after).map(entry));
            }
            Some(state.encode())
        }
    };
    writes.identities.push(identities::Write {
        key,
        identifier,
        profile,
        first_seen,
        last_seen,
        state,
    });
    Ok(())
}

/// The keys under which the trait values of an identity are found: every value that a rule could choose, and every part
/// of a union.
#[must_use]
pub fn trait_keys(state: &State, context: Context<'_>) -> BTreeSet<Uuid> {
    let mut keys = BTreeSet::new();
    for fact in &state.core().traits {
        let mut add = |value: &TraitValue| {
            let bytes = trait_value::search_bytes(value);
            keys.insert(context.secret.trait_key(context.tenant, &fact.name, &bytes));
        };
        let statements = [&fact.latest, &fact.first];
        for value in statements
            .into_iter()
            .flatten()
            .filter_map(|s| s.value.as_ref())
        {
            add(value);
            for part in trait_value::parts(value) {
                add(&trait_value::text(&part));
            }
        }
    }
    keys
}

/// The links of new interactions, from both ends, each once.
fn links(items: &[&Prepared]) -> Vec<Link> {
    let mut links: BTreeMap<(IdentityKey, IdentityKey), Link> = BTreeMap::new();
    for item in items {
        for link in links_of(item.occurred_at, item.identifiers.iter().map(|i| i.key)) {
            add_link(&mut links, link);
        }
    }
    let links: BTreeMap<(IdentityKey, IdentityKey), Link> = links
        .into_values()
        .flat_map(|link| [link, link.reversed()])
        .map(|link| ((link.key, link.other), link))
        .collect();
    links.into_values().collect()
}

/// The links of one interaction, from its anchor. The first key is the anchor's.
pub fn links_of(
    occurred_at: Micros,
    keys: impl IntoIterator<Item = IdentityKey>,
) -> impl Iterator<Item = Link> {
    let mut keys = keys.into_iter();
    let anchor = keys.next();
    keys.filter_map(move |other| {
        Some(Link {
            key: anchor?,
            other,
            anchored: true,
            first_seen: occurred_at,
            last_seen: occurred_at,
            seen: 1,
        })
    })
}

/// Adds evidence to a set of links.
pub fn add_link(links: &mut BTreeMap<(IdentityKey, IdentityKey), Link>, link: Link) {
    links
        .entry((link.key, link.other))
        .and_modify(|known| {
            known.first_seen = known.first_seen.min(link.first_seen);
            known.last_seen = known.last_seen.max(link.last_seen);
            known.seen += link.seen;
        })
        .or_insert(link);
}
