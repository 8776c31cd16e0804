use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::proto::state::v1::{Amount, Survey, Totals};

fn group() -> impl Strategy<Value = Group> {
    prop_oneof![
        Just(Group::All),
        "[a-z][a-z0-9._-]{0,8}".prop_map(Group::Department),
        "[a-z][a-z0-9._-]{0,8}".prop_map(Group::Channel),
    ]
}

fn cell() -> impl Strategy<Value = Cell> {
    let scale = select(Scale::ALL.to_vec());
    let grain = select(Grain::ALL.to_vec());
    (0..5usize, scale, grain, 0..40_000i32, group()).prop_map(|(kind, scale, grain, day, group)| {
        match kind {
            0 => Cell::Answers(scale, Day(day), group),
            1 => Cell::Latest(scale, grain, Day(day), group),
            2 => Cell::Felt(Day(day), group),
            3 => Cell::Active(grain, Day(day)),
            _ => Cell::Orders(Day(day)),
        }
    })
}

/// Orders on some days, some of them cancelled.
fn orders() -> impl Strategy<Value = Vec<Order>> {
    let order = (
        0..800i32,
        any::<bool>(),
        select(vec!["JPY", "USD"]),
        0..1_000i64,
    );
    vec(order, 0..12).prop_map(|orders| {
        let made = orders.into_iter().enumerate();
        made.map(|(n, (day, cancelled, currency, minor_units))| Order {
            hash: u64::try_from(n).unwrap(),
            cancelled,
            currency: currency.to_owned(),
            minor_units,
            placed_day: Some(day),
            ..Order::default()
        })
        .collect()
    })
}

fn answers() -> impl Strategy<Value = Vec<SurveyMonth>> {
    let answer = (
        select(vec![0, 31, 59, 365]),
        select(vec!["web", "store"]),
        0..=10i32,
        0..9i64,
    );
    vec(answer, 0..9).prop_map(|answers| {
        let made = answers.into_iter().map(|(month, channel, value, at)| {
            let mut histogram = vec![0; 11];
            histogram[usize::try_from(value).unwrap()] = 1;
            SurveyMonth {
                scale: 1,
                month,
                department: "support".to_owned(),
                channel: channel.to_owned(),
                histogram,
                at,
                value,
                ..SurveyMonth::default()
            }
        });
        made.collect()
    })
}

proptest! {
    #[test]
    fn a_cell_is_found_by_its_name(cell in cell()) {
        prop_assert_eq!(Cell::parse(&cell.name()), Some(cell));
    }

    #[test]
    fn names_of_a_kind_sort_by_day(a in 0..99_999i32, b in 0..99_999i32) {
        let name = |day| Cell::Felt(Day(day), Group::All).name();
        prop_assert_eq!(name(a).cmp(&name(b)), a.cmp(&b));
    }

    #[test]
    fn a_contribution_survives_being_stored(orders in orders(), months in answers()) {
        let state = State {
            survey_months: months,
            surveys: vec![Survey { scale: 1, value: 7, ..Survey::default() }],
            ..State::default()
        };
        let made = contribution(&state, &orders);
        prop_assert_eq!(Contribution::decode(&made.encode()).unwrap(), made);
    }

    /// However many answers a customer gave in a period, one counts where the latest counts; all count where all do.
    #[test]
    fn a_customer_counts_once_in_a_period(months in answers()) {
        let state = State { survey_months: months.clone(), ..State::default() };
        let made = contribution(&state, &[]);
        let total = |wanted: &dyn Fn(&Cell) -> bool| -> i64 {
            made.cells.iter().filter(|(cell, _)| wanted(cell)).flat_map(|(_, n)| &n[..11]).sum()
        };
        for grain in Grain::ALL {
            let periods: BTreeSet<Day> = months.iter().map(|m| grain.begin(Day(m.month))).collect();
            for period in periods {
                let one = Cell::Latest(Scale::Nps, grain, period, Group::All);
                prop_assert_eq!(total(&|cell| *cell == one), 1);
                let newest = months.iter().filter(|m| grain.begin(Day(m.month)) == period);
                let given = i64::try_from(newest.clone().count()).unwrap();
                prop_assert_eq!(&made.cells[&one][11..], &[given * given]);
                let newest = newest.map(SurveyMonth::stamp).max().unwrap();
                let at_last = months.iter().filter(|m| m.stamp() == newest).map(|m| m.value);
                let counted = made.cells[&one].iter().position(|n| *n == 1).unwrap();
                prop_assert!(at_last.into_iter().any(|v| usize::try_from(v).unwrap() == counted));
            }
        }
        let all = |cell: &Cell| matches!(cell, Cell::Answers(_, _, Group::All));
        prop_assert_eq!(total(&all), i64::try_from(months.len()).unwrap());
    }

    /// Who ordered in a period is active in it, and has stayed when they ordered in the period before.
    #[test]
    fn activity_is_what_counting_days_says(orders in orders()) {
        let made = contribution(&State::default(), &orders);
        let days: Vec<Day> = orders
            .iter()
            .filter(|o| !o.cancelled)
            .filter_map(|o| o.placed_day)
            .map(Day)
            .collect();
        for grain in Grain::ALL {
            for period in [Day(0), Day(31), Day(365), Day(400)].map(|day| grain.begin(day)) {
                let in_it = |begin: Day| days.iter().any(|day| grain.begin(*day) == begin);
                let before = grain.begin(Day(period.0 - 1));
                let expected = in_it(period).then(|| vec![1, i64::from(in_it(before))]);
                prop_assert_eq!(made.cells.get(&Cell::Active(grain, period)).cloned(), expected);
            }
        }
        let distinct: BTreeSet<Day> = days.iter().copied().collect();
        let numbered: Vec<i64> = distinct.iter().map(|day| day.0.into()).collect();
        let rhythm = idle::Rhythm::of(&numbered, 900);
        let kept = made.purchases.as_ref().map(|p| {
            let gap = p.twice_median_gap.map(i64::from);
            idle::Rhythm::kept(p.days.into(), 900 - i64::from(p.last.0), gap)
        });
        prop_assert_eq!(kept, rhythm);
        let counted = made.purchases.map_or(0, |p| p.days);
        prop_assert_eq!(usize::try_from(counted).unwrap(), distinct.len());
    }
}

#[test]
fn what_was_given_back_is_taken_off_what_was_spent() {
    let order = |day, minor_units| Order {
        currency: "JPY".to_owned(),
        minor_units,
        placed_day: Some(day),
        ..Order::default()
    };
    let state = State {
        returned: vec![Amount {
            currency: "JPY".to_owned(),
            minor_units: 300,
        }],
        totals: Some(Totals::default()),
        ..State::default()
    };
    let made = contribution(&state, &[order(3, 500), order(3, 100), order(9, 1_000)]);
    let purchases = made.purchases.unwrap();
    assert_eq!(
        (purchases.days, purchases.first, purchases.last),
        (2, Day(3), Day(9))
    );
    assert_eq!(purchases.spend["JPY"], 1_300);
    assert_eq!(purchases.repeat_spend["JPY"], 1_000);
}
