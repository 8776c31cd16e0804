//! Policies, models, rules and customers that are made up.

use proptest::prelude::*;

use crate::{
    clock::Micros,
    next_best_action::{
        consent::Word,
        contact::{ContactPolicy, Offered, Offers, QuietHours, Scope},
        decide::{
            Fact, Inputs, Place, Policy, Prepared, ReadProfile, Settings, Status, Value, Wanted,
        },
        empathy::{Mood, Thresholds},
        exploration::{Draws, Logit, M, Model, Propensity, ln_upper},
        gates::{Judge, Shown},
        hashing::Counter,
        holdout::{Group, Pin, Pins, Shares},
        keys::{
            ActionKey, ChannelIndex, ChannelSet, DecisionKey, GroupKey, Issue, PlacementKey,
            PurposeIndex, RuleIndex, Verdict,
        },
        learning::features::{Keys, Situation},
        outcome::Outcome,
    },
};

pub(super) const HOUR: i64 = 3_600 * Micros::SECOND;
pub(super) const NOW: Micros = Micros(1_790_000_000 * Micros::SECOND);

/// A rule asks whether attribute (rule mod 8) is at least rule / 8; attributes are whole numbers.
pub(super) struct Rules(pub(super) Vec<Fact>);

impl Judge for Rules {
    fn judge(&self, rule: RuleIndex, _: &Wanted) -> Verdict {
        let fact = self.0.iter().find(|fact| fact.attribute == rule.0 % 8);
        match fact.map(|fact| &fact.value) {
            Some(Value::Whole(value)) => Verdict::of(*value >= i64::from(rule.0 / 8)),
            _ => Verdict::Unknown,
        }
    }

    fn show(&self, rule: RuleIndex, wanted: &Wanted) -> Shown {
        let missing =
            (self.judge(rule, wanted) == Verdict::Unknown).then(|| format!("a{}", rule.0 % 8));
        Shown {
            name: format!("rule {}", rule.0),
            missing,
            ..Shown::default()
        }
    }
}

/// Every third action has a logit that looks at the situation, where there is one.
pub(super) struct Made {
    tables: Vec<[f32; M]>,
}

impl Made {
    pub(super) fn new() -> Self {
        let table = |seed: u64| {
            let mut counter = Counter::new(seed);
            let mean = 0.02 + 0.9 * counter.draw_unit();
            let mut draw = || {
                let p = mean * (0.5 + counter.draw_unit());
                format!("{}", p.clamp(1e-4, 1.0).ln()).parse().unwrap()
            };
            std::array::from_fn(|_| draw())
        };
        Self {
            tables: (0..16).map(table).collect(),
        }
    }
}

impl Model for Made {
    fn snapshot(&self) -> u64 {
        77
    }

    fn propensity(
        &self,
        _: usize,
        action: ActionKey,
        channel: ChannelIndex,
        situation: Option<&Keys>,
    ) -> Propensity<'_> {
        if action.id.is_multiple_of(3)
            && let Some(situation) = situation
        {
            let known = situation.as_slice().iter().map(|(key, x)| {
                let low = u32::try_from(key & 0xff).unwrap();
                f64::from(low) * x / 256.0
            });
            return Propensity::of_logit(Logit {
                mean: known.sum::<f64>() - 6.0,
                variance: 0.3,
            });
        }
        let at = usize::try_from(action.id).unwrap() + usize::from(channel.0);
        let table = &self.tables[at % self.tables.len()];
        let sum: f64 = table.iter().map(|draw| f64::from(draw.exp())).sum();
        Propensity {
            ln_mean: (sum / 256.0).ln(),
            ln_upper: ln_upper(table),
            draws: Draws::Table(table),
        }
    }
}

pub(super) fn action(id: u64, issue: Issue) -> Prepared {
    Prepared {
        key: ActionKey { id, version: 1 },
        status: Status::Active,
        issue,
        group: GroupKey(id % 4),
        channels: ChannelSet::ALL,
        placements: Vec::new(),
        valid_from: None,
        valid_to: None,
        eligibility: Vec::new(),
        applicability: Vec::new(),
        suitability: Vec::new(),
        purposes: Vec::new(),
        context: Vec::new(),
        value: 1.0,
        lever: 0,
        high_risk: false,
        mandatory: false,
    }
}

