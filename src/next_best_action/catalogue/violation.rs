//! Collects everything that is wrong.

use std::{borrow::Cow, fmt};

use super::limits::MAX_VIOLATIONS;

/// Reasons of violations. A reason is never renamed or given another meaning; callers decide by it.
pub mod reason {
    /// Something needed is missing or empty.
    pub const REQUIRED: &str = "required";
    /// Longer than it may be.
    pub const TOO_LONG: &str = "too_long";
    /// More than there may be.
    pub const TOO_MANY: &str = "too_many";
    /// More bytes than there may be.
    pub const TOO_LARGE: &str = "too_large";
    /// Nested deeper than it may be.
    pub const TOO_DEEP: &str = "too_deep";
    /// Outside its range.
    pub const OUT_OF_RANGE: &str = "out_of_range";
    /// Not a slug.
    pub const NOT_A_SLUG: &str = "not_a_slug";
    /// Characters that do not show, or turn the direction of others.
    pub const CONTROL_CHARACTERS: &str = "control_characters";
    /// Not of the form that is needed.
    pub const MALFORMED: &str = "malformed";
    /// Well formed, and not allowed in this place.
    pub const NOT_ALLOWED_HERE: &str = "not_allowed_here";
    /// Said twice.
    pub const DUPLICATE_NAME: &str = "duplicate_name";
    /// None of the words that there are.
    pub const UNKNOWN_ENUM_VALUE: &str = "unknown_enum_value";
    /// Not a currency.
    pub const UNKNOWN_CURRENCY: &str = "unknown_currency";
    /// A key that means nothing here.
    pub const UNKNOWN_KEY: &str = "unknown_key";
    /// The name of something that is nowhere defined.
    pub const UNKNOWN_NAME: &str = "unknown_name";
    /// Says the opposite of something else.
    pub const CONTRADICTS: &str = "contradicts";
    /// The rule language refuses it.
    pub const RULE_INVALID: &str = "rule_invalid";
    /// A customer would be contacted without a purpose to consent to.
    pub const CONSENT_NEEDED: &str = "consent_needed";
    /// No text in the language that everyone falls back to.
    pub const TEXT_MISSING: &str = "text_missing";
    /// Something could keep it from being shown, or it should not be shown to just anyone.
    pub const FALLBACK_NOT_SAFE: &str = "fallback_not_safe";
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, for example `documents[0].actions[3].caps[1].limit`.
    pub path: String,
    /// Line of its text, from 1; absent where there is no text.
    pub line: Option<u32>,
    /// One of [`reason`].
    pub reason: &'static str,
    /// For a person; holds no values of fields.
    pub text: Cow<'static, str>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{}: {} ({})", self.path, self.text, self.reason)
    }
}

/// The path of a field, written out when it is needed.
#[derive(Clone, Copy, Debug)]
pub enum Path<'a> {
    /// Of everything.
    Root,
    /// Of a field.
    Key(&'a Path<'a>, &'a str),
    /// Of an item of a list, from 0.
    Item(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    /// Of a field of what this is the path of.
    #[must_use]
    pub const fn key(&'a self, name: &'a str) -> Self {
        Self::Key(self, name)
    }

    /// Of an item of what this is the path of.
    #[must_use]
    pub const fn item(&'a self, index: usize) -> Self {
        Self::Item(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Self::Root, name) => f.write_str(name),
            Self::Key(outer, name) => write!(f, "{outer}.{name}"),
            Self::Item(outer, index) => write!(f, "{outer}[{index}]"),
        }
    }
}

/// What is wrong so far; at most [`MAX_VIOLATIONS`] are kept.
#[derive(Debug, Default)]
pub struct Findings(Vec<Violation>);

impl Findings {
    /// Adds one of which the line is not known.
    pub fn add(
        &mut self,
        path: Path<'_>,
        reason: &'static str,
        text: impl Into<Cow<'static, str>>,
    ) {
        self.put(path, None, reason, text.into());
    }

    /// Adds one in a line.
    pub fn add_at(
        &mut self,
        path: Path<'_>,
        line: u32,
        reason: &'static str,
        text: impl Into<Cow<'static, str>>,
    ) {
        self.put(path, Some(line), reason, text.into());
    }

    fn put(
        &mut self,
        path: Path<'_>,
        line: Option<u32>,
        reason: &'static str,
        text: Cow<'static, str>,
    ) {
        if self.0.len() < MAX_VIOLATIONS {
            let path = path.to_string();
            self.0.push(Violation {
                path,
                line,
                reason,
                text,
            });
        }
    }

    /// Takes over others, but for those that only follow from what is here already: whatever lies on the way to it or below it.
    pub(super) fn add_those_that_do_not_follow(&mut self, later: Self) {
        let before = self.0.len();
        for violation in later.0 {
            let known = self.0.iter().take(before);
            let follows = |first: &Violation| {
                is_on_the_way(&first.path, &violation.path)
                    || is_on_the_way(&violation.path, &first.path)
            };
            if self.0.len() < MAX_VIOLATIONS && !known.into_iter().any(follows) {
                self.0.push(violation);
            }
        }
    }

    /// Fills in lines that are not known yet.
    pub(super) fn fill_lines(&mut self, line_of: impl Fn(&str) -> Option<u32>) {
        for violation in &mut self.0 {
            if violation.line.is_none() {
                violation.line = line_of(&violation.path);
            }
        }
    }

    /// Whether nothing is wrong so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The value, when nothing is wrong.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn finish<T>(self, value: T) -> Result<T, Vec<Violation>> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self.0)
        }
    }
}

/// Whether a path is another's or leads to it.
fn is_on_the_way(outer: &str, inner: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']) || outer.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_callers_know_it() {
        let root = Path::Root;
        let actions = root.key("actions");
        let third = actions.item(3);
        assert_eq!(third.key("id").to_string(), "actions[3].id");
    }

    #[test]
    fn what_follows_from_a_violation_is_left_out() {
        let root = Path::Root;
        let (a, ab, ac) = (root.key("a"), root.key("ab"), root.key("ac"));
        let mut first = Findings::default();
        first.add(a.key("x"), reason::MALFORMED, "");
        first.add(ac, reason::MALFORMED, "");
        let mut later = Findings::default();
        for path in [a, a.key("x"), a.key("y"), ab, ac.item(0)] {
            later.add(path, reason::REQUIRED, "");
        }
        first.add_those_that_do_not_follow(later);
        let paths: Vec<&str> = first.0.iter().map(|v| v.path.as_str()).collect();
        assert_eq!(paths, ["a.x", "ac", "a.y", "ab"]);
    }

    #[test]
    fn only_so_many_are_kept() {
        let mut found = Findings::default();
        for _ in 0..=MAX_VIOLATIONS {
            found.add(Path::Root, reason::REQUIRED, "");
        }
        assert_eq!(found.len(), MAX_VIOLATIONS);
    }
}
