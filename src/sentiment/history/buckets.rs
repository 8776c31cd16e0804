//! Feelings of stretches of time, and of departments and channels.

use std::collections::BTreeMap;

use super::{Dated, Sums, months_before};
use crate::{
    calendar::{Day, Zone},
    clock::Micros,
    proto::{
        state::v1::Feelings,
        v1::{SentimentBucket, SentimentGroup},
    },
};

/// How many days stand in one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// One.
    Day,
    /// A week from Monday.
    Week,
    /// A calendar month.
    Month,
}

/// The feelings of a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// From this instant on.
    pub begin: Micros,
    /// Before this one.
    pub end: Micros,
    /// What was felt.
    pub sums: Sums,
}

impl Stretch {
    /// As the protocol shows it, with the level at its end.
    #[must_use]
    pub fn shown(&self, level: Option<f64>) -> SentimentBucket {
        SentimentBucket {
            begin: Some(self.begin.to_proto()),
            end: Some(self.end.to_proto()),
            counts: Some(self.sums.counts()),
            level,
        }
    }
}

/// The buckets of a series, by time; stretches without a text are left out. What is kept by month is in buckets of months,
/// and a week that such a month reaches into begins after it.
#[must_use]
pub fn buckets(series: &[Dated], width: Width, zone: Zone) -> Vec<Stretch> {
    let days_from = months_before(series);
    let mut found: BTreeMap<(Day, Day), Sums> = BTreeMap::new();
    for dated in series {
        let width = if dated.month { Width::Month } else { width };
        let (begin, end) = match width {
            Width::Day => (dated.day, Day(dated.day.0 + 1)),
            Width::Week => {
                let monday = dated.day.week();
                let begin = days_from.map_or(monday, |first| monday.max(first));
                (begin, Day(monday.0 + 7))
            }
            Width::Month => (dated.day.month(), dated.day.months_later(1)),
        };
        found.entry((begin, end)).or_default().add(&dated.sums);
    }
    let stretches = found.into_iter().map(|((begin, end), sums)| Stretch {
        begin: zone.begin(begin),
        end: zone.begin(end),
        sums,
    });
    stretches.collect()
}

/// Sums by department, by name.
#[must_use]
pub fn by_department<'a>(sums: impl Iterator<Item = &'a Feelings>) -> Vec<SentimentGroup> {
    groups(sums.map(|stored| (stored.department.as_str(), Sums::from(stored))))
}

/// Sums by channel, by name.
#[must_use]
pub fn by_channel<'a>(sums: impl Iterator<Item = &'a Feelings>) -> Vec<SentimentGroup> {
    groups(sums.map(|stored| (stored.channel.as_str(), Sums::from(stored))))
}

/// Sums by name.
pub(super) fn groups<'a>(parts: impl Iterator<Item = (&'a str, Sums)>) -> Vec<SentimentGroup> {
    let mut found: BTreeMap<&str, Sums> = BTreeMap::new();
    for (name, sums) in parts {
        found.entry(name).or_default().add(&sums);
    }
    let shown = found.into_iter().map(|(name, sums)| SentimentGroup {
        name: name.to_owned(),
        counts: Some(sums.counts()),
    });
    shown.collect()
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
    fn a_week_that_reaches_into_a_month_begins_after_it() {
        let one = |text, month| Dated {
            day: day(text),
            month,
            sums: Sums {
                abstained: 1,
                ..Sums::default()
            },
        };
        // 1 March 2024 is a Friday.
        let series = [
            one("2024-02-01", true),
            one("2024-03-01", false),
            one("2024-03-04", false),
        ];
        let found = buckets(&series, Width::Week, Zone::TOKYO);
        let days: Vec<String> = found
            .iter()
            .map(|s| format!("{} {}", Zone::TOKYO.day(s.begin), Zone::TOKYO.day(s.end)))
            .collect();
        assert_eq!(
            days,
            [
                "2024-02-01 2024-03-01",
                "2024-03-01 2024-03-04",
                "2024-03-04 2024-03-11"
            ]
        );
    }
}
