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
    let mut next = 0;
    while let Some(rest) = text.get(next..) {
        let at = next + quote.map_or_else(|| inert(rest.as_bytes()), |_| 0);
        let mut behind = text.get(at..).unwrap_or_default().chars();
        let Some(c) = behind.next() else {
            break;
        };
        next = at + c.len_utf8();
        if let Some((close, opened)) = quote {
            if c == close || at - opened > QUOTE_MAX || c == '\n' {
                quote = None;
            }
            if c != '\n' {
                continue;
            }
        }
        if let Some(close) = closing(c) {
            if within(behind.as_str(), close) {
                quote = Some((close, at));
            }
            continue;
        }
        let ends = match c {
            '。' | '!' | '?' | '\n' | '！' | '？' | '…' | '‼' => true,
            '.' => full_stop(text, start, at, behind.clone().next()),
            _ => false,
        };
        if !ends {
            continue;
        }
        next += behind
            .take_while(|c| stays(*c))
            .map(char::len_utf8)
            .sum::<usize>();
        push(text, start..next, &mut found);
        start = next;
    }
    push(text, start..text.len(), &mut found);
    found
}

/// Bytes at the head of a text that end no sentence and open no quotation: those of kana, han and most of ASCII,
/// which are nearly all there is.
fn inert(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += match byte {
            b'.' | b'!' | b'?' | b'\n' => break,
            0..=0x7f => 1,
            0xe5..=0xe9 => 3,
            0xe3 | 0xe4 => match (byte, bytes.get(at + 1)) {
                (0xe3, Some(0x81..=0x83)) | (0xe4, Some(0xb8..)) => 3,
                _ => break,
            },
            _ => break,
        };
    }
    at
}

/// Whether a character stays with the mark before it that ends a sentence.
const fn stays(c: char) -> bool {
    matches!(
        c,
        '。' | '!' | '?' | '.' | '…' | '」' | ')' | '"' | '\'' | '”' | '’' | '~' | '〜' | 'ー'
    )
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
