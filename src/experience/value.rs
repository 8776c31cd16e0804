//! What a customer will be worth: expected orders times expected spend.
//!
//! What must stay true: the horizon is part of the answer; a discount never makes it more; a customer whose spend is
//! unknown has no value, not a value of 0.

use super::bg_nbd::{self, History};
use super::gamma_gamma::{self, Spending};
use super::measure::{Measure, Reporting};

/// Version of the definition.
pub const DEFINITION: u32 = 1;

/// Weeks of a year.
const YEAR: f64 = 365.25 / 7.0;

/// How far to look ahead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Horizon {
    /// Weeks ahead, 1 to [`Horizon::LONGEST`].
    weeks: u16,
    /// What money is worth less after a year, for example 0.1; 0 or more.
    discount: f64,
}

/// A customer's lifetime value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// Weeks ahead.
    pub weeks: u16,
    /// Expected orders in them.
    pub orders: f64,
    /// Expected spend an order, minor units.
    pub spend: f64,
    /// Orders times spend, each week's discounted, minor units.
    pub value: f64,
    /// Version of the definition.
    pub definition: u32,
}

impl Horizon {
    /// Ten years.
    pub const LONGEST: u16 = 522;

    /// So many weeks ahead with a yearly discount; `None` outside 1..=522 weeks or for a discount below 0.
    #[must_use]
    pub fn new(weeks: u16, discount: f64) -> Option<Self> {
        let valid = (1..=Self::LONGEST).contains(&weeks) && discount.is_finite() && discount >= 0.0;
        valid.then_some(Self { weeks, discount })
    }
}

/// The value of a customer within the horizon; `None` where orders or spend have none.
#[must_use]
pub fn lifetime(
    ordering: &bg_nbd::Parameters,
    history: History,
    paying: &gamma_gamma::Parameters,
    spending: Spending,
    horizon: Horizon,
) -> Option<Value> {
    let spend = paying.expected_spend(spending)?;
    let orders = ordering.expected_orders(history, f64::from(horizon.weeks))?;
    let discounted = if horizon.discount > 0.0 {
        discounted(ordering, history, horizon)?
    } else {
        orders
    };
    Some(Value {
        weeks: horizon.weeks,
        orders,
        spend,
        value: discounted * spend,
        definition: DEFINITION,
    })
}

/// Mean lifetime value of customers, each kind with how many there are, in minor units. Customers without a value are not
/// in n.
#[must_use]
pub fn mean_lifetime(
    ordering: &bg_nbd::Parameters,
    paying: &gamma_gamma::Parameters,
    customers: impl IntoIterator<Item = (History, Option<Spending>, u64)>,
    horizon: Horizon,
    reporting: &Reporting,
) -> Measure {
    let values = customers
        .into_iter()
        .filter_map(|(history, spending, count)| {
            let value = lifetime(ordering, history, paying, spending?, horizon)?;
            Some((value.value, count))
        });
    reporting.mean(values, (0.0, f64::INFINITY), DEFINITION)
}

/// Expected orders, those of each week worth what money at its end is worth today.
fn discounted(ordering: &bg_nbd::Parameters, history: History, horizon: Horizon) -> Option<f64> {
    let (mut sum, mut before) = (0.0, 0.0);
    for week in 1..=horizon.weeks {
        let week = f64::from(week);
        let so_far = ordering.expected_orders(history, week)?;
        let worth = (1.0 + horizon.discount).powf(-week / YEAR);
        sum += (so_far - before) * worth;
        before = so_far;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(history: History, weeks: u16, discount: f64) -> Value {
        lifetime(
            &bg_nbd::Parameters::new(0.243, 4.414, 0.793, 2.426).unwrap(),
            history,
            &gamma_gamma::Parameters::new(6.25, 3.74, 1_544.0).unwrap(),
            Spending::new(2, 6_000).unwrap(),
            Horizon::new(weeks, discount).unwrap(),
        )
        .unwrap()
    }

    #[test]
    fn it_is_expected_orders_times_expected_spend() {
        let found = value(History::new(2, 213, 272).unwrap(), 39, 0.0);
        assert!((found.orders - 1.226_115_806_149_321_8).abs() < 1e-11);
        assert!((found.value - found.orders * found.spend).abs() < 1e-9);
        assert_eq!(found.weeks, 39);
    }

    #[test]
    fn a_horizon_has_an_end_and_no_negative_discount() {
        assert_eq!(Horizon::new(0, 0.0), None);
        assert_eq!(Horizon::new(523, 0.0), None);
        assert_eq!(Horizon::new(52, -0.1), None);
        assert_eq!(Horizon::new(52, f64::NAN), None);
    }

    #[test]
    fn a_population_has_the_mean_of_the_customers_with_a_value() {
        let history = History::new(2, 213, 272).unwrap();
        let found = mean_lifetime(
            &bg_nbd::Parameters::new(0.243, 4.414, 0.793, 2.426).unwrap(),
            &gamma_gamma::Parameters::new(6.25, 3.74, 1_544.0).unwrap(),
            [
                (history, Spending::new(2, 6_000), 10),
                (history, Spending::new(2, 0), 5),
            ],
            Horizon::new(39, 0.0).unwrap(),
            &Reporting::default(),
        );
        assert_eq!(found.n, 10);
        let one = value(history, 39, 0.0).value;
        assert!((found.value.unwrap() / one - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_customer_whose_spend_does_not_exist_has_no_value() {
        let found = lifetime(
            &bg_nbd::Parameters::new(0.243, 4.414, 0.793, 2.426).unwrap(),
            History::new(2, 213, 272).unwrap(),
            &gamma_gamma::Parameters::new(0.2, 0.5, 100.0).unwrap(),
            Spending::new(2, 100).unwrap(),
            Horizon::new(52, 0.0).unwrap(),
        );
        assert_eq!(found, None);
    }

    proptest! {
        #[test]
        fn a_discount_makes_it_less_but_not_less_than_all_at_the_end(repeats in 1_u32..20, idle in 0_u32..200, discount in 0.01_f64..0.5) {
            let history = History::new(repeats, repeats * 9, repeats * 9 + idle).unwrap();
            let (full, less) = (value(history, 52, 0.0), value(history, 52, discount));
            prop_assert!(less.value < full.value);
            prop_assert!(less.value > full.value / (1.0 + discount));
            prop_assert!((less.orders - full.orders).abs() < 1e-12);
        }
    }
}
