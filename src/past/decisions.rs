//! What decisions that were in force at some time said of identifiers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::PgConnection;

use super::{Budget, Then, spend};
use crate::{
    clock::Micros,
    decide::frozen,
    error::Error,
    identity::{Side, resolve::Assertion},
    ids::{DecisionId, IdentityKey, TenantId},
    storage::{
        decision_keys,
        decisions::{self, Decision, Kind},
    },
};

/// Decisions that may be left to be indexed.
const NOT_INDEXED: i64 = 1_000;

/// What decisions said.
#[derive(Debug, Default)]
pub(super) struct Decided {
    began: bool,
    known: BTreeMap<DecisionId, Decision>,
    sides: HashMap<IdentityKey, Vec<(DecisionId, Side)>>,
    assertions: HashMap<IdentityKey, Vec<Assertion>>,
}

impl Decided {
    /// Reads whatever decisions say of some identifiers.
    pub(super) async fn read(
        &mut self,
        connection: &mut PgConnection,
        tenant: &TenantId,
        keys: &[IdentityKey],
        then: Then,
        budget: &mut Budget,
    ) -> Result<(), Error> {
        let mut found: Vec<Decision> = Vec::new();
        if !self.began {
            self.began = true;
            found = decisions::not_indexed(connection, tenant, NOT_INDEXED + 1).await?;
            if i64::try_from(found.len()).unwrap_or(i64::MAX) > NOT_INDEXED {
                return Err(Error::Refused {
                    reason: "past_too_large",
                    description: "decisions of an older release are not indexed: run `customer-profile migrate`"
                        .into(),
                });
            }
        }
        let mut wanted: BTreeSet<DecisionId> = decision_keys::of(connection, tenant, keys)
            .await?
            .into_iter()
            .collect();
        let mut new: Vec<DecisionId> = Vec::new();
        // With each, what took it back, and what takes that back.
        loop {
            for decision in found.drain(..) {
                wanted.extend(decision.undone_by);
                wanted.extend(&decision.voided_by);
                if self.known.contains_key(&decision.id) {
                    continue;
                }
                spend(&mut budget.decisions, 1)?;
                new.push(decision.id);
                self.known.insert(decision.id, decision);
            }
            wanted.retain(|id| !self.known.contains_key(id));
            if wanted.is_empty() {
                break;
            }
            let ids: Vec<DecisionId> = std::mem::take(&mut wanted).into_iter().collect();
            found = decisions::load(connection, tenant, &ids).await?;
        }
        let at = then.occurred.min(then.known);
        for id in new {
            if let Some(decision) = self.known.get(&id)
                && in_force(decision, &self.known, at)
            {
                let said = frozen::read(decision)?;
                for (key, side) in said.sides() {
                    self.sides.entry(key).or_default().push((id, side));
                }
                for (key, other) in said.assertions() {
                    let assertion = Assertion {
                        key,
                        other,
                        made_at: decision.made_at,
                        decision: id,
                    };
                    for one in [assertion, assertion.reversed()] {
                        self.assertions.entry(one.key).or_default().push(one);
                    }
                }
            }
        }
        Ok(())
    }

    /// The sides on which an identifier was that was read.
    pub(super) fn sides(&self, key: IdentityKey) -> Vec<(DecisionId, Side)> {
        let mut sides = self.sides.get(&key).cloned().unwrap_or_default();
        sides.sort_unstable();
        sides
    }

    /// The assertions at an identifier that was read.
    pub(super) fn assertions(&self, key: IdentityKey) -> Vec<Assertion> {
        self.assertions.get(&key).cloned().unwrap_or_default()
    }
}

/// Whether a decision was in force at a time. `known` holds what took it back, and what took that back.
fn in_force(decision: &Decision, known: &BTreeMap<DecisionId, Decision>, at: Micros) -> bool {
    let by_then = |id: &DecisionId| known.get(id).filter(|d| d.made_at <= at);
    if decision.made_at > at || decision.undone_by.as_ref().and_then(by_then).is_some() {
        return false;
    }
    let voids = |merge: &Decision| merge.undone_by.as_ref().and_then(by_then).is_none();
    decision.kind != Kind::Separation || !decision.voided_by.iter().filter_map(by_then).any(voids)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(n: u128) -> DecisionId {
        DecisionId::from_uuid(Uuid::from_u128(n))
    }

    fn decision(
        n: u128,
        kind: Kind,
        at: i64,
        undone_by: Option<u128>,
        voided_by: &[u128],
    ) -> Decision {
        Decision {
            id: id(n),
            operation: n.to_string(),
            kind,
            made_at: Micros(at),
            caller: String::new(),
            reason: String::new(),
            body: Vec::new(),
            outcome: Vec::new(),
            undone_by: undone_by.map(id),
            voided_by: voided_by.iter().map(|n| id(*n)).collect(),
            indexed: true,
        }
    }

    #[test]
    fn a_separation_is_in_force_from_when_it_was_made_but_while_a_merge_voids_it() {
        let all = [
            decision(1, Kind::Separation, 10, Some(4), &[2]),
            decision(2, Kind::Merge, 20, Some(3), &[]),
            decision(3, Kind::Undo, 30, None, &[]),
            decision(4, Kind::Undo, 40, None, &[]),
        ];
        let known: BTreeMap<DecisionId, Decision> = all.iter().map(|d| (d.id, d.clone())).collect();
        let at = |n: usize, at| in_force(&all[n], &known, Micros(at));
        let separation: Vec<bool> = [9, 10, 19, 20, 29, 30, 39, 40].map(|t| at(0, t)).into();
        assert_eq!(
            separation,
            [false, true, true, false, false, true, true, false]
        );
        assert!(!at(1, 19) && at(1, 20) && at(1, 29) && !at(1, 30));
    }
}
