//! Folding anew: what identities, links and profiles are once interactions have been taken out.
//!
//! This is the local form of a rebuild. The states of the anchors that lost something are folded from what is left, their
//! links counted again, and every profile they lie in is put together anew from its identities: it keeps its id for the
//! set that holds its home, and a set that comes apart takes back the merged-away id whose home it holds, or gets a new
//! one. The caller holds the locks of the profiles, so none of their members can change meanwhile.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use prost::Message as _;
use sqlx::PgConnection;

use super::plan::{Context, add_link, links_of, trait_keys};
use crate::{
    clock::Micros,
    error::Error,
    identity::{Home, Members, components::components, namespace::rule},
    ids::{IdentityKey, ProfileId},
    profile::{Fact, State, fold},
    proto::v1,
    storage::{
        identities::{self, Identity},
        identity_traits, interactions,
        links::{self, Link},
        outbox::{self, Change, Kind},
        profiles::{self, Profile},
    },
};

/// Brings everything up to date after the given interactions were marked as retracted.
///
/// # Errors
/// When the database fails or what is stored cannot be read.
pub(super) async fn refold(
    connection: &mut PgConnection,
    context: Context<'_>,
    position: i64,
    gone: &[interactions::Stored],
) -> Result<(), Error> {
    let anchors: BTreeSet<IdentityKey> = gone.iter().map(|g| g.place.anchor).collect();
    let touched: BTreeSet<IdentityKey> = gone.iter().flat_map(|g| g.keys.iter().copied()).collect();
    let of_touched = identities::profiles_of(connection, context.tenant, &list(&touched)).await?;
    let ids: BTreeSet<ProfileId> = of_touched.into_iter().map(|(_, profile)| profile).collect();
    let folded = fold_anchors(connection, context, &anchors).await?;
    relink(connection, context, &anchors, &folded).await?;
    for id in ids {
        let Whole {
            profile,
            members,
            links,
        } = load_profile(connection, context, id).await?;
        let retraced = retrace(context, &anchors, &folded, members, &links);
        rebuild(connection, context, position, &profile, &links, retraced).await?;
    }
    Ok(())
}

fn list(keys: &BTreeSet<IdentityKey>) -> Vec<IdentityKey> {
    keys.iter().copied().collect()
}

/// What an anchor is now.
struct Folded {
    state: State,
    links: BTreeMap<(IdentityKey, IdentityKey), Link>,
}

async fn fold_anchors(
    connection: &mut PgConnection,
    context: Context<'_>,
    anchors: &BTreeSet<IdentityKey>,
) -> Result<HashMap<IdentityKey, Folded>, Error> {
    let wanted: Vec<identities::Wanted> = anchors
        .iter()
        .map(|key| identities::Wanted {
            key: *key,
            state: true,
            subjects: false,
        })
        .collect();
    let before = identities::load(connection, context.tenant, &wanted).await?;
    let cores = || {
        before
            .iter()
            .filter_map(|i| i.state.as_ref())
            .map(State::core)
    };
    let range = (
        Micros(cores().filter_map(|c| c.first_at).min().unwrap_or_default()),
        Micros(cores().filter_map(|c| c.last_at).max().unwrap_or_default()),
    );
    let left = interactions::of_anchors(connection, context.tenant, &list(anchors), range).await?;
    let mut folded: HashMap<IdentityKey, Folded> = HashMap::new();
    for of_anchor in left.chunk_by(|a, b| a.place.anchor == b.place.anchor) {
        folded.insert(of_anchor[0].place.anchor, fold_stored(context, of_anchor)?);
    }
    Ok(folded)
}

