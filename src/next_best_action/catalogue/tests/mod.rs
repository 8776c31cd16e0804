//! Tests of the catalogue as a whole.

mod breaks;
mod breaks_of_policies;
mod breaks_of_wholes;
mod form;
mod hostile;
mod known;
mod laws;
mod page;
mod prepared;
mod sound;
mod starter;
mod strategies;

use super::{CheckRule, Document, Import, Violation, check::Known, export, take_apart};

/// Knows a rule language in which everything is right but what says otherwise.
pub(super) struct AnyRule;

impl CheckRule for AnyRule {
    fn check(&self, text: &str) -> Result<(), Vec<String>> {
        let wrong = text.matches("wrong").map(|_| "is wrong".to_owned());
        let wrong: Vec<String> = wrong.collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    fn check_segment(&self, _: &str, text: &str) -> Result<(), Vec<String>> {
        if text.contains("context[") {
            return Err(vec!["belongs to a call".to_owned()]);
        }
        self.check(text)
    }
}

fn import(texts: &[&str], known: &Known<'_>) -> Result<Import, Vec<Violation>> {
    take_apart(texts).check(known, &AnyRule)
}

/// Path, reason and line of everything that is wrong with a text.
fn wrong_with(text: &str) -> Vec<(String, &'static str, Option<u32>)> {
    let violations = import(&[text], &Known::default()).expect_err("nothing is wrong");
    let each = violations.into_iter();
    each.map(|v| (v.path, v.reason, v.line)).collect()
}

/// Path and reason of everything that is wrong with a document.
fn wrong_in(document: &Document) -> Vec<(String, &'static str)> {
    let each = wrong_with(&export(document)).into_iter();
    each.map(|(path, reason, line)| {
        assert!(line.is_some_and(|line| line > 0), "{path} has no line");
        let path = path.strip_prefix("documents[0].").map(str::to_owned);
        (path.expect("a path of the text"), reason)
    })
    .collect()
}
