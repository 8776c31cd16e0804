//! The typed tree of a rule.
//!
//! What must stay true: a tree has one text. So the constructors here keep it canonical: no `&&` directly within `&&` and no
//! `||` within `||`, neither with fewer than two members, and no sign before a literal.

use rust_decimal::Decimal;

use super::{
    facts::AttributeIndex,
    limits::MAX_LIST,
    value::{Literal, Type},
};

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Literal(Literal),
    /// The attribute and the type that its definition gives it.
    Attribute(AttributeIndex, Type),
    Has(AttributeIndex),
    Not(Box<Self>),
    All(Box<[Self]>),
    Any(Box<[Self]>),
    Compare(Comparison, Box<[Self; 2]>),
    /// `x in [1, 2]`.
    OneOf(Box<Self>, Box<[Literal]>),
    /// `x in list`.
    Member(Box<[Self; 2]>),
    /// `x.startsWith("a")`.
    Matches(Matching, Box<Self>, Box<str>),
    Arithmetic(Operation, Box<[Self; 2]>),
    Negative(Box<Self>),
    Elapsed(Elapsed, Box<Self>),
    Within(Box<Self>, Span),
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Comparison {
    pub(super) const ALL: [Self; 6] = [
        Self::Equal,
        Self::Unequal,
        Self::Less,
        Self::AtMost,
        Self::Greater,
        Self::AtLeast,
    ];

    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Whether only sameness is asked for.
    pub(super) const fn is_of_sameness(self) -> bool {
        matches!(self, Self::Equal | Self::Unequal)
    }
}

/// Ways in which a text holds another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matching {
    Start,
    End,
    Part,
}

impl Matching {
    pub(super) const ALL: [Self; 3] = [Self::Start, Self::End, Self::Part];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Start => "startsWith",
            Self::End => "endsWith",
            Self::Part => "contains",
        }
    }
}

/// Arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Operation {
    pub(super) const ALL: [Self; 5] = [
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Divide,
        Self::Remainder,
    ];

    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

/// Counts of time between a date or time and now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Elapsed {
    DaysSince,
    HoursSince,
    DaysUntil,
    DaysUntilAnniversary,
}

impl Elapsed {
    pub(super) const ALL: [Self; 4] = [
        Self::DaysSince,
        Self::HoursSince,
        Self::DaysUntil,
        Self::DaysUntilAnniversary,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::DaysSince => "days_since",
            Self::HoursSince => "hours_since",
            Self::DaysUntil => "days_until",
            Self::DaysUntilAnniversary => "days_until_anniversary",
        }
    }

    /// Types of what it can be asked of.
    pub(super) const fn takes(self) -> &'static [Type] {
        match self {
            Self::DaysSince | Self::DaysUntil => &[Type::Time, Type::Date],
            Self::HoursSince => &[Type::Time],
            Self::DaysUntilAnniversary => &[Type::Date],
        }
    }
}

/// A length of time, in the unit in which it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) count: i64,
    pub(super) unit: Unit,
}

/// Units of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Minutes,
    Hours,
    Days,
    Weeks,
}

impl Unit {
    pub(super) const ALL: [Self; 4] = [Self::Minutes, Self::Hours, Self::Days, Self::Weeks];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Days => "days",
            Self::Weeks => "weeks",
        }
    }

    /// Microseconds of one; a day is 24 hours.
    pub(super) const fn micros(self) -> i64 {
        match self {
            Self::Minutes => 60_000_000,
            Self::Hours => 3_600_000_000,
            Self::Days => 86_400_000_000,
            Self::Weeks => 604_800_000_000,
        }
    }
}

impl Span {
    /// Its length; the limit of windows keeps it far below the largest number.
    pub(super) const fn micros(self) -> i64 {
        self.count.saturating_mul(self.unit.micros())
    }
}

impl Expression {
    /// All of these.
    pub(super) fn all(members: Vec<Self>) -> Self {
        joined(members, true)
    }

