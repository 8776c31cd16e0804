//! What one customer is worth, and the risk that they leave: a state and a model, at a moment. Pure.

use super::Purchasing;
use crate::{
    clock::Micros,
    experience::{
        bg_nbd::History,
        gamma_gamma::Spending,
        leaving::{self, Facts, Feeling, Kind},
        rfm,
        value::{Horizon, lifetime},
    },
    profile::State,
    proto::{
        state::v1::{Amount, Totals},
        v1::{CustomerValue, LeavingReason, LeavingRisk, SentimentSummary},
    },
    sentiment::history::Moment,
};

/// Weeks ahead for orders and value.
const WEEKS: u16 = 52;

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// The purpose whose denial speaks of leaving.
const CONTACT: &str = "marketing";

/// What a customer is worth; `None` of one who has not ordered.
#[must_use]
pub fn value(state: &State, moment: Moment, model: Option<&Purchasing>) -> Option<CustomerValue> {
    let totals = state.core().totals.as_ref()?;
    let (first, last) = (totals.first_order_day?, totals.last_order_day?);
    let days = u32::try_from(totals.order_days).ok()?;
    let mut shown = CustomerValue {
        order_days: totals.order_days.try_into().unwrap_or(i64::MAX),
        days_since_last_order: i64::from(moment.today().0 - last).max(0),
        ..CustomerValue::default()
    };
    let Some(model) = model else {
        return Some(shown);
    };
    shown.currency.clone_from(&model.currency);
    shown.modelled_on = Some(moment.begin(model.day).to_proto());
    let repeats = days.checked_sub(1)?;
    let until = i64::from(moment.today().0.max(last));
    let history = History::between(first.into(), last.into(), repeats, until);
    if let (Some(history), Some(ordering)) = (history, &model.ordering) {
        shown.p_alive = ordering.p_alive(history);
        shown.expected_orders = ordering.expected_orders(history, f64::from(WEEKS));
        let spending = Spending::new(repeats, of(&totals.repeat_ordered, &model.currency));
        let horizon = Horizon::new(WEEKS, 0.0);
        if let (Some(paying), Some(spending), Some(horizon)) = (&model.paying, spending, horizon) {
            let worth = lifetime(ordering, history, paying, spending, horizon);
            shown.lifetime_value = worth.map(|worth| worth.value);
        }
    }
    if let Some(cuts) = &model.cuts {
        let scores = cuts.score(&rfm::Figures {
            days_since: shown.days_since_last_order,
            orders: totals.order_days,
            net: net(totals, &state.core().returned, &model.currency),
        });
        shown.recency_score = Some(scores.recency.into());
        shown.frequency_score = Some(scores.frequency.into());
        shown.money_score = Some(scores.money.into());
    }
    Some(shown)
}

fn of(amounts: &[Amount], currency: &str) -> i64 {
    let found = amounts.iter().find(|amount| amount.currency == currency);
    found.map_or(0, |amount| amount.minor_units)
}

fn net(totals: &Totals, returned: &[Amount], currency: &str) -> i64 {
    of(&totals.ordered, currency).wrapping_sub(of(returned, currency))
}

/// The risk that a customer leaves, with its reasons; `None` when nothing is known that speaks of it.
#[must_use]
pub fn risk(
    state: &State,
    moment: Moment,
    feelings: Option<&SentimentSummary>,
    value: Option<&CustomerValue>,
) -> Option<LeavingRisk> {
    let core = state.core();
    let said_so = core.signals.iter().find(|signal| signal.name == "leaving");
    let level = feelings.and_then(|felt| {
        Some(Feeling {
            value: felt.level?,
            effective_n: felt.effective_n,
        })
    });
    let trend = feelings.and_then(|felt| {
        let trend = felt.trend.as_ref()?;
        Some(Feeling {
            value: trend.fast? - trend.slow?,
            effective_n: trend.effective_n_fast,
        })
    });
    let denied = |consent: &&crate::proto::state::v1::ConsentFact| {
        consent.purpose == CONTACT && consent.channel.is_empty() && consent.address_value.is_empty()
    };
    let open = core.totals.as_ref().map(|totals| totals.tickets_open);
    let risk = leaving::risk(&Facts {
        said_so_days_ago: said_so.map(|signal| days_between(Micros(signal.at), moment.at())),
        p_alive: value.and_then(|value| value.p_alive),
        level,
        trend,
        open_complaints: open.and_then(|open| u32::try_from(open).ok()),
        consent_denied: core
            .consents
            .iter()
            .find(denied)
            .map(|consent| consent.denied),
        ..Facts::default()
    });
    let reason = |reason: &leaving::Reason| LeavingReason {
        kind: name(reason.kind).to_owned(),
        contribution: reason.contribution,
    };
    risk.score.map(|score| LeavingRisk {
        score,
        reasons: risk.reasons.iter().map(reason).collect(),
        known: i32::try_from(risk.known).unwrap_or(i32::MAX),
        definition: risk.definition,
    })
}

fn days_between(then: Micros, now: Micros) -> f64 {
    let seconds = (now.0 - then.0).max(0) / Micros::SECOND;
    u32::try_from(seconds).map_or(f64::from(u32::MAX), f64::from) / DAY
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::SaidSo => "said_so",
        Kind::ProbablyGone => "probably_gone",
        Kind::Idle => "idle",
        Kind::LowSentiment => "low_sentiment",
        Kind::FallingSentiment => "falling_sentiment",
        Kind::UnsolvedComplaints => "unsolved_complaints",
        Kind::OpenComplaints => "open_complaints",
        Kind::FailedPayments => "failed_payments",
        Kind::ConsentDenied => "consent_denied",
    }
}
