//! Operators' decisions: merges, separations and undos.
//!
//! What must stay true:
//!
//! - A request becomes a decision once, when its operation id is first seen: it is *frozen* into identifiers ([`frozen`]),
//!   under the locks of everything it can reach. Whoever sends it again gets the recorded outcome; the same id with another
//!   request is refused.
//! - A decision is one transaction: the record with who, when and why, what it says of identifiers, what became of the
//!   profiles, the outcome and the feed. There is no moment at which one is there without the others.
//! - A merge asserts that two identifiers are one person, and voids the separations that would forbid it. A separation
//!   keeps two sides apart, whatever links say; identifiers that come later have no side. The sides are two
//!   parts of one profile, which falls apart, or two profiles, of which nothing moves. An undo takes one of them back:
//!   what it said goes out of force, and what it had voided comes back. No state and no link is touched by any of them, so
//!   undoing gives what there would be without.
//! - What a dry run answers it reads from one snapshot and writes nowhere; its operation id is free afterwards.

pub mod frozen;
pub mod index;
mod merge;
mod outcome;
mod plan;
mod separate;
mod transaction;
mod undo;

pub use merge::merge_refused;
pub use outcome::{Outcome, Part, Tie};
pub use transaction::{decide, rehearse};

use crate::{
    identity::Keyed,
    ids::{DecisionId, LengthPrefixed},
    lookup::find::Who,
};

/// A request for a decision.
#[derive(Clone, Debug)]
pub struct Request {
    /// The caller's id of the operation.
    pub operation: String,
    /// Who asks.
    pub caller: String,
    /// Why.
    pub reason: String,
    /// What is decided.
    pub what: What,
}

/// What is decided.
#[derive(Clone, Debug)]
pub enum What {
    /// Two profiles are one person.
    Merge {
        /// The profile whose id stays.
        stays: Who,
        /// The other.
        goes: Who,
    },
    /// Some identifiers of a profile are another person's.
    Separate {
        /// Those.
        chosen: Vec<Keyed>,
        /// Whether they stay together even where only the others hold them together.
        keep_together: bool,
        /// Another profile from which they are kept apart, all of it; nothing moves then.
        apart_from: Option<Who>,
    },
    /// A decision was wrong.
    Undo {
        /// The operation id under which it was made.
        operation: String,
        /// The decision.
        of: DecisionId,
    },
}

/// Identifiers that one call may choose.
pub const CHOSEN: usize = 1_000;

impl What {
    fn kind(&self) -> &'static str {
        match self {
            Self::Merge { .. } => "merge_profiles",
            Self::Separate { .. } => "separate_identifiers",
            Self::Undo { .. } => "undo_decision",
        }
    }
}

impl Request {
    /// A hash of everything that must be the same when a request is repeated.
    fn hash(&self) -> uuid::Uuid {
        let mut hash = LengthPrefixed(blake3::Hasher::new());
        hash.add(self.what.kind().as_bytes());
        hash.add(self.reason.as_bytes());
        match &self.what {
            What::Merge { stays, goes } => {
                for who in [stays, goes] {
                    add_who(&mut hash, who);
                }
            }
            What::Separate {
                chosen,
                keep_together,
                apart_from,
            } => {
                hash.add(&[u8::from(*keep_together)]);
                let mut keys: Vec<_> = chosen.iter().map(|keyed| keyed.key).collect();
                keys.sort_unstable();
                keys.dedup();
                for key in keys {
                    hash.add(key.as_bytes());
                }
                if let Some(who) = apart_from {
                    hash.add(b"apart from");
                    add_who(&mut hash, who);
                }
            }
            What::Undo { of, .. } => hash.add(of.as_bytes()),
        }
        hash.finish_128()
    }
}

fn add_who(hash: &mut LengthPrefixed, who: &Who) {
    match who {
        Who::Id(id) => {
            hash.add(b"id");
            hash.add(id.as_bytes());
        }
        Who::Identifiers(keys) => {
            hash.add(b"identifiers");
            for key in keys {
                hash.add(key.as_ref().map_or(&[][..], |key| key.as_bytes()));
            }
            hash.add(b"end");
        }
    }
}
