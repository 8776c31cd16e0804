//! Folding anew: what identities, links and profiles are once interactions have been taken out.
//!
//! This is the local form of a rebuild. The states of the anchors that lost something are folded from what is left, their
//! links counted again; what their identifiers are by their links follows; then the sets around them are resolved like any
//! other change. An identifier of which nothing speaks any more leaves its profile and keeps its row, so that its versions
//! and ids go on when it is spoken of again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use prost::Message as _;
use sqlx::PgConnection;

use super::{
    index_keys,
    plan::Context,
    rebuild::{Rewritten, rebuild},
    region::{Changed, Overlay, Reached, resolve_around, too_large},
    standings,
};
use crate::{
    clock::Micros,
    error::Error,
    identity::{
        Keyed, Link, Neighbours,
        link::{Links, add_link, links_of},
        settle::Wishes,
        standing::standing,
    },
    ids::{IdentityKey, ProfileId},
    profile::{Fact, State, fold},
    proto::v1,
    storage::{
        analyses::{self, Analyses},
        identities::{self, Identity},
        identity_moves, identity_traits, interactions,
        links::{self, Ends},
        locks,
    },
};

/// Whether what was taken out has been followed up.
pub(super) enum Refolded {
    /// All is written.
    Done,
    /// Nothing is: these locks are needed.
    Needs(locks::Stripes),
}

/// Brings everything up to date after the given interactions were marked as retracted.
///
/// # Errors
/// When the database fails or what is stored cannot be read.
pub(super) async fn refold(
    connection: &mut PgConnection,
    context: Context<'_>,
    position: i64,
    gone: &[interactions::Stored],
    held: Option<&locks::Stripes>,
) -> Result<Refolded, Error> {
    let anchors: BTreeSet<IdentityKey> = gone.iter().map(|g| g.place.anchor).collect();
    let touched: BTreeSet<IdentityKey> = gone.iter().flat_map(|g| g.keys.iter().copied()).collect();
    refold_anchors(connection, context, position, (&anchors, &touched), held).await
}

/// Brings everything up to date after what the states of some anchors are folded from has changed. With them come the
/// identifiers of interactions that were taken out, or the anchors again where none was.
///
/// # Errors
/// When the database fails or what is stored cannot be read.
pub(super) async fn refold_anchors(
    connection: &mut PgConnection,
    context: Context<'_>,
    position: i64,
    (anchors, touched): (&BTreeSet<IdentityKey>, &BTreeSet<IdentityKey>),
    held: Option<&locks::Stripes>,
) -> Result<Refolded, Error> {
    let folded = fold_anchors(connection, context, anchors).await?;
    let unlinked = relink(connection, context, anchors, &folded).await?;
    let retraced = retrace(connection, context, touched, &folded, &unlinked).await?;
    let (overlay, start) = (&retraced.overlay, &retraced.start);
    let resolved = match resolve_around(connection, context, overlay, start, usize::MAX).await? {
        Reached::Resolved(resolved) => *resolved,
        Reached::TooMuch => return Err(too_large()),
        Reached::Torn(torn) => return Ok(Refolded::Needs(torn.needs(held)?)),
    };
    let needed = resolved.region.stripes();
    if held.is_some_and(|held| !held.covers_all(&needed)) {
        return Ok(Refolded::Needs(needed));
    }
    let tenant = context.tenant;
    let index_keys::Changes { added, removed } = &retraced.index;
    if !removed.is_empty() {
        identity_traits::delete(connection, tenant, removed).await?;
    }
    if !added.is_empty() {
        identity_traits::insert(connection, tenant, added).await?;
    }
    if !retraced.gone.is_empty() {
        identity_moves::leave(connection, tenant, &retraced.gone).await?;
    }
    let wishes = Wishes::default();
    let rebuilt = rebuild(
        connection,
        context,
        position,
        &resolved,
        &retraced.rewritten,
        wishes,
    )
    .await?;
    standings::count(&rebuilt, &resolved);
    Ok(Refolded::Done)
}

fn list(keys: &BTreeSet<IdentityKey>) -> Vec<IdentityKey> {
    keys.iter().copied().collect()
}

/// What an anchor is now.
#[derive(Default)]
struct Folded {
    state: State,
    links: Links,
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
    let anchored = list(anchors);
    let left = interactions::of_anchors(connection, context.tenant, &anchored, range).await?;
    let heard = analyses::of_anchors(connection, context.tenant, &anchored, range).await?;
    // An anchor of which nothing is left folds to nothing.
    let mut folded: HashMap<IdentityKey, Folded> = anchors
        .iter()
        .map(|anchor| (*anchor, Folded::default()))
        .collect();
    for of_anchor in left.chunk_by(|a, b| a.place.anchor == b.place.anchor) {
        folded.insert(
            of_anchor[0].place.anchor,
            fold_stored(context, of_anchor, &heard)?,
        );
    }
    Ok(folded)
}

