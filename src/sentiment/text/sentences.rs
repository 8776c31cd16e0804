//! Where sentences end.
//!
//! At 。！？!? and newlines, and at a full stop before white space that is no part of a number or an
//! abbreviation. A mark inside quotes does not end the sentence that quotes it; runs of marks and the
//! closing bracket or emoji after them stay with what they end.

use std::ops::Range;

use super::language::spoken;

/// A quotation longer than this was probably never closed.
const QUOTE_MAX: usize = 240;

const ABBREVIATIONS: [&str; 22] = [
    "dr", "mr", "mrs", "ms", "prof", "st", "no", "vs", "etc", "e.g", "i.e", "a.m", "p.m", "approx",
    "dept", "inc", "ltd", "jr", "sr", "u.s", "u.k", "fig",
];

/// Ranges of sentences in a prepared text, in order, each with a character that is no white space.
#[must_use]
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut quote: Option<(char, usize)> = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let end = at + c.len_utf8();
        if let Some((close, opened)) = quote {
            if c == close || at - opened > QUOTE_MAX || c == '\n' {
                quote = None;
            }
            if c != '\n' {
                continue;
            }
        }
        // Kana and han, which are most of a Japanese text, end nothing and open nothing.
        if matches!(c, '\u{3041}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}') {
            continue;
        }
        if let Some(close) = closing(c) {
            if text.get(end..).is_some_and(|rest| within(rest, close)) {
                quote = Some((close, at));
            }
            continue;
        }
        let ends = match c {
            '。' | '!' | '?' | '\n' | '！' | '？' | '…' | '‼' => true,
            '.' => full_stop(text, start, at, chars.peek().map(|next| next.1)),
            _ => false,
        };
        if !ends {
            continue;
        }
        let mut end = end;
        while let Some(&(next_at, next)) = chars.peek() {
            if !matches!(
                next,
                '。' | '!'
                    | '?'
                    | '.'
                    | '…'
                    | '」'
                    | ')'
                    | '"'
                    | '\''
                    | '”'
                    | '’'
                    | '~'
                    | '〜'
                    | 'ー'
            ) {
                break;
            }
            end = next_at + next.len_utf8();
            chars.next();
        }
        push(text, start..end, &mut found);
        start = end;
    }
    push(text, start..text.len(), &mut found);
    found
}

const fn closing(c: char) -> Option<char> {
    match c {
        '「' => Some('」'),
        '『' => Some('』'),
        '“' => Some('”'),
        _ => None,
    }
}

fn within(rest: &str, close: char) -> bool {
    rest.chars().take(QUOTE_MAX / 3).any(|c| c == close)
}

fn full_stop(text: &str, start: usize, at: usize, next: Option<char>) -> bool {
    if next.is_some_and(|c| c == '.') {
        return true;
    }
    if next.is_some_and(|c| !c.is_whitespace() && !matches!(c, '"' | ')' | '”' | '\'')) {
        return false;
    }
    let before = text.get(start..at).unwrap_or_default();
    let word = before
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or_default();
    let word = word.trim_start_matches(['(', '"', '“']);
    let initial =
        word.chars().count() == 1 && word.chars().all(|c| c.is_ascii_uppercase() && c != 'I');
    next.is_none()
        || !(initial
            || ABBREVIATIONS
                .iter()
                .any(|known| known.eq_ignore_ascii_case(word)))
}

/// Adds a sentence without the white space around it; marks alone join the sentence before.
fn push(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let Some(piece) = text.get(range.clone()) else {
        return;
    };
    let trimmed = piece.trim_start();
    let start = range.end - trimmed.len();
    let trimmed = trimmed.trim_end();
    if trimmed.is_empty() {
        return;
    }
    let sentence = start..start + trimmed.len();
    if !trimmed.chars().any(spoken)
        && let Some(last) = found.last_mut()
        && text
            .get(last.end..start)
            .is_some_and(|gap| !gap.contains('\n') || trimmed.len() <= 16)
    {
        last.end = sentence.end;
        return;
    }
    found.push(sentence);
}
