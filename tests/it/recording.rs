//! What becomes of each interaction of a batch.

use customer_profile::proto::v1::{
    ConsentState, Interaction, InteractionOutcome, Money, RecordInteractionsRequest, SubjectKind,
    SubjectStatus, SurveyScale,
};
use prost_types::{Struct, Value, value};

use crate::harness::{
    Service,
    calls::{getting, outcomes, recording, retracting, violations},
    make,
};
use InteractionOutcome::{Conflict, Duplicate, Recorded, Rejected};

const WHO: &str = "email=a@example.com";

fn seen(event_id: &str) -> Interaction {
    make::seen(event_id, 0, &[WHO])
}

#[tokio::test(flavor = "multi_thread")]
async fn each_interaction_of_a_batch_is_answered_by_itself_and_in_order() {
    let service = Service::start().await;
    let mut other = seen("1");
    other.department = "store".into();
    let mut nameless = seen("");
    nameless.source = "Not A Slug".into();
    let batch = vec![seen("1"), nameless, seen("1"), other.clone(), seen("2")];
    let results = service.record(batch.clone()).await;
    let wanted = [Recorded, Rejected, Duplicate, Conflict, Recorded];
    assert_eq!(outcomes(&results), wanted);
    assert_eq!(
        violations(&results[1]),
        [("source", "not_a_slug"), ("event_id", "required")]
    );
    assert_eq!(violations(&results[3]), [("", "conflicting_content")]);
    let ids: Vec<&str> = results.iter().map(|r| r.interaction_id.as_str()).collect();
    assert!(ids[1].is_empty() && ids[0] == ids[2] && ids[0] == ids[3] && ids[0] != ids[4]);
    let again = service.record(batch).await;
    assert_eq!(
        outcomes(&again),
        [Duplicate, Rejected, Duplicate, Conflict, Duplicate]
    );
    assert!(
        again.iter().all(|r| r.profile_id.is_empty()),
        "only when recorded"
    );
    assert_eq!(service.profile(WHO).await.interactions_total, 2);
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interaction_is_rejected_with_everything_that_is_wrong_with_it() {
    let service = Service::start().await;
    let mut wrong = make::order("", 0, WHO, "o", 5);
    wrong.source = "x".repeat(65);
    wrong.department = String::new();
    wrong.channel = "E-Mail".into();
    wrong.occurred_at = None;
    wrong.direction = 7;
    wrong.subject = Some(make::subject(SubjectKind::Ticket, "", SubjectStatus::Open));
    wrong.money = Some(Money {
        currency: "ABC".into(),
        minor_units: -1,
    });
    wrong.identifiers.push(make::identifier("email="));
    wrong.text = Some("\0".into());
    wrong.language = Some("no tag".into());
    wrong.traits = vec![
        make::fact("name", make::text("a")),
        make::fact("name", make::text("b")),
    ];
    wrong.survey_scores = make::answer("", 0, WHO, SurveyScale::Nps, 11).survey_scores;
    let unknown = Some("email=unknown");
    wrong.consent_changes =
        make::consent("", 0, WHO, ConsentState::Unspecified, unknown).consent_changes;
    wrong.attributes = Some(deep(5));
    let results = service.record(vec![wrong, seen("1")]).await;
    assert_eq!(outcomes(&results), [Rejected, Recorded]);
    let mut found = violations(&results[0]);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            ("attributes.a.a.a.a", "too_deep"),
            ("channel", "not_a_slug"),
            ("consent_changes[0].address.value", "identifier_blocked"),
            ("consent_changes[0].state", "required"),
            ("department", "required"),
            ("direction", "unknown_enum_value"),
            ("event_id", "required"),
            ("identifiers[1].value", "required"),
            ("language", "malformed"),
            ("money.currency", "unknown_currency"),
            ("money.minor_units", "out_of_range"),
            ("occurred_at", "required"),
            ("source", "too_long"),
            ("subject.id", "required"),
            ("subject.kind", "subject_required"),
            ("survey_scores[0].value", "out_of_range"),
            ("text", "control_characters"),
            ("traits[1].name", "duplicate_name"),
        ]
    );
    service.stop().await;
}

