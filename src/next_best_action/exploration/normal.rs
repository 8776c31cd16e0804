//! Draws of ln P from the normal of a logit, without a logarithm for each.
//!
//! What must stay true: a draw is a function of (mean, variance, action, number of the draw) and the tables here, which
//! never change: they are made with `libm`, alike on every machine.

use std::sync::LazyLock;

use super::{Logit, M};
use crate::next_best_action::{
    hashing::{Counter, Domain},
    keys::ActionKey,
};

/// The 256 quantiles of the standard normal at (i + 1/2)/256, in a fixed order that looks like chance. Reading them at the
/// multiples of an odd number is a permutation; two actions that read at the same odd number still meet as by chance.
pub static QUANTILES: LazyLock<[f32; M]> = LazyLock::new(|| {
    let mut quantiles = [0.0; M];
    for (i, quantile) in (0_u16..).zip(&mut quantiles) {
        *quantile = narrow(inverse((f64::from(i) + 0.5) / 256.0));
    }
    let mut counter = Counter::new(Domain::Permutation.hash(&[]));
    for i in (1..M).rev() {
        let below = u64::try_from(i + 1).unwrap_or(1);
        quantiles.swap(
            i,
            usize::try_from(counter.draw() % below).unwrap_or_default(),
        );
    }
    quantiles
});

/// Steps of the table of `ln(1 + e^-u)` in a unit, and units.
const STEPS: u16 = 64;
const UNITS: u16 = 17;

/// `ln(1 + e^-u)` at u = i/64, and its rise to the next.
static SOFTPLUS: LazyLock<Vec<(f32, f32)>> = LazyLock::new(|| {
    let at = |i: u16| libm::log1p(libm::exp(-f64::from(i) / f64::from(STEPS)));
    let rise = |i: u16| narrow(at(i + 1) - at(i));
    (0..STEPS * UNITS)
        .map(|i| (narrow(at(i)), rise(i)))
        .collect()
});

/// The quantile of the standard normal at 0 < p < 1, by bisection of the distribution: exact to the last bits, and only
/// ever called for a table.
fn inverse(p: f64) -> f64 {
    let below = |x: f64| libm::erfc(-x / std::f64::consts::SQRT_2) / 2.0;
    let (mut low, mut high) = (-9.0, 9.0);
    for _ in 0..80 {
        let middle: f64 = f64::midpoint(low, high);
        if below(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The nearest of single precision.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the one place where a number is made narrower, to the nearest"
)]
pub(super) const fn narrow(value: f64) -> f32 {
    value as f32
}

/// ln sigmoid(z), within 0.00001, from a table with straight lines between its points.
#[must_use]
pub fn ln_sigmoid(z: f32) -> f32 {
    interpolate(&SOFTPLUS, z)
}

#[inline]
fn interpolate(table: &[(f32, f32)], z: f32) -> f32 {
    let scaled = z.abs().min(f32::from(UNITS) - 0.01) * f32::from(STEPS);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least 0 and at most 17 x 64, cut off on purpose"
    )]
    let whole = scaled as u16;
    let (left, rise) = table.get(usize::from(whole)).copied().unwrap_or_default();
    z.min(0.0) - (left + rise * (scaled - f32::from(whole)))
}

/// Fills a row with `base` and draws of ln P.
pub(super) fn fill(row: &mut [f32; M], base: f32, logit: Logit, action: ActionKey, offset: usize) {
    let hash = Domain::Permutation.hash(&[action.id, action.version.into()]);
    let step = usize::try_from(hash & 0xff).unwrap_or_default() | 1;
    let (mean, deviation) = (narrow(logit.mean), narrow(libm::sqrt(logit.variance)));
    let (quantiles, table) = (&*QUANTILES, &*SOFTPLUS);
    let mut at = offset;
    for place in row {
        let quantile = quantiles.get(at % M).copied().unwrap_or_default();
        *place = base + interpolate(table, mean + deviation * quantile);
        at += step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_normal() {
        let mut sorted = *QUANTILES;
        sorted.sort_unstable_by(f32::total_cmp);
        assert!((sorted[128] - 0.004_895_8).abs() < 1e-6, "{}", sorted[128]);
        assert!((inverse(0.95) - super::super::UPPER).abs() < 1e-12);
        for (low, high) in sorted.iter().zip(sorted.iter().rev()) {
            assert!((low + high).abs() < 1e-6);
        }
        let variance: f32 = sorted.iter().map(|q| q * q).sum::<f32>() / 256.0;
        assert!((variance - 0.99).abs() < 0.01, "{variance}");
    }

    #[test]
    fn the_table_is_close_to_the_logarithm() {
        for i in -3_000..3_000 {
            let z = f64::from(i) / 100.0;
            let exact = if z < 0.0 {
                z - z.exp().ln_1p()
            } else {
                -(-z).exp().ln_1p()
            };
            assert!(
                (f64::from(ln_sigmoid(narrow(z))) - exact).abs() < 1.2e-5,
                "{z}"
            );
        }
    }

    #[test]
    fn every_quantile_is_read_once_by_every_action() {
        let logit = Logit {
            mean: -1.0,
            variance: 0.5,
        };
        let mut row = [[0.0; M]; 2];
        fill(&mut row[0], 0.5, logit, ActionKey { id: 9, version: 1 }, 3);
        fill(
            &mut row[1],
            0.5,
            logit,
            ActionKey { id: 10, version: 1 },
            200,
        );
        let bits = |row: &[f32; M]| row.map(f32::to_bits);
        assert_ne!(bits(&row[0]), bits(&row[1]));
        row[0].sort_unstable_by(f32::total_cmp);
        row[1].sort_unstable_by(f32::total_cmp);
        assert_eq!(bits(&row[0]), bits(&row[1]));
        assert!(row[0].windows(2).all(|pair| pair[0] < pair[1]));
    }
}
