//! The rounds: what is asked, in which order, and what is printed of it.

use std::time::Duration;

use crate::{
    BATCH, GET, HISTORY, Plan, batch,
    empty::Empty,
    history,
    load::{Questions, Target, flat_out, median, ratio},
    order::{alike, shuffled, zipf},
    pgbench::Pgbench,
    question, questions,
    stage::{Service, Stage},
    warm,
};

/// Questions in an order by chance.
const ORDER: usize = 1 << 18;

/// A rate of each round.
#[derive(Default)]
struct Rates {
    bare: Vec<f64>,
    zipf: Vec<f64>,
    uniform: Vec<f64>,
    memory: Vec<f64>,
    redis: Vec<f64>,
    bare_batch: Vec<f64>,
    batch: Vec<f64>,
    bare_history: Vec<f64>,
    history: Vec<f64>,
    pgbench: Vec<f64>,
    cold: Vec<f64>,
    alone: Vec<f64>,
}

/// What is asked.
struct Asked {
    zipf: Questions,
    uniform: Questions,
    few: Questions,
    batches: Questions,
    histories: Questions,
    everybody: Questions,
}

impl Asked {
    fn new(plan: &Plan) -> Self {
        let few = plan.few();
        let of = |count: usize| alike(count, ORDER);
        let hundred = |first: usize| batch((0..100).map(move |n| (first * 37 + n) % few));
        let all = questions(plan.people, question, of(plan.people));
        Self {
            zipf: all.in_order(zipf(plan.people, ORDER)),
            uniform: all.clone(),
            few: all.in_order(of(few)),
            batches: questions(few, hundred, of(few)),
            histories: questions(few, history, of(few)),
            everybody: all.in_order(shuffled(plan.people)),
        }
    }
}

pub(crate) async fn run(stage: &Stage, plan: &Plan) {
    let asked = Asked::new(plan);
    let pgbench = Pgbench::set_up(stage).await;
    let (main, no_memory) = (
        stage.service(),
        stage
            .start("no-memory", &[("CUSTOMER_PROFILE_CACHE__MEMORY_MIB", "0")])
            .await,
    );
    let get = Target::new(&main.url, GET);
    let others = [
        Target::new(&main.url, BATCH),
        Target::new(&main.url, HISTORY),
    ];
    let answers = [
        ("get", get.call(0, asked.few.get(0)).await.unwrap()),
        (
            "batch",
            others[0].call(0, asked.batches.get(0)).await.unwrap(),
        ),
        (
            "history",
            others[1].call(0, asked.histories.get(0)).await.unwrap(),
        ),
    ];
    for (name, answer) in &answers {
        println!("an answer of {name} has {} bytes", answer.len());
    }
    let empty = Empty::start(&stage.scratch, &answers).await;
    let bare = |name: &str| Target::new(&empty.url, &format!("/Empty/{name}"));
    let bare = [bare("get"), bare("batch"), bare("history")];
    let without = Target::new(&no_memory.url, GET);
    warm(&no_memory.url, plan.few()).await;
    warm(&main.url, plan.people).await;
    let limit = Duration::from_secs(plan.seconds);
    let mut rates = Rates::default();
    for round in 1..=plan.rounds {
        let ask = async |target: &Target, questions: &Questions| {
            let first = u64::try_from(round * 7_919).unwrap();
            flat_out(target, questions, (first, u64::MAX), limit)
                .await
                .0
        };
        rates.bare.push(ask(&bare[0], &asked.few).await);
        warm(&main.url, plan.few()).await;
        rates.memory.push(ask(&get, &asked.few).await);
        rates.redis.push(ask(&without, &asked.few).await);
        rates.uniform.push(ask(&get, &asked.uniform).await);
        let before = tiers(main);
        rates.zipf.push(ask(&get, &asked.zipf).await);
        let from = tiers(main)
            .iter()
            .zip(before)
            .map(|(a, b)| a - b)
            .collect::<Vec<_>>();
        rates.bare_batch.push(ask(&bare[1], &asked.batches).await);
        rates.batch.push(ask(&others[0], &asked.batches).await);
        rates
            .bare_history
            .push(ask(&bare[2], &asked.histories).await);
        rates.history.push(ask(&others[1], &asked.histories).await);
        rates.pgbench.push(pgbench.run(stage, limit));
        rates
            .cold
            .push(cold(stage, &asked.everybody, limit, &[]).await);
        let alone = [("REDIS_URL", "off")];
        rates
            .alone
            .push(cold(stage, &asked.everybody, limit, &alone).await);
        print_round(round, &rates);
        let all: f64 = from.iter().sum();
        println!(
            "  by Zipf's law: {:.1}% from memory, {:.1}% from redis, {:.1}% from the database",
            100.0 * from[0] / all,
            100.0 * from[1] / all,
            100.0 * from[2] / all
        );
    }
    print(&rates);
    println!("figure reads_service_memory {} MB", main.peak_memory_mb());
    no_memory.drain();
}

