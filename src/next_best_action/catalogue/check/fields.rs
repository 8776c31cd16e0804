//! Checks of single fields.

use std::{fmt::Display, ops::RangeInclusive};

use iso_currency::Currency;

use super::super::{
    limits::MAX_SLUG_BYTES,
    violation::{
        Findings, Path,
        reason::{
            CONTROL_CHARACTERS, DUPLICATE_NAME, NOT_A_SLUG, OUT_OF_RANGE, REQUIRED, TOO_LONG,
            TOO_MANY, UNKNOWN_CURRENCY,
        },
    },
};
use crate::ids::is_slug;

/// A name that has to be there.
pub(super) fn slug(path: Path<'_>, text: &str, found: &mut Findings) {
    if text.is_empty() {
        found.add(path, REQUIRED, "may not be empty");
    } else if text.len() > MAX_SLUG_BYTES {
        found.add(path, TOO_LONG, format!("at most {MAX_SLUG_BYTES} bytes"));
    } else if !is_slug(text, MAX_SLUG_BYTES) {
        let form = "a-z, 0-9, `_`, `-` and `.`, starting with a letter or digit";
        found.add(path, NOT_A_SLUG, form);
    }
}

/// At most so many.
pub(super) fn count(path: Path<'_>, have: usize, most: usize, found: &mut Findings) {
    if have > most {
        found.add(path, TOO_MANY, format!("at most {most}"));
    }
}

/// Within a range; what is no number is in none.
pub(super) fn range<T: PartialOrd + Display + Copy>(
    path: Path<'_>,
    value: T,
    range: &RangeInclusive<T>,
    found: &mut Findings,
) {
    if !range.contains(&value) {
        let text = format!("{} to {}", range.start(), range.end());
        found.add(path, OUT_OF_RANGE, text);
    }
}

/// A list of names, each once.
pub(super) fn slugs(path: Path<'_>, names: &[String], most: usize, found: &mut Findings) {
    count(path, names.len(), most, found);
    for (place, name) in names.iter().enumerate() {
        slug(path.item(place), name, found);
    }
    each_once(names.iter().map(String::as_str), |place| {
        found.add(path.item(place), DUPLICATE_NAME, "is said twice");
    });
}

/// Reports the places of names that stood before. What is empty is not a name.
pub(super) fn each_once<'t>(names: impl Iterator<Item = &'t str>, mut twice: impl FnMut(usize)) {
    let mut seen = std::collections::HashSet::new();
    for (place, name) in names.enumerate() {
        if !name.is_empty() && !seen.insert(name) {
            twice(place);
        }
    }
}

/// Text for people in one or more lines.
pub(super) fn prose(path: Path<'_>, text: &str, most: usize, found: &mut Findings) {
    words(path, text, most, true, found);
}

/// Text for people in one line.
pub(super) fn line(path: Path<'_>, text: &str, most: usize, found: &mut Findings) {
    words(path, text, most, false, found);
}

fn words(path: Path<'_>, text: &str, most: usize, lines: bool, found: &mut Findings) {
    if text.chars().count() > most {
        found.add(path, TOO_LONG, format!("at most {most} characters"));
    }
    if text.chars().any(|c| misleads(c) && !(lines && c == '\n')) {
        let text = "has characters that do not show or turn the direction of others";
        found.add(path, CONTROL_CHARACTERS, text);
    }
}

/// Control characters, separators of lines, and marks that turn the direction of what follows.
pub(super) fn misleads(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A currency.
pub(super) fn currency(path: Path<'_>, code: &str, found: &mut Findings) {
    if code.is_empty() {
        found.add(path, REQUIRED, "may not be empty");
    } else if Currency::from_code(code).is_none() {
        found.add(path, UNKNOWN_CURRENCY, "not an ISO 4217 code in capitals");
    }
}
