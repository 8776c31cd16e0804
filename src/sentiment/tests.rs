use proptest::prelude::*;

use super::*;

fn options() -> Options<'static> {
    Options {
        han: Language::Japanese,
        chat: false,
        taxonomy: Taxonomy::standard(),
    }
}

fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            "最悪",
            "ｶﾞｯｶﾘ",
            "届きません",
            "とても",
            "良かった",
            "解約したい",
            "。",
            "!",
            "?",
            "\n",
            "😡",
            "👩‍👩‍👧",
            "❤️",
            "ﬁ",
            "㍿",
            "terrible ",
            "not ",
            "very ",
            "good ",
            "refund ",
            "I’m ",
            "never again ",
            "the room ",
            "staff ",
            ", but ",
            "a@b.co ",
            "https://x.example/bad ",
            "ＧＯＯＤ",
            "e\u{301}",
            "ﾞ",
            "12",
            "delivery ",
            "配送",
            "アプリ",
            "が、",
        ])
        .prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn evidence_lies_on_character_boundaries_of_the_original(text in texts()) {
        let analysis = analyze(&text, &options());
        prop_assert!(analysis.spans.len() <= Analysis::SPANS_MAX);
        let topics = analysis.topics.iter().map(|topic| (topic.start, topic.end));
        for (start, end) in analysis.spans.iter().map(|span| (span.start, span.end)).chain(topics) {
            let (start, end) = (usize::try_from(start).unwrap(), usize::try_from(end).unwrap());
            prop_assert!(start < end && end <= text.len());
            prop_assert!(text.is_char_boundary(start) && text.is_char_boundary(end));
        }
        if let Some(feeling) = analysis.feeling {
            prop_assert_eq!(feeling.probabilities.iter().sum::<u16>(), 1000);
            prop_assert!(feeling.polarity.abs() <= 1000 && feeling.confidence <= 1000);
            let (lowest, highest) = (analysis.lowest.unwrap(), analysis.highest.unwrap());
            prop_assert!((-1000..=highest).contains(&lowest) && highest <= 1000);
        }
    }

    #[test]
    fn the_same_text_gives_the_same_analysis(text in texts()) {
        prop_assert_eq!(analyze(&text, &options()), analyze(&text, &options()));
    }
}

#[test]
fn nothing_to_read_is_an_abstention() {
    for text in [
        "",
        "   ",
        "12345",
        "Où est ma commande, je suis très déçu de vous",
        "a",
    ] {
        assert_eq!(analyze(text, &options()).feeling, None, "{text}");
    }
}

#[test]
fn the_last_sentence_of_a_chat_weighs_more() {
    let text = "The parcel was late and I was annoyed. Thank you, you solved it, great help!";
    let chat = analyze(
        text,
        &Options {
            chat: true,
            ..options()
        },
    );
    let mail = analyze(text, &options());
    assert!(chat.feeling.unwrap().polarity > mail.feeling.unwrap().polarity);
    assert_eq!((chat.lowest, chat.highest), (mail.lowest, mail.highest));
}

#[test]
fn emoji_alone_have_a_feeling_in_no_language() {
    let analysis = analyze("😡😡😡", &options());
    assert_eq!(analysis.language, Language::Unknown);
    assert_eq!(analysis.feeling.unwrap().label, Label::Negative);
}

/// What analyses of texts from all over the corpora come to. Where they differ, [`MODEL_VERSION`] has to rise; where
/// something was only to become faster, it is broken.
#[test]
fn the_version_rises_with_every_change_of_results() {
    let corpora = [
        include_str!("corpus/en.tsv"),
        include_str!("corpus/ja.tsv"),
        include_str!("corpus/leaving_en.tsv"),
        include_str!("corpus/safety_ja.tsv"),
    ];
    let mut sum = ring::digest::Context::new(&ring::digest::SHA256);
    for corpus in corpora {
        let texts: Vec<&str> = corpus
            .lines()
            .filter_map(|line| Some(line.split_once('\t')?.1))
            .collect();
        for some in texts.chunks(20) {
            let long = some.get(..5).unwrap_or(some).join("\n");
            for text in [some[0], &long] {
                sum.update(format!("{:?}\n", analyze(text, &options())).as_bytes());
            }
        }
    }
    let known = "3c1011939837a1cc99e8f5862d82afdd78e9d63b68fb289a2d289c1c50668246";
    assert_eq!(
        (MODEL_VERSION, hex::encode(sum.finish()).as_str()),
        (6, known)
    );
}
