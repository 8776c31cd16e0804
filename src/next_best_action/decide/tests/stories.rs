//! What happens to one customer.

use super::made_up::{
    HOUR, Made, NOW, Rules, action, impressions, inputs, pinned, policy, settings, wanted,
};
use crate::next_best_action::{
    contact::{QuietHours, Scope},
    decide::{
        Choice, Decision, Difference, Fact, Inputs, Mismatch, Policy, Prepared, Unreadable, Value,
        decide, encode, replay,
    },
    empathy::Upset,
    gates::{Gate, Why},
    holdout::Group,
    keys::{ChannelSet, Issue, RuleIndex, Verdict},
};

fn decided(inputs: &Inputs, policy: &Policy) -> Decision {
    decide(inputs, policy, &Made::new(), &Rules(inputs.facts.clone()))
}

fn first(decision: &Decision) -> Choice {
    decision.placements[0].slots[0].choice
}

#[test]
fn a_service_action_worth_nothing_can_win() {
    let serve = Prepared {
        value: 0.0,
        lever: 150,
        ..action(1, Issue::Serve)
    };
    let sell = Prepared {
        value: 0.012,
        lever: -80,
        ..action(2, Issue::Sell)
    };
    let policy = policy(settings(), vec![serve, sell]);
    let won = (0..500).filter(|id| {
        let choice = first(&decided(&inputs(*id), &policy));
        choice.action().is_some_and(|key| key.id == 1)
    });
    assert!(won.count() > 400);
}

#[test]
fn at_random_what_stands_outside_keeps_its_probability_and_the_rest_is_even() {
    let risky = Prepared {
        high_risk: true,
        value: 50.0,
        ..action(7, Issue::Sell)
    };
    let mut actions: Vec<Prepared> = (10..30).map(|id| action(id, Issue::Nurture)).collect();
    actions.push(risky);
    actions.push(Prepared {
        value: 3.0,
        ..action(8, Issue::Serve)
    });
    let policy = policy(settings(), actions);
    let mut inputs = inputs(5);
    let by_policy = decided(&inputs, &policy);
    inputs.pins = pinned(Group::Random);
    let at_random = decided(&inputs, &policy);
    assert_eq!(at_random.assigned.group, Group::Random);
    let pi = |decision: &Decision, id: u64| {
        let placed = &decision.placements[0];
        let of = |s: &&crate::next_best_action::decide::Share| {
            placed.survivors[usize::try_from(s.survivor).unwrap()]
                .action
                .id
                == id
        };
        placed.slots[0].shares.iter().find(of).map(|s| s.pi)
    };
    assert_eq!(pi(&by_policy, 8), pi(&at_random, 8), "SERVE stands outside");
    assert_eq!(
        pi(&at_random, 7),
        None,
        "what is of high risk is not tried out"
    );
    let rest = (1.0 - pi(&at_random, 8).unwrap()) / 20.0;
    assert!((10..30).all(|id| (pi(&at_random, id).unwrap() - rest).abs() < 1e-15));
}

#[test]
fn at_random_shares_are_those_that_were_logged() {
    let policy = policy(
        settings(),
        (1..8).map(|id| action(id, Issue::Sell)).collect(),
    );
    let mut counts = [0.0_f64; 8];
    let each = if cfg!(debug_assertions) {
        400_u16
    } else {
        2_000
    };
    for id in 0..u128::from(each) * 7 {
        let mut inputs = inputs(id);
        inputs.pins = pinned(Group::Random);
        let key = first(&decided(&inputs, &policy)).action().unwrap();
        counts[usize::try_from(key.id).unwrap()] += 1.0;
    }
    let chi: f64 = counts[1..]
        .iter()
        .map(|n| (n - f64::from(each)).powi(2) / f64::from(each))
        .sum();
    assert!(chi < 22.46, "6 degrees of freedom, p = 0.001: {chi}");
}

