//! What becomes of offers is told in any order, late, with clocks that differ, and without the decision.

use std::time::{Duration, SystemTime};

use customer_profile::proto::v1::{
    ActionOutcome, ConsentState, OutcomeEvent, OutcomeReceipt, OutcomeResult, RecordOutcomesRequest,
};

use super::{
    CATALOGUE, HERO, LETTER, SIDE, WHO, actions, asking, client, decide, decided, explained,
    happened, import, shop, tell,
};
use crate::harness::{Database, Service, make};

/// Another offer of the upsell's group.
const MORE: &str = "
  - id: more
    description: More of it.
    issue: sell
    group: offers
    channels: [web]
    value: {currency: JPY, minor_units: 50000}
    applicability:
      - {name: knows_the_customer, rule: 'known'}
    attribution_days: 7
    prior: {propensity: 0.5, evidence: 50}
    texts: {en: {title: More, body: Buy}}
";

async fn tell_all(service: &Service, outcomes: Vec<OutcomeEvent>) -> Vec<OutcomeResult> {
    let request = RecordOutcomesRequest { outcomes };
    let answer = client(service).record_outcomes(request).await.unwrap();
    answer.into_inner().results
}

fn unnamed(event: &str, action: &str, outcome: ActionOutcome) -> OutcomeEvent {
    OutcomeEvent {
        lookup: make::by(WHO),
        ..happened(event, "", action, outcome)
    }
}

#[tokio::test]
async fn a_conversion_finds_its_offer_before_and_beside_what_tells_of_it() {
    let service = shop(Database::new().await).await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    service
        .record_one(make::consent("2", 5, WHO, ConsentState::Granted, None))
        .await;
    // The fallback is not reserved, so that nothing is known of it until somebody tells.
    decided(&service, WHO, "first", &[HERO]).await;
    let again = decided(&service, WHO, "page", &[HERO]).await;
    assert_eq!(actions(&again), ["home"]);
    let told = vec![
        unnamed("c1", "home", ActionOutcome::Accepted),
        happened("i1", "page", "home", ActionOutcome::Impression),
    ];
    // By what happened and not by what was told first.
    let mut told = told;
    told[0].occurred_at = Some((SystemTime::now() + Duration::from_secs(5)).into());
    for result in tell_all(&service, told).await {
        assert_eq!(result.receipt(), OutcomeReceipt::Recorded, "{result:?}");
        assert_eq!(result.decision_id, "page");
    }
    // A letter is under way from the moment that it is reserved.
    assert_eq!(
        actions(&decided(&service, WHO, "letter", &[LETTER]).await),
        ["letter"]
    );
    let bought = unnamed("c2", "letter", ActionOutcome::Accepted);
    let result = tell_all(&service, vec![bought]).await.remove(0);
    assert_eq!(
        (result.receipt(), result.decision_id.as_str()),
        (OutcomeReceipt::Recorded, "letter")
    );
    service.assert_agrees().await;
}

#[tokio::test]
async fn a_group_finds_the_last_offer_of_a_page_with_several_of_it() {
    let service = shop(Database::new().await).await;
    import(&service, "more", &format!("{CATALOGUE}{MORE}")).await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    let page = decided(&service, WHO, "page", &[HERO, SIDE]).await;
    let shown = actions(&page);
    assert!(
        ["more", "upsell"]
            .iter()
            .all(|one| shown.contains(&(*one).to_owned())),
        "{shown:?}"
    );
    let mut told: Vec<OutcomeEvent> = shown
        .iter()
        .map(|action| happened(action, "page", action, ActionOutcome::Impression))
        .collect();
    told[1].occurred_at = Some((SystemTime::now() + Duration::from_secs(1)).into());
    tell_all(&service, told).await;
    let bought = OutcomeEvent {
        action_id: String::new(),
        group: "offers".into(),
        occurred_at: Some((SystemTime::now() + Duration::from_secs(2)).into()),
        ..unnamed("bought", "", ActionOutcome::Accepted)
    };
    let result = tell_all(&service, vec![bought]).await.remove(0);
    assert_eq!(result.receipt(), OutcomeReceipt::Recorded, "{result:?}");
    assert_eq!(result.action_id, shown[1]);
}

#[tokio::test]
async fn what_a_lost_decision_brought_goes_where_it_would_without_its_name() {
    let service = shop(Database::new().await).await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    decided(&service, WHO, "kept", &[HERO]).await;
    let lost = OutcomeEvent {
        lookup: make::by(WHO),
        ..happened("b1", "lost", "upsell", ActionOutcome::Accepted)
    };
    let result = tell_all(&service, vec![lost.clone()]).await.remove(0);
    assert_eq!(
        (result.receipt(), result.decision_id.as_str()),
        (OutcomeReceipt::Recorded, "kept")
    );
    let again = tell_all(&service, vec![lost]).await.remove(0);
    assert_eq!(again.receipt(), OutcomeReceipt::Duplicate);
    let nowhere = happened("b2", "lost", "upsell", ActionOutcome::Accepted);
    assert_eq!(
        tell(&service, nowhere).await.0,
        OutcomeReceipt::Unattributed
    );
    let vague = OutcomeEvent {
        lookup: make::by(WHO),
        ..happened("b3", "lost", "", ActionOutcome::Accepted)
    };
    let result = tell_all(&service, vec![vague]).await.remove(0);
    assert_eq!(result.receipt(), OutcomeReceipt::Rejected);
    assert_eq!(result.violations[0].field, "action_id");
}

#[tokio::test]
async fn a_reporter_whose_clock_is_behind_defeats_no_cap() {
    let service = shop(Database::new().await).await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    let first = decided(&service, WHO, "first", &[HERO]).await;
    assert_eq!(actions(&first), ["upsell"]);
    let long_ago = SystemTime::now() - Duration::from_hours(40 * 24);
    let seen = OutcomeEvent {
        occurred_at: Some(long_ago.into()),
        ..happened("late", "first", "upsell", ActionOutcome::Impression)
    };
    assert_eq!(tell(&service, seen).await.0, OutcomeReceipt::Recorded);
    let next = decided(&service, WHO, "next", &[HERO]).await;
    assert_eq!(actions(&next), ["home"], "once in 30 days");
    let offered = &explained(&service, "first").await.placements[0].actions[0];
    assert_eq!(offered.outcome(), ActionOutcome::Impression);
    service.assert_agrees().await;
}

#[tokio::test]
async fn what_became_of_a_strangers_offer_is_new_once() {
    let service = shop(Database::new().await).await;
    decide(&service, asking(None, "nobody", &[HERO]))
        .await
        .unwrap();
    let seen = happened("s1", "nobody", "home", ActionOutcome::Impression);
    assert_eq!(
        tell(&service, seen.clone()).await,
        (OutcomeReceipt::Recorded, ActionOutcome::Impression)
    );
    assert_eq!(tell(&service, seen).await.0, OutcomeReceipt::Duplicate);
    let followed = happened("s2", "nobody", "home", ActionOutcome::Clicked);
    assert_eq!(
        tell(&service, followed).await,
        (OutcomeReceipt::Recorded, ActionOutcome::Clicked)
    );
}
