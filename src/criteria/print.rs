//! The canonical text of a rule: what was parsed is printed, and what is printed is parsed, as the same tree.
//!
//! Brackets stand where precedence needs them and nowhere else. A canonical text has no more tokens and brackets than any
//! text of its tree, so it is within the limits of the lexer; its length is checked when a rule is made.

use std::fmt::{self, Display as _, Write as _};

use super::{
    facts::{Argument, Attribute, AttributeIndex},
    schema::Form,
    tree::{Expression, Operation},
    value::write_text,
};

/// How strongly a node holds its parts together; brackets go round what holds less strongly than its place needs.
const ANY: u8 = 1;
const ALL: u8 = 2;
const RELATION: u8 = 3;
const SUM: u8 = 4;
const PRODUCT: u8 = 5;
const SIGNED: u8 = 6;
const MEMBER: u8 = 7;

/// A node with the attributes of its rule.
pub(super) struct Printed<'r> {
    pub(super) expression: &'r Expression,
    pub(super) attributes: &'r [Attribute],
}

impl fmt::Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, self.expression, ANY)
    }
}

fn strength(of: &Expression) -> u8 {
    match of {
        Expression::Any(_) => ANY,
        Expression::All(_) => ALL,
        Expression::Compare(..) | Expression::OneOf(..) | Expression::Member(_) => RELATION,
        Expression::Arithmetic(Operation::Add | Operation::Subtract, _) => SUM,
        Expression::Arithmetic(..) => PRODUCT,
        Expression::Not(_) | Expression::Negative(_) => SIGNED,
        // A sign stands before a number below zero.
        Expression::Literal(literal) if literal.to_string().starts_with('-') => SIGNED,
        _ => MEMBER,
    }
}

impl Printed<'_> {
    fn write(&self, f: &mut fmt::Formatter<'_>, of: &Expression, needed: u8) -> fmt::Result {
        let strength = strength(of);
        if strength < needed {
            f.write_char('(')?;
            self.bare(f, of, strength)?;
            return f.write_char(')');
        }
        self.bare(f, of, strength)
    }

    fn bare(&self, f: &mut fmt::Formatter<'_>, of: &Expression, strength: u8) -> fmt::Result {
        match of {
            Expression::Literal(literal) => literal.fmt(f),
            Expression::Attribute(index, _) => self.attribute(f, *index),
            Expression::Has(index) => {
                f.write_str("has(")?;
                self.attribute(f, *index)?;
                f.write_char(')')
            }
            Expression::Not(of) => {
                f.write_char('!')?;
                self.write(f, of, SIGNED)
            }
            Expression::Negative(of) => {
                f.write_char('-')?;
                self.write(f, of, SIGNED)
            }
            Expression::All(members) => self.joined(f, members, " && ", ALL + 1),
            Expression::Any(members) => self.joined(f, members, " || ", ANY + 1),
            Expression::Compare(comparison, sides) => {
                let [left, right] = &**sides;
                self.write(f, left, RELATION + 1)?;
                write!(f, " {} ", comparison.sign())?;
                self.write(f, right, RELATION + 1)
            }
            Expression::OneOf(of, members) => {
                self.write(f, of, RELATION + 1)?;
                f.write_str(" in [")?;
                for (at, member) in members.iter().enumerate() {
                    f.write_str(if at == 0 { "" } else { ", " })?;
                    member.fmt(f)?;
                }
                f.write_char(']')
            }
            Expression::Member(sides) => {
                let [of, list] = &**sides;
                self.write(f, of, RELATION + 1)?;
                f.write_str(" in ")?;
                self.write(f, list, RELATION + 1)
            }
            Expression::Matches(matching, of, part) => {
                self.write(f, of, MEMBER)?;
                write!(f, ".{}(", matching.name())?;
                write_text(f, part)?;
                f.write_char(')')
            }
            Expression::Arithmetic(operation, sides) => {
                let [left, right] = &**sides;
                self.write(f, left, strength)?;
                write!(f, " {} ", operation.sign())?;
                self.write(f, right, strength + 1)
            }
            Expression::Elapsed(elapsed, of) => {
                write!(f, "{}(", elapsed.name())?;
                self.write(f, of, ANY)?;
                f.write_char(')')
            }
            Expression::Within(of, span) => {
                f.write_str("within(")?;
                self.write(f, of, ANY)?;
                write!(f, ", {}({}))", span.unit.name(), span.count)
            }
        }
    }

    fn joined(
        &self,
        f: &mut fmt::Formatter<'_>,
        members: &[Expression],
        sign: &str,
        needed: u8,
    ) -> fmt::Result {
        for (at, member) in members.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { sign })?;
            self.write(f, member, needed)?;
        }
        Ok(())
    }

    fn attribute(&self, f: &mut fmt::Formatter<'_>, index: AttributeIndex) -> fmt::Result {
        match self.attributes.get(usize::from(index.0)) {
            Some(attribute) => attribute.fmt(f),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Attribute {
    /// As it stands in a rule.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is = self.id().definition();
        f.write_str(is.name)?;
        let (open, close) = match is.form {
            Form::Plain => return Ok(()),
            Form::Call { .. } => ('(', ')'),
            Form::Key => ('[', ']'),
        };
        f.write_char(open)?;
        for (at, argument) in self.arguments().iter().enumerate() {
            f.write_str(if at == 0 { "" } else { ", " })?;
            match argument {
                Argument::Text(text) => write_text(f, text)?,
                Argument::Number(number) => number.fmt(f)?,
            }
        }
        f.write_char(close)
    }
}

impl fmt::Display for super::value::Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}
