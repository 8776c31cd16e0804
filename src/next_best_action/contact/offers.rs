//! What became of past offers, as a set.
//!
//! What must stay true: [`Offers`] is a function of the set of all events and reservations that ever went in, whatever the
//! order, the repeats and the merges. So a merge of customers is a union, and an undo, which unites the sets of each part
//! again, parts it.
//!
//! Bounded without losing that. An element is a (decision, slot, outcome) with what never changes about it (action, group,
//! channel, time of the decision) and its earliest time; an outcome adds those that it counts as. Of the elements of one
//! outcome these are kept, latest decisions first: [`KEPT_NARROW`] of each action, [`KEPT_WIDE`] of each group, of each
//! channel and of all; and nothing that was decided more than [`HORIZON`] before the latest decision in the set. The rank
//! goes by what never changes, so whoever is not among the latest of a whole was not among the latest for the whole's sake
//! in any part that kept it; whatever is kept of the whole was kept in every part, with all its events. That makes
//! keeping the latest a homomorphism of unions. Reservations that ended before the latest decision are forgotten. Policies count at most half of what is kept, so that an old offer with a
//! late outcome has room.

use std::{collections::HashMap, hash::Hash};

use crate::{
    clock::Micros,
    next_best_action::{
        attribution::Touch,
        contact::Asking,
        keys::{ChannelIndex, DecisionKey, GroupKey},
        outcome::Outcome,
    },
};

/// Elements kept of each (action, outcome).
pub const KEPT_NARROW: usize = 32;

/// Elements kept of each (group, outcome), (channel, outcome), and outcome.
pub const KEPT_WIDE: usize = 128;

/// Microseconds before the latest decision after which elements are forgotten: two years. A window and a
/// pause together must be shorter.
pub const HORIZON: i64 = 731 * 86_400 * Micros::SECOND;

/// An outcome of an offer. A decision names channels by their [indices](ChannelIndex), a profile by
/// [hashes](super::super::keys::ChannelKey), since it is not told what a catalogue holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered<C = ChannelIndex> {
    /// The outcome.
    pub outcome: Outcome,
    /// The decision.
    pub decision: DecisionKey,
    /// The slot of the page, from 0.
    pub slot: u16,
    /// When it was decided.
    pub decided_at: Micros,
    /// The action, of any version.
    pub action: u64,
    /// The group of the action at the time.
    pub group: GroupKey,
    /// The channel.
    pub channel: C,
    /// When the outcome happened: the earliest that was reported.
    pub at: Micros,
}

/// A contact that was decided and of which nothing is known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation<C = ChannelIndex> {
    /// The decision.
    pub decision: DecisionKey,
    /// The slot of the page, from 0.
    pub slot: u16,
    /// The action, of any version.
    pub action: u64,
    /// Its group.
    pub group: GroupKey,
    /// The channel.
    pub channel: C,
    /// When it was decided.
    pub at: Micros,
    /// When it counts no longer.
    pub expires_at: Micros,
}

type OfferedKey<C> = (u64, Outcome, Micros, DecisionKey, u16, GroupKey, C);
type ReservationKey<C> = (DecisionKey, u16, u64, GroupKey, C, Micros, Micros);

impl<C: Copy> Offered<C> {
    fn key(&self) -> OfferedKey<C> {
        (
            self.action,
            self.outcome,
            self.decided_at,
            self.decision,
            self.slot,
            self.group,
            self.channel,
        )
    }

    /// The same with another name of its channel.
    #[must_use]
    pub fn through<D>(self, channel: D) -> Offered<D> {
        Offered {
            outcome: self.outcome,
            decision: self.decision,
            slot: self.slot,
            decided_at: self.decided_at,
            action: self.action,
            group: self.group,
            channel,
            at: self.at,
        }
    }
}

impl Offered {
    /// Whose it was.
    #[must_use]
    pub const fn asking(&self) -> Asking {
        Asking {
            action: self.action,
            group: self.group,
            channel: self.channel,
        }
    }
}

impl<C: Copy> Reservation<C> {
    fn key(&self) -> ReservationKey<C> {
        (
            self.decision,
            self.slot,
            self.action,
            self.group,
            self.channel,
            self.at,
            self.expires_at,
        )
    }

    /// The same with another name of its channel.
    #[must_use]
    pub fn through<D>(self, channel: D) -> Reservation<D> {
        Reservation {
            decision: self.decision,
            slot: self.slot,
            action: self.action,
            group: self.group,
            channel,
            at: self.at,
            expires_at: self.expires_at,
        }
    }
}

impl Reservation {
    /// Whose it is.
    #[must_use]
    pub const fn asking(&self) -> Asking {
        Asking {
            action: self.action,
            group: self.group,
            channel: self.channel,
        }
    }
}

/// The set. Lists are sorted by their keys and hold each once: equal sets are equal bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offers<C = ChannelIndex> {
    elements: Vec<Offered<C>>,
    reservations: Vec<Reservation<C>>,
}

impl<C> Default for Offers<C> {
    fn default() -> Self {
        Self {
            elements: Vec::new(),
            reservations: Vec::new(),
        }
    }
}

/// Of which one so many elements are kept.
#[derive(PartialEq, Eq, Hash)]
enum Whole<C> {
    Action(u64),
    Group(GroupKey),
    Channel(C),
    All,
}

