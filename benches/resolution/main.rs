//! How well resolution tells people apart: pairwise precision and recall of the records of made-up people, whose truth is
//! known, beside plain connected components and newest-link-wins.
//!
//! What must stay true: the three see the same records, normalised alike; the truth ([`truth`]) and the people
//! ([`population`], where every rate is stated) know nothing of the rules. What counts as right is in [`score`]: two records
//! shown together must be of one person, and what evidence connects of a person must be shown together. Beside it stands
//! what comes out *as lived*, which also asks who held the family's tablet. Records known only by the kiosk or by fillers
//! are counted apart and must stay alone. A record whose anchor is a device or cookie that the service keeps apart is shown
//! in no profile and counts as a cluster of its anchor's own.
//!
//! A trap's row counts the pairs of which at least one record is of a person whom the trap touched. Such people fall into
//! other traps too; what a trap costs by itself is the difference that `--without shared_device,forwarded_mail` (and so on)
//! makes. Without all of them precision and recall are 1. Every figure is also a line `figure NAME VALUE UNIT`.
//!
//! Then the records go through the service, in the order in which they arrived: its profiles are compared with the pure
//! partition, and it is said what an interaction cost, how many took the slow path, how large the largest region was, and
//! how long a preview of other rules took ([`engine`]).
//!
//! Run it with `cargo bench --bench resolution`; `-- --pure` leaves the service out; `-- --people 5000 --seed 2 --explain 3` is shorter, has other people and
//! shows examples of what goes wrong, three a trap.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints and stops when something is wrong"
)]

mod engine;
mod explain;
#[path = "../machine/mod.rs"]
mod machine;
mod ours;
mod population;
mod read;
mod rivals;
mod score;
#[path = "../machine/stage.rs"]
#[expect(dead_code, reason = "other benchmarks use the rest of it")]
mod stage;
mod truth;

use std::time::Instant;

use population::{Population, Trap, Traps};
use read::Read;
use score::{Apart, Clusters, Score};
use truth::Truth;

struct Plan {
    people: usize,
    seed: usize,
    explain: usize,
    without: Traps,
    /// Only the pure part: nothing is stored.
    pure: bool,
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
        let named = arguments.iter().position(|a| a == "--without");
        let named = named
            .and_then(|at| arguments.get(at + 1))
            .map_or("", String::as_str);
        let without = Trap::ALL
            .into_iter()
            .filter(|trap| named.split(',').any(|n| n == trap.name()))
            .fold(Traps::default(), Traps::with);
        Self {
            people: number("--people", 100_000),
            seed: number("--seed", 1),
            explain: number("--explain", 0),
            without,
            pure: arguments.iter().any(|a| a == "--pure"),
        }
    }
}

fn main() {
    let plan = Plan::read();
    println!("machine: {}, everything on one machine", machine::machine());
    println!(
        "plan: {} people, seed {}, without {:?}",
        plan.people,
        plan.seed,
        plan.without.names()
    );
    let population = Population::of(plan.people, u64::try_from(plan.seed).unwrap(), plan.without);
    population::print_rates(&population);
    let read = Read::of(&population.records);
    let truth = Truth::of(&read);
    println!(
        "{} records with {} identifiers; {} records are of nobody but their anchor, {} parts of people are beyond their first",
        read.rows.len(),
        read.identifiers.len(),
        truth.anchors_only,
        truth.further_parts
    );
    let started = Instant::now();
    let ours = ours::partition(&read);
    let taken = started.elapsed();
    let methods = [
        ("service", ours),
        ("components", rivals::plain_components(&read)),
        ("newest_link", rivals::newest_link_wins(&read)),
    ];
    for (name, clusters) in &methods {
        print_scores(&population, name, clusters, &truth);
    }
    let records = u128::try_from(read.rows.len().max(1)).unwrap();
    println!(
        "figure resolution_whole {} ns/interaction",
        taken.as_nanos() / records
    );
    if plan.explain > 0 {
        let (_, ours) = &methods[0];
        explain::explain(&population, &read, ours, &truth, plan.explain);
    }
    if !plan.pure {
        let (_, ours) = &methods[0];
        engine::run(&read, ours);
    }
}

fn print_scores(population: &Population, method: &str, clusters: &Clusters, truth: &Truth) {
    println!(
        "\n{method:<16} {:>9} {:>10} {:>8}   as lived: {:>9} {:>8}",
        "records", "precision", "recall", "precision", "recall"
    );
    let row = |name: &str, score: Score| {
        println!(
            "{name:<16} {:>9} {:>10.4} {:>8.4} {:>21.4} {:>8.4}",
            score.records,
            score.precision(),
            score.recall(),
            score.lived_precision(),
            score.lived_recall()
        );
        for (what, value) in [("precision", score.precision()), ("recall", score.recall())] {
            println!("figure resolution_{method}_{name}_{what} {value:.4} ratio");
        }
    };
    let all = Score::of(clusters, truth, |_| true);
    for trap in Trap::ALL {
        let touched = |n: usize| population.touched[population.records[n].person].has(trap);
        row(trap.name(), all.touching(clusters, truth, touched));
    }
    row("all", all);
    if method == "service" {
        println!("figure resolution_precision {:.4} ratio", all.precision());
        println!("figure resolution_recall {:.4} ratio", all.recall());
    }
    let apart = Apart::of(clusters, truth);
    println!(
        "known only by the kiosk or by fillers: {} records, {} of them refused, {} not alone",
        apart.records, apart.refused, apart.not_alone
    );
    for (what, value) in [
        ("precision", all.lived_precision()),
        ("recall", all.lived_recall()),
    ] {
        println!("figure resolution_{method}_lived_{what} {value:.4} ratio");
    }
    println!(
        "figure resolution_{method}_not_alone {} records",
        apart.not_alone
    );
}
