use proptest::prelude::*;

use super::*;
use crate::next_best_action::{
    keys::{ActionKey, ChannelIndex},
    learning::{Arm, cohorts::Observation, cohorts::Table},
};

const ARM: Arm = Arm {
    action: ActionKey { id: 1, version: 1 },
    channel: ChannelIndex(0),
};

/// `each[u]` yeses of a delay of `u` days on every day from 0 to `today`, all of them.
fn cohorts(each: &[u32], today: i32) -> Cohorts {
    until(each, today, i32::MAX)
}

/// The same, of which only those are told that came up to a day.
fn until(each: &[u32], today: i32, told: i32) -> Cohorts {
    let mut table = Table::default();
    for day in 0..=today {
        for (delay, count) in (0..).zip(each) {
            for _ in 0..if day + delay <= told { *count } else { 0 } {
                table.add(&Observation {
                    arm: ARM,
                    delivered: Day(day),
                    converted: Some(Day(day + delay)),
                });
            }
        }
    }
    table.cohorts(ARM).cloned().unwrap_or_default()
}

fn learned(each: &[u32], today: i32) -> Delay {
    let window = u16::try_from(each.len() - 1).unwrap();
    let own = Delays::of(&cohorts(each, today), Day(today), window);
    Delay::learned(&own, &own, &own, window)
}

#[test]
fn old_cohorts_give_the_plain_share() {
    let delay = learned(&[40, 30, 20, 10], 300);
    for (days, wanted) in [(0, 0.4), (1, 0.7), (2, 0.9), (3, 1.0), (9, 1.0)] {
        assert!(
            (delay.within(days) - wanted).abs() < 0.002,
            "{days}: {}",
            delay.within(days)
        );
    }
}

#[test]
fn young_cohorts_do_not_make_delays_look_short() {
    // Three days old: the plain share of delays of 0 among what was seen is 160/330, yet G(0)/G(3) is 0.4.
    let own = Delays::of(&until(&[400, 300, 200, 100], 3, 3), Day(3), 3);
    let delay = Delay::learned(&own, &own, &own, 3);
    assert!((delay.within(0) - 0.4).abs() < 0.02, "{}", delay.within(0));
    assert!((delay.within(1) - 0.7).abs() < 0.02, "{}", delay.within(1));
}

#[test]
fn without_counts_an_arm_has_its_groups_and_a_group_everyones() {
    let none = Delays::default();
    let many = Delays::of(&cohorts(&[500, 300, 200], 50), Day(50), 2);
    let own = Delay::learned(&none, &many, &many, 2);
    let group = Delay::learned(&none, &none, &many, 2);
    assert!((own.within(0) - 0.5).abs() < 1e-2);
    assert!((group.within(0) - 0.5).abs() < 1e-2);
    let guess = Delay::learned(&none, &none, &none, 3);
    for (days, wanted) in [
        (0, 0.5),
        (1, 0.5_f64.sqrt()),
        (2, 0.75_f64.sqrt()),
        (3, 1.0),
    ] {
        assert!((guess.within(days) - wanted).abs() < 1e-12);
    }
}

#[test]
fn thirty_of_its_own_weigh_as_much_as_the_group() {
    // The group says yes at once; the arm always on the next day.
    let group = Delays::of(&cohorts(&[1_000, 0], 200), Day(200), 1);
    let mut table = Table::default();
    for _ in 0..30 {
        table.add(&Observation {
            arm: ARM,
            delivered: Day(0),
            converted: Some(Day(1)),
        });
    }
    let own = Delays::of(table.cohorts(ARM).unwrap(), Day(9), 1);
    let delay = Delay::learned(&own, &group, &group, 1);
    assert!((delay.within(0) - 0.5).abs() < 1e-2, "{}", delay.within(0));
}

#[test]
fn the_floor_holds_and_the_window_is_1() {
    let delay = Delay::known(&[0.0, 0.01, 0.99]).unwrap();
    let bits = |values: [f64; 4]| values.map(f64::to_bits);
    let found = [0, 1, 2, 3].map(|days| delay.within(days));
    assert_eq!(bits(found), bits([FLOOR, FLOOR, 1.0, 1.0]));
    assert_eq!(Delay::known(&[]), None);
    assert_eq!(Delay::known(&[0.0]), None);
    assert!(Delay::none().within(0) > 0.999_999);
}

#[test]
fn nothing_that_happened_later_is_read() {
    let known = Delays::of(&cohorts(&[5, 5, 5, 5], 20), Day(6), 3);
    assert_eq!(known, Delays::of(&until(&[5, 5, 5, 5], 6, 6), Day(6), 3));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_grows_to_1(
        each in prop::collection::vec(0..20_u32, 1..10), today in 0..20_i32, other in 0..20_i32,
    ) {
        let window = u16::try_from(each.len() - 1).unwrap();
        let own = Delays::of(&cohorts(&each, today), Day(today), window);
        let mut group = own.clone();
        group.merge(&Delays::of(&cohorts(&each, other), Day(other), window));
        let delay = Delay::learned(&own, &group, &group, window);
        for days in 0..i32::from(window) {
            prop_assert!(delay.within(days) <= delay.within(days + 1));
            prop_assert!((FLOOR..=1.0).contains(&delay.within(days)));
        }
        prop_assert!((delay.within(i32::from(window)) - 1.0).abs() < 1e-15);
    }
}
