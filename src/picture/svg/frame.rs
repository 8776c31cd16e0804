//! Where rows and columns are, and the box of the profile.

use super::{
    super::{
        plan::{Plan, Spot},
        words,
    },
    canvas::{At, Canvas},
};
use crate::proto::v1::ExplainIdentityResponse;

/// Around everything.
pub(super) const MARGIN: usize = 24;
/// Within the box of the profile.
const PADDING: usize = 20;
/// Above the box.
const HEAD: usize = 62;
/// From row to row.
pub(super) const ROW: usize = 86;
/// A card of the profile.
pub(super) const CARD: (usize, usize) = (252, 60);
/// Between columns, where lines are labelled.
pub(super) const GAP: usize = 192;
/// Between the box and what is outside, where refusals are told.
const OUT_GAP: usize = 316;
/// A card outside.
pub(super) const OUT: (usize, usize) = (240, 54);
/// The narrowest picture.
const NARROWEST: usize = 760;

/// Where things are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    /// Of the whole.
    pub(super) width: usize,
    /// Where the box of the profile ends.
    pub(super) right: usize,
    /// Where the box ends below.
    pub(super) bottom: usize,
    /// Where cards outside begin.
    pub(super) outside: usize,
    /// Whether there are any.
    leads_out: bool,
}

impl Frame {
    /// Of a plan.
    pub(super) fn of(plan: &Plan<'_>) -> Self {
        let right = Self::x(plan.columns - 1) + CARD.0 + PADDING;
        let outside = right + OUT_GAP;
        let leads_out = plan.spots.iter().any(Spot::is_outside);
        let ends = if leads_out { outside + OUT.0 } else { right };
        Self {
            width: (ends + MARGIN).max(NARROWEST),
            right,
            bottom: HEAD + 34 + plan.rows * ROW,
            outside,
            leads_out,
        }
    }

    /// Where the cards of a column begin.
    pub(super) fn x(column: usize) -> usize {
        MARGIN + PADDING + column * (CARD.0 + GAP)
    }

    /// The middle of a row.
    pub(super) fn y(row: usize) -> usize {
        HEAD + 30 + ROW / 2 + row * ROW
    }

    /// The heading and the box.
    pub(super) fn draw(&self, canvas: &mut Canvas, answer: &ExplainIdentityResponse) {
        let at = |y| At {
            x: MARGIN,
            y,
            room: self.width - 2 * MARGIN,
        };
        canvas.label(at(30), 20, "strong", "Why these identifiers are one person");
        canvas.label(at(50), 13, "faint", &words::summary(answer));
        canvas.shape(&format!(
            "<rect class=\"box\" x=\"{MARGIN}\" y=\"{HEAD}\" width=\"{}\" height=\"{}\" rx=\"14\"/>",
            self.right - MARGIN,
            self.bottom - HEAD
        ));
        let at = At {
            x: MARGIN + 14,
            y: HEAD + 22,
            room: self.right - MARGIN - 28,
        };
        let name = format!("profile {}", answer.profile_id);
        canvas.label(at, 12, "faint", &name);
        if self.leads_out {
            let at = At {
                x: self.outside,
                y: HEAD + 22,
                room: OUT.0,
            };
            canvas.label(at, 12, "no", "not this person");
        }
    }
}
