//! What is wrong with a rule, for the person who wrote it.

use std::fmt;

use super::limits::{MAX_FAULTS, MAX_QUOTED, MAX_SEARCHES};

/// A mistake in the text of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// First byte of the place in the text; on a character boundary.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
    /// A stable slug of the kind.
    pub kind: FaultKind,
    /// What is wrong: lower case, no full stop.
    pub what: String,
    /// What would be right.
    pub hint: Option<String>,
}

/// Kinds of mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// Longer, deeper or more than a limit allows.
    TooLarge,
    /// Not a rule of the language at all.
    Syntax,
    /// CEL, but not of the part of it that rules may use.
    Unsupported,
    /// A name that nothing has.
    UnknownName,
    /// A parameter that cannot be.
    Parameter,
    /// A value of one type where another one is needed.
    Type,
    /// A word that the attribute never holds.
    Vocabulary,
    /// An attribute that is not known where the rule is used.
    Scope,
}

impl FaultKind {
    /// A stable slug.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::TooLarge => "rule_too_large",
            Self::Syntax => "rule_syntax",
            Self::Unsupported => "rule_unsupported",
            Self::UnknownName => "rule_unknown_name",
            Self::Parameter => "rule_parameter",
            Self::Type => "rule_type",
            Self::Vocabulary => "rule_vocabulary",
            Self::Scope => "rule_scope",
        }
    }
}

impl Fault {
    /// Line and column of the place, from 1; columns are characters.
    #[must_use]
    pub fn line_column(&self, source: &str) -> (usize, usize) {
        let before = source.get(..self.start).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }

    /// For a person: place, mistake and hint.
    #[must_use]
    pub fn describe(&self, source: &str) -> String {
        let (line, column) = self.line_column(source);
        format!("line {line}, column {column}: {self}")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

/// Collects mistakes, the first [`MAX_FAULTS`] of them.
#[derive(Debug, Default)]
pub(super) struct Faults {
    found: Vec<Fault>,
}

impl Faults {
    /// Whether another one would be kept; what makes one is dear.
    pub(super) fn has_room(&self) -> bool {
        self.found.len() < MAX_FAULTS
    }

    /// Whether so few were found that each of them gets the best hint there is.
    pub(super) fn are_few(&self) -> bool {
        self.found.len() < MAX_SEARCHES
    }

    pub(super) fn add(
        &mut self,
        place: (usize, usize),
        kind: FaultKind,
        what: impl Into<String>,
        hint: Option<String>,
    ) {
        if self.has_room() {
            self.found.push(Fault {
                start: place.0,
                end: place.1,
                kind,
                what: what.into(),
                hint,
            });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All, by place.
    pub(super) fn into_sorted(mut self) -> Vec<Fault> {
        self.found.sort_by_key(|fault| (fault.start, fault.end));
        self.found
    }
}

/// A piece of the text, short enough to be repeated.
pub(super) fn quoted(text: &str) -> String {
    let mut end = text.len().min(MAX_QUOTED);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let short = text.get(..end).unwrap_or_default();
    let more = if end < text.len() { "..." } else { "" };
    format!("`{}{more}`", short.escape_debug())
}
