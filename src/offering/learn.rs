//! Learning from what became of offers: a snapshot a closed day.
//!
//! What must stay true: a snapshot is made of what is known of all offers of the days that still count, read anew each time, so
//! an outcome that came late is in the next one. Of two instances that make the same one the first stays.

use super::Desk;
use crate::{
    calendar::Day,
    clock::Micros,
    error::Error,
    next_best_action::{
        catalogue::Snapshot,
        keys::DecisionKey,
        learning::{
            Arm, OLDEST_DAYS,
            cohorts::{Observation, Table},
        },
        outcome::{Label, Outcome, Record},
    },
    storage::{
        action_models,
        outcomes::{self, Offer},
    },
    tenants::Tenant,
};

/// Offers read at once.
const PAGE: i64 = 10_000;

impl Desk {
    /// Makes the snapshot of the last closed day of a tenant, unless there is one. Answers its number.
    ///
    /// # Errors
    /// When the database fails, or what is stored cannot be read.
    #[tracing::instrument(name = "decision.learn", skip_all, fields(tenant = %tenant.id))]
    pub async fn learn(&self, tenant: &Tenant) -> Result<Option<u64>, Error> {
        let Some(catalogue) = self.shelf.catalogue(&tenant.id).await? else {
            return Ok(None);
        };
        let closed = self.closed(tenant);
        let mut connection = self.storage.acquire().await?;
        let latest = action_models::latest(&mut connection, &tenant.id).await?;
        if latest.is_some_and(|(_, as_of)| as_of >= closed) {
            return Ok(None);
        }
        drop(connection);
        let end = Micros(tenant.zone.begin(Day(closed.0 + 1)).0 - 1);
        let begin = tenant.zone.begin(Day(closed.0 - OLDEST_DAYS));
        let mut table = Table::default();
        let mut after = (begin, DecisionKey::default(), -1);
        loop {
            let mut connection = self.storage.acquire().await?;
            let page = outcomes::since(&mut connection, &tenant.id, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = (
                last.decided_at,
                last.decision,
                i16::try_from(last.slot).unwrap_or(i16::MAX),
            );
            for offer in &page {
                if let Some(seen) = observation(offer, &catalogue, tenant, end) {
                    table.add(&seen);
                }
            }
        }
        let snapshot = latest.map_or(0, |(snapshot, _)| snapshot) + 1;
        let revision = i64::try_from(catalogue.revision()).unwrap_or(i64::MAX);
        let body = table.encode(closed);
        let mut connection = self.storage.acquire().await?;
        let numbered = (snapshot, closed);
        action_models::insert(&mut connection, &tenant.id, numbered, revision, &body).await?;
        Ok(u64::try_from(snapshot).ok())
    }
}

/// What an offer teaches at the end of a day; nothing while it was not delivered.
fn observation(
    offer: &Offer,
    catalogue: &Snapshot,
    tenant: &Tenant,
    end: Micros,
) -> Option<Observation> {
    let record = Record::from_earliest(offer.earliest);
    let delivered = record.delivered_at().filter(|at| *at <= end)?;
    let newest = catalogue.newest(offer.action.id);
    let rewards = newest.map(|(version, _)| version.definition.get().rewards);
    let clicks = rewards.is_some_and(|rewards| rewards.clicked >= 0.5);
    let goal = if clicks {
        Outcome::Clicked
    } else {
        Outcome::Accepted
    };
    let converted = match record.label(goal, i64::MAX, end) {
        Label::Yes { delay, .. } => {
            Some(tenant.zone.day(Micros(delivered.0.saturating_add(delay))))
        }
        Label::None | Label::Open { .. } | Label::No => None,
    };
    Some(Observation {
        arm: Arm {
            action: offer.action,
            channel: offer.channel,
        },
        delivered: tenant.zone.day(delivered),
        converted,
    })
}
