//! Finds the known words of a sentence, from left to right, the longest first.

use super::grammar::{Entry, Grammar};

/// A known word where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'g> {
    /// First byte.
    pub(super) start: usize,
    /// Byte after the last.
    pub(super) end: usize,
    /// Which word it is.
    pub(super) number: usize,
    /// What it does.
    pub(super) entry: &'g Entry,
}

/// The words of `text` that may stand where they do. Where the longest may not, a shorter one that
/// begins at the same place is taken, else the search goes on one character further.
pub(super) fn tokens<'g>(grammar: &'g Grammar, text: &str) -> Vec<Token<'g>> {
    let mut tokens = Vec::with_capacity(text.len() / 8);
    let mut found = Vec::with_capacity(8);
    let mut start = 0;
    while start < text.len() {
        let next = grammar.words.words_at(text, start, &mut found);
        let admitted = found.iter().rev().find_map(|&(number, end)| {
            let entry = &grammar.entries[number];
            let admitted = entry.guard.admits(text, start, end);
            admitted.then_some(Token {
                start,
                end,
                number,
                entry,
            })
        });
        start = admitted.map_or(next, |token| token.end);
        tokens.extend(admitted);
    }
    tokens
}
