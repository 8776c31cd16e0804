//! Watches and the relay when the database is started again, and when another takes its place.

use std::time::Duration;

use customer_profile::proto::v1::{WatchProfilesRequest, watch_profiles_response::Event};
use serde_json::Value;
use tonic::Code;

use super::{
    failover::Pair,
    postgres::{ROLE, SMALL},
};
use crate::{
    feed::watcher::{everything, next, told, watch},
    harness::{
        Service,
        away::OwnCluster,
        calls::recording,
        cluster::scratch,
        make,
        redis::Redis,
        refused::refused,
        wait::{in_time, until},
    },
};

/// Waits for its database for 2 s at most, and relays.
fn settings<'a>(database: &'a str, redis: &'a str) -> [(&'a str, &'a str); 6] {
    [
        ("DATABASE_URL", database),
        ("CUSTOMER_PROFILE_RELAY__REDIS_URL", redis),
        ("CUSTOMER_PROFILE_RELAY__PREFIX", "shop"),
        ("CUSTOMER_PROFILE_DATABASE__ACQUIRE_TIMEOUT_MS", "500"),
        ("CUSTOMER_PROFILE_DATABASE__STATEMENT_TIMEOUT_MS", "1000"),
        ("CUSTOMER_PROFILE_DATABASE__LOCK_TIMEOUT_MS", "500"),
    ]
}

/// Records somebody as soon as that can be, and answers with their profile.
async fn recorded(service: &Service, who: &str) -> String {
    let identifier = format!("email={who}@example.com");
    let request = recording(vec![make::seen(who, 0, &[&identifier])]);
    let mut profile = String::new();
    until("it records", async || {
        let mut client = service.interactions();
        let answer = client.record_interactions(request.clone()).await;
        let Ok(answer) = answer else {
            return false;
        };
        profile.clone_from(&answer.into_inner().results[0].profile_id);
        true
    })
    .await;
    profile
}

/// All events of all streams, stream by stream.
async fn relayed(redis: &Redis) -> Vec<Vec<Value>> {
    let mut streams = Vec::new();
    for bucket in 0..16 {
        let stream = format!("shop:feed:{{{bucket}}}");
        let entries: Vec<(String, Vec<String>)> = redis.ask(&["XRANGE", &stream, "-", "+"]).await;
        let events = entries.into_iter();
        let events = events.map(|(_, fields)| serde_json::from_str(&fields[1]).unwrap());
        streams.push(events.collect());
    }
    streams
}

async fn until_relayed(redis: &Redis, profile: &str) {
    until("a profile is relayed", async || {
        let streams = relayed(redis).await;
        let mut events = streams.iter().flatten();
        events.any(|event| event["subject"] == profile)
    })
    .await;
}

fn is_gap(event: &Value) -> bool {
    event["type"] == "customer_profile.feed.gap.v1"
}

/// Goes on with a token until the database answers.
async fn resumed(service: &Service, token: &str) -> Result<Vec<String>, tonic::Status> {
    let request = WatchProfilesRequest {
        resume_token: token.to_owned(),
        ..everything()
    };
    loop {
        match told(service, request.clone()).await {
            Err(status) if status.code() == Code::Unavailable => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            other => return other.map(changed),
        }
    }
}

fn changed(messages: Vec<customer_profile::proto::v1::WatchProfilesResponse>) -> Vec<String> {
    let events = messages.into_iter().filter_map(|message| message.event);
    events
        .filter_map(|event| match event {
            Event::Change(change) => Some(change.profile_id),
            Event::Progress(_) => None,
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_started_again_ends_no_watch_for_good() {
    let mut cluster = OwnCluster::start_with(scratch().join("feed-started-again"), &SMALL).await;
    let redis = Redis::start("feed-started-again-redis");
    let (database, relay) = (cluster.database().url(), redis.url());
    let service = Service::with(cluster.database(), &settings(&database, &relay)).await;
    let mut stream = watch(&service, WatchProfilesRequest::default())
        .await
        .unwrap();
    let before = recorded(&service, "before").await;
    let (change, token) = next(&mut stream).await;
    assert_eq!(change.profile_id, before);
    until_relayed(&redis, &before).await;
    cluster.kill().await;
    cluster.run().await;
    let after = recorded(&service, "after").await;
    let told = resumed(&service, &token).await.unwrap();
    assert!(told.contains(&after), "{told:?}");
    // The watch that was under way goes on too, unless it heard that the database was away.
    loop {
        match in_time("the next message", stream.message()).await {
            Ok(message) => match message.expect("it does not end silently").event {
                Some(Event::Change(change)) if change.profile_id == after => break,
                _ => {}
            },
            Err(status) => {
                refused(&status, Code::Unavailable, "storage_away");
                break;
            }
        }
    }
    until_relayed(&redis, &after).await;
    let streams = relayed(&redis).await;
    assert!(!streams.iter().flatten().any(is_gap));
    drop(stream);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_that_loses_commits_nobody_goes_on_as_if_nothing_were_missing() {
    let mut pair = Pair::start("feed").await;
    let redis = Redis::start("faults-feed-redis");
    let (database, relay) = (pair.link.url(ROLE), redis.url());
    let service = Service::with(pair.primary.database(), &settings(&database, &relay)).await;
    let kept = recorded(&service, "kept").await;
    until_relayed(&redis, &kept).await;
    let mut stream = watch(&service, WatchProfilesRequest::default())
        .await
        .unwrap();
    let caught_up = "SELECT (pg_current_wal_lsn() <= replay_lsn)::text FROM pg_stat_replication";
    pair.primary.until(caught_up, "true").await;
    pair.part().await;
    // The new primary will give these positions to others.
    let lost = recorded(&service, "lost").await;
    let token = loop {
        let (change, token) = next(&mut stream).await;
        if change.profile_id == lost {
            break token;
        }
    };
    until_relayed(&redis, &lost).await;
    pair.kill_primary().await;
    pair.promote().await;
    let ended = loop {
        match in_time("the end", stream.message()).await {
            Ok(message) => assert!(message.is_some(), "it ends with a word"),
            Err(status) => break status,
        }
    };
    // Unless it heard first that the database was away.
    if ended.code() != Code::Unavailable {
        refused(&ended, Code::OutOfRange, "resume_expired");
    }
    let after = recorded(&service, "after").await;
    let status = resumed(&service, &token).await.unwrap_err();
    refused(&status, Code::OutOfRange, "resume_expired");
    let snapshot = WatchProfilesRequest {
        snapshot: true,
        ..everything()
    };
    let there = changed(told(&service, snapshot).await.unwrap());
    assert!(there.contains(&kept) && there.contains(&after));
    assert!(!there.contains(&lost));
    until_relayed(&redis, &after).await;
    for (bucket, events) in relayed(&redis).await.iter().enumerate() {
        let gaps: Vec<usize> = (0..events.len()).filter(|n| is_gap(&events[*n])).collect();
        assert_eq!(gaps.len(), 1, "of bucket {bucket}: {events:?}");
        assert_eq!(events[gaps[0]]["data"]["reason"], "other_history");
        let of = |profile: &str| events.iter().rposition(|event| event["subject"] == profile);
        assert!(of(&after).is_none_or(|at| at > gaps[0]));
        assert!(of(&lost).is_none_or(|at| at < gaps[0]));
    }
    service.stop().await;
}
