//! How often the business turned to the customer.

use super::{count, time};
use crate::{
    calendar::Day,
    criteria::{Attribute, AttributeId, Value},
    proto::state::v1::State,
};

pub(super) fn get(core: &State, attribute: &Attribute, today: Day) -> Value<'static> {
    let channel = attribute.text(0);
    let through = core.contacts.iter().find(|one| one.channel == channel);
    match attribute.id() {
        AttributeId::LastContact => time(through.map(|one| one.last_at)),
        AttributeId::Contacts => {
            let first = today.0.saturating_sub(i32::from(attribute.number(1)) - 1);
            let days = through.map(|one| one.days.as_slice()).unwrap_or_default();
            let within = days
                .iter()
                .filter(|one| (first..=today.0).contains(&one.day));
            count(within.map(|one| one.count).sum())
        }
        _ => Value::Missing,
    }
}
