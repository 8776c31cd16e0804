//! Comparing values and reckoning with them.
//!
//! What must stay true: nothing here panics or wraps round; integers and decimals compare by what they are, exactly; and the
//! order of the sides never decides whether something can be told.

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::{
    tree::{Comparison, Elapsed, Matching, Operation, Span},
    value::Value,
    verdict::Reason,
};
use crate::{
    calendar::Day,
    clock::Micros,
    criteria::{facts::Moment, limits::MAX_LIST, tree::Unit},
};

/// Which of two values comes first; `None` when they are of types that do not compare.
fn order(left: Value<'_>, right: Value<'_>) -> Option<Ordering> {
    Some(match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => left.cmp(&right),
        (Value::Number(left), Value::Number(right)) => left.cmp(&right),
        (Value::Integer(left), Value::Number(right)) => Decimal::from(left).cmp(&right),
        (Value::Number(left), Value::Integer(right)) => left.cmp(&Decimal::from(right)),
        (Value::Date(left), Value::Date(right)) => left.cmp(&right),
        (Value::Time(left), Value::Time(right)) => left.cmp(&right),
        _ => return None,
    })
}

/// Whether two values are the same; `None` when they are of types that do not compare.
pub(super) fn same(left: Value<'_>, right: Value<'_>) -> Option<bool> {
    match (left, right) {
        (Value::Boolean(left), Value::Boolean(right)) => Some(left == right),
        (Value::Text(left), Value::Text(right)) => Some(left == right),
        _ => order(left, right).map(Ordering::is_eq),
    }
}

/// Whether a comparison holds.
pub(super) fn compare(
    comparison: Comparison,
    left: Value<'_>,
    right: Value<'_>,
) -> Result<bool, Reason> {
    let holds = match comparison {
        Comparison::Equal => same(left, right),
        Comparison::Unequal => same(left, right).map(|same| !same),
        Comparison::Less => order(left, right).map(Ordering::is_lt),
        Comparison::AtMost => order(left, right).map(Ordering::is_le),
        Comparison::Greater => order(left, right).map(Ordering::is_gt),
        Comparison::AtLeast => order(left, right).map(Ordering::is_ge),
    };
    holds.ok_or(Reason::WrongType)
}

/// Whether a text is in a list.
pub(super) fn is_member(of: Value<'_>, list: Value<'_>) -> Result<bool, Reason> {
    match (of, list) {
        (Value::Text(text), Value::List(texts)) => {
            Ok(texts.iter().take(MAX_LIST).any(|other| other == text))
        }
        _ => Err(Reason::WrongType),
    }
}

/// Whether a text holds another one.
pub(super) fn matches(matching: Matching, of: Value<'_>, part: &str) -> Result<bool, Reason> {
    let Value::Text(text) = of else {
        return Err(Reason::WrongType);
    };
    Ok(match matching {
        Matching::Start => text.starts_with(part),
        Matching::End => text.ends_with(part),
        Matching::Part => text.contains(part),
    })
}

/// Two numbers into one. Integers stay integers, and their division cuts towards zero, as in CEL; with a decimal among them
/// all is decimal.
pub(super) fn arithmetic(
    operation: Operation,
    left: Value<'_>,
    right: Value<'_>,
) -> Result<Value<'static>, Reason> {
    if let (Value::Integer(left), Value::Integer(right)) = (left, right) {
        return whole(operation, left, right).map(Value::Integer);
    }
    let (left, right) = (decimal(left)?, decimal(right)?);
    let result = match operation {
        Operation::Add => left.checked_add(right),
        Operation::Subtract => left.checked_sub(right),
        Operation::Multiply => left.checked_mul(right),
        Operation::Divide | Operation::Remainder if right.is_zero() => {
            return Err(Reason::DivisionByZero);
        }
        Operation::Divide => left.checked_div(right),
        Operation::Remainder => left.checked_rem(right),
    };
    result.map(Value::Number).ok_or(Reason::Overflow)
}