fn fold_stored(context: Context<'_>, stored: &[interactions::Stored]) -> Result<Folded, Error> {
    let mut messages = Vec::with_capacity(stored.len());
    let mut found = BTreeMap::new();
    for one in stored {
        let message = v1::Interaction::decode(one.body.as_slice())
            .map_err(|e| Error::bug("reading a stored interaction", e))?;
        messages.push((one.place, message));
        for link in links_of(one.place.occurred_at, one.keys.iter().copied()) {
            add_link(&mut found, link);
        }
    }
    let state = fold::fold(messages.iter().map(|(place, message)| Fact {
        id: place.id,
        occurred_at: place.occurred_at,
        message,
        region: context.region,
    }));
    Ok(Folded {
        state,
        links: found,
    })
}

/// Sets the links of the anchors to what is left of them.
async fn relink(
    connection: &mut PgConnection,
    context: Context<'_>,
    anchors: &BTreeSet<IdentityKey>,
    folded: &HashMap<IdentityKey, Folded>,
) -> Result<(), Error> {
    let stored = links::of(connection, context.tenant, &list(anchors)).await?;
    let now: HashMap<(IdentityKey, IdentityKey), Link> = folded
        .values()
        .flat_map(|f| f.links.iter().map(|(ends, link)| (*ends, *link)))
        .collect();
    let mut put = Vec::new();
    let mut delete = Vec::new();
    for link in stored.into_iter().filter(|link| link.anchored) {
        match now.get(&(link.key, link.other)) {
            Some(left) if *left == link => (),
            Some(left) => put.extend([*left, left.reversed()]),
            None => delete.extend([(link.key, link.other), (link.other, link.key)]),
        }
    }
    if !delete.is_empty() {
        links::delete(connection, context.tenant, &delete).await?;
    }
    if !put.is_empty() {
        links::put(connection, context.tenant, &put).await?;
    }
    Ok(())
}

/// A profile with everything it is made of.
struct Whole {
    profile: Profile,
    members: Vec<Identity>,
    links: Vec<Link>,
}

async fn load_profile(
    connection: &mut PgConnection,
    context: Context<'_>,
    id: ProfileId,
) -> Result<Whole, Error> {
    let wanted = profiles::Wanted {
        id,
        members: true,
        subjects: false,
    };
    let profile = profiles::load(connection, context.tenant, &[wanted])
        .await?
        .pop()
        .ok_or_else(|| {
            Error::bug(
                "folding anew",
                "an identity lies in a profile that is not stored",
            )
        })?;
    let keys: Vec<IdentityKey> = profile.members.iter().flat_map(Members::keys).collect();
    let wanted: Vec<identities::Wanted> = keys
        .iter()
        .map(|key| identities::Wanted {
            key: *key,
            state: true,
            subjects: true,
        })
        .collect();
    let members = identities::load(connection, context.tenant, &wanted).await?;
    let links = links::of(connection, context.tenant, &keys).await?;
    Ok(Whole {
        profile,
        members,
        links,
    })
}

/// A member as it becomes.
struct Member {
    identity: Identity,
    state: State,
    /// Whether its state was folded anew.
    refolded: bool,
    /// Whether it has to be written even when it stays where it is.
    changed: bool,
}

/// What becomes of the members of a profile.
#[derive(Default)]
struct Retraced {
    alive: BTreeMap<IdentityKey, Member>,
    gone: Vec<IdentityKey>,
    traits_added: Vec<identity_traits::Entry>,
    traits_removed: Vec<identity_traits::Entry>,
}

