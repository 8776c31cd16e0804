//! What is wrong with a configuration, and where it was said.

use std::{fmt, path::Path};

use super::path::Key;

/// Where a value was said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody said it: it is the default of this key.
    Default(Key),
    /// A file, by its path, and the key in it; no key means the file as a whole.
    File(String, Option<Key>),
    /// An environment variable.
    Environment(String),
}

impl Origin {
    /// A configuration file as a whole.
    #[must_use]
    pub fn file(path: &Path) -> Self {
        Self::File(path.display().to_string(), None)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default(key) => write!(f, "default of {key}"),
            Self::File(path, None) => write!(f, "file {path}"),
            Self::File(path, Some(key)) => write!(f, "file {path}: {key}"),
            Self::Environment(name) => f.write_str(name),
        }
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where the mistake is.
    pub origin: Origin,
    /// What is wrong and what would be right; never the value of a secret.
    pub text: String,
}

impl Problem {
    /// A mistake at a place.
    pub fn new(origin: Origin, text: impl Into<String>) -> Self {
        Self {
            origin,
            text: text.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.origin, self.text)
    }
}

/// Every mistake of a configuration; printed one a line.
#[derive(Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// `Err` with all of them, or `Ok` when there are none.
    pub(super) fn unless_none(mut all: Vec<Problem>) -> Result<(), Self> {
        all.sort();
        all.dedup();
        if all.is_empty() {
            Ok(())
        } else {
            Err(Self(all))
        }
    }

    /// All of them, sorted by origin; never empty.
    #[must_use]
    pub fn all(&self) -> &[Problem] {
        &self.0
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
