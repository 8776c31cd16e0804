use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::*;
use crate::sentiment::model::Language;

fn cut(text: &str) -> Vec<&str> {
    sentences(text)
        .into_iter()
        .map(|range| &text[range])
        .collect()
}

#[test]
fn half_width_kana_compose_and_still_point_to_the_original() {
    let original = "😀ｶﾞｯｶﾘした";
    let prepared = Prepared::new(original);
    assert_eq!(prepared.text(), "😀ガッカリした");
    let at = prepared.text().find("ガッカリ").unwrap();
    let range = prepared.original(&(at..at + "ガッカリ".len()));
    assert_eq!(&original[range], "ｶﾞｯｶﾘ");
    let range = prepared.original(&(at..at + "ガ".len()));
    assert_eq!(&original[range], "ｶﾞ");
}

#[test]
fn ligatures_that_expand_map_to_the_whole_ligature() {
    let original = "x㍿ﬁne";
    let prepared = Prepared::new(original);
    assert_eq!(prepared.text(), "x株式会社fine");
    let at = prepared.text().find('式').unwrap();
    assert_eq!(&original[prepared.original(&(at..at + 3))], "㍿");
    let at = prepared.text().find("ine").unwrap();
    assert_eq!(&original[prepared.original(&(at..at + 3))], "ﬁne");
}

#[test]
fn addresses_and_numbers_are_masked_in_place() {
    let prepared = Prepared::new(
        "See https://bad.example/worst. Mail awful@hate.example or 03-1234-5678, @terrible, order 12345!",
    );
    let text = prepared.text();
    for gone in ["worst", "awful", "hate", "1234-", "terrible"] {
        assert!(!text.contains(gone), "{gone} in {text}");
    }
    assert!(text.contains("order 12345!"));
    assert!(text.contains(". Mail"));
}

#[test]
fn sentences_end_where_they_should() {
    assert_eq!(
        cut("It costs 3.5 dollars. Dr. Smith said e.g. this was fine! Really?!"),
        [
            "It costs 3.5 dollars.",
            "Dr. Smith said e.g. this was fine!",
            "Really?!"
        ]
    );
    assert_eq!(
        cut("「最悪だ。もう来ない」と言われた。次です"),
        ["「最悪だ。もう来ない」と言われた。", "次です"]
    );
    assert_eq!(cut("「閉じない。次です"), ["「閉じない。", "次です"]);
    assert_eq!(cut("good\n\nbad ...\n!!"), ["good", "bad ...\n!!"]);
    assert_eq!(cut("   "), Vec::<&str>::new());
}

#[test]
fn script_and_small_words_tell_the_language() {
    let of = |text| of_text(text, Language::Japanese);
    assert_eq!(of("届きません"), Language::Japanese);
    assert_eq!(of("返金希望"), Language::Japanese);
    assert_eq!(of("快递很慢"), Language::Unknown);
    assert_eq!(of("Where is my order?"), Language::English);
    assert_eq!(
        of("Ma commande n'est pas arrivée et je suis très déçu"),
        Language::Unknown
    );
    assert_eq!(
        of("Wo ist meine Bestellung? Ich warte sehr lange"),
        Language::Unknown
    );
    assert_eq!(of("12345"), Language::Unknown);
    assert_eq!(of("Доставка опоздала"), Language::Unknown);
    assert_eq!(of("배송이 늦어요"), Language::Unknown);
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            "ｶﾞ",
            "ﾊﾟ",
            "ﾞ",
            "か\u{3099}",
            "ﬁ",
            "㍿",
            "é",
            "e\u{301}\u{323}",
            "👩‍👩‍👧",
            "😡",
            "각",
            "\u{1100}\u{1161}\u{11a8}",
            "。",
            "!",
            "\n",
            "Ａ",
            "①",
            "ﷺ",
            "a@b.co",
            "0120-444-444",
            "最悪",
            "not good",
            " ",
            "\u{344}",
            "Å",
            "ｗｗ",
        ])
        .prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_range_maps_to_character_boundaries_of_the_original(original in pieces()) {
        let prepared = Prepared::new(&original);
        let text = prepared.text();
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let mut last = 0;
        for pair in ends.windows(2) {
            let range = prepared.original(&(pair[0]..pair[1]));
            prop_assert!(range.start < range.end && range.end <= original.len());
            prop_assert!(original.is_char_boundary(range.start) && original.is_char_boundary(range.end));
            prop_assert!(range.start >= last);
            last = range.start;
        }
        for range in sentences(text) {
            let range = prepared.original(&range);
            prop_assert!(original.get(range).is_some_and(|piece| !piece.is_empty()));
        }
    }

    #[test]
    fn clusters_normalise_like_the_whole(original in pieces()) {
        let whole: String = original.nfkc().collect();
        let prepared = Prepared::new(&original);
        prop_assert_eq!(prepared.text().len(), whole.len());
        let unmasked: bool = prepared.text().chars().zip(whole.chars()).all(|(ours, theirs)| ours == theirs || ours == ' ');
        prop_assert!(unmasked);
    }
}
