//! Collects everything that is wrong with a request.
//!
//! Paths are written out only for violations that are kept, so a hostile message costs no more text than a sloppy one.

use std::{borrow::Cow, fmt};

use super::limits::MAX_VIOLATIONS;
use crate::error::{Error, Violation};

/// The path of a field, written out when it is needed.
pub type Path<'a> = &'a dyn fmt::Display;

/// What is wrong so far; at most [`MAX_VIOLATIONS`] are kept.
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Adds one. The description is for a person and holds no values of fields.
    pub fn add(
        &mut self,
        field: Path<'_>,
        reason: &'static str,
        description: impl Into<Cow<'static, str>>,
    ) {
        if self.0.len() < MAX_VIOLATIONS {
            self.0.push(Violation {
                field: field.to_string(),
                reason,
                description: description.into(),
            });
        }
    }

    /// The value of a part of a request, or `None` after taking over what is wrong with it.
    pub fn take<T>(&mut self, part: Result<T, Vec<Violation>>) -> Option<T> {
        match part {
            Ok(value) => Some(value),
            Err(violations) => {
                let room = MAX_VIOLATIONS - self.0.len();
                self.0.extend(violations.into_iter().take(room));
                None
            }
        }
    }

    /// Whether nothing is wrong so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value when nothing is wrong and there is one.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Vec<Violation>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(self.0),
        }
    }
}

impl From<Violations> for Error {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations.0)
    }
}
