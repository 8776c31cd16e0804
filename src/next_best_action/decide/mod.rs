//! One decision: which actions to show on a page, and why those.
//!
//! What must stay true:
//!
//! - [`decide`] is a function of its arguments alone: the same policy, model, rules and inputs end in the same answer, bit
//!   for bit, whatever order the catalogue came in. A [`Record`] stores it, [`replay()`] decides again and compares.
//! - No action is on a page twice, in whatever placement or as a fallback, in whatever version.
//! - What is chosen for a slot counts for the contact policies of the slots after it, so a page exceeds no cap by itself.
//! - A fallback passes every gate but the holdout: nothing that is shown overrules a consent or a complaint.
//! - The model is asked once of each survivor of a placement, not again for each slot.
//! - Allocation: the lists of the answer, one of what the model says of the survivors, and nothing else, unless an explanation is
//!   wanted.
//!
//! How a customer's group changes a slot. Held out: SERVE and mandatory actions compete as ever, all others stop at the
//! gate; mostly the fallback is left. Random: whatever probability the policy gives to those that do not stand outside is
//! spread evenly over all of those that survived and are not of high risk; what stands outside keeps its own. If there is
//! none to spread over, the policy decides.

mod answer;
mod holds;
mod inputs;
mod policy;
mod record;
mod replay;
mod slot;
#[cfg(test)]
mod tests;

pub use answer::{Choice, Decision, Explained, Lost, Placed, Share, Slot, Survivor};
pub use holds::holds;
pub use inputs::{Fact, Inputs, PLACEMENTS, ReadProfile, SLOTS, Value, Wanted};
pub use policy::{Place, Policy, Prepared, Settings, Status};
pub use record::{FORMAT, Record, Unreadable, encode};
pub use replay::{Difference, Mismatch, Replay, differences, replay};

use crate::next_best_action::{
    arbitration::{Terms, ln_context},
    contact::Reservation,
    exploration::{Model, Propensity},
    gates::{Answers, Gate, Gates, Judge},
    holdout::Assigned,
    keys::Verdict,
};

/// What the placements of a page share while it is decided.
struct Page<'a, M, J> {
    policy: &'a Policy,
    inputs: &'a Inputs,
    model: &'a M,
    judge: &'a J,
    assigned: Assigned,
    /// What is reserved so far.
    reserved: Vec<Reservation>,
    /// What is on it so far.
    taken: Taken,
    /// The number of the next slot.
    next: u16,
    /// What stands in the slots, by the ids of actions, where another decision filled them.
    stood: Option<&'a [Option<u64>]>,
}

/// Ids of the actions on a page, of any version.
struct Taken {
    ids: [u64; PLACEMENTS * SLOTS],
    held: usize,
}

impl Default for Taken {
    fn default() -> Self {
        Self {
            ids: [0; PLACEMENTS * SLOTS],
            held: 0,
        }
    }
}

impl Taken {
    fn add(&mut self, id: u64) {
        if let Some(place) = self.ids.get_mut(self.held) {
            *place = id;
            self.held += 1;
        }
    }

    fn holds(&self, id: u64) -> bool {
        let ids = self.ids.get(..self.held).unwrap_or_default();
        ids.contains(&id)
    }
}

/// Decides. `model` must be the snapshot and `policy` the version that `inputs` name: see [`Mismatch`] for who checks.
#[must_use]
pub fn decide<M: Model, J: Judge>(
    inputs: &Inputs,
    policy: &Policy,
    model: &M,
    judge: &J,
) -> Decision {
    let profile = inputs.profile.map(|profile| profile.id);
    let assigned = policy.settings().holdout.assign(profile, &inputs.pins);
    made(inputs, (policy, model, judge), assigned, None)
}

