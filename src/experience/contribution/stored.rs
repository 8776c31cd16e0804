//! Contributions as they are stored.

use std::collections::BTreeMap;

use prost::Message as _;

use super::{Answered, Cell, Contribution, Drivers, Purchases};
use crate::{
    calendar::Day,
    clock::Micros,
    experience::survey::Scale,
    proto::state::v1::{self as stored, Amount, ContributionCell, ScaleAnswer, TopicMean},
};

impl Contribution {
    /// As it is stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let amounts = |sums: &BTreeMap<String, i64>| {
            let amount = |(currency, minor_units): (&String, &i64)| Amount {
                currency: currency.clone(),
                minor_units: *minor_units,
            };
            sums.iter().map(amount).collect()
        };
        let mut stored = stored::Contribution {
            cells: self
                .cells
                .iter()
                .map(|(cell, sums)| ContributionCell {
                    cell: cell.name(),
                    sums: sums.clone(),
                })
                .collect(),
            ..stored::Contribution::default()
        };
        if let Some(purchases) = &self.purchases {
            stored.order_days = Some(purchases.days);
            stored.first_order_day = purchases.first.0;
            stored.last_order_day = purchases.last.0;
            stored.repeat_spend = amounts(&purchases.repeat_spend);
            stored.spend = amounts(&purchases.spend);
            stored.twice_median_gap = purchases.twice_median_gap;
        }
        if let Some(drivers) = &self.drivers {
            let answer = |(scale, answer): (&Scale, &Answered)| ScaleAnswer {
                scale: scale.number(),
                value: answer.value,
                at: answer.at.map(|at| at.0),
            };
            let topic = |(topic, mean): (&String, &i32)| TopicMean {
                topic: topic.clone(),
                mean: *mean,
            };
            stored.answers = drivers.answers.iter().map(answer).collect();
            stored.topics = drivers.topics.iter().map(topic).collect();
        }
        stored.encode_to_vec()
    }

    /// From its stored form. Cells of a release that knows others are left out.
    ///
    /// # Errors
    /// When the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, prost::DecodeError> {
        let stored = stored::Contribution::decode(bytes)?;
        let sums = |amounts: Vec<Amount>| {
            let amount = |amount: Amount| (amount.currency, amount.minor_units);
            amounts.into_iter().map(amount).collect()
        };
        let cell = |one: ContributionCell| Some((Cell::parse(&one.cell)?, one.sums));
        let answer = |one: ScaleAnswer| {
            let answered = Answered {
                value: one.value,
                at: one.at.map(Micros),
            };
            Some((Scale::from_number(one.scale)?, answered))
        };
        let topics = stored.topics.into_iter().map(|one| (one.topic, one.mean));
        Ok(Self {
            cells: stored.cells.into_iter().filter_map(cell).collect(),
            purchases: stored.order_days.map(|days| Purchases {
                days,
                first: Day(stored.first_order_day),
                last: Day(stored.last_order_day),
                repeat_spend: sums(stored.repeat_spend),
                spend: sums(stored.spend),
                twice_median_gap: stored.twice_median_gap,
            }),
            drivers: (!stored.answers.is_empty()).then(|| Drivers {
                answers: stored.answers.into_iter().filter_map(answer).collect(),
                topics: topics.collect(),
            }),
        })
    }
}
