//! Below the picture: what is told in words, and what colours and lines mean.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{
    super::{tree::Tree, words},
    Day, Scene,
    canvas::{At, Canvas, room},
    frame::MARGIN,
    style::{Size, icon},
};
use crate::proto::v1::ExplainIdentityResponse;

/// Links beside the tree that are listed.
const ASIDE: usize = 6;
/// Decisions that are listed.
const DECISIONS: usize = 6;
/// From line to line.
const LINE: usize = 18;
/// Size of texts.
const SIZE: usize = 12;

/// Draws the notes; answers how high the whole picture is.
pub(super) fn draw(canvas: &mut Canvas, scene: Scene<'_>) -> usize {
    let mut y = scene.frame.bottom + 28;
    let width = scene.frame.width - 2 * MARGIN;
    let mut write = |x: usize, class: &str, text: &str| {
        let at = At {
            x: MARGIN + x,
            y,
            room: width - x,
        };
        canvas.label(at, SIZE, class, text);
        y += LINE;
    };
    for (head, lines) in sections(scene) {
        write(0, "strong", head);
        for line in lines {
            write(14, "faint", &line);
        }
    }
    legend(canvas, scene, y + 8)
}

fn sections(scene: Scene<'_>) -> Vec<(&'static str, Vec<String>)> {
    let answer = scene.answer;
    let mut sections = Vec::new();
    let tree = Tree::of(answer);
    let mut aside = tree.aside;
    aside.sort_by_key(|link| std::cmp::Reverse(link.interactions));
    let name = |place: i32| {
        let place = usize::try_from(place).ok();
        let identifier = place.and_then(|place| answer.identifiers.get(place));
        identifier.map_or_else(String::new, words::named)
    };
    let mut lines: Vec<String> = aside
        .iter()
        .take(ASIDE)
        .map(|link| {
            let last = (scene.day)(link.last_seen.as_ref());
            let often = words::together(link.interactions, &last);
            format!("{often}: {} and {}", name(link.from), name(link.to))
        })
        .collect();
    more(&mut lines, aside.len().saturating_sub(ASIDE));
    sections.push(("Also linked", lines));
    let mut lines: Vec<String> = answer
        .decisions
        .iter()
        .take(DECISIONS)
        .map(|decision| {
            let text = words::decision(decision, scene.day);
            format!("{text} ({})", decision.operation_id)
        })
        .collect();
    let total = usize::try_from(answer.decisions_total).unwrap_or_default();
    let total = total.max(answer.decisions.len());
    let left = total.saturating_sub(lines.len());
    more(&mut lines, left);
    sections.push(("Decided by operators", lines));
    sections.push(("Not shown", unseen(answer)));
    sections.retain(|(_, lines)| !lines.is_empty());
    sections
}

fn more(lines: &mut Vec<String>, left: usize) {
    if left > 0 {
        lines.push(format!("and {left} more"));
    }
}

/// What the answer leaves out.
fn unseen(answer: &ExplainIdentityResponse) -> Vec<String> {
    let mut lines = Vec::new();
    let left = |total: i32, shown: usize| {
        usize::try_from(total)
            .unwrap_or_default()
            .saturating_sub(shown)
    };
    for (left, what) in [
        (
            left(answer.identifiers_total, answer.identifiers.len()),
            "weaker identifier",
        ),
        (left(answer.links_total, answer.links.len()), "link"),
        (left(answer.cuts_total, answer.cuts.len()), "refused link"),
    ] {
        if left > 0 {
            lines.push(words::count(left, what));
        }
    }
    if answer.cuts_unknown {
        lines.push("refused links: there is too much around this profile to look at".to_owned());
    }
    if !answer.masked_fields.is_empty() {
        lines.push(format!(
            "hidden from who asked: {}",
            answer.masked_fields.join(", ")
        ));
    }
    lines
}

/// Everything in words, for who does not see the picture.
pub(super) fn told(answer: &ExplainIdentityResponse, day: Day<'_>) -> String {
    let mut told = words::summary(answer);
    let name = |place: i32| {
        let place = usize::try_from(place).ok();
        let identifier = place.and_then(|place| answer.identifiers.get(place));
        identifier.map_or_else(String::new, words::named)
    };
    for link in answer.links.iter().take(24) {
        let often = words::together(link.interactions, &day(link.last_seen.as_ref()));
        let (from, to) = (name(link.from), name(link.to));
        let _ = write!(told, ". {from} and {to}: {often}");
    }
    for cut in answer.cuts.iter().take(24) {
        let to = cut.to.as_ref().map_or_else(String::new, words::named);
        let why = words::refusal(answer, cut, day);
        let _ = write!(told, ". {} not joined with {to}: {why}", name(cut.from));
    }
    told
}

/// What icons and lines mean; answers where it ends.
fn legend(canvas: &mut Canvas, scene: Scene<'_>, top: usize) -> usize {
    let answer = scene.answer;
    let ends = answer.cuts.iter().filter_map(|cut| cut.to.as_ref());
    let namespaces: BTreeSet<&str> = answer
        .identifiers
        .iter()
        .chain(ends)
        .map(|identifier| identifier.namespace.as_str())
        .collect();
    let mut x = MARGIN;
    let mut y = top + 12;
    let mut item = |canvas: &mut Canvas, text: &str, sample: &dyn Fn(usize, usize) -> String| {
        let most = scene.frame.width - MARGIN;
        let wide = (36 + room(text, SIZE)).min(most - MARGIN);
        if x > MARGIN && x + wide > most {
            x = MARGIN;
            y += 28;
        }
        canvas.shape(&sample(x, y));
        let at = At {
            x: x + 36,
            y: y + 4,
            room: wide - 36,
        };
        canvas.label(at, SIZE, "faint", text);
        x += wide + 22;
        y
    };
    for namespace in namespaces.iter().take(12) {
        item(canvas, namespace, &|x, y| {
            icon(namespace, (x + 16, y), Size::Small)
        });
    }
    let mut bottom = item(canvas, "joined; thicker: more often", &|x, y| {
        format!("<path class=\"wire\" stroke-width=\"3\" d=\"M{x} {y}h28\"/>")
    });
    if !scene.plan.aside.is_empty() {
        bottom = item(canvas, "also linked", &|x, y| {
            format!("<path class=\"aside\" stroke-width=\"2\" d=\"M{x} {y}h28\"/>")
        });
    }
    if !answer.cuts.is_empty() {
        bottom = item(canvas, "refused: joins nobody", &|x, y| {
            format!("<path class=\"cut\" d=\"M{x} {y}h28\"/>")
        });
    }
    if !answer.decisions.is_empty() {
        item(canvas, "separated by an operator", &|x, y| {
            let y = y - 9;
            format!(
                "<path class=\"border\" d=\"M{} {y}v18M{} {y}v18\"/>",
                x + 11,
                x + 18
            )
        });
        bottom = item(canvas, "joined by an operator", &|x, y| {
            format!("<path class=\"said\" d=\"M{x} {y}h28\"/>")
        });
    }
    bottom + MARGIN
}
