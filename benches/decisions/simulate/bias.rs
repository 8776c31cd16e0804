//! How far the estimate of a new action is off in its first W days.
//!
//! Eight actions come on one day and are delivered 100 times a day each; what they are worth is drawn from one distribution
//! for old and new. In an established group eight others have been delivered 40 times a day for 100 days before; in a cold
//! start there are no others. Yeses are slow (the slow group of the simulator). The bias of a seed is the sum of
//! (estimate - truth) over the actions and days divided by the sum of the truths. One by one, (estimate - truth) / truth, charges
//! besides what leaning on the group's mean does to the worst actions; both are printed.

use std::collections::BTreeMap;

use customer_profile::next_best_action::learning::{
    cohorts::{Observation, Table},
    delay::Delay,
    estimate::{Correction, Level1, Setting},
};

use super::{
    policy::{arm, count, day, setting},
    report::{Mean, off},
    world::{WINDOW, World, delay, normal, uniform, wide},
};

const NEW: usize = 8;
const OLD: usize = 8;
/// The day on which the new ones come.
const BEGIN: usize = 100;
const EACH_NEW: usize = 100;
const EACH_OLD: usize = 40;

/// How the delay is taken into account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Learned,
    Known,
    PlainShare,
    Nothing,
}

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::Learned, Self::Known, Self::PlainShare, Self::Nothing];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Learned => "corrected, learned G",
            Self::Known => "corrected, known G",
            Self::PlainShare => "corrected, plain share of delays seen so far",
            Self::Nothing => "uncorrected",
        }
    }
}

/// The bias of one way.
pub(crate) struct Bias {
    pub(crate) way: Way,
    pub(crate) established: bool,
    /// Over the first W days, by seed.
    pub(crate) overall: Mean,
    /// The same, taken one by one.
    pub(crate) one_by_one: Mean,
    /// By age in days, 0 to W - 1.
    pub(crate) by_day: Vec<f64>,
}

pub(crate) fn biases(seeds: usize) -> Vec<Bias> {
    let mut found = Vec::new();
    for established in [true, false] {
        let worlds: Vec<Newcomers> = (1..=seeds)
            .map(|seed| Newcomers::new(wide(seed), established))
            .collect();
        for way in Way::ALL {
            let by_seed: Vec<Vec<[f64; 2]>> = worlds.iter().map(|world| world.bias(way)).collect();
            let overall = |kind: usize| {
                let seeds = by_seed.iter();
                let means =
                    seeds.map(|days| days.iter().map(|day| day[kind]).sum::<f64>() / count(WINDOW));
                Mean::of(&means.collect::<Vec<f64>>())
            };
            let by_day = (0..WINDOW)
                .map(|age| by_seed.iter().map(|days| days[age][0]).sum::<f64>() / count(seeds));
            found.push(Bias {
                way,
                established,
                overall: overall(0),
                one_by_one: overall(1),
                by_day: by_day.collect(),
            });
        }
    }
    found
}

struct Newcomers {
    table: Table,
    truths: Vec<f64>,
    settings: BTreeMap<customer_profile::next_best_action::learning::Arm, Setting>,
    /// Delays of the new actions' yeses with the day on which they came.
    delays: Vec<(usize, usize)>,
}

impl Newcomers {
    fn new(seed: u64, established: bool) -> Self {
        let weights = World::delays(1);
        let mut world = Self {
            table: Table::default(),
            truths: Vec::new(),
            settings: BTreeMap::new(),
            delays: Vec::new(),
        };
        let first = if established { 0 } else { OLD };
        for action in first..OLD + NEW {
            let logit = -2.75 + 0.35 * normal(seed, [20, wide(action), 0]);
            let truth = 1.0 / (1.0 + (-logit).exp());
            let is_new = action >= OLD;
            let group = setting(1);
            world.settings.insert(arm(action), group);
            if is_new {
                world.truths.push(truth);
            }
            let (begin, each) = if is_new {
                (BEGIN, EACH_NEW)
            } else {
                (0, EACH_OLD)
            };
            for today in begin..BEGIN + WINDOW {
                for n in 0..each {
                    let place = [21, wide(action), wide(today * 1_000 + n)];
                    let after = (uniform(seed, place) < truth)
                        .then(|| delay(&weights, uniform(seed ^ 0xde1a, place)));
                    if let (true, Some(after)) = (is_new, after) {
                        world.delays.push((after, today + after));
                    }
                    world.table.add(&Observation {
                        arm: arm(action),
                        delivered: day(today),
                        converted: after.map(|after| day(today + after)),
                    });
                }
            }
        }
        world
    }

    /// The bias at the end of each of the first W days.
    fn bias(&self, way: Way) -> Vec<[f64; 2]> {
        let known = Delay::known(&World::delays(1)).unwrap_or_else(Delay::none);
        (BEGIN..BEGIN + WINDOW)
            .map(|today| {
                let plain = self.plain_share(today);
                let correction = match way {
                    Way::Learned => Correction::Learned,
                    Way::Known => Correction::Known(&known),
                    Way::PlainShare => Correction::Known(&plain),
                    Way::Nothing => Correction::Nothing,
                };
                let level = Level1::of(&self.table, day(today), &self.settings, correction);
                let new = (OLD..OLD + NEW).zip(&self.truths);
                let pairs = new.map(|(action, truth)| {
                    let estimate = level.get(arm(action));
                    (
                        estimate.map_or(
                            0.0,
                            customer_profile::next_best_action::learning::estimate::Estimate::mean,
                        ),
                        *truth,
                    )
                });
                off(&pairs.collect::<Vec<_>>())
            })
            .collect()
    }

    fn plain_share(&self, today: usize) -> Delay {
        let mut weights = [0.0; WINDOW + 1];
        for (after, _) in self.delays.iter().filter(|(_, came)| *came <= today) {
            weights[*after] += 1.0;
        }
        Delay::known(&weights).unwrap_or_else(Delay::none)
    }
}
