//! Look-ups through gRPC: warm ones beside a bare call that answers with the same bytes, cold ones beside `pgbench` with the same
//! statements, in turn, round by round. The service is a process of its own with everything on that is on by default.
//!
//! | figure | what is asked | beside |
//! |---|---|---|
//! | `warm_read_ratio` | `GetProfile`, people by Zipf's law (1.0), after all were read once | the bare call |
//! | `warm_read_ratio_uniform` | `GetProfile`, all people alike: most of them are in Redis alone | the bare call |
//! | `warm_read_ratio_memory` | `GetProfile`, people who all fit into the memory of the process | the bare call |
//! | `warm_read_ratio_redis` | the same people, with no memory in the process | the bare call |
//! | `batch_read_ratio` | `BatchGetProfiles` of 100 of them | a bare call with the bytes of such an answer |
//! | `history_read_ratio` | `GetSentimentHistory`, which is read from the database | a bare call with the bytes of such an answer |
//! | `cold_read_ratio` | `GetProfile` of each person once, by a service that has just started with an empty Redis | `pgbench` |
//! | `cold_read_ratio_alone` | the same without Redis | `pgbench` |
//!
//! Run it with `cargo bench --bench reads`; `-- --rounds 3 --seconds 2 --people 20000` makes it shorter. `-- stampede` counts what
//! 2,000 readers of one profile cost the database (`stampede.rs`). `-- only memory` (or `redis`, `zipf`, `batch`, `history`, `cold`) asks
//! nothing else for `--seconds`, and tells of which process a profile can be taken meanwhile.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark prints and stops when something is wrong"
)]

#[path = "../machine/empty.rs"]
mod empty;
#[path = "../machine/load.rs"]
#[expect(dead_code, reason = "other benchmarks use the rest of it")]
mod load;
#[path = "../machine/mod.rs"]
mod machine;
#[path = "../machine/order.rs"]
mod order;
mod people;
mod pgbench;
mod rounds;
#[path = "../machine/stage.rs"]
mod stage;
mod stampede;

use std::{sync::Arc, time::Instant};

use customer_profile::proto::v1::{
    BatchGetProfilesRequest, GetProfileRequest, GetSentimentHistoryRequest,
};
use prost::{Message as _, bytes::Bytes};

use load::{Questions, Target};
use stage::Stage;

pub(crate) const GET: &str = "/customer_profile.v1.ProfileService/GetProfile";
pub(crate) const BATCH: &str = "/customer_profile.v1.ProfileService/BatchGetProfiles";
pub(crate) const HISTORY: &str = "/customer_profile.v1.SentimentService/GetSentimentHistory";

/// People who fit into the default memory of a process.
const FEW: usize = 5_000;

pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) seconds: u64,
    pub(crate) people: usize,
    stampede: bool,
    only: Option<String>,
}

impl Plan {
    /// From the arguments; what cargo adds is passed over.
    fn read() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let number = |name: &str, default: usize| {
            let at = arguments.iter().position(|argument| argument == name);
            let value = at.and_then(|at| arguments.get(at + 1)?.parse().ok());
            value.unwrap_or(default)
        };
        let only = arguments.iter().position(|argument| argument == "only");
        let stampede = arguments.iter().any(|argument| argument == "stampede");
        Self {
            rounds: number("--rounds", 5),
            seconds: u64::try_from(number("--seconds", 3)).unwrap(),
            people: number("--people", if stampede { 1_000 } else { 100_000 }).max(FEW / 5),
            stampede,
            only: only.and_then(|at| arguments.get(at + 1).cloned()),
        }
    }

    /// Of whom everybody is in the memory of the process.
    pub(crate) fn few(&self) -> usize {
        self.people.min(FEW)
    }
}

#[tokio::main]
async fn main() {
    if empty::served().await {
        return;
    }
    let plan = Plan::read();
    println!("machine: {}, everything on one machine", machine::machine());
    let stage = Stage::set_up().await;
    let begun = Instant::now();
    people::record(&stage.url, "default", 0..plan.people).await;
    println!(
        "{} people with {} interactions each, recorded in {:.0} s",
        plan.people,
        people::EACH,
        begun.elapsed().as_secs_f64()
    );
    stage.settle().await;
    if plan.stampede {
        stampede::run(&stage, plan.people).await;
    } else if let Some(what) = &plan.only {
        rounds::only(&stage, &plan, what).await;
    } else {
        println!(
            "plan: {} rounds of {} s for each figure",
            plan.rounds, plan.seconds
        );
        rounds::run(&stage, &plan).await;
    }
    stage.tear_down().await;
}

/// `GetProfile` of a person.
pub(crate) fn question(person: usize) -> Bytes {
    let request = GetProfileRequest {
        lookup: Some(people::lookup(person)),
        ..GetProfileRequest::default()
    };
    request.encode_to_vec().into()
}

/// `GetSentimentHistory` of a person.
pub(crate) fn history(person: usize) -> Bytes {
    let request = GetSentimentHistoryRequest {
        lookup: Some(people::lookup(person)),
        ..GetSentimentHistoryRequest::default()
    };
    request.encode_to_vec().into()
}

/// `BatchGetProfiles` of people.
pub(crate) fn batch(people: impl Iterator<Item = usize>) -> Bytes {
    let request = BatchGetProfilesRequest {
        lookups: people.map(people::lookup).collect(),
        ..BatchGetProfilesRequest::default()
    };
    request.encode_to_vec().into()
}

/// One question of each person, in an order.
pub(crate) fn questions(people: usize, ask: impl Fn(usize) -> Bytes, order: Vec<u32>) -> Questions {
    Questions::new(Arc::new((0..people).map(ask).collect()), order)
}

/// Reads everybody of a range once, so that they are in the caches.
pub(crate) async fn warm(url: &str, people: usize) {
    let target = Target::new(url, BATCH);
    for first in (0..people).step_by(100) {
        let of = first..people.min(first + 100);
        target.call(first, batch(of)).await.unwrap();
    }
}
