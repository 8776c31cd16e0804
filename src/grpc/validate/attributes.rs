//! Free attributes: any shape, within limits of number, depth and keys.
//!
//! The walk stops at the first value over the limit and never descends below the deepest level allowed, so its cost and
//! its stack do not grow with what was sent.

use prost_types::{Struct, Value, value::Kind};

use super::{
    limits::{MAX_ATTRIBUTE_KEY_BYTES, MAX_ATTRIBUTES, MAX_DEPTH},
    reason::{
        CONTROL_CHARACTERS, OUT_OF_RANGE, REQUIRED, TOO_DEEP, TOO_LONG, TOO_MANY,
        UNKNOWN_ENUM_VALUE,
    },
    violations::{Path, Violations},
};

/// The attributes of an interaction.
pub(super) fn attributes(out: &mut Violations, given: &Struct) {
    let mut walk = Walk { out, values: 0 };
    if walk.fields(&"attributes", given, 1).is_none() {
        out.add(
            &"attributes",
            TOO_MANY,
            format!("at most {MAX_ATTRIBUTES} values in all"),
        );
    }
}

struct Walk<'a> {
    out: &'a mut Violations,
    values: usize,
}

impl Walk<'_> {
    /// `None` once there are too many values.
    fn fields(&mut self, path: Path<'_>, given: &Struct, depth: usize) -> Option<()> {
        if !self.allowed(path, depth) {
            return Some(());
        }
        for (i, (key, value)) in given.fields.iter().enumerate() {
            // A key that reads well stands for itself; any other by its place, since paths are shown to people.
            if is_plain(key) {
                self.value(&format_args!("{path}.{key}"), value, depth)?;
            } else {
                let path = format_args!("{path}[{i}]");
                self.key(&path, key);
                self.value(&path, value, depth)?;
            }
        }
        Some(())
    }

    fn key(&mut self, path: Path<'_>, key: &str) {
        if key.is_empty() {
            self.out.add(path, REQUIRED, "a key may not be empty");
        } else if key.len() > MAX_ATTRIBUTE_KEY_BYTES {
            self.out.add(
                path,
                TOO_LONG,
                format!("a key has at most {MAX_ATTRIBUTE_KEY_BYTES} bytes"),
            );
        } else if key.contains('\0') {
            self.out
                .add(path, CONTROL_CHARACTERS, "a key may not hold NUL");
        }
    }

    fn value(&mut self, path: Path<'_>, given: &Value, depth: usize) -> Option<()> {
        self.values += 1;
        if self.values > MAX_ATTRIBUTES {
            return None;
        }
        match &given.kind {
            None => self.out.add(path, REQUIRED, "a value needs a type"),
            Some(Kind::NullValue(0) | Kind::BoolValue(_)) => {}
            Some(Kind::NullValue(_)) => {
                self.out
                    .add(path, UNKNOWN_ENUM_VALUE, "null has one value only");
            }
            Some(Kind::NumberValue(number)) => {
                if !number.is_finite() {
                    self.out.add(path, OUT_OF_RANGE, "a number must be finite");
                }
            }
            Some(Kind::StringValue(text)) => {
                if text.contains('\0') {
                    self.out
                        .add(path, CONTROL_CHARACTERS, "a text may not hold NUL");
                }
            }
            Some(Kind::StructValue(fields)) => self.fields(path, fields, depth + 1)?,
            Some(Kind::ListValue(list)) => {
                if self.allowed(path, depth + 1) {
                    for (i, value) in list.values.iter().enumerate() {
                        self.value(&format_args!("{path}[{i}]"), value, depth + 1)?;
                    }
                }
            }
        }
        Some(())
    }

    fn allowed(&mut self, path: Path<'_>, depth: usize) -> bool {
        if depth > MAX_DEPTH {
            self.out
                .add(path, TOO_DEEP, format!("at most {MAX_DEPTH} levels"));
        }
        depth <= MAX_DEPTH
    }
}

fn is_plain(key: &str) -> bool {
    (1..=64).contains(&key.len())
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf() -> Value {
        Value {
            kind: Some(Kind::BoolValue(true)),
        }
    }

    fn one(key: &str, value: Value) -> Struct {
        Struct {
            fields: [(key.to_owned(), value)].into(),
        }
    }

    fn nested(levels: usize) -> Struct {
        let inside = match levels {
            0 | 1 => leaf(),
            _ => Value {
                kind: Some(Kind::StructValue(nested(levels - 1))),
            },
        };
        one("a", inside)
    }

    fn found(given: &Struct) -> Vec<(String, &'static str)> {
        let mut out = Violations::default();
        attributes(&mut out, given);
        let found = out.finish::<()>(None).unwrap_err();
        found.into_iter().map(|v| (v.field, v.reason)).collect()
    }

    #[test]
    fn four_levels_are_allowed_and_a_flat_struct_has_one() {
        assert!(found(&nested(4)).is_empty());
        assert_eq!(
            found(&nested(5)),
            [("attributes.a.a.a.a".to_owned(), TOO_DEEP)]
        );
        assert_eq!(found(&nested(90)).len(), 1);
    }

    #[test]
    fn every_value_counts_also_those_that_hold_others() {
        let list = |length| Value {
            kind: Some(Kind::ListValue(prost_types::ListValue {
                values: vec![leaf(); length],
            })),
        };
        assert!(found(&one("a", list(63))).is_empty());
        assert_eq!(
            found(&one("a", list(64))),
            [("attributes".to_owned(), TOO_MANY)]
        );
    }

    #[test]
    fn keys_and_values_have_their_limits() {
        let number = |n| Value {
            kind: Some(Kind::NumberValue(n)),
        };
        let at = |place: &str| format!("attributes{place}");
        let text = Value {
            kind: Some(Kind::StringValue("\0".into())),
        };
        for (given, want) in [
            (one("", leaf()), (at("[0]"), REQUIRED)),
            (one(&"k".repeat(129), leaf()), (at("[0]"), TOO_LONG)),
            (one("a\0", leaf()), (at("[0]"), CONTROL_CHARACTERS)),
            (one("a", text), (at(".a"), CONTROL_CHARACTERS)),
            (one("a", number(f64::NAN)), (at(".a"), OUT_OF_RANGE)),
            (one("a", number(f64::INFINITY)), (at(".a"), OUT_OF_RANGE)),
            (one("a", Value { kind: None }), (at(".a"), REQUIRED)),
        ] {
            assert_eq!(found(&given), [want]);
        }
        assert!(found(&one(&"k".repeat(128), number(-0.0))).is_empty());
        assert!(found(&one("航空会社", leaf())).is_empty());
    }
}
