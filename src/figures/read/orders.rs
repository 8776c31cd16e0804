//! What the model of purchases says of the customers who ordered.

use super::{metric, model};
use crate::{
    experience::{
        Purchasing, Reporting, bg_nbd,
        value::{self, Horizon},
    },
    proto::{state::v1::ValueModel, v1::ExperienceMetric},
};

/// What the model of purchases says of the customers who ordered.
pub(super) fn of_model(stored: &ValueModel, weeks: u16) -> Vec<ExperienceMetric> {
    let model = Purchasing::of(stored);
    let reporting = Reporting::default();
    let mut metrics = Vec::new();
    let Some(ordering) = &model.ordering else {
        return metrics;
    };
    let mut sample = bg_nbd::Sample::default();
    for (history, _) in model::sample(stored) {
        sample.add(history, 1);
    }
    let alive = ordering.mean_p_alive(&sample, &reporting);
    metrics.push(metric("customers_alive", "share", &alive));
    let orders = ordering.mean_expected_orders(&sample, f64::from(weeks), &reporting);
    metrics.push(metric("expected_orders", "mean", &orders));
    if let (Some(paying), Some(horizon)) = (&model.paying, Horizon::new(weeks, 0.0)) {
        let customers = model::sample(stored).map(|(history, spent)| (history, spent, 1));
        let worth = value::mean_lifetime(ordering, paying, customers, horizon, &reporting);
        metrics.push(metric("lifetime_value", &model.currency, &worth));
    }
    metrics
}
