//! Whether a decision still holds when it is about to be stored.

use super::{Choice, Decision, Inputs, Policy, slot::FALLBACK};
use crate::next_best_action::{
    contact::Reservation,
    gates::{Answers, Gate, Gates, Judge},
    keys::ActionKey,
};

/// Whether everything that was chosen passes its gates on other inputs too: those of the customer as they are when the decision
/// is stored. What is reserved for a slot counts for the slots after it, as when it was decided. A customer who was given a
/// holdout group meanwhile is to be decided for anew.
#[must_use]
pub fn holds<J: Judge>(
    decision: &Decision,
    then: &Inputs,
    now: &Inputs,
    policy: &Policy,
    judge: &J,
) -> bool {
    if then.pins != now.pins {
        return false;
    }
    let mut reserved: Vec<Reservation> = Vec::new();
    let mut placements = decision.placements.iter().zip(&now.placements);
    placements.all(|(placed, wanted)| {
        let place = policy.place(wanted.placement);
        let gates = Gates {
            policy,
            inputs: now,
            wanted,
            place: place.filter(|place| place.channel == wanted.channel),
            group: decision.assigned.group,
            judge,
        };
        placed.slots.iter().all(|slot| {
            let passes = match slot.choice {
                Choice::Nothing => true,
                Choice::Action(key) => passes(&gates, policy, key, &reserved, &Gate::ALL),
                Choice::Fallback(key) => passes(&gates, policy, key, &reserved, FALLBACK),
            };
            let of_slot = decision.reservations.iter();
            reserved.extend(of_slot.filter(|r| r.slot == slot.number));
            passes
        })
    })
}

fn passes<J: Judge>(
    gates: &Gates<'_, J>,
    policy: &Policy,
    key: ActionKey,
    reserved: &[Reservation],
    wanted: &[Gate],
) -> bool {
    let actions = policy.actions();
    let at = actions.binary_search_by_key(&key, |action| action.key);
    let action = at.ok().and_then(|at| actions.get(at));
    action.is_some_and(|action| {
        let mut answers = Answers::default();
        let stopped = gates.first_stop(action, reserved, &mut answers, wanted);
        stopped.is_none()
    })
}
