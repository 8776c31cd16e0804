//! Policies that decide in a world, and what they earn there.
//!
//! The exploration is a small one of its own: 256 joint draws, shares of wins, `pi = 0.98 share + 0.02 / K`, one action
//! sampled from pi. Outcomes are seen with their delay: a snapshot of a day reads nothing later.

use std::collections::BTreeMap;

use customer_profile::{
    calendar::Day,
    next_best_action::{
        keys::{ActionKey, ChannelIndex},
        learning::{
            Arm,
            cohorts::{Observation, Table},
            draws::{DRAWS, Draws},
            estimate::{Correction, Level1, Setting},
            normal::Normals,
        },
    },
};

use super::{
    contextual::Contextual,
    world::{ACTIONS, Customer, DAYS, DECISIONS, WINDOW, World, uniform, wide},
};

/// Share of decisions that are made at random.
const EPSILON: f64 = 0.02;

/// How actions are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Policy {
    /// Any action alike.
    Uniform,
    /// The highest estimate, and any action in one of ten decisions.
    EpsilonGreedy,
    /// Level 1.
    Level1,
    /// Level 1 without delay correction.
    Uncorrected,
    /// Level 1, and level 2 where it wins.
    Level2,
}

impl Policy {
    pub(crate) const ALL: [Self; 5] = [
        Self::Uniform,
        Self::EpsilonGreedy,
        Self::Uncorrected,
        Self::Level1,
        Self::Level2,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::EpsilonGreedy => "epsilon-greedy 0.1",
            Self::Level1 => "level 1",
            Self::Uncorrected => "level 1 without delay correction",
            Self::Level2 => "level 1 and 2",
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    /// Expected yeses of a decision, by day.
    pub(crate) earned: Vec<f64>,
    /// Estimate and truth of the actions that came later, on each of their first days.
    pub(crate) early: Vec<(f64, f64)>,
    /// Share of decisions in which level 2 spoke.
    pub(crate) contextual: f64,
}

pub(crate) fn arm(action: usize) -> Arm {
    Arm {
        action: ActionKey {
            id: 1_000 + wide(action),
            version: 1,
        },
        channel: ChannelIndex(0),
    }
}

pub(crate) fn day(number: usize) -> Day {
    Day(20_000 + i32::try_from(number).unwrap_or_default())
}

pub(crate) fn setting(action: usize) -> Setting {
    Setting {
        group: World::group(action),
        window_days: u16::try_from(WINDOW).unwrap_or_default(),
        prior_mean: None,
        prior_weight: None,
    }
}

/// A run through all days.
pub(crate) struct Learner<'a> {
    policy: Policy,
    world: &'a World,
    seed: u64,
    table: Table,
    level1: Level1,
    draws: Draws,
    level2: Contextual,
    normals: Normals,
}

impl<'a> Learner<'a> {
    pub(crate) fn new(policy: Policy, world: &'a World, seed: u64) -> Self {
        let level1 = Level1::of(
            &Table::default(),
            day(0),
            &BTreeMap::new(),
            Correction::Learned,
        );
        Self {
            policy,
            world,
            seed,
            draws: Draws::of(&level1, 0, &Normals::new()),
            level1,
            table: Table::default(),
            level2: Contextual::new(),
            normals: Normals::new(),
        }
    }

    pub(crate) fn run(mut self) -> Run {
        let mut run = Run::default();
        for today in 0..DAYS {
            self.learn(today);
            self.look(today, &mut run);
            let mut earned = 0.0;
            for n in 0..DECISIONS {
                let decision = wide(today * DECISIONS + n);
                let customer = &self.world.customers[today * DECISIONS + n];
                let (chosen, contextual) = self.decide(today, decision, customer);
                earned += customer.truth[chosen];
                run.contextual += f64::from(u8::from(contextual));
            }
            run.earned.push(earned / count(DECISIONS));
        }
        run.contextual /= count(DAYS * DECISIONS);
        run
    }

    /// Makes the snapshots of the day before.
    fn learn(&mut self, today: usize) {
        if self.policy == Policy::Uniform {
            return;
        }
        let settings = (0..ACTIONS).filter(|action| World::begins(*action) <= today);
        let settings = settings
            .map(|action| (arm(action), setting(action)))
            .collect();
        let as_of = Day(day(today).0 - 1);
        let correction = match self.policy {
            Policy::Uncorrected => Correction::Nothing,
            _ => Correction::Learned,
        };
        self.level1 = Level1::of(&self.table, as_of, &settings, correction);
        if self.policy != Policy::EpsilonGreedy {
            self.draws = Draws::of(&self.level1, wide(today), &self.normals);
        }
        if self.policy == Policy::Level2 {
            self.level2.learn(today, &self.level1);
        }
    }

