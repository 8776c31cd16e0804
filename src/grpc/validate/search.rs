//! Searches: profiles by exact traits and by when they were last seen.

use super::{
    fields::period, limits::MAX_SEARCH_TRAITS, reason::REQUIRED, traits::traits,
    violations::Violations,
};
use crate::{
    clock::Micros,
    error::Violation,
    proto::v1::{SearchProfilesRequest, Trait},
};

/// What profiles are looked for.
#[derive(Clone, PartialEq)]
pub struct Search {
    /// All of these, in canonical form: equal to what is stored where the facts are equal.
    pub traits: Vec<Trait>,
    /// Last seen at or after.
    pub from: Option<Micros>,
    /// Last seen before.
    pub before: Option<Micros>,
}

impl std::fmt::Debug for Search {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Trait values are personal data and never reach a log.
        f.debug_struct("Search")
            .field("traits", &self.traits.len())
            .field("from", &self.from)
            .field("before", &self.before)
            .finish()
    }
}

/// Checks the filters of a search; its page and read options are checked by their own functions.
///
/// # Errors
/// With everything that is wrong.
pub fn search(given: &SearchProfilesRequest) -> Result<Search, Vec<Violation>> {
    let mut out = Violations::default();
    let (from, before) = (&given.last_seen_from, &given.last_seen_before);
    if given.traits.is_empty() && from.is_none() && before.is_none() {
        out.add(
            &"traits",
            REQUIRED,
            "at least one trait or one end of the period",
        );
    }
    // Only what may be looked at is copied.
    let kept = given.traits.iter().take(MAX_SEARCH_TRAITS + 1);
    let mut facts: Vec<Trait> = kept.cloned().collect();
    traits(&mut out, &mut facts, MAX_SEARCH_TRAITS);
    let (from, before) = period(
        &mut out,
        (&"last_seen_from", from.as_ref()),
        (&"last_seen_before", before.as_ref()),
    );
    out.finish(Some(Search {
        traits: facts,
        from,
        before,
    }))
}

#[cfg(test)]
mod tests {
    use prost_types::Timestamp;

    use super::*;
    use crate::{
        grpc::validate::reason::{OUT_OF_RANGE, TOO_MANY},
        proto::v1::{TraitValue, trait_value::Kind},
    };

    fn fact(name: &str, kind: Kind) -> Trait {
        Trait {
            name: name.into(),
            value: Some(TraitValue { kind: Some(kind) }),
        }
    }

    #[test]
    fn traits_are_brought_to_the_form_that_is_stored() {
        let request = SearchProfilesRequest {
            traits: vec![fact("size", Kind::Decimal("26.50".into()))],
            ..Default::default()
        };
        let found = search(&request).unwrap();
        assert_eq!(found.traits, [fact("size", Kind::Decimal("26.5".into()))]);
        assert!(!format!("{found:?}").contains("26"));
    }

    #[test]
    fn a_search_for_nothing_in_particular_is_refused() {
        let found = search(&SearchProfilesRequest::default()).unwrap_err();
        assert_eq!(found[0].reason, REQUIRED);
    }

    #[test]
    fn too_many_traits_and_an_empty_period_are_both_named() {
        let at = Some(Timestamp {
            seconds: 5,
            nanos: 0,
        });
        let request = SearchProfilesRequest {
            traits: (0..9)
                .map(|i| fact(&format!("t{i}"), Kind::Unset(true)))
                .collect(),
            last_seen_from: at,
            last_seen_before: at,
            ..Default::default()
        };
        let found = search(&request).unwrap_err();
        let found: Vec<_> = found.iter().map(|v| (v.field.as_str(), v.reason)).collect();
        assert_eq!(
            found,
            [("traits", TOO_MANY), ("last_seen_before", OUT_OF_RANGE)]
        );
    }
}
