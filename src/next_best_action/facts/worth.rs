//! What the customer is worth, and the risk that they leave.

use std::sync::OnceLock;

use super::{Customer, currency::figure_in_units, figure};
use crate::{
    criteria::{AttributeId, Facts as _, Value},
    experience::{customer, rfm::Scores},
    proto::v1::LeavingRisk,
    sentiment::history::Moment,
};

/// What was asked for.
#[derive(Debug, Default)]
pub(super) struct Worth {
    p_alive: OnceLock<Option<f64>>,
    expected_orders: OnceLock<Option<f64>>,
    lifetime_value: OnceLock<Option<f64>>,
    risk: OnceLock<Option<LeavingRisk>>,
}

impl Customer<'_> {
    pub(super) fn worth(&self, id: AttributeId) -> Value<'_> {
        let score = |of: fn(Scores) -> Option<u8>| {
            let score = self.scores().and_then(of);
            score.map_or(Value::Missing, |score| Value::Integer(score.into()))
        };
        match id {
            AttributeId::PAlive => figure(self.p_alive()),
            AttributeId::ExpectedOrders => figure(self.expected_orders()),
            AttributeId::LifetimeValue => self.lifetime_value(),
            AttributeId::RecencyScore => score(|scores| Some(scores.recency)),
            AttributeId::FrequencyScore => score(|scores| Some(scores.frequency)),
            AttributeId::MoneyScore => score(|scores| scores.money),
            AttributeId::LeavingRisk => figure(self.risk().map(|risk| risk.score)),
            AttributeId::LeavingReason => {
                let heaviest = self.risk().and_then(|risk| risk.reasons.first());
                heaviest.map_or(Value::Missing, |reason| Value::Text(&reason.kind))
            }
            _ => Value::Missing,
        }
    }

    /// Recency, frequency and money beside the tenant's other customers.
    pub(super) fn scores(&self) -> Option<Scores> {
        let model = self.around.model?;
        customer::scores(self.state, self.today(), model)
    }

    fn p_alive(&self) -> Option<f64> {
        *self.worth.p_alive.get_or_init(|| {
            let model = self.around.model?;
            customer::p_alive(self.state, self.today(), model)
        })
    }

    fn expected_orders(&self) -> Option<f64> {
        *self.worth.expected_orders.get_or_init(|| {
            let model = self.around.model?;
            customer::expected_orders(self.state, self.today(), model)
        })
    }

    fn lifetime_value(&self) -> Value<'static> {
        let Some(model) = self.around.model else {
            return Value::Missing;
        };
        let value = self
            .worth
            .lifetime_value
            .get_or_init(|| customer::lifetime_value(self.state, self.today(), model));
        value.map_or(Value::Missing, |value| {
            figure_in_units(value, &model.currency)
        })
    }

    /// The risk in the hour of the moment. Where a day began within that hour, it is still as of the day before: what changes
    /// at full hours changes at no other time.
    fn risk(&self) -> Option<&LeavingRisk> {
        let risk = self.worth.risk.get_or_init(|| {
            let now = self.moment();
            let hour = Moment::new(now.now, now.zone, self.around.prior);
            if hour.today() == self.today() {
                let felt = self.feelings_of_today();
                return customer::risk(self.state, hour, Some(felt), self.p_alive());
            }
            let felt = self.feelings_of(hour);
            let model = self.around.model;
            let p_alive = model.and_then(|m| customer::p_alive(self.state, hour.today(), m));
            customer::risk(self.state, hour, Some(&felt), p_alive)
        });
        risk.as_ref()
    }
}
