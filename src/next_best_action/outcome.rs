//! What came of an offer.
//!
//! What must stay true:
//!
//! - The state of a (decision, slot) is the maximum of the outcomes that are known of it, in the order `NOT_DELIVERED` <
//!   PENDING < IMPRESSION < CLICKED < ACCEPTED < REJECTED. REJECTED stands at the top because it is terminal: no later yes
//!   takes a spoken no back, and the maximum of both is the no whichever came first. All that is kept is the earliest time
//!   of each outcome, so adding is a minimum in each place: repeats, lateness and order are harmless.
//! - `NOT_DELIVERED` alone is no label at all: a mail that was never sent was refused by nobody.
//! - Each event id is consumed once: see [`Consumed`].
//! - A label depends on when things happened, never on when we heard of them.
//!
//! A yes after the window. Of an offer delivered at `t0`, waiting ends at `t0 + W`: without a yes the label is then a no. A
//! yes that *happened* within the window but *arrived* later is simply a yes, since only the times of happening count. A
//! yes that happened after the window corrects the no as well, and says that it is late: dropping it would teach that
//! slow customers are refusers. Its delay is given as W, the end of the window, because the distribution of delays ends
//! there, `G(W) = 1`: a learner adds it to its day of delivery without any further correction.

use crate::{
    clock::Micros,
    next_best_action::{hashing::Domain, keys::DecisionKey},
};

/// An outcome, in the order of the lattice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It never reached the channel. No label.
    NotDelivered,
    /// The channel has it; nobody is known to have seen it.
    Pending,
    /// It was seen.
    Impression,
    /// It was looked into.
    Clicked,
    /// The customer said or did yes.
    Accepted,
    /// The customer said no: terminal.
    Rejected,
}

impl Outcome {
    /// How many there are.
    pub const COUNT: usize = 6;

    /// All, from the lowest up.
    pub const ALL: [Self; Self::COUNT] = [
        Self::NotDelivered,
        Self::Pending,
        Self::Impression,
        Self::Clicked,
        Self::Accepted,
        Self::Rejected,
    ];

    /// Its place in the order, 0 to 5.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::NotDelivered => 0,
            Self::Pending => 1,
            Self::Impression => 2,
            Self::Clicked => 3,
            Self::Accepted => 4,
            Self::Rejected => 5,
        }
    }

    /// By its place in the order.
    #[must_use]
    pub fn from_index(index: usize) -> Option<Self> {
        Self::ALL.get(index).copied()
    }

    /// Whether it counts as the other, too: whoever clicked, accepted or rejected was delivered to and saw it, and whoever
    /// accepted looked into it. A rejection is no click, and nothing else is a failed delivery.
    #[must_use]
    pub fn counts_as(self, other: Self) -> bool {
        match other {
            Self::Pending | Self::Impression => self >= other,
            Self::Clicked => matches!(self, Self::Clicked | Self::Accepted),
            Self::NotDelivered | Self::Accepted | Self::Rejected => self == other,
        }
    }
}

/// One report of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeEvent {
    /// The reporter's event id, hashed to 128 bits.
    pub id: u128,
    /// The decision.
    pub decision: DecisionKey,
    /// The slot of the page, from 0.
    pub slot: u16,
    /// What came of it.
    pub outcome: Outcome,
    /// When it happened.
    pub at: Micros,
}

/// What is known of one (decision, slot).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    earliest: [Option<Micros>; Outcome::COUNT],
}

/// What an offer teaches as of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Nothing: it was not delivered, or not yet.
    None,
    /// It was delivered and is waited for.
    Open {
        /// When waiting ends.
        until: Micros,
    },
    /// A yes.
    Yes {
        /// From delivery to the yes in microseconds, 0 to W; W when it came after the window.
        delay: i64,
        /// Whether it came after the window.
        late: bool,
    },
    /// A no: spoken, or waited for in vain.
    No,
}

impl Record {
    /// From the earliest times, in the order of [`Outcome::ALL`].
    #[must_use]
    pub const fn from_earliest(earliest: [Option<Micros>; Outcome::COUNT]) -> Self {
        Self { earliest }
    }

