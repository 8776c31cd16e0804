use std::{borrow::Cow, io, time::Duration};

use tonic_types::ErrorDetails;

use super::*;

fn details(error: Error) -> (Status, ErrorDetails) {
    let status = Status::from(error);
    let details = status.get_error_details();
    (status, details)
}

fn reason(details: &ErrorDetails) -> &str {
    let info = details.error_info().unwrap();
    assert_eq!(info.domain, DOMAIN);
    assert!(
        reasons().any(|known| known == info.reason),
        "{}",
        info.reason
    );
    &info.reason
}

fn violations(count: usize, description: &'static str) -> Error {
    let one = |i| Violation {
        field: format!("interactions[{i}].type"),
        reason: "required",
        description: Cow::Borrowed(description),
    };
    Error::Invalid((0..count).map(one).collect())
}

fn driver() -> Box<dyn std::error::Error + Send + Sync> {
    Box::new(io::Error::other("password of taro@example.com"))
}

#[test]
fn every_kind_of_error_has_its_code_reason_and_word_on_trying_again() {
    let refused = Error::Refused {
        reason: "operation_id_reused",
        description: Cow::Borrowed("this operation id belongs to another request"),
    };
    let not_found = Error::NotFound {
        kind: "profile",
        name: "0198".to_owned(),
    };
    let conflict = Error::Conflict {
        reason: "token_lost",
    };
    let stranger = Error::Unauthenticated {
        reason: "tenant_invalid",
    };
    let denied = Error::PermissionDenied { permission: "read" };
    let away = Error::StorageAway { source: driver() };
    let table = [
        (violations(1, "x"), Code::InvalidArgument, "invalid", false),
        (not_found, Code::NotFound, "not_found", false),
        (conflict, Code::Aborted, "token_lost", true),
        (
            refused,
            Code::FailedPrecondition,
            "operation_id_reused",
            false,
        ),
        (stranger, Code::Unauthenticated, "tenant_invalid", false),
        (denied, Code::PermissionDenied, "permission_denied", false),
        (
            Error::Overloaded { what: "queue" },
            Code::ResourceExhausted,
            "overloaded",
            true,
        ),
        (away, Code::Unavailable, "storage_away", true),
        (
            Error::bug("testing", driver()),
            Code::Internal,
            "internal",
            false,
        ),
    ];
    for (error, code, slug, retry) in table {
        let wait = error.retry_after();
        let (status, details) = details(error);
        assert_eq!((status.code(), reason(&details)), (code, slug));
        let told = details.retry_info().and_then(|info| info.retry_delay);
        assert_eq!(told, wait, "{slug}");
        assert_eq!(told.is_some(), retry, "{slug}");
        let shown = format!("{} {:?}", status.message(), details);
        assert!(!shown.contains("taro"), "{shown}");
    }
}

#[test]
fn details_say_what_the_caller_can_do_about_it() {
    let (_, told) = details(violations(3, "must be given"));
    let bad = told.bad_request().unwrap();
    assert_eq!(bad.field_violations.len(), 3);
    let second = &bad.field_violations[1];
    assert_eq!(second.field, "interactions[1].type");
    assert_eq!(
        (second.reason.as_str(), second.description.as_str()),
        ("required", "must be given")
    );

    let (_, told) = details(Error::NotFound {
        kind: "profile",
        name: "0198".to_owned(),
    });
    let resource = told.resource_info().unwrap();
    assert_eq!(
        (
            resource.resource_type.as_str(),
            resource.resource_name.as_str()
        ),
        ("profile", "0198")
    );

    let (_, told) = details(Error::Refused {
        reason: "operation_id_reused",
        description: Cow::Borrowed("used before"),
    });
    let failure = &told.precondition_failure().unwrap().violations[0];
    assert_eq!(
        (failure.r#type.as_str(), failure.description.as_str()),
        ("operation_id_reused", "used before")
    );

    let (_, told) = details(Error::PermissionDenied {
        permission: "steward",
    });
    assert_eq!(told.error_info().unwrap().metadata["permission"], "steward");

    let large = message_too_large(Some(4_194_304));
    assert_eq!(large.code(), Code::ResourceExhausted);
    let told = large.get_error_details();
    assert_eq!(reason(&told), "message_too_large");
    assert_eq!(
        told.error_info().unwrap().metadata["limit_bytes"],
        "4194304"
    );
    assert_eq!(
        told.quota_failure().unwrap().violations[0].subject,
        "message"
    );

    let broken = undecodable();
    assert_eq!(broken.code(), Code::InvalidArgument);
    assert_eq!(reason(&broken.get_error_details()), "undecodable");
}

#[test]
fn however_many_violations_there_are_the_status_stays_small() {
    let (_, told) = details(violations(5_000, "x"));
    let listed = &told.bad_request().unwrap().field_violations;
    let last = listed.last().unwrap();
    assert!(listed.len() <= VIOLATIONS_LISTED + 1);
    let more = 5_000 - (listed.len() - 1);
    assert_eq!(last.description, format!("and {more} more violations"));

    let long: &'static str = Box::leak("日本".repeat(5_000).into_boxed_str());
    let (status, told) = details(violations(1_000, long));
    assert!(!told.bad_request().unwrap().field_violations.is_empty());
    let mut headers = HeaderMap::new();
    status.add_header(&mut headers).unwrap();
    let size: usize = headers
        .iter()
        .map(|(k, v)| k.as_str().len() + v.len() + 32)
        .sum();
    assert!(size < 8 * 1_024, "{size}");
}

#[test]
fn what_tonic_says_of_broken_messages_is_said_in_our_words() {
    let mend = |code, text: &str| {
        let status = mended(Status::new(code, text));
        let details = status.get_error_details();
        let info = details.error_info().cloned();
        (
            status.code(),
            info.map(|info| (info.reason, info.metadata.get("limit_bytes").cloned())),
        )
    };
    let limit = Some("1000".to_owned());
    let too_large = (
        Code::ResourceExhausted,
        Some(("message_too_large".to_owned(), limit)),
    );
    let text =
        "Error, decoded message length too large: found 5000 bytes, the limit is: 1000 bytes";
    assert_eq!(mend(Code::OutOfRange, text), too_large);
    let text =
        "Error decompressing: size limit, of 1000 bytes, exceeded while decompressing message";
    assert_eq!(mend(Code::ResourceExhausted, text), too_large);
    let undecodable = (
        Code::InvalidArgument,
        Some(("undecodable".to_owned(), None)),
    );
    assert_eq!(
        mend(Code::Internal, "Unexpected EOF decoding stream."),
        undecodable
    );
    assert_eq!(
        mend(Code::OutOfRange, "page out of range"),
        (Code::OutOfRange, None)
    );
}

#[test]
fn causes_are_logged_once_each() {
    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);
    assert_eq!(chain(&Outer(io::Error::other("inner"))), "outer: inner");
    assert_eq!(chain(&io::Error::other("inner")), "inner");
    assert_eq!(
        Error::Overloaded { what: "x" }.retry_after(),
        Some(Duration::from_millis(200))
    );
}
