//! The feeling of a Japanese sentence by lexicon and grammar, without a segmenter.
//!
//! A sentence is cut into known words by longest match (`scan`); `reading` walks them once,
//! clause by clause, and turns, strengthens or empties the words that carry feeling; `mood` then
//! weighs them by concessions and by what kind of sentence it is.
//!
//! What must stay true: any string is answered without a panic, every clue lies on character
//! boundaries of the sentence handed in, the valence is the sum of the clues apart from the
//! emphasis of exclamation marks, and the cost grows with the length of the sentence alone.

mod direction;
mod elongation;
mod grammar;
mod guard;
mod irrealis;
mod item;
mod mood;
mod negation;
mod reading;
mod scan;
#[cfg(test)]
mod tests;

use crate::sentiment::model::{Clue, Score};
use elongation::Shortened;
use grammar::GRAMMAR;

/// How much a drawn-out word is strengthened.
const DRAWN_OUT: f32 = 1.3;
/// What each of at most four exclamation marks adds, as in VADER (Hutto and Gilbert 2014).
const EXCLAMATION: f32 = 0.292;

/// The feeling of one prepared sentence (NFKC, masked), on VADER's scale.
#[must_use]
pub fn score(sentence: &str) -> Score {
    let shortened = Shortened::of(sentence);
    let text = shortened.text.as_ref();
    let tokens = scan::tokens(&GRAMMAR, text);
    let mut reading = reading::read(text, &tokens);
    mood::weigh(text, &mut reading);
    let mut clues = Vec::with_capacity(reading.items.len());
    for item in &reading.items {
        let mut valence = item.valence;
        if shortened.drawn(item.start, item.stem_end + "ーい".len()) {
            valence *= DRAWN_OUT;
        }
        if valence.abs() >= 0.05 {
            let start = shortened.original(item.start, false);
            let end = shortened.original(item.end, true);
            clues.push(Clue {
                start,
                end,
                valence,
            });
        }
    }
    let sum: f32 = clues.iter().map(|clue| clue.valence).sum();
    let marks = sentence.bytes().filter(|&byte| byte == b'!').take(4);
    let emphasis: f32 = marks.map(|_| EXCLAMATION).sum();
    let valence = if sum.abs() < 0.2 {
        sum
    } else {
        sum + emphasis.copysign(sum)
    };
    Score { valence, clues }
}

/// A sum of valences as a value in -1..=1, as VADER: v / sqrt(v² + 15).
#[must_use]
pub fn normalised(valence: f32) -> f32 {
    valence / valence.mul_add(valence, 15.0).sqrt()
}
