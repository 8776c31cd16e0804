//! A world whose truth is known: what customers would say yes to, when, and how late.
//!
//! Everything is a function of the seed and the place (decision, action), never of what a policy did before. So policies meet
//! the same customers, who would answer the same offer the same way: their differences are paired.

use customer_profile::next_best_action::{
    keys::ChannelIndex,
    learning::features::{Keys, Situation},
};

/// Days of a run.
pub(crate) const DAYS: usize = 120;
/// Decisions of a day.
pub(crate) const DECISIONS: usize = 400;
/// Actions of which some come later.
pub(crate) const ACTIONS: usize = 12;
/// Attribution window, days.
pub(crate) const WINDOW: usize = 14;
/// Values of a feature at most.
const VALUES: usize = 8;
/// The features: how many values each has. The first ones matter where contexts do.
const FEATURES: [u32; 9] = [4, 7, 4, 5, 5, 3, 7, 4, 8];
/// Those that matter.
const TELLING: usize = 3;

/// Counter-based uniform numbers.
pub(crate) fn uniform(seed: u64, place: [u64; 3]) -> f64 {
    let mut word = seed ^ 0x6a09_e667_f3bc_c908;
    for part in place {
        word = (word ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
    }
    let high = u32::try_from(word >> 32).unwrap_or_default();
    (f64::from(high) + 0.5) / 4_294_967_296.0
}

/// A standard normal number (Box and Muller).
pub(crate) fn normal(seed: u64, place: [u64; 3]) -> f64 {
    let radius = (-2.0 * uniform(seed, place).ln()).sqrt();
    let angle = uniform(seed ^ 0x5555, place) * std::f64::consts::TAU;
    radius * angle.cos()
}

pub(crate) fn wide(index: usize) -> u64 {
    u64::try_from(index).unwrap_or_default()
}

/// What kind of world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All customers are alike.
    Plain,
    /// What they like depends on who and when they are.
    Contexts,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Contexts => "contexts",
        }
    }

    /// How far actions lie apart over all customers: standard deviation of their logits.
    const fn spread(self) -> f64 {
        match self {
            Self::Plain => 0.5,
            Self::Contexts => 0.35,
        }
    }
}

/// A customer at the moment of a decision, with what they would answer to each action.
pub(crate) struct Customer {
    pub(crate) keys: Keys,
    /// The probability of a yes.
    pub(crate) truth: [f64; ACTIONS],
    /// After how many days they say it, if at all.
    pub(crate) answer: [Option<usize>; ACTIONS],
}

/// A seed's world.
pub(crate) struct World {
    /// By decision: those of the first day come first.
    pub(crate) customers: Vec<Customer>,
}

/// What a value of a telling feature adds, by action.
type Effects = [[[f64; VALUES]; TELLING]; ACTIONS];

impl World {
    pub(crate) fn new(seed: u64, kind: Kind) -> Self {
        let mut logits: [f64; ACTIONS] = std::array::from_fn(|action| {
            -2.75 + kind.spread() * normal(seed, [1, wide(action), 0])
        });
        let mut base = Vec::with_capacity(DAYS);
        for day in 0..DAYS {
            for (action, logit) in logits.iter_mut().enumerate() {
                *logit += 0.03 * normal(seed, [2, wide(action), wide(day)]);
            }
            if day == 75 {
                // What everyone has seen by now: the best falls.
                let best = (0..ACTIONS).max_by(|a, b| logits[*a].total_cmp(&logits[*b]));
                logits[best.unwrap_or_default()] -= 0.8;
            }
            base.push(logits);
        }
        let effects: Effects = std::array::from_fn(|action| {
            std::array::from_fn(|feature| {
                std::array::from_fn(|value| {
                    let place = wide(feature * VALUES + value);
                    match kind {
                        Kind::Plain => 0.0,
                        Kind::Contexts => 0.7 * normal(seed, [3, wide(action), place]),
                    }
                })
            })
        });
        let delays = [0, 1].map(Self::delays);
        let all = 0..DAYS * DECISIONS;
        let customers = all.map(|n| customer(seed, n, &base[n / DECISIONS], &effects, &delays));
        Self {
            customers: customers.collect(),
        }
    }

