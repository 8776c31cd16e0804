//! Functions, attributes with parameters, days and times.

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc};

use super::super::{
    facts::{Argument, AttributeIndex},
    fault::{FaultKind, quoted},
    limits::MAX_WINDOW_DAYS,
    schema::{self, AttributeId, Form, Parameter, nearest, refusal},
    syntax::{Node, Syntax},
    tree::{Elapsed, Expression, Matching, Span, Unit},
    value::{Literal, Type},
};
use super::{Lowering, Place, example};
use crate::{calendar::Day, clock::Micros};

impl Lowering<'_> {
    pub(super) fn call(
        &mut self,
        place: Place,
        name: &str,
        arguments: &[Syntax<'_>],
        depth: usize,
    ) -> Option<Expression> {
        if let Some(elapsed) = Elapsed::ALL.into_iter().find(|is| is.name() == name) {
            let [of] = self.exactly(place, arguments, "days_since(last_order)")?;
            return self.elapsed(elapsed, of, depth);
        }
        match name {
            "has" => {
                let [of] = self.exactly(place, arguments, "has(last_order)")?;
                self.presence(of).map(Expression::Has)
            }
            "within" => {
                let [of, span] = self.exactly(place, arguments, "within(last_order, days(30))")?;
                self.within(of, span, depth)
            }
            "date" => {
                let [text] = self.exactly(place, arguments, "date(\"2026-01-31\")")?;
                self.date(text)
            }
            "timestamp" => {
                let example = "timestamp(\"2026-01-31T09:00:00Z\")";
                let [text] = self.exactly(place, arguments, example)?;
                self.time(text)
            }
            _ if Unit::ALL.iter().any(|unit| unit.name() == name) => {
                let what = "a length of time cannot stand here".to_owned();
                let hint = format!("write `within(last_order, {name}(30))`");
                self.fault(place, FaultKind::Type, what, hint);
                None
            }
            _ if Matching::ALL.iter().any(|matching| matching.name() == name) => {
                let what = format!("`{name}` stands behind a text");
                let hint = format!("write `trait[\"city\"].{name}(\"Kyo\")`");
                self.fault(place, FaultKind::Syntax, what, hint);
                None
            }
            _ => {
                let index = self.parameterised(place, name, arguments)?;
                Some(self.attribute(index))
            }
        }
    }

    /// So many arguments and no others.
    fn exactly<'s, 'a, const N: usize>(
        &mut self,
        place: Place,
        arguments: &'s [Syntax<'a>],
        example: &str,
    ) -> Option<[&'s Syntax<'a>; N]> {
        let found: Vec<&Syntax<'a>> = arguments.iter().collect();
        let found = <[&Syntax<'a>; N]>::try_from(found).ok();
        if found.is_none() {
            let what = format!("{} parameters were given, {N} are needed", arguments.len());
            self.fault(
                place,
                FaultKind::Parameter,
                what,
                format!("write `{example}`"),
            );
        }
        found
    }

    pub(super) fn method(
        &mut self,
        place: Place,
        of: &Syntax<'_>,
        name: &str,
        arguments: &[Syntax<'_>],
        depth: usize,
    ) -> Option<Expression> {
        let names = Matching::ALL.map(Matching::name);
        let Some(matching) = Matching::ALL.into_iter().find(|is| is.name() == name) else {
            let what = format!("nothing is called {}", quoted(name));
            let hint = match nearest(name, &names) {
                Some(near) => format!("did you mean `{near}`?"),
                None if name == "matches" => {
                    "patterns are not supported; use `startsWith`, `endsWith` or `contains`"
                        .to_owned()
                }
                None => format!("texts know {}", names.join(", ")),
            };
            self.fault(place, FaultKind::UnknownName, what, hint);
            return None;
        };
        let lowered = self.expression(of, depth);
        let [argument] = self.exactly(place, arguments, "trait[\"city\"].contains(\"Kyo\")")?;
        let Node::Text(part) = &argument.node else {
            let what = "a fixed text is needed".to_owned();
            self.fault(argument.place(), FaultKind::Type, what, None);
            return None;
        };
        let lowered = lowered?;
        if !matches!(lowered.kind(), Type::Text | Type::Any) {
            self.mismatch(of.place(), lowered.kind(), "text", None);
            return None;
        }
        let of = Box::new(lowered);
        Some(Expression::Matches(matching, of, part.as_str().into()))
    }

    /// `has(x)`: of attributes only.
    fn presence(&mut self, of: &Syntax<'_>) -> Option<AttributeIndex> {
        match &of.node {
            Node::Name(name) => self.plain(of.place(), name),
            Node::Index(base, key) => self.key(base, key),
            Node::Call(name, arguments) if schema::find(name).is_some() => {
                self.parameterised(of.place(), name, arguments)
            }
            _ => {
                let what = "`has` asks for an attribute".to_owned();
                let hint = "write `has(last_order)` or `has(trait[\"tier\"])`".to_owned();
                self.fault(of.place(), FaultKind::Type, what, hint);
                None
            }
        }
    }

    fn elapsed(&mut self, elapsed: Elapsed, of: &Syntax<'_>, depth: usize) -> Option<Expression> {
        let lowered = self.expression(of, depth)?;
        let kind = lowered.kind();
        if kind == Type::Any || elapsed.takes().contains(&kind) {
            return Some(Expression::Elapsed(elapsed, Box::new(lowered)));
        }
        let names: Vec<_> = elapsed.takes().iter().map(|kind| kind.name()).collect();
        let hint = match kind {
            Type::Date => Some("days are asked by `days_since`".to_owned()),
            Type::Time => {
                Some("anniversaries are those of days, as trait[\"birth_date\"]".to_owned())
            }
            _ => None,
        };
        self.mismatch(of.place(), kind, &format!("a {}", names.join(" or ")), hint);
        None
    }

    fn within(&mut self, of: &Syntax<'_>, span: &Syntax<'_>, depth: usize) -> Option<Expression> {
        let (lowered, span) = (self.expression(of, depth), self.span(span));
        let (lowered, span) = (lowered?, span?);
        match lowered.kind() {
            Type::Time | Type::Any => Some(Expression::Within(Box::new(lowered), span)),
            kind => {
                let hint = match kind {
                    Type::Date => Some("write `days_since(date) < 30`".to_owned()),
                    _ => None,
                };
                self.mismatch(of.place(), kind, "a time", hint);
                None
            }
        }
    }

    fn span(&mut self, syntax: &Syntax<'_>) -> Option<Span> {
        let Node::Call(name, arguments) = &syntax.node else {
            return self.no_span(syntax.place());
        };
        let unit = Unit::ALL.into_iter().find(|unit| unit.name() == *name);
        let (Some(unit), [count]) = (unit, arguments.as_slice()) else {
            return self.no_span(syntax.place());
        };
        let Node::Integer(digits) = &count.node else {
            return self.no_span(count.place());
        };
        let largest = MAX_WINDOW_DAYS * Unit::Days.micros() / unit.micros();
        match digits.parse() {
            Ok(count) if (1..=largest).contains(&count) => Some(Span { count, unit }),
            _ => {
                let what = format!("{} {} is no window", quoted(digits), unit.name());
                let hint = format!("a window is 1 to {largest} {}", unit.name());
                self.fault(count.place(), FaultKind::TooLarge, what, hint);
                None
            }
        }
    }

    fn no_span(&mut self, place: Place) -> Option<Span> {
        let what = "this is no length of time".to_owned();
        let hint = "write minutes(30), hours(12), days(30) or weeks(2)".to_owned();
        self.fault(place, FaultKind::Type, what, hint);
        None
    }

    fn date(&mut self, syntax: &Syntax<'_>) -> Option<Expression> {
        if let Node::Text(text) = &syntax.node
            && text.len() == 10
            && let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d")
            && (1..=9999).contains(&date.year())
        {
            let day = Day(date.to_epoch_days());
            return Some(Expression::Literal(Literal::Date(day)));
        }
        let what = "this is no day".to_owned();
        let hint = "write date(\"2026-01-31\"), years 0001 to 9999".to_owned();
        self.fault(syntax.place(), FaultKind::Parameter, what, hint);
        None
    }

    fn time(&mut self, syntax: &Syntax<'_>) -> Option<Expression> {
        if let Node::Text(text) = &syntax.node
            && let Ok(at) = DateTime::parse_from_rfc3339(text)
            && at.nanosecond() % 1_000 == 0
        {
            let at = at.with_timezone(&Utc);
            if (1..=9999).contains(&at.year()) {
                let at = Micros::from_datetime(at);
                return Some(Expression::Literal(Literal::Time(at)));
            }
        }
        let what = "this is no time".to_owned();
        let hint =
            "write timestamp(\"2026-01-31T09:00:00Z\"), with at most six decimals of seconds";
        self.fault(syntax.place(), FaultKind::Parameter, what, hint.to_owned());
        None
    }

    /// `spend("EUR")`.
    fn parameterised(
        &mut self,
        place: Place,
        name: &str,
        arguments: &[Syntax<'_>],
    ) -> Option<AttributeIndex> {
        let Some(id) = schema::find(name) else {
            self.unknown(place, name);
            return None;
        };
        let Form::Call { parameters, needed } = id.definition().form else {
            let what = format!("`{name}` takes no parameters");
            let hint = format!("write `{}`", example(id));
            self.fault(place, FaultKind::Parameter, what, hint);
            return None;
        };
        if arguments.len() < needed || arguments.len() > parameters.len() {
            let what = format!("{} parameters were given", arguments.len());
            let hint = format!("write `{}`", example(id));
            self.fault(place, FaultKind::Parameter, what, hint);
            return None;
        }
        let given: Vec<_> = parameters
            .iter()
            .zip(arguments)
            .map(|(kind, argument)| self.argument(id, *kind, argument))
            .collect();
        let given: Option<Box<[Argument]>> = given.into_iter().collect();
        self.intern(place, id, given?)
    }

    fn argument(
        &mut self,
        id: AttributeId,
        kind: Parameter,
        given: &Syntax<'_>,
    ) -> Option<Argument> {
        let (what, hint) = match (&given.node, kind.largest()) {
            (Node::Integer(digits), Some(largest)) => match digits.parse() {
                Ok(number) if (1..=largest).contains(&number) => {
                    return Some(Argument::Number(number));
                }
                _ => (
                    format!("{} is no number of {}", quoted(digits), kind.name()),
                    format!("it is 1 to {largest}"),
                ),
            },
            (Node::Text(text), None) => match refusal(kind, text) {
                None => return Some(Argument::Text(text.as_str().into())),
                Some(refused) => refused,
            },
            _ => (
                format!("this is no {}", kind.name()),
                format!("write `{}`", example(id)),
            ),
        };
        self.fault(given.place(), FaultKind::Parameter, what, hint);
        None
    }
}
