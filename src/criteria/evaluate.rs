//! Holding a rule against facts.
//!
//! What must stay true: nothing is allocated, nothing panics, and the steps that are taken are at most the cost of the rule.
//! Members of `&&` and `||` are asked in their order and no further than the answer needs.

use super::{
    facts::{Attribute, Facts, Moment},
    reckon,
    tree::Expression,
    value::Value,
    verdict::{Cause, Reason, Verdict},
};

/// Counts the steps; a type, so that not counting costs nothing.
pub(super) trait Meter {
    /// So many steps were taken.
    fn steps(&mut self, steps: u32);
}

/// Counts nothing.
pub(super) struct Unmetered;

impl Meter for Unmetered {
    fn steps(&mut self, _: u32) {}
}

/// A rule against facts.
pub(super) struct Evaluation<'a, F, M> {
    pub(super) attributes: &'a [Attribute],
    pub(super) facts: &'a F,
    pub(super) moment: Moment,
    pub(super) meter: M,
}

impl<'a, F: Facts> Evaluation<'a, F, Unmetered> {
    pub(super) fn new(attributes: &'a [Attribute], facts: &'a F) -> Self {
        Self {
            attributes,
            facts,
            moment: facts.moment(),
            meter: Unmetered,
        }
    }
}

impl<'a, F: Facts, M: Meter> Evaluation<'a, F, M> {
    /// Whether something holds.
    pub(super) fn truth(&mut self, of: &'a Expression) -> Verdict {
        match of {
            Expression::All(members) => {
                self.meter.steps(1);
                self.joined(members, Verdict::Fail, Verdict::Pass)
            }
            Expression::Any(members) => {
                self.meter.steps(1);
                self.joined(members, Verdict::Pass, Verdict::Fail)
            }
            Expression::Not(of) => {
                self.meter.steps(1);
                !self.truth(of)
            }
            other => match self.test(other) {
                Ok(is) => is.into(),
                Err(cause) => Verdict::Unknown(cause),
            },
        }
    }

    /// The first member that decides does; else the first that cannot be told.
    fn joined(&mut self, members: &'a [Expression], decisive: Verdict, else_: Verdict) -> Verdict {
        let mut verdict = else_;
        for member in members {
            let of_member = self.truth(member);
            if of_member == decisive {
                return decisive;
            }
            if verdict == else_ {
                verdict = of_member;
            }
        }
        verdict
    }

    fn test(&mut self, of: &'a Expression) -> Result<bool, Cause> {
        match of {
            Expression::Compare(comparison, sides) => {
                self.meter.steps(1);
                let [left, right] = &**sides;
                let (a, b) = (self.value(left)?, self.value(right)?);
                reckon::compare(*comparison, a, b).map_err(|reason| blame(reason, [left, right]))
            }
            Expression::OneOf(of, members) => {
                self.meter.steps(1);
                let value = self.value(of)?;
                let mut known = false;
                for member in members {
                    self.meter.steps(1);
                    match reckon::same(value, member.value()) {
                        Some(true) => return Ok(true),
                        Some(false) => known = true,
                        None => {}
                    }
                }
                // Of a type that no member has, nothing can be told.
                known.then_some(false).ok_or(blame(Reason::WrongType, [of]))
            }
            Expression::Member(sides) => {
                let [of, list] = &**sides;
                let (text, texts) = (self.value(of)?, self.value(list)?);
                let length = match texts {
                    Value::List(texts) => texts.len().min(super::limits::MAX_LIST),
                    _ => 0,
                };
                self.meter.steps(1 + u32::try_from(length).unwrap_or(0));
                reckon::is_member(text, texts).map_err(|reason| blame(reason, [list, of]))
            }
            Expression::Matches(matching, of, part) => {
                self.meter.steps(1);
                let value = self.value(of)?;
                reckon::matches(*matching, value, part).map_err(|reason| blame(reason, [&**of]))
            }
            Expression::Within(of, span) => {
                self.meter.steps(1);
                let value = self.value(of)?;
                reckon::within(value, *span, self.moment).map_err(|reason| blame(reason, [&**of]))
            }
            Expression::Has(index) => {
                self.meter.steps(1);
                let attribute = self.attributes.get(usize::from(index.0));
                Ok(attribute.is_some_and(|attribute| self.facts.get(attribute).is_known()))
            }
            other => match self.value(other)? {
                Value::Boolean(is) => Ok(is),
                _ => Err(blame(Reason::WrongType, [other])),
            },
        }
    }

    /// The value of something.
    pub(super) fn value(&mut self, of: &'a Expression) -> Result<Value<'a>, Cause> {
        match of {
            Expression::Literal(literal) => {
                self.meter.steps(1);
                Ok(literal.value())
            }
            Expression::Attribute(index, _) => {
                self.meter.steps(1);
                let attribute = self.attributes.get(usize::from(index.0));
                match attribute.map(|attribute| self.facts.get(attribute)) {
                    None | Some(Value::Missing) => Err(blame(Reason::Missing, [of])),
                    Some(value) => Ok(value),
                }
            }
            Expression::Arithmetic(operation, sides) => {
                self.meter.steps(1);
                let [left, right] = &**sides;
                let (a, b) = (self.value(left)?, self.value(right)?);
                reckon::arithmetic(*operation, a, b).map_err(|reason| blame(reason, [left, right]))
            }
            Expression::Negative(of) => {
                self.meter.steps(1);
                let value = self.value(of)?;
                reckon::negative(value).map_err(|reason| blame(reason, [&**of]))
            }
            Expression::Elapsed(elapsed, of) => {
                self.meter.steps(1);
                let value = self.value(of)?;
                let count = reckon::elapsed(*elapsed, value, self.moment);
                count
                    .map(Value::Integer)
                    .map_err(|reason| blame(reason, [&**of]))
            }
            other => match self.truth(other) {
                Verdict::Pass => Ok(Value::Boolean(true)),
                Verdict::Fail => Ok(Value::Boolean(false)),
                Verdict::Unknown(cause) => Err(cause),
            },
        }
    }
}

/// The cause, with the attribute whose value is to blame for its type.
fn blame<const N: usize>(reason: Reason, sides: [&Expression; N]) -> Cause {
    let attributes = sides.into_iter().filter_map(|side| match side {
        Expression::Attribute(index, kind) => Some((*index, *kind)),
        _ => None,
    });
    let attribute = match reason {
        Reason::Overflow | Reason::DivisionByZero => None,
        // Those whose type shows in each profile only come first.
        Reason::Missing | Reason::WrongType => attributes
            .min_by_key(|(_, kind)| *kind != super::value::Type::Any)
            .map(|(index, _)| index),
    };
    Cause { attribute, reason }
}
