//! Analysing stored texts anew, in the background.
//!
//! What must stay true:
//!
//! - An analysis is added and its anchor folded anew in one transaction, under the locks and through the code of whoever
//!   else folds an anchor anew (`refold`); so writes go on meanwhile, and it does not matter who comes first. No fact is
//!   changed or taken away: what was known before stays known as it was.
//! - Interactions are read in the order of their anchors, a page at a time, without locks: what is to be added is looked for
//!   again under the locks, and what was retracted meanwhile is left alone.
//! - Each transaction is small. One that dies leaves everything as it was; whoever takes the lease goes on after the last
//!   identifier that is done, and what was analysed beyond it is not analysed again.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    time::Duration,
};

use prost::Message as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    heard::hear,
    plan::Context,
    refold::{Refolded, refold_anchors},
    ruling,
};
use crate::{
    clock::Micros,
    error::Error,
    ids::{IdentityKey, InteractionId},
    proto::v1::{AnalysisMethod, Interaction},
    sentiment::Listening,
    storage::{
        self, Storage, analyses, identities,
        interactions::{self, Place, Stored},
        locks, reanalyses, rule_sets,
    },
    telemetry::names,
};

/// Interactions that are read at a time.
const PAGE: i64 = 200;

/// Identifiers that are folded anew in one transaction.
const ANCHORS: usize = 32;

/// Analyses of one identifier that are held back while more of its interactions may come, so that it is not folded anew for
/// every page.
const HELD: usize = 1_000;

/// How long a process that has the work may say nothing before another takes it.
const LEASE: Duration = Duration::from_secs(15);

/// The name of the work, among a tenant's leases.
const WORK: &str = "reanalysis";

/// How often a transaction that waited too long for its locks starts again.
const LOSSES: usize = 5;

/// After the last instant that an interaction may be of.
const NEVER: Micros = Micros(253_402_300_799 * Micros::SECOND);

/// How far a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// Nothing is left.
    ToTheEnd,
    /// Another process does the work, or has to: it is of a later release.
    Elsewhere,
    /// The rules of resolution were replaced meanwhile: begin again under those.
    Replaced,
}

/// What to do, and who does it.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// The operation's id.
    pub operation: &'a str,
    /// How the tenant has texts read.
    pub listening: &'a Listening,
    /// The name of this process.
    pub holder: Uuid,
}

impl Work<'_> {
    /// The version that texts are analysed with, as it is stored.
    #[must_use]
    pub fn version(&self) -> i32 {
        i32::try_from(self.listening.reader.version).unwrap_or(i32::MAX)
    }
}

/// Analyses to add, by anchor.
type Fresh = BTreeMap<IdentityKey, Vec<analyses::New>>;

/// Goes on with a re-analysis to its end.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "sentiment.reanalysis", skip_all, fields(tenant = %context.tenant, version = work.version()))]
pub async fn run(storage: &Storage, context: Context<'_>, work: Work<'_>) -> Result<Came, Error> {
    match go_on(storage, context, work).await {
        Err(error) if ruling::replaced(&error) => Ok(Came::Replaced),
        other => other,
    }
}

async fn go_on(storage: &Storage, context: Context<'_>, work: Work<'_>) -> Result<Came, Error> {
    let (tenant, operation) = (context.tenant, work.operation);
    let version = work.version();
    let mut after = match take_up(storage, context, work).await? {
        Ok(after) => after,
        Err(came) => return Ok(came),
    };
    let mut fresh = Fresh::new();
    // The anchors that were begun and are not told to be done.
    let mut begun: BTreeSet<IdentityKey> = BTreeSet::new();
    loop {
        let mut connection = storage.acquire().await?;
        let method = analyses::code(AnalysisMethod::BuiltIn);
        let page =
            reanalyses::left(&mut connection, tenant, after, (method, version), PAGE).await?;
        drop(connection);
        let more = page.len() == usize::try_from(PAGE).unwrap_or_default();
        for one in &page {
            begun.insert(one.place.anchor);
            read(one, work, &mut fresh);
            // Others wait for this thread.
            tokio::task::yield_now().await;
        }
        if let Some(last) = page.last() {
            after = last.place;
        }
        let open = more.then_some(after.anchor);
        let few = |anchor: &IdentityKey| fresh.get(anchor).is_some_and(|all| all.len() < HELD);
        let held_back = open.filter(few);
        let held_back = held_back.and_then(|anchor| fresh.remove_entry(&anchor));
        if !write_all(storage, context, work, std::mem::take(&mut fresh)).await? {
            return Ok(Came::Elsewhere);
        }
        fresh.extend(held_back);
        let mut connection = storage.acquire().await?;
        if !has_lease(&mut connection, context, work).await? {
            return Ok(Came::Elsewhere);
        }
        let ended: BTreeSet<IdentityKey> = begun
            .iter()
            .filter(|anchor| Some(**anchor) != open)
            .copied()
            .collect();
        begun.retain(|anchor| Some(*anchor) == open);
        if let Some(last) = ended.last() {
            let count = i64::try_from(ended.len()).unwrap_or(i64::MAX);
            metrics::counter!(names::REANALYSIS_IDENTIFIERS)
                .increment(u64::try_from(count).unwrap_or_default());
            let of = (operation, version);
            reanalyses::advance(&mut connection, tenant, of, (*last, count)).await?;
        }
        if !more {
            if reanalyses::finish(&mut connection, tenant, operation, version).await? {
                tracing::info!(
                    operation.id = operation,
                    version,
                    "texts were analysed anew"
                );
            }
            return Ok(Came::ToTheEnd);
        }
    }
}

