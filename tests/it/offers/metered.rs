//! What metrics say of each action.

use customer_profile::proto::v1::{ActionOutcome, GetNextBestActionsRequest, OutcomeReceipt};

use super::{
    CATALOGUE, HERO, LETTER, WHO, actions, asking, decide, decided, happened, import, tell,
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

/// The value of a series, as it is printed; 0 before its first observation.
async fn value(service: &Service, series: &str) -> String {
    let (_, text) = page(&service.metrics_url(), "/metrics").await;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or("0").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_outcomes_and_stops_are_counted_by_action_and_by_reason() {
    let service = Service::with(Database::new().await, &[]).await;
    import(&service, "first", &renamed()).await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    let of = |metric: &str, labels: &str| format!("customer_profile_action_{metric}{{{labels}}}");
    let offers = of("offers_total", "action=\"metered_upsell\"");
    // Other tests count into these too.
    let never = of(
        "gate_stops_total",
        "gate=\"consent\",reason=\"never_given\"",
    );
    let capped = of("gate_stops_total", "gate=\"contact\",reason=\"capped\"");
    let dry = GetNextBestActionsRequest {
        dry_run: true,
        ..asking(Some(WHO), "", &[HERO, LETTER])
    };
    decide(&service, dry).await.unwrap();
    assert_eq!(value(&service, &offers).await, "0", "of a dry run");
    let before = value(&service, &never).await;
    let made = decided(&service, WHO, "one", &[HERO, LETTER]).await;
    assert_eq!(actions(&made), ["metered_upsell"]);
    let again = decided(&service, WHO, "one", &[HERO, LETTER]).await;
    assert!(again.repeated);
    assert_eq!(value(&service, &offers).await, "1", "not of a retry");
    assert_ne!(value(&service, &never).await, before, "the letter");
    let chosen = &made.decision.unwrap().placements[0].actions[0];
    let sum = of("propensity_sum", "action=\"metered_upsell\"");
    let logged = chosen.propensity.to_string();
    assert_eq!(value(&service, &sum).await, logged);
    let yes = happened("yes", "one", "metered_upsell", ActionOutcome::Accepted);
    for wanted in [OutcomeReceipt::Recorded, OutcomeReceipt::Duplicate] {
        let (receipt, _) = tell(&service, yes.clone()).await;
        assert_eq!(receipt, wanted);
    }
    let accepted = "action=\"metered_upsell\",outcome=\"accepted\"";
    let accepted = of("offer_outcomes_total", accepted);
    assert_eq!(value(&service, &accepted).await, "1", "once for each event");
    let before = value(&service, &capped).await;
    decided(&service, WHO, "two", &[HERO]).await;
    assert_ne!(value(&service, &capped).await, before, "the cap holds now");
    let letters = of("offers_total", "action=\"metered_letter\"");
    assert_eq!(value(&service, &letters).await, "0");
}
