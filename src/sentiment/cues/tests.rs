use super::*;
use proptest::prelude::*;

#[test]
fn every_line_of_the_tables_can_be_read() {
    let mut problems = Table::parse(&ENGLISH).problems;
    problems.extend(Table::parse(&JAPANESE).problems);
    assert!(
        problems.is_empty(),
        "{} problems:\n{}",
        problems.len(),
        problems.join("\n")
    );
}

#[test]
fn the_tables_compile() {
    assert!(ENGLISH_MATCHER.is_compiled() && JAPANESE_MATCHER.is_compiled());
    assert_eq!(Taxonomy::standard().names().len(), 15);
}

/// Whether the cues hold something of the kind named as in the tables.
fn holds(cues: &Cues, name: &str) -> bool {
    match Kind::from_name(name) {
        Some(Kind::Hard) => cues.effort.iter().any(|found| found.what == 1),
        Some(Kind::Easy) => cues.effort.iter().any(|found| found.what == -1),
        Some(Kind::Leaving) => !cues.leaving.is_empty(),
        Some(Kind::Safety) => !cues.safety_or_legal.is_empty(),
        Some(Kind::Intent(what)) => cues.intents.iter().any(|found| found.what == what),
        Some(Kind::Emotion(what)) => cues.emotions.iter().any(|found| found.what == what),
        Some(Kind::Rhetorical) | None => panic!("no kind {name}"),
    }
}

fn check(cases: &str, language: Language) {
    let mut wrong = Vec::new();
    for line in cases.lines() {
        let parts: Vec<&str> = line.split('\t').collect();
        let [kind, expected, text] = parts[..] else {
            panic!("{line}")
        };
        if holds(&find(text, language, Taxonomy::standard()), kind) != (expected == "+") {
            wrong.push(line);
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} wrong:\n{}",
        wrong.len(),
        cases.lines().count(),
        wrong.join("\n")
    );
}

#[test]
fn english_cases_come_out_as_a_reader_would_say() {
    check(include_str!("cases/en.tsv"), Language::English);
}

#[test]
fn japanese_cases_come_out_as_a_reader_would_say() {
    check(include_str!("cases/ja.tsv"), Language::Japanese);
}

fn ranges(cues: &Cues) -> Vec<(usize, usize)> {
    let mut all: Vec<(usize, usize)> = Vec::new();
    all.extend(cues.effort.iter().map(|found| (found.start, found.end)));
    all.extend(cues.emotions.iter().map(|found| (found.start, found.end)));
    all.extend(cues.intents.iter().map(|found| (found.start, found.end)));
    all.extend(cues.leaving.iter().map(|found| (found.start, found.end)));
    all.extend(
        cues.safety_or_legal
            .iter()
            .map(|found| (found.start, found.end)),
    );
    all.extend(cues.topics.iter().map(|found| (found.start, found.end)));
    all
}

fn assert_on_boundaries(text: &str) {
    for language in [Language::English, Language::Japanese, Language::Unknown] {
        let cues = find(text, language, Taxonomy::standard());
        for (start, end) in ranges(&cues) {
            assert!(
                start < end && text.get(start..end).is_some(),
                "{start}..{end} of {text:?}"
            );
        }
    }
}

proptest! {
    #[test]
    fn any_text_gives_ranges_on_character_boundaries(text in any::<String>()) {
        assert_on_boundaries(&text);
    }

    #[test]
    fn phrases_amid_any_text_give_ranges_on_character_boundaries(
        parts in prop::collection::vec(
            prop_oneof![
                any::<String>(),
                Just("I don’t  want to cancel — my ac\u{301}count?".to_owned()),
                Just("ひどーい😡ﾀﾞﾒ".to_owned()),
                Just("解約 したい。".to_owned()),
                Just("caught 🔥 fire ".to_owned()),
                Just("二度と〜使いません!?".to_owned()),
            ],
            0..8,
        ),
    ) {
        assert_on_boundaries(&parts.concat());
    }
}

#[test]
fn a_topic_is_found_by_the_tenants_own_words() {
    let taxonomy = Taxonomy::new(vec![
        (
            "bikes".to_owned(),
            vec!["E-Bike".to_owned(), "自転車".to_owned()],
        ),
        ("locks".to_owned(), vec!["bike lock".to_owned()]),
    ])
    .unwrap();
    let text = "Two e-bikes and a bike lock";
    let cues = find(text, Language::English, &taxonomy);
    let found: Vec<(u16, &str)> = cues
        .topics
        .iter()
        .map(|topic| (topic.what, &text[topic.start..topic.end]))
        .collect();
    assert_eq!(found, [(0, "e-bikes"), (1, "bike lock")]);
    assert_eq!(taxonomy.name(1), Some("locks"));
}

#[test]
fn a_taxonomy_beyond_its_limits_names_every_violation() {
    let long = "x".repeat(65);
    let mut topics = vec![
        (
            "a".to_owned(),
            vec!["ok".to_owned(), long.clone(), " ".to_owned()],
        ),
        ("a".to_owned(), Vec::new()),
        (String::new(), vec!["t".to_owned(); 65]),
    ];
    assert_eq!(
        Taxonomy::new(topics.clone()).unwrap_err(),
        [
            Violation::Term { topic: 0, term: 1 },
            Violation::Term { topic: 0, term: 2 },
            Violation::RepeatedName { topic: 1 },
            Violation::NoTerms { topic: 1 },
            Violation::Name { topic: 2 },
            Violation::TooManyTerms {
                topic: 2,
                given: 65
            },
        ]
    );
    topics = (0..65)
        .map(|at| (at.to_string(), vec!["t".to_owned()]))
        .collect();
    assert_eq!(
        Taxonomy::new(topics).unwrap_err(),
        [Violation::TooManyTopics { given: 65 }]
    );
}

#[test]
fn silence_about_effort_is_no_statement() {
    let cues = find(
        "The parcel is blue.",
        Language::English,
        Taxonomy::standard(),
    );
    assert!(cues.effort.is_empty());
}

#[test]
fn findings_of_one_kind_do_not_overlap() {
    let text = "never again, never ever again will we fly with you again";
    let found = find(text, Language::English, Taxonomy::standard()).leaving;
    assert!(
        found.windows(2).all(|pair| pair[0].end <= pair[1].start),
        "{found:?}"
    );
}
