//! Cues: words that show effort, emotions, intents, leaving, danger, and topics.
//!
//! A cue is found by phrase tables (`en/`, `ja/`), never guessed: each finding carries the range of
//! the words that show it, on character boundaries of the sentence handed in. What must stay true:
//! the same sentence, language and taxonomy give the same [`Cues`]; findings of one kind are in
//! order and do not overlap; what is absent is not spoken of, which is no statement of its opposite.
//! Leaving and danger prefer finding too much to finding too little.

mod fold;
mod kind;
mod letter;
mod matcher;
mod question;
mod search;
mod table;
mod taxonomy;
#[cfg(test)]
mod tests;
pub(in crate::sentiment) mod trie;

use std::sync::LazyLock;

pub use taxonomy::{Taxonomy, Violation};

use self::fold::Folded;
use self::kind::Kind;
use self::matcher::{Match, Matcher};
use self::table::Table;
use super::model::{Emotion, Intent, Language};

/// A finding and the words that show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<T> {
    /// First byte in the sentence, on a character boundary.
    pub start: usize,
    /// Byte after the last, on a character boundary, above `start`.
    pub end: usize,
    /// What the words show.
    pub what: T,
}

/// All cues of one sentence, each list by position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cues {
    /// 1 where something was hard for the customer, -1 where it was easy; empty when the sentence
    /// does not speak of effort.
    pub effort: Vec<Found<i8>>,
    /// Emotions that the words show.
    pub emotions: Vec<Found<Emotion>>,
    /// What the customer wants. Whoever speaks of danger complains and escalates by that.
    pub intents: Vec<Found<Intent>>,
    /// Announces that the customer leaves the company.
    pub leaving: Vec<Found<()>>,
    /// Speaks of injury, danger, misuse of data, fraud or the law.
    pub safety_or_legal: Vec<Found<()>>,
    /// Indices into the taxonomy; a topic may occur several times.
    pub topics: Vec<Found<u16>>,
}

const ENGLISH: [&str; 6] = [
    include_str!("en/classes.tsv"),
    include_str!("en/leaving.tsv"),
    include_str!("en/safety.tsv"),
    include_str!("en/effort.tsv"),
    include_str!("en/emotions.tsv"),
    include_str!("en/intents.tsv"),
];
const JAPANESE: [&str; 6] = [
    include_str!("ja/classes.tsv"),
    include_str!("ja/leaving.tsv"),
    include_str!("ja/safety.tsv"),
    include_str!("ja/effort.tsv"),
    include_str!("ja/emotions.tsv"),
    include_str!("ja/intents.tsv"),
];

static ENGLISH_MATCHER: LazyLock<Matcher> = LazyLock::new(|| Matcher::new(&Table::parse(&ENGLISH)));
static JAPANESE_MATCHER: LazyLock<Matcher> =
    LazyLock::new(|| Matcher::new(&Table::parse(&JAPANESE)));

/// The cues of one prepared sentence (NFKC, masked, original case).
///
/// The tables of `language` are used; a sentence with Latin letters is read by the English tables
/// too, one with kana by the Japanese ones, so that mixed texts lose nothing.
#[must_use]
pub fn find(sentence: &str, language: Language, taxonomy: &Taxonomy) -> Cues {
    let folded = Folded::new(sentence);
    let mut matches = Vec::new();
    if language == Language::English || folded.text.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        ENGLISH_MATCHER.find(&folded, &mut matches);
    }
    if language == Language::Japanese || folded.text.chars().any(|c| matches!(c, 'ぁ'..='ん')) {
        JAPANESE_MATCHER.find(&folded, &mut matches);
    }
    matches.extend(question::mark(&folded.text, &matches));
    let mut cues = Cues::default();
    for one in &matches {
        if let Some((start, end)) = folded.range(one.start, one.end) {
            cues.take(one, start, end);
        }
    }
    cues.topics.extend(
        taxonomy
            .find(&folded.text)
            .filter_map(|(start, end, what)| {
                let (start, end) = folded.range(start, end)?;
                Some(Found { start, end, what })
            }),
    );
    cues.tidy();
    cues
}

impl Cues {
    fn take(&mut self, one: &Match, start: usize, end: usize) {
        for kind in one.kinds.iter() {
            match kind {
                Kind::Hard => self.effort.push(Found {
                    start,
                    end,
                    what: 1,
                }),
                Kind::Easy => self.effort.push(Found {
                    start,
                    end,
                    what: -1,
                }),
                Kind::Leaving => self.leaving.push(Found {
                    start,
                    end,
                    what: (),
                }),
                Kind::Safety => {
                    self.safety_or_legal.push(Found {
                        start,
                        end,
                        what: (),
                    });
                    for what in [Intent::Complaint, Intent::Escalation] {
                        self.intents.push(Found { start, end, what });
                    }
                }
                Kind::Rhetorical => {}
                Kind::Intent(what) => self.intents.push(Found { start, end, what }),
                Kind::Emotion(what) => self.emotions.push(Found { start, end, what }),
            }
        }
    }

    fn tidy(&mut self) {
        keep_apart(&mut self.effort);
        keep_apart(&mut self.emotions);
        keep_apart(&mut self.intents);
        keep_apart(&mut self.leaving);
        keep_apart(&mut self.safety_or_legal);
    }
}

/// Of overlapping findings of the same thing keeps the first and longest; orders by position.
fn keep_apart<T: Copy + Ord>(found: &mut Vec<Found<T>>) {
    found.sort_unstable_by_key(|one| (one.what, one.start, std::cmp::Reverse(one.end)));
    found.dedup_by(|later, kept| later.what == kept.what && later.start < kept.end);
    found.sort_unstable_by_key(|one| (one.start, one.end, one.what));
}
