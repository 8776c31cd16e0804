//! Writing what a region resolved to.
//!
//! What must stay true: a profile's state is the merge of what its identifiers lend it; ids and versions come from
//! [`settle`]; everything that changed is in the outbox under one version.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::PgConnection;

use super::{plan::Context, region::Resolved};
use crate::{
    clock::Micros,
    error::Error,
    identity::{
        Members, Neighbours, Normalised, Standing,
        namespace::rule,
        settle::{After, Fate, Settled, Wishes, settle},
    },
    ids::{IdentityKey, ProfileId},
    profile::State,
    storage::{
        identities, identity_moves,
        outbox::{self, Change, Kind},
        profile_rules, profiles,
    },
    telemetry::names,
};

/// An identifier that is written whatever becomes of its profile.
pub(crate) struct Rewritten {
    /// The identifier.
    pub(crate) identifier: Normalised,
    /// First and last time it was in an interaction.
    pub(crate) first_seen: Micros,
    /// As `first_seen`.
    pub(crate) last_seen: Micros,
    /// What it is by its links.
    pub(crate) standing: Standing,
    /// To how many values it is linked.
    pub(crate) neighbours: Neighbours,
    /// Its new state; absent when that did not change.
    pub(crate) state: Option<State>,
}

/// What was written.
#[derive(Debug, Default)]
pub(crate) struct Rebuilt {
    /// The profile of each identifier of a set that was written, and its version.
    pub(crate) placed: HashMap<IdentityKey, (ProfileId, i64)>,
    /// Profiles that went into others.
    pub(crate) joined: usize,
    /// Profiles that came of others.
    pub(crate) parted: usize,
    /// The sets as they are, written or not.
    pub(crate) sets: Vec<Placed>,
}

/// A set with its id.
#[derive(Debug)]
pub(crate) struct Placed {
    /// The profile.
    pub(crate) id: ProfileId,
    /// Its version.
    pub(crate) version: i64,
    /// Its identifiers.
    pub(crate) members: BTreeSet<IdentityKey>,
}

/// Brings profiles up to date with the sets of a region.
///
/// # Errors
/// When the database fails or what is stored cannot be read.
pub(crate) async fn rebuild(
    connection: &mut PgConnection,
    context: Context<'_>,
    position: i64,
    resolved: &Resolved,
    rewritten: &HashMap<IdentityKey, Rewritten>,
    wishes: Wishes,
) -> Result<Rebuilt, Error> {
    let region = &resolved.region;
    let settled = settle(
        region.graph(),
        context.rules,
        resolved.sets.clone(),
        &region.before(),
        &region.former(),
        wishes,
    );
    let changed = |after: &&After| {
        after.fate != Fate::Same || after.members.iter().any(|key| rewritten.contains_key(key))
    };
    let mut states = States::load(connection, context, rewritten, {
        let changed = settled.profiles.iter().filter(changed);
        changed.flat_map(|after| after.members.iter().copied())
    })
    .await?;
    let mut writes = Writes {
        rules: if resolved.waiting {
            0
        } else {
            context.revision
        },
        ..Writes::default()
    };
    let mut rebuilt = Rebuilt::default();
    for after in &settled.profiles {
        let id = after.id.unwrap_or_else(ProfileId::draw);
        let stored = resolved.region.profiles.get(&id).map(|p| p.version);
        rebuilt.sets.push(Placed {
            id,
            version: if changed(&after) {
                settled.version
            } else {
                stored.unwrap_or(settled.version)
            },
            members: after.members.clone(),
        });
        writes.stand(after, resolved, rewritten);
        if !changed(&after) {
            writes.bring_under(id, resolved);
            continue;
        }
        rebuilt.parted += usize::from(after.fate == Fate::Parted);
        writes.put(id, settled.version, after, resolved, &mut states, rewritten)?;
        let placed = after.members.iter();
        rebuilt
            .placed
            .extend(placed.map(|key| (*key, (id, settled.version))));
    }
    rebuilt.joined = settled.gone.iter().filter(|gone| gone.merged).count();
    writes.leave(&settled, &rebuilt.sets);
    writes
        .write(connection, context, position, &settled)
        .await?;
    Ok(rebuilt)
}

