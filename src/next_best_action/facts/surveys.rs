//! What the customer answered to surveys.

use rust_decimal::Decimal;

use super::{count, time};
use crate::{
    calendar::Day,
    criteria::{Attribute, AttributeId, Value},
    profile::fold::scale_range,
    proto::{
        state::v1::{State, SurveyMonth},
        v1::SurveyScale,
    },
};

pub(super) fn get<'c>(core: &'c State, attribute: &Attribute, today: Day) -> Value<'c> {
    let Some(scale) = scale(attribute.text(0)) else {
        return Value::Missing;
    };
    let number = i32::from(scale);
    let answers = core.surveys.iter().find(|survey| survey.scale == number);
    match attribute.id() {
        AttributeId::SurveyLatest => {
            answers.map_or(Value::Missing, |survey| Value::Integer(survey.value.into()))
        }
        AttributeId::SurveyAnswered => time(answers.map(|survey| survey.at)),
        AttributeId::SurveyCount => {
            let histogram = answers.map(|survey| survey.histogram.as_slice());
            count(histogram.unwrap_or_default().iter().sum())
        }
        AttributeId::SurveyMean => {
            let mut sums = Sums::default();
            if let Some(survey) = answers {
                sums.add(scale, &survey.histogram);
            }
            sums.mean()
        }
        AttributeId::SurveyRecentMean => {
            let months = u32::from(attribute.number(1));
            let this = today.month();
            let among = |one: &&SurveyMonth| {
                let month = Day(one.month);
                one.scale == number && month <= this && this < month.months_later(months)
            };
            let mut sums = Sums::default();
            for one in core.survey_months.iter().filter(among) {
                sums.add(scale, &one.histogram);
            }
            sums.mean()
        }
        _ => Value::Missing,
    }
}

/// The scale of this name.
fn scale(name: &str) -> Option<SurveyScale> {
    Some(match name {
        "nps" => SurveyScale::Nps,
        "csat_5" => SurveyScale::Csat5,
        "csat_7" => SurveyScale::Csat7,
        "csat_10" => SurveyScale::Csat10,
        "ces_7" => SurveyScale::Ces7,
        _ => return None,
    })
}

/// Answers added up.
#[derive(Default)]
struct Sums {
    count: i64,
    sum: i64,
}

impl Sums {
    /// Adds how many there were of each value of a scale, from its lowest up.
    fn add(&mut self, scale: SurveyScale, histogram: &[u64]) {
        let low = scale_range(scale).map_or(0, |(low, _)| i64::from(low));
        for (value, count) in (low..).zip(histogram) {
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            self.count = self.count.saturating_add(count);
            self.sum = self.sum.saturating_add(count.saturating_mul(value));
        }
    }

    fn mean(&self) -> Value<'static> {
        let mean = Decimal::from(self.sum).checked_div(Decimal::from(self.count));
        mean.map_or(Value::Missing, |mean| {
            Value::Number(mean.round_dp(6).normalize())
        })
    }
}
