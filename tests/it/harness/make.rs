//! Interactions to send.

use customer_profile::proto::v1::{
    ConsentChange, ConsentState, Direction, Identifier, Interaction, Money, ProfileLookup, Subject,
    SubjectKind, SubjectStatus, SurveyScale, SurveyScore, TextList, Trait, TraitValue,
    trait_value::Kind,
};
use prost_types::Timestamp;

/// A day in 2024, at noon, plus seconds.
pub fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp {
        seconds: 1_710_000_000 + seconds,
        nanos: 0,
    })
}

pub fn identifier(text: &str) -> Identifier {
    let (namespace, value) = text.split_once('=').unwrap();
    Identifier {
        namespace: namespace.into(),
        value: value.into(),
    }
}

/// A page view of someone with these identifiers, as namespace=value.
pub fn seen(event_id: &str, seconds: i64, identifiers: &[&str]) -> Interaction {
    Interaction {
        source: "test".into(),
        event_id: event_id.into(),
        occurred_at: at(seconds),
        department: "web".into(),
        channel: "web".into(),
        r#type: "page.viewed".into(),
        direction: Direction::Inbound.into(),
        identifiers: identifiers.iter().map(|i| identifier(i)).collect(),
        ..Interaction::default()
    }
}

/// An order of someone.
pub fn order(event_id: &str, seconds: i64, who: &str, order: &str, yen: i64) -> Interaction {
    Interaction {
        department: "sales".into(),
        r#type: "order.placed".into(),
        subject: Some(subject(
            SubjectKind::Order,
            order,
            SubjectStatus::Unspecified,
        )),
        money: Some(Money {
            currency: "JPY".into(),
            minor_units: yen,
        }),
        ..seen(event_id, seconds, &[who])
    }
}

pub fn subject(kind: SubjectKind, id: &str, status: SubjectStatus) -> Subject {
    Subject {
        kind: kind.into(),
        id: id.into(),
        status: status.into(),
    }
}

/// A look-up by one identifier.
pub fn by(text: &str) -> Option<ProfileLookup> {
    Some(ProfileLookup {
        profile_id: String::new(),
        identifiers: vec![identifier(text)],
    })
}

/// A step in the life of a ticket of someone.
pub fn ticket(event_id: &str, seconds: i64, who: &str, step: &str, id: &str) -> Interaction {
    Interaction {
        department: "support".into(),
        channel: "chat".into(),
        r#type: format!("ticket.{step}"),
        subject: Some(subject(SubjectKind::Ticket, id, SubjectStatus::Unspecified)),
        ..seen(event_id, seconds, &[who])
    }
}

/// An interaction that states traits.
pub fn stating(event_id: &str, seconds: i64, who: &str, traits: &[(&str, Kind)]) -> Interaction {
    Interaction {
        traits: traits
            .iter()
            .map(|(name, kind)| fact(name, kind.clone()))
            .collect(),
        ..seen(event_id, seconds, &[who])
    }
}

/// A trait.
pub fn fact(name: &str, kind: Kind) -> Trait {
    Trait {
        name: name.into(),
        value: Some(TraitValue { kind: Some(kind) }),
    }
}

/// A text as the value of a trait.
pub fn text(text: &str) -> Kind {
    Kind::Text(text.into())
}

/// Texts as the value of a trait.
pub fn list(texts: &[&str]) -> Kind {
    Kind::List(TextList {
        values: texts.iter().map(|text| (*text).to_owned()).collect(),
    })
}

/// An interaction that changes one consent.
pub fn consent(
    event_id: &str,
    seconds: i64,
    who: &str,
    state: ConsentState,
    address: Option<&str>,
) -> Interaction {
    Interaction {
        r#type: "consent.changed".into(),
        consent_changes: vec![ConsentChange {
            purpose: "marketing".into(),
            state: state.into(),
            channel: None,
            address: address.map(identifier),
        }],
        ..seen(event_id, seconds, &[who])
    }
}

/// The answer to one survey question.
pub fn answer(
    event_id: &str,
    seconds: i64,
    who: &str,
    scale: SurveyScale,
    value: i32,
) -> Interaction {
    Interaction {
        r#type: "survey.answered".into(),
        survey_scores: vec![SurveyScore {
            scale: scale.into(),
            value,
            question: None,
        }],
        ..seen(event_id, seconds, &[who])
    }
}
