//! What a catalogue would be after a change that is not made.

use std::sync::Arc;

use super::{
    Catalogues, Change, Failure,
    plan::{Plan, plan},
};
use crate::{
    clock::Micros,
    error::Error,
    ids::TenantId,
    next_best_action::catalogue::{Parts, Snapshot, Version, prepare},
};

impl Catalogues {
    /// The catalogue in force as a change would leave it. Writes nothing. Its revision is the one that would be made.
    ///
    /// # Errors
    /// As [`Catalogues::rehearse`].
    #[tracing::instrument(name = "catalogue.prospect", skip_all)]
    pub async fn prospect(
        &self,
        tenant: &TenantId,
        change: &Change,
    ) -> Result<Arc<Snapshot>, Failure> {
        let current = self.latest(tenant).await?;
        let plan = plan(current.as_deref(), change)?;
        if let Some(current) = current.as_ref().filter(|_| !plan.changes()) {
            return Ok(Arc::clone(current));
        }
        let bug =
            |error: &dyn std::fmt::Display| Error::bug("preparing a catalogue", error.to_string());
        let parts = applied(current.as_deref(), plan);
        let parts = parts.ok_or_else(|| bug(&"it has no policy"))?;
        let prepared = tokio::task::spawn_blocking(move || prepare(parts)).await;
        let prepared = prepared.map_err(|error| bug(&error))?;
        Ok(Arc::new(prepared.map_err(|error| bug(&error))?))
    }
}

/// The parts of the catalogue that a plan makes of another; none without a policy.
fn applied(current: Option<&Snapshot>, plan: Plan) -> Option<Parts> {
    let before = current.map(Snapshot::parts);
    let policy = plan.policy.map(Arc::new);
    let mut parts = Parts {
        revision: before.map_or(0, |parts| parts.revision).saturating_add(1),
        policy: policy.or_else(|| before.map(|parts| Arc::clone(&parts.policy)))?,
        names: before.map(|parts| parts.names.clone()).unwrap_or_default(),
        segments: before.map(|p| p.segments.clone()).unwrap_or_default(),
        actions: before.map(|p| p.actions.clone()).unwrap_or_default(),
    };
    parts.names.add(plan.names);
    for (segment, version) in plan.segments {
        let name = &segment.get().name;
        parts
            .segments
            .retain(|(known, _)| known.get().name != *name);
        parts.segments.push((Arc::new(segment), version));
    }
    let mut versions = plan.versions;
    for standing in plan.standings {
        let new = versions.iter().position(|new| {
            new.definition.get().id == standing.action && new.number == standing.version
        });
        let known = parts
            .actions
            .iter()
            .position(|(version, _)| version.id() == standing.action);
        let version = match (new, known) {
            (Some(new), _) => {
                let new = versions.swap_remove(new);
                Arc::new(Version {
                    definition: new.definition,
                    number: new.number,
                    digest: new.digest,
                    made_at: Micros::default(),
                    caller: String::new(),
                    reason: String::new(),
                })
            }
            (None, Some(known)) => Arc::clone(&parts.actions.get(known)?.0),
            (None, None) => continue,
        };
        if let Some(known) = known {
            parts.actions.swap_remove(known);
        }
        parts.actions.push((version, standing.status));
    }
    Some(parts)
}
