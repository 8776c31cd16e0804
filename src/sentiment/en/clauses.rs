//! How much each clause of a sentence counts, and what the whole sentence adds.

use super::words::Words;
use crate::sentiment::model::{Clue, Score};

/// VADER: what stands before "but".
const BEFORE_BUT: f32 = 0.5;
/// VADER: what stands after it.
const AFTER_BUT: f32 = 1.5;
/// Blame that makes praise beside it irony.
const IRONY: f32 = -0.8;
/// VADER: each exclamation mark, to four.
const EXCLAMATION: f32 = 0.292;

/// Clauses, told by the number of clues that stand before their borders.
#[derive(Debug, Default)]
pub(super) struct Clauses {
    /// Clues before the last "but".
    turn: Option<usize>,
    /// Clues from here on are conceded, until the clause closes.
    open: Option<usize>,
    /// What opened it governs a noun, so a subject ends it.
    prepositional: bool,
    conceded: Vec<(usize, usize)>,
    seen: usize,
    /// Words of mock thanks or praise were found.
    pub irony: bool,
}

impl Clauses {
    /// A "but" after so many clues.
    pub(super) fn turn(&mut self, clues: usize) {
        self.close();
        self.turn = Some(clues);
    }

    /// An "although" after so many clues.
    pub(super) fn concede(&mut self, clues: usize, prepositional: bool) {
        self.close();
        self.prepositional = prepositional;
        self.open = Some(clues);
    }

    /// Inside a concession that a subject ends.
    pub(super) const fn conceding(&self) -> bool {
        self.prepositional && self.open.is_some()
    }

    /// So many clues have been seen.
    pub(super) const fn reach(&mut self, clues: usize) {
        self.seen = clues;
    }

    /// The clause ends.
    pub(super) fn close(&mut self) {
        if let Some(from) = self.open.take() {
            self.conceded.push((from, self.seen));
        }
    }

    fn weight(&self, clue: usize) -> f32 {
        let turned = match self.turn {
            Some(turn) if clue < turn => BEFORE_BUT,
            Some(_) => AFTER_BUT,
            None => 1.0,
        };
        let conceded = self
            .conceded
            .iter()
            .any(|(from, to)| (*from..*to).contains(&clue))
            || self.open.is_some_and(|from| clue >= from);
        if conceded {
            turned * BEFORE_BUT
        } else if self.conceded.is_empty() && self.open.is_none() {
            turned
        } else {
            turned * 1.2
        }
    }
}

/// Weighs the clues and sums them, with irony, reproach and marks.
pub(super) fn sum(words: &Words<'_>, clauses: &Clauses, reproach: Option<Clue>, score: &mut Score) {
    for (index, clue) in score.clues.iter_mut().enumerate() {
        clue.valence *= clauses.weight(index);
    }
    turn_irony(words, clauses, &mut score.clues);
    if let Some(reproach) = reproach {
        for clue in &mut score.clues {
            if clue.valence > 0.0 {
                clue.valence *= 0.3;
            }
        }
        let at = score
            .clues
            .partition_point(|clue| clue.start < reproach.start);
        score.clues.insert(at, reproach);
    }
    let mut valence: f32 = score.clues.iter().map(|clue| clue.valence).sum();
    let marks = |mark: u8| {
        words
            .text
            .bytes()
            .filter(|byte| *byte == mark)
            .take(4)
            .map(|_| 1.0_f32)
            .sum::<f32>()
    };
    if valence != 0.0 {
        valence += (EXCLAMATION * marks(b'!')).copysign(valence);
    }
    let asked = marks(b'?');
    if asked > 1.0 && valence <= 0.0 {
        valence -= 0.3 * (asked - 1.0);
    }
    score.valence = valence;
}

/// "Great, another delay": praise at the head of a sentence whose rest is blame.
fn turn_irony(words: &Words<'_>, clauses: &Clauses, clues: &mut [Clue]) {
    let Some(first) = clues.first().copied() else {
        return;
    };
    let blame: f32 = clues.iter().map(|clue| clue.valence.min(0.0)).sum();
    if blame > IRONY {
        return;
    }
    let head = words
        .list
        .iter()
        .position(|word| word.start >= first.start)
        .unwrap_or(0)
        < 2
        && words
            .list
            .iter()
            .find(|word| word.start >= first.end)
            .is_some_and(|next| next.gap > super::Gap::Space);
    let praise: f32 = clues.iter().map(|clue| clue.valence.max(0.0)).sum();
    if clauses.irony || (head && first.valence > 0.0 && praise <= first.valence + 0.01) {
        for clue in clues {
            if clue.valence > 0.0 {
                clue.valence *= -0.5;
            }
        }
    }
}
