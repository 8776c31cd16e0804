//! The only place that builds a `Status`.
//!
//! What must stay true:
//!
//! - Every status has an `ErrorInfo` with a reason that has a page under `docs/errors/`, and says whether trying again makes
//!   sense: `RetryInfo` is there exactly then.
//! - Nothing of a driver, a panic or a source error reaches a caller. INTERNAL has a fixed text and the id of the trace.
//! - A status fits into the 8 KiB of headers that common clients accept: violations beyond a budget are counted, not listed.
//! - An error that is ours to mend is logged here, once; what the caller has to mend is logged at debug, without values.

use std::collections::HashMap;

use http::HeaderMap;
use tonic::{Code, Status};
use tonic_types::{BadRequest, ErrorDetails, FieldViolation, StatusExt as _};

use super::reasons;
use crate::{
    error::{Error, Violation},
    telemetry::{self, names},
};

/// Domain of every `ErrorInfo`.
pub const DOMAIN: &str = "customer-profile";

/// Violations listed in one status at most.
pub const VIOLATIONS_LISTED: usize = 100;

/// Encoded bytes that the listed violations may take together; in base64 they are a third more.
const VIOLATIONS_BYTES: usize = 4_096;

/// The text of every INTERNAL status.
const INTERNAL: &str = "internal error";

/// Every reason of an error or a violation.
pub fn reasons() -> impl Iterator<Item = &'static str> {
    reasons::ERRORS.iter().chain(reasons::VIOLATIONS).copied()
}

/// A message that is no message of its type.
#[must_use]
pub fn undecodable() -> Status {
    tracing::debug!(reason = "undecodable", "answered with an error");
    let details = info("undecodable", []);
    let text = "the message cannot be decoded as one of its type";
    Status::with_error_details(Code::InvalidArgument, text, details)
}

/// A message of more bytes than are taken.
#[must_use]
pub fn message_too_large(limit: Option<u64>) -> Status {
    tracing::debug!(reason = "message_too_large", "answered with an error");
    let (text, known) = match limit {
        Some(limit) => {
            let text = format!("a message may have at most {limit} bytes");
            (text, Some(("limit_bytes", limit.to_string())))
        }
        None => ("the message has too many bytes".to_owned(), None),
    };
    let mut details = info("message_too_large", known);
    details.add_quota_failure_violation("message", text.clone());
    Status::with_error_details(Code::ResourceExhausted, text, details)
}

/// A message that would take too much memory once it is decoded.
#[must_use]
pub fn message_too_heavy() -> Status {
    let limit = super::codec::HEAVIEST;
    let text = format!(
        "the message has so many entries that it would take more than {limit} bytes of memory"
    );
    let metadata = [("limit_bytes", limit.to_string())];
    let mut details = info("message_too_large", metadata);
    details.add_quota_failure_violation("message", text.clone());
    Status::with_error_details(Code::ResourceExhausted, text, details)
}

/// Our own mistake. Whoever calls this has logged it.
#[must_use]
pub fn internal() -> Status {
    let trace = telemetry::current_ids().map(|(trace, _)| ("trace_id", trace));
    Status::with_error_details(Code::Internal, INTERNAL, info("internal", trace))
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        log(&error);
        let mut details = ErrorDetails::new();
        details.set_retry_info(error.retry_after());
        let (code, text, reason) = match error {
            Error::Bug { .. } => return internal(),
            Error::Invalid(violations) => {
                let text = summary(&violations);
                details.set_bad_request(listed(violations).field_violations);
                (Code::InvalidArgument, text, "invalid")
            }
            Error::NotFound { kind, name } => {
                let text = format!("{kind} not found");
                details.set_resource_info(kind, name, "", text.clone());
                (Code::NotFound, text, "not_found")
            }
            Error::Conflict { reason } => {
                let text = "lost a race; the same call may succeed, with the same operation id";
                (Code::Aborted, text.to_owned(), reason)
            }
            Error::Refused {
                reason,
                description,
            } => {
                details.add_precondition_failure_violation(reason, "", description.clone());
                (Code::FailedPrecondition, description.into_owned(), reason)
            }
            Error::Expired => {
                let text =
                    "what comes after the resume token is not kept any more; begin with a snapshot";
                (Code::OutOfRange, text.to_owned(), "resume_expired")
            }
            Error::Ended => {
                let text = "the stream ends here; resume it with the last token";
                (Code::Unavailable, text.to_owned(), "stream_ended")
            }
            Error::Unread => {
                let text = "too little was taken for 5 minutes; resume with the last token";
                (Code::Unavailable, text.to_owned(), "stream_unread")
            }
            Error::Unauthenticated { reason } => {
                let text = "the caller cannot be told from its credential";
                (Code::Unauthenticated, text.to_owned(), reason)
            }
            Error::PermissionDenied { permission } => {
                let text = format!("this needs the permission {permission}");
                details.set_error_info(
                    "permission_denied",
                    DOMAIN,
                    metadata([("permission", permission.to_owned())]),
                );
                return Self::with_error_details(Code::PermissionDenied, text, details);
            }
            Error::Masked { fields } => {
                let fields = fields.join(", ");
                let text = format!("hidden from the caller's department: {}", cut(&fields));
                let named = metadata([("fields", cut(&fields).to_owned())]);
                details.set_error_info("field_masked", DOMAIN, named);
                return Self::with_error_details(Code::PermissionDenied, text, details);
            }
            Error::WrongTenant => {
                let text = "the credential is not for this tenant";
                (Code::PermissionDenied, text.to_owned(), "wrong_tenant")
            }
            Error::Overloaded { .. } => {
                let text = "too much is going on; back off and try again";
                (Code::ResourceExhausted, text.to_owned(), "overloaded")
            }
            Error::Draining => {
                let text = "the instance stops; send again what was not acknowledged";
                (Code::Unavailable, text.to_owned(), "storage_away")
            }
            Error::StorageAway { .. } => {
                let text = "storage does not answer; a write may or may not have happened";
                (Code::Unavailable, text.to_owned(), "storage_away")
            }
        };
        details.set_error_info(reason, DOMAIN, HashMap::new());
        Self::with_error_details(code, text, details)
    }
}