pub(super) fn settings() -> Settings {
    let place = |key, channel, fallback| Place {
        key: PlacementKey(key),
        channel: ChannelIndex(channel),
        disturbs: channel == 1,
        fallback,
    };
    Settings {
        version: 12,
        value_floor: 0.01,
        epsilon: 0.02,
        candidates: 16,
        reservations: vec![HOUR; 8],
        empathy: Thresholds::default(),
        holdout: Shares {
            salt: 1,
            epoch: 5,
            held_out: 0.0,
            random: 0.0,
        },
        contact: Vec::new(),
        quiet: Vec::new(),
        places: vec![
            place(1, 0, Some(1)),
            place(2, 0, None),
            place(3, 1, Some(2)),
        ],
    }
}

pub(super) fn inputs(decision: u128) -> Inputs {
    Inputs {
        decision: DecisionKey(decision),
        policy_version: 12,
        model_snapshot: 77,
        profile: Some(ReadProfile { id: 9, version: 3 }),
        at: NOW,
        zone: "Asia/Tokyo".parse().ok(),
        calendar: crate::calendar::Zone::TOKYO,
        placements: vec![wanted(1, 0, 1)],
        facts: Vec::new(),
        situation: None,
        consents: Vec::new(),
        mood: Mood::of_a_stranger(),
        offers: Offers::default(),
        pins: Pins::default(),
        dry_run: false,
        explain: false,
    }
}

pub(super) fn wanted(placement: u64, channel: u8, count: u8) -> Wanted {
    Wanted {
        placement: PlacementKey(placement),
        channel: ChannelIndex(channel),
        count,
        address: None,
    }
}

pub(super) fn impressions(scope: Scope, limit: u16, hours: i64) -> ContactPolicy {
    ContactPolicy {
        scope,
        of: None,
        binds: None,
        channels: ChannelSet::ALL,
        outcome: Outcome::Impression,
        limit,
        window: hours * HOUR,
        pause: 0,
    }
}

fn rules() -> impl Strategy<Value = Vec<RuleIndex>> {
    prop::collection::vec((0..32_u32).prop_map(RuleIndex), 0..2)
}

fn prepared() -> impl Strategy<Value = Prepared> {
    let issues = vec![
        Issue::Serve,
        Issue::Retain,
        Issue::Sell,
        Issue::Nurture,
        Issue::Listen,
    ];
    let what = (1..60_u64, 1..3_u32, prop::sample::select(issues), 0..20_u8);
    let rules = (rules(), rules(), rules());
    let rest = (
        prop::collection::vec((0..3_u16).prop_map(PurposeIndex), 0..2),
        prop::collection::vec(((0..32_u32).prop_map(RuleIndex), -100..200_i32), 0..3),
        0.0..9.0_f64,
        -150..250_i64,
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.1),
    );
    (what, rules, rest).prop_map(|((id, version, issue, odd), rules, rest)| Prepared {
        key: ActionKey { id, version },
        status: if odd == 0 {
            Status::Paused
        } else {
            Status::Active
        },
        channels: if odd == 1 {
            ChannelSet(2)
        } else {
            ChannelSet::ALL
        },
        placements: if odd == 2 {
            vec![PlacementKey(2)]
        } else {
            Vec::new()
        },
        valid_to: (odd == 3).then_some(NOW),
        eligibility: rules.0,
        applicability: rules.1,
        suitability: rules.2,
        purposes: rest.0,
        context: rest.1,
        value: rest.2,
        lever: rest.3,
        high_risk: rest.4,
        mandatory: rest.5,
        ..action(id, issue)
    })
}

fn contact() -> impl Strategy<Value = ContactPolicy> {
    let scopes = vec![Scope::Action, Scope::Group, Scope::Channel, Scope::All];
    let outcomes = vec![Outcome::Pending, Outcome::Impression, Outcome::Rejected];
    (
        prop::sample::select(scopes),
        prop::sample::select(outcomes),
        1..5_u16,
        1..100_i64,
        0..100_i64,
    )
        .prop_map(|(scope, outcome, limit, window, pause)| ContactPolicy {
            outcome,
            pause: pause * HOUR,
            ..impressions(scope, limit, window)
        })
}

