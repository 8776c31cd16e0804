//! Retraction: taking interactions out of the set, for good.
//!
//! An operation is worked off in transactions of a bounded number of interactions, each of which also notes how far the
//! operation has come; so a call that breaks is taken up by its retry, and a finished one answers as before. The event
//! keys stay and name the operation, so a replay does not bring anything back.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    plan::Context,
    refold,
    ruling::{self, Ruling},
};
use crate::{
    error::Error,
    ids::{IdentityKey, InteractionId, LengthPrefixed, ProfileId, RunId},
    storage::{
        self, Storage,
        event_keys::{self, EventKey},
        identities,
        interactions::{self, Place},
        locks, operations,
    },
    telemetry::names,
};

/// What to retract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// These interactions.
    Interactions(Vec<InteractionId>),
    /// All of an import run.
    Run(RunId),
}

/// A request to retract.
#[derive(Clone, Debug)]
pub struct Request {
    /// The caller's id of the operation.
    pub operation: String,
    /// Who asks.
    pub caller: String,
    /// Why.
    pub reason: String,
    /// What.
    pub selection: Selection,
}

/// How far an operation has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Interactions retracted so far.
    pub retracted: u64,
    /// References that named nothing, or something retracted before.
    pub not_found: u64,
    /// References dealt with.
    seen: u64,
    /// Whether nothing is left.
    pub done: bool,
    /// The last transaction of this call.
    pub position: i64,
}

/// Interactions of one transaction at most; each needs a handful of locks.
const CHUNK: usize = 60;

/// Interactions of one call at most.
const CALL: u64 = 1_000;

impl Request {
    fn hash(&self) -> Uuid {
        let mut hash = LengthPrefixed(blake3::Hasher::new());
        hash.add(self.reason.as_bytes());
        match &self.selection {
            Selection::Run(run) => {
                hash.add(b"run");
                hash.add(run.as_bytes());
            }
            Selection::Interactions(ids) => {
                hash.add(b"interactions");
                for id in ids {
                    hash.add(id.as_bytes());
                }
            }
        }
        hash.finish_128()
    }
}

impl Progress {
    fn encode(self) -> Vec<u8> {
        [self.retracted, self.not_found, self.seen]
            .iter()
            .flat_map(|n| n.to_le_bytes())
            .collect()
    }

    fn decode(bytes: &[u8]) -> Self {
        let mut numbers = bytes.chunks_exact(8).map(|chunk| {
            let mut number = [0; 8];
            number.copy_from_slice(chunk);
            u64::from_le_bytes(number)
        });
        let mut next = || numbers.next().unwrap_or_default();
        Self {
            retracted: next(),
            not_found: next(),
            seen: next(),
            done: false,
            position: 0,
        }
    }
}

/// Retracts up to 1,000 interactions; call again while the answer is not done.
///
/// # Errors
/// `operation_in_progress` while another call works on the operation, `operation_id_reused` when the id was used for
/// another request, and whatever the database says.
pub async fn retract(
    storage: &Storage,
    context: Context<'_>,
    request: &Request,
) -> Result<Progress, Error> {
    let mut handled = 0;
    let mut ruling = None;
    loop {
        let before = handled;
        let context = context.under(ruling.as_ref());
        let (progress, now) = match chunk_until_won(storage, context, request).await {
            Err(error) if ruling::replaced(&error) => {
                ruling = Some(Ruling::now(storage, context.tenant).await?);
                continue;
            }
            other => other?,
        };
        handled += now;
        if progress.done || handled >= CALL || handled == before {
            return Ok(progress);
        }
    }
}

/// How often a transaction that lost a race starts again before it takes the tenant's lock, with which it loses none.
const RESTARTS: usize = 3;

async fn chunk_until_won(
    storage: &Storage,
    context: Context<'_>,
    request: &Request,
) -> Result<(Progress, u64), Error> {
    let mut more = locks::Stripes::default();
    for _ in 0..RESTARTS {
        match chunk(storage, context, request, Some(&mut more)).await {
            Err(Error::Conflict { reason: "conflict" }) => {
                metrics::counter!(names::INGEST_LOCK_RESTARTS).increment(1);
            }
            other => return other,
        }
        if more.len() > locks::MOST {
            break;
        }
    }
    chunk(storage, context, request, None).await
}

