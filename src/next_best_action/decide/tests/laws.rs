//! What holds for every policy and every customer.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::made_up::{Made, Rules, catalogue, customer, policy};
use crate::next_best_action::{
    consent::standing,
    decide::{
        Choice, Decision, Inputs, Policy, Prepared, Record, Share, decide, encode, replay, would,
    },
    gates::Gate,
    holdout::{Group, Pins},
    keys::{Issue, Verdict},
};

fn decided(inputs: &Inputs, policy: &Policy) -> Decision {
    decide(inputs, policy, &Made::new(), &Rules(inputs.facts.clone()))
}

/// The actions of the slots, by their ids.
fn stood(decision: &Decision) -> Vec<Option<u64>> {
    let slots = decision.placements.iter().flat_map(|placed| &placed.slots);
    slots
        .map(|slot| slot.choice.action().map(|key| key.id))
        .collect()
}

fn instead(inputs: &Inputs, policy: &Policy, stood: &[Option<u64>]) -> Decision {
    let rules = Rules(inputs.facts.clone());
    would(inputs, policy, &Made::new(), &rules, stood)
}

/// What is shown, with the place of the wanted placement.
fn shown<'p>(decision: &Decision, policy: &'p Policy) -> Vec<(usize, &'p Prepared)> {
    let mut shown = Vec::new();
    for (at, placed) in decision.placements.iter().enumerate() {
        for slot in &placed.slots {
            if let Some(key) = slot.choice.action() {
                shown.push((at, policy.actions().iter().find(|a| a.key == key).unwrap()));
            }
        }
    }
    shown
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn an_upset_customer_with_an_open_complaint_is_never_offered_to_buy(
        (settings, actions) in catalogue(), mut inputs in customer(),
    ) {
        inputs.mood.open_complaint = Some(true);
        let policy = policy(settings, actions);
        for (_, action) in shown(&decided(&inputs, &policy), &policy) {
            prop_assert!(action.issue != Issue::Sell, "{:?}", action.key);
        }
    }

    #[test]
    fn a_denied_consent_is_never_overruled(
        (settings, actions) in catalogue(), inputs in customer(),
    ) {
        let policy = policy(settings, actions);
        for (at, action) in shown(&decided(&inputs, &policy), &policy) {
            let wanted = inputs.placements[at];
            for purpose in &action.purposes {
                prop_assert!(standing(&inputs.consents, *purpose, wanted.channel, wanted.address).allows());
                let mut about = inputs.consents.iter().filter(|w| w.purpose == *purpose);
                prop_assert!(about.any(|w| !w.denied), "somebody must have granted it");
            }
        }
    }

    #[test]
    fn a_page_never_shows_an_action_twice(
        (settings, actions) in catalogue(), inputs in customer(),
    ) {
        let policy = policy(settings, actions);
        let decision = decided(&inputs, &policy);
        let ids: Vec<u64> = shown(&decision, &policy).iter().map(|(_, a)| a.key.id).collect();
        prop_assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        let numbers = decision.placements.iter().flat_map(|p| &p.slots).map(|s| usize::from(s.number));
        prop_assert!(numbers.eq(0..inputs.placements.iter().map(|w| usize::from(w.count)).sum()));
    }

    #[test]
    fn every_action_names_its_gate_or_its_four_terms(
        (settings, actions) in catalogue(), mut inputs in customer(),
    ) {
        inputs.explain = true;
        let policy = policy(settings, actions);
        for placed in decided(&inputs, &policy).placements {
            let mut indices: Vec<u32> = placed.lost.iter().map(|l| l.index).collect();
            indices.extend(placed.survivors.iter().map(|s| s.index));
            indices.sort_unstable();
            let every = 0..u32::try_from(policy.actions().len()).unwrap();
            prop_assert!(indices.into_iter().eq(every));
            for survivor in &placed.survivors {
                let terms = survivor.terms;
                prop_assert!(terms.ln_p.is_finite() && terms.ln_v.is_finite() && terms.ln_l.is_finite());
                prop_assert!(!terms.ln_c.is_nan() && terms.ln_c <= 5.0_f64.ln());
            }
            for (index, explained) in placed.explained.iter().enumerate() {
                prop_assert!(explained.gates.iter().map(|g| g.gate).eq(Gate::ALL));
                let stop = explained.gates.iter().find(|g| g.verdict != Verdict::Pass);
                let lost = placed.lost.iter().find(|l| usize::try_from(l.index).unwrap() == index);
                prop_assert_eq!(stop.map(|s| (s.gate, s.verdict)), lost.map(|l| (l.gate, l.verdict)));
            }
        }
    }

    #[test]
    fn a_policy_would_do_what_it_does_where_it_decided(
        (mut settings, mut actions) in catalogue(), mut inputs in customer(),
    ) {
        (settings.holdout.held_out, settings.holdout.random) = (0.0, 0.0);
        inputs.pins = Pins::default();
        actions.sort_by_key(|action| action.key);
        actions.dedup_by_key(|action| action.key.id);
        let policy = policy(settings, actions);
        let decision = decided(&inputs, &policy);
        let stood = stood(&decision);
        prop_assert_eq!(instead(&inputs, &policy, &stood).placements, decision.placements);
    }

    #[test]
    fn what_stands_on_a_page_is_not_chosen_after_it(
        (settings, actions) in catalogue(), inputs in customer(), turn in 0..8_usize,
    ) {
        let policy = policy(settings, actions);
        let mut stood = stood(&decided(&inputs, &policy));
        let turn = turn.min(stood.len());
        stood.rotate_left(turn);
        let would = instead(&inputs, &policy, &stood);
        for placed in &would.placements {
            for slot in &placed.slots {
                let before = &stood[..usize::from(slot.number)];
                let chosen = |share: &Share| placed.survivors[usize::try_from(share.survivor).unwrap()].action.id;
                prop_assert!(slot.shares.iter().all(|share| !before.contains(&Some(chosen(share)))));
                let fallback = slot.choice.action().map(|key| key.id);
                prop_assert!(fallback.is_none() || !before.contains(&fallback));
            }
        }
    }

    #[test]
    fn a_replay_is_identical_bit_for_bit(
        (settings, actions) in catalogue(), inputs in customer(),
    ) {
        let policy = policy(settings, actions);
        let decision = decided(&inputs, &policy);
        let bytes = encode(&inputs, &decision);
        let record = Record::decode(&bytes).unwrap();
        prop_assert_eq!(&record.inputs, &inputs);
        prop_assert_eq!(&record.encode(), &bytes);
        for explain in [false, true] {
            let replay = replay(&bytes, &policy, explain, |inputs| {
                (Made::new(), Rules(inputs.facts.clone()))
            }).unwrap();
            prop_assert!(replay.identical, "{:?}", replay.differences);
            prop_assert!(replay.differences.is_empty());
            if !explain {
                prop_assert_eq!(&replay.now, &decision);
            }
        }
    }

    #[test]
    fn neither_the_order_of_the_catalogue_nor_an_explanation_nor_a_dry_run_changes_a_choice(
        ((settings, actions), shuffled) in catalogue().prop_flat_map(|(settings, actions)| {
            (Just((settings, actions.clone())), Just(actions).prop_shuffle())
        }),
        mut inputs in customer(),
    ) {
        let one = decided(&inputs, &policy(settings.clone(), actions));
        let policy = policy(settings, shuffled);
        let other = decided(&inputs, &policy);
        prop_assert_eq!(encode(&inputs, &one), encode(&inputs, &other));
        prop_assert_eq!(&one, &other);
        inputs.explain = !inputs.explain;
        let explained = decided(&inputs, &policy);
        prop_assert_eq!(encode(&inputs, &one), encode(&inputs, &explained));
        inputs.dry_run = !inputs.dry_run;
        let dry = decided(&inputs, &policy);
        let slots = |d: &Decision| d.placements.iter().map(|p| p.slots.clone()).collect::<Vec<_>>();
        prop_assert_eq!(slots(&dry), slots(&one));
        let (tried, _) = if inputs.dry_run { (&dry, &one) } else { (&one, &dry) };
        prop_assert!(tried.reservations.is_empty());
    }

    #[test]
    fn probabilities_of_a_slot_sum_to_one_and_what_was_chosen_had_its_own(
        (settings, actions) in catalogue(), inputs in customer(),
    ) {
        let policy = policy(settings, actions);
        let decision = decided(&inputs, &policy);
        let mut taken = BTreeSet::new();
        for placed in &decision.placements {
            for slot in &placed.slots {
                let sum: f64 = slot.shares.iter().map(|s| s.pi).sum();
                prop_assert!(slot.shares.is_empty() || (sum - 1.0).abs() < 1e-12);
                let of = |share: &Share| {
                    placed.survivors[usize::try_from(share.survivor).unwrap()]
                };
                let best = slot.shares.iter().map(|s| of(s).terms.priority()).fold(f64::NEG_INFINITY, f64::max);
                for share in &slot.shares {
                    let survivor = of(share);
                    prop_assert!(!taken.contains(&survivor.action.id));
                    prop_assert!(survivor.terms.priority().is_finite());
                    if survivor.high_risk && share.pi > 0.0 {
                        prop_assert!(survivor.terms.priority() >= best, "the best by its mean");
                    }
                }
                if let Choice::Action(key) = slot.choice {
                    let share = slot.shares.iter().find(|s| of(s).action == key).unwrap();
                    prop_assert_eq!(share.pi.to_bits(), slot.pi.to_bits());
                    prop_assert!(slot.pi > 0.0);
                } else {
                    prop_assert!(slot.shares.is_empty());
                }
                taken.extend(slot.choice.action().map(|key| key.id));
            }
        }
    }

    #[test]
    fn who_is_held_out_gets_only_what_stands_outside_or_a_fallback(
        (mut settings, actions) in catalogue(), inputs in customer(),
    ) {
        (settings.holdout.held_out, settings.holdout.random) = (1.0, 0.0);
        let policy = policy(settings, actions);
        let decision = decided(&inputs, &policy);
        let held = decision.assigned.group == Group::HeldOut;
        prop_assert_eq!(held, inputs.profile.is_some());
        for slot in decision.placements.iter().flat_map(|p| &p.slots) {
            if let Choice::Action(key) = slot.choice {
                let action = policy.actions().iter().find(|a| a.key == key).unwrap();
                prop_assert!(!held || action.stands_outside());
            }
        }
    }

    #[test]
    fn a_page_exceeds_no_cap_and_its_reservations_hold_for_the_next(
        (mut settings, actions) in catalogue(), mut inputs in customer(), limit in 1..4_u16,
    ) {
        settings.contact = vec![super::made_up::impressions(
            crate::next_best_action::contact::Scope::All, limit, 24,
        )];
        inputs.offers = crate::next_best_action::contact::Offers::default();
        inputs.dry_run = false;
        let policy = policy(settings, actions);
        let mut all = 0;
        for page in 0..4 {
            inputs.decision.0 = inputs.decision.0.wrapping_add(page);
            let decision = decided(&inputs, &policy);
            let shown = shown(&decision, &policy).len();
            prop_assert_eq!(decision.reservations.len(), shown);
            all += shown;
            decision.reservations.iter().for_each(|r| inputs.offers.reserve(*r));
        }
        prop_assert!(all <= usize::from(limit), "{all} of {limit}");
    }
}
