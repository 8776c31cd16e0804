//! Why an import ends early. Every text is for the person who started it.

use std::{io, path::PathBuf, time::Duration};

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::table::TableError;

/// Why an import ends early.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The mapping file breaks rules: all of them are named.
    #[error("{} has {} mistake(s):\n  {}", .path.display(), .mistakes.len(), .mistakes.join("\n  "))]
    Mapping {
        /// The file.
        path: PathBuf,
        /// Each mistake with its path in the file.
        mistakes: Vec<String>,
    },
    /// The input cannot be read, or no further.
    #[error("{input}: {source}")]
    Input {
        /// The file, or standard input.
        input: String,
        /// What happened.
        source: TableError,
    },
    /// A file of the import itself cannot be read or written.
    #[error("{}: {doing}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was being done, and what may help.
        doing: &'static str,
        /// What happened.
        source: io::Error,
    },
    /// A file is in the way.
    #[error("{}: {what}", .path.display())]
    InTheWay {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        what: &'static str,
    },
    /// The service refuses for good.
    #[error("the service refuses: {}", describe(.0))]
    Refused(Box<Status>),
    /// The service could not be reached, or asked to try later, for too long.
    #[error("no progress for {} s; the last answer was: {last}", .waited.as_secs())]
    GaveUp {
        /// How long.
        waited: Duration,
        /// The last answer.
        last: String,
    },
    /// The service answered with something this program does not understand.
    #[error("the service answers in an unknown way: {0}")]
    Answer(&'static str),
    /// A part of this program stopped without a word.
    #[error("bug: the {0} stopped without a word")]
    Bug(&'static str),
}

/// What a status says, with its reason and what it finds wrong.
pub(crate) fn describe(status: &Status) -> String {
    let mut text = format!("{:?}", status.code());
    if !status.message().is_empty() {
        text = format!("{text}: {}", status.message());
    }
    let mut cause = std::error::Error::source(status);
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    let details = status.get_error_details();
    if let Some(reason) = details.error_info().map(|info| &info.reason)
        && !text.contains(reason.as_str())
    {
        text = format!("{text} ({reason})");
    }
    let violations = details
        .bad_request()
        .map(|bad| bad.field_violations.as_slice());
    for violation in violations.unwrap_or_default().iter().take(10) {
        text = format!("{text}; {}: {}", violation.field, violation.description);
    }
    text
}

/// Whether trying again makes sense, and how long the service asks to wait.
pub(crate) fn retry_after(status: &Status) -> Option<Duration> {
    let details = status.get_error_details();
    let too_large = details
        .error_info()
        .is_some_and(|info| info.reason == "message_too_large");
    // A status that this side made from a broken connection carries its cause; one that the service sent does not.
    let broken = std::error::Error::source(status).is_some();
    let again = match status.code() {
        Code::Unavailable | Code::Aborted => true,
        Code::ResourceExhausted => !too_large,
        _ => broken,
    };
    let asked = details.retry_info().and_then(|info| info.retry_delay);
    again.then(|| asked.unwrap_or_default())
}

/// Whether the service turned the call away before it began.
pub(crate) fn is_turned_away(status: &Status) -> bool {
    let details = status.get_error_details();
    let info = details.error_info();
    info.is_some_and(|info| info.reason == "overloaded")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn what_may_pass_is_tried_again_and_what_will_not_is_said() {
        for (code, again) in [
            (Code::Unavailable, true),
            (Code::Aborted, true),
            (Code::ResourceExhausted, true),
            (Code::InvalidArgument, false),
            (Code::PermissionDenied, false),
            (Code::Internal, false),
            (Code::Unimplemented, false),
        ] {
            assert_eq!(
                retry_after(&Status::new(code, "x")).is_some(),
                again,
                "{code:?}"
            );
        }
    }

    #[test]
    fn the_wait_that_the_service_asks_for_is_honoured() {
        let mut details = ErrorDetails::new();
        details.set_retry_info(Some(Duration::from_millis(70)));
        let status = Status::with_error_details(Code::ResourceExhausted, "busy", details);
        assert_eq!(retry_after(&status), Some(Duration::from_millis(70)));
    }

    #[test]
    fn a_message_that_is_too_large_will_not_shrink() {
        let details = ErrorDetails::with_error_info("message_too_large", "d", HashMap::new());
        let status = Status::with_error_details(Code::ResourceExhausted, "over the limit", details);
        assert_eq!(retry_after(&status), None);
        assert_eq!(
            ImportError::Refused(Box::new(status)).to_string(),
            "the service refuses: ResourceExhausted: over the limit (message_too_large)"
        );
    }
}
