//! Whether level 2 would have brought more than level 1, by decisions whose time is up.
//!
//! What must stay true:
//!
//! - Each decision is made again twice with the snapshot of models that it was made with, which had seen nothing of what it brought: once
//!   with level 1 alone, once with level 2 wherever there was enough for it.
//! - Both are judged on what was done often enough ([`SUPPORT`]), so that no weight exceeds 51; of the rest neither is better than what
//!   was logged. Where less than half of what level 2 would do was done often enough, nothing is said.
//! - Decisions are a sample of their period by the hash of their id, and each is judged on at most once.
//! - What counts is what arbitration weighs: a yes by the C, V and L that the action had in the decision.

use std::{collections::HashMap, sync::Arc};

use super::{
    Desk, Period,
    evaluate::{Again, Reward, brought},
    period::Look,
};
use crate::{
    calendar::Day,
    error::Error,
    next_best_action::{
        catalogue::Snapshot,
        decide::{Decision, Placed, Record, would},
        evaluation::{
            bootstrap::Resampling,
            decides::{self, Reason},
            estimators::Evaluation,
            policy::Supported,
            replayed::{Brought, Made, Rows},
            reward::ShrunkMeans,
        },
        holdout::Group,
        keys::{ActionKey, DecisionKey},
        learning::switch::{Gain, Verdict},
        model::Status,
        situation::{Questions, Told, carried},
    },
    storage::offers,
    tenants::Tenant,
};

/// Days of decisions that are evaluated, before those that still wait for outcomes.
pub(super) const DAYS: i32 = 28;
/// Decisions that are evaluated, about.
const EVALUATED: i64 = 8_000;
/// Decisions made again at once.
const PAGE: i64 = 250;
/// What the log must have given an action to say something of it.
const SUPPORT: f64 = 0.02;
/// The most of what level 2 would do that the log may say nothing of.
const UNTOLD: f64 = 0.5;

/// What is gathered on the way.
struct Comparing {
    catalogue: Arc<Snapshot>,
    questions: Questions,
    tenant: Tenant,
    rows: Rows<2>,
}

impl Desk {
    /// What level 2 would have brought more than level 1; none when the log says too little.
    #[tracing::instrument(name = "decision.gain", skip_all)]
    pub(super) async fn gain(
        &self,
        tenant: &Tenant,
        catalogue: &Arc<Snapshot>,
        closed: Day,
    ) -> Result<Option<Gain>, Error> {
        let _look = Look::at("levels");
        let active = catalogue.actions().iter();
        let active = active.filter(|(_, status)| *status == Status::Active);
        let windows = active.map(|(version, _)| version.definition.get().attribution_days);
        let window = windows.max().and_then(|days| i32::try_from(days).ok());
        let last = closed.0.saturating_sub(window.unwrap_or_default());
        let period = Period {
            from: tenant.zone.begin(Day(last - DAYS)),
            before: tenant.zone.begin(Day(last)),
        };
        let mut comparing = Comparing {
            questions: Questions::of(catalogue),
            catalogue: Arc::clone(catalogue),
            tenant: tenant.clone(),
            rows: Rows::default(),
        };
        let mut models = HashMap::new();
        let mut before = (period.before, DecisionKey::default());
        let (tenant, from) = (&tenant.id, period.from);
        let mut connection = self.storage.acquire().await?;
        let there = offers::count(&mut connection, tenant, (from, period.before)).await?;
        drop(connection);
        let every = u128::try_from(there / EVALUATED).unwrap_or(0) + 1;
        let sample = DecisionKey(u128::MAX / every);
        loop {
            let mut connection = self.storage.acquire().await?;
            let stretch = (from, before);
            let page = offers::between(&mut connection, tenant, stretch, Some(sample), PAGE);
            let mut page = page.await?;
            drop(connection);
            let Some(last) = page.last() else { break };
            before = (last.decided_at(), last.key());
            page.retain(readable);
            let page = self.gathered(tenant, catalogue, page, &mut models).await?;
            let adding = tokio::task::spawn_blocking(move || {
                for again in &page {
                    comparing.add(again);
                }
                comparing
            });
            comparing = adding.await.map_err(|e| Error::bug("judging level 2", e))?;
        }
        let ending = tokio::task::spawn_blocking(move || comparing.end());
        ending.await.map_err(|e| Error::bug("judging level 2", e))?
    }
}