fn whole(operation: Operation, left: i64, right: i64) -> Result<i64, Reason> {
    let result = match operation {
        Operation::Add => left.checked_add(right),
        Operation::Subtract => left.checked_sub(right),
        Operation::Multiply => left.checked_mul(right),
        Operation::Divide | Operation::Remainder if right == 0 => {
            return Err(Reason::DivisionByZero);
        }
        Operation::Divide => left.checked_div(right),
        Operation::Remainder => left.checked_rem(right),
    };
    result.ok_or(Reason::Overflow)
}

/// A number with the other sign.
pub(super) fn negative(of: Value<'_>) -> Result<Value<'static>, Reason> {
    match of {
        Value::Integer(number) => number
            .checked_neg()
            .map(Value::Integer)
            .ok_or(Reason::Overflow),
        Value::Number(number) => Ok(Value::Number(-number)),
        _ => Err(Reason::WrongType),
    }
}

fn decimal(of: Value<'_>) -> Result<Decimal, Reason> {
    match of {
        Value::Integer(number) => Ok(Decimal::from(number)),
        Value::Number(number) => Ok(number),
        _ => Err(Reason::WrongType),
    }
}

/// Days or hours from a date or time to the moment, or from it to them.
///
/// From a time, a day is 24 hours, and only whole ones count: 0 for the first 24 hours, -1 for the last 24 before. From a day,
/// they are days of the calendar in the tenant's zone.
pub(super) fn elapsed(what: Elapsed, of: Value<'_>, moment: Moment) -> Result<i64, Reason> {
    match (what, of) {
        (Elapsed::DaysSince, Value::Time(at)) => Ok(since(at, moment.now, Unit::Days)),
        (Elapsed::HoursSince, Value::Time(at)) => Ok(since(at, moment.now, Unit::Hours)),
        (Elapsed::DaysUntil, Value::Time(at)) => Ok(-since(at, moment.now, Unit::Days)),
        (Elapsed::DaysSince, Value::Date(day)) => Ok(apart(day, moment.today())),
        (Elapsed::DaysUntil, Value::Date(day)) => Ok(apart(moment.today(), day)),
        (Elapsed::DaysUntilAnniversary, Value::Date(day)) => {
            Ok(until_anniversary(day, moment.today()))
        }
        _ => Err(Reason::WrongType),
    }
}

fn since(at: Micros, now: Micros, unit: Unit) -> i64 {
    if let Some(micros) = now.0.checked_sub(at.0) {
        return micros.div_euclid(unit.micros());
    }
    // The difference of two numbers of 64 bits may not be one, but is after the division.
    let micros = i128::from(now.0) - i128::from(at.0);
    i64::try_from(micros.div_euclid(i128::from(unit.micros()))).unwrap_or(i64::MAX)
}

fn apart(from: Day, to: Day) -> i64 {
    i64::from(to.0) - i64::from(from.0)
}

/// Days to the next return of a day of a year, 0 on that day; that of 29 February is 28 February in other years.
pub(super) fn until_anniversary(day: Day, today: Day) -> i64 {
    use chrono::{Datelike as _, NaiveDate};
    let date = |day: Day| NaiveDate::from_epoch_days(day.0);
    let (Some(born), Some(now)) = (date(day), date(today)) else {
        return 0;
    };
    let in_year = |year: i32| {
        let same = NaiveDate::from_ymd_opt(year, born.month(), born.day());
        same.or_else(|| NaiveDate::from_ymd_opt(year, born.month(), 28))
    };
    let next = in_year(now.year()).filter(|next| *next >= now);
    let next = next.or_else(|| in_year(now.year() + 1));
    next.map_or(0, |next| {
        i64::from(next.to_epoch_days()) - i64::from(today.0)
    })
}

/// Whether the moment is in the time that begins with an instant and lasts so long.
pub(super) fn within(of: Value<'_>, span: Span, moment: Moment) -> Result<bool, Reason> {
    let Value::Time(at) = of else {
        return Err(Reason::WrongType);
    };
    // Older or younger than can be told is outside of every window.
    let age = moment.now.0.checked_sub(at.0);
    Ok(age.is_some_and(|age| (0..span.micros()).contains(&age)))
}
