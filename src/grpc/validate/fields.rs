//! Checks of single fields. Each adds at most one violation: the first rule that a value breaks is the one to mend.

use std::str::FromStr;

use prost_types::Timestamp;

use super::{
    limits::{MAX_TIME, MIN_TIME},
    reason::{
        CONTROL_CHARACTERS, MALFORMED, NOT_A_SLUG, OUT_OF_RANGE, REQUIRED, TOO_LONG, TOO_MANY,
        UNKNOWN_ENUM_VALUE,
    },
    violations::{Path, Violations},
};
use crate::{
    clock::Micros,
    error::Violation,
    ids::{RunId, is_slug},
    proto::v1::PictureFormat,
};

/// A slug of 1 to `longest` bytes.
pub fn slug(out: &mut Violations, field: Path<'_>, text: &str, longest: usize) -> bool {
    if !present(out, field, text) || !short(out, field, text, longest) {
        return false;
    }
    let sound = is_slug(text, longest);
    if !sound {
        out.add(
            field,
            NOT_A_SLUG,
            "only a-z, 0-9, `_`, `-` and `.`, starting with a letter or digit",
        );
    }
    sound
}

/// A name of 1 to `longest` bytes without control characters.
pub fn name(out: &mut Violations, field: Path<'_>, text: &str, longest: usize) -> bool {
    present(out, field, text) && short(out, field, text, longest) && uncontrolled(out, field, text)
}

/// A text of at most `longest` bytes without NUL.
pub fn text(out: &mut Violations, field: Path<'_>, text: &str, longest: usize) -> bool {
    if !short(out, field, text, longest) {
        return false;
    }
    let sound = !text.contains('\0');
    if !sound {
        out.add(field, CONTROL_CHARACTERS, "a text may not hold NUL");
    }
    sound
}

/// Whether there is a text at all.
pub fn present(out: &mut Violations, field: Path<'_>, text: &str) -> bool {
    if text.is_empty() {
        out.add(field, REQUIRED, "may not be empty");
    }
    !text.is_empty()
}

/// Whether a text has at most `longest` bytes.
pub fn short(out: &mut Violations, field: Path<'_>, text: &str, longest: usize) -> bool {
    let sound = text.len() <= longest;
    if !sound {
        out.add(field, TOO_LONG, format!("at most {longest} bytes"));
    }
    sound
}

/// Whether a text is free of control characters.
pub fn uncontrolled(out: &mut Violations, field: Path<'_>, text: &str) -> bool {
    let sound = !text.chars().any(char::is_control);
    if !sound {
        out.add(field, CONTROL_CHARACTERS, "may not hold control characters");
    }
    sound
}

/// Whether a list has at most `most` items. Only the first `most` are worth a closer look.
pub fn count(out: &mut Violations, field: Path<'_>, given: usize, most: usize) -> bool {
    let sound = given <= most;
    if !sound {
        out.add(field, TOO_MANY, format!("at most {most}"));
    }
    sound
}

/// A value of an enum; its zero is `None`.
pub fn choice<T: TryFrom<i32>>(out: &mut Violations, field: Path<'_>, given: i32) -> Option<T> {
    let value = T::try_from(given).ok();
    if value.is_none() {
        out.add(
            field,
            UNKNOWN_ENUM_VALUE,
            "not a value that this version knows",
        );
    }
    value.filter(|_| given != 0)
}

/// Which picture is asked for; none is one too.
///
/// # Errors
/// That it is none that this version knows.
pub fn picture_format(given: i32) -> Result<PictureFormat, Vec<Violation>> {
    let mut out = Violations::default();
    let format = choice(&mut out, &"picture_format", given);
    out.finish(Some(format.unwrap_or(PictureFormat::Unspecified)))
}

/// A value of an enum that may not be its zero.
pub fn chosen<T: TryFrom<i32>>(out: &mut Violations, field: Path<'_>, given: i32) -> Option<T> {
    if given == 0 {
        out.add(field, REQUIRED, "may not be left unspecified");
        return None;
    }
    choice(out, field, given)
}

/// An instant of the years 1 to 9999, cut to the microsecond.
pub fn time(out: &mut Violations, field: Path<'_>, at: &Timestamp) -> Option<Micros> {
    if !(0..1_000_000_000).contains(&at.nanos) {
        out.add(field, MALFORMED, "nanos are not within a second");
        return None;
    }
    let micros = Micros::from_proto(at).filter(|m| (MIN_TIME..=MAX_TIME).contains(&m.0));
    if micros.is_none() {
        out.add(field, OUT_OF_RANGE, "years 0001 to 9999");
    }
    micros
}

