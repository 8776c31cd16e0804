//! Profiles as they were.
//!
//! `everyone` holds the past of every identifier there is against services that were told only what there was by then, and
//! against today's profiles where then is now.

mod everyone;

use customer_profile::{
    app::{Schema, open},
    clock::{Clock, Micros},
    proto::v1::{
        Consent, ConsentState, GetProfileRequest, MergeProfilesRequest, Profile, ReadOptions,
        SeparateIdentifiersRequest, UndoDecisionRequest,
    },
};
use prost_types::Timestamp;
use sqlx::Executor as _;
use tonic::{Code, Status};

use crate::harness::{
    Service,
    calls::{getting, retracting},
    make,
    process::program,
    refused::refused,
    service::settings,
};
use crate::imports::{printed, run};

/// The time, once everything that was done before is over.
async fn now() -> Option<Timestamp> {
    let pause = std::time::Duration::from_millis(5);
    tokio::time::sleep(pause).await;
    let now = Clock::system().now();
    tokio::time::sleep(pause).await;
    Some(now.to_proto())
}

type At = (Option<Timestamp>, Option<Timestamp>);

fn asking(who: &str, (as_of, known_at): At) -> GetProfileRequest {
    GetProfileRequest {
        as_of,
        known_at,
        allow_missing: true,
        ..getting(who)
    }
}

/// The profile that somebody had.
async fn past(service: &Service, who: &str, at: At) -> Profile {
    service.get(asking(who, at)).await.unwrap()
}

/// The namespaces of a profile's identifiers, and how many orders it has.
fn gist(profile: &Profile) -> (Vec<&str>, i64) {
    let names = profile.identifiers.iter().map(|i| i.namespace.as_str());
    let orders = profile.orders.as_ref().map_or(0, |o| o.count);
    (names.collect(), orders)
}

async fn merge(service: &Service, operation: &str, ends: [&str; 2]) -> Result<(), Status> {
    let request = MergeProfilesRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        target: make::by(ends[0]),
        source: make::by(ends[1]),
        dry_run: false,
    };
    let merged = service.identities().merge_profiles(request).await;
    merged.map(|_| ())
}

async fn separate(service: &Service, operation: &str, chosen: &str) -> Result<(), Status> {
    let request = SeparateIdentifiersRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        identifiers: vec![make::identifier(chosen)],
        ..SeparateIdentifiersRequest::default()
    };
    let separated = service.identities().separate_identifiers(request).await;
    separated.map(|_| ())
}

async fn undo(service: &Service, operation: &str, of: &str) -> Result<(), Status> {
    let request = UndoDecisionRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        decision_operation_id: of.into(),
        dry_run: false,
    };
    service
        .identities()
        .undo_decision(request)
        .await
        .map(|_| ())
}

