//! An interpreter that says the same in other words: slow, allocating, and sharing no code with the one it checks.
//!
//! Truth is a number, 0 for false, 1 for unknown and 2 for true; `&&` is the minimum, `||` the maximum and `!` what is missing
//! to 2. Numbers are compared as fractions of whole numbers, and days are counted one by one.

use chrono::{Datelike as _, NaiveDate};
use rust_decimal::Decimal;

use crate::{
    clock::Micros,
    criteria::{
        Attribute, Facts, Value,
        tree::{Comparison, Elapsed, Expression, Matching, Operation},
    },
};

/// False, unknown, true.
pub(super) fn truth(of: &Expression, attributes: &[Attribute], facts: &impl Facts) -> u8 {
    let again = |of: &Expression| truth(of, attributes, facts);
    match of {
        Expression::All(members) => members.iter().map(again).min().unwrap(),
        Expression::Any(members) => members.iter().map(again).max().unwrap(),
        Expression::Not(of) => 2 - again(of),
        other => match known(other, attributes, facts) {
            Some(Known::Truth(is)) => 2 * u8::from(is),
            _ => 1,
        },
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Known {
    Truth(bool),
    Whole(i64),
    Fraction(Decimal),
    Text(String),
    Day(NaiveDate),
    Instant(i128),
    Texts(Vec<String>),
}

fn known(of: &Expression, attributes: &[Attribute], facts: &impl Facts) -> Option<Known> {
    let value = |of: &Expression| known(of, attributes, facts);
    match of {
        Expression::Literal(literal) => from(literal.value()),
        Expression::Attribute(index, _) => from(facts.get(&attributes[usize::from(index.0)])),
        Expression::Has(index) => {
            let has = from(facts.get(&attributes[usize::from(index.0)])).is_some();
            Some(Known::Truth(has))
        }
        Expression::Compare(comparison, sides) => {
            compare(*comparison, &value(&sides[0])?, &value(&sides[1])?).map(Known::Truth)
        }
        Expression::OneOf(of, members) => {
            let value = value(of)?;
            let told: Vec<bool> = members
                .iter()
                .filter_map(|member| compare(Comparison::Equal, &value, &from(member.value())?))
                .collect();
            (!told.is_empty()).then(|| Known::Truth(told.contains(&true)))
        }
        Expression::Member(sides) => match (value(&sides[0])?, value(&sides[1])?) {
            (Known::Text(text), Known::Texts(texts)) => Some(Known::Truth(texts.contains(&text))),
            _ => None,
        },
        Expression::Matches(matching, of, part) => match value(of)? {
            Known::Text(text) => Some(Known::Truth(match matching {
                Matching::Start => text.find(&**part) == Some(0),
                Matching::End => {
                    text.len() >= part.len()
                        && text.as_bytes()[text.len() - part.len()..] == *part.as_bytes()
                }
                Matching::Part => text.find(&**part).is_some(),
            })),
            _ => None,
        },
        Expression::Arithmetic(operation, sides) => {
            reckon(*operation, &value(&sides[0])?, &value(&sides[1])?)
        }
        Expression::Negative(of) => reckon(Operation::Subtract, &Known::Whole(0), &value(of)?),
        Expression::Elapsed(elapsed, of) => count(*elapsed, &value(of)?, facts).map(Known::Whole),
        Expression::Within(of, span) => match value(of)? {
            Known::Instant(at) => {
                let now = i128::from(facts.moment().now.0);
                let end = at + i128::from(span.count) * i128::from(span.unit.micros());
                Some(Known::Truth(at <= now && now < end))
            }
            _ => None,
        },
        Expression::All(_) | Expression::Any(_) | Expression::Not(_) => {
            match truth(of, attributes, facts) {
                0 => Some(Known::Truth(false)),
                2 => Some(Known::Truth(true)),
                _ => None,
            }
        }
    }
}

fn from(value: Value<'_>) -> Option<Known> {
    Some(match value {
        Value::Missing => return None,
        Value::Boolean(is) => Known::Truth(is),
        Value::Integer(number) => Known::Whole(number),
        Value::Number(number) => Known::Fraction(number),
        Value::Text(text) => Known::Text(text.to_owned()),
        Value::Date(day) => Known::Day(NaiveDate::from_epoch_days(day.0).unwrap()),
        Value::Time(Micros(at)) => Known::Instant(i128::from(at)),
        Value::List(texts) => Known::Texts(texts.to_vec()),
    })
}

/// The sign of a difference.
fn difference(left: &Known, right: &Known) -> Option<i32> {
    let sign = |is_more: bool, is_less: bool| i32::from(is_more) - i32::from(is_less);
    Some(match (left, right) {
        (Known::Whole(a), Known::Whole(b)) => sign(a > b, a < b),
        (Known::Whole(_) | Known::Fraction(_), Known::Whole(_) | Known::Fraction(_)) => {
            let [a, b] = [left, right].map(|of| match of {
                Known::Whole(number) => (i128::from(*number), 0),
                Known::Fraction(number) => (number.mantissa(), number.scale()),
                _ => unreachable!(),
            });
            // Whole parts first, then digits of the rest, which may have 28 places.
            let parts = |(mantissa, scale): (i128, u32)| {
                let unit = 10_i128.pow(scale);
                let rest = mantissa.rem_euclid(unit) * 10_i128.pow(28 - scale);
                (mantissa.div_euclid(unit), rest)
            };
            let (a, b) = (parts(a), parts(b));
            sign(a > b, a < b)
        }
        (Known::Day(a), Known::Day(b)) => sign(a > b, a < b),
        (Known::Instant(a), Known::Instant(b)) => sign(a > b, a < b),
        _ => return None,
    })
}

fn compare(comparison: Comparison, left: &Known, right: &Known) -> Option<bool> {
    if let (Known::Truth(_), Known::Truth(_)) | (Known::Text(_), Known::Text(_)) = (left, right) {
        return match comparison {
            Comparison::Equal => Some(left == right),
            Comparison::Unequal => Some(left != right),
            _ => None,
        };
    }
    let difference = difference(left, right)?;
    Some(match comparison {
        Comparison::Equal => difference == 0,
        Comparison::Unequal => difference != 0,
        Comparison::Less => difference < 0,
        Comparison::AtMost => difference < 1,
        Comparison::Greater => difference > 0,
        Comparison::AtLeast => difference > -1,
    })
}

fn reckon(operation: Operation, left: &Known, right: &Known) -> Option<Known> {
    if let (Known::Whole(left), Known::Whole(right)) = (left, right) {
        let (a, b) = (i128::from(*left), i128::from(*right));
        if b == 0 && matches!(operation, Operation::Divide | Operation::Remainder) {
            return None;
        }
        let exact = match operation {
            Operation::Add => a + b,
            Operation::Subtract => a - b,
            Operation::Multiply => a * b,
            Operation::Divide => a / b,
            // What has no quotient has no remainder.
            Operation::Remainder if a / b > i128::from(i64::MAX) => return None,
            Operation::Remainder => a - a / b * b,
        };
        return i64::try_from(exact).ok().map(Known::Whole);
    }
    let decimal = |of: &Known| match of {
        Known::Whole(number) => Some(Decimal::from(*number)),
        Known::Fraction(number) => Some(*number),
        _ => None,
    };
    let (a, b) = (decimal(left)?, decimal(right)?);
    let exact = match operation {
        Operation::Add => a.checked_add(b),
        Operation::Subtract => a.checked_sub(b),
        Operation::Multiply => a.checked_mul(b),
        Operation::Divide => a.checked_div(b),
        Operation::Remainder => a.checked_rem(b),
    };
    exact.map(Known::Fraction)
}

fn count(elapsed: Elapsed, of: &Known, facts: &impl Facts) -> Option<i64> {
    let moment = facts.moment();
    let now = i128::from(moment.now.0);
    let today = NaiveDate::from_epoch_days(moment.today().0).unwrap();
    let floor = |difference: i128, unit: i128| {
        let cut = difference / unit;
        let below = difference < 0 && cut * unit != difference;
        i64::try_from(cut - i128::from(below)).unwrap()
    };
    let day = 86_400_000_000;
    Some(match (elapsed, of) {
        (Elapsed::DaysSince, Known::Instant(at)) => floor(now - at, day),
        (Elapsed::DaysUntil, Known::Instant(at)) => -floor(now - at, day),
        (Elapsed::HoursSince, Known::Instant(at)) => floor(now - at, day / 24),
        (Elapsed::DaysSince, Known::Day(date)) => (today - *date).num_days(),
        (Elapsed::DaysUntil, Known::Day(date)) => (*date - today).num_days(),
        (Elapsed::DaysUntilAnniversary, Known::Day(date)) => {
            let returns = |on: &NaiveDate| {
                let leap = (date.month(), date.day()) == (2, 29) && !on.leap_year();
                let due = if leap { 28 } else { date.day() };
                (on.month(), on.day()) == (date.month(), due)
            };
            let ahead = today.iter_days().position(|on| returns(&on)).unwrap();
            i64::try_from(ahead).unwrap()
        }
        _ => return None,
    })
}
