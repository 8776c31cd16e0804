//! How much ingest is let in, and whom.
//!
//! What must stay true:
//!
//! - Small calls and bulk have limits of their own ([`Limit`]), so neither shuts the other out. When small calls take too long
//!   it is the part with more under way that has to give.
//! - Somebody is let in only while fewer interactions are under way than the limit, and is let in whole: a call may go
//!   beyond the limit once, so that no call is too large for it.
//! - A tenant has three quarters of a limit at most, so one that sends without end leaves room for the others.
//! - Others wait in line, and whoever comes later never passes one who waits for the same room. Streams wait until it is their
//!   turn. Unary calls wait no longer than those who are let in may take, and are turned away at once where the line is as long
//!   as the limit, since who comes last in it would wait for longer.
//! - What was taken is given back with the last part of a [`Held`], whatever becomes of the call.

mod line;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

pub use self::line::Patience;
use self::line::{Line, Party, Waiter};
use super::limit::{Bounds, Limit};
use crate::ids::TenantId;

/// What hurries and what does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Unary calls with few interactions: what they wait is the load's doing and not their own.
    Small,
    /// All others, and streams.
    Bulk,
}

/// The way in, for all tenants.
#[derive(Debug)]
pub struct Gate {
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State([Part; 2]);

#[derive(Debug)]
struct Part {
    limit: Limit,
    held: usize,
    of_tenant: HashMap<TenantId, usize>,
    line: Line,
}

/// Three quarters.
const fn most_of(limit: usize) -> usize {
    limit - limit / 4
}

impl Part {
    fn new(bounds: Bounds) -> Self {
        Self {
            limit: Limit::new(bounds),
            held: 0,
            of_tenant: HashMap::new(),
            line: Line::default(),
        }
    }

    fn of(&self, tenant: &TenantId) -> usize {
        self.of_tenant.get(tenant).copied().unwrap_or_default()
    }

    /// Whether one more call of a tenant is let in.
    fn admits(&self, tenant: &TenantId) -> bool {
        let limit = self.limit.now();
        self.held < limit && self.of(tenant) < most_of(limit)
    }

    /// Whether one more unary call of a tenant may wait.
    fn lines_up(&self, tenant: &TenantId) -> bool {
        let limit = self.limit.now();
        let (all, own) = self.line.brief(tenant);
        all < limit && own < most_of(limit)
    }

    fn turns_away(&self, tenant: &TenantId) -> bool {
        !self.admits(tenant) && !self.lines_up(tenant)
    }

    fn take(&mut self, tenant: &TenantId, items: usize) {
        self.held += items;
        *self.of_tenant.entry(tenant.clone()).or_default() += items;
    }

    fn give_back(&mut self, tenant: &TenantId, items: usize) {
        self.held -= items;
        if let Some(own) = self.of_tenant.get_mut(tenant) {
            *own -= items;
            if *own == 0 {
                self.of_tenant.remove(tenant);
            }
        }
    }

    /// Those in line for whom there is room now; it is taken for them.
    fn call_in(&mut self) -> Vec<(TenantId, Waiter)> {
        let mut called = Vec::new();
        let limit = self.limit.now();
        while self.held < limit {
            let of_tenant = &self.of_tenant;
            let has_room = |tenant: &TenantId| {
                let own = of_tenant.get(tenant).copied().unwrap_or_default();
                own < most_of(limit)
            };
            let next = self.line.next(has_room);
            let Some(((tenant, _), waiter)) = next else {
                break;
            };
            self.take(&tenant, waiter.items);
            called.push((tenant, waiter));
        }
        called
    }
}

impl Gate {
    /// A gate that holds to these bounds of small calls and of bulk.
    #[must_use]
    pub fn new(small: Bounds, bulk: Bounds) -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            state: Mutex::new(State([Part::new(small), Part::new(bulk)])),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Interactions of a class that are under way, and how many there may be.
    #[must_use]
    pub fn load(&self, class: Class) -> (usize, usize) {
        let part = &self.lock().0[class as usize];
        (part.held, part.limit.now())
    }

    /// How long calls of a class may take.
    #[must_use]
    pub fn target(&self, class: Class) -> Duration {
        self.lock().0[class as usize].limit.target()
    }

