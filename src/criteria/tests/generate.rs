//! Random rules.

use rust_decimal::Decimal;

use crate::{
    calendar::Day,
    clock::Micros,
    criteria::{
        Argument, Attribute, AttributeId, AttributeIndex, Literal, Type,
        print::Printed,
        schema::{Form, Parameter, SCALES},
        tree::{Comparison, Elapsed, Expression, Matching, Operation, Span, Unit, signed},
    },
};

/// `SplitMix64`.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to below a number.
    pub(super) fn below(&mut self, number: i64) -> i64 {
        i64::try_from(self.next() % u64::try_from(number).unwrap()).unwrap()
    }

    pub(super) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let at = self.below(i64::try_from(of.len()).unwrap());
        &of[usize::try_from(at).unwrap()]
    }

    pub(super) fn word(&mut self) -> String {
        let words = [
            "gold",
            "silver",
            "go",
            "old",
            "",
            "ゴールド",
            "a\"b\\c",
            "line\nbreak",
            "tab\there",
            "\u{1b}",
            "é",
            "x//y",
            "true",
            "1",
        ];
        (*self.pick(&words)).to_owned()
    }
}

/// A tree with the attributes of its rule.
pub(super) struct Grown {
    pub(super) root: Expression,
    pub(super) attributes: Vec<Attribute>,
}

impl Grown {
    pub(super) fn text(&self) -> String {
        Printed {
            expression: &self.root,
            attributes: &self.attributes,
        }
        .to_string()
    }
}

/// A tree of at most so many levels, whose types fit.
pub(super) fn grow(random: &mut Random, levels: u32) -> Grown {
    let mut growing = Growing {
        random,
        attributes: Vec::new(),
    };
    let root = growing.truth(levels);
    Grown {
        root,
        attributes: growing.attributes,
    }
}

struct Growing<'r> {
    random: &'r mut Random,
    attributes: Vec<Attribute>,
}

