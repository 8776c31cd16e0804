//! Figures of a population: means over its customers.
//!
//! What must stay true: they are those of the customers one by one, computed once for equal histories. Who never ordered
//! again has no P(alive) and is not in its n, but is in that of expected orders.

use super::{DEFINITION, Parameters, Sample};
use crate::experience::measure::{Measure, Reporting};

impl Parameters {
    /// Mean P(alive) of the customers who ordered again, 0 to 1.
    #[must_use]
    pub fn mean_p_alive(&self, sample: &Sample, reporting: &Reporting) -> Measure {
        let known = sample
            .groups()
            .filter_map(|(history, count)| Some((self.p_alive(history)?, count)));
        reporting.mean(known, (0.0, 1.0), DEFINITION)
    }

    /// Mean of the orders expected of a customer in the next `weeks`, 0 or more. Customers whose expectation cannot be
    /// computed (see [`Parameters::expected_orders`]) are not in n.
    #[must_use]
    pub fn mean_expected_orders(
        &self,
        sample: &Sample,
        weeks: f64,
        reporting: &Reporting,
    ) -> Measure {
        let expected = sample
            .groups()
            .filter_map(|(history, count)| Some((self.expected_orders(history, weeks)?, count)));
        reporting.mean(expected, (0.0, f64::INFINITY), DEFINITION)
    }
}
