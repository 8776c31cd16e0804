//! Figures of the population: equal to counting by hand, each customer once however profiles merge and part.

use std::{collections::HashMap, time::Duration};

use customer_profile::{
    clock::{Clock, Micros},
    figures::fit_models,
    ids::TenantId,
    proto::v1::{
        AnswerPolicy, ExperienceMetric, GetExperienceMetricsRequest, GetExperienceMetricsResponse,
        Interaction, KeyDriverQuadrant, MergeProfilesRequest, MetricBreakdown, MetricPeriod, Money,
        Profile, SurveyScale, UndoDecisionRequest,
        sentiment_service_client::SentimentServiceClient,
    },
    storage::figures::counted_to,
};
use tokio::time::{Instant, sleep};

use crate::harness::{Random, Service, calls::retracting, make, wait};

/// Seconds.
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
    // Twelve gave 13 answers: one of them two, which are worth one.
    let clustered = find(&answer, "nps", "")[0];
    assert!((clustered.effective_n - 13.0 * 13.0 / 15.0).abs() < 1e-9);
    assert_eq!(
        (answer.policy(), answer.breakdown(), answer.period()),
        (
            AnswerPolicy::All,
            MetricBreakdown::Channel,
            MetricPeriod::Year
        )
    );
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
        let active = find(answer, "active_customers", "");
        let kept = find(answer, "retention", "");
        active.iter().map(|one| one.n).sum::<i64>() == 39
            && kept.iter().all(|one| one.absent != "not_over")
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
    let of_year = find(&answer, "churn_annual", "");
    let expected = 1.0 - 0.75_f64.powi(12);
    assert!(of_year.iter().any(|one| near(one.value, expected)));

    // Who has not come back in this month still may.
    let now = GetExperienceMetricsRequest {
        from: Some(Clock::system().now().to_proto()),
        ..GetExperienceMetricsRequest::default()
    };
    let answer = ask(&service, &now).await;
    for name in ["retention", "churn", "churn_annual"] {
        let found = find(&answer, name, "");
        let (value, absent) = (found[0].value, found[0].absent.as_str());
        assert_eq!(
            (found.len(), value, absent),
            (1, None, "not_over"),
            "{name}"
        );
    }
    // What was not asked for is told as it was taken.
    assert_eq!(
        (answer.policy(), answer.period(), answer.horizon_weeks),
        (AnswerPolicy::Latest, MetricPeriod::Month, 52)
    );
    assert!(answer.begin.is_some() && answer.end.is_some() && answer.modelled_on.is_none());
    service.assert_agrees().await;
    service.stop().await;
}

