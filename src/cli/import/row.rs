//! A row and a mapping to an interaction. Pure.
//!
//! What must stay true: the same row always gives the same interaction, to the byte, so that a second import finds only
//! duplicates; every fault of a row is named; and no reason holds a text of the row, because reasons go to files and
//! terminals.

use prost::Message as _;
use prost_types::{Struct, Value as ProtoValue, value::Kind};
use rust_decimal::{Decimal, prelude::ToPrimitive as _};

use crate::proto::v1::{
    CallerSentiment, ConsentChange, Identifier, Interaction, Money, Subject, SurveyScore, TextList,
    Trait, TraitValue, trait_value,
};

use super::{
    mapping::{
        AttributeKind, AttributeOf, ConsentOf, IdentifierOf, Mapping, ScoreOf, Template, TraitKind,
        TraitOf, When, words,
    },
    money,
    table::Row,
};

/// The largest interaction that the service takes, encoded.
pub(super) const LARGEST: usize = 64 * 1024;

/// Why a row is no interaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// The event id, where that much could be made out.
    pub event_id: Option<String>,
    /// Everything that is wrong.
    pub reasons: Vec<String>,
}

/// The interaction that a row says.
///
/// # Errors
/// Everything that is wrong with the row.
pub fn interaction(mapping: &Mapping, row: &Row) -> Result<Interaction, Faults> {
    let fields = &mapping.fields;
    let mut making = Making {
        row,
        reasons: Vec::new(),
    };
    let event_id = making.required("event_id", &fields.event_id);
    let made = Interaction {
        source: making.required("source", &fields.source),
        event_id: event_id.clone(),
        occurred_at: making.occurred_at(mapping),
        department: making.required("department", &fields.department),
        channel: making.required("channel", &fields.channel),
        r#type: making.required("type", &fields.kind),
        subject: making.subject(mapping),
        direction: making.direction(mapping),
        identifiers: making.identifiers(&fields.identifiers),
        traits: making.each("traits", &fields.traits, Making::trait_of),
        text: making.scalar(fields.text.as_ref(), Template::text),
        language: making.scalar(fields.language.as_ref(), Template::key),
        survey_scores: making.each("survey_scores", &fields.survey_scores, Making::score),
        money: making.money(mapping),
        consent_changes: making.each("consent_changes", &fields.consent_changes, Making::consent),
        attributes: making.attributes(&fields.attributes),
        sentiment: making.sentiment(mapping),
        offer: None,
    };
    let length = made.encoded_len();
    if length > LARGEST {
        let reason = format!("the interaction is {length} bytes long, more than {LARGEST}");
        making.reasons.push(reason);
    }
    if making.reasons.is_empty() {
        Ok(made)
    } else {
        Err(Faults {
            event_id: (!event_id.is_empty()).then_some(event_id),
            reasons: making.reasons,
        })
    }
}

/// An interaction in the making. The methods answer `None` for what is left out, and for what is wrong after noting it.
struct Making<'a> {
    row: &'a Row,
    reasons: Vec<String>,
}