/// What identifiers hold, as it is or becomes.
struct States {
    held: HashMap<IdentityKey, State>,
    last_seen: HashMap<IdentityKey, Micros>,
}

impl States {
    async fn load(
        connection: &mut PgConnection,
        context: Context<'_>,
        rewritten: &HashMap<IdentityKey, Rewritten>,
        members: impl Iterator<Item = IdentityKey>,
    ) -> Result<Self, Error> {
        let mut held: HashMap<IdentityKey, State> = HashMap::new();
        let mut last_seen = HashMap::new();
        let mut wanted = Vec::new();
        for key in members {
            match rewritten.get(&key) {
                Some(Rewritten {
                    state: Some(state),
                    last_seen: at,
                    ..
                }) => {
                    held.insert(key, state.clone());
                    last_seen.insert(key, *at);
                }
                _ => wanted.push(identities::Wanted::whole(key)),
            }
        }
        for identity in identities::load(connection, context.tenant, &wanted).await? {
            last_seen.insert(identity.key, identity.last_seen);
            if let Some(state) = identity.state {
                held.insert(identity.key, state);
            }
        }
        Ok(Self { held, last_seen })
    }
}

#[derive(Default)]
struct Writes {
    identities: Vec<identities::Write>,
    moves: BTreeMap<ProfileId, Vec<IdentityKey>>,
    /// Identifiers that now lend nothing, and those that lend again.
    apart: [Vec<IdentityKey>; 2],
    /// How many of each, also of those that are rewritten.
    contended: [u64; 2],
    profiles: Vec<profiles::Write>,
    changes: Vec<Change>,
    /// Identifiers that the rules now see otherwise.
    standings: BTreeMap<Standing, Vec<IdentityKey>>,
    /// The revision of the rules that everything is under now; 0 when it waits.
    rules: i64,
    /// Profiles of which nothing else changes.
    under: Vec<ProfileId>,
}

impl Writes {
    /// Notes which identifiers are something else under the rules at hand than when they were written.
    fn stand(
        &mut self,
        after: &After,
        resolved: &Resolved,
        rewritten: &HashMap<IdentityKey, Rewritten>,
    ) {
        for key in after.members.iter().filter(|k| !rewritten.contains_key(k)) {
            let node = resolved.region.graph().node(*key);
            let stored = resolved.region.identities.get(key);
            if let (Some(node), Some(stored)) = (node, stored)
                && node.standing != stored.standing
            {
                self.standings.entry(node.standing).or_default().push(*key);
            }
        }
    }

    /// Notes that a profile of which nothing changes is under the rules at hand.
    fn bring_under(&mut self, id: ProfileId, resolved: &Resolved) {
        let stored = resolved.region.profiles.get(&id);
        if stored.is_some_and(|profile| profile.rules != self.rules) {
            self.under.push(id);
        }
    }

