//! Expected orders of a customer in the weeks ahead (equation 10 of the paper):
//!
//! ```text
//! (c/e) (1 - (1-z)^R F(R, B; c; z)) P(alive)    with R = r+x, B = b+x, e = a-1, c = B+e, z = t/(alpha+T+t)
//! ```
//!
//! What must stay true: it is 0 for no weeks, never falls with t, and has no seam at z = 0.5 nor at a = 1.
//!
//! The textbook's form loses all digits near a = 1, where it is 0/0, and for c near 0. Put the series of (1-z)^-R in the
//! place of the 1 and take both term by term: the difference divided by e is a sum of positive terms,
//!
//! ```text
//! sum over k of P(K = k) S(k),   K negative binomial (R, z),   S(k) = 1 + (B)_1/(c+1)_1 + .. + (B)_(k-1)/(c+1)_(k-1)
//! ```
//!
//! which is plain to read: K occasions to order come up in t weeks, and S(k) is how many orders k occasions make when the
//! customer may leave after each. It has no limit to take at a = 1 and no pole at c = 0; it is the form for z <= 0.5.
//! Above, where it needs many terms, the Euler transform F(R, B; c; z) = (1-z)^(e-R) F(c-R, e; c; z) needs few, and is
//! used unless its terms change sign (c < R) or e is too near 0; then the positive sum is used all the same.

use super::{History, Parameters};

/// Above this z the Euler transform pays.
const EULER_ABOVE: f64 = 0.5;
/// Nearer to a = 1 than this the division by a - 1 would cost more than two digits.
const NEAR_ONE: f64 = 0.01;
/// What the rest of a series may be, in relation to its sum.
const REST: f64 = 1e-16;
/// Terms after which a series is given up.
const TERMS: u32 = 2_000_000;
/// Beyond this a running sum is scaled down, so that it cannot overflow.
const LARGE: f64 = 1e250;

impl Parameters {
    /// Expected orders in the next `weeks`, 0 or more. Without a repeat order the customer counts as alive, as in the
    /// paper: the expectation of a newcomer is known although P(alive) says nothing.
    ///
    /// `None` when `weeks` is negative or not finite, or the horizon is so far that the series does not end.
    #[must_use]
    pub fn expected_orders(&self, history: History, weeks: f64) -> Option<f64> {
        if !(weeks.is_finite() && weeks >= 0.0) {
            return None;
        }
        let reach = self.alpha + history.weeks() + weeks;
        let series = Series {
            rate: self.r + history.x(),
            b: self.b + history.x(),
            e: self.a - 1.0,
            z: weeks / reach,
            left: (self.alpha + history.weeks()) / reach,
        };
        Some(series.orders_if_alive()? * self.p_alive(history).unwrap_or(1.0))
    }
}

/// The quantities of the formula.
struct Series {
    rate: f64,
    b: f64,
    e: f64,
    z: f64,
    /// 1 - z, without the rounding of the difference.
    left: f64,
}

impl Series {
    fn orders_if_alive(&self) -> Option<f64> {
        let c = self.b + self.e;
        let few_terms = self.z > EULER_ABOVE && c >= self.rate && self.e.abs() >= NEAR_ONE;
        if few_terms {
            self.by_euler(c)
        } else {
            self.by_occasions(c)
        }
    }

    /// The sum over occasions: all terms are positive.
    fn by_occasions(&self, c: f64) -> Option<f64> {
        // (1-z)^R may be below the smallest number: it stays a logarithm until the end.
        let mut scale = self.rate * self.left.ln();
        let mut weight = 1.0;
        let (mut orders, mut next_order) = (0.0, 1.0);
        let mut sum = 0.0;
        let mut k = 0.0;
        for _ in 0..TERMS {
            weight *= self.z * (self.rate + k) / (k + 1.0);
            k += 1.0;
            orders += next_order;
            next_order *= (self.b + k - 1.0) / (c + k);
            let term = weight * orders;
            sum += term;
            // No ratio of later terms is above this: each of its factors falls, or rises to its limit.
            let ratio =
                self.z * ((self.rate + k) / (k + 1.0)).max(1.0) * (1.0 + next_order / orders);
            if ratio < 1.0 && term * ratio / (1.0 - ratio) <= REST * sum {
                return Some((scale + sum.ln()).exp());
            }
            if sum > LARGE {
                (weight, sum) = (weight / LARGE, sum / LARGE);
                scale += LARGE.ln();
            }
        }
        None
    }

    /// By the Euler transform: for c >= R all terms from the second on have one sign.
    fn by_euler(&self, c: f64) -> Option<f64> {
        let mut term = 1.0;
        let mut sum = 1.0;
        let mut k = 0.0;
        for _ in 0..TERMS {
            let ratio = self.z * (c - self.rate + k) * (self.e + k) / ((c + k) * (k + 1.0));
            term *= ratio;
            sum += term;
            k += 1.0;
            // The ratios tend to z, from one side in the end.
            let most = ratio.abs().max(self.z);
            if most < 1.0 && (term * most / (1.0 - most)).abs() <= REST * sum.abs() {
                let lost = (self.e * self.left.ln()).exp() * sum;
                return Some(c / self.e * (1.0 - lost));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn both_forms_agree_wherever_both_hold(
            rate in 0.05_f64..20.0, more in 0.0_f64..20.0, e in -0.95_f64..3.0, z in 0.05_f64..0.98,
        ) {
            prop_assume!(e.abs() >= NEAR_ONE);
            // c = b + e is the rate and more, so that no term of the transform changes sign.
            let b = (rate + more - e).max(0.01);
            let series = Series { rate, b, e, z, left: 1.0 - z };
            prop_assume!(b + e >= rate);
            let (one, other) = (series.by_occasions(b + e).unwrap(), series.by_euler(b + e).unwrap());
            // The transform loses what the difference from 1 cancels.
            let cancelled = 1e-14 * (b + e) / e.abs();
            prop_assert!((one - other).abs() <= 1e-11 * one + cancelled, "{one} {other}");
        }
    }
}
