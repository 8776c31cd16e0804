use proptest::prelude::*;

use super::*;
use crate::proto::analyzer::v1::Abstention;

const TEXT: &str = "もう解約します ☹️ too slow";

fn good() -> TextAnalysis {
    TextAnalysis {
        feeling: Some(v1::Feeling {
            polarity: -0.712_34,
            confidence: 0.9,
            negative: 0.8,
            neutral: 0.15,
            positive: 0.05,
            ..v1::Feeling::default()
        }),
        lowest: Some(-1.0),
        highest: Some(0.2),
        effort: Some(0.5),
        emotions: vec![2, 1, 2],
        intents: vec![2],
        leaving: true,
        topics: vec![TopicFeeling {
            topic: "contract".into(),
            polarity: Some(-0.5),
        }],
        spans: vec![
            EvidenceSpan {
                start: 6,
                end: 12,
                kind: EvidenceKind::Leaving.into(),
                topic: "left over".into(),
                ..EvidenceSpan::default()
            },
            EvidenceSpan {
                start: 0,
                end: 6,
                kind: EvidenceKind::Emotion.into(),
                emotion: 1,
                ..EvidenceSpan::default()
            },
        ],
        ..TextAnalysis::default()
    }
}

fn check_it(analysis: TextAnalysis) -> Checked {
    let answer = AnalyzedText {
        outcome: Some(Outcome::Analysis(analysis)),
    };
    check(answer, TEXT, "ja", 7)
}

#[test]
fn a_sound_answer_is_taken_as_the_service_writes_its_own() {
    let Checked::Sound(said) = check_it(good()) else {
        panic!("it was dropped");
    };
    assert_eq!(said.method(), v1::AnalysisMethod::External);
    assert_eq!((said.model_version, said.language.as_str()), (7, "ja"));
    let feeling = said.feeling.unwrap();
    assert!((feeling.polarity + 0.712).abs() < 1e-12);
    assert_eq!(feeling.label(), v1::SentimentLabel::Negative);
    assert_eq!(said.emotions, [1, 2]);
    let spans: Vec<_> = said.spans.iter().map(|s| (s.start, s.end)).collect();
    assert_eq!(spans, [(0, 6), (6, 12)]);
    assert!(said.spans[1].topic.is_empty());
}

#[test]
fn an_abstention_is_kept_and_silence_is_not() {
    let abstained = AnalyzedText {
        outcome: Some(Outcome::Abstained(Abstention {})),
    };
    match check(abstained, TEXT, "ja", 1) {
        Checked::Abstained(said) => assert_eq!((said.feeling, said.model_version), (None, 1)),
        other => panic!("{other:?}"),
    }
    let silent = AnalyzedText { outcome: None };
    assert_eq!(check(silent, TEXT, "ja", 1), Checked::Dropped);
    assert_eq!((version(0), version(1)), (None, Some(1)));
    assert_eq!(version(u32::MAX), None);
}

#[test]
fn whatever_is_out_of_its_range_drops_the_answer() {
    type Break = fn(&mut TextAnalysis);
    let breaks: &[Break] = &[
        |a| a.feeling.as_mut().unwrap().polarity = 1.01,
        |a| a.feeling.as_mut().unwrap().polarity = f64::NAN,
        |a| a.feeling.as_mut().unwrap().confidence = 0.0,
        |a| a.feeling.as_mut().unwrap().confidence = f64::INFINITY,
        |a| a.feeling.as_mut().unwrap().positive = 0.5,
        |a| a.feeling.as_mut().unwrap().neutral = -0.1,
        |a| a.lowest = Some(-1.5),
        |a| a.highest = Some(f64::NAN),
        |a| (a.lowest, a.highest) = (Some(0.3), Some(0.2)),
        |a| a.effort = Some(2.0),
        |a| a.emotions.push(0),
        |a| a.emotions.push(99),
        |a| a.intents.push(-1),
        |a| a.topics[0].topic = "Not a slug".into(),
        |a| a.topics[0].topic.clear(),
        |a| a.topics.push(a.topics[0].clone()),
        |a| a.topics[0].polarity = Some(-1.2),
        |a| {
            a.topics = (0..=TOPICS)
                .map(|n| TopicFeeling {
                    topic: format!("t{n}"),
                    polarity: None,
                })
                .collect();
        },
        |a| a.spans[0].start = 1,
        |a| a.spans[0].end = 7,
        |a| a.spans[0].end = 6,
        |a| a.spans[0].end = u32::MAX,
        |a| a.spans[0].kind = 0,
        |a| a.spans[0].kind = 77,
        |a| a.spans[1].emotion = 0,
        |a| a.spans[1].kind = EvidenceKind::Intent.into(),
        |a| a.spans[1].kind = EvidenceKind::Topic.into(),
        |a| a.spans = vec![a.spans[0].clone(); SPANS + 1],
    ];
    for (n, broken) in breaks.iter().enumerate() {
        let mut analysis = good();
        broken(&mut analysis);
        assert_eq!(check_it(analysis), Checked::Dropped, "{n}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spans_that_are_kept_can_be_cut_out_of_the_text(
        text in "\\PC{0,12}",
        given in prop::collection::vec((0_u32..40, 0_u32..40, 0_i32..10), 0..4),
    ) {
        let spans = given.into_iter().map(|(start, end, kind)| EvidenceSpan {
            start,
            end,
            kind,
            emotion: 1,
            intent: 1,
            topic: "t".into(),
        });
        let analysis = TextAnalysis { spans: spans.collect(), ..TextAnalysis::default() };
        let answer = AnalyzedText { outcome: Some(Outcome::Analysis(analysis)) };
        if let Checked::Sound(said) = check(answer, &text, "und", 1) {
            for span in said.spans {
                let range = usize::try_from(span.start).unwrap()..usize::try_from(span.end).unwrap();
                prop_assert!(text.get(range).is_some_and(|words| !words.is_empty()));
            }
        }
    }

    #[test]
    fn numbers_that_are_kept_are_whole_thousandths(polarity in -1.1_f64..1.1, confidence in -0.1_f64..1.1) {
        let feeling = v1::Feeling { polarity, confidence, ..v1::Feeling::default() };
        let analysis = TextAnalysis { feeling: Some(feeling), ..TextAnalysis::default() };
        if let Checked::Sound(said) = check_it(analysis) {
            let feeling = said.feeling.unwrap();
            for number in [feeling.polarity, feeling.confidence] {
                prop_assert!((number * 1000.0 - (number * 1000.0).round()).abs() < 1e-9);
            }
            prop_assert!((-1.0..=1.0).contains(&feeling.polarity));
            prop_assert!((0.001..=1.0).contains(&feeling.confidence));
        } else {
            let inside = (-1.0..=1.0).contains(&polarity) && confidence > 0.0 && confidence <= 1.0;
            prop_assert!(!inside);
        }
    }
}
