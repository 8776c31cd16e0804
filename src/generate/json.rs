//! The protocol's JSON of an interaction: one line, fields in the order of the protocol, the same bytes on every machine.

use std::fmt::Write as _;

use prost_types::{Struct, value::Kind as AttributeKind};
use serde_json::Value;

use crate::{
    clock::Micros,
    proto::v1::{Identifier, Interaction, Trait, trait_value::Kind},
};

/// An object in the making. Writing to a string cannot fail, so results of it are not looked at.
struct Object<'a> {
    out: &'a mut String,
    first: bool,
}

impl<'a> Object<'a> {
    fn open(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, first: true }
    }

    fn key(&mut self, name: &str) -> &mut String {
        if !self.first {
            self.out.push(',');
        }
        self.first = false;
        let _ = write!(self.out, "{}:", quoted(name));
        self.out
    }

    fn text(&mut self, name: &str, value: &str) {
        let text = quoted(value);
        self.key(name).push_str(&text);
    }

    /// Left out when empty, as the protocol does.
    fn word(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.text(name, value);
        }
    }

    fn list<T>(&mut self, name: &str, items: &[T], one: impl Fn(&mut String, &T)) {
        if items.is_empty() {
            return;
        }
        let out = self.key(name);
        out.push('[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            one(out, item);
        }
        out.push(']');
    }

    fn close(self) {
        self.out.push('}');
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Adds an interaction, without a line end.
pub fn write(out: &mut String, of: &Interaction) {
    let mut object = Object::open(out);
    object.word("source", &of.source);
    object.word("eventId", &of.event_id);
    if let Some(at) = of.occurred_at.as_ref().and_then(Micros::from_proto) {
        object.text("occurredAt", &at.to_string());
    }
    object.word("department", &of.department);
    object.word("channel", &of.channel);
    object.word("type", &of.r#type);
    if let Some(subject) = &of.subject {
        let mut inner = Object::open(object.key("subject"));
        inner.text("kind", subject.kind().as_str_name());
        inner.word("id", &subject.id);
        if subject.status != 0 {
            inner.text("status", subject.status().as_str_name());
        }
        inner.close();
    }
    if of.direction != 0 {
        object.text("direction", of.direction().as_str_name());
    }
    object.list("identifiers", &of.identifiers, identifier);
    object.list("traits", &of.traits, fact);
    if let Some(text) = &of.text {
        object.text("text", text);
    }
    if let Some(language) = &of.language {
        object.text("language", language);
    }
    object.list("surveyScores", &of.survey_scores, |out, score| {
        let mut inner = Object::open(out);
        inner.text("scale", score.scale().as_str_name());
        let value = score.value.to_string();
        inner.key("value").push_str(&value);
        if let Some(question) = &score.question {
            inner.text("question", question);
        }
        inner.close();
    });
    if let Some(money) = &of.money {
        let mut inner = Object::open(object.key("money"));
        inner.word("currency", &money.currency);
        inner.text("minorUnits", &money.minor_units.to_string());
        inner.close();
    }
    object.list("consentChanges", &of.consent_changes, |out, change| {
        let mut inner = Object::open(out);
        inner.word("purpose", &change.purpose);
        inner.text("state", change.state().as_str_name());
        if let Some(channel) = &change.channel {
            inner.text("channel", channel);
        }
        if let Some(address) = &change.address {
            identifier(inner.key("address"), address);
        }
        inner.close();
    });
    if let Some(given) = &of.attributes {
        attributes(object.key("attributes"), given);
    }
    object.close();
}

fn identifier(out: &mut String, of: &Identifier) {
    let mut inner = Object::open(out);
    inner.word("namespace", &of.namespace);
    inner.word("value", &of.value);
    inner.close();
}

/// The kinds of values that people here have.
fn fact(out: &mut String, of: &Trait) {
    let mut inner = Object::open(out);
    inner.word("name", &of.name);
    if let Some(kind) = of.value.as_ref().and_then(|value| value.kind.as_ref()) {
        let mut value = Object::open(inner.key("value"));
        match kind {
            Kind::Text(text) => value.text("text", text),
            Kind::Decimal(text) => value.text("decimal", text),
            Kind::Date(text) => value.text("date", text),
            Kind::Integer(number) => value.text("integer", &number.to_string()),
            Kind::Boolean(truth) => value.key("boolean").push_str(&truth.to_string()),
            Kind::List(list) => {
                let mut inner = Object::open(value.key("list"));
                inner.list("values", &list.values, |out, text| {
                    out.push_str(&quoted(text));
                });
                inner.close();
            }
            Kind::Time(_) | Kind::Unset(_) => (),
        }
        value.close();
    }
    inner.close();
}

/// Texts, truths and whole numbers, nothing nested.
fn attributes(out: &mut String, of: &Struct) {
    let mut inner = Object::open(out);
    for (name, value) in &of.fields {
        match &value.kind {
            Some(AttributeKind::StringValue(text)) => inner.text(name, text),
            Some(AttributeKind::BoolValue(truth)) => inner.key(name).push_str(&truth.to_string()),
            Some(AttributeKind::NumberValue(number)) => {
                inner.key(name).push_str(&number.to_string());
            }
            _ => inner.key(name).push_str("null"),
        }
    }
    inner.close();
}
