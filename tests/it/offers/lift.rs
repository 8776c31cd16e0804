//! What deciding is worth, by groups that are pinned on customers.

use std::time::SystemTime;

use customer_profile::{
    experience::measure::{Z_95, wilson},
    proto::v1::{
        ActionOutcome, GetLiftRequest, GetLiftResponse, HoldoutGroup, Interaction, LiftGroup,
        LiftOutcome, MergeProfilesRequest, RecordOutcomesRequest,
        identity_service_client::IdentityServiceClient,
    },
};
use futures_util::{StreamExt as _, stream};
use tonic::Code;

use super::{CATALOGUE, HERO, client, decided, happened, import};
use crate::harness::{
    Database, Service, make,
    refused::{assert_invalid, refused},
};

/// Of whom a fifth is held out, and a fifth gets anything.
const PEOPLE: usize = 1_250;
const AT_ONCE: usize = 16;

const GROUPS: [HoldoutGroup; 3] = [
    HoldoutGroup::Policy,
    HoldoutGroup::Random,
    HoldoutGroup::HeldOut,
];

fn who(n: usize) -> String {
    format!("email=p{n}@example.com")
}

async fn lift(service: &Service, outcome: LiftOutcome) -> GetLiftResponse {
    let request = GetLiftRequest {
        outcome: outcome.into(),
        ..GetLiftRequest::default()
    };
    client(service)
        .get_lift(request)
        .await
        .unwrap()
        .into_inner()
}

/// Everybody in a shop with holdouts, and the group of each.
async fn experiment() -> (Service, Vec<HoldoutGroup>) {
    let service = Service::with(Database::new().await, &[]).await;
    let catalogue = CATALOGUE.replace("universal: 0.0, random: 0.0", "universal: 0.2, random: 0.2");
    import(&service, "first", &catalogue).await;
    let seen = (0..PEOPLE).map(|n| make::seen(&format!("s{n}"), 0, &[&who(n)]));
    service.record_all(seen.collect()).await;
    let deciding = (0..PEOPLE).map(|n| {
        let service = &service;
        async move { decided(service, &who(n), &format!("d{n}"), &[HERO]).await }
    });
    let answers: Vec<_> = stream::iter(deciding).buffered(AT_ONCE).collect().await;
    let groups = answers
        .iter()
        .map(|answer| answer.decision.as_ref().unwrap().holdout_group());
    let groups = groups.collect();
    (service, groups)
}

fn real(count: i64) -> f64 {
    f64::from(i32::try_from(count).unwrap())
}

fn group(answer: &GetLiftResponse, of: HoldoutGroup) -> LiftGroup {
    let found = answer.groups.iter().find(|group| group.group() == of);
    *found.unwrap()
}

/// Checks an answer against customers and conversions that were counted one by one.
fn assert_lift(answer: &GetLiftResponse, counted: [(i64, i64); 3]) {
    for (of, (customers, converted)) in GROUPS.into_iter().zip(counted) {
        let group = group(answer, of);
        assert_eq!(
            (group.customers, group.converted),
            (customers, converted),
            "{of:?}"
        );
        let rate = group.rate.unwrap();
        let share = real(converted) / real(customers);
        let (low, high) = wilson(share, real(customers), Z_95).unwrap();
        assert_eq!((rate.value, rate.low, rate.high), (share, low, high));
    }
    let of = |group: HoldoutGroup| counted[GROUPS.iter().position(|g| *g == group).unwrap()];
    // Mean and squared error of a share, with the variance of a sample.
    let mean = |(n, k): (i64, i64)| {
        let share = real(k) / real(n);
        (share, share * (1.0 - share) / (real(n) - 1.0))
    };
    assert_eq!(answer.comparisons.len(), 3);
    for comparison in &answer.comparisons {
        let (one, one_squared) = mean(of(comparison.group()));
        let (other, other_squared) = mean(of(comparison.over()));
        assert!(comparison.refusals.is_empty(), "{comparison:?}");
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}: {comparison:?}");
        let difference = comparison.difference.unwrap();
        let half = Z_95 * (one_squared + other_squared).sqrt();
        near(difference.value, one - other);
        near(difference.low, one - other - half);
        near(difference.high, one - other + half);
        let relative = comparison.relative.unwrap();
        let error = (one_squared / (one * one) + other_squared / (other * other)).sqrt();
        near(relative.value, one / other - 1.0);
        near(relative.low, one / other * (-Z_95 * error).exp() - 1.0);
        near(relative.high, one / other * (Z_95 * error).exp() - 1.0);
    }
}

