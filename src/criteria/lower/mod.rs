//! From the untyped tree to the typed one, with all mistakes at once.
//!
//! What must stay true: every part is looked at, also beside a part that is wrong, so that nobody mends a rule one mistake at
//! a time; a part that is wrong is `None` and causes no further mistakes; and what comes out is within the limits.

mod calls;
mod operators;

use rust_decimal::Decimal;

use super::{
    facts::{Argument, Attribute, AttributeIndex},
    fault::{FaultKind, Faults, quoted},
    limits::{MAX_DEPTH, MAX_NODES},
    schema::{self, AttributeId, Form, Scope, Use, unknown_attribute},
    syntax::{Node, Syntax},
    tree::{Expression, signed},
    value::{Literal, Type},
};
use crate::ids::is_slug;

/// How deep the descent goes: brackets within each other, and levels of the tree.
const MAX_DESCENT: usize = 64;

/// Digits of a number, without zeros at the front and at the end of the fraction: those that any decimal can have.
const MAX_DIGITS: usize = 28;

/// The tree and the attributes that it asks for, in the order in which they first appear.
pub(super) fn lower(
    syntax: &Syntax<'_>,
    used_in: Use,
    faults: &mut Faults,
) -> Option<(Expression, Vec<Attribute>)> {
    let mut lowering = Lowering {
        faults,
        used_in,
        attributes: Vec::new(),
        too_deep: false,
    };
    let root = lowering.truth(syntax, 0)?;
    let attributes = lowering.attributes;
    let (depth, nodes) = (root.depth(), root.nodes());
    if depth > MAX_DEPTH {
        too_deep(syntax.place(), faults);
    }
    if nodes > MAX_NODES {
        let what = format!("the rule has {nodes} parts");
        let hint = format!("at most {MAX_NODES} are allowed; name some of them as segments");
        faults.add(syntax.place(), FaultKind::TooLarge, what, Some(hint));
    }
    faults.is_empty().then_some((root, attributes))
}

fn too_deep(place: (usize, usize), faults: &mut Faults) {
    let what = format!("the rule has more than {MAX_DEPTH} levels");
    let hint = "name parts of it as segments".to_owned();
    faults.add(place, FaultKind::TooLarge, what, Some(hint));
}

struct Lowering<'f> {
    faults: &'f mut Faults,
    used_in: Use,
    attributes: Vec<Attribute>,
    too_deep: bool,
}

type Place = (usize, usize);

