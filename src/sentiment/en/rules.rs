//! What stands around a clue.
//!
//! One walk from left to right carries what is in force: how many negators, which boosters, whether
//! the words are wished for or conditional. Strong marks end all of it, commas end most. Figures that
//! are VADER's say so; the rest was set by hand on customer language.

use super::Reading;
use super::clauses::{Clauses, sum};
use super::force::{Force, NOTHING};
use super::lexicon::{Entry, Piece, Role};
use super::words::{Gap, Words};
use crate::sentiment::model::{Clue, Score};

/// Capitals in a text that is not all capitals; VADER has 0.733.
const CAPS: f32 = 0.9;
/// VADER: a negated word keeps this share, turned.
const NEGATED: f32 = -0.74;
/// "Not bad" is praise; the model, which has seen few such words, leans the other way.
const NEGATED_BLAME: f32 = -1.0;
/// Pieces that a booster reaches over; VADER's three.
const BOOST_REACH: u32 = 3;
/// VADER adds its boosts; here they multiply, and this much more than the list says.
const BOOST_GAIN: f32 = 1.7;

/// Words that open the main clause after "despite ..." without a comma.
const SUBJECTS: [&str; 10] = [
    "we",
    "i",
    "it",
    "they",
    "he",
    "she",
    "you",
    "everything",
    "everyone",
    "this",
];
/// Praise that "enough" cannot hold.
const BEYOND_PRAISE: f32 = 2.6;
/// What cannot be done enough.
const PRAISING: [&str; 8] = [
    "recommend",
    "thank",
    "praise",
    "stress",
    "say",
    "speak",
    "express",
    "rate",
];

/// Reads the pieces of a sentence.
pub(super) fn apply<'a>(words: Words<'a>, pieces: &[Piece]) -> Reading<'a> {
    let mut walk = Walk::new(&words, pieces);
    for index in 0..pieces.len() {
        walk.step(index);
    }
    let Walk {
        clues,
        boosters,
        negated,
        clauses,
        rhetorical,
        ..
    } = walk;
    let mut score = Score {
        valence: 0.0,
        clues,
    };
    sum(&words, &clauses, rhetorical, &mut score);
    Reading {
        words,
        boosters,
        negated,
        score,
    }
}

struct Walk<'w, 'a> {
    words: &'w Words<'a>,
    pieces: &'w [Piece],
    force: Force,
    clues: Vec<Clue>,
    boosters: Vec<bool>,
    negated: Vec<bool>,
    clauses: Clauses,
    rhetorical: Option<Clue>,
    asks: bool,
    shouting: bool,
}

impl<'w, 'a> Walk<'w, 'a> {
    fn new(words: &'w Words<'a>, pieces: &'w [Piece]) -> Self {
        let count = words.list.len();
        let letters = words.list.iter().filter(|word| !word.symbol).count();
        let caps = words.list.iter().filter(|word| word.caps).count();
        Self {
            words,
            pieces,
            force: NOTHING,
            clues: Vec::new(),
            boosters: vec![false; count],
            negated: vec![false; count],
            clauses: Clauses::default(),
            rhetorical: None,
            asks: words
                .text
                .trim_end_matches(['!', '"', ')', ' ', '.'])
                .ends_with('?'),
            shouting: caps * 3 > letters * 2,
        }
    }

    fn gap(&self, piece: &Piece) -> Gap {
        self.words
            .list
            .get(piece.from)
            .map_or(Gap::Space, |word| word.gap)
    }

    fn range(&self, piece: &Piece) -> (usize, usize) {
        let start = self.words.list.get(piece.from).map_or(0, |word| word.start);
        let end = self
            .words
            .list
            .get(piece.to - 1)
            .map_or(start, |word| word.end);
        (start, end)
    }

    fn lower(&self, piece: &Piece) -> &str {
        let (start, end) = self.range(piece);
        self.words.lower.get(start..end).unwrap_or_default()
    }

    /// Praise in the form of a question: "what could be better?"
    fn exclaims(&self, piece: &Piece) -> bool {
        piece.to - piece.from > 2
            && ["what", "how", "why", "who", "isn't", "will"]
                .iter()
                .any(|word| self.lower(piece).starts_with(word))
    }

    /// "They sorted nothing and I was angry": a new subject after "and" ends what was in force.
    fn join(&mut self, index: usize, piece: &Piece) {
        let before = index
            .checked_sub(1)
            .and_then(|before| self.pieces.get(before));
        let joined = before
            .is_some_and(|before| matches!(self.lower(before), "and" | "so" | "because" | "since"));
        if joined
            && (SUBJECTS.contains(&self.lower(piece))
                || matches!(self.lower(piece), "the" | "my" | "our"))
        {
            self.force = Force {
                ironic: self.force.ironic,
                ..NOTHING
            };
        }
    }

    /// "Cannot thank you enough": what cannot be done enough is praise.
    fn beyond_praise(&self, index: usize) -> bool {
        let Some(piece) = self.pieces.get(index) else {
            return false;
        };
        let list = self.words.list.get(piece.from..).unwrap_or_default();
        let first = list.first().map_or("", |word| self.words.lower(word));
        if !matches!(first, "can't" | "cant" | "cannot" | "couldn't" | "couldnt") {
            return false;
        }
        let has = |wanted: &[&str]| {
            list.iter()
                .take(9)
                .any(|word| wanted.contains(&self.words.lower(word)))
        };
        has(&["enough"]) && has(&PRAISING)
    }

