//! `customer-profile doctor`, on what is healthy and on what was broken on purpose.

use serde_json::Value;
use sqlx::Executor as _;

use crate::{
    harness::{
        Database, Service, calls::getting, make, process::program, redis::Redis, wait::until,
    },
    imports::{on, run},
};

/// What is said of each thing, by its name.
fn said(output: &std::process::Output) -> Vec<(String, String, String)> {
    let listed: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let listed = listed.iter().map(|finding| {
        let text = |name: &str| finding[name].as_str().unwrap().to_owned();
        assert_eq!(
            text("level") == "ok",
            text("remedy").is_empty(),
            "{finding}"
        );
        (text("about"), text("level"), text("found"))
    });
    listed.collect()
}

/// What is said, and what of it is a fault. The cluster of the tests writes nothing to disk, which is one each time, so that
/// the command always fails.
async fn asked(database: &Database, redis: &str) -> (Vec<String>, Vec<(String, String, String)>) {
    let mut command = on(database, &["doctor", "--json"]);
    command.env("REDIS_URL", redis);
    let output = run(command).await;
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    let faults = said.iter().filter(|(_, level, _)| level == "fault");
    let faults = faults.map(|(about, ..)| about.clone());
    (faults.filter(|about| about != "durability").collect(), said)
}

fn level<'a>(said: &'a [(String, String, String)], about: &str) -> (&'a str, &'a str) {
    let (_, level, found) = said.iter().find(|(a, ..)| a == about).unwrap();
    (level, found)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_healthy_is_told_fine_and_what_is_broken_is_found() {
    let database = Database::new().await;
    let redis = Redis::start("doctor");
    let url = redis.url();
    let service = Service::with(database.clone(), &[("REDIS_URL", &url)]).await;
    for n in 0..5 {
        let who = format!("email=d{n}@example.com");
        service
            .record_one(make::seen(&n.to_string(), n, &[&who]))
            .await;
    }
    // Kept in Redis after it is answered.
    until("profiles are in redis", async || {
        for n in 0..5 {
            let who = format!("email=d{n}@example.com");
            service.profiles().get_profile(getting(&who)).await.unwrap();
        }
        let (faults, said) = asked(&database, &url).await;
        assert!(faults.is_empty(), "{said:?}");
        assert_eq!(level(&said, "redis").0, "ok");
        let stored = "5 profiles are what their interactions make of them";
        assert_eq!(level(&said, "stored"), ("ok", stored));
        level(&said, "cache").1.starts_with("5 of 5 profiles")
    })
    .await;
    service.stop().await;

    let mut connection = database.connect().await;
    let older = "UPDATE profiles SET version = version - 1";
    connection.execute(older).await.unwrap();
    let (faults, said) = asked(&database, &url).await;
    assert_eq!(faults, ["cache"], "{said:?}");
    let (_, found) = level(&said, "cache");
    assert!(found.starts_with("5 of 5 profiles"), "{found}");
    let mixed =
        "UPDATE profiles SET state = (SELECT state FROM profiles ORDER BY profile_id LIMIT 1)";
    connection.execute(mixed).await.unwrap();
    let (faults, said) = asked(&database, "off").await;
    assert_eq!(faults, ["stored"], "{said:?}");
    let (_, found) = level(&said, "stored");
    assert!(found.starts_with("4 differences"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_is_named_with_what_to_do() {
    let database = Database::new().await;
    let (faults, findings) = asked(&database, "redis://127.0.0.1:1").await;
    assert!(faults.is_empty(), "{findings:?}");
    assert_eq!(level(&findings, "redis").0, "warning");

    let empty = Database::empty().await;
    let (faults, findings) = asked(&empty, "off").await;
    assert_eq!(faults, ["database"]);
    let (_, found) = level(&findings, "database");
    assert!(found.contains("migrate"), "{found}");

    let mut away = program();
    away.arg("doctor")
        .env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
        .env("CUSTOMER_PROFILE_HASH_SECRET", "x".repeat(32))
        .env("CUSTOMER_PROFILE_DATABASE__ACQUIRE_TIMEOUT_MS", "500");
    let output = run(away).await;
    assert_eq!(output.status.code(), Some(1));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(
        shown.contains("FAULT") && shown.contains("-> is Postgres up"),
        "{shown}"
    );
}
