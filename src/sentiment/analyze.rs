//! From a text to its analysis.
//!
//! Sentences are judged one by one, cues are looked for in each, and what was found is gathered with
//! its place in the original text.

use crate::sentiment::cues::{Cues, Found};
use crate::sentiment::en;
use crate::sentiment::evidence::Evidence;
use crate::sentiment::gates::{self, Gate};
use crate::sentiment::judge::{self, Judgement};
use crate::sentiment::model::{
    Analysis, Feeling, Label, Language, Options, SpanKind, TopicFeeling,
};
use crate::sentiment::read::{Sentence, Text, read_prepared};
use crate::sentiment::text::{Prepared, of_text};
use crate::sentiment::topics;

/// Version of lexica, models and rules together; it rises with every change of results.
pub const MODEL_VERSION: u32 = 6;

/// Thousandths of polarity from which a text is positive; below its negative it is negative.
const THRESHOLD: i16 = 250;

/// Letters below which a text says nothing.
const LETTERS_MIN: usize = 2;

/// Strength of the evidence for a gate, an intent, and a topic; a clue's strength is its valence.
const STRENGTH_GATE: f32 = 9.0;
const STRENGTH_CUE: f32 = 2.0;
const STRENGTH_TOPIC: f32 = 1.0;

/// Reads one text.
#[must_use]
pub fn analyze(text: &str, options: &Options<'_>) -> Analysis {
    let prepared = Prepared::new(text);
    let language = of_text(prepared.text(), options.han);
    let mut analysis = Analysis::empty(language);
    let letters = prepared
        .text()
        .chars()
        .filter(|c| c.is_alphabetic())
        .take(LETTERS_MIN)
        .count();
    if language == Language::Unknown || letters < LETTERS_MIN {
        analysis.language = Language::Unknown;
        if letters == 0 {
            signs(&prepared, &mut analysis);
        }
        return analysis;
    }
    let text = read_prepared(prepared, language, options.taxonomy);
    let judged = judged(&text);
    let mut evidence = Evidence::default();
    let odds = feeling(&text, &judged, options.chat, &mut analysis, &mut evidence);
    let mut effort = Effort::default();
    for (sentence, judgement) in text.sentences.iter().zip(&judged) {
        gather(&text, sentence, &mut analysis, &mut evidence, &mut effort);
        name_topics(
            &text,
            sentence,
            *judgement,
            options,
            &mut analysis,
            &mut evidence,
        );
    }
    open_gates(&text, odds, &mut analysis, &mut evidence);
    analysis.effort = effort.mean();
    settle(&mut analysis);
    analysis.spans = evidence.spans();
    analysis
}

/// A text of emoji alone has a feeling in no language.
fn signs(prepared: &Prepared, analysis: &mut Analysis) {
    let score = en::score(prepared.text());
    if score.clues.is_empty() {
        return;
    }
    let judgement = judge::lexicon_only(&score);
    let feeling = feeling_of(judgement);
    let mut evidence = Evidence::default();
    for clue in &score.clues {
        let kind = if clue.valence > 0.0 {
            SpanKind::Positive
        } else {
            SpanKind::Negative
        };
        evidence.add(prepared, clue.start..clue.end, kind, clue.valence.abs());
    }
    analysis.feeling = Some(feeling);
    analysis.lowest = Some(feeling.polarity);
    analysis.highest = Some(feeling.polarity);
    settle(analysis);
    analysis.spans = evidence.spans();
}

fn judged(text: &Text) -> Vec<Option<Judgement>> {
    text.sentences
        .iter()
        .map(|sentence| {
            let read = sentence.read.as_ref()?;
            Some(judge::judge(read, judge::model(sentence.language)))
        })
        .collect()
}

/// Adds the feeling and answers its log-odds of positive against negative, 0 without one.
fn feeling(
    text: &Text,
    judged: &[Option<Judgement>],
    chat: bool,
    analysis: &mut Analysis,
    evidence: &mut Evidence,
) -> f32 {
    let Some(mean) = text.document(judged, chat, judge::model(text.language)) else {
        return 0.0;
    };
    let feeling = feeling_of(mean);
    let polarities = || {
        judged
            .iter()
            .flatten()
            .map(|judgement| thousandths(judgement.polarity))
    };
    analysis.lowest = polarities().min();
    analysis.highest = polarities().max();
    for sentence in &text.sentences {
        for clue in sentence.read.iter().flat_map(|read| &read.score.clues) {
            let kind = if clue.valence > 0.0 {
                SpanKind::Positive
            } else {
                SpanKind::Negative
            };
            let range = sentence.range.start + clue.start..sentence.range.start + clue.end;
            evidence.add(&text.prepared, range, kind, clue.valence.abs());
        }
    }
    // A label without a word that shows it: the sentence that weighs most on its side shows it.
    let shown = match feeling.label {
        Label::Negative => Some((SpanKind::Negative, -1.0)),
        Label::Positive => Some((SpanKind::Positive, 1.0)),
        Label::Neutral => None,
    };
    if let Some((kind, side)) = shown.filter(|(kind, _)| !evidence.has(*kind)) {
        let strongest = text
            .sentences
            .iter()
            .zip(judged)
            .filter_map(|(sentence, judgement)| {
                Some((sentence, judgement.as_ref()?.polarity * side))
            })
            .max_by(|left, right| left.1.total_cmp(&right.1));
        if let Some((sentence, _)) = strongest {
            evidence.add(&text.prepared, sentence.range.clone(), kind, STRENGTH_TOPIC);
        }
    }
    analysis.feeling = Some(feeling);
    mean.odds()
}

