//! Values and their types.

use std::fmt;

use rust_decimal::Decimal;

use crate::{calendar::Day, clock::Micros};

/// Types of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// True or false.
    Boolean,
    /// A whole number of 64 bits.
    Integer,
    /// A decimal number of at most 28 digits; exact, never a binary fraction.
    Number,
    /// Text; compared byte by byte.
    Text,
    /// A day of a calendar.
    Date,
    /// An instant, to the microsecond.
    Time,
    /// Texts in their order.
    List,
    /// What it is shows in each profile: traits, and what a call says of its context.
    Any,
}

impl Type {
    /// As the reference and mistakes call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Text => "text",
            Self::Date => "date",
            Self::Time => "time",
            Self::List => "list of texts",
            Self::Any => "any",
        }
    }

    /// Whether it can be reckoned with.
    #[must_use]
    pub const fn is_numeric(self) -> bool {
        matches!(self, Self::Integer | Self::Number | Self::Any)
    }
}

/// What an attribute says of a customer. Nothing in it is owned, so getting one allocates nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Value<'a> {
    /// Not known, or known to have no value.
    #[default]
    Missing,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A decimal number.
    Number(Decimal),
    /// Text.
    Text(&'a str),
    /// A day.
    Date(Day),
    /// An instant.
    Time(Micros),
    /// Texts; the first [`super::limits::MAX_LIST`] of them are looked at.
    List(&'a [String]),
}

impl Value<'_> {
    /// A figure that was computed in floating point, rounded to six decimals so that every machine agrees on it; missing
    /// when it is no number or beyond 28 digits.
    #[must_use]
    pub fn rounded(figure: f64) -> Self {
        // Rounding first to the shortest text of the figure keeps 0.1 at 0.1.
        let exact = Decimal::try_from(figure).ok();
        exact.map_or(Value::Missing, |exact| {
            Value::Number(exact.round_dp(6).normalize())
        })
    }

    /// An amount of money in units of its currency: `decimals` is how many minor units make one (2 of the euro, 0 of the
    /// yen), at most 4 in any currency.
    #[must_use]
    pub fn money(minor_units: i64, decimals: u32) -> Self {
        Decimal::try_new(minor_units, decimals).map_or(Value::Missing, Value::Number)
    }

    /// Whether there is a value.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        !matches!(self, Value::Missing)
    }
}

impl fmt::Display for Value<'_> {
    /// As a literal of the language, where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Missing => f.write_str("no value"),
            Value::Boolean(is) => is.fmt(f),
            Value::Integer(number) => number.fmt(f),
            Value::Number(number) => f.write_str(&decimal(*number)),
            Value::Text(text) => write_text(f, text),
            Value::Date(day) => write!(f, "date(\"{}\")", iso(*day)),
            Value::Time(at) => write!(f, "timestamp(\"{at}\")"),
            Value::List(texts) => {
                f.write_str("[")?;
                for (at, text) in texts.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { ", " })?;
                    write_text(f, text)?;
                }
                f.write_str("]")
            }
        }
    }
}

/// A value that stands in a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `true`, `false`.
    Boolean(bool),
    /// `12`.
    Integer(i64),
    /// `0.5`; without zeros at the end, and zero without a sign.
    Number(Decimal),
    /// `"gold"`.
    Text(Box<str>),
    /// `date("2026-01-31")`.
    Date(Day),
    /// `timestamp("2026-01-31T09:00:00Z")`.
    Time(Micros),
}

impl Literal {
    /// Its value.
    #[must_use]
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::Boolean(is) => Value::Boolean(*is),
            Self::Integer(number) => Value::Integer(*number),
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(text),
            Self::Date(day) => Value::Date(*day),
            Self::Time(at) => Value::Time(*at),
        }
    }

    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> Type {
        match self {
            Self::Boolean(_) => Type::Boolean,
            Self::Integer(_) => Type::Integer,
            Self::Number(_) => Type::Number,
            Self::Text(_) => Type::Text,
            Self::Date(_) => Type::Date,
            Self::Time(_) => Type::Time,
        }
    }
}

/// Always with a point, so that it is read as a number again and not as an integer.
fn decimal(number: Decimal) -> String {
    let text = number.normalize().to_string();
    if text.contains('.') {
        text
    } else {
        format!("{text}.0")
    }
}

/// `2026-01-31`, with four digits of the year.
fn iso(day: Day) -> String {
    day.to_string()
}

/// A text between quotes, with what cannot stand in one escaped.
pub(super) fn write_text(f: &mut impl fmt::Write, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c.is_control() => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}
