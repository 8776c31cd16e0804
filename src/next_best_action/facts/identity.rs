//! Who the customer is.

use std::collections::BTreeMap;

use super::Customer;
use crate::{
    calendar::Day,
    criteria::{Attribute, AttributeId, Facts as _, Value},
    identity::{Makeup, namespace::names_a_person},
};

/// The identifiers of a profile, by namespace.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity<'a> {
    values: Option<&'a BTreeMap<String, u32>>,
    total: usize,
}

impl<'a> Identity<'a> {
    /// Of a profile's row: its makeup, and how many identifiers it has.
    #[must_use]
    pub fn of(makeup: &'a Makeup, total: usize) -> Self {
        Self {
            values: Some(&makeup.values),
            total,
        }
    }

    fn has(self, namespace: &str) -> bool {
        let values = self.values.and_then(|values| values.get(namespace));
        values.is_some_and(|count| *count > 0)
    }

    /// Whether there are identifiers, and none of them names a person.
    fn is_anonymous(self) -> bool {
        let mut held = self.values.into_iter().flatten().filter(|(_, n)| **n > 0);
        self.total > 0 && !held.any(|(namespace, _)| names_a_person(namespace))
    }
}

impl Customer<'_> {
    pub(super) fn today(&self) -> Day {
        self.moment().today()
    }

    pub(super) fn identified(&self, attribute: &Attribute) -> Value<'_> {
        match attribute.id() {
            AttributeId::Known => Value::Boolean(self.known),
            AttributeId::Anonymous => Value::Boolean(self.known && self.identity.is_anonymous()),
            AttributeId::HasIdentifier => Value::Boolean(self.identity.has(attribute.text(0))),
            AttributeId::IdentifierCount => {
                Value::Integer(i64::try_from(self.identity.total).unwrap_or(i64::MAX))
            }
            AttributeId::Segment => self.is_in(attribute.text(0)),
            _ => Value::Missing,
        }
    }

    fn is_in(&self, segment: &str) -> Value<'_> {
        let segments = self.around.segments;
        let found = segments.binary_search_by(|(name, _)| name.as_str().cmp(segment));
        let found = found.ok().and_then(|at| segments.get(at));
        found.map_or(Value::Missing, |(_, is_in)| Value::Boolean(*is_in))
    }
}