/// One transaction's worth. Answers with the progress and how many interactions or references it dealt with. `more` are
/// locks that an attempt before found to be needed, to which this one adds; without it the tenant's lock is taken before
/// anything is read.
async fn chunk(
    storage: &Storage,
    context: Context<'_>,
    request: &Request,
    more: Option<&mut locks::Stripes>,
) -> Result<(Progress, u64), Error> {
    let mut transaction = storage.begin().await?;
    match work(&mut transaction, context, request, more).await {
        Ok(done) => {
            storage::commit(transaction).await?;
            Ok(done)
        }
        Err(error) => {
            // Now, and not some time after it is dropped: the next attempt wants the operation's row.
            let _ = transaction.rollback().await;
            Err(error)
        }
    }
}

async fn work(
    connection: &mut PgConnection,
    context: Context<'_>,
    request: &Request,
    more: Option<&mut locks::Stripes>,
) -> Result<(Progress, u64), Error> {
    if more.is_none() {
        locks::take_tenant(connection, context.tenant).await?;
    }
    let operation = hold(connection, context, request).await?;
    let mut progress = Progress::decode(&operation.progress);
    if operation.done {
        // A position after the last transaction of the operation, so that the answer carries a token again.
        let none = locks::Stripes::default();
        progress.position = locks::take(connection, context.tenant, &none).await?;
        progress.done = true;
        return Ok((progress, 0));
    }
    let mut selected = select(connection, context, request, &progress).await?;
    let (mut stripes, places) = loop {
        let places = places(connection, context, &selected.keys).await?;
        let stripes = stripes(connection, context, &places).await?;
        if stripes.len() <= locks::MOST || selected.keys.len() <= 1 {
            break (stripes, places);
        }
        selected.halve();
    };
    if let Some(more) = &more {
        stripes.extend(more);
    }
    // Who holds the tenant's lock gets the stripes without waiting, and needs none when they are many.
    if more.is_none() && stripes.len() > locks::MOST {
        stripes = locks::Stripes::default();
    }
    progress.position = locks::take(connection, context.tenant, &stripes).await?;
    ruling::check(connection, context).await?;
    let held = more.is_some().then_some(&stripes);
    let ids: Vec<InteractionId> = selected.keys.iter().map(|k| k.id).collect();
    let taken = event_keys::retract(connection, context.tenant, &ids, &request.operation).await?;
    if taken != length(ids.len()) || !covered(connection, context, &places, held).await? {
        // Someone retracted or joined meanwhile; what was read no longer stands.
        return Err(Error::Conflict { reason: "conflict" });
    }
    if !places.is_empty() {
        let of_place: Vec<Place> = places.iter().map(|p| p.place).collect();
        interactions::retract(connection, context.tenant, &of_place, &request.operation).await?;
        let refolded =
            refold::refold(connection, context, progress.position, &places, held).await?;
        if let (refold::Refolded::Needs(needed), Some(more)) = (refolded, more) {
            more.extend(&needed);
            return Err(Error::Conflict { reason: "conflict" });
        }
    }
    progress.retracted += taken;
    progress.not_found += selected.not_found;
    progress.seen += selected.seen;
    progress.done = selected.last;
    operations::progress(
        connection,
        context.tenant,
        &request.operation,
        &progress.encode(),
        progress.done,
    )
    .await?;
    Ok((progress, selected.seen.max(taken)))
}

async fn hold(
    connection: &mut PgConnection,
    context: Context<'_>,
    request: &Request,
) -> Result<operations::Operation, Error> {
    const KIND: &str = "retract_interactions";
    let hash = request.hash();
    let operation = operations::begin(
        connection,
        context.tenant,
        operations::Request {
            id: &request.operation,
            kind: KIND,
            hash,
            caller: &request.caller,
            reason: &request.reason,
        },
    )
    .await
    .map_err(|error| match error {
        storage::Error::Conflict(_) => Error::Conflict {
            reason: "operation_in_progress",
        },
        other => other.into(),
    })?;
    if operation.kind != KIND || operation.request_hash != hash {
        return Err(Error::Refused {
            reason: "operation_id_reused",
            description: "this operation id was used for another request".into(),
        });
    }
    Ok(operation)
}

