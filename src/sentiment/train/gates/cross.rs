//! The threshold of a gate, chosen on texts that were not trained on, and what it does there.

use super::fit::Weights;
use super::rows::{Example, FOLDS, Kind};
use crate::sentiment::gates::CUE;

/// Precision among the labelled texts that a threshold must reach.
const PRECISION: f32 = 0.72;
/// Recall among the labelled texts that is enough: from there on precision counts.
const RECALL: f32 = 0.90;
/// Share of ordinary texts that may open a gate; a few of them rightly do.
const ALARMS: f32 = 0.05;
/// Thresholds tried: from the first down, in steps.
const TRIED: (f32, f32, u16) = (2.0, 0.05, 140);

/// Precision and recall among the labelled texts, shares of 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    /// Of the texts that opened the gate, those that ought to.
    pub precision: f32,
    /// Of the texts that ought to open it, those that did.
    pub recall: f32,
}

/// What a gate does on texts it was not trained on.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GateFigures {
    /// Labelled texts, and those of them that open the gate.
    pub labelled: [u32; 2],
    /// Phrases alone.
    pub phrases: Rates,
    /// The model alone.
    pub learnt: Rates,
    /// Both, as an analysis has it.
    pub both: Rates,
    /// Ordinary texts, and those of them that opened the gate.
    pub ordinary: [u32; 2],
}

/// The threshold and its figures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chosen {
    /// Log-odds from which the gate opens.
    pub(super) threshold: f32,
    /// What comes of it.
    pub(super) figures: GateFigures,
}

/// Doubts the ordinary texts that open the gate though it has not seen them: about half of those that were looked at ought to,
/// and whoever learns that they do not misses others like them. Once: a second time cost precision and found nothing more.
pub(super) fn doubt(examples: &mut [Example]) {
    let scores = scores(examples);
    let threshold = Chosen::of(examples, &scores).threshold;
    for (example, score) in examples.iter_mut().zip(scores) {
        if example.kind == Kind::Ordinary && score >= threshold {
            example.kind = Kind::Doubtful;
        }
    }
}

/// What each text comes to with weights trained on the other parts.
fn scores(examples: &[Example]) -> Vec<f32> {
    let weights: Vec<Weights> = (0..FOLDS)
        .map(|fold| {
            let others = examples.iter().filter(|example| example.fold != fold);
            Weights::fit(&others.collect::<Vec<_>>())
        })
        .collect();
    let odds = |example: &Example| weights.get(example.fold).map(|own| own.odds(example));
    examples.iter().filter_map(odds).collect()
}

impl Chosen {
    /// Tries each part with weights trained on the others.
    pub(super) fn new(examples: &[Example]) -> Self {
        Self::of(examples, &scores(examples))
    }

    fn of(examples: &[Example], odds: &[f32]) -> Self {
        let scored: Vec<(&Example, f32)> = examples.iter().zip(odds.iter().copied()).collect();
        let (first, step, count) = TRIED;
        let tried = (0..count).map(|at| first - step * f32::from(at));
        let all = tried.map(|threshold| Self {
            threshold,
            figures: figures(&scored, threshold),
        });
        let mut best: Option<Self> = None;
        for one in all {
            if best.is_none() || one.good() {
                let enough = one.good() && one.figures.both.recall >= RECALL;
                best = Some(one);
                if enough {
                    break;
                }
            }
        }
        best.unwrap_or(Self {
            threshold: first,
            figures: GateFigures::default(),
        })
    }

    fn good(&self) -> bool {
        let [all, alarms] = self.figures.ordinary;
        self.figures.both.precision >= PRECISION && share(alarms, all) <= ALARMS
    }
}

fn figures(scored: &[(&Example, f32)], threshold: f32) -> GateFigures {
    let rates = |opened: &dyn Fn(&Example, f32) -> bool| {
        let labelled = scored
            .iter()
            .filter(|(example, _)| matches!(example.kind, Kind::Labelled(_)));
        let [mut right, mut given, mut real] = [0; 3];
        for (example, score) in labelled {
            let opened = opened(example, *score);
            right += u32::from(opened && example.opens());
            given += u32::from(opened);
            real += u32::from(example.opens());
        }
        Rates {
            precision: share(right, given),
            recall: share(right, real),
        }
    };
    let count = |counted: &dyn Fn(&Example, f32) -> bool| {
        let found = scored.iter().filter(|(one, score)| counted(one, *score));
        u32::try_from(found.count()).unwrap_or(u32::MAX)
    };
    let ordinary = |one: &Example| one.kind == Kind::Ordinary;
    GateFigures {
        labelled: [
            count(&|one, _| matches!(one.kind, Kind::Labelled(_))),
            count(&|one, _| one.opens()),
        ],
        phrases: rates(&|one, _| one.phrase),
        learnt: rates(&|_, score| score >= threshold),
        both: rates(&|one, score| score + if one.phrase { CUE } else { 0.0 } >= threshold),
        ordinary: [
            count(&|one, _| ordinary(one)),
            count(&|one, score| ordinary(one) && score >= threshold),
        ],
    }
}

fn share(part: u32, whole: u32) -> f32 {
    let of = |count: u32| u16::try_from(count).map_or(f32::from(u16::MAX), f32::from);
    if whole == 0 {
        0.0
    } else {
        of(part) / of(whole)
    }
}
