//! Words, signs, numbers and texts.
//!
//! What must stay true: the text is looked at once from front to back, so the time is linear in its length, which is
//! bounded first; the number of tokens and the nesting of brackets are bounded here, before any recursion.

use super::fault::{FaultKind, Faults, quoted};
use super::limits::{MAX_NESTING, MAX_SOURCE_BYTES, MAX_TOKENS};

/// A token with its bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind<'a> {
    Name(&'a str),
    /// Digits.
    Integer(&'a str),
    /// Digits, a point, digits.
    Number(&'a str),
    /// What it says, without quotes and escapes.
    Text(String),
    /// A sign, as written.
    Sign(&'static str),
    End,
}

/// Longer ones first.
const SIGNS: [&str; 24] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "(", ")", "[", "]",
    "{", "}", ",", ".", "?", ":",
];

/// The tokens, with an end behind the last one; `None` when the text is no rule, with what is wrong in `faults`.
pub(super) fn tokens<'a>(source: &'a str, faults: &mut Faults) -> Option<Vec<Token<'a>>> {
    let whole = (0, source.len());
    if source.len() > MAX_SOURCE_BYTES {
        let what = format!("the rule has {} bytes", source.len());
        let hint = format!("at most {MAX_SOURCE_BYTES} bytes are allowed; split it into segments");
        faults.add(whole, FaultKind::TooLarge, what, Some(hint));
        return None;
    }
    let mut lexer = Lexer {
        source,
        at: 0,
        faults,
    };
    let mut found = Vec::new();
    let mut nesting = 0_u16;
    while let Some(token) = lexer.next() {
        match token.kind {
            Kind::Sign("(" | "[" | "{") => nesting += 1,
            Kind::Sign(")" | "]" | "}") => nesting = nesting.saturating_sub(1),
            _ => {}
        }
        let place = (token.start, token.end);
        found.push(token);
        if nesting > MAX_NESTING {
            too_deep(place, lexer.faults);
            return None;
        }
        if found.len() > MAX_TOKENS {
            let what = format!("the rule has more than {MAX_TOKENS} words and signs");
            let hint = "use `in [...]` for many values, and segments for parts".to_owned();
            lexer
                .faults
                .add(place, FaultKind::TooLarge, what, Some(hint));
            return None;
        }
    }
    if !lexer.faults.is_empty() {
        return None;
    }
    found.push(Token {
        kind: Kind::End,
        start: source.len(),
        end: source.len(),
    });
    Some(found)
}

/// Says that brackets or signs lie too deep within each other.
pub(super) fn too_deep(place: (usize, usize), faults: &mut Faults) {
    let what = format!("more than {MAX_NESTING} brackets or signs lie within each other");
    let hint = "name parts of the rule as segments".to_owned();
    faults.add(place, FaultKind::TooLarge, what, Some(hint));
}

struct Lexer<'a, 'f> {
    source: &'a str,
    at: usize,
    faults: &'f mut Faults,
}

