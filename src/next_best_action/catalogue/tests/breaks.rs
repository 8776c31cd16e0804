//! Each rule about actions, broken one at a time: that rule and no other is reported.

use super::{
    super::{Document, Entry, check::Known, limits},
    import, sound, wrong_in,
};
use crate::{
    clock::Micros,
    next_best_action::model::{Amount, Definition, Issue, Minutes, Prior, Scope, Status, Value},
};

/// Breaks the offer, which is the first action, and says where and why.
pub(super) type Break<T> = (&'static str, &'static str, fn(&mut T));

pub(super) fn long(characters: usize) -> String {
    "あ".repeat(characters)
}

/// As many different slugs.
pub(super) fn slugs(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("slug{i}")).collect()
}

const OF_NAMES: &[Break<Definition>] = &[
    ("id", "required", |a| a.id.clear()),
    ("id", "not_a_slug", |a| a.id = "An offer".to_owned()),
    ("id", "too_long", |a| a.id = "a".repeat(65)),
    ("description", "too_long", |a| a.description = long(501)),
    ("description", "control_characters", |a| {
        a.description = "a\u{202e}b".to_owned();
    }),
    ("group", "unknown_name", |a| a.group = "nobody".to_owned()),
    ("group", "required", |a| a.group.clear()),
    ("group", "contradicts", |a| a.group = "help".to_owned()),
    ("channels[1]", "unknown_name", |a| {
        a.channels = vec!["web".to_owned(), "xfax".to_owned()];
        a.placements = vec!["banner".to_owned()];
    }),
    ("channels[1]", "duplicate_name", |a| {
        a.channels = vec!["web".to_owned(), "web".to_owned()];
        a.placements = vec!["banner".to_owned()];
    }),
    ("placements[0]", "unknown_name", |a| {
        a.placements = vec!["billboard".to_owned()];
    }),
    ("placements[1]", "duplicate_name", |a| {
        a.placements = vec!["banner".to_owned(), "banner".to_owned()];
    }),
    ("placements[0]", "contradicts", |a| {
        a.channels = vec!["email".to_owned()];
        a.placements = vec!["banner".to_owned()];
    }),
    ("consent", "consent_needed", |a| a.consent.clear()),
    ("consent", "consent_needed", |a| {
        a.consent.clear();
        a.placements.clear();
    }),
    ("consent", "too_many", |a| a.consent = slugs(5)),
    ("consent[0]", "not_a_slug", |a| {
        a.consent = vec!["Marketing".to_owned()];
    }),
];

const OF_NUMBERS: &[Break<Definition>] = &[
    ("valid_from", "out_of_range", |a| {
        a.valid_from = Some(Micros(-1));
    }),
    ("valid_to", "contradicts", |a| a.valid_to = a.valid_from),
    ("value.minor_units", "out_of_range", |a| a.value = money(-1)),
    ("value.minor_units", "out_of_range", |a| {
        a.value = money(limits::MAX_VALUE + 1);
    }),
    ("value.points", "out_of_range", |a| {
        a.value = points(-1, None);
    }),
    ("value.floor", "out_of_range", |a| {
        a.value = points(1, Some(0));
    }),
    ("value.floor", "contradicts", |a| {
        a.value = points(2, Some(1));
    }),
    ("lever", "out_of_range", |a| a.lever = 201),
    ("lever", "out_of_range", |a| a.lever = -101),
    ("attribution_days", "out_of_range", |a| {
        a.attribution_days = 0;
    }),
    ("attribution_days", "out_of_range", |a| {
        a.attribution_days = 91;
    }),
    ("rewards.accepted", "out_of_range", |a| {
        a.rewards.clicked = 0.0;
        a.rewards.accepted = 0.49;
    }),
    ("rewards.impression", "out_of_range", |a| {
        a.rewards.impression = 0.5;
        a.rewards.clicked = 0.5;
    }),
    ("rewards", "contradicts", |a| a.rewards.rejected = 0.1),
    ("prior.propensity", "out_of_range", |a| {
        a.prior = Some(prior(0.0, 50.0));
    }),
    ("prior.propensity", "out_of_range", |a| {
        a.prior = Some(prior(1.0, 50.0));
    }),
    ("prior.evidence", "out_of_range", |a| {
        a.prior = Some(prior(0.5, 0.5));
    }),
    ("mandatory", "contradicts", |a| a.mandatory = true),
];

