//! Takes a map apart, field by field, and notes what nobody asked for.

use std::str::FromStr;

use super::super::{
    node::{Node, Pair},
    violation::{
        Findings, Path,
        reason::{MALFORMED, OUT_OF_RANGE, REQUIRED, UNKNOWN_ENUM_VALUE, UNKNOWN_KEY},
    },
};

/// The fields of a map.
pub(super) struct Fields<'a> {
    pairs: &'a [Pair],
    /// Of what is no map nothing is missing: that it is none has been told.
    is_map: bool,
    line: u32,
    path: Path<'a>,
    asked: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// Those of a node; of what is no map there are none.
    pub(super) fn of(node: &'a Node, path: Path<'a>, found: &mut Findings) -> Self {
        let pairs = match node {
            Node::Map { entries, .. } => entries.as_slice(),
            Node::Scalar { .. } | Node::List { .. } => {
                found.add_at(path, node.line(), MALFORMED, "is no map");
                &[]
            }
        };
        Self {
            pairs,
            is_map: matches!(node, Node::Map { .. }),
            line: node.line(),
            path,
            asked: Vec::new(),
        }
    }

    /// What was not asked for.
    pub(super) fn done(self, found: &mut Findings) {
        for pair in self.pairs {
            if !self.asked.contains(&pair.key.as_str()) {
                let text = "means nothing here";
                found.add_at(self.path.key(&pair.key), pair.line, UNKNOWN_KEY, text);
            }
        }
    }

    /// Whether there is such a field, with or without a value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.pairs.iter().any(|pair| pair.key == key)
    }

    /// A field that may be left out, read by `read`.
    pub(super) fn some<T>(
        &mut self,
        found: &mut Findings,
        key: &'static str,
        read: impl FnOnce(Path<'_>, &'a Node, &mut Findings) -> Option<T>,
    ) -> Option<T> {
        self.asked.push(key);
        let pair = self.pairs.iter().find(|pair| pair.key == key)?;
        let path = self.path.key(key);
        if matches!(&pair.value, Node::Scalar { text, plain: true, .. } if text.is_empty()) {
            found.add_at(path, pair.line, REQUIRED, "has no value");
            return None;
        }
        read(path, &pair.value, found)
    }

    /// A field that has to be there.
    pub(super) fn needed<T>(
        &mut self,
        found: &mut Findings,
        key: &'static str,
        read: impl FnOnce(Path<'_>, &'a Node, &mut Findings) -> Option<T>,
    ) -> Option<T> {
        if self.is_map && !self.has(key) {
            found.add_at(self.path.key(key), self.line, REQUIRED, "is missing");
        }
        self.some(found, key, read)
    }

    /// A text; empty when it is left out.
    pub(super) fn text(&mut self, found: &mut Findings, key: &'static str) -> String {
        let text = self.some(found, key, |path, node, found| scalar(path, node, found));
        text.unwrap_or_default().to_owned()
    }

    /// A text, if there is one.
    pub(super) fn some_text(&mut self, found: &mut Findings, key: &'static str) -> Option<String> {
        let text = self.some(found, key, |path, node, found| scalar(path, node, found));
        text.map(str::to_owned)
    }

    /// A text that has to be there.
    pub(super) fn needed_text(&mut self, found: &mut Findings, key: &'static str) -> String {
        let text = self.needed(found, key, |path, node, found| scalar(path, node, found));
        text.unwrap_or_default().to_owned()
    }

    /// True or false; false when it is left out.
    pub(super) fn flag(&mut self, found: &mut Findings, key: &'static str) -> bool {
        let flag = self.some(found, key, |path, node, found| {
            match plain(path, node, found)? {
                "true" => Some(true),
                "false" => Some(false),
                _ => {
                    found.add_at(path, node.line(), MALFORMED, "true or false");
                    None
                }
            }
        });
        flag.unwrap_or_default()
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(
        &mut self,
        found: &mut Findings,
        key: &'static str,
        all: &[T],
        word: fn(T) -> &'static str,
    ) -> Option<T> {
        self.some(found, key, |path, node, found| {
            let text = scalar(path, node, found)?;
            let chosen = all.iter().copied().find(|one| word(*one) == text);
            if chosen.is_none() {
                let words: Vec<&str> = all.iter().map(|one| word(*one)).collect();
                let text = format!("one of {}", words.join(", "));
                found.add_at(path, node.line(), UNKNOWN_ENUM_VALUE, text);
            }
            chosen
        })
    }

    /// One of a few words that has to be there.
    pub(super) fn needed_word<T: Copy>(
        &mut self,
        found: &mut Findings,
        key: &'static str,
        all: &[T],
        word: fn(T) -> &'static str,
    ) -> Option<T> {
        if self.is_map && !self.has(key) {
            found.add_at(self.path.key(key), self.line, REQUIRED, "is missing");
        }
        self.word(found, key, all, word)
    }

    /// A text of a form, if there is one; `form` says which.
    pub(super) fn some_parsed<T: FromStr>(
        &mut self,
        found: &mut Findings,
        key: &'static str,
        form: &'static str,
    ) -> Option<T> {
        self.some(found, key, |path, node, found| {
            parse(path, node, form, found)
        })
    }

    /// A text of a form that has to be there.
    pub(super) fn needed_parsed<T: FromStr>(
        &mut self,
        found: &mut Findings,
        key: &'static str,
        form: &'static str,
    ) -> Option<T> {
        self.needed(found, key, |path, node, found| {
            parse(path, node, form, found)
        })
    }

    /// A list, each item read by `read`; empty when it is left out.
    pub(super) fn items<T>(
        &mut self,
        found: &mut Findings,
        key: &'static str,
        read: impl Fn(Path<'_>, &Node, &mut Findings) -> T,
    ) -> Vec<T> {
        let items = self.some(found, key, |path, node, found| match node {
            Node::List { items, .. } => {
                let each = items.iter().enumerate();
                Some(
                    each.map(|(i, item)| read(path.item(i), item, found))
                        .collect(),
                )
            }
            Node::Scalar { .. } | Node::Map { .. } => {
                found.add_at(path, node.line(), MALFORMED, "is no list");
                None
            }
        });
        items.unwrap_or_default()
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, found: &mut Findings, key: &'static str) -> Vec<String> {
        self.items(found, key, |path, node, found| {
            scalar(path, node, found).unwrap_or_default().to_owned()
        })
    }

    /// Reads a whole number, for [`Self::some`] and [`Self::needed`].
    pub(super) fn whole<T: FromStr>(
        path: Path<'_>,
        node: &Node,
        found: &mut Findings,
    ) -> Option<T> {
        let text = plain(path, node, found)?;
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            found.add_at(path, node.line(), MALFORMED, "a whole number");
            return None;
        }
        let number = text.parse().ok();
        if number.is_none() {
            found.add_at(path, node.line(), OUT_OF_RANGE, "is too large or too small");
        }
        number
    }

    /// Reads a decimal number without an exponent, for [`Self::some`] and [`Self::needed`].
    pub(super) fn number(path: Path<'_>, node: &Node, found: &mut Findings) -> Option<f64> {
        let text = plain(path, node, found)?;
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if text.len() > 40 || !are_digits(whole) || !are_digits(fraction) {
            found.add_at(path, node.line(), MALFORMED, "a number such as 0.02");
            return None;
        }
        // A negative zero is written as the other one.
        text.parse().ok().map(|number: f64| number + 0.0)
    }
}

/// A text, quoted or not.
pub(super) fn scalar<'n>(path: Path<'_>, node: &'n Node, found: &mut Findings) -> Option<&'n str> {
    match node {
        Node::Scalar { text, .. } => Some(text),
        Node::List { .. } | Node::Map { .. } => {
            found.add_at(path, node.line(), MALFORMED, "is no text");
            None
        }
    }
}

fn plain<'n>(path: Path<'_>, node: &'n Node, found: &mut Findings) -> Option<&'n str> {
    if let Node::Scalar {
        text, plain: true, ..
    } = node
    {
        return Some(text);
    }
    found.add_at(path, node.line(), MALFORMED, "a value without quotes");
    None
}

fn parse<T: FromStr>(
    path: Path<'_>,
    node: &Node,
    form: &'static str,
    found: &mut Findings,
) -> Option<T> {
    let parsed = scalar(path, node, found)?.parse().ok();
    if parsed.is_none() {
        found.add_at(path, node.line(), MALFORMED, form);
    }
    parsed
}
