//! What decisions in force say of identifiers, against the decisions.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Report, tally::Tally};
use crate::{
    clock::Micros,
    decide::frozen::{self, Frozen},
    error::Error,
    identity::Side,
    ids::{DecisionId, IdentityKey},
    ingest::plan::Context,
    storage::{decided, decision_keys, decisions},
};

/// Rows of a page.
const ROWS: i64 = 1_000;

pub(super) async fn verify(
    connection: &mut PgConnection,
    context: Context<'_>,
    report: &mut Report,
) -> Result<(), Error> {
    let (undone, voided) = taken_back(connection, context).await?;
    let (mut asserted, mut sided) = (Tally::default(), Tally::default());
    let (mut indexed, mut not_indexed) = (Tally::default(), BTreeSet::new());
    let mut last = DecisionId::from_uuid(Uuid::nil());
    loop {
        let page = decisions::after(connection, context.tenant, last, ROWS).await?;
        let Some(end) = page.last().map(|d| d.id) else {
            break;
        };
        last = end;
        for decision in &page {
            report.decisions += 1;
            if decision.indexed {
                for key in frozen::read(decision)?.keys() {
                    indexed.add(&[key.as_bytes(), decision.id.as_bytes()]);
                }
            } else {
                not_indexed.insert(decision.id);
            }
            if decision.undone_by != undone.get(&decision.id).copied() {
                report.differs(format!(
                    "decision {}: is not marked as what took it back says",
                    decision.id
                ));
            }
            if undone.contains_key(&decision.id) || voided.contains(&decision.id) {
                continue;
            }
            let frozen = frozen::read(decision)?;
            for (key, other) in frozen.assertions() {
                assert(&mut asserted, (key, other), decision.id, decision.made_at);
                assert(&mut asserted, (other, key), decision.id, decision.made_at);
            }
            for (key, side) in frozen.sides() {
                take_side(&mut sided, key, decision.id, side);
            }
        }
    }
    let (mut stored_asserted, mut stored_sided) = (Tally::default(), Tally::default());
    let mut last = None;
    loop {
        let page = decided::assertions_after(connection, context.tenant, last, ROWS).await?;
        let Some(end) = page.last() else { break };
        last = Some((end.key, end.other, end.decision));
        for one in page {
            let ends = (one.key, one.other);
            assert(&mut stored_asserted, ends, one.decision, one.made_at);
        }
    }
    let mut last = None;
    loop {
        let page = decided::sides_after(connection, context.tenant, last, ROWS).await?;
        let Some((key, decision, _)) = page.last() else {
            break;
        };
        last = Some((*key, *decision));
        for (key, decision, side) in page {
            take_side(&mut stored_sided, key, decision, side);
        }
    }
    if indexed != stored_index(connection, context, &not_indexed).await? {
        report.differs("the index of decisions is not that of what they name".to_owned());
    }
    if asserted != stored_asserted {
        report.differs("assertions are not those of the decisions in force".to_owned());
    }
    if sided != stored_sided {
        report.differs("sides are not those of the separations in force".to_owned());
    }
    Ok(())
}

/// What is indexed of decisions, but for those that are not all indexed yet.
async fn stored_index(
    connection: &mut PgConnection,
    context: Context<'_>,
    not_indexed: &BTreeSet<DecisionId>,
) -> Result<Tally, Error> {
    let mut stored = Tally::default();
    let mut last = None;
    loop {
        let page = decision_keys::after(connection, context.tenant, last, ROWS).await?;
        let Some(end) = page.last() else {
            return Ok(stored);
        };
        last = Some(*end);
        for (key, decision) in page.iter().filter(|(_, id)| !not_indexed.contains(id)) {
            stored.add(&[key.as_bytes(), decision.as_bytes()]);
        }
    }
}

/// Which decisions were undone, by which, and which separations a merge in force voids.
async fn taken_back(
    connection: &mut PgConnection,
    context: Context<'_>,
) -> Result<(BTreeMap<DecisionId, DecisionId>, BTreeSet<DecisionId>), Error> {
    let mut undone = BTreeMap::new();
    let mut voids: Vec<(DecisionId, Vec<DecisionId>)> = Vec::new();
    let mut last = DecisionId::from_uuid(Uuid::nil());
    loop {
        let page = decisions::after(connection, context.tenant, last, ROWS).await?;
        let Some(end) = page.last().map(|d| d.id) else {
            break;
        };
        last = end;
        for decision in &page {
            match frozen::read(decision)? {
                Frozen::Undo { of } => {
                    undone.insert(of, decision.id);
                }
                Frozen::Merge { voids: of, .. } => voids.push((decision.id, of)),
                Frozen::Separation { .. } => (),
            }
        }
    }
    let in_force = voids.into_iter().filter(|(id, _)| !undone.contains_key(id));
    let voided = in_force.flat_map(|(_, voids)| voids).collect();
    Ok((undone, voided))
}

fn assert(
    tally: &mut Tally,
    (key, other): (IdentityKey, IdentityKey),
    decision: DecisionId,
    made_at: Micros,
) {
    tally.add(&[
        key.as_bytes(),
        other.as_bytes(),
        decision.as_bytes(),
        &made_at.0.to_le_bytes(),
    ]);
}

fn take_side(tally: &mut Tally, key: IdentityKey, decision: DecisionId, side: Side) {
    tally.add(&[key.as_bytes(), decision.as_bytes(), &[side.bit()]]);
}
