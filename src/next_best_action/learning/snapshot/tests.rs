use proptest::prelude::*;

use super::*;
use crate::next_best_action::learning::features::Situation;

fn resolved() -> impl Strategy<Value = Resolved> {
    (
        1..60_i32,
        0..50_u128,
        0..2_u16,
        0..3_u64,
        0..24_u8,
        any::<bool>(),
    )
        .prop_map(|(day, decision, slot, action_id, hour, yes)| Resolved {
            day: Day(day),
            decision,
            slot,
            action_id,
            keys: Keys::of(&Situation {
                hour: Some(hour),
                ..Situation::default()
            }),
            yes,
        })
}

/// Outcomes of different (day, decision, slot).
fn outcomes() -> impl Strategy<Value = Vec<Resolved>> {
    prop::collection::vec(resolved(), 0..60).prop_map(|mut outcomes| {
        outcomes.sort_by(Resolved::order);
        outcomes.dedup_by(|a, b| a.order(b) == Ordering::Equal);
        outcomes
    })
}

const START: Day = Day(0);
const END: Day = Day(60);

fn at_once(outcomes: &[Resolved]) -> Snapshot {
    Snapshot::empty(START).fold(END, outcomes).unwrap()
}

/// Every day's snapshot, each stored and read back.
fn day_by_day(outcomes: &[Resolved]) -> Vec<Snapshot> {
    let mut chain = vec![Snapshot::empty(START)];
    for day in 1..=60 {
        let today: Vec<Resolved> = outcomes
            .iter()
            .copied()
            .filter(|outcome| outcome.day == Day(day))
            .collect();
        let next = chain.last().unwrap().fold(Day(day), &today).unwrap();
        chain.push(Snapshot::decode(&next.encode()).unwrap());
    }
    chain
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_and_any_days_end_in_the_same_bytes(outcomes in outcomes(), turn in 0..60_usize) {
        let mut shuffled = outcomes.clone();
        shuffled.reverse();
        let middle = turn.min(shuffled.len());
        shuffled.rotate_left(middle);
        let bytes = at_once(&outcomes).encode();
        prop_assert_eq!(&at_once(&shuffled).encode(), &bytes);
        prop_assert_eq!(&day_by_day(&shuffled).last().unwrap().encode(), &bytes);
    }

    #[test]
    fn a_correction_is_folded_from_the_snapshot_before_its_day(
        outcomes in outcomes(), which in any::<prop::sample::Index>(), gone in any::<bool>(),
    ) {
        prop_assume!(!outcomes.is_empty());
        let chain = day_by_day(&outcomes);
        let mut corrected = outcomes.clone();
        let which = which.index(corrected.len());
        let day = corrected[which].day;
        if gone {
            corrected.remove(which);
        } else {
            corrected[which].yes = !corrected[which].yes;
        }
        let before = newest_before(&chain, day).unwrap();
        prop_assert_eq!(before.as_of(), Day(day.0 - 1));
        let later: Vec<Resolved> =
            corrected.iter().copied().filter(|outcome| outcome.day > before.as_of()).collect();
        prop_assert_eq!(before.fold(END, &later).unwrap().encode(), at_once(&corrected).encode());
    }

    #[test]
    fn what_was_stored_comes_back_and_what_was_cut_does_not(outcomes in outcomes()) {
        let snapshot = at_once(&outcomes);
        let stored = snapshot.encode();
        prop_assert_eq!(Snapshot::decode(&stored), Ok(snapshot));
        for cut in (0..stored.len()).step_by(7) {
            prop_assert!(Snapshot::decode(&stored[..cut]).is_err());
        }
    }
}

#[test]
fn an_outcome_of_another_day_is_refused() {
    let keys = Keys::of(&Situation::default());
    let outcome = |day| Resolved {
        day: Day(day),
        decision: 1,
        slot: 0,
        action_id: 1,
        keys,
        yes: true,
    };
    let snapshot = Snapshot::empty(Day(5));
    for day in [4, 5, 8] {
        assert!(snapshot.fold(Day(7), &[outcome(6), outcome(day)]).is_err());
    }
    let folded = snapshot.fold(Day(7), &[outcome(6), outcome(7)]).unwrap();
    assert_eq!((folded.as_of(), folded.outcomes()), (Day(7), 2));
    assert!(folded.knows(1) && !folded.knows(2));
}

#[test]
fn what_nobody_touches_is_forgotten_alike_whether_it_was_stored_or_not() {
    let keys = Keys::of(&Situation::default());
    let outcome = |day| Resolved {
        day: Day(day),
        decision: 1,
        slot: 0,
        action_id: 1,
        keys,
        yes: true,
    };
    let late = 1 + OLDEST_DAYS;
    let first = Snapshot::empty(START).fold(Day(1), &[outcome(1)]).unwrap();
    let at_once = first.fold(Day(late), &[outcome(late)]).unwrap();
    let between = first.fold(Day(late - 1), &[]).unwrap();
    assert!(Snapshot::decode(&between.encode()).unwrap().knows(1));
    let gone = first.fold(Day(late), &[]).unwrap();
    assert!(!Snapshot::decode(&gone.encode()).unwrap().knows(1));
    assert_eq!(
        gone.logit(1, &keys),
        Snapshot::empty(Day(late)).logit(1, &keys)
    );
    let stored = Snapshot::decode(&between.encode()).unwrap();
    assert_eq!(
        stored.fold(Day(late), &[outcome(late)]).unwrap().encode(),
        at_once.encode()
    );
}