/// Customers and conversions by group, of those that count.
fn count(
    groups: &[HoldoutGroup],
    counts: impl Fn(usize) -> bool,
    converted: impl Fn(usize) -> bool,
) -> [(i64, i64); 3] {
    GROUPS.map(|of| {
        let all = (0..groups.len()).filter(|n| groups[*n] == of && counts(*n));
        all.fold((0, 0), |(n, k), at| (n + 1, k + i64::from(converted(at))))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn groups_are_compared_and_merged_customers_are_left_out() {
    let (service, groups) = experiment().await;
    // So far nobody has done anything.
    let nothing = lift(&service, LiftOutcome::Accepted).await;
    for comparison in &nothing.comparisons {
        let reasons: Vec<&str> = comparison
            .refusals
            .iter()
            .map(|r| r.reason.as_str())
            .collect();
        assert_eq!(reasons, ["too_few_positives"; 2], "{comparison:?}");
        assert!(comparison.difference.is_none() && comparison.relative.is_none());
    }
    let accepts = |n: usize| match groups[n] {
        HoldoutGroup::Policy => n.is_multiple_of(2),
        _ => n.is_multiple_of(4),
    };
    let events: Vec<_> = (0..PEOPLE)
        .filter(|n| accepts(*n))
        .map(|n| {
            happened(
                &format!("e{n}"),
                &format!("d{n}"),
                "",
                ActionOutcome::Accepted,
            )
        })
        .collect();
    for outcomes in events.chunks(1_000) {
        let request = RecordOutcomesRequest {
            outcomes: outcomes.to_vec(),
        };
        client(&service).record_outcomes(request).await.unwrap();
    }
    let answer = lift(&service, LiftOutcome::Accepted).await;
    assert_eq!((answer.merged, answer.epoch, answer.sampled), (0, 1, 1.0));
    assert_lift(&answer, count(&groups, |_| true, accepts));
    // Two customers who are one were both decided for, perhaps in two ways.
    let mut identities = IdentityServiceClient::new(service.channel());
    for pair in 0..5 {
        let request = MergeProfilesRequest {
            operation_id: format!("m{pair}"),
            target: make::by(&who(2 * pair)),
            source: make::by(&who(2 * pair + 1)),
            ..MergeProfilesRequest::default()
        };
        identities.merge_profiles(request).await.unwrap();
    }
    let answer = lift(&service, LiftOutcome::Accepted).await;
    assert_eq!(answer.merged, 5);
    assert_lift(&answer, count(&groups, |n| n >= 10, accepts));
    // What they ordered counts whoever takes it to be due to what.
    let orders = |n: usize| n.is_multiple_of(3);
    let ordered = (0..PEOPLE).filter(|n| orders(*n)).map(|n| Interaction {
        occurred_at: Some(SystemTime::now().into()),
        ..make::order(&format!("o{n}"), 0, &who(n), &format!("O{n}"), 900)
    });
    service.record_all(ordered.collect()).await;
    // Before the period.
    let old = make::order("old", 0, &who(10), "old", 900);
    service.record_one(old).await;
    let answer = lift(&service, LiftOutcome::Ordered).await;
    assert_lift(&answer, count(&groups, |n| n >= 10, orders));
    // Another epoch has nobody yet.
    let request = GetLiftRequest {
        epoch: 2,
        ..GetLiftRequest::default()
    };
    let answer = client(&service)
        .get_lift(request)
        .await
        .unwrap()
        .into_inner();
    assert!(
        answer
            .groups
            .iter()
            .all(|group| group.customers == 0 && group.rate.is_none())
    );
    assert_eq!(answer.comparisons[0].refusals.len(), 4);
}

#[tokio::test]
async fn a_lift_needs_a_policy_and_a_period() {
    let service = Service::start().await;
    let status = client(&service).get_lift(GetLiftRequest::default()).await;
    let status = status.unwrap_err();
    refused(&status, Code::FailedPrecondition, "policy_missing");
    let wrong = GetLiftRequest {
        epoch: -1,
        outcome: 9,
        before: make::at(-100 * 365 * 86_400),
        ..GetLiftRequest::default()
    };
    let status = client(&service).get_lift(wrong).await.unwrap_err();
    assert_invalid(
        &status,
        &[
            ("before", "out_of_range"),
            ("outcome", "unknown_enum_value"),
            ("epoch", "out_of_range"),
        ],
    );
}
