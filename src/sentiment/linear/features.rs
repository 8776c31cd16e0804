//! What the linear model sees of a sentence.
//!
//! Japanese: n-grams of 1 to 4 characters. English: n-grams of 2 to 5 bytes within a word, words, and
//! two and three of them in a row; words under negation are other words. Intensifiers are left out in
//! both languages: they belong to the lexicon, so a stronger word never turns a text for the linear
//! model's reasons.
//!
//! In an English sentence the lexicon and the model share the say by length: of few words one that the
//! lexicon knows is most of what is said, and in a long sentence it is one of many.

use std::ops::Range;

use super::intensifiers::INTENSIFIERS;
use super::model::BITS;
use crate::sentiment::cues::Cues;
use crate::sentiment::en::Reading;
use crate::sentiment::hashing::{bytes, mix};
use crate::sentiment::model::{Emotion, Intent, Score};

/// Features that are not hashed.
pub(in crate::sentiment) const DENSE: usize = 24;
/// The first of them: one, whether the lexicon knows a word, exclamation and question marks.
const HEAD: usize = 4;
/// What a point of valence adds to the log-odds of positive against negative.
const TRUST: f32 = 1.45;
/// What it adds in an English sentence that is ever longer.
const TRUST_LONG: f32 = 0.2;
/// Share of the hashed part in a short English sentence with a word that the lexicon knows; in a long one it is all.
const SHARE_SHORT: f32 = 0.5;
/// Words up to which an English sentence is short.
const SHORT: u16 = 9;
/// How fast the lexicon's say falls beyond that: the power of the ratio of lengths.
const FALL: f32 = 1.5;
/// What cues add, in the order of the dense features: marks nothing; hard and easy; the emotions; the
/// intents; leaving; danger. Set by hand, since such texts are rare in training.
const CUE_TRUST: [f32; DENSE] = [
    0.0, 0.0, 0.0, 0.0, -0.7, 0.6, -0.8, -0.7, -0.8, -0.4, -0.2, 0.8, 0.8, 0.6, -0.6, -0.2, -0.4,
    0.0, 0.1, 0.8, 0.0, -0.7, -0.7, -1.0,
];
/// Valence beyond which more adds little.
const ENOUGH: f32 = 9.0;

/// The features of one or several sentences.
#[derive(Debug, Clone, Default)]
pub(in crate::sentiment) struct Features {
    /// Buckets, with repetition.
    pub buckets: Vec<u32>,
    /// Of one sentence: where its words or characters start, and how many buckets stand before each.
    places: Vec<(usize, usize)>,
    /// One, whether the lexicon knows a word, the marks, and which cues were found.
    pub dense: [f32; DENSE],
    /// Log-odds of positive against negative that the lexicon gives before the model speaks.
    pub prior: f32,
    /// How much of the hashed part counts beside the lexicon, 0 to 1. Training counts all of it, so
    /// that this holds back what the model has learnt, not the lexicon.
    pub share: f32,
}

/// What the model is shown beside the buckets: of a sentence, of a clause of it, or of several sentences.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::sentiment) struct Shown {
    /// How many buckets.
    pub count: usize,
    /// As in [`Features`].
    pub dense: [f32; DENSE],
    /// As in [`Features`].
    pub prior: f32,
    /// As in [`Features`].
    pub share: f32,
}

const SEED_CHARS: u64 = 0x9e37_79b9_7f4a_7c15;
const SEED_WORD: u64 = 0xc2b2_ae3d_27d4_eb4f;
const SEED_PAIR: u64 = 0x1656_67b1_9e37_79f9;
const SEED_THREE: u64 = 0x85eb_ca77_c2b2_ae63;
const SEED_NEGATED: u64 = 0x27d4_eb2f_1656_67c5;

impl Features {
    /// Reads an English sentence.
    pub(in crate::sentiment) fn english(reading: &Reading<'_>, cues: &Cues) -> Self {
        let words = &reading.words;
        let mut buckets = Vec::with_capacity(words.text.len() * 4);
        let mut places = Vec::with_capacity(words.list.len());
        // The word before and the one before that.
        let mut before = [0_u64; 2];
        for (index, word) in words.list.iter().enumerate() {
            let flag = |flags: &[bool]| flags.get(index).copied().unwrap_or(false);
            if flag(&reading.boosters) {
                continue;
            }
            places.push((word.start, buckets.len()));
            let salt = if flag(&reading.negated) {
                SEED_NEGATED
            } else {
                0
            };
            let source = if word.symbol {
                words.text.get(word.start..word.end).unwrap_or_default()
            } else {
                words.lower(word)
            };
            let whole = bytes(SEED_WORD ^ salt, source.as_bytes());
            let [second, first] = before;
            buckets.push(bucket(whole));
            buckets.push(bucket(mix(SEED_PAIR ^ second, whole)));
            buckets.push(bucket(mix(mix(SEED_THREE ^ first, second), whole)));
            before = [whole, second];
            if !word.symbol {
                within(source.as_bytes(), salt, &mut buckets);
            }
        }
        let hidden = |start: usize| {
            let at = words.list.partition_point(|word| word.end <= start);
            reading.negated.get(at).copied().unwrap_or(false)
        };
        let felt = (!reading.score.clues.is_empty()).then_some(reading.score.valence);
        let dense = dense(words.text, felt, cues, hidden);
        let short = shortness(words.list.len());
        let trust = TRUST_LONG + (TRUST - TRUST_LONG) * short;
        Self {
            buckets,
            places,
            dense,
            prior: prior(reading.score.valence, &dense, trust),
            share: felt.map_or(1.0, |_| 1.0 - (1.0 - SHARE_SHORT) * short),
        }
    }

