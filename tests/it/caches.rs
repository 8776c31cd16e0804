//! Reads by way of the caches: what is served, from where, and what is not whatever becomes of Redis or of the database.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use customer_profile::{
    clock::Clock,
    grpc::token::{TokenKey, WriteToken},
    ids::TenantId,
    proto::v1::{
        BatchGetProfilesRequest, GetProfileRequest, GetProfileResponse, MergeProfilesRequest,
        ReadOptions, ReadSource, SeparateIdentifiersRequest,
    },
};
use tonic::{Code, Status};

use crate::harness::{
    Database, Service,
    away::OwnCluster,
    calls::{by_id, getting, recording},
    cluster::scratch,
    make,
    process::Process,
    redis::{Redis, answers},
    refused::refused,
    service::{of_tenant, with_metadata},
    wait::until,
};

const WHO: &str = "email=a@example.com";

/// A service with this Redis.
async fn service(database: &Database, redis: &Redis) -> Service {
    service_with(database, redis, &[]).await
}

async fn service_with(database: &Database, redis: &Redis, more: &[(&str, &str)]) -> Service {
    let url = redis.url();
    let settings = [&[("REDIS_URL", url.as_str())], more].concat();
    let service = Service::with(database.clone(), &settings).await;
    ready(&service).await;
    service
}

/// Waits until caches are used: what is read twice is not read from the primary.
async fn ready(service: &Service) {
    let who = format!(
        "email=ready-{}@example.com",
        service.url.replace(['/', ':'], "")
    );
    service.record_one(make::seen(&who, 0, &[&who])).await;
    until("the caches are used", async || {
        let connected = service
            .server()
            .reader()
            .caches()
            .redis()
            .unwrap()
            .is_connected();
        connected && source(&read(service, &who).await) == ReadSource::Memory
    })
    .await;
}

async fn ask(
    service: &Service,
    who: &str,
    options: ReadOptions,
) -> Result<GetProfileResponse, Status> {
    let request = GetProfileRequest {
        read_options: Some(options),
        ..getting(who)
    };
    let response = service.profiles().get_profile(request).await;
    response.map(tonic::Response::into_inner)
}

async fn read(service: &Service, who: &str) -> GetProfileResponse {
    ask(service, who, ReadOptions::default()).await.unwrap()
}

fn source(response: &GetProfileResponse) -> ReadSource {
    response.read_info.as_ref().unwrap().source()
}

fn behind(response: &GetProfileResponse) -> Duration {
    let stale_by = response.read_info.as_ref().unwrap().stale_by.unwrap();
    stale_by.try_into().unwrap()
}

fn version(response: &GetProfileResponse) -> i64 {
    response.profile.as_ref().unwrap().version
}

/// Records one more of somebody; answers with the token and the version.
async fn write(service: &Service, event: &str, who: &[&str]) -> (String, i64) {
    let request = recording(vec![make::seen(event, 0, who)]);
    let response = service.interactions().record_interactions(request).await;
    let token = response.unwrap().into_inner().token;
    let key = TokenKey::new(&service.server().opened().secret);
    let (tenant, now) = (TenantId::default_tenant(), Clock::system().now());
    let read = WriteToken::decode(&token, &tenant, now, &key).unwrap();
    (token, read.anchor.unwrap().1)
}

