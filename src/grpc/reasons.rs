//! Every reason that an error or a violation can have. Each has a page `docs/errors/<reason>.md` (tested both ways).
//!
//! What must stay true: a reason is never renamed or given another meaning; callers decide by it.

/// Reasons of errors: what `ErrorInfo.reason` says.
pub const ERRORS: &[&str] = &[
    "invalid",
    "undecodable",
    "message_too_large",
    "not_found",
    "conflict",
    "operation_in_progress",
    "token_lost",
    "resume_expired",
    "operation_id_reused",
    "decision_id_reused",
    "already_one_profile",
    "merge_refused",
    "nothing_to_separate",
    "not_one_profile",
    "not_undoable",
    "already_undone",
    "resolution_too_large",
    "past_too_large",
    "rules_replaced",
    "revision_not_in_force",
    "preview_too_large",
    "policy_missing",
    "action_exists",
    "action_retired",
    "version_not_newest",
    "status_not_reachable",
    "action_is_fallback",
    "tenant_invalid",
    "caller_invalid",
    "permissions_invalid",
    "credential_missing",
    "credential_malformed",
    "credential_algorithm",
    "credential_signature",
    "credential_expired",
    "credential_not_yet_valid",
    "credential_audience",
    "credential_issuer",
    "credential_tenant",
    "credential_unknown",
    "wrong_tenant",
    "permission_denied",
    "field_masked",
    "overloaded",
    "storage_away",
    "stream_ended",
    "stream_unread",
    "internal",
];

/// Reasons of violations: what `BadRequest.field_violations[].reason` and `Violation.reason` say.
pub const VIOLATIONS: &[&str] = &[
    "required",
    "too_long",
    "too_many",
    "out_of_range",
    "not_a_slug",
    "invalid_utf8",
    "control_characters",
    "not_allowed_here",
    "too_deep",
    "too_large",
    "in_the_future",
    "before_1970",
    "duplicate_name",
    "unknown_enum_value",
    "malformed",
    "retracted",
    "conflicting_content",
    "identifier_blocked",
    "identifier_not_an_email",
    "identifier_not_a_phone",
    "identifier_empty",
    "no_usable_identifier",
    "identifiers_contradict",
    "identifier_unknown",
    "subject_required",
    "money_required",
    "unknown_currency",
    "unknown_key",
    "unknown_name",
    "contradicts",
    "rule_invalid",
    "consent_needed",
    "text_missing",
    "fallback_not_safe",
    "token_invalid",
    "token_expired",
    "page_token_invalid",
];

/// Whether a reason is one of ours.
#[must_use]
pub fn is_known(reason: &str) -> bool {
    ERRORS.contains(&reason) || VIOLATIONS.contains(&reason)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    fn all() -> BTreeSet<String> {
        let both = ERRORS.iter().chain(VIOLATIONS);
        both.map(ToString::to_string).collect()
    }

    #[test]
    fn every_reason_has_a_page_and_every_page_a_reason() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors");
        let pages: BTreeSet<String> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
            .filter(|name| name != "README")
            .collect();
        assert_eq!(pages, all());
        for reason in pages {
            let page = fs::read_to_string(folder.join(format!("{reason}.md"))).unwrap();
            assert!(page.starts_with(&format!("# `{reason}`\n")), "{reason}");
            for part in ["## What it means", "## What to do", "## Example"] {
                assert!(page.contains(part), "{reason} lacks {part:?}");
            }
        }
    }

    #[test]
    fn the_list_of_pages_names_each_once() {
        let list = include_str!("../../docs/errors/README.md");
        let named: Vec<&str> = list
            .lines()
            .filter_map(|line| line.strip_prefix("| [`")?.split('`').next())
            .collect();
        let wanted: Vec<&str> = ERRORS.iter().chain(VIOLATIONS).copied().collect();
        assert_eq!(named, wanted);
    }

    #[test]
    fn no_reason_is_listed_twice() {
        assert_eq!(all().len(), ERRORS.len() + VIOLATIONS.len());
    }
}
