//! Identifiers: the form they must have, and which of them can be used.
//!
//! A value without the right form is the sender's mistake. A value of the right form that stands for nobody (blocked, or
//! no address of its kind) is everyday data: it stays in the payload and is left out as an identifier, so that one
//! sloppy field does not lose an order.

use super::{
    Context,
    fields::{count, present, short, slug},
    limits::{MAX_IDENTIFIER_BYTES, MAX_IDENTIFIERS, MAX_NAMESPACE_BYTES},
    reason::{
        CONTROL_CHARACTERS, IDENTIFIERS_CONTRADICT, NO_USABLE_IDENTIFIER, REQUIRED, TOO_LONG,
    },
    violations::{Path, Violations},
};
use crate::{
    identity::{Keyed, Normalised, Unusable, key::anchor_order, normalise::normalise},
    proto::v1::Identifier,
};

/// The identifiers of an interaction.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// In anchor order, each once.
    pub(super) usable: Vec<Keyed>,
    /// Why the others are none, in the order sent.
    pub(super) unusable: Vec<Unusable>,
}

/// The comparable form of an identifier, or why there is none; `None` after adding what is wrong with its form.
pub(super) fn normalised(
    out: &mut Violations,
    path: Path<'_>,
    given: &Identifier,
    ctx: &Context<'_>,
) -> Option<Result<Normalised, Unusable>> {
    let namespace = format_args!("{path}.namespace");
    let sound = slug(out, &namespace, &given.namespace, MAX_NAMESPACE_BYTES);
    let field = format_args!("{path}.value");
    if !value(out, &field, &given.value) || !sound {
        return None;
    }
    let result = normalise(&given.namespace, &given.value, ctx.region).and_then(|identifier| {
        if ctx.rules.blocks(&identifier.namespace, &identifier.value) {
            Err(Unusable::Blocked)
        } else {
            Ok(identifier)
        }
    });
    // Compatibility folding may lengthen a value, and what is stored and indexed must stay small.
    if result
        .as_ref()
        .is_ok_and(|n| n.value.len() > MAX_IDENTIFIER_BYTES)
    {
        out.add(
            &field,
            TOO_LONG,
            format!("at most {MAX_IDENTIFIER_BYTES} bytes in its normalised form"),
        );
        return None;
    }
    Some(result)
}

fn value(out: &mut Violations, field: Path<'_>, text: &str) -> bool {
    if !present(out, field, text) || !short(out, field, text, MAX_IDENTIFIER_BYTES) {
        return false;
    }
    // White space around a value goes away with normalisation, line ends of sloppy exports among it.
    let sound = !text.trim().chars().any(char::is_control);
    if !sound {
        out.add(field, CONTROL_CHARACTERS, "may not hold control characters");
    }
    sound
}

/// The identifiers of an interaction: at least one must be usable.
pub(super) fn of_interaction(
    out: &mut Violations,
    given: &[Identifier],
    ctx: &Context<'_>,
) -> Found {
    if given.is_empty() {
        out.add(&"identifiers", REQUIRED, format!("1 to {MAX_IDENTIFIERS}"));
    }
    count(out, &"identifiers", given.len(), MAX_IDENTIFIERS);

    let mut found = Found::default();
    let mut refused = Vec::new();
    for (i, identifier) in given.iter().take(MAX_IDENTIFIERS).enumerate() {
        match normalised(out, &format_args!("identifiers[{i}]"), identifier, ctx) {
            Some(Ok(identifier)) => found.usable.push(ctx.keyed(identifier)),
            Some(Err(why)) => refused.push((i, why)),
            None => {}
        }
    }
    if found.usable.is_empty() && !refused.is_empty() {
        for (i, why) in &refused {
            add_unusable(out, &format_args!("identifiers[{i}].value"), *why);
        }
        out.add(
            &"identifiers",
            NO_USABLE_IDENTIFIER,
            "at least one identifier must have a usable value",
        );
    }
    found.unusable = refused.into_iter().map(|(_, why)| why).collect();
    found
        .usable
        .sort_by(|a, b| anchor_order(&a.identifier).cmp(&anchor_order(&b.identifier)));
    found.usable.dedup_by_key(|keyed| keyed.key);
    let contradicting = found.usable.windows(2).find(|pair| {
        let namespace = &pair[0].identifier.namespace;
        *namespace == pair[1].identifier.namespace && ctx.rules.of(namespace).is_unique()
    });
    if let Some(pair) = contradicting {
        let namespace = &pair[0].identifier.namespace;
        out.add(
            &"identifiers",
            IDENTIFIERS_CONTRADICT,
            format!("a person has one {namespace}, so an interaction cannot have two"),
        );
    }
    found
}

/// Says that a value cannot be used where it must be.
pub(super) fn add_unusable(out: &mut Violations, field: Path<'_>, why: Unusable) {
    out.add(field, why.reason(), why.to_string());
}