/// Gives the anchors their new states, and every member the times at which it is still seen; tells those apart that are
/// seen no more.
fn retrace(
    context: Context<'_>,
    anchors: &BTreeSet<IdentityKey>,
    folded: &HashMap<IdentityKey, Folded>,
    members: Vec<Identity>,
    links: &[Link],
) -> Retraced {
    let mut seen: HashMap<IdentityKey, (Micros, Micros)> = HashMap::new();
    for link in links {
        widen(&mut seen, link.key, (link.first_seen, link.last_seen));
    }
    let mut retraced = Retraced::default();
    for mut identity in members {
        let key = identity.key;
        let old = identity.state.take().unwrap_or_default();
        let refolded = anchors.contains(&key);
        let state = if refolded {
            let new = folded
                .get(&key)
                .map(|f| f.state.clone())
                .unwrap_or_default();
            let (was, is) = (trait_keys(&old, context), trait_keys(&new, context));
            let entry = |trait_key: &uuid::Uuid| (*trait_key, key);
            retraced.traits_added.extend(is.difference(&was).map(entry));
            retraced
                .traits_removed
                .extend(was.difference(&is).map(entry));
            new
        } else {
            old
        };
        if let (Some(first), Some(last)) = (state.core().first_at, state.core().last_at) {
            widen(&mut seen, key, (Micros(first), Micros(last)));
        }
        let Some((first_seen, last_seen)) = seen.get(&key).copied() else {
            retraced.gone.push(key);
            continue;
        };
        let changed =
            refolded || (first_seen, last_seen) != (identity.first_seen, identity.last_seen);
        (identity.first_seen, identity.last_seen) = (first_seen, last_seen);
        let member = Member {
            identity,
            state,
            refolded,
            changed,
        };
        retraced.alive.insert(key, member);
    }
    retraced
}

fn widen(
    seen: &mut HashMap<IdentityKey, (Micros, Micros)>,
    key: IdentityKey,
    (first, last): (Micros, Micros),
) {
    let range = seen.entry(key).or_insert((first, last));
    *range = (range.0.min(first), range.1.max(last));
}

impl Member {
    fn home(&self) -> Home {
        Home {
            identifier: self.identity.identifier.clone(),
            first_seen: self.identity.first_seen,
        }
    }
}

/// The strongest oldest of some members.
fn home_of(
    alive: &BTreeMap<IdentityKey, Member>,
    keys: &[IdentityKey],
) -> Option<(IdentityKey, Home)> {
    keys.iter()
        .filter_map(|key| alive.get(key).map(|member| (*key, member.home())))
        .min_by(|(_, a), (_, b)| a.order().cmp(&b.order()))
}

/// Puts a profile together anew, in as many parts as its links still hold.
async fn rebuild(
    connection: &mut PgConnection,
    context: Context<'_>,
    position: i64,
    profile: &Profile,
    links: &[Link],
    mut retraced: Retraced,
) -> Result<(), Error> {
    let alive: Vec<IdentityKey> = retraced.alive.keys().copied().collect();
    let sets = components(
        alive.iter().copied(),
        links.iter().map(|l| (l.key, l.other)),
    );
    let keeper = if retraced.alive.contains_key(&profile.home_key) {
        Some(profile.home_key)
    } else {
        home_of(&retraced.alive, &alive).map(|(key, _)| key)
    };
    let returning = returning(connection, context, &sets, keeper, &mut retraced).await?;
    let version = 1 + returning
        .values()
        .map(|old| old.version)
        .fold(profile.version, i64::max);
    let mut writes = Writes::default();
    if sets.is_empty() {
        writes.empty(profile, version);
    }
    let split = sets.len() > 1;
    for set in sets {
        let (id, kind) = if keeper.is_some_and(|key| set.contains(&key)) {
            (profile.id, if split { Kind::Split } else { Kind::Updated })
        } else {
            let old = set.first().and_then(|key| returning.get(key));
            (old.map_or_else(ProfileId::draw, |p| p.id), Kind::Split)
        };
        writes.put(id, version, kind, &set, &mut retraced)?;
    }
    writes.write(connection, context, position, &retraced).await
}

