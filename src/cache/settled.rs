//! May what a replica says be served? Pure.
//!
//! What must stay true:
//!
//! - **A reading of a replica is judged as a kept value is** ([`rule`]): it has the position from which on changes may be missing in
//!   it, and what this instance itself read from the primary's outbox tells whether its profile has changed since. So however far
//!   the replica is behind, as long as changes are remembered, what is served is right as of the last look at the primary, and no clock but this process's counts.
//! - **Nothing is served that the primary may not show.** A standby shows a commit as soon as it has read it, which may be before the
//!   primary does: there the transaction may still wait for other standbys, or the primary may die. Whoever saw it would see the
//!   profile go back on the primary, or hear that a token of a mere read is lost. A version is settled when the transaction that made
//!   it lies below the horizon of a look at the primary, when a look has seen it or a later one, or when the primary has cleaned its
//!   change out of the outbox.
//! - **A token of such an answer asks for nothing that the primary has not counted**, and for no less than the version that was seen.

use std::time::Duration;

use super::{
    memory::{Memory, Standing},
    rule::{self, Facts, Why, Wish},
};
use crate::ids::IdentityKey;

/// What is asked of an answer besides its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To lie within the bound.
    Fresh,
    /// To lie within [`rule::OLDEST`]: the primary is away.
    Old,
}

/// When a reading of a replica was right, if it may be served now. `origin` is the transaction that made its version; none when
/// the outbox does not have it any more.
///
/// # Errors
/// With why it may not.
pub fn judge<F: Fn(&IdentityKey) -> bool>(
    (facts, origin): (&Facts<F>, Option<i64>),
    (wish, ask): (&Wish, Ask),
    memory: &Memory,
    now: Duration,
) -> Result<Duration, Why> {
    let as_of = match ask {
        Ask::Fresh => rule::vouched(memory, wish.bound, now).ok_or(Why::Behind)?,
        Ask::Old => {
            let as_of = memory.as_of().ok_or(Why::Behind)?;
            if now.saturating_sub(as_of) > rule::OLDEST {
                return Err(Why::TooOld);
            }
            as_of
        }
    };
    match memory.standing(facts.profile, facts.version, facts.position) {
        Standing::Changed => return Err(Why::Changed),
        Standing::TooOld => return Err(Why::TooOld),
        Standing::Unchanged => (),
    }
    let below = origin.is_none_or(|origin| origin < memory.horizon());
    if !below && !memory.has_seen(facts.profile, facts.version) {
        return Err(Why::Ahead);
    }
    let position = facts.position.max(memory.horizon());
    if rule::includes(facts, position, &wish.tokens) {
        Ok(as_of)
    } else {
        Err(Why::Token)
    }
}

/// When the answer that nobody is known was right, if it may be served now: of a snapshot with everything below `oldest` and nothing
/// from `next` on. Somebody may have ceased to be known by a change that the primary does not show yet, so all of the snapshot has
/// to be settled; and somebody may have come to be known by any change that it lacks, so it may lack none that is known. That its
/// horizon has come further than that of an earlier look does not say so, as it does on the primary: commits may show there in
/// another order than a standby replays them.
///
/// # Errors
/// With why it may not.
pub fn judge_unknown(
    (oldest, next): (i64, i64),
    wish: &Wish,
    memory: &Memory,
    now: Duration,
) -> Result<Duration, Why> {
    if next > memory.horizon() {
        return Err(Why::Ahead);
    }
    if !memory.has_none_from(oldest) {
        return Err(Why::TooOld);
    }
    rule::judge_unknown(oldest, wish, memory, now)
}

/// The position from which on nothing is in a reading that may be served, for the token of its answer: `next` is that of its snapshot.
#[must_use]
pub fn next(next: i64, origin: Option<i64>, memory: &Memory) -> i64 {
    let after = origin.map_or(0, |origin| origin.saturating_add(1));
    next.min(memory.horizon()).max(after)
}

#[cfg(test)]
mod tests;
