//! What a refusal says, and what none may say.

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// Reasons after which the same call may succeed.
const RETRIED: [&str; 6] = [
    "conflict",
    "operation_in_progress",
    "token_lost",
    "overloaded",
    "storage_away",
    "stream_ended",
];

/// Words of drivers and libraries, which must never cross the wire.
const FOREIGN: [&str; 16] = [
    "sqlx", "postgres", "sqlstate", "relation", "advisory", "pool", "prost", "tonic", "hyper",
    "socket", "os error", "deadlock", "panicked", "varint", "unwrap", ".rs:",
];

/// Checks everything that holds of every refusal; answers with its details.
pub fn refused(status: &Status, code: Code, reason: &str) -> ErrorDetails {
    assert_eq!(status.code(), code, "{status:?}");
    let details = status.get_error_details();
    let info = details
        .error_info()
        .unwrap_or_else(|| panic!("an ErrorInfo: {status:?}"));
    assert_eq!(
        (info.reason.as_str(), info.domain.as_str()),
        (reason, "customer-profile")
    );
    let retried = details
        .retry_info()
        .is_some_and(|info| info.retry_delay.is_some_and(|delay| !delay.is_zero()));
    assert_eq!(retried, RETRIED.contains(&reason), "RetryInfo of {reason}");
    let bytes = String::from_utf8_lossy(status.details()).to_lowercase();
    let text = status.message().to_lowercase();
    for word in FOREIGN {
        assert!(
            !text.contains(word) && !bytes.contains(word),
            "{word}: {status:?}"
        );
    }
    details
}

/// Checks a refusal of an invalid request; answers with the violations as (field, reason).
pub fn invalid(status: &Status) -> Vec<(String, String)> {
    let details = refused(status, Code::InvalidArgument, "invalid");
    details
        .bad_request()
        .expect("a BadRequest")
        .field_violations
        .iter()
        .map(|v| (v.field.clone(), v.reason.clone()))
        .collect()
}

/// Checks that a request breaks exactly these rules, in any order.
pub fn assert_invalid(status: &Status, wanted: &[(&str, &str)]) {
    let mut found = invalid(status);
    found.sort();
    let mut wanted: Vec<(String, String)> = wanted
        .iter()
        .map(|(field, reason)| ((*field).to_owned(), (*reason).to_owned()))
        .collect();
    wanted.sort();
    assert_eq!(found, wanted);
}

/// The reason that a refusal gives.
pub fn reason(status: &Status) -> Option<String> {
    let details = status.get_error_details();
    details.error_info().map(|info| info.reason.clone())
}
