//! Contacts, counted from the interactions.

use proptest::prelude::*;

use super::attribute;
use crate::{
    calendar::{Day, Zone},
    clock::Micros,
    criteria::Value,
    next_best_action::facts::contacts,
    profile::{
        contacts::is_contact,
        fold::fold,
        laws::made_up::{Recorded, interactions},
    },
};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn contacts_of_days_are_those_that_were_made_on_them(
        made in interactions(1..60, 3),
        after in -30..400_i32,
        days in prop_oneof![1..=3_u16, 360..=365_u16, 1..=365_u16],
    ) {
        let state = fold(made.iter().map(Recorded::fact));
        let zone = Zone::TOKYO;
        let through = |channel: &str| {
            let made = made.iter().filter(|r| is_contact(&r.message) && r.message.channel == channel);
            made.map(|r| r.at).collect::<Vec<Micros>>()
        };
        let newest = ["web", "phone"].iter().flat_map(|channel| through(channel)).max();
        let today = Day(zone.day(newest.unwrap_or(Micros(0))).0 + after);
        for channel in ["web", "phone", "email"] {
            let asked = attribute(&format!("contacts(\"{channel}\", {days})"));
            let within = through(channel).into_iter().filter(|at| {
                let ago = today.0 - zone.day(*at).0;
                (0..i32::from(days)).contains(&ago)
            });
            let expected = Value::Integer(i64::try_from(within.count()).unwrap());
            prop_assert_eq!(contacts::get(state.core(), &asked, today), expected);
            let last = attribute(&format!("last_contact(\"{channel}\")"));
            let expected = through(channel).into_iter().max().map_or(Value::Missing, Value::Time);
            prop_assert_eq!(contacts::get(state.core(), &last, today), expected);
        }
    }
}
