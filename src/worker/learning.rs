//! Learning from what became of offers, and watching whether what was believed came true, beside the calls.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::stopped;
use crate::{
    calendar::Day,
    error::Error,
    ids::TenantId,
    offering::{Desk, watch::Watched},
    storage::store,
    telemetry::{actions::ActionLabels, names},
};

/// How often is looked whether a day has closed.
const LOOK: Duration = Duration::from_mins(1);
/// How long after the start is looked first.
const FIRST: Duration = Duration::from_secs(5);

/// What was found of each tenant, up to which day.
type Found = HashMap<TenantId, (Day, Watched)>;

/// Learns until told to stop.
pub async fn keep(desk: Arc<Desk>, stop: CancellationToken) {
    let mut found = Found::new();
    let mut wait = FIRST;
    while !stopped(&stop, wait).await {
        wait = LOOK;
        let learnt = tokio::select! {
            learnt = learn(&desk, &mut found) => learnt,
            () = stop.cancelled() => return,
        };
        if let Err(error) = learnt {
            tracing::warn!(%error, "what became of offers could not be learnt from, it is tried again");
        }
    }
}

async fn learn(desk: &Desk, found: &mut Found) -> Result<(), Error> {
    let mut connection = desk.storage.acquire().await?;
    let tenants = store::tenants(&mut connection).await?;
    drop(connection);
    for tenant in tenants {
        if let Err(error) = learn_of(desk, &tenant, found).await {
            tracing::warn!(%tenant, %error, "what became of offers could not be learnt from, it is tried again");
        }
    }
    Ok(())
}

async fn learn_of(desk: &Desk, tenant: &TenantId, found: &mut Found) -> Result<(), Error> {
    let tenant = desk.tenants.get(tenant).await?;
    let closed = desk.closed(&tenant);
    if let Some(snapshot) = desk.learn(&tenant, closed).await? {
        tracing::info!(tenant = %tenant.id, snapshot, "learnt from what became of offers");
    }
    if found.get(&tenant.id).is_none_or(|(day, _)| *day < closed) {
        let watched = desk.watch(&tenant).await?;
        let before = found.insert(tenant.id.clone(), (closed, watched));
        tell(found);
        tell_by_action(
            found,
            before.as_ref().map(|(_, before)| before),
            &desk.labels,
        );
    }
    Ok(())
}

/// Sums over tenants; which actions they are is in the log.
fn tell(found: &Found) {
    let sum = |of: fn(&Watched) -> u32| f64::from(found.values().map(|(_, w)| of(w)).sum::<u32>());
    for (direction, actions) in [
        ("overrated", sum(|w| w.overrated)),
        ("underrated", sum(|w| w.underrated)),
    ] {
        metrics::gauge!(names::ACTIONS_MISCALIBRATED, "direction" => direction).set(actions);
    }
    for (direction, actions) in [
        ("rising", sum(|w| w.rising)),
        ("falling", sum(|w| w.falling)),
    ] {
        metrics::gauge!(names::ACTIONS_DRIFTING, "direction" => direction).set(actions);
    }
    metrics::gauge!(names::ACTIONS_CONTEXTUAL).set(sum(|w| w.contextual));
}

/// What was expected of actions and what came, over tenants; what is not looked at any more is 0.
fn tell_by_action(found: &Found, before: Option<&Watched>, labels: &ActionLabels) {
    let mut sums: BTreeMap<Arc<str>, (f64, f64)> = BTreeMap::new();
    for action in before
        .into_iter()
        .flat_map(|watched| watched.successes.keys())
    {
        sums.entry(labels.of(action)).or_default();
    }
    for (action, (expected, successes)) in found.values().flat_map(|(_, w)| &w.successes) {
        let sum = sums.entry(labels.of(action)).or_default();
        sum.0 += expected;
        sum.1 += f64::from(u32::try_from(*successes).unwrap_or(u32::MAX));
    }
    for (action, (expected, successes)) in sums {
        metrics::gauge!(names::ACTION_SUCCESSES_EXPECTED, "action" => action.clone()).set(expected);
        metrics::gauge!(names::ACTION_SUCCESSES, "action" => action).set(successes);
    }
}
