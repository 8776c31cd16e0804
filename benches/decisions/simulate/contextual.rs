//! Level 2 in the simulator: folded day by day, and switched on by a small stand-in for off-policy evaluation.
//!
//! The evaluation compares two policies on logged decisions whose time is up: what level 1 likes best, and what the switch
//! would (level 2 for actions with an effective n of 200, level 1 for the others), both as of today. It is doubly robust
//! (`gain = q(a2) - q(a1) + ([a = a2] - [a = a1]) (r - q(a)) / pi(a)`), cross-fitted in two halves, and restricted to
//! actions that the log supports (`pi >= 0.02`), so that no weight exceeds 50.

use customer_profile::{
    calendar::Day,
    next_best_action::learning::{
        estimate::Level1,
        logistic::Logit,
        snapshot::{Resolved, Snapshot},
        switch::{ENOUGH, Gain, Spoke, Verdict},
    },
};

use super::{
    policy::{arm, count, day},
    world::{ACTIONS, Customer, DAYS, WINDOW},
};

/// Logged decisions that are evaluated, the newest.
const EVALUATED: usize = 8_000;
/// Days between evaluations.
const EVERY: usize = 5;
/// What the log must have given an action to say something of it.
const SUPPORT: f64 = 0.02;

struct Logged {
    outcome: Resolved,
    chosen: usize,
    pi: f64,
    supported: [bool; ACTIONS],
}

pub(crate) struct Contextual {
    model: Snapshot,
    /// Of the decisions with even and with odd numbers.
    halves: [Snapshot; 2],
    waiting: Vec<Vec<Logged>>,
    log: Vec<Logged>,
    verdict: Verdict,
}

impl Contextual {
    pub(crate) fn new() -> Self {
        let empty = Snapshot::empty(Day(day(0).0 - 1));
        Self {
            model: empty.clone(),
            halves: [empty.clone(), empty],
            waiting: (0..=(DAYS + WINDOW)).map(|_| Vec::new()).collect(),
            log: Vec::new(),
            verdict: Verdict::Unknown,
        }
    }

    /// Folds the outcomes that were resolved yesterday.
    pub(crate) fn learn(&mut self, today: usize, level1: &Level1) {
        let Some(yesterday) = today.checked_sub(1) else {
            return;
        };
        let resolved = std::mem::take(&mut self.waiting[yesterday]);
        let outcomes: Vec<Resolved> = resolved.iter().map(|logged| logged.outcome).collect();
        let (even, odd) = outcomes
            .iter()
            .partition::<Vec<_>, _>(|of| of.decision % 2 == 0);
        let fold = |model: &mut Snapshot, outcomes: &[Resolved]| {
            if let Ok(next) = model.fold(day(yesterday), outcomes) {
                *model = next;
            }
        };
        fold(&mut self.model, &outcomes);
        fold(&mut self.halves[0], &even);
        fold(&mut self.halves[1], &odd);
        self.log.extend(resolved);
        if today.is_multiple_of(EVERY) {
            self.verdict = self.verdict.after(self.evaluate(level1));
        }
    }

    pub(crate) fn speaks(&self, effective_n: f32) -> bool {
        Spoke::of(f64::from(effective_n), self.verdict).level() == 2
    }

    pub(crate) fn logit(&self, action: usize, customer: &Customer) -> Logit {
        self.model.logit(arm(action).action.id, &customer.keys)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "all that is logged of a decision"
    )]
    pub(crate) fn log(
        &mut self,
        today: usize,
        decision: u64,
        customer: &Customer,
        chosen: usize,
        pi: &[f64; ACTIONS],
        known: &[usize],
        yes: bool,
    ) {
        let outcome = Resolved {
            day: day(today + WINDOW),
            decision: u128::from(decision),
            slot: 0,
            action_id: arm(chosen).action.id,
            keys: customer.keys,
            yes,
        };
        let mut supported = [false; ACTIONS];
        for &action in known {
            supported[action] = pi[action] >= SUPPORT;
        }
        self.waiting[today + WINDOW].push(Logged {
            outcome,
            chosen,
            pi: pi[chosen],
            supported,
        });
    }

    fn evaluate(&self, level1: &Level1) -> Option<Gain> {
        let recent = &self.log[self.log.len().saturating_sub(EVALUATED)..];
        if recent.len() < 500 {
            return None;
        }
        let means: [f64; ACTIONS] = std::array::from_fn(|action| {
            level1.get(arm(action)).map_or(
                0.0,
                customer_profile::next_best_action::learning::estimate::Estimate::mean,
            )
        });
        let enough: [bool; ACTIONS] = std::array::from_fn(|action| {
            level1
                .get(arm(action))
                .is_some_and(|e| e.effective_n >= ENOUGH)
        });
        let (mut sum, mut squares) = (0.0, 0.0);
        for logged in recent {
            let other = &self.halves[usize::from(logged.outcome.decision % 2 == 0)];
            let mut q = means;
            for (action, q) in q.iter_mut().enumerate() {
                if enough[action] && logged.supported[action] {
                    *q = other
                        .logit(arm(action).action.id, &logged.outcome.keys)
                        .probability();
                }
            }
            let best = |of: &[f64; ACTIONS]| {
                let supported = (0..ACTIONS).filter(|action| logged.supported[*action]);
                supported
                    .max_by(|a, b| of[*a].total_cmp(&of[*b]))
                    .unwrap_or(logged.chosen)
            };
            let (one, two) = (best(&means), best(&q));
            if one == two {
                continue;
            }
            let is = |action: usize| f64::from(u8::from(action == logged.chosen));
            let yes = f64::from(u8::from(logged.outcome.yes));
            let weight = (is(two) - is(one)) / logged.pi;
            let gain = q[two] - q[one] + weight * (yes - q[logged.chosen]);
            sum += gain;
            squares += gain * gain;
        }
        let n = count(recent.len());
        let mean = sum / n;
        let error = ((squares / n - mean * mean).max(0.0) / n).sqrt();
        Some(Gain {
            value: mean,
            standard_error: error,
            low: mean - 1.96 * error,
            high: mean + 1.96 * error,
        })
    }
}
