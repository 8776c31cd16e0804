//! Probabilities of the candidates of a slot.

use super::{Draws, Entrant, K, M, normal, offset};
use crate::next_best_action::keys::DecisionKey;

/// The least common multiple of 1 to 16: parts into which a draw is split.
const UNIT: u32 = 720_720;

/// All draws, in parts.
const WHOLE: u32 = UNIT * 256;

/// Probabilities in the order of the candidates; of `held` candidates, at most K, and 0 beyond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// The probabilities; they sum to 1 within 1e-12.
    pub pi: [f64; K],
    /// How many candidates there are.
    pub held: usize,
}

/// Probabilities of at most K candidates, with `epsilon` of 0 to 1 spread evenly over those that are explored.
///
/// Candidates beyond K are not looked at. No allocation: the draws are 16 KiB on the stack.
#[must_use]
pub fn shares(decision: DecisionKey, entrants: &[Entrant<'_>], epsilon: f64) -> Shares {
    let entrants = entrants.get(..K).unwrap_or(entrants);
    let held = entrants.len();
    let wins = wins(decision, entrants);
    let explored = entrants.iter().filter(|e| !e.high_risk).count();
    let each = u8::try_from(explored).map_or(0.0, f64::from);
    let epsilon = if explored == 0 { 0.0 } else { epsilon };
    let mut pi = [0.0; K];
    for ((pi, wins), entrant) in pi.iter_mut().zip(wins).zip(entrants) {
        let tried = if entrant.high_risk || explored == 0 {
            0.0
        } else {
            epsilon / each
        };
        *pi = (1.0 - epsilon) * (f64::from(wins) / f64::from(WHOLE)) + tried;
    }
    Shares { pi, held }
}

/// How many parts of all draws each candidate wins; they sum to `WHOLE`.
fn wins(decision: DecisionKey, entrants: &[Entrant<'_>]) -> [u32; K] {
    let mut rows = [[0.0_f32; M]; K];
    let mut best = [f32::NEG_INFINITY; M];
    for (row, entrant) in rows.iter_mut().zip(entrants) {
        fill(row, decision, entrant);
        for (best, value) in best.iter_mut().zip(&*row) {
            *best = if *value > *best { *value } else { *best };
        }
    }
    let mut won = [0_u32; K];
    for ((row, won), _) in rows.iter().zip(&mut won).zip(entrants) {
        let wins = row
            .iter()
            .zip(&best)
            .map(|(value, best)| u32::from(*value >= *best));
        *won = wins.sum();
    }
    // Each draw has a winner, so as many wins as draws are one each.
    if won.iter().sum::<u32>() == WHOLE / UNIT {
        return won.map(|won| won * UNIT);
    }
    split(&rows, &best, entrants.len())
}

/// As above where candidates tie: each of t winners of a draw has a t-th of it.
fn split(rows: &[[f32; M]; K], best: &[f32; M], held: usize) -> [u32; K] {
    let mut winners = [0_u32; M];
    for row in rows.iter().take(held) {
        for ((value, best), winners) in row.iter().zip(best).zip(&mut winners) {
            *winners += u32::from(*value >= *best);
        }
    }
    let mut won = [0_u32; K];
    for (row, won) in rows.iter().zip(&mut won).take(held) {
        for ((value, best), winners) in row.iter().zip(best).zip(&winners) {
            if *value >= *best {
                *won += UNIT / (*winners).max(1);
            }
        }
    }
    won
}

/// One candidate's draws of the priority.
fn fill(row: &mut [f32; M], decision: DecisionKey, entrant: &Entrant<'_>) {
    let fixed = normal::narrow(entrant.fixed);
    if entrant.high_risk {
        row.fill(normal::narrow(entrant.fixed + entrant.ln_mean));
        return;
    }
    let offset = offset(decision, entrant.action);
    match entrant.draws {
        Draws::Table(table) => {
            let offset = offset.min(M);
            let (wrapped, begin) = table.split_at(offset);
            let (row, rest) = row.split_at_mut(M - offset);
            for (place, draw) in row.iter_mut().zip(begin) {
                *place = fixed + draw;
            }
            for (place, draw) in rest.iter_mut().zip(wrapped) {
                *place = fixed + draw;
            }
        }
        Draws::Logit(logit) => normal::fill(row, fixed, logit, entrant.action, offset),
    }
}
