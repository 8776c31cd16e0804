//! When a rule has to be looked at again although nothing happened.
//!
//! What must stay true: with unchanged facts the verdict is the same at every moment from now to before the time that is
//! given; later it may be another one, or not. The time is exact where a count of days or hours is compared with what stands
//! still, and where a time is asked to be within a window; an attribute that time changes by itself is due when it may
//! change, whatever it is compared with.
//!
//! `&&` that fails goes on to fail for as long as any of its failing members does, `||` that passes likewise; in all other
//! cases the earliest member counts.

use rust_decimal::prelude::ToPrimitive as _;

use super::{
    Rule,
    evaluate::Evaluation,
    facts::{AttributeIndex, Facts},
    reckon,
    schema::Changes,
    tree::{Elapsed, Expression, Span, Unit},
    value::Value,
    verdict::Verdict,
};
use crate::clock::Micros;

/// Never, as the latest of all times.
const NEVER: i64 = i64::MAX;

/// Days that are looked at one by one for an anniversary; beyond them a rule is looked at again.
const LOOK_AHEAD: i64 = 400;

impl Rule {
    /// The earliest time at which time alone may change the verdict; `None` when it never does. After now.
    ///
    /// Segments that it refers to are looked at by themselves; when one of them changes, something happened.
    #[must_use]
    pub fn falls_due<F: Facts>(&self, facts: &F) -> Option<Micros> {
        let mut due = Due(Evaluation::new(&self.attributes, facts));
        let (_, until) = due.truth(&self.root);
        (until != NEVER).then_some(Micros(until))
    }
}

impl Rule {
    /// Whether time alone changes something that it asks for, whatever is compared with it: levels, chances and scores, which
    /// rest on how the tenant's customers buy besides.
    #[must_use]
    pub fn ages(&self) -> bool {
        let mut attributes = self.attributes.iter();
        attributes.any(|attribute| attribute.id().definition().changes != Changes::Never)
    }
}

struct Due<'a, F>(Evaluation<'a, F, super::evaluate::Unmetered>);

impl<'a, F: Facts> Due<'a, F> {
    /// What holds, and until when at least.
    fn truth(&mut self, of: &'a Expression) -> (Verdict, i64) {
        match of {
            Expression::All(members) => self.joined(members, Verdict::Fail, Verdict::Pass),
            Expression::Any(members) => self.joined(members, Verdict::Pass, Verdict::Fail),
            Expression::Not(of) => {
                let (verdict, until) = self.truth(of);
                (!verdict, until)
            }
            other => (self.0.truth(other), self.test(other)),
        }
    }

    fn joined(
        &mut self,
        members: &'a [Expression],
        decisive: Verdict,
        else_: Verdict,
    ) -> (Verdict, i64) {
        let (mut verdict, mut earliest) = (else_, NEVER);
        let mut decided = None;
        for member in members {
            let (of_member, until) = self.truth(member);
            earliest = earliest.min(until);
            if of_member == decisive {
                decided = decided.max(Some(until));
            } else if verdict == else_ {
                verdict = of_member;
            }
        }
        match decided {
            Some(latest) => (decisive, latest),
            None => (verdict, earliest),
        }
    }

    /// Until when a test keeps its verdict.
    fn test(&mut self, of: &'a Expression) -> i64 {
        match of {
            Expression::Compare(comparison, sides) => {
                let [left, right] = &**sides;
                match (left, right) {
                    (Expression::Elapsed(elapsed, of), other) => {
                        let still = self.still(other);
                        self.crossing(*elapsed, of, still, other, |count, other| {
                            reckon::compare(*comparison, count, other).ok()
                        })
                    }
                    (other, Expression::Elapsed(elapsed, of)) => {
                        let still = self.still(other);
                        self.crossing(*elapsed, of, still, other, |count, other| {
                            reckon::compare(*comparison, other, count).ok()
                        })
                    }
                    _ => self.still(left).min(self.still(right)),
                }
            }
            Expression::OneOf(of, members) => match &**of {
                Expression::Elapsed(elapsed, of) => {
                    let edges: Vec<i64> = members
                        .iter()
                        .filter_map(|member| edge(member.value()))
                        .collect();
                    let holds = |count| {
                        let count = Value::Integer(count);
                        let same = |member: &super::Literal| reckon::same(count, member.value());
                        Some(members.iter().any(|member| same(member) == Some(true)))
                    };
                    self.reached(*elapsed, of, &edges, holds)
                }
                other => self.still(other),
            },
            Expression::Within(of, span) => self.window(of, *span),
            Expression::Has(index) => self.attribute(*index),
            Expression::Member(sides) => {
                let [of, list] = &**sides;
                self.still(of).min(self.still(list))
            }
            Expression::Matches(_, of, _) => self.still(of),
            other => self.still(other),
        }
    }

