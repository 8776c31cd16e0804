//! Learning from what became of offers: a snapshot a closed day.
//!
//! What must stay true:
//!
//! - A snapshot is made of what is known of all offers of the days that still count, read anew each time, so an outcome that came late
//!   is in the next one. Of two instances that make the same one the first stays.
//! - Level 2 is folded on from the newest snapshot of which every day is as it is known now; where there is none, from the beginning. So
//!   it is what a fold of everything that still counts would make, in whatever steps it was made.

use std::collections::BTreeMap;

use super::{Desk, Period, figures::by_click, ready::decoded};
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
        situation::{Learnt, Models},
    },
    storage::{
        action_models,
        outcomes::{self, Offer},
    },
    tenants::Tenant,
};

/// Offers read at once.
const PAGE: i64 = 10_000;
/// Days within which a correction folds anew what came after it: offers of these days are all read.
const CORRECTED: i32 = 400;
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
        let beginning = Day(closed.0 - OLDEST_DAYS);
        let newest = latest.map_or(beginning, |(_, as_of)| as_of);
        let mut known = self.known(tenant, &catalogue, (newest, closed)).await?;
        let days = (&known.days, Day(closed.0 - CORRECTED));
        let (before, weights) = self.footing(&tenant.id, number, days).await?;
        let weights = weights.unwrap_or_else(|| Weights::empty(beginning));
        if weights.as_of() < newest {
            let days = (weights.as_of(), closed);
            known = self.known(tenant, &catalogue, days).await?;
        }
        let weights = self
            .folded(&tenant.id, weights, known.lessons, closed)
            .await?;
        let standing = Standing {
            days: known.days,
            widened: self.widened(tenant, &catalogue, closed).await?,
            ..before
        };
        let (counts, body) = (known.counts.encode(closed), weights.encode());
        let learnt = Learnt {
            as_of: closed,
            counts: known.counts,
            contextual: Some((weights, standing.clone())),
        };
        let standing = self
            .judged(tenant, &catalogue, (learnt, closed), standing)
            .await?;
        let revision = i64::try_from(catalogue.revision()).unwrap_or(i64::MAX);
        let stored = action_models::Stored {
            as_of: closed,
            counts,
            contextual: Some((body, standing.encode())),
        };
        let mut connection = self.storage.acquire().await?;
        action_models::insert(&mut connection, &tenant.id, (number, revision), &stored).await?;
        Ok(u64::try_from(number).ok())
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

    /// What stood beside level 2 before, and the newest weights of which every day is as it is known now.
    async fn footing(
        &self,
        tenant: &TenantId,
        number: i64,
        (days, from): (&Days, Day),
    ) -> Result<(Standing, Option<Weights>), Error> {
        let what = "reading what was learned";
        let mut standing_before = None;
        let mut before = number;
        loop {
            let mut connection = self.storage.acquire().await?;
            let found = action_models::before(&mut connection, tenant, before).await?;
            let Some((snapshot, as_of, standing)) = found else {
                return Ok((standing_before.unwrap_or_default(), None));
            };
            let standing = Standing::decode(&standing).map_err(|error| Error::bug(what, error))?;
            let holds = as_of > from && standing.days.agree(days, (from, as_of));
            standing_before.get_or_insert(standing);
            if holds {
                let found = action_models::load(&mut connection, tenant, snapshot).await?;
                let found = found.ok_or_else(|| Error::bug(what, "a snapshot is gone"))?;
                let learnt = decoded(&found).map_err(|error| Error::bug(what, error))?;
                let weights = learnt.contextual.map(|(weights, _)| weights);
                return Ok((standing_before.unwrap_or_default(), weights));
            }
            before = snapshot;
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
        catalogue: &std::sync::Arc<Snapshot>,
        (learnt, closed): (Learnt, Day),
        standing: Standing,
    ) -> Result<Standing, Error> {
        let lately = |day: Day| closed.0 - day.0 < super::levels::EVERY;
        if standing.judged.is_some_and(lately) {
            return Ok(standing);
        }
        let of = std::sync::Arc::clone(catalogue);
        let making = tokio::task::spawn_blocking(move || Models::new(&of, 0, learnt).ready());
        let ready = making.await;
        if ready.map_err(|e| Error::bug("judging level 2", e))? == 0 {
            return Ok(standing);
        }
        // What is learned must not wait for what is judged: that is asked again on the next day.
        let gain = match self.gain(tenant, catalogue, closed).await {
            Ok(gain) => gain,
            Err(error) => {
                tracing::error!(tenant = %tenant.id, %error, "level 2 could not be judged");
                return Ok(standing);
            }
        };
        let verdict = standing.verdict.after(gain);
        tracing::info!(tenant = %tenant.id, ?verdict, ?gain, "level 2 was judged");
        Ok(Standing {
            verdict,
            judged: Some(closed),
            gain,
            ..standing
        })
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
