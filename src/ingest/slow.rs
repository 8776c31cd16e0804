//! The slow path: one interaction in a transaction of its own, resolved with whatever it reaches.
//!
//! An unlocked reading says which profiles it reaches, and so which locks are needed; under the locks everything is read
//! again. If that reading reaches further, the transaction is rolled back and starts again with more locks; after three
//! times it takes the tenant's lock, which no one else can then hold.

use std::collections::{BTreeSet, HashMap};

use sqlx::PgConnection;
use tokio::time::Instant;

use super::{
    claims::{Claimed, claim},
    failure::Failure,
    guard::admitted,
    index_keys,
    plan::Context,
    rebuild::{Rewritten, rebuild},
    record::{Item, stripes_of},
    region::{Changed, Overlay, Reached, Resolved, Torn, leave_waiting, resolve_around},
    ruling, standings,
    write::insert,
};
use crate::{
    error::Error,
    identity::{
        Keyed, Link, Neighbours, Standing,
        link::{self, Links},
        settle::Wishes,
        standing::standing,
    },
    ids::{IdentityKey, ProfileId},
    ingest::{Answer, Outcome},
    profile::State,
    storage::{
        self, Storage,
        identities::{self, Identity},
        identity_traits,
        links::{self, Ends},
        locks, profiles,
    },
    telemetry::names,
};

/// Records one interaction by the slow path; what is wrong with it alone is its answer.
///
/// # Errors
/// As recording a batch.
pub(super) async fn record_isolated(
    storage: &Storage,
    context: Context<'_>,
    item: &Item,
) -> Result<Answer, Failure> {
    let outcome = match record_one(storage, context, item).await {
        Ok(answer) => return Ok(answer),
        Err(Failure::Data(error)) => {
            tracing::error!(%error, interaction.id = %item.prepared.id, "the database refused an interaction");
            Outcome::Refused
        }
        Err(Failure::Other(error @ Error::Bug { .. })) => {
            tracing::error!(%error, interaction.id = %item.prepared.id, "an interaction cannot be recorded");
            Outcome::Broken
        }
        Err(other) => return Err(other),
    };
    Ok(Answer {
        outcome,
        position: 0,
    })
}

/// Records one interaction by the slow path.
///
/// # Errors
/// As recording a batch.
#[tracing::instrument(name = "identity.resolve", skip_all, fields(identifiers = tracing::field::Empty, restarts = tracing::field::Empty, waiting = tracing::field::Empty))]
pub(super) async fn record_one(
    storage: &Storage,
    context: Context<'_>,
    item: &Item,
) -> Result<Answer, Failure> {
    let started = Instant::now();
    let mut stripes = {
        // One snapshot, so that no identifier is seen in two profiles.
        let mut snapshot = storage.begin_snapshot().await?;
        let prepared = prepare(&mut snapshot, context, item).await?;
        match prepared.resolve(&mut snapshot, context).await? {
            Ok(resolved) => stripes_for(item, &resolved),
            Err(torn) => torn.needs(None)?,
        }
    };
    for attempt in 0.. {
        let alone = attempt > locks::RESTARTS || stripes.len() > locks::MOST;
        let mut transaction = storage.begin().await?;
        let waiting = Instant::now();
        let position = if alone {
            locks::take_tenant(&mut transaction, context.tenant).await?
        } else {
            locks::take(&mut transaction, context.tenant, &stripes).await?
        };
        metrics::histogram!(names::IDENTITY_LOCK_WAIT_SECONDS)
            .record(waiting.elapsed().as_secs_f64());
        ruling::check(&mut transaction, context).await?;
        let items = std::slice::from_ref(item);
        let claimed = claim(&mut transaction, context, items).await?;
        if claimed.new.is_empty() {
            storage::commit(transaction).await?;
            return answer(&claimed, items, &[], position);
        }
        let prepared = prepare(&mut transaction, context, item).await?;
        let held = (!alone).then_some(&stripes);
        let resolved = match prepared.resolve(&mut transaction, context).await? {
            Ok(resolved) => covered(item, resolved, held),
            Err(torn) => Err(torn.needs(held)?),
        };
        let resolved = match resolved {
            Ok(resolved) => resolved,
            Err(needed) => {
                transaction.rollback().await.map_err(storage::Error::from)?;
                metrics::counter!(names::INGEST_LOCK_RESTARTS).increment(1);
                stripes.extend(&needed);
                continue;
            }
        };
        if !admitted(&mut transaction, context, item).await? {
            transaction.rollback().await.map_err(storage::Error::from)?;
            let outcome = Outcome::Outdated;
            return Ok(Answer { outcome, position });
        }
        insert(&mut transaction, context, items, &claimed.new).await?;
        let size = resolved.region.graph().len();
        let placed = prepared
            .write(&mut transaction, context, position, item, &resolved)
            .await?;
        storage::commit(transaction).await?;
        let span = tracing::Span::current();
        span.record("identifiers", size);
        span.record("restarts", attempt);
        span.record("waiting", resolved.waiting);
        metrics::histogram!(names::IDENTITY_REGION_IDENTIFIERS)
            .record(f64::from(u32::try_from(size).unwrap_or(u32::MAX)));
        metrics::histogram!(names::IDENTITY_RESOLUTION_SECONDS)
            .record(started.elapsed().as_secs_f64());
        return answer(&claimed, items, &[placed], position);
    }
    Err(Failure::Other(Error::Conflict { reason: "conflict" }))
}

