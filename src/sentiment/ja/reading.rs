//! Reads the known words of a sentence in order and settles what each means where it stands.
//!
//! What must stay true: a negation turns only the nearest word before it within its clause, and a
//! second one turns it again only where nothing but grammar lies between (美味しくないわけではない);
//! a word of [`Kind::Fixed`] is never turned.

use super::direction;
use super::grammar::{Dimension, Kind};
use super::item::{Item, Role};
use super::scan::Token;

/// An intensifier further before than this many bytes belongs to something else.
const DEGREE_REACH: usize = 48;
/// A sentence after its words were read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) items: Vec<Item>,
    /// Bytes after each concession.
    pub(super) turns: Vec<usize>,
    /// Clause of the last word read.
    pub(super) clause: usize,
    pub(super) sarcasm: bool,
    pub(super) asks_why: bool,
    /// How strongly a question doubts what is good (see [`Kind::Doubt`]), 0 where it does not.
    pub(super) doubts: f32,
    /// Whether something is said to be without equal.
    pub(super) peak: bool,
}

/// What the words so far ask of those to come within the clause.
#[derive(Debug, Default)]
pub(super) struct Expecting {
    pub(super) degree: Option<(f32, usize)>,
    pub(super) slight: Option<f32>,
    pub(super) only: bool,
    pub(super) peak: bool,
    pub(super) prompt: bool,
    /// Factor of the good words to come.
    good: Option<f32>,
    /// Factor of all words to come.
    all: Option<f32>,
}

/// Reads the tokens of `text`.
pub(super) fn read(text: &str, tokens: &[Token<'_>]) -> Reading {
    let mut reader = Reader {
        text,
        reading: Reading::default(),
        expecting: Expecting::default(),
    };
    for (at, token) in tokens.iter().enumerate() {
        reader.take(tokens, at, *token);
    }
    reader.reading
}

/// Walks the tokens; `negation` and `irrealis` hold the rest of it.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) reading: Reading,
    pub(super) expecting: Expecting,
}