    /// Reads a Japanese sentence.
    pub(in crate::sentiment) fn japanese(sentence: &str, score: &Score, cues: &Cues) -> Self {
        // Kana and han have three bytes.
        let characters = sentence.len() / 3 + 1;
        let mut buckets = Vec::with_capacity(characters * LONGEST_JA);
        let mut places = Vec::with_capacity(characters);
        let intensifiers = INTENSIFIERS.as_ref();
        let mut window = [0_u64; LONGEST_JA];
        let mut seen = 0_usize;
        // Where the intensifier ends that is being passed over.
        let mut passed = 0;
        for (at, c) in sentence.char_indices() {
            if at < passed {
                continue;
            }
            if let Some(intensifiers) = intensifiers
                && let Some(length) = intensifiers.beginning(c, &sentence[at..])
            {
                passed = at + length;
                continue;
            }
            let Some(c) = folded(c) else {
                continue;
            };
            places.push((at, buckets.len()));
            let [third, second, first, _] = window;
            window = [u64::from(u32::from(c)), third, second, first];
            seen = LONGEST_JA.min(seen + 1);
            let mut hash = SEED_CHARS;
            let grams = window.map(|code| {
                hash = mix(hash, code);
                bucket(hash)
            });
            if seen == LONGEST_JA {
                buckets.extend_from_slice(&grams);
            } else {
                buckets.extend_from_slice(grams.get(..seen).unwrap_or_default());
            }
        }
        let felt = (!score.clues.is_empty()).then_some(score.valence);
        let dense = dense(sentence, felt, cues, |_| false);
        Self {
            buckets,
            places,
            dense,
            prior: prior(score.valence, &dense, TRUST),
            share: 1.0,
        }
    }

    /// Of one sentence: where its words or characters start, and how many buckets stand before each.
    pub(in crate::sentiment) fn places(&self) -> &[(usize, usize)] {
        &self.places
    }

    /// All of it.
    pub(in crate::sentiment) fn shown(&self) -> Shown {
        Shown {
            count: self.buckets.len(),
            dense: self.dense,
            prior: self.prior,
            share: self.share,
        }
    }

    /// A clause of the sentence that was read; what the sentence hid stays hidden.
    pub(in crate::sentiment) fn clause(
        &self,
        sentence: &str,
        clause: &Range<usize>,
        score: &Score,
        cues: &Cues,
    ) -> (&[u32], Shown) {
        let bucket = |byte: usize| {
            let at = self.places.partition_point(|place| place.0 < byte);
            self.places
                .get(at)
                .map_or(self.buckets.len(), |place| place.1)
        };
        let within = score
            .clues
            .iter()
            .filter(|clue| clause.contains(&clue.start));
        let felt = within.map(|clue| clue.valence).reduce(|sum, one| sum + one);
        let text = sentence.get(clause.clone()).unwrap_or_default();
        let mut dense = dense(text, felt, cues, |start| !clause.contains(&start));
        for (shown, whole) in dense.iter_mut().zip(self.dense).skip(HEAD) {
            *shown = shown.min(whole);
        }
        let buckets = self
            .buckets
            .get(bucket(clause.start)..bucket(clause.end))
            .unwrap_or_default();
        let shown = Shown {
            count: buckets.len(),
            dense,
            prior: prior(felt.unwrap_or(0.0), &dense, TRUST),
            share: self.share,
        };
        (buckets, shown)
    }

    /// Adds another sentence of the same text; `share` is its part of the length, 0 to 1.
    pub(in crate::sentiment) fn join(&mut self, other: &Self, share: f32) {
        let mut shown = self.shown();
        shown.join(&other.shown(), share);
        self.buckets.extend_from_slice(&other.buckets);
        self.dense = shown.dense;
        self.prior = shown.prior;
        self.share = shown.share;
    }
}

impl Shown {
    /// Adds another sentence of the same text; `share` is its part of the length, 0 to 1.
    pub(in crate::sentiment) fn join(&mut self, other: &Self, share: f32) {
        self.count += other.count;
        self.prior += other.prior * share;
        self.share += other.share * share;
        for (sum, value) in self.dense.iter_mut().zip(other.dense) {
            *sum += value * share;
        }
    }
}

