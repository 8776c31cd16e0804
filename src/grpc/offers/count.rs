//! What metrics say of decisions and of what became of them.
//!
//! What must stay true: labels are words of ours and names of actions of catalogues, so many of those at most
//! ([`ActionLabels`]). Dry runs and repeated answers offer nothing.

use std::{collections::BTreeMap, time::Instant};

use super::show::Shown;
use crate::{
    next_best_action::{
        decide::Choice,
        gates::{Gate, Gates},
        outcome::Outcome,
    },
    offering::{Call, Made},
    telemetry::{actions::ActionLabels, names},
};

/// A decision was made.
pub(super) fn decided(made: &Made, call: &Call, started: Instant) {
    let outcome = if call.dry_run {
        "dry_run"
    } else if made.repeated {
        "repeated"
    } else if made.position > 0 {
        "reserved"
    } else {
        "kept"
    };
    metrics::counter!(names::ACTION_DECISIONS, "outcome" => outcome).increment(1);
    metrics::histogram!(names::ACTION_DECISION_SECONDS).record(started.elapsed().as_secs_f64());
}

/// What a decision offers, and what its gates kept out.
pub(super) fn offered(shown: &Shown<'_>, labels: &ActionLabels) {
    let mut stops: BTreeMap<(Gate, &'static str), u64> = BTreeMap::new();
    let (inputs, decision) = (shown.inputs, shown.decision);
    let policy = shown.ready.catalogue.engine();
    for (placed, wanted) in decision.placements.iter().zip(&inputs.placements) {
        let place = policy.place(wanted.placement);
        let gates = Gates {
            policy,
            inputs,
            wanted,
            place: place.filter(|place| place.channel == wanted.channel),
            group: decision.assigned.group,
            judge: &shown.told,
        };
        for lost in &placed.lost {
            *stops.entry((lost.gate, gates.reason(lost))).or_default() += 1;
        }
        for slot in &placed.slots {
            let definition = slot.choice.action().and_then(|key| shown.definition(key));
            let Some(definition) = definition else {
                continue;
            };
            let action = labels.of(&definition.id);
            if matches!(slot.choice, Choice::Action(_)) {
                metrics::histogram!(names::ACTION_PROPENSITY, "action" => action.clone())
                    .record(slot.pi);
            }
            metrics::counter!(names::ACTION_OFFERS, "action" => action).increment(1);
        }
    }
    for ((gate, reason), number) in stops {
        metrics::counter!(names::ACTION_GATE_STOPS, "gate" => gate.slug(), "reason" => reason)
            .increment(number);
    }
}

/// An outcome of an action's offer was recorded.
pub(super) fn became(action: &str, outcome: Outcome, labels: &ActionLabels) {
    let action = labels.of(action);
    metrics::counter!(names::ACTION_OFFER_OUTCOMES, "action" => action, "outcome" => word(outcome))
        .increment(1);
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::NotDelivered => "not_delivered",
        Outcome::Pending => "sent",
        Outcome::Impression => "shown",
        Outcome::Clicked => "clicked",
        Outcome::Accepted => "accepted",
        Outcome::Rejected => "rejected",
    }
}
