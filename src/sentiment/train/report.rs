//! How a model does on documents nobody trained on.

use std::collections::BTreeMap;

use super::rows::{Row, Source};
use super::vader;
use crate::sentiment::judge::{self, Judgement, Read};
use crate::sentiment::linear::Model;
use crate::sentiment::model::Language;
use crate::sentiment::read;

/// Two-class and three-class figures of one source, shares of 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Figures {
    /// Texts in training.
    pub trained: u32,
    /// Held-out texts with a clear sign.
    pub clear: u32,
    /// The commoner sign's share.
    pub majority: f32,
    /// VADER as published, right sign; English only.
    pub vader: Option<f32>,
    /// The lexicon alone, right sign.
    pub lexicon: f32,
    /// Texts for which the lexicon alone has no sign; they count as wrong.
    pub lexicon_abstained: f32,
    /// The analyzer, right sign.
    pub right: f32,
    /// Texts without a sign; they count as wrong.
    pub abstained: f32,
    /// Right label, where neutral counts as wrong.
    pub labelled: f32,
    /// Mean of the F1 of both signs.
    pub macro_f1: f32,
    /// Mean of the F1 of the labels negative and positive over all held-out texts, neutral ones too.
    pub labels_f1: f32,
}

/// Figures by source.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The language.
    pub language: Language,
    /// By source, in the order of the enum.
    pub sources: BTreeMap<Source, Figures>,
}

impl Report {
    /// The mean of the sources' figures, each source alike; texts are added up.
    #[must_use]
    pub fn mean(&self) -> Figures {
        let sources = || self.sources.values();
        let count = sources().fold(0.0_f32, |count, _| count + 1.0).max(1.0);
        let mean = |of: fn(&Figures) -> f32| sources().map(of).sum::<f32>() / count;
        let known = sources().any(|figures| figures.vader.is_some());
        Figures {
            trained: sources().map(|figures| figures.trained).sum(),
            clear: sources().map(|figures| figures.clear).sum(),
            majority: mean(|figures| figures.majority),
            vader: known.then(|| mean(|figures| figures.vader.unwrap_or_default())),
            lexicon: mean(|figures| figures.lexicon),
            lexicon_abstained: mean(|figures| figures.lexicon_abstained),
            right: mean(|figures| figures.right),
            abstained: mean(|figures| figures.abstained),
            labelled: mean(|figures| figures.labelled),
            macro_f1: mean(|figures| figures.macro_f1),
            labels_f1: mean(|figures| figures.labels_f1),
        }
    }
}

#[derive(Default)]
struct Counts {
    trained: u32,
    clear: u32,
    positive: u32,
    vader: Option<u32>,
    lexicon: u32,
    lexicon_abstained: u32,
    abstained: u32,
    labelled: u32,
    /// True positive, false positive, and the same for negative.
    hits: [u32; 2],
    misses: [u32; 2],
    /// Labels negative and positive: right, given, and true.
    labels: [[u32; 3]; 2],
}

/// Tries a model on the held-out rows.
pub(super) fn report(language: Language, rows: &[Row], model: Option<&Model<'_>>) -> Report {
    let mut counts: BTreeMap<Source, Counts> = BTreeMap::new();
    for row in rows {
        let counts = counts.entry(row.source).or_default();
        if row.held_out() {
            counts.count(row, language, model);
        } else {
            counts.trained += 1;
        }
    }
    let sources = counts
        .into_iter()
        .map(|(source, counts)| (source, counts.figures()))
        .collect();
    Report { language, sources }
}

impl Counts {
    fn count(&mut self, row: &Row, language: Language, model: Option<&Model<'_>>) {
        let judged = read::read(&row.text, language);
        let each = |judge: &dyn Fn(&Read) -> Judgement| -> Vec<Option<Judgement>> {
            let sentences = judged.sentences.iter();
            sentences
                .map(|sentence| sentence.read.as_ref().map(judge))
                .collect()
        };
        let document = judged.document(&each(&|read| judge::judge(read, model)), false, model);
        let label = document
            .map(|found| found.polarity)
            .filter(|polarity| polarity.abs() >= judge::THRESHOLD)
            .map(|polarity| polarity > 0.0);
        for (side, [right, given, real]) in [false, true].into_iter().zip(&mut self.labels) {
            *right += u32::from(label == Some(side) && row.sign == label);
            *given += u32::from(label == Some(side));
            *real += u32::from(row.sign == Some(side));
        }
        let Some(sign) = row.sign else {
            return;
        };
        self.clear += 1;
        self.positive += u32::from(sign);
        self.labelled += u32::from(label == Some(sign));
        let of = |polarity: f32| (polarity != 0.0).then_some(polarity > 0.0);
        if language == Language::English {
            let right = of(vader::valence(&row.text)) == Some(sign);
            *self.vader.get_or_insert_default() += u32::from(right);
        }
        let lexicon = judged.mean(&each(&|read| judge::lexicon_only(&read.score)));
        match lexicon.and_then(|found| of(found.polarity)) {
            Some(found) => self.lexicon += u32::from(found == sign),
            None => self.lexicon_abstained += 1,
        }
        match document.and_then(|found| of(found.polarity)) {
            Some(found) => {
                if let Some(slot) = if found == sign {
                    &mut self.hits
                } else {
                    &mut self.misses
                }
                .get_mut(usize::from(found))
                {
                    *slot += 1;
                }
            }
            None => self.abstained += 1,
        }
    }

    fn figures(&self) -> Figures {
        let share = |part: u32, whole: u32| {
            let of = |count: u32| u16::try_from(count).map_or(f32::from(u16::MAX), f32::from);
            if whole == 0 {
                0.0
            } else {
                of(part) / of(whole)
            }
        };
        let [negative, positive] = self.hits;
        let [false_negative, false_positive] = self.misses;
        let real_negative = self.clear - self.positive;
        let f1 = |hit: u32, wrong: u32, real: u32| share(2 * hit, hit + wrong + real);
        let label_f1 = |[right, given, real]: [u32; 3]| share(2 * right, given + real);
        let [negative_label, positive_label] = self.labels;
        Figures {
            trained: self.trained,
            clear: self.clear,
            majority: share(self.positive.max(real_negative), self.clear),
            vader: self.vader.map(|right| share(right, self.clear)),
            lexicon: share(self.lexicon, self.clear),
            lexicon_abstained: share(self.lexicon_abstained, self.clear),
            right: share(negative + positive, self.clear),
            abstained: share(self.abstained, self.clear),
            labelled: share(self.labelled, self.clear),
            labels_f1: f32::midpoint(label_f1(negative_label), label_f1(positive_label)),
            macro_f1: f32::midpoint(
                f1(negative, false_negative, real_negative),
                f1(positive, false_positive, self.positive),
            ),
        }
    }
}
