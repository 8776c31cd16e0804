//! Probabilities are exact: over many decisions of a real catalogue, what was chosen is as often there as the logged probabilities
//! say, and each decision comes out of its stored record again.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{Learnt, Models, Page, Questions, Told, carried::tests::prepared};
use crate::{
    calendar::{Day, Zone},
    clock::Micros,
    next_best_action::{
        catalogue::Snapshot,
        consent::Word,
        contact::{Offered, Offers},
        decide::{
            Choice, Fact, Inputs, ReadProfile, Record, Value, Wanted, decide, encode, replay,
        },
        empathy::Mood,
        gates::Gate,
        hashing::Counter,
        holdout::{Group, Pins},
        keys::{ActionKey, DecisionKey, GroupKey},
        learning::{
            Arm,
            cohorts::{Observation, Table},
        },
        outcome::Outcome,
    },
};

const NOW: Micros = Micros(1_790_000_000 * Micros::SECOND);
const HOUR: i64 = 3_600 * Micros::SECOND;
const TODAY: Day = Day(20_717);
const SNAPSHOT: u64 = 7;

const POLICY: &str = "
catalogue: 1
policy:
  default_locale: en
  time_zone: Asia/Tokyo
  worth: {currency: JPY, point: 1, floor: 100}
  groups:
    - {name: home, issue: serve}
    - {name: help, issue: serve}
    - {name: offers, issue: sell}
    - {name: tips, issue: nurture, lever: 10}
  channels:
    - {name: web, reach: inbound, pending: 1h}
    - {name: mail, reach: outbound, pending: 3d}
  placements:
    - {name: hero, channel: web, fallback: home}
    - {name: letter, channel: mail}
  contact:
    - {scope: group, channels: [web], counts: impression, limit: 3, window: 7d, pause: 0m}
    - {scope: channel, of: mail, counts: impression, limit: 2, window: 7d, pause: 0m}
  quiet_hours:
    - {from: '21:00', to: '08:00'}
  holdouts: {salt: exact, epoch: 3, universal: 0.1, random: 0.1}
actions:
  - id: home
    issue: serve
    group: home
    channels: [web]
    value: {points: 1}
    attribution_days: 1
    texts: {en: {title: Welcome}}
";

/// Offers of two issues with rules, weights, consents and caps; some help, and one that is never explored.
fn catalogue() -> Snapshot {
    let mut text = POLICY.to_owned();
    for n in 0..20 {
        let (issue, group) = [("sell", "offers"), ("nurture", "tips"), ("serve", "help")][n % 3];
        let orders = n % 4;
        let more = match n {
            3 => "    high_risk: true\n",
            6 | 7 => {
                "    caps: [{scope: action, counts: impression, limit: 1, window: 7d, pause: 0m}]\n"
            }
            _ => "",
        };
        let points = 100 + 5 * n;
        write!(
            text,
            "  - id: action-{n}
    issue: {issue}
    group: {group}
    channels: [web, mail]
    consent: [marketing]
    value: {{points: {points}}}
    eligibility: [{{name: buys, rule: 'order_count >= {orders}'}}]
    suitability: [{{name: calm, rule: 'open_tickets < 3'}}]
    context: [{{name: ticket, when: 'open_tickets == 1', points: 30}}]
{more}    attribution_days: 7
    prior: {{propensity: 0.2, evidence: 50}}
    texts: {{en: {{title: Number {n}}}}}
"
        )
        .unwrap();
    }
    prepared(&text)
}

/// What a month of offers taught, each action something else.
fn models(catalogue: &Snapshot) -> Models {
    let mut counts = Table::default();
    for n in 0..20_u32 {
        for channel in ["web", "mail"] {
            let arm = Arm {
                action: ActionKey {
                    id: ActionKey::id_of(&format!("action-{n}")),
                    version: 1,
                },
                channel: catalogue.names().channel(channel).unwrap(),
            };
            for offer in 0..150_u32 {
                let delivered = Day(TODAY.0 - 8 - i32::try_from(offer % 30).unwrap());
                counts.add(&Observation {
                    arm,
                    delivered,
                    converted: (offer * 7 % 100 < 15 + n % 6).then_some(delivered),
                });
            }
        }
    }
    let learnt = Learnt {
        as_of: TODAY,
        counts,
        ..Learnt::default()
    };
    Models::new(catalogue, SNAPSHOT, learnt)
}

fn page() -> Vec<Page> {
    let place = |placement: &str, channel: &str, count| Page {
        placement: placement.to_owned(),
        channel: channel.to_owned(),
        count,
    };
    vec![place("hero", "web", 2), place("letter", "mail", 1)]
}

