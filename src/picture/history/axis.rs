//! Time below, feeling at the left, and the ground they stand on.

use chrono::{
    DateTime, Datelike as _, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta,
    Timelike as _,
};

use super::{
    East, Frame, LEFT, RIGHT,
    model::Span,
    sheet::{Anchor, At, Ink, Sheet},
};
use crate::clock::Micros;

/// Ticks at most.
const MOST: i64 = 10;

/// How far ticks are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Hours(u32),
    Days(u32),
    Months(u32),
}

const STEPS: [Step; 19] = [
    Step::Hours(1),
    Step::Hours(3),
    Step::Hours(6),
    Step::Hours(12),
    Step::Days(1),
    Step::Days(2),
    Step::Days(7),
    Step::Days(14),
    Step::Months(1),
    Step::Months(2),
    Step::Months(3),
    Step::Months(6),
    Step::Months(12),
    Step::Months(24),
    Step::Months(60),
    Step::Months(120),
    Step::Months(600),
    Step::Months(1_200),
    Step::Months(12_000),
];

impl Step {
    /// Hours of the shortest of them.
    fn hours(self) -> i64 {
        match self {
            Self::Hours(n) => i64::from(n),
            Self::Days(n) => i64::from(n) * 24,
            Self::Months(n) => i64::from(n) * 28 * 24,
        }
    }

    /// The last tick that is not after a time of the clocks.
    fn floor(self, at: NaiveDateTime) -> Option<NaiveDateTime> {
        let day = at.date();
        match self {
            Self::Hours(n) => day.and_hms_opt(at.hour() / n * n, 0, 0),
            // Weeks begin on Mondays; the first day of the era was one.
            Self::Days(n) => {
                let since = u64::try_from(day.num_days_from_ce() - 1).ok()? % u64::from(n);
                Some(
                    day.checked_sub_days(Days::new(since))?
                        .and_time(NaiveTime::MIN),
                )
            }
            Self::Months(n) => {
                let months = day.year() * 12 + i32::try_from(day.month0()).ok()?;
                let first = months - months.rem_euclid(i32::try_from(n).ok()?);
                let month = u32::try_from(first.rem_euclid(12) + 1).ok()?;
                let first = NaiveDate::from_ymd_opt(first.div_euclid(12), month, 1)?;
                Some(first.and_time(NaiveTime::MIN))
            }
        }
    }

    fn next(self, at: NaiveDateTime) -> Option<NaiveDateTime> {
        match self {
            Self::Hours(n) => at.checked_add_signed(TimeDelta::hours(i64::from(n))),
            Self::Days(n) => at.checked_add_days(Days::new(u64::from(n))),
            Self::Months(n) => at.checked_add_months(Months::new(n)),
        }
    }

    fn name(self, at: NaiveDateTime) -> String {
        let pattern = match self {
            Self::Hours(_) => "%m-%d %H:%M",
            Self::Days(_) => "%Y-%m-%d",
            Self::Months(n) if n < 12 => "%Y-%m",
            Self::Months(_) => "%Y",
        };
        at.format(pattern).to_string()
    }
}

/// A time as clocks show it.
pub(super) fn clock(at: Micros, east: East<'_>) -> Option<NaiveDateTime> {
    let local = at.0.checked_add(east(at).checked_mul(Micros::SECOND)?)?;
    DateTime::from_timestamp_micros(local).map(|at| at.naive_utc())
}

/// A time in a text.
pub(super) fn minute(at: Micros, east: East<'_>) -> String {
    clock(at, east).map_or_else(String::new, |at| at.format("%Y-%m-%d %H:%M").to_string())
}

/// Ticks with their names, at most ten and a few.
pub(super) fn ticks(span: Span, east: East<'_>) -> Vec<(Micros, String)> {
    let hours = (span.to.0 - span.from.0) / (3_600 * Micros::SECOND);
    let step = STEPS.into_iter().find(|step| hours / step.hours() < MOST);
    let step = step.unwrap_or(Step::Months(12_000));
    let first = clock(span.from, east).and_then(|at| step.floor(at));
    let clocks = std::iter::successors(first, |at| step.next(*at)).take(20);
    clocks
        .map(|at| {
            let local = at.and_utc().timestamp_micros();
            // Asked twice: clocks may be put forward in between.
            let near = Micros(local - east(Micros(local)) * Micros::SECOND);
            (Micros(local - east(near) * Micros::SECOND), step.name(at))
        })
        .filter(|(at, _)| span.from <= *at && *at <= span.to)
        .collect()
}

/// Draws ground, grid and names.
pub(super) fn draw(sheet: &mut Sheet<'_>, frame: Frame, east: East<'_>) -> Result<(), String> {
    let (good, bad) = (sheet.y(0.25), sheet.y(-0.25));
    sheet.fill((LEFT, frame.top, RIGHT, good), Ink::GoodGround)?;
    sheet.fill((LEFT, bad, RIGHT, frame.bottom), Ink::BadGround)?;
    for polarity in [-1.0, -0.5, 0.0, 0.5, 1.0] {
        let y = sheet.y(polarity);
        let ink = if polarity == 0.0 {
            Ink::Border
        } else {
            Ink::Grid
        };
        sheet.line([(LEFT, y), (RIGHT, y)], ink, 1)?;
        let at = At {
            x: LEFT - 8,
            y: y + 4,
            room: 40,
            anchor: Anchor::End,
        };
        let number = format!("{polarity:+.1}").replace("+0.0", "0");
        sheet.text(at, 11, Ink::Faint, &number)?;
    }
    for (polarity, name, ink) in [
        (0.75, "good", Ink::Good),
        (0.14, "neutral", Ink::Neutral),
        (-0.75, "bad", Ink::Bad),
    ] {
        let at = At {
            x: LEFT - 8,
            y: sheet.y(polarity) + 4,
            room: LEFT - 12,
            anchor: Anchor::End,
        };
        sheet.text(at, 12, ink, name)?;
    }
    let mut free = LEFT;
    for (at, name) in ticks(frame.span, east) {
        let x = sheet.x(at);
        sheet.line([(x, frame.top), (x, frame.end)], Ink::Grid, 1)?;
        let half = super::sheet::wide(&name, 11) / 2 + 4;
        if x - half < free || x + half > super::WIDTH {
            continue;
        }
        free = x + half;
        let at = At {
            x,
            y: frame.end + 16,
            room: 2 * half,
            anchor: Anchor::Middle,
        };
        sheet.text(at, 11, Ink::Faint, &name)?;
    }
    sheet.frame((LEFT, frame.top, RIGHT, frame.bottom))
}
