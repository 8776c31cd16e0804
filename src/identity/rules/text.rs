//! Rules of a namespace as one line of text, for configuration and rule files:
//! `unique`, or `limit 3, hub 5, newest, priority 2, block guest, block 不明`.
//!
//! What is left out is as in the defaults of the namespace. [`show`] writes what [`parse`] reads.

use std::fmt::Write as _;

use crate::identity::{Region, Unusable, normalise::normalise};

use super::{Cardinality, MAX_BLOCKED, MAX_HUB_LIMIT, MAX_LIMIT, NamespaceRules, Shared, UNIQUE};

/// Reads the rules of a namespace; blocked values are normalised as in this region.
///
/// # Errors
/// Everything that is wrong with the text, for a person.
pub fn parse(namespace: &str, text: &str, region: Region) -> Result<NamespaceRules, String> {
    let mut rules = parse_plain(namespace, text)?;
    let mut wrong = Vec::new();
    let mut blocked = Vec::new();
    for value in &rules.blocked {
        match normalise(namespace, value, region) {
            Ok(usable) => blocked.push(usable.value),
            Err(Unusable::Blocked) => (),
            Err(_) => wrong.push(format!("{value} is never an identifier of {namespace}")),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong.join("; "));
    }
    blocked.sort_unstable();
    blocked.dedup();
    rules.blocked = blocked;
    Ok(rules)
}

/// Reads the rules of a namespace and leaves blocked values as they are written.
///
/// # Errors
/// Everything that is wrong with the text, for a person.
pub fn parse_plain(namespace: &str, text: &str) -> Result<NamespaceRules, String> {
    let mut rules = NamespaceRules::default_of(namespace);
    let mut wrong = Vec::new();
    for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
        let (verb, value) = word.split_once(char::is_whitespace).unwrap_or((word, ""));
        if let Err(problem) = apply(&mut rules, verb, value.trim()) {
            wrong.push(problem);
        }
    }
    if rules.blocked.len() > MAX_BLOCKED {
        wrong.push(format!("at most {MAX_BLOCKED} values are blocked"));
    }
    if wrong.is_empty() {
        Ok(rules)
    } else {
        Err(wrong.join("; "))
    }
}

fn apply(rules: &mut NamespaceRules, verb: &str, value: &str) -> Result<(), String> {
    let number = |least: u32, most: u32| {
        let read: Option<u32> = value.parse().ok();
        read.filter(|n| (least..=most).contains(n))
            .ok_or_else(|| format!("{verb} takes a number from {least} to {most}"))
    };
    match (verb, value) {
        ("unique", "") => rules.cardinality = UNIQUE,
        ("free", "") => rules.cardinality = Cardinality::Free,
        ("newest", "") => rules.shared = Shared::Newest,
        ("apart", "") => rules.shared = Shared::Apart,
        ("nobody", "") => rules.shared = Shared::Nobody,
        ("unique" | "free" | "newest" | "apart" | "nobody", _) => {
            return Err(format!("{verb} takes nothing"));
        }
        ("limit", _) => rules.cardinality = Cardinality::Limit(number(1, MAX_LIMIT)?),
        ("hub", _) => rules.hub_limit = number(1, MAX_HUB_LIMIT)?,
        ("priority", _) => {
            rules.priority = u8::try_from(number(0, u32::from(u8::MAX))?).unwrap_or(u8::MAX);
        }
        ("block", "") => return Err("block takes a value".to_owned()),
        ("block", value) => rules.blocked.push(value.to_owned()),
        _ => {
            return Err(format!(
                "`{verb}` is none of unique, free, limit, hub, priority, newest, apart, nobody, block"
            ));
        }
    }
    Ok(())
}

/// The rules of a namespace as text, whole.
#[must_use]
pub fn show(rules: &NamespaceRules) -> String {
    let mut text = match rules.cardinality {
        Cardinality::Free => "free".to_owned(),
        UNIQUE => "unique".to_owned(),
        Cardinality::Limit(limit) => format!("limit {limit}"),
    };
    let shared = match rules.shared {
        Shared::Newest => "newest",
        Shared::Apart => "apart",
        Shared::Nobody => "nobody",
    };
    let (hub, priority) = (rules.hub_limit, rules.priority);
    let _ = write!(text, ", hub {hub}, {shared}, priority {priority}");
    for value in &rules.blocked {
        let _ = write!(text, ", block {value}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_again() {
        for namespace in ["customer_id", "cookie", "till"] {
            let mut rules = NamespaceRules::default_of(namespace);
            assert_eq!(parse(namespace, &show(&rules), Region::JP).unwrap(), rules);
            assert_eq!(parse(namespace, "", Region::JP).unwrap(), rules);
            rules.cardinality = Cardinality::Limit(7);
            rules.hub_limit = 9;
            rules.shared = Shared::Nobody;
            rules.priority = 0;
            rules.blocked = vec!["no one".into(), "棚卸".into()];
            assert_eq!(parse(namespace, &show(&rules), Region::JP).unwrap(), rules);
        }
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        assert_eq!(
            parse(
                "email",
                "limit 0, hub x, unique 3, twice, block",
                Region::JP
            )
            .unwrap_err(),
            "limit takes a number from 1 to 1000; hub takes a number from 1 to 10000; unique takes nothing; \
             `twice` is none of unique, free, limit, hub, priority, newest, apart, nobody, block; block takes a value"
        );
    }
}
