//! What happened meanwhile and where the feeling turned: marks through all bands, named above them.
//!
//! No name lies upon another, and no mark runs through a name. Where there is too little room for all, turns are named and
//! nothing else; a mark whose name finds no room is drawn, and told when one points at it.

use super::{
    East, Frame, HEAD, LANE, LEFT, RIGHT, axis,
    model::{History, Mark, Meaning, Span},
    sheet::{Anchor, At, Ink, Shape, Sheet, fitted, wide},
};

/// Rows of names at most.
const MOST: usize = 6;
/// How much room a name has.
const ROOM: i32 = 200;
/// Its size.
const SIZE: i32 = 12;

/// A mark with the place of its name.
#[derive(Debug)]
struct Placed<'a> {
    mark: &'a Mark,
    x: i32,
    name: Option<Name>,
}

/// The place of a name: its row from below, and from where to where.
#[derive(Clone, Copy, Debug)]
struct Name {
    row: usize,
    left: i32,
    right: i32,
    anchor: Anchor,
}

/// Marks in rows.
#[derive(Debug, Default)]
pub(super) struct Lanes<'a> {
    placed: Vec<Placed<'a>>,
    /// How many rows are taken.
    pub(super) rows: usize,
}

/// Finds places for the names of all marks; where turns would go without, for those of turns alone.
pub(super) fn lanes(history: &History) -> Lanes<'_> {
    let Some(span) = history.span else {
        return Lanes::default();
    };
    let all = Lanes::of(&history.marks, span, |_| true);
    let is_turn = |mark: &Mark| mark.meaning != Meaning::Event;
    let mut turns = all.placed.iter().filter(|placed| is_turn(placed.mark));
    if turns.all(|placed| placed.name.is_some()) {
        all
    } else {
        Lanes::of(&history.marks, span, is_turn)
    }
}

impl<'a> Lanes<'a> {
    /// Of marks by time. The last is placed first and lowest: what is before it stands above it. Those at the right end,
    /// whose names stand before them, come after all others and the other way round.
    fn of(marks: &'a [Mark], span: Span, named: impl Fn(&Mark) -> bool) -> Self {
        let mut lanes = Self::default();
        let measured = marks.iter().map(|mark| {
            let x = LEFT + span.place(mark.at, RIGHT - LEFT);
            (mark, x, wide(&fitted(&mark.what, SIZE, ROOM), SIZE))
        });
        let (after, before): (Vec<_>, Vec<_>) =
            measured.partition(|(_, x, wide)| x + 6 + wide <= RIGHT);
        for (mark, x, wide) in after.into_iter().rev().chain(before) {
            let name = if named(mark) {
                lanes.room(x, wide)
            } else {
                None
            };
            lanes.rows = lanes.rows.max(name.map_or(0, |name| name.row + 1));
            lanes.placed.push(Placed { mark, x, name });
        }
        lanes
    }

    /// Room for a name at a mark.
    fn room(&self, x: i32, wide: i32) -> Option<Name> {
        let (left, right, anchor) = if x + 6 + wide <= RIGHT {
            (x + 6, x + 6 + wide, Anchor::Start)
        } else {
            (x - 6 - wide, x - 6, Anchor::End)
        };
        let free = |row: &usize| {
            self.placed.iter().all(|other| {
                let Some(name) = other.name else { return true };
                match name.row.cmp(row) {
                    std::cmp::Ordering::Equal => right + 10 < name.left || name.right + 10 < left,
                    // Its mark runs down through this row.
                    std::cmp::Ordering::Greater => other.x < left - 4 || right + 4 < other.x,
                    // This mark runs down through its row.
                    std::cmp::Ordering::Less => x < name.left - 4 || name.right + 4 < x,
                }
            })
        };
        (0..MOST).find(free).map(|row| Name {
            row,
            left,
            right,
            anchor,
        })
    }
}

/// Draws them.
pub(super) fn draw(
    sheet: &mut Sheet<'_>,
    frame: Frame,
    lanes: &Lanes<'_>,
    east: East<'_>,
) -> Result<(), String> {
    let rows = i32::try_from(lanes.rows).unwrap_or_default();
    for placed in &lanes.placed {
        let ink = match placed.mark.meaning {
            Meaning::Worse => Ink::Bad,
            Meaning::Better => Ink::Good,
            Meaning::Event => Ink::Event,
        };
        let x = placed.x;
        let mut top = frame.top - 6;
        if let Some(name) = placed.name {
            let row = i32::try_from(name.row).unwrap_or_default();
            let y = HEAD + (rows - row) * LANE - 4;
            top = y - 5;
            let at = At {
                x: if name.anchor == Anchor::Start {
                    name.left
                } else {
                    name.right
                },
                y,
                room: ROOM,
                anchor: name.anchor,
            };
            sheet.text(at, SIZE, ink, &placed.mark.what)?;
        }
        match placed.mark.meaning {
            Meaning::Event => sheet.dashes([(x, top), (x, frame.end)], ink)?,
            _ => sheet.line([(x, top), (x, frame.end)], ink, 2)?,
        }
        sheet.dot(Shape::Circle, (x, top), 3, ink)?;
        let told = format!(
            "{} {}",
            axis::minute(placed.mark.at, east),
            placed.mark.what
        );
        sheet.tell((x, top), 6, &told);
    }
    Ok(())
}
