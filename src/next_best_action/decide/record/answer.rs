//! Answers as messages.

use super::{Unreadable, at_place, fit, inputs, place};
use crate::{
    next_best_action::{
        arbitration::Terms,
        decide::{Choice, Decision, Inputs, Lost, Placed, Share, Slot, Survivor},
        gates::Gate,
        holdout::Assigned,
        keys::{ActionKey, ChannelIndex, PlacementKey, Verdict},
    },
    proto::state::v1 as stored,
};

pub(super) fn to_proto(decision: &Decision) -> stored::DecisionAnswer {
    let assigned = decision.assigned;
    stored::DecisionAnswer {
        group: place(&inputs::GROUPS, &assigned.group),
        in_lift: assigned.in_lift,
        pin: assigned.pin.as_ref().map(inputs::pin),
        placements: decision.placements.iter().map(placed).collect(),
        reservations: decision
            .reservations
            .iter()
            .map(inputs::reservation)
            .collect(),
    }
}

pub(super) fn from_proto(
    answer: stored::DecisionAnswer,
    of: &Inputs,
) -> Result<Decision, Unreadable> {
    let pin = answer.pin.as_ref().map(inputs::to_pin);
    let placements: Result<_, _> = answer.placements.into_iter().map(to_placed).collect();
    let reservations = answer.reservations.iter().map(inputs::to_reservation);
    let reservations: Result<_, _> = reservations.collect();
    Ok(Decision {
        decision: of.decision,
        policy_version: of.policy_version,
        model_snapshot: of.model_snapshot,
        assigned: Assigned {
            group: at_place(&inputs::GROUPS, answer.group, "group")?,
            in_lift: answer.in_lift,
            pin: pin.transpose()?,
        },
        placements: placements?,
        reservations: reservations?,
    })
}

fn placed(placed: &Placed) -> stored::PlacementAnswer {
    let gate = |lost: &Lost| {
        let unknown = u32::from(lost.verdict == Verdict::Unknown);
        u8::try_from(place(&Gate::ALL, &lost.gate) * 2 + unknown).unwrap_or_default()
    };
    let gates: Vec<u8> = placed.lost.iter().map(gate).collect();
    stored::PlacementAnswer {
        placement: placed.placement.0,
        channel: placed.channel.0.into(),
        slots: placed.slots.iter().map(slot).collect(),
        survivors: placed.survivors.iter().map(survivor).collect(),
        lost: placed.lost.iter().map(|lost| lost.index).collect(),
        gates: gates.into(),
    }
}

fn to_placed(placed: stored::PlacementAnswer) -> Result<Placed, Unreadable> {
    if placed.lost.len() != placed.gates.len() {
        return Err(Unreadable::Impossible("number of gates"));
    }
    let lost = placed.lost.iter().zip(&placed.gates).map(|(index, gate)| {
        Ok(Lost {
            index: *index,
            gate: at_place(&Gate::ALL, u32::from(gate / 2), "gate")?,
            verdict: if gate % 2 == 1 {
                Verdict::Unknown
            } else {
                Verdict::Fail
            },
        })
    });
    let lost: Result<_, Unreadable> = lost.collect();
    let slots: Result<_, _> = placed.slots.into_iter().map(to_slot).collect();
    let survivors: Result<_, _> = placed.survivors.iter().map(to_survivor).collect();
    Ok(Placed {
        placement: PlacementKey(placed.placement),
        channel: ChannelIndex(fit(placed.channel, "channel")?),
        slots: slots?,
        survivors: survivors?,
        lost: lost?,
        explained: Vec::new(),
    })
}

fn slot(slot: &Slot) -> stored::SlotAnswer {
    let choice = match slot.choice {
        Choice::Action(_) => 1,
        Choice::Fallback(_) => 2,
        Choice::Nothing => 3,
    };
    let key = slot.choice.action().unwrap_or_default();
    stored::SlotAnswer {
        number: slot.number.into(),
        choice,
        action: key.id,
        version: key.version,
        pi: slot.pi,
        drawn: slot.drawn,
        candidates: slot.shares.iter().map(|share| share.survivor).collect(),
        shares: slot.shares.iter().map(|share| share.pi).collect(),
    }
}

fn to_slot(slot: stored::SlotAnswer) -> Result<Slot, Unreadable> {
    if slot.candidates.len() != slot.shares.len() {
        return Err(Unreadable::Impossible("number of shares"));
    }
    let key = ActionKey {
        id: slot.action,
        version: slot.version,
    };
    let choices = [Choice::Action(key), Choice::Fallback(key), Choice::Nothing];
    let shares = slot.candidates.into_iter().zip(slot.shares);
    Ok(Slot {
        number: fit(slot.number, "slot")?,
        choice: at_place(&choices, slot.choice, "choice")?,
        pi: slot.pi,
        drawn: slot.drawn,
        shares: shares
            .map(|(survivor, pi)| Share { survivor, pi })
            .collect(),
    })
}

fn survivor(survivor: &Survivor) -> stored::SurvivingAction {
    stored::SurvivingAction {
        action: survivor.action.id,
        version: survivor.action.version,
        index: survivor.index,
        ln_p: survivor.terms.ln_p,
        ln_c: survivor.terms.ln_c,
        ln_v: survivor.terms.ln_v,
        ln_l: survivor.terms.ln_l,
        upper: survivor.upper,
        level: survivor.level.into(),
        high_risk: survivor.high_risk,
    }
}

fn to_survivor(survivor: &stored::SurvivingAction) -> Result<Survivor, Unreadable> {
    Ok(Survivor {
        action: ActionKey {
            id: survivor.action,
            version: survivor.version,
        },
        index: survivor.index,
        terms: Terms {
            ln_p: survivor.ln_p,
            ln_c: survivor.ln_c,
            ln_v: survivor.ln_v,
            ln_l: survivor.ln_l,
        },
        upper: survivor.upper,
        level: fit(survivor.level, "level")?,
        high_risk: survivor.high_risk,
    })
}
