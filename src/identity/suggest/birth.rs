//! Dates of birth, in the forms in which they are told.
//!
//! What must stay true: reading is total, and a date that systems fill in for none is none.

use super::{fold::fold, level::Level};

/// A date of birth: year 1868 to 2199, month 1 to 12, day 1 to 31 (not checked against the month).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Birth {
    pub(super) year: u16,
    pub(super) month: u8,
    pub(super) day: u8,
}

/// First years of Japanese eras, by the letter or the first kanji that abbreviates them.
const ERAS: [(&[char], u16); 5] = [
    (&['m', '明'], 1868),
    (&['t', '大'], 1912),
    (&['s', '昭'], 1926),
    (&['h', '平'], 1989),
    (&['r', '令'], 2019),
];

/// What forms and systems write when no date is known.
const FILLED_IN: [(u16, u8, u8); 2] = [(1900, 1, 1), (1970, 1, 1)];

impl Birth {
    /// Year first (`1980-05-03`, `19800503`, `1980年5月3日`), an era (`昭和55年5月3日`, `S55.5.3`), or year last; then
    /// month before day where both are possible.
    pub(super) fn read(text: &str) -> Option<Self> {
        let folded = fold(text).replace('元', "1");
        let era = ERAS
            .iter()
            .find(|(marks, _)| folded.starts_with(*marks))
            .map(|(_, first)| *first);
        let numbers: Vec<&str> = folded
            .split(|c: char| !c.is_ascii_digit())
            .filter(|run| !run.is_empty())
            .collect();
        let (year, month, day) = match (numbers.as_slice(), era) {
            ([y, m, d], Some(first)) => {
                let year: u16 = number(y)?;
                (
                    first.checked_add(year)?.checked_sub(1)?,
                    number(m)?,
                    number(d)?,
                )
            }
            ([y, m, d, ..], None) if y.len() == 4 => (number(y)?, number(m)?, number(d)?),
            ([all], None) if all.len() == 8 => {
                (number(&all[..4])?, number(&all[4..6])?, number(&all[6..])?)
            }
            ([a, b, y], None) if y.len() == 4 => {
                let (a, b) = (number(a)?, number(b)?);
                let (month, day) = if a <= 12 { (a, b) } else { (b, a) };
                (number(y)?, month, day)
            }
            _ => return None,
        };
        let real = (1868..2200).contains(&year)
            && (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && !FILLED_IN.contains(&(year, month, day));
        real.then_some(Self { year, month, day })
    }

    /// The eight digits, year first.
    pub(super) fn digits(self) -> String {
        format!("{:04}{:02}{:02}", self.year, self.month, self.day)
    }

    /// How far two dates agree.
    pub(super) fn compare(self, other: Self) -> Level {
        if self == other {
            return Level::Exact;
        }
        let swapped = self.year == other.year && self.month == other.day && self.day == other.month;
        if swapped {
            return Level::Close;
        }
        if strsim::osa_distance(&self.digits(), &other.digits()) == 1 {
            return Level::Typo;
        }
        let same = [
            self.year == other.year,
            self.month == other.month,
            self.day == other.day,
        ];
        if same.iter().filter(|same| **same).count() == 2 {
            Level::Near
        } else {
            Level::Different
        }
    }
}

fn number<T: std::str::FromStr>(digits: &str) -> Option<T> {
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_is_one_date() {
        for text in [
            "1980-05-03",
            "1980/5/3",
            "１９８００５０３",
            "昭和55年5月3日",
            "S55.5.3",
            "05/03/1980",
        ] {
            let read = Birth::read(text).map(Birth::digits);
            assert_eq!(read.as_deref(), Some("19800503"), "{text}");
        }
        for none in ["", "1900-01-01", "0000-00-00", "1980", "1980-13-40", "soon"] {
            assert_eq!(Birth::read(none), None, "{none}");
        }
    }

    #[test]
    fn a_slip_is_not_another_day() {
        let level = |a: &str, b: &str| {
            Birth::read(a)
                .zip(Birth::read(b))
                .map(|(a, b)| a.compare(b))
        };
        assert_eq!(level("1980-05-03", "1980-03-05"), Some(Level::Close));
        assert_eq!(level("1980-05-03", "1908-05-03"), Some(Level::Typo));
        assert_eq!(level("1980-05-03", "1980-05-13"), Some(Level::Typo));
        assert_eq!(level("1980-05-03", "1967-05-03"), Some(Level::Near));
        assert_eq!(level("1980-05-03", "1955-11-28"), Some(Level::Different));
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in prop_oneof![any::<String>(), "[SH昭和]{0,2}[0-9年月/-]{0,12}"]) {
            let _ = Birth::read(&text);
        }
    }
}
