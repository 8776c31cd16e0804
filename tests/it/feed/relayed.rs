//! The relay, with a Redis of its own, two instances and a consumer group: what is read there is all that happened, in its order.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    crowded::write,
    watcher::{Known, kept, stored},
};
use crate::{
    harness::{
        Database, Service, make,
        random::seed_of_now,
        redis::Redis,
        say,
        wait::{LIMIT, until},
    },
    health::page,
    stewards::crowd::Crowd,
};

const BUCKETS: usize = 16;

/// What XREADGROUP answers: streams with entries with fields.
type Entries = Option<Vec<(String, Vec<(String, Vec<String>)>)>>;

fn streams() -> Vec<String> {
    (0..BUCKETS).map(|n| format!("shop:feed:{{{n}}}")).collect()
}

/// Who reads the streams.
#[derive(Default)]
struct Reader {
    known: Known,
    told: BTreeSet<(Uuid, i64)>,
    buckets: BTreeMap<Uuid, String>,
    events: usize,
}

impl Reader {
    /// Takes what is there for a consumer of the group; answers whether there was anything.
    async fn read(&mut self, redis: &Redis, consumer: &str) -> bool {
        let streams = streams();
        let mut words = vec![
            "XREADGROUP",
            "GROUP",
            "copy",
            consumer,
            "COUNT",
            "500",
            "STREAMS",
        ];
        words.extend(streams.iter().map(String::as_str));
        words.extend([">"; BUCKETS]);
        let Some(answer) = redis.ask::<Entries>(&words).await else {
            return false;
        };
        for (stream, entries) in answer {
            for (id, fields) in entries {
                assert_eq!(fields[0], "event");
                self.take(&stream, &serde_json::from_str(&fields[1]).unwrap());
                redis.ask::<i64>(&["XACK", &stream, "copy", &id]).await;
            }
        }
        true
    }

