//! Which offer an outcome is due to that names no decision, or one that is stored nowhere.
//!
//! What must stay true: the answer follows from what the customer's history holds of offers, whatever the order in which it came
//! there. What is reserved counts as having reached the customer until something is known of it, as it does for caps.

use std::collections::HashSet;

use super::{Desk, outcomes::Told};
use crate::{
    clock::Micros,
    error::Error,
    lookup::{self, Who},
    next_best_action::{
        attribution::{Target, last_touch},
        catalogue::Snapshot,
        keys::{ActionKey, ChannelKey, DecisionKey, GroupKey},
    },
    profile::State,
    tenants::Tenant,
};

/// What an outcome is due to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) decision: DecisionKey,
    /// The slot; none where the outcome itself has to tell.
    pub(super) slot: Option<u16>,
}

impl Due {
    /// To a decision that is named.
    pub(super) const fn to(decision: DecisionKey) -> Self {
        Self {
            decision,
            slot: None,
        }
    }
}

impl Desk {
    /// Which offers outcomes are due to that say whose they are, each by its place; those that are due to none are left out.
    pub(super) async fn attribute(
        &self,
        tenant: &Tenant,
        told: &[(usize, &Told)],
    ) -> Result<Vec<(usize, Due)>, Error> {
        let who: Vec<Who> = told.iter().filter_map(|(_, one)| one.who.clone()).collect();
        if who.is_empty() {
            return Ok(Vec::new());
        }
        let mut connection = self.storage.acquire().await?;
        let found = lookup::find::find_many(&mut connection, &tenant.id, &who).await?;
        drop(connection);
        let Some(catalogue) = self.shelf.catalogue(&tenant.id).await? else {
            return Ok(Vec::new());
        };
        let told = told.iter().filter(|(_, one)| one.who.is_some());
        let due = told.zip(found).filter_map(|((place, one), found)| {
            let due = last(one, &found?.profile.state, &catalogue)?;
            Some((*place, due))
        });
        Ok(due.collect())
    }
}

/// The last offer that an outcome can be due to.
fn last(told: &Told, state: &State, catalogue: &Snapshot) -> Option<Due> {
    const DAY: i64 = 86_400 * Micros::SECOND;
    let target = match (&told.action, &told.group) {
        (Some(action), _) => Target::Action(ActionKey::id_of(action)),
        (None, Some(group)) => Target::Group(GroupKey::of(group)),
        (None, None) => return None,
    };
    let through = told.channel.as_deref().map(ChannelKey::of);
    let offers = state.offers();
    let delivered = offers.elements().iter();
    let delivered = delivered.map(|offer| (offer.channel, (offer.decision, offer.slot)));
    let reserved = offers.reservations().iter();
    let reserved = reserved.map(|offer| (offer.channel, (offer.decision, offer.slot)));
    let allowed: HashSet<(DecisionKey, u16)> = delivered
        .chain(reserved)
        .filter(|(channel, _)| through.is_none_or(|through| through == *channel))
        .map(|(_, offer)| offer)
        .collect();
    let window = |action: u64| {
        let (version, _) = catalogue.newest(action)?;
        Some(i64::from(version.definition.get().attribution_days) * DAY)
    };
    let touches = offers.touches(window).chain(offers.reserved(window));
    let touches = touches.filter(|touch| allowed.contains(&(touch.decision, touch.slot)));
    let touch = last_touch(touches, target, told.at)?;
    Some(Due {
        decision: touch.decision,
        slot: Some(touch.slot),
    })
}
