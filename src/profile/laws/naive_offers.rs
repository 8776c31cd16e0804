//! What a state must hold of offers and complaints, from the sorted interactions alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{made_up::Recorded, naive::halves};
use crate::{
    clock::Micros,
    next_best_action::{
        contact::{HORIZON, KEPT_NARROW, KEPT_WIDE},
        keys::{ActionKey, ChannelKey, DecisionKey, GroupKey},
    },
    proto::{
        state::v1 as stored,
        v1::{Direction, Intent, OfferNote, OfferedSlot, Subject, SubjectKind},
    },
};

/// Types of outcomes from the lowest up, and which of them each counts as.
const TYPES: [(&str, &[u32]); 6] = [
    ("offer.not_delivered", &[1]),
    ("offer.sent", &[2]),
    ("offer.shown", &[2, 3]),
    ("offer.clicked", &[2, 3, 4]),
    ("offer.accepted", &[2, 3, 4, 5]),
    ("offer.rejected", &[2, 3, 6]),
];

fn slots<'a>(
    sorted: &[&'a Recorded],
) -> impl Iterator<Item = (&'a Recorded, &'a OfferNote, &'a OfferedSlot)> {
    let about_offers = sorted
        .iter()
        .filter_map(|r| Some((*r, r.message.offer.as_ref()?)));
    let about_offers: Vec<_> = about_offers.collect();
    about_offers
        .into_iter()
        .flat_map(|(r, note)| note.slots.iter().map(move |slot| (r, note, slot)))
}

fn decided(note: &OfferNote) -> i64 {
    Micros::from_proto(note.decided_at.as_ref().unwrap())
        .unwrap()
        .0
}

