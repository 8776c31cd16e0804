//! Integers as reals, and reals as whole parts.
//!
//! What must stay true: a count becomes a real here, rounded once to the nearest; a real that is added up over a population
//! becomes a whole number of parts first, so that sums are exact and do not depend on order.

/// Parts of a one in a [`parts`].
pub(super) const ONE: u32 = 1 << 30;

/// A count as a real. Exact to 2^53, the nearest real above.
#[expect(clippy::cast_precision_loss, reason = "rounded once, to the nearest")]
pub(super) const fn real(count: u64) -> f64 {
    count as f64
}

/// A length as a real.
#[expect(clippy::cast_precision_loss, reason = "rounded once, to the nearest")]
pub(super) const fn length(count: usize) -> f64 {
    count as f64
}

/// A sum as a real, the nearest one.
#[expect(clippy::cast_precision_loss, reason = "rounded once, to the nearest")]
pub(super) const fn sum(sum: i128) -> f64 {
    sum as f64
}

/// A probability in parts of 2^-30, rounded to the nearest; what lies outside 0 to 1 is moved to the end, NaN to 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=2^30 before"
)]
pub(super) fn parts(probability: f64) -> u64 {
    (probability.clamp(0.0, 1.0) * f64::from(ONE)).round() as u64
}

/// The position below `n` that is `share` (0 to 1) of the way, rounded down.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and n"
)]
pub(super) fn position(share: f64, n: usize) -> usize {
    ((length(n) * share).floor().max(0.0) as usize).min(n.saturating_sub(1))
}