fn answer(
    claimed: &Claimed,
    items: &[Item],
    placed: &[(ProfileId, i64)],
    position: i64,
) -> Result<Answer, Failure> {
    let mut answers = claimed.answers(items, placed, position);
    answers
        .pop()
        .ok_or_else(|| Failure::Other(Error::bug("recording", "an item has no answer")))
}

/// What an interaction changes before its sets are resolved.
struct Prepared {
    overlay: Overlay,
    start: BTreeSet<ProfileId>,
    rewritten: HashMap<IdentityKey, Rewritten>,
    links: Vec<Link>,
    new_links: Vec<Ends>,
    added: State,
    index: index_keys::Changes,
    not_below: i64,
    /// Standings that identifiers come to.
    standings: Vec<Standing>,
}

/// Reads what is stored of an interaction's identifiers and adds the interaction.
async fn prepare(
    connection: &mut PgConnection,
    context: Context<'_>,
    item: &Item,
) -> Result<Prepared, Failure> {
    let item = &item.prepared;
    let wanted: Vec<identities::Wanted> = item
        .identifiers
        .iter()
        .enumerate()
        .map(|(n, identifier)| identities::Wanted {
            key: identifier.key,
            state: n == 0,
            subjects: n == 0,
        })
        .collect();
    let stored: HashMap<IdentityKey, Identity> =
        identities::load(connection, context.tenant, &wanted)
            .await?
            .into_iter()
            .map(|identity| (identity.key, identity))
            .collect();
    let mut links = Links::new();
    for link in link::links_of(item.occurred_at, item.identifiers.iter().map(|i| i.key)) {
        link::add_link(&mut links, link);
    }
    let known = known_links(connection, context, &links).await?;
    let links = link::from_both_ends(&links);
    let new_links: Vec<Ends> = links
        .keys()
        .filter(|ends| !known.contains_key(*ends))
        .copied()
        .collect();
    let mut raised = links.clone();
    for (ends, link) in &mut raised {
        if let Some(known) = known.get(ends) {
            link.add(known);
        }
    }
    let mut prepared = Prepared {
        overlay: Overlay {
            links: raised.values().copied().collect(),
            ..Overlay::default()
        },
        start: BTreeSet::new(),
        rewritten: HashMap::new(),
        links: links.into_values().collect(),
        new_links,
        added: State::default(),
        index: index_keys::Changes::default(),
        not_below: 0,
        standings: Vec::new(),
    };
    prepared
        .added
        .add(item.fact(context.region, context.zone))
        .map_err(|e| Failure::Other(Error::bug("folding an interaction", e)))?;
    for identifier in &item.identifiers {
        prepared
            .change(connection, context, item, identifier, &stored)
            .await?;
    }
    Ok(prepared)
}

/// The links of an interaction that are stored, from both ends.
async fn known_links(
    connection: &mut PgConnection,
    context: Context<'_>,
    links: &Links,
) -> Result<Links, Failure> {
    let ends: Vec<Ends> = links.keys().copied().collect();
    let mut known = Links::new();
    for link in links::between(connection, context.tenant, &ends).await? {
        for link in [link, link.reversed()] {
            known.insert((link.key, link.other), link);
        }
    }
    Ok(known)
}

/// The locks under which an interaction is resolved.
fn stripes_for(item: &Item, resolved: &Resolved) -> locks::Stripes {
    let mut stripes = stripes_of(&item.prepared, &HashMap::new());
    stripes.extend(&resolved.region.stripes());
    stripes
}

/// What was read under these locks (`None`: the tenant's), or the locks that it needs.
fn covered(
    item: &Item,
    resolved: Resolved,
    held: Option<&locks::Stripes>,
) -> Result<Resolved, locks::Stripes> {
    let needed = stripes_for(item, &resolved);
    if held.is_none_or(|held| held.covers_all(&needed)) {
        Ok(resolved)
    } else {
        Err(needed)
    }
}

