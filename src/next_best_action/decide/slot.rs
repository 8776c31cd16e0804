//! The slots of a placement, one after the other.

use super::{Choice, Page, Placed, Prepared, Share, Slot, Survivor};
use crate::{
    clock::Micros,
    next_best_action::{
        contact::Reservation,
        exploration::{Contender, Draws, Entrant, K, Model, candidates, choose, drawn, shares},
        gates::{Answers, Gate, Gates, Judge},
        holdout::Group,
        keys::ChannelIndex,
    },
};

/// What a fallback has to pass.
pub(super) const FALLBACK: &[Gate] = {
    let (fallback, _holdout) = Gate::ALL.split_at(Gate::ALL.len() - 1);
    fallback
};

impl<'a, M: Model, J: Judge> Page<'a, M, J> {
    pub(super) fn fill(
        &mut self,
        gates: &Gates<'_, J>,
        placed: &mut Placed,
        count: usize,
        said: &[Draws<'_>],
    ) {
        // Contact policies were asked about the page as it was before this placement.
        let mut changed = false;
        for _ in 0..count {
            let slot = self.slot(gates, placed, changed, said);
            if let Some((id, action)) = self.stands(&slot) {
                self.taken.add(id);
                if let Some(action) = action {
                    changed |= self.reserve(action, placed.channel, slot.number);
                }
            }
            placed.slots.push(slot);
        }
    }

    /// The id of the action that stands in a slot, and the action where the policy has it.
    fn stands(&self, slot: &Slot) -> Option<(u64, Option<&'a Prepared>)> {
        let policy = self.policy;
        if let Some(stood) = self.stood {
            let id = stood.get(usize::from(slot.number)).copied().flatten()?;
            return Some((id, policy.active(id).map(|(_, action)| action)));
        }
        let key = slot.choice.action()?;
        let actions = policy.actions();
        let at = actions.binary_search_by_key(&key, |action| action.key);
        Some((key.id, at.ok().and_then(|at| actions.get(at))))
    }

    fn slot(
        &mut self,
        gates: &Gates<'_, J>,
        placed: &Placed,
        changed: bool,
        said: &[Draws<'_>],
    ) -> Slot {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        let mut answers = Answers::default();
        let mut open = [0_u64; OPEN];
        let mut left = 0_usize;
        for (at, survivor) in placed.survivors.iter().enumerate() {
            let fits = self.may_win(gates, survivor, changed, &mut answers);
            if fits && let Some(word) = open.get_mut(at / 64) {
                *word |= 1 << (at % 64);
                left += 1;
            }
        }
        let open = Open { words: open };
        let shares = if left == 0 {
            Vec::new()
        } else {
            self.shares(placed, &open, left, said)
        };
        let drawn = drawn(self.inputs.decision, self.inputs.policy_version, number);
        let chosen = choose(shares.iter().map(|share| share.pi), drawn);
        let chosen = chosen.and_then(|at| shares.get(at));
        let winner = chosen.and_then(|share| Some((survivor(placed, share)?, share.pi)));
        let (choice, pi) = match winner {
            Some((winner, pi)) => (Choice::Action(winner.action), pi),
            None => (self.fallback(gates), 1.0),
        };
        Slot {
            number,
            choice,
            pi,
            drawn,
            shares,
        }
    }

    /// Whether a survivor may be chosen: it has a priority, is not on the page and is not capped by what is.
    fn may_win(
        &self,
        gates: &Gates<'_, J>,
        survivor: &Survivor,
        changed: bool,
        answers: &mut Answers,
    ) -> bool {
        if !survivor.terms.priority().is_finite() || self.taken.holds(survivor.action.id) {
            return false;
        }
        let Some(action) = self.action(survivor) else {
            return false;
        };
        let page = &self.reserved;
        !changed
            || gates
                .first_stop(action, page, answers, &[Gate::Contact])
                .is_none()
    }

    fn action(&self, survivor: &Survivor) -> Option<&Prepared> {
        let at = usize::try_from(survivor.index).ok()?;
        self.policy.actions().get(at)
    }

    fn shares(&self, placed: &Placed, open: &Open, left: usize, said: &[Draws<'_>]) -> Vec<Share> {
        let contenders = placed.survivors.iter().enumerate();
        let contenders = contenders
            .filter(|(at, _)| open.holds(*at))
            .map(|(at, s)| Contender {
                at,
                upper: s.upper,
                mean: s.terms.priority(),
                high_risk: s.high_risk,
            });
        let most = self.policy.settings().candidates;
        let (chosen, held) = candidates(contenders, most);
        let chosen = chosen.get(..held).unwrap_or_default();
        let mut all = Vec::with_capacity(if self.assigned.group == Group::Random {
            left
        } else {
            held
        });
        self.policy_shares(placed, chosen, said, &mut all);
        if self.assigned.group == Group::Random {
            self.spread(placed, open, &mut all);
        }
        all
    }

    /// What the policy gives to the candidates.
    fn policy_shares(
        &self,
        placed: &Placed,
        chosen: &[usize],
        said: &[Draws<'_>],
        all: &mut Vec<Share>,
    ) {
        let mut entrants = [None; K];
        for (entrant, at) in entrants.iter_mut().zip(chosen) {
            let survivor = placed.survivors.get(*at).zip(said.get(*at));
            *entrant = survivor.map(|(survivor, draws)| entrant_of(survivor, *draws));
        }
        let mut held = 0;
        let first = entrants.iter().flatten().next().copied();
        let Some(first) = first else { return };
        let mut dense = [first; K];
        for (place, entrant) in dense.iter_mut().zip(entrants.iter().flatten()) {
            *place = *entrant;
            held += 1;
        }
        let epsilon = self.policy.settings().epsilon;
        let entrants = dense.get(..held).unwrap_or_default();
        let shares = shares(self.inputs.decision, entrants, epsilon);
        all.extend(chosen.iter().zip(shares.pi).map(|(at, pi)| Share {
            survivor: u32::try_from(*at).unwrap_or(u32::MAX),
            pi,
        }));
    }

    /// Spreads what the policy gives to those inside the holdout evenly over all of them.
    fn spread(&self, placed: &Placed, open: &Open, all: &mut Vec<Share>) {
        let outside =
            |survivor: &Survivor| self.action(survivor).is_some_and(Prepared::stands_outside);
        let pool = |at: usize, s: &Survivor| open.holds(at) && !s.high_risk && !outside(s);
        let survivors = || placed.survivors.iter().enumerate();
        let size = survivors().filter(|(at, s)| pool(*at, s)).count();
        let Some(each) = u32::try_from(size).ok().filter(|n| *n > 0).map(f64::from) else {
            return;
        };
        let keeps = |share: &Share| survivor(placed, share).is_some_and(outside);
        let kept: f64 = all.iter().filter(|s| keeps(s)).map(|s| s.pi).sum();
        all.retain(keeps);
        let pi = (1.0 - kept).max(0.0) / each;
        all.extend(
            survivors()
                .filter(|(at, s)| pool(*at, s))
                .map(|(at, _)| Share {
                    survivor: u32::try_from(at).unwrap_or(u32::MAX),
                    pi,
                }),
        );
        all.sort_unstable_by_key(|share| share.survivor);
    }

    fn fallback(&self, gates: &Gates<'_, J>) -> Choice {
        let id = gates.place.and_then(|place| place.fallback);
        let fits = |action: &&Prepared| {
            let mut answers = Answers::default();
            !self.taken.holds(action.key.id)
                && gates
                    .first_stop(action, &self.reserved, &mut answers, FALLBACK)
                    .is_none()
        };
        let active = id.and_then(|id| self.policy.active(id));
        let action = active.map(|(_, action)| action).filter(fits);
        action.map_or(Choice::Nothing, |action| Choice::Fallback(action.key))
    }

    /// Reserves a contact where a policy counts it; whether one does.
    fn reserve(&mut self, action: &Prepared, channel: ChannelIndex, slot: u16) -> bool {
        let asking = action.asking(channel);
        let contact = &self.policy.settings().contact;
        let counts = contact
            .iter()
            .any(|policy| policy.counts_reservation_of(asking));
        if counts {
            let at = self.inputs.at;
            self.reserved.push(Reservation {
                decision: self.inputs.decision,
                slot,
                action: asking.action,
                group: asking.group,
                channel,
                at,
                expires_at: Micros(
                    at.0.saturating_add(self.policy.settings().reservation(channel)),
                ),
            });
        }
        counts
    }
}

fn survivor<'p>(placed: &'p Placed, share: &Share) -> Option<&'p Survivor> {
    placed.survivors.get(usize::try_from(share.survivor).ok()?)
}

/// Words of 64 survivors each.
const OPEN: usize = 64;

/// Which of the survivors may win: of the first 4,096, twice as many actions as a tenant may have.
struct Open {
    words: [u64; OPEN],
}

impl Open {
    fn holds(&self, at: usize) -> bool {
        let word = self.words.get(at / 64).copied().unwrap_or_default();
        word >> (at % 64) & 1 == 1
    }
}

fn entrant_of<'d>(survivor: &Survivor, draws: Draws<'d>) -> Entrant<'d> {
    Entrant {
        action: survivor.action,
        fixed: survivor.terms.fixed(),
        ln_mean: survivor.terms.ln_p,
        draws,
        high_risk: survivor.high_risk,
    }
}