fn deep(levels: usize) -> Struct {
    let inner = if levels > 1 {
        value::Kind::StructValue(deep(levels - 1))
    } else {
        value::Kind::BoolValue(true)
    };
    let fields = [("a".to_owned(), Value { kind: Some(inner) })];
    Struct {
        fields: fields.into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_of_an_interaction_are_within_it() {
    let service = Service::start().await;
    let many: Vec<String> = (0..33).map(|n| format!("cookie=c{n}")).collect();
    let identifiers: Vec<&str> = many.iter().map(String::as_str).collect();
    let text = |event: &str, bytes: usize| Interaction {
        text: Some("x".repeat(bytes)),
        ..seen(event)
    };
    let large = |event: &str, bytes: usize| {
        let filling = make::text(&"x".repeat(2_048));
        let mut facts: Vec<_> = (0..31)
            .map(|n| make::fact(&format!("t{n}"), filling.clone()))
            .collect();
        facts.push(make::fact("rest", make::text(&"x".repeat(bytes))));
        Interaction {
            traits: facts,
            ..seen(event)
        }
    };
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let at = |event: &str, seconds: i64| {
        let mut one = seen(event);
        one.occurred_at.as_mut().unwrap().seconds = seconds;
        one
    };
    let now = i64::try_from(now).unwrap();
    let results = service
        .record(vec![
            make::seen("ids 32", 0, &identifiers[..32]),
            make::seen("ids 33", 0, &identifiers),
            text("text", 32 * 1024),
            text("long text", 32 * 1024 + 1),
            large("large", 600),
            large("too large", 2_048),
            at("1970", 0),
            at("1969", -1),
            at("soon", now + 200),
            at("later", now + 400),
        ])
        .await;
    let found: Vec<_> = results.iter().map(violations).collect();
    assert_eq!(
        found,
        [
            vec![],
            vec![("identifiers", "too_many")],
            vec![],
            vec![("text", "too_long")],
            vec![],
            vec![("", "too_large")],
            vec![],
            vec![("occurred_at", "before_1970")],
            vec![],
            vec![("occurred_at", "in_the_future")],
        ]
    );
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_identifier_joins_nobody_and_a_person_of_nothing_else_is_rejected() {
    let service = Service::start().await;
    let results = service
        .record(vec![
            make::seen("1", 0, &["phone=unknown", "email=a@example.com"]),
            make::seen("2", 0, &["phone=UNKNOWN", "email=b@example.com"]),
            make::seen("3", 0, &["phone=不明", "email=「なし」", "cookie=--"]),
            make::seen("4", 0, &["phone=12", "email=a@b"]),
        ])
        .await;
    assert_eq!(outcomes(&results), [Recorded, Recorded, Rejected, Rejected]);
    assert_ne!(results[0].profile_id, results[1].profile_id);
    assert_eq!(
        violations(&results[2]),
        [
            ("identifiers[0].value", "identifier_blocked"),
            ("identifiers[1].value", "identifier_blocked"),
            ("identifiers[2].value", "identifier_blocked"),
            ("identifiers", "no_usable_identifier"),
        ]
    );
    assert_eq!(
        violations(&results[3]),
        [
            ("identifiers[0].value", "identifier_not_a_phone"),
            ("identifiers[1].value", "identifier_not_an_email"),
            ("identifiers", "no_usable_identifier"),
        ]
    );
    let profile = service.profile("email=a@example.com").await;
    assert_eq!(profile.identifiers_total, 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_retracted_is_rejected_when_it_comes_again_also_with_other_content() {
    let service = Service::start().await;
    service.record_all(vec![seen("1"), seen("2")]).await;
    service.retract(retracting("op", &["1"])).await.unwrap();
    let mut other = seen("1");
    other.department = "store".into();
    let results = service.record(vec![seen("1"), other, seen("2")]).await;
    assert_eq!(outcomes(&results), [Rejected, Rejected, Duplicate]);
    for result in &results[..2] {
        assert_eq!(violations(result), [("", "retracted")]);
        assert!(!result.interaction_id.is_empty() && result.profile_id.is_empty());
    }
    assert_eq!(service.profile(WHO).await.interactions_total, 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_in_another_form_is_a_duplicate() {
    let service = Service::start().await;
    let decimal = |digits: &str| {
        let kind = customer_profile::proto::v1::trait_value::Kind::Decimal(digits.into());
        make::stating("1", 0, WHO, &[("size", kind)])
    };
    let mut finer = decimal("12.50");
    finer.occurred_at.as_mut().unwrap().nanos = 999;
    let mut other_name = decimal("12.5");
    other_name.identifiers[0].value = "A@example.com".into();
    let results = service
        .record(vec![decimal("12.5"), finer, decimal("012.500"), other_name])
        .await;
    assert_eq!(
        outcomes(&results),
        [Recorded, Duplicate, Duplicate, Conflict]
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_comes_with_what_is_stored_and_only_then() {
    let service = Service::start().await;
    let record = async |interactions| {
        let response = service
            .interactions()
            .record_interactions(recording(interactions))
            .await;
        response.unwrap().into_inner().token
    };
    let first = record(vec![seen("1")]).await;
    let repeated = record(vec![seen("1")]).await;
    let many = record(vec![seen("2"), seen("3"), seen("")]).await;
    for token in [&first, &repeated, &many] {
        assert!((1..=128).contains(&token.len()), "{token}");
        let mut request = getting(WHO);
        request.read_options = Some(customer_profile::proto::v1::ReadOptions {
            tokens: vec![token.clone()],
            ..Default::default()
        });
        assert!(service.get(request).await.is_ok());
    }
    let mut conflicting = seen("1");
    conflicting.channel = "app".into();
    for nothing in [vec![seen("")], vec![conflicting]] {
        assert_eq!(record(nothing).await, "");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_with_the_same_events_record_each_once() {
    let service = Service::start().await;
    let batch: Vec<Interaction> = (0..50)
        .map(|n| make::seen(&n.to_string(), n, &[WHO, &format!("cookie=c{}", n % 7)]))
        .collect();
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let (mut client, batch) = (service.interactions(), batch.clone());
            tokio::spawn(async move {
                let request = RecordInteractionsRequest {
                    interactions: batch,
                    run_id: None,
                };
                let response = client.record_interactions(request).await.unwrap();
                outcomes(&response.into_inner().results)
            })
        })
        .collect();
    let mut recorded = 0;
    for call in calls {
        let outcomes = call.await.unwrap();
        recorded += outcomes.iter().filter(|o| **o == Recorded).count();
        assert!(outcomes.iter().all(|o| matches!(o, Recorded | Duplicate)));
    }
    assert_eq!(recorded, 50);
    assert_eq!(service.profile(WHO).await.interactions_total, 50);
    service.assert_agrees().await;
    service.stop().await;
}