/// A policy's settings and its actions in any order.
pub(super) fn catalogue() -> impl Strategy<Value = (Settings, Vec<Prepared>)> {
    let contact = prop::collection::vec(contact(), 0..3);
    let shares = prop::sample::select(vec![(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (0.3, 0.3)]);
    let actions = prop::collection::vec(prepared(), 0..50);
    (contact, shares, prop::bool::ANY, actions).prop_map(|(contact, shares, quiet, mut actions)| {
        // A key names one version for ever.
        let mut seen = std::collections::BTreeSet::new();
        actions.retain(|action| seen.insert(action.key));
        let night = QuietHours {
            channels: ChannelSet::ALL,
            from: 21 * 60,
            to: 8 * 60,
        };
        let mut settings = Settings {
            contact,
            quiet: if quiet { vec![night] } else { Vec::new() },
            ..settings()
        };
        (settings.holdout.held_out, settings.holdout.random) = shares;
        (settings, actions)
    })
}

fn words() -> impl Strategy<Value = Vec<Word>> {
    let word = (
        0..3_u16,
        prop::option::of(0..2_u8),
        prop::option::of(0..2_u64),
        0..9_i64,
    );
    let word =
        (word, prop::bool::weighted(0.3)).prop_map(|((purpose, channel, address, at), denied)| {
            Word {
                purpose: PurposeIndex(purpose),
                channel: channel.map(ChannelIndex),
                address,
                at: Micros(at),
                denied,
            }
        });
    prop::collection::vec(word, 0..8)
}

fn offers() -> impl Strategy<Value = Offers> {
    let outcome = prop::sample::select(Outcome::ALL.to_vec());
    let offered = (0..50_u128, outcome, 1..60_u64, 0..60_i64);
    let offered = offered.prop_map(|(decision, outcome, action, hours)| Offered {
        outcome,
        decision: DecisionKey(decision << 100),
        slot: 0,
        decided_at: Micros(NOW.0 - hours * HOUR),
        action,
        group: GroupKey(action % 4),
        channel: ChannelIndex(0),
        at: Micros(NOW.0 - hours * HOUR),
    });
    prop::collection::vec(offered, 0..6).prop_map(|all| {
        let mut offers = Offers::default();
        for offered in all {
            offers.add(offered);
        }
        offers
    })
}

/// Any customer with any page.
pub(super) fn customer() -> impl Strategy<Value = Inputs> {
    let facts = prop::collection::btree_map(0..8_u32, 0..6_i64, 4..8);
    let mood = (
        prop::option::weighted(0.9, prop::bool::weighted(0.3)),
        prop::option::weighted(0.2, 0..60_i64),
        prop::option::weighted(0.4, -1.0..1.0_f64),
        0.0..9.0_f64,
    );
    let page = prop::collection::vec(
        (1..5_u64, 0..2_u8, 0..4_u8, prop::option::of(0..2_u64)),
        0..5,
    );
    let rest = (
        any::<u128>(),
        prop::option::weighted(0.9, any::<u128>()),
        any::<(bool, bool, bool)>(),
        prop::option::weighted(0.8, 0..24_u8),
    );
    (facts, mood, page, words(), offers(), rest).prop_map(
        |(facts, mood, page, consents, offers, rest)| {
            let (decision, profile, (known, dry_run, explain), hour) = rest;
            let keys = |hour| {
                Keys::of(&Situation {
                    hour: Some(hour),
                    ..Situation::default()
                })
            };
            let fact = |(attribute, value)| Fact {
                attribute,
                value: Value::Whole(value),
            };
            let place = |(key, channel, count, address)| Wanted {
                address,
                ..wanted(key, channel, count)
            };
            Inputs {
                profile: profile.map(|id| ReadProfile { id, version: 3 }),
                placements: page.into_iter().map(place).collect(),
                facts: facts.into_iter().map(fact).collect(),
                situation: hour.map(keys),
                calendar: crate::calendar::Zone::TOKYO,
                zone: if known {
                    "Europe/Berlin".parse().ok()
                } else {
                    None
                },
                mood: Mood {
                    open_complaint: mood.0,
                    leaving_at: mood.1.map(|days| Micros(NOW.0 - days * 24 * HOUR)),
                    level: mood.2,
                    feelings: mood.3,
                },
                consents,
                offers,
                dry_run,
                explain,
                ..inputs(decision)
            }
        },
    )
}

/// Pins of one profile.
pub(super) fn pinned(group: Group) -> Pins {
    Pins::of(vec![Pin {
        epoch: 5,
        profile: 9,
        group,
    }])
}

pub(super) fn policy(settings: Settings, actions: Vec<Prepared>) -> Policy {
    Policy::new(settings, actions)
}
