//! How the customer feels, and what their words showed.

use super::{View, more, part};
use crate::{
    cli::{
        sentiment::summary,
        terminal::{Line, Tone, line::flow},
        words,
    },
    proto::v1::{LastFeeling, SentimentSummary},
};

/// Signals that are shown.
const SIGNALS: usize = 6;

/// Level, trend, the last feeling with its words, effort, and signals.
pub(super) fn feelings(view: &View<'_>) -> Vec<Line> {
    let Some(felt) = &view.profile.sentiment else {
        return Vec::new();
    };
    let mut body = Vec::new();
    if let Some(level) = felt.level {
        body.extend(flow(standing(view, felt, level), " · ", view.room));
    }
    if let Some(last) = &felt.last {
        body.extend(lately(view, last));
    }
    let signals = summary::signals(&felt.signals, view.screen.now);
    let all = signals.len();
    let mut items: Vec<Line> = signals.into_iter().take(SIGNALS).collect();
    items.extend(more(all, SIGNALS, ""));
    body.extend(flow(items, " · ", view.room));
    part("feels", Tone::Faint, body)
}

fn standing(view: &View<'_>, felt: &SentimentSummary, level: f64) -> Vec<Line> {
    let mut items = vec![
        summary::polarity(level),
        summary::direction(felt.trend.as_ref()),
    ];
    if felt.last.is_some() {
        let count = words::count(felt.count, "feeling");
        items.push(Line::of(&format!("of {count}")));
    } else {
        items.extend(summary::weight(felt, view.screen.now));
    }
    items.push(Line::of(&format!(
        "{} bad, {} neutral, {} good",
        felt.negative, felt.neutral, felt.positive
    )));
    items.extend(summary::effort(felt));
    items
}

/// The last feeling, its words below where they find no room beside it.
fn lately(view: &View<'_>, last: &LastFeeling) -> Vec<Line> {
    let (zone, now) = (view.screen.zone, view.screen.now);
    let at = last.occurred_at.as_ref();
    let ago = crate::cli::terminal::time::ago(at, now);
    let mut items = vec![
        Line::of("last ").then(summary::polarity(last.polarity)),
        Line::of(&format!("{} ({ago})", zone.minute(at))),
        Line::of(&format!("{} by {}", last.department, last.channel)),
    ];
    if !last.words.is_empty() {
        items.push(Line::of(&summary::quoted(&last.words)));
    }
    flow(items, "  ", view.room)
}