    /// Looks how far estimates of new actions are off.
    fn look(&self, today: usize, run: &mut Run) {
        for action in (0..ACTIONS).filter(|action| World::begins(*action) > 0) {
            let since = World::begins(action);
            if today > since && today <= since + WINDOW {
                let truth = self.world.mean(today - 1, action);
                if let Some(estimate) = self.level1.get(arm(action)) {
                    run.early.push((estimate.mean(), truth));
                }
            }
        }
    }

    fn decide(&mut self, today: usize, decision: u64, customer: &Customer) -> (usize, bool) {
        let known: Vec<usize> = (0..ACTIONS)
            .filter(|action| World::begins(*action) <= today)
            .collect();
        let u = uniform(self.seed, [7, decision, 0]);
        let any = |u: f64| known[pick(known.iter().map(|_| 1.0 / count(known.len())), u)];
        let (chosen, contextual) = match self.policy {
            Policy::Uniform => (any(u), false),
            Policy::EpsilonGreedy => {
                let explores = uniform(self.seed, [8, decision, 0]) < 0.1;
                let chosen = if explores {
                    any(u)
                } else {
                    self.greedy(&known)
                };
                (chosen, false)
            }
            _ => self.thompson(today, decision, customer, &known),
        };
        let delay = customer.answer[chosen];
        self.table.add(&Observation {
            arm: arm(chosen),
            delivered: day(today),
            converted: delay.map(|delay| day(today + delay)),
        });
        (chosen, contextual)
    }

    fn mean(&self, action: usize) -> f64 {
        let estimate = self.level1.get(arm(action));
        estimate.map_or(
            0.0,
            customer_profile::next_best_action::learning::estimate::Estimate::mean,
        )
    }

    fn greedy(&self, known: &[usize]) -> usize {
        let best = known.iter().copied();
        let best = best.max_by(|a, b| self.mean(*a).total_cmp(&self.mean(*b)));
        best.unwrap_or_default()
    }

    fn thompson(
        &mut self,
        today: usize,
        decision: u64,
        customer: &Customer,
        known: &[usize],
    ) -> (usize, bool) {
        let mut wins = [0.0; ACTIONS];
        let mut best = [f32::NEG_INFINITY; DRAWS];
        let mut who = [0_u32; DRAWS];
        let mut spoke = [false; ACTIONS];
        let mut buffer = [0.0; DRAWS];
        for &action in known {
            let Some(row) = self.draws.get(arm(action).action, arm(action).channel) else {
                continue;
            };
            let mut draws = &row.ln_probability;
            if self.policy == Policy::Level2 {
                spoke[action] = self.level2.speaks(row.effective_n);
                if spoke[action] {
                    let logit = self.level2.logit(action, customer);
                    let (mean, variance) = (logit.mean, logit.variance);
                    self.normals.fill(mean, variance, &row.order, &mut buffer);
                    draws = &buffer;
                }
            }
            // From an offset of this decision and action, wrapping round.
            let (after, first) = draws.split_at(turn(self.seed, decision, action));
            let (best, who) = (&mut best, &mut who);
            let (best_first, best_after) = best.split_at_mut(first.len());
            let (who_first, who_after) = who.split_at_mut(first.len());
            let mark = u32::try_from(action).unwrap_or_default();
            keep_best(first, mark, best_first, who_first);
            keep_best(after, mark, best_after, who_after);
        }
        for (share, action) in wins.iter_mut().zip(0_u32..) {
            let won: u32 = who.iter().map(|who| u32::from(*who == action)).sum();
            *share = f64::from(won) / count(DRAWS);
        }
        let k = count(known.len());
        let pi = wins.map(|share| (1.0 - EPSILON) * share + EPSILON / k);
        let u = uniform(self.seed, [10, decision, 0]);
        let chosen = known[pick(known.iter().map(|action| pi[*action]), u)];
        if self.policy == Policy::Level2 {
            let yes = customer.answer[chosen].is_some();
            self.level2
                .log(today, decision, customer, chosen, &pi, known, yes);
        }
        (chosen, spoke[chosen])
    }
}

/// Where a decision begins to read the draws of an action, 0 to 255.
fn turn(seed: u64, decision: u64, action: usize) -> usize {
    let mut word = seed ^ (decision << 8 | wide(action)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from(word >> 56).unwrap_or_default()
}

/// Keeps the higher of what is best so far and the draws of an action, with who it is.
fn keep_best(draws: &[f32], action: u32, best: &mut [f32], who: &mut [u32]) {
    for ((best, who), draw) in best.iter_mut().zip(who).zip(draws) {
        let wins = *draw > *best;
        *best = if wins { *draw } else { *best };
        *who = if wins { action } else { *who };
    }
}

/// Which of some shares a number from 0 to 1 falls on.
fn pick(shares: impl ExactSizeIterator<Item = f64>, u: f64) -> usize {
    let last = shares.len() - 1;
    let mut sum = 0.0;
    let below = shares.take_while(|share| {
        sum += share;
        sum <= u
    });
    below.count().min(last)
}

pub(crate) fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}
