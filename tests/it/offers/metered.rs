//! What metrics say of each action.

use customer_profile::proto::v1::{ActionOutcome, GetNextBestActionsRequest, OutcomeReceipt};
use prost::Message as _;

use super::{
    CATALOGUE, HERO, LETTER, WHO, actions, asking, decide, decided, explained, happened, import,
    tell,
};
use crate::{
    harness::{Database, Service, make},
    health::page,
};

/// Metrics are of the process, so the actions here have names that no other test has.
fn renamed() -> String {
    CATALOGUE
        .replace("id: upsell", "id: metered_upsell")
        .replace("id: letter", "id: metered_letter")
}

/// The value of a series; 0 before its first observation.
async fn value(service: &Service, series: &str) -> f64 {
    let (_, text) = page(&service.metrics_url(), "/metrics").await;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map_or(0.0, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_outcomes_and_stops_are_counted_by_action_and_by_reason() {
    let service = Service::with(Database::new().await, &[]).await;
    import(&service, "first", &renamed()).await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    let offers = "customer_profile_action_offers_total{action=\"metered_upsell\"}";
    let never = "customer_profile_action_gate_stops_total{gate=\"consent\",reason=\"never_given\"}";
    let dry = GetNextBestActionsRequest {
        dry_run: true,
        ..asking(Some(WHO), "", &[HERO, LETTER])
    };
    decide(&service, dry).await.unwrap();
    assert_eq!(
        value(&service, offers).await,
        0.0,
        "a dry run offers nothing"
    );
    let stopped = value(&service, never).await;
    let made = decided(&service, WHO, "one", &[HERO, LETTER]).await;
    assert_eq!(actions(&made), ["metered_upsell"]);
    assert!(
        decided(&service, WHO, "one", &[HERO, LETTER])
            .await
            .repeated
    );
    assert_eq!(value(&service, offers).await, 1.0, "a retry offers nothing");
    assert!(value(&service, never).await > stopped, "the letter");
    let whole = explained(&service, "one").await;
    let candidates: usize = whole
        .placements
        .iter()
        .map(|one| one.candidates.len())
        .sum();
    println!(
        "{} bytes of {candidates} explained candidates",
        whole.encoded_len()
    );
    let chosen = &made.decision.unwrap().placements[0].actions[0];
    let sum = "customer_profile_action_propensity_sum{action=\"metered_upsell\"}";
    assert_eq!(value(&service, sum).await, chosen.propensity);
    let yes = happened("yes", "one", "metered_upsell", ActionOutcome::Accepted);
    for wanted in [OutcomeReceipt::Recorded, OutcomeReceipt::Duplicate] {
        let (receipt, _) = tell(&service, yes.clone()).await;
        assert_eq!(receipt, wanted);
    }
    let accepted = "customer_profile_action_offer_outcomes_total{action=\"metered_upsell\",outcome=\"accepted\"}";
    assert_eq!(
        value(&service, accepted).await,
        1.0,
        "each event counts once"
    );
    // The cap holds now.
    decided(&service, WHO, "two", &[HERO]).await;
    let capped = "customer_profile_action_gate_stops_total{gate=\"contact\",reason=\"capped\"}";
    assert!(value(&service, capped).await >= 1.0);
    assert_eq!(
        value(
            &service,
            "customer_profile_action_offers_total{action=\"metered_letter\"}"
        )
        .await,
        0.0
    );
}
