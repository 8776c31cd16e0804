//! What is felt about each topic: the polarity of the clause that names it.
//!
//! What must stay true: the range of a topic is that of the words that name it. A clause without a feeling of its own takes
//! that of its sentence, but not where the other clauses are of two minds: nobody can tell then which is meant. What is likelier
//! neutral than good or bad says nothing about a topic, which is told without a polarity then.

use std::cell::OnceCell;
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
    /// -1 to 1, good or bad and not between; none when neither the clause nor its sentence is clearly either.
    pub polarity: Option<f32>,
}

/// Polarity below which a clause shows no feeling of its own.
const FELT: f32 = 0.12;

/// Judges the topics of a sentence, each by its clause; a clause without feeling takes the sentence's, if it has one.
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
    let whole = judgement.map(|judgement| judgement.polarity);
    let clauses = Clauses::new(piece, sentence);
    topics
        .iter()
        .map(|found| {
            let polarity = if clauses.ranges.len() < 2 {
                whole
            } else {
                let own = clauses.polarity(clauses.of(found.start));
                own.or_else(|| whole.filter(|_| !clauses.are_of_two_minds()))
            };
            let clear = polarity.filter(|polarity| polarity.abs() >= judge::THRESHOLD);
            let start = sentence.range.start + found.start;
            Named {
                topic: found.what,
                range: start..sentence.range.start + found.end,
                polarity: clear,
            }
        })
        .collect()
}

/// The clauses of a sentence, each judged once it is asked for.
struct Clauses<'a> {
    piece: &'a str,
    sentence: &'a Sentence,
    ranges: Vec<Range<usize>>,
    known: Vec<OnceCell<Option<f32>>>,
}

impl<'a> Clauses<'a> {
    fn new(piece: &'a str, sentence: &'a Sentence) -> Self {
        let ranges = clauses(piece);
        Self {
            piece,
            sentence,
            known: vec![OnceCell::new(); ranges.len()],
            ranges,
        }
    }

    /// The clause in which a byte of the sentence lies.
    fn of(&self, byte: usize) -> usize {
        let clause = self.ranges.iter().position(|clause| clause.end > byte);
        clause.unwrap_or(0)
    }

    /// What a clause feels; none when it shows nothing.
    fn polarity(&self, at: usize) -> Option<f32> {
        let judge = || polarity(self.piece, self.ranges.get(at)?, self.sentence);
        let polarity = self.known.get(at)?.get_or_init(judge);
        polarity.filter(|polarity| polarity.abs() >= FELT)
    }

    /// Whether one clause is clearly good and another clearly bad.
    fn are_of_two_minds(&self) -> bool {
        let (mut good, mut bad) = (false, false);
        for at in 0..self.ranges.len() {
            let polarity = self.polarity(at).unwrap_or_default();
            good |= polarity >= judge::THRESHOLD;
            bad |= polarity <= -judge::THRESHOLD;
        }
        good && bad
    }
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

#[cfg(test)]
mod tests {
    use super::super::cues::Taxonomy;
    use super::super::model::{Analysis, Language, Options, SpanKind, TopicFeeling};
    use super::super::{analyze, wire::message};
    use crate::proto::v1::EvidenceKind;

    fn read(text: &str) -> Analysis {
        let options = Options {
            han: Language::Japanese,
            chat: false,
            taxonomy: Taxonomy::standard(),
        };
        analyze(text, &options)
    }

    fn about<'a>(analysis: &'a Analysis, topic: &str) -> &'a TopicFeeling {
        let found = analysis.topics.iter().find(|one| one.topic == topic);
        found.unwrap_or_else(|| panic!("no {topic} in {:?}", analysis.topics))
    }

    #[test]
    fn the_words_that_name_a_topic_are_shown_and_no_more() {
        for (text, topic, words) in [
            (
                "The food was great, but the Room was filthy.",
                "food",
                "food",
            ),
            ("Ｔｈｅ ｆｏｏｄ was great, really.", "food", "ｆｏｏｄ"),
            (
                "The parcels came late and I am angry.",
                "delivery",
                "parcels",
            ),
            ("スタッフの態度が最悪でした。", "staff", "スタッフ"),
            (
                "料理はおいしかったけど、部屋が汚かった。",
                "facility",
                "部屋",
            ),
        ] {
            let analysis = read(text);
            let topic = about(&analysis, topic);
            let range = topic.start as usize..topic.end as usize;
            assert_eq!(&text[range], words, "{text}");
            let kind = SpanKind::Topic(topic.index);
            let shown = |span: &&super::super::model::Span| {
                span.kind == kind && (span.start, span.end) == (topic.start, topic.end)
            };
            assert!(analysis.spans.iter().any(|span| shown(&span)), "{text}");
        }
    }

    #[test]
    fn words_that_name_a_topic_again_say_which() {
        let text = "The room was dirty. I asked for another room. The room smelled awful.";
        let analysis = message(&read(text));
        let rooms: Vec<(&str, &str)> = analysis
            .spans
            .iter()
            .filter(|span| span.kind() == EvidenceKind::Topic)
            .map(|span| {
                (
                    span.topic.as_str(),
                    &text[span.start as usize..span.end as usize],
                )
            })
            .filter(|(_, words)| *words == "room")
            .collect();
        assert_eq!(rooms, [("facility", "room"); 3]);
    }

    #[test]
    fn a_topic_without_a_feeling_has_no_polarity() {
        for (text, topic) in [
            ("Where is my parcel?", "delivery"),
            ("荷物はどこですか。", "delivery"),
            (
                "The food was great, the parcel is in the hall, but the waiter was rude and horrible.",
                "delivery",
            ),
        ] {
            let analysis = read(text);
            assert_eq!(about(&analysis, topic).polarity, None, "{text}");
        }
        let felt = read("The food was great, but the waiter was rude and horrible.");
        assert!(about(&felt, "food").polarity.unwrap() > 250);
        assert!(about(&felt, "staff").polarity.unwrap() < -250);
    }
}
