//! The Beta distribution: its distribution function and quantiles.
//!
//! What must stay true:
//!
//! - The same parameters give the same bits on every machine: only `libm`, no platform's library.
//! - Every quantile ends: Newton's steps are kept inside a bracket that shrinks, and there are at most 60 of them.
//! - Both tails keep their relative precision, since the logarithm of a low quantile is what a decision adds up.
//!
//! Our own, since `statrs` 0.19 panics or does not return in the low tail of `inv_beta_reg` (its issue 435) and takes
//! logarithms from the platform. Everything is computed at the logit `y` of `x`: there the distribution function is smooth
//! and has the density `x^a (1-x)^b / B(a, b)`, which is the factor before the continued fraction too (Didonato and Morris
//! 1992; evaluated after Lentz).

use libm::{exp, lgamma, log, log1p};

/// Of the continued fraction: enough for parameters up to 10^9.
const TERMS: u32 = 100_000;
/// When the continued fraction has settled.
const SETTLED: f64 = 1e-15;
/// How near the logarithm of a tail must come.
const NEAR: f64 = 1e-11;
/// Steps of one quantile.
const STEPS: u32 = 60;
/// Logits further out are not told apart: `e^-700` is the smallest a real can hold well.
const FAR: f64 = 700.0;

/// A Beta distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beta {
    /// First parameter.
    a: f64,
    /// Second.
    b: f64,
    /// Logarithm of the beta function of both.
    ln_whole: f64,
}

/// Both tails at a point, and the density of the logit.
#[derive(Clone, Copy, Debug)]
struct Tails {
    lower: f64,
    upper: f64,
    density: f64,
}

impl Beta {
    /// With these parameters, or `None` unless both are finite and above 0.
    #[must_use]
    pub fn new(alpha: f64, beta: f64) -> Option<Self> {
        let valid = alpha > 0.0 && beta > 0.0 && alpha.is_finite() && beta.is_finite();
        valid.then(|| Self {
            a: alpha,
            b: beta,
            ln_whole: lgamma(alpha) + lgamma(beta) - lgamma(alpha + beta),
        })
    }

    /// `P(theta <= x)`.
    #[must_use]
    pub fn cdf(&self, x: f64) -> f64 {
        if x <= 0.0 {
            0.0
        } else if x >= 1.0 {
            1.0
        } else {
            self.tails(log(x) - log1p(-x)).lower
        }
    }

    /// The `x` below which a share `p` (0 to 1) lies.
    #[must_use]
    pub fn quantile(&self, p: f64) -> f64 {
        exp(ln_sigmoid(self.logit_quantile(p, None)))
    }

    /// The logit of the quantile of `p`, from a guess when there is one; within -700 and 700.
    pub(super) fn logit_quantile(&self, p: f64, guess: Option<f64>) -> f64 {
        if p <= 0.0 {
            return -FAR;
        }
        if p >= 1.0 {
            return FAR;
        }
        let (mut low, mut high) = (-FAR, FAR);
        let mut at = guess.unwrap_or_else(|| log(self.a / self.b));
        for _ in 0..STEPS {
            at = at.clamp(low, high);
            let tails = self.tails(at);
            // Newton's step for the logarithm of the smaller tail, which is nearly straight far out.
            let (off, slope) = if p < 0.5 {
                (log(tails.lower / p), tails.density / tails.lower)
            } else {
                (log((1.0 - p) / tails.upper), tails.density / tails.upper)
            };
            if off.abs() < NEAR {
                return at;
            }
            if off > 0.0 {
                high = at;
            } else {
                low = at;
            }
            let next = at - off / slope;
            let inside = next > low && next < high;
            at = if inside {
                next
            } else {
                f64::midpoint(low, high)
            };
            if high - low < 1e-12 {
                return at;
            }
        }
        at
    }

    /// The density of the logit at `y`.
    pub(super) fn logit_density(&self, y: f64) -> f64 {
        exp(self.a * ln_sigmoid(y) + self.b * ln_sigmoid(-y) - self.ln_whole)
    }

    /// At the logit `y`.
    fn tails(&self, y: f64) -> Tails {
        let (ln_x, ln_rest) = (ln_sigmoid(y), ln_sigmoid(-y));
        let density = exp(self.a * ln_x + self.b * ln_rest - self.ln_whole);
        let (x, rest) = (exp(ln_x), exp(ln_rest));
        if x < (self.a + 1.0) / (self.a + self.b + 2.0) {
            let lower = density * fraction(self.a, self.b, x) / self.a;
            Tails {
                lower,
                upper: 1.0 - lower,
                density,
            }
        } else {
            let upper = density * fraction(self.b, self.a, rest) / self.b;
            Tails {
                lower: 1.0 - upper,
                upper,
                density,
            }
        }
    }
}

/// `ln(1 / (1 + e^-y))`.
pub(super) fn ln_sigmoid(y: f64) -> f64 {
    if y >= 0.0 {
        -log1p(exp(-y))
    } else {
        y - log1p(exp(y))
    }
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let away = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let mut above = 1.0;
    let mut below = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut value = below;
    for term in 1..=TERMS {
        let m = f64::from(term);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        below = 1.0 / away(1.0 + even * below);
        above = away(1.0 + even / above);
        value *= above * below;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        below = 1.0 / away(1.0 + odd * below);
        above = away(1.0 + odd / above);
        value *= above * below;
        if (above * below - 1.0).abs() < SETTLED {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests;
