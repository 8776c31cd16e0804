//! The probability that a customer is still one.
//!
//! What must stay true: it lies in 0..=1, falls with every idle day, and is unknown, not 1, without a repeat order.

use super::{History, Parameters};

impl Parameters {
    /// `1 / (1 + a/(b+x-1) ((alpha+T)/(alpha+t_x))^(r+x))`, 0 to 1; `None` without a repeat order.
    #[must_use]
    pub fn p_alive(&self, history: History) -> Option<f64> {
        (history.repeats > 0).then(|| 1.0 / (1.0 + self.log_odds_of_having_left(history).exp()))
    }
}