impl Reader<'_> {
    fn take(&mut self, tokens: &[Token<'_>], at: usize, token: Token<'_>) {
        let value = token.entry.value;
        match token.entry.kind {
            Kind::Word | Kind::Fixed => self.feel(token, value),
            Kind::Cure => self.cure(token),
            Kind::Vanish => self.vanish(token),
            Kind::Direction => self.direct(tokens, at),
            Kind::Head | Kind::Inert => {}
            Kind::Negation => self.negate(token, false),
            Kind::Attached => {
                let attached = self
                    .nearest(token.start)
                    .is_some_and(|item| item.stem_end == token.start);
                if attached {
                    self.negate(token, false);
                }
            }
            Kind::Thought => {
                self.scale(value, |_| true);
                self.turn(token);
            }
            Kind::WeakNegation => self.negate(token, true),
            Kind::Confirm => self.confirm(token),
            Kind::Forbid => self.forbid(token),
            Kind::Unwilling => self.unwilling(token),
            Kind::Only => self.expecting.only = true,
            Kind::Peak => {
                self.expecting.peak = true;
                self.reading.peak = true;
                self.expecting.degree = Some((value, token.end));
            }
            Kind::Up => self.strengthen(token),
            Kind::Down => self.expecting.degree = Some((value, token.end)),
            Kind::Slight => self.expecting.slight = Some(value),
            Kind::But => self.turn(token),
            Kind::Break => self.close(),
            Kind::If => self.suppose(token),
            Kind::Wish => self.wish(token),
            Kind::Prompt => {
                self.expecting.prompt = true;
                self.expecting.degree = Some((1.2, token.end));
            }
            Kind::Ask => self.ask(),
            Kind::Elsewhere => self.expecting.good = Some(-0.7),
            Kind::Rhetoric => self.accuse(token),
            Kind::Past => self.expecting.all = Some(0.3),
            Kind::Why => self.reading.asks_why = true,
            Kind::Doubt => {
                self.reading.doubts = self.reading.doubts.max(value);
                self.push(token, 0.0).role = Role::Fixed;
            }
            Kind::Sarcasm => {
                self.reading.sarcasm = true;
                self.push(token, value).role = Role::Fixed;
            }
            Kind::Laugh => self.push(token, value).role = Role::Laugh,
            Kind::Excess => self.exceed(token),
        }
    }

    pub(super) fn push(&mut self, token: Token<'_>, valence: f32) -> &mut Item {
        let items = &mut self.reading.items;
        items.push(Item::at(token, valence, self.reading.clause));
        let last = items.len() - 1;
        &mut items[last]
    }

    /// A word that carries feeling, under the intensifier before it.
    fn feel(&mut self, token: Token<'_>, valence: f32) {
        let fixed = token.entry.kind == Kind::Fixed;
        let degree = self.degree(token.start);
        let slight = self.expecting.slight.unwrap_or(1.0);
        let mut valence = valence * degree;
        let previous = self.reading.items.last();
        if fixed && previous.is_some_and(|last| last.number == token.number) {
            valence *= 0.3;
        }
        if !fixed {
            let good = if valence > 0.0 {
                self.expecting.good
            } else {
                None
            };
            valence *= good.unwrap_or(1.0) * self.expecting.all.unwrap_or(1.0);
        }
        let inflected = inflection(&self.text[token.end..]);
        let item = self.push(token, valence);
        item.degree = degree;
        item.slight = slight;
        item.role = if fixed { Role::Fixed } else { Role::Word };
        item.end += inflected;
    }

    fn degree(&mut self, at: usize) -> f32 {
        match self.expecting.degree.take() {
            Some((degree, from)) if from + DEGREE_REACH >= at => degree,
            _ => 1.0,
        }
    }

    fn strengthen(&mut self, token: Token<'_>) {
        let before = self.degree(token.start);
        self.expecting.degree = Some(((token.entry.value * before).min(2.0), token.end));
    }

    fn direct(&mut self, tokens: &[Token<'_>], at: usize) {
        let token = tokens[at];
        let mut valence = direction::valence(self.text, tokens, at);
        if token.entry.direction.is_some() && self.text[token.end..].starts_with('く') {
            self.expecting.prompt = true;
        }
        let quantity = token.entry.direction.is_some_and(|(dimension, _)| {
            matches!(
                dimension,
                Dimension::Amount | Dimension::Level | Dimension::Size
            )
        });
        let previous = self.reading.items.last_mut().filter(|item| {
            let adjacent = item.stem_end + "感が".len() >= token.start;
            (quantity || valence.abs() < 0.6)
                && adjacent
                && item.valence != 0.0
                && item.role == Role::Word
        });
        if let (Some(item), Some((_, sign))) = (previous, token.entry.direction) {
            item.valence *= if sign > 0 { 1.3 } else { -0.5 };
            item.end = token.end;
            valence = 0.0;
        }
        self.feel(token, valence);
    }

    /// Ends the clause; a degree still waits for its word (とても、良い).
    pub(super) fn close(&mut self) {
        self.reading.clause += 1;
        self.expecting = Expecting {
            degree: self.expecting.degree,
            ..Expecting::default()
        };
    }

    pub(super) fn turn(&mut self, token: Token<'_>) {
        self.close();
        self.expecting.degree = None;
        self.reading.turns.push(token.end);
    }

    fn exceed(&mut self, token: Token<'_>) {
        let Some(item) = self.reading.items.last_mut() else {
            return;
        };
        if item.stem_end + "く".len() < token.start || item.role != Role::Word {
            return;
        }
        item.end = token.end;
        item.valence = match item.valence {
            0.0 if item.negated == 0.0 => -1.3,
            value => value * token.entry.value,
        };
    }
}

impl Reading {
    /// Clause of the last word that carries feeling.
    pub(super) fn last_clause(&self) -> usize {
        let felt = |item: &&Item| item.valence != 0.0 && item.role != Role::Laugh;
        self.items
            .iter()
            .rev()
            .find(felt)
            .map_or(0, |item| item.clause)
    }
}

/// Bytes of the inflection that opens `rest`, for the evidence shown.
fn inflection(rest: &str) -> usize {
    const ENDINGS: [&str; 10] = [
        "しかった",
        "かった",
        "しい",
        "しく",
        "った",
        "い",
        "く",
        "る",
        "な",
        "た",
    ];
    ENDINGS
        .iter()
        .find(|ending| rest.starts_with(**ending))
        .map_or(0, |ending| ending.len())
}
