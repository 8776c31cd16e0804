//! As an SVG, to be understood at a glance.
//!
//! The strongest identifier stands at the left, large; what it joins hangs to its right, by a line that is the thicker the
//! more interactions gave the link. What was refused leads by a dashed line out of the profile's box, along a row of its
//! own, to the other end, with the rule in words; a separation is a border across that line. Lines are drawn before cards.
//! Colours are said twice, for light and for dark surroundings.

mod canvas;
mod cards;
mod frame;
mod notes;
mod style;
mod wires;

use super::{Day, plan::Plan, words};
use crate::proto::v1::ExplainIdentityResponse;
use canvas::Canvas;
use frame::Frame;

/// What a picture is drawn from.
#[derive(Clone, Copy)]
struct Scene<'a> {
    answer: &'a ExplainIdentityResponse,
    plan: &'a Plan<'a>,
    frame: Frame,
    day: Day<'a>,
}

/// The answer as an SVG; weak identifiers of large profiles are drawn together.
#[must_use]
pub fn svg(answer: &ExplainIdentityResponse, day: Day<'_>) -> String {
    drawn(answer, day).0
}

/// The picture, and the areas of its cards and labels with its whole.
fn drawn(answer: &ExplainIdentityResponse, day: Day<'_>) -> (String, Vec<Area>, Area) {
    let plan = Plan::of(answer);
    let scene = Scene {
        answer,
        plan: &plan,
        frame: Frame::of(&plan),
        day,
    };
    let mut canvas = Canvas::default();
    scene.frame.draw(&mut canvas, answer);
    wires::draw(&mut canvas, scene);
    cards::draw(&mut canvas, scene);
    let height = notes::draw(&mut canvas, scene);
    let title = format!("profile {}: {}", answer.profile_id, words::summary(answer));
    canvas.finish(
        (scene.frame.width, height),
        &title,
        &notes::told(answer, day),
    )
}

pub(super) use canvas::{Area, columns, escaped, room};
pub(super) use style::FONTS;

#[cfg(test)]
pub(super) fn areas(answer: &ExplainIdentityResponse, day: Day<'_>) -> (Vec<Area>, Area) {
    let (_, areas, whole) = drawn(answer, day);
    (areas, whole)
}
