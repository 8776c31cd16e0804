//! Integers as reals.
//!
//! What must stay true: sums and counts stay integers until the last step, and become a real here, rounded once to the
//! nearest. Everything that was added up before that is exact and does not depend on order.

/// A count as a real. Exact to 2^53, the nearest real above.
#[expect(clippy::cast_precision_loss, reason = "rounded once, to the nearest")]
pub(super) const fn real(count: u64) -> f64 {
    count as f64
}

/// A signed sum as a real, the nearest one.
#[expect(clippy::cast_precision_loss, reason = "rounded once, to the nearest")]
pub(super) const fn signed(sum: i128) -> f64 {
    sum as f64
}

/// The length of a list as a count.
pub(super) fn length<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

/// One sum over another, which is not 0.
#[expect(
    clippy::cast_precision_loss,
    reason = "each rounded once, to the nearest"
)]
pub(super) const fn ratio(sum: u128, of: u128) -> f64 {
    sum as f64 / of as f64
}
