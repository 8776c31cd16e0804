use proptest::prelude::*;

use super::grammar::Kind;
use super::*;

const CASES: &str = include_str!("cases.tsv");

fn polarity(sentence: &str) -> f32 {
    normalised(score(sentence).valence)
}

#[test]
fn sentences_have_the_sign_that_a_reader_gives_them() {
    let mut wrong = Vec::new();
    for row in CASES.lines() {
        let cells: Vec<&str> = row.split('\t').collect();
        let first = polarity(cells[1]);
        let right = match cells[0] {
            "+" => first > 0.1,
            "-" => first < -0.1,
            "0" => first.abs() <= 0.1,
            ">" => first >= polarity(cells[2]) + 0.05,
            other => panic!("unknown expectation {other}"),
        };
        if !right {
            wrong.push(format!("{row}: {first:.3} {:?}", score(cells[1]).clues));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        CASES.lines().count(),
        wrong.join("\n")
    );
    assert!(CASES.lines().count() > 150, "cases are missing");
}

#[test]
fn every_row_of_the_grammar_is_understood() {
    let grammar = include_str!("../lexicon/ja_grammar.tsv");
    for row in grammar
        .lines()
        .filter(|row| !row.starts_with('#') && !row.is_empty())
    {
        let cells: Vec<&str> = row.split('\t').collect();
        assert_eq!(cells.len(), 3, "columns of {row}");
        let known = cells[0] == "head" || grammar::named(cells[0]).is_some();
        assert!(known, "kind of {row}");
        assert!(
            cells[1].split(' ').all(|word| !word.is_empty()),
            "blank word in {row}"
        );
    }
    assert!(GRAMMAR.entries.len() > 3_000, "the lexicon is missing");
}

#[test]
fn valences_stay_on_the_scale() {
    for entry in &GRAMMAR.entries {
        assert!(
            entry.value.abs() <= 4.0 && entry.negated.abs() <= 4.0,
            "{entry:?}"
        );
        assert_eq!(
            entry.kind == Kind::Direction,
            entry.direction.is_some(),
            "{entry:?}"
        );
    }
}

#[test]
fn a_clue_covers_its_negation() {
    let sentence = "味は全然美味しくなかったです";
    let clue = score(sentence).clues[0];
    assert_eq!(&sentence[clue.start..clue.end], "美味しくなかったです");
}

#[test]
fn a_clue_with_drawn_out_letters_lies_in_the_sentence_handed_in() {
    let sentence = "これすごーーーい!";
    let clue = score(sentence).clues[0];
    assert!(
        sentence[clue.start..clue.end].starts_with("すご"),
        "{clue:?}"
    );
}

#[test]
fn the_empty_sentence_feels_nothing() {
    assert_eq!(score(""), Score::default());
    assert!(normalised(0.0).abs() < f32::EPSILON);
}

fn assert_sound(sentence: &str) {
    let score = score(sentence);
    assert!(score.valence.is_finite());
    let mut last = 0;
    for clue in score.clues {
        assert!(sentence.is_char_boundary(clue.start) && sentence.is_char_boundary(clue.end));
        assert!(clue.start < clue.end && clue.valence.is_finite());
        assert!(clue.start >= last, "clues are out of order");
        last = clue.start;
    }
}

proptest! {
    #[test]
    fn any_string_is_answered(sentence in ".{0,60}") {
        assert_sound(&sentence);
    }

    #[test]
    fn any_mixture_of_known_pieces_is_answered(
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24),
    ) {
        assert_sound(&pieces.concat());
    }
}

/// Pieces of the grammar and letters between them.
const PIECES: &[&str] = &[
    "美味し",
    "い",
    "く",
    "ない",
    "なかった",
    "ー",
    "〜",
    "が",
    "、",
    "。",
    "!",
    "?",
    "ん",
    "です",
    "か",
    "届か",
    "高",
    "値段",
    "の",
    "に",
    "とても",
    "ちょっと",
    "最悪",
    "😡",
    "w",
    "草",
    "て",
    "で",
    "し",
    "しか",
    "これほど",
    "誰が",
    "たら",
    "ばよかった",
    "消え",
    "なくな",
    "っ",
    "た",
    "すぎ",
    "人がいますか",
    "わけではない",
    "かもしれない",
    "不満も",
    "不安も",
    "だけは",
    "のほうが",
    "前の",
    "ア",
    "é",
    "e",
];
