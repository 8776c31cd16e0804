//! What happened with the customer.

use super::{count, time};
use crate::{
    criteria::{Attribute, AttributeId, Value},
    proto::state::v1::{Counter, State, Touch},
};

pub(super) fn get<'c>(core: &'c State, attribute: &Attribute) -> Value<'c> {
    let name = attribute.text(0);
    let counted = |is: fn(&Counter) -> &str| {
        let counters = core.counters.iter().filter(|counter| is(counter) == name);
        count(counters.map(|counter| counter.count).sum())
    };
    let last = |of: fn(&Touch) -> &str| {
        let newest = core.touches.first();
        newest.map_or(Value::Missing, |touch| Value::Text(of(touch)))
    };
    match attribute.id() {
        AttributeId::FirstSeen => time(core.first_at),
        AttributeId::LastSeen => time(core.last_at),
        AttributeId::Interactions => count(core.interactions),
        AttributeId::InteractionsByDepartment => counted(|counter| &counter.department),
        AttributeId::InteractionsByChannel => counted(|counter| &counter.channel),
        AttributeId::InteractionsByType => counted(|counter| &counter.r#type),
        AttributeId::LastDepartment => last(|touch| &touch.department),
        AttributeId::LastChannel => last(|touch| &touch.channel),
        AttributeId::LastType => last(|touch| &touch.r#type),
        _ => Value::Missing,
    }
}
