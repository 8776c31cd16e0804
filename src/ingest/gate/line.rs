//! Who waits to be let in.
//!
//! What must stay true: each [`Party`] is served in the order in which it came, and parties take turns, so that one that
//! sends without end delays itself and not the others; whoever gave up is not in the line any more.

use std::collections::{BTreeMap, HashMap, VecDeque};

use tokio::sync::oneshot;

use super::Held;
use crate::ids::TenantId;

/// How long somebody waits to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Patience {
    /// Not beyond the time in which others are stored, and only where the line is short enough for that.
    Brief,
    /// Until it is their turn.
    Endless,
}

/// Those who wait together.
pub(super) type Party = (TenantId, Patience);

/// Somebody who waits.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) items: usize,
    pub(super) admit: oneshot::Sender<Held>,
}

/// The line before one part of the gate.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Parties in the order of their turns. One that has nobody left leaves when its turn comes.
    turns: VecDeque<Party>,
    of: HashMap<Party, BTreeMap<u64, Waiter>>,
    next: u64,
    /// Interactions of those who wait briefly, and of each tenant.
    brief: usize,
    brief_of: HashMap<TenantId, usize>,
}

impl Line {
    /// Interactions of those who wait briefly: in all, and of a tenant.
    pub(super) fn brief(&self, tenant: &TenantId) -> (usize, usize) {
        let own = self.brief_of.get(tenant);
        (self.brief, own.copied().unwrap_or_default())
    }

    /// Takes somebody in, at the end of its party; what names it there.
    pub(super) fn push(&mut self, party: &Party, waiter: Waiter) -> u64 {
        self.next += 1;
        if party.1 == Patience::Brief {
            self.brief += waiter.items;
            *self.brief_of.entry(party.0.clone()).or_default() += waiter.items;
        }
        if !self.of.contains_key(party) {
            self.turns.push_back(party.clone());
        }
        let waiting = self.of.entry(party.clone()).or_default();
        waiting.insert(self.next, waiter);
        self.next
    }

    /// Lets somebody go who gave up, if it is still here.
    pub(super) fn remove(&mut self, party: &Party, number: u64) {
        let waiting = self.of.get_mut(party);
        if let Some(waiter) = waiting.and_then(|waiting| waiting.remove(&number)) {
            self.gone(party, &waiter);
        }
    }

    /// The next one whose tenant there is room for.
    pub(super) fn next(&mut self, admits: impl Fn(&TenantId) -> bool) -> Option<(Party, Waiter)> {
        for _ in 0..self.turns.len() {
            let party = self.turns.pop_front()?;
            let waiting = self.of.get_mut(&party)?;
            let first = if admits(&party.0) {
                waiting.pop_first()
            } else {
                None
            };
            if waiting.is_empty() {
                self.of.remove(&party);
            } else {
                self.turns.push_back(party.clone());
            }
            if let Some((_, waiter)) = first {
                self.gone(&party, &waiter);
                return Some((party, waiter));
            }
        }
        None
    }

    fn gone(&mut self, (tenant, patience): &Party, waiter: &Waiter) {
        if *patience == Patience::Brief {
            self.brief -= waiter.items;
            if let Some(own) = self.brief_of.get_mut(tenant) {
                *own -= waiter.items;
                if *own == 0 {
                    self.brief_of.remove(tenant);
                }
            }
        }
    }
}