const OF_PARTS: &[Break<Definition>] = &[
    ("context", "too_many", |a| {
        let one = a.context.remove(0);
        a.context = slugs(17)
            .into_iter()
            .map(|name| crate::next_best_action::model::ContextWeight {
                name,
                ..one.clone()
            })
            .collect();
    }),
    ("context[0].name", "required", |a| a.context[0].name.clear()),
    ("context[1].name", "duplicate_name", |a| {
        a.context.push(a.context[0].clone());
    }),
    ("context[0].when", "rule_invalid", |a| {
        a.context[0].when = "wrong".to_owned();
    }),
    ("context[0].points", "out_of_range", |a| {
        a.context[0].points = 401;
    }),
    ("eligibility", "too_many", |a| {
        a.eligibility = slugs(9).iter().map(|name| sound::rule(name)).collect();
    }),
    ("eligibility[0].name", "not_a_slug", |a| {
        a.eligibility[0].name = "Of age".to_owned();
    }),
    ("applicability[0].name", "duplicate_name", |a| {
        a.applicability[0].name = "adult".to_owned();
    }),
    ("suitability[0].rule", "rule_invalid", |a| {
        a.suitability[0].rule = "wrong".to_owned();
    }),
    ("suitability[0].rule", "required", |a| {
        a.suitability[0].rule = " ".to_owned();
    }),
    ("suitability[0].rule", "too_long", |a| {
        a.suitability[0].rule = "x".repeat(4_097);
    }),
    ("caps", "too_many", |a| {
        a.caps = vec![sound::cap(Scope::All); 9];
    }),
    ("caps[0].limit", "out_of_range", |a| a.caps[0].limit = 0),
    ("caps[0].limit", "out_of_range", |a| a.caps[0].limit = 17),
    ("caps[1].limit", "out_of_range", |a| a.caps[1].limit = 65),
    ("caps[0].window", "out_of_range", |a| {
        a.caps[0].window = Minutes(0);
    }),
    ("caps[0].pause", "out_of_range", |a| {
        a.caps[0].pause = Minutes::days(366);
    }),
    ("caps[1].of", "not_allowed_here", |a| {
        a.caps[1].of = Some("email".to_owned());
    }),
    ("caps[1].channels[0]", "unknown_name", |a| {
        a.caps[1].channels = vec!["fax".to_owned()];
    }),
    ("texts", "text_missing", |a| {
        a.texts.retain(|text| text.locale.as_str() == "en");
    }),
    ("texts.en.title", "required", |a| {
        a.texts[0].title = "\u{3000}".to_owned();
    }),
    ("texts.en.title", "too_long", |a| {
        a.texts[0].title = long(121);
    }),
    ("texts.en.title", "control_characters", |a| {
        a.texts[0].title.push('\n');
    }),
    ("texts.ja.body", "too_long", |a| {
        a.texts[1].body = long(1_001);
    }),
    ("texts.ja.body", "control_characters", |a| {
        a.texts[1].body.push('\0');
    }),
    ("texts.en.call_to_action", "too_long", |a| {
        a.texts[0].call_to_action = long(41);
    }),
    ("texts.en.call_to_action", "contradicts", |a| {
        a.texts[0].call_to_action.clear();
    }),
    ("texts.en.link", "too_long", |a| {
        a.texts[0].link = format!("/{}", "a".repeat(500));
    }),
    ("texts", "too_many", |a| {
        let more = (b'a'..=b'p').map(|c| sound::text(&format!("x{}", char::from(c))));
        a.texts.extend(more.take(15));
    }),
];

fn money(minor_units: i64) -> Value {
    let currency = "JPY".to_owned();
    Value {
        amount: Amount::Money {
            currency,
            minor_units,
        },
        floor: None,
    }
}

fn points(points: i64, floor: Option<i64>) -> Value {
    Value {
        amount: Amount::Points(points),
        floor,
    }
}

fn prior(propensity: f64, evidence: f64) -> Prior {
    Prior {
        propensity,
        evidence,
    }
}

#[test]
fn nothing_is_wrong_with_the_document_that_is_broken_here() {
    let text = super::export(&sound::document());
    assert_eq!(import(&[&text], &Known::default()).err(), None);
}

