//! Requests about segments.

use std::collections::BTreeSet;

use super::{
    fields::{present, slug},
    limits::MAX_SLUG_BYTES,
    reason::{DUPLICATE_NAME, TOO_MANY},
    violations::Violations,
};
use crate::{
    criteria::{Rule, Use},
    error::Violation,
    next_best_action::{
        catalogue::{
            limits::MAX_SEGMENTS,
            reason::{RULE_INVALID, UNKNOWN_NAME},
        },
        segments::Segments,
    },
};

/// Checks which segments are wanted, of those there are; none means all.
///
/// # Errors
/// When there are too many, one stands there twice, or there is no such segment.
pub fn wanted(
    names: &[String],
    known: &BTreeSet<&str>,
) -> Result<BTreeSet<String>, Vec<Violation>> {
    let mut out = Violations::default();
    if names.len() > MAX_SEGMENTS {
        let most = format!("at most {MAX_SEGMENTS} may be asked for");
        out.add(&"segments", TOO_MANY, most);
        return out.finish(None);
    }
    let mut wanted = BTreeSet::new();
    for (n, name) in names.iter().enumerate() {
        let field = format!("segments[{n}]");
        if !slug(&mut out, &field, name, MAX_SLUG_BYTES) {
            continue;
        }
        if !known.contains(name.as_str()) {
            out.add(&field, UNKNOWN_NAME, "there is no such segment");
        } else if !wanted.insert(name.clone()) {
            out.add(&field, DUPLICATE_NAME, "stands there twice");
        }
    }
    out.finish(Some(wanted))
}

/// Checks the name of a segment that there may be.
///
/// # Errors
/// When it is no slug.
pub fn name(name: &str) -> Result<String, Vec<Violation>> {
    let mut out = Violations::default();
    if !name.is_empty() {
        slug(&mut out, &"name", name, MAX_SLUG_BYTES);
    }
    out.finish(Some(name.to_owned()))
}

/// Reads the rule of a segment.
///
/// # Errors
/// Every mistake of it.
pub fn rule(text: &str) -> Result<Rule, Vec<Violation>> {
    let mut out = Violations::default();
    if !present(&mut out, &"rule", text) {
        return out.finish(None);
    }
    let rule = Rule::parse(text, Use::Segment).map_err(|faults| {
        for fault in faults {
            out.add(&"rule", RULE_INVALID, fault.describe(text));
        }
    });
    out.finish(rule.ok())
}

/// Checks what a rule refers to, as the segment of a name beside others; no rule refers to one without a name.
///
/// # Errors
/// When one is not there, or they refer to each other in a circle.
pub fn fits(there: &Segments<'_>, name: &str, rule: &Rule) -> Result<(), Vec<Violation>> {
    let mut out = Violations::default();
    if let Err(faults) = there.with(name, rule) {
        for fault in faults {
            out.add(&"rule", RULE_INVALID, fault.to_string());
        }
    }
    out.finish(Some(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_wanted_by_the_names_that_there_are() {
        let known = BTreeSet::from(["loyal", "new"]);
        let ask = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
            wanted(&names, &known)
        };
        assert_eq!(ask(&["new"]).unwrap(), BTreeSet::from(["new".to_owned()]));
        assert!(ask(&[]).unwrap().is_empty());
        let wrong = ask(&["new", "new", "NEW!", "old"]).unwrap_err();
        let wrong: Vec<_> = wrong.iter().map(|v| (v.field.as_str(), v.reason)).collect();
        let expected = [
            ("segments[1]", "duplicate_name"),
            ("segments[2]", "not_a_slug"),
            ("segments[3]", "unknown_name"),
        ];
        assert_eq!(wrong, expected);
        let many = vec!["new"; MAX_SEGMENTS + 1];
        assert_eq!(ask(&many).unwrap_err()[0].reason, "too_many");
    }

    #[test]
    fn every_mistake_of_a_rule_is_said() {
        assert!(rule("order_count >= 2").is_ok());
        assert_eq!(rule("").unwrap_err()[0].reason, "required");
        let wrong = rule("order_count >= \"x\" && nothing_such").unwrap_err();
        assert_eq!(wrong.len(), 2);
        assert!(
            wrong
                .iter()
                .all(|v| v.field == "rule" && v.reason == "rule_invalid")
        );
        assert!(rule("channel == \"web\"").is_err());
    }

    #[test]
    fn a_rule_refers_to_what_is_there_and_in_no_circle() {
        let there = Segments::default();
        let asks = rule("segment(\"a\")").unwrap();
        assert!(fits(&there, "", &asks).is_err());
        assert!(fits(&there, "a", &asks).is_err());
        assert!(fits(&there, "a", &rule("known").unwrap()).is_ok());
    }
}