    /// Until when a comparison of a count with something that stands still keeps its verdict.
    fn crossing(
        &mut self,
        elapsed: Elapsed,
        of: &'a Expression,
        still: i64,
        other: &'a Expression,
        holds: impl Fn(Value<'_>, Value<'_>) -> Option<bool>,
    ) -> i64 {
        let Ok(other) = self.0.value(other) else {
            // Not known before, not known after.
            return still;
        };
        let edges: Vec<i64> = edge(other).into_iter().collect();
        let reached = self.reached(elapsed, of, &edges, |count| {
            holds(Value::Integer(count), other)
        });
        still.min(reached)
    }

    /// When a count first comes to where something else holds than now. Between the edges, and beyond them, nothing changes.
    fn reached(
        &mut self,
        elapsed: Elapsed,
        of: &'a Expression,
        edges: &[i64],
        holds: impl Fn(i64) -> Option<bool>,
    ) -> i64 {
        let still = self.still(of);
        let Ok(value) = self.0.value(of) else {
            return still;
        };
        let Ok(count) = reckon::elapsed(elapsed, value, self.0.moment) else {
            return still;
        };
        let now = holds(count);
        if elapsed == Elapsed::DaysUntilAnniversary {
            return still.min(self.anniversary(value, |count| holds(count) == now));
        }
        let grows = elapsed != Elapsed::DaysUntil;
        let steps = edges
            .iter()
            .flat_map(|edge| [edge.saturating_sub(1), *edge, edge.saturating_add(1)]);
        let differing = steps
            .filter(|at| if grows { *at > count } else { *at < count })
            .filter(|at| holds(*at) != now);
        let first = if grows {
            differing.min()
        } else {
            differing.max()
        };
        let first = first.map_or(NEVER, |first| self.instant(elapsed, value, first));
        still.min(first)
    }

    /// When a count comes to a number that lies before it.
    fn instant(&self, elapsed: Elapsed, of: Value<'_>, count: i64) -> i64 {
        let (count, unit) = match elapsed {
            Elapsed::DaysSince => (i128::from(count), Unit::Days),
            Elapsed::HoursSince => (i128::from(count), Unit::Hours),
            Elapsed::DaysUntil => (-i128::from(count), Unit::Days),
            Elapsed::DaysUntilAnniversary => return self.0.moment.tomorrow().0,
        };
        match of {
            Value::Time(at) => {
                let instant = i128::from(at.0) + count * i128::from(unit.micros());
                i64::try_from(instant).unwrap_or(NEVER)
            }
            Value::Date(day) => {
                let day = i64::try_from(i128::from(day.0) + count);
                day.map_or(NEVER, |day| self.0.moment.begin(day).0)
            }
            _ => NEVER,
        }
    }

    /// The first day of the next ones on which something else holds.
    fn anniversary(&self, of: Value<'_>, same: impl Fn(i64) -> bool) -> i64 {
        let Value::Date(date) = of else {
            return NEVER;
        };
        let today = self.0.moment.today();
        let changed = (1..LOOK_AHEAD).find(|ahead| {
            let day = i32::try_from(i64::from(today.0) + ahead).unwrap_or(i32::MAX);
            !same(reckon::until_anniversary(date, crate::calendar::Day(day)))
        });
        let ahead = changed.unwrap_or(LOOK_AHEAD);
        self.0.moment.begin(i64::from(today.0) + ahead).0
    }

    fn window(&mut self, of: &'a Expression, span: Span) -> i64 {
        let still = self.still(of);
        let Ok(Value::Time(at)) = self.0.value(of) else {
            return still;
        };
        let now = self.0.moment.now.0;
        let end = at.0.saturating_add(span.micros());
        let edges = [at.0, end].into_iter().filter(|edge| *edge > now);
        still.min(edges.min().unwrap_or(NEVER))
    }

    /// Until when a value stays what it is.
    fn still(&mut self, of: &'a Expression) -> i64 {
        match of {
            Expression::Literal(_) => NEVER,
            Expression::Attribute(index, _) => self.attribute(*index),
            Expression::Arithmetic(_, sides) => {
                let [left, right] = &**sides;
                self.still(left).min(self.still(right))
            }
            Expression::Negative(of) => self.still(of),
            Expression::Elapsed(elapsed, of) => {
                let still = self.still(of);
                let Ok(value) = self.0.value(of) else {
                    return still;
                };
                let Ok(count) = reckon::elapsed(*elapsed, value, self.0.moment) else {
                    return still;
                };
                let next = match elapsed {
                    Elapsed::DaysUntil => count.saturating_sub(1),
                    _ => count.saturating_add(1),
                };
                still.min(self.instant(*elapsed, value, next))
            }
            other => self.truth(other).1,
        }
    }

    fn attribute(&self, index: AttributeIndex) -> i64 {
        let attribute = self.0.attributes.get(usize::from(index.0));
        attribute.map_or(NEVER, |attribute| {
            let changes = attribute.id().definition().changes;
            self.0.moment.next_change(changes).0
        })
    }
}

/// The whole number at or below a number; a comparison changes nowhere but at it and at its neighbours.
fn edge(of: Value<'_>) -> Option<i64> {
    match of {
        Value::Integer(number) => Some(number),
        Value::Number(number) => number.floor().to_i64(),
        _ => None,
    }
}
