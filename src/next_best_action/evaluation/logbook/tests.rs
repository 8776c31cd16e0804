use proptest::prelude::*;

use super::*;
use crate::next_best_action::evaluation::scene::{add, drawn, key};

fn entry<'a>(actions: &'a [ActionKey], logged: Logged<'a>) -> Entry<'a> {
    Entry {
        decision: 1,
        slot: 0,
        day: Day(1),
        profile: 1,
        cell: 1,
        actions,
        logged,
        chosen: 0,
        reward: 1.0,
    }
}

#[test]
fn a_row_that_is_not_sound_is_refused_and_leaves_nothing_behind() {
    let keys: Vec<ActionKey> = (0..=CANDIDATES).map(key).collect();
    let mut book = Logbook::default();
    let two = &keys[..2];
    let good = entry(two, Logged::All(&[0.25, 0.75]));
    let shares = vec![1.0 / 33.0; 33];
    let bad = [
        (entry(&[], Logged::All(&[])), Invalid::Candidates),
        (entry(&keys, Logged::All(&shares)), Invalid::Candidates),
        (Entry { chosen: 2, ..good }, Invalid::Chosen),
        (entry(two, Logged::All(&[0.25, 0.5])), Invalid::Propensities),
        (entry(two, Logged::All(&[1.0])), Invalid::Propensities),
        (entry(two, Logged::All(&[1.5, -0.5])), Invalid::Propensities),
        (
            entry(two, Logged::All(&[f64::NAN, 1.0])),
            Invalid::Propensities,
        ),
        (entry(two, Logged::All(&[0.0, 1.0])), Invalid::Propensities),
        (entry(two, Logged::Chosen(0.0)), Invalid::Propensities),
        (entry(two, Logged::Chosen(1.1)), Invalid::Propensities),
        (
            Entry {
                reward: f64::INFINITY,
                ..good
            },
            Invalid::Reward,
        ),
    ];
    for (row, why) in bad {
        assert_eq!(book.add(&row), Err(why), "{row:?}");
    }
    assert_eq!(book.add(&good), Ok(()));
    let log = book.close();
    assert_eq!((log.len(), log.seen()), (1, 1));
}

#[test]
fn a_row_that_came_twice_counts_once_with_its_higher_reward() {
    let keys = [key(0), key(1)];
    let row = entry(&keys, Logged::All(&[0.25, 0.75]));
    let late = Entry { reward: 5.0, ..row };
    for order in [[row, late], [late, row]] {
        let mut book = Logbook::default();
        for row in &order {
            book.add(row).unwrap();
        }
        let log = book.close();
        assert_eq!((log.len(), log.repeated()), (1, 1));
        assert!((log.rows().next().unwrap().reward() - 5.0).abs() < 1e-15);
    }
}

#[test]
fn only_the_chosen_propensity_is_enough_and_is_told_apart() {
    let keys = [key(0), key(1)];
    let mut book = Logbook::default();
    book.add(&entry(&keys, Logged::Chosen(0.25))).unwrap();
    let log = book.close();
    let row = log.rows().next().unwrap();
    assert!(!row.complete());
    assert_eq!(row.propensities(), [0.25, 0.0]);
}

#[test]
fn one_profile_with_more_rows_than_fit_leaves_nothing_and_ends() {
    let mut rows = drawn(9, 1, [[0.5; 3]; 2]);
    for row in &mut rows {
        row.profile = 1;
    }
    let mut book = Logbook::new(8);
    for (at, row) in rows.iter().enumerate() {
        add(&mut book, at, row);
    }
    let log = book.close();
    assert!(log.is_empty() && log.sampled() < 1.0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_full_log_keeps_whole_profiles_and_the_same_ones_in_any_order(
        n in 1..300_usize,
        cap in 1..60_usize,
        seed: u64,
    ) {
        let rows = drawn(n, seed, [[0.5; 3]; 2]);
        let of = |order: &mut dyn Iterator<Item = usize>| {
            let mut book = Logbook::new(cap);
            for at in order {
                add(&mut book, at, &rows[at]);
            }
            book.close()
        };
        let (log, reversed) = (of(&mut (0..n)), of(&mut (0..n).rev()));
        prop_assert!(log.len() <= cap);
        prop_assert_eq!(log.seen(), u64::try_from(n).unwrap());
        let kept = |log: &Log| log.rows().map(|row| (row.day(), row.decision(), row.profile())).collect::<Vec<_>>();
        prop_assert_eq!(kept(&log), kept(&reversed));
        prop_assert_eq!(log.sampled().to_bits(), reversed.sampled().to_bits());
        for row in log.rows() {
            let of = |profile: u128| rows.iter().filter(|row| row.profile == profile).count();
            prop_assert_eq!(log.rows().filter(|other| other.profile() == row.profile()).count(), of(row.profile()));
        }
        // No more is left out than needed: the sample before the last halving was too large.
        prop_assert!(log.halvings == 0 || (0..n).filter(|at| stays(rows[*at].profile, log.halvings - 1)).count() > cap);
    }
}
