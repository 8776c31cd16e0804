//! How much ingest is let in, and whom.
//!
//! What must stay true:
//!
//! - Small calls and bulk have limits of their own ([`Limit`]), so neither shuts the other out. When small calls take too long
//!   it is the part with more under way that has to give.
//! - Somebody is let in only while fewer interactions are under way than the limit, and is let in whole: a call may go
//!   beyond the limit once, so that no call is too large for it.
//! - A tenant has three quarters of a limit at most, so one that sends without end leaves room for the others.
//! - Streams wait in line, the first come first; while one waits, the last quarter is theirs, so that unary calls, which
//!   never wait, cannot pass them for ever.
//! - What was taken is given back with the last part of a [`Held`], whatever becomes of the call.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

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
struct State {
    parts: [Part; 2],
    of_tenant: HashMap<TenantId, [usize; 2]>,
    line: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Part {
    limit: Limit,
    held: usize,
}

#[derive(Debug)]
struct Waiter {
    tenant: TenantId,
    items: usize,
    admit: oneshot::Sender<Held>,
}

/// Three quarters.
const fn most_of(limit: usize) -> usize {
    limit - limit / 4
}

impl State {
    fn of(&self, tenant: &TenantId, class: Class) -> usize {
        self.of_tenant
            .get(tenant)
            .map_or(0, |held| held[class as usize])
    }

    /// Whether one more call of a tenant is let in.
    fn admits(&self, tenant: &TenantId, class: Class, from_line: bool) -> bool {
        let part = &self.parts[class as usize];
        let limit = part.limit.now();
        let open = if from_line || class == Class::Small || self.line.is_empty() {
            limit
        } else {
            most_of(limit)
        };
        part.held < open && self.of(tenant, class) < most_of(limit)
    }

    fn take(&mut self, tenant: &TenantId, class: Class, items: usize) {
        self.parts[class as usize].held += items;
        self.of_tenant.entry(tenant.clone()).or_default()[class as usize] += items;
    }
}

impl Gate {
    /// A gate that holds to these bounds of small calls and of bulk.
    #[must_use]
    pub fn new(small: Bounds, bulk: Bounds) -> Arc<Self> {
        let part = |bounds| Part {
            limit: Limit::new(bounds),
            held: 0,
        };
        Arc::new(Self {
            begun: Instant::now(),
            state: Mutex::new(State {
                parts: [part(small), part(bulk)],
                of_tenant: HashMap::new(),
                line: VecDeque::new(),
            }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Interactions of a class that are under way, and how many there may be.
    #[must_use]
    pub fn load(&self, class: Class) -> (usize, usize) {
        let part = &self.lock().parts[class as usize];
        (part.held, part.limit.now())
    }

    /// Whether any unary call of a tenant would be turned away now.
    #[must_use]
    pub fn is_full_for(&self, tenant: &TenantId) -> bool {
        let state = self.lock();
        let admits = |class| state.admits(tenant, class, false);
        !admits(Class::Small) && !admits(Class::Bulk)
    }

    /// Lets the interactions of a unary call in, or not.
    #[must_use]
    pub fn enter(self: &Arc<Self>, tenant: &TenantId, class: Class, items: usize) -> Option<Held> {
        let mut state = self.lock();
        if !state.admits(tenant, class, false) {
            return None;
        }
        state.take(tenant, class, items);
        Some(self.held(tenant, class, items))
    }

    /// Lets interactions of a stream in when it is their turn.
    pub async fn wait(self: &Arc<Self>, tenant: &TenantId, items: usize) -> Held {
        let (admit, admitted) = oneshot::channel();
        self.lock().line.push_back(Waiter {
            tenant: tenant.clone(),
            items,
            admit,
        });
        self.call_in();
        match admitted.await {
            Ok(held) => held,
            // Nothing drops a waiter that waits.
            Err(_) => std::future::pending().await,
        }
    }

    /// Learns from a batch that was stored: how long the slowest of its small calls and of its bulk took.
    pub fn observe(self: &Arc<Self>, small: Option<Duration>, bulk: Option<Duration>) {
        let at = self.begun.elapsed();
        {
            let mut state = self.lock();
            let [quick, other] = &mut state.parts;
            let late = small.filter(|took| *took > quick.limit.target());
            match late {
                Some(took) if other.held > quick.held => other.limit.cut(at, took, other.held),
                _ => {
                    quick.limit.observe(at, small, quick.held);
                    other.limit.observe(at, bulk, other.held);
                }
            }
            if state.line.is_empty() {
                return;
            }
        }
        self.call_in();
    }

    fn held(self: &Arc<Self>, tenant: &TenantId, class: Class, items: usize) -> Held {
        Held {
            gate: Arc::clone(self),
            tenant: tenant.clone(),
            class,
            items,
        }
    }

    /// Lets in those in line for whom there is room.
    fn call_in(self: &Arc<Self>) {
        let mut called = Vec::new();
        {
            let mut state = self.lock();
            let mut at = 0;
            while let Some(waiter) = state.line.get(at) {
                if waiter.admit.is_closed() {
                    state.line.remove(at);
                } else if state.admits(&waiter.tenant, Class::Bulk, true) {
                    if let Some(waiter) = state.line.remove(at) {
                        state.take(&waiter.tenant, Class::Bulk, waiter.items);
                        called.push(waiter);
                    }
                } else {
                    at += 1;
                }
            }
        }
        // Outside the lock: what nobody takes is given back at once.
        for Waiter {
            tenant,
            items,
            admit,
        } in called
        {
            let _ = admit.send(self.held(&tenant, Class::Bulk, items));
        }
    }

    fn leave(self: &Arc<Self>, tenant: &TenantId, class: Class, items: usize) {
        {
            let mut state = self.lock();
            state.parts[class as usize].held -= items;
            if let Some(of_tenant) = state.of_tenant.get_mut(tenant) {
                of_tenant[class as usize] -= items;
                if *of_tenant == [0, 0] {
                    state.of_tenant.remove(tenant);
                }
            }
            if state.line.is_empty() {
                return;
            }
        }
        self.call_in();
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
