//! How often the business turned to a customer, by channel and day.
//!
//! What must stay true:
//!
//! - One contact counts once: what is reported of a message after it was sent is no further contact.
//! - The last contact through a channel is kept for ever, days are kept for [`DAYS_KEPT`] days back from the newest day with a
//!   contact through whatever channel. What one part of a union has forgotten lies before the days of the whole too, whose
//!   newest day is no earlier; so it does not matter when days are forgotten, nor in which order states are united.

use super::{fold::Fact, offers::PREFIX, sorted, stamp::Stamp};
use crate::proto::{
    state::v1::{ContactDay, Contacts},
    v1::{Direction, Interaction},
};

/// Days that are kept, the newest among them. Rules look back 365 days, so that contacts dated up to 35 days ahead by
/// somebody's wrong clock push out nothing that is asked for.
pub const DAYS_KEPT: i32 = 400;

/// Whether by this interaction the business turned to the customer: what it says is outbound, and a message that was sent
/// unless it says that it is inbound. What became of a message (`message.delivered`, `message.bounced`) is not, and neither is
/// what the service notes of its offers: who sends or shows one reports that besides.
#[must_use]
pub fn is_contact(message: &Interaction) -> bool {
    match message.r#type.as_str() {
        "message.sent" => message.direction() != Direction::Inbound,
        "message.delivered" | "message.bounced" => false,
        kind if kind.starts_with(PREFIX) => false,
        _ => message.direction() == Direction::Outbound,
    }
}

/// What an interaction says of contacts.
pub(super) fn of(fact: Fact<'_>, stamp: Stamp) -> Vec<Contacts> {
    if !is_contact(fact.message) {
        return Vec::new();
    }
    let day = fact.zone.day(fact.occurred_at).0;
    vec![Contacts {
        channel: fact.message.channel.clone(),
        last_at: stamp.at,
        days: vec![ContactDay { day, count: 1 }],
    }]
}

/// Adds the contacts of another state.
pub(super) fn merge(mine: &mut Vec<Contacts>, theirs: Vec<Contacts>) {
    if theirs.is_empty() {
        return;
    }
    sorted::merge(
        mine,
        theirs,
        |a, b| a.channel.cmp(&b.channel),
        |a, b| {
            a.last_at = a.last_at.max(b.last_at);
            let by_day = |a: &ContactDay, b: &ContactDay| a.day.cmp(&b.day);
            sorted::merge(&mut a.days, b.days, by_day, |a, b| a.count += b.count);
        },
    );
    let newest = mine.iter().filter_map(|one| one.days.last()).map(|d| d.day);
    let Some(newest) = newest.max() else {
        return;
    };
    let first_kept = newest.saturating_sub(DAYS_KEPT - 1);
    for one in mine {
        if one.days.first().is_some_and(|first| first.day < first_kept) {
            one.days.retain(|contacts| contacts.day >= first_kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: &str, direction: Direction) -> bool {
        is_contact(&Interaction {
            r#type: kind.to_owned(),
            direction: direction.into(),
            ..Interaction::default()
        })
    }

    #[test]
    fn a_message_counts_once_however_much_is_reported_of_it() {
        assert!(said("message.sent", Direction::Outbound));
        assert!(said("message.sent", Direction::Unspecified));
        assert!(!said("message.sent", Direction::Inbound));
        assert!(!said("message.delivered", Direction::Outbound));
        assert!(!said("message.bounced", Direction::Outbound));
        assert!(!said("offer.sent", Direction::Outbound));
    }

    #[test]
    fn whatever_else_is_outbound_is_a_contact() {
        assert!(said("call.made", Direction::Outbound));
        assert!(said("ticket.replied", Direction::Outbound));
        assert!(!said("call.made", Direction::Inbound));
        assert!(!said("ticket.replied", Direction::Unspecified));
    }

    fn on(channel: &str, days: &[i32]) -> Contacts {
        let days = days.iter().map(|day| ContactDay {
            day: *day,
            count: 1,
        });
        Contacts {
            channel: channel.to_owned(),
            last_at: 0,
            days: days.collect(),
        }
    }

    #[test]
    fn four_hundred_days_are_kept_with_the_newest_of_any_channel() {
        let mut mine = vec![on("email", &[100, 101])];
        merge(&mut mine, vec![on("phone", &[500])]);
        assert_eq!(mine, [on("email", &[101]), on("phone", &[500])]);
        merge(&mut mine, vec![on("phone", &[501])]);
        assert_eq!(mine[0], on("email", &[]), "the last contact stays known");
    }
}
