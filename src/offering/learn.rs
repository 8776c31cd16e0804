//! Learning from what became of offers: a snapshot a closed day.
//!
//! What must stay true:
//!
//! - A snapshot is made of what is known of all offers of the days that still count, read anew each time, so an outcome that came late
//!   is in the next one. Of two instances that make the same one the first stays.
//! - Level 2 is folded on from the newest snapshot of which each of the last 120 days is as it is known now. So it is what a fold of these
//!   days would make, on top of what was learned before them, in whatever steps it was made.
//! - What stands beside the weights says what was folded, and not what became known meanwhile: what was not folded is noticed as a
//!   correction on the next day.
//! - Level 1 waits for nothing: a failure of level 2 leaves it out of the snapshot, and the next one folds on from the one before.

use std::{collections::BTreeMap, sync::Arc};

use super::{Desk, Period, figures::by_click, levels, ready::decoded};
use crate::{
    calendar::Day,
    clock::Micros,
    error::Error,
    ids::TenantId,
    next_best_action::{
        catalogue::Snapshot,
        keys::{ChannelIndex, DecisionKey},
        learning::{
            Arm, OLDEST_DAYS,
            cohorts::{Observation, Table},
            snapshot::Snapshot as Weights,
            standing::{Days, Lesson, Standing},
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
/// Days within which a correction folds anew what came after it: an outcome that is older weighs a sixteenth. Whatever the attribution
/// window, offers that are resolved within these days are among those that are read.
const CORRECTED: i32 = 120;
/// Days until level 2 is judged again, once the log has said something and while it says too little.
const JUDGED_AFTER: [i32; 2] = [levels::DAYS, 7];
/// A widening below this is none.
const WIDER: f64 = 1.01;

/// What is known of the offers of the days that still count.
#[derive(Debug, Default)]
struct Known {
    counts: Table,
    days: Days,
    /// What was resolved after the day that was asked for.
    lessons: Vec<Lesson>,
}

impl Desk {
    /// Makes the snapshot of a tenant as of the end of a day, unless there is one of that day or a later one. Answers its number.
    ///
    /// # Errors
    /// When the database fails, or what is stored cannot be read.
    #[tracing::instrument(name = "decision.learn", skip_all, fields(tenant = %tenant.id))]
    pub async fn learn(&self, tenant: &Tenant, closed: Day) -> Result<Option<u64>, Error> {
        let Some(catalogue) = self.shelf.catalogue(&tenant.id).await? else {
            return Ok(None);
        };
        let mut connection = self.storage.acquire().await?;
        let latest = action_models::latest(&mut connection, &tenant.id).await?;
        drop(connection);
        if latest.is_some_and(|(_, as_of)| as_of >= closed) {
            return Ok(None);
        }
        let number = latest.map_or(0, |(snapshot, _)| snapshot) + 1;
        let newest = latest.map_or(Day(closed.0 - CORRECTED), |(_, as_of)| as_of);
        let known = self.known(tenant, &catalogue, (newest, closed)).await?;
        let revision = i64::try_from(catalogue.revision()).unwrap_or(i64::MAX);
        let mut stored = action_models::Stored {
            as_of: closed,
            counts: known.counts.encode(closed),
            contextual: None,
        };
        let days = (newest, closed);
        match self
            .contextual(tenant, &catalogue, (number, days), known)
            .await
        {
            Ok((weights, standing)) => {
                stored.contextual = Some((weights.encode(), standing.encode()));
            }
            Err(error) => {
                tracing::error!(tenant = %tenant.id, %error, "level 2 could not be learned, level 1 was");
            }
        }
        let mut connection = self.storage.acquire().await?;
        action_models::insert(&mut connection, &tenant.id, (number, revision), &stored).await?;
        Ok(u64::try_from(number).ok())
    }

    /// Level 2 at the end of a day, with what stands beside it.
    async fn contextual(
        &self,
        tenant: &Tenant,
        catalogue: &Arc<Snapshot>,
        (number, (newest, closed)): (i64, (Day, Day)),
        mut known: Known,
    ) -> Result<(Weights, Standing), Error> {
        let from = Day(closed.0 - CORRECTED);
        let (before, base) = self
            .footing(&tenant.id, number, (&known.days, from))
            .await?;
        let (weights, base) = base.unwrap_or_else(|| (Weights::empty(from), Standing::default()));
        let folded_to = weights.as_of();
        if folded_to < newest {
            known = self.known(tenant, catalogue, (folded_to, closed)).await?;
        }
        known.lessons.retain(|lesson| lesson.day > folded_to);
        let footing = (weights, base.evidence);
        let (weights, evidence) = self
            .folded(&tenant.id, footing, known.lessons, closed)
            .await?;
        let widened = self.widened(tenant, catalogue, closed).await;
        let widened = widened.unwrap_or_else(|error| {
            tracing::error!(tenant = %tenant.id, %error, "whether success has changed could not be looked at");
            before.widened.clone()
        });
        let standing = Standing {
            days: base.days.then(folded_to, &known.days).after(from),
            evidence,
            widened,
            ..before
        };
        let standing = self.judged(tenant, catalogue, closed, standing).await;
        Ok((weights, standing))
    }

    /// What is known of all offers that still count on the day that closed, with what was resolved after another day.
    async fn known(
        &self,
        tenant: &Tenant,
        catalogue: &Snapshot,
        (after_day, closed): (Day, Day),
    ) -> Result<Known, Error> {
        let begin = tenant.zone.begin(Day(closed.0 - OLDEST_DAYS));
        let mut known = Known::default();
        let mut after = (begin, DecisionKey::default(), -1);
        loop {
            let mut connection = self.storage.acquire().await?;
            let page = outcomes::since(&mut connection, &tenant.id, after, PAGE).await?;
            drop(connection);
            let Some(last) = page.last() else { break };
            after = (
                last.decided_at,
                last.decision,
                i16::try_from(last.slot).unwrap_or(i16::MAX),
            );
            for offer in &page {
                let Some((seen, lesson)) = taught(offer, catalogue, tenant, closed) else {
                    continue;
                };
                known.counts.add(&seen);
                let Some(lesson) = lesson else { continue };
                known.days.add(&lesson);
                if lesson.day > after_day {
                    known.lessons.push(lesson);
                }
            }
        }
        Ok(known)
    }

    /// What stood beside level 2 before, and the newest snapshot of it of which every day after `from` is as it is known now. One that
    /// ends before has none, so that the walk is bounded.
    async fn footing(
        &self,
        tenant: &TenantId,
        number: i64,
        (days, from): (&Days, Day),
    ) -> Result<(Standing, Option<(Weights, Standing)>), Error> {
        let mut standing_before = None;
        let mut before = number;
        loop {
            let mut connection = self.storage.acquire().await?;
            let found = action_models::before(&mut connection, tenant, before).await?;
            let Some((snapshot, as_of, standing)) = found else {
                return Ok((standing_before.unwrap_or_default(), None));
            };
            before = snapshot;
            // One that cannot be read must not stop learning for ever: the one before is folded on.
            let unread = |error| {
                tracing::error!(%tenant, snapshot, %error, "what level 2 learned cannot be read");
            };
            let standing = match Standing::decode(&standing) {
                Ok(standing) => standing,
                Err(error) => {
                    unread(error);
                    continue;
                }
            };
            let holds = standing.days.agree(days, (from, as_of));
            standing_before.get_or_insert(standing);
            if !holds {
                continue;
            }
            let found = action_models::load(&mut connection, tenant, snapshot).await?;
            match found.as_ref().map(decoded) {
                Some(Ok(learnt)) => {
                    return Ok((standing_before.unwrap_or_default(), learnt.contextual));
                }
                Some(Err(error)) => unread(error),
                None => {}
            }
        }
    }

    /// By how much to widen what is believed of actions whose success has changed.
    async fn widened(
        &self,
        tenant: &Tenant,
        catalogue: &Snapshot,
        closed: Day,
    ) -> Result<BTreeMap<(u64, ChannelIndex), f64>, Error> {
        let period = Period::watched(tenant, closed);
        let actions = catalogue.actions().iter();
        let actions: Vec<u64> = actions.map(|(version, _)| version.key().id).collect();
        let wanted = super::figures::wanted(catalogue, &actions);
        let drifts = self.drifts(tenant, period, &wanted).await?;
        let widened = drifts
            .iter()
            .map(|(arm, drift)| (*arm, drift.widening(closed)));
        Ok(widened.filter(|(_, by)| *by >= WIDER).collect())
    }

    /// What stands beside level 2, after an evaluation where it is time for one.
    async fn judged(
        &self,
        tenant: &Tenant,
        catalogue: &Arc<Snapshot>,
        closed: Day,
        standing: Standing,
    ) -> Standing {
        let [said, unsaid] = JUDGED_AFTER;
        let wait = standing.gain.map_or(unsaid, |_| said);
        let lately = |day: Day| closed.0 - day.0 < wait;
        if standing.judged.is_some_and(lately) || standing.ready(closed) == 0 {
            return standing;
        }
        // What is learned must not wait for what is judged: that is asked again on the next day.
        let gain = match self.gain(tenant, catalogue, closed).await {
            Ok(gain) => gain,
            Err(error) => {
                tracing::error!(tenant = %tenant.id, %error, "level 2 could not be judged");
                return standing;
            }
        };
        let verdict = standing.verdict.after(gain);
        tracing::info!(tenant = %tenant.id, ?verdict, ?gain, "level 2 was judged");
        Standing {
            verdict,
            judged: Some(closed),
            gain,
            ..standing
        }
    }
}

/// What an offer teaches at the end of a day, level 1 and, when its time is up, level 2; nothing while it was not delivered.
fn taught(
    offer: &Offer,
    catalogue: &Snapshot,
    tenant: &Tenant,
    closed: Day,
) -> Option<(Observation, Option<Lesson>)> {
    let end = Micros(tenant.zone.begin(Day(closed.0 + 1)).0 - 1);
    let record = Record::from_earliest(offer.earliest);
    let delivered_at = record.delivered_at().filter(|at| *at <= end)?;
    let goal = if by_click(catalogue, offer.action.id) {
        Outcome::Clicked
    } else {
        Outcome::Accepted
    };
    let converted = match record.label(goal, i64::MAX, end) {
        Label::Yes { delay, .. } => Some(
            tenant
                .zone
                .day(Micros(delivered_at.0.saturating_add(delay))),
        ),
        Label::None | Label::Open { .. } | Label::No => None,
    };
    let delivered = tenant.zone.day(delivered_at);
    let seen = Observation {
        arm: Arm {
            action: offer.action,
            channel: offer.channel,
        },
        delivered,
        converted,
    };
    let newest = catalogue.newest(offer.action.id);
    let window = newest.map(|(version, _)| version.definition.get().attribution_days);
    let window = window.and_then(|days| u16::try_from(days).ok());
    let resolved = window.map(|days| (days, Day(delivered.0.saturating_add(days.into()))));
    let lesson = resolved
        .filter(|(_, day)| *day <= closed)
        .map(|(window, day)| Lesson {
            day,
            decision: offer.decision.0,
            slot: offer.slot,
            action_id: offer.action.id,
            channel: offer.channel,
            yes: seen.delay().is_some_and(|delay| delay <= window),
        });
    Some((seen, lesson))
}
