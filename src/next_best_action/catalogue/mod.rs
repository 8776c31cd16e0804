//! The catalogue of actions: what may stand in it, and how it is read and written as text.
//!
//! What must stay true:
//!
//! - Nothing reaches a decision that did not pass [`check`]; a check names every rule that is broken, by path and reason, and
//!   mends nothing. Texts of violations hold no values.
//! - No text, however hostile, makes reading fail or costs more than [`limits`] allow: the bytes are bounded before anything is
//!   read, depth and nodes while it is read, and anchors, aliases and tags are refused, so nothing grows.
//! - What is written is canonical: the same definitions have the same bytes, and reading them gives the same definitions.
//! - The [digest](digest::of_action) of a definition is that of its meaning, not of its spelling, and never changes.
//!
//! A catalogue as a whole is checked whenever part of it changes, status included: an action that is the fallback of a place
//! cannot be paused, and a group that has actions cannot be dropped.

pub mod check;
mod decode;
pub mod digest;
mod encode;
mod export;
mod import;
pub mod language;
pub mod limits;
pub mod names;
mod node;
mod prepare;
mod snapshot;
mod stored;
#[cfg(test)]
mod tests;
mod violation;
mod yaml;

pub use check::CheckRule;
pub use digest::Digest;
pub use export::{export, export_begin, export_in_parts};
pub use import::{Decoded, Import, take_apart};
pub use language::Language;
pub use names::Names;
pub use prepare::{Unprepared, prepare};
pub use snapshot::{ContactName, NamedRule, Parts, SegmentRule, Snapshot, Version};
pub use stored::{Stored, Unreadable};
pub use violation::{Findings, Path, Violation, reason};

use super::model::{Definition, Policy, Segment, Status};

/// An action in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it says.
    pub definition: Definition,
    /// Where it stands.
    pub status: Status,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// The tenant's settings.
    pub policy: Option<Policy>,
    /// Named rules.
    pub segments: Vec<Segment>,
    /// Actions.
    pub actions: Vec<Entry>,
}