/// After which place the work goes on, if it is this process's and there is any.
async fn take_up(
    storage: &Storage,
    context: Context<'_>,
    work: Work<'_>,
) -> Result<Result<Place, Came>, Error> {
    let (tenant, operation) = (context.tenant, work.operation);
    let version = work.version();
    let mut connection = storage.acquire().await?;
    if !has_lease(&mut connection, context, work).await? {
        return Ok(Err(Came::Elsewhere));
    }
    reanalyses::raise(&mut connection, tenant, operation, version).await?;
    let known = reanalyses::load(&mut connection, tenant, operation).await?;
    Ok(match known {
        None => Err(Came::ToTheEnd),
        Some(known) if known.done => Err(Came::ToTheEnd),
        Some(known) if known.version != version => Err(Came::Elsewhere),
        Some(known) => Ok(match known.cursor {
            None => place(Uuid::nil(), Micros(0), Uuid::nil()),
            Some(last) => place(last, NEVER, Uuid::max()),
        }),
    })
}

fn place(anchor: Uuid, occurred_at: Micros, id: Uuid) -> Place {
    Place {
        occurred_at,
        id: InteractionId::from_uuid(id),
        anchor: IdentityKey::from_uuid(anchor),
    }
}

async fn has_lease(
    connection: &mut PgConnection,
    context: Context<'_>,
    work: Work<'_>,
) -> Result<bool, Error> {
    let holder = work.holder;
    Ok(rule_sets::take_lease(connection, context.tenant, WORK, holder, LEASE).await?)
}

/// Adds what an interaction's text says, when the customer speaks in it.
fn read(one: &Stored, work: Work<'_>, fresh: &mut Fresh) {
    match Interaction::decode(one.body.as_slice()) {
        Ok(message) => {
            if let Some(analysis) = hear(work.listening, &message) {
                let of_anchor = fresh.entry(one.place.anchor).or_default();
                of_anchor.push(analyses::New::of(one.place, &analysis));
            }
        }
        Err(error) => {
            tracing::error!(%error, interaction.id = %one.place.id, "a stored interaction cannot be read");
        }
    }
}

