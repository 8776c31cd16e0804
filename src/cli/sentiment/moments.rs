//! Feelings one by one: turns, the worst and the best, and the timeline with the answers to surveys.

use super::{
    super::{
        terminal::{
            Line, Screen, Tone,
            line::flow,
            table::{Column, Table},
        },
        words,
    },
    summary,
};
use crate::{
    clock::Micros,
    picture::history::{said, words as words_of},
    proto::v1::{GetSentimentHistoryResponse, SentimentItem, SurveyMoment},
};

/// Where the feeling turned.
pub(super) fn turns(answer: &GetSentimentHistoryResponse, screen: &Screen) -> Vec<Line> {
    let turns = answer.change_points.iter().map(|turn| {
        let (tone, way) = if turn.worse {
            (Tone::Bad, "for the worse")
        } else {
            (Tone::Good, "for the better")
        };
        Line::of(&format!("{}  ", screen.zone.day(turn.at.as_ref())))
            .with(tone, way)
            .plain(&format!(
                ": {:+.2} in the 90 days before, {:+.2} since",
                turn.before, turn.after
            ))
    });
    turns.collect()
}

/// Feelings with the words that show them below.
pub(super) fn extremes(items: &[SentimentItem], screen: &Screen, room: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for item in items {
        let about = vec![
            item.polarity.map_or_else(Line::default, summary::polarity),
            Line::of(&screen.zone.minute(item.occurred_at.as_ref())),
            Line::of(&format!("{} by {}", item.department, item.channel)),
        ];
        lines.extend(flow(about, "  ", room));
        let words = words_of(item);
        if !words.is_empty() {
            lines.push(Line::of("  ").plain(&summary::quoted(&words)).cut(room));
        }
    }
    lines
}

/// One line of the timeline.
enum Moment<'a> {
    Felt(&'a SentimentItem),
    Answered(&'a SurveyMoment),
}

/// Feelings and answers to surveys in one timeline, newest first; answers older than the last feeling that is shown only
/// when no feelings follow.
pub(super) fn timeline(
    answer: &GetSentimentHistoryResponse,
    screen: &Screen,
    room: usize,
) -> Vec<Line> {
    let micros = |at: Option<&prost_types::Timestamp>| at.and_then(Micros::from_proto);
    let felt = answer
        .items
        .iter()
        .map(|item| (micros(item.occurred_at.as_ref()), Moment::Felt(item)));
    let oldest = answer
        .items
        .last()
        .and_then(|item| micros(item.occurred_at.as_ref()));
    let from = oldest.filter(|_| !answer.next_page_token.is_empty());
    let answered = answer
        .surveys
        .iter()
        .map(|survey| {
            (
                micros(survey.occurred_at.as_ref()),
                Moment::Answered(survey),
            )
        })
        .filter(|(at, _)| from.is_none() || *at >= from);
    let mut moments: Vec<_> = felt.chain(answered).collect();
    if moments.is_empty() {
        return Vec::new();
    }
    moments.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let column = |least, most, dispensable| Column {
        least,
        most,
        right: false,
        dispensable,
    };
    let columns = [
        column(16, 16, 0),
        column(5, 10, 2),
        column(5, 8, 3),
        column(13, 13, 0),
        column(14, room, 1),
    ];
    let table = Table::new(columns, room);
    let zone = format!("WHEN ({})", screen.zone.name(screen.now));
    let mut lines = vec![table.head([&zone, "BY", "CHANNEL", "FEELING", "WORDS"])];
    lines.extend(moments.iter().map(|(_, moment)| match moment {
        Moment::Felt(item) => table.row([
            Line::of(&screen.zone.minute(item.occurred_at.as_ref())),
            Line::of(&item.department),
            Line::of(&item.channel),
            felt_as(item),
            Line::of(&summary::quoted(&words_of(item))),
        ]),
        Moment::Answered(survey) => table.row([
            Line::of(&screen.zone.minute(survey.occurred_at.as_ref())),
            Line::of(&survey.department),
            Line::of(&survey.channel),
            Line::of(words::scale(survey.scale())),
            Line::default().with(Tone::Strong, &survey.value.to_string()),
        ]),
    }));
    lines
}

fn felt_as(item: &SentimentItem) -> Line {
    item.polarity.map_or_else(
        || Line::default().with(Tone::Faint, said(item.label())),
        summary::polarity,
    )
}