/// The two ends of a period, of which the second is left out.
pub fn period(
    out: &mut Violations,
    (from_field, from): (Path<'_>, Option<&Timestamp>),
    (before_field, before): (Path<'_>, Option<&Timestamp>),
) -> (Option<Micros>, Option<Micros>) {
    let from = from.and_then(|at| time(out, from_field, at));
    let before = before.and_then(|at| time(out, before_field, at));
    if let (Some(from), Some(before)) = (from, before)
        && before <= from
    {
        out.add(
            before_field,
            OUT_OF_RANGE,
            "the period must end after it starts",
        );
    }
    (from, before)
}

/// An id that is a UUID in its usual form of 36 characters.
pub fn uuid<T: FromStr>(out: &mut Violations, field: Path<'_>, text: &str) -> Option<T> {
    let id = (text.len() == 36).then(|| T::from_str(text).ok()).flatten();
    if id.is_none() {
        out.add(field, MALFORMED, "not a UUID");
    }
    id
}

/// The import run of a request, if it names one.
///
/// # Errors
/// When it is no UUID.
pub fn run_id(field: &str, given: Option<&str>) -> Result<Option<RunId>, Vec<Violation>> {
    let mut out = Violations::default();
    let id = given.map(|text| uuid(&mut out, &field, text));
    out.finish(Some(id.flatten()))
}

/// The number of items in a request that must hold some.
///
/// # Errors
/// When there are none, or more than `most`.
pub fn items(field: &str, given: usize, most: usize) -> Result<(), Vec<Violation>> {
    let mut out = Violations::default();
    if given == 0 {
        out.add(&field, REQUIRED, format!("1 to {most}"));
    }
    count(&mut out, &field, given, most);
    out.finish(Some(()))
}

/// The size of a page; 0 means the default.
///
/// # Errors
/// When it is negative or more than `most`.
pub fn page_size(field: &str, given: i32, default: u32, most: u32) -> Result<u32, Vec<Violation>> {
    let mut out = Violations::default();
    let size = match u32::try_from(given) {
        Ok(0) => Some(default),
        Ok(size) if size <= most => Some(size),
        _ => None,
    };
    if size.is_none() {
        out.add(
            &field,
            OUT_OF_RANGE,
            format!("1 to {most}, or 0 for {default}"),
        );
    }
    out.finish(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(check: impl FnOnce(&mut Violations)) -> Vec<&'static str> {
        let mut out = Violations::default();
        check(&mut out);
        let found = out.finish::<()>(None).unwrap_err();
        assert!(found.iter().all(|v| v.field == "f"));
        found.into_iter().map(|v| v.reason).collect()
    }

    #[test]
    fn a_slug_breaks_one_rule_at_a_time() {
        for (text, want) in [
            ("", REQUIRED),
            ("abcdef", TOO_LONG),
            ("日本語", TOO_LONG),
            ("A b", NOT_A_SLUG),
        ] {
            assert_eq!(reasons(|out| _ = slug(out, &"f", text, 5)), [want]);
        }
        assert!(reasons(|out| _ = slug(out, &"f", "abcde", 5)).is_empty());
    }

    #[test]
    fn a_text_may_hold_line_breaks_but_no_nul_and_a_name_neither() {
        assert!(reasons(|out| _ = text(out, &"f", "a\nb", 5)).is_empty());
        assert_eq!(
            reasons(|out| _ = text(out, &"f", "\0", 5)),
            [CONTROL_CHARACTERS]
        );
        assert_eq!(
            reasons(|out| _ = name(out, &"f", "a\nb", 5)),
            [CONTROL_CHARACTERS]
        );
    }

    #[test]
    fn times_end_with_the_calendar() {
        let at = |seconds, nanos| Timestamp { seconds, nanos };
        for (given, want) in [
            (at(0, -1), MALFORMED),
            (at(0, 1_000_000_000), MALFORMED),
            (at(253_402_300_800, 0), OUT_OF_RANGE),
            (at(-62_135_596_801, 999_999_999), OUT_OF_RANGE),
            (at(i64::MAX, 0), OUT_OF_RANGE),
            (at(i64::MIN, 999_999_999), OUT_OF_RANGE),
        ] {
            assert_eq!(reasons(|out| _ = time(out, &"f", &given)), [want]);
        }
        for sound in [at(253_402_300_799, 999_999_999), at(-62_135_596_800, 0)] {
            assert!(reasons(|out| _ = time(out, &"f", &sound)).is_empty());
        }
    }

    #[test]
    fn a_period_must_not_be_empty() {
        let at = Timestamp {
            seconds: 1,
            nanos: 0,
        };
        let found = reasons(|out| _ = period(out, (&"from", Some(&at)), (&"f", Some(&at))));
        assert_eq!(found, [OUT_OF_RANGE]);
    }

    #[test]
    fn page_sizes_are_refused_rather_than_clamped() {
        assert_eq!(page_size("page_size", 0, 100, 1_000), Ok(100));
        assert_eq!(page_size("page_size", 1_000, 100, 1_000), Ok(1_000));
        for bad in [-1, 1_001] {
            let found = page_size("page_size", bad, 100, 1_000).unwrap_err();
            assert_eq!(found[0].reason, OUT_OF_RANGE);
        }
    }

    #[test]
    fn a_run_is_absent_or_a_uuid() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        assert_eq!(run_id("run_id", None), Ok(None));
        assert_eq!(run_id("run_id", Some(id)).unwrap().unwrap().to_string(), id);
        for bad in ["", "7", "{01890a5d-ac96-774b-bcce-b302099a8057}"] {
            assert_eq!(
                run_id("run_id", Some(bad)).unwrap_err()[0].reason,
                MALFORMED
            );
        }
    }

    #[test]
    fn a_request_holds_one_item_at_least() {
        assert_eq!(items("lookups", 0, 2).unwrap_err()[0].reason, REQUIRED);
        assert_eq!(items("lookups", 3, 2).unwrap_err()[0].reason, TOO_MANY);
        assert_eq!(items("lookups", 2, 2), Ok(()));
    }
}