    /// Adds an outcome.
    pub fn add(&mut self, outcome: Outcome, at: Micros) {
        if let Some(place) = self.earliest.get_mut(outcome.index()) {
            *place = Some(place.map_or(at, |known| known.min(at)));
        }
    }

    /// Adds all that another knows of the same (decision, slot).
    pub fn merge(&mut self, other: &Self) {
        for (outcome, at) in Outcome::ALL.iter().zip(other.earliest) {
            if let Some(at) = at {
                self.add(*outcome, at);
            }
        }
    }

    /// When an outcome was first reported to have happened.
    #[must_use]
    pub fn first(&self, outcome: Outcome) -> Option<Micros> {
        self.earliest.get(outcome.index()).copied().flatten()
    }

    /// The maximum of all outcomes; none when nothing was reported.
    #[must_use]
    pub fn state(&self) -> Option<Outcome> {
        let known = |outcome: &&Outcome| self.first(**outcome).is_some();
        Outcome::ALL.iter().rev().find(known).copied()
    }

    /// When it was delivered: the earliest of all that shows that it was.
    #[must_use]
    pub fn delivered_at(&self) -> Option<Micros> {
        self.earliest.iter().skip(1).flatten().min().copied()
    }

    /// What it teaches as of `now`, with a window of `window` microseconds; what happens after `now` is not looked at.
    ///
    /// `goal` is the lowest outcome that is a yes, [`Outcome::Clicked`] or [`Outcome::Accepted`] as a rule.
    #[must_use]
    pub fn label(&self, goal: Outcome, window: i64, now: Micros) -> Label {
        let known = |outcome: Outcome| self.first(outcome).filter(|at| *at <= now);
        let delivered = Outcome::ALL.iter().skip(1).filter_map(|o| known(*o)).min();
        let Some(delivered) = delivered else {
            return Label::None;
        };
        if known(Outcome::Rejected).is_some() {
            return Label::No;
        }
        let positive = |outcome: &&Outcome| **outcome >= goal && **outcome != Outcome::Rejected;
        let yes = Outcome::ALL.iter().filter(positive);
        if let Some(yes) = yes.filter_map(|o| known(*o)).min() {
            let delay = yes.0.saturating_sub(delivered.0);
            return Label::Yes {
                delay: delay.min(window),
                late: delay > window,
            };
        }
        let until = Micros(delivered.0.saturating_add(window));
        if now < until {
            Label::Open { until }
        } else {
            Label::No
        }
    }
}

/// What becomes of an event that is offered for consumption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consumption {
    /// It was not known: count it.
    New,
    /// It is known and says the same: nothing to do.
    Duplicate,
    /// Its id is known with another content: refuse it.
    Conflict,
}

/// The event ids that were consumed, each with a hash of what it said. Storage keeps the same as rows with the event id
/// as their key; this is the rule that those follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consumed {
    seen: Vec<(u128, u64)>,
}

impl OutcomeEvent {
    /// A hash of what it says.
    #[must_use]
    pub fn content(&self) -> u64 {
        let (high, low) = self.decision.halves();
        let outcome = u64::try_from(self.outcome.index()).unwrap_or_default();
        let at = u64::from_ne_bytes(self.at.0.to_ne_bytes());
        Domain::Outcome.hash(&[high, low, self.slot.into(), outcome, at])
    }
}

impl Consumed {
    /// Consumes an event, once.
    pub fn consume(&mut self, event: &OutcomeEvent) -> Consumption {
        match self.seen.binary_search_by_key(&event.id, |(id, _)| *id) {
            Ok(at) if self.seen.get(at).is_some_and(|s| s.1 == event.content()) => {
                Consumption::Duplicate
            }
            Ok(_) => Consumption::Conflict,
            Err(at) => {
                self.seen.insert(at, (event.id, event.content()));
                Consumption::New
            }
        }
    }
}

#[cfg(test)]
mod tests;
