//! Softmax regression by `AdaGrad`. A bucket that few texts have counts more than one that all have (inverse document
//! frequency), and one of a single text counts nothing; the weights that are written hold this already.

use crate::sentiment::judge;
use crate::sentiment::linear::{BUCKETS, CLASSES, DENSE, Features, index, norm, write};
use crate::sentiment::model::Language;
use crate::sentiment::read;

use super::rows::Row;

/// Passes over the rows.
const PASSES: usize = 3;
/// First step of `AdaGrad` for hashed and for dense features.
const RATE: f32 = 0.2;
/// Pull of each weight to zero.
const L2: f32 = 2e-4;
/// Start of the fixed order.
const SEED: u64 = 0x5eed_0f0d_a11a_5eed;

struct Example {
    features: Features,
    target: [f32; CLASSES],
    weight: f32,
}

struct Weights {
    /// What each bucket counts.
    rarity: Vec<f32>,
    buckets: Vec<[f32; CLASSES]>,
    bucket_squares: Vec<[f32; CLASSES]>,
    dense: [[f32; CLASSES]; DENSE],
    dense_squares: [[f32; CLASSES]; DENSE],
}

/// Trains on the rows that are not held out and writes the model file.
pub(super) fn fit(language: Language, rows: &[Row]) -> Vec<u8> {
    let examples: Vec<Example> = rows
        .iter()
        .filter(|row| !row.held_out())
        .filter_map(|row| {
            let features = read::read(&row.text, language).joined()?;
            Some(Example {
                features,
                target: row.target,
                weight: row.source.weight(),
            })
        })
        .collect();
    let mut weights = Weights {
        rarity: rarity(&examples),
        buckets: vec![[0.0; CLASSES]; BUCKETS],
        bucket_squares: vec![[1e-3; CLASSES]; BUCKETS],
        dense: [[0.0; CLASSES]; DENSE],
        dense_squares: [[1e-3; CLASSES]; DENSE],
    };
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut state = SEED;
    for _ in 0..PASSES {
        shuffle(&mut order, &mut state);
        for index in &order {
            if let Some(example) = examples.get(*index) {
                weights.learn(example);
            }
        }
    }
    for (weights, rarity) in weights.buckets.iter_mut().zip(&weights.rarity) {
        *weights = weights.map(|weight| weight * rarity);
    }
    write(&weights.buckets, &weights.dense)
}

/// What each bucket counts: the logarithm of how rare it is, in fifths, at least 0.05; 0 for one of a single text. Beyond 65,535
/// texts none is told from another.
fn rarity(examples: &[Example]) -> Vec<f32> {
    let mut texts = vec![0_u16; BUCKETS];
    for example in examples {
        let mut buckets = example.features.buckets.clone();
        buckets.sort_unstable();
        buckets.dedup();
        for bucket in buckets {
            if let Some(count) = texts.get_mut(index(bucket)) {
                *count = count.saturating_add(1);
            }
        }
    }
    let all = f32::from(u16::try_from(examples.len()).unwrap_or(u16::MAX));
    texts
        .into_iter()
        .map(|count| match count {
            0 | 1 => 0.0,
            count => ((all / f32::from(count)).ln() / 5.0).max(0.05),
        })
        .collect()
}

impl Weights {
    fn rarity_of(&self, bucket: u32) -> f32 {
        self.rarity.get(index(bucket)).copied().unwrap_or_default()
    }

    fn learn(&mut self, example: &Example) {
        let value = norm(example.features.buckets.len());
        let prior = example.features.prior / 2.0;
        let mut logits = [-prior, 0.0, prior];
        for bucket in &example.features.buckets {
            if let Some(weights) = self.buckets.get(index(*bucket)) {
                let value = value * self.rarity_of(*bucket);
                for (logit, weight) in logits.iter_mut().zip(weights) {
                    *logit += weight * value;
                }
            }
        }
        for (weights, feature) in self.dense.iter().zip(example.features.dense) {
            for (logit, weight) in logits.iter_mut().zip(weights) {
                *logit += weight * feature;
            }
        }
        let mut error = judge::softmax(logits);
        for (error, target) in error.iter_mut().zip(example.target) {
            *error = (*error - target) * example.weight;
        }
        for bucket in &example.features.buckets {
            let (at, value) = (index(*bucket), value * self.rarity_of(*bucket));
            if let (Some(weights), Some(squares)) =
                (self.buckets.get_mut(at), self.bucket_squares.get_mut(at))
            {
                step(weights, squares, error, value);
            }
        }
        for ((weights, squares), feature) in self
            .dense
            .iter_mut()
            .zip(&mut self.dense_squares)
            .zip(example.features.dense)
        {
            step(weights, squares, error, feature);
        }
    }
}

fn step(
    weights: &mut [f32; CLASSES],
    squares: &mut [f32; CLASSES],
    error: [f32; CLASSES],
    value: f32,
) {
    for ((weight, square), error) in weights.iter_mut().zip(squares).zip(error) {
        let gradient = error * value + L2 * *weight;
        *square += gradient * gradient;
        *weight -= RATE * gradient / square.sqrt();
    }
}

/// Fisher and Yates with the generator `SplitMix64`.
pub(super) fn shuffle(order: &mut [usize], state: &mut u64) {
    for last in (1..order.len()).rev() {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut draw = *state;
        draw = (draw ^ (draw >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        draw = (draw ^ (draw >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        draw ^= draw >> 31;
        let bound = u64::try_from(last + 1).unwrap_or(u64::MAX);
        order.swap(last, usize::try_from(draw % bound).unwrap_or(0));
    }
}
