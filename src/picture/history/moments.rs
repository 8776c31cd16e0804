//! Single feelings: a dot each, coloured by what it amounts to, shaped by its department; the worst and the best in the
//! customer's own words.

use super::{
    East, Frame, LEFT, RIGHT, axis,
    model::{History, Moment, said},
    sheet::{Anchor, Area, At, Ink, Shape, Sheet, area, fitted},
};

/// Quoted on either side at most.
const QUOTED: usize = 3;
/// How much room a quote has.
const ROOM: i32 = 260;
/// Its size.
const SIZE: i32 = 12;
/// How large a dot is.
const RADIUS: i32 = 5;

/// Draws them.
pub(super) fn draw(
    sheet: &mut Sheet<'_>,
    history: &History,
    frame: Frame,
    east: East<'_>,
) -> Result<(), String> {
    for moment in &history.moments {
        let (x, y) = (sheet.x(moment.at), sheet.y(moment.polarity));
        sheet.dot(
            Shape::of(moment.department),
            (x, y),
            RADIUS,
            Ink::of(moment.label),
        )?;
        sheet.keep(Area {
            left: x - RADIUS - 1,
            top: y - RADIUS - 1,
            right: x + RADIUS + 1,
            bottom: y + RADIUS + 1,
        });
        let mut told = format!(
            "{} {} {:+.2} {}",
            axis::minute(moment.at, east),
            moment.place,
            moment.polarity,
            said(moment.label)
        );
        if !moment.words.is_empty() {
            told.push_str(": ");
            told.push_str(&moment.words.join(" … "));
        }
        sheet.tell((x, y), RADIUS + 2, &told);
    }
    for mark in &history.marks {
        let x = sheet.x(mark.at);
        sheet.shun(Area {
            left: x - 1,
            top: frame.top,
            right: x + 1,
            bottom: frame.bottom,
        });
    }
    for moment in telling(&history.moments) {
        quote(sheet, moment, frame)?;
    }
    Ok(())
}

/// The worst and the best that have words, in turns.
fn telling(moments: &[Moment]) -> Vec<&Moment> {
    let mut sorted: Vec<&Moment> = moments.iter().filter(|m| !m.words.is_empty()).collect();
    sorted.sort_by(|a, b| a.polarity.total_cmp(&b.polarity));
    let worst = sorted.iter().filter(|m| m.polarity <= -0.25).take(QUOTED);
    let best = sorted
        .iter()
        .rev()
        .filter(|m| m.polarity >= 0.25)
        .take(QUOTED);
    let (worst, best): (Vec<&Moment>, Vec<&Moment>) =
        (worst.copied().collect(), best.copied().collect());
    let turns = 0..QUOTED;
    turns
        .flat_map(|n| [worst.get(n).copied(), best.get(n).copied()])
        .flatten()
        .collect()
}

/// Words beside their dot, where there is room.
fn quote(sheet: &mut Sheet<'_>, moment: &Moment, frame: Frame) -> Result<(), String> {
    let text = format!("“{}”", moment.words.join(" … "));
    let shown = fitted(&text, SIZE, ROOM);
    let (x, y) = (sheet.x(moment.at), sheet.y(moment.polarity));
    let fits = |(dx, dy): &(i32, i32)| {
        let at = At {
            x: x + dx,
            y: y + dy + 4,
            room: ROOM,
            anchor: if *dx > 0 { Anchor::Start } else { Anchor::End },
        };
        let area = area(at, SIZE, &shown);
        let inside = area.left > LEFT + 3
            && area.right < RIGHT - 3
            && area.top > frame.top + 2
            && area.bottom < frame.bottom - 2;
        (inside && sheet.is_free(&area)).then(|| (at, sheet.is_good(&area)))
    };
    let found: Vec<(At, bool)> = places().iter().filter_map(fits).collect();
    let good = found.iter().find(|(_, good)| *good);
    let Some((at, _)) = good.or(found.first()).copied() else {
        return Ok(());
    };
    let ink = Ink::of(moment.label);
    if (at.x - x).abs() > 12 || (at.y - 4 - y).abs() > 12 {
        sheet.line([(x, y), (at.x - (at.x - x).signum() * 2, at.y - 4)], ink, 1)?;
    }
    sheet.text(at, SIZE, ink, &shown)
}

/// Places beside a dot, the nearest first.
fn places() -> Vec<(i32, i32)> {
    let across = [10, 24, 40, 60, 90, 130]
        .into_iter()
        .flat_map(|dx| [dx, -dx]);
    let mut places: Vec<(i32, i32)> = across
        .flat_map(|dx| (-4..=4).map(move |row| (dx, row * 18)))
        .collect();
    places.sort_by_key(|(dx, dy)| dx.abs() + dy.abs() * 2);
    places
}
