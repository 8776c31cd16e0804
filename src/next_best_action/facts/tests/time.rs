//! While nothing happens, a value changes no sooner than its attribute says.

use proptest::{prelude::*, sample::select};

use super::{ATTRIBUTES, attribute, model};
use crate::{
    calendar::{Day, Zone},
    clock::Micros,
    criteria::{Facts as _, Moment, schema::Changes},
    next_best_action::facts::{Customer, Identity, Surroundings},
    profile::{
        fold::fold,
        laws::made_up::{Recorded, interactions},
        survivorship::Rules,
    },
};

const HOUR: i64 = 3_600 * Micros::SECOND;

/// From when to before when a value that changes like this stays.
fn period(moment: Moment, changes: Changes) -> (i64, i64) {
    let multiple = |of: i64| {
        let begin = moment.now.0.div_euclid(of) * of;
        (begin, begin + of)
    };
    let today = moment.zone.day(moment.now);
    match changes {
        Changes::Never => (0, 4_000_000_000 * Micros::SECOND),
        Changes::Daily => (
            moment.zone.begin(today).0,
            moment.zone.begin(Day(today.0 + 1)).0,
        ),
        Changes::Hourly => multiple(HOUR),
        Changes::Quarterly => multiple(HOUR / 4),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_changes_before_it_is_said_to(
        made in interactions(1..40, 3),
        // Days begin with an hour, half past one, and a quarter to one.
        zone in select(vec!["Asia/Tokyo", "UTC", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"]),
        // Near the beginning of a day of one of them as often as not.
        seconds in prop_oneof![
            1_699_900_000..1_790_000_000_i64,
            (19_670..20_700_i64, 0..8_i64, -60..60_i64)
                .prop_map(|(day, quarter, off)| day * 86_400 - 7 * 3_600 + 900 * quarter + off),
        ],
        share in 0.0..1.0_f64,
    ) {
        let zone: Zone = zone.parse().unwrap();
        let state = fold(made.iter().map(Recorded::fact));
        let (rules, model) = (Rules::default(), model("JPY"));
        let moment = Moment { now: Micros(seconds * Micros::SECOND), zone };
        let at = |moment: Moment| {
            let around = Surroundings {
                moment,
                prior: 0.1,
                rules: &rules,
                model: Some(&model),
                segments: &[],
            };
            Customer::new(Some(&state), Identity::default(), around)
        };
        let now = at(moment);
        for text in ATTRIBUTES {
            let attribute = attribute(text);
            let (from, before) = period(moment, attribute.id().definition().changes);
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "any instant within will do")]
            let within = from + ((before - from - 1) as f64 * share) as i64;
            for instant in [from, within, before - 1] {
                let then = at(Moment { now: Micros(instant), zone });
                prop_assert_eq!(now.get(&attribute), then.get(&attribute), "{} at {}", text, Micros(instant));
            }
        }
    }
}
