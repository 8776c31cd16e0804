//! What a rule is held against.

use super::{
    schema::{AttributeId, Changes},
    value::Value,
};
use crate::{
    calendar::{Day, Zone},
    clock::Micros,
};

/// A customer, and the call about them if there is one, at a moment.
///
/// What must stay true: the same attribute always has the same value while the facts live; and while nothing happens, a
/// value changes with the moment no sooner than its [`Changes`] say, or rules are looked at again too late.
pub trait Facts {
    /// When it is.
    fn moment(&self) -> Moment;

    /// The value of an attribute, [`Value::Missing`] when it is not known. Of another type than the definition says is as if
    /// it were missing, with another reason.
    fn get(&self, attribute: &Attribute) -> Value<'_>;
}

impl<F: Facts + ?Sized> Facts for &F {
    fn moment(&self) -> Moment {
        (**self).moment()
    }

    fn get(&self, attribute: &Attribute) -> Value<'_> {
        (**self).get(attribute)
    }
}

/// A time, and the zone in which days are counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Now.
    pub now: Micros,
    /// The tenant's zone.
    pub zone: Zone,
}

const HOUR: i64 = 3_600 * Micros::SECOND;

impl Moment {
    /// The day that it is.
    #[must_use]
    pub fn today(self) -> Day {
        self.zone.day(self.now)
    }

    /// When the next day begins.
    #[must_use]
    pub fn tomorrow(self) -> Micros {
        self.begin(i64::from(self.today().0) + 1)
    }

    /// When a day begins; the last instant there is, of days beyond any calendar.
    pub(super) fn begin(self, day: i64) -> Micros {
        i32::try_from(day).map_or(Micros(i64::MAX), |day| self.zone.begin(Day(day)))
    }

    /// When an attribute may change next by time alone.
    pub(super) fn next_change(self, changes: Changes) -> Micros {
        match changes {
            Changes::Never => Micros(i64::MAX),
            Changes::Daily => self.tomorrow(),
            Changes::Hourly => self.next_multiple(HOUR),
            Changes::Quarterly => self.next_multiple(HOUR / 4),
        }
    }

    fn next_multiple(self, of: i64) -> Micros {
        Micros(
            (self.now.0.div_euclid(of).saturating_add(1))
                .checked_mul(of)
                .unwrap_or(i64::MAX),
        )
    }
}

/// An attribute with its parameters, as it stands in a rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attribute {
    pub(super) id: AttributeId,
    pub(super) arguments: Box<[Argument]>,
}

/// A parameter that was given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Argument {
    /// A name.
    Text(Box<str>),
    /// A number of days or months.
    Number(u16),
}

impl Attribute {
    /// Which one it is.
    #[must_use]
    pub fn id(&self) -> AttributeId {
        self.id
    }

    /// The parameters, in their order.
    #[must_use]
    pub fn arguments(&self) -> &[Argument] {
        &self.arguments
    }

    /// The name at this place, the first of which is 0; empty when it was left out or is a number.
    #[must_use]
    pub fn text(&self, at: usize) -> &str {
        match self.arguments.get(at) {
            Some(Argument::Text(text)) => text,
            _ => "",
        }
    }

    /// The number at this place; 0 when it was left out or is a name.
    #[must_use]
    pub fn number(&self, at: usize) -> u16 {
        match self.arguments.get(at) {
            Some(Argument::Number(number)) => *number,
            _ => 0,
        }
    }
}

/// An attribute of a rule, by its place in [`super::Rule::attributes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeIndex(pub(super) u16);