#[test]
fn held_out_customers_get_the_fallback() {
    let policy = policy(
        settings(),
        vec![action(1, Issue::Nurture), action(5, Issue::Sell)],
    );
    let mut inputs = inputs(5);
    inputs.pins = pinned(Group::HeldOut);
    let decision = decided(&inputs, &policy);
    let choice = decision.placements[0].slots[0].choice;
    assert!(matches!(choice, Choice::Fallback(key) if key.id == 1));
    let gates: Vec<Gate> = decision.placements[0].lost.iter().map(|l| l.gate).collect();
    assert_eq!(gates, [Gate::Holdout, Gate::Holdout]);
}

#[test]
fn a_fallback_is_shown_once_and_never_against_a_gate() {
    let sell = action(1, Issue::Sell);
    let policy = policy(settings(), vec![sell]);
    let mut inputs = inputs(5);
    inputs.placements = vec![wanted(1, 0, 2)];
    let slots = decided(&inputs, &policy).placements.remove(0).slots;
    assert!(matches!(slots[0].choice, Choice::Action(_)) && slots[1].choice == Choice::Nothing);
    inputs.pins = pinned(Group::HeldOut);
    let slots = decided(&inputs, &policy).placements.remove(0).slots;
    assert!(matches!(slots[0].choice, Choice::Fallback(_)) && slots[1].choice == Choice::Nothing);
    inputs.mood.open_complaint = Some(true);
    assert_eq!(first(&decided(&inputs, &policy)), Choice::Nothing);
}

#[test]
fn what_the_context_forbids_has_no_chance_and_shows_its_terms() {
    let never = Prepared {
        context: vec![(RuleIndex(0), -100)],
        ..action(5, Issue::Serve)
    };
    let policy = policy(settings(), vec![never, action(6, Issue::Serve)]);
    let mut inputs = inputs(5);
    inputs.placements = vec![wanted(2, 0, 2)];
    inputs.facts = vec![Fact {
        attribute: 0,
        value: Value::Whole(0),
    }];
    let placed = decided(&inputs, &policy).placements.remove(0);
    assert_eq!(placed.survivors.len(), 2);
    assert!(placed.survivors[0].terms.ln_c.is_infinite());
    assert_eq!(placed.slots[0].shares.len(), 1);
    assert_eq!(placed.slots[1].choice, Choice::Nothing);
    // Where the rule is unknown it takes nothing away.
    inputs.facts.clear();
    assert!(decided(&inputs, &policy).placements[0].slots[1].choice != Choice::Nothing);
}

#[test]
fn each_gate_says_why() {
    let mut settings = settings();
    settings.quiet = vec![QuietHours {
        channels: ChannelSet::ALL,
        from: 0,
        to: 1_439,
    }];
    settings.contact = vec![impressions(Scope::Action, 1, 24)];
    let sell = Prepared {
        eligibility: vec![RuleIndex(8)],
        applicability: vec![RuleIndex(1)],
        suitability: vec![RuleIndex(16)],
        purposes: vec![crate::next_best_action::keys::PurposeIndex(2)],
        ..action(5, Issue::Sell)
    };
    let policy = policy(settings, vec![sell]);
    let mut inputs = inputs(5);
    inputs.explain = true;
    inputs.placements = vec![wanted(3, 1, 1)];
    inputs.facts = vec![Fact {
        attribute: 0,
        value: Value::Whole(1),
    }];
    inputs.mood.open_complaint = None;
    let reserved = crate::next_best_action::contact::Reservation {
        decision: crate::next_best_action::keys::DecisionKey(1),
        slot: 0,
        action: 5,
        group: crate::next_best_action::keys::GroupKey(1),
        channel: crate::next_best_action::keys::ChannelIndex(1),
        at: crate::clock::Micros(NOW.0 - HOUR / 2),
        expires_at: crate::clock::Micros(NOW.0 + HOUR / 2),
    };
    inputs.offers.reserve(reserved);
    let placed = decided(&inputs, &policy).placements.remove(0);
    assert_eq!(placed.lost[0].gate, Gate::Applicability);
    assert_eq!(placed.lost[0].verdict, Verdict::Unknown);
    let gates = &placed.explained[0].gates;
    let verdicts: Vec<Verdict> = gates.iter().map(|g| g.verdict).collect();
    let (pass, fail, unknown) = (Verdict::Pass, Verdict::Fail, Verdict::Unknown);
    assert_eq!(
        verdicts,
        [
            pass, pass, pass, unknown, fail, fail, fail, fail, unknown, pass
        ]
    );
    assert_eq!(gates[3].rules[0].shown.missing.as_deref(), Some("a1"));
    assert_eq!(gates[5].purposes.len(), 1);
    assert_eq!(gates[6].contact[0].allowance.counted, 1);
    assert_eq!(
        gates[6].until,
        Some(crate::clock::Micros(NOW.0 + 47 * HOUR / 2))
    );
    assert!(gates[7].until.is_some_and(|until| until > NOW));
    assert_eq!(gates[8].why, Why::Upset(Upset::ComplaintNotKnown));
}