fn reserved(sorted: &[&Recorded]) -> Vec<stored::PendingOffer> {
    let made = slots(sorted).filter(|(r, ..)| r.message.r#type == "offer.made");
    made.filter_map(|(_, note, slot)| {
        let (decision_hi, decision_lo) = DecisionKey::of(&note.decision_id).halves();
        Some(stored::PendingOffer {
            decision_hi,
            decision_lo,
            slot: slot.slot.try_into().unwrap(),
            action: ActionKey::id_of(&slot.action_id),
            group: GroupKey::of(&slot.group).0,
            channel: ChannelKey::of(&slot.channel).0,
            at: decided(note),
            expires_at: Micros::from_proto(slot.reserved_until.as_ref()?)?.0,
        })
    })
    .collect()
}

/// Action, outcome, time of the decision, decision, slot, group, channel.
type Key = (u64, u32, i64, (u64, u64), u32, u64, u64);

/// Every outcome with what it counts as, each once with its earliest time.
fn outcomes(sorted: &[&Recorded]) -> Vec<stored::OfferFact> {
    let mut earliest: BTreeMap<Key, i64> = BTreeMap::new();
    for (recorded, note, slot) in slots(sorted) {
        let Some((_, counts_as)) = TYPES
            .iter()
            .find(|(name, _)| *name == recorded.message.r#type)
        else {
            continue;
        };
        for outcome in *counts_as {
            let key = (
                ActionKey::id_of(&slot.action_id),
                *outcome,
                decided(note),
                DecisionKey::of(&note.decision_id).halves(),
                u32::try_from(slot.slot).unwrap(),
                GroupKey::of(&slot.group).0,
                ChannelKey::of(&slot.channel).0,
            );
            let at = earliest.entry(key).or_insert(i64::MAX);
            *at = recorded.at.0.min(*at);
        }
    }
    let fact = |(key, at): (Key, i64)| stored::OfferFact {
        outcome: key.1,
        decision_hi: key.3.0,
        decision_lo: key.3.1,
        slot: key.4,
        decided_at: key.2,
        action: key.0,
        group: key.5,
        channel: key.6,
        at,
    };
    earliest.into_iter().map(fact).collect()
}

fn newest(sorted: &[&Recorded]) -> i64 {
    let outcomes = outcomes(sorted).into_iter().map(|o| o.decided_at);
    let pending = reserved(sorted).into_iter().map(|r| r.at);
    outcomes.chain(pending).max().unwrap_or_default()
}

/// The outcomes that are kept.
pub(super) fn offers(sorted: &[&Recorded]) -> Vec<stored::OfferFact> {
    let newest = newest(sorted);
    let mut all = outcomes(sorted);
    all.retain(|offer| offer.decided_at >= newest - HORIZON);
    let rank = |o: &stored::OfferFact| {
        (
            o.decided_at,
            (o.decision_hi, o.decision_lo),
            o.slot,
            o.action,
            o.group,
            o.channel,
        )
    };
    let among_latest =
        |offer: &stored::OfferFact, most: usize, same: &dyn Fn(&stored::OfferFact) -> bool| {
            let later = all
                .iter()
                .filter(|o| o.outcome == offer.outcome && same(o) && rank(o) > rank(offer));
            later.count() < most
        };
    let kept = all.iter().filter(|offer| {
        among_latest(offer, KEPT_NARROW, &|o| o.action == offer.action)
            || among_latest(offer, KEPT_WIDE, &|o| o.group == offer.group)
            || among_latest(offer, KEPT_WIDE, &|o| o.channel == offer.channel)
            || among_latest(offer, KEPT_WIDE, &|_| true)
    });
    kept.copied().collect()
}

/// The contacts that are pending as of the newest decision.
pub(super) fn pending(sorted: &[&Recorded]) -> Vec<stored::PendingOffer> {
    let newest = newest(sorted);
    let mut all = reserved(sorted);
    all.retain(|pending| pending.expires_at > newest || pending.at == newest);
    let key = |p: &stored::PendingOffer| {
        let decision = (p.decision_hi, p.decision_lo);
        (
            decision,
            p.slot,
            p.action,
            p.group,
            p.channel,
            p.at,
            p.expires_at,
        )
    };
    all.sort_by_key(key);
    all.dedup();
    all
}

/// The holdout groups that were given.
pub(super) fn pins(sorted: &[&Recorded]) -> Vec<stored::HoldoutPin> {
    let groups = ["held_out", "random", "policy"];
    let mut pins = BTreeSet::new();
    for recorded in sorted {
        let Some(note) = recorded
            .message
            .offer
            .as_ref()
            .and_then(|o| o.holdout.as_ref())
        else {
            continue;
        };
        let profile = uuid::Uuid::parse_str(&note.profile_id)
            .unwrap()
            .as_u64_pair();
        let group = groups.iter().position(|name| *name == note.group).unwrap() + 1;
        pins.insert((note.epoch, profile, group));
    }
    pins.into_iter()
        .map(|(epoch, profile, group)| stored::HoldoutPin {
            epoch: epoch.try_into().unwrap(),
            profile_hi: profile.0,
            profile_lo: profile.1,
            group: group.try_into().unwrap(),
        })
        .collect()
}

/// Whether an interaction is a complaint.
pub(super) fn complains(recorded: &Recorded) -> bool {
    let message = &recorded.message;
    let kind = message.r#type.as_str();
    if kind.starts_with("complaint.") || kind == "ticket.escalated" {
        return true;
    }
    let speaks = match message.direction() {
        Direction::Inbound => true,
        Direction::Outbound => false,
        Direction::Unspecified => ["ticket.opened", "survey.answered"].contains(&kind),
    };
    let wants = [Intent::Complaint.into(), Intent::Escalation.into()];
    let mut intents = recorded.analyses.iter().flat_map(|one| &one.intents);
    speaks && intents.any(|intent| wants.contains(intent))
}

/// The newest complaints about no ticket.
pub(super) fn complaints(sorted: &[&Recorded]) -> Vec<stored::Complaint> {
    let about_none = |r: &&&Recorded| {
        let kind = r.message.subject.as_ref().map(Subject::kind);
        kind != Some(SubjectKind::Ticket)
    };
    let complaints = sorted
        .iter()
        .rev()
        .filter(about_none)
        .filter(|r| complains(r));
    complaints
        .take(20)
        .map(|r| {
            let (id_hi, id_lo) = halves(r);
            stored::Complaint {
                at: r.at.0,
                id_hi,
                id_lo,
            }
        })
        .collect()
}
