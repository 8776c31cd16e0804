//! Reasons of violations: stable slugs, each with a page under `docs/errors/`.
//!
//! Those of unusable identifiers are [`crate::identity::Unusable::reason`].

/// Nothing was sent where something is needed.
pub const REQUIRED: &str = "required";
/// More bytes than allowed.
pub const TOO_LONG: &str = "too_long";
/// More items than allowed.
pub const TOO_MANY: &str = "too_many";
/// A number, time or amount beyond its limits.
pub const OUT_OF_RANGE: &str = "out_of_range";
/// Not of a-z, 0-9, `_`, `-` and `.`, starting with a letter or digit.
pub const NOT_A_SLUG: &str = "not_a_slug";
/// Control characters where there may be none, or NUL in a text.
pub const CONTROL_CHARACTERS: &str = "control_characters";
/// A value that has no meaning in its place.
pub const NOT_ALLOWED_HERE: &str = "not_allowed_here";
/// Nested more deeply than allowed.
pub const TOO_DEEP: &str = "too_deep";
/// More encoded bytes than allowed.
pub const TOO_LARGE: &str = "too_large";
/// Later than the server's clock and its tolerance.
pub const IN_THE_FUTURE: &str = "in_the_future";
/// Earlier than 1970.
pub const BEFORE_1970: &str = "before_1970";
/// The same name twice.
pub const DUPLICATE_NAME: &str = "duplicate_name";
/// A number that names no value of its enum.
pub const UNKNOWN_ENUM_VALUE: &str = "unknown_enum_value";
/// Not of its form.
pub const MALFORMED: &str = "malformed";
/// No identifier of the interaction can be used.
pub const NO_USABLE_IDENTIFIER: &str = "no_usable_identifier";
/// Two values of a namespace of which a person has one.
pub const IDENTIFIERS_CONTRADICT: &str = "identifiers_contradict";
/// The type needs a subject of another kind.
pub const SUBJECT_REQUIRED: &str = "subject_required";
/// The type needs an amount.
pub const MONEY_REQUIRED: &str = "money_required";
/// Not an ISO 4217 code.
pub const UNKNOWN_CURRENCY: &str = "unknown_currency";
/// A page token that is not of this call with these filters.
pub const PAGE_TOKEN_INVALID: &str = "page_token_invalid";
/// A consistency token that is none of this tenant's.
pub const TOKEN_INVALID: &str = "token_invalid";
/// A consistency token older than a day.
pub const TOKEN_EXPIRED: &str = "token_expired";
/// Recorded before with other content.
pub const CONFLICTING_CONTENT: &str = "conflicting_content";
/// Retracted before, for good.
pub const RETRACTED: &str = "retracted";
