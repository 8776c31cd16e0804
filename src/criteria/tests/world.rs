//! Customers that tests make up.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::generate::Random;
use crate::{
    calendar::{Day, Zone},
    clock::Micros,
    criteria::{
        Attribute, Facts, Moment, Type, Value,
        schema::{Changes, Form},
    },
};

/// A value that the world owns.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Held {
    Missing,
    Boolean(bool),
    Integer(i64),
    Number(Decimal),
    Text(String),
    Date(Day),
    Time(Micros),
    List(Vec<String>),
}

/// Values by the text of the attribute, one a stretch of time for those that time changes.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) moment: Moment,
    pub(super) values: HashMap<String, Vec<Held>>,
}

/// 2026-03-14T15:09:26Z.
pub(super) const NOW: Micros = Micros(1_773_500_966 * Micros::SECOND);
pub(super) const DAY: i64 = 86_400 * Micros::SECOND;

impl World {
    pub(super) fn new() -> Self {
        Self {
            moment: Moment {
                now: NOW,
                zone: Zone::TOKYO,
            },
            values: HashMap::new(),
        }
    }

    pub(super) fn with(mut self, attribute: &str, value: Held) -> Self {
        self.values.insert(attribute.to_owned(), vec![value]);
        self
    }

    pub(super) fn at(&self, now: Micros) -> Self {
        let mut other = self.clone();
        other.moment.now = now;
        other
    }

    /// Values for these attributes, some of them missing and some of another type than is usual.
    pub(super) fn random(random: &mut Random, attributes: &[Attribute]) -> Self {
        let zones = [
            "UTC",
            "Asia/Tokyo",
            "America/New_York",
            "Australia/Lord_Howe",
        ];
        let mut world = Self::new();
        world.moment.zone = random.pick(&zones).parse().unwrap();
        world.moment.now.0 += random.below(800) * DAY / 2 + random.below(DAY);
        for attribute in attributes {
            let is = attribute.id().definition();
            let stretches = match is.changes {
                Changes::Never => 1,
                _ => 3,
            };
            let held = (0..stretches).map(|_| held(random, attribute, world.moment));
            world.values.insert(attribute.to_string(), held.collect());
        }
        world
    }
}

fn held(random: &mut Random, attribute: &Attribute, moment: Moment) -> Held {
    let is = attribute.id().definition();
    if random.below(4) == 0 {
        return Held::Missing;
    }
    let kind = match (is.form, is.kind) {
        (Form::Key, _) => *random.pick(&[
            Type::Boolean,
            Type::Integer,
            Type::Number,
            Type::Text,
            Type::Text,
            Type::Date,
            Type::Time,
            Type::List,
        ]),
        (_, kind) => kind,
    };
    match kind {
        Type::Boolean => Held::Boolean(random.below(2) == 0),
        Type::Integer if random.below(12) == 0 => {
            Held::Integer(*random.pick(&[i64::MIN, i64::MAX, -1]))
        }
        Type::Integer => Held::Integer(random.below(12)),
        Type::Number if random.below(12) == 0 => Held::Number(Decimal::MAX),
        Type::Number => Held::Number(Decimal::new(random.below(40) - 20, 1)),
        Type::Text if !is.vocabulary.is_empty() => {
            Held::Text((*random.pick(is.vocabulary)).to_owned())
        }
        Type::Text | Type::Any => Held::Text(random.word()),
        Type::Date => {
            let today = moment.today().0;
            let near = i32::try_from(random.below(80)).unwrap() - 40;
            Held::Date(Day(
                today + near - 365 * i32::try_from(random.below(3)).unwrap()
            ))
        }
        Type::Time if random.below(20) == 0 => {
            Held::Time(*random.pick(&[Micros(i64::MIN), Micros(i64::MAX), Micros(0)]))
        }
        Type::Time => {
            let days = random.below(80) - 15;
            let part = if random.below(4) == 0 {
                0
            } else {
                random.below(DAY)
            };
            Held::Time(Micros(moment.now.0 - days * DAY + part))
        }
        Type::List => Held::List((0..random.below(4)).map(|_| random.word()).collect()),
    }
}

impl Facts for World {
    fn moment(&self) -> Moment {
        self.moment
    }

    fn get(&self, attribute: &Attribute) -> Value<'_> {
        let Some(held) = self.values.get(&attribute.to_string()) else {
            return Value::Missing;
        };
        let hour = 3_600 * Micros::SECOND;
        let stretch = match attribute.id().definition().changes {
            Changes::Never => 0,
            Changes::Daily => i64::from(self.moment.today().0),
            Changes::Hourly => self.moment.now.0.div_euclid(hour),
            Changes::Quarterly => self.moment.now.0.div_euclid(hour / 4),
        };
        let stretches = i64::try_from(held.len()).unwrap();
        let at = usize::try_from(stretch.rem_euclid(stretches)).unwrap();
        match &held[at] {
            Held::Missing => Value::Missing,
            Held::Boolean(is) => Value::Boolean(*is),
            Held::Integer(number) => Value::Integer(*number),
            Held::Number(number) => Value::Number(*number),
            Held::Text(text) => Value::Text(text),
            Held::Date(day) => Value::Date(*day),
            Held::Time(at) => Value::Time(*at),
            Held::List(texts) => Value::List(texts),
        }
    }
}