/// For each set that needs an id, by its first member: the merged-away profile whose home it holds, the strongest oldest
/// of them when there are several. It is taken off the list at its home.
async fn returning(
    connection: &mut PgConnection,
    context: Context<'_>,
    sets: &[Vec<IdentityKey>],
    keeper: Option<IdentityKey>,
    retraced: &mut Retraced,
) -> Result<HashMap<IdentityKey, Profile>, Error> {
    let mut returning = HashMap::new();
    for set in sets
        .iter()
        .filter(|set| !keeper.is_some_and(|key| set.contains(&key)))
    {
        let with_former: Vec<IdentityKey> = set
            .iter()
            .filter(|key| {
                retraced
                    .alive
                    .get(key)
                    .is_some_and(|m| !m.identity.former.is_empty())
            })
            .copied()
            .collect();
        let Some((home, _)) = home_of(&retraced.alive, &with_former) else {
            continue;
        };
        let Some(member) = retraced.alive.get_mut(&home) else {
            continue;
        };
        member.identity.former.sort_unstable();
        let id = member.identity.former.remove(0);
        identities::set_former(connection, context.tenant, home, &member.identity.former).await?;
        let wanted = profiles::Wanted {
            id,
            members: false,
            subjects: false,
        };
        let stored = profiles::load(connection, context.tenant, &[wanted])
            .await?
            .pop();
        if let (Some(first), Some(stored)) = (set.first(), stored) {
            returning.insert(*first, stored);
        }
    }
    Ok(returning)
}

#[derive(Default)]
struct Writes {
    identities: Vec<identities::Write>,
    profiles: Vec<profiles::Write>,
    changes: Vec<Change>,
}

impl Writes {
    fn empty(&mut self, profile: &Profile, version: i64) {
        self.profiles.push(profiles::Write {
            id: profile.id,
            version,
            home_key: profile.home_key,
            home: profile.home.clone(),
            last_seen: None,
            state: State::default().encode(),
            members: None,
        });
        self.changes.push(Change {
            profile: profile.id,
            version,
            kind: Kind::Emptied,
        });
    }

    fn put(
        &mut self,
        id: ProfileId,
        version: i64,
        kind: Kind,
        set: &[IdentityKey],
        retraced: &mut Retraced,
    ) -> Result<(), Error> {
        let Some((home_key, home)) = home_of(&retraced.alive, set) else {
            return Ok(());
        };
        let mut state = State::default();
        let mut members = Members::default();
        for key in set {
            let Some(member) = retraced.alive.get(key) else {
                continue;
            };
            let identity = &member.identity;
            state
                .merge(member.state.clone())
                .map_err(|e| Error::bug("folding anew", e))?;
            members.insert(rule(&identity.identifier.namespace).anchor_rank, *key);
            if member.changed || identity.profile != id {
                self.identities.push(identities::Write {
                    key: *key,
                    identifier: identity.identifier.clone(),
                    profile: id,
                    first_seen: identity.first_seen,
                    last_seen: identity.last_seen,
                    state: member.refolded.then(|| member.state.clone().encode()),
                });
            }
        }
        self.profiles.push(profiles::Write {
            id,
            version,
            home_key,
            home,
            last_seen: state.core().last_at.map(Micros),
            state: state.encode(),
            members: Some(members),
        });
        self.changes.push(Change {
            profile: id,
            version,
            kind,
        });
        Ok(())
    }

    async fn write(
        self,
        connection: &mut PgConnection,
        context: Context<'_>,
        position: i64,
        retraced: &Retraced,
    ) -> Result<(), Error> {
        let tenant = context.tenant;
        if !retraced.gone.is_empty() {
            identities::delete(connection, tenant, &retraced.gone).await?;
        }
        if !retraced.traits_removed.is_empty() {
            identity_traits::delete(connection, tenant, &retraced.traits_removed).await?;
        }
        if !retraced.traits_added.is_empty() {
            identity_traits::insert(connection, tenant, &retraced.traits_added).await?;
        }
        if !self.identities.is_empty() {
            identities::upsert(connection, tenant, &self.identities).await?;
        }
        profiles::upsert(connection, tenant, &self.profiles).await?;
        outbox::append(connection, tenant, position, &self.changes).await?;
        Ok(())
    }
}