fn with_token(token: &str) -> ReadOptions {
    ReadOptions {
        tokens: vec![token.to_owned()],
        ..ReadOptions::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_read_once_and_then_served_from_memory_and_from_redis() {
    let redis = Redis::start("redis_tiers");
    let database = Database::new().await;
    let (one, two) = (
        service(&database, &redis).await,
        service(&database, &redis).await,
    );
    write(&one, "1", &[WHO]).await;
    let first = read(&one, WHO).await;
    assert_eq!(source(&first), ReadSource::Primary);
    assert_eq!(behind(&first), Duration::ZERO);
    let again = read(&one, WHO).await;
    assert_eq!(source(&again), ReadSource::Memory);
    assert_eq!(again.profile, first.profile);
    assert!(behind(&again) < Duration::from_secs(1));
    until("redis has it", async || {
        source(&read(&two, WHO).await) != ReadSource::Primary
    })
    .await;
    let there = read(&two, WHO).await;
    assert_eq!(there.profile, first.profile);
    let by_id = GetProfileRequest {
        lookup: by_id(&first.profile.unwrap().profile_id),
        ..GetProfileRequest::default()
    };
    let by_id = one
        .profiles()
        .get_profile(by_id)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(source(&by_id), ReadSource::Memory);
    let fresh = ReadOptions {
        max_staleness: Some(prost_types::Duration::default()),
        ..ReadOptions::default()
    };
    let fresh = ask(&one, WHO, fresh).await.unwrap();
    assert_eq!(
        source(&fresh),
        ReadSource::Primary,
        "no staleness, no cache"
    );
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_shows_the_write_on_every_instance_and_versions_never_go_back() {
    let redis = Redis::start("redis_tokens");
    let database = Database::new().await;
    let (one, two) = (
        service(&database, &redis).await,
        service(&database, &redis).await,
    );
    let mut token = String::new();
    for n in 0..40 {
        // Everybody keeps what was before.
        if n > 0 {
            read(&one, WHO).await;
            read(&two, WHO).await;
        }
        let (written, version_written) = write(&one, &n.to_string(), &[WHO]).await;
        let seen = ask(&two, WHO, with_token(&written)).await.unwrap();
        assert!(version(&seen) >= version_written, "{n}");
        let same = read(&one, WHO).await;
        assert!(
            version(&same) >= version_written,
            "it was written here: {n}"
        );
        token = seen.read_info.unwrap().token;
        let handed_on = ask(&one, WHO, with_token(&token)).await.unwrap();
        assert!(version(&handed_on) >= version_written);
    }
    until("a token is met by what is kept", async || {
        let seen = ask(&two, WHO, with_token(&token)).await.unwrap();
        source(&seen) != ReadSource::Primary
    })
    .await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_seen_in_time_by_who_hears_no_message_of_it() {
    let redis = Redis::start("redis_deaf");
    let database = Database::new().await;
    let one = service(&database, &redis).await;
    // It has a Redis of its own, so nothing that the other says reaches it.
    let other = Redis::start("redis_deaf_other");
    let deaf = service(&database, &other).await;
    for n in 0..5 {
        let (_, written) = write(&one, &n.to_string(), &[WHO]).await;
        let begun = tokio::time::Instant::now();
        while version(&read(&deaf, WHO).await) < written {
            assert!(begun.elapsed() < Duration::from_secs(2), "the bound");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(source(&read(&deaf, WHO).await), ReadSource::Memory);
    }
    one.stop().await;
    deaf.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_fails_no_read_and_old_data_in_it_is_not_served() {
    let mut redis = Redis::start("redis_trouble");
    let database = Database::new().await;
    let (one, two) = (
        service(&database, &redis).await,
        service(&database, &redis).await,
    );
    write(&one, "1", &[WHO]).await;
    read(&one, WHO).await;
    until("redis has it", async || redis.names().await.len() > 4).await;
    redis.ask::<String>(&["SAVE"]).await;
    let (_, written) = write(&one, "2", &[WHO]).await;
    let check = async |what: &str, written: i64| {
        let begun = tokio::time::Instant::now();
        for service in [&one, &two] {
            until(what, async || version(&read(service, WHO).await) >= written).await;
        }
        assert!(begun.elapsed() < Duration::from_secs(2), "{what}");
    };
    check("it is seen", written).await;

    redis.kill();
    let (_, written) = write(&one, "3", &[WHO]).await;
    check("it is seen with redis killed", written).await;

    redis.again();
    assert!(redis.names().await.len() > 4, "old data is back");
    check("it is seen with old data", written).await;
    let (token, written) = write(&one, "4", &[WHO]).await;
    let seen = ask(&two, WHO, with_token(&token)).await.unwrap();
    assert!(version(&seen) >= written);

    redis.freeze();
    let (_, written) = write(&one, "5", &[WHO]).await;
    check("it is seen with redis frozen", written).await;
    redis.thaw();
    redis.ask::<String>(&["FLUSHALL"]).await;
    let (_, written) = write(&two, "6", &[WHO]).await;
    check("it is seen after a flush", written).await;
    for (name, value) in redis
        .names()
        .await
        .into_iter()
        .zip(["", "x", "0123456789"].iter().cycle())
    {
        redis.ask::<String>(&["SET", &name, value]).await;
    }
    check("it is seen with rubbish", written).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn merges_and_separations_are_followed_by_identifier_and_by_id() {
    let redis = Redis::start("redis_merges");
    let database = Database::new().await;
    let (one, two) = (
        service(&database, &redis).await,
        service(&database, &redis).await,
    );
    let (a, b) = ("email=a@example.com", "email=b@example.com");
    let mut profiles = Vec::new();
    for who in [a, b] {
        profiles.push(one.record_one(make::seen(who, 0, &[who])).await);
        read(&one, who).await;
        read(&two, who).await;
    }
    let merge = MergeProfilesRequest {
        operation_id: "m".into(),
        reason: "a test".into(),
        target: make::by(a),
        source: make::by(b),
        ..MergeProfilesRequest::default()
    };
    let merged = one
        .identities()
        .merge_profiles(merge)
        .await
        .unwrap()
        .into_inner();
    for who in [a, b] {
        let seen = ask(&two, who, with_token(&merged.token)).await.unwrap();
        assert_eq!(seen.profile.unwrap().identifiers_total, 2);
        assert_eq!(read(&one, who).await.profile.unwrap().identifiers_total, 2);
    }
    for id in &profiles {
        for service in [&one, &two] {
            until("the id leads to both", async || {
                let request = GetProfileRequest {
                    lookup: by_id(id),
                    ..GetProfileRequest::default()
                };
                service.get(request).await.unwrap().identifiers_total == 2
            })
            .await;
        }
    }
    let separate = SeparateIdentifiersRequest {
        operation_id: "s".into(),
        reason: "a test".into(),
        identifiers: vec![make::identifier(b)],
        ..SeparateIdentifiersRequest::default()
    };
    let separated = one
        .identities()
        .separate_identifiers(separate)
        .await
        .unwrap();
    let token = separated.into_inner().token;
    for who in [a, b] {
        let seen = ask(&two, who, with_token(&token)).await.unwrap();
        assert_eq!(seen.profile.unwrap().identifiers_total, 1);
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_remembered_for_a_moment_and_tenants_are_kept_apart() {
    let redis = Redis::start("redis_nobody");
    let database = Database::new().await;
    let (one, two) = (
        service(&database, &redis).await,
        service(&database, &redis).await,
    );
    let missing = async |service: &Service| {
        let request = GetProfileRequest {
            allow_missing: true,
            ..getting(WHO)
        };
        service
            .profiles()
            .get_profile(request)
            .await
            .unwrap()
            .into_inner()
    };
    assert_eq!(source(&missing(&one).await), ReadSource::Primary);
    missing(&two).await;
    let before = one.server().reader().caches().primary_reads();
    for _ in 0..5 {
        assert!(!missing(&one).await.profile.unwrap().known);
    }
    let more = one.server().reader().caches().primary_reads() - before;
    assert!(more < 5, "nobody was looked for again each time");
    let (token, _) = write(&one, "1", &[WHO]).await;
    assert!(
        missing(&one).await.profile.unwrap().known,
        "it was written here"
    );
    assert!(
        ask(&two, WHO, with_token(&token))
            .await
            .unwrap()
            .profile
            .unwrap()
            .known
    );
    let id = read(&one, WHO).await.profile.unwrap().profile_id;
    until("redis has it", async || {
        source(&read(&two, WHO).await) != ReadSource::Primary
    })
    .await;
    for service in [&one, &two] {
        let request = GetProfileRequest {
            lookup: by_id(&id),
            ..GetProfileRequest::default()
        };
        let request = of_tenant("other", request);
        let status = service.profiles().get_profile(request).await.unwrap_err();
        refused(&status, Code::NotFound, "not_found");
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_caller_may_see_is_not_what_the_next_is_shown() {
    let redis = Redis::start("redis_sight");
    let one = service(&Database::new().await, &redis).await;
    write(&one, "1", &[WHO]).await;
    let mut shown = Vec::new();
    for permissions in ["read", "read,read_identifiers", "read"] {
        let request = with_metadata(getting(WHO), &[("x-permissions", permissions)]);
        let response = one
            .profiles()
            .get_profile(request)
            .await
            .unwrap()
            .into_inner();
        shown.push(response.profile.unwrap().identifiers.len());
    }
    assert_eq!(shown, [0, 1, 0]);
    one.stop().await;
}

/// So many at once keep this process busy for a while, and that is not what is tried here.
const PATIENT: [(&str, &str); 2] = [
    ("CUSTOMER_PROFILE_DATABASE__ACQUIRE_TIMEOUT_MS", "60000"),
    ("CUSTOMER_PROFILE_CACHE__REDIS_TIMEOUT_MS", "1000"),
];

fn patiently() -> GetProfileRequest {
    GetProfileRequest {
        read_options: Some(ReadOptions {
            max_staleness: Some(Duration::from_mins(5).try_into().unwrap()),
            ..ReadOptions::default()
        }),
        ..getting(WHO)
    }
}

async fn stampede(services: &[Arc<Service>]) -> u64 {
    let before: u64 = services
        .iter()
        .map(|s| s.server().reader().caches().primary_reads())
        .sum();
    let mut readers = Vec::new();
    let clients: Vec<_> = services.iter().map(|service| service.profiles()).collect();
    for n in 0..2_000 {
        let mut client = clients[n % clients.len()].clone();
        readers.push(tokio::spawn(async move {
            client.get_profile(patiently()).await.unwrap().into_inner()
        }));
    }
    let mut versions = BTreeSet::new();
    for reader in readers {
        versions.insert(version(&reader.await.unwrap()));
    }
    assert_eq!(versions.len(), 1);
    let after: u64 = services
        .iter()
        .map(|s| s.server().reader().caches().primary_reads())
        .sum();
    after - before
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_at_a_cold_profile_reads_it_once_with_redis_and_once_an_instance_without() {
    let redis = Redis::start("redis_crowd");
    let database = Database::new().await;
    let mut services = Vec::new();
    for _ in 0..3 {
        services.push(Arc::new(service_with(&database, &redis, &PATIENT).await));
    }
    // Who reads for all is replaced when it takes long, so on a busy machine one more may read; never the crowd.
    let mut fewest = u64::MAX;
    for event in ["1", "2", "3"] {
        write(&services[0], event, &[WHO]).await;
        let reads = stampede(&services).await;
        assert!(reads <= 3, "{reads} for a crowd");
        fewest = fewest.min(reads);
        if reads == 1 {
            break;
        }
    }
    assert_eq!(fewest, 1, "one of all");
    let mut alone = Vec::new();
    for _ in 0..2 {
        alone.push(Arc::new(Service::with(database.clone(), &PATIENT).await));
    }
    for service in &alone {
        service
            .record_one(make::seen(&service.url, 0, &["email=b@example.com"]))
            .await;
    }
    assert_eq!(stampede(&alone).await, 2, "one of each");
    for service in services.into_iter().chain(alone) {
        Arc::into_inner(service).unwrap().stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_old_answers_gets_them_while_the_database_is_away() {
    let redis = Redis::start("redis_away");
    let mut cluster = OwnCluster::start("caches_away").await;
    let settings = [("REDIS_URL", redis.url())];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let one = Service::with(cluster.database(), &settings).await;
    let two = Service::with(cluster.database(), &settings).await;
    ready(&one).await;
    ready(&two).await;
    let (token, written) = write(&one, "1", &[WHO]).await;
    read(&one, WHO).await;
    until("redis has it", async || {
        source(&read(&two, WHO).await) != ReadSource::Primary
    })
    .await;
    let cold = "email=cold@example.com";
    write(&one, "2", &[cold]).await;
    cluster.stop().await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let stale = |token: &str| ReadOptions {
        allow_stale: true,
        ..with_token(token)
    };
    for service in [&one, &two] {
        let begun = tokio::time::Instant::now();
        let seen = ask(service, WHO, stale("")).await.unwrap();
        assert_eq!(version(&seen), written);
        assert!(
            behind(&seen) >= Duration::from_secs(1),
            "{:?}",
            behind(&seen)
        );
        assert_ne!(source(&seen), ReadSource::Primary);
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "it does not wait for the database"
        );
        let seen = ask(service, WHO, stale(&token)).await.unwrap();
        assert_eq!(version(&seen), written, "it includes the token's write");
        let status = ask(service, WHO, ReadOptions::default()).await.unwrap_err();
        refused(&status, Code::Unavailable, "storage_away");
        let status = ask(service, cold, stale("")).await.unwrap_err();
        refused(&status, Code::Unavailable, "storage_away");
        let batch = BatchGetProfilesRequest {
            lookups: vec![make::by(WHO).unwrap()],
            read_options: Some(stale("")),
            ..BatchGetProfilesRequest::default()
        };
        let batch = service
            .profiles()
            .batch_get_profiles(batch)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(batch.results[0].profile.as_ref().unwrap().version, written);
    }
    cluster.run().await;
    until("it is read again", async || {
        ask(&one, cold, ReadOptions::default()).await.is_ok()
    })
    .await;
    let (token, written) = write(&one, "3", &[WHO]).await;
    let seen = ask(&two, WHO, with_token(&token)).await.unwrap();
    assert!(version(&seen) >= written);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_answered_from_where_each_is_kept() {
    let redis = Redis::start("redis_batch");
    let one = service(&Database::new().await, &redis).await;
    let who: Vec<String> = (0..20).map(|n| format!("email=b{n}@example.com")).collect();
    for who in &who {
        write(&one, who, &[who]).await;
    }
    let ask = async |who: &[String]| {
        let request = BatchGetProfilesRequest {
            lookups: who.iter().map(|who| make::by(who).unwrap()).collect(),
            ..BatchGetProfilesRequest::default()
        };
        one.profiles()
            .batch_get_profiles(request)
            .await
            .unwrap()
            .into_inner()
    };
    let half = ask(&who[..10]).await;
    assert_eq!(
        half.read_info.as_ref().unwrap().source(),
        ReadSource::Primary
    );
    let again = ask(&who[..10]).await;
    assert_eq!(
        again.read_info.as_ref().unwrap().source(),
        ReadSource::Memory
    );
    assert_eq!(again.results, half.results);
    let mut all = who.clone();
    all.push("email=nobody@example.com".into());
    let answer = ask(&all).await;
    assert_eq!(
        answer.read_info.as_ref().unwrap().source(),
        ReadSource::Primary
    );
    assert_eq!(answer.results.len(), 21);
    assert!(
        answer.results[..20]
            .iter()
            .all(|r| r.profile.as_ref().unwrap().known)
    );
    assert!(!answer.results[20].profile.as_ref().unwrap().known);
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_redis_ends_with_a_service_that_is_killed() {
    let data_dir = scratch().join("private-redis");
    std::fs::create_dir_all(&data_dir).unwrap();
    let service = Process::serve(&data_dir);
    let socket = data_dir.join("redis/socket/redis.sock");
    until("it answers", async || answers(&socket)).await;
    service.kill();
    until("it has ended", async || !answers(&socket)).await;
}
