//! Figures of the population: equal to counting by hand, each customer once however profiles merge and part.

use std::time::Duration;

use customer_profile::proto::v1::{
    AnswerPolicy, ExperienceMetric, GetExperienceMetricsRequest, GetExperienceMetricsResponse,
    Interaction, MergeProfilesRequest, MetricBreakdown, MetricPeriod, SurveyScale,
    UndoDecisionRequest, sentiment_service_client::SentimentServiceClient,
};
use tokio::time::{Instant, sleep};

use crate::harness::{Service, calls::retracting, make};

/// Of the harness's clock: the 1st of March 2024 in Japan begins here, in seconds after its origin.
const DAY: i64 = 86_400;

fn answered(n: usize, days: i64, who: usize, value: i32, channel: &str) -> Interaction {
    let (event, seconds) = (
        format!("answer {n}"),
        days * DAY + i64::try_from(n).unwrap(),
    );
    Interaction {
        channel: channel.to_owned(),
        ..make::answer(
            &event,
            seconds,
            &format!("email=c{who}@example.com"),
            SurveyScale::Nps,
            value,
        )
    }
}

async fn ask(
    service: &Service,
    request: &GetExperienceMetricsRequest,
) -> GetExperienceMetricsResponse {
    let mut client = SentimentServiceClient::new(service.channel());
    let answer = client.get_experience_metrics(*request).await;
    answer.unwrap().into_inner()
}

/// The metric of a name and group, over all periods that were asked for.
fn find<'a>(
    answer: &'a GetExperienceMetricsResponse,
    name: &str,
    group: &str,
) -> Vec<&'a ExperienceMetric> {
    let wanted = |one: &&ExperienceMetric| one.name == name && one.group == group;
    answer.metrics.iter().filter(wanted).collect()
}

/// Asks until a figure is as expected.
async fn until(
    service: &Service,
    request: &GetExperienceMetricsRequest,
    expected: impl Fn(&GetExperienceMetricsResponse) -> bool,
) -> GetExperienceMetricsResponse {
    let end = Instant::now() + Duration::from_mins(1);
    loop {
        let answer = ask(service, request).await;
        if expected(&answer) {
            return answer;
        }
        assert!(Instant::now() < end, "not counted in time: {answer:?}");
        sleep(Duration::from_millis(100)).await;
    }
}

fn of_a_year(policy: AnswerPolicy, breakdown: MetricBreakdown) -> GetExperienceMetricsRequest {
    GetExperienceMetricsRequest {
        period: MetricPeriod::Year.into(),
        from: make::at(0),
        before: make::at(400 * DAY),
        policy: policy.into(),
        breakdown: breakdown.into(),
        ..GetExperienceMetricsRequest::default()
    }
}

fn nps(promoters: f64, detractors: f64, n: f64) -> f64 {
    100.0 * (promoters - detractors) / n
}

fn near(value: Option<f64>, expected: f64) -> bool {
    value.is_some_and(|value| (value - expected).abs() < 1e-9)
}

#[tokio::test(flavor = "multi_thread")]
async fn surveys_count_each_customer_once_through_merges_and_undos() {
    let service = Service::start().await;
    // Twelve customers; the first answers twice, 2 and later 10; five are promoters, six detractors besides.
    let mut answers = vec![answered(0, 1, 1, 2, "web"), answered(1, 5, 1, 10, "store")];
    for who in 2..=12 {
        let value = if who <= 6 { 9 } else { 3 };
        let channel = if who % 2 == 0 { "web" } else { "store" };
        answers.push(answered(who, 2, who, value, channel));
    }
    service.record_all(answers).await;

    let latest = of_a_year(AnswerPolicy::Unspecified, MetricBreakdown::Unspecified);
    let counted = |n: i64| {
        move |answer: &GetExperienceMetricsResponse| {
            find(answer, "nps", "").iter().map(|one| one.n).sum::<i64>() == n
        }
    };
    let answer = until(&service, &latest, counted(12)).await;
    let found = find(&answer, "nps", "");
    assert!(near(found[0].value, nps(6.0, 6.0, 12.0)), "{found:?}");
    assert!(found[0].low < found[0].value && found[0].value < found[0].high);
    assert_eq!(
        (found[0].unit.as_str(), found[0].withheld),
        ("points", false)
    );

    let all = of_a_year(AnswerPolicy::All, MetricBreakdown::Channel);
    let answer = ask(&service, &all).await;
    assert!(near(find(&answer, "nps", "")[0].value, nps(6.0, 7.0, 13.0)));
    let web = find(&answer, "nps", "web");
    // Seven of them: fewer than the floor, so how many is said and the figure is not.
    assert_eq!((web[0].n, web[0].value, web[0].withheld), (7, None, true));

    // A promoter and a detractor are one person, who answered 3 last.
    let merge = MergeProfilesRequest {
        operation_id: "one".to_owned(),
        reason: "a test".to_owned(),
        target: make::by("email=c2@example.com"),
        source: make::by("email=c12@example.com"),
        ..MergeProfilesRequest::default()
    };
    service.identities().merge_profiles(merge).await.unwrap();
    let answer = until(&service, &latest, counted(11)).await;
    assert!(near(find(&answer, "nps", "")[0].value, nps(5.0, 6.0, 11.0)));
    let answer = ask(
        &service,
        &of_a_year(AnswerPolicy::All, MetricBreakdown::Unspecified),
    )
    .await;
    assert_eq!(find(&answer, "nps", "")[0].n, 13);

    let undo = UndoDecisionRequest {
        operation_id: "two".to_owned(),
        decision_operation_id: "one".to_owned(),
        ..UndoDecisionRequest::default()
    };
    service.identities().undo_decision(undo).await.unwrap();
    let answer = until(&service, &latest, counted(12)).await;
    assert!(near(find(&answer, "nps", "")[0].value, nps(6.0, 6.0, 12.0)));

    let gone = retracting("gone", &["answer 1"]);
    service.retract(gone).await.unwrap();
    until(&service, &latest, |answer| {
        near(find(answer, "nps", "")[0].value, nps(5.0, 7.0, 12.0))
    })
    .await;
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_counts_members_of_the_period_before() {
    let service = Service::start().await;
    // Twenty customers order in the first month, fifteen of them and four others in the next.
    let order = |who: usize, days: i64| {
        let id = format!("order {who} {days}");
        make::order(&id, days * DAY, &format!("customer_id={who}"), &id, 1_000)
    };
    let mut orders: Vec<Interaction> = (1..=20).map(|who| order(who, 3)).collect();
    orders.extend((6..=24).map(|who| order(who, 3 + 31)));
    service.record_all(orders).await;

    let months = GetExperienceMetricsRequest {
        from: make::at(0),
        before: make::at(90 * DAY),
        ..GetExperienceMetricsRequest::default()
    };
    let answer = until(&service, &months, |answer| {
        find(answer, "active_customers", "")
            .iter()
            .map(|one| one.n)
            .sum::<i64>()
            == 39
    })
    .await;
    let kept = find(&answer, "retention", "");
    let kept: Vec<_> = kept.iter().map(|one| (one.n, one.value)).collect();
    let of_20 = kept.iter().find(|(n, _)| *n == 20).unwrap();
    assert!(near(of_20.1, 15.0 / 20.0), "{kept:?}");
    // Nobody was there before the first: no figure, not 0.
    assert!(kept.contains(&(0, None)), "{kept:?}");
    let left = find(&answer, "churn", "");
    assert!(left.iter().any(|one| one.n == 20 && near(one.value, 0.25)));
    service.assert_agrees().await;
    service.stop().await;
}
