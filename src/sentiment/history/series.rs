//! Feelings by day, in the order of days.

use std::collections::BTreeMap;

use super::{Felt, Sums};
use crate::{
    calendar::{Day, Zone},
    clock::Micros,
    proto::state::v1::Feelings,
};

/// The feelings of a day, or of a month that is kept as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dated {
    /// The day, or the first of the month.
    pub day: Day,
    /// Whether it is a whole month.
    pub month: bool,
    /// What was felt.
    pub sums: Sums,
}

impl Dated {
    /// The day from which the age is counted: of a month the middle one, the 15th or 16th.
    #[must_use]
    pub fn reckoned(&self) -> Day {
        if self.month {
            Day(i32::midpoint(self.day.0, self.day.months_later(1).0))
        } else {
            self.day
        }
    }
}

/// Which feelings are wanted. An empty list and `None` mean all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection<'a> {
    /// Only of these departments.
    pub departments: &'a [String],
    /// Only through these channels.
    pub channels: &'a [String],
    /// Only about one of these topics at least.
    pub topics: &'a [String],
    /// Only from this instant on.
    pub from: Option<Micros>,
    /// Only before this instant.
    pub before: Option<Micros>,
}

impl Selection<'_> {
    /// Whether it leaves out nothing.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        let lists = [self.departments, self.channels, self.topics];
        lists.iter().all(|list| list.is_empty()) && self.from.is_none() && self.before.is_none()
    }

    /// Whether it takes what was said to a department through a channel.
    #[must_use]
    pub fn admits(&self, department: &str, channel: &str) -> bool {
        let among =
            |list: &[String], value: &str| list.is_empty() || list.iter().any(|l| l == value);
        among(self.departments, department) && among(self.channels, channel)
    }

    fn within(&self, begin: Micros, end: Micros) -> bool {
        self.from.is_none_or(|from| from <= begin) && self.before.is_none_or(|before| end <= before)
    }

    /// Whether it takes a text that was said.
    #[must_use]
    pub fn takes(&self, felt: &Felt) -> bool {
        self.admits(&felt.department, &felt.channel)
            && self.within(felt.at, Micros(felt.at.0 + 1))
            && (self.topics.is_empty()
                || felt
                    .topics
                    .iter()
                    .any(|(topic, _)| self.topics.contains(topic)))
    }

    /// Whether it takes the sums of a day or month, as a whole.
    #[must_use]
    pub fn takes_sums(&self, stored: &Feelings, zone: Zone) -> bool {
        let (begin, end) = ends(stored, zone);
        self.admits(&stored.department, &stored.channel) && self.within(begin, end)
    }

    /// Whether sums by day and month tell what is wanted: each lies within the period or outside.
    #[must_use]
    pub fn is_told_by(&self, sums: &[Feelings], zone: Zone) -> bool {
        let cut = |at: Micros| {
            sums.iter().any(|stored| {
                let (begin, end) = ends(stored, zone);
                begin < at && at < end
            })
        };
        self.topics.is_empty() && !self.from.is_some_and(cut) && !self.before.is_some_and(cut)
    }
}

/// The instants between which the day or month of some sums lies.
fn ends(stored: &Feelings, zone: Zone) -> (Micros, Micros) {
    let day = Day(stored.day);
    let next = if stored.month {
        day.months_later(1)
    } else {
        Day(day.0 + 1)
    };
    (zone.begin(day), zone.begin(next))
}

/// Feelings by day, in the order of days: of each day, and of each month, one entry.
#[must_use]
pub fn series(parts: impl IntoIterator<Item = Dated>) -> Vec<Dated> {
    let mut days: BTreeMap<(Day, bool), Sums> = BTreeMap::new();
    for part in parts {
        let sums = days.entry((part.day, part.month)).or_default();
        sums.add(&part.sums);
    }
    let dated = |((day, month), sums)| Dated { day, month, sums };
    days.into_iter().map(dated).collect()
}

impl From<&Feelings> for Dated {
    fn from(stored: &Feelings) -> Self {
        Self {
            day: Day(stored.day),
            month: stored.month,
            sums: Sums::from(stored),
        }
    }
}

/// The day before which there are only whole months; none when there are none.
#[must_use]
pub fn months_before(series: &[Dated]) -> Option<Day> {
    let last = series.iter().rfind(|dated| dated.month)?;
    Some(last.day.months_later(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Zone::UTC.day(Micros::from_datetime(
            format!("{text}T00:00:00Z").parse().unwrap(),
        ))
    }

    #[test]
    fn a_month_is_as_old_as_its_middle_day() {
        for (first, middle) in [("2026-02-01", "2026-02-15"), ("2026-07-01", "2026-07-16")] {
            let month = Dated {
                day: day(first),
                month: true,
                sums: Sums::default(),
            };
            assert_eq!(month.reckoned(), day(middle));
        }
    }

    #[test]
    fn sums_tell_a_period_only_when_it_cuts_through_none() {
        let zone = Zone::TOKYO;
        let stored = |text: &str, month| Feelings {
            day: day(text).0,
            month,
            ..Feelings::default()
        };
        let sums = [stored("2024-03-01", true), stored("2026-03-10", false)];
        let told = |from: Micros| {
            let selection = Selection {
                from: Some(from),
                ..Selection::default()
            };
            selection.is_told_by(&sums, zone)
        };
        assert!(told(zone.begin(day("2024-03-01"))));
        assert!(!told(zone.begin(day("2024-03-02"))), "a month is cut");
        assert!(told(zone.begin(day("2024-04-02"))));
        assert!(told(zone.begin(day("2026-03-10"))));
        assert!(!told(Micros(zone.begin(day("2026-03-10")).0 + 1)));
        assert!(told(zone.begin(day("2026-03-11"))));
    }
}