    fn put(
        &mut self,
        id: ProfileId,
        version: i64,
        after: &After,
        resolved: &Resolved,
        states: &mut States,
        rewritten: &HashMap<IdentityKey, Rewritten>,
    ) -> Result<(), Error> {
        let mut state = State::default();
        let mut members = Members::default();
        let mut last_seen = None;
        for key in &after.members {
            let Some(node) = resolved.region.graph().node(*key) else {
                continue;
            };
            members.insert(rule(&node.identifier.namespace).anchor_rank, *key);
            let apart = after.apart.contains(key);
            if let Some(held) = states.held.remove(key) {
                let lent = if apart { held.binding() } else { held.clone() };
                state
                    .merge(lent)
                    .map_err(|e| Error::bug("putting a profile together", e))?;
                states.held.insert(*key, held);
            }
            let stored = resolved.region.identities.get(key);
            if stored.map_or(apart, |stored| stored.apart != apart) {
                self.contended[usize::from(apart)] += 1;
            }
            last_seen = last_seen.max(states.last_seen.get(key).copied());
            if let Some(new) = rewritten.get(key) {
                last_seen = last_seen.max(Some(new.last_seen));
                self.identities.push(identities::Write {
                    key: *key,
                    identifier: new.identifier.clone(),
                    profile: id,
                    first_seen: new.first_seen,
                    last_seen: new.last_seen,
                    state: new.state.clone().map(State::encode),
                    standing: new.standing,
                    apart,
                    neighbours: new.neighbours.clone(),
                });
            } else if let Some(stored) = stored {
                if stored.profile != id {
                    self.moves.entry(id).or_default().push(*key);
                }
                if stored.apart != apart {
                    self.apart[usize::from(apart)].push(*key);
                }
            }
        }
        let stored = resolved.region.profiles.get(&id);
        let felt_before = stored.map_or(&[][..], |stored| &stored.state.core().feelings);
        self.changes.push(Change {
            felt: felt_before != state.core().feelings,
            ..Change::new(id, version, kind(after.fate))
        });
        self.profiles.push(profiles::Write {
            id,
            version,
            home_key: after.home_key,
            home: after.home.clone(),
            last_seen: state.core().last_at.map(Micros).or(last_seen),
            state: state.encode(),
            members: Some(members),
            keeps_home: after.keeps,
            makeup: after.makeup.clone(),
            apart: after.apart.clone(),
            rules: self.rules,
        });
        Ok(())
    }

    fn leave(&mut self, settled: &Settled, sets: &[Placed]) {
        for gone in &settled.gone {
            let holder = sets.iter().find(|set| set.members.contains(&gone.home_key));
            let kind = if gone.merged {
                Kind::MergedAway
            } else {
                Kind::Emptied
            };
            self.changes.push(Change {
                merged_into: holder.filter(|_| gone.merged).map(|set| set.id),
                ..Change::new(gone.id, settled.version, kind)
            });
            self.profiles.push(profiles::Write::emptied(
                gone.id,
                settled.version,
                gone.home_key,
                gone.home.clone(),
            ));
        }
    }

    async fn write(
        self,
        connection: &mut PgConnection,
        context: Context<'_>,
        position: i64,
        settled: &Settled,
    ) -> Result<(), Error> {
        let tenant = context.tenant;
        if !self.identities.is_empty() {
            identities::upsert(connection, tenant, &self.identities).await?;
        }
        for (profile, keys) in &self.moves {
            identity_moves::move_to(connection, tenant, keys, *profile).await?;
        }
        for (apart, keys) in [false, true].into_iter().zip(&self.apart) {
            if !keys.is_empty() {
                identity_moves::set_apart(connection, tenant, keys, apart).await?;
            }
        }
        for (to, count) in ["lent", "apart"].into_iter().zip(self.contended) {
            metrics::counter!(names::IDENTITY_CONTESTED, "to" => to).increment(count);
        }
        for (standing, keys) in &self.standings {
            identity_moves::set_standing(connection, tenant, keys, *standing).await?;
        }
        if !self.under.is_empty() {
            profile_rules::set_rules(connection, tenant, &self.under, self.rules).await?;
        }
        for (key, former) in &settled.former {
            identity_moves::set_former(connection, tenant, *key, former).await?;
        }
        if !self.profiles.is_empty() {
            profiles::upsert(connection, tenant, &self.profiles).await?;
            outbox::append(connection, tenant, position, &self.changes).await?;
        }
        Ok(())
    }
}

fn kind(fate: Fate) -> Kind {
    match fate {
        Fate::New => Kind::Created,
        Fate::Joined => Kind::Merged,
        Fate::Parted => Kind::Split,
        Fate::Changed | Fate::Same => Kind::Updated,
    }
}
