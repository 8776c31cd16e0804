//! Filters of a timeline.

use super::{
    fields::{choice, chosen, count, name, period, slug},
    limits::{MAX_FILTER_VALUES, MAX_SLUG_BYTES, MAX_SUBJECT_ID_BYTES},
    violations::{Path, Violations},
};
use crate::{
    clock::Micros,
    error::Violation,
    proto::v1::{Direction, ListInteractionsRequest, SubjectKind},
};

/// Which interactions of a profile are listed. An empty list and `None` mean all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    /// Only these departments.
    pub departments: Vec<String>,
    /// Only these channels.
    pub channels: Vec<String>,
    /// Only these types.
    pub types: Vec<String>,
    /// Only this subject.
    pub subject: Option<(SubjectKind, String)>,
    /// Only this direction.
    pub direction: Option<Direction>,
    /// Only at or after.
    pub from: Option<Micros>,
    /// Only before.
    pub before: Option<Micros>,
}

/// Checks the filters of a timeline; its look-up, page and read options are checked by their own functions.
///
/// # Errors
/// With everything that is wrong.
pub fn timeline(given: &ListInteractionsRequest) -> Result<Timeline, Vec<Violation>> {
    let mut out = Violations::default();
    let departments = slugs(&mut out, &"departments", &given.departments);
    let channels = slugs(&mut out, &"channels", &given.channels);
    let types = slugs(&mut out, &"types", &given.types);
    let subject = given.subject.as_ref().and_then(|subject| {
        let kind = chosen(&mut out, &"subject.kind", subject.kind);
        let named = name(&mut out, &"subject.id", &subject.id, MAX_SUBJECT_ID_BYTES);
        kind.filter(|_| named)
            .map(|kind| (kind, subject.id.clone()))
    });
    let direction = choice(&mut out, &"direction", given.direction);
    let (from, before) = period(
        &mut out,
        (&"occurred_from", given.occurred_from.as_ref()),
        (&"occurred_before", given.occurred_before.as_ref()),
    );
    out.finish(Some(Timeline {
        departments,
        channels,
        types,
        subject,
        direction,
        from,
        before,
    }))
}

/// Slugs to filter by.
pub(super) fn slugs(out: &mut Violations, field: Path<'_>, given: &[String]) -> Vec<String> {
    count(out, field, given.len(), MAX_FILTER_VALUES);
    let kept = given.iter().take(MAX_FILTER_VALUES);
    let sound = kept.enumerate().filter(|(i, text)| {
        let field = format_args!("{field}[{i}]");
        slug(out, &field, text, MAX_SLUG_BYTES)
    });
    sound.map(|(_, text)| text.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        grpc::validate::reason::{NOT_A_SLUG, REQUIRED, TOO_MANY, UNKNOWN_ENUM_VALUE},
        proto::v1::Subject,
    };

    #[test]
    fn no_filter_means_everything() {
        let found = timeline(&ListInteractionsRequest::default());
        assert_eq!(found, Ok(Timeline::default()));
    }

    #[test]
    fn every_wrong_filter_is_named() {
        let request = ListInteractionsRequest {
            departments: vec!["support".into(), "Sales".into()],
            types: vec!["a".into(); 17],
            subject: Some(Subject::default()),
            direction: 9,
            ..Default::default()
        };
        let found = timeline(&request).unwrap_err();
        let found: Vec<_> = found.iter().map(|v| (v.field.as_str(), v.reason)).collect();
        assert_eq!(
            found,
            [
                ("departments[1]", NOT_A_SLUG),
                ("types", TOO_MANY),
                ("subject.kind", REQUIRED),
                ("subject.id", REQUIRED),
                ("direction", UNKNOWN_ENUM_VALUE),
            ]
        );
    }
}
