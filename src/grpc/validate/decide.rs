//! Operators' decisions: what they may ask for.

use std::fmt;

use super::{
    Context,
    fields::{items, name, text},
    identifiers::{add_unusable, normalised},
    limits::{MAX_CHOSEN_IDENTIFIERS, MAX_OPERATION_ID_BYTES, MAX_REASON_BYTES},
    reason::OUT_OF_RANGE,
    violations::Violations,
};
use crate::{error::Violation, identity::Keyed, proto::v1::Identifier};

/// What every decision carries.
#[derive(Clone, PartialEq, Eq)]
pub struct Operation {
    /// The caller's id of it.
    pub id: String,
    /// Why, for the record.
    pub reason: String,
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What people write as a reason may name a person and never reaches a log.
        f.debug_struct("Operation")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Checks an operation's id and reason.
///
/// # Errors
/// With everything that is wrong.
pub fn operation(id: &str, reason: &str) -> Result<Operation, Vec<Violation>> {
    let mut out = Violations::default();
    name(&mut out, &"operation_id", id, MAX_OPERATION_ID_BYTES);
    text(&mut out, &"reason", reason, MAX_REASON_BYTES);
    out.finish(Some(Operation {
        id: id.to_owned(),
        reason: reason.to_owned(),
    }))
}

/// Checks the operation id of a decision that is named.
///
/// # Errors
/// With everything that is wrong.
pub fn decision_named(field: &str, id: &str) -> Result<String, Vec<Violation>> {
    let mut out = Violations::default();
    name(&mut out, &field, id, MAX_OPERATION_ID_BYTES);
    out.finish(Some(id.to_owned()))
}

/// Checks a threshold of likeness: thousandths from 1 on, and what holds when there is none.
///
/// # Errors
/// With everything that is wrong.
pub fn threshold(given: Option<i32>, default: u16) -> Result<u16, Vec<Violation>> {
    let mut out = Violations::default();
    let found = match given {
        None => Some(default),
        Some(given) => u16::try_from(given)
            .ok()
            .filter(|t| (1..=1_000).contains(t)),
    };
    if found.is_none() {
        out.add(&"threshold", OUT_OF_RANGE, "1 to 1,000 thousandths");
    }
    out.finish(found)
}

/// Checks the identifiers that are chosen from a profile, each once.
///
/// # Errors
/// With everything that is wrong.
pub fn chosen(given: &[Identifier], ctx: &Context<'_>) -> Result<Vec<Keyed>, Vec<Violation>> {
    let mut out = Violations::default();
    out.take(items("identifiers", given.len(), MAX_CHOSEN_IDENTIFIERS));
    let mut found: Vec<Keyed> = Vec::with_capacity(given.len().min(MAX_CHOSEN_IDENTIFIERS));
    for (n, identifier) in given.iter().take(MAX_CHOSEN_IDENTIFIERS).enumerate() {
        let field = format_args!("identifiers[{n}]");
        match normalised(&mut out, &field, identifier, ctx) {
            Some(Ok(usable)) => {
                let keyed = ctx.keyed(usable);
                if !found.contains(&keyed) {
                    found.push(keyed);
                }
            }
            Some(Err(why)) => add_unusable(&mut out, &format_args!("{field}.value"), why),
            None => (),
        }
    }
    out.finish(Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::validate::{
        reason::{CONTROL_CHARACTERS, REQUIRED, TOO_LONG, TOO_MANY},
        strategies::{identifier, with_context},
    };

    fn reasons(found: Vec<Violation>) -> Vec<(String, &'static str)> {
        found.into_iter().map(|v| (v.field, v.reason)).collect()
    }

    #[test]
    fn an_operation_names_everything_that_is_wrong() {
        let found = operation("a\n", &"r".repeat(1_025)).unwrap_err();
        let want = [
            ("operation_id".to_owned(), CONTROL_CHARACTERS),
            ("reason".to_owned(), TOO_LONG),
        ];
        assert_eq!(reasons(found), want);
        let found = decision_named("decision_operation_id", "").unwrap_err();
        assert_eq!(
            reasons(found),
            [("decision_operation_id".to_owned(), REQUIRED)]
        );
    }

    #[test]
    fn a_threshold_is_of_thousandths() {
        assert_eq!(threshold(None, 850), Ok(850));
        for good in [1, 1_000] {
            assert_eq!(threshold(Some(good), 850).map(i32::from), Ok(good));
        }
        for bad in [0, -1, 1_001, i32::MAX, 65_537] {
            let wanted = [("threshold".to_owned(), OUT_OF_RANGE)];
            assert_eq!(reasons(threshold(Some(bad), 850).unwrap_err()), wanted);
        }
    }

    #[test]
    fn chosen_identifiers_are_usable_and_count_once() {
        let of = |given: Vec<Identifier>| with_context(|ctx| chosen(&given, ctx));
        let twice = vec![
            identifier("email", "A@b.example"),
            identifier("email", "a@b.example"),
        ];
        assert_eq!(of(twice).unwrap().len(), 1);
        let bad = of(vec![identifier("email", "null"), identifier("phone", "x")]).unwrap_err();
        assert_eq!(
            reasons(bad),
            [
                ("identifiers[0].value".to_owned(), "identifier_blocked"),
                ("identifiers[1].value".to_owned(), "identifier_not_a_phone"),
            ]
        );
        let none = ("identifiers".to_owned(), REQUIRED);
        assert_eq!(reasons(of(vec![]).unwrap_err()), [none]);
        let many = of(vec![identifier("cookie", "c"); 1_001]).unwrap_err();
        assert_eq!(reasons(many), [("identifiers".to_owned(), TOO_MANY)]);
    }
}
