//! Resolving in the background: profiles that are not under the rules in force, and those of which one interaction would
//! have reached too much.
//!
//! What must stay true: what is done here is what a write does that touches the profile, under the same locks, so writes
//! go on meanwhile and it does not matter who comes first, nor how often, nor in which order (`region`
//! says why). Each page is a transaction; a process that dies leaves the rest for whoever takes its lease.

use std::{collections::BTreeSet, collections::HashMap, time::Duration};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    plan::Context,
    rebuild::rebuild,
    region::{Overlay, Reached, resolve_around, too_large},
    ruling, standings,
};
use crate::{
    error::Error,
    identity::settle::Wishes,
    ids::ProfileId,
    storage::{self, Storage, locks, profile_rules, profiles, rule_sets},
    telemetry::names,
};

/// Profiles that are resolved in one transaction.
const PAGE: i64 = 64;

/// How long a process that has the work may say nothing before another takes it.
const LEASE: Duration = Duration::from_secs(15);

/// The name of the work, among a tenant's leases.
const WORK: &str = "resolver";

/// How far a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// Every profile is under the rules in force.
    ToTheEnd,
    /// Rules were replaced meanwhile: begin again under those.
    Replaced,
    /// Another process does the work.
    Elsewhere,
    /// This many profiles cannot be resolved; the log says why.
    Stuck(usize),
}

/// Brings every profile of a tenant under the rules of the context. `holder` names this process.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "identity.resolver", skip_all, fields(tenant = %context.tenant, revision = context.revision))]
pub async fn run(storage: &Storage, context: Context<'_>, holder: Uuid) -> Result<Came, Error> {
    let mut last = ProfileId::from_uuid(Uuid::nil());
    let mut seen = 0;
    let mut stuck = BTreeSet::new();
    loop {
        let mut connection = storage.acquire().await?;
        let tenant = context.tenant;
        if !rule_sets::take_lease(&mut connection, tenant, WORK, holder, LEASE).await? {
            return Ok(Came::Elsewhere);
        }
        let revision = context.revision;
        let mut page =
            profile_rules::under_others(&mut connection, tenant, last, revision, PAGE).await?;
        match (page.last(), seen) {
            (Some(furthest), _) => last = *furthest,
            (None, 0) if stuck.is_empty() => {
                return finish(&mut connection, context).await;
            }
            (None, 0) => return Ok(Came::Stuck(stuck.len())),
            (None, _) => {
                // Once more from the start: what others wrote meanwhile is under these rules, so it is a short way.
                last = ProfileId::from_uuid(Uuid::nil());
                seen = 0;
                continue;
            }
        }
        drop(connection);
        page.retain(|id| !stuck.contains(id));
        seen += page.len();
        if !page.is_empty() {
            match resolve_page(storage, context, &page).await {
                Ok(unresolved) => stuck.extend(unresolved),
                Err(error) if ruling::replaced(&error) => return Ok(Came::Replaced),
                Err(error) => return Err(error),
            }
        }
    }
}

async fn finish(connection: &mut PgConnection, context: Context<'_>) -> Result<Came, Error> {
    let (tenant, revision) = (context.tenant, context.revision);
    if rule_sets::revision(connection, tenant).await? != revision {
        return Ok(Came::Replaced);
    }
    if rule_sets::switched(connection, tenant, revision).await? {
        tracing::info!("every profile is under the rules in force");
    }
    Ok(Came::ToTheEnd)
}

/// Resolves a page, in parts where that needs many locks or one of it cannot be read. Answers which could not be resolved.
async fn resolve_page(
    storage: &Storage,
    context: Context<'_>,
    page: &[ProfileId],
) -> Result<Vec<ProfileId>, Error> {
    let mut stuck = Vec::new();
    let mut left = vec![page];
    while let Some(part) = left.pop() {
        match resolve_part(storage, context, part).await {
            Ok(Part::Done) => (),
            Err(error @ Error::Bug { .. }) if part.len() == 1 => {
                tracing::error!(%error, profile.id = %part[0], "a profile cannot be resolved");
                stuck.extend(part);
            }
            Ok(Part::TooManyLocks) | Err(Error::Bug { .. }) => {
                let (first, second) = part.split_at(part.len() / 2);
                left.extend([second, first]);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(stuck)
}

enum Part {
    Done,
    TooManyLocks,
}

enum Attempt {
    Written,
    Needs(locks::Stripes),
}

async fn resolve_part(
    storage: &Storage,
    context: Context<'_>,
    ids: &[ProfileId],
) -> Result<Part, Error> {
    let mut stripes = {
        let mut snapshot = storage.begin_snapshot().await?;
        let (reached, _) = read(&mut snapshot, context, ids).await?;
        let resolved = reached.whole()?.ok_or_else(too_large)?;
        resolved.region.stripes()
    };
    for attempt in 0.. {
        if stripes.len() > locks::MOST && ids.len() > 1 {
            return Ok(Part::TooManyLocks);
        }
        let alone = attempt > locks::RESTARTS || stripes.len() > locks::MOST;
        let held = (!alone).then_some(&stripes);
        let mut transaction = storage.begin().await?;
        match write(&mut transaction, context, ids, held).await {
            Ok(Attempt::Written) => {
                storage::commit(transaction).await?;
                return Ok(Part::Done);
            }
            Ok(Attempt::Needs(needed)) => {
                transaction.rollback().await.map_err(storage::Error::from)?;
                metrics::counter!(names::INGEST_LOCK_RESTARTS).increment(1);
                stripes.extend(&needed);
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

/// Reads those of the profiles that still have to be resolved, and what they reach. Answers also how many they are.
async fn read(
    connection: &mut PgConnection,
    context: Context<'_>,
    ids: &[ProfileId],
) -> Result<(Reached, usize), Error> {
    let wanted: Vec<profiles::Wanted> = ids.iter().copied().map(profiles::Wanted::row).collect();
    let start: BTreeSet<ProfileId> = profiles::load(connection, context.tenant, &wanted)
        .await?
        .into_iter()
        .filter(|profile| profile.members_total > 0 && profile.rules != context.revision)
        .map(|profile| profile.id)
        .collect();
    let overlay = Overlay::default();
    let reached = resolve_around(connection, context, &overlay, &start, usize::MAX).await?;
    Ok((reached, start.len()))
}

async fn write(
    connection: &mut PgConnection,
    context: Context<'_>,
    ids: &[ProfileId],
    held: Option<&locks::Stripes>,
) -> Result<Attempt, Error> {
    let position = match held {
        None => locks::take_tenant(connection, context.tenant).await?,
        Some(stripes) => locks::take(connection, context.tenant, stripes).await?,
    };
    ruling::check(connection, context).await?;
    let (reached, count) = read(connection, context, ids).await?;
    let resolved = match reached {
        Reached::Resolved(resolved) => *resolved,
        Reached::TooMuch => return Err(too_large()),
        Reached::Torn(torn) => return Ok(Attempt::Needs(torn.needs(held)?)),
    };
    let needed = resolved.region.stripes();
    if held.is_some_and(|held| !held.covers_all(&needed)) {
        return Ok(Attempt::Needs(needed));
    }
    let nothing = HashMap::new();
    let wishes = Wishes::default();
    let rebuilt = rebuild(connection, context, position, &resolved, &nothing, wishes).await?;
    standings::count(&rebuilt, &resolved);
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    rule_sets::count_resolved(connection, context.tenant, context.revision, count).await?;
    metrics::counter!(names::IDENTITY_RESOLVED_PROFILES)
        .increment(u64::try_from(count).unwrap_or_default());
    Ok(Attempt::Written)
}
