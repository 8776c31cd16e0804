//! The part of the store that a change of links, decisions or standings can reach, and what it resolves to.
//!
//! What must stay true: what is read here is read again under the locks that [`Region::stripes`] names, and a second
//! reading that needs more starts again with more. The change itself is laid over what is read, so the first, unlocked
//! reading and the one that counts are the same code.
//!
//! What an identifier is by its links is derived from the rules at hand and not taken from its row: the row may have been
//! written under rules that were replaced.
//!
//! **While rules are switched** some profiles were resolved under the rules that are in force and others were not. It is
//! exact all the same once none is left, whatever the order: a profile is done when its set is what the rules make of its
//! own links, and each link to another is refused by the clusters of both, which is the same seen from either. So what is
//! done stays done while others are resolved, and a link between one that is done and one that is not is looked at again
//! when the other's turn comes. When all are done every link was judged by what the rules make of both its ends, and by
//! induction along the order of links that is the partition.

mod overlay;
mod reached;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::PgConnection;

use super::{plan::Context, standings};
use crate::{
    error::Error,
    identity::{
        Link, Members, Side, Standing,
        resolve::{Assertion, Cut, Graph, Node, Resolution, Territory, Wants, resolve},
        settle::Before,
        succession::Standpoint,
    },
    ids::{DecisionId, IdentityKey, ProfileId},
    storage::{
        decided,
        identities::{self, Identity},
        links, locks, profiles,
    },
};

pub(crate) use overlay::{Changed, Overlay};
pub(crate) use reached::{Reached, Torn};

/// A part of the store.
#[derive(Debug, Default)]
pub(crate) struct Region {
    pub(super) graph: Graph,
    pub(super) inside: BTreeSet<Territory>,
    /// Profiles that were looked for, inside or to compare with.
    sought: BTreeSet<ProfileId>,
    /// Those that are there.
    pub(crate) profiles: HashMap<ProfileId, profiles::Profile>,
    /// Rows of identifiers that were loaded, without states.
    pub(crate) identities: HashMap<IdentityKey, Identity>,
    /// Territories whose links' other ends are here too.
    surrounded: BTreeSet<Territory>,
}

/// A region with its sets.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// The region.
    pub(crate) region: Region,
    /// Its sets.
    pub(crate) sets: Vec<Vec<IdentityKey>>,
    /// The links that were cut.
    pub(crate) cuts: Vec<Cut>,
    /// Whether its profiles still have to be resolved: its sets are what they were.
    pub(crate) waiting: bool,
}

/// That more identifiers would have to be looked at than one call may.
pub(crate) fn too_large() -> Error {
    Error::Refused {
        reason: "resolution_too_large",
        description: "more identifiers would have to be looked at than one call may".into(),
    }
}

/// Resolves some profiles and new identifiers with whatever they reach, unless that is more than `limit` identifiers.
///
/// # Errors
/// When the database fails.
pub(crate) async fn resolve_around(
    connection: &mut PgConnection,
    context: Context<'_>,
    overlay: &Overlay,
    start: &BTreeSet<ProfileId>,
    limit: usize,
) -> Result<Reached, Error> {
    let mut region = Region::around(connection, context, overlay, start).await?;
    loop {
        region.surround(connection, context, overlay).await?;
        if region.graph.len() > limit {
            return Ok(Reached::TooMuch);
        }
        match resolve(&region.graph, context.rules, &region.inside) {
            Resolution::Resolved { sets, cuts } => {
                return Ok(Reached::Resolved(Box::new(Resolved {
                    region,
                    sets,
                    cuts,
                    waiting: false,
                })));
            }
            Resolution::Wants(wants) => {
                if region.has(&wants) {
                    return Ok(Reached::Torn(Torn::of(&region)));
                }
                let Wants { join, compare } = wants;
                let wanted: BTreeSet<ProfileId> = join.union(&compare).copied().collect();
                region.load(connection, context, overlay, &wanted).await?;
                region
                    .inside
                    .extend(join.into_iter().map(Territory::Profile));
            }
        }
    }
}

/// Leaves some profiles and new identifiers in the sets they are in, to be resolved later.
///
/// # Errors
/// When the database fails.
pub(crate) async fn leave_waiting(
    connection: &mut PgConnection,
    context: Context<'_>,
    overlay: &Overlay,
    start: &BTreeSet<ProfileId>,
) -> Result<Resolved, Error> {
    let mut region = Region::around(connection, context, overlay, start).await?;
    region.surround(connection, context, overlay).await?;
    let members = |territory| region.graph.members(territory).into_iter().flatten();
    let sets = region.inside.iter().map(|t| members(*t).copied().collect());
    let sets: Vec<Vec<IdentityKey>> = sets.filter(|set: &Vec<_>| !set.is_empty()).collect();
    Ok(Resolved {
        region,
        sets,
        cuts: Vec::new(),
        waiting: true,
    })
}