impl Lowering<'_> {
    fn fault(
        &mut self,
        place: Place,
        kind: FaultKind,
        what: String,
        hint: impl Into<Option<String>>,
    ) {
        self.faults.add(place, kind, what, hint.into());
    }

    /// Another type was needed.
    fn mismatch(&mut self, place: Place, is: Type, needed: &str, hint: impl Into<Option<String>>) {
        let what = format!("this is {}, where {needed} is needed", with_article(is));
        self.fault(place, FaultKind::Type, what, hint);
    }

    /// Something that is true or false.
    fn truth(&mut self, syntax: &Syntax<'_>, depth: usize) -> Option<Expression> {
        let lowered = self.expression(syntax, depth)?;
        let kind = lowered.kind();
        if matches!(kind, Type::Boolean | Type::Any) {
            return Some(lowered);
        }
        let hint = match kind {
            Type::Integer | Type::Number => "compare it, as `order_count > 0`",
            Type::Time | Type::Date => "ask how long ago it is, as `days_since(last_order) > 30`",
            Type::List => "ask what is in it, as `\"a\" in trait[\"tags\"]`",
            _ => "compare it, as `trait[\"tier\"] == \"gold\"`",
        };
        self.mismatch(
            syntax.place(),
            kind,
            "something true or false",
            hint.to_owned(),
        );
        None
    }

    fn truths(&mut self, members: &[Syntax<'_>], depth: usize) -> Option<Vec<Expression>> {
        // Every member is looked at before any of them is missed.
        let lowered: Vec<_> = members
            .iter()
            .map(|member| self.truth(member, depth))
            .collect();
        lowered.into_iter().collect()
    }

    fn expression(&mut self, syntax: &Syntax<'_>, depth: usize) -> Option<Expression> {
        if depth > MAX_DESCENT {
            if !std::mem::replace(&mut self.too_deep, true) {
                too_deep(syntax.place(), self.faults);
            }
            return None;
        }
        let below = depth + 1;
        let place = syntax.place();
        match &syntax.node {
            Node::Boolean(is) => Some(Expression::Literal(Literal::Boolean(*is))),
            Node::Text(text) => Some(Expression::Literal(Literal::Text(text.as_str().into()))),
            Node::Integer(digits) => self.integer(place, digits),
            Node::Number(digits) => self.number(place, digits),
            Node::Name(name) => self.name(place, name),
            Node::Call(name, arguments) => self.call(place, name, arguments, below),
            Node::Method(of, name, arguments) => self.method(place, of, name, arguments, below),
            Node::Index(of, key) => {
                let index = self.key(of, key)?;
                Some(self.attribute(index))
            }
            Node::List(_) => {
                let hint =
                    "lists stand behind `in`, as `trait[\"tier\"] in [\"gold\", \"silver\"]`";
                let what = "a list cannot stand here".to_owned();
                self.fault(place, FaultKind::Type, what, hint.to_owned());
                None
            }
            Node::Not(of) => {
                let of = self.truth(of, below)?;
                Some(Expression::Not(Box::new(of)))
            }
            Node::Negative(of) => self.negative(place, of, below),
            Node::All(members) => self.truths(members, below).map(Expression::all),
            Node::Any(members) => self.truths(members, below).map(Expression::any),
            Node::Binary(sign, sides) => self.binary(place, sign, sides, below),
        }
    }

    fn integer(&mut self, place: Place, digits: &str) -> Option<Expression> {
        if let Ok(number) = digits.parse() {
            return Some(Expression::Literal(Literal::Integer(number)));
        }
        let what = format!("{} is too large", quoted(digits));
        let hint = format!("whole numbers go up to {}", i64::MAX);
        self.fault(place, FaultKind::TooLarge, what, hint);
        None
    }

    fn number(&mut self, place: Place, digits: &str) -> Option<Expression> {
        let short = digits.trim_start_matches('0').trim_end_matches('0');
        let significant = short.bytes().filter(u8::is_ascii_digit).count();
        let exact = Decimal::from_str_exact(&format!("0{}", short.trim_end_matches('.'))).ok();
        let exact = if significant == 0 {
            Some(Decimal::ZERO)
        } else {
            exact.filter(|_| significant <= MAX_DIGITS)
        };
        if let Some(number) = exact {
            return Some(Expression::Literal(Literal::Number(signed(number))));
        }
        let what = format!("{} has too many digits", quoted(digits));
        let hint = format!("numbers have at most {MAX_DIGITS} digits");
        self.fault(place, FaultKind::TooLarge, what, hint);
        None
    }

    fn negative(&mut self, place: Place, of: &Syntax<'_>, depth: usize) -> Option<Expression> {
        // The smallest number has no positive one.
        if let Node::Integer(digits) = &of.node
            && let Ok(number) = format!("-{digits}").parse()
        {
            return Some(Expression::Literal(Literal::Integer(number)));
        }
        let lowered = self.expression(of, depth)?;
        if !lowered.kind().is_numeric() {
            self.mismatch(of.place(), lowered.kind(), "a number", None);
            return None;
        }
        let negative = Expression::negative(lowered);
        if negative.is_none() {
            let what = "the number is too large".to_owned();
            self.fault(place, FaultKind::TooLarge, what, None);
        }
        negative
    }

    /// A name that stands by itself.
    fn name(&mut self, place: Place, name: &str) -> Option<Expression> {
        let index = self.plain(place, name)?;
        Some(self.attribute(index))
    }

    fn plain(&mut self, place: Place, name: &str) -> Option<AttributeIndex> {
        let Some(id) = schema::find(name) else {
            self.unknown(place, name);
            return None;
        };
        match id.definition().form {
            Form::Plain => self.intern(place, id, Box::default()),
            Form::Call { .. } | Form::Key => {
                let what = format!("`{name}` says nothing without a parameter");
                let hint = format!("write `{}`", example(id));
                self.fault(place, FaultKind::Parameter, what, hint);
                None
            }
        }
    }

    /// `trait["tier"]`.
    fn key(&mut self, of: &Syntax<'_>, key: &Syntax<'_>) -> Option<AttributeIndex> {
        let Node::Name(name) = of.node else {
            let what = "this has no parts".to_owned();
            let hint = "traits are written trait[\"tier\"]".to_owned();
            self.fault(of.place(), FaultKind::Unsupported, what, hint);
            return None;
        };
        let Some(id) = schema::find(name) else {
            self.unknown(of.place(), name);
            return None;
        };
        if id.definition().form != Form::Key {
            let what = format!("`{name}` has no parts");
            let hint = format!("write `{}`", example(id));
            self.fault(of.place(), FaultKind::Parameter, what, hint);
            return None;
        }
        match &key.node {
            Node::Text(text) if is_slug(text, 64) => {
                let argument = Argument::Text(text.as_str().into());
                self.intern((of.start, key.end), id, Box::new([argument]))
            }
            _ => {
                let what = "this is no name".to_owned();
                let hint = "names are texts of 1 to 64 of a-z, 0-9, `_`, `-` and `.`, as \"tier\"";
                self.fault(key.place(), FaultKind::Parameter, what, hint.to_owned());
                None
            }
        }
    }

    fn unknown(&mut self, place: Place, name: &str) {
        if self.faults.has_room() {
            let what = format!("nothing is called {}", quoted(name));
            let hint = match name {
                "trait" | "context" => format!("write {name}[\"name\"]"),
                _ => unknown_attribute(name, self.faults.are_few()),
            };
            self.fault(place, FaultKind::UnknownName, what, hint);
        }
    }

    /// The place of an attribute in the table of the rule.
    fn intern(
        &mut self,
        place: Place,
        id: AttributeId,
        arguments: Box<[Argument]>,
    ) -> Option<AttributeIndex> {
        if id.definition().scope == Scope::Call && self.used_in == Use::Segment {
            let what = format!("`{}` is not known in a segment", id.definition().name);
            let hint = "it belongs to a call; ask for it in the rule of an action".to_owned();
            self.fault(place, FaultKind::Scope, what, hint);
            return None;
        }
        let attribute = Attribute { id, arguments };
        let known = self.attributes.iter().position(|other| *other == attribute);
        let index = known.unwrap_or_else(|| {
            self.attributes.push(attribute);
            self.attributes.len() - 1
        });
        // There are fewer than tokens.
        u16::try_from(index).ok().map(AttributeIndex)
    }

    fn attribute(&self, index: AttributeIndex) -> Expression {
        let attribute = self.attributes.get(usize::from(index.0));
        let kind = attribute.map_or(Type::Any, |attribute| attribute.id.definition().kind);
        Expression::Attribute(index, kind)
    }
}

/// How an attribute is written.
fn example(id: AttributeId) -> String {
    let is = id.definition();
    match is.form {
        Form::Plain => is.name.to_owned(),
        Form::Key => format!("{}[\"name\"]", is.name),
        Form::Call { parameters, .. } => {
            let parameters = parameters.iter().map(|kind| match kind.largest() {
                Some(_) => "30".to_owned(),
                None => format!("\"{}\"", kind.name()),
            });
            let parameters: Vec<_> = parameters.collect();
            format!("{}({})", is.name, parameters.join(", "))
        }
    }
}

fn with_article(kind: Type) -> String {
    match kind {
        Type::Text => "text".to_owned(),
        Type::Integer => "an integer".to_owned(),
        Type::Any => "a value".to_owned(),
        _ => format!("a {}", kind.name()),
    }
}