fn fold_stored(
    context: Context<'_>,
    stored: &[interactions::Stored],
    heard: &Analyses,
) -> Result<Folded, Error> {
    let mut messages = Vec::with_capacity(stored.len());
    let mut found = Links::new();
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
        analyses: heard.of(place.id),
        region: context.region,
        zone: context.zone,
    }));
    Ok(Folded {
        state,
        links: found,
    })
}

/// Sets the links of the anchors to what is left of them. Answers with those that are no more, from both ends.
async fn relink(
    connection: &mut PgConnection,
    context: Context<'_>,
    anchors: &BTreeSet<IdentityKey>,
    folded: &HashMap<IdentityKey, Folded>,
) -> Result<Vec<Ends>, Error> {
    let stored = links::of(connection, context.tenant, &list(anchors)).await?;
    let now: HashMap<Ends, Link> = folded
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
    Ok(delete)
}

/// What becomes of the identifiers that interactions were taken out of.
#[derive(Default)]
struct Retraced {
    overlay: Overlay,
    start: BTreeSet<ProfileId>,
    rewritten: HashMap<IdentityKey, Rewritten>,
    gone: Vec<IdentityKey>,
    index: index_keys::Changes,
}

/// Gives the anchors their new states, and every touched identifier the times at which it is still seen and what it is by
/// the links that are left; tells those apart that are seen no more.
async fn retrace(
    connection: &mut PgConnection,
    context: Context<'_>,
    touched: &BTreeSet<IdentityKey>,
    folded: &HashMap<IdentityKey, Folded>,
    unlinked: &[Ends],
) -> Result<Retraced, Error> {
    let wanted: Vec<identities::Wanted> = touched
        .iter()
        .copied()
        .map(identities::Wanted::whole)
        .collect();
    let stored = identities::load(connection, context.tenant, &wanted).await?;
    let linked: HashMap<IdentityKey, (Micros, Micros)> =
        links::spans(connection, context.tenant, &list(touched))
            .await?
            .into_iter()
            .map(|(key, first, last)| (key, (first, last)))
            .collect();
    let namespaces: HashMap<IdentityKey, String> = stored
        .iter()
        .map(|i| (i.key, i.identifier.namespace.clone()))
        .collect();
    let mut retraced = Retraced::default();
    for identity in stored {
        let lost = unlinked.iter().filter(|(key, _)| *key == identity.key);
        let lost = lost.filter_map(|(_, other)| namespaces.get(other));
        let neighbours = without(&identity.neighbours, lost.map(String::as_str));
        let span = linked.get(&identity.key).copied();
        retraced
            .follow(connection, context, identity, folded, neighbours, span)
            .await?;
    }
    Ok(retraced)
}

fn without<'a>(neighbours: &Neighbours, lost: impl Iterator<Item = &'a str>) -> Neighbours {
    let mut counts: BTreeMap<String, u32> = neighbours
        .iter()
        .map(|(namespace, count)| (namespace.to_owned(), count))
        .collect();
    for namespace in lost {
        if let Some(count) = counts.get_mut(namespace) {
            *count = count.saturating_sub(1);
        }
    }
    Neighbours::from_counts(counts)
}

impl Retraced {
    async fn follow(
        &mut self,
        connection: &mut PgConnection,
        context: Context<'_>,
        identity: Identity,
        folded: &HashMap<IdentityKey, Folded>,
        neighbours: Neighbours,
        linked: Option<(Micros, Micros)>,
    ) -> Result<(), Error> {
        let key = identity.key;
        self.start.insert(identity.profile);
        let old = identity.state.unwrap_or_default();
        let new = folded.get(&key).map(|f| f.state.clone());
        let state = new.as_ref().unwrap_or(&old).core();
        let own = state.first_at.zip(state.last_at);
        let own = own.map(|(first, last)| (Micros(first), Micros(last)));
        let spans = linked.into_iter().chain(own);
        let seen = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let before = identity.present.then_some(&old);
        let after = seen.map(|_| new.as_ref().unwrap_or(&old));
        (self.index).follow(context, (key, &identity.identifier), before, after);
        let keyed = Keyed {
            key,
            identifier: identity.identifier.clone(),
        };
        let mut changed = Changed {
            identifier: identity.identifier.clone(),
            first_seen: identity.first_seen,
            standing: identity.standing,
            profile: Some(identity.profile),
            present: false,
        };
        let Some((first_seen, last_seen)) = seen else {
            self.gone.push(key);
            self.overlay.nodes.insert(key, changed);
            return Ok(());
        };
        let nobodys = standings::meets(connection, context, &keyed, &[], &[]).await?;
        let now = standing(context.rules, &keyed.identifier, &neighbours, nobodys);
        if now != identity.standing {
            standings::count_change(now);
            let concerned = standings::concerned(connection, context, &keyed).await?;
            self.start.extend(concerned);
        }
        changed.first_seen = first_seen;
        changed.standing = now;
        changed.present = true;
        self.overlay.nodes.insert(key, changed);
        self.rewritten.insert(
            key,
            Rewritten {
                identifier: keyed.identifier,
                first_seen,
                last_seen,
                standing: now,
                neighbours,
                state: new,
            },
        );
        Ok(())
    }
}
