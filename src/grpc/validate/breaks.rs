//! Changes that break one rule each, for the tests of interactions.

use prost_types::Timestamp;

use super::{
    limits::{MAX_EVENT_ID_BYTES, MAX_IDENTIFIER_BYTES, MAX_TEXT_BYTES},
    strategies::identifier,
};
use crate::proto::v1::{
    ConsentChange, Interaction, Money, Subject, SurveyScore, TextList, Trait, TraitValue,
    trait_value::Kind,
};

/// A trait.
pub(super) fn fact(name: &str, kind: Kind) -> Trait {
    Trait {
        name: name.into(),
        value: Some(TraitValue { kind: Some(kind) }),
    }
}

pub(super) type Break = fn(&mut Interaction);

/// One change to a sound interaction that takes one field over its limit, with the field and the reason.
pub(super) const BREAKS: &[(&str, &str, Break)] = &[
    ("source", "required", |m| m.source.clear()),
    ("source", "too_long", |m| m.source = "x".repeat(65)),
    ("source", "not_a_slug", |m| m.source = "Shop".into()),
    ("event_id", "required", |m| m.event_id.clear()),
    ("event_id", "too_long", |m| {
        m.event_id = "x".repeat(MAX_EVENT_ID_BYTES + 1);
    }),
    ("event_id", "control_characters", |m| {
        m.event_id = "\t".into();
    }),
    ("department", "not_a_slug", |m| m.department = "販売".into()),
    ("channel", "required", |m| m.channel.clear()),
    ("type", "required", |m| m.r#type.clear()),
    ("direction", "unknown_enum_value", |m| m.direction = 3),
    ("subject.kind", "unknown_enum_value", |m| {
        m.subject = subject(99, "1", 0);
    }),
    ("subject.kind", "required", |m| {
        m.subject = subject(0, "1", 0);
    }),
    ("subject.id", "required", |m| m.subject = subject(1, "", 0)),
    ("subject.id", "too_long", |m| {
        m.subject = subject(1, &"x".repeat(257), 0);
    }),
    ("subject.id", "control_characters", |m| {
        m.subject = subject(1, "\n", 0);
    }),
    ("subject.status", "unknown_enum_value", |m| {
        m.subject = subject(1, "1", 5);
    }),
    ("identifiers", "required", |m| m.identifiers.clear()),
    ("identifiers", "too_many", |m| {
        m.identifiers = vec![identifier("email", "a@b.example"); 33];
    }),
    ("identifiers[0].namespace", "too_long", |m| {
        m.identifiers[0].namespace = "x".repeat(33);
    }),
    ("identifiers[0].value", "required", |m| {
        m.identifiers[0].value.clear();
    }),
    ("identifiers[0].value", "too_long", |m| {
        m.identifiers[0].value = "x".repeat(MAX_IDENTIFIER_BYTES + 1);
    }),
    // One character of three bytes that normalisation turns into eighteen.
    ("identifiers[0].value", "too_long", |m| {
        m.identifiers[0] = identifier("cookie", &"ﷺ".repeat(100));
    }),
    ("identifiers[0].value", "control_characters", |m| {
        m.identifiers[0].value = "a\0b".into();
    }),
    ("traits", "too_many", |m| {
        m.traits = (0..65)
            .map(|i| fact(&format!("t{i}"), Kind::Unset(true)))
            .collect();
    }),
    ("traits[0].name", "too_long", |m| {
        m.traits = vec![fact(&"x".repeat(65), Kind::Unset(true))];
    }),
    ("traits[1].name", "duplicate_name", |m| {
        m.traits = vec![fact("a", Kind::Integer(1)), fact("a", Kind::Integer(1))];
    }),
    ("traits[0].value", "required", |m| {
        m.traits = vec![Trait {
            name: "a".into(),
            value: None,
        }];
    }),
    ("traits[0].value.text", "too_long", |m| {
        m.traits = vec![fact("a", Kind::Text("x".repeat(2_049)))];
    }),
    ("traits[0].value.decimal", "out_of_range", |m| {
        m.traits = vec![fact("a", Kind::Decimal("1".repeat(29)))];
    }),
    ("traits[0].value.date", "malformed", |m| {
        m.traits = vec![fact("a", Kind::Date("2023-02-29".into()))];
    }),
    ("traits[0].value.time", "out_of_range", |m| {
        m.traits = vec![fact(
            "a",
            Kind::Time(Timestamp {
                seconds: i64::MAX,
                nanos: 0,
            }),
        )];
    }),
    ("traits[0].value.unset", "not_allowed_here", |m| {
        m.traits = vec![fact("a", Kind::Unset(false))];
    }),
    ("traits[0].value.list.values", "too_many", |m| {
        m.traits = vec![fact("a", list(vec![String::new(); 65]))];
    }),
    ("traits[0].value.list.values[1]", "too_long", |m| {
        m.traits = vec![fact("a", list(vec![String::new(), "x".repeat(257)]))];
    }),
    ("text", "too_long", |m| {
        m.text = Some("x".repeat(MAX_TEXT_BYTES + 1));
    }),
    ("text", "control_characters", |m| m.text = Some("\0".into())),
    ("language", "too_long", |m| {
        m.language = Some("x".repeat(36));
    }),
    ("language", "malformed", |m| {
        m.language = Some("日本語".into());
    }),
    ("survey_scores", "too_many", |m| {
        m.survey_scores = vec![score(1, 5); 17];
    }),
    ("survey_scores[0].scale", "required", |m| {
        m.survey_scores = vec![score(0, 5)];
    }),
    ("survey_scores[0].scale", "unknown_enum_value", |m| {
        m.survey_scores = vec![score(8, 5)];
    }),
    ("survey_scores[0].value", "out_of_range", |m| {
        m.survey_scores = vec![score(1, 11)];
    }),
    ("money.currency", "unknown_currency", |m| {
        m.money = money("jpy", 1);
    }),
    ("money.currency", "required", |m| m.money = money("", 1)),
    ("money.minor_units", "out_of_range", |m| {
        m.money = money("JPY", 1_000_000_000_001);
    }),
    ("consent_changes", "too_many", |m| {
        m.consent_changes = vec![consent(1); 33];
    }),
    ("consent_changes[0].state", "required", |m| {
        m.consent_changes = vec![consent(0)];
    }),
    ("consent_changes[0].state", "unknown_enum_value", |m| {
        m.consent_changes = vec![consent(3)];
    }),
    ("attributes", "too_many", |m| {
        let value = prost_types::Value {
            kind: Some(prost_types::value::Kind::BoolValue(true)),
        };
        let fields = (0..65).map(|i| (i.to_string(), value.clone())).collect();
        m.attributes = Some(prost_types::Struct { fields });
    }),
];

#[expect(clippy::unnecessary_wraps, reason = "goes into an optional field")]
fn subject(kind: i32, id: &str, status: i32) -> Option<Subject> {
    Some(Subject {
        kind,
        id: id.into(),
        status,
    })
}

#[expect(clippy::unnecessary_wraps, reason = "goes into an optional field")]
fn money(currency: &str, minor_units: i64) -> Option<Money> {
    Some(Money {
        currency: currency.into(),
        minor_units,
    })
}

fn list(values: Vec<String>) -> Kind {
    Kind::List(TextList { values })
}

fn score(scale: i32, value: i32) -> SurveyScore {
    SurveyScore {
        scale,
        value,
        question: None,
    }
}

fn consent(state: i32) -> ConsentChange {
    ConsentChange {
        purpose: "marketing".into(),
        state,
        channel: None,
        address: None,
    }
}