impl Comparing {
    fn add(&mut self, again: &Again) {
        let record = &again.past.record;
        let (inputs, then) = (&record.inputs, &record.decision);
        // Where level 2 could not have spoken there is nothing to compare.
        let silent = inputs.situation.is_none() || again.models.ready() == 0;
        if silent || then.assigned.group == Group::HeldOut {
            return;
        }
        let (by, catalogue) = (&*again.by, &*self.catalogue);
        let page = carried::page(inputs, by);
        let carried = carried::carried(inputs, by, catalogue);
        let told = Told::new(catalogue, &self.questions, &carried, &page);
        let slots = then.placements.iter().flat_map(|placed| &placed.slots);
        let stood: Vec<Option<u64>> = slots
            .map(|slot| slot.choice.action().map(|action| action.id))
            .collect();
        let [counts, contextual] = [Verdict::Unknown, Verdict::Better].map(|verdict| {
            let models = again.models.with(verdict);
            would(&carried, catalogue.engine(), &models, &told, &stood)
        });
        let made = Made {
            profile: again.profile,
            day: self.tenant.zone.day(inputs.at),
        };
        self.rows.add(
            made,
            (then, [&counts, &contextual]),
            |slot, action| match brought(&again.known, by, Reward::Success, (slot, action)) {
                Brought::Reward(yes) => Brought::Reward(yes * weight(then, (slot, action))),
                Brought::NotDelivered => Brought::NotDelivered,
            },
        );
    }

    fn end(self) -> Result<Option<Gain>, Error> {
        let (log, [counts, contextual]) = self.rows.close();
        let evaluation = Evaluation::new(&log, &ShrunkMeans::default());
        let supported = |policy| Supported {
            policy,
            least: SUPPORT,
        };
        // That there is enough of each action is asked when it is decided.
        let enough = f64::INFINITY;
        let (counts, contextual) = (supported(counts), supported(contextual));
        let untold = contextual.lost(&log);
        let resampling = Resampling::default();
        let found = decides::decide(&evaluation, &counts, &contextual, enough, resampling);
        let found = found.map_err(|error| Error::bug("judging level 2", error))?;
        let unsaid = |reason: &Reason| {
            matches!(
                reason,
                Reason::Contextual(_) | Reason::Counts(_) | Reason::Same
            )
        };
        let rows = log.len();
        tracing::info!(rows, untold, differing = found.differing, reasons = ?found.reasons, "level 2 beside level 1");
        let gain = found.difference.map(|of| Gain {
            value: of.value,
            standard_error: of.standard_error,
            low: of.interval.0,
            high: of.interval.1,
        });
        let told = untold <= UNTOLD && !found.reasons.iter().any(unsaid);
        Ok(gain.filter(|_| told))
    }
}

/// Whether a decision can be read; one that cannot is passed over, and the log tells.
fn readable(stored: &offers::Stored) -> bool {
    let record = Record::decode(&stored.body);
    if let Err(error) = &record {
        tracing::error!(decision = %stored.id, %error, "a decision cannot be read");
    }
    record.is_ok()
}

/// What a yes to what stood in a slot weighed in arbitration; nothing where a fallback stood.
fn weight(then: &Decision, (slot, action): (u16, Option<ActionKey>)) -> f64 {
    let of_slot = |placed: &&Placed| placed.slots.iter().any(|one| one.number == slot);
    let placed = then.placements.iter().find(of_slot);
    let survivor = placed.and_then(|placed| {
        let mut survivors = placed.survivors.iter();
        survivors.find(|survivor| Some(survivor.action) == action)
    });
    survivor.map_or(0.0, |survivor| libm::exp(survivor.terms.fixed()))
}
