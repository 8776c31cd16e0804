//! Operators' decisions in force about the identifiers of a profile.

use std::collections::{BTreeSet, HashMap};

use sqlx::PgConnection;

use super::{Shows, Subject};
use crate::{
    decide::frozen::{self, Frozen},
    error::Error,
    ids::{DecisionId, IdentityKey},
    lookup::document,
    proto::v1::{DecisionKind, Identifier, IdentityDecision, JoiningLink},
    storage::{
        decided,
        decisions::{self, Decision},
        identity_cards::{self, Card},
    },
};

/// Decisions shown.
pub const DECISIONS: usize = 64;

/// Identifiers shown of each side of a decision, and pairs that it asserts.
pub const OF_SIDE: usize = 32;

/// Identifiers of a side that are looked at to find those that are shown.
const LOOKED_AT: usize = 64;

/// Decisions in force.
#[derive(Debug, Default)]
pub(super) struct Decided {
    /// As they are shown, newest first.
    pub(super) shown: Vec<IdentityDecision>,
    /// How many there are.
    pub(super) total: usize,
    operations: HashMap<DecisionId, String>,
}

impl Decided {
    /// The operation id of a decision; empty when it was not loaded.
    pub(super) fn operation(&self, id: Option<DecisionId>) -> String {
        let known = id.and_then(|id| self.operations.get(&id));
        known.cloned().unwrap_or_default()
    }
}

/// The decisions in force about the identifiers that are shown, and those that are named.
pub(super) async fn in_force(
    connection: &mut PgConnection,
    subject: &Subject<'_>,
    named: &BTreeSet<DecisionId>,
    shows: &impl Shows,
) -> Result<Decided, Error> {
    let tenant = subject.context.tenant;
    let keys = subject.keys();
    let assertions = decided::assertions_of(connection, tenant, &keys).await?;
    let sides = decided::sides_of(connection, tenant, &keys).await?;
    let about = assertions.iter().map(|assertion| assertion.decision);
    let about = about.chain(sides.iter().map(|(_, decision, _)| *decision));
    let others: BTreeSet<DecisionId> = about.filter(|id| !named.contains(id)).collect();
    let total = named.len() + others.len();
    let ids: Vec<DecisionId> = named.iter().chain(&others).copied().collect();
    let ids = &ids[..ids.len().min(DECISIONS)];
    if ids.is_empty() {
        return Ok(Decided::default());
    }
    let mut loaded = decisions::load(connection, tenant, ids).await?;
    loaded.sort_by(|a, b| (b.made_at, &a.operation).cmp(&(a.made_at, &b.operation)));
    let loaded: Vec<(Decision, Frozen)> = loaded
        .into_iter()
        .map(|decision| frozen::read(&decision).map(|frozen| (decision, frozen)))
        .collect::<Result<_, Error>>()?;
    let mut wanted: BTreeSet<IdentityKey> = BTreeSet::new();
    for (_, frozen) in &loaded {
        for side in sides_of(frozen) {
            wanted.extend(first(side, subject));
        }
    }
    let wanted: Vec<IdentityKey> = wanted.into_iter().collect();
    let mut cards = identity_cards::cards(connection, tenant, &wanted).await?;
    cards.retain(|card| shows.admits_namespace(&card.identifier.namespace));
    cards.sort_by(document::stronger);
    let told = Told {
        subject,
        ranks: cards.iter().enumerate().map(|(n, c)| (c.key, n)).collect(),
        cards: &cards,
        reasons: shows.shows_reasons(),
        totals: shows.admits_all_namespaces(),
    };
    Ok(Decided {
        shown: loaded
            .iter()
            .map(|(d, frozen)| told.show(d, frozen))
            .collect(),
        total,
        operations: loaded
            .iter()
            .map(|(decision, _)| (decision.id, decision.operation.clone()))
            .collect(),
    })
}

/// The two sides of a decision.
fn sides_of(frozen: &Frozen) -> [&[IdentityKey]; 2] {
    match frozen {
        Frozen::Merge { stays, goes, .. } => {
            [std::slice::from_ref(stays), std::slice::from_ref(goes)]
        }
        Frozen::Separation { chosen, rest, .. } => [chosen, rest],
        Frozen::Undo { .. } => [&[], &[]],
    }
}

/// The identifiers of a side that are looked at: those of the profile before others.
fn first(side: &[IdentityKey], subject: &Subject<'_>) -> Vec<IdentityKey> {
    let (mut ours, others): (Vec<IdentityKey>, Vec<IdentityKey>) = side
        .iter()
        .partition(|key| subject.places.contains_key(key));
    ours.extend(others);
    ours.truncate(LOOKED_AT);
    ours
}

/// What may be told of decisions.
struct Told<'a> {
    subject: &'a Subject<'a>,
    cards: &'a [Card],
    /// The places of identifiers among the cards, which are those that may be seen, strongest first.
    ranks: HashMap<IdentityKey, usize>,
    reasons: bool,
    totals: bool,
}

impl Told<'_> {
    fn show(&self, decision: &Decision, frozen: &Frozen) -> IdentityDecision {
        let [chosen, others] = sides_of(frozen);
        let kind = match frozen {
            Frozen::Merge { .. } => DecisionKind::Merge,
            Frozen::Separation { .. } => DecisionKind::Separation,
            Frozen::Undo { .. } => DecisionKind::Unspecified,
        };
        let pairs = frozen.assertions().into_iter().filter_map(|(a, b)| {
            Some(JoiningLink {
                from: Some(self.name(a)?),
                to: Some(self.name(b)?),
            })
        });
        IdentityDecision {
            operation_id: decision.operation.clone(),
            kind: kind.into(),
            made_at: Some(decision.made_at.to_proto()),
            caller: decision.caller.clone(),
            reason: if self.reasons {
                decision.reason.clone()
            } else {
                String::new()
            },
            chosen: self.side(chosen),
            chosen_total: self.total(chosen),
            others: self.side(others),
            others_total: self.total(others),
            asserted: pairs.take(OF_SIDE).collect(),
        }
    }

    fn name(&self, key: IdentityKey) -> Option<Identifier> {
        let card = self.cards.get(*self.ranks.get(&key)?)?;
        Some(Identifier {
            namespace: card.identifier.namespace.clone(),
            value: card.identifier.value.clone(),
        })
    }

    fn side(&self, side: &[IdentityKey]) -> Vec<Identifier> {
        let mut ranked: Vec<(usize, IdentityKey)> = first(side, self.subject)
            .into_iter()
            .filter_map(|key| Some((*self.ranks.get(&key)?, key)))
            .collect();
        ranked.sort_unstable();
        ranked.truncate(OF_SIDE);
        let keys = ranked.into_iter().map(|(_, key)| key);
        keys.filter_map(|key| self.name(key)).collect()
    }

    fn total(&self, side: &[IdentityKey]) -> i32 {
        if self.totals {
            i32::try_from(side.len()).unwrap_or(i32::MAX)
        } else {
            0
        }
    }
}
