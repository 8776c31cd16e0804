//! What the customer bought, and what they asked for help with.

use super::{count, currency::units, time};
use crate::{
    criteria::{Attribute, AttributeId, Value},
    proto::state::v1::{Amount, State, Totals},
};

pub(super) fn get<'c>(core: &'c State, attribute: &Attribute) -> Value<'c> {
    let totals = core.totals.as_ref();
    let number = |of: fn(&Totals) -> u64| count(totals.map_or(0, of));
    let at = |of: fn(&Totals) -> Option<i64>| time(totals.and_then(of));
    let currency = attribute.text(0);
    let returned = amount(&core.returned, currency);
    match attribute.id() {
        AttributeId::OrderCount => number(|totals| totals.orders),
        AttributeId::CancelledOrderCount => number(|totals| totals.orders_cancelled),
        AttributeId::OrderDays => number(|totals| totals.order_days),
        AttributeId::FirstOrder => at(|totals| totals.first_order_at),
        AttributeId::LastOrder => at(|totals| totals.last_order_at),
        AttributeId::Spend => {
            let ordered = totals.map_or(0, |totals| amount(&totals.ordered, currency));
            units(ordered.wrapping_sub(returned), currency)
        }
        AttributeId::Returned => units(returned, currency),
        AttributeId::TicketCount => number(|totals| totals.tickets),
        AttributeId::OpenTickets => number(|totals| totals.tickets_open),
        AttributeId::LastTicket => at(|totals| totals.last_ticket_at),
        AttributeId::OpenSince => at(|totals| totals.open_since),
        _ => Value::Missing,
    }
}

fn amount(amounts: &[Amount], currency: &str) -> i64 {
    let found = amounts.iter().find(|amount| amount.currency == currency);
    found.map_or(0, |amount| amount.minor_units)
}
