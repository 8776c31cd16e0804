//! What stands between the brackets of an attribute.

use super::super::fault::quoted;
use super::{SCALES, nearest};
use crate::ids::is_slug;

/// Kinds of parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// A namespace of identifiers, a slug of at most 64 bytes.
    Namespace,
    /// A department.
    Department,
    /// A channel.
    Channel,
    /// A type of interactions.
    InteractionType,
    /// An ISO 4217 code.
    Currency,
    /// A scale of surveys, one of [`SCALES`].
    Scale,
    /// A topic.
    Topic,
    /// Something that texts show, one of the names of `SentimentSummary.signals`.
    Signal,
    /// A purpose that consent is given for.
    Purpose,
    /// A segment.
    Segment,
    /// An action of the catalogue.
    Action,
    /// A number of days, 1 to 365.
    Days,
    /// A number of calendar months, 1 to 24.
    Months,
}

impl Parameter {
    /// As the reference calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Department => "department",
            Self::Channel => "channel",
            Self::InteractionType => "type",
            Self::Currency => "currency",
            Self::Scale => "scale",
            Self::Topic => "topic",
            Self::Signal => "signal",
            Self::Purpose => "purpose",
            Self::Segment => "segment",
            Self::Action => "action",
            Self::Days => "days",
            Self::Months => "months",
        }
    }

    /// The largest number, of those that are numbers.
    #[must_use]
    pub const fn largest(self) -> Option<u16> {
        match self {
            Self::Days => Some(365),
            Self::Months => Some(24),
            _ => None,
        }
    }
}

/// Why a text cannot be this parameter, with what would be right.
pub(in super::super) fn refusal(kind: Parameter, text: &str) -> Option<(String, String)> {
    let said = |hint: String| {
        let what = format!("{} is no {}", quoted(text), kind.name());
        Some((what, hint))
    };
    match kind {
        Parameter::Currency => {
            let good = text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase());
            if good {
                None
            } else {
                said("a currency is three capital letters, as \"EUR\"".to_owned())
            }
        }
        Parameter::Scale if !SCALES.contains(&text) => said(match nearest(text, SCALES) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("scales are {}", SCALES.join(", ")),
        }),
        Parameter::Signal => {
            let name = text.strip_prefix("topic:").unwrap_or(text);
            if is_slug(name, 64) {
                None
            } else {
                said("a signal is a slug, as \"leaving\" or \"topic:delivery\"".to_owned())
            }
        }
        Parameter::Days | Parameter::Months => said("a number is needed".to_owned()),
        _ if !is_slug(text, 64) => {
            said("it is 1 to 64 of a-z, 0-9, `_`, `-` and `.`, a letter or digit first".to_owned())
        }
        _ => None,
    }
}
