//! The normal distribution, and logits turned into logarithms of probabilities.
//!
//! What must stay true: the 256 quantiles are the same on every machine and sum to 0; turning them into draws allocates
//! nothing and calls no function of a library.

use super::{draws::DRAWS, number::short, number::whole};
use crate::next_best_action::learning::beta::ln_sigmoid;

/// Logits beyond this are told apart by their straight line only.
const EDGE: u8 = 16;
/// Steps of the table in one unit.
const FINE: u16 = 64;
/// Steps of the table.
const STEPS: u16 = 2 * 16 * FINE;

/// The share of a normal distribution below `z`.
#[must_use]
pub fn cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// The density at `z`.
pub(super) fn density(z: f64) -> f64 {
    libm::exp(-0.5 * z * z) / (2.0 * std::f64::consts::PI).sqrt()
}

/// The `z` below which a share `p` lies, within -40 and 40.
#[must_use]
pub fn quantile(p: f64) -> f64 {
    let (mut low, mut high) = (-40.0, 40.0);
    // Halving to the last bit; it is done 256 times in the life of a process.
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if cdf(middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// What turns a logit with its uncertainty into draws of ln P.
#[derive(Clone, Debug)]
pub struct Normals {
    /// Quantiles of (k + 1/2) / 256.
    quantiles: [f32; DRAWS],
    /// The same in full.
    scores: [f64; DRAWS],
    /// `ln sigmoid` from -16 to 16 in steps of 1/64.
    ln_sigmoid: Vec<f32>,
}

impl Default for Normals {
    fn default() -> Self {
        Self::new()
    }
}

impl Normals {
    /// Makes the tables.
    #[must_use]
    pub fn new() -> Self {
        let mut scores = [0.0; DRAWS];
        for (share, score) in shares().zip(&mut scores) {
            *score = quantile(share);
        }
        let at = |step: u16| f64::from(step) / f64::from(FINE) - f64::from(EDGE);
        Self {
            quantiles: scores.map(short),
            scores,
            ln_sigmoid: (0..=STEPS)
                .map(|step| short(ln_sigmoid(at(step))))
                .collect(),
        }
    }

    /// The quantiles, from the lowest up.
    pub(super) const fn scores(&self) -> &[f64; DRAWS] {
        &self.scores
    }

    /// Draws of ln P for a logit, in the order given (a permutation of 0 to 255): off by less than 10^-5 each.
    pub fn fill(&self, mean: f64, variance: f64, order: &[u8; DRAWS], out: &mut [f32; DRAWS]) {
        let (mean, deviation) = (short(mean), short(variance.max(0.0).sqrt()));
        for (out, place) in out.iter_mut().zip(order) {
            let z = self.quantiles.get(usize::from(*place));
            *out = self.ln_probability(mean + deviation * z.copied().unwrap_or_default());
        }
    }

    /// `ln sigmoid` of a logit by the table.
    #[must_use]
    pub fn ln_probability(&self, logit: f32) -> f32 {
        let edge = f32::from(EDGE);
        if logit <= -edge {
            return logit.max(super::draws::LOWEST);
        }
        let place = (logit.min(edge) + edge) * f32::from(FINE);
        let step = whole(place, STEPS - 1);
        let part = place - f32::from(step);
        let step = usize::from(step);
        match self.ln_sigmoid.get(step..step + 2) {
            Some(&[low, high]) => low + part * (high - low),
            _ => 0.0,
        }
    }
}

/// The middles of 256 equal shares.
fn shares() -> impl Iterator<Item = f64> {
    (0..256_u16).map(|k| (f64::from(k) + 0.5) / 256.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantiles_are_the_published_ones() {
        // Abramowitz and Stegun, table 26.5.
        for (p, z) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.995, 2.575_829_303_548_901),
            (0.001, -3.090_232_306_167_814),
        ] {
            assert!((quantile(p) - z).abs() < 1e-13, "{p}");
        }
    }

    #[test]
    fn the_256_have_mean_0_and_variance_near_1() {
        let normals = Normals::new();
        let sum: f64 = normals.quantiles.iter().map(|z| f64::from(*z)).sum();
        let squares: f64 = normals.quantiles.iter().map(|z| f64::from(z * z)).sum();
        assert!(sum.abs() < 1e-5, "{sum}");
        assert!((squares / 256.0 - 1.0).abs() < 0.006, "{squares}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_table_is_the_function(logit in -40.0_f32..40.0) {
            let wanted = ln_sigmoid(f64::from(logit));
            let found = f64::from(Normals::new().ln_probability(logit));
            prop_assert!((found - wanted.max(-27.631_021)).abs() < 1e-5, "{} for {}", found, wanted);
        }
    }
}
