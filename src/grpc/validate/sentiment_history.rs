//! Filters of a history of feelings.

use super::{
    fields::{choice, count, name, period},
    limits::{MAX_FILTER_VALUES, MAX_SLUG_BYTES},
    offers::said,
    reason::OUT_OF_RANGE,
    timeline::slugs,
    violations::{Path, Violations},
};
use crate::{
    calendar::Zone,
    clock::Micros,
    error::Violation,
    proto::v1::{BucketWidth, GetSentimentHistoryRequest},
    sentiment::history::HALF_LIFE_DAYS,
};

/// The longest half-life in days.
const HALF_LIFE_MOST: u32 = 730;

/// Which feelings of a profile are told, and how. An empty list and `None` mean all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentimentHistory {
    /// Only with these departments.
    pub departments: Vec<String>,
    /// Only through these channels.
    pub channels: Vec<String>,
    /// Only about these topics.
    pub topics: Vec<String>,
    /// Only at or after.
    pub from: Option<Micros>,
    /// Only before.
    pub before: Option<Micros>,
    /// Width of a bucket; never unspecified.
    pub bucket: BucketWidth,
    /// The time zone of the buckets; `None` means the tenant's.
    pub zone: Option<Zone>,
    /// Half-life of the level in days, 1 to 730.
    pub half_life: u32,
}

/// Checks the filters of a history; its look-up, page and read options are checked by their own functions.
///
/// # Errors
/// With everything that is wrong.
pub fn sentiment_history(
    given: &GetSentimentHistoryRequest,
) -> Result<SentimentHistory, Vec<Violation>> {
    let mut out = Violations::default();
    let (from, before) = period(
        &mut out,
        (&"from", given.from.as_ref()),
        (&"before", given.before.as_ref()),
    );
    let bucket = choice(&mut out, &"bucket", given.bucket);
    let departments = slugs(&mut out, &"departments", &given.departments);
    let channels = slugs(&mut out, &"channels", &given.channels);
    let topics = names(&mut out, &"topics", &given.topics);
    let half_life = match u32::try_from(given.half_life_days) {
        Ok(0) => Some(HALF_LIFE_DAYS),
        Ok(days) if days <= HALF_LIFE_MOST => Some(days),
        _ => None,
    };
    if half_life.is_none() {
        let range = format!("1 to {HALF_LIFE_MOST}, or 0 for {HALF_LIFE_DAYS}");
        out.add(&"half_life_days", OUT_OF_RANGE, range);
    }
    let zone = said(&mut out, &"time_zone", &given.time_zone, str::parse);
    out.finish(half_life.map(|half_life| SentimentHistory {
        departments,
        channels,
        topics,
        from,
        before,
        bucket: bucket.unwrap_or(BucketWidth::Month),
        zone,
        half_life,
    }))
}

/// Topics are named by the tenant, in any script.
fn names(out: &mut Violations, field: Path<'_>, given: &[String]) -> Vec<String> {
    count(out, field, given.len(), MAX_FILTER_VALUES);
    let kept = given.iter().take(MAX_FILTER_VALUES);
    let sound = kept.enumerate().filter(|(i, text)| {
        let field = format_args!("{field}[{i}]");
        name(out, &field, text, MAX_SLUG_BYTES)
    });
    sound.map(|(_, text)| text.clone()).collect()
}

#[cfg(test)]
mod tests {
    use prost_types::Timestamp;

    use super::*;
    use crate::grpc::validate::reason::{
        CONTROL_CHARACTERS, MALFORMED, NOT_A_SLUG, TOO_MANY, UNKNOWN_ENUM_VALUE,
    };

    #[test]
    fn nothing_said_means_months_of_everything() {
        let found = sentiment_history(&GetSentimentHistoryRequest::default()).unwrap();
        assert_eq!((found.bucket, found.half_life), (BucketWidth::Month, 30));
        assert_eq!((found.from, found.before, found.zone), (None, None, None));
        assert!(found.departments.is_empty() && found.channels.is_empty());
    }

    #[test]
    fn every_wrong_filter_is_named() {
        let request = GetSentimentHistoryRequest {
            from: Some(Timestamp {
                seconds: 0,
                nanos: -1,
            }),
            bucket: 9,
            departments: vec!["Sales".into()],
            channels: vec!["a".into(); 17],
            topics: vec!["料金".into(), "a\nb".into()],
            half_life_days: 731,
            time_zone: "Asia/Atlantis".into(),
            ..GetSentimentHistoryRequest::default()
        };
        let found = sentiment_history(&request).unwrap_err();
        let found: Vec<_> = found.iter().map(|v| (v.field.as_str(), v.reason)).collect();
        assert_eq!(
            found,
            [
                ("from", MALFORMED),
                ("bucket", UNKNOWN_ENUM_VALUE),
                ("departments[0]", NOT_A_SLUG),
                ("channels", TOO_MANY),
                ("topics[1]", CONTROL_CHARACTERS),
                ("half_life_days", OUT_OF_RANGE),
                ("time_zone", MALFORMED),
            ]
        );
    }

    #[test]
    fn a_half_life_is_one_day_to_two_years() {
        for (given, want) in [(1, 1), (730, 730), (0, 30)] {
            let request = GetSentimentHistoryRequest {
                half_life_days: given,
                ..GetSentimentHistoryRequest::default()
            };
            assert_eq!(sentiment_history(&request).unwrap().half_life, want);
        }
        for bad in [-1, 731, i32::MIN] {
            let request = GetSentimentHistoryRequest {
                half_life_days: bad,
                ..GetSentimentHistoryRequest::default()
            };
            assert!(sentiment_history(&request).is_err());
        }
    }
}