    /// Whether any unary call of a tenant would be turned away at once.
    #[must_use]
    pub fn is_full_for(&self, tenant: &TenantId) -> bool {
        self.lock().0.iter().all(|part| part.turns_away(tenant))
    }

    /// Whether a unary call of a tenant and a class would be turned away at once.
    #[must_use]
    pub fn turns_away(&self, tenant: &TenantId, class: Class) -> bool {
        self.lock().0[class as usize].turns_away(tenant)
    }

    /// Lets interactions of a tenant in, when it is their turn; nothing, when that takes too long.
    pub async fn enter(
        self: &Arc<Self>,
        tenant: &TenantId,
        class: Class,
        items: usize,
        patience: Patience,
    ) -> Option<Held> {
        let (admit, mut admitted) = oneshot::channel();
        // Leaves the line before `admitted` goes, so that as a rule nobody is called in who is gone.
        let (_place, target) = {
            let part = &mut self.lock().0[class as usize];
            // Everybody in line for whom there was room has been called in.
            if part.admits(tenant) {
                part.take(tenant, items);
                return Some(self.held(tenant, class, items));
            }
            if patience == Patience::Brief && part.turns_away(tenant) {
                return None;
            }
            let party = (tenant.clone(), patience);
            let number = part.line.push(&party, Waiter { items, admit });
            let place = Place {
                gate: Arc::clone(self),
                class,
                party,
                number,
            };
            (place, part.limit.target())
        };
        match patience {
            Patience::Brief => tokio::time::timeout(target, &mut admitted).await.ok()?,
            Patience::Endless => admitted.await,
        }
        .ok()
    }

    /// Learns from a batch that was stored: how long the slowest of its small calls and of its bulk took.
    pub fn observe(self: &Arc<Self>, small: Option<Duration>, bulk: Option<Duration>) {
        let at = self.begun.elapsed();
        let called = {
            let [quick, other] = &mut self.lock().0;
            let late = small.filter(|took| *took > quick.limit.target());
            match late {
                Some(took) if other.held > quick.held && other.limit.can_give() => {
                    other.limit.cut(at, took, other.held);
                }
                _ => {
                    quick.limit.observe(at, small, quick.held);
                    other.limit.observe(at, bulk, other.held);
                }
            }
            [quick.call_in(), other.call_in()]
        };
        let [quick, other] = called;
        self.admit(Class::Small, quick);
        self.admit(Class::Bulk, other);
    }

    fn held(self: &Arc<Self>, tenant: &TenantId, class: Class, items: usize) -> Held {
        Held {
            gate: Arc::clone(self),
            tenant: tenant.clone(),
            class,
            items,
        }
    }

    /// Tells those who were called in. Outside the lock: what nobody takes is given back at once.
    fn admit(self: &Arc<Self>, class: Class, called: Vec<(TenantId, Waiter)>) {
        for (tenant, Waiter { items, admit }) in called {
            let _ = admit.send(self.held(&tenant, class, items));
        }
    }

    fn leave(self: &Arc<Self>, tenant: &TenantId, class: Class, items: usize) {
        let called = {
            let part = &mut self.lock().0[class as usize];
            part.give_back(tenant, items);
            part.call_in()
        };
        self.admit(class, called);
    }
}

/// A place in line, until this is dropped.
struct Place {
    gate: Arc<Gate>,
    class: Class,
    party: Party,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let part = &mut self.gate.lock().0[self.class as usize];
        part.line.remove(&self.party, self.number);
    }
}

/// Interactions that were let in, until this is dropped.
#[derive(Debug)]
pub struct Held {
    gate: Arc<Gate>,
    tenant: TenantId,
    class: Class,
    items: usize,
}

impl Held {
    /// What they are.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// A part of them, if there are so many.
    #[must_use]
    pub fn split(&mut self, items: usize) -> Option<Self> {
        self.items = self.items.checked_sub(items)?;
        Some(self.gate.held(&self.tenant, self.class, items))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.items > 0 {
            self.gate.leave(&self.tenant, self.class, self.items);
        }
    }
}

#[cfg(test)]
mod tests;