impl<C: Copy + Ord + Hash> Offers<C> {
    /// Of any elements and reservations, such as were stored; elements are taken as they are, without what they count as, too.
    #[must_use]
    pub fn of(elements: Vec<Offered<C>>, reservations: Vec<Reservation<C>>) -> Self {
        let mut offers = Self {
            elements,
            reservations,
        };
        offers.settle();
        offers
    }

    /// Adds an outcome and those that it counts as.
    pub fn add(&mut self, offered: Offered<C>) {
        let implied = Outcome::ALL
            .into_iter()
            .filter(|other| offered.outcome.counts_as(*other));
        self.elements
            .extend(implied.map(|outcome| Offered { outcome, ..offered }));
        self.settle();
    }

    /// Adds a reservation.
    pub fn reserve(&mut self, reservation: Reservation<C>) {
        self.reservations.push(reservation);
        self.settle();
    }

    /// Adds all that another set holds.
    pub fn merge(&mut self, other: &Self) {
        self.elements.extend_from_slice(&other.elements);
        self.reservations.extend_from_slice(&other.reservations);
        self.settle();
    }

    /// All elements, by action, outcome and time of the decision.
    #[must_use]
    pub fn elements(&self) -> &[Offered<C>] {
        &self.elements
    }

    /// All reservations, by decision and slot; also those whose time is over or whose outcome is known.
    #[must_use]
    pub fn reservations(&self) -> &[Reservation<C>] {
        &self.reservations
    }

    /// The elements of one action.
    #[must_use]
    pub fn of_action(&self, action: u64) -> &[Offered<C>] {
        let from = self.elements.partition_point(|e| e.action < action);
        let to = self.elements.partition_point(|e| e.action <= action);
        self.elements.get(from..to).unwrap_or_default()
    }

    /// What was delivered, for [attribution](crate::next_best_action::attribution); `window` says W of an action in
    /// microseconds, or nothing for an action that is not known any more.
    pub fn touches(&self, window: impl Fn(u64) -> Option<i64>) -> impl Iterator<Item = Touch> {
        let delivered = |e: &&Offered<C>| e.outcome == Outcome::Pending;
        self.elements.iter().filter(delivered).filter_map(move |e| {
            Some(Touch {
                decision: e.decision,
                slot: e.slot,
                action: e.action,
                group: e.group,
                at: e.at,
                window: window(e.action)?,
            })
        })
    }

    /// What is reserved and of which nothing is known yet, as if it had been delivered when it was decided.
    pub fn reserved(&self, window: impl Fn(u64) -> Option<i64>) -> impl Iterator<Item = Touch> {
        let open = self.reservations.iter().filter(|r| !self.resolves(r));
        open.filter_map(move |r| {
            Some(Touch {
                decision: r.decision,
                slot: r.slot,
                action: r.action,
                group: r.group,
                at: r.at,
                window: window(r.action)?,
            })
        })
    }

    /// Whether an outcome of a reservation's (decision, slot) is known.
    #[must_use]
    pub fn resolves(&self, reservation: &Reservation<C>) -> bool {
        let known =
            |e: &Offered<C>| (e.decision, e.slot) == (reservation.decision, reservation.slot);
        self.of_action(reservation.action).iter().any(known)
    }

    /// The same with other names of the channels; different channels have different names.
    #[must_use]
    pub fn through<D: Copy + Ord + Hash>(&self, name: impl Fn(C) -> D) -> Offers<D> {
        let elements = self.elements.iter().map(|e| e.through(name(e.channel)));
        let pending = self.reservations.iter();
        let pending = pending.map(|r| r.through(name(r.channel)));
        Offers::of(elements.collect(), pending.collect())
    }

    /// Sorts, unites and forgets.
    fn settle(&mut self) {
        self.elements.sort_unstable_by_key(|e| (e.key(), e.at));
        // Of repeats the first is left: the earliest.
        self.elements.dedup_by_key(|e| e.key());
        self.reservations.sort_unstable_by_key(Reservation::key);
        self.reservations.dedup();
        let decided = self.elements.iter().map(|e| e.decided_at);
        let latest = decided.chain(self.reservations.iter().map(|r| r.at)).max();
        let Some(latest) = latest else { return };
        let begin = Micros(latest.0.saturating_sub(HORIZON));
        self.elements.retain(|e| e.decided_at >= begin);
        // A decision was taken at `latest`: what ended before counts for none that follows.
        self.reservations
            .retain(|r| r.expires_at > latest || r.at == latest);
        if self.elements.len() > KEPT_NARROW {
            self.forget();
        }
    }

    fn forget(&mut self) {
        let mut latest: Vec<usize> = (0..self.elements.len()).collect();
        let rank = |e: &Offered<C>| (e.decided_at, e.decision, e.slot, e.key());
        latest.sort_unstable_by_key(|at| self.elements.get(*at).map(rank));
        let mut counts: HashMap<(Outcome, Whole<C>), usize> = HashMap::new();
        let mut kept = vec![false; self.elements.len()];
        for at in latest.into_iter().rev() {
            let (Some(e), Some(kept)) = (self.elements.get(at), kept.get_mut(at)) else {
                continue;
            };
            let places = [
                (Whole::Action(e.action), KEPT_NARROW),
                (Whole::Group(e.group), KEPT_WIDE),
                (Whole::Channel(e.channel), KEPT_WIDE),
                (Whole::All, KEPT_WIDE),
            ];
            for (whole, most) in places {
                let count = counts.entry((e.outcome, whole)).or_default();
                *count += 1;
                *kept |= *count <= most;
            }
        }
        let mut kept = kept.into_iter();
        self.elements.retain(|_| kept.next().unwrap_or_default());
    }
}
