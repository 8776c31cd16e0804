//! What the rules of a catalogue ask of customers, each thing once.

use crate::{
    criteria::{Attribute, AttributeId, Facts, Rule, Value},
    next_best_action::{
        catalogue::Snapshot,
        decide::{self, Fact},
        segments::Within,
    },
};

/// What a revision's rules ask for.
#[derive(Debug)]
pub struct Questions {
    /// How many of the catalogue's attributes the rules of its actions ask for: the first ones.
    asked: usize,
    /// Whether each of the different rules asks for the placement or its channel.
    of_page: Vec<bool>,
    /// Whether any asks for a segment.
    of_segments: bool,
}

impl Questions {
    /// Of a revision.
    #[must_use]
    pub fn of(catalogue: &Snapshot) -> Self {
        let rules = catalogue.distinct_rules();
        let all = || rules.iter().flat_map(Rule::attributes);
        let places = all().filter_map(|attribute| catalogue.attribute(attribute));
        let last = places.max().and_then(|place| usize::try_from(place).ok());
        Self {
            asked: last.map_or(0, |last| last + 1),
            of_page: rules
                .iter()
                .map(|rule| rule.attributes().iter().any(is_of_page))
                .collect(),
            of_segments: all().any(|attribute| attribute.id() == AttributeId::Segment),
        }
    }

    /// How many places the answers have.
    #[must_use]
    pub const fn places(&self) -> usize {
        self.asked
    }

    /// Whether one of the different rules asks for the placement or its channel, which differ on a page.
    #[must_use]
    pub fn is_of_page(&self, distinct: usize) -> bool {
        self.of_page.get(distinct).copied().unwrap_or(true)
    }

    /// The answers that are known, each under the place of what was asked among the catalogue's attributes.
    #[must_use]
    pub fn ask(&self, catalogue: &Snapshot, customer: &impl Facts) -> Vec<Fact> {
        let within = Within::new(customer);
        if self.of_segments {
            for segment in catalogue.segments() {
                let inside = segment.rule.evaluate(&within).is_pass();
                let name = segment.segment.get().name.as_str();
                within.learn(name, inside);
            }
        }
        let asked = catalogue.attributes().iter().take(self.asked).enumerate();
        asked
            .filter(|(_, attribute)| !is_of_page(attribute))
            .filter_map(|(place, attribute)| {
                Some(Fact {
                    attribute: u32::try_from(place).ok()?,
                    value: owned(within.get(attribute))?,
                })
            })
            .collect()
    }
}

pub(super) fn is_of_page(attribute: &Attribute) -> bool {
    matches!(
        attribute.id(),
        AttributeId::Channel | AttributeId::Placement
    )
}

/// A value to be kept; none when there is none.
#[must_use]
pub fn owned(value: Value<'_>) -> Option<decide::Value> {
    Some(match value {
        Value::Missing => return None,
        Value::Boolean(is) => decide::Value::Flag(is),
        Value::Integer(number) => decide::Value::Whole(number),
        Value::Number(number) => decide::Value::Number(number),
        Value::Text(text) => decide::Value::Text(text.to_owned()),
        Value::Date(day) => decide::Value::Date(day),
        Value::Time(at) => decide::Value::Time(at),
        Value::List(texts) => decide::Value::Texts(texts.to_vec()),
    })
}

/// A kept value.
#[must_use]
pub fn borrowed(value: &decide::Value) -> Value<'_> {
    match value {
        decide::Value::Flag(is) => Value::Boolean(*is),
        decide::Value::Whole(number) => Value::Integer(*number),
        decide::Value::Number(number) => Value::Number(*number),
        decide::Value::Text(text) => Value::Text(text),
        decide::Value::Date(day) => Value::Date(*day),
        decide::Value::Time(at) => Value::Time(*at),
        decide::Value::Texts(texts) => Value::List(texts),
    }
}
