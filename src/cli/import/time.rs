//! Reading dates and times of exports.
//!
//! Nothing here guesses: a text that does not fit its format wholly, or that names a day the calendar has not, is an error.

use std::fmt::Write as _;

use chrono::{
    DateTime, FixedOffset, NaiveDate, NaiveTime, Offset as _, TimeZone as _, Utc,
    format::{Item, Parsed, StrftimeItems, parse},
};
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive as _};

use crate::clock::Micros;

/// 1970-01-01 as a spreadsheet's serial day, of which 1 is 1899-12-31.
const SERIAL_OF_1970: i64 = 25_569;
/// 9999-12-31.
const LAST_SERIAL: i64 = 2_958_465;
const SECONDS_OF_A_DAY: i64 = 86_400;
const DOES_NOT_FIT: &str = "does not fit its format, or names a day or time that does not exist";

/// How an instant is written.
#[derive(Clone, Debug)]
pub(crate) struct TimeFormat {
    style: Style,
    zone: FixedOffset,
}

#[derive(Clone, Debug)]
enum Style {
    Rfc3339,
    /// A number counted from 1970, this many microseconds each.
    Unix(i64),
    SpreadsheetSerial,
    Pattern(Vec<Item<'static>>),
}

impl Default for TimeFormat {
    fn default() -> Self {
        Self {
            style: Style::Rfc3339,
            zone: Utc.fix(),
        }
    }
}

impl TimeFormat {
    /// The format of this name, or this strftime pattern; `zone` as in "+09:00" for what does not carry its own.
    ///
    /// # Errors
    /// What is wrong with them, each with the key it is about.
    pub(crate) fn new(format: &str, zone: Option<&str>) -> Result<Self, (&'static str, String)> {
        let offset = match zone.map(parse_zone) {
            None => Some(Utc.fix()),
            Some(offset) => offset,
        };
        let Some(offset) = offset else {
            let what = "must be a fixed offset like \"+09:00\"";
            return Err(("time_zone", what.to_owned()));
        };
        let style = match format {
            "rfc3339" => Style::Rfc3339,
            "unix_seconds" => Style::Unix(Micros::SECOND),
            "unix_millis" => Style::Unix(Micros::SECOND / 1_000),
            "spreadsheet_serial" => Style::SpreadsheetSerial,
            pattern => Style::Pattern(pattern_items(pattern).map_err(|what| ("format", what))?),
        };
        if zone.is_some() && matches!(style, Style::Rfc3339 | Style::Unix(_)) {
            let what = "has no place here: this format carries its own";
            return Err(("time_zone", what.to_owned()));
        }
        let format = Self {
            style,
            zone: offset,
        };
        if let Style::Pattern(items) = &format.style {
            format.prove(items).map_err(|what| ("format", what))?;
        }
        Ok(format)
    }

    /// The instant that a text names.
    ///
    /// # Errors
    /// What is wrong, without the text.
    pub(crate) fn parse(&self, text: &str) -> Result<Micros, &'static str> {
        let text = text.trim();
        match &self.style {
            Style::Rfc3339 => DateTime::parse_from_rfc3339(text)
                .map(|at| Micros(at.timestamp_micros()))
                .map_err(|_| "is not a time as in RFC 3339"),
            Style::Unix(unit) => Decimal::from_str_exact(text)
                .ok()
                .and_then(|n| n.checked_mul(Decimal::from(*unit)))
                .and_then(|n| n.floor().to_i64())
                .map(Micros)
                .ok_or("is not a number of seconds or milliseconds since 1970"),
            Style::SpreadsheetSerial => serial(text)
                .map(|seconds| seconds - i64::from(self.zone.local_minus_utc()))
                .map(|seconds| Micros(seconds * Micros::SECOND))
                .ok_or("is not a serial day of a spreadsheet"),
            Style::Pattern(items) => self.pattern(text, items).ok_or(DOES_NOT_FIT),
        }
    }

