//! How far a watch is. Pure.

use uuid::Uuid;

use crate::{cache::sealed::Run, clock::Micros, ids::ProfileId};

/// Profiles that a watch of one customer follows at a time: those that it was merged away from, and the one that it is in.
pub const FOLLOWED: usize = 4;

/// Positions that a server may have given to transactions of which nothing is left when it dies, and gives again: what it had not yet
/// written to its log, which it does several times a second, and with every commit.
const GIVEN_AGAIN: i64 = 10_000;

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

    /// Where a place of one run of the database is gone on from in another. A server that was started again goes on with what was
    /// committed, but positions may come again: a little before. In another history other changes may have the same positions: none.
    #[must_use]
    pub fn taken_up(self, noted: Run, now: Run) -> Option<Self> {
        if noted == now {
            return Some(self);
        }
        let before = Self::from(self.position.saturating_sub(GIVEN_AGAIN).max(0));
        noted.shares_history(now).then_some(before)
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
    /// Of which run of the database it is.
    pub run: Run,
    /// Everything that was committed before is before the place, but for the length of a transaction.
    pub as_of: Micros,
    /// How far it is.
    pub stage: Stage,
    /// The profiles that are followed: each was merged into the next. None when the watch is of everybody.
    pub chain: Vec<ProfileId>,
}

impl Mark {
    /// Where the watch goes on in a run of the database, if it can.
    #[must_use]
    pub fn taken_up(self, now: Run) -> Option<Self> {
        let place = match self.stage {
            Stage::Snapshot { from, .. } => Place::from(from),
            Stage::Changes(place) => place,
        };
        let place = place.taken_up(self.run, now)?;
        let stage = match self.stage {
            Stage::Snapshot { after, .. } => Stage::Snapshot {
                from: place.position,
                after,
            },
            Stage::Changes(_) => Stage::Changes(place),
        };
        Some(Self {
            run: now,
            stage,
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place = Place {
        position: 25_000,
        profile: ProfileId::from_uuid(Uuid::from_u128(3)),
        version: 4,
    };

    fn mark(stage: Stage) -> Mark {
        Mark {
            run: Run::of("7 5 00000001 1000.5"),
            as_of: Micros(9),
            stage,
            chain: vec![PLACE.profile],
        }
    }

    #[test]
    fn in_its_run_a_mark_stays_as_it_is() {
        let mark = mark(Stage::Changes(PLACE));
        assert_eq!(mark.clone().taken_up(mark.run), Some(mark));
    }

    #[test]
    fn after_a_start_of_the_server_it_goes_on_a_little_before() {
        let now = Run::of("7 5 00000001 2000.5");
        let again = |stage| mark(stage).taken_up(now).unwrap();
        let taken_up = again(Stage::Changes(PLACE));
        assert_eq!(taken_up.stage, Stage::Changes(Place::from(15_000)));
        assert_eq!((taken_up.run, taken_up.as_of), (now, Micros(9)));
        let after = PLACE.profile;
        let from = |from| Stage::Snapshot { from, after };
        assert_eq!(again(from(10)).stage, from(0));
        assert_eq!(again(from(10_001)).stage, from(1));
    }

    #[test]
    fn in_another_history_it_is_of_no_use() {
        for other in [
            "7 5 00000002 1000.5",
            "7 6 00000001 1000.5",
            "8 5 00000001 1000.5",
        ] {
            let mark = mark(Stage::Changes(PLACE));
            assert_eq!(mark.taken_up(Run::of(other)), None, "{other}");
        }
    }
}
