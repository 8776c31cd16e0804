//! What reads take at half load, and how much memory the service holds.
//!
//! | read | keys | by |
//! |---|---|---|
//! | warm | by Zipf's law (1.0); all that is asked was asked before, so that it is in the caches | a service with everything that is on by default |
//! | cold | all people alike | a service without caches: each read comes from the database |
//!
//! A round of each: first as fast as answers come, which is the full load of that moment; then at half that rate, which is what is
//! measured. The machine is not equally fast from minute to minute, so the rate is found anew in each round.

use std::{sync::Arc, time::Duration};

use customer_profile::proto::v1::BatchGetProfilesRequest;
use prost::Message as _;

use crate::{
    load::{Questions, Target, flat_out, median},
    order::{alike, zipf},
    pace::paced,
    people,
    stage::{Service, Stage},
    steps::{Limits, Stop},
};

const GET: &str = "/customer_profile.v1.ProfileService/GetProfile";
const BATCH: &str = "/customer_profile.v1.ProfileService/BatchGetProfiles";

/// Questions in an order by chance. What they ask for fits into the private Redis.
const ORDER: usize = 1 << 16;

/// How long the full rate is looked for.
const FULL: Duration = Duration::from_secs(2);

/// What one kind of read came to, round by round.
#[derive(Default)]
pub(crate) struct Reads {
    p99: Vec<f64>,
    p50: Vec<f64>,
    full: Vec<f64>,
    failed: u64,
}

impl Reads {
    /// The 99th percentile in milliseconds: the median over rounds.
    pub(crate) fn p99(&self) -> f64 {
        median(&self.p99)
    }

    fn tell(&self, what: &str, from: &str) {
        let all: Vec<String> = self.p99.iter().map(|one| format!("{one:.2}")).collect();
        println!(
            "  {what}: p99 {:.2} ms ({}), p50 {:.2} ms, at half of {:.0} calls/s, {} failed; {from}",
            self.p99(),
            all.join(", "),
            median(&self.p50),
            median(&self.full),
            self.failed
        );
    }

    async fn round(&mut self, target: &Target, questions: &Questions, round: u64, lasting: u64) {
        let first = round * 7_919;
        let (full, next) = flat_out(target, questions, (first, u64::MAX), FULL).await;
        let lasting = Duration::from_secs(lasting);
        let paced = paced(target, questions, next, full / 2.0, lasting).await;
        self.p99.push(paced.quantile(0.99));
        self.p50.push(paced.quantile(0.5));
        self.full.push(full);
        self.failed += paced.failed;
    }
}

/// What was measured of a size.
pub(crate) struct Measured {
    pub(crate) warm: Reads,
    pub(crate) cold: Reads,
    /// Of the service, in MB.
    pub(crate) memory: u64,
    pub(crate) peak: u64,
}

/// Measures a store of so many people in rounds of so many seconds.
pub(crate) async fn measure(
    stage: &Stage,
    people: usize,
    (rounds, seconds): (u64, u64),
    limits: &Limits,
) -> Result<Measured, Stop> {
    alone(stage)?;
    let main = stage.start("main", &[]).await;
    let settings = [
        ("CUSTOMER_PROFILE_CACHE__MEMORY_MIB", "0"),
        ("REDIS_URL", "off"),
    ];
    let without = stage.start("without", &settings).await;
    let order = zipf(people, ORDER);
    warm(&main.url, &order).await;
    let messages = Arc::new((0..people).map(people::question).collect());
    let zipf = Questions::new(messages, order);
    let uniform = zipf.in_order(alike(people, ORDER));
    let targets = [Target::new(&main.url, GET), Target::new(&without.url, GET)];
    // Once more one by one, so that what is asked for often is known to be.
    flat_out(&targets[0], &zipf, (0, zipf.len()), Duration::from_mins(1)).await;
    flat_out(&targets[1], &uniform, (0, u64::MAX), FULL).await;
    let (before, mut reads) = (tiers(&main), [Reads::default(), Reads::default()]);
    for round in 1..=rounds {
        limits.check()?;
        reads[0].round(&targets[0], &zipf, round, seconds).await;
        reads[1].round(&targets[1], &uniform, round, seconds).await;
    }
    let [warm, cold] = reads;
    let (from, cold_from) = (
        shares(tiers(&main), before),
        shares(tiers(&without), [0.0; 3]),
    );
    warm.tell("warm", &from);
    cold.tell("cold", &cold_from);
    let (memory, peak) = (main.memory("VmRSS:"), main.peak_memory_mb());
    println!("  the service holds {memory} MB, at most {peak} MB");
    main.drain();
    without.drain();
    for name in ["main", "without"] {
        // Their private Redis has written nothing.
        std::fs::remove_dir_all(stage.scratch.join(name)).unwrap();
    }
    Ok(Measured {
        warm,
        cold,
        memory,
        peak,
    })
}

/// Whether nobody is left of a run that was killed: they would be served by this server, too.
fn alone(stage: &Stage) -> Result<(), Stop> {
    for name in ["main", "without", "ingesting"] {
        let socket = stage.scratch.join(name).join("grpc.sock");
        if std::os::unix::net::UnixStream::connect(&socket).is_ok() {
            let socket = socket.display();
            let why = "a service of a run that was killed still lives, end it";
            return Err(Stop(format!("{why}: {socket}")));
        }
    }
    Ok(())
}

/// Reads everybody once who is in an order.
async fn warm(url: &str, order: &[u32]) {
    let mut people = order.to_vec();
    people.sort_unstable();
    people.dedup();
    println!("  {} people are asked for by Zipf's law", people.len());
    let target = Target::new(url, BATCH);
    for (n, some) in people.chunks(100).enumerate() {
        let lookups = some
            .iter()
            .map(|one| people::lookup(usize::try_from(*one).unwrap()));
        let request = BatchGetProfilesRequest {
            lookups: lookups.collect(),
            ..BatchGetProfilesRequest::default()
        };
        target
            .call(n, request.encode_to_vec().into())
            .await
            .unwrap();
    }
}

/// Profiles that came from memory, Redis and the database.
fn tiers(service: &Service) -> [f64; 3] {
    ["memory", "redis", "primary"].map(|tier| {
        let labels = [format!(r#"tier="{tier}""#), r#"outcome="hit""#.to_owned()];
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        service.counted("customer_profile_cache_reads_total", &labels)
    })
}

fn shares(after: [f64; 3], before: [f64; 3]) -> String {
    let from: Vec<f64> = after.iter().zip(before).map(|(a, b)| a - b).collect();
    let all: f64 = from.iter().sum::<f64>().max(1.0);
    format!(
        "{:.1}% from memory, {:.1}% from redis, {:.1}% from the database",
        100.0 * from[0] / all,
        100.0 * from[1] / all,
        100.0 * from[2] / all
    )
}
