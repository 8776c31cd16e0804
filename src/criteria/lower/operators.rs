//! Comparisons, `in` and arithmetic.

use super::super::{
    fault::{FaultKind, quoted},
    schema::nearest,
    syntax::{Node, Syntax},
    tree::{Comparison, Expression, Operation},
    value::{Literal, Type},
};
use super::{Lowering, Place, with_article};

impl Lowering<'_> {
    pub(super) fn binary(
        &mut self,
        place: Place,
        sign: &str,
        sides: &[Syntax<'_>; 2],
        depth: usize,
    ) -> Option<Expression> {
        let [left, right] = sides;
        if sign == "in" {
            return match &right.node {
                Node::List(members) => self.one_of(left, right.place(), members, depth),
                _ => self.member(left, right, depth),
            };
        }
        let comparison = Comparison::ALL.into_iter().find(|is| is.sign() == sign);
        if let Some(comparison) = comparison {
            return self.comparison(place, comparison, sides, depth);
        }
        let operation = Operation::ALL.into_iter().find(|is| is.sign() == sign)?;
        self.arithmetic(operation, sides, depth)
    }

    fn both(&mut self, sides: &[Syntax<'_>; 2], depth: usize) -> Option<[Expression; 2]> {
        let [left, right] = sides;
        let lowered = (self.expression(left, depth), self.expression(right, depth));
        let (Some(left), Some(right)) = lowered else {
            return None;
        };
        Some([left, right])
    }

    fn comparison(
        &mut self,
        place: Place,
        comparison: Comparison,
        sides: &[Syntax<'_>; 2],
        depth: usize,
    ) -> Option<Expression> {
        let lowered = self.both(sides, depth)?;
        let kinds = lowered.each_ref().map(Expression::kind);
        let [left, right] = kinds;
        if !comparable(left, right) {
            let what = format!(
                "{} and {} cannot be compared",
                with_article(left),
                with_article(right)
            );
            self.fault(place, FaultKind::Type, what, comparing_hint(left, right));
            return None;
        }
        let unordered = kinds
            .into_iter()
            .find(|kind| matches!(kind, Type::Text | Type::Boolean));
        if let Some(kind) = unordered.filter(|_| !comparison.is_of_sameness()) {
            let what = format!(
                "{} has no order, so `{}` says nothing",
                with_article(kind),
                comparison.sign()
            );
            let hint = "write `==` or `!=`".to_owned();
            self.fault(place, FaultKind::Type, what, hint);
            return None;
        }
        let [left, right] = &lowered;
        let [left_syntax, right_syntax] = sides;
        if let Expression::Literal(literal) = right {
            self.vocabulary(left, literal, right_syntax.place())?;
        }
        if let Expression::Literal(literal) = left {
            self.vocabulary(right, literal, left_syntax.place())?;
        }
        Some(Expression::Compare(comparison, Box::new(lowered)))
    }

    /// Whether an attribute can ever be this word.
    fn vocabulary(&mut self, of: &Expression, literal: &Literal, place: Place) -> Option<()> {
        let (Expression::Attribute(index, _), Literal::Text(word)) = (of, literal) else {
            return Some(());
        };
        let attribute = self.attributes.get(usize::from(index.0))?;
        let is = attribute.id.definition();
        if is.vocabulary.is_empty() || is.vocabulary.contains(&&**word) {
            return Some(());
        }
        let what = format!("`{}` is never {}", is.name, quoted(word));
        let hint = match nearest(word, is.vocabulary) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("it is one of {}", is.vocabulary.join(", ")),
        };
        self.fault(place, FaultKind::Vocabulary, what, hint);
        None
    }

    /// `x in [1, 2]`.
    fn one_of(
        &mut self,
        left: &Syntax<'_>,
        list: Place,
        members: &[Syntax<'_>],
        depth: usize,
    ) -> Option<Expression> {
        let of = self.expression(left, depth);
        if members.is_empty() {
            let what = "nothing is in an empty list".to_owned();
            self.fault(list, FaultKind::Type, what, None);
            return None;
        }
        let literals: Vec<_> = members
            .iter()
            .map(|member| self.listed(of.as_ref(), member, depth))
            .collect();
        let literals: Option<Box<[Literal]>> = literals.into_iter().collect();
        Some(Expression::OneOf(Box::new(of?), literals?))
    }

    /// A member of a list.
    fn listed(
        &mut self,
        of: Option<&Expression>,
        member: &Syntax<'_>,
        depth: usize,
    ) -> Option<Literal> {
        let lowered = self.expression(member, depth)?;
        let Expression::Literal(literal) = lowered else {
            let what = "lists hold fixed values only".to_owned();
            let hint = "compare with `==` and join with `||`".to_owned();
            self.fault(member.place(), FaultKind::Type, what, hint);
            return None;
        };
        let of = of?;
        let kind = of.kind();
        if !comparable(kind, literal.kind()) {
            let what = format!(
                "{} is never {}",
                with_article(kind),
                with_article(literal.kind())
            );
            let hint = comparing_hint(kind, literal.kind());
            self.fault(member.place(), FaultKind::Type, what, hint);
            return None;
        }
        self.vocabulary(of, &literal, member.place())?;
        Some(literal)
    }

    /// `x in list`.
    fn member(
        &mut self,
        left: &Syntax<'_>,
        right: &Syntax<'_>,
        depth: usize,
    ) -> Option<Expression> {
        let (of, list) = (self.expression(left, depth), self.expression(right, depth));
        let (of, list) = (of?, list?);
        if !matches!(list.kind(), Type::List | Type::Any) {
            let hint = "write `trait[\"tier\"] in [\"gold\", \"silver\"]`".to_owned();
            self.mismatch(right.place(), list.kind(), "a list", hint);
            return None;
        }
        if !matches!(of.kind(), Type::Text | Type::Any) {
            let hint = "lists of profiles hold texts".to_owned();
            self.mismatch(left.place(), of.kind(), "text", hint);
            return None;
        }
        Some(Expression::Member(Box::new([of, list])))
    }

    fn arithmetic(
        &mut self,
        operation: Operation,
        sides: &[Syntax<'_>; 2],
        depth: usize,
    ) -> Option<Expression> {
        let lowered = self.both(sides, depth)?;
        let mut good = true;
        for (side, syntax) in lowered.iter().zip(sides) {
            let kind = side.kind();
            if !kind.is_numeric() {
                let hint = match kind {
                    Type::Time | Type::Date => Some("write `days_since(last_order)`".to_owned()),
                    Type::Text => Some("texts cannot be put together".to_owned()),
                    _ => None,
                };
                self.mismatch(syntax.place(), kind, "a number", hint);
                good = false;
            }
        }
        let [_, right] = &lowered;
        let zero = match right {
            Expression::Literal(Literal::Integer(number)) => *number == 0,
            Expression::Literal(Literal::Number(number)) => number.is_zero(),
            _ => false,
        };
        if zero && matches!(operation, Operation::Divide | Operation::Remainder) {
            let [_, syntax] = sides;
            let what = "nothing can be divided by zero".to_owned();
            self.fault(syntax.place(), FaultKind::Type, what, None);
            good = false;
        }
        good.then(|| Expression::Arithmetic(operation, Box::new(lowered)))
    }
}

/// Whether values of these types can be the same.
fn comparable(left: Type, right: Type) -> bool {
    match (left, right) {
        (Type::List, _) | (_, Type::List) => false,
        (Type::Any, _) | (_, Type::Any) => true,
        _ => left == right || (left.is_numeric() && right.is_numeric()),
    }
}

fn comparing_hint(left: Type, right: Type) -> Option<String> {
    let kinds = [left, right];
    let either = |kind: Type| kinds.contains(&kind);
    let hint = if either(Type::List) {
        "ask what is in a list, as `\"a\" in trait[\"tags\"]`"
    } else if either(Type::Time) && (either(Type::Integer) || either(Type::Number)) {
        "ask how long ago it is, as `days_since(last_order) > 30`"
    } else if either(Type::Time) && either(Type::Text) {
        "times are written timestamp(\"2026-01-31T09:00:00Z\")"
    } else if either(Type::Date) && either(Type::Text) {
        "days are written date(\"2026-01-31\")"
    } else if either(Type::Time) && either(Type::Date) {
        "compare `days_since` of both"
    } else if either(Type::Text) && (either(Type::Integer) || either(Type::Number)) {
        "numbers are written without quotes, texts with them"
    } else {
        return None;
    };
    Some(hint.to_owned())
}
