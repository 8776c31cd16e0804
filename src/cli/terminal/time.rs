//! Times in the zone of who reads them, and in words.

use chrono::{DateTime, FixedOffset, Local, NaiveDate, NaiveTime, Offset as _, TimeZone as _, Utc};

use crate::clock::Micros;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The zone that times are shown in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Always so far from UTC.
    Fixed(FixedOffset),
    /// The zone of this machine, or of the variable TZ.
    Local,
}

impl Zone {
    /// `UTC`, `local`, or an offset such as `+09:00`.
    ///
    /// # Errors
    /// What would be right.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "UTC" | "utc" | "Z" => Ok(Self::Fixed(Utc.fix())),
            "local" => Ok(Self::Local),
            offset => offset
                .parse()
                .map(Self::Fixed)
                .map_err(|_| "must be UTC, local, or an offset such as +09:00"),
        }
    }

    /// What to call it, at an instant.
    pub(crate) fn name(self, at: Micros) -> String {
        let offset = match self {
            Self::Fixed(offset) => offset,
            Self::Local => match self.place(at) {
                Some(at) => *at.offset(),
                None => Utc.fix(),
            },
        };
        let offset = if offset.local_minus_utc() == 0 {
            "UTC".to_owned()
        } else {
            format!("UTC{offset}")
        };
        match self {
            Self::Fixed(_) => offset,
            Self::Local => format!("the local time zone (now {offset})"),
        }
    }

    /// How many seconds clocks are before UTC at an instant.
    pub(crate) fn east(self, at: Micros) -> i64 {
        let offset = match self {
            Self::Fixed(offset) => offset,
            Self::Local => self.place(at).map_or_else(|| Utc.fix(), |at| *at.offset()),
        };
        i64::from(offset.local_minus_utc())
    }

    fn place(self, at: Micros) -> Option<DateTime<FixedOffset>> {
        let at = at.to_datetime()?;
        match self {
            // Near the ends of the calendar an offset leads out of it.
            Self::Fixed(offset) => {
                at.naive_utc().checked_add_offset(offset)?;
                Some(at.with_timezone(&offset))
            }
            Self::Local => {
                let offset = Local.offset_from_utc_datetime(&at.naive_utc()).fix();
                at.naive_utc().checked_add_offset(offset)?;
                Some(at.with_timezone(&offset))
            }
        }
    }

    /// The day, `2024-03-02`.
    pub(crate) fn day(self, at: Option<&prost_types::Timestamp>) -> String {
        self.format(at, "%Y-%m-%d")
    }

    /// The day and the minute, `2024-03-02 09:12`.
    pub(crate) fn minute(self, at: Option<&prost_types::Timestamp>) -> String {
        self.format(at, "%Y-%m-%d %H:%M")
    }

    fn format(self, at: Option<&prost_types::Timestamp>, pattern: &str) -> String {
        at.and_then(Micros::from_proto)
            .and_then(|at| self.place(at))
            .map_or_else(|| "unknown".to_owned(), |at| at.format(pattern).to_string())
    }

    /// An instant as a person writes it: RFC 3339, or a day, which begins at midnight here.
    ///
    /// # Errors
    /// What would be right.
    pub(crate) fn read(self, text: &str) -> Result<prost_types::Timestamp, String> {
        let at = match text.parse::<NaiveDate>() {
            Ok(day) => {
                let midnight = day.and_time(NaiveTime::MIN);
                let placed = match self {
                    Self::Fixed(zone) => zone.from_local_datetime(&midnight).earliest(),
                    Self::Local => Local
                        .from_local_datetime(&midnight)
                        .earliest()
                        .map(|at| at.fixed_offset()),
                };
                placed.map(|at| at.to_utc())
            }
            Err(_) => DateTime::parse_from_rfc3339(text)
                .ok()
                .map(|at| at.to_utc()),
        };
        at.map(|at| Micros::from_datetime(at).to_proto())
            .ok_or_else(|| {
                format!("{text:?} is no time: expected 2024-03-02 or 2024-03-02T09:12:00+09:00")
            })
    }
}

