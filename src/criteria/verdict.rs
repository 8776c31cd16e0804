//! What comes of a rule.
//!
//! Kleene's logic: what is not known is neither passed nor failed, and only taints what depends on it. `false && x` is false
//! and `true || x` is true whatever x is; else an unknown part makes the whole unknown, for the reason of the first such part.

use super::facts::AttributeIndex;

/// The answer of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// True.
    Pass,
    /// False.
    Fail,
    /// Cannot be told.
    Unknown(Cause),
}

/// Why something cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The attribute that is to blame, by its place in the rule; none when arithmetic is.
    pub attribute: Option<AttributeIndex>,
    /// What is the matter.
    pub reason: Reason,
}

/// Reasons for which something cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// There is no value.
    Missing,
    /// The value is of a type that the rule does not ask for.
    WrongType,
    /// A number beyond what can be held.
    Overflow,
    /// Something divided by zero.
    DivisionByZero,
}

impl Reason {
    /// For a person.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Missing => "has no value",
            Self::WrongType => "is of another type than the rule asks for",
            Self::Overflow => "the number is too large",
            Self::DivisionByZero => "division by zero",
        }
    }
}

impl Verdict {
    /// Whether it is a pass.
    #[must_use]
    pub const fn is_pass(self) -> bool {
        matches!(self, Self::Pass)
    }

    /// `pass`, `fail` or `unknown`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl From<bool> for Verdict {
    fn from(is: bool) -> Self {
        if is { Self::Pass } else { Self::Fail }
    }
}

impl std::ops::Not for Verdict {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Pass => Self::Fail,
            Self::Fail => Self::Pass,
            unknown @ Self::Unknown(_) => unknown,
        }
    }
}
