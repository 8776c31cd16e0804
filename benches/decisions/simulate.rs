//! The simulator: what learning is worth where the truth is known.
//!
//! 20 seeds; 120 days of 400 decisions; 12 actions in two groups, four of which come on days 20 to 80; propensities drift,
//! and the best action falls on day 75; a yes takes up to 14 days, in one group longer than in the other. Regret is the
//! expected yeses of the best fixed action (in hindsight, of those that were there all the time) minus those of the policy,
//! for each decision. Better means that the paired 95% interval of the difference in mean regret excludes 0.

mod bias;
mod contextual;
mod picture;
mod policy;
mod report;
mod world;

use std::{collections::BTreeMap, time::Instant};

use bias::{Bias, Way};
use picture::Panel;
use policy::{Learner, Policy, Run, count};
use report::{Mean, off};
use world::{ACTIONS, DAYS, DECISIONS, Kind, WINDOW, World, wide};

/// Worlds.
const SEEDS: usize = 20;

/// What the policies came to in one kind of world, by policy and seed.
struct Outcome {
    runs: BTreeMap<Policy, Vec<Run>>,
    /// Yeses of a decision of the best fixed action and of who knows everything, by seed.
    best: Vec<f64>,
    oracle: Vec<f64>,
}

impl Outcome {
    fn regrets(&self, policy: Policy) -> Vec<f64> {
        let runs = self.runs.get(&policy).into_iter().flatten();
        let earned = runs.map(|run| run.earned.iter().sum::<f64>() / count(DAYS));
        earned
            .zip(&self.best)
            .map(|(earned, best)| best - earned)
            .collect()
    }
}

pub(crate) fn run(svg: &str) {
    let started = Instant::now();
    let mut panels = Vec::new();
    println!("simulation: {SEEDS} seeds, {DAYS} days of {DECISIONS} decisions, {ACTIONS} actions");
    for kind in [Kind::Plain, Kind::Contexts] {
        let outcome = simulate(kind);
        print(kind, &outcome);
        panels.push(panel(kind, &outcome));
    }
    let biases = bias::biases(SEEDS);
    print_biases(&biases);
    panels.push(Panel {
        title: "bias of a new action's estimate, by age in days".to_owned(),
        along: "days 1 to 14, established group",
        lines: biases
            .iter()
            .filter(|bias| bias.established)
            .map(|bias| {
                (
                    bias.way.name(),
                    bias.by_day.iter().map(|bias| bias * 100.0).collect(),
                )
            })
            .collect(),
        unit: " %",
    });
    match picture::picture(&panels)
        .and_then(|picture| std::fs::write(svg, picture).map_err(|error| error.to_string()))
    {
        Ok(()) => println!("picture: {svg}"),
        Err(error) => println!("no picture: {error}"),
    }
    println!(
        "figure simulate_time {:.1} s",
        started.elapsed().as_secs_f64()
    );
}

fn simulate(kind: Kind) -> Outcome {
    let mut outcome = Outcome {
        runs: BTreeMap::new(),
        best: Vec::new(),
        oracle: Vec::new(),
    };
    for seed in (1..=SEEDS).map(wide) {
        let world = World::new(seed, kind);
        let (best, oracle) = hindsight(&world);
        outcome.best.push(best);
        outcome.oracle.push(oracle);
        for policy in Policy::ALL {
            let runs = outcome.runs.entry(policy).or_default();
            runs.push(Learner::new(policy, &world, seed).run());
        }
    }
    outcome
}

/// Yeses of a decision of the best fixed action and of who knows the truth of every customer.
fn hindsight(world: &World) -> (f64, f64) {
    let mut fixed = [0.0; ACTIONS];
    let mut oracle = 0.0;
    for (n, customer) in world.customers.iter().enumerate() {
        let mut highest: f64 = 0.0;
        for (action, (sum, truth)) in fixed.iter_mut().zip(customer.truth).enumerate() {
            if World::begins(action) == 0 {
                *sum += truth;
            }
            if World::begins(action) <= n / DECISIONS {
                highest = highest.max(truth);
            }
        }
        oracle += highest;
    }
    let all = count(DAYS * DECISIONS);
    (fixed.into_iter().fold(0.0, f64::max) / all, oracle / all)
}

/// Regret that adds up from day to day, over all seeds.
fn panel(kind: Kind, outcome: &Outcome) -> Panel {
    let lines = Policy::ALL.map(|policy| {
        let mut sum = 0.0;
        let days = (0..DAYS).map(|day| {
            let runs = outcome
                .runs
                .get(&policy)
                .into_iter()
                .flatten()
                .zip(&outcome.best);
            let lost: f64 = runs.map(|(run, best)| best - run.earned[day]).sum();
            sum += lost / count(SEEDS) * count(DECISIONS);
            sum
        });
        (policy.name(), days.collect())
    });
    Panel {
        title: format!("yeses lost against the best fixed action: {}", kind.name()),
        along: "days 1 to 120",
        lines: lines.into(),
        unit: "",
    }
}

