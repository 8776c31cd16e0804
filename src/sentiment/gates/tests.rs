use proptest::prelude::*;

use crate::sentiment::{
    Analysis, Label, Language, Options, Span, SpanKind, Taxonomy, analyze, model::Feeling,
};

fn read(text: &str) -> Analysis {
    let options = Options {
        han: Language::Japanese,
        chat: false,
        taxonomy: Taxonomy::standard(),
    };
    analyze(text, &options)
}

fn shown<'a>(analysis: &Analysis, text: &'a str, kind: SpanKind) -> Vec<&'a str> {
    let spans = analysis.spans.iter().filter(|span| span.kind == kind);
    spans
        .map(|span: &Span| &text[span.start as usize..span.end as usize])
        .collect()
}

#[test]
fn what_no_phrase_says_is_learnt() {
    for (text, kind) in [
        (
            "The other gym is cheaper, so guess where I train from May.",
            SpanKind::Leaving,
        ),
        ("もうよそで買うことにしたよ。", SpanKind::Leaving),
        (
            "The strap snapped and my toddler fell out of the seat, blood everywhere.",
            SpanKind::SafetyOrLegal,
        ),
        (
            "スープを飲んだら舌が切れて、破片みたいなものが出てきました。",
            SpanKind::SafetyOrLegal,
        ),
    ] {
        let analysis = read(text);
        assert!(
            !shown(&analysis, text, kind).is_empty(),
            "{text}: {analysis:?}"
        );
    }
}

#[test]
fn plain_words_open_no_gate() {
    for text in [
        "The room was lovely and the staff could not have been kinder.",
        "Where is my order?",
        "We left the hotel at nine.",
        "荷物はいつ届きますか。",
        "とてもおいしかったです。また来ます。",
        "ホテルを九時に出ました。",
    ] {
        let analysis = read(text);
        assert!(
            !analysis.leaving && !analysis.safety_or_legal,
            "{text}: {analysis:?}"
        );
        assert_eq!(analysis.leaving_confidence, None);
        assert_eq!(analysis.safety_or_legal_confidence, None);
    }
}

#[test]
fn the_surer_the_words_the_higher_the_confidence() {
    let sure = read("I am cancelling my contract and switching to another provider. Never again.");
    let less = read("Maybe I should look at what the other provider offers.");
    let confidence = |analysis: &Analysis| analysis.leaving_confidence.unwrap_or(0);
    assert!(confidence(&sure) > 700 && confidence(&sure) > confidence(&less));
    let feeling = sure.feeling.map(|feeling: Feeling| feeling.label);
    assert_eq!(feeling, Some(Label::Negative));
}

fn texts() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "I am leaving ",
        "never again ",
        "lawyer ",
        "the burn ",
        "hotel ",
        "good ",
        ". ",
        "\n",
        "解約",
        "します",
        "やけど",
        "弁護士",
        "。",
        "とても",
        "もう",
        "他の店",
        "😡",
        "ｶﾞｽ",
        "㍿",
        "fire ",
        "?",
        "(",
        "e\u{301}",
    ]);
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_open_gate_shows_its_words_and_a_shut_one_none(text in texts()) {
        let analysis = read(&text);
        let gates = [
            (SpanKind::Leaving, analysis.leaving, analysis.leaving_confidence),
            (SpanKind::SafetyOrLegal, analysis.safety_or_legal, analysis.safety_or_legal_confidence),
        ];
        for (kind, open, confidence) in gates {
            let words = analysis.spans.iter().filter(|span| span.kind == kind).count();
            let full = analysis.spans.len() == Analysis::SPANS_MAX;
            prop_assert_eq!(open, confidence.is_some());
            prop_assert!((open && (words > 0 || full)) || (!open && words == 0));
            prop_assert!(confidence.is_none_or(|sure| (500..=1000).contains(&sure)));
        }
    }
}