/// Characters of the longest Japanese n-gram.
const LONGEST_JA: usize = 4;

/// Bytes of the longest n-gram within an English word.
const LONGEST: usize = 5;

/// N-grams of a word with its borders.
fn within(word: &[u8], salt: u64, buckets: &mut Vec<u32>) {
    let at =
        |index: usize| -> u8 {
            match index {
                0 => b'^',
                index => word.get(index - 1).map_or(b'$', |byte| {
                    if byte.is_ascii_digit() { b'0' } else { *byte }
                }),
            }
        };
    let length = word.len() + 2;
    for start in 0..length {
        let mut hash = SEED_CHARS ^ salt;
        for end in start..length.min(start + LONGEST) {
            hash = mix(hash, u64::from(at(end)));
            if end > start {
                buckets.push(bucket(hash));
            }
        }
    }
}

fn bucket(hash: u64) -> u32 {
    let mixed = (hash ^ (hash >> 29)).wrapping_mul(SEED_CHARS);
    u32::try_from(mixed >> (u64::BITS - BITS)).unwrap_or_default()
}

/// A character as the model sees it; none for white space.
fn folded(c: char) -> Option<char> {
    match c {
        // Most of a Japanese text, and never white space.
        '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}' => Some(c),
        c if c.is_whitespace() || c == '!' => None,
        '0'..='9' => Some('0'),
        'A'..='Z' => Some(c.to_ascii_lowercase()),
        '。' | '、' | '.' | ',' | '・' | '「' | '」' | '(' | ')' | '『' | '』' => Some('|'),
        '〜' | '～' | '~' => Some('ー'),
        _ => Some(c),
    }
}

/// Cues that start where `hidden` says so say nothing; `felt` is the valence of the clues, if any.
fn dense(
    text: &str,
    felt: Option<f32>,
    cues: &Cues,
    hidden: impl Fn(usize) -> bool,
) -> [f32; DENSE] {
    let marks = |mark: u8| {
        if !text.as_bytes().contains(&mark) {
            return 0.0;
        }
        text.bytes()
            .filter(|byte| *byte == mark)
            .take(3)
            .map(|_| 1.0_f32)
            .sum::<f32>()
    };
    let any = if felt.is_some() { 1.0 } else { 0.0 };
    let valence = felt.unwrap_or(0.0);
    let mut dense = [0.0; DENSE];
    // Exclamation marks speak for the side that the words are on.
    let side = if valence == 0.0 {
        0.0
    } else {
        valence.signum()
    };
    let head: [f32; HEAD] = [1.0, any, side * marks(b'!') / 3.0, marks(b'?') / 3.0];
    for (slot, value) in dense.iter_mut().zip(head) {
        *slot = value;
    }
    let mut show = |at: usize, start: usize| {
        if hidden(start) {
            return;
        }
        if let Some(slot) = dense.get_mut(HEAD + at) {
            *slot = 1.0;
        }
    };
    for found in &cues.effort {
        show(usize::from(found.what < 0), found.start);
    }
    for found in &cues.emotions {
        show(2 + emotion(found.what), found.start);
    }
    for found in &cues.intents {
        show(10 + intent(found.what), found.start);
    }
    for found in &cues.leaving {
        show(18, found.start);
    }
    for found in &cues.safety_or_legal {
        show(19, found.start);
    }
    dense
}

const fn emotion(emotion: Emotion) -> usize {
    match emotion {
        Emotion::Anger => 0,
        Emotion::Frustration => 1,
        Emotion::Disappointment => 2,
        Emotion::Worry => 3,
        Emotion::Confusion => 4,
        Emotion::Joy => 5,
        Emotion::Gratitude => 6,
        Emotion::Relief => 7,
    }
}

const fn intent(intent: Intent) -> usize {
    match intent {
        Intent::Complaint => 0,
        Intent::Cancel => 1,
        Intent::Refund => 2,
        Intent::Question => 3,
        Intent::Purchase => 4,
        Intent::Praise => 5,
        Intent::Request => 6,
        Intent::Escalation => 7,
    }
}

/// How short an English sentence of so many words is: 1 up to [`SHORT`], then towards 0.
fn shortness(words: usize) -> f32 {
    let words = u16::try_from(words.max(1)).unwrap_or(u16::MAX);
    (f32::from(SHORT) / f32::from(words)).min(1.0).powf(FALL)
}

fn prior(valence: f32, dense: &[f32; DENSE], trust: f32) -> f32 {
    let cues: f32 = dense
        .iter()
        .zip(CUE_TRUST)
        .map(|(shown, trust)| shown * trust)
        .sum();
    cues + trust * valence / (1.0 + (valence / ENOUGH).powi(2)).sqrt()
}