impl Region {
    /// Some profiles and new identifiers, loaded.
    async fn around(
        connection: &mut PgConnection,
        context: Context<'_>,
        overlay: &Overlay,
        start: &BTreeSet<ProfileId>,
    ) -> Result<Self, Error> {
        let mut region = Self::default();
        let new = overlay
            .nodes
            .iter()
            .filter(|(_, changed)| changed.profile.is_none() && changed.present);
        for (key, changed) in new {
            let territory = Territory::New(*key);
            region
                .graph
                .put(*key, changed.node(territory, overlay, *key));
            region.graph.know(territory, [*key]);
            region.inside.insert(territory);
        }
        region
            .inside
            .extend(start.iter().copied().map(Territory::Profile));
        region.load(connection, context, overlay, start).await?;
        Ok(region)
    }
}

impl Region {
    /// Whether all that resolution wants is here already, or was looked for and is not there.
    fn has(&self, wants: &Wants) -> bool {
        let inside = |id: &ProfileId| self.inside.contains(&Territory::Profile(*id));
        wants.join.iter().all(inside) && wants.compare.iter().all(|id| self.sought.contains(id))
    }

    /// What is known of identifiers and links.
    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Loads profiles whole: members, their links and what decisions say of them.
    pub(super) async fn load(
        &mut self,
        connection: &mut PgConnection,
        context: Context<'_>,
        overlay: &Overlay,
        ids: &BTreeSet<ProfileId>,
    ) -> Result<(), Error> {
        let wanted: Vec<profiles::Wanted> = ids
            .difference(&self.sought)
            .map(|id| profiles::Wanted::with_members(*id))
            .collect();
        self.sought.extend(ids);
        if wanted.is_empty() {
            return Ok(());
        }
        let found = profiles::load(connection, context.tenant, &wanted).await?;
        let mut members: Vec<IdentityKey> = Vec::new();
        for profile in found {
            let keys: Vec<IdentityKey> = profile.members.iter().flat_map(Members::keys).collect();
            let here = |key: &IdentityKey| overlay.nodes.get(key).is_none_or(|c| c.present);
            let territory = Territory::Profile(profile.id);
            self.graph
                .know(territory, keys.iter().copied().filter(here));
            members.extend(keys);
            self.profiles.insert(profile.id, profile);
        }
        self.load_identities(connection, context, overlay, &members)
            .await?;
        members.retain(|key| self.graph.node(*key).is_some());
        self.load_sides(connection, context, overlay, &members)
            .await?;
        self.load_links(connection, context, overlay, &members)
            .await
    }

    async fn load_identities(
        &mut self,
        connection: &mut PgConnection,
        context: Context<'_>,
        overlay: &Overlay,
        keys: &[IdentityKey],
    ) -> Result<(), Error> {
        let wanted: Vec<identities::Wanted> = keys
            .iter()
            .filter(|key| !self.identities.contains_key(key))
            .copied()
            .map(identities::Wanted::row)
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        for identity in identities::load(connection, context.tenant, &wanted).await? {
            let key = identity.key;
            let changed = overlay.nodes.get(&key);
            let standing = match changed {
                Some(changed) => changed.standing,
                None => standings::of(connection, context, &identity, overlay).await?,
            };
            if changed.map_or(identity.present, |c| c.present && c.profile.is_some()) {
                self.graph.put(
                    key,
                    Node {
                        identifier: identity.identifier.clone(),
                        first_seen: changed.map_or(identity.first_seen, |c| c.first_seen),
                        standing,
                        sides: Vec::new(),
                        territory: Territory::Profile(identity.profile),
                    },
                );
            }
            self.identities.insert(key, identity);
        }
        Ok(())
    }

    async fn load_sides(
        &mut self,
        connection: &mut PgConnection,
        context: Context<'_>,
        overlay: &Overlay,
        keys: &[IdentityKey],
    ) -> Result<(), Error> {
        let mut sides: HashMap<IdentityKey, Vec<(DecisionId, Side)>> = HashMap::new();
        for (key, decision, side) in decided::sides_of(connection, context.tenant, keys).await? {
            if !overlay.revoked.contains(&decision) {
                sides.entry(key).or_default().push((decision, side));
            }
        }
        for key in keys {
            let mut of_key = sides.remove(key).unwrap_or_default();
            of_key.extend(overlay.sides.get(key).into_iter().flatten());
            of_key.sort_unstable();
            of_key.dedup();
            if let Some(node) = self.graph.node_mut(*key) {
                node.sides = of_key;
            }
        }
        Ok(())
    }