const ANNA: &str = "customer_id=anna";
const MAIL: &str = "email=anna@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn merges_separations_and_undos_are_in_force_from_when_they_were_made() {
    let service = Service::start().await;
    service
        .record_all(vec![
            make::order("1", 10, ANNA, "o1", 100),
            make::order("2", 20, MAIL, "o2", 200),
        ])
        .await;
    let mut times = vec![now().await];
    merge(&service, "m", [ANNA, MAIL]).await.unwrap();
    times.push(now().await);
    undo(&service, "u", "m").await.unwrap();
    times.push(now().await);
    service
        .record_all(vec![make::seen("3", 30, &[ANNA, MAIL])])
        .await;
    times.push(now().await);
    separate(&service, "s", MAIL).await.unwrap();
    times.push(now().await);
    merge(&service, "m2", [ANNA, MAIL]).await.unwrap();
    times.push(now().await);
    undo(&service, "u2", "m2").await.unwrap();
    times.push(now().await);
    undo(&service, "u3", "s").await.unwrap();
    times.push(now().await);
    let check = async || {
        for who in [ANNA, MAIL] {
            let mut joined = Vec::new();
            for at in &times {
                let then = past(&service, who, (*at, None)).await;
                let known = past(&service, who, (None, *at)).await;
                joined.push((then.identifiers.len() == 2, known.identifiers.len() == 2));
            }
            // The third interaction is early and came late: as_of sees it from the start.
            let [t, f] = [true, false];
            let expected = [
                (t, f),
                (t, t),
                (t, f),
                (t, t),
                (f, f),
                (t, t),
                (f, f),
                (t, t),
            ];
            assert_eq!(joined, expected, "{who}");
        }
    };
    check().await;
    // Before it occurred there were two people, and one of them had not come yet.
    let alone = past(&service, ANNA, (make::at(15), None)).await;
    assert_eq!(gist(&alone), (vec!["customer_id"], 1));
    assert!(!past(&service, MAIL, (make::at(15), None)).await.known);
    let id = service.profile(ANNA).await.profile_id;
    assert_eq!((alone.profile_id, alone.version), (id, 0));

    // A store of an older release has no index of decisions.
    let mut connection = service.database.connect().await;
    for statement in [
        "DELETE FROM decision_keys",
        "UPDATE decisions SET indexed = false",
    ] {
        connection.execute(statement).await.unwrap();
    }
    check().await;
    let report = service.verify("default").await;
    assert_eq!(report.differences, 0, "{:?}", report.described);
    let opened = open(&settings(&service.database, &[]), Schema::Migrate).await;
    opened.unwrap().close().await;
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM decisions WHERE NOT indexed")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(left, 0);
    check().await;
    connection
        .execute("DELETE FROM decision_keys")
        .await
        .unwrap();
    let report = service.verify("default").await;
    assert_ne!(report.differences, 0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_a_hub_was_somebodys_before() {
    let service = Service::start().await;
    let till = "email=till@example.com";
    let mut all = vec![make::order("0", 0, till, "o1", 100)];
    for n in 1..=6 {
        let who = format!("customer_id=c{n}");
        all.push(make::seen(&n.to_string(), n * 10, &[&who, till]));
    }
    service.record_all(all).await;
    let names = async |at: i64| {
        let then = past(&service, till, (make::at(at), None)).await;
        let names = then.identifiers.iter().map(|i| i.value.clone());
        names.collect::<Vec<_>>()
    };
    let mail = "till@example.com".to_owned();
    assert_eq!(names(5).await, std::slice::from_ref(&mail));
    assert_eq!(names(15).await, ["c1".to_owned(), mail.clone()]);
    // It went with its newest holder.
    assert_eq!(names(25).await, ["c2".to_owned(), mail.clone()]);
    assert_eq!(names(55).await, ["c5".to_owned(), mail.clone()]);
    assert_eq!(names(65).await, [mail]);
    let orders = async |who: &str, at: i64| {
        let then = past(&service, who, (make::at(at), None)).await;
        then.orders.map_or(0, |o| o.count)
    };
    assert_eq!(orders("customer_id=c1", 15).await, 1);
    assert_eq!(orders("customer_id=c1", 25).await, 0);
    assert_eq!(orders("customer_id=c5", 65).await, 0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_retracted_was_never_true_and_consent_is_that_of_then() {
    let service = Service::start().await;
    service
        .record_all(vec![
            make::order("1", 10, MAIL, "o1", 100),
            make::order("2", 20, MAIL, "o2", 200),
            make::consent("3", 30, MAIL, ConsentState::Granted, None),
            make::consent("4", 40, MAIL, ConsentState::Denied, None),
        ])
        .await;
    let before = now().await;
    assert_eq!(gist(&past(&service, MAIL, (before, None)).await).1, 2);
    service.retract(retracting("r", &["2"])).await.unwrap();
    for at in [(before, None), (None, before), (make::at(25), None)] {
        assert_eq!(gist(&past(&service, MAIL, at).await).1, 1, "{at:?}");
    }
    let said = async |at: i64| {
        let then = past(&service, MAIL, (make::at(at), None)).await;
        then.consents.first().map(Consent::state)
    };
    assert_eq!(said(25).await, None);
    assert_eq!(said(35).await, Some(ConsentState::Granted));
    assert_eq!(said(45).await, Some(ConsentState::Denied));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_past_that_cannot_be_is_refused_and_one_that_is_empty_is_unknown() {
    let service = Service::start().await;
    let id = service
        .record_one(make::order("1", 10, MAIL, "o1", 100))
        .await;
    let later = Some(Micros(Clock::system().now().0 + 3_600 * Micros::SECOND).to_proto());
    let request = GetProfileRequest {
        read_options: Some(ReadOptions {
            allow_stale: true,
            ..ReadOptions::default()
        }),
        ..asking(MAIL, (later, later))
    };
    let status = service.get(request).await.unwrap_err();
    refused(&status, Code::InvalidArgument, "invalid");
    assert!(status.message().starts_with("3 violations"), "{status}");

    let request = GetProfileRequest {
        allow_missing: false,
        ..asking(MAIL, (make::at(5), None))
    };
    let status = service.get(request).await.unwrap_err();
    refused(&status, Code::NotFound, "not_found");
    let missing = past(&service, MAIL, (make::at(5), None)).await;
    assert_eq!(missing, Profile::default());

    // By id it starts at the home; of several identifiers the first that was known answers.
    let mut by_id = asking(MAIL, (make::at(15), None));
    by_id.lookup = crate::harness::calls::by_id(&id);
    assert_eq!(service.get(by_id).await.unwrap().profile_id, id);
    let mut either = asking("cookie=none", (make::at(15), None));
    let lookup = either.lookup.as_mut().unwrap();
    lookup.identifiers.push(make::identifier(MAIL));
    let answer = service.profiles().get_profile(either).await.unwrap();
    let answer = answer.into_inner();
    assert_eq!(answer.answered_by, Some(1));
    assert!(!answer.read_info.unwrap().token.is_empty());

    let mut connection = service.database.connect().await;
    let many = "INSERT INTO decisions (tenant, decision_id, operation_id, kind, made_at, caller, reason, body, outcome)
        SELECT 'default', gen_random_uuid(), n::text, 3, now(), '', '', '', '' FROM generate_series(1, 1001) AS n";
    connection.execute(many).await.unwrap();
    let status = service
        .get(asking(MAIL, (make::at(15), None)))
        .await
        .unwrap_err();
    refused(&status, Code::FailedPrecondition, "past_too_large");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_shows_who_somebody_was() {
    let service = Service::start().await;
    service
        .record_all(vec![
            make::order("1", 10, MAIL, "o1", 100),
            make::order("2", 20, MAIL, "o2", 200),
        ])
        .await;
    let get = |at: &str| {
        let mut command = program();
        command.args(["get", MAIL, "--as-of", at, "--to", &service.url]);
        command
    };
    let shown = printed(get("2024-03-09T16:00:15Z")).await;
    assert!(
        shown.contains("1 order ") && shown.contains("as it was"),
        "{shown}"
    );
    let shown = printed(get("2024-03-09")).await;
    assert!(shown.contains("2 orders"), "{shown}");
    let mut known = get("2024-03-09");
    known.args(["--known-at", "2024-03-10"]);
    for command in [get("2024-03-08"), known] {
        let output = run(command).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("nobody is known"), "{said}");
    }
    let output = run(get("yesterday")).await;
    assert_eq!(output.status.code(), Some(1));
    service.stop().await;
}
