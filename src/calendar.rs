//! Days and months in a tenant's time zone.
//!
//! The zone of a tenant never changes, so the day of an instant never does: what is summed by day stays right. Rules of
//! zones come with the program; a release that knows other rules for the past would see other days, and `verify` would say
//! so.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Datelike as _, NaiveDate, TimeZone as _, Timelike as _};
use chrono_tz::Tz;

use crate::clock::Micros;

/// An IANA time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(Tz::UTC);

    /// Japan's.
    pub const TOKYO: Self = Self(Tz::Asia__Tokyo);

    /// The day of an instant here.
    #[must_use]
    pub fn day(self, at: Micros) -> Day {
        let local = at
            .to_datetime()
            .map(|utc| utc.with_timezone(&self.0).date_naive());
        local.map_or(Day(at.day()), Day::of)
    }

    /// What the clocks on the walls show at an instant here, in whole minutes since midnight, 0 to 1,439.
    #[must_use]
    pub fn minute_of_day(self, at: Micros) -> u16 {
        let local = at
            .to_datetime()
            .map(|utc| utc.with_timezone(&self.0).time());
        let minute = local.map_or(0, |local| local.hour() * 60 + local.minute());
        u16::try_from(minute).unwrap_or_default()
    }

    /// The first instant of a day here: midnight, or what comes first after it where a clock was put forward over it.
    #[must_use]
    pub fn begin(self, day: Day) -> Micros {
        let midnight = i64::from(day.0) * 86_400 * Micros::SECOND;
        let Some(local) = DateTime::from_timestamp_micros(midnight) else {
            return Micros(midnight);
        };
        let local = local.naive_utc();
        // No zone skips more than a day, and none that skips anything skips other than a multiple of a quarter of an hour.
        let after = (0..=96).map(|quarters| local + chrono::Duration::minutes(15 * quarters));
        let begins = after.filter_map(|local| self.0.from_local_datetime(&local).earliest());
        begins
            .map(|local| Micros(local.timestamp_micros()))
            .next()
            .unwrap_or(Micros(midnight))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl FromStr for Zone {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse().map(Self).map_err(|_| ())
    }
}

/// A day of a calendar, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    fn of(date: NaiveDate) -> Self {
        Self(date.to_epoch_days())
    }

    fn date(self) -> NaiveDate {
        NaiveDate::from_epoch_days(self.0).unwrap_or_default()
    }

    /// The first of its month.
    #[must_use]
    pub fn month(self) -> Self {
        let date = self.date();
        Self::of(date.with_day(1).unwrap_or(date))
    }

    /// The first of its quarter.
    #[must_use]
    pub fn quarter(self) -> Self {
        let date = self.date();
        let first = date.month0() / 3 * 3;
        let first = date.with_day(1).and_then(|date| date.with_month0(first));
        Self::of(first.unwrap_or(date))
    }

    /// The first of its year.
    #[must_use]
    pub fn year(self) -> Self {
        let date = self.date();
        Self::of(NaiveDate::from_yo_opt(date.year(), 1).unwrap_or(date))
    }

    /// The Monday of its week.
    #[must_use]
    pub fn week(self) -> Self {
        let since = self.date().weekday().num_days_from_monday();
        Self(self.0 - i32::try_from(since).unwrap_or_default())
    }

    /// The first of the month so many months later.
    #[must_use]
    pub fn months_later(self, months: u32) -> Self {
        let first = self.month().date();
        Self::of(
            first
                .checked_add_months(chrono::Months::new(months))
                .unwrap_or(first),
        )
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    fn at(text: &str) -> Micros {
        Micros::from_datetime(text.parse().unwrap())
    }

    #[test]
    fn the_day_of_an_instant_is_that_of_the_zone() {
        let late = at("2026-03-01T15:30:00Z");
        assert_eq!(zone("Asia/Tokyo").day(late).to_string(), "2026-03-02");
        assert_eq!(zone("UTC").day(late).to_string(), "2026-03-01");
        assert_eq!(
            zone("America/New_York")
                .day(at("2026-03-01T04:59:59Z"))
                .to_string(),
            "2026-02-28"
        );
    }

    #[test]
    fn days_know_their_week_month_quarter_and_year() {
        let day = zone("UTC").day(at("2024-08-29T00:00:00Z"));
        assert_eq!(day.week().to_string(), "2024-08-26");
        assert_eq!(day.month().to_string(), "2024-08-01");
        assert_eq!(day.quarter().to_string(), "2024-07-01");
        assert_eq!(day.year().to_string(), "2024-01-01");
        assert_eq!(day.months_later(6).to_string(), "2025-02-01");
        assert_eq!(Day(-1).week().to_string(), "1969-12-29");
    }

    #[test]
    fn a_day_whose_midnight_does_not_exist_begins_later() {
        // Clocks went from 24:00 to 01:00.
        let zone = zone("America/Sao_Paulo");
        let day = zone.day(at("2018-11-04T12:00:00Z"));
        assert_eq!(zone.begin(day), at("2018-11-04T03:00:00Z"));
        assert_eq!(zone.day(zone.begin(day)), day);
        assert_eq!(zone.day(Micros(zone.begin(day).0 - 1)), Day(day.0 - 1));
    }

    proptest! {
        #[test]
        fn a_day_begins_with_its_first_instant(
            day in 0..40_000i32,
            zone in prop::sample::select(vec!["Asia/Tokyo", "Europe/Berlin", "America/St_Johns", "UTC", "Australia/Lord_Howe"]),
        ) {
            let zone: Zone = zone.parse().unwrap();
            let begin = zone.begin(Day(day));
            prop_assert_eq!(zone.day(begin), Day(day));
            prop_assert_eq!(zone.day(Micros(begin.0 - 1)), Day(day - 1));
        }
    }
}
