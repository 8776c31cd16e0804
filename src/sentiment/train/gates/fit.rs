//! Logistic regression by `AdaGrad` over hashed n-grams; a bucket that a single text has counts nothing.

use super::rows::{Example, Kind};
use crate::sentiment::gates::{BUCKETS, joined, worth};
use crate::sentiment::train::fit::shuffle;

/// Passes over the texts.
const PASSES: usize = 12;
/// First step of `AdaGrad`.
const RATE: f32 = 0.2;
/// Pull of each weight to zero.
const L2: f32 = 2e-4;
/// How much an ordinary text counts.
const ORDINARY: f32 = 0.5;
/// How much each sentence of a text that opens nothing counts beside the text.
const SENTENCE: f32 = 0.5;
/// Start of the fixed order.
const SEED: u64 = 0x5eed_9a7e_5eed_9a7e;

/// The weights of a gate.
#[derive(Debug, Clone)]
pub(super) struct Weights {
    /// Log-odds before a word is read.
    pub(super) bias: f32,
    /// What a text that is felt clearly positive adds.
    pub(super) feeling: f32,
    /// By bucket.
    pub(super) buckets: Vec<f32>,
}

/// What one step learns from: a text or a sentence of one.
struct Lesson<'a> {
    places: Vec<&'a [usize]>,
    felt: f32,
    target: f32,
    weight: f32,
}

impl Lesson<'_> {
    fn worth(&self) -> f32 {
        worth(self.places.iter().map(|places| places.len()).sum())
    }

    fn places(&self) -> impl Iterator<Item = usize> {
        self.places.iter().flat_map(|places| places.iter().copied())
    }
}

impl Weights {
    /// Trains on `examples`, but for those in doubt.
    pub(super) fn fit(examples: &[&Example]) -> Self {
        let mut examples = examples.to_vec();
        examples.retain(|example| example.kind != Kind::Doubtful);
        let known = known(&examples);
        let lessons = lessons(&examples);
        let mut weights = Self {
            bias: 0.0,
            feeling: 0.0,
            buckets: vec![0.0; BUCKETS],
        };
        let mut squares = Self {
            bias: 1e-3,
            feeling: 1e-3,
            buckets: vec![1e-3; BUCKETS],
        };
        let mut order: Vec<usize> = (0..lessons.len()).collect();
        let mut state = SEED;
        for _ in 0..PASSES {
            shuffle(&mut order, &mut state);
            for lesson in order.iter().filter_map(|at| lessons.get(*at)) {
                weights.learn(&mut squares, lesson, &known);
            }
        }
        weights
    }

    fn learn(&mut self, squares: &mut Self, lesson: &Lesson<'_>, known: &[bool]) {
        let value = lesson.worth();
        let places = || {
            lesson
                .places()
                .filter(|at| known.get(*at).copied().unwrap_or(false))
        };
        let sum: f32 = places()
            .filter_map(|at| self.buckets.get(at))
            .map(|weight| weight * value)
            .sum();
        let odds = self.bias + self.feeling * lesson.felt + sum;
        let error = (1.0 / (1.0 + (-odds).exp()) - lesson.target) * lesson.weight;
        for at in places() {
            if let (Some(weight), Some(square)) =
                (self.buckets.get_mut(at), squares.buckets.get_mut(at))
            {
                step(weight, square, error * value + L2 * *weight);
            }
        }
        let pull = L2 * self.feeling;
        step(
            &mut self.feeling,
            &mut squares.feeling,
            error * lesson.felt + pull,
        );
        step(&mut self.bias, &mut squares.bias, error);
    }

    /// The log-odds of the gate, phrases of the tables not counted.
    pub(super) fn odds(&self, example: &Example) -> f32 {
        let sum = |places: &[usize]| -> f32 {
            let weights = places.iter().filter_map(|at| self.buckets.get(*at));
            weights.sum()
        };
        let sums: Vec<(f32, usize)> = example
            .sentences
            .iter()
            .map(|places| (sum(places), places.len()))
            .collect();
        let whole: f32 = sums.iter().map(|(sum, _)| sum).sum();
        let count = sums.iter().map(|(_, count)| count).sum();
        let sentences = sums.iter().map(|(sum, count)| sum * worth(*count));
        self.bias + self.feeling * example.felt + joined(whole * worth(count), sentences)
    }
}

fn step(weight: &mut f32, square: &mut f32, gradient: f32) {
    *square += gradient * gradient;
    *weight -= RATE * gradient / square.sqrt();
}

/// Which buckets at least two texts have.
fn known(examples: &[&Example]) -> Vec<bool> {
    let mut texts = vec![0_u8; BUCKETS];
    for example in examples {
        let mut places: Vec<usize> = example.sentences.iter().flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        for at in places {
            if let Some(count) = texts.get_mut(at) {
                *count = count.saturating_add(1);
            }
        }
    }
    texts.into_iter().map(|count| count > 1).collect()
}

fn lessons<'a>(examples: &[&'a Example]) -> Vec<Lesson<'a>> {
    let mut lessons = Vec::with_capacity(examples.len());
    for example in examples {
        let weight = if example.kind == Kind::Ordinary {
            ORDINARY
        } else {
            1.0
        };
        let sentences: Vec<&[usize]> = example.sentences.iter().map(Vec::as_slice).collect();
        if !example.opens() && sentences.len() > 1 {
            lessons.extend(sentences.iter().map(|sentence| Lesson {
                places: vec![*sentence],
                felt: example.felt,
                target: 0.0,
                weight: weight * SENTENCE,
            }));
        }
        lessons.push(Lesson {
            places: sentences,
            felt: example.felt,
            target: if example.opens() { 1.0 } else { 0.0 },
            weight,
        });
    }
    lessons
}
