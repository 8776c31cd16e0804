//! Values of traits: a total order, and the bytes they are found by.

use std::{cmp::Ordering, str::FromStr as _};

use prost::Message as _;
use rust_decimal::Decimal;

use crate::{
    clock::Micros,
    proto::v1::{TraitValue, trait_value::Kind},
};

/// Whether the value says that there is none.
#[must_use]
pub fn is_unset(value: &TraitValue) -> bool {
    matches!(value.kind, Some(Kind::Unset(_)) | None)
}

/// The bytes under which a value is found: equal values of one type have equal bytes.
#[must_use]
pub fn search_bytes(value: &TraitValue) -> Vec<u8> {
    value.encode_to_vec()
}

/// What a value adds to a union, as texts: the entries of a list, and the value itself otherwise.
#[must_use]
pub fn parts(value: &TraitValue) -> Vec<String> {
    match &value.kind {
        Some(Kind::Text(text) | Kind::Decimal(text) | Kind::Date(text)) => vec![text.clone()],
        Some(Kind::Integer(value)) => vec![value.to_string()],
        Some(Kind::Boolean(value)) => vec![value.to_string()],
        Some(Kind::Time(at)) => Micros::from_proto(at)
            .map(|at| at.to_string())
            .into_iter()
            .collect(),
        Some(Kind::List(list)) => list.values.clone(),
        Some(Kind::Unset(_)) | None => Vec::new(),
    }
}

/// A text as a value.
#[must_use]
pub fn text(text: &str) -> TraitValue {
    TraitValue {
        kind: Some(Kind::Text(text.to_owned())),
    }
}

/// A total order: numbers by amount, dates and times by the calendar, texts by code point; values of different types by
/// type. Unset comes first.
#[must_use]
pub fn compare(a: &TraitValue, b: &TraitValue) -> Ordering {
    let (a, b) = (a.kind.as_ref(), b.kind.as_ref());
    match (a, b) {
        (Some(Kind::Text(a)), Some(Kind::Text(b))) | (Some(Kind::Date(a)), Some(Kind::Date(b))) => {
            a.cmp(b)
        }
        (Some(Kind::Boolean(a)), Some(Kind::Boolean(b))) => a.cmp(b),
        (Some(Kind::Time(a)), Some(Kind::Time(b))) => {
            Micros::from_proto(a).cmp(&Micros::from_proto(b))
        }
        (Some(Kind::List(a)), Some(Kind::List(b))) => a.values.cmp(&b.values),
        (a, b) => match (number(a), number(b)) {
            (Some(x), Some(y)) => x.cmp(&y).then_with(|| rank(a).cmp(&rank(b))),
            _ => rank(a).cmp(&rank(b)),
        },
    }
}

fn number(value: Option<&Kind>) -> Option<Decimal> {
    match value {
        Some(Kind::Integer(value)) => Some(Decimal::from(*value)),
        Some(Kind::Decimal(value)) => Decimal::from_str(value).ok(),
        _ => None,
    }
}

fn rank(value: Option<&Kind>) -> u8 {
    match value {
        None | Some(Kind::Unset(_)) => 0,
        Some(Kind::Boolean(_)) => 1,
        Some(Kind::Integer(_)) => 2,
        Some(Kind::Decimal(_)) => 3,
        Some(Kind::Date(_)) => 4,
        Some(Kind::Time(_)) => 5,
        Some(Kind::Text(_)) => 6,
        Some(Kind::List(_)) => 7,
    }
}