/// Logs an error where it leaves the service.
fn log(error: &Error) {
    match error {
        Error::Bug { context, source } => {
            tracing::error!(error = %chain(source.as_ref()), context, "failed by our own mistake");
        }
        Error::StorageAway { source } => {
            tracing::warn!(error = %chain(source.as_ref()), "storage is away");
        }
        Error::Overloaded { what } => {
            metrics::counter!(names::SHED, "what" => *what).increment(1);
            tracing::debug!(what, "overloaded");
        }
        Error::Refused { reason, .. }
        | Error::Conflict { reason }
        | Error::Unauthenticated { reason } => tracing::debug!(reason, "answered with an error"),
        Error::Invalid(_)
        | Error::Expired
        | Error::Ended
        | Error::Unread
        | Error::Draining
        | Error::NotFound { .. }
        | Error::PermissionDenied { .. }
        | Error::Masked { .. }
        | Error::WrongTenant => {
            tracing::debug!(%error, "answered with an error");
        }
    }
}

/// An error with what caused it, which many errors leave out of their own text.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

fn info(
    reason: &'static str,
    pairs: impl IntoIterator<Item = (&'static str, String)>,
) -> ErrorDetails {
    ErrorDetails::with_error_info(reason, DOMAIN, metadata(pairs))
}

fn metadata(pairs: impl IntoIterator<Item = (&'static str, String)>) -> HashMap<String, String> {
    let owned = pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value));
    owned.collect()
}

fn summary(violations: &[Violation]) -> String {
    match violations {
        [] => "invalid request".to_owned(),
        [only] => format!("{}: {}", cut(&only.field), cut(&only.description)),
        [first, ..] => {
            let (count, field, text) = (violations.len(), &first.field, &first.description);
            format!("{count} violations, first {}: {}", cut(field), cut(text))
        }
    }
}

/// As many of the violations as fit, and how many more there are.
fn listed(violations: Vec<Violation>) -> BadRequest {
    let all = violations.len();
    let mut left = VIOLATIONS_BYTES;
    let mut shown: Vec<FieldViolation> = Vec::new();
    for violation in violations.into_iter().take(VIOLATIONS_LISTED) {
        let shortened = FieldViolation {
            reason: violation.reason.to_owned(),
            ..FieldViolation::new(cut(&violation.field), cut(&violation.description))
        };
        // Tags and lengths take a few bytes more.
        let bytes =
            16 + shortened.field.len() + shortened.reason.len() + shortened.description.len();
        if bytes > left {
            break;
        }
        left -= bytes;
        shown.push(shortened);
    }
    let more = all - shown.len();
    if more > 0 {
        shown.push(FieldViolation {
            reason: "invalid".to_owned(),
            ..FieldViolation::new("", format!("and {more} more violations"))
        });
    }
    BadRequest::new(shown)
}

/// At most 256 bytes of a text.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(256)]
}

/// The trailers of an answer with which all is well.
#[must_use]
pub fn fine() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(1);
    // A status without text and details always makes headers.
    let _ = Status::new(Code::Ok, "").add_header(&mut trailers);
    trailers
}

/// A status that was built elsewhere, by tonic, before or beside a handler: what it says in our words, if the caller can do
/// something about it. `details` tells ours apart: they have some.
#[must_use]
pub fn mended(status: Status) -> Status {
    if !status.details().is_empty() {
        return status;
    }
    let text = status.message();
    match status.code() {
        Code::OutOfRange if text.starts_with("Error, decoded message length too large") => {
            message_too_large(number_after(text, "the limit is: "))
        }
        Code::ResourceExhausted if text.starts_with("Error decompressing: size limit") => {
            message_too_large(number_after(text, "size limit, of "))
        }
        Code::Internal if UNREADABLE.iter().any(|known| text.starts_with(known)) => undecodable(),
        _ => status,
    }
}

/// How tonic begins what it says of a message whose frame or compression is broken, which it calls INTERNAL.
const UNREADABLE: [&str; 4] = [
    "Error decompressing",
    "protocol error: received message with",
    "Missing request message",
    "Unexpected EOF decoding stream",
];

/// The number that follows `lead` in a text.
fn number_after(text: &str, lead: &str) -> Option<u64> {
    let (_, after) = text.split_once(lead)?;
    after.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests;
