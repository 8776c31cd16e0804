//! Keeping the rules of resolution: this process learns which are in force, and brings profiles under them.

use std::{collections::BTreeMap, time::Duration};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Needed, stopped};
use crate::{
    error::Error,
    ids::{self, TenantId},
    ingest::resolver::{self, Came},
    storage::{
        profile_rules,
        rule_sets::{self, InForce},
    },
    telemetry::names,
};

/// How often rules are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How often it is tried again where profiles could not be resolved.
const AGAIN: u32 = 30;

/// Learns rules and brings profiles under them, until told to stop.
pub async fn keep(needed: Needed, stop: CancellationToken) {
    let holder = ids::draw_instance_id();
    // Tenants with profiles that could not be resolved, by how many looks they are left alone.
    let mut stuck: BTreeMap<TenantId, u32> = BTreeMap::new();
    while !stopped(&stop, LOOK).await {
        stuck.retain(|_, looks| {
            *looks -= 1;
            *looks > 0
        });
        let looked = tokio::select! {
            looked = needed.look(holder, &mut stuck) => looked,
            () = stop.cancelled() => return,
        };
        if let Err(error) = looked {
            tracing::warn!(%error, "rules could not be looked at, it is tried again");
        }
    }
}

impl Needed {
    async fn look(&self, holder: Uuid, stuck: &mut BTreeMap<TenantId, u32>) -> Result<(), Error> {
        let mut connection = self.storage.acquire().await?;
        let in_force = rule_sets::in_force(&mut connection).await?;
        let waiting = profile_rules::tenants_waiting(&mut connection).await?;
        drop(connection);
        self.tenants.refresh(&in_force).await?;
        let under_way: Vec<InForce> = in_force
            .into_iter()
            .filter(|one| !one.switched || waiting.contains(&one.tenant))
            .collect();
        let gauge = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        metrics::gauge!(names::IDENTITY_SWITCHES, "state" => "under_way")
            .set(gauge(under_way.len()));
        for one in under_way {
            if !stuck.contains_key(&one.tenant)
                && let Came::Stuck(profiles) = self.resolve(&one, holder).await?
            {
                tracing::warn!(tenant = %one.tenant, profiles, "profiles cannot be brought under the rules in force");
                stuck.insert(one.tenant, AGAIN);
            }
        }
        metrics::gauge!(names::IDENTITY_SWITCHES, "state" => "stuck").set(gauge(stuck.len()));
        Ok(())
    }

    async fn resolve(&self, one: &InForce, holder: Uuid) -> Result<Came, Error> {
        let tenant = self.tenants.open(&one.tenant).await?;
        let context = tenant.context(&self.secret);
        resolver::run(&self.storage, context, holder).await
    }
}
