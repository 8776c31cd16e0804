//! 2,000 readers at once of one profile that no cache has, over two instances: how often the database is read for them.

use std::{process::Command, sync::Arc, time::Duration};

use customer_profile::proto::v1::{GetProfileResponse, ReadSource};
use prost::Message as _;
use tokio::sync::Barrier;

use crate::{
    GET,
    load::Target,
    pgbench::looked_for,
    question,
    stage::{Process, Service, Stage, answers},
};

const READERS: usize = 2_000;
const TIMES: usize = 20;

/// People whom only this reads: the last ones.
pub(crate) const PEOPLE: usize = 4 * TIMES;

pub(crate) async fn run(stage: &Stage, people: usize) {
    let socket = stage.scratch.join("redis.sock");
    let redis = Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendonly", "no"])
        .arg("--unixsocket")
        .arg(&socket)
        .stdout(std::process::Stdio::null())
        .spawn();
    let _redis = Process(redis.unwrap());
    answers(&socket).await;
    let there = format!("unix://{}", socket.display());
    for (name, url) in [("without_redis", "off"), ("with_redis", there.as_str())] {
        let settings = [("REDIS_URL", url)];
        let services = [
            stage.start("one", &settings).await,
            stage.start("two", &settings).await,
        ];
        let warm = people - PEOPLE + usize::from(name == "with_redis");
        for service in &services {
            ready(service, warm).await;
        }
        let mut worst = 0.0_f64;
        let mut all = 0.0;
        let before = looked_for(stage).await;
        for time in 0..TIMES {
            let first = if name == "with_redis" { 2 + TIMES } else { 2 };
            let counted = burst(&services, people - PEOPLE + first + time).await;
            worst = worst.max(counted);
            all += counted;
        }
        // A server tells of its statistics a second late.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let scans = looked_for(stage).await - before;
        println!(
            "{name}: {TIMES} times {READERS} readers, {all:.0} reads of the database by the service's word, \
             {scans} by the database's"
        );
        println!("figure stampede_reads_{name} {worst:.0} reads");
        for service in services {
            service.drain();
        }
    }
}

/// Waits until its caches are used.
async fn ready(service: &Service, person: usize) {
    let target = Target::new(&service.url, GET);
    for _ in 0..200 {
        let answer = target.call(0, question(person)).await.unwrap();
        let answer = GetProfileResponse::decode(answer).unwrap();
        if answer.read_info.unwrap().source() == ReadSource::Memory {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the caches are not used");
}

/// Reads of the database that all of them cause together.
async fn burst(services: &[Service; 2], person: usize) -> f64 {
    let reads = || -> f64 {
        let each = services.iter().map(|service| {
            let labels = [r#"tier="primary""#, r#"outcome="hit""#];
            service.counted("customer_profile_cache_reads_total", &labels)
        });
        each.sum()
    };
    let before = reads();
    let together = Arc::new(Barrier::new(READERS));
    // Several connections, since one carries 200 calls at a time.
    let targets: Vec<Target> = (0..8)
        .map(|n| Target::new(&services[n % 2].url, GET))
        .collect();
    for (n, target) in targets.iter().enumerate() {
        for connection in 0..4 {
            let other = usize::from(n >= 2);
            target.call(connection, question(other)).await.unwrap();
        }
    }
    let before_each = reads() - before;
    let readers: Vec<_> = (0..READERS)
        .map(|n| {
            let (target, together) = (targets[n % 8].clone(), Arc::clone(&together));
            tokio::spawn(async move {
                together.wait().await;
                target.call(n / 8, question(person)).await.unwrap();
            })
        })
        .collect();
    for reader in readers {
        reader.await.unwrap();
    }
    reads() - before - before_each
}
