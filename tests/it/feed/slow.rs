//! Who reads slowly: what waits for them is bounded, they are told how the stream ends, and lose nothing.

use std::time::Duration;

use customer_profile::proto::v1::{WatchProfilesRequest, watch_profiles_response::Event};
use tonic::Code;

use super::watcher::{Watcher, begins, everything, kept, watch};
use crate::harness::{Database, Service, make, refused::refused, wait::in_time};

/// Many more changes than fit into what waits and into what lies on the way.
const MANY: i64 = 6_000;

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_nothing_hears_the_end_after_all_that_waits_and_goes_on_elsewhere() {
    let database = Database::new().await;
    let one = Service::with(database.clone(), &[]).await;
    let two = Service::with(database.clone(), &[]).await;
    let mut stream = watch(&one, WatchProfilesRequest::default()).await.unwrap();
    begins(&mut stream).await;
    let mut slow = Watcher::default();
    let seen = |n: i64| make::seen(&n.to_string(), n, &[&format!("email=slow-{n}@example.com")]);
    for some in (0..MANY).collect::<Vec<_>>().chunks(1_000) {
        two.record_all(some.iter().copied().map(seen).collect())
            .await;
    }
    // The instance stops while nobody reads.
    let stopping = tokio::spawn(one.stop());
    tokio::time::sleep(Duration::from_millis(500)).await;
    slow.begin();
    let ended = loop {
        match in_time("the end", stream.message()).await {
            Ok(message) => slow.take(message.expect("it ends with a word")),
            Err(status) => break status,
        }
    };
    refused(&ended, Code::Unavailable, "stream_ended");
    in_time("the drain", stopping).await.unwrap();
    let all = kept(&database, "default").await;
    let before = slow.told.len();
    assert!(
        before > 100 && before < all.len(),
        "{before} of {}",
        all.len()
    );
    let request = WatchProfilesRequest {
        resume_token: slow.token.clone(),
        ..everything()
    };
    slow.take_all(&two, request).await;
    assert_eq!(slow.told, all);
    slow.assert_in_order(&all);
    two.stop().await;
}

/// It does not matter how many wait in vain: each that reads is told as before.
#[tokio::test(flavor = "multi_thread")]
async fn who_takes_nothing_holds_up_nobody_else() {
    let service = Service::start().await;
    let mut idle = Vec::new();
    for _ in 0..5 {
        let mut stream = watch(&service, WatchProfilesRequest::default())
            .await
            .unwrap();
        begins(&mut stream).await;
        idle.push(stream);
    }
    let mut reads = watch(&service, WatchProfilesRequest::default())
        .await
        .unwrap();
    begins(&mut reads).await;
    let seen = |n: i64| make::seen(&n.to_string(), n, &[&format!("email=idle-{n}@example.com")]);
    for some in (0..MANY).collect::<Vec<_>>().chunks(1_000) {
        service
            .record_all(some.iter().copied().map(seen).collect())
            .await;
    }
    let mut told = 0;
    while told < MANY {
        let message = in_time("the next change", reads.message()).await;
        if let Some(Event::Change(_)) = message.unwrap().unwrap().event {
            told += 1;
        }
    }
    drop(idle);
    service.stop().await;
}
