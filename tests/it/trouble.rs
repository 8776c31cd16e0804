//! Trouble that is no caller's fault: locks, a full queue, a database that is away or says nonsense.

use std::time::{Duration, Instant};

use customer_profile::proto::v1::InteractionOutcome;
use sqlx::{Connection as _, Executor as _};
use tonic::Code;

use crate::harness::{
    Database, Service,
    away::OwnCluster,
    calls::{getting, listing, outcomes, recording, retracting},
    locks::Stripes,
    make,
    refused::refused,
    wait::{in_time, until},
};

const WHO: &str = "email=a@example.com";
const LOCK_TIMEOUT: &str = "CUSTOMER_PROFILE_DATABASE__LOCK_TIMEOUT_MS";

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_waits_too_long_for_a_lock_is_aborted_and_succeeds_when_tried_again() {
    let database = Database::new().await;
    let service = Service::with(database.clone(), &[(LOCK_TIMEOUT, "50")]).await;
    let locks = Stripes::hold(&database).await;
    let request = recording(vec![make::seen("1", 0, &[WHO])]);
    let status = service
        .interactions()
        .record_interactions(request.clone())
        .await
        .unwrap_err();
    refused(&status, Code::Aborted, "conflict");
    locks.release().await;
    let results = service.record(request.interactions).await;
    assert_eq!(outcomes(&results), [InteractionOutcome::Recorded]);

    let locks = Stripes::hold(&database).await;
    let status = service.retract(retracting("op", &["1"])).await.unwrap_err();
    refused(&status, Code::Aborted, "conflict");
    locks.release().await;
    let answer = service.retract(retracting("op", &["1"])).await.unwrap();
    assert_eq!((answer.retracted, answer.done), (1, true));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_another_call_works_on_is_in_progress() {
    let database = Database::new().await;
    let service = Service::with(database.clone(), &[(LOCK_TIMEOUT, "50")]).await;
    service.record_all(vec![make::seen("1", 0, &[WHO])]).await;
    // Known but not committed yet: the very first call is still running.
    let mut other = database.connect().await;
    other
        .execute(
            "BEGIN; INSERT INTO operations (tenant, operation_id, kind, request_hash, caller, reason, progress)
             VALUES ('default', 'op', 'retract_interactions', gen_random_uuid(), '', '', '')",
        )
        .await
        .unwrap();
    let status = service.retract(retracting("op", &["1"])).await.unwrap_err();
    refused(&status, Code::Aborted, "operation_in_progress");
    other.execute("ROLLBACK").await.unwrap();
    service.retract(retracting("op", &["1"])).await.unwrap();
    // A later call holds it.
    other
        .execute("BEGIN; SELECT FROM operations FOR UPDATE")
        .await
        .unwrap();
    let status = service.retract(retracting("op", &["1"])).await.unwrap_err();
    refused(&status, Code::Aborted, "operation_in_progress");
    other.close().await.unwrap();
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_more_after_a_moment_and_what_waits_is_stored() {
    let database = Database::new().await;
    let settings = [
        (LOCK_TIMEOUT, "60000"),
        ("CUSTOMER_PROFILE_DATABASE__STATEMENT_TIMEOUT_MS", "60000"),
        ("CUSTOMER_PROFILE_INGEST__QUEUE_ITEMS", "1000"),
        ("CUSTOMER_PROFILE_INGEST__STREAM_WINDOW", "1000"),
        // Who finds no room waits for twenty times as long.
        ("CUSTOMER_PROFILE_INGEST__TARGET_MS", "50"),
    ];
    let service = Service::with(database.clone(), &settings).await;
    let mut locks = Stripes::hold(&database).await;
    let full: Vec<_> = (0..1_000)
        .map(|n| make::seen(&n.to_string(), n, &[WHO]))
        .collect();
    let mut client = service.interactions();
    let waiting = tokio::spawn(async move { client.record_interactions(recording(full)).await });
    locks.waited_for_by(1).await;
    let begun = Instant::now();
    // What is small has a queue of its own.
    let more: Vec<_> = (0..20)
        .map(|n| make::seen(&format!("x{n}"), n, &[WHO]))
        .collect();
    let status = service
        .interactions()
        .record_interactions(recording(more.clone()))
        .await
        .unwrap_err();
    refused(&status, Code::ResourceExhausted, "overloaded");
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "refused, not kept waiting for long"
    );
    // Reads do not queue behind writes.
    let status = service.get(getting(WHO)).await.unwrap_err();
    refused(&status, Code::NotFound, "not_found");
    locks.release().await;
    let results = waiting.await.unwrap().unwrap().into_inner().results;
    assert!(
        results
            .iter()
            .all(|r| r.outcome() == InteractionOutcome::Recorded)
    );
    let results = service.record(more).await;
    assert_eq!(outcomes(&results), [InteractionOutcome::Recorded; 20]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_stops_is_unavailable_and_serves_again_when_it_is_back() {
    let mut cluster = OwnCluster::start("stops").await;
    let settings = [("CUSTOMER_PROFILE_DATABASE__ACQUIRE_TIMEOUT_MS", "500")];
    let service = Service::with(cluster.database(), &settings).await;
    service.record_all(vec![make::seen("1", 0, &[WHO])]).await;
    cluster.stop().await;
    assert_unavailable(&service).await;
    cluster.run().await;
    assert_serves_again(&service).await;
    service.stop().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_is_unavailable_and_serves_again_when_it_goes_on() {
    let mut cluster = OwnCluster::start("hangs").await;
    let settings = [
        ("CUSTOMER_PROFILE_DATABASE__ACQUIRE_TIMEOUT_MS", "500"),
        ("CUSTOMER_PROFILE_DATABASE__STATEMENT_TIMEOUT_MS", "500"),
        (LOCK_TIMEOUT, "500"),
    ];
    let service = Service::with(cluster.database(), &settings).await;
    service.record_all(vec![make::seen("1", 0, &[WHO])]).await;
    cluster.freeze();
    assert_unavailable(&service).await;
    cluster.thaw();
    assert_serves_again(&service).await;
    service.stop().await;
    cluster.stop().await;
}

async fn assert_unavailable(service: &Service) {
    let (mut writer, mut reader) = (service.interactions(), service.interactions());
    let write = writer.record_interactions(recording(vec![make::seen("2", 1, &[WHO])]));
    let status = in_time("a write", write).await.unwrap_err();
    refused(&status, Code::Unavailable, "storage_away");
    let status = in_time("a read", service.get(getting(WHO)))
        .await
        .unwrap_err();
    refused(&status, Code::Unavailable, "storage_away");
    let list = reader.list_interactions(listing(WHO));
    let status = in_time("a listing", list).await.unwrap_err();
    refused(&status, Code::Unavailable, "storage_away");
    let retract = service.retract(retracting("op", &["1"]));
    let status = in_time("a retraction", retract).await.unwrap_err();
    refused(&status, Code::Unavailable, "storage_away");
}

async fn assert_serves_again(service: &Service) {
    until("reads are served again", async || {
        service.get(getting(WHO)).await.is_ok()
    })
    .await;
    until("writes are taken again", async || {
        let request = recording(vec![make::seen("2", 1, &[WHO])]);
        service
            .interactions()
            .record_interactions(request)
            .await
            .is_ok()
    })
    .await;
    until("retractions are done again", async || {
        service.retract(retracting("op", &["1"])).await.is_ok()
    })
    .await;
    assert_eq!(
        service.profile(WHO).await.interactions_total,
        1,
        "each once"
    );
    service.assert_agrees().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_state_that_cannot_be_read_is_internal_and_says_nothing_more() {
    let service = Service::start().await;
    service.record_all(vec![make::seen("1", 0, &[WHO])]).await;
    let mut connection = service.database.connect().await;
    connection
        .execute("UPDATE profiles SET state = '\\xffffff'")
        .await
        .unwrap();
    let write = recording(vec![make::seen("2", 1, &[WHO])]);
    let statuses = [
        service.get(getting(WHO)).await.unwrap_err(),
        service
            .interactions()
            .list_interactions(listing(WHO))
            .await
            .unwrap_err(),
        service
            .interactions()
            .record_interactions(write)
            .await
            .unwrap_err(),
    ];
    for status in statuses {
        let details = refused(&status, Code::Internal, "internal");
        assert_eq!(status.message(), "internal error");
        assert!(details.bad_request().is_none() && details.debug_info().is_none());
    }
    // Others are served as before.
    let results = service
        .record(vec![make::seen("3", 1, &["email=b@example.com"])])
        .await;
    assert_eq!(outcomes(&results), [InteractionOutcome::Recorded]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_shares_a_batch_with_an_unreadable_profile_is_recorded() {
    // One writer that waits for company, so that calls of one moment share a transaction.
    let settings = [
        ("CUSTOMER_PROFILE_INGEST__WRITERS", "1"),
        ("CUSTOMER_PROFILE_INGEST__LINGER_MS", "100"),
    ];
    let service = Service::with(Database::new().await, &settings).await;
    service.record_all(vec![make::seen("1", 0, &[WHO])]).await;
    let mut connection = service.database.connect().await;
    connection
        .execute("UPDATE profiles SET state = '\\xffffff'")
        .await
        .unwrap();
    let (mut broken, mut sound) = (service.interactions(), service.interactions());
    let (broken, sound) = tokio::join!(
        broken.record_interactions(recording(vec![make::seen("2", 1, &[WHO])])),
        sound.record_interactions(recording(vec![make::seen(
            "3",
            1,
            &["email=b@example.com"]
        )])),
    );
    refused(&broken.unwrap_err(), Code::Internal, "internal");
    let results = sound.unwrap().into_inner().results;
    assert_eq!(outcomes(&results), [InteractionOutcome::Recorded]);
    service.stop().await;
}

/// Who reads beside others sees such a thing for a moment, and must not look for more of it for ever.
#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_whose_profile_does_not_hold_it_ends_in_an_error_and_blocks_nobody() {
    let service = Service::start().await;
    // Two customers, so that it is not admitted to the fast path, which compares no members.
    let [cookie, other, one] = ["cookie=c-1", "customer_id=B", "customer_id=A"];
    for (name, who) in [("1", one), ("2", other), ("3", cookie)] {
        service.record_all(vec![make::seen(name, 0, &[who])]).await;
    }
    let mut connection = service.database.connect().await;
    connection
        .execute(
            "UPDATE identities SET profile_id = (
                SELECT profile_id FROM identities WHERE namespace = 'customer_id' AND value = 'B'
            )
            WHERE namespace = 'cookie'",
        )
        .await
        .unwrap();
    let joining = recording(vec![make::seen("4", 1, &[one, cookie])]);
    let mut interactions = service.interactions();
    let recording = interactions.record_interactions(joining);
    let status = in_time("recording", recording).await.unwrap_err();
    refused(&status, Code::Internal, "internal");
    let results = service.record(vec![make::seen("5", 1, &[one])]).await;
    assert_eq!(outcomes(&results), [InteractionOutcome::Recorded]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_the_database_refuses_is_internal_without_its_text() {
    let service = Service::start().await;
    service.record_all(vec![make::seen("1", 0, &[WHO])]).await;
    let mut connection = service.database.connect().await;
    connection
        .execute("ALTER TABLE profiles RENAME TO gone")
        .await
        .unwrap();
    let status = service.get(getting(WHO)).await.unwrap_err();
    refused(&status, Code::Internal, "internal");
    connection
        .execute("ALTER TABLE gone RENAME TO profiles")
        .await
        .unwrap();
    assert!(service.get(getting(WHO)).await.is_ok());
    service.stop().await;
}
