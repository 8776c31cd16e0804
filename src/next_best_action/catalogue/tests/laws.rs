//! Laws of reading and writing.

use proptest::{prelude::*, test_runner::Config};

use super::{
    super::{Document, Entry, check::Known, digest, export, export_in_parts, limits},
    AnyRule, import, sound,
    strategies::{document, spelled},
};
use crate::next_best_action::model::{Definition, LanguageTag, Text};

fn canonical(document: Document) -> Document {
    let actions = document.actions.into_iter().map(|entry| Entry {
        definition: entry.definition.canonical(),
        ..entry
    });
    Document {
        policy: document.policy.map(super::super::Policy::canonical),
        segments: document.segments,
        actions: actions.collect(),
    }
}

fn read(texts: &[&str]) -> Document {
    let import = import(texts, &Known::default()).unwrap();
    let actions = import.actions.into_iter();
    Document {
        policy: import
            .policy
            .map(crate::next_best_action::model::Valid::into_inner),
        segments: import
            .segments
            .into_iter()
            .map(crate::next_best_action::model::Valid::into_inner)
            .collect(),
        actions: actions
            .map(|(definition, status)| Entry {
                definition: definition.into_inner(),
                status,
            })
            .collect(),
    }
}

proptest! {
    #![proptest_config(Config { cases: 200, failure_persistence: None, ..Config::default() })]

    #[test]
    fn what_is_written_is_read_as_it_was(document in document()) {
        let text = export(&document);
        let back = read(&[&text]);
        prop_assert_eq!(&back, &canonical(document));
        prop_assert_eq!(export(&back), text);
    }

    #[test]
    fn a_digest_is_that_of_the_meaning(document in document(), turn in 0..16_usize) {
        for Entry { definition, .. } in &document.actions {
            let digest = digest::of_action(definition);
            let mut turned = definition.clone();
            turned.channels.reverse();
            turned.consent.reverse();
            let texts = turned.texts.len();
            turned.texts.rotate_left(turn % texts);
            prop_assert_eq!(digest::of_action(&turned), digest);
            turned.lever += 1;
            prop_assert_ne!(digest::of_action(&turned), digest);
        }
    }

    #[test]
    fn nothing_that_is_read_makes_reading_fail(document in document(), at in any::<prop::sample::Index>(), junk in ".{0,3}") {
        // One place of a sound text is overwritten: what comes out is sound, or everything that is wrong has a line.
        let mut text: Vec<char> = export(&document).chars().collect();
        let at = at.index(text.len());
        text.splice(at..at, junk.chars());
        let text: String = text.into_iter().collect();
        if let Err(wrong) = import(&[&text], &Known::default()) {
            prop_assert!(!wrong.is_empty());
            prop_assert!(wrong.iter().all(|v| v.line.is_some() || !v.path.starts_with("documents[")));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        prop_assert!(import(&[&text], &Known::default()).is_err());
    }

    #[test]
    fn a_tag_is_one_however_it_is_spelled((tag, spelled) in spelled()) {
        prop_assert_eq!(spelled.parse::<LanguageTag>(), Ok(tag));
    }
}

#[test]
fn every_field_is_part_of_the_digest() {
    let digest = digest::of_action(&sound::offer());
    let changes: &[fn(&mut Definition)] = &[
        |a| a.id.push('x'),
        |a| a.description.clear(),
        |a| a.issue = crate::next_best_action::model::Issue::Serve,
        |a| a.group.push('x'),
        |a| a.channels.truncate(1),
        |a| a.placements.truncate(1),
        |a| a.valid_from = None,
        |a| a.valid_to = None,
        |a| a.value.floor = None,
        |a| a.lever = 0,
        |a| a.context.clear(),
        |a| a.eligibility.clear(),
        |a| a.eligibility = a.suitability.clone(),
        |a| std::mem::swap(&mut a.eligibility, &mut a.suitability),
        |a| a.applicability.reverse(),
        |a| a.consent.clear(),
        |a| a.caps.reverse(),
        |a| a.attribution_days = 8,
        |a| a.rewards.clicked = 0.26,
        |a| a.prior = None,
        |a| a.high_risk = false,
        |a| a.mandatory = true,
        |a| a.texts[0].title.push('x'),
        |a| a.texts[0].body.clear(),
        |a| a.texts[0].call_to_action.clear(),
        |a| a.texts[0].link.clear(),
        |a| a.texts[0].locale = sound::tag("fr"),
    ];
    let mut seen = std::collections::BTreeSet::from([digest]);
    for (place, change) in changes.iter().enumerate() {
        let mut other = sound::offer();
        change(&mut other);
        assert!(seen.insert(digest::of_action(&other)), "change {place}");
    }
}

#[test]
fn the_digest_of_a_definition_never_changes() {
    let (offer, help) = (sound::offer(), sound::help());
    assert_eq!(
        digest::of_action(&offer).to_string(),
        "d6fd7949d76b9b791f70dc355c7c1a0e"
    );
    assert_eq!(
        digest::of_action(&help).to_string(),
        "8706f65562fa277267f4886c5bc8a783"
    );
}

#[test]
fn the_text_of_a_document_never_changes() {
    let text = export(&sound::document());
    assert_eq!(text, include_str!("sound.yaml"));
}

#[test]
fn a_large_catalogue_is_written_in_parts_that_can_be_read() {
    let mut document = sound::document();
    for i in 0..400 {
        let mut entry = document.actions[0].clone();
        entry.definition.id = format!("offer{i}");
        entry.definition.texts[0].body = "長い文".repeat(333);
        document.actions.push(entry);
    }
    document
        .actions
        .sort_by(|a, b| a.definition.id.cmp(&b.definition.id));
    let parts = export_in_parts(document.clone());
    assert!(parts.len() > 1);
    assert!(
        parts
            .iter()
            .all(|part| part.len() <= limits::MAX_YAML_BYTES)
    );
    let known_policy = document.policy.clone().unwrap();
    let help = sound::help();
    let known = Known {
        policy: Some(&known_policy),
        actions: &[(&help, crate::next_best_action::model::Status::Active)],
        segments: &[],
    };
    let mut back = Vec::new();
    for part in &parts {
        let taken = super::super::take_apart(&[part]);
        back.extend(taken.check(&known, &AnyRule).unwrap().actions);
    }
    let ids: Vec<&str> = back.iter().map(|(one, _)| one.get().id.as_str()).collect();
    let expected = document
        .actions
        .iter()
        .map(|entry| entry.definition.id.as_str());
    assert!(expected.eq(ids));
}

#[test]
fn a_text_without_a_default_field_reads_as_one_that_says_it() {
    let said = "lever: 0\n    mandatory: false\n    context: []\n    rewards: {clicked: 0}\n    ";
    let action = "catalogue: 1\nactions:\n  - id: a\n    @issue: serve\n    group: help\n    channels: [web]\n    \
        value: {points: 0}\n    attribution_days: 7\n    texts: {ja: {title: あ}}\n";
    let policy = sound::policy();
    let help = sound::help();
    let known = Known {
        policy: Some(&policy),
        actions: &[(&help, crate::next_best_action::model::Status::Active)],
        segments: &[],
    };
    let read = |text: &str| import(&[text], &known).unwrap();
    assert_eq!(
        read(&action.replace('@', said)),
        read(&action.replace('@', ""))
    );
    let text: &Text = &read(&action.replace('@', "")).actions[0].0.get().texts[0].clone();
    assert_eq!(text.title, "あ");
}
