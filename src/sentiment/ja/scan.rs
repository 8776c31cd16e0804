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
    let Some(words) = &grammar.words else {
        return Vec::new();
    };
    let letters = words.letters(text);
    let mut tokens = Vec::with_capacity(letters.len() / 3);
    let mut found = Vec::with_capacity(8);
    let mut at = 0;
    while let Some(letter) = letters.get(at) {
        let from = at;
        at += 1;
        found.clear();
        words.beginnings(&letters[from..], &mut found);
        let admitted = found.iter().rev().find_map(|&(number, length)| {
            let entry = &grammar.entries[number];
            let start = letter.at as usize;
            let end = letters[from + length].at as usize;
            let admitted = entry.guard.admits(text, start, end);
            admitted.then_some((
                length,
                Token {
                    start,
                    end,
                    number,
                    entry,
                },
            ))
        });
        if let Some((length, token)) = admitted {
            at = from + length;
            tokens.push(token);
        }
    }
    tokens
}
