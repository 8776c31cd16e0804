//! A failed call, with everything that it says of why.

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::terminal::text::visible;

/// The code and the text, then a line for each detail.
pub(super) fn describe(status: &Status) -> String {
    let mut lines = vec![format!("{:?}: {}", status.code(), status.message())];
    if status.code() == Code::Unavailable && status.details().is_empty() {
        // Nobody answered, or the answer was no service's of ours.
        let hint = "  is the service running? --to or CUSTOMER_PROFILE_URL says where it is";
        lines.push(hint.to_owned());
    }
    let details = status.get_error_details();
    if let Some(info) = details.error_info() {
        let mut line = format!("  reason {} of {}", info.reason, info.domain);
        let mut pairs: Vec<_> = info.metadata.iter().collect();
        pairs.sort();
        for (key, value) in pairs {
            line.extend([", ", key, " ", value]);
        }
        lines.push(line);
    }
    if let Some(bad) = details.bad_request() {
        for one in &bad.field_violations {
            let reason = match one.reason.as_str() {
                "" => String::new(),
                reason => format!(" ({reason})"),
            };
            lines.push(format!("  {}: {}{reason}", one.field, one.description));
        }
    }
    if let Some(failure) = details.precondition_failure() {
        for one in &failure.violations {
            lines.push(format!(
                "  {} {}: {}",
                one.r#type, one.subject, one.description
            ));
        }
    }
    if let Some(failure) = details.quota_failure() {
        for one in &failure.violations {
            lines.push(format!("  {}: {}", one.subject, one.description));
        }
    }
    if let Some(resource) = details.resource_info() {
        let name = format!("{} {}", resource.resource_type, resource.resource_name);
        lines.push(format!("  {}: {}", name.trim(), resource.description));
    }
    if let Some(delay) = details.retry_info().and_then(|info| info.retry_delay) {
        lines.push(format!(
            "  may be tried again after {} s",
            delay.as_secs_f64()
        ));
    }
    if let Some(request) = details.request_info() {
        lines.push(format!("  request {}", request.request_id));
    }
    if let Some(debug) = details.debug_info() {
        lines.push(format!("  {}", debug.detail));
        lines.extend(
            debug
                .stack_entries
                .iter()
                .map(|entry| format!("    {entry}")),
        );
    }
    if let Some(help) = details.help() {
        let pages = help.links.iter();
        lines.extend(pages.map(|page| format!("  {}: {}", page.description, page.url)));
    }
    if let Some(message) = details.localized_message() {
        lines.push(format!("  {}", message.message));
    }
    let shown: Vec<_> = lines.iter().map(|line| visible(line)).collect();
    shown.join("\n")
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, time::Duration};

    use tonic::Code;
    use tonic_types::{ErrorDetails, FieldViolation};

    use super::*;

    #[test]
    fn every_detail_is_said_and_none_can_harm() {
        let mut details = ErrorDetails::new();
        let pairs = HashMap::from([("b".to_owned(), "2".to_owned()), ("a".into(), "1".into())]);
        details.set_error_info("invalid", "example", pairs);
        let first = FieldViolation {
            reason: "too_long".into(),
            ..FieldViolation::new("a[0].b", "must be shorter")
        };
        details.set_bad_request(vec![first, FieldViolation::new("c", "is \u{1b}[31mbad")]);
        details.add_precondition_failure_violation("TYPE", "subject", "is not so");
        details.add_quota_failure_violation("message", "too many");
        details.set_resource_info("profile", "", "", "profile not found");
        details.set_retry_info(Some(Duration::from_millis(1_500)));
        details.add_help_link("the page", "https://example.com");
        let status = Status::with_error_details(Code::InvalidArgument, "2\u{202e} wrong", details);
        assert_eq!(
            describe(&status),
            "InvalidArgument: 2� wrong\n\
             \x20 reason invalid of example, a 1, b 2\n\
             \x20 a[0].b: must be shorter (too_long)\n\
             \x20 c: is ␛[31mbad\n\
             \x20 TYPE subject: is not so\n\
             \x20 message: too many\n\
             \x20 profile: profile not found\n\
             \x20 may be tried again after 1.5 s\n\
             \x20 the page: https://example.com"
        );
    }
}
