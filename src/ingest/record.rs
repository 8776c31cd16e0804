//! The transaction that records a batch.
//!
//! Locks come from an unlocked look at which profiles the identifiers lie in; then the batch claims its event keys and
//! reads again what it locked. If that read finds a profile whose lock is not held (someone joined people meanwhile), the
//! transaction is rolled back, which takes back the claims, and starts again with the larger list; after three times it
//! takes the tenant's lock, which no one else can then hold. The read that counts is a later statement than the one that
//! takes the locks, so under READ COMMITTED it sees everything that earlier holders committed.

use std::time::Duration;

use sqlx::PgConnection;

use super::{
    admission::{Gate, Slow},
    claims::{Claimed, claim, repeat},
    failure::{Failure, in_time},
    model::Prepared,
    plan::{self, Context, Known, LiesIn, Writes},
    ruling::{self, Ruling},
    slow,
};
use crate::{
    error::Error,
    ids::{IdentityKey, InteractionId, ProfileId, RunId},
    storage::{
        self, Storage, analyses, event_keys, identities, identity_moves, identity_traits,
        interactions, links, locks, outbox, profiles,
    },
    telemetry::names,
};

/// An interaction on its way in.
#[derive(Clone, Debug)]
pub struct Item {
    /// The interaction.
    pub prepared: Prepared,
    /// The import run it belongs to.
    pub run: Option<RunId>,
}

/// What became of an interaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored now.
    Recorded {
        /// The profile it belongs to.
        profile: ProfileId,
        /// That profile's version since.
        version: i64,
    },
    /// Stored before with the same content.
    Duplicate,
    /// Stored before with other content.
    Conflict,
    /// Retracted before.
    Retracted,
    /// The database refuses it.
    Refused,
    /// What is stored of its people cannot be read: our bug, and only theirs.
    Broken,
}

/// An outcome with the position that a token of it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What became of it.
    pub outcome: Outcome,
    /// The transaction that answered.
    pub position: i64,
}

/// How often a part of a batch may lose a race, or wait too long for its locks, before its callers hear of it: a crowd that
/// wants the same people waits for them one after the other.
const LOSSES: usize = 5;

/// Records items of one tenant, in as many transactions as their locks need, each within `patience`; answers in their order.
///
/// # Errors
/// When the database fails; nothing is known then of the items of the failed transaction, and the items of earlier ones
/// may be stored.
pub async fn record(
    storage: &Storage,
    context: Context<'_>,
    items: &[Item],
    patience: Duration,
) -> Result<Vec<Answer>, Error> {
    let keys: Vec<IdentityKey> = sorted(items.iter().flat_map(|i| keys_of(&i.prepared)));
    let mut connection = storage.acquire().await?;
    let mut lies_in: LiesIn = identities::profiles_of(&mut connection, context.tenant, &keys)
        .await?
        .into_iter()
        .collect();
    drop(connection);
    let mut answers = Vec::with_capacity(items.len());
    let mut rest = items;
    while !rest.is_empty() {
        let (part, later) = rest.split_at(fitting(rest, &lies_in));
        let recorded = record_isolating(storage, context, part, &lies_in, patience).await?;
        for (item, answer) in part.iter().zip(&recorded) {
            if let Outcome::Recorded { profile, .. } = answer.outcome {
                lies_in.extend(keys_of(&item.prepared).map(|key| (key, profile)));
            }
        }
        answers.extend(recorded);
        rest = later;
    }
    Ok(answers)
}

fn keys_of(item: &Prepared) -> impl Iterator<Item = IdentityKey> + '_ {
    item.identifiers.iter().map(|i| i.key)
}

fn sorted<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}

pub(super) fn stripes_of(item: &Prepared, lies_in: &LiesIn) -> locks::Stripes {
    let mut stripes = locks::Stripes::default();
    for key in keys_of(item) {
        stripes.add(key.as_uuid());
        if let Some(profile) = lies_in.get(&key) {
            stripes.add(profile.as_uuid());
        }
    }
    stripes
}

/// How many of the first items need no more stripes than a transaction may take; at least one. An interaction needs at
/// most 64. What a part records is known to the next, so that its profiles are locked from the start.
fn fitting(items: &[Item], lies_in: &LiesIn) -> usize {
    let mut held = locks::Stripes::default();
    for (n, item) in items.iter().enumerate() {
        let more = stripes_of(&item.prepared, lies_in);
        if n > 0 && held.len_with(&more) > locks::MOST {
            return n;
        }
        held.extend(&more);
    }
    items.len()
}