#[test]
fn each_rule_about_actions_is_reported_when_it_alone_is_broken() {
    for (field, reason, break_it) in [OF_NAMES, OF_NUMBERS, OF_PARTS].concat() {
        let mut document = sound::document();
        break_it(&mut document.actions[0].definition);
        let expected = vec![(format!("actions[0].{field}"), reason)];
        assert_eq!(wrong_in(&document), expected);
    }
}

#[test]
fn a_channel_without_placements_reaches_out_too() {
    let mut document = sound::document();
    let policy = document.policy.as_mut().unwrap();
    policy.placements.clear();
    let offer = &mut document.actions[0].definition;
    offer.placements.clear();
    offer.consent.clear();
    let expected = ("actions[0].consent".to_owned(), "consent_needed");
    assert_eq!(wrong_in(&document), [expected]);
    document.actions[0].definition.channels = vec!["web".to_owned()];
    let text = super::export(&document);
    assert_eq!(import(&[&text], &Known::default()).err(), None);
}

#[test]
fn no_channel_and_its_placements_are_wrong_together() {
    let mut document = sound::document();
    document.actions[0].definition.channels.clear();
    let wrong = wrong_in(&document);
    assert_eq!(wrong[0], ("actions[0].channels".to_owned(), "required"));
    assert!(
        wrong[1..]
            .iter()
            .all(|(_, reason)| *reason == "contradicts")
    );
}

#[test]
fn a_value_in_another_currency_or_in_none_is_refused() {
    for (currency, reasons) in [
        ("USD", vec!["contradicts"]),
        ("XYZ", vec!["unknown_currency", "contradicts"]),
        ("", vec!["required", "contradicts"]),
    ] {
        let mut document = sound::document();
        let currency = currency.to_owned();
        document.actions[0].definition.value.amount = Amount::Money {
            currency,
            minor_units: 1,
        };
        let wrong: Vec<&str> = wrong_in(&document)
            .iter()
            .map(|(_, reason)| *reason)
            .collect();
        assert_eq!(wrong, reasons);
    }
}

#[test]
fn a_link_leads_to_a_safe_place_or_is_refused() {
    let link = |link: &str| {
        let mut document = sound::document();
        link.clone_into(&mut document.actions[0].definition.texts[0].link);
        import(&[&super::export(&document)], &Known::default())
    };
    for sound in [
        "/",
        "/a/b?c=1",
        "https://shop.example",
        "https://shop.example:8443/%E3%81%82",
    ] {
        assert_eq!(link(sound).err(), None, "{sound}");
    }
    for bad in [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "http://shop.example",
        "//evil.example",
        "/\\evil.example",
        "https://",
        "https:///a",
        "https://user@evil.example",
        "https://shop.example/\"onload=",
        "https://shop.example/あ",
        "/a b",
        "shop.example",
    ] {
        let wrong = link(bad).expect_err(bad);
        assert_eq!((wrong.len(), wrong[0].reason), (1, "malformed"), "{bad}");
    }
}

#[test]
fn a_definition_of_very_many_bytes_is_refused_as_a_whole() {
    let mut document = sound::document();
    let texts = &mut document.actions[0].definition.texts;
    texts.extend((b'a'..=b'n').map(|c| sound::text(&format!("x{}", char::from(c)))));
    for text in texts {
        text.body = "𠮷".repeat(1_000);
    }
    assert_eq!(
        wrong_in(&document),
        [("actions[0]".to_owned(), "too_large")]
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let mut document = Document {
        segments: Vec::new(),
        ..sound::document()
    };
    let action = &mut document.actions[0].definition;
    let mut expected = Vec::new();
    for (field, reason, break_it) in OF_NUMBERS.iter().skip(7).take(4).chain(&OF_PARTS[3..5]) {
        break_it(action);
        expected.push((format!("actions[0].{field}"), *reason));
    }
    document.actions.push(Entry {
        definition: Definition {
            id: "third".to_owned(),
            issue: Issue::Listen,
            ..sound::offer()
        },
        status: Status::Draft,
    });
    expected.push(("actions[2].group".to_owned(), "contradicts"));
    let mut wrong = wrong_in(&document);
    wrong.sort();
    expected.sort();
    expected.dedup();
    assert_eq!(wrong, expected);
}
