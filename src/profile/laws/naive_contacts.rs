//! What a state must say of contacts, written from `docs/interactions.md` and without the code under test.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Duration, NaiveDate};

use super::{made_up::Recorded, naive_feelings::date};
use crate::proto::{
    state::v1::{ContactDay, Contacts},
    v1::Direction,
};

fn turns_to_the_customer(recorded: &Recorded) -> bool {
    let message = &recorded.message;
    let outbound = message.direction() == Direction::Outbound;
    let sent = message.r#type == "message.sent" && message.direction() != Direction::Inbound;
    let noted = message.r#type == "message.delivered" || message.r#type.starts_with("offer.");
    (outbound || sent) && !noted
}

/// Contacts by channel.
pub(super) fn contacts(sorted: &[&Recorded]) -> Vec<Contacts> {
    let made: Vec<&&Recorded> = sorted.iter().filter(|r| turns_to_the_customer(r)).collect();
    let newest = made.iter().map(|r| date(r)).max();
    let channels: BTreeSet<&str> = made.iter().map(|r| r.message.channel.as_str()).collect();
    let of_channel = |channel: &str| {
        let through = || made.iter().filter(|r| r.message.channel == channel);
        let mut days: BTreeMap<NaiveDate, u64> = BTreeMap::new();
        for recorded in through() {
            let date = date(recorded);
            if newest.is_some_and(|newest| newest - date < Duration::days(400)) {
                *days.entry(date).or_default() += 1;
            }
        }
        let day = |(date, count): (NaiveDate, u64)| ContactDay {
            day: date.to_epoch_days(),
            count,
        };
        Contacts {
            channel: channel.to_owned(),
            last_at: through().map(|r| r.at.0).max().unwrap(),
            days: days.into_iter().map(day).collect(),
        }
    };
    channels.into_iter().map(of_channel).collect()
}
