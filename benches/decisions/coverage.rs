//! How often do the 95% intervals of off-policy estimates hold the truth?
//!
//! 2,000 histories of a world whose truth is known, for each of three sizes, logged by a policy that learns as it goes
//! (`coverage/world.rs`). In each, two policies are judged: **half** (a policy greedy on means learned before, in half of the
//! decisions, and in the other half the policy of the first day) and **greedy** (the same in all of them, which the log says less
//! about). `half` is also judged with a wrong reward model, which knows no contexts.
//!
//! For each estimator: the share of histories in which each kind of interval holds the truth, of all histories and of those in
//! which the report would have answered; the mean error; the mean width. The rows marked `*` are promised: the figure is
//! the one furthest from 95% among them.
//!
//! Run it with `cargo bench --bench decisions -- coverage`; `COVERAGE_RUNS` sets another number of histories.

mod world;

use std::{env, time::Instant};

use customer_profile::next_best_action::evaluation::{
    bootstrap::Resampling,
    estimators::{Estimate, Estimates, Evaluation},
    log::Decided,
    policy::Policy,
    report::refusals,
    reward::ShrunkMeans,
};
use world::{ACTIONS, CELLS, Run, Shares};

const RUNS: u64 = 2_000;
const SIZES: [usize; 3] = [500, 2_000, 10_000];
const NAMES: [&str; 4] = ["ipw", "snipw", "dm", "dr"];
/// Where an interval of 95% should be, when measured in 2,000 histories.
const PROMISED: (f64, f64) = (0.93, 0.97);

/// What an estimator's row in the table says.
#[derive(Clone, Copy)]
enum Part {
    /// Its intervals must hold the truth.
    Promised,
    /// They are not expected to.
    Shown,
    /// The same as in another question.
    Same,
}

/// What was asked: the policy, with which reward model, and what is said of each estimator.
const QUESTIONS: [(&str, [Part; 4]); 3] = [
    ("half", [Part::Promised; 4]),
    ("greedy", [Part::Promised; 4]),
    (
        "half, with a q that knows no contexts",
        [Part::Same, Part::Same, Part::Shown, Part::Promised],
    ),
];

/// What one estimator did in one question.
#[derive(Clone, Copy, Default)]
struct Tally {
    all: f64,
    answered: f64,
    held: f64,
    held_answered: f64,
    percentile: f64,
    plain: f64,
    error: f64,
    width: f64,
}

impl Tally {
    fn add(&mut self, estimate: &Estimate, truth: f64, answered: bool) {
        let within = |(low, high): (f64, f64)| f64::from(u8::from(low <= truth && truth <= high));
        let held = within(estimate.interval);
        let half = 1.96 * estimate.standard_error;
        self.all += 1.0;
        self.held += held;
        self.percentile += within(estimate.percentile);
        self.plain += within((estimate.value - half, estimate.value + half));
        self.error += estimate.value - truth;
        self.width += estimate.interval.1 - estimate.interval.0;
        if answered {
            self.answered += 1.0;
            self.held_answered += held;
        }
    }
}

/// Tallies of one size, by question and estimator, and the mean effective sample size by question.
#[derive(Default)]
struct Table {
    tallies: [[Tally; 4]; 3],
    effective: [f64; 3],
}

/// Prints the tables and the figure.
pub(crate) fn run() {
    let runs = env::var("COVERAGE_RUNS").ok();
    let runs = runs.and_then(|runs| runs.parse().ok()).unwrap_or(RUNS);
    let start = Instant::now();
    let mut promised = Vec::new();
    for rows in SIZES {
        let mut table = Table::default();
        for run in 1..=runs {
            judge(&mut table, run, rows);
        }
        print(rows, &table, &mut promised);
    }
    let worst = promised.iter().copied().fold(0.95, further);
    let count = promised.len();
    let within = promised
        .iter()
        .filter(|held| (PROMISED.0..=PROMISED.1).contains(*held));
    println!(
        "{runs} histories of each size in {:.0} s; {} of {count} promised rows lie within {} to {}",
        start.elapsed().as_secs_f64(),
        within.count(),
        PROMISED.0,
        PROMISED.1
    );
    println!("figure ope_coverage {worst:.4} share");
}

