//! What one customer is worth, and the risk that they leave: a state and a model, at a moment. Pure.

use super::{
    Purchasing,
    bg_nbd::History,
    gamma_gamma::Spending,
    leaving::{self, Facts, Feeling, Kind},
    rfm,
    value::{Horizon, lifetime},
};
use crate::{
    calendar::Day,
    clock::Micros,
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
    let (_, last) = (totals.first_order_day?, totals.last_order_day?);
    let shown = CustomerValue {
        order_days: totals.order_days.try_into().unwrap_or(i64::MAX),
        days_since_last_order: days_since(last, moment.today()),
        ..CustomerValue::default()
    };
    let Some(model) = model else {
        return Some(shown);
    };
    let today = moment.today();
    let scores = scores(state, today, model);
    Some(CustomerValue {
        currency: model.currency.clone(),
        modelled_on: Some(moment.begin(model.day).to_proto()),
        p_alive: p_alive(state, today, model),
        expected_orders: expected_orders(state, today, model),
        lifetime_value: lifetime_value(state, today, model),
        recency_score: scores.map(|scores| scores.recency.into()),
        frequency_score: scores.map(|scores| scores.frequency.into()),
        money_score: scores.and_then(|scores| scores.money).map(i32::from),
        ..shown
    })
}

/// Probability that they still are a customer; `None` of who ordered on one day only or never.
#[must_use]
pub fn p_alive(state: &State, today: Day, model: &Purchasing) -> Option<f64> {
    let (history, _) = history(state, today)?;
    model.ordering.as_ref()?.p_alive(history)
}

/// Orders expected within 52 weeks; `None` without an order.
#[must_use]
pub fn expected_orders(state: &State, today: Day, model: &Purchasing) -> Option<f64> {
    let (history, _) = history(state, today)?;
    let ordering = model.ordering.as_ref()?;
    ordering.expected_orders(history, f64::from(WEEKS))
}

/// What these come to, in minor units of the model's currency; `None` of who ordered on one day only or never, or in another
/// currency.
#[must_use]
pub fn lifetime_value(state: &State, today: Day, model: &Purchasing) -> Option<f64> {
    let (history, totals) = history(state, today)?;
    net(totals, &state.core().returned, &model.currency)?;
    let repeat_spend = rfm::in_one_currency(amounts(&totals.repeat_ordered), &model.currency)?;
    let spending = Spending::new(history.repeats(), repeat_spend)?;
    let (ordering, paying) = (model.ordering.as_ref()?, model.paying.as_ref()?);
    let horizon = Horizon::new(WEEKS, 0.0)?;
    let worth = lifetime(ordering, history, paying, spending, horizon);
    worth.map(|worth| worth.value)
}

/// Recency, frequency and money; `None` without an order.
#[must_use]
pub fn scores(state: &State, today: Day, model: &Purchasing) -> Option<rfm::Scores> {
    let totals = state.core().totals.as_ref()?;
    let figures = rfm::Figures {
        days_since: days_since(totals.last_order_day?, today),
        orders: totals.order_days,
        net: net(totals, &state.core().returned, &model.currency),
    };
    Some(model.cuts.as_ref()?.score(&figures))
}

/// On which days they ordered, up to a day.
fn history(state: &State, today: Day) -> Option<(History, &Totals)> {
    let totals = state.core().totals.as_ref()?;
    let (first, last) = (totals.first_order_day?, totals.last_order_day?);
    let repeats = u32::try_from(totals.order_days).ok()?.checked_sub(1)?;
    let until = i64::from(today.0.max(last));
    let history = History::between(first.into(), last.into(), repeats, until)?;
    Some((history, totals))
}

fn days_since(last: i32, today: Day) -> i64 {
    (i64::from(today.0) - i64::from(last)).max(0)
}

fn amounts(amounts: &[Amount]) -> impl Iterator<Item = (&str, i64)> {
    amounts
        .iter()
        .map(|amount| (amount.currency.as_str(), amount.minor_units))
}

/// What was paid less what was given back; `None` of who ordered in another currency.
fn net(totals: &Totals, returned: &[Amount], currency: &str) -> Option<i64> {
    let given_back = amounts(returned).map(|(of, minor_units)| (of, minor_units.wrapping_neg()));
    rfm::in_one_currency(amounts(&totals.ordered).chain(given_back), currency)
}

/// The risk that a customer leaves, with its reasons; `None` when nothing is known that speaks of it. `p_alive` is that of
/// [`p_alive()`], where there is a model.
#[must_use]
pub fn risk(
    state: &State,
    moment: Moment,
    feelings: Option<&SentimentSummary>,
    p_alive: Option<f64>,
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
        p_alive,
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