fn print(kind: Kind, outcome: &Outcome) {
    let name = kind.name();
    let (best, oracle) = (Mean::of(&outcome.best).mean, Mean::of(&outcome.oracle).mean);
    println!(
        "\nworld {name}: the best fixed action earns {best:.4} yeses a decision, who knows all {oracle:.4}"
    );
    println!(
        "| policy | regret, yeses in 1,000 decisions | level 1 minus it | level 1 and 2 minus it | level 2 spoke |"
    );
    println!("|---|---|---|---|---|");
    let of = |policy| outcome.regrets(policy);
    let (one, two) = (of(Policy::Level1), of(Policy::Level2));
    for policy in Policy::ALL {
        let regrets = of(policy);
        let runs = &outcome.runs[&policy];
        let spoke: Vec<f64> = runs.iter().map(|run| run.contextual * 100.0).collect();
        println!(
            "| {} | {} | {} | {} | {:.0}% |",
            policy.name(),
            Mean::of(&regrets).thousand(),
            Mean::difference(&one, &regrets).said(),
            Mean::difference(&two, &regrets).said(),
            Mean::of(&spoke).mean
        );
    }
    let ratio = |policy| Mean::of(&of(policy)).mean / Mean::of(&of(Policy::Uniform)).mean;
    let difference = |a: &[f64], b| Mean::difference(a, &of(b));
    let figure = |what: &str, found: Mean| {
        println!(
            "figure regret_{name}_{what} {:.3} per_1000_decisions",
            found.mean * 1e3
        );
    };
    if kind == Kind::Plain {
        println!(
            "figure regret_vs_uniform {:.3} ratio",
            ratio(Policy::Level1)
        );
    }
    println!(
        "figure regret_vs_uniform_{name}_level1 {:.3} ratio",
        ratio(Policy::Level1)
    );
    println!(
        "figure regret_vs_uniform_{name}_level2 {:.3} ratio",
        ratio(Policy::Level2)
    );
    figure("level1_minus_uniform", difference(&one, Policy::Uniform));
    figure(
        "level1_minus_epsilon_greedy",
        difference(&one, Policy::EpsilonGreedy),
    );
    figure(
        "level1_minus_uncorrected",
        difference(&one, Policy::Uncorrected),
    );
    figure("level2_minus_level1", difference(&two, Policy::Level1));
    for policy in [Policy::Level1, Policy::Uncorrected] {
        let early: Vec<[f64; 2]> = outcome.runs[&policy]
            .iter()
            .map(|run| off(&run.early))
            .collect();
        let [together, each] = [0, 1].map(|kind| {
            let seeds: Vec<f64> = early.iter().map(|off| off[kind] * 100.0).collect();
            Mean::of(&seeds)
        });
        println!(
            "new actions in the run, by {}: early bias together {:+.1}% ± {:.1}, one by one {:+.1}% ± {:.1}",
            policy.name(),
            together.mean,
            together.half,
            each.mean,
            each.half
        );
    }
}

fn print_biases(biases: &[Bias]) {
    println!("\nearly bias of a new action in its first {WINDOW} days, (estimate - truth) / truth");
    println!("| setting | way | bias | one by one | day 1 | day 4 | day 14 |");
    println!("|---|---|---|---|---|---|---|");
    for bias in biases {
        let setting = if bias.established {
            "established group"
        } else {
            "cold start of all"
        };
        let day = |age: usize| bias.by_day[age] * 100.0;
        println!(
            "| {setting} | {} | {:+.1}% ± {:.1} | {:+.1}% ± {:.1} | {:+.1}% | {:+.1}% | {:+.1}% |",
            bias.way.name(),
            bias.overall.mean * 100.0,
            bias.overall.half * 100.0,
            bias.one_by_one.mean * 100.0,
            bias.one_by_one.half * 100.0,
            day(0),
            day(3),
            day(WINDOW - 1)
        );
    }
    for bias in biases {
        let setting = if bias.established { "" } else { "_cold" };
        let way = match bias.way {
            Way::Learned => "corrected",
            Way::Known => "known",
            Way::PlainShare => "plain_share",
            Way::Nothing => "uncorrected",
        };
        println!(
            "figure early_bias_{way}{setting} {:.4} ratio",
            bias.overall.mean
        );
    }
}
