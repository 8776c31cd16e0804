//! What was learned by a snapshot, as the engine reads it under a revision of the catalogue.
//!
//! What must stay true:
//!
//! - Everything here follows from what the snapshot holds and from what the revision says of its actions (group, attribution window,
//!   prior): an action that is newer than the snapshot is believed to be as its group is.
//! - Level 2 speaks for an action on a channel where its [`Spoke`] says so and the situation is known; nowhere else.
//! - While the success of an action changes, draws and upper bounds are wider; what is expected of it stays what was learned, so that it
//!   is tried more and not believed more, and predictions are not bent by the alarms that they raise.

use std::collections::{BTreeMap, HashMap};

use crate::{
    calendar::Day,
    next_best_action::{
        catalogue::Snapshot,
        exploration::{self, Logit, M, Model, Propensity},
        keys::{ActionKey, ChannelIndex},
        learning::{
            Arm,
            cohorts::Table,
            draws::Draws,
            estimate::{Correction, Estimate, Level1, Setting},
            features::Keys,
            normal::Normals,
            snapshot::Snapshot as Weights,
            standing::Standing,
            switch::{ENOUGH, Spoke, Verdict},
        },
    },
};

/// What is believed where nothing can be: a chance of one in twenty, without doubt.
const NOTHING: f64 = -2.995_732_273_553_991;
static NO_DRAWS: [f32; M] = [-2.995_732_3; M];

/// What a snapshot holds.
#[derive(Debug, Default)]
pub struct Learnt {
    /// The last closed day that was read.
    pub as_of: Day,
    /// Level 1.
    pub counts: Table,
    /// Level 2; none before the first release that had it.
    pub contextual: Option<(Weights, Standing)>,
}

/// Both levels under a revision.
#[derive(Debug)]
pub struct Models {
    snapshot: u64,
    level: Level1,
    /// Logarithms of the means of level 1.
    means: HashMap<Arm, f64>,
    rows: Rows,
    /// Rows of arms whose success has changed, with more doubt.
    doubted: Rows,
    contextual: Option<(Weights, Standing)>,
}

/// Draws, with logarithms of the upper bounds.
#[derive(Debug)]
struct Rows {
    draws: Draws,
    upper: HashMap<Arm, f64>,
}

impl Rows {
    fn of(level: &Level1, snapshot: u64) -> Self {
        let draws = Draws::of(level, snapshot, &Normals::new());
        let upper = level.arms().filter_map(|(arm, _)| {
            let row = draws.get(arm.action, arm.channel)?;
            Some((arm, exploration::ln_upper(&row.ln_probability)))
        });
        Self {
            upper: upper.collect(),
            draws,
        }
    }

    fn get(&self, arm: Arm) -> Option<(f64, &[f32; M])> {
        let upper = self.upper.get(&arm)?;
        let row = self.draws.get(arm.action, arm.channel)?;
        Some((*upper, &row.ln_probability))
    }
}

/// The models with another verdict on level 2 than the one that they hold.
#[derive(Clone, Copy, Debug)]
pub struct Speaking<'a> {
    models: &'a Models,
    verdict: Verdict,
}

impl Models {
    /// Of a snapshot.
    #[must_use]
    pub fn new(catalogue: &Snapshot, snapshot: u64, learnt: Learnt) -> Self {
        let settings = settings(catalogue);
        let level = Level1::of(&learnt.counts, learnt.as_of, &settings, Correction::Learned);
        let contextual = learnt.contextual;
        let doubted = level.widened(|arm| widening(contextual.as_ref(), arm));
        let means = level.arms();
        let means = means.map(|(arm, estimate)| (arm, libm::log(estimate.mean()).min(0.0)));
        Self {
            snapshot,
            means: means.collect(),
            rows: Rows::of(&level, snapshot),
            doubted: Rows::of(&doubted, snapshot),
            level,
            contextual,
        }
    }

    /// What level 1 believes of an action on a channel.
    #[must_use]
    pub fn estimate(&self, action: ActionKey, channel: ChannelIndex) -> Option<&Estimate> {
        self.level.get(Arm { action, channel })
    }

    /// What stands beside the weights of level 2; none before there were any.
    #[must_use]
    pub fn standing(&self) -> Option<&Standing> {
        self.contextual.as_ref().map(|(_, standing)| standing)
    }

    /// Which level speaks for an action on a channel, and why.
    #[must_use]
    pub fn spoke(&self, action: ActionKey, channel: ChannelIndex) -> Spoke {
        let verdict = self.standing().map(|standing| standing.verdict);
        self.spoke_by(Arm { action, channel }, verdict.unwrap_or_default())
    }

