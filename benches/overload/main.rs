//! Five times what the service can take in, and whether those who are let in notice.
//!
//! Callers send one interaction a call at a steady rate, whatever comes back, and others read profiles meanwhile; generator,
//! service and database share one machine in every phase. A round is:
//!
//! 1. `quiet`: the sustainable rate;
//! 2. `normal`: the same, and the generator's other calls go to a server that answers nothing, so that it is as busy as in
//! 3. `overload`: five times the sustainable rate;
//! 4. `after`: the sustainable rate again, from the moment the load ends.
//!
//! The sustainable rate is the largest of 90%, 80%, .. of what is stored of far too much at which no more than one in a hundred is
//! refused. Times are from the moment a call is due. Every
//! figure is a line `figure NAME VALUE UNIT`; quote medians and ratios of one run.
//!
//! Run it with `cargo bench --bench overload`; `-- --rounds 1 --seconds 4 --people 1000` makes it shorter.

#![expect(
    clippy::unwrap_used,
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
mod offered;
#[path = "../reads/people.rs"]
mod people;
mod phases;
#[path = "../machine/stage.rs"]
#[expect(dead_code, reason = "other benchmarks use the rest of it")]
mod stage;

use stage::Stage;

pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) seconds: u64,
    pub(crate) people: usize,
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
        Self {
            rounds: number("--rounds", 3),
            seconds: u64::try_from(number("--seconds", 8)).unwrap(),
            people: number("--people", 5_000),
        }
    }
}

#[tokio::main]
async fn main() {
    if empty::served().await {
        return;
    }
    let plan = Plan::read();
    println!("machine: {}, everything on one machine", machine::machine());
    println!(
        "plan: {} rounds of four phases of {} s, {} people",
        plan.rounds, plan.seconds, plan.people
    );
    let stage = Stage::set_up().await;
    people::record(&stage.url, "default", 0..plan.people).await;
    stage.settle().await;
    phases::run(&stage, &plan).await;
    stage.tear_down().await;
}
