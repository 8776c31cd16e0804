//! What the customer is worth, and the risk that they leave.

use super::{View, part};
use crate::{
    cli::{
        terminal::{Line, Tone, line::flow},
        words,
    },
    proto::v1::Money,
};

/// A risk from which on it is pointed out.
const HIGH: f64 = 0.5;

/// Parts of a risk below this are not worth a word.
const SLIGHT: f64 = 0.01;

/// What is expected of the customer.
pub(super) fn value(view: &View<'_>) -> Vec<Line> {
    let Some(value) = &view.profile.value else {
        return Vec::new();
    };
    let mut items = Vec::new();
    if let Some(alive) = value.p_alive {
        items.push(Line::of(&format!(
            "{} likely to be a customer still",
            percent(alive)
        )));
    }
    if let Some(orders) = value.expected_orders {
        items.push(Line::of(&format!(
            "{orders:.1} orders expected within a year"
        )));
    }
    if let Some(worth) = value.lifetime_value.filter(|worth| worth.is_finite()) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a sum beyond 64 bits is shown as the greatest"
        )]
        let minor_units = worth.round() as i64;
        let money = Money {
            currency: value.currency.clone(),
            minor_units,
        };
        items.push(Line::of("worth ").with(Tone::Strong, &words::money(&money)));
    }
    let scores = [
        value.recency_score,
        value.frequency_score,
        value.money_score,
    ];
    if let [Some(recency), Some(frequency), money] = scores {
        let money = money.map_or_else(String::new, |money| format!(", money {money}"));
        let scores = format!("recency {recency}, frequency {frequency}{money} of 5");
        items.push(Line::of(&scores));
    }
    part("value", Tone::Faint, flow(items, " · ", view.room))
}

/// How likely it is that the customer leaves, and what says so.
pub(super) fn risk(view: &View<'_>) -> Vec<Line> {
    let risk = view.profile.leaving_risk.as_ref();
    let Some(risk) = risk.filter(|risk| risk.score >= SLIGHT) else {
        return Vec::new();
    };
    let tone = if risk.score >= HIGH {
        Tone::Bad
    } else {
        Tone::Plain
    };
    let mut items = vec![
        Line::default()
            .with(tone, &percent(risk.score))
            .plain(" that they leave"),
    ];
    let telling = risk.reasons.iter().filter(|one| one.contribution >= SLIGHT);
    items.extend(telling.map(|one| {
        let kind = one.kind.replace('_', " ");
        Line::of(&format!("{kind} {}", percent(one.contribution)))
    }));
    part("risk", tone, flow(items, " · ", view.room))
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share.clamp(0.0, 1.0) * 100.0)
}
