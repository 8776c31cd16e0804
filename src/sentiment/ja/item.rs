//! A word or phrase that carries feeling, with all that the sentence has done to it so far.

use super::scan::Token;

/// What is left of a good word under negation, and of a bad one.
const TURNED: (f32, f32) = (-0.8, -0.5);
/// The same under わけではない and the like.
const TURNED_WEAKLY: (f32, f32) = (-0.45, -0.3);
/// What a second negation leaves of the turned value.
const TURNED_BACK: f32 = -0.45;

/// What may happen to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Negation, wishes and conditions change it.
    Word,
    /// They do not.
    Fixed,
    /// A question that accuses; they do not either.
    Rhetoric,
    /// Laughter, which goes with the rest of the sentence.
    Laugh,
}

/// A word or phrase with its valence so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    /// First byte.
    pub(super) start: usize,
    /// Byte after the stem as the lexicon has it.
    pub(super) stem_end: usize,
    /// Byte after what belongs to it, its negation among that.
    pub(super) end: usize,
    /// VADER's scale.
    pub(super) valence: f32,
    /// The clause it stands in, counted from 0.
    pub(super) clause: usize,
    /// What may happen to it.
    pub(super) role: Role,
    /// A negative question affirms it.
    pub(super) confirmed: bool,
    /// Carries feeling only under negation.
    pub(super) needed: bool,
    /// Turned because what was to bring it did not happen.
    pub(super) missed: bool,
    /// Which word it is.
    pub(super) number: usize,
    /// How often it was negated.
    pub(super) negations: u8,
    /// Valence under negation; 0 where a rule makes it.
    pub(super) negated: f32,
    /// Factor of the intensifiers before it.
    pub(super) degree: f32,
    /// Factor of a weakened negation (あまり).
    pub(super) slight: f32,
}

impl Item {
    /// A word where it stands.
    pub(super) fn at(token: Token<'_>, valence: f32, clause: usize) -> Self {
        Self {
            start: token.start,
            stem_end: token.end,
            end: token.end,
            valence,
            clause,
            role: Role::Word,
            confirmed: false,
            needed: valence == 0.0 && token.entry.negated != 0.0,
            missed: false,
            number: token.number,
            negations: 0,
            negated: token.entry.negated,
            degree: 1.0,
            slight: 1.0,
        }
    }

    /// Turns the valence by one more negation.
    pub(super) fn turn(&mut self, weak: bool, slight: f32) {
        self.negations = self.negations.saturating_add(1);
        let (good, bad) = if weak { TURNED_WEAKLY } else { TURNED };
        let softened = if weak { 0.55 } else { 1.0 };
        self.valence = match (self.negations, self.negated) {
            (1, 0.0) if self.valence > 0.0 && weak => self.valence / self.degree * good * slight,
            (1, 0.0) if self.valence > 0.0 => self.valence * good * slight,
            (1, 0.0) => self.valence * bad,
            (1, negated) => negated * softened * self.degree * slight,
            _ => self.valence * TURNED_BACK,
        };
    }
}