    /// Loads the links and assertions of identifiers; those of hubs join nothing and may be many.
    async fn load_links(
        &mut self,
        connection: &mut PgConnection,
        context: Context<'_>,
        overlay: &Overlay,
        keys: &[IdentityKey],
    ) -> Result<(), Error> {
        let keys: Vec<IdentityKey> = keys
            .iter()
            .filter(|key| self.standing(**key) != Some(Standing::Hub))
            .copied()
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let mut of_key: HashMap<IdentityKey, Vec<Link>> = HashMap::new();
        for link in links::of(connection, context.tenant, &keys).await? {
            of_key.entry(link.key).or_default().push(link);
        }
        let mut asserted: HashMap<IdentityKey, Vec<Assertion>> = HashMap::new();
        for assertion in decided::assertions_of(connection, context.tenant, &keys).await? {
            if !overlay.revoked.contains(&assertion.decision) {
                asserted.entry(assertion.key).or_default().push(assertion);
            }
        }
        for key in &keys {
            let links = of_key.remove(key).unwrap_or_default();
            self.graph.set_links_of(*key, links);
            let asserted = asserted.remove(key).unwrap_or_default();
            self.graph.set_assertions_of(*key, asserted);
        }
        Ok(())
    }

    fn standing(&self, key: IdentityKey) -> Option<Standing> {
        self.graph.node(key).map(|node| node.standing)
    }

    /// Lays the changed links over what was read, and loads the other ends of links that lead out.
    pub(super) async fn surround(
        &mut self,
        connection: &mut PgConnection,
        context: Context<'_>,
        overlay: &Overlay,
    ) -> Result<(), Error> {
        for link in &overlay.links {
            self.graph.set_link(*link);
        }
        for assertion in &overlay.assertions {
            for end in [*assertion, assertion.reversed()] {
                let mut of_key = self.graph.assertions(end.key).to_vec();
                if !of_key.contains(&end) {
                    of_key.push(end);
                    self.graph.set_assertions_of(end.key, of_key);
                }
            }
        }
        let fresh: Vec<Territory> = self
            .inside
            .iter()
            .filter(|territory| !self.surrounded.contains(territory))
            .copied()
            .collect();
        let mut own = Vec::new();
        for territory in fresh {
            own.extend(self.graph.members(territory).into_iter().flatten().copied());
            self.surrounded.insert(territory);
        }
        // Decisions may speak of new identifiers, which come back.
        let new: Vec<IdentityKey> = own
            .iter()
            .filter(|key| !self.identities.contains_key(key))
            .copied()
            .collect();
        if !new.is_empty() {
            self.load_sides(connection, context, overlay, &new).await?;
            self.load_links(connection, context, overlay, &new).await?;
            for link in &overlay.links {
                self.graph.set_link(*link);
            }
        }
        let mut ends: HashSet<IdentityKey> = HashSet::new();
        for key in own {
            ends.extend(self.graph.links(key).iter().map(|link| link.other));
            ends.extend(self.graph.assertions(key).iter().map(|a| a.other));
        }
        let ends: Vec<IdentityKey> = ends
            .into_iter()
            .filter(|key| self.graph.node(*key).is_none())
            .collect();
        self.load_identities(connection, context, overlay, &ends)
            .await?;
        self.load_sides(connection, context, overlay, &ends).await
    }

    /// The profiles inside, as they were.
    pub(crate) fn before(&self) -> Vec<Before> {
        self.inside
            .iter()
            .filter_map(|territory| match territory {
                Territory::Profile(id) => self.profiles.get(id),
                Territory::New(_) => None,
            })
            .map(|profile| Before {
                standpoint: Standpoint {
                    id: profile.id,
                    version: profile.version,
                    home_key: profile.home_key,
                    home: profile.home.clone(),
                    keeps: profile.keeps_home,
                },
                members: profile.members.iter().flat_map(Members::keys).collect(),
                apart: profile.apart.clone(),
                makeup: profile.makeup.clone(),
            })
            .collect()
    }

    /// Merged-away ids by the keys of their homes, of identifiers inside and of homes that are gone.
    pub(crate) fn former(&self) -> BTreeMap<IdentityKey, Vec<ProfileId>> {
        self.identities
            .values()
            .filter(|identity| !identity.former.is_empty())
            .map(|identity| (identity.key, identity.former.clone()))
            .collect()
    }

    /// The locks under which what was read may be relied on: exclusive for what is resolved, shared for what was compared.
    pub(crate) fn stripes(&self) -> locks::Stripes {
        let mut stripes = locks::Stripes::default();
        for id in &self.sought {
            if self.inside.contains(&Territory::Profile(*id)) {
                stripes.add(id.as_uuid());
            } else {
                stripes.add_shared(id.as_uuid());
            }
        }
        stripes
    }
}
