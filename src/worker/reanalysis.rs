//! Analysing stored texts anew where an operator asked for it.
//!
//! Each tenant's re-analyses are done one after the other, in the order in which they were asked for, by one instance at a
//! time. Those for a model that this release does not have yet are left to instances that have it; those for an older one
//! begin again with that of this release.

use std::{collections::BTreeSet, time::Duration};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Needed, stopped};
use crate::{
    error::Error,
    ids,
    ingest::reanalyze::{self, Came, Work},
    storage::reanalyses::{self, UnderWay},
    telemetry::names,
};

/// How often it is looked whether there is something to do.
const LOOK: Duration = Duration::from_secs(1);

/// Does re-analyses until told to stop.
pub async fn keep(needed: Needed, stop: CancellationToken) {
    let holder = ids::draw_instance_id();
    while !stopped(&stop, LOOK).await {
        let looked = tokio::select! {
            looked = needed.reanalyze(holder) => looked,
            () = stop.cancelled() => return,
        };
        if let Err(error) = looked {
            tracing::warn!(%error, "texts could not be analysed anew, it is tried again");
        }
    }
}

impl Needed {
    /// Does what there is to do. `holder` names this process.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reanalyze(&self, holder: Uuid) -> Result<(), Error> {
        let mut connection = self.storage.acquire().await?;
        let under_way = reanalyses::under_way(&mut connection).await?;
        drop(connection);
        let count = u32::try_from(under_way.len()).unwrap_or(u32::MAX);
        metrics::gauge!(names::REANALYSES).set(f64::from(count));
        let mut waiting = BTreeSet::new();
        for one in under_way {
            if !waiting.contains(&one.tenant) && !self.to_the_end(&one, holder).await? {
                // Those that were asked for later have to wait for it.
                waiting.insert(one.tenant);
            }
        }
        Ok(())
    }

    /// Answers whether nothing is left.
    async fn to_the_end(&self, one: &UnderWay, holder: Uuid) -> Result<bool, Error> {
        let tenant = self.tenants.open(&one.tenant).await?;
        let work = Work {
            operation: &one.operation,
            listening: &tenant.listening,
            holder,
        };
        if one.version > work.version() {
            return Ok(false);
        }
        let context = tenant.context(&self.secret);
        let came = reanalyze::run(&self.storage, context, work).await?;
        Ok(came == Came::ToTheEnd)
    }
}
