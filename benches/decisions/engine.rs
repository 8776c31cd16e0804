//! How long a decision takes: of 10, 100 and 1,000 actions of which 16 survive the gates, one slot, nothing explained; with
//! and without contact policies, and with every action spoken for by level 2.

use std::{hint::black_box, time::Instant};

use customer_profile::{
    calendar::Zone,
    clock::Micros,
    next_best_action::{
        consent::Word,
        contact::{ContactPolicy, Offered, Offers, Scope},
        decide::{
            Fact, Inputs, Place, Policy, Prepared, ReadProfile, Settings, Status, Value, Wanted,
            decide, encode,
        },
        empathy::{Mood, Thresholds},
        exploration::{Draws, Logit, M, Model, Propensity, ln_upper},
        gates::{Judge, Shown},
        hashing::Counter,
        holdout::{Pins, Shares},
        keys::{
            ActionKey, ChannelIndex, ChannelSet, DecisionKey, GroupKey, Issue, PlacementKey,
            PurposeIndex, RuleIndex, Verdict,
        },
        learning::features::Keys,
        outcome::Outcome,
    },
};

/// A rule is three comparisons of attributes.
struct Rules(Vec<i64>);

impl Judge for Rules {
    fn judge(&self, rule: RuleIndex, _: &Wanted) -> Verdict {
        let at = |n: u32| self.0.get(usize::try_from(n % 16).unwrap()).copied();
        let all = [at(rule.0), at(rule.0 + 1), at(rule.0 + 2)];
        if all.iter().any(Option::is_none) {
            return Verdict::Unknown;
        }
        Verdict::of(rule.0 < 1_000 && all.iter().flatten().all(|value| *value >= 0))
    }

    fn show(&self, _: RuleIndex, _: &Wanted) -> Shown {
        Shown::default()
    }
}

struct Snapshot {
    tables: Vec<([f32; M], f64, f64)>,
    level_2: bool,
}

impl Snapshot {
    fn new(actions: u64, level_2: bool) -> Self {
        let table = |seed| {
            let mut counter = Counter::new(seed);
            let mean = 0.02 + 0.1 * counter.draw_unit();
            let mut draw = || {
                let p = mean * (0.5 + counter.draw_unit());
                format!("{}", p.ln()).parse().unwrap()
            };
            let table = std::array::from_fn(|_| draw());
            (table, mean.ln(), ln_upper(&table))
        };
        Self {
            tables: (0..actions).map(table).collect(),
            level_2,
        }
    }
}

impl Model for Snapshot {
    fn snapshot(&self) -> u64 {
        1
    }

    fn propensity(
        &self,
        index: usize,
        _: ActionKey,
        _: ChannelIndex,
        _: Option<&Keys>,
    ) -> Propensity<'_> {
        let (table, ln_mean, ln_upper) = &self.tables[index];
        if self.level_2 {
            return Propensity::of_logit(Logit {
                mean: *ln_mean,
                variance: 0.3,
            });
        }
        Propensity {
            ln_mean: *ln_mean,
            ln_upper: *ln_upper,
            draws: Draws::Table(table),
        }
    }
}

const NOW: i64 = 1_790_000_000_000_000;

