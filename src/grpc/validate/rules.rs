//! Rules of resolution: which changes may be asked for.

use super::{
    Context,
    fields::{choice, count, name, present, short, slug, text, uncontrolled},
    limits::{
        MAX_IDENTIFIER_BYTES, MAX_NAMESPACE_BYTES, MAX_OPERATION_ID_BYTES, MAX_REASON_BYTES,
        MAX_RULE_EXAMPLES,
    },
    reason::{DUPLICATE_NAME, MALFORMED, OUT_OF_RANGE, REQUIRED},
    violations::{Path, Violations},
};
use crate::{
    error::Violation,
    identity::{
        Unusable,
        normalise::normalise,
        rules::{
            Cardinality, MAX_BLOCKED, MAX_HUB_LIMIT, MAX_LIMIT, MAX_NAMESPACES, NamespaceRules,
            RuleSet, SIZE_CAP, Shared,
        },
    },
    proto::v1::{
        self, ApplyRulesRequest, IdentityRules, PreviewRulesRequest, SharedMeaning,
        apply_rules_request, preview_rules_request,
    },
    rulebook::{Change, Request},
};

/// A checked preview: what to try, and how many examples of each kind to show.
///
/// # Errors
/// With everything that is wrong.
pub fn preview_rules(
    request: &PreviewRulesRequest,
    ctx: &Context<'_>,
) -> Result<(Change, usize), Vec<Violation>> {
    let mut out = Violations::default();
    let change = match &request.change {
        Some(preview_rules_request::Change::Rules(given)) => {
            Some(Change::Rules(rules(&mut out, given, ctx)))
        }
        Some(preview_rules_request::Change::Revision(number)) => revision(&mut out, *number),
        None => absent(&mut out),
    };
    let examples = usize::try_from(request.examples)
        .ok()
        .filter(|n| *n <= MAX_RULE_EXAMPLES);
    if examples.is_none() {
        out.add(
            &"examples",
            OUT_OF_RANGE,
            format!("0 to {MAX_RULE_EXAMPLES}; 0 means 10"),
        );
    }
    let examples = examples.map(|n| if n == 0 { 10 } else { n });
    out.finish(change.zip(examples))
}

/// A checked change of rules. Who asks is filled in by the caller.
///
/// # Errors
/// With everything that is wrong.
pub fn apply_rules(
    request: &ApplyRulesRequest,
    ctx: &Context<'_>,
) -> Result<Request, Vec<Violation>> {
    let mut out = Violations::default();
    let id = &request.operation_id;
    name(&mut out, &"operation_id", id, MAX_OPERATION_ID_BYTES);
    text(&mut out, &"reason", &request.reason, MAX_REASON_BYTES);
    let change = match &request.change {
        Some(apply_rules_request::Change::Rules(given)) => {
            Some(Change::Rules(rules(&mut out, given, ctx)))
        }
        Some(apply_rules_request::Change::Revision(number)) => revision(&mut out, *number),
        None => absent(&mut out),
    };
    if request.expected_revision < 0 {
        out.add(&"expected_revision", OUT_OF_RANGE, "0 or a revision");
    }
    out.finish(change.map(|change| Request {
        operation: id.clone(),
        caller: String::new(),
        reason: request.reason.clone(),
        change,
        expected: (request.expected_revision > 0).then_some(request.expected_revision),
    }))
}

fn absent(out: &mut Violations) -> Option<Change> {
    out.add(&"change", REQUIRED, "rules, or an earlier revision");
    None
}

fn revision(out: &mut Violations, number: i64) -> Option<Change> {
    if number < 1 {
        out.add(&"revision", OUT_OF_RANGE, "1 or more");
        return None;
    }
    Some(Change::Revision(number))
}

fn rules(out: &mut Violations, given: &IdentityRules, ctx: &Context<'_>) -> RuleSet {
    let mut set = RuleSet::default();
    let cap = usize::try_from(given.size_cap).ok();
    match cap {
        Some(0) => (),
        Some(cap) if (2..=SIZE_CAP).contains(&cap) => set.size_cap = cap,
        _ => out.add(
            &"rules.size_cap",
            OUT_OF_RANGE,
            format!("2 to {SIZE_CAP}; 0 means {SIZE_CAP}"),
        ),
    }
    count(
        out,
        &"rules.namespaces",
        given.namespaces.len(),
        MAX_NAMESPACES,
    );
    for (n, given) in given.namespaces.iter().take(MAX_NAMESPACES).enumerate() {
        let path = format_args!("rules.namespaces[{n}]");
        let field = format_args!("{path}.namespace");
        if !slug(out, &field, &given.namespace, MAX_NAMESPACE_BYTES) {
            continue;
        }
        let rules = of_namespace(out, &path, given, ctx);
        let before = set.namespaces.insert(given.namespace.clone(), rules);
        if before.is_some() {
            out.add(&field, DUPLICATE_NAME, "each namespace once");
        }
    }
    set
}

fn of_namespace(
    out: &mut Violations,
    path: Path<'_>,
    given: &v1::NamespaceRules,
    ctx: &Context<'_>,
) -> NamespaceRules {
    let mut rules = NamespaceRules::default_of(&given.namespace);
    if let Some(priority) = given.priority {
        match u8::try_from(priority) {
            Ok(priority) => rules.priority = priority,
            Err(_) => out.add(&format_args!("{path}.priority"), OUT_OF_RANGE, "0 to 255"),
        }
    }
    if let Some(limit) = given.limit {
        match u32::try_from(limit) {
            Ok(0) => rules.cardinality = Cardinality::Free,
            Ok(limit) if limit <= MAX_LIMIT => rules.cardinality = Cardinality::Limit(limit),
            _ => out.add(
                &format_args!("{path}.limit"),
                OUT_OF_RANGE,
                format!("0 to {MAX_LIMIT}"),
            ),
        }
    }
    if let Some(limit) = given.hub_limit {
        match u32::try_from(limit) {
            Ok(limit) if (1..=MAX_HUB_LIMIT).contains(&limit) => rules.hub_limit = limit,
            _ => out.add(
                &format_args!("{path}.hub_limit"),
                OUT_OF_RANGE,
                format!("1 to {MAX_HUB_LIMIT}"),
            ),
        }
    }
    match choice(out, &format_args!("{path}.shared"), given.shared) {
        Some(SharedMeaning::Newest) => rules.shared = Shared::Newest,
        Some(SharedMeaning::Apart) => rules.shared = Shared::Apart,
        Some(SharedMeaning::Nobody) => rules.shared = Shared::Nobody,
        Some(SharedMeaning::Unspecified) | None => (),
    }
    let field = format_args!("{path}.blocked_values");
    count(out, &field, given.blocked_values.len(), MAX_BLOCKED);
    for (n, value) in given.blocked_values.iter().take(MAX_BLOCKED).enumerate() {
        let field = format_args!("{path}.blocked_values[{n}]");
        let sound = present(out, &field, value)
            && short(out, &field, value, MAX_IDENTIFIER_BYTES)
            && uncontrolled(out, &field, value);
        if !sound {
            continue;
        }
        match normalise(&given.namespace, value, ctx.region) {
            Ok(normalised) if !rules.blocked.contains(&normalised.value) => {
                rules.blocked.push(normalised.value);
            }
            Ok(_) | Err(Unusable::Blocked) => (),
            Err(_) => out.add(
                &field,
                MALFORMED,
                "is never an identifier of the namespace, so it need not be blocked",
            ),
        }
    }
    rules.blocked.sort_unstable();
    rules
}
