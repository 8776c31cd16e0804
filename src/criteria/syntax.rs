//! From tokens to an untyped tree, by recursive descent over a part of CEL.
//!
//! What must stay true: the descent goes at most [`MAX_NESTING`] levels deep, each token is taken once and none is looked at
//! twice, so that stack and time are bounded by the checks of the lexer. That, and not speed, is why the parser is our own.
//! The `cel` crate (0.15) was measured: behind the same checks no input was found that hurts it, but its bound is that of
//! ANTLR's adaptive prediction, which nobody can state (1,000 terms joined by `&&` took 14 ms, and the input of 125 bytes
//! that took a gigabyte was of that kind), its caches stay for ever, it refuses `has(last_order)`, and it reads 0.1 as the
//! binary fraction nearest to it.
//!
//! `a && b && c` is one node with three members, and so is `||`; everything else is as in CEL, where comparisons do not
//! chain usefully and are refused when they do.

use super::fault::{FaultKind, Faults, quoted};
use super::lexer::{Kind, Token, too_deep};
use super::limits::MAX_NESTING;

/// A node with its bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Syntax<'a> {
    pub(super) node: Node<'a>,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node<'a> {
    Boolean(bool),
    Integer(&'a str),
    Number(&'a str),
    Text(String),
    Name(&'a str),
    /// `name(...)`.
    Call(&'a str, Vec<Syntax<'a>>),
    /// `x.name(...)`.
    Method(Box<Syntax<'a>>, &'a str, Vec<Syntax<'a>>),
    /// `x[y]`.
    Index(Box<Syntax<'a>>, Box<Syntax<'a>>),
    List(Vec<Syntax<'a>>),
    Not(Box<Syntax<'a>>),
    Negative(Box<Syntax<'a>>),
    All(Vec<Syntax<'a>>),
    Any(Vec<Syntax<'a>>),
    /// A comparison, `in` or arithmetic.
    Binary(&'static str, Box<[Syntax<'a>; 2]>),
}

impl Syntax<'_> {
    pub(super) fn place(&self) -> (usize, usize) {
        (self.start, self.end)
    }
}

/// Already said what is wrong.
struct Refused;

type Parsed<'a> = Result<Syntax<'a>, Refused>;

/// The tree; `None` when there is none, with the first thing that is wrong in `faults`.
pub(super) fn parse<'a>(tokens: &[Token<'a>], faults: &mut Faults) -> Option<Syntax<'a>> {
    let mut parser = Parser {
        tokens,
        at: 0,
        faults,
    };
    let root = parser.any(0).ok()?;
    if matches!(parser.peek(), Kind::End) {
        return Some(root);
    }
    parser.unexpected("nothing more").ok()
}

struct Parser<'t, 'a, 'f> {
    tokens: &'t [Token<'a>],
    at: usize,
    faults: &'f mut Faults,
}

impl<'a> Parser<'_, 'a, '_> {
    fn peek(&self) -> &Kind<'a> {
        self.tokens
            .get(self.at)
            .map_or(&Kind::End, |token| &token.kind)
    }

    /// Where the next token begins.
    fn here(&self) -> (usize, usize) {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        token.map_or((0, 0), |token| (token.start, token.end))
    }

    /// Where the last one that was taken ended.
    fn behind(&self) -> usize {
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        last.map_or(0, |token| token.end)
    }

    fn take(&mut self, sign: &str) -> bool {
        let taken = matches!(self.peek(), Kind::Sign(next) if *next == sign);
        if taken {
            self.at += 1;
        }
        taken
    }

    fn need(&mut self, sign: &str) -> Result<(), Refused> {
        if self.take(sign) {
            return Ok(());
        }
        self.unexpected(&format!("`{sign}`")).map(|_| ())
    }

    fn take_any(&mut self, signs: &[&'static str]) -> Option<&'static str> {
        let found = match self.peek() {
            Kind::Sign(next) => signs.iter().find(|sign| *sign == next).copied(),
            Kind::Name("in") => signs.iter().find(|sign| **sign == "in").copied(),
            _ => None,
        };
        self.at += usize::from(found.is_some());
        found
    }

    fn unexpected(&mut self, wanted: &str) -> Parsed<'a> {
        let (what, hint) = match self.peek() {
            Kind::End => ("the rule ends too early".to_owned(), None),
            Kind::Sign("?" | ":") => (
                "conditional values are not supported".to_owned(),
                Some("write `(a && b) || (!a && c)`".to_owned()),
            ),
            Kind::Sign("{") => ("maps are not supported".to_owned(), None),
            Kind::Sign(sign) => (format!("`{sign}` is unexpected here"), None),
            Kind::Name(name @ ("and" | "or" | "not")) => {
                let sign = match *name {
                    "and" => "&&",
                    "or" => "||",
                    _ => "!",
                };
                let hint = Some(format!("write `{sign}` instead of `{name}`"));
                (format!("`{name}` is unexpected here"), hint)
            }
            Kind::Name(name) | Kind::Integer(name) | Kind::Number(name) => {
                (format!("{} is unexpected here", quoted(name)), None)
            }
            Kind::Text(_) => ("a text is unexpected here".to_owned(), None),
        };
        let hint = hint.unwrap_or_else(|| format!("expected {wanted}"));
        let place = self.here();
        self.faults.add(place, FaultKind::Syntax, what, Some(hint));
        Err(Refused)
    }

    fn deeper(&mut self, depth: u16) -> Result<u16, Refused> {
        if depth < MAX_NESTING {
            return Ok(depth + 1);
        }
        too_deep(self.here(), self.faults);
        Err(Refused)
    }

    fn any(&mut self, depth: u16) -> Parsed<'a> {
        let first = self.all(depth)?;
        let mut members = vec![first];
        while self.take("||") {
            members.push(self.all(depth)?);
        }
        Ok(joined(members, Node::Any))
    }

    fn all(&mut self, depth: u16) -> Parsed<'a> {
        let first = self.relation(depth)?;
        let mut members = vec![first];
        while self.take("&&") {
            members.push(self.relation(depth)?);
        }
        Ok(joined(members, Node::All))
    }

    fn relation(&mut self, depth: u16) -> Parsed<'a> {
        const SIGNS: [&str; 7] = ["==", "!=", "<=", ">=", "<", ">", "in"];
        let left = self.sum(depth)?;
        let Some(sign) = self.take_any(&SIGNS) else {
            return Ok(left);
        };
        let right = self.sum(depth)?;
        let place = self.here();
        if self.take_any(&SIGNS).is_some() {
            let hint = Some("write `a < b && b < c`".to_owned());
            let what = "comparisons cannot be chained";
            self.faults.add(place, FaultKind::Unsupported, what, hint);
            return Err(Refused);
        }
        Ok(binary(sign, left, right))
    }

    fn sum(&mut self, depth: u16) -> Parsed<'a> {
        let mut left = self.product(depth)?;
        while let Some(sign) = self.take_any(&["+", "-"]) {
            left = binary(sign, left, self.product(depth)?);
        }
        Ok(left)
    }

    fn product(&mut self, depth: u16) -> Parsed<'a> {
        let mut left = self.signed(depth)?;
        while let Some(sign) = self.take_any(&["*", "/", "%"]) {
            left = binary(sign, left, self.signed(depth)?);
        }
        Ok(left)
    }

    fn signed(&mut self, depth: u16) -> Parsed<'a> {
        let start = self.here().0;
        let Some(sign) = self.take_any(&["!", "-"]) else {
            return self.member(depth);
        };
        let depth = self.deeper(depth)?;
        let of = Box::new(self.signed(depth)?);
        let node = match sign {
            "!" => Node::Not(of),
            _ => Node::Negative(of),
        };
        Ok(self.node(node, start))
    }

    fn member(&mut self, depth: u16) -> Parsed<'a> {
        let start = self.here().0;
        let mut of = self.primary(depth)?;
        loop {
            if self.take("[") {
                let depth = self.deeper(depth)?;
                let index = Box::new(self.any(depth)?);
                self.need("]")?;
                of = self.node(Node::Index(Box::new(of), index), start);
            } else if self.take(".") {
                let Kind::Name(name) = *self.peek() else {
                    return self.unexpected("a name");
                };
                let place = self.here();
                self.at += 1;
                if !self.take("(") {
                    let what = format!("{} is no part of anything", quoted(name));
                    let hint = "attributes have no parts; traits are written trait[\"tier\"]";
                    self.faults
                        .add(place, FaultKind::Unsupported, what, Some(hint.to_owned()));
                    return Err(Refused);
                }
                let arguments = self.list(depth, ")")?;
                of = self.node(Node::Method(Box::new(of), name, arguments), start);
            } else {
                return Ok(of);
            }
        }
    }

    fn primary(&mut self, depth: u16) -> Parsed<'a> {
        let start = self.here().0;
        if self.take("(") {
            let depth = self.deeper(depth)?;
            let inner = self.any(depth)?;
            self.need(")")?;
            return Ok(self.node(inner.node, start));
        }
        if self.take("[") {
            let members = self.list(depth, "]")?;
            return Ok(self.node(Node::List(members), start));
        }
        let node = match self.peek() {
            Kind::Integer(digits) => Node::Integer(digits),
            Kind::Number(digits) => Node::Number(digits),
            Kind::Text(text) => Node::Text(text.clone()),
            Kind::Name("true") => Node::Boolean(true),
            Kind::Name("false") => Node::Boolean(false),
            Kind::Name("in") | Kind::Sign(_) | Kind::End => return self.unexpected("a value"),
            Kind::Name(name) => Node::Name(name),
        };
        self.at += 1;
        if let Node::Name(name) = node
            && self.take("(")
        {
            let arguments = self.list(depth, ")")?;
            return Ok(self.node(Node::Call(name, arguments), start));
        }
        Ok(self.node(node, start))
    }

    /// Members up to a closing bracket.
    fn list(&mut self, depth: u16, close: &str) -> Result<Vec<Syntax<'a>>, Refused> {
        let depth = self.deeper(depth)?;
        let mut members = Vec::new();
        if self.take(close) {
            return Ok(members);
        }
        loop {
            members.push(self.any(depth)?);
            if self.take(close) {
                return Ok(members);
            }
            if !self.take(",") {
                self.unexpected(&format!("`,` or `{close}`"))?;
            }
        }
    }

    fn node(&self, node: Node<'a>, start: usize) -> Syntax<'a> {
        let end = self.behind();
        Syntax { node, start, end }
    }
}

/// One member is itself.
fn joined<'a>(mut members: Vec<Syntax<'a>>, node: fn(Vec<Syntax<'a>>) -> Node<'a>) -> Syntax<'a> {
    let start = members.first().map_or(0, |member| member.start);
    let end = members.last().map_or(0, |member| member.end);
    match members.pop() {
        Some(only) if members.is_empty() => only,
        last => {
            members.extend(last);
            let node = node(members);
            Syntax { node, start, end }
        }
    }
}

fn binary<'a>(sign: &'static str, left: Syntax<'a>, right: Syntax<'a>) -> Syntax<'a> {
    let (start, end) = (left.start, right.end);
    let node = Node::Binary(sign, Box::new([left, right]));
    Syntax { node, start, end }
}