/// One thing alone, for a profiler.
pub(crate) async fn only(stage: &Stage, plan: &Plan, what: &str) {
    let asked = Asked::new(plan);
    let settings: &[(&str, &str)] = match what {
        "redis" => &[("CUSTOMER_PROFILE_CACHE__MEMORY_MIB", "0")],
        _ => &[],
    };
    let service = stage.start("only", settings).await;
    if what != "cold" {
        warm(&service.url, plan.people).await;
    }
    let (path, questions) = match what {
        "batch" => (BATCH, &asked.batches),
        "history" => (HISTORY, &asked.histories),
        "cold" => (GET, &asked.everybody),
        "zipf" => (GET, &asked.zipf),
        _ => (GET, &asked.few),
    };
    println!("{what} by process {}", service.id());
    let limit = Duration::from_secs(plan.seconds);
    let most = if what == "cold" {
        questions.len()
    } else {
        u64::MAX
    };
    let (rate, _) = flat_out(
        &Target::new(&service.url, path),
        questions,
        (0, most),
        limit,
    )
    .await;
    println!("{rate:.0} calls/s");
    service.drain();
}

/// Reads everybody once, by an instance that has just started with nothing in its caches.
async fn cold(
    stage: &Stage,
    everybody: &Questions,
    limit: Duration,
    settings: &[(&str, &str)],
) -> f64 {
    let service = stage.start("cold", settings).await;
    let target = Target::new(&service.url, GET);
    // Its connections are made and its statements prepared by then, and its outbox is followed.
    let warmed = 200;
    flat_out(&target, everybody, (0, warmed), limit).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let most = everybody.len() - warmed;
    let (rate, _) = flat_out(&target, everybody, (warmed, most), limit).await;
    service.drain();
    // Its private Redis has written nothing.
    std::fs::remove_dir_all(stage.scratch.join("cold")).unwrap();
    rate
}

/// Profiles that came from memory, Redis and the database.
fn tiers(service: &Service) -> [f64; 3] {
    ["memory", "redis", "primary"].map(|tier| {
        let labels = [format!(r#"tier="{tier}""#), r#"outcome="hit""#.to_owned()];
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        service.counted("customer_profile_cache_reads_total", &labels)
    })
}

fn print_round(round: usize, rates: &Rates) {
    let last = |of: &[f64]| of.last().copied().unwrap_or_default();
    println!(
        "round {round}, calls/s: bare {:.0}, memory {:.0}, redis {:.0}, uniform {:.0}, zipf {:.0}; \
         batch {:.0} of {:.0}; history {:.0} of {:.0}; pgbench {:.0}, cold {:.0}, cold without redis {:.0}",
        last(&rates.bare),
        last(&rates.memory),
        last(&rates.redis),
        last(&rates.uniform),
        last(&rates.zipf),
        last(&rates.batch),
        last(&rates.bare_batch),
        last(&rates.history),
        last(&rates.bare_history),
        last(&rates.pgbench),
        last(&rates.cold),
        last(&rates.alone)
    );
}

fn print(rates: &Rates) {
    for (name, of) in [
        ("bare_call_rate", &rates.bare),
        ("warm_read_rate", &rates.zipf),
        ("batch_read_rate", &rates.batch),
        ("history_read_rate", &rates.history),
        ("cold_read_rate", &rates.cold),
        ("cold_pgbench_rate", &rates.pgbench),
    ] {
        println!("figure {name} {:.0} calls/s", median(of));
    }
    for (name, ours, theirs) in [
        ("warm_read_ratio", &rates.zipf, &rates.bare),
        ("warm_read_ratio_uniform", &rates.uniform, &rates.bare),
        ("warm_read_ratio_memory", &rates.memory, &rates.bare),
        ("warm_read_ratio_redis", &rates.redis, &rates.bare),
        ("batch_read_ratio", &rates.batch, &rates.bare_batch),
        ("history_read_ratio", &rates.history, &rates.bare_history),
        ("cold_read_ratio", &rates.cold, &rates.pgbench),
        ("cold_read_ratio_alone", &rates.alone, &rates.pgbench),
    ] {
        println!("figure {name} {:.3} ratio", ratio(ours, theirs));
    }
}
