//! Surviving values of traits.

use std::sync::OnceLock;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::Customer;
use crate::{
    calendar::Day,
    clock::Micros,
    criteria::Value,
    profile::survivorship::{Rule, survive},
    proto::{
        state::v1::TraitFact,
        v1::{TraitValue, trait_value::Kind},
    },
};

/// What has survived of the traits that were asked for, at the place of the first fact of each.
#[derive(Debug, Default)]
pub(super) struct Survivors(OnceLock<Box<[OnceLock<Survivor>]>>);

#[derive(Debug)]
enum Survivor {
    Nothing,
    Boolean(bool),
    Integer(i64),
    Number(Decimal),
    Text(String),
    Date(Day),
    Time(Micros),
    List(Vec<String>),
}

impl Customer<'_> {
    pub(super) fn trait_value(&self, name: &str) -> Value<'_> {
        let facts = &self.core().traits;
        // Sorted by name, so those of one name stand together.
        let first = facts.partition_point(|fact| fact.name.as_str() < name);
        let rest = facts.get(first..).unwrap_or_default();
        let about = rest.get(..rest.partition_point(|fact| fact.name == name));
        let about = about.unwrap_or_default();
        if about.is_empty() {
            return Value::Missing;
        }
        let new = || facts.iter().map(|_| OnceLock::new()).collect();
        let Some(place) = self.traits.0.get_or_init(new).get(first) else {
            return Value::Missing;
        };
        let survivor = place.get_or_init(|| Survivor::among(self.around.rules.of(name), about));
        survivor.value()
    }
}

impl Survivor {
    fn among(rule: &Rule, facts: &[TraitFact]) -> Self {
        survive(rule, facts).map_or(Self::Nothing, |survivor| Self::of(survivor.value))
    }

    /// What was recorded was checked, so that it can be read; what cannot is not known.
    fn of(value: TraitValue) -> Self {
        let read = match value.kind {
            Some(Kind::Text(text)) => Some(Self::Text(text)),
            Some(Kind::Integer(number)) => Some(Self::Integer(number)),
            Some(Kind::Decimal(text)) => Decimal::from_str_exact(&text).ok().map(Self::Number),
            Some(Kind::Boolean(is)) => Some(Self::Boolean(is)),
            Some(Kind::Date(text)) => NaiveDate::parse_from_str(&text, "%Y-%m-%d")
                .ok()
                .map(|date| Self::Date(Day(date.to_epoch_days()))),
            Some(Kind::Time(at)) => Micros::from_proto(&at).map(Self::Time),
            Some(Kind::List(list)) => Some(Self::List(list.values)),
            Some(Kind::Unset(_)) | None => None,
        };
        read.unwrap_or(Self::Nothing)
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Nothing => Value::Missing,
            Self::Boolean(is) => Value::Boolean(*is),
            Self::Integer(number) => Value::Integer(*number),
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(text),
            Self::Date(day) => Value::Date(*day),
            Self::Time(at) => Value::Time(*at),
            Self::List(texts) => Value::List(texts),
        }
    }
}
