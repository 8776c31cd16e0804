//! Decisions: `cargo bench --bench decisions -- WHAT`.
//!
//! Nothing named is decisions through gRPC (`served.rs`); `--rounds 3 --seconds 2 --people 2000` makes that shorter. `engine` is how
//! long the engine takes for one decision; `simulate` is regret in a world whose truth is known, with `--svg PATH` for the
//! picture; `coverage` is how often the intervals of off-policy estimates hold the truth; `hostile` is how long it takes to refuse
//! what strangers write as rules.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and ends where it cannot go on"
)]

mod catalogue;
mod coverage;
#[path = "../machine/empty.rs"]
mod empty;
mod engine;
mod hostile;
#[path = "../machine/load.rs"]
#[expect(dead_code, reason = "other benchmarks use the rest of it")]
mod load;
#[path = "../machine/mod.rs"]
mod machine;
#[path = "../reads/people.rs"]
mod people;
mod served;
mod simulate;
#[path = "../machine/stage.rs"]
#[expect(dead_code, reason = "other benchmarks use the rest of it")]
mod stage;
#[path = "../ingest/workload.rs"]
#[expect(dead_code, reason = "other benchmarks use the rest of it")]
mod workload;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    if runtime.block_on(empty::served()) {
        return;
    }
    let arguments: Vec<String> = std::env::args().collect();
    let asked = |name: &str| arguments.iter().any(|argument| argument == name);
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    if asked("simulate") {
        simulate::run(after("--svg").map_or("target/decisions.svg", String::as_str));
    }
    if asked("coverage") {
        coverage::run();
    }
    if asked("engine") {
        engine::run();
    }
    if asked("hostile") {
        hostile::run();
    }
    if !["simulate", "coverage", "engine", "hostile"]
        .into_iter()
        .any(asked)
    {
        let number = |name: &str, default: usize| {
            let value = after(name).and_then(|value| value.parse().ok());
            value.unwrap_or(default)
        };
        let plan = served::Plan {
            rounds: number("--rounds", 5),
            seconds: u64::try_from(number("--seconds", 3)).unwrap(),
            people: number("--people", 10_000),
        };
        runtime.block_on(served::run(&plan));
    }
}
