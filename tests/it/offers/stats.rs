//! What actions were offered for and what came of it.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use customer_profile::{
    experience::measure::{Z_95, wilson},
    proto::v1::{
        ActionGate, ActionOutcome, ActionStats, ChosenAction, GetActionStatsRequest,
        GetActionStatsResponse, PropensityLevel,
    },
};
use tonic::Code;

use super::{HERO, client, decided, happened, shop, tell};
use crate::harness::{Database, Service, make, refused::assert_invalid};

const PEOPLE: usize = 30;

async fn stats(service: &Service, request: GetActionStatsRequest) -> GetActionStatsResponse {
    let answer = client(service).get_action_stats(request).await.unwrap();
    answer.into_inner()
}

fn of<'a>(answer: &'a GetActionStatsResponse, action: &str) -> &'a ActionStats {
    let mut all = answer.actions.iter();
    all.find(|one| one.action_id == action).unwrap()
}

/// Decides for everybody; what was offered to each.
async fn offered(service: &Service) -> Vec<(String, ChosenAction)> {
    let mut offered = Vec::new();
    for n in 0..PEOPLE {
        let who = format!("email=p{n}@example.com");
        service
            .record_one(make::seen(&format!("s{n}"), 0, &[&who]))
            .await;
        let id = format!("d{n}");
        let answer = decided(service, &who, &id, &[HERO]).await;
        let mut placements = answer.decision.unwrap().placements;
        offered.push((id, placements.remove(0).actions.remove(0)));
    }
    offered
}

/// As if everything that is known of offers had happened so many days ago.
async fn age(database: &Database, days: i32) {
    let mut connection = database.connect().await;
    for statement in [
        "UPDATE outcomes SET decided_at = decided_at - make_interval(days => $1),
            not_delivered_at = not_delivered_at - make_interval(days => $1), sent_at = sent_at - make_interval(days => $1),
            shown_at = shown_at - make_interval(days => $1), clicked_at = clicked_at - make_interval(days => $1),
            accepted_at = accepted_at - make_interval(days => $1), rejected_at = rejected_at - make_interval(days => $1)",
        "UPDATE offers SET decided_at = decided_at - make_interval(days => $1)
         WHERE decision_key IN (SELECT decision_key FROM outcomes)",
    ] {
        sqlx::query(statement).bind(days).execute(&mut connection).await.unwrap();
    }
}

