//! Traits: each value is brought to its canonical form, so that equal facts have equal bytes.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{
    fields::{count, slug, text, time},
    limits::{
        MAX_DECIMAL_BYTES, MAX_DECIMAL_DIGITS, MAX_SLUG_BYTES, MAX_TRAIT_LIST_ITEM_BYTES,
        MAX_TRAIT_LIST_ITEMS, MAX_TRAIT_TEXT_BYTES,
    },
    reason::{DUPLICATE_NAME, MALFORMED, NOT_ALLOWED_HERE, OUT_OF_RANGE, REQUIRED, TOO_LONG},
    violations::{Path, Violations},
};
use crate::proto::v1::{Trait, trait_value::Kind};

/// Checks the traits of an interaction or a search and makes them canonical in place.
pub(super) fn traits(out: &mut Violations, given: &mut [Trait], most: usize) {
    count(out, &"traits", given.len(), most);
    let given_len = given.len().min(most);
    for i in 0..given_len {
        let (before, rest) = given.split_at_mut(i);
        let Some(fact) = rest.first_mut() else { break };
        let field = format_args!("traits[{i}].name");
        if slug(out, &field, &fact.name, MAX_SLUG_BYTES)
            && before.iter().any(|other| other.name == fact.name)
        {
            out.add(&field, DUPLICATE_NAME, "each name once");
        }
        match fact.value.as_mut().and_then(|value| value.kind.as_mut()) {
            Some(kind) => value(out, i, kind),
            None => out.add(
                &format_args!("traits[{i}].value"),
                REQUIRED,
                "exactly one type of value; `unset` when there is none",
            ),
        }
    }
}

fn value(out: &mut Violations, i: usize, kind: &mut Kind) {
    match kind {
        Kind::Integer(_) | Kind::Boolean(_) | Kind::Unset(true) => {}
        Kind::Unset(false) => out.add(
            &format_args!("traits[{i}].value.unset"),
            NOT_ALLOWED_HERE,
            "only true has a meaning",
        ),
        Kind::Text(value) => {
            let field = format_args!("traits[{i}].value.text");
            text(out, &field, value, MAX_TRAIT_TEXT_BYTES);
        }
        Kind::Decimal(value) => {
            if let Some(canonical) = decimal(out, &format_args!("traits[{i}].value.decimal"), value)
            {
                *value = canonical;
            }
        }
        Kind::Date(value) => date(out, &format_args!("traits[{i}].value.date"), value),
        Kind::Time(value) => {
            if let Some(at) = time(out, &format_args!("traits[{i}].value.time"), value) {
                *value = at.to_proto();
            }
        }
        Kind::List(list) => {
            let field = format_args!("traits[{i}].value.list.values");
            count(out, &field, list.values.len(), MAX_TRAIT_LIST_ITEMS);
            for (j, value) in list.values.iter().take(MAX_TRAIT_LIST_ITEMS).enumerate() {
                let field = format_args!("traits[{i}].value.list.values[{j}]");
                text(out, &field, value, MAX_TRAIT_LIST_ITEM_BYTES);
            }
        }
    }
}

/// A decimal without superfluous zeros; zero has no sign.
fn decimal(out: &mut Violations, field: Path<'_>, given: &str) -> Option<String> {
    if given.len() > MAX_DECIMAL_BYTES {
        out.add(
            field,
            TOO_LONG,
            format!("at most {MAX_DECIMAL_BYTES} bytes"),
        );
        return None;
    }
    let Some((negative, whole, fraction)) = decimal_parts(given) else {
        out.add(
            field,
            MALFORMED,
            "digits with an optional `-` before and an optional `.` within",
        );
        return None;
    };
    let sign = if negative { "-" } else { "" };
    let bare = match (whole, fraction) {
        ("", "") => "0".to_owned(),
        (whole, "") => format!("{sign}{whole}"),
        ("", fraction) => format!("{sign}0.{fraction}"),
        (whole, fraction) => format!("{sign}{whole}.{fraction}"),
    };
    // Parsed as well, so that whoever computes with it later can rely on it.
    let number = (whole.len() + fraction.len() <= MAX_DECIMAL_DIGITS)
        .then(|| Decimal::from_str_exact(&bare).ok())
        .flatten();
    if number.is_none() {
        out.add(
            field,
            OUT_OF_RANGE,
            format!("at most {MAX_DECIMAL_DIGITS} digits"),
        );
    }
    number.map(|number| number.normalize().to_string())
}

/// Sign, digits before the point without leading zeros, digits after it without trailing ones.
fn decimal_parts(given: &str) -> Option<(bool, &str, &str)> {
    let digits = given.strip_prefix('-').unwrap_or(given);
    let negative = digits.len() < given.len();
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (digits, ""),
    };
    let sound = !whole.is_empty()
        && whole
            .bytes()
            .chain(fraction.bytes())
            .all(|b| b.is_ascii_digit());
    sound.then(|| {
        (
            negative,
            whole.trim_start_matches('0'),
            fraction.trim_end_matches('0'),
        )
    })
}

