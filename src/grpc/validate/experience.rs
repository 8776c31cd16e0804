//! Requests for figures.

use super::{
    fields::choice,
    reason::{MALFORMED, OUT_OF_RANGE},
    violations::Violations,
};
use crate::{
    calendar::{Day, Zone},
    clock::Micros,
    error::Violation,
    experience::{contribution::Grain, survey::Scale},
    figures::{Asked, Policy},
    proto::v1::{
        AnswerPolicy, GetExperienceMetricsRequest, MetricBreakdown, MetricPeriod, SurveyScale,
    },
};

/// Periods at most in a call, and how many when nothing is said.
const MOST: usize = 120;
const USUAL: usize = 12;

/// How far ahead of now a period may end: nothing is known of what is later.
const YEAR_AHEAD: i64 = 366 * 86_400 * Micros::SECOND;

/// Weeks ahead at most, and when nothing is said.
const LONGEST: i32 = 260;
const YEAR: u16 = 52;

/// What is asked for, in the tenant's time zone.
///
/// # Errors
/// With everything that is wrong.
pub fn experience(
    request: &GetExperienceMetricsRequest,
    zone: Zone,
    now: Micros,
) -> Result<Asked, Vec<Violation>> {
    let mut out = Violations::default();
    choice::<MetricPeriod>(&mut out, &"period", request.period);
    choice::<MetricBreakdown>(&mut out, &"breakdown", request.breakdown);
    choice::<AnswerPolicy>(&mut out, &"policy", request.policy);
    choice::<SurveyScale>(&mut out, &"drivers_of", request.drivers_of);
    if !(0..=LONGEST).contains(&request.horizon_weeks) {
        let within = format!("0 to {LONGEST}");
        out.add(&"horizon_weeks", OUT_OF_RANGE, within);
    }
    let grain = match request.period() {
        MetricPeriod::Unspecified | MetricPeriod::Month => Grain::Month,
        MetricPeriod::Quarter => Grain::Quarter,
        MetricPeriod::Year => Grain::Year,
    };
    let mut day = |field: &str, at: Option<&prost_types::Timestamp>| {
        let at = at.map(|at| (Micros::from_proto(at), at.seconds));
        match at {
            None => None,
            Some((Some(at), 0..)) if at.0 > now.0.saturating_add(YEAR_AHEAD) => {
                out.add(&field, OUT_OF_RANGE, "at most a year after now");
                None
            }
            Some((Some(at), 0..)) => Some(grain.begin(zone.day(at))),
            Some(_) => {
                out.add(&field, MALFORMED, "a time since 1970");
                None
            }
        }
    };
    let from = day("from", request.from.as_ref());
    let before = day("before", request.before.as_ref());
    let periods = periods(grain, grain.begin(zone.day(now)), from, before);
    match periods.len() {
        0 => out.add(&"before", OUT_OF_RANGE, "after the period of `from`"),
        1..=MOST => (),
        _ => out.add(&"from", OUT_OF_RANGE, format!("at most {MOST} periods")),
    }
    out.finish(Some(Asked {
        grain,
        periods,
        breakdown: request.breakdown(),
        policy: match request.policy() {
            AnswerPolicy::Unspecified | AnswerPolicy::Latest => Policy::Latest,
            AnswerPolicy::All => Policy::All,
        },
        outcome: Scale::from_number(request.drivers_of),
        horizon: match u16::try_from(request.horizon_weeks) {
            Ok(0) | Err(_) => YEAR,
            Ok(weeks) => weeks,
        },
    }))
}

/// The periods from the first to before the last, one more than may be at most.
fn periods(grain: Grain, current: Day, from: Option<Day>, before: Option<Day>) -> Vec<Day> {
    let end = before.unwrap_or_else(|| grain.later(current, 1));
    let first = from.unwrap_or_else(|| {
        let mut first = grain.begin(Day(end.0 - 1));
        for _ in 1..USUAL {
            first = grain.begin(Day(first.0 - 1));
        }
        first
    });
    let later = std::iter::successors(Some(first), |day| Some(grain.later(*day, 1)));
    later.take_while(|day| *day < end).take(MOST + 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> prost_types::Timestamp {
        Micros::from_datetime(text.parse().unwrap()).to_proto()
    }

    fn days(request: &GetExperienceMetricsRequest) -> Vec<String> {
        let now = Micros::from_datetime("2026-03-31T15:30:00Z".parse().unwrap());
        let asked = experience(request, Zone::TOKYO, now).unwrap();
        asked.periods.iter().map(Day::to_string).collect()
    }

    #[test]
    fn a_year_of_months_that_ends_with_the_current_one_is_meant() {
        let days = days(&GetExperienceMetricsRequest::default());
        assert_eq!(days.len(), 12);
        assert_eq!(
            (days[0].as_str(), days[11].as_str()),
            ("2025-05-01", "2026-04-01")
        );
    }

    #[test]
    fn periods_are_those_of_the_zone_and_whole() {
        let request = GetExperienceMetricsRequest {
            period: MetricPeriod::Quarter.into(),
            from: Some(at("2025-06-30T15:00:00Z")),
            before: Some(at("2026-02-01T00:00:00Z")),
            ..GetExperienceMetricsRequest::default()
        };
        assert_eq!(days(&request), ["2025-07-01", "2025-10-01"]);
    }

    #[test]
    fn everything_that_is_wrong_is_named() {
        let request = GetExperienceMetricsRequest {
            period: 9,
            breakdown: 9,
            policy: 9,
            drivers_of: 99,
            horizon_weeks: 261,
            from: Some(at("2026-01-01T00:00:00Z")),
            before: Some(at("2025-01-01T00:00:00Z")),
        };
        let now = Micros::from_proto(&at("2026-01-01T00:00:00Z")).unwrap();
        let found = experience(&request, Zone::UTC, now).unwrap_err();
        let fields: Vec<&str> = found.iter().map(|v| v.field.as_str()).collect();
        let expected = [
            "period",
            "breakdown",
            "policy",
            "drivers_of",
            "horizon_weeks",
            "before",
        ];
        assert_eq!(fields, expected);
    }
}
