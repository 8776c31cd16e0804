//! A tenant whose changes this instance hands over: how far it is, and when it is tried again after a failure.
//!
//! What must stay true: how far it is counts from what was handed over and noted, so it falls behind for as long as nothing is.

use std::time::Duration;

use tokio::time::Instant;

use crate::{cache::sealed::Run, clock::Micros, feed::Tape};

/// How long it rests after a first failure, and at most after many.
const AGAIN: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(10);

/// A tenant whose changes this instance hands over.
pub(super) struct Held {
    /// Where its changes go on; none before that is known, and after a failure.
    pub tape: Option<Tape>,
    /// The run of the database that it was relayed from last.
    pub run: Option<Run>,
    /// Everything that was committed before is handed over.
    pub delivered: Micros,
    pub leased_at: Instant,
    pub noted_at: Instant,
    /// Failures since it last went well, and until when it rests for that.
    failures: u32,
    rests_until: Option<Instant>,
}

impl Held {
    pub(super) fn new(now: Micros) -> Self {
        let begun = Instant::now();
        Self {
            tape: None,
            run: None,
            delivered: now,
            leased_at: begun,
            noted_at: begun,
            failures: 0,
            rests_until: None,
        }
    }

    /// All of a tape so far is handed over; it goes on from there.
    pub(super) fn goes_on(&mut self, tape: Tape) {
        self.delivered = tape.mark().as_of;
        self.tape = Some(tape);
    }

    /// Whether it is too early to try again.
    pub(super) fn rests(&self) -> bool {
        self.rests_until.is_some_and(|until| Instant::now() < until)
    }

    pub(super) fn went_well(&mut self) {
        self.failures = 0;
        self.rests_until = None;
    }

    /// It rests, the longer the more often it failed. Answers whether that is worth a word: ever more seldom.
    pub(super) fn failed(&mut self) -> bool {
        self.tape = None;
        let rest = AGAIN.saturating_mul(1 << self.failures.min(8)).min(MOST);
        self.rests_until = Some(Instant::now() + rest);
        self.failures = self.failures.saturating_add(1);
        self.failures.is_power_of_two()
    }
}

/// How far behind it is to have everything from before a time.
pub(super) fn behind(delivered: Micros, now: Micros) -> Duration {
    Duration::from_micros(now.0.saturating_sub(delivered.0).max(0).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_rests_longer_and_longer_and_is_told_of_ever_more_seldom() {
        let mut held = Held::new(Micros(0));
        assert!(!held.rests());
        let told = (1..=16).filter(|_| held.failed()).count();
        assert_eq!(told, 5, "the 1st, 2nd, 4th, 8th and 16th");
        assert!(held.rests());
        let until = held.rests_until.unwrap();
        assert!(until <= Instant::now() + MOST && until > Instant::now() + MOST / 2);
        held.went_well();
        assert!(!held.rests());
        assert!(held.failed());
        assert!(held.rests_until.unwrap() <= Instant::now() + AGAIN);
    }

    #[test]
    fn nothing_handed_over_is_further_and_further_behind() {
        let held = Held::new(Micros(5_000_000));
        let seconds = |now| behind(held.delivered, Micros(now)).as_secs();
        assert_eq!(seconds(4_000_000), 0);
        assert_eq!(seconds(95_000_000), 90);
    }
}
