//! What may stand in a catalogue.
//!
//! [`action`], [`policy`] and [`segment`] look at one thing each, [`whole`] at what they say of each other. All add what is wrong to
//! [`Findings`]; nothing wrong means [`vouched`](action_alone).

mod action;
mod fields;
mod policy;
mod texts;
mod whole;

pub use action::action;
pub use policy::policy;
pub use whole::{Known, Part, segments, whole};

use super::{
    limits::{MAX_DESCRIPTION_CHARS, MAX_RULE_BYTES, MAX_RULE_FINDING_CHARS, MAX_RULE_FINDINGS},
    violation::{
        Findings, Path, Violation,
        reason::{REQUIRED, RULE_INVALID, TOO_LONG},
    },
};
use crate::next_best_action::model::{Definition, Policy, Segment, Status, Valid};
use fields::{prose, slug};

/// Knows the rule language.
pub trait CheckRule {
    /// Whether a rule of an action can be evaluated and comes out true or false.
    ///
    /// # Errors
    /// With everything that is wrong with it, each for a person to read.
    fn check(&self, text: &str) -> Result<(), Vec<String>>;

    /// The same of a rule of a segment, which knows nothing of the call.
    ///
    /// # Errors
    /// As [`CheckRule::check`].
    fn check_segment(&self, name: &str, text: &str) -> Result<(), Vec<String>>;
}

/// A rule of an action.
pub(super) fn rule(path: Path<'_>, text: &str, rules: &impl CheckRule, found: &mut Findings) {
    bounded(path, text, |text| rules.check(text), found);
}

/// A rule, whose text is bounded before the checker sees it.
fn bounded(
    path: Path<'_>,
    text: &str,
    check: impl FnOnce(&str) -> Result<(), Vec<String>>,
    found: &mut Findings,
) {
    if text.trim().is_empty() {
        found.add(path, REQUIRED, "may not be empty");
        return;
    }
    if text.len() > MAX_RULE_BYTES {
        found.add(path, TOO_LONG, format!("at most {MAX_RULE_BYTES} bytes"));
        return;
    }
    let Err(wrong) = check(text) else {
        return;
    };
    if wrong.is_empty() {
        found.add(path, RULE_INVALID, "is refused");
    }
    for said in wrong.into_iter().take(MAX_RULE_FINDINGS) {
        let short: String = said.chars().take(MAX_RULE_FINDING_CHARS).collect();
        found.add(path, RULE_INVALID, short);
    }
}

/// A segment.
pub fn segment(path: Path<'_>, segment: &Segment, rules: &impl CheckRule, found: &mut Findings) {
    slug(path.key("name"), &segment.name, found);
    let most = MAX_DESCRIPTION_CHARS;
    prose(path.key("description"), &segment.description, most, found);
    let here = path.key("rule");
    bounded(
        here,
        &segment.rule,
        |text| rules.check_segment(&segment.name, text),
        found,
    );
}

/// An action that is to be created or to get a version, with everything that is there already.
///
/// # Errors
/// With everything that is wrong.
pub fn action_alone(
    definition: Definition,
    status: Status,
    known: &Known<'_>,
    policy: &Policy,
    rules: &impl CheckRule,
) -> Result<Valid<Definition>, Vec<Violation>> {
    let mut found = Findings::default();
    let root = Path::Root;
    let path = root.key("definition");
    action(path, &definition, policy, rules, &mut found);
    let part = Part {
        text: None,
        definition: &definition,
        status,
    };
    whole(root.key("stored"), policy, &[part], known, &mut found);
    found.finish(())?;
    Ok(Valid::vouch(definition.canonical()))
}