impl Zone {
    /// An instant up to which something is meant: as [`Self::read`], but a day ends at its end, and today now.
    ///
    /// # Errors
    /// What would be right.
    pub(crate) fn read_end(
        self,
        text: &str,
        now: Micros,
    ) -> Result<prost_types::Timestamp, String> {
        let start = self.read(text)?;
        let day = text.parse::<NaiveDate>().ok();
        let Some(next) = day.and_then(|day| day.succ_opt()) else {
            return Ok(start);
        };
        let next = Micros::from_proto(&self.read(&next.to_string())?);
        let end = next.map(|next| Micros(next.0 - 1));
        let has_begun = Micros::from_proto(&start).is_some_and(|start| start <= now);
        let end = end.map(|end| if has_begun { end.min(now) } else { end });
        Ok(end.map_or(start, Micros::to_proto))
    }
}

/// How long ago something was, in words: "3 days ago".
pub(crate) fn ago(at: Option<&prost_types::Timestamp>, now: Micros) -> String {
    let Some(at) = at.and_then(Micros::from_proto) else {
        return "at an unknown time".to_owned();
    };
    let seconds = now.0.saturating_sub(at.0) / Micros::SECOND;
    let (count, unit) = match seconds {
        i64::MIN..MINUTE => return "just now".to_owned(),
        MINUTE..HOUR => (seconds / MINUTE, "minute"),
        HOUR..DAY => (seconds / HOUR, "hour"),
        _ => match seconds / DAY {
            days @ 0..14 => (days, "day"),
            days @ 14..61 => (days / 7, "week"),
            days @ 61..731 => (days * 100 / 3_044, "month"),
            days => (days * 100 / 36_525, "year"),
        },
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> prost_types::Timestamp {
        Zone::Fixed(Utc.fix()).read(text).unwrap()
    }

    #[test]
    fn a_day_ends_at_its_end_and_today_now() {
        let zone = Zone::parse("+09:00").unwrap();
        let end = |text: &str, now: &str| {
            let now = Zone::Fixed(Utc.fix()).read(now).unwrap();
            let end = zone.read_end(text, Micros::from_proto(&now).unwrap());
            Micros::from_proto(&end.unwrap()).unwrap().to_string()
        };
        let now = "2024-05-09T10:00:00Z";
        assert_eq!(end("2024-05-03", now), "2024-05-03T14:59:59.999999Z");
        assert_eq!(end("2024-05-09", now), "2024-05-09T10:00:00Z");
        // Later than now: said as it was meant, and refused by the service.
        assert_eq!(end("2024-05-10", now), "2024-05-10T14:59:59.999999Z");
        let instant = "2024-05-03T09:12:00+09:00";
        assert_eq!(end(instant, now), "2024-05-03T00:12:00Z");
        assert!(zone.read_end("yesterday", Micros(0)).is_err());
    }

    #[test]
    fn times_are_told_in_words() {
        let now = Micros::from_proto(&at("2026-03-31T12:00:00Z")).unwrap();
        for (then, words) in [
            ("2026-04-01T00:00:00Z", "just now"),
            ("2026-03-31T11:59:01Z", "just now"),
            ("2026-03-31T11:59:00Z", "1 minute ago"),
            ("2026-03-31T10:00:00Z", "2 hours ago"),
            ("2026-03-28", "3 days ago"),
            ("2026-03-10", "3 weeks ago"),
            ("2025-12-01", "3 months ago"),
            ("2024-03-02", "2 years ago"),
            ("1970-01-01", "56 years ago"),
        ] {
            assert_eq!(ago(Some(&at(then)), now), words, "{then}");
        }
        assert_eq!(ago(None, now), "at an unknown time");
    }

    #[test]
    fn times_are_shown_in_a_zone() {
        let tokyo = Zone::parse("+09:00").unwrap();
        let evening = at("2024-03-01T15:30:00Z");
        assert_eq!(tokyo.minute(Some(&evening)), "2024-03-02 00:30");
        assert_eq!(tokyo.name(Micros(0)), "UTC+09:00");
        assert_eq!(Zone::parse("UTC").unwrap().name(Micros(0)), "UTC");
        assert_eq!(
            tokyo.read("2024-03-02").unwrap(),
            at("2024-03-01T15:00:00Z")
        );
        assert!(Zone::parse("Asia/Tokyo").is_err());
        assert!(tokyo.read("2024-02-30").is_err());
    }

    #[test]
    fn the_ends_of_the_calendar_are_no_trouble() {
        for seconds in [i64::MIN, i64::MAX, -8_334_601_228_800, 8_210_266_876_799] {
            let at = prost_types::Timestamp { seconds, nanos: 0 };
            for zone in ["+23:59", "-23:59", "local"] {
                Zone::parse(zone).unwrap().minute(Some(&at));
            }
            ago(Some(&at), Micros(0));
        }
    }
}
