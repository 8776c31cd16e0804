//! Rows to judge policies on, from decisions as they are stored and what each policy would have done in their places.
//!
//! What must stay true:
//!
//! - A row is a slot that was decided: the logged probabilities of all candidates, those of each policy, given what stood in the
//!   slots before, and what the slot brought. What one of them has and another has not is in all with the probability 0.
//! - Versions of an action are one: another lever makes another version of the same offer. Nothing at all is a candidate too.
//! - What is known not to have been delivered is no row: whom nothing reached refused nothing.

use std::collections::HashMap;

use super::{
    log::Decided,
    logbook::{CANDIDATES, Entry, Logbook, Logged},
    policy::Policy,
};
use crate::{
    calendar::Day,
    next_best_action::{
        decide::{Decision, Placed, Slot},
        hashing,
        keys::ActionKey,
    },
};

/// What a slot brought.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Brought {
    /// Nothing is known of it: it never reached the customer.
    NotDelivered,
    /// So much, in the unit of rewards.
    Reward(f64),
}

/// Rows, and what each of `N` policies does in them.
#[derive(Debug)]
pub struct Rows<const N: usize> {
    book: Logbook,
    targets: [HashMap<(u128, u16), Vec<f64>>; N],
    left_out: u64,
}

impl<const N: usize> Default for Rows<N> {
    fn default() -> Self {
        Self {
            book: Logbook::default(),
            targets: std::array::from_fn(|_| HashMap::new()),
            left_out: 0,
        }
    }
}

/// Whose decision it was, and when.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    /// The profile that the customer has now, as a number; of somebody who is not known the decision.
    pub profile: u128,
    /// The day, in the tenant's zone.
    pub day: Day,
}

impl<const N: usize> Rows<N> {
    /// Adds the slots of a decision, with what each policy would have done in its place and what each slot brought.
    pub fn add(
        &mut self,
        made: Made,
        (then, would): (&Decision, [&Decision; N]),
        brought: impl Fn(u16, Option<ActionKey>) -> Brought,
    ) {
        for (at, placed) in then.placements.iter().enumerate() {
            for (of, slot) in placed.slots.iter().enumerate() {
                let instead = would.map(|would| shares_at(would, (at, of)));
                if instead.iter().any(Option::is_none) {
                    continue;
                }
                let Brought::Reward(reward) = brought(slot.number, slot.choice.action()) else {
                    self.left_out += 1;
                    continue;
                };
                let key = (then.decision.0, slot.number);
                let instead = instead.map(Option::unwrap_or_default);
                if !self.slot(made, key, (placed, slot, instead), reward) {
                    self.left_out += 1;
                }
            }
        }
    }

    fn slot(
        &mut self,
        made: Made,
        (decision, number): (u128, u16),
        (placed, slot, wanted): (&Placed, &Slot, [Vec<(u64, f64)>; N]),
        reward: f64,
    ) -> bool {
        let logged = shares(placed, slot);
        let all = logged.iter().chain(wanted.iter().flatten());
        let mut actions: Vec<u64> = all.map(|(id, _)| *id).collect();
        actions.sort_unstable();
        actions.dedup();
        if actions.len() > CANDIDATES {
            return false;
        }
        let of = |shares: &[(u64, f64)]| -> Vec<f64> {
            let sum: f64 = shares.iter().map(|(_, pi)| pi).sum();
            let part = |id: &u64| -> f64 {
                let of = shares.iter().filter(|(other, _)| other == id);
                of.map(|(_, pi)| pi).sum()
            };
            actions.iter().map(|id| part(id) / sum).collect()
        };
        let (propensities, targets) = (of(&logged), wanted.map(|wanted| of(&wanted)));
        let chosen = slot.choice.action().map_or(NOTHING, |action| action.id);
        let Ok(chosen) = actions.binary_search(&chosen) else {
            return false;
        };
        let keys: Vec<ActionKey> = actions
            .iter()
            .map(|id| ActionKey {
                id: *id,
                version: 0,
            })
            .collect();
        let place = [placed.placement.0, u64::from(placed.channel.0)];
        let added = self.book.add(&Entry {
            decision,
            slot: number,
            day: made.day,
            profile: made.profile,
            cell: hashing::text(&[&format!("{place:?}")]),
            actions: &keys,
            logged: Logged::All(&propensities),
            chosen,
            reward,
        });
        if added.is_ok() {
            for (known, target) in self.targets.iter_mut().zip(targets) {
                known.insert((decision, number), target);
            }
        }
        added.is_ok()
    }

    /// Slots that did not count.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The log, and the policies on it.
    #[must_use]
    pub fn close(self) -> (super::log::Log, [Replayed; N]) {
        (self.book.close(), self.targets.map(Replayed))
    }
}

/// What a policy would have done in the rows that were made with it.
#[derive(Debug)]
pub struct Replayed(HashMap<(u128, u16), Vec<f64>>);

impl Policy for Replayed {
    fn probabilities(&self, row: &Decided<'_>, into: &mut [f64]) {
        if let Some(target) = self.0.get(&(row.decision(), row.slot())) {
            for (to, from) in into.iter_mut().zip(target) {
                *to = *from;
            }
        }
    }
}

/// The candidate that is no action.
const NOTHING: u64 = 0;

