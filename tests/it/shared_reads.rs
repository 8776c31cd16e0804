//! Reads that many wait for: who joins them, how they end, and how they are counted.

use std::{sync::Arc, time::Duration};

use customer_profile::proto::v1::{GetProfileRequest, ReadOptions};
use tokio::time::Instant;
use tonic::{Code, Request};

use crate::{
    harness::{
        Service,
        away::OwnCluster,
        calls::{getting, recording},
        make,
        redis::Redis,
        refused::refused,
        wait::{in_time, until},
    },
    health::page,
};

const WHO: &str = "email=a@example.com";

const CROWD: u64 = 300;

fn reads(service: &Service) -> u64 {
    service.server().reader().caches().primary_reads()
}

/// What is counted of primary reads that others had asked for.
async fn counted_as_shared(service: &Service) -> f64 {
    let (_, text) = page(&service.metrics_url(), "/metrics").await;
    let wanted = [
        "customer_profile_cache_reads_total{",
        "tier=\"primary\"",
        "outcome=\"shared\"",
    ];
    let mut lines = text.lines();
    let line = lines.find(|line| wanted.iter().all(|part| line.contains(part)));
    let number = line.and_then(|line| line.rsplit(' ').next());
    number.map_or(0.0, |number| number.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_with_tokens_or_without_patience_shares_reads_of_the_primary() {
    let cluster = OwnCluster::start("shared_tokens").await;
    let patient = [("CUSTOMER_PROFILE_DATABASE__ACQUIRE_TIMEOUT_MS", "60000")];
    let service = Arc::new(Service::with(cluster.database(), &patient).await);
    let write = make::seen("1", 0, &[WHO]);
    let written = service
        .interactions()
        .record_interactions(recording(vec![write]))
        .await;
    let token = written.unwrap().into_inner().token;
    let with_token = ReadOptions {
        tokens: vec![token],
        ..ReadOptions::default()
    };
    let fresh = ReadOptions {
        max_staleness: Some(prost_types::Duration::default()),
        ..ReadOptions::default()
    };
    let shared = counted_as_shared(&service).await;
    for options in [with_token, fresh] {
        let before = reads(&service);
        // For less than after which caches are not used.
        cluster.freeze();
        let client = service.profiles();
        let crowd: Vec<_> = (0..CROWD)
            .map(|_| {
                let request = GetProfileRequest {
                    read_options: Some(options.clone()),
                    ..getting(WHO)
                };
                let mut client = client.clone();
                tokio::spawn(async move { client.get_profile(request).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(400)).await;
        cluster.thaw();
        for one in crowd {
            let answer = in_time("a read", one).await.unwrap().unwrap().into_inner();
            assert!(answer.profile.unwrap().known);
        }
        let more = reads(&service) - before;
        // Who asked after one had begun waits for the next; on a busy machine some ask when the crowd has been served.
        assert!(more <= CROWD / 10, "{more} for a crowd");
    }
    let more = counted_as_shared(&service).await - shared;
    assert!(more >= 100.0, "{more} were counted as shared");
    Arc::into_inner(service).unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_read_that_hangs_ends_in_time_and_the_next_begins_anew() {
    let cluster = OwnCluster::start("shared_hangs").await;
    let service = Service::with(cluster.database(), &[]).await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    cluster.freeze();
    let begun = Instant::now();
    let mut waiting = Vec::new();
    for _ in 0..20 {
        let mut client = service.profiles();
        waiting.push(tokio::spawn(async move {
            let mut request = Request::new(getting(WHO));
            request.set_timeout(Duration::from_millis(300));
            client.get_profile(request).await
        }));
    }
    for one in waiting {
        let status = in_time("a read", one).await.unwrap().unwrap_err();
        assert!(
            matches!(status.code(), Code::Cancelled | Code::DeadlineExceeded),
            "{status:?}"
        );
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
    cluster.thaw();
    until("it is read again", async || {
        service.get(getting(WHO)).await.is_ok()
    })
    .await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_at_reading_is_given_back_when_the_read_fails() {
    let redis = Redis::start("shared_turn");
    let url = redis.url();
    let mut cluster = OwnCluster::start("shared_turn").await;
    let settings = [
        ("REDIS_URL", url.as_str()),
        ("CUSTOMER_PROFILE_DATABASE__ACQUIRE_TIMEOUT_MS", "200"),
    ];
    let service = Service::with(cluster.database(), &settings).await;
    until("redis is used", async || {
        let caches = service.server().reader().caches();
        caches.redis().unwrap().is_connected()
    })
    .await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    cluster.stop().await;
    // The name of a turn lives for a second by itself.
    let mut held = Duration::MAX;
    for _ in 0..5 {
        let begun = Instant::now();
        let status = service.get(getting(WHO)).await.unwrap_err();
        refused(&status, Code::Unavailable, "storage_away");
        until("the turn is given back", async || {
            let names = redis.names().await;
            !names.iter().any(|name| name.contains(":t:"))
        })
        .await;
        held = held.min(begun.elapsed());
    }
    assert!(held < Duration::from_millis(800), "{held:?}");
    cluster.run().await;
    service.stop().await;
}