    fn step(&mut self, index: usize) {
        let Some(piece) = self.pieces.get(index).copied() else {
            return;
        };
        match self.gap(&piece) {
            Gap::Stop => {
                self.force = Force {
                    ironic: self.force.ironic,
                    ..NOTHING
                };
                self.clauses.close();
            }
            Gap::Comma => {
                self.force = Force {
                    irrealis: self.force.irrealis,
                    ironic: self.force.ironic,
                    ..NOTHING
                };
                self.clauses.close();
            }
            Gap::Space => {}
        }
        if self.force.odd() {
            self.negated
                .get_mut(piece.from..piece.to)
                .unwrap_or_default()
                .fill(true);
        }
        match piece.entry.role {
            Role::Plain => {
                if self.clauses.conceding() && SUBJECTS.contains(&self.lower(&piece)) {
                    self.clauses.close();
                }
                self.join(index, &piece);
                self.force.tick();
            }
            Role::Negate | Role::Valence if self.beyond_praise(index) => {
                self.clue(
                    &piece,
                    Entry {
                        role: Role::Valence,
                        value: BEYOND_PRAISE,
                        valence: 0.0,
                    },
                );
            }
            Role::Negate => self.force.negate(),
            Role::Boost => self.boost(index, &piece),
            Role::But => {
                self.clauses.turn(self.clues.len());
                self.force = Force {
                    ironic: self.force.ironic,
                    ..NOTHING
                };
            }
            Role::Concede => {
                let prepositional = matches!(
                    self.lower(&piece),
                    "despite" | "in spite of" | "notwithstanding"
                );
                self.clauses.concede(self.clues.len(), prepositional);
            }
            Role::Irrealis => {
                self.clue(&piece, piece.entry);
                self.force.irrealis = true;
            }
            Role::If => self.force.conditional = true,
            Role::Ironic => self.ironic(&piece),
            Role::Rhetorical => self.rhetorical(&piece),
            Role::Valence => self.clue(&piece, piece.entry),
            Role::Wanted => self.wanted(&piece),
        }
        self.clauses.reach(self.clues.len());
    }

    fn boost(&mut self, index: usize, piece: &Piece) {
        let next = self.pieces.get(index + 1);
        let leads = next.is_some_and(|next| {
            matches!(
                next.entry.role,
                Role::Valence | Role::Boost | Role::Wanted | Role::Plain
            ) && self.gap(next) == Gap::Space
        });
        let feels = next.is_some_and(|next| next.entry.role == Role::Valence);
        if leads && (feels || piece.entry.valence == 0.0) {
            let before = if self.force.boost_left > 0 {
                self.force.boost
            } else {
                1.0
            };
            self.force.boost = (before * (1.0 + BOOST_GAIN * piece.entry.value)).clamp(0.3, 2.2);
            self.force.boost_left = BOOST_REACH;
            self.boosters
                .get_mut(piece.from..piece.to)
                .unwrap_or_default()
                .fill(true);
        } else if piece.entry.valence != 0.0 {
            self.clue(
                piece,
                Entry {
                    role: Role::Valence,
                    value: piece.entry.valence,
                    ..piece.entry
                },
            );
        }
    }

    fn ironic(&mut self, piece: &Piece) {
        self.force.ironic = Some(self.clues.len());
        self.clauses.irony = true;
        if piece.entry.value > 0.0 {
            self.clue(piece, piece.entry);
        }
    }

    fn rhetorical(&mut self, piece: &Piece) {
        if self.asks && self.rhetorical.is_none() {
            let (start, end) = self.range(piece);
            self.rhetorical = Some(Clue {
                start,
                end,
                valence: piece.entry.value,
            });
        }
        self.force.tick();
    }

    /// Something without feeling whose absence is bad: "does not work", "no reply".
    fn wanted(&mut self, piece: &Piece) {
        if self.force.odd() && !self.force.conditional {
            let boost = self.force.boost;
            let (start, end) = self.range(piece);
            self.clues.push(Clue {
                start,
                end,
                valence: -piece.entry.value * boost,
            });
            self.force.negation_left = 0;
        }
        self.force.tick();
    }

    fn clue(&mut self, piece: &Piece, entry: Entry) {
        let mut valence = entry.value;
        if valence == 0.0 {
            self.force.tick();
            return;
        }
        let caps = self
            .words
            .list
            .get(piece.from..piece.to)
            .unwrap_or_default()
            .iter()
            .any(|word| word.caps);
        if caps && !self.shouting {
            valence += CAPS.copysign(valence);
        }
        let boost = if self.force.boost_left > 0 {
            self.force.boost
        } else {
            1.0
        };
        valence *= boost;
        let symbol = self
            .words
            .list
            .get(piece.from)
            .is_some_and(|word| word.symbol);
        if self.force.negation_left > 0 && !symbol {
            valence *= match (self.force.negators % 2 == 1, valence > 0.0) {
                (true, true) => NEGATED,
                (true, false) => NEGATED_BLAME,
                (false, _) => 0.8,
            };
        }
        if self.force.irrealis {
            valence *= if valence > 0.0 { -0.5 } else { 0.5 };
        }
        if self.force.conditional {
            valence *= 0.5;
        }
        if self.asks && !self.exclaims(piece) {
            valence *= if valence > 0.0 { 0.4 } else { 0.6 };
        }
        let (start, end) = self.range(piece);
        self.clues.push(Clue {
            start,
            end,
            valence,
        });
        self.force.boost = 1.0;
        self.force.boost_left = 0;
        self.force.negation_left = self.force.negation_left.saturating_sub(1);
    }
}
