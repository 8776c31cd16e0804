//! Who of the best is chosen, with exact probabilities.
//!
//! What must stay true: the logged probability is the one that the choice was drawn with. The best of one draw of each
//! candidate has a probability that nobody can write down, so a decision does not take it. Instead, for at most K = 16
//! candidates:
//!
//! 1. M = 256 joint draws of the priorities give win shares p; candidates that tie in a draw split it evenly, in whole
//!    units of 1/720,720 of a draw (the least common multiple of 1 to 16), so the shares are exact fractions that sum to 1.
//! 2. `pi(a) = (1 - eps) p(a) + eps / K'`, K' being how many of the candidates are explored.
//! 3. One is *sampled from pi*, by the inverse of the cumulated sum at a number that is hashed from (decision id, policy
//!    version, slot).
//!
//! Nothing is sampled from Betas here: ln P was drawn once for each (action, channel, snapshot), and a decision begins to
//! read at `hash(decision id, action) mod 256`, wrapping round, so that candidates meet in ever other pairs.
//!
//! Candidates are those with the highest 95% upper bounds of the priority. High-risk actions are never explored: none is
//! chosen because too little is known, of it or of others. One is a candidate only where its mean priority is the highest
//! of all that are left; it then takes part with that mean in each draw, and eps goes to the others. All others of high
//! risk have pi = 0. When every candidate is of high risk there is no eps: pi = p. So pi sums to 1 in each case.
//!
//! Several slots are filled one after the other without those chosen before; each logs its own conditional pi.

mod normal;
mod shares;

pub use normal::{QUANTILES, ln_sigmoid};
pub use shares::{Shares, shares};

use crate::next_best_action::{
    hashing::{Counter, Domain},
    keys::{ActionKey, ChannelIndex, DecisionKey},
    learning::features::Keys,
};

/// Candidates that take part at most.
pub const K: usize = 16;

/// Joint draws.
pub const M: usize = 256;

/// Of a standard normal, the value below which 95% lie.
pub const UPPER: f64 = 1.644_853_626_951_472_2;

/// Level 2: the logit of the propensity in a context, as a normal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logit {
    /// Its mean.
    pub mean: f64,
    /// Its variance, 0 or more.
    pub variance: f64,
}

impl Logit {
    /// The same with `by` times the variance, 1 or more, but at most 1 more: as if one of its weights were not known. Of something rare
    /// the tail grows faster than its logit does, so without that limit a little doubt would become a great promise.
    #[must_use]
    pub fn widened(self, by: f64) -> Self {
        Self {
            variance: self.variance + (self.variance * (by - 1.0)).clamp(0.0, 1.0),
            ..self
        }
    }

    /// Between what the propensity lies with 95%.
    #[must_use]
    pub fn interval(self) -> (f64, f64) {
        let half = 1.959_963_984_540_054 * libm::sqrt(self.variance);
        let sigmoid = |z: f64| 1.0 / (1.0 + libm::exp(-z.clamp(-500.0, 500.0)));
        (sigmoid(self.mean - half), sigmoid(self.mean + half))
    }
}

/// Where draws of ln P come from.
#[derive(Clone, Copy, Debug)]
pub enum Draws<'a> {
    /// Level 1: made once for the snapshot; each is at most 0.
    Table(&'a [f32; M]),
    /// Level 2: 256 fixed quantiles of this normal, in an order that the action fixes.
    Logit(Logit),
}

/// What a model says of an action on a channel.
#[derive(Clone, Copy, Debug)]
pub struct Propensity<'a> {
    /// Logarithm of the mean, finite, at most 0.
    pub ln_mean: f64,
    /// Logarithm of the 95% upper bound, at most 0.
    pub ln_upper: f64,
    /// Draws of ln P.
    pub draws: Draws<'a>,
}

/// A snapshot of a model. It answers the same for the same, for ever.
pub trait Model {
    /// Which snapshot it is.
    fn snapshot(&self) -> u64;

    /// What it says of an action on a channel in a situation; `index` is the action's place in the policy. Without a situation only
    /// level 1 can speak.
    fn propensity(
        &self,
        index: usize,
        action: ActionKey,
        channel: ChannelIndex,
        situation: Option<&Keys>,
    ) -> Propensity<'_>;
}

impl<M: Model> Model for &M {
    fn snapshot(&self) -> u64 {
        (**self).snapshot()
    }

    fn propensity(
        &self,
        index: usize,
        action: ActionKey,
        channel: ChannelIndex,
        situation: Option<&Keys>,
    ) -> Propensity<'_> {
        (**self).propensity(index, action, channel, situation)
    }
}

