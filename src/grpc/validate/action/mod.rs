//! Definitions of actions, as requests say them.
//!
//! What must stay true: only the form is looked at here, and what it means by the checks of the catalogue, which know nothing of the
//! protocol; what they find is named by the fields of the protocol. Where a part has no form something harmless stands in for it, so
//! that everything else is checked in the same pass.

mod given;
mod paths;
mod shown;

pub use given::definition;
pub use paths::{add_what_does_not_follow, definition_violation, document_violation};
pub use shown::definition_shown;

use super::{
    fields::{choice, chosen, count, slug},
    limits::MAX_SLUG_BYTES,
    reason::OUT_OF_RANGE,
    violations::Violations,
};
use crate::{
    error::Violation,
    proto::v1::{ActionIssue, ActionStatus, ListActionsRequest},
};

/// Statuses that a list may be narrowed to.
const STATUSES: usize = 4;

/// Checks the id of an action.
///
/// # Errors
/// When it is no slug.
pub fn action_id(field: &str, id: &str) -> Result<String, Vec<Violation>> {
    let mut out = Violations::default();
    slug(&mut out, &field, id, MAX_SLUG_BYTES);
    out.finish(Some(id.to_owned()))
}

/// Checks a version; 0 is none.
///
/// # Errors
/// When it is negative.
pub fn version(field: &str, given: i32) -> Result<Option<u32>, Vec<Violation>> {
    let mut out = Violations::default();
    let version = u32::try_from(given).ok();
    if version.is_none() {
        out.add(&field, OUT_OF_RANGE, "0 or a version");
    }
    out.finish(version.map(|version| (version > 0).then_some(version)))
}

/// What a list of actions is narrowed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionsFilter {
    /// Where they stand; none: all but retired.
    pub statuses: Vec<ActionStatus>,
    /// What they are for.
    pub issue: ActionIssue,
}

/// Checks what a list of actions is narrowed to.
///
/// # Errors
/// With everything that is wrong.
pub fn actions_filter(request: &ListActionsRequest) -> Result<ActionsFilter, Vec<Violation>> {
    let mut out = Violations::default();
    let given = &request.statuses;
    count(&mut out, &"statuses", given.len(), STATUSES);
    let mut statuses = Vec::new();
    for (n, status) in given.iter().take(STATUSES).enumerate() {
        let status: Option<ActionStatus> =
            chosen(&mut out, &format_args!("statuses[{n}]"), *status);
        statuses.extend(status);
    }
    let issue = choice(&mut out, &"issue", request.issue);
    for (field, name) in [("group", &request.group), ("channel", &request.channel)] {
        if !name.is_empty() {
            slug(&mut out, &field, name, MAX_SLUG_BYTES);
        }
    }
    out.finish(Some(ActionsFilter {
        statuses,
        issue: issue.unwrap_or(ActionIssue::Unspecified),
    }))
}