impl Making<'_> {
    fn fault(&mut self, path: &str, what: &str) {
        self.reasons.push(format!("{path} {what}"));
    }

    fn counts(&self, when: Option<&When>) -> bool {
        when.is_none_or(|when| when.holds(self.row))
    }

    fn required(&mut self, path: &str, template: &Template) -> String {
        template.key(self.row).unwrap_or_else(|| {
            self.fault(path, "is empty");
            String::new()
        })
    }

    /// A word that stands for a value of the protocol.
    fn word<T>(
        &mut self,
        path: &str,
        template: &Template,
        read: impl Fn(&str) -> Option<T>,
        what: &str,
    ) -> Option<T> {
        let word = template.key(self.row).unwrap_or_default();
        let value = read(&word);
        if value.is_none() {
            self.fault(path, what);
        }
        value
    }

    fn scalar(
        &self,
        scalar: Option<&super::mapping::Scalar>,
        read: impl Fn(&Template, &Row) -> Option<String>,
    ) -> Option<String> {
        let scalar = scalar.filter(|s| self.counts(s.when.as_ref()))?;
        read(&scalar.value, self.row)
    }

    fn each<T, U>(
        &mut self,
        list: &str,
        items: &[T],
        make: impl Fn(&mut Self, &str, &T) -> Option<U>,
    ) -> Vec<U> {
        let numbered = items.iter().enumerate();
        numbered
            .filter_map(|(index, item)| make(self, &format!("{list}[{index}]"), item))
            .collect()
    }

    fn occurred_at(&mut self, mapping: &Mapping) -> Option<prost_types::Timestamp> {
        let (template, format) = &mapping.fields.occurred_at;
        let Some(text) = template.key(self.row) else {
            self.fault("occurred_at", "is empty");
            return None;
        };
        match format.parse(&text) {
            Ok(at) => Some(at.to_proto()),
            Err(what) => {
                self.fault("occurred_at", what);
                None
            }
        }
    }

    fn direction(&mut self, mapping: &Mapping) -> i32 {
        let scalar = mapping.fields.direction.as_ref();
        let Some(word) = self.scalar(scalar, Template::key) else {
            return 0;
        };
        let direction = words::direction(&word);
        if direction.is_none() {
            self.fault("direction", words::DIRECTIONS);
        }
        direction.map_or(0, Into::into)
    }

    fn subject(&mut self, mapping: &Mapping) -> Option<Subject> {
        let of = mapping.fields.subject.as_ref()?;
        if !self.counts(of.when.as_ref()) {
            return None;
        }
        let id = of.id.key(self.row)?;
        let kind = self.word("subject.kind", &of.kind, words::subject_kind, words::KINDS);
        let status = match &of.status {
            Some(status) if status.key(self.row).is_some() => self.word(
                "subject.status",
                status,
                words::subject_status,
                words::STATUSES,
            ),
            _ => None,
        };
        Some(Subject {
            kind: kind?.into(),
            id,
            status: status.map_or(0, Into::into),
        })
    }

    fn identifiers(&mut self, items: &[IdentifierOf]) -> Vec<Identifier> {
        let reasons = self.reasons.len();
        let made = self.each("identifiers", items, Making::identifier);
        if made.is_empty() && self.reasons.len() == reasons {
            self.fault("identifiers", "are all empty");
        }
        made
    }

    fn identifier(&mut self, path: &str, of: &IdentifierOf) -> Option<Identifier> {
        if !self.counts(of.when.as_ref()) {
            return None;
        }
        let value = of.value.key(self.row)?;
        let namespace = self.required(&format!("{path}.namespace"), &of.namespace);
        Some(Identifier { namespace, value })
    }

    fn trait_of(&mut self, path: &str, of: &TraitOf) -> Option<Trait> {
        if !self.counts(of.when.as_ref()) {
            return None;
        }
        let text = of.value.text(self.row)?;
        let name = self.required(&format!("{path}.name"), &of.name);
        match trait_value(&of.kind, &text) {
            Ok(kind) => Some(Trait {
                name,
                value: Some(TraitValue { kind: Some(kind) }),
            }),
            Err(what) => {
                self.fault(&format!("{path}.value"), what);
                None
            }
        }
    }

    fn money(&mut self, mapping: &Mapping) -> Option<Money> {
        let of = mapping.fields.money.as_ref()?;
        if !self.counts(of.when.as_ref()) {
            return None;
        }
        let amount = of.amount.key(self.row)?;
        let currency = self.required("money.currency", &of.currency);
        if currency.is_empty() {
            return None;
        }
        match money::money(&amount, &currency) {
            Ok(money) => Some(money),
            Err(what) => {
                self.fault("money", &what);
                None
            }
        }
    }

    fn sentiment(&mut self, mapping: &Mapping) -> Option<CallerSentiment> {
        let of = mapping.fields.sentiment.as_ref()?;
        if !self.counts(of.when.as_ref()) {
            return None;
        }
        let polarity = of.polarity.key(self.row)?;
        let polarity = self.number("sentiment.polarity", &polarity);
        let confidence = of.confidence.as_ref().and_then(|c| c.key(self.row));
        let confidence = confidence.map(|text| self.number("sentiment.confidence", &text));
        Some(CallerSentiment {
            polarity: polarity?,
            confidence: confidence.flatten(),
            method: self.required("sentiment.method", &of.method),
        })
    }

    /// A decimal number; of its range the service judges.
    fn number(&mut self, path: &str, text: &str) -> Option<f64> {
        let read = number(text);
        if read.is_none() {
            self.fault(path, "is not a number");
        }
        read
    }

    fn score(&mut self, path: &str, of: &ScoreOf) -> Option<SurveyScore> {
        if !self.counts(of.when.as_ref()) {
            return None;
        }
        let text = of.value.key(self.row)?;
        let value = text.parse::<i32>();
        if value.is_err() {
            self.fault(&format!("{path}.value"), "is not a whole number");
        }
        let scale = self.word(
            &format!("{path}.scale"),
            &of.scale,
            words::scale,
            words::SCALES,
        );
        Some(SurveyScore {
            scale: scale?.into(),
            value: value.ok()?,
            question: of.question.as_ref().and_then(|q| q.key(self.row)),
        })
    }

    fn consent(&mut self, path: &str, of: &ConsentOf) -> Option<ConsentChange> {
        if !self.counts(of.when.as_ref()) {
            return None;
        }
        of.state.key(self.row)?;
        let purpose = self.required(&format!("{path}.purpose"), &of.purpose);
        let known = words::consent_state;
        let state = self.word(&format!("{path}.state"), &of.state, known, words::STATES);
        let limit = of.address.as_ref();
        let limit = limit.filter(|limit| self.counts(limit.when.as_ref()));
        let address = limit.and_then(|a| self.identifier(&format!("{path}.address"), a));
        if limit.is_some() && address.is_none() {
            // Left out, it would turn a word about one address into a word about the person.
            self.fault(&format!("{path}.address"), "is empty");
        }
        Some(ConsentChange {
            purpose,
            state: state?.into(),
            channel: of.channel.as_ref().and_then(|c| c.key(self.row)),
            address,
        })
    }

    fn attributes(&mut self, items: &[AttributeOf]) -> Option<Struct> {
        let mut made = Struct::default();
        for of in items {
            if !self.counts(of.when.as_ref()) {
                continue;
            }
            let Some(text) = of.value.text(self.row) else {
                continue;
            };
            match attribute_value(of.kind, text) {
                Ok(kind) => {
                    let value = ProtoValue { kind: Some(kind) };
                    made.fields.insert(of.name.clone(), value);
                }
                Err(what) => self.fault(&format!("attributes.{}", of.name), what),
            }
        }
        (!made.fields.is_empty()).then_some(made)
    }
}