/// What one transaction deals with.
struct Selected {
    keys: Vec<EventKey>,
    /// References dealt with, and how many of them named nothing.
    seen: u64,
    not_found: u64,
    /// Whether nothing is left after it.
    last: bool,
    of_run: bool,
}

impl Selected {
    fn halve(&mut self) {
        self.keys.truncate(self.keys.len() / 2);
        self.last = false;
        if !self.of_run {
            // References are dealt with in order, so what is put off must not count as seen; see `select`.
            self.seen = length(self.keys.len());
            self.not_found = 0;
        }
    }
}

async fn select(
    connection: &mut PgConnection,
    context: Context<'_>,
    request: &Request,
    progress: &Progress,
) -> Result<Selected, Error> {
    match &request.selection {
        Selection::Run(run) => {
            let limit = i64::try_from(CHUNK).unwrap_or(i64::MAX);
            let keys = event_keys::of_run(connection, context.tenant, *run, limit).await?;
            Ok(Selected {
                last: keys.len() < CHUNK,
                keys,
                seen: 0,
                not_found: 0,
                of_run: true,
            })
        }
        Selection::Interactions(ids) => {
            let start = usize::try_from(progress.seen)
                .unwrap_or(usize::MAX)
                .min(ids.len());
            let part = &ids[start..ids.len().min(start + CHUNK)];
            let mut found: HashMap<InteractionId, EventKey> =
                event_keys::load(connection, context.tenant, part)
                    .await?
                    .into_iter()
                    .filter(|key| key.retracted_by.is_none())
                    .map(|key| (key.id, key))
                    .collect();
            let missing = part.iter().filter(|id| !found.contains_key(id)).count();
            if missing == 0 || missing == part.len() {
                return Ok(Selected {
                    keys: part.iter().filter_map(|id| found.remove(id)).collect(),
                    seen: length(part.len()),
                    not_found: length(missing),
                    last: start + part.len() == ids.len(),
                    of_run: false,
                });
            }
            // A run of references that are all there, or all not, so that a part that is put off is simple to count.
            let there = found.contains_key(&part[0]);
            let run = part
                .iter()
                .take_while(|id| found.contains_key(id) == there)
                .count();
            Ok(Selected {
                keys: part[..run]
                    .iter()
                    .filter_map(|id| found.remove(id))
                    .collect(),
                seen: length(run),
                not_found: if there { 0 } else { length(run) },
                last: start + run == ids.len(),
                of_run: false,
            })
        }
    }
}

async fn places(
    connection: &mut PgConnection,
    context: Context<'_>,
    keys: &[EventKey],
) -> Result<Vec<interactions::Stored>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<Place> = keys
        .iter()
        .map(|key| Place {
            occurred_at: key.occurred_at,
            id: key.id,
            anchor: key.anchor,
        })
        .collect();
    Ok(interactions::load(connection, context.tenant, &places).await?)
}

fn keys_of(places: &[interactions::Stored]) -> Vec<IdentityKey> {
    let keys: HashSet<IdentityKey> = places.iter().flat_map(|p| p.keys.iter().copied()).collect();
    keys.into_iter().collect()
}

async fn profiles_of(
    connection: &mut PgConnection,
    context: Context<'_>,
    keys: &[IdentityKey],
) -> Result<Vec<ProfileId>, Error> {
    let found = identities::profiles_of(connection, context.tenant, keys).await?;
    Ok(found.into_iter().map(|(_, profile)| profile).collect())
}

async fn stripes(
    connection: &mut PgConnection,
    context: Context<'_>,
    places: &[interactions::Stored],
) -> Result<locks::Stripes, Error> {
    let keys = keys_of(places);
    let mut stripes = locks::Stripes::default();
    for key in &keys {
        stripes.add(key.as_uuid());
    }
    for profile in profiles_of(connection, context, &keys).await? {
        stripes.add(profile.as_uuid());
    }
    Ok(stripes)
}

async fn covered(
    connection: &mut PgConnection,
    context: Context<'_>,
    places: &[interactions::Stored],
    held: Option<&locks::Stripes>,
) -> Result<bool, Error> {
    let Some(held) = held else {
        return Ok(true);
    };
    let profiles = profiles_of(connection, context, &keys_of(places)).await?;
    Ok(profiles
        .iter()
        .all(|profile| held.covers(profile.as_uuid())))
}

fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
