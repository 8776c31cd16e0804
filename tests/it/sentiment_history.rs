//! `GetSentimentHistory` and the feelings on a profile, compared with what is computed here from the interactions.

mod words;

use std::collections::BTreeMap;

use customer_profile::proto::v1::{
    AnalysisMethod, BatchGetProfilesRequest, BucketWidth, CallerSentiment, GetProfileRequest,
    GetSentimentHistoryRequest, GetSentimentHistoryResponse, Interaction, MergeProfilesRequest,
    SearchProfilesRequest, SentimentBucket, SeparateIdentifiersRequest, TrendDirection,
    UndoDecisionRequest, sentiment_service_client::SentimentServiceClient,
};
use prost_types::{FieldMask, Timestamp};
use tonic::{Code, Status};

use crate::harness::{
    Database, Service,
    calls::getting,
    make,
    random::Random,
    refused::{assert_invalid, refused},
    service::with_metadata,
};

const WHO: &str = "email=a@example.com";
const OTHER: &str = "customer_id=anna";
const DAY: i64 = 86_400;
/// Japan's zone is that of tenants of whom nothing is said.
const JAPAN: i64 = 9 * 3_600;

fn felt(event_id: &str, seconds: i64, who: &str, polarity: f64) -> Interaction {
    Interaction {
        r#type: "message.sent".into(),
        sentiment: Some(CallerSentiment {
            polarity,
            confidence: Some(0.8),
            method: "agent".into(),
        }),
        ..make::seen(event_id, seconds, &[who])
    }
}

fn many(random: &mut Random, who: &str, prefix: &str, count: usize, days: i64) -> Vec<Interaction> {
    (0..count)
        .map(|n| {
            let polarity = f64::from(i32::try_from(random.below(2_001)).unwrap() - 1_000) / 1_000.0;
            let seconds = random.upto(days * DAY);
            Interaction {
                department: (*random.pick(&["sales", "support", "web"])).into(),
                channel: (*random.pick(&["chat", "mail"])).into(),
                ..felt(&format!("{prefix}{n}"), seconds, who, polarity)
            }
        })
        .collect()
}

fn asking(who: &str) -> GetSentimentHistoryRequest {
    GetSentimentHistoryRequest {
        lookup: make::by(who),
        page_size: 100,
        ..GetSentimentHistoryRequest::default()
    }
}