impl<'a> Lexer<'a, '_> {
    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    /// The bytes from here for as long as they are of a kind.
    fn run(&self, of_kind: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !of_kind(c)).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    }

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.skip();
            if !self.faults.has_room() {
                return None;
            }
            let start = self.at;
            let first = self.rest().chars().next()?;
            let kind = if first.is_ascii_digit() {
                self.number()
            } else if first.is_ascii_alphabetic() || first == '_' {
                self.name()
            } else if first == '"' || first == '\'' {
                self.text(first)
            } else if let Some(sign) = SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
                self.at += sign.len();
                Some(Kind::Sign(sign))
            } else {
                self.stranger(first);
                None
            };
            if let Some(kind) = kind {
                let end = self.at;
                return Some(Token { kind, start, end });
            }
        }
    }

    /// White space and comments.
    fn skip(&mut self) {
        loop {
            self.at += self
                .run(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c'))
                .len();
            if !self.rest().starts_with("//") {
                return;
            }
            self.at += self.run(|c| c != '\n').len();
        }
    }

    fn fault(&mut self, start: usize, kind: FaultKind, what: String, hint: Option<&str>) {
        let place = (start, self.at.max(start));
        self.faults.add(place, kind, what, hint.map(str::to_owned));
    }

    fn stranger(&mut self, sign: char) {
        let start = self.at;
        self.at += sign.len_utf8();
        let hint = match sign {
            '=' => Some("write `==` to compare"),
            '&' => Some("write `&&` for and"),
            '|' => Some("write `||` for or"),
            '\u{201c}' | '\u{201d}' | '\u{2018}' | '\u{2019}' | '「' | '」' | '＂' => {
                Some("write texts between straight quotes, as \"gold\"")
            }
            _ => None,
        };
        let what = format!("{} means nothing here", quoted(&sign.to_string()));
        self.fault(start, FaultKind::Syntax, what, hint);
    }

    fn number(&mut self) -> Option<Kind<'a>> {
        let start = self.at;
        self.at += self.run(|c| c.is_ascii_digit()).len();
        let mut whole = true;
        let mut after = self.rest().chars();
        if after.next() == Some('.') && after.next().is_some_and(|c| c.is_ascii_digit()) {
            whole = false;
            self.at += 1;
            self.at += self.run(|c| c.is_ascii_digit()).len();
        }
        let digits = self.source.get(start..self.at).unwrap_or_default();
        let more = self.run(|c| c.is_ascii_alphanumeric() || c == '_');
        if !more.is_empty() {
            self.at += more.len();
            let what = format!(
                "{} is no number",
                quoted(self.source.get(start..self.at).unwrap_or_default())
            );
            let hint = "numbers are digits with an optional point, as 12 or 0.5";
            self.fault(start, FaultKind::Unsupported, what, Some(hint));
            return None;
        }
        Some(if whole {
            Kind::Integer(digits)
        } else {
            Kind::Number(digits)
        })
    }

    fn name(&mut self) -> Option<Kind<'a>> {
        let start = self.at;
        let name = self.run(|c| c.is_ascii_alphanumeric() || c == '_');
        self.at += name.len();
        let quote = self
            .rest()
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\''));
        let Some(quote) = quote.filter(|_| matches!(name, "r" | "R" | "b" | "B" | "br" | "rb"))
        else {
            return Some(Kind::Name(name));
        };
        self.text(quote);
        let what = "raw texts and bytes are not supported".to_owned();
        let hint = "write an ordinary text, as \"gold\"";
        self.fault(start, FaultKind::Unsupported, what, Some(hint));
        None
    }

    fn text(&mut self, quote: char) -> Option<Kind<'a>> {
        let start = self.at;
        if self.rest().starts_with("\"\"\"") || self.rest().starts_with("'''") {
            self.at = self.source.len();
            let what = "texts between three quotes are not supported".to_owned();
            self.fault(start, FaultKind::Unsupported, what, Some("use one quote"));
            return None;
        }
        self.at += 1;
        let mut text = String::new();
        let mut good = true;
        loop {
            let at = self.at;
            let Some(c) = self.rest().chars().next() else {
                let what = "the text does not end".to_owned();
                self.fault(
                    start,
                    FaultKind::Syntax,
                    what,
                    Some("add the closing quote"),
                );
                return None;
            };
            self.at += c.len_utf8();
            if c == quote {
                return good.then_some(Kind::Text(text));
            }
            let said = if c == '\\' { self.escape() } else { Some(c) };
            match said {
                Some(said) if said != '\0' && (c == '\\' || !c.is_control()) => text.push(said),
                _ if good => {
                    good = false;
                    let what = "this cannot stand in a text".to_owned();
                    let hint =
                        "known are \\\\ \\\" \\' \\n \\r \\t and \\u with four hexadecimal digits";
                    self.fault(at, FaultKind::Syntax, what, Some(hint));
                }
                // One mistake a text is enough.
                _ => {}
            }
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        let said = match c {
            '\\' | '"' | '\'' => c,
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let digits = self.rest().get(1..5)?;
                if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return None;
                }
                let said = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
                self.at += 4;
                said
            }
            _ => return None,
        };
        self.at += 1;
        Some(said)
    }
}
