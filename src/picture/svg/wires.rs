//! Lines, with what is said beside them.

use super::{
    super::{
        dot::width,
        plan::{Item, Spot},
        tree::Joint,
        words,
    },
    Scene,
    canvas::{At, Canvas, columns, escaped},
    frame::{CARD, Frame, ROW},
};
use crate::{
    proto::v1::{CutRule, IdentityCut, IdentityDecision, IdentityLink},
    visible::wrap,
};

/// Links beside the tree that are drawn.
const ASIDE: usize = 32;

/// Size of what is said beside lines.
const SMALL: usize = 11;

/// Draws every line.
pub(super) fn draw(canvas: &mut Canvas, scene: Scene<'_>) {
    asides(canvas, scene);
    for (n, spot) in scene.plan.spots.iter().enumerate() {
        match &spot.item {
            Item::One(_) | Item::Group(_) => inner(canvas, scene, n, spot),
            Item::Cut(cut) => refused(canvas, scene, spot, &[cut]),
            Item::Cuts(cuts) => refused(canvas, scene, spot, cuts),
            Item::Parted(_, decision) | Item::MoreParted(_, decision) => {
                border(canvas, scene, spot.row);
                let why = words::decision(decision, scene.day);
                why_not(canvas, scene, spot.row, "parted", "", &why);
            }
        }
    }
}

/// The path of a spot's line up to a point in its row. Lines to the outside go down nearer to the card than others, so that
/// they run by themselves.
fn path(scene: Scene<'_>, spot: &Spot<'_>, until: usize) -> Option<String> {
    let parent = scene.plan.spots.get(spot.under?)?;
    let (x, from, to) = (
        Frame::x(parent.column) + CARD.0,
        Frame::y(parent.row),
        Frame::y(spot.row),
    );
    if from == to {
        return Some(format!("M{x} {from}H{until}"));
    }
    let (trunk, bend) = if spot.is_outside() {
        (x + 6, 5)
    } else {
        (x + 18, 8)
    };
    Some(format!(
        "M{x} {from}H{}Q{trunk} {from} {trunk} {}V{}Q{trunk} {to} {} {to}H{until}",
        trunk - bend,
        from + bend,
        to - bend,
        trunk + bend
    ))
}

