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
    /// Whether there is a level 2 that this release cannot read.
    pub unreadable: bool,
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
    unreadable: bool,
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
            unreadable: learnt.unreadable,
        }
    }

    /// Whether there is a level 2 that this release cannot read: decisions are made without a situation then, so that wherever it can
    /// be read they are made again as they were.
    #[must_use]
    pub const fn unreadable(&self) -> bool {
        self.unreadable
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
        let standing = self.standing();
        standing.map_or(0, |standing| standing.ready(self.level.as_of()))
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
            return Propensity {
                ln_mean: Propensity::of_logit(logit).ln_mean,
                ..Propensity::of_logit(logit.widened(by))
            };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::next_best_action::{
        learning::{
            cohorts::Observation, features::Situation, snapshot::Resolved, standing::Evidence,
        },
        situation::carried::tests::asking,
    };

    const WEB: ChannelIndex = ChannelIndex(0);
    const TODAY: Day = Day(20_000);

    fn action() -> ActionKey {
        ActionKey {
            id: ActionKey::id_of("asks"),
            version: 1,
        }
    }

    fn at(hour: u8) -> Keys {
        let situation = Situation {
            hour: Some(hour),
            ..Situation::default()
        };
        Keys::of(&situation).on(WEB)
    }

    /// So many offers yesterday, accepted in the evening and not in the morning.
    fn learnt(offers: u32, standing: Standing) -> Learnt {
        let mut counts = Table::default();
        let mut evidence = Evidence::default();
        let mut resolved = Vec::new();
        let yesterday = Day(TODAY.0 - 1);
        for n in 0..offers {
            let evening = n % 2 == 0;
            counts.add(&Observation {
                arm: Arm {
                    action: action(),
                    channel: WEB,
                },
                delivered: yesterday,
                converted: evening.then_some(yesterday),
            });
            evidence.add(action().id, WEB, TODAY);
            resolved.push(Resolved {
                day: TODAY,
                decision: n.into(),
                slot: 0,
                action_id: action().id,
                keys: at(if evening { 20 } else { 8 }),
                yes: evening,
            });
        }
        let weights = Weights::empty(yesterday).fold(TODAY, &resolved).unwrap();
        Learnt {
            as_of: TODAY,
            counts,
            contextual: Some((
                weights,
                Standing {
                    evidence,
                    ..standing
                },
            )),
            unreadable: false,
        }
    }

    fn models(offers: u32, standing: Standing) -> Models {
        Models::new(&asking(&["known"]), 7, learnt(offers, standing))
    }

    fn believed(models: &impl Model, situation: Option<&Keys>) -> (u8, f64, f64) {
        let said = models.propensity(0, action(), WEB, situation);
        (said.level(), said.ln_mean.exp(), said.ln_upper.exp())
    }

    #[test]
    fn level_2_speaks_where_it_may_and_knows_the_situation() {
        let better = || Standing {
            verdict: Verdict::Better,
            ..Standing::default()
        };
        let silent = models(400, Standing::default());
        let speaks = models(400, better());
        let few = models(150, better());
        assert_eq!((silent.ready(), silent.speaking()), (1, 0));
        assert_eq!((speaks.ready(), speaks.speaking()), (1, 1));
        assert_eq!((few.ready(), few.speaking()), (0, 0));
        let (level, morning, _) = believed(&speaks, Some(&at(8)));
        let (_, evening, _) = believed(&speaks, Some(&at(20)));
        assert_eq!(level, 2);
        assert!(morning < 0.1 && evening > 0.9, "{morning} {evening}");
        let counts = believed(&speaks, None);
        assert_eq!(counts.0, 1);
        assert!((0.4..0.55).contains(&counts.1), "{counts:?}");
        for unheard in [&silent, &few] {
            assert_eq!(believed(unheard, Some(&at(8))).0, 1);
        }
        // An evaluation hears either, whatever holds.
        assert_eq!(believed(&silent.with(Verdict::Better), Some(&at(8))).0, 2);
        assert_eq!(believed(&speaks.with(Verdict::Unknown), Some(&at(8))).0, 1);
        assert_eq!(believed(&few.with(Verdict::Better), Some(&at(8))).0, 1);
    }

    #[test]
    fn in_doubt_an_action_is_drawn_wider_and_believed_the_same() {
        for verdict in [Verdict::Unknown, Verdict::Better] {
            let doubted = Standing {
                verdict,
                widened: [((action().id, WEB), 4.0)].into(),
                ..Standing::default()
            };
            let sure = Standing {
                verdict,
                ..Standing::default()
            };
            let (doubted, sure) = (models(400, doubted), models(400, sure));
            for hour in [8, 20] {
                let (_, mean, upper) = believed(&doubted, Some(&at(hour)));
                let (_, same, lower) = believed(&sure, Some(&at(hour)));
                assert!(
                    (mean - same).abs() < 1e-12 && upper > lower,
                    "{verdict:?} {hour}"
                );
            }
            // A decision without a situation was made by a release that knew no doubts.
            assert_eq!(believed(&doubted, None), believed(&sure, None));
        }
    }
}