impl Growing<'_> {
    fn index(&mut self, of: Type) -> AttributeIndex {
        let fitting: Vec<_> = AttributeId::ALL
            .iter()
            .copied()
            .filter(|id| id.definition().kind == of)
            .collect();
        let id = *self.random.pick(&fitting);
        let arguments = match id.definition().form {
            Form::Plain => Box::default(),
            Form::Key => Box::from([Argument::Text((*self.random.pick(&["a", "b"])).into())]),
            Form::Call { parameters, needed } => {
                let most = parameters.len();
                let count = if self.random.below(2) == 0 {
                    needed
                } else {
                    most
                };
                parameters[..count]
                    .iter()
                    .map(|kind| self.argument(*kind))
                    .collect()
            }
        };
        let attribute = Attribute { id, arguments };
        let at = self.attributes.iter().position(|other| *other == attribute);
        let at = at.unwrap_or_else(|| {
            self.attributes.push(attribute);
            self.attributes.len() - 1
        });
        AttributeIndex(u16::try_from(at).unwrap())
    }

    fn argument(&mut self, kind: Parameter) -> Argument {
        Argument::Text(match kind {
            Parameter::Days | Parameter::Months => {
                return Argument::Number(u16::try_from(1 + self.random.below(24)).unwrap());
            }
            Parameter::Currency => (*self.random.pick(&["EUR", "JPY"])).into(),
            Parameter::Scale => (*self.random.pick(SCALES)).into(),
            Parameter::Signal => (*self.random.pick(&["leaving", "topic:price"])).into(),
            _ => (*self.random.pick(&["email", "web", "page.viewed"])).into(),
        })
    }

    fn attribute(&mut self, of: Type) -> Expression {
        let of = if self.random.below(5) == 0 {
            Type::Any
        } else {
            of
        };
        Expression::Attribute(self.index(of), of)
    }

    fn truth(&mut self, levels: u32) -> Expression {
        if levels == 0 {
            return match self.random.below(8) {
                0 => Expression::Literal(Literal::Boolean(self.random.below(2) == 0)),
                1..=3 => self.attribute(Type::Boolean),
                _ => {
                    let kind = *self.random.pick(&[
                        Type::Boolean,
                        Type::Integer,
                        Type::Time,
                        Type::Any,
                        Type::Text,
                    ]);
                    Expression::Has(self.index(kind))
                }
            };
        }
        let below = levels - 1;
        match self.random.below(13) {
            0..=2 => Expression::all(self.truths(below)),
            3..=5 => Expression::any(self.truths(below)),
            6 => Expression::Not(Box::new(self.truth(below))),
            7 => self.text_test(),
            8 => {
                let of = self.attribute(Type::Time);
                let unit = *self.random.pick(&Unit::ALL);
                let count = 1 + self.random.below(60);
                Expression::Within(Box::new(of), Span { count, unit })
            }
            9 => {
                let of = self.number(below);
                let count = 1 + self.random.below(3);
                let members = (0..count).map(|_| self.number_literal()).collect();
                Expression::OneOf(Box::new(of), members)
            }
            10 => self.other_comparison(below),
            _ => {
                let comparison = *self.random.pick(&Comparison::ALL);
                let sides = [self.number(below), self.number(below)];
                Expression::Compare(comparison, Box::new(sides))
            }
        }
    }

    fn truths(&mut self, levels: u32) -> Vec<Expression> {
        let count = 2 + self.random.below(3);
        (0..count).map(|_| self.truth(levels)).collect()
    }

    fn text_test(&mut self) -> Expression {
        let of = self.attribute(Type::Any);
        match self.random.below(4) {
            0 => {
                let matching = *self.random.pick(&Matching::ALL);
                Expression::Matches(matching, Box::new(of), self.random.word().into())
            }
            1 => {
                let text = Expression::Literal(Literal::Text(self.random.word().into()));
                Expression::Member(Box::new([text, of]))
            }
            2 => {
                let count = 1 + self.random.below(3);
                let members = (0..count).map(|_| Literal::Text(self.random.word().into()));
                Expression::OneOf(Box::new(of), members.collect())
            }
            _ => {
                let text = Expression::Literal(Literal::Text(self.random.word().into()));
                let comparison = *self.random.pick(&[Comparison::Equal, Comparison::Unequal]);
                Expression::Compare(comparison, Box::new([of, text]))
            }
        }
    }

    /// Of times, days and truths.
    fn other_comparison(&mut self, levels: u32) -> Expression {
        let comparison = *self.random.pick(&Comparison::ALL);
        let sides = match self.random.below(3) {
            0 => {
                let at = Micros(1_773_000_000_000_000 + self.random.below(2_000_000_000));
                [
                    self.attribute(Type::Time),
                    Expression::Literal(Literal::Time(at)),
                ]
            }
            1 => {
                let day = Day(20_500 + i32::try_from(self.random.below(100)).unwrap());
                [
                    Expression::Literal(Literal::Date(day)),
                    self.attribute(Type::Any),
                ]
            }
            _ => {
                let sides = [self.truth(levels), self.truth(levels)];
                return Expression::Compare(Comparison::Equal, Box::new(sides));
            }
        };
        Expression::Compare(comparison, Box::new(sides))
    }

    fn number_literal(&mut self) -> Literal {
        match self.random.below(10) {
            0 => Literal::Integer(*self.random.pick(&[i64::MIN, i64::MAX])),
            1..=3 => Literal::Number(signed(Decimal::new(self.random.below(100) - 50, 1))),
            4..=6 => Literal::Integer(self.random.below(14) - 2),
            _ => Literal::Integer(self.random.below(80) - 15),
        }
    }

    fn number(&mut self, levels: u32) -> Expression {
        match self.random.below(if levels == 0 { 8 } else { 11 }) {
            0..=1 => Expression::Literal(self.number_literal()),
            2 => self.attribute(Type::Integer),
            3 => self.attribute(Type::Number),
            4..=7 => {
                let elapsed = *self.random.pick(&Elapsed::ALL);
                let kind = *self.random.pick(elapsed.takes());
                // Only traits hold days.
                let kind = if kind == Type::Date { Type::Any } else { kind };
                Expression::Elapsed(elapsed, Box::new(self.attribute(kind)))
            }
            8 => {
                let of = self.number(levels - 1);
                Expression::negative(of).unwrap_or(Expression::Literal(Literal::Integer(7)))
            }
            _ => {
                let operation = *self.random.pick(&Operation::ALL);
                let left = self.number(levels - 1);
                let right = match self.number(levels - 1) {
                    // Refused by the type check.
                    Expression::Literal(_) => {
                        let number = *self.random.pick(&[3, -1, 7, i64::MAX]);
                        Expression::Literal(Literal::Integer(number))
                    }
                    other => other,
                };
                Expression::Arithmetic(operation, Box::new([left, right]))
            }
        }
    }
}