/// The probabilities of a slot by its place on the page; none where a page has no such place.
fn shares_at(decision: &Decision, (at, of): (usize, usize)) -> Option<Vec<(u64, f64)>> {
    let placed = decision.placements.get(at)?;
    Some(shares(placed, placed.slots.get(of)?))
}

/// The probabilities of a slot by the ids of actions.
fn shares(placed: &Placed, slot: &Slot) -> Vec<(u64, f64)> {
    if !slot.shares.is_empty() {
        let survivor = |at: u32| {
            usize::try_from(at)
                .ok()
                .and_then(|at| placed.survivors.get(at))
        };
        let shares = slot.shares.iter();
        let found =
            shares.filter_map(|share| Some((survivor(share.survivor)?.action.id, share.pi)));
        return found.filter(|(_, pi)| *pi > 0.0).collect();
    }
    vec![(
        slot.choice.action().map_or(NOTHING, |action| action.id),
        1.0,
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::next_best_action::{
        arbitration::Terms,
        decide::{Choice, Share, Survivor},
        holdout::Assigned,
        keys::{ChannelIndex, DecisionKey, PlacementKey},
    };

    fn key(id: u64) -> ActionKey {
        ActionKey { id, version: 9 }
    }

    /// A decision about one slot, with its candidates.
    fn decided(shares: &[(u64, f64)], choice: Choice) -> Decision {
        let survivor = |(id, _): &(u64, f64)| Survivor {
            action: key(*id),
            index: 0,
            terms: Terms {
                ln_p: -1.0,
                ln_c: 0.0,
                ln_v: 0.0,
                ln_l: 0.0,
            },
            upper: 0.0,
            level: 1,
            high_risk: false,
        };
        let slot = Slot {
            number: 0,
            choice,
            pi: 1.0,
            drawn: 0.5,
            shares: (0..)
                .zip(shares)
                .map(|(survivor, (_, pi))| Share { survivor, pi: *pi })
                .collect(),
        };
        let placed = Placed {
            placement: PlacementKey(5),
            channel: ChannelIndex(0),
            slots: vec![slot],
            survivors: shares.iter().map(survivor).collect(),
            lost: Vec::new(),
            explained: Vec::new(),
        };
        Decision {
            decision: DecisionKey(7),
            policy_version: 1,
            model_snapshot: 0,
            assigned: Assigned::default(),
            placements: vec![placed],
            reservations: Vec::new(),
        }
    }

    /// Candidates with what was logged and what would be done, in thousandths; and how many slots were left out.
    fn row(then: &Decision, would: &Decision, brought: Brought) -> (Vec<(u64, i32, i32)>, u64) {
        let made = Made {
            profile: 1,
            day: Day(3),
        };
        let mut rows = Rows::default();
        rows.add(made, (then, [would]), |_, _| brought);
        let left_out = rows.left_out();
        let (log, [policy]) = rows.close();
        let Some(row) = log.rows().next() else {
            return (Vec::new(), left_out);
        };
        let mut target = vec![0.0; row.candidates()];
        policy.probabilities(&row, &mut target);
        let thousandths = |share: &f64| format!("{:.0}", share * 1_000.0).parse::<i32>().unwrap();
        let both = row.propensities().iter().zip(&target).enumerate();
        let candidates = both.map(|(place, (logged, target))| {
            (
                row.action(place).id,
                thousandths(logged),
                thousandths(target),
            )
        });
        (candidates.collect(), left_out)
    }

    #[test]
    fn what_one_has_and_the_other_has_not_is_in_both() {
        let then = decided(&[(1, 0.75), (2, 0.25)], Choice::Action(key(2)));
        let would = decided(&[(3, 0.9), (1, 0.1)], Choice::Action(key(3)));
        let (candidates, left_out) = row(&then, &would, Brought::Reward(1.0));
        assert_eq!(candidates, [(1, 750, 100), (2, 250, 0), (3, 0, 900)]);
        assert_eq!(left_out, 0);
    }

    #[test]
    fn a_fallback_is_sure_and_nothing_is_a_candidate_too() {
        let then = decided(&[(1, 1.0)], Choice::Action(key(1)));
        let fallback = decided(&[], Choice::Fallback(key(4)));
        let nothing = decided(&[], Choice::Nothing);
        let of = |would| row(&then, would, Brought::Reward(0.0)).0;
        assert_eq!(of(&fallback), [(1, 1_000, 0), (4, 0, 1_000)]);
        assert_eq!(of(&nothing), [(0, 0, 1_000), (1, 1_000, 0)]);
        let (candidates, _) = row(&nothing, &then, Brought::Reward(0.0));
        assert_eq!(candidates, [(0, 1_000, 0), (1, 0, 1_000)]);
    }

    #[test]
    fn what_was_not_delivered_or_has_too_many_candidates_is_no_row() {
        let then = decided(&[(1, 1.0)], Choice::Action(key(1)));
        assert_eq!(row(&then, &then, Brought::NotDelivered), (Vec::new(), 1));
        let many: Vec<(u64, f64)> = (1..=33).map(|id| (id, 1.0 / 33.0)).collect();
        let many = decided(&many, Choice::Action(key(1)));
        assert_eq!(row(&many, &then, Brought::Reward(1.0)), (Vec::new(), 1));
    }
}
