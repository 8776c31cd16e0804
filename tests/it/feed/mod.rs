//! `WatchProfiles`: what is told, to whom, in which order, from where on, and how it ends.

mod crowded;
mod followed;
mod relayed;
mod segments;
mod slow;
pub mod watcher;

use std::time::Duration;

use customer_profile::{
    cache::sealed::Run,
    clock::{Clock, Micros},
    feed::place::{Mark, Place, Stage},
    grpc::resume_token::{ResumeTokenKey, watched},
    ids::TenantId,
    proto::v1::{
        ProfileChangeKind, ProfileLookup, WatchProfilesRequest, watch_profiles_response::Event,
    },
    storage::feed,
};
use sqlx::{Connection as _, PgConnection};
use tonic::Code;
use uuid::Uuid;

use crate::harness::{
    Database, Service, make,
    refused::{invalid, refused},
    service::{of_tenant, with_metadata},
    wait::in_time,
};
use watcher::{begins, everything, next, told, watch};

const A: &str = "email=a@example.com";
const B: &str = "email=b@example.com";

fn of(lookup: Option<ProfileLookup>) -> WatchProfilesRequest {
    WatchProfilesRequest {
        lookup,
        ..WatchProfilesRequest::default()
    }
}

/// A token as this service makes them.
fn sealed(service: &Service, request: &WatchProfilesRequest, mark: &Mark) -> String {
    let opened = service.server().opened();
    let mut store = [0; 4];
    store.copy_from_slice(&opened.store.id.as_bytes()[..4]);
    let key = ResumeTokenKey::new(&opened.secret, store);
    key.seal(mark, &TenantId::default_tenant(), watched(request))
}

