//! What a state keeps of next-best-action decisions: outcomes of offers, contacts that are reserved, holdout groups.
//!
//! What must stay true: each is a set ([`Offers`], [`Pins`]), so a merge of customers is a union and an undo, which folds the
//! parts anew, parts it. What was offered is named by hashes, since folding knows no catalogue. An interaction about an offer
//! says all that folding needs; nothing is looked up.

use std::cmp::Ordering;

use super::model::State;
use crate::{
    clock::Micros,
    ids::ProfileId,
    next_best_action::{
        contact::{Offered, Offers, Reservation},
        holdout::{Group, Pin, Pins},
        keys::{ActionKey, ChannelKey, DecisionKey, GroupKey, join, split},
        outcome::Outcome,
    },
    proto::{
        state::v1::{self as stored, HoldoutPin, OfferFact, PendingOffer},
        v1::{Interaction, OfferNote, OfferedSlot},
    },
};

/// Groups by their numbers in a state, from 1, and their names in a note.
const GROUPS: [(Group, &str); 3] = [
    (Group::HeldOut, "held_out"),
    (Group::Random, "random"),
    (Group::Policy, "policy"),
];

/// The type of the interaction that notes a decision.
pub const MADE: &str = "offer.made";

/// The source of interactions about offers.
pub const SOURCE: &str = "customer-profile";

/// What types of interactions about offers begin with.
pub const PREFIX: &str = "offer.";

/// The type of the interaction that notes an outcome.
#[must_use]
pub const fn type_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotDelivered => "offer.not_delivered",
        Outcome::Pending => "offer.sent",
        Outcome::Impression => "offer.shown",
        Outcome::Clicked => "offer.clicked",
        Outcome::Accepted => "offer.accepted",
        Outcome::Rejected => "offer.rejected",
    }
}

/// The name of a group in a note.
#[must_use]
pub fn group_name(group: Group) -> &'static str {
    let named = GROUPS.iter().find(|(known, _)| *known == group);
    named.map_or("policy", |(_, name)| name)
}

