//! Limits of a catalogue. Each is stated in the protocol's comments; the two must agree.

use std::ops::RangeInclusive;

/// Actions of a tenant, retired ones not counted.
pub const MAX_ACTIONS: usize = 2_000;
/// Segments of a tenant.
pub const MAX_SEGMENTS: usize = 200;
/// Bytes of a slug.
pub const MAX_SLUG_BYTES: usize = 64;
/// Characters of a description.
pub const MAX_DESCRIPTION_CHARS: usize = 500;
/// Bytes of a rule.
pub const MAX_RULE_BYTES: usize = 4 * 1024;
/// What is said of one rule at most.
pub const MAX_RULE_FINDINGS: usize = 8;
/// Characters of what is said of a rule.
pub const MAX_RULE_FINDING_CHARS: usize = 300;
/// Bytes of a definition: those of its keys and values.
pub const MAX_DEFINITION_BYTES: usize = 48 * 1024;

/// Channels of a policy and of an action.
pub const MAX_CHANNELS: usize = 16;
/// Placements of an action.
pub const MAX_ACTION_PLACEMENTS: usize = 32;
/// Rules of one stage of an action.
pub const MAX_RULES: usize = 8;
/// Context weights of an action.
pub const MAX_CONTEXT_WEIGHTS: usize = 16;
/// Percent points of a context weight.
pub const CONTEXT_POINTS: RangeInclusive<i32> = -100..=400;
/// Percent points of a lever.
pub const LEVER: RangeInclusive<i32> = -100..=200;
/// Consent purposes of an action.
pub const MAX_PURPOSES: usize = 4;
/// Caps of an action.
pub const MAX_CAPS: usize = 8;
/// Outcomes of an action after which something rests: half of what is kept of each.
pub const ACTION_CAP_LIMIT: RangeInclusive<u32> = 1..=16;
/// Outcomes of a group, a channel or everything, likewise.
pub const CAP_LIMIT: RangeInclusive<u32> = 1..=64;
/// Minutes of a window, and the most of a pause: 365 days. Together they are shorter than what is kept, two years.
pub const CAP_MINUTES: RangeInclusive<u32> = 1..=365 * 24 * 60;
/// Minutes for which a contact counts as made while nothing is known of it: up to 30 days.
pub const PENDING_MINUTES: RangeInclusive<u32> = 1..=30 * 24 * 60;
/// Days for which a word about leaving counts.
pub const LEAVING_DAYS: RangeInclusive<u32> = 1..=365;
/// Evidence of a low level of sentiment, in feelings.
pub const FEELINGS: RangeInclusive<f64> = 0.0..=100.0;
/// Days of an attribution window.
pub const ATTRIBUTION_DAYS: RangeInclusive<u32> = 1..=90;
/// Trials that a prior weighs.
pub const EVIDENCE: RangeInclusive<f64> = 1.0..=10_000.0;
/// The largest value, in minor units or points.
pub const MAX_VALUE: i64 = 1_000_000_000_000;

/// Languages of an action.
pub const MAX_TEXTS: usize = 16;
/// Characters of a title.
pub const MAX_TITLE_CHARS: usize = 120;
/// Characters of a body.
pub const MAX_BODY_CHARS: usize = 1_000;
/// Characters on a button.
pub const MAX_CALL_TO_ACTION_CHARS: usize = 40;
/// Bytes of a link.
pub const MAX_LINK_BYTES: usize = 500;

/// Groups of a policy.
pub const MAX_GROUPS: usize = 100;
/// Placements of a policy.
pub const MAX_PLACEMENTS: usize = 64;
/// Contact policies that span actions.
pub const MAX_CONTACT_RULES: usize = 32;
/// Quiet hours of a policy.
pub const MAX_QUIET_HOURS: usize = 16;
/// Minor units that a point is worth.
pub const POINT: RangeInclusive<i64> = 1..=1_000_000;
/// Bytes of a salt.
pub const MAX_SALT_BYTES: usize = 64;
/// Share of customers in one holdout.
pub const HOLDOUT: RangeInclusive<f64> = 0.0..=0.2;
/// Share of decisions that are drawn evenly.
pub const EPSILON: RangeInclusive<f64> = 0.001..=0.2;
/// Candidates that take part in exploration.
pub const CANDIDATES: RangeInclusive<u32> = 1..=16;

/// Texts of one import.
pub const MAX_DOCUMENTS: usize = 16;
/// Bytes of all texts of one import, and of one text of an export.
pub const MAX_YAML_BYTES: usize = 1024 * 1024;
/// Levels of lists and maps.
pub const MAX_YAML_DEPTH: usize = 8;
/// Values, lists and maps of one text.
pub const MAX_YAML_NODES: usize = 100_000;
/// Keys of one map.
pub const MAX_YAML_KEYS: usize = 64;
/// Violations that are listed.
pub const MAX_VIOLATIONS: usize = 100;
