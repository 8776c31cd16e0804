//! Requests for decisions, and what is told of offers.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::{
    fields::{choice, count, name, slug, text, time},
    limits::{FUTURE_TOLERANCE, MAX_EVENT_ID_BYTES, MAX_MINOR_UNITS, MAX_SLUG_BYTES},
    money::amount,
    reason::{
        BEFORE_1970, DUPLICATE_NAME, IN_THE_FUTURE, MALFORMED, NOT_ALLOWED_HERE, OUT_OF_RANGE,
        REQUIRED,
    },
    violations::{Path, Violations},
};
use crate::{
    calendar::{Day, Zone},
    clock::Micros,
    error::Violation,
    next_best_action::{
        catalogue::{Snapshot, reason::UNKNOWN_NAME},
        decide::{PLACEMENTS, SLOTS, Value},
        model::LanguageTag,
        outcome::Outcome,
        situation::Page,
    },
    proto::v1::{
        ActionOutcome, GetNextBestActionsRequest, OutcomeEvent, PlacementRequest, TraitValue,
        trait_value::Kind,
    },
};

/// Bytes of a decision id.
pub const MAX_DECISION_ID_BYTES: usize = 128;
/// Keys of a context.
pub const MAX_CONTEXT: usize = 32;
/// Bytes of a value of a context.
pub const MAX_CONTEXT_BYTES: usize = 256;
/// Outcomes of a request.
pub const MAX_OUTCOMES: usize = 1_000;

/// What is asked of a decision, but for whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The caller's id of it.
    pub id: Option<String>,
    /// The page.
    pub page: Vec<Page>,
    /// The customer's language.
    pub locale: Option<LanguageTag>,
    /// The customer's time zone.
    pub zone: Option<Zone>,
    /// What is known of the moment, by name.
    pub context: Vec<(String, Value)>,
}

/// Checks what is asked of a decision, against the catalogue where there is one.
///
/// # Errors
/// With everything that is wrong.
pub fn asked(
    request: &GetNextBestActionsRequest,
    catalogue: Option<&Snapshot>,
) -> Result<Asked, Vec<Violation>> {
    let mut out = Violations::default();
    let page = page(&mut out, &request.placements, catalogue);
    let locale = said(&mut out, &"locale", &request.locale, str::parse);
    let zone = said(&mut out, &"time_zone", &request.time_zone, |text| {
        text.parse()
    });
    let id = (!request.decision_id.is_empty()).then(|| request.decision_id.clone());
    if let Some(id) = &id {
        name(&mut out, &"decision_id", id, MAX_DECISION_ID_BYTES);
    }
    let mut context = Vec::new();
    count(&mut out, &"context", request.context.len(), MAX_CONTEXT);
    let mut said: Vec<(&String, &TraitValue)> = request.context.iter().collect();
    said.sort_unstable_by_key(|(name, _)| *name);
    for (name, value) in said.into_iter().take(MAX_CONTEXT) {
        let field = format!("context[{name:.64}]");
        slug(&mut out, &field, name, MAX_SLUG_BYTES);
        if let Some(value) = context_value(&mut out, &field, value) {
            context.push((name.clone(), value));
        }
    }
    out.finish(Some(Asked {
        id,
        page,
        locale,
        zone,
        context,
    }))
}

/// Something that may be left out.
pub(super) fn said<T>(
    out: &mut Violations,
    field: Path<'_>,
    text: &str,
    read: impl Fn(&str) -> Result<T, ()>,
) -> Option<T> {
    if text.is_empty() {
        return None;
    }
    let read = read(text).ok();
    if read.is_none() {
        out.add(field, MALFORMED, "not of its form");
    }
    read
}

fn page(
    out: &mut Violations,
    given: &[PlacementRequest],
    catalogue: Option<&Snapshot>,
) -> Vec<Page> {
    if given.is_empty() {
        out.add(&"placements", REQUIRED, "at least one");
    }
    count(out, &"placements", given.len(), PLACEMENTS);
    let mut seen = BTreeSet::new();
    let mut page = Vec::new();
    for (n, one) in given.iter().take(PLACEMENTS).enumerate() {
        let field = format!("placements[{n}]");
        let placement = slug(
            out,
            &format_args!("{field}.placement"),
            &one.placement,
            MAX_SLUG_BYTES,
        );
        let channel = slug(
            out,
            &format_args!("{field}.channel"),
            &one.channel,
            MAX_SLUG_BYTES,
        );
        if placement && !seen.insert(&one.placement) {
            out.add(
                &format_args!("{field}.placement"),
                DUPLICATE_NAME,
                "each placement once",
            );
        }
        let most = i32::try_from(SLOTS).unwrap_or(i32::MAX);
        if !(0..=most).contains(&one.count) {
            let what = format!("0 to {most}");
            out.add(&format_args!("{field}.count"), OUT_OF_RANGE, what);
        }
        if let (true, true, Some(catalogue)) = (placement, channel, catalogue) {
            known(out, &field, one, catalogue);
        }
        page.push(Page {
            placement: one.placement.clone(),
            channel: one.channel.clone(),
            count: u8::try_from(one.count.max(1)).unwrap_or(u8::MAX),
        });
    }
    page
}

fn known(out: &mut Violations, field: &str, one: &PlacementRequest, catalogue: &Snapshot) {
    let policy = catalogue.policy();
    let Some(place) = policy.placements.iter().find(|p| p.name == one.placement) else {
        let what = "the policy names no such placement";
        out.add(&format_args!("{field}.placement"), UNKNOWN_NAME, what);
        return;
    };
    if place.channel != one.channel {
        let what = "the policy says another channel for this placement";
        out.add(&format_args!("{field}.channel"), NOT_ALLOWED_HERE, what);
    }
}

