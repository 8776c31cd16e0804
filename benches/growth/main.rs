//! What reads take as profiles grow from 10 thousand to 1 million, twenty interactions each, and how much memory the service holds then.
//!
//! A private server in a directory of its own is filled up to each size in turn and measured there:
//!
//! 1. people who were ingested are compared with the same people copied (`equal`), once;
//! 2. filled by `COPY` (`filling`) with rows that the code of ingest makes (`rows`), and everything counted that is counted beside calls;
//! 3. `verify` looks at a sample;
//! 4. reads are measured at half load (`measure`), by services that have just started, as processes of their own.
//!
//! What is done is noted (`steps`): a run that was ended goes on where it was. It takes 45 minutes and 40 GB at most, or stops and
//! says so. The directory is removed at the end.
//!
//! Run it with `cargo bench --bench growth`; `-- --sizes 300,1000` with `--rounds`, `--seconds`, `--compared` (people who are also
//! ingested), `--minutes`, `--dir`; `--keep` leaves the directory.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark prints and stops when something is wrong"
)]

mod binary;
mod equal;
mod filling;
#[path = "../machine/load.rs"]
#[expect(dead_code, reason = "other benchmarks use the rest of it")]
mod load;
#[path = "../machine/mod.rs"]
mod machine;
mod measure;
mod opening;
#[path = "../machine/order.rs"]
mod order;
mod pace;
mod people;
mod rows;
#[path = "../machine/stage.rs"]
#[expect(dead_code, reason = "other benchmarks use the rest of it")]
mod stage;
mod steps;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use sqlx::{Connection as _, Executor as _, Row as _};

use stage::Stage;
use steps::{Limits, Steps, Stop, gigabytes};

/// The database that grows.
const DATABASE: &str = "service";

struct Plan {
    sizes: Vec<usize>,
    rounds: u64,
    seconds: u64,
    minutes: u64,
    compared: usize,
    directory: PathBuf,
    keep: bool,
}

impl Plan {
    /// From the arguments; what cargo adds is passed over.
    fn read() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let after = |name: &str| {
            let at = arguments.iter().position(|argument| argument == name)?;
            arguments.get(at + 1)
        };
        let number = |name: &str, default: u64| {
            let given = after(name).map(|given| given.parse().unwrap());
            given.unwrap_or(default)
        };
        let sizes = after("--sizes").map_or("10000,100000,1000000", String::as_str);
        let mut sizes: Vec<usize> = sizes.split(',').map(|size| size.parse().unwrap()).collect();
        sizes.sort_unstable();
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("growth");
        let compared = u64::try_from(sizes[0].min(opening::SAMPLE)).unwrap();
        Self {
            rounds: number("--rounds", 5),
            seconds: number("--seconds", 5),
            minutes: number("--minutes", 45),
            compared: usize::try_from(number("--compared", compared)).unwrap(),
            directory: after("--dir").map_or(target, PathBuf::from),
            keep: arguments.iter().any(|argument| argument == "--keep"),
            sizes,
        }
    }

    fn largest(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let plan = Plan::read();
    println!("machine: {}, everything on one machine", machine::machine());
    println!(
        "plan: {:?} people with {} interactions each, {} rounds of {} s, in {}",
        plan.sizes,
        people::EACH,
        plan.rounds,
        plan.seconds,
        plan.directory.display()
    );
    match run(&plan).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop(why)) => {
            println!("{why}");
            ExitCode::FAILURE
        }
    }
}

async fn run(plan: &Plan) -> Result<(), Stop> {
    let mut steps = Steps::open(&plan.directory, &plan.sizes)?;
    let limits = Limits::open(&plan.directory, plan.minutes, plan.largest())?;
    let mut smaller = 0;
    for &size in &plan.sizes {
        if steps.noted(&filled(size)).is_none() {
            let stage = opening::filling(&plan.directory).await;
            let outcome = fill(&stage, plan, smaller..size, (&mut steps, &limits)).await;
            // Whatever came of it: what is there is kept, and written out, for which an ending server has little time.
            stage.admin("CHECKPOINT").await;
            stage.close().await;
            outcome?;
        }
        if steps.noted(&measured(size)).is_none() {
            limits.enter(&format!("measure {size} people"))?;
            let stage = opening::shipped(&plan.directory).await;
            let rounds = (plan.rounds, plan.seconds);
            let outcome = measure::measure(&stage, size, rounds, &limits).await;
            stage.close().await;
            let m = outcome?;
            let what = format!(
                "{:.3} {:.3} {} {}",
                m.warm.p99(),
                m.cold.p99(),
                m.memory,
                m.peak
            );
            steps.note(&measured(size), &what);
        }
        smaller = size;
    }
    print(plan, &steps, &limits);
    if !plan.keep {
        std::fs::remove_dir_all(&plan.directory).unwrap();
    }
    Ok(())
}

