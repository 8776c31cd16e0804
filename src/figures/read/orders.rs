//! What is known of the customers who ordered, by the sample that the model of purchases keeps of them.

use super::{metric, model, real, signed};
use crate::{
    experience::{
        Measure, Purchasing, Reporting, bg_nbd,
        idle::{self, Rhythm, Standing},
        rfm,
        value::{self, Horizon},
    },
    proto::{
        state::v1::{CustomerHistory, ValueModel},
        v1::ExperienceMetric,
    },
};

/// The figures of the day of the model; of orders to come in as many weeks.
pub(super) fn of_model(stored: &ValueModel, weeks: u16) -> Vec<ExperienceMetric> {
    let model = Purchasing::of(stored);
    let reporting = Reporting::default();
    let mut metrics = purchases(stored, &model, &reporting);
    let churn = idle_churn(stored, &model, &reporting);
    metrics.push(metric("idle_churn", "share", &churn));
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

/// Recency, frequency and money: means, and where the fifths of the customers part.
fn purchases(
    stored: &ValueModel,
    model: &Purchasing,
    reporting: &Reporting,
) -> Vec<ExperienceMetric> {
    let customers = || stored.sample.iter();
    let days_since = customers().map(|one| f64::from(one.age.saturating_sub(one.last)));
    let order_days = customers().map(|one| f64::from(one.repeats) + 1.0);
    let net = customers().filter_map(|one| one.net).map(signed);
    let cuts = model.cuts.as_ref();
    let recency = cuts.map(|cuts| cuts.days_since.map(signed).to_vec());
    let frequency = cuts.map(|cuts| cuts.orders.map(real).to_vec());
    let money = cuts.and_then(|cuts| Some(cuts.net?.map(signed).to_vec()));
    let mean = |values: &mut dyn Iterator<Item = f64>, lowest| {
        let bounds = (lowest, f64::INFINITY);
        reporting.mean(values.map(|value| (value, 1)), bounds, rfm::DEFINITION)
    };
    let shown = |name, unit, measure: &Measure, quintiles: Option<Vec<f64>>| ExperienceMetric {
        quintiles: quintiles.unwrap_or_default(),
        ..metric(name, unit, measure)
    };
    vec![
        shown(
            "rfm_recency",
            "days",
            &mean(&mut { days_since }, 0.0),
            recency,
        ),
        shown(
            "rfm_frequency",
            "mean",
            &mean(&mut { order_days }, 1.0),
            frequency,
        ),
        shown(
            "rfm_money",
            &model.currency,
            &mean(&mut { net }, f64::NEG_INFINITY),
            money,
        ),
    ]
}

/// Who has stopped ordering though no contract ended.
fn idle_churn(stored: &ValueModel, model: &Purchasing, reporting: &Reporting) -> Measure {
    let standings = stored.sample.iter().map(|one| standing(one, model));
    idle::churn(standings, reporting)
}

fn standing(one: &CustomerHistory, model: &Purchasing) -> Standing {
    let gap = one.twice_median_gap.map(i64::from);
    if one.repeats >= 2 && gap.is_none() {
        // An earlier release kept no gaps.
        return Standing::Unknown;
    }
    let idle_days = i64::from(one.age) - i64::from(one.last);
    let rhythm = Rhythm::kept(u64::from(one.repeats) + 1, idle_days, gap);
    let history = bg_nbd::History::new(one.repeats, one.last, one.age).ok();
    let p_alive = history.and_then(|history| model.ordering.as_ref()?.p_alive(history));
    idle::standing(Some(&rhythm), p_alive)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A customer who ordered every ten days, has been idle for so many, and came a year ago.
    fn customer(repeats: u32, idle: u32) -> CustomerHistory {
        let last = repeats * 10;
        CustomerHistory {
            repeats,
            last,
            age: last + idle,
            repeat_spend: i64::from(repeats) * 1_000,
            twice_median_gap: (repeats >= 2).then_some(20),
            net: (repeats > 0).then_some(i64::from(repeats) * 1_000 - 500),
        }
    }

    /// Thirty who ordered four times, ten of them idle for longer than thirty days; thirty who ordered once.
    fn stored() -> ValueModel {
        let sample = [
            vec![customer(3, 30); 20],
            vec![customer(3, 31); 10],
            vec![customer(0, 500); 30],
        ];
        ValueModel {
            day: 20_000,
            currency: "JPY".to_owned(),
            sample: sample.concat(),
            ..ValueModel::default()
        }
    }

    fn named<'a>(metrics: &'a [ExperienceMetric], name: &str) -> &'a ExperienceMetric {
        metrics.iter().find(|one| one.name == name).unwrap()
    }

    #[test]
    fn who_is_idle_for_longer_than_three_of_their_gaps_is_lost_and_who_ordered_once_unknown() {
        let metrics = of_model(&stored(), 52);
        let churn = named(&metrics, "idle_churn");
        assert_eq!(churn.n, 30);
        assert!((churn.value.unwrap() - 1.0 / 3.0).abs() < 1e-12);
        assert!(churn.low < churn.value && churn.value < churn.high);
    }

    #[test]
    fn who_is_probably_gone_by_the_model_is_lost_too() {
        let modelled = ValueModel {
            purchases: vec![0.6, 5.0, 0.8, 2.5],
            sample: vec![customer(1, 2_000); 12],
            ..stored()
        };
        let churn = of_model(&modelled, 52);
        assert_eq!(named(&churn, "idle_churn").value, Some(1.0));
        let unmodelled = ValueModel {
            purchases: Vec::new(),
            ..modelled
        };
        let churn = of_model(&unmodelled, 52);
        assert_eq!(
            (
                named(&churn, "idle_churn").value,
                named(&churn, "idle_churn").n
            ),
            (None, 0)
        );
    }

    #[test]
    fn recency_frequency_and_money_are_means_with_n_interval_and_quintiles() {
        let cut = ValueModel {
            recency_cuts: vec![30, 31, 300, 500],
            frequency_cuts: vec![1, 1, 4, 4],
            money_cuts: vec![2_500; 4],
            ..stored()
        };
        let metrics = of_model(&cut, 52);
        let [recency, frequency, money] =
            ["rfm_recency", "rfm_frequency", "rfm_money"].map(|name| named(&metrics, name));
        let days = (20.0 * 30.0 + 10.0 * 31.0 + 30.0 * 500.0) / 60.0;
        assert!((recency.value.unwrap() - days).abs() < 1e-9);
        assert!(recency.low < recency.value && recency.value < recency.high);
        assert_eq!((recency.n, recency.unit.as_str()), (60, "days"));
        assert_eq!(recency.quintiles, [30.0, 31.0, 300.0, 500.0]);
        assert!((frequency.value.unwrap() - 2.5).abs() < 1e-9);
        assert_eq!(frequency.quintiles, [1.0, 1.0, 4.0, 4.0]);
        // Those who ordered once did in another currency: they are not in its n, and no 0.
        assert_eq!(
            (money.n, money.value, money.unit.as_str()),
            (30, Some(2_500.0), "JPY")
        );
        assert_eq!(money.quintiles.len(), 4);
        let few = ValueModel {
            sample: vec![customer(3, 30); 9],
            ..stored()
        };
        let few = of_model(&few, 52);
        let few = named(&few, "rfm_money");
        assert_eq!((few.n, few.value, few.withheld), (9, None, true));
        assert!(few.quintiles.is_empty());
    }

    #[test]
    fn nothing_is_said_of_rhythms_that_an_earlier_release_did_not_keep() {
        let mut old = stored();
        for one in &mut old.sample {
            one.twice_median_gap = None;
        }
        assert_eq!(named(&of_model(&old, 52), "idle_churn").n, 0);
    }
}
