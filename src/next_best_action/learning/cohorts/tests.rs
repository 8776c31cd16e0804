use proptest::prelude::*;

use super::*;

fn observation() -> impl Strategy<Value = Observation> {
    (0..3_u64, 0..2_u8, 0..40_i32, prop::option::of(-1..30_i32)).prop_map(
        |(id, channel, day, delay)| Observation {
            arm: Arm {
                action: ActionKey { id, version: 1 },
                channel: ChannelIndex(channel),
            },
            delivered: Day(day),
            converted: delay.map(|delay| Day(day + delay)),
        },
    )
}

fn table(observations: &[Observation]) -> Table {
    let mut table = Table::default();
    for observation in observations {
        table.add(observation);
    }
    table
}

const TODAY: Day = Day(50);

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_ends_in_the_same_bytes(
        observations in prop::collection::vec(observation(), 0..40), seed in any::<u64>(),
    ) {
        let mut shuffled = observations.clone();
        shuffled.sort_by_key(|o| crate::next_best_action::learning::mixing::hash([
            seed, o.arm.action.id, u64::from(o.delivered.0.unsigned_abs()),
            u64::from(o.delay().unwrap_or(999)),
        ]));
        prop_assert_eq!(table(&shuffled).encode(TODAY), table(&observations).encode(TODAY));
    }

    #[test]
    fn merging_is_adding(
        a in prop::collection::vec(observation(), 0..20),
        b in prop::collection::vec(observation(), 0..20),
        c in prop::collection::vec(observation(), 0..20),
    ) {
        let both = |x: &Table, y: &Table| { let mut sum = x.clone(); sum.merge(y); sum };
        let all = [a.clone(), b.clone(), c.clone()].concat();
        let (a, b, c) = (table(&a), table(&b), table(&c));
        prop_assert_eq!(both(&a, &b), both(&b, &a));
        prop_assert_eq!(both(&both(&a, &b), &c), both(&a, &both(&b, &c)));
        prop_assert_eq!(both(&both(&a, &b), &c), table(&all));
        prop_assert_eq!(both(&a, &Table::default()), a);
    }

    #[test]
    fn what_is_taken_back_leaves_no_trace_even_when_it_is_taken_back_first(
        kept in prop::collection::vec(observation(), 0..20),
        gone in prop::collection::vec(observation(), 0..20),
    ) {
        let mut before = Table::default();
        for o in &gone {
            before.remove(o);
        }
        for o in kept.iter().chain(&gone) {
            before.add(o);
        }
        let mut after = table(&[kept.clone(), gone.clone()].concat());
        for o in &gone {
            after.replace(Some(o), None);
        }
        prop_assert_eq!(&before, &table(&kept));
        prop_assert_eq!(&after, &table(&kept));
    }

    #[test]
    fn a_late_yes_turns_a_no(
        others in prop::collection::vec(observation(), 0..20), mut one in observation(), delay in 0..14,
    ) {
        one.converted = None;
        let yes = Observation { converted: Some(Day(one.delivered.0 + delay)), ..one };
        let mut corrected = table(&others);
        corrected.add(&one);
        corrected.replace(Some(&one), Some(&yes));
        let mut at_once = table(&others);
        at_once.add(&yes);
        prop_assert_eq!(corrected, at_once);
    }

    #[test]
    fn what_was_stored_comes_back(observations in prop::collection::vec(observation(), 0..40)) {
        let table = table(&observations);
        let stored = table.encode(TODAY);
        prop_assert_eq!(Table::decode(&stored), Ok(table));
        for cut in 0..stored.len() {
            prop_assert!(Table::decode(&stored[..cut]).is_err());
        }
    }

    #[test]
    fn pruning_and_merging_commute(
        a in prop::collection::vec(observation(), 0..20), b in prop::collection::vec(observation(), 0..20),
        today in 590..650,
    ) {
        let today = Day(today);
        let (mut a, b) = (table(&a), table(&b));
        let mut late = a.clone();
        late.merge(&b);
        a.prune(today);
        a.merge(&b);
        prop_assert_eq!(a.encode(today), late.encode(today));
    }
}

#[test]
fn a_cohort_goes_when_it_weighs_less_than_a_millionth() {
    let one = Observation {
        arm: Arm {
            action: ActionKey { id: 1, version: 1 },
            channel: ChannelIndex(0),
        },
        delivered: Day(0),
        converted: None,
    };
    let weight = |days: i32| 2.0_f64.powf(-f64::from(days) / 30.0);
    assert!(weight(OLDEST_DAYS) < 1e-6 && weight(OLDEST_DAYS - 1) >= 1e-6);
    let mut table = table(&[one]);
    table.prune(Day(OLDEST_DAYS - 1));
    assert_eq!(table.arms().count(), 1);
    table.prune(Day(OLDEST_DAYS));
    assert_eq!(table, Table::default());
}

#[test]
fn what_is_no_table_says_so() {
    let stored = Table::default().encode(TODAY);
    assert_eq!(Table::decode(b"NBL2\x01\x00"), Err(Unreadable::Other));
    let mut newer = stored.clone();
    newer[4] = 9;
    assert_eq!(Table::decode(&newer), Err(Unreadable::Format(9)));
    assert_eq!(
        Table::decode(&[stored, vec![0]].concat()),
        Err(Unreadable::Malformed)
    );
}
