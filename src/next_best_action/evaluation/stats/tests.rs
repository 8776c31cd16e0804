use proptest::prelude::*;

use super::*;

const WEB: ChannelIndex = ChannelIndex(0);
const MAIL: ChannelIndex = ChannelIndex(1);

fn counts(rows: &[(f64, Option<Won>)]) -> Counts {
    let mut counts = Counts::default();
    for (propensity, won) in rows {
        counts.add(*propensity, *won);
    }
    counts
}

fn won(outcome: Option<Outcome>, clicked: bool) -> Won {
    Won { outcome, clicked }
}

#[test]
fn an_outcome_counts_in_every_step_it_implies_and_what_was_not_delivered_in_no_rate() {
    let found = counts(&[
        (0.5, None),
        (0.25, Some(won(None, false))),
        (0.25, Some(won(Some(Outcome::NotDelivered), false))),
        (0.25, Some(won(Some(Outcome::Pending), false))),
        (0.25, Some(won(Some(Outcome::Impression), false))),
        (0.25, Some(won(Some(Outcome::Clicked), false))),
        (0.25, Some(won(Some(Outcome::Accepted), false))),
        (0.25, Some(won(Some(Outcome::Accepted), true))),
        (0.25, Some(won(Some(Outcome::Rejected), false))),
    ]);
    assert_eq!((found.candidates, found.shown), (9, 8));
    assert_eq!((found.unreported, found.not_delivered), (1, 1));
    assert_eq!((found.delivered, found.seen), (6, 5));
    assert_eq!((found.clicked, found.accepted, found.rejected), (2, 2, 1));
    let value = |rate: Option<Rate>| rate.unwrap().value;
    assert!((value(found.delivery()) - 6.0 / 7.0).abs() < 1e-12);
    assert!((value(found.view()) - 5.0 / 6.0).abs() < 1e-12);
    assert!((value(found.click()) - 2.0 / 6.0).abs() < 1e-12);
    assert!((value(found.acceptance()) - 2.0 / 6.0).abs() < 1e-12);
    assert!((value(found.rejection()) - 1.0 / 6.0).abs() < 1e-12);
    assert!((value(found.win()) - 8.0 / 9.0).abs() < 1e-12);
    assert!((found.mean_propensity().unwrap() - 2.5 / 9.0).abs() < 1e-9);
    assert!((found.mean_propensity_won().unwrap() - 0.25).abs() < 1e-9);
    let rejection = found.rejection().unwrap();
    assert_eq!(rejection.n, 6);
    assert_eq!(Some(rejection.interval), wilson(1.0 / 6.0, 6.0, Z_95));
}

#[test]
fn nothing_is_no_rate() {
    let none = Counts::default();
    assert_eq!(
        [
            none.delivery(),
            none.click(),
            none.acceptance(),
            none.rejection(),
            none.win()
        ],
        [None; 5]
    );
    assert_eq!(none.mean_propensity(), None);
    let waiting = counts(&[(0.5, Some(won(None, false)))]);
    assert_eq!(waiting.acceptance(), None);
    assert_eq!(waiting.view(), None);
}

#[test]
fn days_and_channels_add_up_to_the_whole() {
    let mut stats = Stats::default();
    let seen = counts(&[
        (0.5, Some(won(Some(Outcome::Accepted), false))),
        (0.5, None),
    ]);
    for (day, channel) in [(1, WEB), (1, MAIL), (2, WEB), (1, WEB)] {
        stats.add(Day(day), channel, &seen);
    }
    let days: Vec<(Day, u64)> = stats
        .days()
        .iter()
        .map(|(day, of)| (*day, of.shown))
        .collect();
    assert_eq!(days, [(Day(1), 3), (Day(2), 1)]);
    let channels: Vec<_> = stats
        .channels()
        .iter()
        .map(|(at, of)| (*at, of.accepted))
        .collect();
    assert_eq!(channels, [(WEB, 3), (MAIL, 1)]);
    assert_eq!(stats.total().candidates, 8);
    assert_eq!(stats.cells().count(), 3);
}

#[test]
fn only_the_latest_days_are_kept() {
    let mut stats = Stats::default();
    let seen = counts(&[(0.5, None)]);
    for day in (0..1_000).rev() {
        stats.add(Day(day), WEB, &seen);
    }
    let days = stats.days();
    assert_eq!(
        (days.len(), days[0].0, days[399].0),
        (DAYS, Day(600), Day(999))
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parts_add_up_in_any_order(
        rows in prop::collection::vec((0..500_i32, 0..3_u8, 0.0..=1.0_f64, 0..7_usize), 0..80),
        cut in 0..80_usize,
    ) {
        let outcomes = [
            None,
            Some(won(None, true)),
            Some(won(Some(Outcome::NotDelivered), true)),
            Some(won(Some(Outcome::Pending), false)),
            Some(won(Some(Outcome::Clicked), false)),
            Some(won(Some(Outcome::Accepted), false)),
            Some(won(Some(Outcome::Rejected), false)),
        ];
        let stats = |rows: &[(i32, u8, f64, usize)]| {
            let mut stats = Stats::default();
            for (day, channel, propensity, outcome) in rows {
                stats.add(Day(*day), ChannelIndex(*channel), &counts(&[(*propensity, outcomes[*outcome])]));
            }
            stats
        };
        let (one, two) = rows.split_at(cut.min(rows.len()));
        let mut united = stats(two);
        united.unite(&stats(one));
        prop_assert_eq!(&united, &stats(&rows));
        let total = united.total();
        prop_assert_eq!(total.shown, total.not_delivered + total.unreported + total.delivered);
        prop_assert!(total.accepted + total.rejected <= total.seen && total.seen <= total.delivered);
    }
}
