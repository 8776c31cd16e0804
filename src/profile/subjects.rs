//! Orders and tickets: what is counted once per subject, whatever order events come in.
//!
//! An entry is a join of maxima and minima by stamp, so merging entries is exact, commutative, associative and
//! idempotent. The totals follow from the entries alone.

use super::{
    merge::earliest,
    model::OPEN_TICKETS,
    sorted,
    stamp::{Stamp, Stamped as _},
};
use crate::{
    ids::LengthPrefixed,
    proto::{
        state::v1::{Amount, Order, Subjects, Ticket, Totals},
        v1::{SubjectKind, SubjectStatus},
    },
};

/// The 64-bit name of a subject inside a state.
#[must_use]
pub fn hash(kind: SubjectKind, id: &str) -> u64 {
    let mut hash = LengthPrefixed(blake3::Hasher::new());
    hash.add(kind.as_str_name().as_bytes());
    hash.add(id.as_bytes());
    hash.finish_64()
}

/// Merges the second set into the first.
pub(super) fn merge(mine: &mut Subjects, theirs: Subjects) {
    sorted::merge(
        &mut mine.orders,
        theirs.orders,
        |a, b| a.hash.cmp(&b.hash),
        combine_orders,
    );
    sorted::merge(
        &mut mine.tickets,
        theirs.tickets,
        |a, b| a.hash.cmp(&b.hash),
        combine_tickets,
    );
}

fn amount_stamp(order: &Order) -> Stamp {
    Stamp {
        at: order.amount_at,
        id_hi: order.amount_id_hi,
        id_lo: order.amount_id_lo,
    }
}

fn combine_orders(mine: &mut Order, theirs: Order) {
    let newest_placing = match (mine.placed_at, theirs.placed_at) {
        (Some(_), Some(_)) => amount_stamp(&theirs) > amount_stamp(mine),
        (None, Some(_)) => true,
        (_, None) => false,
    };
    if theirs.stamp() > mine.stamp() {
        (mine.at, mine.id_hi, mine.id_lo) = (theirs.at, theirs.id_hi, theirs.id_lo);
        mine.cancelled = theirs.cancelled;
    }
    if newest_placing {
        mine.currency = theirs.currency;
        mine.minor_units = theirs.minor_units;
        mine.amount_at = theirs.amount_at;
        mine.amount_id_hi = theirs.amount_id_hi;
        mine.amount_id_lo = theirs.amount_id_lo;
    }
    // The day goes with the time: of one zone the earlier has no later day.
    mine.placed_day = earliest(mine.placed_day, theirs.placed_day);
    mine.placed_at = earliest(mine.placed_at, theirs.placed_at);
}

fn combine_tickets(mine: &mut Ticket, theirs: Ticket) {
    let first_at = mine.first_at.min(theirs.first_at);
    let complains = mine.complains || theirs.complains;
    let has_status = |t: &Ticket| t.status != i32::from(SubjectStatus::Unspecified);
    if (has_status(&theirs), theirs.stamp()) > (has_status(mine), mine.stamp()) {
        *mine = theirs;
    }
    mine.first_at = first_at;
    mine.complains = complains;
}

/// Whether a ticket of this status is open.
#[must_use]
pub fn is_open(status: i32) -> bool {
    status == i32::from(SubjectStatus::Open) || status == i32::from(SubjectStatus::Pending)
}

/// What follows from the subjects; nothing when there are none.
pub(super) fn totals(subjects: &Subjects) -> Option<Totals> {
    if subjects.orders.is_empty() && subjects.tickets.is_empty() {
        return None;
    }
    let mut totals = Totals::default();
    for order in &subjects.orders {
        if order.cancelled {
            totals.orders_cancelled += 1;
        } else if let Some(placed_at) = order.placed_at {
            totals.orders += 1;
            totals.first_order_at = Some(totals.first_order_at.unwrap_or(placed_at).min(placed_at));
            totals.last_order_at = Some(totals.last_order_at.unwrap_or(placed_at).max(placed_at));
            add(&mut totals.ordered, &order.currency, order.minor_units);
        }
    }
    let counting = subjects.orders.iter().filter(|order| !order.cancelled);
    let mut days: Vec<i32> = counting.filter_map(|order| order.placed_day).collect();
    days.sort_unstable();
    days.dedup();
    for order in &subjects.orders {
        let repeat = order.placed_day > days.first().copied();
        if !order.cancelled && repeat {
            add(
                &mut totals.repeat_ordered,
                &order.currency,
                order.minor_units,
            );
        }
    }
    totals.order_days = count(days.len());
    totals.first_order_day = days.first().copied();
    totals.last_order_day = days.last().copied();
    let mut open: Vec<&Ticket> = subjects
        .tickets
        .iter()
        .filter(|t| is_open(t.status))
        .collect();
    totals.tickets = count(subjects.tickets.len());
    totals.tickets_open = count(open.len());
    totals.complaints_open = count(open.iter().filter(|t| t.complains).count());
    totals.last_ticket_at = subjects.tickets.iter().map(|t| t.first_at).max();
    totals.open_since = open.iter().map(|t| t.first_at).min();
    open.sort_unstable_by_key(|t| std::cmp::Reverse(t.stamp()));
    totals.open = open.into_iter().take(OPEN_TICKETS).cloned().collect();
    Some(totals)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Adds to a list sorted by currency without building a list for each amount: this runs over every order of a customer.
fn add(amounts: &mut Vec<Amount>, currency: &str, minor_units: i64) {
    match amounts.binary_search_by(|probe| probe.currency.as_str().cmp(currency)) {
        Ok(at) => amounts[at].minor_units = amounts[at].minor_units.wrapping_add(minor_units),
        Err(at) => amounts.insert(
            at,
            Amount {
                currency: currency.to_owned(),
                minor_units,
            },
        ),
    }
}
