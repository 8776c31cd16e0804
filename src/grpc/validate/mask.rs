//! Field masks of profiles.
//!
//! A mask names whole fields of `Profile`. The list here and the protocol must agree; a test holds them together.

use prost_types::FieldMask;

use super::{fields::count, limits::MAX_MASK_PATHS, reason::MALFORMED, violations::Violations};
use crate::{error::Violation, proto::v1::Profile};

macro_rules! profile_fields {
    ($($variant:ident $field:ident $doc:literal,)+) => {
        /// A field of a profile.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ProfileField {
            $(#[doc = $doc] $variant,)+
        }

        impl ProfileField {
            /// All of them, in the order of the protocol.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name in the protocol.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($field),)+
                }
            }

            fn clear(self, profile: &mut Profile) {
                match self {
                    $(Self::$variant => profile.$field = Default::default(),)+
                }
            }
        }
    };
}

profile_fields! {
    ProfileId profile_id "Its id; always there.",
    Known known "Whether anything is known; always there.",
    Version version "Its version; always there.",
    Identifiers identifiers "The strongest identifiers.",
    IdentifiersTotal identifiers_total "How many identifiers there are.",
    Traits traits "Traits.",
    TraitsTotal traits_total "How many traits there are.",
    InteractionCounts interaction_counts "Interactions by department, channel and type.",
    InteractionsTotal interactions_total "How many interactions there are.",
    Orders orders "Orders and spend.",
    Tickets tickets "Support cases.",
    Surveys surveys "Survey answers.",
    Consents consents "Consents.",
    Touchpoints touchpoints "The latest interactions.",
    FirstSeen first_seen "When the customer was first seen.",
    LastSeen last_seen "When the customer was last seen.",
    Sentiment sentiment "How the customer feels.",
    Value value "What the customer is worth.",
    LeavingRisk leaving_risk "The risk that the customer leaves.",
    Segments segments "The segments that the customer is in.",
}

impl ProfileField {
    fn bit(self) -> u32 {
        1 << (self as u32)
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|f| f.name() == name)
    }
}

/// Which fields of a profile are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileMask(u32);

impl ProfileMask {
    /// Every field, also those that this version does not know.
    pub const ALL: Self = Self(u32::MAX);

    /// As bits: the same for the same fields in this process.
    #[must_use]
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Whether a field is asked for or always there.
    #[must_use]
    pub fn contains(self, field: ProfileField) -> bool {
        self.0 & field.bit() != 0
    }

    /// Fields that are in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The same without a field.
    #[must_use]
    pub fn without(self, field: ProfileField) -> Self {
        Self(self.0 & !field.bit())
    }

    /// Clears what was not asked for.
    pub fn apply(self, profile: &mut Profile) {
        for field in ProfileField::ALL {
            if !self.contains(*field) {
                field.clear(profile);
            }
        }
    }
}

/// Checks the field mask of profiles that the request calls `name`; an absent or empty one means every field.
///
/// # Errors
/// When a path names no field of a profile.
pub fn field_mask(name: &str, given: Option<&FieldMask>) -> Result<ProfileMask, Vec<Violation>> {
    let Some(given) = given.filter(|mask| !mask.paths.is_empty()) else {
        return Ok(ProfileMask::ALL);
    };
    let mut out = Violations::default();
    count(
        &mut out,
        &format_args!("{name}.paths"),
        given.paths.len(),
        MAX_MASK_PATHS,
    );
    let always = [
        ProfileField::ProfileId,
        ProfileField::Known,
        ProfileField::Version,
    ];
    let mut bits = always.iter().fold(0, |bits, field| bits | field.bit());
    for (i, path) in given.paths.iter().take(MAX_MASK_PATHS).enumerate() {
        match ProfileField::named(path) {
            Some(field) => bits |= field.bit(),
            None => out.add(
                &format_args!("{name}.paths[{i}]"),
                MALFORMED,
                "the name of a field of Profile, and none of its parts",
            ),
        }
    }
    out.finish(Some(ProfileMask(bits)))
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::{FieldDescriptorProto, FileDescriptorSet};

    use super::*;
    use crate::proto::{
        DESCRIPTORS,
        v1::{OrderSummary, ProfileTrait},
    };

    fn mask(paths: &[&str]) -> Result<ProfileMask, Vec<Violation>> {
        field_mask(
            "field_mask",
            Some(&FieldMask {
                paths: paths.iter().map(|&p| p.into()).collect(),
            }),
        )
    }

    fn profile() -> Profile {
        Profile {
            profile_id: "p".into(),
            known: true,
            version: 7,
            traits: vec![ProfileTrait::default()],
            traits_total: 1,
            orders: Some(OrderSummary::default()),
            ..Default::default()
        }
    }

    #[test]
    fn the_fields_are_those_of_the_protocol() {
        let files = FileDescriptorSet::decode(DESCRIPTORS).unwrap().file;
        let messages = files.iter().flat_map(|file| &file.message_type);
        let profile = messages
            .into_iter()
            .find(|message| message.name() == "Profile")
            .unwrap();
        let want: Vec<&str> = profile
            .field
            .iter()
            .map(FieldDescriptorProto::name)
            .collect();
        let have: Vec<&str> = ProfileField::ALL.iter().map(|f| f.name()).collect();
        assert_eq!(have, want);
    }

    #[test]
    fn what_was_not_asked_for_is_cleared_and_the_name_of_the_profile_stays() {
        let mut found = profile();
        mask(&["traits"]).unwrap().apply(&mut found);
        let want = Profile {
            traits_total: 0,
            orders: None,
            ..profile()
        };
        assert_eq!(found, want);
    }

    #[test]
    fn no_paths_mean_every_field() {
        for all in [field_mask("field_mask", None), mask(&[])] {
            let mut found = profile();
            all.unwrap().apply(&mut found);
            assert_eq!(found, profile());
        }
    }

    #[test]
    fn parts_of_fields_and_unknown_names_are_refused() {
        for bad in ["traits.name", "interactionCounts", "", "*", "nothing"] {
            let found = mask(&["orders", bad]).unwrap_err();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].field, "field_mask.paths[1]", "{bad}");
        }
    }
}
