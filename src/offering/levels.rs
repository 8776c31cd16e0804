//! Whether level 2 would have brought more than level 1, by decisions whose time is up.
//!
//! What must stay true:
//!
//! - Each decision is made again twice with the snapshot of models that it was made with, which had seen nothing of what it brought: once
//!   with level 1 alone, once with level 2 wherever there was enough for it.
//! - Both are judged on what was done often enough ([`SUPPORT`]), so that no weight exceeds 50.
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
        decide::{Decision, would},
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
        situation::{Questions, Told, carried},
    },
    storage::offers,
    tenants::Tenant,
};

/// Days between two evaluations.
pub(super) const EVERY: i32 = 7;
/// Days of decisions that are evaluated, before those that still wait for outcomes.
const DAYS: i32 = 60;
/// Decisions that are evaluated at most, the newest.
const EVALUATED: usize = 8_000;
/// Decisions made again at once.
const PAGE: usize = 250;
/// What the log must have given an action to say something of it.
const SUPPORT: f64 = 0.02;

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
        let windows = catalogue.actions().iter();
        let windows = windows.map(|(version, _)| version.definition.get().attribution_days);
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
        let mut left = EVALUATED;
        while left > 0 {
            let limit = i64::try_from(left.min(PAGE)).unwrap_or(i64::MAX);
            let (tenant, from) = (&tenant.id, period.from);
            let mut connection = self.storage.acquire().await?;
            let page = offers::between(&mut connection, tenant, from, before, limit).await?;
            drop(connection);
            let Some(last) = page.last() else { break };
            before = (last.decided_at(), last.key());
            left -= page.len();
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
        tracing::info!(rows, differing = found.differing, reasons = ?found.reasons, "level 2 beside level 1");
        let gain = found.difference.map(|of| Gain {
            value: of.value,
            standard_error: of.standard_error,
            low: of.interval.0,
            high: of.interval.1,
        });
        Ok(gain.filter(|_| !found.reasons.iter().any(unsaid)))
    }
}

/// What a yes to what stood in a slot weighed in arbitration; nothing where a fallback stood.
fn weight(then: &Decision, (slot, action): (u16, Option<ActionKey>)) -> f64 {
    let of_slot = |placed: &&_| {
        let placed: &crate::next_best_action::decide::Placed = placed;
        placed.slots.iter().any(|one| one.number == slot)
    };
    let placed = then.placements.iter().find(of_slot);
    let survivor = placed.and_then(|placed| {
        let mut survivors = placed.survivors.iter();
        survivors.find(|survivor| Some(survivor.action) == action)
    });
    survivor.map_or(0.0, |survivor| libm::exp(survivor.terms.fixed()))
}
