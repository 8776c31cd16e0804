//! The heading, what shapes and colours mean, and the whole in words for those who cannot see it.

use super::{
    LEFT, RIGHT, WIDTH,
    model::{History, label, said},
    scales::Scale,
    sheet::{Anchor, At, Ink, Shape, Sheet, fitted, wide},
};
use crate::picture::words::count;

/// The margin of the heading.
const MARGIN: i32 = 24;
/// A row of the legend.
const ROW: i32 = 22;
/// Size of its texts.
const SIZE: i32 = 12;

/// Name and summary.
fn summary(history: &History) -> String {
    let n = |n: i64| usize::try_from(n).unwrap_or_default();
    let tally = history.tally;
    let level = history.level.map_or_else(
        || "no level".to_owned(),
        |level| format!("level now {level:+.2} ({})", said(label(level))),
    );
    format!(
        "{level}; {}: {} bad, {} neutral, {} good",
        count(n(tally.count), "feeling"),
        tally.negative,
        tally.neutral,
        tally.positive
    )
}

/// Title and description for readers of the text.
pub(super) fn told(history: &History) -> (String, String) {
    let title = format!("How profile {} has felt", history.profile_id);
    let turns = history.marks.iter().map(|mark| mark.what.as_str());
    let turns: Vec<&str> = turns.take(20).collect();
    let mut told = summary(history);
    if !turns.is_empty() {
        told.push_str("; ");
        told.push_str(&turns.join("; "));
    }
    (title, told)
}

/// Draws the heading.
pub(super) fn head(sheet: &mut Sheet<'_>, history: &History) -> Result<(), String> {
    let at = |y| At {
        x: MARGIN,
        y,
        room: WIDTH - 2 * MARGIN,
        anchor: Anchor::Start,
    };
    sheet.text(at(32), 20, Ink::Strong, "How this customer has felt")?;
    let line = format!("{} · profile {}", summary(history), history.profile_id);
    sheet.text(at(52), 13, Ink::Text, &line)?;
    sheet.text(at(69), SIZE, Ink::Faint, &history.about)
}

/// What stands before a text of the legend.
#[derive(Clone, Copy, Debug)]
enum Sign {
    Dot(Shape, Ink),
    Level,
    Turn,
    Event,
}

/// What shapes and colours mean.
#[derive(Debug)]
pub(super) struct Legend {
    /// Sign, text, place: column in pixels and row.
    items: Vec<(Sign, String, i32, i32)>,
    rows: i32,
    half_life_days: i32,
}

impl Legend {
    /// Of what is drawn.
    pub(super) fn of(history: &History, scales: &[Scale]) -> Self {
        let mut items = vec![
            (Sign::Level, "level".to_owned()),
            (Sign::Dot(Shape::Circle, Ink::Bad), "bad".to_owned()),
            (Sign::Dot(Shape::Circle, Ink::Neutral), "neutral".to_owned()),
            (Sign::Dot(Shape::Circle, Ink::Good), "good".to_owned()),
        ];
        for (shape, department) in Shape::ALL.into_iter().zip(&history.departments) {
            let named = match history.departments.len() {
                n if n > Shape::ALL.len() && shape == Shape::Circle => {
                    format!("{department} and {} more", n - Shape::ALL.len())
                }
                _ => department.clone(),
            };
            items.push((Sign::Dot(shape, Ink::Text), named));
        }
        let turn = |mark: &super::model::Mark| mark.meaning != super::model::Meaning::Event;
        if history.marks.iter().any(turn) {
            items.push((Sign::Turn, "the feeling turned".to_owned()));
        }
        if !history.marks.iter().all(turn) {
            items.push((Sign::Event, "what happened".to_owned()));
        }
        if !scales.is_empty() {
            let text = "answers to surveys, each scale by itself".to_owned();
            items.push((Sign::Dot(Shape::Circle, Ink::Faint), text));
        }
        let (mut x, mut row) = (LEFT, 0);
        let placed = items.into_iter().map(|(sign, text)| {
            let text = fitted(&text, SIZE, 320);
            let takes = 26 + wide(&text, SIZE);
            if x + takes > RIGHT && x > LEFT {
                (x, row) = (LEFT, row + 1);
            }
            let at = x;
            x += takes + 18;
            (sign, text, at, row)
        });
        let items: Vec<_> = placed.collect();
        let rows = items.last().map_or(0, |(.., row)| row + 1);
        Self {
            items,
            rows,
            half_life_days: history.half_life_days,
        }
    }

    /// How much room it takes below the axis.
    pub(super) fn height(&self) -> i32 {
        self.rows * ROW + 58
    }

    /// Draws it from a height on.
    pub(super) fn draw(&self, sheet: &mut Sheet<'_>, top: i32) -> Result<(), String> {
        for (sign, text, x, row) in &self.items {
            let y = top + 12 + row * ROW;
            match *sign {
                Sign::Dot(shape, ink) => sheet.dot(shape, (x + 10, y), 5, ink)?,
                Sign::Level => sheet.line([(*x, y), (x + 20, y)], Ink::Level, 3)?,
                Sign::Turn => sheet.line([(x + 10, y - 8), (x + 10, y + 8)], Ink::Bad, 2)?,
                Sign::Event => sheet.dashes([(x + 10, y - 8), (x + 10, y + 8)], Ink::Event)?,
            }
            let at = At {
                x: x + 26,
                y: y + 4,
                room: 330,
                anchor: Anchor::Start,
            };
            sheet.text(at, SIZE, Ink::Text, text)?;
        }
        let days = self.half_life_days;
        let notes = [
            format!(
                "The level is the mean of the feelings so far, each counting half as much after every {}; it is dashed \
                 where nothing was said.",
                count(usize::try_from(days).unwrap_or_default(), "day")
            ),
            "It leans to the mean of all customers while there are few feelings.".to_owned(),
        ];
        let mut y = top + self.rows * ROW + 16;
        for note in notes {
            let at = At {
                x: LEFT,
                y,
                room: RIGHT - LEFT,
                anchor: Anchor::Start,
            };
            sheet.text(at, 11, Ink::Faint, &note)?;
            y += 16;
        }
        Ok(())
    }
}
