//! The past: who a customer was, and what was known of them, at some time.
//!
//! What must stay true:
//!
//! - The past is computed from interactions and decisions by the code that the present is made with, under the rules of today.
//!   Nothing that is stored of the present is believed but that it bounds the past: what is linked by then is linked now, and
//!   more links never take a standing away.
//! - It starts at the identifier asked for and follows the links of then ([`SetOf`]); hubs as of then join nothing. The set is
//!   that of everything of then resolved at once, without everything being read.
//! - `occurred` leaves out what occurred later, and decisions that were made later; `known` leaves out what arrived later.
//!   What was retracted was never true and is left out whenever that was.
//! - A call reads one snapshot, at most [`IDENTIFIERS`] identifiers and [`INTERACTIONS`] interactions; what needs more is
//!   refused and not answered in part.

mod decisions;
mod document;
mod evidence;
mod states;

use std::collections::BTreeMap;

use sqlx::PgConnection;

use crate::{
    calendar::Zone,
    error::Error,
    identity::{
        Normalised, Region, Rules,
        namespace::rule,
        resolve::{Found, SetOf},
        settle::apart,
    },
    ids::{IdentityKey, ProfileId, TenantId},
    lookup::Who,
    profile::State,
    storage::{identity_cards::Card, profiles},
};
use evidence::Evidence;

pub use crate::storage::past::{EVER, Then};

/// Identifiers that one call may look at.
pub const IDENTIFIERS: usize = 20_000;

/// Interactions that one call may look at, each as often as it is.
pub const INTERACTIONS: usize = 100_000;

/// Decisions that one call may look at.
pub const DECISIONS: usize = 2_000;

/// What the past is computed under.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// Its region.
    pub region: Region,
    /// Its time zone.
    pub zone: Zone,
    /// Its rules of today.
    pub rules: &'a Rules,
}

/// A profile as it was.
#[derive(Clone, Debug)]
pub struct Past {
    /// The profile that holds today the identifier that it was found by.
    pub id: ProfileId,
    /// Which of the identifiers asked for that was.
    pub answered_by: Option<usize>,
    /// Its identifiers, those of strong namespaces first.
    pub cards: Vec<Card>,
    /// The merge of what they lent it.
    pub state: State,
    /// Which times of its identifiers are told.
    pub times: Times,
}

/// Which times of identifiers are told. Those of a hub would take all that it was ever in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// When they were first seen.
    pub first: bool,
    /// When they were last seen.
    pub last: bool,
}

/// What a call may still look at.
#[derive(Clone, Copy, Debug)]
struct Budget {
    identifiers: usize,
    interactions: usize,
    decisions: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            identifiers: IDENTIFIERS,
            interactions: INTERACTIONS,
            decisions: DECISIONS,
        }
    }
}

fn spend(left: &mut usize, of: usize) -> Result<(), Error> {
    *left = left.checked_sub(of).ok_or_else(|| Error::Refused {
        reason: "past_too_large",
        description: "more would have to be read to answer than one call may".into(),
    })?;
    Ok(())
}

/// The profile that somebody had at some time; `None` when nothing was known of them.
///
/// `connection` is in a snapshot.
///
/// # Errors
/// `past_too_large`, and when the database fails or what is stored cannot be read.
pub async fn find(
    connection: &mut PgConnection,
    context: Context<'_>,
    who: &Who,
    then: Then,
) -> Result<Option<Past>, Error> {
    let candidates: Vec<(Option<usize>, IdentityKey)> = match who {
        // An id follows its home, now as then.
        Who::Id(id) => profiles::read(connection, context.tenant, &[*id])
            .await?
            .into_iter()
            .map(|(profile, _)| (None, profile.home_key))
            .collect(),
        Who::Identifiers(keys) => keys
            .iter()
            .enumerate()
            .filter_map(|(n, key)| key.map(|key| (Some(n), key)))
            .collect(),
    };
    let mut evidence = Evidence::new(connection, context, then);
    for (answered_by, key) in candidates {
        let found = around(&mut evidence, key).await?;
        if let Some(past) = found {
            return Ok(Some(Past {
                answered_by,
                ..past
            }));
        }
    }
    Ok(None)
}

/// The profile that held an identifier.
async fn around(evidence: &mut Evidence<'_>, key: IdentityKey) -> Result<Option<Past>, Error> {
    let mut search = SetOf::new(key);
    let set = loop {
        match search.search(&evidence.graph, evidence.context.rules) {
            Found::Set(set) => break set,
            Found::Needs(needs) => {
                evidence.nodes(&needs.nodes).await?;
                evidence.open(&needs.links).await?;
            }
        }
    };
    let Some(id) = evidence.lies_in(key).filter(|_| !set.is_empty()) else {
        return Ok(None);
    };
    let times = evidence.times(key);
    let apart = apart(&evidence.graph, evidence.context.rules, &set);
    let states = evidence.states(&set).await?;
    // In the order in which a profile's members are stored.
    let mut cards: BTreeMap<(u8, IdentityKey), Card> = BTreeMap::new();
    let mut state = State::default();
    for key in set {
        let held = states.get(&key);
        if let Some(card) = evidence.card(key, held) {
            cards.insert((rank(&card.identifier), key), card);
        }
        if let Some(held) = held {
            let lent = if apart.contains(&key) {
                held.binding()
            } else {
                held.clone()
            };
            state
                .merge(lent)
                .map_err(|e| Error::bug("merging what was folded", e))?;
        }
    }
    Ok(Some(Past {
        id,
        answered_by: None,
        cards: cards.into_values().collect(),
        state,
        times,
    }))
}

fn rank(identifier: &Normalised) -> u8 {
    rule(&identifier.namespace).anchor_rank
}
