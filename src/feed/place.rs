//! How far a watch is. Pure.

use uuid::Uuid;

use crate::{clock::Micros, ids::ProfileId};

/// Profiles that a watch of one customer follows at a time: those that it was merged away from, and the one that it is in.
pub const FOLLOWED: usize = 4;

/// No profile has this id: all come after it.
pub const NOBODY: ProfileId = ProfileId::from_uuid(Uuid::nil());

/// A place in the order of changes: everything up to it, and itself, was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The transaction.
    pub position: i64,
    /// The profile, of those that the transaction changed.
    pub profile: ProfileId,
    /// Its version.
    pub version: i64,
}

impl Place {
    /// Before everything that a transaction and all after it changed.
    #[must_use]
    pub const fn from(position: i64) -> Self {
        Self {
            position,
            profile: NOBODY,
            version: 0,
        }
    }
}

/// What a watch is telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The profiles that are there, after one of them; and then changes from a position on.
    Snapshot {
        /// Noted before the first of them was read.
        from: i64,
        /// The last that was told.
        after: ProfileId,
    },
    /// What changes.
    Changes(Place),
}

/// Where a watch goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Everything that was committed before is before the place, but for the length of a transaction.
    pub as_of: Micros,
    /// How far it is.
    pub stage: Stage,
    /// The profiles that are followed: each was merged into the next. None when the watch is of everybody.
    pub chain: Vec<ProfileId>,
}
