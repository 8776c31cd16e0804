//! What was offered to the customer, and what they complain about.

use super::{Customer, count, time};
use crate::{
    criteria::{Attribute, AttributeId, Facts as _, Value, schema::OUTCOMES},
    next_best_action::{keys::ActionKey, outcome::Outcome},
    proto::state::v1::OfferFact,
    sentiment::history::Moment,
};

impl Customer<'_> {
    /// Open complaints in the hour of the moment: what changes at full hours changes at no other time.
    pub(super) fn open_complaints(&self) -> Value<'_> {
        let now = self.moment();
        let hour = Moment::new(now.now, now.zone, self.around.prior);
        count(self.state.open_complaints(hour.at()))
    }
}

pub(super) fn get(offers: &[OfferFact], attribute: &Attribute) -> Value<'static> {
    let action = ActionKey::id_of(attribute.text(0));
    // Sorted by action first.
    let from = offers.partition_point(|fact| fact.action < action);
    let rest = offers.get(from..).unwrap_or_default();
    let about = rest.iter().take_while(|fact| fact.action == action);
    let shown = about
        .clone()
        .filter(|fact| outcome(fact) == Some(Outcome::Impression));
    match attribute.id() {
        AttributeId::OffersShown => Value::Integer(shown.fold(0, |count, _| count + 1)),
        AttributeId::LastOffer => time(shown.map(|fact| fact.at).max()),
        // The last offer first of all, and of its outcomes the highest.
        AttributeId::LastOutcome => about
            .filter_map(|fact| Some((time_of(fact), outcome(fact)?)))
            .max()
            .and_then(|(_, outcome)| OUTCOMES.get(outcome.index()))
            .map_or(Value::Missing, |name| Value::Text(name)),
        _ => Value::Missing,
    }
}

/// Which offer it was, in the order of their times.
fn time_of(fact: &OfferFact) -> (i64, u64, u64, u32) {
    (
        fact.decided_at,
        fact.decision_hi,
        fact.decision_lo,
        fact.slot,
    )
}

fn outcome(fact: &OfferFact) -> Option<Outcome> {
    let place = usize::try_from(fact.outcome).ok()?.checked_sub(1)?;
    Outcome::from_index(place)
}
