//! Changes in the order in which they are told. Pure.
//!
//! What must stay true: of one profile, versions are told in their order, and each once by a watch that goes on.
//!
//! Positions alone are not that order. Who changes a profile holds its lock until the commit, so versions grow with commits; but
//! a transaction that had its id before it came to wait for the lock (a retraction holds its operation first) is committed after
//! others with later ids. Its change stands at an earlier position than the version before it. All versions before are committed
//! then, so they can be told ahead of their positions, and are passed over when the watch comes to them.

use std::collections::{BTreeMap, BTreeSet};

use super::place::Place;
use crate::{ids::ProfileId, storage::feed::Row};

/// A change, and where to go on after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The change.
    pub row: Row,
    /// Where.
    pub resume: Place,
}

/// What was told ahead of its position.
#[derive(Clone, Debug, Default)]
pub struct Ahead(BTreeSet<(i64, ProfileId, i64)>);

/// Whether a change stands before the version before it.
#[must_use]
pub fn strayed(row: &Row) -> bool {
    row.before.is_some_and(|before| before > row.position)
}

/// Puts a page into its order. `earlier` has, for each change that strayed, the changes of its profile before it, newest first,
/// back to one at an earlier position. `place` is where the watch is, and goes on to the last row.
pub fn arrange(
    rows: &[Row],
    earlier: &BTreeMap<(ProfileId, i64), Vec<Row>>,
    place: &mut Place,
    ahead: &mut Ahead,
) -> Vec<Told> {
    let mut told = Vec::with_capacity(rows.len());
    for row in rows {
        let known = earlier.get(&(row.profile, row.version));
        let missed = known.into_iter().flatten();
        let missed: Vec<&Row> = missed
            .take_while(|one| one.position > row.position)
            .collect();
        for one in missed.into_iter().rev() {
            if ahead.0.insert((one.position, one.profile, one.version)) {
                // Who goes on after it has to come to what made it be told.
                told.push(Told {
                    row: one.clone(),
                    resume: *place,
                });
            }
        }
        *place = Place {
            position: row.position,
            profile: row.profile,
            version: row.version,
        };
        if !ahead.0.remove(&(row.position, row.profile, row.version)) {
            told.push(Told {
                row: row.clone(),
                resume: *place,
            });
        }
    }
    told
}