fn trait_value(kind: &TraitKind, text: &str) -> Result<trait_value::Kind, &'static str> {
    let trimmed = text.trim();
    Ok(match kind {
        TraitKind::Text => trait_value::Kind::Text(text.to_owned()),
        TraitKind::Integer => {
            let number = trimmed
                .parse()
                .map_err(|_| "is not a whole number of 64 bits")?;
            trait_value::Kind::Integer(number)
        }
        TraitKind::Decimal => {
            let sound = Decimal::from_str_exact(trimmed).is_ok();
            let sound = sound && !trimmed.contains(['_', 'e', 'E']);
            let text = sound.then(|| trimmed.to_owned());
            trait_value::Kind::Decimal(text.ok_or("is not a decimal number of 28 digits")?)
        }
        TraitKind::Boolean => trait_value::Kind::Boolean(boolean(trimmed)?),
        TraitKind::Date(format) => trait_value::Kind::Date(format.parse(trimmed)?),
        TraitKind::Time(format) => trait_value::Kind::Time(format.parse(trimmed)?.to_proto()),
        TraitKind::List(separator) => {
            let values = match separator {
                Some(separator) => trimmed
                    .split(separator.as_str())
                    .map(|part| part.trim().to_owned())
                    .filter(|part| !part.is_empty())
                    .collect(),
                None => {
                    serde_json::from_str(trimmed).map_err(|_| "is not a JSON list of strings")?
                }
            };
            trait_value::Kind::List(TextList { values })
        }
    })
}

fn attribute_value(kind: AttributeKind, text: String) -> Result<Kind, &'static str> {
    Ok(match kind {
        AttributeKind::Text => Kind::StringValue(text),
        AttributeKind::Boolean => Kind::BoolValue(boolean(text.trim())?),
        AttributeKind::Number => Kind::NumberValue(number(text.trim()).ok_or("is not a number")?),
    })
}

fn number(text: &str) -> Option<f64> {
    Decimal::from_str_exact(text).ok()?.to_f64()
}

fn boolean(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err("is not true, false, yes, no, 1 or 0"),
    }
}

#[cfg(test)]
mod tests;