/// One of many kinds of customers, by the number of the decision.
fn inputs(id: u128, catalogue: &Snapshot, page: &[Page]) -> Inputs {
    let mut counter = Counter::new(u64::try_from(id).unwrap());
    let mut below = |most: i64| counter.draw().cast_signed().rem_euclid(most);
    let fact = |text: &str, value| Fact {
        attribute: {
            let mut all = catalogue.attributes().iter();
            u32::try_from(all.position(|a| a.to_string() == text).unwrap()).unwrap()
        },
        value: Value::Whole(value),
    };
    let mut facts = vec![
        fact("order_count", below(5)),
        fact("open_tickets", below(4)),
    ];
    facts.sort_by_key(|fact| fact.attribute);
    facts.truncate(usize::try_from(1 + below(8)).unwrap());
    let names = catalogue.names();
    let web = names.channel("web").unwrap();
    let mut offers = Offers::default();
    for n in 0..below(4) {
        let at = Micros(NOW.0 - (n + 1) * 20 * HOUR);
        offers.add(Offered {
            outcome: Outcome::Impression,
            decision: DecisionKey(u128::from(n.unsigned_abs()) + 1),
            slot: 0,
            decided_at: at,
            action: ActionKey::id_of("action-6"),
            group: GroupKey::of(["offers", "help"][usize::try_from(n % 2).unwrap()]),
            channel: web,
            at,
        });
    }
    Inputs {
        decision: DecisionKey(id),
        policy_version: catalogue.revision(),
        model_snapshot: SNAPSHOT,
        profile: (below(10) > 0).then_some(ReadProfile {
            id: id.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
            version: 3,
        }),
        at: Micros(NOW.0 + below(24) * HOUR),
        zone: Some(Zone::TOKYO),
        calendar: Zone::TOKYO,
        placements: page
            .iter()
            .map(|page| Wanted {
                placement: page.key(),
                channel: names.channel(&page.channel).unwrap(),
                count: page.count,
                address: None,
            })
            .collect(),
        facts,
        situation: None,
        consents: vec![Word {
            purpose: names.purpose("marketing").unwrap(),
            channel: None,
            address: None,
            at: Micros(0),
            denied: below(6) == 0,
        }],
        mood: Mood {
            open_complaint: Some(below(6) == 0),
            ..Mood::of_a_stranger()
        },
        offers,
        pins: Pins::default(),
        dry_run: false,
        explain: false,
    }
}

/// Upper 0.1% point of chi-square with `k` degrees of freedom, by Wilson and Hilferty.
fn critical(k: f64) -> f64 {
    let v = 2.0 / (9.0 * k);
    k * (1.0 - v + 3.090_232_306 * v.sqrt()).powi(3)
}

/// All of them in full, or where the code is fast.
fn decisions() -> u128 {
    let scale = std::env::var("CUSTOMER_PROFILE_TEST_SCALE");
    if scale.as_deref() == Ok("full") || !cfg!(debug_assertions) {
        100_000
    } else {
        20_000
    }
}

#[test]
fn what_is_chosen_is_as_often_there_as_its_logged_probabilities_say_and_replays() {
    let catalogue = catalogue();
    let (questions, models, page) = (Questions::of(&catalogue), models(&catalogue), page());
    // By the slot of the page, the customer's group and the action: how often, and how often by what was logged.
    let mut cells: BTreeMap<(u16, bool), BTreeMap<u64, (f64, f64)>> = BTreeMap::new();
    let mut stopped: BTreeMap<Gate, u32> = BTreeMap::new();
    for id in 0..decisions() {
        let inputs = inputs(id, &catalogue, &page);
        let told = Told::new(&catalogue, &questions, &inputs, &page);
        let decision = decide(&inputs, catalogue.engine(), &models, &told);
        for placed in &decision.placements {
            for lost in &placed.lost {
                *stopped.entry(lost.gate).or_default() += 1;
            }
            for slot in &placed.slots {
                let Choice::Action(chosen) = slot.choice else {
                    assert!(slot.shares.is_empty());
                    continue;
                };
                let at_random = decision.assigned.group == Group::Random;
                let cell = cells.entry((slot.number, at_random)).or_default();
                let mut sum = 0.0;
                for share in &slot.shares {
                    let of = &placed.survivors[usize::try_from(share.survivor).unwrap()];
                    cell.entry(of.action.id).or_default().1 += share.pi;
                    sum += share.pi;
                }
                assert!((sum - 1.0).abs() < 1e-12, "{sum}");
                cell.entry(chosen.id).or_default().0 += 1.0;
            }
        }
        let bytes = encode(&inputs, &decision);
        let record = Record::decode(&bytes).unwrap();
        let told = Told::new(&catalogue, &questions, &record.inputs, &page);
        let again = replay(&bytes, catalogue.engine(), false, |_| (&models, &told)).unwrap();
        assert!(again.identical, "{id}: {:?}", again.differences);
        assert!(again.now == decision, "{id}");
    }
    // The gates were there.
    for gate in [
        Gate::Eligibility,
        Gate::Suitability,
        Gate::Consent,
        Gate::Contact,
        Gate::QuietHours,
        Gate::Empathy,
        Gate::Holdout,
    ] {
        assert!(stopped.contains_key(&gate), "{gate:?}");
    }
    assert_eq!(cells.len(), 6, "three slots, by the policy and at random");
    for (of, cell) in cells {
        // What is expected less than five times tells nothing by itself.
        let (mut chi, mut held, mut few) = (0.0, 0.0, (0.0, 0.0));
        for (counted, expected) in cell.into_values() {
            if expected < 5.0 {
                few = (few.0 + counted, few.1 + expected);
            } else {
                chi += (counted - expected).powi(2) / expected;
                held += 1.0;
            }
        }
        if few.1 >= 5.0 {
            chi += (few.0 - few.1).powi(2) / few.1;
            held += 1.0;
        } else {
            assert!(few.0 < 20.0, "{of:?}: {few:?}");
        }
        assert!(held > 10.0, "{of:?}: {held}");
        assert!(chi < critical(held - 1.0), "{of:?}: {chi} of {held}");
    }
}
