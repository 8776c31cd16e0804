//! Amounts of money and answers to surveys.

use iso_currency::Currency;

use super::{
    fields::{chosen, count, slug},
    limits::{MAX_MINOR_UNITS, MAX_SLUG_BYTES, MAX_SURVEY_SCORES},
    reason::{MONEY_REQUIRED, OUT_OF_RANGE, REQUIRED, UNKNOWN_CURRENCY},
    violations::Violations,
};
use crate::{
    profile::fold,
    proto::v1::{Money, SurveyScale, SurveyScore},
};

/// Types whose amount is what was bought or given back.
const WITH_AMOUNT: [&str; 2] = ["order.placed", "order.returned"];

/// The amount of an interaction of a type.
pub(super) fn money(out: &mut Violations, r#type: &str, given: Option<&Money>) {
    let needed = WITH_AMOUNT.contains(&r#type);
    let Some(money) = given else {
        if needed {
            out.add(&"money", MONEY_REQUIRED, "this type needs an amount");
        }
        return;
    };
    amount(out, money, if needed { 0 } else { -MAX_MINOR_UNITS });
}

/// An amount of at least so many minor units.
pub(super) fn amount(out: &mut Violations, money: &Money, least: i64) {
    if money.currency.is_empty() {
        out.add(&"money.currency", REQUIRED, "may not be empty");
    } else if Currency::from_code(&money.currency).is_none() {
        out.add(
            &"money.currency",
            UNKNOWN_CURRENCY,
            "not an ISO 4217 code in capitals",
        );
    }
    if !(least..=MAX_MINOR_UNITS).contains(&money.minor_units) {
        out.add(
            &"money.minor_units",
            OUT_OF_RANGE,
            format!("{least} to {MAX_MINOR_UNITS}"),
        );
    }
}

/// The lowest and the highest answer of a scale, as the fold counts them.
#[must_use]
pub fn scale_range(scale: SurveyScale) -> (i32, i32) {
    fold::scale_range(scale).unwrap_or((0, 0))
}

/// The answers of an interaction.
pub(super) fn survey_scores(out: &mut Violations, given: &[SurveyScore]) {
    count(out, &"survey_scores", given.len(), MAX_SURVEY_SCORES);
    for (i, score) in given.iter().take(MAX_SURVEY_SCORES).enumerate() {
        let scale = format_args!("survey_scores[{i}].scale");
        if let Some(scale) = chosen::<SurveyScale>(out, &scale, score.scale) {
            let (least, most) = scale_range(scale);
            if !(least..=most).contains(&score.value) {
                out.add(
                    &format_args!("survey_scores[{i}].value"),
                    OUT_OF_RANGE,
                    format!("{least} to {most} on this scale"),
                );
            }
        }
        if let Some(question) = &score.question {
            let field = format_args!("survey_scores[{i}].question");
            slug(out, &field, question, MAX_SLUG_BYTES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(r#type: &str, currency: &str, minor_units: i64) -> Vec<&'static str> {
        let given = Money {
            currency: currency.into(),
            minor_units,
        };
        let mut out = Violations::default();
        money(&mut out, r#type, Some(&given));
        let found = out.finish::<()>(None).unwrap_err();
        found.into_iter().map(|v| v.reason).collect()
    }

    #[test]
    fn an_order_may_cost_nothing_but_not_less() {
        assert!(reasons("order.placed", "JPY", 0).is_empty());
        assert_eq!(reasons("order.returned", "JPY", -1), [OUT_OF_RANGE]);
        assert!(reasons("invoice.corrected", "JPY", -1).is_empty());
    }

    #[test]
    fn currencies_are_iso_codes_in_capitals() {
        for bad in ["usd", "US", "AAA", "¥"] {
            assert_eq!(reasons("x", bad, 1), [UNKNOWN_CURRENCY], "{bad}");
        }
        assert_eq!(reasons("x", "", 1), [REQUIRED]);
    }

    #[test]
    fn every_scale_takes_its_ends_and_nothing_beyond() {
        for number in 1..=7 {
            let scale = SurveyScale::try_from(number).unwrap();
            let (least, most) = scale_range(scale);
            for (value, sound) in [
                (least, true),
                (most, true),
                (least - 1, false),
                (most + 1, false),
            ] {
                let score = SurveyScore {
                    scale: number,
                    value,
                    question: None,
                };
                let mut out = Violations::default();
                survey_scores(&mut out, &[score]);
                assert_eq!(out.is_empty(), sound, "{scale:?} {value}");
            }
        }
    }
}