/// Opens the gates that the text opens, with the words that show it.
fn open_gates(text: &Text, odds: f32, analysis: &mut Analysis, evidence: &mut Evidence) {
    for open in gates::open(text, odds) {
        let kind = match open.gate {
            Gate::Leaving => SpanKind::Leaving,
            Gate::SafetyOrLegal => SpanKind::SafetyOrLegal,
        };
        for words in open.words {
            evidence.add(&text.prepared, words, kind, STRENGTH_GATE);
        }
        let confidence = Some(open.confidence);
        match open.gate {
            Gate::Leaving => {
                analysis.leaving = true;
                analysis.leaving_confidence = confidence;
            }
            Gate::SafetyOrLegal => {
                analysis.safety_or_legal = true;
                analysis.safety_or_legal_confidence = confidence;
            }
        }
    }
}

fn feeling_of(mean: Judgement) -> Feeling {
    let polarity = thousandths(mean.polarity);
    let [negative, _, positive] = mean.probabilities;
    let (negative, positive) = (share(negative), share(positive));
    let neutral = 1000_u16.saturating_sub(negative + positive);
    let (label, confidence) = if polarity <= -THRESHOLD {
        (Label::Negative, negative + neutral / 2)
    } else if polarity >= THRESHOLD {
        (Label::Positive, positive + neutral / 2)
    } else {
        (Label::Neutral, neutral)
    };
    Feeling {
        polarity,
        label,
        confidence,
        probabilities: [negative, neutral, positive],
    }
}

/// A polarity of -1 to 1 in thousandths.
pub(super) fn thousandths(polarity: f32) -> i16 {
    let scaled = (polarity * 1000.0).round().clamp(-1000.0, 1000.0);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounded and clamped to -1000..=1000 above"
    )]
    let whole = scaled as i16;
    whole
}

/// A probability in thousandths, rounded down so that two of them never exceed 1000.
fn share(probability: f32) -> u16 {
    u16::try_from(thousandths(probability - 0.0005).max(0)).unwrap_or(0)
}

#[derive(Default)]
struct Effort {
    sum: i32,
    count: i32,
}

impl Effort {
    fn mean(&self) -> Option<i16> {
        (self.count > 0).then(|| i16::try_from(1000 * self.sum / self.count).unwrap_or(0))
    }
}

fn gather(
    text: &Text,
    sentence: &Sentence,
    analysis: &mut Analysis,
    evidence: &mut Evidence,
    effort: &mut Effort,
) {
    let at = sentence.range.start;
    let cues: &Cues = &sentence.cues;
    let mut show = |start: usize, end: usize, kind: SpanKind, strength: f32| {
        evidence.add(&text.prepared, at + start..at + end, kind, strength);
    };
    for found in &cues.effort {
        effort.sum += i32::from(found.what);
        effort.count += 1;
        show(found.start, found.end, SpanKind::Effort, STRENGTH_CUE);
    }
    for Found { start, end, what } in &cues.emotions {
        analysis.emotions.push(*what);
        show(*start, *end, SpanKind::Emotion(*what), STRENGTH_CUE);
    }
    for Found { start, end, what } in &cues.intents {
        analysis.intents.push(*what);
        show(*start, *end, SpanKind::Intent(*what), STRENGTH_CUE);
    }
}

fn name_topics(
    text: &Text,
    sentence: &Sentence,
    judgement: Option<Judgement>,
    options: &Options<'_>,
    analysis: &mut Analysis,
    evidence: &mut Evidence,
) {
    for found in topics::judged(text, sentence, judgement) {
        let Some(name) = options.taxonomy.name(found.topic) else {
            continue;
        };
        let kind = SpanKind::Topic(found.topic);
        let range = evidence.add(&text.prepared, found.range, kind, STRENGTH_TOPIC);
        let polarity = found.polarity.map(thousandths);
        let Some((start, end)) = range else {
            continue;
        };
        let named = TopicFeeling {
            topic: name.to_owned(),
            index: found.topic,
            polarity,
            start,
            end,
        };
        let mut topics = analysis.topics.iter_mut();
        if let Some(known) = topics.find(|known| known.index == found.topic) {
            let stronger = |value: Option<i16>| value.map_or(0, i16::unsigned_abs);
            if stronger(polarity) > stronger(known.polarity) {
                *known = named;
            }
        } else {
            analysis.topics.push(named);
        }
    }
}

/// Each emotion and intent once. A label adds no intent: whoever is sad does not yet complain.
fn settle(analysis: &mut Analysis) {
    analysis.emotions.sort_unstable();
    analysis.emotions.dedup();
    analysis.intents.sort_unstable();
    analysis.intents.dedup();
    analysis.topics.sort_by_key(|topic| topic.start);
}