    /// What level 2 believes of an action on a channel in a situation, whether it speaks or not.
    #[must_use]
    pub fn logit(&self, arm: Arm, situation: &Keys) -> Option<Logit> {
        let (weights, _) = self.contextual.as_ref()?;
        let logit = weights.logit(arm.action.id, situation);
        Some(Logit {
            mean: logit.mean,
            variance: logit.variance,
        })
    }

    /// For how many actions, each channel by itself, there is enough for level 2.
    #[must_use]
    pub fn ready(&self) -> usize {
        let Some((_, standing)) = &self.contextual else {
            return 0;
        };
        let known = standing.evidence.all(self.level.as_of());
        known
            .filter(|(_, effective_n)| *effective_n >= ENOUGH)
            .count()
    }

    /// For how many actions, each channel by itself, level 2 speaks.
    #[must_use]
    pub fn speaking(&self) -> usize {
        let better = self
            .standing()
            .is_some_and(|standing| standing.verdict == Verdict::Better);
        if better { self.ready() } else { 0 }
    }

    /// The same models as if an evaluation had found so.
    #[must_use]
    pub const fn with(&self, verdict: Verdict) -> Speaking<'_> {
        Speaking {
            models: self,
            verdict,
        }
    }

    fn spoke_by(&self, arm: Arm, verdict: Verdict) -> Spoke {
        let evidence = self.contextual.as_ref().map_or(0.0, |(_, standing)| {
            let (id, channel) = (arm.action.id, arm.channel);
            standing.evidence.of(id, channel, self.level.as_of())
        });
        Spoke::of(evidence, verdict)
    }

    /// Decisions without a situation were made by a release that knew neither level 2 nor doubts.
    fn said(&self, arm: Arm, situation: Option<&Keys>, verdict: Verdict) -> Propensity<'_> {
        if verdict == Verdict::Better
            && let Some(situation) = situation
            && self.spoke_by(arm, verdict).level() == 2
            && let Some(logit) = self.logit(arm, situation)
        {
            let by = widening(self.contextual.as_ref(), arm);
            return Propensity::of_logit(logit.widened(by));
        }
        let doubted = situation.and_then(|_| self.doubted.get(arm));
        let row = doubted.or_else(|| self.rows.get(arm));
        match (self.means.get(&arm), row) {
            (Some(ln_mean), Some((ln_upper, draws))) => Propensity {
                ln_mean: *ln_mean,
                ln_upper,
                draws: exploration::Draws::Table(draws),
            },
            _ => Propensity {
                ln_mean: NOTHING,
                ln_upper: NOTHING,
                draws: exploration::Draws::Table(&NO_DRAWS),
            },
        }
    }
}

fn widening(contextual: Option<&(Weights, Standing)>, arm: Arm) -> f64 {
    contextual.map_or(1.0, |(_, standing)| {
        standing.widening(arm.action.id, arm.channel)
    })
}

fn settings(catalogue: &Snapshot) -> BTreeMap<Arm, Setting> {
    let names = catalogue.names();
    let mut settings = BTreeMap::new();
    for action in catalogue.engine().actions() {
        let Some(version) = catalogue.version(action.key) else {
            continue;
        };
        let definition = version.definition.get();
        let setting = Setting {
            group: action.group.0,
            window_days: u16::try_from(definition.attribution_days).unwrap_or(u16::MAX),
            prior_mean: definition.prior.as_ref().map(|prior| prior.propensity),
            prior_weight: definition.prior.as_ref().map(|prior| prior.evidence),
        };
        for channel in definition.channels.iter().filter_map(|c| names.channel(c)) {
            let action = action.key;
            settings.insert(Arm { action, channel }, setting);
        }
    }
    settings
}

impl Model for Models {
    fn snapshot(&self) -> u64 {
        self.snapshot
    }

    fn propensity(
        &self,
        _: usize,
        action: ActionKey,
        channel: ChannelIndex,
        situation: Option<&Keys>,
    ) -> Propensity<'_> {
        let verdict = self.standing().map(|standing| standing.verdict);
        let arm = Arm { action, channel };
        self.said(arm, situation, verdict.unwrap_or_default())
    }
}

impl Model for Speaking<'_> {
    fn snapshot(&self) -> u64 {
        self.models.snapshot
    }

    fn propensity(
        &self,
        _: usize,
        action: ActionKey,
        channel: ChannelIndex,
        situation: Option<&Keys>,
    ) -> Propensity<'_> {
        let arm = Arm { action, channel };
        self.models.said(arm, situation, self.verdict)
    }
}
