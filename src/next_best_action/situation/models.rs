//! What was learned by a snapshot, as the engine reads it under a revision of the catalogue.
//!
//! What must stay true:
//!
//! - Everything here follows from what the snapshot holds and from what the revision says of its actions (group, attribution window,
//!   prior): an action that is newer than the snapshot is believed to be as its group is.
//! - Level 2 speaks for an action on a channel where its [`Spoke`] says so and the situation is known; nowhere else.

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
            switch::{Spoke, Verdict},
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
    draws: Draws,
    /// Logarithms of the mean and of the upper bound.
    bounds: HashMap<Arm, (f64, f64)>,
    contextual: Option<(Weights, Standing)>,
    /// Effective n of level 1, before it was widened, of what level 2 knows too.
    evidence: HashMap<Arm, f64>,
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
        let known = |arm: Arm| {
            let weights = contextual.as_ref().map(|(weights, _)| weights);
            weights.is_some_and(|weights| weights.knows(arm.action.id))
        };
        let evidence = level.arms().filter(|(arm, _)| known(*arm));
        let evidence = evidence.map(|(arm, estimate)| (arm, estimate.effective_n));
        let evidence = evidence.collect();
        let level = level.widened(|arm| widening(contextual.as_ref(), arm));
        let draws = Draws::of(&level, snapshot, &Normals::new());
        let bounds = level.arms().filter_map(|(arm, estimate)| {
            let row = draws.get(arm.action, arm.channel)?;
            let mean = libm::log(estimate.mean()).min(0.0);
            Some((arm, (mean, exploration::ln_upper(&row.ln_probability))))
        });
        Self {
            snapshot,
            bounds: bounds.collect(),
            level,
            draws,
            contextual,
            evidence,
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
            variance: logit.variance * widening(self.contextual.as_ref(), arm),
        })
    }

    /// For how many actions, each channel by itself, there is enough for level 2.
    #[must_use]
    pub fn ready(&self) -> usize {
        let arms = self.evidence.keys();
        let ready = arms.filter(|arm| self.spoke_by(**arm, Verdict::Better).level() == 2);
        ready.count()
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
        let evidence = self.evidence.get(&arm).copied();
        Spoke::of(evidence.unwrap_or_default(), verdict)
    }

    fn said(&self, arm: Arm, situation: Option<&Keys>, verdict: Verdict) -> Propensity<'_> {
        if let Some(situation) = situation
            && self.spoke_by(arm, verdict).level() == 2
            && let Some(logit) = self.logit(arm, situation)
        {
            return Propensity::of_logit(logit);
        }
        match (
            self.bounds.get(&arm),
            self.draws.get(arm.action, arm.channel),
        ) {
            (Some((ln_mean, ln_upper)), Some(row)) => Propensity {
                ln_mean: *ln_mean,
                ln_upper: *ln_upper,
                draws: exploration::Draws::Table(&row.ln_probability),
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