    fn pattern(&self, text: &str, items: &[Item<'static>]) -> Option<Micros> {
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, items.iter()).ok()?;
        let at = if parsed.offset().is_some() && has_time(&parsed) {
            parsed.to_datetime().ok()?
        } else if parsed.timestamp().is_some() {
            parsed.to_datetime_with_timezone(&self.zone).ok()?
        } else {
            let date = parsed.to_naive_date().ok()?;
            let time = if has_time(&parsed) {
                parsed.to_naive_time().ok()?
            } else {
                NaiveTime::MIN
            };
            self.zone
                .from_local_datetime(&date.and_time(time))
                .single()?
        };
        Some(Micros(at.timestamp_micros()))
    }

    /// A pattern must read back a full instant that it wrote.
    fn prove(&self, items: &[Item<'static>]) -> Result<(), String> {
        let sample = self.zone.with_ymd_and_hms(2001, 2, 3, 16, 5, 6).single();
        let mut written = String::new();
        let sound = sample.is_some_and(|at| {
            write!(written, "{}", at.format_with_items(items.iter())).is_ok()
                && self.pattern(&written, items).is_some()
        });
        if sound {
            Ok(())
        } else {
            Err("must name a full date, and a full time or none".to_owned())
        }
    }
}

/// How a calendar date is written.
#[derive(Clone, Debug)]
pub(crate) struct DateFormat {
    items: Vec<Item<'static>>,
}

impl Default for DateFormat {
    fn default() -> Self {
        Self {
            items: StrftimeItems::new("%Y-%m-%d").collect(),
        }
    }
}

impl DateFormat {
    /// A strftime pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        let items = pattern_items(pattern)?;
        let mut written = String::new();
        let sound = NaiveDate::from_ymd_opt(2001, 2, 3).is_some_and(|day| {
            write!(written, "{}", day.format_with_items(items.iter())).is_ok()
                && date(&written, &items) == Some(day)
        });
        if sound {
            Ok(Self { items })
        } else {
            Err("must name a full date and nothing else".to_owned())
        }
    }

    /// The date in its ISO form, "1984-02-29".
    ///
    /// # Errors
    /// What is wrong, without the text.
    pub(crate) fn parse(&self, text: &str) -> Result<String, &'static str> {
        let day = date(text.trim(), &self.items).ok_or(DOES_NOT_FIT)?;
        Ok(day.format("%Y-%m-%d").to_string())
    }
}

fn date(text: &str, items: &[Item<'static>]) -> Option<NaiveDate> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, items.iter()).ok()?;
    parsed.to_naive_date().ok()
}

fn has_time(parsed: &Parsed) -> bool {
    parsed.hour_div_12().is_some()
        || parsed.hour_mod_12().is_some()
        || parsed.minute().is_some()
        || parsed.second().is_some()
        || parsed.nanosecond().is_some()
}

fn pattern_items(pattern: &str) -> Result<Vec<Item<'static>>, String> {
    StrftimeItems::new(pattern).parse_to_owned().map_err(|_| {
        "must be rfc3339, unix_seconds, unix_millis, spreadsheet_serial or a strftime pattern"
            .to_owned()
    })
}

fn parse_zone(text: &str) -> Option<FixedOffset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |digits: &str, most: i32| {
        let plain = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse::<i32>().ok().filter(|n| plain && *n <= most)
    };
    let seconds = number(hours, 18)? * 3_600 + number(minutes, 59)? * 60;
    FixedOffset::east_opt(sign * seconds)
}

