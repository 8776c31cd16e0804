//! Orders and value, surveys, consents, and what else is known.

use super::{View, header, more, part};
use crate::{
    cli::{
        terminal::{Line, Tone, line::flow, time::ago},
        words,
    },
    proto::v1::{Consent, ConsentState, Money, ProfileTrait},
};

/// Currencies that are shown.
const CURRENCIES: usize = 4;
/// Consents that are shown, denials first.
const CONSENTS: usize = 8;
/// Facts that are shown.
const FACTS: usize = 8;

/// How much was ordered, spent and given back.
pub(super) fn orders(view: &View<'_>) -> Vec<Line> {
    let Some(orders) = &view.profile.orders else {
        return Vec::new();
    };
    if orders.count == 0 && orders.cancelled == 0 && orders.spend.is_empty() {
        return Vec::new();
    }
    let mut items = vec![Line::of(&words::count(orders.count, "order"))];
    if orders.cancelled > 0 {
        items.push(Line::of(&format!("{} cancelled", orders.cancelled)));
    }
    if !orders.spend.is_empty() {
        items.push(Line::of("spent ").with(Tone::Strong, &amounts(&orders.spend)));
    }
    let returned: Vec<Money> = orders
        .returned
        .iter()
        .filter(|m| m.minor_units != 0)
        .cloned()
        .collect();
    if !returned.is_empty() {
        items.push(Line::of(&format!("returned {}", amounts(&returned))));
    }
    if let Some(last) = &orders.last_order_at {
        let (zone, now) = (view.screen.zone, view.screen.now);
        let last = format!("last {} ({})", ago(Some(last), now), zone.day(Some(last)));
        items.push(Line::of(&last));
    }
    part("orders", Tone::Faint, flow(items, " · ", view.room))
}

fn amounts(of: &[Money]) -> String {
    let mut shown: Vec<String> = of.iter().take(CURRENCIES).map(words::money).collect();
    let left = of.len().saturating_sub(CURRENCIES);
    if left > 0 {
        shown.push(format!("{left} more currencies"));
    }
    shown.join(" + ")
}

/// The answers on each scale.
pub(super) fn surveys(view: &View<'_>) -> Vec<Line> {
    let surveys = view
        .profile
        .surveys
        .iter()
        .filter(|survey| survey.count > 0);
    let body = surveys.flat_map(|survey| {
        let mean = words::mean(survey.sum, survey.count).unwrap_or_default();
        let items = vec![
            Line::of(words::scale(survey.scale())).padded(10),
            Line::of("latest ")
                .with(Tone::Strong, &survey.latest_value.to_string())
                .plain(&format!(
                    " on {}",
                    view.screen.zone.day(survey.latest_at.as_ref())
                )),
            Line::of(&format!(
                "mean {mean} of {}",
                words::count(survey.count, "answer")
            )),
            Line::of(&words::bars(&survey.histogram)),
        ];
        flow(items, "  ", view.room)
    });
    part("surveys", Tone::Faint, body.collect())
}

/// The segments that the customer is in.
pub(super) fn segments(view: &View<'_>) -> Vec<Line> {
    let names = view.beside.segments.iter().map(|name| Line::of(name));
    part(
        "segments",
        Tone::Faint,
        flow(names.collect(), " · ", view.room),
    )
}

/// What the customer allowed and forbade, denials first.
pub(super) fn consents(view: &View<'_>) -> Vec<Line> {
    let mut consents: Vec<&Consent> = view.profile.consents.iter().collect();
    consents.sort_by_key(|consent| consent.state() == ConsentState::Granted);
    let shown = &consents[..consents.len().min(CONSENTS)];
    let about = |consent: &Consent| Line::of(&words::consent(consent));
    let widest = shown.iter().map(|consent| about(consent).width()).max();
    let widest = widest.unwrap_or_default().min(view.room / 2);
    let mut body: Vec<Line> = Vec::new();
    for consent in shown {
        let tone = words::consent_tone(consent.state());
        let day = view.screen.zone.day(consent.occurred_at.as_ref());
        let state = words::consent_state(consent.state());
        let said = format!("since {day}, said to {}", consent.department);
        let items = vec![
            Line::default().with(tone, state).padded(7),
            about(consent).padded(widest),
            Line::default().with(Tone::Faint, &said),
        ];
        body.extend(flow(items, "  ", view.room));
    }
    let unshown = consents.iter().skip(CONSENTS);
    let denied = unshown
        .filter(|c| c.state() != ConsentState::Granted)
        .count();
    let note = match denied {
        0 => String::new(),
        denied => format!(", {denied} of them denied"),
    };
    body.extend(more(consents.len(), CONSENTS, &note).map(|line| line.cut(view.room)));
    part("consents", Tone::Faint, body)
}

/// The traits that do not stand in the header.
pub(super) fn facts(view: &View<'_>) -> Vec<Line> {
    let facts: Vec<&ProfileTrait> = view
        .profile
        .traits
        .iter()
        .filter(|fact| !header::shows(&fact.name))
        .collect();
    let mut items: Vec<Line> = facts
        .iter()
        .take(FACTS)
        .map(|fact| {
            let name = format!("{}: ", fact.name.replace('_', " "));
            let value = words::value(fact.value.as_ref(), view.screen.zone);
            let mut item = Line::default().with(Tone::Faint, &name).plain(&value);
            if fact.losers_total > 0 {
                let others = format!(" ({} other)", fact.losers_total);
                item = item.with(Tone::Faint, &others);
            }
            item.cut(60)
        })
        .collect();
    items.extend(more(facts.len(), FACTS, ""));
    part("facts", Tone::Faint, flow(items, " · ", view.room))
}