impl Propensity<'_> {
    /// Of a logit: the mean by the approximation `sigmoid(m / sqrt(1 + pi v / 8))` (David `MacKay`, Neural Computation 4, 1992), the
    /// bound at the 95% quantile of the logit.
    #[must_use]
    pub fn of_logit(logit: Logit) -> Self {
        let shrunk = libm::sqrt(1.0 + std::f64::consts::PI * logit.variance / 8.0);
        let upper = logit.mean + UPPER * libm::sqrt(logit.variance);
        Self {
            ln_mean: -libm::log1p(libm::exp(-(logit.mean / shrunk).clamp(-500.0, 500.0))),
            ln_upper: -libm::log1p(libm::exp(-upper.clamp(-500.0, 500.0))),
            draws: Draws::Logit(logit),
        }
    }

    /// Which level speaks, 1 or 2.
    #[must_use]
    pub const fn level(&self) -> u8 {
        match self.draws {
            Draws::Table(_) => 1,
            Draws::Logit(_) => 2,
        }
    }
}

/// The 95% upper bound of ln P from its draws: the 244th of the 256 in order, the least that at least 95% do not exceed.
#[must_use]
pub fn ln_upper(draws: &[f32; M]) -> f64 {
    let mut sorted = *draws;
    sorted.sort_unstable_by(f32::total_cmp);
    sorted.get(243).copied().map_or(0.0, f64::from)
}

/// A candidate in a slot.
#[derive(Clone, Copy, Debug)]
pub struct Entrant<'a> {
    /// The action.
    pub action: ActionKey,
    /// ln C + ln V + ln L, finite.
    pub fixed: f64,
    /// ln of the mean P.
    pub ln_mean: f64,
    /// Draws of ln P.
    pub draws: Draws<'a>,
    /// Whether it is never explored.
    pub high_risk: bool,
}

/// Someone who may become a candidate, in the order of action keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct Contender {
    /// Its place in the caller's list.
    pub at: usize,
    /// Upper bound of the priority.
    pub upper: f64,
    /// Mean priority.
    pub mean: f64,
    /// Whether it is never explored.
    pub high_risk: bool,
}

/// Places of the candidates among the contenders, at most `most` of 1 to K, in the order of the contenders.
#[must_use]
pub fn candidates(
    contenders: impl Iterator<Item = Contender> + Clone,
    most: usize,
) -> ([usize; K], usize) {
    let most = most.clamp(1, K);
    let highest = |a: f64, b: f64| if b.total_cmp(&a).is_gt() { b } else { a };
    let best = contenders.clone().map(|c| c.mean).reduce(highest);
    let mut chosen = [(f64::NEG_INFINITY, 0_usize); K];
    let mut held = 0;
    for contender in contenders {
        let upper = match (contender.high_risk, best) {
            (true, Some(best)) if contender.mean < best => continue,
            // It is the best by its mean, so no bound of another puts it out.
            (true, _) => f64::INFINITY,
            (false, _) => contender.upper,
        };
        // Of equal bounds the one that came first stays.
        let place = chosen.get(..held).unwrap_or_default();
        let place = place.partition_point(|(known, _)| known.total_cmp(&upper).is_ge());
        if place >= most {
            continue;
        }
        held = (held + 1).min(most);
        if let Some(moved) = chosen.get_mut(place..held) {
            moved.rotate_right(1);
            if let Some(first) = moved.first_mut() {
                *first = (upper, contender.at);
            }
        }
    }
    let mut places = chosen.map(|(_, at)| at);
    if let Some(places) = places.get_mut(..held) {
        places.sort_unstable();
    }
    (places, held)
}

/// Where a decision begins to read the draws of an action, 0 to 255.
#[must_use]
pub fn offset(decision: DecisionKey, action: ActionKey) -> usize {
    let (high, low) = decision.halves();
    let hash = Domain::Offset.hash(&[high, low, action.id, action.version.into()]);
    usize::try_from(hash & 0xff).unwrap_or_default()
}

/// What a slot draws, 0 and above and below 1; slots are counted from 0 over the page.
#[must_use]
pub fn drawn(decision: DecisionKey, policy_version: u64, slot: u16) -> f64 {
    let (high, low) = decision.halves();
    Counter::new(Domain::Slot.hash(&[high, low, policy_version, slot.into()])).draw_unit()
}

/// The inverse of the cumulated sum of `pi` at `u`; none when there is nothing to choose.
#[must_use]
pub fn choose(pi: impl Iterator<Item = f64>, u: f64) -> Option<usize> {
    let mut sum = 0.0;
    let mut last = None;
    for (at, pi) in pi.enumerate() {
        if pi > 0.0 {
            sum += pi;
            last = Some(at);
            if u < sum {
                break;
            }
        }
    }
    last
}

#[cfg(test)]
mod tests;