/// Adds analyses, in parts where that needs many locks or one of the anchors cannot be read. Answers whether the work is
/// still this process's.
async fn write_all(
    storage: &Storage,
    context: Context<'_>,
    work: Work<'_>,
    fresh: Fresh,
) -> Result<bool, Error> {
    let all: Vec<(IdentityKey, Vec<analyses::New>)> = fresh.into_iter().collect();
    let mut left: Vec<&[(IdentityKey, Vec<analyses::New>)]> = all.chunks(ANCHORS).rev().collect();
    while let Some(part) = left.pop() {
        let mut connection = storage.acquire().await?;
        if !has_lease(&mut connection, context, work).await? {
            return Ok(false);
        }
        drop(connection);
        match write_part(storage, context, work, part).await {
            Ok(Part::Done) => (),
            Err(error @ Error::Bug { .. }) if part.len() == 1 => {
                tracing::error!(%error, anchor = %part[0].0, "an identifier's texts cannot be analysed anew");
            }
            Ok(Part::TooManyLocks) | Err(Error::Bug { .. }) => {
                let (first, second) = part.split_at(part.len() / 2);
                left.extend([second, first]);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

enum Part {
    Done,
    TooManyLocks,
}

enum Attempt {
    Written(u64),
    Needs(locks::Stripes),
}

async fn write_part(
    storage: &Storage,
    context: Context<'_>,
    work: Work<'_>,
    part: &[(IdentityKey, Vec<analyses::New>)],
) -> Result<Part, Error> {
    let anchors: Vec<IdentityKey> = part.iter().map(|(anchor, _)| *anchor).collect();
    let mut connection = storage.acquire().await?;
    let mut stripes = stripes_of(&mut connection, context, &anchors).await?;
    drop(connection);
    let mut losses = 0;
    for attempt in 0.. {
        if stripes.len() > locks::MOST && part.len() > 1 {
            return Ok(Part::TooManyLocks);
        }
        let alone = attempt > locks::RESTARTS + losses || stripes.len() > locks::MOST;
        let held = (!alone).then_some(&stripes);
        let mut transaction = storage.begin().await?;
        match write(&mut transaction, context, work, part, held).await {
            Ok(Attempt::Written(texts)) => {
                storage::commit(transaction).await?;
                metrics::counter!(names::REANALYSIS_TEXTS).increment(texts);
                return Ok(Part::Done);
            }
            Ok(Attempt::Needs(needed)) => {
                transaction.rollback().await.map_err(storage::Error::from)?;
                metrics::counter!(names::INGEST_LOCK_RESTARTS).increment(1);
                stripes.extend(&needed);
            }
            Err(Error::Conflict { reason: "conflict" }) if losses < LOSSES => {
                let _ = transaction.rollback().await;
                losses += 1;
                metrics::counter!(names::INGEST_LOCK_RESTARTS).increment(1);
            }
            Err(error) => {
                let _ = transaction.rollback().await;
                return Err(error);
            }
        }
    }
    // The loop ends by holding the tenant's lock, with which nothing is missing.
    Err(Error::Conflict { reason: "conflict" })
}

/// The locks of some anchors and of the profiles that they lie in.
async fn stripes_of(
    connection: &mut PgConnection,
    context: Context<'_>,
    anchors: &[IdentityKey],
) -> Result<locks::Stripes, Error> {
    let mut stripes = locks::Stripes::default();
    for anchor in anchors {
        stripes.add(anchor.as_uuid());
    }
    for (_, profile) in identities::profiles_of(connection, context.tenant, anchors).await? {
        stripes.add(profile.as_uuid());
    }
    Ok(stripes)
}

async fn write(
    connection: &mut PgConnection,
    context: Context<'_>,
    work: Work<'_>,
    part: &[(IdentityKey, Vec<analyses::New>)],
    held: Option<&locks::Stripes>,
) -> Result<Attempt, Error> {
    let tenant = context.tenant;
    let position = match held {
        None => locks::take_tenant(connection, tenant).await?,
        Some(stripes) => locks::take(connection, tenant, stripes).await?,
    };
    ruling::check(connection, context).await?;
    let all = || part.iter().flat_map(|(_, of_anchor)| of_anchor);
    let places: Vec<Place> = all().map(|new| new.place).collect();
    let there: HashSet<Place> = interactions::load(connection, tenant, &places)
        .await?
        .into_iter()
        .map(|stored| stored.place)
        .collect();
    let anchors: BTreeSet<IdentityKey> = there.iter().map(|place| place.anchor).collect();
    let listed: Vec<IdentityKey> = anchors.iter().copied().collect();
    let needed = stripes_of(connection, context, &listed).await?;
    if held.is_some_and(|held| !held.covers_all(&needed)) {
        return Ok(Attempt::Needs(needed));
    }
    let new: Vec<&analyses::New> = all().filter(|new| there.contains(&new.place)).collect();
    if new.is_empty() {
        return Ok(Attempt::Written(0));
    }
    let added = analyses::insert(connection, tenant, &new).await?;
    if added == 0 {
        // Whoever was faster has folded them in.
        return Ok(Attempt::Written(0));
    }
    let refolded = refold_anchors(connection, context, position, (&anchors, &anchors), held);
    if let Refolded::Needs(needed) = refolded.await? {
        return Ok(Attempt::Needs(needed));
    }
    let count = i64::try_from(added).unwrap_or(i64::MAX);
    reanalyses::count(connection, tenant, work.operation, count).await?;
    Ok(Attempt::Written(added))
}