fn policy(actions: u64, survivors: u64, contact: bool) -> Policy {
    let every = actions / survivors.min(actions);
    let prepared = |n: u64| Prepared {
        key: ActionKey {
            id: n.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            version: 1,
        },
        status: Status::Active,
        issue: Issue::Nurture,
        group: GroupKey(n % 10),
        channels: ChannelSet::ALL,
        placements: Vec::new(),
        valid_from: None,
        valid_to: None,
        eligibility: vec![RuleIndex(u32::try_from(n % 16).unwrap())],
        applicability: vec![RuleIndex(
            if n.is_multiple_of(every) && n / every < survivors {
                1
            } else {
                5_000
            },
        )],
        suitability: vec![RuleIndex(2)],
        purposes: vec![PurposeIndex(0)],
        context: vec![(RuleIndex(3), 20), (RuleIndex(6_000), 20)],
        value: 1.0 + f64::from(u8::try_from(n % 7).unwrap()),
        lever: 10,
        high_risk: false,
        mandatory: false,
    };
    let cap = |scope, limit, days: i64| ContactPolicy {
        scope,
        of: None,
        binds: None,
        channels: ChannelSet::ALL,
        outcome: Outcome::Impression,
        limit,
        window: days * 86_400_000_000,
        pause: 0,
    };
    let settings = Settings {
        version: 1,
        value_floor: 0.01,
        epsilon: 0.02,
        candidates: 16,
        reservations: vec![1_000_000],
        empathy: Thresholds::default(),
        holdout: Shares {
            salt: 1,
            epoch: 1,
            held_out: 0.0,
            random: 0.0,
        },
        contact: if contact {
            vec![
                cap(Scope::Action, 5, 7),
                cap(Scope::Group, 9, 7),
                cap(Scope::Channel, 60, 7),
                cap(Scope::All, 60, 30),
            ]
        } else {
            Vec::new()
        },
        quiet: Vec::new(),
        places: vec![Place {
            key: PlacementKey(1),
            channel: ChannelIndex(0),
            disturbs: false,
            fallback: None,
        }],
    };
    Policy::new(settings, (0..actions).map(prepared).collect())
}

fn inputs(decision: u128, contact: bool) -> Inputs {
    let offered = |n: u64| Offered {
        outcome: Outcome::Impression,
        decision: DecisionKey(n.into()),
        slot: 0,
        decided_at: Micros(NOW - i64::try_from(n).unwrap() * 20_000_000_000),
        action: (n % 10).wrapping_mul(0x9e37_79b9_7f4a_7c15),
        group: GroupKey(n % 10),
        channel: ChannelIndex(0),
        at: Micros(NOW - i64::try_from(n).unwrap() * 20_000_000_000),
    };
    let mut offers = Offers::default();
    if contact {
        (0..40).map(offered).for_each(|one| offers.add(one));
    }
    Inputs {
        decision: DecisionKey(decision),
        policy_version: 1,
        model_snapshot: 1,
        profile: Some(ReadProfile { id: 7, version: 1 }),
        at: Micros(NOW),
        zone: Some(Zone::TOKYO),
        calendar: Zone::TOKYO,
        placements: vec![Wanted {
            placement: PlacementKey(1),
            channel: ChannelIndex(0),
            count: 1,
            address: None,
        }],
        facts: (0..16)
            .map(|attribute| Fact {
                attribute,
                value: Value::Whole(1),
            })
            .collect(),
        situation: None,
        consents: vec![Word {
            purpose: PurposeIndex(0),
            channel: None,
            address: None,
            at: Micros(0),
            denied: false,
        }],
        mood: Mood::of_a_stranger(),
        offers,
        pins: Pins::default(),
        dry_run: false,
        explain: false,
    }
}

pub(crate) fn run() {
    const RUNS: u32 = 200;
    let rules = Rules(vec![1; 16]);
    for (name, contact, level_2) in [
        ("level 1", false, false),
        (
            "level 1 with 4 contact policies over 40 offers",
            true,
            false,
        ),
        ("level 2", false, true),
    ] {
        for actions in [10, 100, 1_000] {
            let (policy, model) = (
                policy(actions, 16, contact),
                Snapshot::new(actions, level_2),
            );
            let mut inputs = inputs(0, contact);
            let mut medians = Vec::new();
            let mut survivors = 0;
            for round in 0..61_u32 {
                let begin = Instant::now();
                for run in 0..RUNS {
                    inputs.decision = DecisionKey(u128::from(round * RUNS + run));
                    let decision = decide(black_box(&inputs), &policy, &model, &rules);
                    survivors = decision.placements[0].survivors.len();
                    black_box(decision);
                }
                medians.push(begin.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS));
            }
            medians.sort_by(f64::total_cmp);
            let decision = decide(&inputs, &policy, &model, &rules);
            let begin = Instant::now();
            for _ in 0..RUNS {
                black_box(encode(&inputs, &decision));
            }
            let encoding = begin.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS);
            println!(
                "{name}: {actions} actions, {survivors} survive: {:.1} us (best {:.1}); \
                 record {} bytes, encoded in {encoding:.1} us",
                medians[30],
                medians[0],
                encode(&inputs, &decision).len(),
            );
        }
    }
}
