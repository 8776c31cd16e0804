//! Watches.

use super::{
    fields::slug, limits::MAX_SLUG_BYTES, reason::NOT_ALLOWED_HERE, violations::Violations,
};
use crate::{
    error::Violation,
    next_best_action::catalogue::{Snapshot, reason::UNKNOWN_NAME},
    proto::v1::WatchProfilesRequest,
};

/// Checks that a field mask comes with profiles to which it can apply, and a segment, of which there has to be one, without a
/// look-up.
///
/// # Errors
/// When it does not.
pub fn watch(
    given: &WatchProfilesRequest,
    catalogue: Option<&Snapshot>,
) -> Result<(), Vec<Violation>> {
    let mut out = Violations::default();
    let name = given.segment.as_str();
    if !name.is_empty() && slug(&mut out, &"segment", name, MAX_SLUG_BYTES) {
        if given.lookup.is_some() {
            out.add(&"segment", NOT_ALLOWED_HERE, "not together with lookup");
        }
        let mut there = catalogue.into_iter().flat_map(Snapshot::segments);
        if !there.any(|one| one.segment.get().name == name) {
            out.add(&"segment", UNKNOWN_NAME, "there is no such segment");
        }
    }
    let masked = given.field_mask.as_ref();
    if !given.with_profile && masked.is_some_and(|mask| !mask.paths.is_empty()) {
        out.add(
            &"field_mask",
            NOT_ALLOWED_HERE,
            "only together with with_profile",
        );
    }
    out.finish(Some(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::ProfileLookup;

    #[test]
    fn a_mask_needs_profiles() {
        let mut given = WatchProfilesRequest::default();
        assert!(watch(&given, None).is_ok());
        given.field_mask = Some(prost_types::FieldMask {
            paths: vec!["traits".into()],
        });
        assert_eq!(watch(&given, None).unwrap_err()[0].reason, NOT_ALLOWED_HERE);
        given.with_profile = true;
        assert!(watch(&given, None).is_ok());
    }

    #[test]
    fn a_segment_has_to_be_there_and_stands_alone() {
        let given = WatchProfilesRequest {
            segment: "loyal".into(),
            lookup: Some(ProfileLookup::default()),
            ..WatchProfilesRequest::default()
        };
        let wrong = watch(&given, None).unwrap_err();
        let wrong: Vec<_> = wrong.iter().map(|v| (v.field.as_str(), v.reason)).collect();
        assert_eq!(
            wrong,
            [("segment", NOT_ALLOWED_HERE), ("segment", UNKNOWN_NAME)]
        );
        let given = WatchProfilesRequest {
            segment: "No slug".into(),
            ..WatchProfilesRequest::default()
        };
        assert_eq!(watch(&given, None).unwrap_err()[0].reason, "not_a_slug");
    }
}