#[tokio::test]
async fn offers_and_what_came_of_them_are_counted_as_they_are_known_now() {
    use ActionOutcome as Told;
    let database = Database::new().await;
    let service = shop(database.clone()).await;
    let offered = offered(&service).await;
    // Decisions that reserve nothing are stored within a second.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let upsells = offered
        .iter()
        .filter(|(_, chosen)| chosen.action_id == "upsell");
    let upsells: Vec<&(String, ChosenAction)> = upsells.collect();
    assert!(upsells.len() > PEOPLE * 3 / 4, "{}", upsells.len());
    let words = [
        Told::Impression,
        Told::Clicked,
        Told::Accepted,
        Told::Rejected,
        Told::NotDelivered,
        Told::Unspecified,
    ];
    let mut expected = 0.0;
    let mut counts: HashMap<Told, i64> = HashMap::new();
    // One half is older than the attribution window of 7 days.
    let (old, new): (Vec<_>, Vec<_>) = upsells.iter().enumerate().partition(|(n, _)| n % 12 < 6);
    for (told, is_old) in [(old, true), (new, false)] {
        for (n, (id, chosen)) in told {
            let word = words[n % words.len()];
            *counts.entry(word).or_default() += 1;
            if word == Told::Unspecified {
                continue;
            }
            tell(&service, happened(&format!("e{n}"), id, "upsell", word)).await;
            if is_old && word != Told::NotDelivered {
                expected += chosen.terms.as_ref().unwrap().propensity;
            }
        }
        if is_old {
            age(&database, 8).await;
        }
    }
    let answer = stats(&service, GetActionStatsRequest::default()).await;
    let upsell = of(&answer, "upsell");
    let total = upsell.total.unwrap();
    let made = i64::try_from(upsells.len()).unwrap();
    let count = |word: Told| counts.get(&word).copied().unwrap_or_default();
    let delivered = made - count(Told::NotDelivered) - count(Told::Unspecified);
    assert_eq!(total.made, made);
    assert_eq!(total.not_delivered, count(Told::NotDelivered));
    assert_eq!((total.delivered, total.seen), (delivered, delivered));
    assert_eq!(total.clicked, count(Told::Clicked));
    assert_eq!(total.accepted, count(Told::Accepted));
    assert_eq!(total.rejected, count(Told::Rejected));
    assert_eq!(total.successes, count(Told::Accepted));
    let rate = total.success_rate.unwrap();
    let real = |count: i64| f64::from(i32::try_from(count).unwrap());
    let share = real(count(Told::Accepted)) / real(delivered);
    let (low, high) = wilson(share, real(delivered), Z_95).unwrap();
    assert_eq!(rate.n, delivered);
    assert_eq!((rate.value, rate.low, rate.high), (share, low, high));
    // By channel and by version it is the same, since there is one of each.
    assert_eq!(upsell.versions.len(), 1);
    assert_eq!(upsell.versions[0].counts, upsell.total);
    let web = &upsell.channels[0];
    assert_eq!((upsell.channels.len(), web.channel.as_str()), (1, "web"));
    assert_eq!(web.counts, upsell.total);
    let belief = web.belief.unwrap();
    assert_eq!(belief.level(), PropensityLevel::Prior);
    assert!((belief.propensity - 0.5).abs() < 1e-12);
    assert!(belief.low < 0.5 && belief.high > 0.5);
    assert_eq!((belief.effective_n, belief.prior_evidence), (0.0, 50.0));
    let calibration = web.calibration.unwrap();
    assert!(
        (calibration.expected - expected).abs() < 1e-9,
        "{calibration:?}"
    );
    let ratio = real(calibration.observed) / expected;
    assert!((calibration.ratio - ratio).abs() < 1e-9 && !calibration.flagged);
    // A yes that is told later corrects what was known, in the same period.
    let (unsaid, _) = upsells[5];
    tell(&service, happened("late", unsaid, "upsell", Told::Accepted)).await;
    let answer = stats(&service, GetActionStatsRequest::default()).await;
    let later = of(&answer, "upsell").total.unwrap();
    assert_eq!(later.accepted, total.accepted + 1);
    assert_eq!((later.made, later.delivered), (made, delivered + 1));
    // Before there was anything, there is nothing.
    let before = SystemTime::now() - Duration::from_hours(10 * 24);
    let earlier = GetActionStatsRequest {
        before: Some(before.into()),
        ..GetActionStatsRequest::default()
    };
    let answer = stats(&service, earlier).await;
    assert_eq!(of(&answer, "upsell").total.unwrap().made, 0);
}

#[tokio::test]
async fn gates_that_kept_actions_out_are_counted_and_pages_are_the_whole() {
    let service = shop(Database::new().await).await;
    offered(&service).await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let asked = GetActionStatsRequest {
        gates: true,
        ..GetActionStatsRequest::default()
    };
    let whole = stats(&service, asked.clone()).await;
    assert_eq!(whole.gates_over_decisions, 30);
    let stops = |action: &str| -> Vec<(ActionGate, i64)> {
        let stops = &of(&whole, action).stops;
        stops
            .iter()
            .map(|stop| (stop.gate(), stop.placements))
            .collect()
    };
    assert_eq!(stops("help"), [(ActionGate::Applicability, 30)]);
    assert_eq!(stops("upsell"), [(ActionGate::Unspecified, 30)]);
    assert_eq!(stops("letter"), []);
    let mut paged = Vec::new();
    let mut token = String::new();
    loop {
        let request = GetActionStatsRequest {
            page_size: 1,
            page_token: token,
            ..asked.clone()
        };
        let page = stats(&service, request).await;
        assert!(page.actions.len() <= 1);
        paged.extend(page.actions);
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, whole.actions);
    let some = GetActionStatsRequest {
        action_ids: vec!["letter".into(), "home".into()],
        ..GetActionStatsRequest::default()
    };
    let some = stats(&service, some).await;
    let ids: Vec<&str> = some.actions.iter().map(|a| a.action_id.as_str()).collect();
    assert_eq!(ids, ["home", "letter"]);
    let wrong = GetActionStatsRequest {
        action_ids: vec!["home".into(), "home".into(), "Not a slug".into()],
        from: Some(SystemTime::now().into()),
        before: Some((SystemTime::now() - Duration::from_mins(1)).into()),
        page_size: 101,
        ..GetActionStatsRequest::default()
    };
    let status = client(&service).get_action_stats(wrong).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_invalid(
        &status,
        &[
            ("before", "out_of_range"),
            ("action_ids[1]", "duplicate_name"),
            ("action_ids[2]", "not_a_slug"),
            ("page_size", "out_of_range"),
        ],
    );
}
