//! Watches.

use super::{reason::NOT_ALLOWED_HERE, violations::Violations};
use crate::{error::Violation, proto::v1::WatchProfilesRequest};

/// Checks that a field mask comes with profiles to which it can apply.
///
/// # Errors
/// When it does not.
pub fn watch(given: &WatchProfilesRequest) -> Result<(), Vec<Violation>> {
    let mut out = Violations::default();
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

    #[test]
    fn a_mask_needs_profiles() {
        let mut given = WatchProfilesRequest::default();
        assert!(watch(&given).is_ok());
        given.field_mask = Some(prost_types::FieldMask {
            paths: vec!["traits".into()],
        });
        assert_eq!(watch(&given).unwrap_err()[0].reason, NOT_ALLOWED_HERE);
        given.with_profile = true;
        assert!(watch(&given).is_ok());
    }
}
