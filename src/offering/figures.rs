//! What actions were offered for and what came of it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{Desk, Past, Period, period::Look, ready::Ready};
use crate::{
    error::Error,
    ids::TenantId,
    next_best_action::{
        catalogue::Snapshot,
        evaluation::stats::Counts,
        gates::Gate,
        keys::{ChannelIndex, DecisionKey},
    },
    storage::{
        offer_figures::{self, Told, Wanted},
        offers,
    },
};

/// Decisions over which gates are counted.
pub const GATES_OVER: usize = 1_000;
/// Decisions read at once.
const PAGE: usize = 200;

/// What was offered, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Offered {
    /// Counts; candidates and propensities are not counted here.
    pub counts: Counts,
    /// Successes, as learning counts them.
    pub successes: u64,
    /// Delivered longer ago than the attribution window, with a propensity.
    pub old: u64,
    /// Of those: successes.
    pub old_successes: u64,
    /// The sum of their propensities.
    pub old_expected: f64,
}

impl Offered {
    /// Adds another's.
    pub fn unite(&mut self, other: &Self) {
        self.counts.unite(&other.counts);
        self.successes += other.successes;
        self.old += other.old;
        self.old_successes += other.old_successes;
        self.old_expected += other.old_expected;
    }

    fn tell(&mut self, told: &Told) {
        self.counts.not_delivered = told.not_delivered;
        self.counts.delivered = told.delivered;
        self.counts.seen = told.seen;
        self.counts.clicked = told.clicked;
        self.counts.accepted = told.accepted;
        self.counts.rejected = told.rejected;
        let reported = told.not_delivered.saturating_add(told.delivered);
        self.counts.unreported = self.counts.shown.saturating_sub(reported);
        self.successes = told.successes;
        self.old = told.old;
        self.old_successes = told.old_successes;
        self.old_expected = told.old_expected;
    }
}

/// What is counted of one action: by version and channel.
pub type ByVersion = BTreeMap<(u32, ChannelIndex), Offered>;

/// What kept actions out first, none where nothing did: by action, channel and gate.
pub type Stops = HashMap<u64, BTreeMap<(ChannelIndex, Option<Gate>), u64>>;

/// Whether a click on an action is a success: it is worth at least half an acceptance.
#[must_use]
pub fn by_click(catalogue: &Snapshot, action: u64) -> bool {
    let newest = catalogue.newest(action);
    newest.is_some_and(|(version, _)| version.definition.get().rewards.clicked >= 0.5)
}

/// What is to be known of actions in order to count what came of them.
pub(super) fn wanted(catalogue: &Snapshot, actions: &[u64]) -> Vec<Wanted> {
    let wanted = actions.iter().filter_map(|action| {
        let (version, _) = catalogue.newest(*action)?;
        let days = version.definition.get().attribution_days;
        Some(Wanted {
            action: *action,
            window_days: u16::try_from(days).unwrap_or(u16::MAX),
            by_click: by_click(catalogue, *action),
        })
    });
    wanted.collect()
}

impl Desk {
    /// What some actions were offered for in a period, and what is known now of what came of it, by their ids.
    ///
    /// # Errors
    /// Overloaded while two others count; and when the database fails.
    #[tracing::instrument(name = "decision.figures", skip_all)]
    pub async fn figures(
        &self,
        tenant: &TenantId,
        (ready, actions): (&Ready, &[u64]),
        period: Period,
    ) -> Result<HashMap<u64, ByVersion>, Error> {
        let _turn = self.counting().await?;
        let _look = Look::at("stats");
        let catalogue = &*ready.catalogue;
        let wanted = wanted(catalogue, actions);
        let (from, before) = (period.from, period.before);
        let mut connection = self.storage.acquire().await?;
        let made = offer_figures::made(&mut connection, tenant, (from, before), actions).await?;
        let now = self.clock.now();
        let told =
            offer_figures::told(&mut connection, tenant, (from, before, now), &wanted).await?;
        let mut figures: HashMap<u64, ByVersion> = HashMap::new();
        for (of, made) in made {
            let versions = figures.entry(of.action.id).or_default();
            let offered = versions.entry((of.action.version, of.channel)).or_default();
            offered.counts.shown = made;
            offered.counts.unreported = made;
        }
        for (of, told) in told {
            let versions = figures.entry(of.action.id).or_default();
            let offered = versions.entry((of.action.version, of.channel)).or_default();
            offered.tell(&told);
        }
        Ok(figures)
    }

    /// What kept actions out first, over the newest decisions of a period, and over how many.
    ///
    /// # Errors
    /// When the database fails, or what is stored cannot be read.
    #[tracing::instrument(name = "decision.stops", skip_all)]
    pub async fn stops(&self, tenant: &TenantId, period: Period) -> Result<(Stops, usize), Error> {
        let (mut stops, mut seen) = (Stops::new(), 0);
        let mut before = (period.before, DecisionKey::default());
        while seen < GATES_OVER {
            let mut connection = self.storage.acquire().await?;
            let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
            let stretch = (period.from, before);
            let page = offers::between(&mut connection, tenant, stretch, None, limit).await?;
            drop(connection);
            let Some(last) = page.last() else { break };
            before = (last.decided_at(), last.key());
            seen += page.len();
            let mut made = Vec::with_capacity(page.len());
            for stored in page {
                let revision = stored.policy_version();
                let catalogue = self.shelf.catalogue_at(tenant, revision).await?;
                let bug = || Error::bug("counting gates", "a policy is gone");
                made.push((stored, catalogue.ok_or_else(bug)?));
            }
            // Reading decisions takes its time, which is not that of other callers.
            let counting = tokio::task::spawn_blocking(move || {
                for (stored, catalogue) in made {
                    count(&Past::of(stored)?, &catalogue, &mut stops);
                }
                Ok::<_, Error>(stops)
            });
            stops = counting
                .await
                .map_err(|e| Error::bug("counting gates", e))??;
        }
        Ok((stops, seen))
    }
}

/// Adds the placements of a decision, for the actions that go through their channels.
fn count(past: &Past, catalogue: &Arc<Snapshot>, stops: &mut Stops) {
    let actions = catalogue.engine().actions();
    for placed in &past.record.decision.placements {
        let lost = placed.lost.iter().map(|lost| (lost.index, Some(lost.gate)));
        let passed = placed.survivors.iter().map(|one| (one.index, None));
        for (index, gate) in lost.chain(passed) {
            let action = usize::try_from(index).ok().and_then(|at| actions.get(at));
            let Some(action) = action.filter(|a| a.channels.holds(placed.channel)) else {
                continue;
            };
            let of = stops.entry(action.key.id).or_default();
            *of.entry((placed.channel, gate)).or_default() += 1;
        }
    }
}