fn hours(count: i64) -> i64 {
    count * 3_600 * Micros::SECOND
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_carry_the_profile_as_its_caller_may_see_it() {
    let service = Service::start().await;
    let request = WatchProfilesRequest {
        with_profile: true,
        field_mask: Some(prost_types::FieldMask {
            paths: vec!["identifiers".into(), "interactions_total".into()],
        }),
        ..of(None)
    };
    let mut sees = watch(&service, request.clone()).await.unwrap();
    let masked = with_metadata(request.clone(), &[("x-permissions", "read")]);
    let mut masked = service
        .profiles()
        .watch_profiles(masked)
        .await
        .unwrap()
        .into_inner();
    begins(&mut sees).await;
    begins(&mut masked).await;
    for n in 1..=3 {
        service
            .record_one(make::seen(&n.to_string(), n, &[A]))
            .await;
        let (change, _) = next(&mut sees).await;
        let profile = change.profile.unwrap();
        assert_eq!(profile.identifiers[0].value, "a@example.com");
        assert_eq!(profile.interactions_total, n);
        assert!(profile.version >= change.version && profile.last_seen.is_none());
        assert!(change.masked_fields.is_empty());
        let (change, _) = next(&mut masked).await;
        assert_eq!(change.profile.unwrap().identifiers, []);
        assert_eq!(change.masked_fields, ["identifiers"]);
    }
    let snapshot = WatchProfilesRequest {
        snapshot: true,
        until_now: true,
        ..request
    };
    for lookup in [None, make::by(A)] {
        let of_it = WatchProfilesRequest {
            lookup,
            ..snapshot.clone()
        };
        let messages = told(&service, of_it).await.unwrap();
        let Some(Event::Change(there)) = &messages[1].event else {
            panic!("{messages:?}")
        };
        assert_eq!(there.kind(), ProfileChangeKind::Snapshot);
        assert_eq!(there.profile.as_ref().unwrap().interactions_total, 3);
        let Some(Event::Progress(complete)) = &messages[2].event else {
            panic!("{messages:?}")
        };
        assert!(complete.snapshot_complete);
    }
    drop((sees, masked));
    service.stop().await;
}

/// A row of the outbox as a transaction writes it.
async fn append(transaction: &mut PgConnection, profile: Uuid, version: i64) {
    sqlx::query(
        "INSERT INTO outbox (tenant, profile_id, version, position, kind)
         VALUES ('default', $1, $2, pg_current_xact_id()::text::bigint, 2)",
    )
    .bind(profile)
    .bind(version)
    .execute(transaction)
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_before_what_an_older_transaction_may_still_commit() {
    let service = Service::start().await;
    let mut all = watch(&service, of(None)).await.unwrap();
    begins(&mut all).await;
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let mut connections = [
        service.database.connect().await,
        service.database.connect().await,
    ];
    let [older, newer] = &mut connections;
    let mut older = older.begin().await.unwrap();
    // It has its id before it waits for a lock that the newer one holds, as a retraction does.
    append(&mut older, other, 1).await;
    let mut newer = newer.begin().await.unwrap();
    append(&mut newer, one, 2).await;
    newer.commit().await.unwrap();
    service.record_one(make::seen("a", 0, &[A])).await;
    let told = async {
        loop {
            let message = all.message().await.unwrap().unwrap();
            assert!(
                matches!(message.event, Some(Event::Progress(_))),
                "{message:?}"
            );
        }
    };
    let silence = tokio::time::timeout(Duration::from_secs(1), told).await;
    silence.expect_err("nothing is told meanwhile");
    append(&mut older, one, 3).await;
    older.commit().await.unwrap();
    let mut seen = Vec::new();
    let mut token = String::new();
    while seen.len() < 4 {
        let (change, after) = next(&mut all).await;
        if seen.is_empty() {
            token = after;
        }
        seen.push((change.profile_id, change.version));
    }
    let of_one: Vec<i64> = seen
        .iter()
        .filter(|(id, _)| *id == one.to_string())
        .map(|(_, version)| *version)
        .collect();
    assert_eq!(of_one, [2, 3], "{seen:?}");
    assert!(seen.contains(&(other.to_string(), 1)));
    // Whoever breaks off between them is told what is left, in that order.
    let resumed = WatchProfilesRequest {
        resume_token: token,
        ..everything()
    };
    let rest = watcher::told(&service, resumed).await.unwrap();
    let rest: Vec<i64> = rest
        .into_iter()
        .filter_map(|message| match message.event {
            Some(Event::Change(change)) if change.profile_id == one.to_string() => {
                Some(change.version)
            }
            _ => None,
        })
        .collect();
    assert!(rest.ends_with(&[3]) || rest == [2, 3], "{rest:?}");
    drop(all);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_told_nothing_of_another() {
    let service = Service::start().await;
    let mut ours = watch(&service, of(None)).await.unwrap();
    let token = begins(&mut ours).await;
    for n in 0..20 {
        let theirs = make::seen(&n.to_string(), n, &[A]);
        service.record_of("another", vec![theirs]).await;
    }
    let id = service.record_one(make::seen("a", 0, &[A])).await;
    let (change, _) = next(&mut ours).await;
    assert_eq!(change.profile_id, id);
    let resumed = WatchProfilesRequest {
        resume_token: token.clone(),
        ..everything()
    };
    let again = told(&service, resumed.clone()).await.unwrap();
    let changes = again
        .iter()
        .filter(|message| matches!(message.event, Some(Event::Change(_))));
    assert_eq!(changes.count(), 1);
    let status = service
        .profiles()
        .watch_profiles(of_tenant("another", resumed))
        .await
        .unwrap_err();
    let wrong = |reason: &str| vec![("resume_token".to_owned(), reason.to_owned())];
    assert_eq!(invalid(&status), wrong("token_invalid"));
    drop(ours);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_of_a_look_up_and_end_with_what_is_kept() {
    let service = Service::start().await;
    service.record_one(make::seen("a", 0, &[A])).await;
    let messages = told(&service, everything()).await.unwrap();
    let token = messages.last().unwrap().resume_token.clone();
    let with = |lookup, token: &str| WatchProfilesRequest {
        resume_token: token.into(),
        ..of(lookup)
    };
    for (request, reason) in [
        (with(make::by(A), &token), "token_invalid"),
        (with(None, "00"), "token_invalid"),
        (with(None, &token.to_uppercase()), "token_invalid"),
        (with(None, &"0".repeat(513)), "too_long"),
    ] {
        let status = watch(&service, request).await.unwrap_err();
        let wrong = vec![("resume_token".to_owned(), reason.to_owned())];
        assert_eq!(invalid(&status), wrong);
    }
    let unknown = watch(&service, of(make::by(B))).await.unwrap_err();
    refused(&unknown, Code::NotFound, "not_found");

    let now = Clock::system().now().0;
    let database = feed::now(&mut service.database.connect().await).await;
    let database = database.unwrap();
    let (run, database_next) = (Run::of(&database.incarnation), database.next);
    let mark = |as_of, position| Mark {
        run,
        as_of: Micros(as_of),
        stage: Stage::Changes(Place::from(position)),
        chain: Vec::new(),
    };
    let old = sealed(&service, &of(None), &mark(now - hours(169), 10));
    let status = watch(&service, with(None, &old)).await.unwrap_err();
    refused(&status, Code::OutOfRange, "resume_expired");
    let good = sealed(&service, &of(None), &mark(now - hours(167), 10));
    let request = WatchProfilesRequest {
        until_now: true,
        ..with(None, &good)
    };
    assert_eq!(
        told(&service, request).await.unwrap().len(),
        3,
        "one change"
    );
    // The database was put back: it has not come so far.
    let ahead = sealed(&service, &of(None), &mark(now, i64::MAX - 1));
    let status = watch(&service, with(None, &ahead)).await.unwrap_err();
    refused(&status, Code::OutOfRange, "resume_expired");
    // Another took its place, and has come further than the token.
    let elsewhere = Mark {
        run: Run(!run.0),
        ..mark(now, 10)
    };
    let elsewhere = sealed(&service, &of(None), &elsewhere);
    let status = watch(&service, with(None, &elsewhere)).await.unwrap_err();
    refused(&status, Code::OutOfRange, "resume_expired");
    // The same was only started again: what was told last is told once more.
    let restarted = Mark {
        run: Run(run.0 ^ 1),
        ..mark(now, database_next)
    };
    let restarted = sealed(&service, &of(None), &restarted);
    let request = WatchProfilesRequest {
        until_now: true,
        ..with(None, &restarted)
    };
    assert_eq!(
        told(&service, request).await.unwrap().len(),
        3,
        "one change"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_ends_with_the_service_and_goes_on_at_another() {
    let database = Database::new().await;
    let one = Service::with(database.clone(), &[]).await;
    let two = Service::with(database.clone(), &[]).await;
    let mut stream = watch(&one, of(None)).await.unwrap();
    begins(&mut stream).await;
    one.record_one(make::seen("1", 0, &[A])).await;
    let (_, token) = next(&mut stream).await;
    let stopping = tokio::spawn(one.stop());
    let ended = loop {
        match in_time("the end", stream.message()).await {
            Ok(Some(message)) => assert!(matches!(message.event, Some(Event::Progress(_)))),
            Ok(None) => panic!("it ended without a word"),
            Err(status) => break status,
        }
    };
    refused(&ended, Code::Unavailable, "stream_ended");
    in_time("the drain", stopping).await.unwrap();
    let id = two.record_one(make::seen("2", 1, &[B])).await;
    let resumed = WatchProfilesRequest {
        resume_token: token,
        ..of(None)
    };
    let mut stream = watch(&two, resumed).await.unwrap();
    assert_eq!(next(&mut stream).await.0.profile_id, id);
    drop(stream);
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_told_while_nothing_happens_and_watches_are_counted() {
    let database = Database::new().await;
    let few = [("CUSTOMER_PROFILE_LIMITS__WATCHES_OF_CALLER", "2")];
    let service = Service::with(database, &few).await;
    let mut first = watch(&service, of(None)).await.unwrap();
    let second = watch(&service, of(None)).await.unwrap();
    let status = watch(&service, of(None)).await.unwrap_err();
    refused(&status, Code::ResourceExhausted, "overloaded");
    let other = with_metadata(of(None), &[("x-caller", "somebody-else")]);
    drop(service.profiles().watch_profiles(other).await.unwrap());
    drop(second);
    crate::harness::wait::until("a seat is free", async || {
        watch(&service, of(None)).await.is_ok()
    })
    .await;
    let before = begins(&mut first).await;
    let message = in_time("progress", first.message()).await.unwrap().unwrap();
    let Some(Event::Progress(progress)) = message.event else {
        panic!("{message:?}")
    };
    assert!(!progress.snapshot_complete && progress.as_of.is_some());
    assert_ne!(message.resume_token, before);
    drop(first);
    service.stop().await;
}
