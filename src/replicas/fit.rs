//! Whether a server may answer in place of the primary at all. Pure.
//!
//! What must stay true: only a server that follows, and whose history is the primary's: the same cluster, database and timeline.
//! Positions of any other mean something else. Besides, it has each change that the outbox of the primary has shown below the point
//! to which it claims to have come ([`Landmarks`]): a copy that has gone its own way without a new timeline, or a new primary that
//! was written to before this process heard of it, does not.

use std::{collections::VecDeque, time::Duration};

use crate::{
    cache::memory::Changed,
    storage::standby::{Lineage, Stand},
};

/// Why a replica is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It was not looked at yet, or does not answer.
    Away,
    /// It follows nobody any more.
    Promoted,
    /// It is another cluster, another database, or has not what the primary has.
    Foreign,
    /// It is not known to be on the timeline of the primary.
    Timeline,
}

/// What of it is shown, and under which name.
pub(super) const STATES: [(Option<Unfit>, &str); 5] = [
    (None, "fit"),
    (Some(Unfit::Away), "away"),
    (Some(Unfit::Promoted), "promoted"),
    (Some(Unfit::Foreign), "foreign"),
    (Some(Unfit::Timeline), "timeline"),
];

impl Unfit {
    /// For logs and metrics.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Promoted => "promoted",
            Self::Foreign => "foreign",
            Self::Timeline => "timeline",
        }
    }
}

/// Whether a server that stands so may answer in place of a primary of this lineage.
///
/// # Errors
/// With why it may not.
pub fn fit(primary: &Lineage, stand: &Stand) -> Result<(), Unfit> {
    let theirs = &stand.lineage;
    if (theirs.system, theirs.database) != (primary.system, primary.database) {
        Err(Unfit::Foreign)
    } else if !stand.in_recovery {
        Err(Unfit::Promoted)
    } else if theirs.timeline != primary.timeline {
        Err(Unfit::Timeline)
    } else {
        Ok(())
    }
}

/// Landmarks that are kept. Beyond it every other one is let go.
const MOST: usize = 64;

/// How long one is kept. Changes are in the outbox for an hour at least.
const KEPT: Duration = Duration::from_mins(30);

/// Changes that were seen on the primary, oldest first, with when they were.
#[derive(Debug, Default)]
pub(super) struct Landmarks {
    kept: VecDeque<(Duration, Changed)>,
    /// What was noted last, which is not noted again when it is not kept any more: the outbox may not have it by then.
    noted: Option<Changed>,
}

impl Landmarks {
    /// Takes note of the newest change.
    pub(super) fn note(&mut self, now: Duration, newest: Option<Changed>) {
        self.kept
            .retain(|(seen, _)| now.saturating_sub(*seen) <= KEPT);
        let Some(newest) = newest else {
            return;
        };
        if self.noted.replace(newest) == Some(newest) {
            return;
        }
        self.kept.push_back((now, newest));
        if self.kept.len() > MOST {
            let mut number = 0;
            self.kept.retain(|_| {
                number += 1;
                number % 2 == 1
            });
        }
    }

    /// Forgets them: the primary has begun another run.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The changes.
    pub(super) fn changes(&self) -> impl Iterator<Item = Changed> + '_ {
        self.kept.iter().map(|(_, change)| *change)
    }

    /// Since when a replica that shows these of them, in their order, lacks a change; zero where it has all. `oldest`: everything
    /// below this position is over for it.
    ///
    /// # Errors
    /// When it lacks one that it would have if it followed this primary.
    pub(super) fn lacks_for(
        &self,
        shown: &[bool],
        oldest: i64,
        now: Duration,
    ) -> Result<Duration, Unfit> {
        let pairs = || self.kept.iter().zip(shown);
        let mut lacking = pairs().filter(|(_, shown)| !**shown);
        if lacking.any(|((_, change), _)| change.position < oldest) {
            return Err(Unfit::Foreign);
        }
        let after = pairs().rev().take_while(|(_, shown)| !**shown).last();
        Ok(after.map_or(Duration::ZERO, |((seen, _), _)| now.saturating_sub(*seen)))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::ProfileId;

    const OURS: Lineage = Lineage {
        system: 7,
        database: 5,
        timeline: 2,
    };

    fn stand(in_recovery: bool, lineage: Lineage) -> Stand {
        Stand {
            in_recovery,
            oldest: 1,
            next: 1,
            lineage,
        }
    }

    fn change(position: i64) -> Changed {
        Changed {
            profile: ProfileId::from_uuid(Uuid::nil()),
            version: position,
            position,
        }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn only_a_follower_of_the_same_history_is_fit() {
        assert_eq!(fit(&OURS, &stand(true, OURS)), Ok(()));
        assert_eq!(fit(&OURS, &stand(false, OURS)), Err(Unfit::Promoted));
        for timeline in [1, 3] {
            let other = Lineage { timeline, ..OURS };
            assert_eq!(fit(&OURS, &stand(true, other)), Err(Unfit::Timeline));
        }
        let copies = [
            Lineage { system: 8, ..OURS },
            Lineage {
                database: 6,
                ..OURS
            },
        ];
        for other in copies {
            for in_recovery in [true, false] {
                let judged = fit(&OURS, &stand(in_recovery, other));
                assert_eq!(judged, Err(Unfit::Foreign));
            }
        }
        for (unfit, label) in STATES {
            assert_eq!(unfit.map_or("fit", Unfit::label), label);
        }
    }

    #[test]
    fn a_replica_lacks_from_the_first_change_that_it_does_not_show() {
        let mut landmarks = Landmarks::default();
        assert_eq!(landmarks.lacks_for(&[], 100, at(9)), Ok(Duration::ZERO));
        for n in 1..=4 {
            let position = i64::try_from(n).unwrap() * 10;
            landmarks.note(at(n), Some(change(position)));
            landmarks.note(at(n), Some(change(position)));
        }
        let lacks = |shown: [bool; 4], oldest| landmarks.lacks_for(&shown, oldest, at(10));
        assert_eq!(lacks([true; 4], 50), Ok(Duration::ZERO));
        assert_eq!(lacks([true, true, false, false], 25), Ok(at(7)));
        assert_eq!(lacks([false; 4], 5), Ok(at(9)));
        // A transaction may end after those that began later.
        assert_eq!(lacks([true, false, true, true], 20), Ok(Duration::ZERO));
        assert_eq!(lacks([true, false, true, true], 21), Err(Unfit::Foreign));
    }

    #[test]
    fn landmarks_are_few_and_not_old() {
        let mut landmarks = Landmarks::default();
        for n in 0..1_000 {
            landmarks.note(at(n), Some(change(i64::try_from(n).unwrap())));
            assert!(landmarks.changes().count() <= MOST);
        }
        assert_eq!(landmarks.changes().last(), Some(change(999)));
        let later = at(999) + KEPT + at(1);
        for newest in [None, Some(change(999))] {
            landmarks.note(later, newest);
            assert_eq!(landmarks.changes().count(), 0, "{newest:?}");
        }
        landmarks.note(later, Some(change(1_000)));
        assert_eq!(landmarks.changes().count(), 1);
    }
}
