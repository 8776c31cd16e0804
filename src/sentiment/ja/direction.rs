//! Words that are good or bad by what they are said of: a price is high, and so is a quality.

use super::grammar::{Dimension, Kind, Senses};
use super::scan::Token;

/// How far before a direction its head is looked for, in bytes.
const REACH: usize = 60;
/// Valence of a direction whose head is known.
const KNOWN: f32 = 1.7;

/// The valence of the direction at `tokens[at]`, from the noun it qualifies (高い品質), else from
/// the nearest noun before that has a sense for it (品質が高い), else the word's own.
pub(super) fn valence(text: &str, tokens: &[Token<'_>], at: usize) -> f32 {
    let token = tokens[at];
    let Some((dimension, sign)) = token.entry.direction else {
        return 0.0;
    };
    let sense = after(text, tokens, at, dimension).or_else(|| before(tokens, at, dimension));
    if let Some(sense) = sense {
        return f32::from(sense * sign) * KNOWN.max(token.entry.value.abs());
    }
    let adverb = text[token.end..].starts_with('く');
    match dimension {
        Dimension::Span if adverb => 0.0,
        Dimension::Speed if adverb => token.entry.value * 0.7,
        _ => token.entry.value,
    }
}

fn after(text: &str, tokens: &[Token<'_>], at: usize, dimension: Dimension) -> Option<i8> {
    let next = tokens.get(at + 1)?;
    let between = text.get(tokens[at].end..next.start)?;
    let joined = matches!(between, "い" | "な" | "き" | "かった" | "めの" | "く" | "");
    if !joined || (between == "く" && dimension != Dimension::Speed) || between.is_empty() {
        return None;
    }
    sense(next.entry.senses, dimension)
}

fn before(tokens: &[Token<'_>], at: usize, dimension: Dimension) -> Option<i8> {
    let start = tokens[at].start;
    tokens[..at]
        .iter()
        .rev()
        .take_while(|token| token.end + REACH >= start && token.entry.kind != Kind::But)
        .take_while(|token| token.entry.direction.is_none())
        .find_map(|token| sense(token.entry.senses, dimension))
}

fn sense(senses: Senses, dimension: Dimension) -> Option<i8> {
    Some(senses[dimension as usize]).filter(|&sense| sense != 0)
}