/// Seconds since 1970 of a serial day, exact to the second: halves are rounded up.
fn serial(text: &str) -> Option<i64> {
    let days = Decimal::from_str_exact(text).ok()?;
    if days.is_sign_negative() || days >= Decimal::from(LAST_SERIAL + 1) {
        return None;
    }
    let seconds = days
        .checked_mul(Decimal::from(SECONDS_OF_A_DAY))?
        .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
        .to_i64()?;
    Some(seconds - SERIAL_OF_1970 * SECONDS_OF_A_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, zone: Option<&str>, text: &str) -> Option<String> {
        let format = TimeFormat::new(format, zone).unwrap();
        format.parse(text).ok().map(|at| at.to_string())
    }

    #[test]
    fn each_format_reads_its_own() {
        for (format, zone, text, at) in [
            ("%Y%m%d", None, "19970101", "1997-01-01T00:00:00Z"),
            (
                "%Y/%m/%d",
                Some("+09:00"),
                " 2024/02/29 ",
                "2024-02-28T15:00:00Z",
            ),
            (
                "%Y-%m-%d %H:%M",
                Some("-05:30"),
                "2024-01-01 00:00",
                "2024-01-01T05:30:00Z",
            ),
            (
                "%d.%m.%Y %I:%M:%S %p",
                None,
                "03.02.2024 04:05:06 PM",
                "2024-02-03T16:05:06Z",
            ),
            (
                "%Y-%m-%dT%H:%M:%S%z",
                None,
                "2024-01-01T09:00:00+0900",
                "2024-01-01T00:00:00Z",
            ),
            (
                "%Y年%m月%d日",
                Some("+09:00"),
                "2024年05月03日",
                "2024-05-02T15:00:00Z",
            ),
            (
                "rfc3339",
                None,
                "2024-01-01T09:00:00.25+09:00",
                "2024-01-01T00:00:00.250Z",
            ),
            (
                "unix_seconds",
                None,
                "1424721600.5",
                "2015-02-23T20:00:00.500Z",
            ),
            (
                "unix_millis",
                None,
                "1424721600123",
                "2015-02-23T20:00:00.123Z",
            ),
            (
                "spreadsheet_serial",
                None,
                "42059.4694328704",
                "2015-02-24T11:15:59Z",
            ),
            ("spreadsheet_serial", None, "25569", "1970-01-01T00:00:00Z"),
            (
                "spreadsheet_serial",
                Some("+09:00"),
                "25569.375",
                "1970-01-01T00:00:00Z",
            ),
        ] {
            assert_eq!(
                read(format, zone, text).as_deref(),
                Some(at),
                "{format} {text}"
            );
        }
    }

    #[test]
    fn days_that_do_not_exist_and_texts_that_go_on_are_errors() {
        for (format, text) in [
            ("%Y-%m-%d", "2024-02-31"),
            ("%Y-%m-%d", "2023-02-29"),
            ("%Y-%m-%d", "2024-01-01 10:00"),
            ("%Y-%m-%d", ""),
            ("%Y-%m-%d %H:%M", "2024-01-01 25:00"),
            ("rfc3339", "2024-01-01"),
            ("unix_seconds", "1e9"),
            ("unix_seconds", "99999999999999999999"),
            ("spreadsheet_serial", "-1"),
            ("spreadsheet_serial", "2958466"),
            ("spreadsheet_serial", "NaN"),
        ] {
            assert_eq!(read(format, None, text), None, "{format} {text}");
        }
    }

    #[test]
    fn formats_that_name_no_full_date_are_mistakes() {
        for format in ["%H:%M", "%Y-%m", "%Q", "%Y-%m-%d %I:%M", "yesterday", ""] {
            assert!(TimeFormat::new(format, None).is_err(), "{format}");
        }
        for zone in ["JST", "+9:00", "+09", "+19:00", "-00:60", "", "日"] {
            let (key, _) = TimeFormat::new("%Y%m%d", Some(zone)).unwrap_err();
            assert_eq!(key, "time_zone", "{zone}");
        }
        assert!(TimeFormat::new("rfc3339", Some("+09:00")).is_err());
        assert!(DateFormat::new("%Y-%m-%d %H").is_err());
    }

    #[test]
    fn dates_come_out_in_their_iso_form() {
        let format = DateFormat::new("%d/%m/%Y").unwrap();
        assert_eq!(format.parse("29/02/1984").as_deref(), Ok("1984-02-29"));
        assert!(format.parse("31/02/1984").is_err());
    }
}
