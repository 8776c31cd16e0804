//! What is felt about each topic: the polarity of the clause that names it.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::sentiment::judge::{self, Judgement};
use crate::sentiment::read::{Sentence, Text};

/// A topic named in a sentence.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Named {
    /// Index into the taxonomy.
    pub topic: u16,
    /// Bytes of the prepared text that name it.
    pub range: Range<usize>,
    /// -1 to 1; none when neither the clause nor its sentence was judged.
    pub polarity: Option<f32>,
}

/// Polarity below which a clause shows no feeling of its own.
const FELT: f32 = 0.12;

/// Judges the topics of a sentence, each by its clause; a clause without feeling takes the sentence's.
pub(super) fn judged(text: &Text, sentence: &Sentence, judgement: Option<Judgement>) -> Vec<Named> {
    let topics = &sentence.cues.topics;
    if topics.is_empty() {
        return Vec::new();
    }
    let piece = text
        .prepared
        .text()
        .get(sentence.range.clone())
        .unwrap_or_default();
    let clauses = clauses(piece);
    let mut known: Vec<Option<Option<f32>>> = vec![None; clauses.len()];
    topics
        .iter()
        .map(|found| {
            let at = clauses
                .iter()
                .position(|clause| clause.end > found.start)
                .unwrap_or(0);
            let whole = judgement.map(|judgement| judgement.polarity);
            let polarity = if clauses.len() < 2 {
                whole
            } else {
                let slot = known.get_mut(at);
                let judge = || polarity(piece, clauses.get(at)?, sentence);
                let own = slot.map_or_else(judge, |slot| *slot.get_or_insert_with(judge));
                own.filter(|own| own.abs() >= FELT).or(whole)
            };
            let start = sentence.range.start + found.start;
            Named {
                topic: found.what,
                range: start..sentence.range.start + found.end,
                polarity,
            }
        })
        .collect()
}

fn polarity(piece: &str, clause: &Range<usize>, sentence: &Sentence) -> Option<f32> {
    let read = sentence.read.as_ref()?;
    let model = judge::model(sentence.language);
    judge::judge_clause(read, piece, clause, &sentence.cues, model)
        .map(|judgement| judgement.polarity)
}

static BORDERS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(MARKS)
        .ok()
});

/// What ends a clause; English words of these are looked for between spaces.
const MARKS: [&str; 22] = [
    ",",
    ";",
    "、",
    "(",
    ")",
    "けれども",
    "けれど",
    "けど",
    "ですが",
    "ますが",
    "のに",
    "ものの",
    "一方で",
    "but ",
    "however ",
    "although ",
    "though ",
    "while ",
    "yet ",
    "and the ",
    "except ",
    "whereas ",
];

/// Clauses of a sentence: between commas, conjunctions that turn, and brackets.
fn clauses(sentence: &str) -> Vec<Range<usize>> {
    let mut clauses = Vec::new();
    let mut start = 0;
    let borders = BORDERS
        .iter()
        .flat_map(|borders| borders.find_iter(sentence))
        .filter_map(|found| {
            let mark = MARKS.get(found.pattern().as_usize())?;
            if !mark.ends_with(' ') {
                return Some(found.end());
            }
            let alone = sentence.get(..found.start())?.ends_with(' ');
            alone.then_some(found.start())
        });
    for border in borders.chain([sentence.len()]) {
        if border > start {
            clauses.push(start..border);
            start = border;
        }
    }
    clauses
}