impl Prepared {
    /// An identifier of the interaction as it becomes.
    async fn change(
        &mut self,
        connection: &mut PgConnection,
        context: Context<'_>,
        item: &super::Prepared,
        identifier: &Keyed,
        stored: &HashMap<IdentityKey, Identity>,
    ) -> Result<(), Failure> {
        let key = identifier.key;
        let row = stored.get(&key);
        let present = row.filter(|row| row.present);
        let neighbours = self.neighbours(item, key, present);
        let raised = &self.overlay.links;
        let nobodys =
            standings::meets(connection, context, identifier, raised, &item.identifiers).await?;
        let was = present.map(|row| row.standing).unwrap_or_default();
        let now = standing(context.rules, &identifier.identifier, &neighbours, nobodys);
        match row {
            Some(row) if row.present => {
                self.start.insert(row.profile);
            }
            Some(row) => self.returns(connection, context, row).await?,
            None => (),
        }
        if now != was {
            self.standings.push(now);
            let concerned = standings::concerned(connection, context, identifier).await?;
            self.start.extend(concerned);
        }
        let (first_seen, last_seen) = present.map_or((item.occurred_at, item.occurred_at), |row| {
            (
                row.first_seen.min(item.occurred_at),
                row.last_seen.max(item.occurred_at),
            )
        });
        let anchored = item.anchor() == Some(key);
        let state = if anchored {
            let old = present
                .and_then(|row| row.state.clone())
                .unwrap_or_default();
            Some(self.fold(old)?)
        } else {
            None
        };
        if anchored || present.is_none() {
            let nothing = State::default();
            let before = present.map(|row| row.state.as_ref().unwrap_or(&nothing));
            let after = state.as_ref().unwrap_or(&nothing);
            let identity = (key, &identifier.identifier);
            (self.index).follow(context, identity, before, Some(after));
        }
        self.overlay.nodes.insert(
            key,
            Changed {
                identifier: identifier.identifier.clone(),
                first_seen,
                standing: now,
                profile: present.map(|row| row.profile),
                present: true,
            },
        );
        self.rewritten.insert(
            key,
            Rewritten {
                identifier: identifier.identifier.clone(),
                first_seen,
                last_seen,
                standing: now,
                neighbours,
                state,
            },
        );
        Ok(())
    }

    /// Adds the interaction to its anchor's state.
    fn fold(&self, mut state: State) -> Result<State, Failure> {
        state
            .merge(self.added.clone())
            .map_err(|e| Failure::Other(Error::bug("folding an interaction", e)))?;
        Ok(state)
    }

    fn neighbours(
        &self,
        item: &super::Prepared,
        key: IdentityKey,
        row: Option<&Identity>,
    ) -> Neighbours {
        let mut neighbours = row.map(|row| row.neighbours.clone()).unwrap_or_default();
        for (_, other) in self.new_links.iter().filter(|(one, _)| *one == key) {
            if let Some(other) = item.identifiers.iter().find(|i| i.key == *other) {
                neighbours.add(&other.identifier.namespace);
            }
        }
        neighbours
    }

    /// An identifier is spoken of again: what was seen along it must not go back.
    async fn returns(
        &mut self,
        connection: &mut PgConnection,
        context: Context<'_>,
        row: &Identity,
    ) -> Result<(), Failure> {
        let wanted = profiles::Wanted::row(row.profile);
        for profile in profiles::load(connection, context.tenant, &[wanted]).await? {
            self.not_below = self.not_below.max(profile.version);
        }
        Ok(())
    }

    /// Resolves what the interaction reaches; when that is too much for now, it is left for the background.
    async fn resolve(
        &self,
        connection: &mut PgConnection,
        context: Context<'_>,
    ) -> Result<Result<Resolved, Torn>, Failure> {
        let limit = context.resolve_limit;
        let (overlay, start) = (&self.overlay, &self.start);
        match resolve_around(connection, context, overlay, start, limit).await? {
            Reached::Resolved(resolved) => Ok(Ok(*resolved)),
            Reached::TooMuch => Ok(Ok(leave_waiting(connection, context, overlay, start).await?)),
            Reached::Torn(torn) => Ok(Err(torn)),
        }
    }

    /// Writes the interaction's effects. Answers with its profile and version.
    async fn write(
        &self,
        connection: &mut PgConnection,
        context: Context<'_>,
        position: i64,
        item: &Item,
        resolved: &Resolved,
    ) -> Result<(ProfileId, i64), Failure> {
        let tenant = context.tenant;
        if !self.links.is_empty() {
            links::add(connection, tenant, &self.links).await?;
        }
        let index_keys::Changes { added, removed } = &self.index;
        if !removed.is_empty() {
            identity_traits::delete(connection, tenant, removed).await?;
        }
        if !added.is_empty() {
            identity_traits::insert(connection, tenant, added).await?;
        }
        let wishes = Wishes {
            not_below: self.not_below,
            ..Wishes::default()
        };
        let rebuilt = rebuild(
            connection,
            context,
            position,
            resolved,
            &self.rewritten,
            wishes,
        )
        .await
        .map_err(Failure::Other)?;
        standings::count(&rebuilt, resolved);
        for now in &self.standings {
            standings::count_change(*now);
        }
        let anchor = item.prepared.anchor();
        anchor
            .and_then(|key| rebuilt.placed.get(&key).copied())
            .ok_or_else(|| Failure::Other(Error::bug("recording", "an anchor lies in no set")))
    }
}
