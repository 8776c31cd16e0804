//! What waits for somebody, and what happened lately.

use super::{View, more, part, prose};
use crate::{
    cli::{
        terminal::{
            Line, Tone,
            line::flow,
            table::{Column, Table},
            text,
            time::ago,
        },
        words,
    },
    proto::v1::{OpenTicket, Touchpoint},
};

/// Tickets that are shown, of those that changed last.
const TICKETS: usize = 5;
/// Touchpoints that are shown.
const TOUCHPOINTS: usize = 10;

/// Open tickets, or that there is none.
pub(super) fn tickets(view: &View<'_>) -> Vec<Line> {
    let Some(tickets) = view.profile.tickets.as_ref().filter(|t| t.total > 0) else {
        return Vec::new();
    };
    if tickets.open == 0 {
        let none = format!("none open of {}", words::count(tickets.total, "ticket"));
        return part("tickets", Tone::Faint, prose(&none, view.room));
    }
    let open = format!(
        "{} open of {}",
        tickets.open,
        words::count(tickets.total, "ticket")
    );
    let mut body = vec![Line::default().with(Tone::Notice, &open).cut(view.room)];
    let shown = &tickets.open_tickets[..tickets.open_tickets.len().min(TICKETS)];
    for one in shown {
        body.extend(ticket(view, one));
    }
    let all = usize::try_from(tickets.open).unwrap_or_default();
    body.extend(more(all, shown.len(), " open").map(|line| line.cut(view.room)));
    part("TICKETS", Tone::Notice, body)
}

fn ticket(view: &View<'_>, ticket: &OpenTicket) -> Vec<Line> {
    let (zone, now) = (view.screen.zone, view.screen.now);
    let since = format!(
        "{} since {} ({})",
        words::status_name(ticket.status()),
        zone.minute(ticket.since.as_ref()),
        ago(ticket.since.as_ref(), now)
    );
    let mut items = vec![
        Line::default().with(Tone::Strong, &ticket.ticket_id),
        Line::of(&since),
        Line::of(&format!("{} by {}", ticket.department, ticket.channel)),
    ];
    if ticket.first_seen != ticket.since {
        let first = format!("first seen {}", ago(ticket.first_seen.as_ref(), now));
        items.push(Line::default().with(Tone::Faint, &first));
    }
    flow(items, "  ", view.room)
}

/// The latest touchpoints of all departments.
pub(super) fn latest(view: &View<'_>) -> Vec<Line> {
    let all = &view.profile.touchpoints;
    let shown = &all[..all.len().min(TOUCHPOINTS)];
    if shown.is_empty() {
        return Vec::new();
    }
    let widest = |of: fn(&Touchpoint) -> &String| {
        let widths = shown
            .iter()
            .map(|touch| text::width(&text::visible(of(touch))));
        widths.max().unwrap_or_default()
    };
    let column = |least, most, dispensable| Column {
        least,
        most,
        right: false,
        dispensable,
    };
    let table = Table::new(
        [
            column(16, 16, 0),
            column(1, 1, 1),
            column(5, widest(|t| &t.department).clamp(5, 14), 2),
            column(5, widest(|t| &t.channel).clamp(5, 14), 3),
            column(view.room.saturating_sub(18).min(18), view.room, 0),
        ],
        view.room,
    );
    let mut body: Vec<Line> = shown
        .iter()
        .map(|touch| {
            table.row([
                Line::of(&view.screen.zone.minute(touch.occurred_at.as_ref())),
                Line::of(words::arrow(touch.direction())),
                Line::of(&touch.department),
                Line::of(&touch.channel),
                Line::of(&words::happening(&touch.r#type, touch.subject.as_ref())),
            ])
        })
        .collect();
    let total = usize::try_from(view.profile.interactions_total).unwrap_or_default();
    let mut legend = vec![Line::default().with(Tone::Faint, words::ARROWS)];
    legend.extend(more(total, shown.len(), ": timeline shows them"));
    body.extend(flow(legend, "; ", view.room));
    part("latest", Tone::Faint, body)
}
