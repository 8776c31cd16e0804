//! What was expected beside what happened, by number of repeat orders: the check that the model is any good.
//!
//! What must stay true: every customer is in exactly one row, so the rows add up to the population.

use super::{History, Parameters};
use crate::experience::number::real;

/// A customer with a history up to a day and the orders of the weeks after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Customer {
    /// What was known.
    pub history: History,
    /// Days with an order in the weeks after.
    pub later: u32,
}

/// Customers with as many repeat orders.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Repeat orders; in the last row so many or more.
    pub repeats: u32,
    /// Customers.
    pub customers: u64,
    /// Mean P(alive), 0 to 1; `None` without repeat orders or customers.
    pub p_alive: Option<f64>,
    /// Expected orders of them all.
    pub expected: f64,
    /// Orders that they made.
    pub actual: u64,
}

/// One row for each number of repeat orders from 0 to `last` (at least 1), the last for all from there up. `None` when an expectation
/// cannot be computed.
#[must_use]
pub fn table(
    parameters: &Parameters,
    customers: &[Customer],
    weeks: f64,
    last: u32,
) -> Option<Vec<Row>> {
    let last = last.max(1);
    let mut rows: Vec<Row> = (0..=last).map(empty).collect();
    for customer in customers {
        let row = usize::try_from(customer.history.repeats.min(last)).ok()?;
        let row = rows.get_mut(row)?;
        row.customers += 1;
        row.actual += u64::from(customer.later);
        row.expected += parameters.expected_orders(customer.history, weeks)?;
        if let Some(p) = parameters.p_alive(customer.history) {
            row.p_alive = Some(row.p_alive.unwrap_or(0.0) + p);
        }
    }
    for row in &mut rows {
        row.p_alive = row.p_alive.map(|sum| sum / real(row.customers));
    }
    Some(rows)
}

fn empty(repeats: u32) -> Row {
    Row {
        repeats,
        customers: 0,
        p_alive: None,
        expected: 0.0,
        actual: 0,
    }
}
