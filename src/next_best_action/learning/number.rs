//! Between whole numbers and reals.
//!
//! What must stay true: counts stay whole until the last step and become a real here, rounded once to the nearest. What
//! was added up before that is exact and does not depend on order.

/// A count as a real; a negative one, which only a half-told story has, is 0. Exact to 2^53.
#[expect(clippy::cast_precision_loss, reason = "rounded once, to the nearest")]
pub(super) const fn real(count: i64) -> f64 {
    if count > 0 { count as f64 } else { 0.0 }
}

/// A real as the nearest of the shorter kind.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rounded once, to the nearest"
)]
pub(super) const fn short(real: f64) -> f32 {
    real as f32
}

/// The whole part of a real that is not negative, at most `most`; 0 for what is no number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded on both sides before"
)]
pub(super) fn whole(real: f32, most: u16) -> u16 {
    if real >= f32::from(most) {
        most
    } else if real > 0.0 {
        real as u16
    } else {
        0
    }
}

/// What is left of a weight after so many days, when half is left after `half_life` days.
///
/// `libm` and not the platform's library, here and wherever a result is stored: the same on every machine.
pub(super) fn left_after(days: i32, half_life: f64) -> f64 {
    libm::exp2(-f64::from(days.max(0)) / half_life)
}