/// What a policy would do where another one decided, slot by slot, each given what stands in the slots before: what it chooses itself
/// changes nothing. Nobody is held out of it.
#[must_use]
pub fn would<M: Model, J: Judge>(
    inputs: &Inputs,
    policy: &Policy,
    model: &M,
    judge: &J,
    stood: &[Option<u64>],
) -> Decision {
    made(
        inputs,
        (policy, model, judge),
        Assigned::default(),
        Some(stood),
    )
}

fn made<M: Model, J: Judge>(
    inputs: &Inputs,
    (policy, model, judge): (&Policy, &M, &J),
    assigned: Assigned,
    stood: Option<&[Option<u64>]>,
) -> Decision {
    let mut page = Page {
        policy,
        inputs,
        model,
        judge,
        assigned,
        reserved: Vec::new(),
        taken: Taken::default(),
        next: 0,
        stood,
    };
    let wanted = inputs.placements.iter().take(PLACEMENTS);
    let placements = wanted.map(|wanted| page.place(wanted)).collect();
    Decision {
        decision: inputs.decision,
        policy_version: policy.settings().version,
        model_snapshot: model.snapshot(),
        assigned,
        placements,
        reservations: if inputs.dry_run {
            Vec::new()
        } else {
            page.reserved
        },
    }
}

impl<'a, M: Model, J: Judge> Page<'a, M, J> {
    fn place(&mut self, wanted: &'a Wanted) -> Placed {
        let place = self.policy.place(wanted.placement);
        let gates = Gates {
            policy: self.policy,
            inputs: self.inputs,
            wanted,
            place: place.filter(|place| place.channel == wanted.channel),
            group: self.assigned.group,
            judge: self.judge,
        };
        let situation = self.inputs.situation.map(|keys| keys.on(wanted.channel));
        let count = usize::from(wanted.count).min(SLOTS);
        let mut answers = Answers::default();
        let actions = self.policy.actions();
        let mut placed = Placed {
            placement: wanted.placement,
            channel: wanted.channel,
            slots: Vec::with_capacity(count),
            survivors: Vec::with_capacity(actions.len().min(32)),
            lost: Vec::with_capacity(actions.len()),
            explained: Vec::new(),
        };
        let mut said = Vec::with_capacity(placed.survivors.capacity());
        for (at, action) in actions.iter().enumerate() {
            let index = u32::try_from(at).unwrap_or(u32::MAX);
            let stopped = gates.first_stop(action, &self.reserved, &mut answers, &Gate::ALL);
            if let Some((gate, verdict)) = stopped {
                placed.lost.push(Lost {
                    index,
                    gate,
                    verdict,
                });
                continue;
            }
            let model: &'a M = self.model;
            let of = model.propensity(at, action.key, wanted.channel, situation.as_ref());
            let survivor = self.survivor((at, index), action, wanted, &of);
            placed.survivors.push(survivor);
            said.push(of.draws);
        }
        if self.inputs.explain {
            let explain = |action: &Prepared| Explained {
                action: action.key,
                gates: gates.report(action, &self.reserved),
            };
            placed.explained = actions.iter().map(explain).collect();
        }
        self.fill(&gates, &mut placed, count, &said);
        placed
    }

    fn survivor(
        &self,
        (at, index): (usize, u32),
        action: &Prepared,
        wanted: &Wanted,
        said: &Propensity<'_>,
    ) -> Survivor {
        let holds = |rule| self.judge.judge(rule, wanted) == Verdict::Pass;
        let context = action.context.iter().filter(|(rule, _)| holds(*rule));
        let points = context.map(|(_, points)| i64::from(*points)).sum();
        let (ln_v, ln_l) = self.policy.fixed(at);
        let terms = Terms {
            ln_p: said.ln_mean,
            ln_c: ln_context(points),
            ln_v,
            ln_l,
        };
        Survivor {
            action: action.key,
            index,
            terms,
            upper: terms.fixed() + said.ln_upper,
            level: said.level(),
            high_risk: action.high_risk,
        }
    }
}