/// Records items in one transaction; when the database refuses the data of one, or what is stored of its people cannot
/// be read, halves until it stands alone.
async fn record_isolating(
    storage: &Storage,
    context: Context<'_>,
    items: &[Item],
    lies_in: &LiesIn,
    patience: Duration,
) -> Result<Vec<Answer>, Error> {
    let mut answers = Vec::with_capacity(items.len());
    let mut left = vec![items];
    while let Some(part) = left.pop() {
        match record_part(storage, context, part, lies_in, patience).await {
            Ok(more) => answers.extend(more),
            Err(Failure::Data(error)) if part.len() == 1 => {
                tracing::error!(%error, interaction.id = %part[0].prepared.id, "the database refused an interaction");
                answers.push(Answer {
                    outcome: Outcome::Refused,
                    position: 0,
                });
            }
            Err(Failure::Other(error @ Error::Bug { .. })) if part.len() == 1 => {
                tracing::error!(%error, interaction.id = %part[0].prepared.id, "an interaction cannot be recorded");
                answers.push(Answer {
                    outcome: Outcome::Broken,
                    position: 0,
                });
            }
            Err(Failure::Data(_) | Failure::Other(Error::Bug { .. })) => {
                let (first, second) = part.split_at(part.len() / 2);
                left.extend([second, first]);
            }
            Err(Failure::Other(error)) => return Err(error),
        }
    }
    Ok(answers)
}

/// Records items: together what the fast path admits, then one by one what it does not.
async fn record_part(
    storage: &Storage,
    context: Context<'_>,
    items: &[Item],
    lies_in: &LiesIn,
    patience: Duration,
) -> Result<Vec<Answer>, Failure> {
    let mut ruling = None;
    let mut losses = 0;
    let (mut answers, slow) = loop {
        let context = context.under(ruling.as_ref());
        let together = record_together(storage, context, items, lies_in);
        match in_time(patience, together).await {
            Err(failure) if failure.is_replaced_rules() => {
                ruling = Some(Ruling::now(storage, context.tenant).await?);
            }
            Err(failure) if failure.is_lost_race() && losses < LOSSES => lost(&mut losses),
            other => break other?,
        }
    };
    for (n, why) in slow {
        metrics::counter!(names::IDENTITY_SLOW_PATHS, "reason" => why.label()).increment(1);
        let answer = loop {
            let context = context.under(ruling.as_ref());
            let alone = slow::record_isolated(storage, context, &items[n]);
            match in_time(patience, alone).await {
                Err(failure) if failure.is_replaced_rules() => {
                    ruling = Some(Ruling::now(storage, context.tenant).await?);
                }
                Err(failure) if failure.is_lost_race() && losses < LOSSES => lost(&mut losses),
                other => break other?,
            }
        };
        let id = items[n].prepared.id;
        repeat(&mut answers, items, (n, id), answer);
    }
    Ok(answers)
}

fn lost(losses: &mut usize) {
    *losses += 1;
    metrics::counter!(names::INGEST_LOCK_RESTARTS).increment(1);
}

/// Items that take the slow path, by their places.
type Deferred = Vec<(usize, Slow)>;

/// Records in one transaction what the fast path admits of some items. Answers, and which items it left out.
async fn record_together(
    storage: &Storage,
    context: Context<'_>,
    items: &[Item],
    lies_in: &LiesIn,
) -> Result<(Vec<Answer>, Deferred), Failure> {
    let mut stripes = locks::Stripes::default();
    for item in items {
        stripes.extend(&stripes_of(&item.prepared, lies_in));
    }
    for attempt in 0.. {
        let alone = attempt > locks::RESTARTS;
        let mut transaction = storage.begin().await?;
        let position = if alone {
            locks::take_tenant(&mut transaction, context.tenant).await?
        } else {
            locks::take(&mut transaction, context.tenant, &stripes).await?
        };
        ruling::check(&mut transaction, context).await?;
        let mut claimed = claim(&mut transaction, context, items).await?;
        let new: Vec<&Prepared> = claimed.new.iter().map(|n| &items[*n].prepared).collect();
        let mut known = identities(&mut transaction, context, &new).await?;
        let missing = missing_stripes(&known, &stripes);
        if !alone && !missing.is_empty() {
            transaction.rollback().await.map_err(storage::Error::from)?;
            metrics::counter!(names::INGEST_LOCK_RESTARTS).increment(1);
            stripes.extend(&missing);
            continue;
        }
        let mut placed = Vec::new();
        let mut slow = Vec::new();
        if !new.is_empty() {
            load_profiles(&mut transaction, context, &new, &mut known).await?;
            slow = admit(&mut transaction, context, items, &mut claimed, &known).await?;
            let new: Vec<&Prepared> = claimed.new.iter().map(|n| &items[*n].prepared).collect();
            let writes = plan::plan(&new, known, context, ProfileId::draw)
                .map_err(|error| Failure::Other(Error::bug("recording a batch", error)))?;
            metrics::counter!(names::IDENTITY_JOINS)
                .increment(u64::try_from(writes.joins).unwrap_or_default());
            placed.clone_from(&writes.placed);
            if !new.is_empty() {
                write(
                    &mut transaction,
                    context,
                    position,
                    items,
                    &claimed.new,
                    writes,
                )
                .await?;
            }
        }
        storage::commit(transaction).await?;
        let answers = claimed.answers(items, &placed, position);
        return Ok((answers, slow));
    }
    // The loop ends by holding the tenant's lock, with which nothing is missing.
    Err(Failure::Other(Error::Conflict { reason: "conflict" }))
}

