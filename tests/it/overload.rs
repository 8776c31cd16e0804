//! More than the service can do: who is turned away, whom it leaves room for, and what becomes of those who were let in.

use std::time::{Duration, Instant};

use customer_profile::proto::v1::{GetExperienceMetricsRequest, Interaction, InteractionOutcome};
use sqlx::{Connection as _, Executor as _};
use tonic::{Code, Status};

use crate::harness::{
    Database, Service,
    calls::{getting, outcomes, recording},
    locks::Stripes,
    make,
    refused::refused,
    service::of_tenant,
    wait::until,
};

const WHO: &str = "email=a@example.com";

/// Interactions of small calls that may wait at the start, and those of one tenant.
const SMALL: usize = 128;
const OF_TENANT: usize = 96;

/// The settings of a database that makes its callers wait for very long.
const PATIENT: [(&str, &str); 3] = [
    ("CUSTOMER_PROFILE_INGEST__TARGET_MS", "50"),
    ("CUSTOMER_PROFILE_DATABASE__LOCK_TIMEOUT_MS", "60000"),
    ("CUSTOMER_PROFILE_DATABASE__STATEMENT_TIMEOUT_MS", "60000"),
];

fn one(n: usize) -> Vec<Interaction> {
    vec![make::seen(&n.to_string(), 0, &[WHO])]
}

type Answer = Result<Vec<InteractionOutcome>, Status>;

/// Begins a call of a tenant.
fn begin(
    service: &Service,
    tenant: &'static str,
    interactions: Vec<Interaction>,
) -> tokio::task::JoinHandle<Answer> {
    let mut client = service.interactions();
    tokio::spawn(async move {
        let request = of_tenant(tenant, recording(interactions));
        let answer = client.record_interactions(request).await?;
        Ok(outcomes(&answer.into_inner().results))
    })
}

/// Waits until so many interactions wait to be stored.
async fn wait_for(service: &Service, waiting: usize) {
    until("interactions wait", async || service.waiting() >= waiting).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_sends_without_end_is_turned_away_and_leaves_room_for_others() {
    let database = Database::new().await;
    let service = Service::with(database.clone(), &PATIENT).await;
    let locks = Stripes::hold(&database).await;
    let waiting: Vec<_> = (0..OF_TENANT)
        .map(|n| begin(&service, "greedy", one(n)))
        .collect();
    wait_for(&service, OF_TENANT).await;
    let begun = Instant::now();
    let status = begin(&service, "greedy", one(1_000)).await.unwrap();
    refused(&status.unwrap_err(), Code::ResourceExhausted, "overloaded");
    // Bulk has room of its own, and so have others.
    let bulk: Vec<_> = (0..20)
        .map(|n| make::seen(&format!("bulk-{n}"), 0, &[WHO]))
        .collect();
    let bulk = begin(&service, "greedy", bulk);
    let others: Vec<_> = (0..SMALL - OF_TENANT)
        .map(|n| begin(&service, "other", one(n)))
        .collect();
    wait_for(&service, SMALL + 20).await;
    let status = begin(&service, "other", one(1_000)).await.unwrap();
    refused(&status.unwrap_err(), Code::ResourceExhausted, "overloaded");
    // Nobody waits for long to hear so, and look-ups do not wait behind them.
    let status = service.get(getting(WHO)).await.unwrap_err();
    refused(&status, Code::NotFound, "not_found");
    assert!(begun.elapsed() < Duration::from_secs(20));
    locks.release().await;
    for call in waiting.into_iter().chain(others).chain([bulk]) {
        let answered = call.await.unwrap().unwrap();
        assert!(
            answered
                .iter()
                .all(|outcome| *outcome == InteractionOutcome::Recorded)
        );
    }
    // Who was turned away sends again, and is stored.
    until("there is room again", async || {
        begin(&service, "greedy", one(1_000)).await.unwrap().is_ok()
    })
    .await;
    assert_eq!(service.waiting(), 0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waits_for_when_its_turn_comes_is_not_stored() {
    let database = Database::new().await;
    let mut settings = PATIENT.to_vec();
    settings.push(("CUSTOMER_PROFILE_INGEST__WRITERS", "1"));
    let service = Service::with(database.clone(), &settings).await;
    let mut locks = Stripes::hold(&database).await;
    let first = begin(&service, "default", one(1));
    locks.waited_for_by(1).await;
    let gone = begin(&service, "default", one(2));
    wait_for(&service, 2).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    // The service hears of it a moment later.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let last = begin(&service, "default", one(3));
    wait_for(&service, 3).await;
    locks.release().await;
    for call in [first, last] {
        let answer = call.await.unwrap().unwrap();
        assert_eq!(answer, [InteractionOutcome::Recorded]);
    }
    let again = begin(&service, "default", one(2)).await.unwrap().unwrap();
    assert_eq!(again, [InteractionOutcome::Recorded]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heavy_calls_wait_for_nobody_and_nobody_waits_for_them() {
    let database = Database::new().await;
    let mut settings = PATIENT.to_vec();
    settings.push(("CUSTOMER_PROFILE_LIMITS__HEAVY_CALLS", "2"));
    let service = Service::with(database.clone(), &settings).await;
    service.record_all(one(1)).await;
    let mut other = database.connect().await;
    other
        .execute(
            "BEGIN; LOCK TABLE figures, figures_counted, contributions IN ACCESS EXCLUSIVE MODE",
        )
        .await
        .unwrap();
    let count = || {
        let mut client = service.sentiments();
        tokio::spawn(async move {
            let request = GetExperienceMetricsRequest::default();
            client.get_experience_metrics(request).await
        })
    };
    let waiting = count();
    until("the tables are waited for", async || {
        let mut admin = database.connect().await;
        let waits: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'relation'
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
        )
        .fetch_one(&mut admin)
        .await
        .unwrap();
        admin.close().await.unwrap();
        waits
    })
    .await;
    let status = count().await.unwrap().unwrap_err();
    refused(&status, Code::ResourceExhausted, "overloaded");
    assert!(service.get(getting(WHO)).await.is_ok());
    other.execute("ROLLBACK").await.unwrap();
    other.close().await.unwrap();
    waiting.await.unwrap().unwrap();
    count().await.unwrap().unwrap();
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_grows_old_and_its_caller_does_not_notice() {
    let database = Database::new().await;
    let settings = [("CUSTOMER_PROFILE_LIMITS__CONNECTION_AGE_S", "1")];
    let service = Service::with(database, &settings).await;
    service.record_all(one(1)).await;
    let mut profiles = service.profiles();
    let begun = Instant::now();
    let (mut calls, mut unsent) = (0, 0);
    while begun.elapsed() < Duration::from_millis(3_500) {
        let mut answer = profiles.get_profile(getting(WHO)).await;
        // This client does not try again by itself what the connection that ends does not take any more.
        if answer.as_ref().is_err_and(was_not_taken) {
            unsent += 1;
            answer = profiles.get_profile(getting(WHO)).await;
        }
        assert!(answer.is_ok(), "after {calls} calls: {answer:?}");
        calls += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Once for each connection at most.
    assert!(unsent <= 4, "{unsent} of {calls}");
    service.stop().await;
}

/// Whether a connection ended before it took a call: the client had not sent it, or the service had said goodbye before. The
/// service has not seen such a call, and clients may send it again (RFC 9113, section 6.8).
fn was_not_taken(status: &Status) -> bool {
    let why = format!("{status:?}");
    why.contains("hyper::Error(Canceled") || why.contains("GoAway(b\"\", NO_ERROR, Remote)")
}
