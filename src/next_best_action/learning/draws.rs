//! The 256 draws of ln P of every action and channel, made once for a model snapshot, off the hot path.
//!
//! What must stay true:
//!
//! - The same posterior, arm and snapshot give the same draws, bit for bit, on every machine.
//! - A row holds the quantiles of (k + 1/2)/256 of the posterior, k = 0 to 255, each once: its mean and variance are the
//!   posterior's, without the noise of sampling. Every eighth is exact; those between lie on the cubic through the two next
//!   to them with their exact slopes, in the scale of normal quantiles and logits, where a Beta is nearly a straight line.
//! - Rows of different arms are independent: each is shuffled by its own stream of numbers, seeded by (arm, snapshot). Taken
//!   together, row by row, that is a Latin hypercube sample (`McKay`, Beckman and Conover 1979) of the joint posterior, whose
//!   parts are independent in the model: any place of one row meets every quantile of another equally often, and shares of
//!   wins have less variance than of plain sampling. An offset by decision and action turns the rows against each other, so
//!   that two decisions see other pairings. Sorted rows or rows shuffled alike would make every action draw its best at the
//!   same place, and nothing would be explored.
//! - ln P is finite: at least `ln 10^-12`.

use std::collections::BTreeMap;

use super::{
    Arm,
    beta::{Beta, ln_sigmoid},
    estimate::{Estimate, Level1},
    mixing::{Stream, hash},
    normal::{self, Normals},
    number::short,
};
use crate::next_best_action::keys::{ActionKey, ChannelIndex};

/// Draws of a row (`M`).
pub const DRAWS: usize = 256;
/// The lowest draw: ln 10^-12.
pub const LOWEST: f32 = -27.631_021;

/// One in so many quantiles is exact.
const STRIDE: usize = 8;

/// Words that keep the two kinds of order apart.
const OF_A_SNAPSHOT: u64 = 1;
const OF_AN_ACTION: u64 = 2;

/// What a decision reads of an arm.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// 256 draws of ln P.
    pub ln_probability: [f32; DRAWS],
    /// The order in which level 2 takes its normal quantiles: a permutation of 0 to 255 fixed by action and channel.
    pub order: [u8; DRAWS],
    /// Expected P.
    pub mean: f32,
    /// Upper end of the 95% interval of P.
    pub upper: f32,
    /// Effective n (`N`).
    pub effective_n: f32,
}

/// The draws of a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct Draws {
    snapshot: u64,
    places: BTreeMap<Arm, usize>,
    rows: Vec<Row>,
}

impl Draws {
    /// Of level 1 under the id of the model snapshot.
    #[must_use]
    pub fn of(level: &Level1, snapshot: u64, normals: &Normals) -> Self {
        let scores = normals.scores();
        let rows = level.arms();
        let rows =
            rows.filter_map(|(arm, estimate)| Some((arm, row(arm, estimate, snapshot, scores)?)));
        let (arms, rows): (Vec<Arm>, Vec<Row>) = rows.unzip();
        let places = arms.into_iter().zip(0..).collect();
        Self {
            snapshot,
            places,
            rows,
        }
    }

    /// The id of the model snapshot.
    #[must_use]
    pub const fn snapshot(&self) -> u64 {
        self.snapshot
    }

    /// The row of an action on a channel; `None` when the snapshot does not know it.
    #[must_use]
    pub fn get(&self, action: ActionKey, channel: ChannelIndex) -> Option<&Row> {
        let place = self.places.get(&Arm { action, channel })?;
        self.rows.get(*place)
    }
}

fn row(arm: Arm, estimate: &Estimate, snapshot: u64, scores: &[f64]) -> Option<Row> {
    let posterior = estimate.posterior()?;
    let sorted = sorted(&posterior, scores);
    let [id, version, channel] = arm.words();
    let shuffle = order(hash([OF_A_SNAPSHOT, id, version, channel, snapshot]));
    let mut ln_probability = [0.0; DRAWS];
    for (draw, place) in ln_probability.iter_mut().zip(shuffle) {
        *draw = sorted.get(usize::from(place)).copied().unwrap_or(LOWEST);
    }
    Some(Row {
        ln_probability,
        order: order(hash([OF_AN_ACTION, id, version, channel])),
        mean: short(estimate.mean()),
        upper: short(posterior.quantile(0.975)),
        effective_n: short(estimate.effective_n),
    })
}

/// The logarithms of the quantiles in their order.
fn sorted(posterior: &Beta, scores: &[f64]) -> [f32; DRAWS] {
    let mut sorted = [LOWEST; DRAWS];
    let mut before: Option<(f64, f64, f64)> = None;
    for (scores, draws) in scores.chunks(STRIDE).zip(sorted.chunks_mut(STRIDE)) {
        // The last of each stride is exact, and so is the very first.
        let Some(last) = scores.last() else { continue };
        let exact = |score: f64, guess: Option<f64>| {
            let at = posterior.logit_quantile(normal::cdf(score), guess);
            let slope = normal::density(score) / posterior.logit_density(at);
            (score, at, slope)
        };
        let from = before.unwrap_or_else(|| exact(scores.first().copied().unwrap_or(*last), None));
        let to = exact(*last, Some(from.1 + from.2 * (last - from.0)));
        for (score, draw) in scores.iter().zip(draws) {
            let ln = short(ln_sigmoid(cubic(from, to, *score)));
            if ln.is_finite() {
                *draw = ln.clamp(LOWEST, 0.0);
            }
        }
        before = Some(to);
    }
    sorted
}

/// The value at `x` of the cubic through two points (x, y, slope).
fn cubic(from: (f64, f64, f64), to: (f64, f64, f64), x: f64) -> f64 {
    let width = to.0 - from.0;
    let t = (x - from.0) / width;
    let rest = 1.0 - t;
    let ends = from.1 * rest * rest * (1.0 + 2.0 * t) + to.1 * t * t * (1.0 + 2.0 * rest);
    ends + width * t * rest * (from.2 * rest - to.2 * t)
}

/// A permutation of 0 to 255, each equally likely over all seeds (Fisher and Yates; Durstenfeld 1964).
fn order(seed: u64) -> [u8; DRAWS] {
    let mut stream = Stream::new(seed);
    let mut order = [0; DRAWS];
    for (place, at) in (0..=u8::MAX).zip(&mut order) {
        *at = place;
    }
    for last in (1..=u8::MAX).rev() {
        let other = usize::try_from(stream.below(u64::from(last) + 1)).unwrap_or_default();
        order.swap(usize::from(last), other);
    }
    order
}

#[cfg(test)]
mod tests;