async fn identities(
    connection: &mut PgConnection,
    context: Context<'_>,
    new: &[&Prepared],
) -> Result<Known, Failure> {
    let mut known = Known::default();
    if !new.is_empty() {
        let wanted = plan::identities_wanted(new);
        known.identities = identities::load(connection, context.tenant, &wanted)
            .await?
            .into_iter()
            .map(|identity| (identity.key, identity))
            .collect();
    }
    Ok(known)
}

fn missing_stripes(known: &Known, held: &locks::Stripes) -> locks::Stripes {
    let mut missing = locks::Stripes::default();
    for identity in known.identities.values() {
        let profile = identity.profile.as_uuid();
        if !held.covers(profile) {
            missing.add(profile);
        }
    }
    missing
}

async fn load_profiles(
    connection: &mut PgConnection,
    context: Context<'_>,
    new: &[&Prepared],
    known: &mut Known,
) -> Result<(), Failure> {
    let wanted = plan::needs(new, known);
    if !wanted.is_empty() {
        known.profiles = profiles::load(connection, context.tenant, &wanted)
            .await?
            .into_iter()
            .map(|profile| (profile.id, profile))
            .collect();
    }
    if known.profiles.len() == wanted.len() {
        return Ok(());
    }
    let what = "an identity lies in a profile that is not stored";
    Err(Failure::Other(Error::bug("recording a batch", what)))
}

/// Leaves the items to the fast path that it admits, and gives back the claims of the others, which are answered.
async fn admit(
    connection: &mut PgConnection,
    context: Context<'_>,
    items: &[Item],
    claimed: &mut Claimed,
    known: &Known,
) -> Result<Deferred, Failure> {
    let new: Vec<&Prepared> = claimed.new.iter().map(|n| &items[*n].prepared).collect();
    let mut gate = Gate::new(context, known);
    let doubtful = gate.doubtful(&new);
    if !doubtful.is_empty() {
        let stored = links::between(connection, context.tenant, &doubtful).await?;
        let ends: Vec<links::Ends> = stored.iter().map(|link| (link.key, link.other)).collect();
        gate.know(&ends);
    }
    let mut slow = Vec::new();
    claimed
        .new
        .retain(|n| match gate.admit(&items[*n].prepared) {
            Ok(()) => true,
            Err(why) => {
                slow.push((*n, why));
                false
            }
        });
    if !slow.is_empty() {
        let mut ids: Vec<InteractionId> = slow.iter().map(|(n, _)| items[*n].prepared.id).collect();
        ids.sort_unstable();
        event_keys::release(connection, context.tenant, &ids).await?;
    }
    Ok(slow)
}

/// Stores the interactions themselves, and what was made of their texts.
pub(super) async fn insert(
    connection: &mut PgConnection,
    context: Context<'_>,
    items: &[Item],
    new: &[usize],
) -> Result<(), Failure> {
    let mut rows = Vec::with_capacity(new.len());
    let mut heard = Vec::new();
    for item in new.iter().map(|n| &items[*n].prepared) {
        let Some(anchor) = item.anchor() else {
            continue;
        };
        let place = interactions::Place {
            occurred_at: item.occurred_at,
            id: item.id,
            anchor,
        };
        rows.push(interactions::New {
            place,
            keys: keys_of(item).collect(),
            body: item.body.clone(),
        });
        let of_item = item.analyses.iter();
        heard.extend(of_item.map(|one| analyses::New::of(place, one)));
    }
    interactions::insert(connection, context.tenant, &rows).await?;
    if !heard.is_empty() {
        let heard: Vec<&analyses::New> = heard.iter().collect();
        analyses::insert(connection, context.tenant, &heard).await?;
    }
    Ok(())
}

async fn write(
    connection: &mut PgConnection,
    context: Context<'_>,
    position: i64,
    items: &[Item],
    new: &[usize],
    mut writes: Writes,
) -> Result<(), Failure> {
    let tenant = context.tenant;
    insert(connection, context, items, new).await?;
    if !writes.links.is_empty() {
        let new = links::add(connection, tenant, &writes.links).await?;
        writes.count_new_links(&new);
    }
    identities::upsert(connection, tenant, &writes.identities).await?;
    for (keys, profile) in &writes.moves {
        identity_moves::move_to(connection, tenant, keys, *profile).await?;
    }
    if !writes.former.is_empty() {
        identity_moves::add_former(connection, tenant, &writes.former).await?;
    }
    if !writes.index.removed.is_empty() {
        identity_traits::delete(connection, tenant, &writes.index.removed).await?;
    }
    if !writes.index.added.is_empty() {
        identity_traits::insert(connection, tenant, &writes.index.added).await?;
    }
    profiles::upsert(connection, tenant, &writes.profiles).await?;
    outbox::append(connection, tenant, position, &writes.changes).await?;
    Ok(())
}
