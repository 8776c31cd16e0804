//! Durable ingest through gRPC, beside a hand-written transaction that makes the same row changes.
//!
//! Both run against one `PostgreSQL` with its shipped durability, in turn, round by round, on databases that hold the same
//! 100,000 people when they begin. The service is a process of its own with everything on that is on by default, caches in
//! memory and in its private Redis among it; a consumer follows the feed of all profiles, and the relay hands every change over
//! to another Redis. Every figure is a line `figure NAME VALUE UNIT`; quote medians and ratios of one run.
//!
//! Run it with `cargo bench --bench ingest`; `-- --rounds 3 --seconds 4 --people 20000` makes it shorter.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints and stops when something is wrong"
)]

mod baseline;
mod followers;
#[path = "../machine/mod.rs"]
mod machine;
#[path = "../machine/stage.rs"]
#[expect(dead_code, reason = "other benchmarks use the rest of it")]
mod stage;
mod workload;

use std::time::{Duration, Instant};

use customer_profile::embedded::redis::PrivateRedis;
use followers::Watcher;
use stage::Stage;

struct Plan {
    rounds: usize,
    seconds: u64,
    people: usize,
}

impl Plan {
    /// From the arguments; what cargo adds is passed over.
    fn read() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let number = |name: &str, default: usize| {
            arguments
                .iter()
                .position(|a| a == name)
                .and_then(|at| arguments.get(at + 1))
                .and_then(|value| value.parse().ok())
                .unwrap_or(default)
        };
        Self {
            rounds: number("--rounds", 5),
            seconds: u64::try_from(number("--seconds", 6)).unwrap(),
            people: number("--people", 100_000),
        }
    }
}

fn main() {
    let plan = Plan::read();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(run(&plan));
}

async fn run(plan: &Plan) {
    println!("machine: {}, everything on one machine", machine::machine());
    println!(
        "plan: {} rounds of {} s each way, {} people, texts of {} bytes",
        plan.rounds,
        plan.seconds,
        plan.people,
        workload::TEXT_BYTES
    );
    let mut stage = Stage::set_up().await;
    workload::introduce(&stage.url, plan.people).await;
    // A template may have no connections, so it is copied while nobody serves.
    stage.drain();
    stage
        .admin("CREATE DATABASE baseline TEMPLATE service")
        .await;
    stage.admin("CHECKPOINT").await;
    let relayed_to = followers::redis(&stage.scratch);
    let relay = relayed_to.as_ref().map(PrivateRedis::url);
    let settings = relay
        .as_deref()
        .map(|url| ("CUSTOMER_PROFILE_RELAY__REDIS_URL", url));
    stage.serve_with(settings.as_slice()).await;
    let watcher = Watcher::follow(&stage.url).await;
    let limit = Duration::from_secs(plan.seconds);
    let mut baseline = baseline::Baseline::load(&stage).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut event = 0;
    for round in 1..=plan.rounds {
        let started = Instant::now();
        let sent = workload::send(&stage.url, plan.people, &mut event, limit).await;
        ours.push(rate(sent, started.elapsed()));
        watcher.settle().await;
        let started = Instant::now();
        let written = baseline.run(&stage, limit).await;
        theirs.push(rate(written, started.elapsed()));
        println!(
            "round {round}: service {:.0}/s, transaction {:.0}/s",
            ours[round - 1],
            theirs[round - 1]
        );
    }
    let ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(a, b)| a / b).collect();
    println!("figure ingest_rate {:.0} interactions/s", median(&ours));
    println!(
        "figure ingest_transaction_rate {:.0} interactions/s",
        median(&theirs)
    );
    println!("figure ingest_ratio {:.3} ratio", median(&ratios));
    println!(
        "figure ingest_service_memory {} MB",
        stage.service().peak_memory_mb()
    );
    let slow = stage
        .service()
        .counted("customer_profile_identity_slow_paths_total", &[]);
    println!("figure ingest_slow_paths {slow:.0} interactions");
    println!("figure ingest_watched {} changes", watcher.heard());
    let relayed = stage
        .service()
        .counted("customer_profile_relay_events_total", &[]);
    println!("figure ingest_relayed {relayed:.0} changes");
    watcher.leave();
    stage.tear_down().await;
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of interactions are far below 2^52"
)]
fn rate(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