    /// The true probability of a yes of an action on a day, over its customers.
    pub(crate) fn mean(&self, day: usize, action: usize) -> f64 {
        let today = self.customers.iter().skip(day * DECISIONS).take(DECISIONS);
        let sum: f64 = today.map(|customer| customer.truth[action]).sum();
        sum / f64::from(u32::try_from(DECISIONS).unwrap_or(1))
    }

    /// The first day of an action: the last four come while the others are known.
    pub(crate) fn begins(action: usize) -> usize {
        match action {
            8 => 20,
            9 => 40,
            10 => 60,
            11 => 80,
            _ => 0,
        }
    }

    /// Actions answer fast (even) or slowly (odd).
    pub(crate) fn group(action: usize) -> u64 {
        wide(action % 2)
    }

    /// Weights of the delays of a group: what is left gives in by a third or an eighth each day.
    pub(crate) fn delays(group: u64) -> Vec<f64> {
        let leaves: f64 = if group == 0 { 0.35 } else { 0.12 };
        let mut left = 1.0;
        let mut weights = vec![0.0; WINDOW + 1];
        for weight in &mut weights {
            *weight = left * leaves;
            left -= *weight;
        }
        weights
    }
}

fn customer(
    seed: u64,
    decision: usize,
    base: &[f64; ACTIONS],
    effects: &Effects,
    delays: &[Vec<f64>; 2],
) -> Customer {
    let decision = wide(decision);
    let mut values = [0; FEATURES.len()];
    for (feature, (value, of)) in values.iter_mut().zip(FEATURES).enumerate() {
        let u = uniform(seed, [4, decision, wide(feature)]);
        *value = (1..of)
            .take_while(|k| f64::from(*k) / f64::from(of) < u)
            .count();
    }
    let truth = std::array::from_fn(|action| {
        let added = effects[action].iter().zip(values);
        let logit = base[action] + added.map(|(effects, value)| effects[value]).sum::<f64>();
        1.0 / (1.0 + (-logit).exp())
    });
    let answer = std::array::from_fn(|action| {
        let yes = uniform(seed, [5, decision, wide(action)]) < truth[action];
        let u = uniform(seed, [6, decision, wide(action)]);
        yes.then(|| delay(&delays[action % 2], u))
    });
    Customer {
        keys: keys(&values),
        truth,
        answer,
    }
}

fn keys(values: &[usize; FEATURES.len()]) -> Keys {
    let small = |feature: usize| u32::try_from(values[feature]).unwrap_or_default();
    let score = |feature: usize| u8::try_from(values[feature] + 1).unwrap_or_default();
    let cut = |bounds: &[u32], feature: usize| Some(bounds[values[feature]]);
    Keys::of(&Situation {
        segments: &[100 + wide(values[0])],
        last_intent: Some(u64::from(small(1))),
        hour: Some(score(2) * 6 - 1),
        sentiment_level: Some(f64::from(small(3)) * 0.4 - 0.8),
        rfm: Some((score(4), 1, 1)),
        trend: Some(f64::from(small(5)) - 1.0),
        days_since_contact: cut(&[0, 1, 3, 7, 14, 30, 90], 6),
        open_cases: Some(small(7)),
        tenure_days: cut(&[0, 7, 30, 90, 180, 365, 730, 1_825], 8),
    })
    .on(ChannelIndex(1))
}

/// The delay at a share of the distribution.
pub(crate) fn delay(weights: &[f64], u: f64) -> usize {
    let total: f64 = weights.iter().sum();
    let mut sum = 0.0;
    let below = weights.iter().take_while(|weight| {
        sum += **weight / total;
        sum < u
    });
    below.count().min(weights.len() - 1)
}