#[test]
fn without_a_time_zone_nobody_is_disturbed() {
    let mut settings = settings();
    settings.quiet = vec![QuietHours {
        channels: ChannelSet::ALL,
        from: 60,
        to: 120,
    }];
    let policy = policy(settings, vec![action(5, Issue::Serve)]);
    let mut inputs = inputs(5);
    inputs.placements = vec![wanted(3, 1, 1), wanted(2, 0, 1)];
    inputs.zone = None;
    let decision = decided(&inputs, &policy);
    assert_eq!(decision.placements[0].lost[0].gate, Gate::QuietHours);
    assert_eq!(decision.placements[0].lost[0].verdict, Verdict::Unknown);
    assert!(
        decision.placements[1].lost.is_empty(),
        "a page disturbs nobody"
    );
}

#[test]
fn only_what_a_policy_may_count_is_reserved() {
    let actions = vec![action(5, Issue::Serve)];
    let reserved = |settings| {
        decided(&inputs(1), &policy(settings, actions.clone()))
            .reservations
            .len()
    };
    assert_eq!(reserved(settings()), 0);
    let mut capped = settings();
    capped.contact = vec![impressions(Scope::Action, 9, 24)];
    assert_eq!(reserved(capped.clone()), 1);
    capped.contact[0].binds = Some(6);
    assert_eq!(reserved(capped.clone()), 0, "a cap of another action alone");
    capped.contact[0].scope = Scope::Group;
    assert_eq!(
        reserved(capped),
        1,
        "a cap of another action on what its group does"
    );
}

#[test]
fn a_changed_record_is_not_identical_and_a_wrong_policy_is_refused() {
    let one = policy(
        settings(),
        (1..8).map(|id| action(id, Issue::Serve)).collect(),
    );
    let inputs = inputs(1);
    let mut decision = decided(&inputs, &one);
    decision.placements[0].survivors[0].terms.ln_p -= 1e-15;
    decision.placements[0].slots[0].pi += 1e-15;
    let world = |_: &Inputs| (Made::new(), Rules(Vec::new()));
    let bytes = encode(&inputs, &decision);
    let again = replay(&bytes, &one, false, world).unwrap();
    assert!(!again.identical);
    let key = inputs.placements[0].placement;
    assert_eq!(
        again.differences,
        [Difference::Terms(key), Difference::Choice(key, 0)]
    );
    let mut newer = settings();
    newer.version = 13;
    let wrong = replay(&bytes, &policy(newer, Vec::new()), false, world);
    assert!(matches!(
        wrong,
        Err(Mismatch::Policy {
            wanted: 12,
            given: 13
        })
    ));
    let other = Inputs {
        model_snapshot: 78,
        ..inputs
    };
    let wrong = replay(&encode(&other, &decision), &one, false, world);
    assert!(matches!(
        wrong,
        Err(Mismatch::Model {
            wanted: 78,
            given: 77
        })
    ));
    let wrong = replay(&[255; 9], &one, false, world);
    assert!(matches!(
        wrong,
        Err(Mismatch::Unreadable(Unreadable::Malformed(_)))
    ));
}
