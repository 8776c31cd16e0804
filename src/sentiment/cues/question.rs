//! Questions that only their mark shows.
//!
//! The tables find question forms and name the forms that only look like questions (rhetorical
//! ones, polite requests). What is left is a sentence with a question mark: a question, unless the
//! tables have called it something else.

use super::kind::{Kind, Kinds};
use super::matcher::Match;
use crate::sentiment::model::Intent;

/// The question that the last question mark of `folded` asks, with the word before it; none when
/// there is no mark, when it stands alone, is shouted (`??`, `!?`) or quoted, or when `matches` already hold a question, a request or
/// a rhetorical form.
pub(super) fn mark(folded: &str, matches: &[Match]) -> Option<Match> {
    let at = folded.rfind('?')?;
    let taken = matches.iter().flat_map(|one| one.kinds.iter()).any(|kind| {
        matches!(
            kind,
            Kind::Intent(Intent::Question | Intent::Request) | Kind::Rhetorical
        )
    });
    let loud = |around: &str| {
        ["??", "!?", "?!"]
            .iter()
            .any(|marks| around.contains(marks))
    };
    let quoted = folded[at + 1..].starts_with(['」', '』']);
    if taken || quoted || loud(&folded[..=at]) {
        return None;
    }
    let words = folded[..at].trim_end_matches(['?', '!', ' ']);
    let first = words
        .char_indices()
        .rev()
        .take(12)
        .last()
        .map(|(start, _)| start)?;
    let start = words[first..]
        .find(' ')
        .map_or(first, |space| first + space + 1);
    let start = if start >= words.len() { first } else { start };
    let mut kinds = Kinds::default();
    kinds.insert(Kind::Intent(Intent::Question));
    Some(Match {
        kinds,
        start,
        end: at + 1,
    })
}
