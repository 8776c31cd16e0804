//! How often a customer may be approached: contact policies over what became of past offers, reservations, quiet hours.
//!
//! What must stay true:
//!
//! - A policy looks at a set of events, so neither their order nor merges of customers matter ([`Offers`]).
//! - A cap of n is never exceeded. A decision that may lead to a contact reserves it first, and a reservation counts like
//!   an impression until an outcome of its (decision, slot) is known or its time is over. So of two decisions, taken one
//!   after the other on the same state, the second sees the first. (That decisions of one profile are taken one after the
//!   other is the lock's business.) Between being sent and being seen an offer counts as well. What is shown after its reservation is over was shown against the rules.
//! - A pause is a function of the events alone: looking at it does not change it.
//!
//! A policy with limit n, window w and pause p rests at time t when some n events in a row, the first at a, the last at b,
//! lie within the window (b - a < w) and t < max(b + p, a + w): `p` after the event that reached the limit, and in any case
//! as long as all n are still in the window. With p = 0 it is a plain rolling cap.

mod offers;
mod quiet;

pub use offers::{HORIZON, KEPT_NARROW, KEPT_WIDE, Offered, Offers, Reservation};
pub use quiet::QuietHours;

use crate::{
    clock::Micros,
    next_best_action::{
        keys::{ChannelIndex, ChannelSet, GroupKey},
        outcome::Outcome,
    },
};

/// What a policy counts and lets rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// An action, all its versions.
    Action,
    /// A group.
    Group,
    /// A channel.
    Channel,
    /// Everything.
    All,
}

/// When `limit` outcomes lie within `window`, the scope rests for `pause`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContactPolicy {
    /// What is counted together and rests together.
    pub scope: Scope,
    /// The one action, group or channel that is meant; none: each by itself.
    pub of: Option<u64>,
    /// The one action that it binds, of whatever scope it counts; none: every action.
    pub binds: Option<u64>,
    /// Channels that are counted and bound.
    pub channels: ChannelSet,
    /// The outcome that is counted, with all that [counts as](Outcome::counts_as) it. IMPRESSION counts what is PENDING as
    /// well, since what was sent will be seen sooner or later, and both count reservations.
    pub outcome: Outcome,
    /// How many, 1 or more: at most [`KEPT_NARROW`] / 2 for an action, [`KEPT_WIDE`] / 2 else.
    pub limit: u16,
    /// Within so many microseconds, above 0.
    pub window: i64,
    /// For so many microseconds after the event that reached the limit, 0 or more.
    pub pause: i64,
}

/// Who asks: an action on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// The action, of any version.
    pub action: u64,
    /// Its group.
    pub group: GroupKey,
    /// The channel.
    pub channel: ChannelIndex,
}

/// What a policy says to someone who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Events and reservations within the window before now.
    pub counted: u16,
    /// How many more are allowed now; 0 while it rests.
    pub remaining: u16,
    /// Until when it rests; none when it does not.
    pub until: Option<Micros>,
}

/// Times that a policy can look at: twice what is kept, for elements and reservations.
const TIMES: usize = 2 * KEPT_WIDE;

impl ContactPolicy {
    /// Whether it binds an action on a channel at all.
    #[must_use]
    pub fn binds(&self, asking: Asking) -> bool {
        self.channels.holds(asking.channel)
            && self.binds.is_none_or(|action| action == asking.action)
            && self.of.is_none_or(|of| self.value(asking) == Some(of))
    }

    /// Whether a reservation of this action on this channel may count for somebody. A policy that binds one action counts
    /// others too, unless its scope is the action.
    #[must_use]
    pub fn counts_reservation_of(&self, asking: Asking) -> bool {
        self.counts_reservations()
            && self.channels.holds(asking.channel)
            && self.of.is_none_or(|of| self.value(asking) == Some(of))
            && (self.scope != Scope::Action || self.binds.is_none_or(|one| one == asking.action))
    }

    /// Whether a reservation counts as what it counts.
    #[must_use]
    pub fn counts_reservations(&self) -> bool {
        matches!(self.outcome, Outcome::Pending | Outcome::Impression)
    }

    /// What is counted together for someone who asks; none when everything is.
    #[must_use]
    pub fn value(&self, asking: Asking) -> Option<u64> {
        match self.scope {
            Scope::Action => Some(asking.action),
            Scope::Group => Some(asking.group.0),
            Scope::Channel => Some(asking.channel.0.into()),
            Scope::All => None,
        }
    }

    fn counts(&self, asking: Asking, other: Asking) -> bool {
        self.channels.holds(other.channel) && self.value(asking) == self.value(other)
    }

    /// What it says to someone who asks at `now`; `page` are the reservations of the page that is being decided.
    ///
    /// It is meant for those that it [binds](Self::binds). No allocation.
    #[must_use]
    pub fn allowance(
        &self,
        asking: Asking,
        offers: &Offers,
        page: &[Reservation],
        now: Micros,
    ) -> Allowance {
        let elements = if self.scope == Scope::Action {
            offers.of_action(asking.action)
        } else {
            offers.elements()
        };
        if elements.is_empty() && offers.reservations().is_empty() && page.is_empty() {
            return self.judge(&[], now);
        }
        let outcome = match self.outcome {
            Outcome::Impression => Outcome::Pending,
            other => other,
        };
        let mut times = Times::default();
        for element in elements {
            if element.outcome == outcome && self.counts(asking, element.asking()) {
                times.add(element.at.0);
            }
        }
        if self.counts_reservations() {
            let pending = offers
                .reservations()
                .iter()
                .filter(|pending| now < pending.expires_at && !offers.resolves(pending));
            for pending in pending.chain(page) {
                if self.counts(asking, pending.asking()) {
                    times.add(pending.at.0);
                }
            }
        }
        self.judge(times.sorted(), now)
    }

    /// What follows from the times of what is counted, in their order.
    fn judge(&self, times: &[i64], now: Micros) -> Allowance {
        let begin = now.0.saturating_sub(self.window);
        let within = times.iter().filter(|at| **at > begin).count();
        let counted = u16::try_from(within).unwrap_or(u16::MAX);
        let limit = usize::from(self.limit.max(1));
        let until = times.windows(limit).filter_map(|run| {
            let (first, last) = (*run.first()?, *run.last()?);
            let close = last.saturating_sub(first) < self.window;
            let paused = last.saturating_add(self.pause);
            close.then(|| paused.max(first.saturating_add(self.window)))
        });
        let until = until.max().filter(|until| now.0 < *until).map(Micros);
        let remaining = match until {
            Some(_) => 0,
            None => self.limit.max(1).saturating_sub(counted),
        };
        Allowance {
            counted,
            remaining,
            until,
        }
    }
}

/// Times on the stack. When there are more than fit, the latest are kept.
struct Times {
    times: [i64; TIMES],
    held: usize,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            times: [0; TIMES],
            held: 0,
        }
    }
}

impl Times {
    fn add(&mut self, at: i64) {
        if let Some(place) = self.times.get_mut(self.held) {
            *place = at;
            self.held += 1;
        } else if let Some(earliest) = self.times.iter_mut().min()
            && *earliest < at
        {
            *earliest = at;
        }
    }

    fn sorted(&mut self) -> &[i64] {
        let held = self.times.get_mut(..self.held).unwrap_or_default();
        held.sort_unstable();
        held
    }
}

#[cfg(test)]
mod tests;
