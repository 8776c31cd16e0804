//! Reading a revision.

use std::{collections::HashMap, sync::Arc};

use sqlx::PgConnection;

use crate::{
    error::Error,
    ids::TenantId,
    next_best_action::catalogue::{Parts, Snapshot, Version, prepare},
    storage::{actions, catalogues},
};

/// Reads a revision that was committed, with the versions that another revision has already. Statements may see later revisions:
/// each asks for what was there up to this one, and that never changes.
#[tracing::instrument(name = "catalogue.load", skip_all, fields(revision = revision))]
pub(super) async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    revision: i64,
    near: Option<&Snapshot>,
) -> Result<Arc<Snapshot>, Error> {
    let policy = catalogues::policy_at(connection, tenant, revision).await?;
    let policy = policy.ok_or_else(|| Error::bug("reading a catalogue", "it has no policy"))?;
    let segments = catalogues::segments_at(connection, tenant, revision).await?;
    let names = catalogues::names_at(connection, tenant, revision).await?;
    let standings = actions::at(connection, tenant, revision).await?;
    let mut known: HashMap<(&str, u32), Arc<Version>> = HashMap::new();
    for (version, _) in near.map_or(&[][..], Snapshot::actions) {
        known.insert((version.id(), version.number), Arc::clone(version));
    }
    let missing: Vec<(&str, u32)> = standings
        .iter()
        .map(|standing| (standing.action.as_str(), standing.version))
        .filter(|key| !known.contains_key(key))
        .collect();
    let mut read = HashMap::new();
    if !missing.is_empty() {
        for version in actions::versions(connection, tenant, &missing).await? {
            read.insert((version.id().to_owned(), version.number), Arc::new(version));
        }
    }
    let mut versions = Vec::with_capacity(standings.len());
    for standing in &standings {
        let found = known
            .get(&(standing.action.as_str(), standing.version))
            .cloned()
            .or_else(|| read.remove(&(standing.action.clone(), standing.version)));
        let found = found.ok_or_else(|| Error::bug("reading a catalogue", "a version is gone"))?;
        versions.push((found, standing.status));
    }
    let parts = Parts {
        revision: u64::try_from(revision).unwrap_or_default(),
        policy: Arc::new(policy),
        names,
        segments: segments
            .into_iter()
            .map(|(segment, version)| (Arc::new(segment), version))
            .collect(),
        actions: versions,
    };
    // Thousands of rules take their time, which is not the callers'.
    let prepared = tokio::task::spawn_blocking(move || prepare(parts)).await;
    let prepared = prepared.map_err(|error| Error::bug("preparing a catalogue", error))?;
    let prepared = prepared.map_err(|error| Error::bug("preparing a catalogue", error))?;
    Ok(Arc::new(prepared))
}
