//! An interaction for a person to read, in the names of the protocol. Only for a dry run, whose purpose is to show it.

use prost_types::{Struct, value::Kind};
use serde_json::{Map, Value, json};

use crate::{
    clock::Micros,
    proto::v1::{Identifier, Interaction, TraitValue, trait_value},
};

pub(super) fn interaction(of: &Interaction) -> Value {
    let mut shown = Map::new();
    let mut put = |key: &str, value: Value| {
        let empty = match &value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        if !empty {
            shown.insert(key.to_owned(), value);
        }
    };
    put("source", json!(of.source));
    put("event_id", json!(of.event_id));
    put("occurred_at", json!(of.occurred_at.as_ref().and_then(time)));
    put("department", json!(of.department));
    put("channel", json!(of.channel));
    put("type", json!(of.r#type));
    if let Some(subject) = &of.subject {
        let kind = subject.kind().as_str_name();
        let status = subject.status().as_str_name();
        put(
            "subject",
            json!({"kind": kind, "id": subject.id, "status": status}),
        );
    }
    if of.direction != 0 {
        put("direction", json!(of.direction().as_str_name()));
    }
    put(
        "identifiers",
        of.identifiers.iter().map(identifier).collect(),
    );
    put(
        "traits",
        of.traits
            .iter()
            .map(|t| json!({"name": t.name, "value": t.value.as_ref().map(trait_value)}))
            .collect(),
    );
    put("text", json!(of.text));
    put("language", json!(of.language));
    put(
        "survey_scores",
        of.survey_scores
            .iter()
            .map(|s| json!({"scale": s.scale().as_str_name(), "value": s.value, "question": s.question}))
            .collect(),
    );
    if let Some(money) = &of.money {
        put(
            "money",
            json!({"currency": money.currency, "minor_units": money.minor_units}),
        );
    }
    put(
        "consent_changes",
        of.consent_changes
            .iter()
            .map(|c| {
                let address = c.address.as_ref().map(identifier);
                let state = c.state().as_str_name();
                json!({"purpose": c.purpose, "state": state, "channel": c.channel, "address": address})
            })
            .collect(),
    );
    put(
        "attributes",
        of.attributes.as_ref().map_or(Value::Null, attributes),
    );
    Value::Object(shown)
}

fn identifier(of: &Identifier) -> Value {
    json!({"namespace": of.namespace, "value": of.value})
}

fn time(at: &prost_types::Timestamp) -> Option<String> {
    Micros::from_proto(at).map(|at| at.to_string())
}

fn trait_value(value: &TraitValue) -> Value {
    match &value.kind {
        Some(
            trait_value::Kind::Text(text)
            | trait_value::Kind::Decimal(text)
            | trait_value::Kind::Date(text),
        ) => json!(text),
        Some(trait_value::Kind::Integer(number)) => json!(number),
        Some(trait_value::Kind::Boolean(value)) => json!(value),
        Some(trait_value::Kind::Time(at)) => json!(time(at)),
        Some(trait_value::Kind::List(list)) => json!(list.values),
        Some(trait_value::Kind::Unset(_)) | None => Value::Null,
    }
}

/// The attributes that a mapping makes: no lists, nothing nested.
fn attributes(of: &Struct) -> Value {
    let value = |value: &prost_types::Value| match &value.kind {
        Some(Kind::StringValue(text)) => json!(text),
        Some(Kind::NumberValue(number)) => json!(number),
        Some(Kind::BoolValue(value)) => json!(value),
        _ => Value::Null,
    };
    let fields = of.fields.iter();
    Value::Object(fields.map(|(k, v)| (k.clone(), value(v))).collect())
}
