//! Watching whether what is believed of actions comes true.
//!
//! What must stay true: it is looked at over offers that are older than their attribution window, from what is known now and from
//! the first day on each time, so the same outcomes give the same alarms. Memory is bounded by what resolved on one day.

use std::collections::{BTreeMap, HashMap};

use super::Desk;
use crate::{
    calendar::Day,
    clock::Micros,
    error::Error,
    next_best_action::{
        evaluation::{
            calibration::{Flag, Over},
            drift::{Direction, Drift, Outcome},
        },
        keys::{ChannelIndex, DecisionKey},
    },
    offering::{Period, figures::Offered},
    storage::offer_figures::{self, Resolved},
    tenants::Tenant,
};

/// Days of decisions that are looked at.
const DAYS: i32 = 120;
/// Days after which an alarm is over.
const LATELY: i32 = 14;
/// Offers read at once.
const PAGE: i64 = 10_000;

/// How many actions, each channel by itself, are not what they are believed to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watched {
    /// Fewer succeed than was believed.
    pub overrated: u32,
    /// More do.
    pub underrated: u32,
    /// More succeed than before.
    pub rising: u32,
    /// Fewer do.
    pub falling: u32,
    /// Of so many it is the customer's situation that speaks.
    pub contextual: u32,
    /// Successes that were expected of each action, by its name, and those that came.
    pub successes: BTreeMap<String, (f64, u64)>,
}

type Arm = (u64, ChannelIndex);

impl Period {
    /// The days of decisions that are looked at when a day has closed.
    pub(super) fn watched(tenant: &Tenant, closed: Day) -> Self {
        Self {
            from: tenant.zone.begin(Day(closed.0 - DAYS)),
            before: tenant.zone.begin(Day(closed.0 + 1)),
        }
    }
}

impl Desk {
    /// The last closed day of a tenant.
    #[must_use]
    pub fn closed(&self, tenant: &Tenant) -> Day {
        Day(tenant.zone.day(self.clock.now()).0 - 1)
    }

    /// Looks at the offers of the days that closed.
    ///
    /// # Errors
    /// When the database fails.
    #[tracing::instrument(name = "decision.watch", skip_all, fields(tenant = %tenant.id))]
    pub async fn watch(&self, tenant: &Tenant) -> Result<Watched, Error> {
        let mut watched = Watched::default();
        let Some(ready) = self.shelf.current(&tenant.id, 0).await? else {
            return Ok(watched);
        };
        watched.contextual = u32::try_from(ready.models.speaking()).unwrap_or(u32::MAX);
        let closed = self.closed(tenant);
        let period = Period::watched(tenant, closed);
        let actions = ready.catalogue.actions().iter();
        let actions: Vec<u64> = actions.map(|(version, _)| version.key().id).collect();
        let figures = self.figures(&tenant.id, (&ready, &actions), period).await?;
        let name = |(action, channel): Arm| {
            let action = ready
                .catalogue
                .newest(action)
                .map(|(version, _)| version.id());
            let channel = ready.catalogue.names().channel_name(channel);
            (action.unwrap_or_default(), channel.unwrap_or_default())
        };
        let mut arms: BTreeMap<Arm, Offered> = BTreeMap::new();
        for (action, versions) in &figures {
            for ((_, channel), offered) in versions {
                arms.entry((*action, *channel)).or_default().unite(offered);
            }
        }
        for (arm, of) in arms {
            if of.old > 0 {
                let (id, _) = name(arm);
                let sums = watched.successes.entry(id.to_owned()).or_default();
                sums.0 += of.old_expected;
                sums.1 += of.old_successes;
            }
            let Some(over) = Over::of(of.old, of.old_successes, of.old_expected) else {
                continue;
            };
            match over.flag {
                None => continue,
                Some(Flag::Overrated) => watched.overrated += 1,
                Some(Flag::Underrated) => watched.underrated += 1,
            }
            let (action, channel) = name(arm);
            tracing::warn!(tenant = %tenant.id, action, channel, ratio = over.ratio, "what was believed of an action does not come true");
        }
        let wanted = super::figures::wanted(&ready.catalogue, &actions);
        for (arm, drift) in self.drifts(tenant, period, &wanted).await? {
            let Some(alarm) = drift
                .alarms()
                .last()
                .filter(|a| a.day.0 > closed.0 - LATELY)
            else {
                continue;
            };
            match alarm.direction {
                Direction::Up => watched.rising += 1,
                Direction::Down => watched.falling += 1,
            }
            let (action, channel) = name(arm);
            tracing::warn!(tenant = %tenant.id, action, channel, direction = ?alarm.direction, "the success of an action has changed");
        }
        Ok(watched)
    }

    /// The tests of all actions, over the offers of a period that are resolved.
    pub(super) async fn drifts(
        &self,
        tenant: &Tenant,
        period: Period,
        wanted: &[offer_figures::Wanted],
    ) -> Result<HashMap<Arm, Drift>, Error> {
        let window = |action: u64| {
            let of = wanted.iter().find(|one| one.action == action);
            of.map_or(0, |of| i32::from(of.window_days))
        };
        let mut drifts: HashMap<Arm, Drift> = HashMap::new();
        let mut day: Vec<(Arm, Outcome)> = Vec::new();
        let mut decided = Day(i32::MIN);
        let mut after = (Micros(period.from.0 - 1), DecisionKey::default(), 0);
        loop {
            let mut connection = self.storage.acquire().await?;
            // What is resolved after the day that closed is looked at when its day has closed.
            let until = (period.before, period.before);
            let page =
                offer_figures::resolved(&mut connection, &tenant.id, (after, until), wanted, PAGE)
                    .await?;
            drop(connection);
            let Some(last) = page.last() else { break };
            after = (last.decided_at, last.decision, last.slot);
            for one in &page {
                let on = tenant.zone.day(one.decided_at);
                if on != decided {
                    fold(&mut drifts, &mut day);
                    decided = on;
                }
                // About when it was resolved; of one action all are moved by the same days, so their order stays.
                let resolved = Day(on.0.saturating_add(window(one.action)));
                day.push(((one.action, one.channel), outcome(one, resolved)));
            }
        }
        fold(&mut drifts, &mut day);
        Ok(drifts)
    }
}

fn outcome(of: &Resolved, day: Day) -> Outcome {
    Outcome {
        day,
        decision: of.decision.0,
        predicted: of.believed,
        observed: of.succeeded,
    }
}

/// Folds what was decided on one day.
fn fold(drifts: &mut HashMap<Arm, Drift>, day: &mut Vec<(Arm, Outcome)>) {
    let mut by_arm: HashMap<Arm, Vec<Outcome>> = HashMap::new();
    for (arm, outcome) in day.drain(..) {
        by_arm.entry(arm).or_default().push(outcome);
    }
    for (arm, mut outcomes) in by_arm {
        let folded = drifts.entry(arm).or_default().fold(&mut outcomes);
        if let Err(error) = folded {
            tracing::warn!(%error, "outcomes of a day could not be looked at");
        }
    }
}
