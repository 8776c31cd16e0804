//! Answers to surveys: a band for each scale, so that no two scales are ever read as one.

use super::{
    BAND, East, Frame, LEFT, RIGHT, axis,
    model::{Answer, History},
    sheet::{Anchor, Area, At, Ink, Shape, Sheet, area, wide},
};
use crate::proto::v1::SurveyScale;

/// A scale with its answers, by time.
#[derive(Debug)]
pub(super) struct Scale {
    name: &'static str,
    /// The least and the greatest answer.
    range: (i32, i32),
    /// From where on an answer is good, and up to where it is bad; the other way round where high is bad.
    ends: (i32, i32),
    answers: Vec<Answer>,
}

/// A scale without answers.
fn scale(scale: SurveyScale) -> Option<Scale> {
    let (name, range, ends) = match scale {
        SurveyScale::Unspecified => return None,
        SurveyScale::Nps => ("NPS 0-10", (0, 10), (9, 6)),
        SurveyScale::Csat5 => ("CSAT 1-5", (1, 5), (4, 2)),
        SurveyScale::Csat7 => ("CSAT 1-7", (1, 7), (6, 3)),
        SurveyScale::Csat10 => ("CSAT 1-10", (1, 10), (9, 6)),
        SurveyScale::Ces7 => ("ease 1-7", (1, 7), (5, 3)),
        SurveyScale::Ces5 => ("effort 1-5", (1, 5), (2, 4)),
        SurveyScale::Stars5 => ("stars 1-5", (1, 5), (4, 2)),
    };
    Some(Scale {
        name,
        range,
        ends,
        answers: Vec::new(),
    })
}

/// Scales that were answered, in the order of the protocol.
pub(super) fn scales(history: &History) -> Vec<Scale> {
    let all = (1..=7).filter_map(|n| SurveyScale::try_from(n).ok());
    let of = |of: SurveyScale| {
        let answers = history.answers.iter().filter(|a| a.scale == of);
        Some(Scale {
            answers: answers.copied().collect(),
            ..scale(of)?
        })
    };
    all.filter_map(of)
        .filter(|scale| !scale.answers.is_empty())
        .collect()
}

impl Scale {
    fn ink(&self, value: i32) -> Ink {
        let (good, bad) = self.ends;
        // Where high is bad, good lies below bad.
        let (good, bad) = if good < bad {
            (value <= good, value >= bad)
        } else {
            (value >= good, value <= bad)
        };
        match (good, bad) {
            (true, _) => Ink::Good,
            (_, true) => Ink::Bad,
            _ => Ink::Neutral,
        }
    }

    /// How far up a value is, of so much room.
    fn up(&self, value: i32, room: i32) -> i32 {
        let (least, most) = self.range;
        (value.clamp(least, most) - least) * room / (most - least)
    }
}

/// Draws a band for each.
pub(super) fn draw(
    sheet: &mut Sheet<'_>,
    frame: Frame,
    scales: &[Scale],
    east: East<'_>,
) -> Result<(), String> {
    let mut bottom = frame.bottom;
    for scale in scales {
        bottom += BAND;
        sheet.frame((LEFT, bottom - BAND, RIGHT, bottom))?;
        let at = At {
            x: LEFT - 8,
            y: bottom - BAND / 2 + 4,
            room: LEFT - 10,
            anchor: Anchor::End,
        };
        sheet.text(at, 11, Ink::Text, scale.name)?;
        let places: Vec<(i32, i32)> = scale
            .answers
            .iter()
            .map(|answer| {
                let up = scale.up(answer.value, BAND - 20);
                (sheet.x(answer.at), bottom - 10 - up)
            })
            .collect();
        for (x, y) in &places {
            sheet.keep(Area {
                left: x - 5,
                top: y - 5,
                right: x + 5,
                bottom: y + 5,
            });
        }
        for (answer, (x, y)) in scale.answers.iter().zip(places) {
            let ink = scale.ink(answer.value);
            sheet.dot(Shape::Circle, (x, y), 4, ink)?;
            let told = format!(
                "{} {}: {}",
                axis::minute(answer.at, east),
                scale.name,
                answer.value
            );
            sheet.tell((x, y), 7, &told);
            let value = answer.value.to_string();
            let beside = x + 8 + wide(&value, 11) < RIGHT;
            let at = At {
                x: if beside { x + 8 } else { x - 8 },
                y: y + 4,
                room: 90,
                anchor: if beside { Anchor::Start } else { Anchor::End },
            };
            if sheet.is_free(&area(at, 11, &value)) {
                sheet.text(at, 11, ink, &value)?;
            }
        }
    }
    Ok(())
}