async fn ask_with(
    service: &Service,
    request: GetSentimentHistoryRequest,
    metadata: &[(&'static str, &str)],
) -> Result<GetSentimentHistoryResponse, Status> {
    let mut client = SentimentServiceClient::new(service.channel());
    let request = with_metadata(request, metadata);
    Ok(client.get_sentiment_history(request).await?.into_inner())
}

async fn ask(
    service: &Service,
    request: GetSentimentHistoryRequest,
) -> GetSentimentHistoryResponse {
    ask_with(service, request, &[]).await.unwrap()
}

fn seconds(interaction: &Interaction) -> i64 {
    interaction.occurred_at.unwrap().seconds
}

fn day(seconds: i64) -> i64 {
    (seconds + JAPAN).div_euclid(DAY)
}

fn polarity(interaction: &Interaction) -> f64 {
    interaction.sentiment.as_ref().unwrap().polarity
}

fn admits(request: &GetSentimentHistoryRequest, one: &Interaction) -> bool {
    let among = |list: &[String], value: &String| list.is_empty() || list.contains(value);
    let at = seconds(one);
    among(&request.departments, &one.department)
        && among(&request.channels, &one.channel)
        && request.from.is_none_or(|from| from.seconds <= at)
        && request.before.is_none_or(|before| at < before.seconds)
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

fn mean(of: &[&Interaction]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    let count = of.len() as f64;
    of.iter().map(|one| polarity(one)).sum::<f64>() / count
}

fn between(buckets: &[SentimentBucket]) -> Vec<(i64, i64)> {
    let ends =
        |bucket: &SentimentBucket| (bucket.begin.unwrap().seconds, bucket.end.unwrap().seconds);
    buckets.iter().map(ends).collect()
}

/// Holds an answer against the interactions that it is about.
fn assert_told(
    answer: &GetSentimentHistoryResponse,
    request: &GetSentimentHistoryRequest,
    all: &[Interaction],
) {
    let wanted: Vec<&Interaction> = all.iter().filter(|one| admits(request, one)).collect();
    let count = |count: i64| usize::try_from(count).unwrap();
    let summary = answer.summary.as_ref().unwrap();
    assert_eq!(count(summary.count), wanted.len());
    let bad = wanted.iter().filter(|one| polarity(one) <= -0.25).count();
    assert_eq!(count(summary.negative), bad);

    let mut told = 0;
    for (bucket, (begin, end)) in answer.buckets.iter().zip(between(&answer.buckets)) {
        let counts = bucket.counts.as_ref().unwrap();
        let within = |one: &&&Interaction| (begin..end).contains(&seconds(one));
        let of: Vec<&Interaction> = wanted.iter().filter(within).copied().collect();
        assert_eq!(count(counts.count), of.len(), "{begin}..{end}");
        assert!(near(counts.mean.unwrap(), mean(&of)));
        told += of.len();
    }
    assert_eq!(told, wanted.len(), "each stands in one bucket");
    let ends = between(&answer.buckets);
    assert!(
        ends.windows(2).all(|two| two[0].1 <= two[1].0),
        "buckets overlap"
    );

    let mut departments: BTreeMap<&str, Vec<&Interaction>> = BTreeMap::new();
    for one in &wanted {
        departments.entry(&one.department).or_default().push(one);
    }
    assert_eq!(answer.departments.len(), departments.len());
    for (group, (name, of)) in answer.departments.iter().zip(departments) {
        let counts = group.counts.as_ref().unwrap();
        assert_eq!((group.name.as_str(), count(counts.count)), (name, of.len()));
        assert!(near(counts.mean.unwrap(), mean(&of)));
    }
    let mut polarities: Vec<f64> = wanted.iter().map(|one| polarity(one)).collect();
    polarities.sort_by(f64::total_cmp);
    let worst: Vec<f64> = answer
        .worst
        .iter()
        .filter_map(|item| item.polarity)
        .collect();
    assert_eq!(
        worst,
        polarities.iter().take(5).copied().collect::<Vec<_>>()
    );
    polarities.reverse();
    let best: Vec<f64> = answer
        .best
        .iter()
        .filter_map(|item| item.polarity)
        .collect();
    assert_eq!(best, polarities.iter().take(5).copied().collect::<Vec<_>>());
}

/// The level of what is not older than a year, where sums by month play no part.
fn level(
    summary: &customer_profile::proto::v1::SentimentSummary,
    all: &[Interaction],
    half_life: f64,
) -> f64 {
    let today = day(summary.computed_at.unwrap().seconds);
    let (n, d) = all.iter().fold((0.0, 0.0), |(n, d), one| {
        #[expect(clippy::cast_precision_loss, reason = "some hundred days")]
        let age = (today - day(seconds(one))) as f64;
        let left = 0.8 * 0.5f64.powf(age / half_life);
        (n + left * polarity(one), d + left)
    });
    n / (d + 2.0)
}

/// Without what differs between two calls of the same.
fn lasting(mut answer: GetSentimentHistoryResponse) -> GetSentimentHistoryResponse {
    answer.read_info = None;
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_that_of_the_interactions_whatever_is_asked_for() {
    let service = Service::start().await;
    let mut random = Random::new(5);
    let all = many(&mut random, WHO, "a", 300, 500);
    service.record_all(all.clone()).await;
    let widths = [
        BucketWidth::Day,
        BucketWidth::Week,
        BucketWidth::Month,
        BucketWidth::Hour,
    ];
    for n in 0..40 {
        let mut request = asking(WHO);
        request.bucket = widths[n % 4].into();
        if random.once_in(3) {
            request.departments = vec!["sales".into(), "web".into()];
        }
        if random.once_in(3) {
            request.channels = vec!["chat".into()];
        }
        if random.once_in(3) {
            request.from = make::at(random.upto(250 * DAY));
        }
        if random.once_in(3) {
            request.before = make::at(260 * DAY + random.upto(250 * DAY));
        }
        let answer = ask(&service, request.clone()).await;
        assert_told(&answer, &request, &all);
        assert_eq!(answer.counted_from, None);
    }
    // What is over a year old is kept by month, and told by day from the interactions.
    for (width, longest) in [(BucketWidth::Day, 1), (BucketWidth::Week, 7)] {
        let mut request = asking(WHO);
        request.bucket = width.into();
        let whole = ask(&service, request.clone()).await;
        assert_eq!(whole.months_before, None);
        let ends = between(&whole.buckets);
        assert!(ends.iter().all(|(begin, end)| end - begin == longest * DAY));
        assert_told(&whole, &request, &all);
    }
    let months = ask(&service, asking(WHO)).await;
    assert!(
        months.months_before.is_some(),
        "months are told from what is kept"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buckets_are_of_the_zone_asked_for_and_the_rest_is_of_the_tenants() {
    let service = Service::start().await;
    let all = many(&mut Random::new(8), WHO, "a", 200, 500);
    service.record_all(all.clone()).await;
    for width in [BucketWidth::Day, BucketWidth::Week, BucketWidth::Month] {
        let mut request = asking(WHO);
        request.bucket = width.into();
        let tenants = ask(&service, request.clone()).await;
        request.time_zone = "Asia/Kathmandu".into();
        let elsewhere = ask(&service, request.clone()).await;
        assert_told(&elsewhere, &request, &all);
        let (kathmandu, japan) = (5 * 3_600 + 45 * 60, JAPAN);
        for (answer, east) in [(&tenants, japan), (&elsewhere, kathmandu)] {
            let midnights = between(&answer.buckets);
            let at_midnight = |at: i64| (at + east).rem_euclid(DAY) == 0;
            assert!(
                midnights
                    .iter()
                    .all(|(from, to)| at_midnight(*from) && at_midnight(*to))
            );
        }
        assert_eq!(elsewhere.months_before, None);
        assert_eq!(elsewhere.summary, tenants.summary);
        assert_eq!(elsewhere.departments, tenants.departments);
        assert_eq!(elsewhere.change_points, tenants.change_points);
    }
    let unknown = GetSentimentHistoryRequest {
        time_zone: "Asia/Atlantis".into(),
        ..asking(WHO)
    };
    let status = ask_with(&service, unknown, &[]).await.unwrap_err();
    assert_invalid(&status, &[("time_zone", "malformed")]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_level_of_the_last_bucket_is_that_of_the_summary() {
    let (service, all, start) = soured().await;
    for width in [BucketWidth::Day, BucketWidth::Week, BucketWidth::Month] {
        let mut request = asking(WHO);
        request.bucket = width.into();
        let answer = ask(&service, request.clone()).await;
        let level = |bucket: &SentimentBucket| bucket.level.unwrap();
        // A bucket that is not over stands where the customer stands.
        let (last, summary) = (answer.buckets.last().unwrap(), answer.summary.as_ref());
        if last.end.unwrap().seconds > make::at(start).unwrap().seconds {
            assert!(near(level(last), summary.unwrap().level.unwrap()));
        }
        // Each is what a history that ends with it says.
        for bucket in answer.buckets.iter().rev().skip(1).step_by(5) {
            request.before = bucket.end.map(|end| Timestamp {
                seconds: end.seconds - 1,
                ..end
            });
            let then = ask(&service, request.clone()).await.summary.unwrap();
            assert!(near(level(bucket), then.level.unwrap()));
        }
        let first = answer.buckets[0].end.unwrap().seconds;
        assert!(all.iter().any(|one| seconds(one) < first));
    }
    service.stop().await;
}

/// A customer who was content until two weeks ago, the service that knows, and now.
async fn soured() -> (Service, Vec<Interaction>, i64) {
    let service = Service::start().await;
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs();
    let start = i64::try_from(now).unwrap() - make::at(0).unwrap().seconds;
    let all: Vec<Interaction> = (0..60i32)
        .map(|n| {
            let polarity = if n < 7 { -0.7 } else { 0.6 } + f64::from(n % 5) / 20.0;
            felt(
                &n.to_string(),
                start - 3_700 - i64::from(n) * 2 * DAY,
                WHO,
                polarity,
            )
        })
        .collect();
    service.record_all(all.clone()).await;
    (service, all, start)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_level_on_a_profile_and_in_a_history_is_one_whatever_is_read() {
    let (service, all, _) = soured().await;
    let profile = service.profile(WHO).await;
    let summary = profile.sentiment.clone().unwrap();
    assert!(near(summary.level.unwrap(), level(&summary, &all, 30.0)));
    assert_eq!(
        summary.trend.as_ref().unwrap().direction(),
        TrendDirection::Declining
    );
    assert_eq!(summary.count, 60);
    assert!(summary.staleness_days.unwrap() <= 1);
    assert!(near(summary.worst_of_90_days.unwrap(), -0.7));
    let last = summary.last.as_ref().unwrap();
    assert_eq!(
        (last.polarity, last.method()),
        (-0.7, AnalysisMethod::Caller)
    );

    let history = ask(&service, asking(WHO)).await;
    assert_eq!(history.summary.as_ref(), Some(&summary));
    assert_eq!(history.items[0].interaction_id, last.interaction_id);
    assert!(
        history.change_points.iter().any(|turn| turn.worse),
        "{:?}",
        history.change_points
    );
    let request = GetSentimentHistoryRequest {
        half_life_days: 7,
        ..asking(WHO)
    };
    let short = ask(&service, request).await.summary.unwrap();
    assert!(near(short.level.unwrap(), level(&short, &all, 7.0)));

    let request = BatchGetProfilesRequest {
        lookups: make::by(WHO).into_iter().collect(),
        ..BatchGetProfilesRequest::default()
    };
    let batch = service
        .profiles()
        .batch_get_profiles(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        batch.results[0]
            .profile
            .as_ref()
            .unwrap()
            .sentiment
            .as_ref(),
        Some(&summary)
    );
    let request = SearchProfilesRequest {
        last_seen_from: make::at(0),
        field_mask: Some(FieldMask {
            paths: vec!["sentiment".into()],
        }),
        ..SearchProfilesRequest::default()
    };
    let found = service
        .profiles()
        .search_profiles(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(found.profiles[0].sentiment.as_ref(), Some(&summary));
    assert_eq!(found.profiles[0].interactions_total, 0, "not asked for");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_as_it_was_shows_the_feelings_of_then() {
    let (service, all, start) = soured().await;
    // As it was when the customer was still content: as of then.
    let then = start - 20 * DAY;
    let request = GetProfileRequest {
        as_of: make::at(then),
        ..getting(WHO)
    };
    let past = service.get(request).await.unwrap().sentiment.unwrap();
    let known: Vec<Interaction> = all
        .iter()
        .filter(|one| seconds(one) <= make::at(then).unwrap().seconds)
        .cloned()
        .collect();
    assert!(near(past.level.unwrap(), level(&past, &known, 30.0)));
    let computed = past.computed_at.unwrap().seconds;
    assert!((0..3_600).contains(&(make::at(then).unwrap().seconds - computed)));
    // And so says a history that ends then.
    let request = GetSentimentHistoryRequest {
        before: make::at(then + 1),
        ..asking(WHO)
    };
    let before = ask(&service, request).await.summary.unwrap();
    assert!(near(before.level.unwrap(), past.level.unwrap()));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn merging_separating_and_undoing_leave_a_history_as_it_was() {
    let service = Service::start().await;
    let mut random = Random::new(9);
    let one = many(&mut random, WHO, "a", 40, 300);
    let two = many(&mut random, OTHER, "b", 40, 300);
    service
        .record_all([one.clone(), two.clone()].concat())
        .await;
    let both = async || {
        let (a, b) = (
            ask(&service, asking(WHO)).await,
            ask(&service, asking(OTHER)).await,
        );
        (lasting(a), lasting(b))
    };
    let before = both().await;
    // The same once more changes nothing.
    service.record([one.clone(), two.clone()].concat()).await;
    assert_eq!(both().await, before);
    let request = MergeProfilesRequest {
        operation_id: "m".into(),
        reason: "a test".into(),
        target: make::by(WHO),
        source: make::by(OTHER),
        dry_run: false,
    };
    service.identities().merge_profiles(request).await.unwrap();
    let merged = both().await;
    assert_eq!(merged.0, merged.1);
    assert_told(
        &merged.0,
        &asking(WHO),
        &[one.clone(), two.clone()].concat(),
    );
    let undo = async |operation: &str, of: &str| {
        let request = UndoDecisionRequest {
            operation_id: operation.into(),
            reason: "a test".into(),
            decision_operation_id: of.into(),
            dry_run: false,
        };
        service.identities().undo_decision(request).await.unwrap();
    };
    undo("u", "m").await;
    assert_eq!(both().await, before);

    // One interaction that names both makes them one; a separation makes them two.
    let joint = Interaction {
        identifiers: make::seen("j", 0, &[WHO, OTHER]).identifiers,
        ..felt("j", 5 * DAY, OTHER, 0.5)
    };
    service.record_one(joint.clone()).await;
    let joined = both().await;
    assert_told(
        &joined.0,
        &asking(WHO),
        &[&one[..], &two, &[joint]].concat(),
    );
    let request = SeparateIdentifiersRequest {
        operation_id: "s".into(),
        reason: "a test".into(),
        identifiers: vec![make::identifier(WHO)],
        ..SeparateIdentifiersRequest::default()
    };
    service
        .identities()
        .separate_identifiers(request)
        .await
        .unwrap();
    let apart = both().await;
    assert_told(&apart.0, &asking(WHO), &one);
    undo("v", "s").await;
    assert_eq!(both().await, joined);
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_each_feeling_once_and_the_rest_stays() {
    let service = Service::start().await;
    let all = many(&mut Random::new(3), WHO, "a", 23, 4);
    service.record_all(all.clone()).await;
    let mut request = GetSentimentHistoryRequest {
        page_size: 5,
        ..asking(WHO)
    };
    let whole = ask(&service, asking(WHO)).await;
    let mut items = Vec::new();
    loop {
        let page = ask(&service, request.clone()).await;
        assert!(page.items.len() <= 5);
        assert_eq!((&page.buckets, &page.worst), (&whole.buckets, &whole.worst));
        items.extend(page.items);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(items, whole.items);
    let mut newest: Vec<i64> = all.iter().map(seconds).collect();
    newest.sort_unstable_by(|a, b| b.cmp(a));
    let at = |at: Option<Timestamp>| at.unwrap().seconds;
    assert_eq!(
        items.iter().map(|i| at(i.occurred_at)).collect::<Vec<_>>(),
        newest
    );
    let other = GetSentimentHistoryRequest {
        channels: vec!["chat".into()],
        ..request.clone()
    };
    request.page_token.push('0');
    for request in [other, request] {
        let status = ask_with(&service, request, &[]).await.unwrap_err();
        assert_invalid(&status, &[("page_token", "page_token_invalid")]);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_wrong_is_named_and_an_unknown_customer_has_no_history() {
    let service = Service::start().await;
    let request = GetSentimentHistoryRequest {
        bucket: 7,
        departments: vec!["Sales".into()],
        half_life_days: 1_000,
        page_size: 101,
        ..GetSentimentHistoryRequest::default()
    };
    let status = ask_with(&service, request, &[]).await.unwrap_err();
    assert_invalid(
        &status,
        &[
            ("lookup", "required"),
            ("bucket", "unknown_enum_value"),
            ("departments[0]", "not_a_slug"),
            ("half_life_days", "out_of_range"),
            ("page_size", "out_of_range"),
        ],
    );
    let status = ask_with(&service, asking(WHO), &[]).await.unwrap_err();
    refused(&status, Code::NotFound, "not_found");
    service.record_one(make::seen("1", 0, &[WHO])).await;
    let answer = ask(&service, asking(WHO)).await;
    let summary = answer.summary.unwrap();
    assert_eq!(
        (summary.level, summary.staleness_days, summary.count),
        (None, None, 0)
    );
    assert!(answer.buckets.is_empty() && answer.items.is_empty());
    assert_eq!(
        service.profile(WHO).await.sentiment,
        None,
        "nothing was said"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_long_history_the_answer_says_where_it_was_cut() {
    let service = Service::start().await;
    let count = 10_020i64;
    let all: Vec<Interaction> = (0..count)
        .map(|n| {
            // The worst is older than what is looked at.
            let polarity = if n == 5 { -0.9 } else { 0.4 };
            felt(&n.to_string(), n * 60, WHO, polarity)
        })
        .collect();
    for some in all.chunks(1_000) {
        service.record(some.to_vec()).await;
    }
    let started = std::time::Instant::now();
    let answer = ask(&service, asking(WHO)).await;
    let taken = started.elapsed();
    assert_eq!(answer.counted_from, make::at(20 * 60));
    let summary = answer.summary.unwrap();
    assert_eq!(
        (summary.count, summary.negative),
        (count, 1),
        "sums know all"
    );
    assert!(answer.worst.iter().all(|item| item.polarity == Some(0.4)));
    let counted: i64 = answer
        .buckets
        .iter()
        .map(|b| b.counts.as_ref().unwrap().count)
        .sum();
    assert_eq!(counted, count);
    let request = GetSentimentHistoryRequest {
        bucket: BucketWidth::Hour.into(),
        ..asking(WHO)
    };
    let hours = ask(&service, request).await;
    let counted: i64 = hours
        .buckets
        .iter()
        .map(|b| b.counts.as_ref().unwrap().count)
        .sum();
    assert_eq!(counted, 10_000);
    crate::harness::say(format_args!("a history of {count} interactions: {taken:?}"));
    service.stop().await;
}