fn context_value(out: &mut Violations, field: &str, given: &TraitValue) -> Option<Value> {
    let Some(kind) = &given.kind else {
        out.add(&field, REQUIRED, "exactly one type of value");
        return None;
    };
    let wrong = |out: &mut Violations, what: &'static str| {
        out.add(&field, MALFORMED, what);
    };
    match kind {
        Kind::Text(said) => {
            text(out, &field, said, MAX_CONTEXT_BYTES).then(|| Value::Text(said.clone()))
        }
        Kind::Integer(number) => Some(Value::Whole(*number)),
        Kind::Boolean(is) => Some(Value::Flag(*is)),
        Kind::Decimal(said) => {
            let number: Option<Decimal> = said.parse().ok();
            if number.is_none() {
                wrong(out, "not a decimal number of at most 28 digits");
            }
            number.map(Value::Number)
        }
        Kind::Date(said) => {
            let day = chrono::NaiveDate::parse_from_str(said, "%Y-%m-%d").ok();
            if day.is_none() {
                wrong(out, "not a date such as 2026-01-31");
            }
            day.map(|day| Value::Date(Day(day.to_epoch_days())))
        }
        Kind::Time(at) => time(out, &field, at).map(Value::Time),
        Kind::List(_) | Kind::Unset(_) => {
            out.add(&field, NOT_ALLOWED_HERE, "neither lists nor unset");
            None
        }
    }
}

/// Checks the id of a decision that is named.
///
/// # Errors
/// With everything that is wrong.
pub fn decision_id(id: &str) -> Result<String, Vec<Violation>> {
    let mut out = Violations::default();
    name(&mut out, &"decision_id", id, MAX_DECISION_ID_BYTES);
    out.finish(Some(id.to_owned()))
}

/// An outcome, but for whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// What became of the offer.
    pub outcome: Outcome,
    /// When.
    pub at: Micros,
}

/// Checks one outcome; paths are relative to it.
///
/// # Errors
/// With everything that is wrong.
pub fn outcome(event: &OutcomeEvent, now: Micros) -> Result<Happened, Vec<Violation>> {
    let mut out = Violations::default();
    slug(&mut out, &"source", &event.source, MAX_SLUG_BYTES);
    name(&mut out, &"event_id", &event.event_id, MAX_EVENT_ID_BYTES);
    let told: Option<ActionOutcome> = choice(&mut out, &"outcome", event.outcome);
    let told = match told {
        Some(ActionOutcome::Pending) => {
            out.add(
                &"outcome",
                NOT_ALLOWED_HERE,
                "pending is what nothing is known of",
            );
            None
        }
        None if event.outcome == 0 => {
            out.add(&"outcome", REQUIRED, "may not be left unspecified");
            None
        }
        other => other.and_then(meant),
    };
    let at = happened(&mut out, event, now);
    let named = !event.decision_id.is_empty();
    if named {
        name(
            &mut out,
            &"decision_id",
            &event.decision_id,
            MAX_DECISION_ID_BYTES,
        );
        let why = "not with a decision";
        if !event.group.is_empty() {
            out.add(&"group", NOT_ALLOWED_HERE, why);
        }
        if event.lookup.is_some() && event.action_id.is_empty() {
            let what = "by which it is found where the decision is lost";
            out.add(&"action_id", REQUIRED, what);
        }
    } else {
        if event.lookup.is_none() {
            out.add(&"lookup", REQUIRED, "whose, where no decision is named");
        }
        if event.action_id.is_empty() && event.group.is_empty() {
            out.add(
                &"action_id",
                REQUIRED,
                "an action or a group, where no decision is named",
            );
        }
    }
    for (field, value) in [
        ("action_id", &event.action_id),
        ("group", &event.group),
        ("channel", &event.channel),
    ] {
        if !value.is_empty() {
            slug(&mut out, &field, value, MAX_SLUG_BYTES);
        }
    }
    if let Some(money) = &event.money {
        amount(&mut out, money, -MAX_MINOR_UNITS);
    }
    let parts = told.zip(at).map(|(outcome, at)| Happened { outcome, at });
    out.finish(parts)
}

fn happened(out: &mut Violations, event: &OutcomeEvent, now: Micros) -> Option<Micros> {
    let field: Path<'_> = &"occurred_at";
    let Some(at) = &event.occurred_at else {
        out.add(field, REQUIRED, "when it happened");
        return None;
    };
    let at = time(out, field, at)?;
    if at.0 < 0 {
        out.add(field, BEFORE_1970, "not before 1970");
        return None;
    }
    if at.0 > now.0.saturating_add(FUTURE_TOLERANCE) {
        out.add(
            field,
            IN_THE_FUTURE,
            "at most 5 minutes after the server's clock",
        );
        return None;
    }
    Some(at)
}

fn meant(told: ActionOutcome) -> Option<Outcome> {
    match told {
        ActionOutcome::NotDelivered => Some(Outcome::NotDelivered),
        ActionOutcome::Impression => Some(Outcome::Impression),
        ActionOutcome::Clicked => Some(Outcome::Clicked),
        ActionOutcome::Accepted => Some(Outcome::Accepted),
        ActionOutcome::Rejected => Some(Outcome::Rejected),
        ActionOutcome::Unspecified | ActionOutcome::Pending => None,
    }
}