/// The line that joins an identifier, or some that are drawn together.
fn inner(canvas: &mut Canvas, scene: Scene<'_>, n: usize, spot: &Spot<'_>) {
    let Some(path) = path(scene, spot, Frame::x(spot.column)) else {
        return;
    };
    let parent = spot.under.unwrap_or_default();
    let said = scene.plan.said.get(&(parent.min(n), parent.max(n)));
    let (above, below, told, class) = match (spot.joint, said) {
        (Some(Joint::Said(decision)), _) => {
            let (above, below) = word(scene, decision);
            (above, below, words::decision(decision, scene.day), "said")
        }
        (Some(Joint::Link(link)), said) => {
            let last = (scene.day)(link.last_seen.as_ref());
            let above = together(link.interactions, &last);
            let by = link.evidence.last();
            let by = by.map_or_else(String::new, |e| e.r#type.clone());
            let told = format!("together {above} {}", evidence(link));
            match said {
                Some(decision) => (above, word(scene, decision).0, told, "said"),
                None => (above, by, told, "wire"),
            }
        }
        (None, _) => {
            let (sum, last) = of_group(scene, &spot.item);
            (together(sum, &last), String::new(), String::new(), "wire")
        }
    };
    let thick = match (spot.joint, class) {
        (_, "said") => String::new(),
        (Some(Joint::Link(link)), _) => format!(" stroke-width=\"{}\"", width(link.interactions)),
        _ => format!(" stroke-width=\"{}\"", width(of_group(scene, &spot.item).0)),
    };
    canvas.group(&told);
    canvas.shape(&format!("<path class=\"{class}\"{thick} d=\"{path}\"/>"));
    canvas.end();
    let y = Frame::y(spot.row);
    let begin = Frame::x(spot.column) - super::frame::GAP + 30;
    let at = |y| At {
        x: begin,
        y,
        room: Frame::x(spot.column) - begin - 6,
    };
    let tone = if class == "said" { "say" } else { "faint" };
    canvas.label(at(y - 7), SMALL, "", &above);
    if !below.is_empty() {
        canvas.label(at(y + 16), SMALL, tone, &below);
    }
}

fn word(scene: Scene<'_>, decision: &IdentityDecision) -> (String, String) {
    let by = format!("joined by {}", decision.caller);
    let day = (scene.day)(decision.made_at.as_ref());
    (by, format!("on {day}"))
}

fn evidence(link: &IdentityLink) -> String {
    let shown = link.evidence.iter();
    let shown = shown.map(|e| format!("{} of {}", e.r#type, e.source));
    shown.collect::<Vec<_>>().join(", ")
}

/// How often and when last, in the room that there is beside a line.
fn together(interactions: i64, last: &str) -> String {
    match interactions {
        ..10_000 => words::together(interactions, last),
        10_000..1_000_000 => format!("{}k×, last {last}", interactions / 1_000),
        1_000_000.. => format!("{}M×, last {last}", interactions / 1_000_000),
    }
}

/// How many interactions gave the links of identifiers that are drawn together, and the last day.
fn of_group(scene: Scene<'_>, item: &Item<'_>) -> (i64, String) {
    let places = match item {
        Item::One(place) => vec![*place],
        Item::Group(places) => places.clone(),
        _ => Vec::new(),
    };
    let is_of = |end: i32| usize::try_from(end).is_ok_and(|end| places.binary_search(&end).is_ok());
    let links = scene.answer.links.iter();
    let links = links.filter(|link| is_of(link.from) || is_of(link.to));
    let (mut sum, mut last) = (0_i64, None);
    for link in links {
        sum = sum.saturating_add(link.interactions);
        let at = link.last_seen.as_ref();
        last = last.max(at.map(|at| (at.seconds, at.nanos)));
    }
    let last = last.map(|(seconds, nanos)| prost_types::Timestamp { seconds, nanos });
    (sum, (scene.day)(last.as_ref()))
}

/// The line of links that were refused, from inside to outside.
fn refused(canvas: &mut Canvas, scene: Scene<'_>, spot: &Spot<'_>, cuts: &[&IdentityCut]) {
    let y = Frame::y(spot.row);
    let Some(first) = cuts.first() else { return };
    let why = if cuts.len() == 1 {
        words::refusal(scene.answer, first, scene.day)
    } else {
        several(cuts)
    };
    if let Some(path) = path(scene, spot, scene.frame.outside) {
        canvas.group(&format!("not joined: {why}"));
        canvas.shape(&format!("<path class=\"cut\" d=\"{path}\"/>"));
        canvas.end();
    }
    let separated = cuts.iter().all(|cut| cut.rule() == CutRule::Separated);
    let class = if separated {
        border(canvas, scene, spot.row);
        "parted"
    } else {
        let x = scene.frame.right;
        canvas.shape(&format!(
            "<circle class=\"mark\" cx=\"{x}\" cy=\"{y}\" r=\"9\"/>\
             <path class=\"mark\" d=\"M{} {}L{} {}M{} {}L{} {}\"/>",
            x - 4,
            y - 4,
            x + 4,
            y + 4,
            x + 4,
            y - 4,
            x - 4,
            y + 4
        ));
        "why"
    };
    let often = match cuts {
        [one] if one.interactions > 0 => {
            let last = (scene.day)(one.last_seen.as_ref());
            format!("together {}", together(one.interactions, &last))
        }
        [one] if !one.asserted_by.is_empty() => {
            format!("an operator's word ({}) does not hold", one.asserted_by)
        }
        _ => String::new(),
    };
    why_not(canvas, scene, spot.row, class, &often, &why);
}

/// What refused several links, each rule once.
fn several(cuts: &[&IdentityCut]) -> String {
    let rules = [
        (CutRule::Limit, "too many values of one kind"),
        (CutRule::Separated, "separated by operators"),
        (CutRule::Size, "too many identifiers"),
        (CutRule::Shared, "shared by several people"),
        (CutRule::Hub, "linked to too many to be anybody's"),
        (CutRule::Unspecified, "rules about what is hidden"),
    ];
    let of_rule = |rule| cuts.iter().filter(|cut| cut.rule() == rule).count();
    let told = rules
        .into_iter()
        .filter_map(|(rule, text)| match of_rule(rule) {
            0 => None,
            n => Some(format!("{n}: {text}")),
        });
    told.collect::<Vec<_>>().join("; ")
}

/// A border that an operator drew.
fn border(canvas: &mut Canvas, scene: Scene<'_>, row: usize) {
    let (top, bottom) = (Frame::y(row) - ROW / 2, Frame::y(row) + ROW / 2);
    for x in [scene.frame.right + 7, scene.frame.right + 14] {
        canvas.shape(&format!(
            "<path class=\"border\" d=\"M{x} {top}V{bottom}\"/>"
        ));
    }
}

/// What is said beside a line to the outside: one line above, three below.
fn why_not(canvas: &mut Canvas, scene: Scene<'_>, row: usize, class: &str, above: &str, why: &str) {
    let y = Frame::y(row);
    let begin = scene.frame.right + 28;
    let at = |y| At {
        x: begin,
        y,
        room: scene.frame.outside - begin - 10,
    };
    if !above.is_empty() {
        canvas.label(at(y - 7), SMALL, "", above);
    }
    let mut lines = wrap(&why.replace(['\n', '\r'], " "), columns(at(y).room, SMALL));
    if lines.len() > 3 {
        lines.truncate(3);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    for (n, line) in lines.iter().enumerate() {
        canvas.label(at(y + 15 + n * 13), SMALL, class, line);
    }
}

/// Links beside the tree, the most frequent ones, and words of operators that are not in the tree.
fn asides(canvas: &mut Canvas, scene: Scene<'_>) {
    let plan = scene.plan;
    let mut asides: Vec<(i64, (usize, usize))> = plan
        .aside
        .iter()
        .map(|(ends, links)| (links.iter().map(|link| link.interactions).sum(), *ends))
        .collect();
    asides.sort_by_key(|(often, ends)| (std::cmp::Reverse(*often), *ends));
    for (often, ends) in asides.into_iter().take(ASIDE) {
        let told = format!(
            "also linked, {}",
            words::count(usize::try_from(often).unwrap_or(0), "time")
        );
        let thick = format!(" stroke-width=\"{}\"", width(often).min(3));
        curve(canvas, scene, ends, ("aside", &thick), &told);
    }
    for (ends, decision) in &plan.said {
        let in_tree = |a: usize, b: usize| plan.spots[a].under == Some(b);
        if !in_tree(ends.0, ends.1) && !in_tree(ends.1, ends.0) {
            let told = words::decision(decision, scene.day);
            curve(canvas, scene, *ends, ("said", ""), &told);
        }
    }
}

fn curve(
    canvas: &mut Canvas,
    scene: Scene<'_>,
    (a, b): (usize, usize),
    (class, thick): (&str, &str),
    told: &str,
) {
    let (a, b) = (&scene.plan.spots[a], &scene.plan.spots[b]);
    let (a, b) = if a.column <= b.column { (a, b) } else { (b, a) };
    let (from, to) = (Frame::y(a.row), Frame::y(b.row));
    let x = Frame::x(a.column) + CARD.0;
    let path = if a.column == b.column {
        // Beside the cards, before labels and the edge of the box.
        let out = x + 26;
        let (from, to) = (from.min(to) + 16, from.max(to) - 16);
        format!("M{x} {from}C{out} {from} {out} {to} {x} {to}")
    } else {
        let end = Frame::x(b.column);
        format!("M{x} {from}C{} {from} {} {to} {end} {to}", x + 80, end - 80)
    };
    canvas.shape(&format!(
        "<path class=\"{class}\"{thick} d=\"{path}\"><title>{}</title></path>",
        escaped(told)
    ));
}