fn date(out: &mut Violations, field: Path<'_>, given: &str) {
    let form = given.len() == 10
        && given.bytes().enumerate().all(|(i, b)| match i {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    let on_calendar =
        form && !given.starts_with("0000") && NaiveDate::parse_from_str(given, "%Y-%m-%d").is_ok();
    if !on_calendar {
        out.add(
            field,
            MALFORMED,
            "a day of the calendar as YYYY-MM-DD, years 0001 to 9999",
        );
    }
}

#[cfg(test)]
mod tests {
    use prost_types::Timestamp;

    use super::*;
    use crate::{error::Violation, proto::v1::TraitValue};

    fn run(kinds: Vec<Kind>) -> Result<Vec<Kind>, Vec<Violation>> {
        let mut given: Vec<Trait> = kinds
            .into_iter()
            .enumerate()
            .map(|(i, kind)| Trait {
                name: format!("n{i}"),
                value: Some(TraitValue { kind: Some(kind) }),
            })
            .collect();
        let mut out = Violations::default();
        traits(&mut out, &mut given, 64);
        let kinds = given.into_iter().filter_map(|t| t.value?.kind).collect();
        out.finish(Some(kinds))
    }

    #[test]
    fn decimals_of_one_number_become_one_text() {
        for (given, want) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.000", "0"),
            ("007", "7"),
            ("12.50", "12.5"),
            ("-12.50", "-12.5"),
            ("100", "100"),
            ("0.10", "0.1"),
            ("-00.5", "-0.5"),
            (
                "1234567890123456789012345678",
                "1234567890123456789012345678",
            ),
            (
                "0.0000000000000000000000000001",
                "0.0000000000000000000000000001",
            ),
            (
                "9999999999999999999999999999.000000",
                "9999999999999999999999999999",
            ),
        ] {
            let found = run(vec![Kind::Decimal(given.into())]).unwrap();
            assert_eq!(found, [Kind::Decimal(want.into())], "{given}");
        }
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for (given, want) in [
            ("", MALFORMED),
            ("-", MALFORMED),
            (".5", MALFORMED),
            ("5.", MALFORMED),
            ("+5", MALFORMED),
            ("1e5", MALFORMED),
            ("1_000", MALFORMED),
            ("１", MALFORMED),
            ("1.2.3", MALFORMED),
            ("12345678901234567890123456789", OUT_OF_RANGE),
            ("0.00000000000000000000000000001", OUT_OF_RANGE),
        ] {
            let found = run(vec![Kind::Decimal(given.into())]).unwrap_err();
            assert_eq!(found[0].reason, want, "{given}");
            assert_eq!(found[0].field, "traits[0].value.decimal");
        }
        let long = run(vec![Kind::Decimal("0".repeat(65))]).unwrap_err();
        assert_eq!(long[0].reason, TOO_LONG);
    }

    #[test]
    fn dates_are_days_of_the_calendar() {
        for good in ["2024-02-29", "0001-01-01", "9999-12-31"] {
            assert!(run(vec![Kind::Date(good.into())]).is_ok(), "{good}");
        }
        for bad in [
            "2023-02-29",
            "1900-02-29",
            "0000-01-01",
            "2024-2-9",
            "2024-13-01",
            "10000-01-01",
            " 2024-01-01",
            "2024/01/01",
            "",
        ] {
            let found = run(vec![Kind::Date(bad.into())]).unwrap_err();
            assert_eq!(found[0].reason, MALFORMED, "{bad}");
        }
    }

    #[test]
    fn times_are_cut_to_the_microsecond() {
        let at = |nanos| Kind::Time(Timestamp { seconds: -1, nanos });
        assert_eq!(run(vec![at(1_999)]).unwrap(), [at(1_000)]);
    }

    #[test]
    fn a_name_comes_once_and_unset_is_true() {
        let twice = |name: &str| Trait {
            name: name.into(),
            value: Some(TraitValue {
                kind: Some(Kind::Unset(false)),
            }),
        };
        let mut out = Violations::default();
        traits(&mut out, &mut [twice("a"), twice("a")], 64);
        let found = out.finish::<()>(None).unwrap_err();
        let found: Vec<_> = found.iter().map(|v| (v.field.as_str(), v.reason)).collect();
        assert_eq!(
            found,
            [
                ("traits[0].value.unset", NOT_ALLOWED_HERE),
                ("traits[1].name", DUPLICATE_NAME),
                ("traits[1].value.unset", NOT_ALLOWED_HERE),
            ]
        );
    }
}