/// Eighty customers who order as often as each does until they stop, at random but for two: the first orders every month
/// for a year, the fourteenth twice at the start.
fn shoppers(start: i64) -> Vec<Interaction> {
    let mut random = Random::new(7);
    let mut orders: Vec<(usize, i64)> = (0..12).map(|month| (1, 30 * month)).collect();
    orders.extend([(14, 1), (14, 11)]);
    for who in (2..=80).filter(|who| *who != 14) {
        let mut day = i64::try_from(random.below(60)).unwrap();
        let gap = 10 + random.below(70);
        while day < 340 {
            orders.push((who, day));
            if random.once_in(4) {
                break;
            }
            day += 1 + i64::try_from(gap / 2 + random.below(gap)).unwrap();
        }
    }
    let order = |(who, day): (usize, i64)| {
        let (id, who) = (
            format!("order {who} {day}"),
            format!("email=c{who}@example.com"),
        );
        make::order(&id, (start + day) * DAY, &who, &id, 1_000)
    };
    orders.into_iter().map(order).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn value_and_risk_follow_from_how_others_buy() {
    let service = Service::start().await;
    let now = Clock::system().now();
    // What a profile shows is of now, and the last orders came this month.
    let start = (now.0 / Micros::SECOND - make::at(0).unwrap().seconds) / DAY - 345;
    let mut orders = shoppers(start);
    // One more, who pays in another currency.
    orders.extend([10, 100, 200].map(|day| {
        let id = format!("order abroad {day}");
        Interaction {
            money: Some(Money {
                currency: "USD".to_owned(),
                minor_units: 900_000,
            }),
            ..make::order(&id, (start + day) * DAY, "email=abroad@example.com", &id, 0)
        }
    }));
    let mut of_each: HashMap<String, i64> = HashMap::new();
    for order in &orders {
        *of_each
            .entry(order.identifiers[0].value.clone())
            .or_default() += 1;
    }
    let repeated: i64 = of_each.values().map(|orders| (*orders).min(2) - 1).sum();
    service.record_all(orders).await;
    let upset = Interaction {
        text: Some("This is the third time it broke. I am closing my account.".to_owned()),
        ..make::ticket(
            "upset",
            (start + 340) * DAY,
            "email=c13@example.com",
            "opened",
            "t1",
        )
    };
    service.record_one(upset).await;
    let bare = service.profile("email=c1@example.com").await.value.unwrap();
    assert_eq!(
        (bare.order_days, bare.p_alive),
        (12, None),
        "there is no model yet"
    );

    let opened = service.server().opened();
    let recorded = Clock::system().now();
    wait::until("everything is counted", async || {
        let mut connection = opened.storage.acquire().await.unwrap();
        counted_to(&mut connection).await.unwrap() > recorded
    })
    .await;
    let models = fit_models(&opened.storage, &HashMap::new(), now)
        .await
        .unwrap();
    let model = &models[&TenantId::default_tenant()];
    assert!(
        model.ordering.is_some() && model.currency == "JPY",
        "{model:?}"
    );
    // Of the same day the stored one is taken, and of the one that is known nothing is read.
    let again = fit_models(&opened.storage, &models, now).await.unwrap();
    assert_eq!(again[&TenantId::default_tenant()].day, model.day);
    opened.tenants.put_models(models);

    let alive = |profile: &Profile| profile.value.as_ref().unwrap().p_alive.unwrap();
    let faithful = service.profile("email=c1@example.com").await;
    let gone = service.profile("email=c14@example.com").await;
    let (stays, left) = (alive(&faithful), alive(&gone));
    assert!(0.0 < left && left < stays && stays <= 1.0, "{left} {stays}");
    let scores = |profile: &Profile| {
        let value = profile.value.as_ref().unwrap();
        (value.recency_score.unwrap(), value.frequency_score.unwrap())
    };
    assert!(scores(&faithful) > scores(&gone));
    let abroad = service.profile("email=abroad@example.com").await;
    let abroad = abroad.value.unwrap();
    assert!(abroad.p_alive.is_some() && abroad.frequency_score.is_some());
    assert_eq!((abroad.money_score, abroad.lifetime_value), (None, None));
    let risk = |profile: Profile| profile.leaving_risk.unwrap();
    let leaving = risk(service.profile("email=c13@example.com").await);
    let parts: f64 = leaving
        .reasons
        .iter()
        .map(|reason| reason.contribution)
        .sum();
    assert!((leaving.score - parts).abs() < 1e-9, "{leaving:?}");
    let kinds: Vec<&str> = leaving
        .reasons
        .iter()
        .map(|reason| reason.kind.as_str())
        .collect();
    assert!(
        kinds.contains(&"said_so") && kinds.contains(&"open_complaints"),
        "{kinds:?}"
    );
    assert!(leaving.score > risk(gone).score);

    assert_year_is_told(&service, start, repeated).await;
    service.assert_agrees().await;
    service.stop().await;
}

/// What is told of all who bought in the 345 days from `start`, `repeated` of them more than once.
async fn assert_year_is_told(service: &Service, start: i64, repeated: i64) {
    let year = GetExperienceMetricsRequest {
        from: make::at(start * DAY),
        before: make::at((start + 345) * DAY),
        ..of_a_year(AnswerPolicy::Unspecified, MetricBreakdown::Unspecified)
    };
    let answer = ask(service, &year).await;
    // Of who ordered once nobody can say whether they are still there.
    for (name, n) in [
        ("customers_alive", repeated),
        ("idle_churn", repeated),
        ("expected_orders", 81),
        ("rfm_recency", 81),
        ("rfm_frequency", 81),
        // No amounts in other currencies.
        ("rfm_money", 80),
    ] {
        let found = find(&answer, name, "")[0];
        assert_eq!(found.n, n, "{name}");
        assert!(found.low <= found.value && found.value <= found.high && found.value.is_some());
    }
    let money = find(&answer, "rfm_money", "")[0];
    assert_eq!((money.unit.as_str(), money.quintiles.len()), ("JPY", 4));
    let churn = find(&answer, "idle_churn", "")[0].value.unwrap();
    assert!(0.0 < churn && churn < 1.0, "{churn}");
    assert!(answer.modelled_on.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_felt_about_topics_is_found_to_drive_answers() {
    let service = Service::start().await;
    let mut told = Vec::new();
    for who in 0..40_usize {
        let (text, value) = if who % 2 == 0 {
            (
                "The delivery was terribly late and the courier lost my parcel.",
                1 + who % 3,
            )
        } else {
            (
                "The delivery was wonderfully quick, thank you!",
                9 + who % 4 / 2,
            )
        };
        let (name, at) = (
            format!("email=c{who}@example.com"),
            i64::try_from(who).unwrap(),
        );
        told.push(Interaction {
            text: Some(text.to_owned()),
            ..make::ticket(
                &format!("said {who}"),
                at,
                &name,
                "opened",
                &format!("t{who}"),
            )
        });
        told.push(answered(who, 1, who, i32::try_from(value).unwrap(), "web"));
    }
    service.record_all(told).await;
    let request = GetExperienceMetricsRequest {
        drivers_of: SurveyScale::Nps.into(),
        ..of_a_year(AnswerPolicy::Unspecified, MetricBreakdown::Unspecified)
    };
    let answer = until(&service, &request, |answer| {
        answer
            .drivers
            .as_ref()
            .is_some_and(|drivers| drivers.n == 40)
    })
    .await;
    let drivers = answer.drivers.unwrap();
    assert!(
        drivers.refused.is_empty() && drivers.r_squared.unwrap() > 0.8,
        "{drivers:?}"
    );
    assert_eq!(drivers.drivers[0].topic, "delivery");
    let delivery = &drivers.drivers[0];
    assert!(delivery.correlation > 0.8 && delivery.correlation_low.unwrap() > 0.0);
    assert_eq!(
        (delivery.n, near(Some(delivery.effective_n), 40.0)),
        (40, true)
    );
    assert_ne!(delivery.quadrant(), KeyDriverQuadrant::Unspecified);
    let seconds = |at: Option<prost_types::Timestamp>| at.unwrap().seconds;
    assert!(seconds(delivery.first_answer) < seconds(delivery.last_answer));
    assert_eq!(drivers.caveat, "association, not cause");
    assert_eq!((drivers.begin, drivers.end), (answer.begin, answer.end));
    // Nobody answered in the years after.
    let later = GetExperienceMetricsRequest {
        from: make::at(800 * DAY),
        before: make::at(1_200 * DAY),
        ..request
    };
    let later = ask(&service, &later).await.drivers.unwrap();
    assert_eq!((later.n, later.refused.as_str()), (0, "too_few_answers"));
    let few = GetExperienceMetricsRequest {
        drivers_of: SurveyScale::Csat5.into(),
        ..request
    };
    assert_eq!(
        ask(&service, &few).await.drivers.unwrap().refused,
        "too_few_answers"
    );
    service.stop().await;
}