/// The one of two shares that is further from 0.95.
fn further(one: f64, two: f64) -> f64 {
    if (two - 0.95).abs() > (one - 0.95).abs() {
        two
    } else {
        one
    }
}

fn judge(table: &mut Table, run: u64, rows: usize) {
    let Run { log, means, first } = world::run(run, rows);
    let greedy: Shares = means.map(|means| greedy(&means));
    let half: Shares = std::array::from_fn(|cell| {
        std::array::from_fn(|action| f64::midpoint(greedy[cell][action], first[cell][action]))
    });
    let (right, wrong) = (
        ShrunkMeans::default(),
        ShrunkMeans {
            by_cell: false,
            ..ShrunkMeans::default()
        },
    );
    let right = Evaluation::new(&log, &right);
    let wrong = Evaluation::new(&log, &wrong);
    let resampling = Resampling {
        seed: run,
        ..Resampling::default()
    };
    let questions = [(&right, &half), (&right, &greedy), (&wrong, &half)];
    for (at, (evaluation, shares)) in questions.into_iter().enumerate() {
        let truth = world::value(shares);
        let Ok((weights, Some(found))) = evaluation.measure(&policy(shares), resampling) else {
            continue;
        };
        table.effective[at] += weights.effective;
        let answered = refusals(&weights, log.profiles()).is_empty();
        add(&mut table.tallies[at], &found, truth, answered);
    }
}

fn add(tallies: &mut [Tally; 4], found: &Estimates, truth: f64, answered: bool) {
    let estimates = [found.ipw, found.snipw, found.dm, found.dr];
    for (tally, estimate) in tallies.iter_mut().zip(&estimates) {
        tally.add(estimate, truth, answered);
    }
}

/// A policy that is a table by cell.
fn policy(shares: &Shares) -> impl Policy {
    move |row: &Decided<'_>, into: &mut [f64]| {
        let cell = usize::try_from(row.cell()).map_or(0, |cell| cell.min(CELLS - 1));
        into.copy_from_slice(&shares[cell]);
    }
}

fn greedy(means: &[f64; ACTIONS]) -> [f64; ACTIONS] {
    let best = (0..ACTIONS).max_by(|a, b| means[*a].total_cmp(&means[*b]).then(b.cmp(a)));
    std::array::from_fn(|action| f64::from(u8::from(Some(action) == best)))
}

fn print(rows: usize, table: &Table, promised: &mut Vec<f64>) {
    println!("\n{rows} rows");
    println!(
        "                                        held  if answered  percentile  plain  mean error  width"
    );
    for (at, (question, parts)) in QUESTIONS.into_iter().enumerate() {
        let tallies = &table.tallies[at];
        let all = tallies[0].all;
        println!(
            "  {question}: {:.0} effective samples, {:.1}% answered",
            table.effective[at] / all,
            100.0 * tallies[0].answered / all
        );
        for ((name, tally), part) in NAMES.iter().zip(tallies).zip(parts) {
            match part {
                Part::Promised => {
                    line(name, tally, "*");
                    promised.push(tally.held / tally.all);
                }
                Part::Shown => line(name, tally, " "),
                Part::Same => {}
            }
        }
    }
}

fn line(name: &str, tally: &Tally, mark: &str) {
    let answered = if tally.answered < 100.0 {
        "-".to_owned()
    } else {
        format!("{:.4}", tally.held_answered / tally.answered)
    };
    println!(
        "  {mark} {name:34} {:.4}  {answered:>11}  {:>10.4}  {:.3}  {:>+10.4}  {:.3}",
        tally.held / tally.all,
        tally.percentile / tally.all,
        tally.plain / tally.all,
        tally.error / tally.all,
        tally.width / tally.all
    );
}
