//! Limits of requests. Each is stated in the protocol's comments; the two must agree.

use std::time::Duration;

/// Interactions of one request.
pub const MAX_BATCH_ITEMS: usize = 1_000;
/// Encoded bytes of one request.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// Encoded bytes of one interaction.
pub const MAX_INTERACTION_BYTES: usize = 64 * 1024;
/// Violations that are listed of one item.
pub const MAX_VIOLATIONS: usize = 100;

/// Bytes of a slug, unless another limit is stated.
pub const MAX_SLUG_BYTES: usize = 64;
/// Bytes of an event id.
pub const MAX_EVENT_ID_BYTES: usize = 256;
/// Bytes of a subject's id.
pub const MAX_SUBJECT_ID_BYTES: usize = 256;
/// How far ahead of the server's clock an interaction may have happened, in microseconds: five minutes.
pub const FUTURE_TOLERANCE: i64 = 5 * 60 * 1_000_000;
/// The first microsecond of year 1.
pub const MIN_TIME: i64 = -62_135_596_800 * 1_000_000;
/// The last microsecond of year 9999.
pub const MAX_TIME: i64 = 253_402_300_800 * 1_000_000 - 1;

/// Identifiers of one interaction.
pub const MAX_IDENTIFIERS: usize = 32;
/// Bytes of a namespace.
pub const MAX_NAMESPACE_BYTES: usize = 32;
/// Bytes of an identifier's value, as sent and as normalised.
pub const MAX_IDENTIFIER_BYTES: usize = 512;

/// Traits of one interaction.
pub const MAX_TRAITS: usize = 64;
/// Bytes of a trait's text.
pub const MAX_TRAIT_TEXT_BYTES: usize = 2_048;
/// Texts of a trait's list.
pub const MAX_TRAIT_LIST_ITEMS: usize = 64;
/// Bytes of one text of a trait's list.
pub const MAX_TRAIT_LIST_ITEM_BYTES: usize = 256;
/// Digits of a decimal, without leading zeros and without zeros at the end of its fraction.
pub const MAX_DECIMAL_DIGITS: usize = 28;
/// Bytes of a decimal as sent.
pub const MAX_DECIMAL_BYTES: usize = 64;

/// Bytes of the free text.
pub const MAX_TEXT_BYTES: usize = 32 * 1024;
/// Bytes of the language tag.
pub const MAX_LANGUAGE_BYTES: usize = 35;
/// Survey scores of one interaction.
pub const MAX_SURVEY_SCORES: usize = 16;
/// The largest amount of money, either way, in minor units.
pub const MAX_MINOR_UNITS: i64 = 1_000_000_000_000;
/// Consent changes of one interaction.
pub const MAX_CONSENT_CHANGES: usize = 32;

/// Values among the attributes, at every depth.
pub const MAX_ATTRIBUTES: usize = 64;
/// Levels of attributes: a flat struct has one.
pub const MAX_DEPTH: usize = 4;
/// Bytes of an attribute's key.
pub const MAX_ATTRIBUTE_KEY_BYTES: usize = 128;

/// Identifiers of one look-up.
pub const MAX_LOOKUP_IDENTIFIERS: usize = 8;
/// Look-ups of one request.
pub const MAX_LOOKUPS: usize = 100;
/// Consistency tokens of one read.
pub const MAX_TOKENS: usize = 8;
/// Bytes of a consistency token.
pub const MAX_TOKEN_BYTES: usize = 128;
/// The largest staleness a reader may ask for.
pub const MAX_STALENESS: Duration = Duration::from_hours(1);
/// Paths of a field mask.
pub const MAX_MASK_PATHS: usize = 64;

/// Values of one timeline filter.
pub const MAX_FILTER_VALUES: usize = 16;
/// Items of a page, unless another limit is stated.
pub const MAX_PAGE: u32 = 1_000;
/// Items of a page when none is asked for, unless another default is stated.
pub const DEFAULT_PAGE: u32 = 100;
/// Traits of one search.
pub const MAX_SEARCH_TRAITS: usize = 8;
/// Profiles of a page of search.
pub const MAX_SEARCH_PAGE: u32 = 100;
/// Profiles of a page of search when none is asked for.
pub const DEFAULT_SEARCH_PAGE: u32 = 20;

/// Bytes of an operation id.
pub const MAX_OPERATION_ID_BYTES: usize = 128;
/// References of one retraction.
pub const MAX_REFERENCES: usize = 1_000;
/// Identifiers that one separation may choose.
pub const MAX_CHOSEN_IDENTIFIERS: usize = 1_000;
/// Bytes of the reason of an operation.
pub const MAX_REASON_BYTES: usize = 1_024;
/// Examples of each kind that a preview of rules shows.
pub const MAX_RULE_EXAMPLES: usize = 50;
