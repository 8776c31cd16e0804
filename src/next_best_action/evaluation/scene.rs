//! Small logs for tests.

use proptest::prelude::*;

use super::{
    log::{Decided, Entry, Log, Logbook, Logged},
    random::SplitMix,
    reward::{RewardModel, Rewards},
};
use crate::{calendar::Day, next_best_action::keys::ActionKey};

/// A row; its place in a list makes its decision and day, five a day.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) profile: u128,
    pub(super) cell: u64,
    pub(super) propensities: Vec<f64>,
    pub(super) chosen: usize,
    pub(super) reward: f64,
}

pub(super) fn key(at: usize) -> ActionKey {
    ActionKey {
        id: u64::try_from(at).unwrap() + 1,
        version: 1,
    }
}

pub(super) fn add(book: &mut Logbook, at: usize, seen: &Seen) {
    let keys: Vec<ActionKey> = (0..seen.propensities.len()).map(key).collect();
    book.add(&Entry {
        decision: u128::try_from(at).unwrap(),
        slot: 0,
        day: Day(i32::try_from(at / 5).unwrap()),
        profile: seen.profile,
        cell: seen.cell,
        actions: &keys,
        logged: Logged::All(&seen.propensities),
        chosen: seen.chosen,
        reward: seen.reward,
    })
    .unwrap();
}

pub(super) fn log(rows: &[Seen]) -> Log {
    let mut book = Logbook::default();
    for (at, seen) in rows.iter().enumerate() {
        add(&mut book, at, seen);
    }
    book.close()
}

/// 2 to 40 rows of three candidates, of several profiles.
pub(super) fn rows() -> impl Strategy<Value = Vec<Seen>> {
    let row = (
        0..9_u128,
        0..3_u64,
        prop::array::uniform3(1..20_u32),
        0..3_usize,
        0..3_i32,
    );
    let row = row.prop_map(|(profile, cell, shares, chosen, reward)| {
        let sum: u32 = shares.iter().sum();
        Seen {
            profile,
            cell,
            propensities: shares
                .map(|share| f64::from(share) / f64::from(sum))
                .to_vec(),
            chosen,
            reward: f64::from(reward),
        }
    });
    prop::collection::vec(row, 2..40).prop_filter("two profiles", |rows| {
        rows.iter().any(|row| row.profile != rows[0].profile)
    })
}

/// A policy that depends on cell and action and may do anything.
pub(super) fn tilted(row: &Decided<'_>, into: &mut [f64]) {
    let last = into.len() - 1;
    let best = usize::try_from(row.cell()).unwrap().min(last);
    into.fill(0.4 / f64::from(u32::try_from(into.len()).unwrap()));
    into[best] += 0.6;
}

/// Rewards that are known.
#[derive(Clone, Copy)]
pub(super) struct Oracle(pub(super) fn(u64, usize) -> f64);

impl Rewards for Oracle {
    fn reward(&self, row: &Decided<'_>, place: usize) -> f64 {
        (self.0)(row.cell(), place)
    }
}

impl RewardModel for Oracle {
    fn fit(&self, _: &Log, _: &dyn Fn(&Decided<'_>) -> bool) -> Box<dyn Rewards> {
        Box::new(*self)
    }
}

/// Rows of three actions that are chosen alike, with rewards of 1 at these rates by cell and action; three rows a profile.
pub(super) fn drawn(rows: usize, seed: u64, rates: [[f64; 3]; 2]) -> Vec<Seen> {
    let mut random = SplitMix::new(seed);
    let mut unit = move || f64::from(u32::try_from(random.next() >> 32).unwrap()) / 4_294_967_296.0;
    (0..rows)
        .map(|at| {
            let cell = usize::from(unit() < 0.5);
            let third = unit();
            let chosen = usize::from(third > 1.0 / 3.0) + usize::from(third > 2.0 / 3.0);
            Seen {
                profile: u128::try_from(at / 3).unwrap(),
                cell: u64::try_from(cell).unwrap(),
                propensities: vec![1.0 / 3.0; 3],
                chosen,
                reward: f64::from(u8::from(unit() < rates[cell][chosen])),
            }
        })
        .collect()
}
