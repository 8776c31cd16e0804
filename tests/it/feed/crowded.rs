//! Eight who write at once, with merges, separations, undos and retractions, beside watchers that break off every few hundred
//! milliseconds and go on elsewhere. Six seconds of it; sixty with `CUSTOMER_PROFILE_TEST_SCALE=full`.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use customer_profile::{
    clock::{Clock, Micros},
    proto::v1::WatchProfilesRequest,
};
use tokio::time::Instant;
use tonic::Code;
use uuid::Uuid;

use super::watcher::{Known, Watcher, begins, everything, kept, stored, watch};
use crate::{
    harness::{
        Database, Random, Service, calls::retracting, in_full, make, random::seed_of_now, say,
    },
    stewards::crowd::{self, Crowd},
};

fn how_long() -> Duration {
    Duration::from_secs(if in_full() { 60 } else { 6 })
}

/// Merges, separates and undoes until it is time.
async fn steward(service: Arc<Service>, mut random: Random, n: usize, end: Instant) {
    let mut client = service.identities();
    let mut made: Vec<String> = Vec::new();
    for step in 0.. {
        if Instant::now() >= end {
            return;
        }
        let undoable = (!made.is_empty()).then(|| random.pick(&made).clone());
        let ask = crowd::ask(&mut random, n, step, undoable);
        let operation = format!("{n:02}-{step:05}");
        match ask.send(&mut client, &operation).await {
            Ok(_) => made.push(operation),
            Err(status) => {
                let code = status.code();
                let refused = [Code::FailedPrecondition, Code::Aborted];
                assert!(refused.contains(&code), "{status:?}");
            }
        }
    }
}

/// Records what joins people until it is time; one in a few takes some of it out again.
async fn department(service: Arc<Service>, mut random: Random, n: usize, end: Instant) {
    for step in 0.. {
        if Instant::now() >= end {
            return;
        }
        let name = format!("{n}-{step}");
        let mut batch = crowd::sightings(&mut random, &name);
        // One customer of whom everybody writes.
        let hot = make::seen(&format!("hot {name}"), step, &["customer_id=hot"]);
        batch.push(hot);
        let events: Vec<String> = batch.iter().map(|one| one.event_id.clone()).collect();
        service.record_all(batch).await;
        if random.once_in(4) {
            let events: Vec<&str> = events.iter().map(String::as_str).collect();
            let request = retracting(&format!("retract {name}"), &events);
            if let Err(status) = service.retract(request).await {
                assert_eq!(status.code(), Code::Aborted, "{status:?}");
            }
        }
    }
}

pub async fn services(database: &Database, count: usize) -> Vec<Arc<Service>> {
    let mut services = Vec::new();
    while services.len() < count {
        let patient = [("CUSTOMER_PROFILE_DATABASE__LOCK_TIMEOUT_MS", "30000")];
        let another = Service::with(database.clone(), &patient).await;
        services.push(Arc::new(another));
    }
    services
}

/// Eight writers until it is time.
pub async fn write(services: &[Arc<Service>], seed: u64, end: Instant) {
    let at = |n: usize| Arc::clone(&services[n % services.len()]);
    let mut working = Vec::new();
    for n in 0..8 {
        let random = Random::new(seed ^ ((n as u64) << 32));
        working.push(match n {
            0..4 => tokio::spawn(steward(at(n), random, n, end)),
            _ => tokio::spawn(department(at(n), random, n, end)),
        });
    }
    for one in working {
        one.await.unwrap();
    }
}

/// Watches until writing is over, breaking off again and again, and then to the end.
async fn follow(
    services: Vec<Arc<Service>>,
    first: WatchProfilesRequest,
    mut random: Random,
    over: Arc<AtomicBool>,
) -> Watcher {
    let mut watcher = Watcher::default();
    let mut request = first;
    while !over.load(Relaxed) {
        let service = random.pick(&services);
        let broken = Instant::now() + Duration::from_millis(50 + random.below(400) as u64);
        watcher.begin();
        let mut stream = watch(service, request.clone()).await.unwrap();
        while let Ok(message) = tokio::time::timeout_at(broken, stream.message()).await {
            let message = message.unwrap().expect("it goes on");
            watcher.take(message);
        }
        request.resume_token.clone_from(&watcher.token);
    }
    request.until_now = true;
    watcher.take_all(&services[0], request).await;
    watcher
}