/// Adds what an interaction says to the state of it alone.
pub(super) fn tell(core: &mut stored::State, message: &Interaction) {
    let Some(note) = &message.offer else {
        return;
    };
    let Some(decided_at) = note.decided_at.as_ref().and_then(Micros::from_proto) else {
        return;
    };
    let mut offers: Offers<ChannelKey> = Offers::default();
    let said = Outcome::ALL
        .into_iter()
        .find(|outcome| type_of(*outcome) == message.r#type);
    for slot in &note.slots {
        let made = made(note, slot, decided_at);
        let reserved = slot.reserved_until.as_ref().and_then(Micros::from_proto);
        if let Some(outcome) = said {
            let at = message.occurred_at.as_ref().and_then(Micros::from_proto);
            offers.add(Offered {
                outcome,
                at: at.unwrap_or(decided_at),
                ..made
            });
        } else if let Some(expires_at) = reserved
            && message.r#type == MADE
        {
            offers.reserve(Reservation {
                decision: made.decision,
                slot: made.slot,
                action: made.action,
                group: made.group,
                channel: made.channel,
                at: decided_at,
                expires_at,
            });
        }
    }
    keep(core, &offers);
    core.pins = note.holdout.iter().filter_map(pin).collect();
}

fn made(note: &OfferNote, slot: &OfferedSlot, decided_at: Micros) -> Offered<ChannelKey> {
    Offered {
        outcome: Outcome::Pending,
        decision: DecisionKey::of(&note.decision_id),
        slot: u16::try_from(slot.slot).unwrap_or(u16::MAX),
        decided_at,
        action: ActionKey::id_of(&slot.action_id),
        group: GroupKey::of(&slot.group),
        channel: ChannelKey::of(&slot.channel),
        at: decided_at,
    }
}

fn pin(note: &crate::proto::v1::HoldoutNote) -> Option<HoldoutPin> {
    let place = GROUPS.iter().position(|(_, name)| *name == note.group)?;
    let profile: ProfileId = note.profile_id.parse().ok()?;
    let (profile_hi, profile_lo) = split(profile.as_uuid().as_u128());
    Some(HoldoutPin {
        epoch: u32::try_from(note.epoch).ok()?,
        profile_hi,
        profile_lo,
        group: u32::try_from(place + 1).ok()?,
    })
}

/// Adds the offers of another state.
pub(super) fn merge(mine: &mut stored::State, theirs: &mut stored::State) {
    if !theirs.offers.is_empty() || !theirs.pending_offers.is_empty() {
        let mut all = offers_of(mine);
        all.merge(&offers_of(theirs));
        keep(mine, &all);
    }
    if !theirs.pins.is_empty() {
        mine.pins.append(&mut theirs.pins);
        mine.pins.sort_by(order_of_pins);
        mine.pins.dedup();
    }
}

fn order_of_pins(a: &HoldoutPin, b: &HoldoutPin) -> Ordering {
    let key = |pin: &HoldoutPin| (pin.epoch, pin.profile_hi, pin.profile_lo, pin.group);
    key(a).cmp(&key(b))
}

fn keep(core: &mut stored::State, offers: &Offers<ChannelKey>) {
    let element = |offered: &Offered<ChannelKey>| {
        let (decision_hi, decision_lo) = offered.decision.halves();
        OfferFact {
            outcome: u32::try_from(offered.outcome.index() + 1).unwrap_or_default(),
            decision_hi,
            decision_lo,
            slot: offered.slot.into(),
            decided_at: offered.decided_at.0,
            action: offered.action,
            group: offered.group.0,
            channel: offered.channel.0,
            at: offered.at.0,
        }
    };
    let pending = |reservation: &Reservation<ChannelKey>| {
        let (decision_hi, decision_lo) = reservation.decision.halves();
        PendingOffer {
            decision_hi,
            decision_lo,
            slot: reservation.slot.into(),
            action: reservation.action,
            group: reservation.group.0,
            channel: reservation.channel.0,
            at: reservation.at.0,
            expires_at: reservation.expires_at.0,
        }
    };
    core.offers = offers.elements().iter().map(element).collect();
    core.pending_offers = offers.reservations().iter().map(pending).collect();
}

/// What a stored state says; what is no outcome is left out, which a state that this release wrote never holds.
fn offers_of(core: &stored::State) -> Offers<ChannelKey> {
    let element = |fact: &OfferFact| {
        let place = usize::try_from(fact.outcome).ok()?.checked_sub(1)?;
        Some(Offered {
            outcome: Outcome::from_index(place)?,
            decision: DecisionKey(join(fact.decision_hi, fact.decision_lo)),
            slot: u16::try_from(fact.slot).ok()?,
            decided_at: Micros(fact.decided_at),
            action: fact.action,
            group: GroupKey(fact.group),
            channel: ChannelKey(fact.channel),
            at: Micros(fact.at),
        })
    };
    let pending = |fact: &PendingOffer| {
        Some(Reservation {
            decision: DecisionKey(join(fact.decision_hi, fact.decision_lo)),
            slot: u16::try_from(fact.slot).ok()?,
            action: fact.action,
            group: GroupKey(fact.group),
            channel: ChannelKey(fact.channel),
            at: Micros(fact.at),
            expires_at: Micros(fact.expires_at),
        })
    };
    Offers::of(
        core.offers.iter().filter_map(element).collect(),
        core.pending_offers.iter().filter_map(pending).collect(),
    )
}

impl State {
    /// What became of past offers.
    #[must_use]
    pub fn offers(&self) -> Offers<ChannelKey> {
        offers_of(self.core())
    }

    /// Holdout groups that were given.
    #[must_use]
    pub fn pins(&self) -> Pins {
        let pin = |pin: &HoldoutPin| {
            let place = usize::try_from(pin.group).ok()?.checked_sub(1)?;
            Some(Pin {
                epoch: pin.epoch,
                profile: join(pin.profile_hi, pin.profile_lo),
                group: GROUPS.get(place)?.0,
            })
        };
        Pins::of(self.core().pins.iter().filter_map(pin).collect())
    }
}
