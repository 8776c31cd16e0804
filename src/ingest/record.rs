//! The transaction that records a batch.
//!
//! Locks come from an unlocked look at which profiles the identifiers lie in; then the batch claims its event keys and
//! reads again what it locked. If that read finds a profile whose lock is not held (someone joined people meanwhile), the
//! transaction is rolled back, which takes back the claims, and starts again with the larger list; after three times it
//! takes the tenant's lock, which no one else can then hold. The read that counts is a later statement than the one that
//! takes the locks, so under READ COMMITTED it sees everything that earlier holders committed.

use std::{sync::Arc, time::Duration};

use sqlx::PgConnection;

use super::{
    admission::{Gate, Slow},
    claims::{Claimed, claim, repeat},
    failure::{Failure, in_time},
    guard::{self, Guard},
    model::Prepared,
    plan::{self, Context, Known, LiesIn},
    ruling::{self, Ruling},
    slow,
    write::write,
};
use crate::{
    error::Error,
    ids::{IdentityKey, InteractionId, ProfileId, RunId},
    storage::{self, Storage, event_keys, identities, links, locks, offers, profiles},
    telemetry::names,
};

/// An interaction on its way in.
#[derive(Clone, Debug)]
pub struct Item {
    /// The interaction.
    pub prepared: Prepared,
    /// The import run it belongs to.
    pub run: Option<RunId>,
    /// What has to hold for it to be recorded.
    pub guard: Option<Guard>,
    /// The decision that it notes, stored with it.
    pub decision: Option<Arc<offers::New>>,
}

impl Item {
    /// An interaction that nothing else depends on.
    #[must_use]
    pub fn plain(prepared: Prepared, run: Option<RunId>) -> Self {
        Self {
            prepared,
            run,
            guard: None,
            decision: None,
        }
    }
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
    /// Its guard does not let it through: what it was made from has changed.
    Outdated,
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

pub(super) fn keys_of(item: &Prepared) -> impl Iterator<Item = IdentityKey> + '_ {
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
        // What it holds of a batch is large for a future.
        let recording = record_part(storage, context, part, lies_in, patience);
        match Box::pin(recording).await {
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
        let (mut slow, mut outdated) = (Vec::new(), Vec::new());
        if !new.is_empty() {
            load_profiles(&mut transaction, context, &new, &mut known).await?;
            slow = admit(&mut transaction, context, items, &mut claimed, &known).await?;
            outdated = guard::refused(context, items, &claimed.new, &known);
            claimed.new.retain(|n| !outdated.contains(n));
            release(&mut transaction, context, items, &outdated).await?;
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
        let mut answers = claimed.answers(items, &placed, position);
        for n in outdated {
            let outcome = Outcome::Outdated;
            let answer = Answer { outcome, position };
            repeat(&mut answers, items, (n, items[n].prepared.id), answer);
        }
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
    let places: Vec<usize> = slow.iter().map(|(n, _)| *n).collect();
    release(connection, context, items, &places).await?;
    Ok(slow)
}

/// Gives back the claims of items.
async fn release(
    connection: &mut PgConnection,
    context: Context<'_>,
    items: &[Item],
    places: &[usize],
) -> Result<(), Failure> {
    if !places.is_empty() {
        let mut ids: Vec<InteractionId> = places.iter().map(|n| items[*n].prepared.id).collect();
        ids.sort_unstable();
        event_keys::release(connection, context.tenant, &ids).await?;
    }
    Ok(())
}