    fn take(&mut self, stream: &str, event: &Value) {
        self.events += 1;
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["source"], "/customer-profile/tenants/default");
        let profile: Uuid = event["subject"].as_str().unwrap().parse().unwrap();
        let version: i64 = event["data"]["version"].as_str().unwrap().parse().unwrap();
        assert_eq!(event["id"], format!("{profile}/{version}"));
        let bucket = self
            .buckets
            .entry(profile)
            .or_insert_with(|| stream.to_owned());
        assert_eq!(bucket, stream, "a profile has one stream");
        self.told.insert((profile, version));
        let kind = event["type"].as_str().unwrap();
        let merged = kind == "customer_profile.profile.merged_away.v1";
        assert_eq!(merged, event["data"]["mergedInto"].is_string());
        let gone = merged || kind == "customer_profile.profile.emptied.v1";
        let known = self.known.entry(profile).or_insert((0, false));
        if version > known.0 {
            *known = (version, !gone);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_group_reads_all_that_happened_in_its_order() {
    let seed = seed_of_now();
    let redis = Redis::start("relay");
    for stream in streams() {
        redis
            .ask::<String>(&["XGROUP", "CREATE", &stream, "copy", "0", "MKSTREAM"])
            .await;
    }
    let database = Database::new().await;
    let url = redis.url();
    let settings = [
        ("CUSTOMER_PROFILE_RELAY__REDIS_URL", url.as_str()),
        ("CUSTOMER_PROFILE_RELAY__PREFIX", "shop"),
        ("CUSTOMER_PROFILE_DATABASE__LOCK_TIMEOUT_MS", "30000"),
    ];
    let mut services = Vec::new();
    for _ in 0..2 {
        let service = Service::with(database.clone(), &settings).await;
        services.push(std::sync::Arc::new(service));
    }
    Crowd::new().come(&services[0]).await;
    let mut reader = Reader::default();
    let writing = {
        let services = services.clone();
        tokio::spawn(async move {
            write(&services, seed, Instant::now() + Duration::from_secs(5)).await;
        })
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    // It is held still for longer than anybody waits for it.
    redis.freeze();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    redis.thaw();
    while !writing.is_finished() {
        reader.read(&redis, "one").await;
        reader.read(&redis, "two").await;
    }
    writing.await.unwrap();
    let (stored, kept) = (
        stored(&database, "default").await,
        kept(&database, "default").await,
    );
    let begun = Instant::now();
    while reader.told.len() < kept.len() && begun.elapsed() < LIMIT {
        if !reader.read(&redis, "one").await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    say(format_args!(
        "relay: seed {seed}, {} changes, {} events",
        kept.len(),
        reader.events
    ));
    assert_eq!(kept.difference(&reader.told).count(), 0);
    assert_eq!(reader.told.difference(&kept).count(), 0);
    assert_eq!(reader.known, stored);
    // Exactly one noted how far it is.
    let noted: i64 = sqlx::query_scalar("SELECT count(*) FROM relays")
        .fetch_one(&mut database.connect().await)
        .await
        .unwrap();
    assert_eq!(noted, 1);
    for service in services {
        std::sync::Arc::into_inner(service).unwrap().stop().await;
    }
}

/// All events in the stream of a profile.
async fn events_of(redis: &Redis, profile: &str) -> Vec<Value> {
    let id: Uuid = profile.parse().unwrap();
    let bucket = id.as_u64_pair().1 % 16;
    let stream = format!("shop:feed:{{{bucket}}}");
    let entries: Vec<(String, Vec<String>)> = redis.ask(&["XRANGE", &stream, "-", "+"]).await;
    let events = entries.into_iter();
    events
        .map(|(_, fields)| serde_json::from_str(&fields[1]).unwrap())
        .collect()
}

async fn until_told(redis: &Redis, profile: &str) {
    until("a profile is relayed", async || {
        let events = events_of(redis, profile).await;
        events.iter().any(|event| event["subject"] == profile)
    })
    .await;
}

/// How far the relay says that it is behind.
async fn lag(service: &Service) -> f64 {
    let (_, text) = page(&service.metrics_url(), "/metrics").await;
    let mut lines = text.lines();
    let line = lines.find_map(|line| line.strip_prefix("customer_profile_relay_lag_seconds "));
    line.map_or(0.0, |seconds| seconds.trim().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_fails_and_a_redis_that_is_away_are_behind_and_hold_up_nobody() {
    let mut redis = Redis::start("relay-behind");
    let url = redis.url();
    let settings = [
        ("CUSTOMER_PROFILE_RELAY__REDIS_URL", url.as_str()),
        ("CUSTOMER_PROFILE_RELAY__PREFIX", "shop"),
    ];
    let service = Service::with(Database::new().await, &settings).await;
    let broken = make::seen("broken", 0, &["email=broken@example.com"]);
    service.record_of("broken", vec![broken]).await;
    let mut connection = service.database.connect().await;
    // A change that this release cannot read.
    sqlx::query(
        "INSERT INTO outbox (tenant, profile_id, version, position, kind)
         VALUES ('broken', $1, 1, pg_current_xact_id()::text::bigint, 99)",
    )
    .bind(Uuid::from_u128(7))
    .execute(&mut connection)
    .await
    .unwrap();
    let later = make::seen("later", 1, &["email=later@example.com"]);
    service.record_of("broken", vec![later]).await;
    let fine = service
        .record_one(make::seen("fine", 0, &["email=fine@example.com"]))
        .await;
    until_told(&redis, &fine).await;
    until("it is told who is behind", async || {
        lag(&service).await > 1.5
    })
    .await;
    sqlx::query("DELETE FROM outbox WHERE kind = 99")
        .execute(&mut connection)
        .await
        .unwrap();
    let later: Vec<Uuid> =
        sqlx::query_scalar("SELECT profile_id FROM outbox WHERE tenant = 'broken'")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    for profile in later {
        until_told(&redis, &profile.to_string()).await;
    }
    until("nobody is behind", async || lag(&service).await < 1.0).await;

    redis.kill();
    let away = service
        .record_one(make::seen("away", 1, &["email=away@example.com"]))
        .await;
    until("the lag grows", async || lag(&service).await > 3.0).await;
    redis.again();
    until_told(&redis, &away).await;
    until("it has caught up", async || lag(&service).await < 1.0).await;
    service.stop().await;
}
