//! Retractions: what is taken out of every profile again.

use std::fmt;

use super::{
    fields::{items, name, slug, text, uuid},
    limits::{
        MAX_EVENT_ID_BYTES, MAX_OPERATION_ID_BYTES, MAX_REASON_BYTES, MAX_REFERENCES,
        MAX_SLUG_BYTES,
    },
    reason::REQUIRED,
    violations::Violations,
};
use crate::{
    error::Violation,
    ids::{InteractionId, RunId, TenantId},
    proto::v1::{
        InteractionReference, RetractInteractionsRequest, retract_interactions_request::Selection,
    },
};

/// What to retract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retracted {
    /// These interactions, in the order named.
    Interactions(Vec<InteractionId>),
    /// All of an import run.
    Run(RunId),
}

/// A retraction that may be carried out.
#[derive(Clone, PartialEq, Eq)]
pub struct Retract {
    /// The caller's id of the operation.
    pub operation_id: String,
    /// What to retract.
    pub what: Retracted,
    /// Why, for the record.
    pub reason: String,
}

impl fmt::Debug for Retract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What people write as a reason may name a person and never reaches a log.
        f.debug_struct("Retract")
            .field("operation_id", &self.operation_id)
            .field("what", &self.what)
            .finish_non_exhaustive()
    }
}

/// Checks a retraction.
///
/// # Errors
/// With everything that is wrong.
pub fn retract(
    given: &RetractInteractionsRequest,
    tenant: &TenantId,
) -> Result<Retract, Vec<Violation>> {
    let mut out = Violations::default();
    name(
        &mut out,
        &"operation_id",
        &given.operation_id,
        MAX_OPERATION_ID_BYTES,
    );
    text(&mut out, &"reason", &given.reason, MAX_REASON_BYTES);
    let what = match &given.selection {
        None => {
            out.add(&"selection", REQUIRED, "references or a run");
            None
        }
        Some(Selection::RunId(run)) => uuid(&mut out, &"run_id", run).map(Retracted::Run),
        Some(Selection::References(list)) => {
            let field = "references.references";
            out.take(items(field, list.references.len(), MAX_REFERENCES));
            Some(Retracted::Interactions(ids(
                &mut out,
                &list.references,
                tenant,
            )))
        }
    };
    out.finish(what.map(|what| Retract {
        operation_id: given.operation_id.clone(),
        what,
        reason: given.reason.clone(),
    }))
}

fn ids(
    out: &mut Violations,
    given: &[InteractionReference],
    tenant: &TenantId,
) -> Vec<InteractionId> {
    let mut ids = Vec::with_capacity(given.len().min(MAX_REFERENCES));
    for (i, reference) in given.iter().take(MAX_REFERENCES).enumerate() {
        let field = format_args!("references.references[{i}].source");
        slug(out, &field, &reference.source, MAX_SLUG_BYTES);
        let field = format_args!("references.references[{i}].event_id");
        name(out, &field, &reference.event_id, MAX_EVENT_ID_BYTES);
        ids.push(InteractionId::of(
            tenant,
            &reference.source,
            &reference.event_id,
        ));
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        grpc::validate::reason::{CONTROL_CHARACTERS, MALFORMED, TOO_LONG, TOO_MANY},
        proto::v1::InteractionReferences,
    };

    fn run(
        operation_id: &str,
        selection: Option<Selection>,
        reason: &str,
    ) -> Result<Retract, Vec<Violation>> {
        let given = RetractInteractionsRequest {
            operation_id: operation_id.into(),
            selection,
            reason: reason.into(),
        };
        retract(&given, &TenantId::default_tenant())
    }

    #[expect(clippy::unnecessary_wraps, reason = "goes into an optional field")]
    fn references(number: usize) -> Option<Selection> {
        let one = InteractionReference {
            source: "shop".into(),
            event_id: "1".into(),
        };
        Some(Selection::References(InteractionReferences {
            references: vec![one; number],
        }))
    }

    #[test]
    fn references_become_the_ids_of_their_interactions() {
        let found = run("op-1", references(1), "sent twice").unwrap();
        let id = InteractionId::of(&TenantId::default_tenant(), "shop", "1");
        assert_eq!(found.what, Retracted::Interactions(vec![id]));
    }

    #[test]
    fn everything_that_is_wrong_is_named() {
        let found = run(&"o".repeat(129), None, &"r".repeat(1_025)).unwrap_err();
        let found: Vec<_> = found.iter().map(|v| (v.field.as_str(), v.reason)).collect();
        assert_eq!(
            found,
            [
                ("operation_id", TOO_LONG),
                ("reason", TOO_LONG),
                ("selection", REQUIRED)
            ]
        );
        for (operation, selection, want) in [
            ("", references(1), REQUIRED),
            ("a\n", references(1), CONTROL_CHARACTERS),
            ("a", references(0), REQUIRED),
            ("a", references(1_001), TOO_MANY),
            ("a", Some(Selection::RunId("x".into())), MALFORMED),
        ] {
            assert_eq!(run(operation, selection, "").unwrap_err()[0].reason, want);
        }
    }
}