fn filled(size: usize) -> String {
    format!("filled {size}")
}

fn measured(size: usize) -> String {
    format!("measured {size}")
}

/// Fills the store up to a size and looks at what is there.
async fn fill(
    stage: &Stage,
    plan: &Plan,
    people: std::ops::Range<usize>,
    (steps, limits): (&mut Steps, &Limits),
) -> Result<(), Stop> {
    if steps.noted("compared").is_none() {
        limits.enter(&format!(
            "compare {} people copied and ingested",
            plan.compared
        ))?;
        refuse(&equal::compare(stage, plan.compared, limits).await?)?;
        steps.note("compared", &plan.compared.to_string());
    }
    let size = people.end;
    limits.enter(&format!("fill up to {size} people"))?;
    make_database(stage).await;
    let opened = opening::opened(stage, DATABASE).await;
    let maker = Arc::new(opening::maker(&opened).await);
    let rate = filling::fill((stage, DATABASE), &maker, people, limits).await?;
    limits.enter(&format!("count the figures of {size} people"))?;
    let mut connection = stage.connect(DATABASE).await;
    // Statements over what is new would be planned by what was there before.
    connection.execute("ANALYZE").await.unwrap();
    connection.close().await.unwrap();
    filling::count(&opened.storage, limits).await?;
    limits.enter(&format!("gather statistics of {size} people"))?;
    stage.settle().await;
    limits.enter(&format!("verify a sample of {size} people"))?;
    let (seen, differences) = opening::sample(&opened, size, limits).await?;
    println!(
        "  {seen} profiles verified, {} differences",
        differences.len()
    );
    opened.close().await;
    refuse(&differences)?;
    let held = gigabytes(limits.held());
    println!("  filled at {rate:.0} people a second; the directory takes {held}");
    steps.note(&filled(size), &format!("{rate:.0} people a second, {held}"));
    Ok(())
}

async fn make_database(stage: &Stage) {
    let mut connection = stage.connect("postgres").await;
    let there = "SELECT count(*) FROM pg_database WHERE datname = 'service'";
    let there: i64 = connection.fetch_one(there).await.unwrap().get(0);
    if there == 0 {
        stage.admin("CREATE DATABASE service").await;
    }
}

fn refuse(differences: &[String]) -> Result<(), Stop> {
    if differences.is_empty() {
        return Ok(());
    }
    Err(Stop(format!(
        "what was copied is not what is ingested:\n{}",
        differences.join("\n")
    )))
}

fn print(plan: &Plan, steps: &Steps, limits: &Limits) {
    let noted = |size: usize| -> Vec<f64> {
        let noted = steps.noted(&measured(size)).unwrap();
        noted
            .split(' ')
            .map(|number| number.parse().unwrap())
            .collect()
    };
    println!("   people  warm p99 ms  cold p99 ms  service MB  at most MB");
    for &size in &plan.sizes {
        let of = noted(size);
        println!(
            "{size:>9}  {:>11.2}  {:>11.2}  {:>10}  {:>10}",
            of[0], of[1], of[2], of[3]
        );
    }
    let (first, last) = (noted(plan.sizes[0]), noted(plan.largest()));
    println!(
        "in {:.1} minutes and {}",
        limits.minutes(),
        gigabytes(limits.held())
    );
    println!("figure growth_p99_warm {:.2} ratio", last[0] / first[0]);
    println!("figure growth_p99_cold {:.2} ratio", last[1] / first[1]);
    println!("figure service_memory_mb {} MB", last[2]);
}