/// Changes that stand before the version before them.
async fn strayed(database: &Database) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM (
            SELECT position < lag(position) OVER (PARTITION BY tenant, profile_id ORDER BY version) AS strayed FROM outbox
         ) AS changes WHERE strayed",
    )
    .fetch_one(&mut database.connect().await)
    .await
    .unwrap()
}

/// Whole profiles, as they were told to who put them together, beside those that a snapshot of now has; of `there` alone.
fn assert_same_profiles(told: &Watcher, now: &Watcher, there: &BTreeSet<(Uuid, i64)>) {
    for (id, version) in there {
        let (told, now) = (told.profiles.get(id), now.profiles.get(id));
        assert!(now.is_some_and(|now| now.version == *version), "{now:?}");
        assert_eq!(told, now, "{id}");
    }
}

/// What is worked out for the hour is another in the next one.
fn hour() -> i64 {
    Clock::system().now().0 / (3_600 * Micros::SECOND)
}

fn assert_same(known: &Known, stored: &Known) {
    let differ: Vec<_> = stored
        .iter()
        .filter(|(id, now)| known.get(*id) != Some(*now))
        .map(|(id, now)| (id, now, known.get(id)))
        .collect();
    assert!(differ.is_empty(), "stored, told: {differ:?}");
    assert_eq!(known.len(), stored.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_to_watchers_that_break_off_is_all_that_happened_in_its_order() {
    let (seed, begun) = (seed_of_now(), hour());
    let database = Database::new().await;
    let services = services(&database, 2).await;
    // From before anything was written.
    let mut stream = watch(&services[0], WatchProfilesRequest::default())
        .await
        .unwrap();
    let from_the_start = WatchProfilesRequest {
        resume_token: begins(&mut stream).await,
        with_profile: true,
        ..WatchProfilesRequest::default()
    };
    drop(stream);
    let crowd = Crowd::new();
    crowd.come(&services[0]).await;
    let over = Arc::new(AtomicBool::new(false));
    let snapshot = WatchProfilesRequest {
        snapshot: true,
        with_profile: true,
        ..WatchProfilesRequest::default()
    };
    let [from_the_start, from_a_snapshot] = [from_the_start, snapshot].map(|first| {
        let random = Random::new(seed ^ 0x5eed);
        tokio::spawn(follow(services.clone(), first, random, Arc::clone(&over)))
    });
    write(&services, seed, Instant::now() + how_long()).await;
    over.store(true, Relaxed);
    let (all, late) = (
        from_the_start.await.unwrap(),
        from_a_snapshot.await.unwrap(),
    );

    let (stored, kept) = (
        stored(&database, "default").await,
        kept(&database, "default").await,
    );
    say(format_args!(
        "feed: seed {seed}, {} profiles, {} changes, {} out of their order in the outbox, {} streams",
        stored.len(),
        kept.len(),
        strayed(&database).await,
        all.streams,
    ));
    let missing: Vec<&(Uuid, i64)> = kept.difference(&all.told).collect();
    assert!(missing.is_empty(), "not told: {missing:?}");
    assert_eq!(all.told.difference(&kept).count(), 0);
    assert_same(&all.known, &stored);
    all.assert_in_order(&kept);

    // Who came later knows of everybody who is there, and of none who went.
    assert!(late.complete);
    let there = |known: &Known| -> BTreeSet<(Uuid, i64)> {
        let all = known.iter().filter(|(_, (_, there))| *there);
        all.map(|(id, (version, _))| (*id, *version)).collect()
    };
    assert_eq!(there(&late.known), there(&stored));

    // A snapshot of now is the same.
    let mut now = Watcher::default();
    let request = WatchProfilesRequest {
        snapshot: true,
        with_profile: true,
        ..everything()
    };
    now.take_all(&services[1], request).await;
    assert_eq!(there(&now.known), there(&stored));
    if hour() == begun {
        for told in [&all, &late] {
            assert_same_profiles(told, &now, &there(&stored));
        }
    }
    for service in services {
        Arc::into_inner(service).unwrap().stop().await;
    }
}
