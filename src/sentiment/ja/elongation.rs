//! Letters drawn out for effect: すごーーーい, さいこ〜.
//!
//! What must stay true: a shortened sentence is the sentence without some characters, and
//! [`Shortened::original`] leads each boundary of it back to a character boundary of the sentence.

use std::borrow::Cow;

/// A sentence without drawn-out letters.
#[derive(Debug)]
pub(super) struct Shortened<'a> {
    /// What is matched.
    pub(super) text: Cow<'a, str>,
    /// Where characters were left out: byte in `text`, bytes left out up to there.
    cuts: Vec<(usize, usize)>,
}

impl<'a> Shortened<'a> {
    /// Leaves the drawing-out out.
    pub(super) fn of(sentence: &'a str) -> Self {
        let mut last = None;
        let mut drawn_out = |c: char| {
            let drawn = is_mark(c) && follows(last, c);
            last = Some(c);
            drawn
        };
        if !sentence.chars().any(&mut drawn_out) {
            return Self {
                text: Cow::Borrowed(sentence),
                cuts: Vec::new(),
            };
        }
        let mut text = String::with_capacity(sentence.len());
        let mut cuts = Vec::new();
        let mut left_out = 0;
        let mut last = None;
        for c in sentence.chars() {
            if is_mark(c) && follows(last, c) {
                left_out += c.len_utf8();
                cuts.push((text.len(), left_out));
            } else {
                text.push(c);
                last = Some(c);
            }
        }
        Self {
            text: Cow::Owned(text),
            cuts,
        }
    }

    /// The place in the sentence of a place in the shortened text; `closing` places stay before
    /// what was left out there, others go behind it.
    pub(super) fn original(&self, at: usize, closing: bool) -> usize {
        let before = self
            .cuts
            .partition_point(|&(cut, _)| if closing { cut < at } else { cut <= at });
        at + before.checked_sub(1).map_or(0, |cut| self.cuts[cut].1)
    }

    /// Whether something was drawn out between two places of the shortened text.
    pub(super) fn drawn(&self, start: usize, end: usize) -> bool {
        let first = self.cuts.partition_point(|&(cut, _)| cut <= start);
        self.cuts.get(first).is_some_and(|&(cut, _)| cut <= end)
    }
}

/// A word of the lexicon in the form in which sentences are matched.
pub(super) fn shortened(word: &str) -> Cow<'_, str> {
    Shortened::of(word).text
}

pub(super) fn is_hiragana(c: char) -> bool {
    ('ぁ'..='ゖ').contains(&c)
}

pub(super) fn is_katakana(c: char) -> bool {
    ('ァ'..='ヺ').contains(&c) || c == 'ー'
}

pub(super) fn is_han(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c) || c == '々'
}

const MARKS: [char; 3] = ['ー', '〜', '~'];

/// Whether a mark behind this character draws it out.
fn follows(last: Option<char>, mark: char) -> bool {
    last.is_some_and(|last| is_hiragana(last) || last == mark)
}

fn is_mark(c: char) -> bool {
    MARKS.contains(&c)
}