    /// Any of these.
    pub(super) fn any(members: Vec<Self>) -> Self {
        joined(members, false)
    }

    /// The number with the other sign; `None` when there is no such literal.
    pub(super) fn negative(of: Self) -> Option<Self> {
        Some(match of {
            Self::Literal(Literal::Integer(number)) => {
                Self::Literal(Literal::Integer(number.checked_neg()?))
            }
            Self::Literal(Literal::Number(number)) => {
                Self::Literal(Literal::Number(signed(-number)))
            }
            other => Self::Negative(Box::new(other)),
        })
    }

    /// The nodes below this one.
    pub(super) fn children(&self) -> &[Self] {
        match self {
            Self::Literal(_) | Self::Attribute(..) | Self::Has(_) => &[],
            Self::Not(of)
            | Self::OneOf(of, _)
            | Self::Matches(_, of, _)
            | Self::Negative(of)
            | Self::Elapsed(_, of)
            | Self::Within(of, _) => std::slice::from_ref(&**of),
            Self::All(members) | Self::Any(members) => members,
            Self::Compare(_, sides) | Self::Member(sides) | Self::Arithmetic(_, sides) => {
                sides.as_slice()
            }
        }
    }

    /// The type of its values.
    pub(super) fn kind(&self) -> Type {
        match self {
            Self::Literal(literal) => literal.kind(),
            Self::Attribute(_, kind) => *kind,
            Self::Arithmetic(_, sides) => {
                let [left, right] = sides.each_ref().map(Self::kind);
                arithmetic_kind(left, right)
            }
            Self::Negative(of) => arithmetic_kind(of.kind(), Type::Integer),
            Self::Elapsed(..) => Type::Integer,
            _ => Type::Boolean,
        }
    }

    /// Levels, this one among them.
    pub(super) fn depth(&self) -> usize {
        let below = self.children().iter().map(Self::depth).max();
        let members = usize::from(matches!(self, Self::OneOf(..) | Self::Matches(..)));
        1 + below.unwrap_or(0).max(members)
    }

    /// Nodes, this one and literals within it among them.
    pub(super) fn nodes(&self) -> usize {
        let own = match self {
            Self::OneOf(_, members) => 1 + members.len(),
            Self::Matches(..) | Self::Within(..) => 2,
            _ => 1,
        };
        own + self.children().iter().map(Self::nodes).sum::<usize>()
    }

    /// Steps that an evaluation takes at most: one a node that is visited, one a text or literal that is looked at in a list.
    pub(super) fn cost(&self) -> u32 {
        let own = match self {
            Self::OneOf(_, members) => 1 + count(members.len()),
            Self::Member(_) => 1 + count(MAX_LIST),
            _ => 1,
        };
        let below = self.children().iter().map(Self::cost);
        below.fold(own, u32::saturating_add)
    }
}

/// What arithmetic on these types gives; of what shows only in each profile, some number.
const fn arithmetic_kind(left: Type, right: Type) -> Type {
    match (left, right) {
        (Type::Integer, Type::Integer) => Type::Integer,
        _ => Type::Number,
    }
}

/// A number as literals hold it: without zeros at the end, and zero without a sign.
pub(super) fn signed(number: Decimal) -> Decimal {
    if number.is_zero() {
        Decimal::ZERO
    } else {
        number.normalize()
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn joined(members: Vec<Expression>, all: bool) -> Expression {
    let mut flat = Vec::with_capacity(members.len());
    for member in members {
        match member {
            Expression::All(inner) if all => flat.extend(inner),
            Expression::Any(inner) if !all => flat.extend(inner),
            other => flat.push(other),
        }
    }
    match flat.pop() {
        Some(only) if flat.is_empty() => only,
        last => {
            flat.extend(last);
            let flat = flat.into_boxed_slice();
            if all {
                Expression::All(flat)
            } else {
                Expression::Any(flat)
            }
        }
    }
}
