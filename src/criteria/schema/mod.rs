//! What a rule may ask: every attribute with its type, unit and meaning.
//!
//! What must stay true: names are unique and stay what they mean, since stored rules hold them; `docs/criteria.md` says what
//! the table says (a test compares them); and every attribute that time alone may change says how often it does, or rules
//! with it would not be looked at again.

mod names;
mod parameter;
mod table;

pub use parameter::Parameter;
pub use table::AttributeId;

pub(super) use names::{nearest, unknown_attribute};
pub(super) use parameter::refusal;

use super::value::Type;

/// How an attribute is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `order_count`.
    Plain,
    /// `spend("EUR")`: so many parameters are needed, more are allowed.
    Call {
        /// In their order.
        parameters: &'static [Parameter],
        /// How many of them cannot be left out.
        needed: usize,
    },
    /// `trait["tier"]`.
    Key,
}

/// When time alone changes an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes {
    /// Only when something happens.
    Never,
    /// At the beginning of a day of the tenant's time zone.
    Daily,
    /// At full hours of UTC.
    Hourly,
    /// At full quarters of an hour; local hours begin with one everywhere.
    Quarterly,
}

/// Where an attribute is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Wherever a profile is.
    Profile,
    /// In a call only: not in segments.
    Call,
}

/// Where a rule is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A segment: it is asked for of a customer, also without a call.
    Segment,
    /// A gate of an action: all attributes are known.
    Decision,
}

/// What is said of an attribute.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Its name.
    pub name: &'static str,
    /// How it is written.
    pub form: Form,
    /// Type of its values.
    pub kind: Type,
    /// What a value of 1 is one of, or the range; empty when there is nothing to say.
    pub unit: &'static str,
    /// What it means, and when it is missing.
    pub meaning: &'static str,
    /// When time alone changes it.
    pub changes: Changes,
    /// Where it is known.
    pub scope: Scope,
    /// The only texts that it holds; empty when there may be any.
    pub vocabulary: &'static [&'static str],
}

/// Names of scales of surveys.
pub const SCALES: &[&str] = &["nps", "csat_5", "csat_7", "csat_10", "ces_7"];

/// Names of labels of feelings.
pub const LABELS: &[&str] = &["negative", "neutral", "positive"];

/// Names of verdicts on a trend.
pub const TRENDS: &[&str] = &["insufficient", "stable", "improving", "declining"];

/// Names of intents.
pub const INTENTS: &[&str] = &[
    "complaint",
    "cancel",
    "refund",
    "question",
    "purchase",
    "praise",
    "request",
    "escalation",
];

/// Names of reasons for which a customer may leave.
pub const LEAVING_REASONS: &[&str] = &[
    "said_so",
    "probably_gone",
    "idle",
    "low_sentiment",
    "falling_sentiment",
    "unsolved_complaints",
    "open_complaints",
    "failed_payments",
    "consent_denied",
];

/// Names of outcomes of an offer.
pub const OUTCOMES: &[&str] = &[
    "not_delivered",
    "pending",
    "impression",
    "clicked",
    "accepted",
    "rejected",
];

/// The attribute of this name.
#[must_use]
pub fn find(name: &str) -> Option<AttributeId> {
    AttributeId::ALL
        .iter()
        .copied()
        .find(|id| id.definition().name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_no_words_of_the_language() {
        let mut names: Vec<_> = AttributeId::ALL
            .iter()
            .map(|id| id.definition().name)
            .collect();
        for name in &names {
            assert!(crate::ids::is_slug(name, 40), "{name}");
            assert!(!names::FUNCTIONS.contains(name), "{name}");
        }
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }

    #[test]
    fn every_attribute_is_found_by_its_name() {
        for id in AttributeId::ALL {
            assert_eq!(find(id.definition().name), Some(*id));
        }
        assert_eq!(find("nothing"), None);
    }

    #[test]
    fn definitions_are_whole() {
        for id in AttributeId::ALL {
            let is = id.definition();
            assert!(is.meaning.ends_with('.'), "{}", is.name);
            assert!(
                is.vocabulary.is_empty() || is.kind == Type::Text,
                "{}",
                is.name
            );
            if let Form::Call { parameters, needed } = is.form {
                assert!(needed <= parameters.len() && !parameters.is_empty());
            }
        }
    }
}
