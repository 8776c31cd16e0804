//! What deciding is worth: customers by the group of holdouts that is pinned on them.
//!
//! What must stay true: a customer counts once, as who they are now, in the one group that was ever pinned on them in the epoch; who
//! has the pins of several profiles is left out. Memory is bounded: beyond 100,000 customers a share of them is looked at, by the
//! hash that the key of a home is.

use std::collections::{BTreeMap, HashMap};

use super::{Desk, Period, period::Look};
use crate::{
    error::Error,
    ids::{IdentityKey, ProfileId, TenantId},
    next_best_action::{
        evaluation::lift::{Customer, Group, Tally},
        holdout,
    },
    storage::{
        identities, offer_figures,
        profiles::{self, Profile, Wanted},
    },
};

/// Customers that are looked at.
const CAP: usize = 100_000;
/// Homes looked up at once.
const HOMES: usize = 5_000;
/// Profiles read at once: few, since others wait while they are decoded.
const PROFILES: usize = 100;
/// A reward of 1.
const ONE: i64 = 1_000_000;

/// What a customer has to have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Accepted an offer that was decided in the period.
    Accepted,
    /// Placed an order in the period that was not cancelled.
    Ordered,
}

/// Customers by their groups.
#[derive(Clone, Copy, Debug)]
pub struct Lift {
    /// The groups.
    pub tally: Tally,
    /// The epoch.
    pub epoch: u32,
    /// The share of customers that was looked at.
    pub sampled: f64,
}

/// Homes of customers, or a share of them.
#[derive(Default)]
struct Homes {
    kept: HashMap<IdentityKey, bool>,
    halvings: u32,
}

impl Homes {
    fn stays(&self, home: IdentityKey) -> bool {
        home.as_uuid().as_u128().trailing_zeros() >= self.halvings
    }

    fn add(&mut self, home: IdentityKey, accepted: bool) {
        if self.stays(home) {
            self.kept.insert(home, accepted);
        }
        while self.kept.len() > CAP {
            self.halvings += 1;
            let kept = std::mem::take(&mut self.kept);
            self.kept = kept.into_iter().filter(|(h, _)| self.stays(*h)).collect();
        }
    }
}

impl Desk {
    /// Customers for whom something was decided in a period and an epoch of holdouts, by their groups; without an epoch in that of the
    /// policy in force.
    ///
    /// # Errors
    /// `policy_missing` without a catalogue; overloaded while another one looks at many decisions; and when the database fails.
    #[tracing::instrument(name = "decision.lift", skip_all, fields(customers = tracing::field::Empty))]
    pub async fn lift(
        &self,
        tenant: &TenantId,
        (period, goal): (Period, Goal),
        epoch: Option<u32>,
    ) -> Result<Lift, Error> {
        let catalogue = self.shelf.catalogue(tenant).await?;
        let catalogue = catalogue.ok_or_else(super::make::no_catalogue)?;
        let _turn = self.turn()?;
        let _look = Look::at("lift");
        let epoch = epoch.unwrap_or(catalogue.policy().holdouts.epoch);
        let mut homes = Homes::default();
        let mut connection = self.storage.acquire().await?;
        let (from, before) = (period.from, period.before);
        let each = |home, accepted| homes.add(home, accepted);
        offer_figures::customers(&mut connection, tenant, (from, before), epoch, each).await?;
        drop(connection);
        let sampled = (0..homes.halvings).fold(1.0, |share, _| share / 2.0);
        let customers = self.customers(tenant, &homes.kept).await?;
        tracing::Span::current().record("customers", customers.len());
        let customers: Vec<(ProfileId, bool)> = customers.into_iter().collect();
        let mut tally = Tally::default();
        for page in customers.chunks(PROFILES) {
            let wanted: Vec<Wanted> = page
                .iter()
                .map(|(id, _)| Wanted {
                    subjects: goal == Goal::Ordered,
                    ..Wanted::row(*id)
                })
                .collect();
            let mut connection = self.storage.acquire().await?;
            let found = profiles::load(&mut connection, tenant, &wanted).await?;
            drop(connection);
            let accepted: HashMap<ProfileId, bool> = page.iter().copied().collect();
            for profile in &found {
                let converted = match goal {
                    Goal::Accepted => accepted.get(&profile.id).copied().unwrap_or_default(),
                    Goal::Ordered => ordered(profile, period),
                };
                if let Some(customer) = customer(profile, epoch, converted) {
                    tally.add(&customer);
                }
            }
            tokio::task::yield_now().await;
        }
        Ok(Lift {
            tally,
            epoch,
            sampled,
        })
    }

    /// Who holds homes now, and whether they accepted anything under any of them.
    async fn customers(
        &self,
        tenant: &TenantId,
        homes: &HashMap<IdentityKey, bool>,
    ) -> Result<BTreeMap<ProfileId, bool>, Error> {
        let mut keys: Vec<IdentityKey> = homes.keys().copied().collect();
        keys.sort_unstable();
        let mut customers: BTreeMap<ProfileId, bool> = BTreeMap::new();
        for page in keys.chunks(HOMES) {
            let mut connection = self.storage.acquire().await?;
            for (home, profile) in identities::profiles_of(&mut connection, tenant, page).await? {
                let accepted = homes.get(&home).copied().unwrap_or_default();
                *customers.entry(profile).or_default() |= accepted;
            }
        }
        Ok(customers)
    }
}

/// A customer with the pins of the epoch; none without any.
fn customer(profile: &Profile, epoch: u32, converted: bool) -> Option<Customer> {
    let pins = profile.state.pins();
    let mut of_epoch = pins.pins().iter().filter(|pin| pin.epoch == epoch);
    let first = of_epoch.next()?;
    Some(Customer {
        group: match first.group {
            holdout::Group::Policy => Group::Policy,
            holdout::Group::Random => Group::Uniform,
            holdout::Group::HeldOut => Group::Holdout,
        },
        merged: of_epoch.next().is_some(),
        decisions: 1,
        reward: if converted { ONE } else { 0 },
    })
}

fn ordered(profile: &Profile, period: Period) -> bool {
    let orders = profile.state.orders().unwrap_or_default();
    let placed = orders.iter().filter(|order| !order.cancelled);
    let mut at = placed.filter_map(|order| order.placed_at);
    at.any(|at| (period.from.0..period.before.0).contains(&at))
}
