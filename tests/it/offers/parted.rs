//! Customers who are joined, and parted again: offers, caps, outcomes and holdout groups go with them.

use customer_profile::proto::v1::{
    ActionOutcome, GetLiftRequest, HoldoutGroup, MergeProfilesRequest, OutcomeEvent,
    OutcomeReceipt, RecordOutcomesRequest, SeparateIdentifiersRequest, UndoDecisionRequest,
};

use super::{
    CATALOGUE, HERO, WHO, actions, assert_replays, client, decided, happened, import, shop, tell,
};
use crate::harness::{Database, Service, make};

const ANNA: &str = "customer_id=anna";

/// How two customers become one, and two again.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    MergedAndUndone,
    SeenTogetherAndSeparated,
}

const WAYS: [Way; 2] = [Way::MergedAndUndone, Way::SeenTogetherAndSeparated];

async fn join(service: &Service, way: Way, (one, other): (&str, &str)) {
    match way {
        Way::MergedAndUndone => {
            let request = MergeProfilesRequest {
                operation_id: "merge".into(),
                target: make::by(one),
                source: make::by(other),
                ..MergeProfilesRequest::default()
            };
            let merged = service.identities().merge_profiles(request).await;
            merged.unwrap();
        }
        Way::SeenTogetherAndSeparated => {
            let together = make::seen("together", 9, &[one, other]);
            service.record_one(together).await;
        }
    }
}

async fn part(service: &Service, way: Way, other: &str) {
    match way {
        Way::MergedAndUndone => {
            let request = UndoDecisionRequest {
                operation_id: "undo".into(),
                decision_operation_id: "merge".into(),
                ..UndoDecisionRequest::default()
            };
            let undone = service.identities().undo_decision(request).await;
            undone.unwrap();
        }
        Way::SeenTogetherAndSeparated => {
            let request = SeparateIdentifiersRequest {
                operation_id: "separate".into(),
                identifiers: vec![make::identifier(other)],
                ..SeparateIdentifiersRequest::default()
            };
            let parted = service.identities().separate_identifiers(request).await;
            parted.unwrap();
        }
    }
}

async fn offered(service: &Service, who: &str, id: &str) -> bool {
    let shown = actions(&decided(service, who, id, &[HERO]).await);
    shown == ["upsell"]
}

/// The decision that an outcome without one goes to.
async fn due(service: &Service, who: &str, event: &str) -> String {
    let event = OutcomeEvent {
        lookup: make::by(who),
        ..happened(event, "", "upsell", ActionOutcome::Accepted)
    };
    let request = RecordOutcomesRequest {
        outcomes: vec![event],
    };
    let answer = client(service).record_outcomes(request).await.unwrap();
    answer.into_inner().results.remove(0).decision_id
}

#[tokio::test]
async fn caps_and_outcomes_unite_and_part() {
    for way in WAYS {
        let service = shop(Database::new().await).await;
        service.record_one(make::seen("1", 0, &[WHO])).await;
        service.record_one(make::seen("2", 1, &[ANNA])).await;
        assert!(offered(&service, WHO, "his").await, "{way:?}");
        let seen = happened("seen", "his", "upsell", ActionOutcome::Impression);
        let (receipt, _) = tell(&service, seen).await;
        assert_eq!(receipt, OutcomeReceipt::Recorded);
        assert_eq!(due(&service, ANNA, "before").await, "", "{way:?}");
        join(&service, way, (WHO, ANNA)).await;
        // What he saw counts for her, and what she does may be due to it.
        assert!(!offered(&service, ANNA, "joined").await, "{way:?}");
        assert_eq!(due(&service, ANNA, "meanwhile").await, "his", "{way:?}");
        part(&service, way, ANNA).await;
        assert!(!offered(&service, WHO, "his again").await, "{way:?}");
        assert!(offered(&service, ANNA, "hers").await, "{way:?}");
        assert!(!offered(&service, ANNA, "hers again").await, "{way:?}");
        assert_eq!(due(&service, ANNA, "after").await, "hers", "{way:?}");
        assert_eq!(due(&service, WHO, "after too").await, "his", "{way:?}");
        for id in ["his", "joined", "his again", "hers", "hers again"] {
            assert_replays(&service, id).await;
        }
        service.assert_agrees().await;
    }
}

async fn group(service: &Service, who: &str, id: &str) -> HoldoutGroup {
    let answer = decided(service, who, id, &[HERO]).await;
    answer.decision.unwrap().holdout_group()
}

async fn merged(service: &Service) -> i64 {
    let answer = client(service).get_lift(GetLiftRequest::default()).await;
    answer.unwrap().into_inner().merged
}

#[tokio::test]
async fn holdout_groups_unite_and_part() {
    for way in WAYS {
        let service = Service::with(Database::new().await, &[]).await;
        let held = CATALOGUE.replace("universal: 0.0, random: 0.0", "universal: 0.2, random: 0.2");
        import(&service, "first", &held).await;
        let mut known: Vec<(String, HoldoutGroup)> = Vec::new();
        for n in 0..120 {
            // An identifier of each kind, so that they can be one person.
            let kind = ["email=p", "customer_id=p"][n % 2];
            let end = ["@example.com", ""][n % 2];
            let who = format!("{kind}{n}{end}");
            service
                .record_one(make::seen(&format!("s{n}"), 0, &[&who]))
                .await;
            let group = group(&service, &who, &format!("d{n}")).await;
            known.push((who, group));
        }
        let find = |kind: &str, wanted: HoldoutGroup| {
            let mut all = known.iter();
            let found = all.find(|(who, of)| who.starts_with(kind) && *of == wanted);
            found.unwrap().0.clone()
        };
        let (his, hers) = (HoldoutGroup::Policy, HoldoutGroup::HeldOut);
        let (he, she) = (find("email", his), find("customer_id", hers));
        assert_eq!(merged(&service).await, 0);
        join(&service, way, (&he, &she)).await;
        // The group that interferes least, and nobody whom a lift could count.
        for who in [&he, &she] {
            let group = group(&service, who, &format!("joined {who}")).await;
            assert_eq!(group, hers, "{way:?}");
        }
        assert_eq!(merged(&service).await, 1, "{way:?}");
        part(&service, way, &she).await;
        assert_eq!(group(&service, &he, "his").await, his, "{way:?}");
        assert_eq!(group(&service, &she, "hers").await, hers, "{way:?}");
        assert_eq!(merged(&service).await, 0, "{way:?}");
        for id in ["his", "hers"] {
            assert_replays(&service, id).await;
        }
        service.assert_agrees().await;
    }
}
