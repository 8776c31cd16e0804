//! What the engine reads is what was said: nothing is lost, nothing depends on an order.

use std::{fs, path::Path, sync::Arc};

use proptest::prelude::*;

use super::{
    super::{
        Import, Language, Names, Parts, Snapshot, Stored, Version,
        check::Known,
        digest::of_action,
        names::{Exhausted, Kind, MOST_CHANNELS},
        prepare, take_apart,
    },
    import, sound, strategies,
};
use crate::{
    clock::Micros,
    criteria::{Rule, Use},
    next_best_action::{
        decide,
        keys::{ActionKey, ChannelIndex, ChannelKey, GroupKey, PlacementKey, RuleIndex},
        model::{self, Channel, Definition, Policy, Reach, Status, Valid},
    },
};

/// The catalogue of `examples/actions`, checked with the rule language itself.
fn starter() -> Import {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/actions");
    let files = [
        "policy", "segments", "serve", "retain", "sell", "nurture", "listen",
    ];
    let texts = files.map(|name| fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap());
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let decoded = take_apart(&texts);
    let language = Language::with([], decoded.segments());
    let checked = decoded.check(&Known::default(), &language);
    checked.unwrap_or_else(|wrong| panic!("{wrong:#?}"))
}

fn parts(import: &Import) -> Parts {
    let policy = import.policy.clone().unwrap();
    let mut names = Names::default();
    let definitions = import.actions.iter().map(|(d, _)| d.get());
    names.number(policy.get(), definitions).unwrap();
    let version = |(definition, status): &(Valid<Definition>, Status)| {
        let version = Version {
            definition: definition.clone(),
            number: 3,
            digest: of_action(definition.get()),
            made_at: Micros(0),
            caller: String::new(),
            reason: String::new(),
        };
        (Arc::new(version), *status)
    };
    let segments = import.segments.iter();
    Parts {
        revision: 7,
        policy: Arc::new(policy),
        names,
        segments: segments.map(|s| (Arc::new(s.clone()), 1)).collect(),
        actions: import.actions.iter().map(version).collect(),
    }
}

fn prepared(snapshot: &Snapshot, id: &str) -> decide::Prepared {
    let key = ActionKey {
        id: ActionKey::id_of(id),
        version: 3,
    };
    let actions = snapshot.engine().actions().iter();
    actions.clone().find(|one| one.key == key).unwrap().clone()
}

fn rules_are(snapshot: &Snapshot, indices: &[RuleIndex], said: &[model::Rule]) {
    assert_eq!(indices.len(), said.len());
    for (index, said) in indices.iter().zip(said) {
        let rule = snapshot.rule(*index).unwrap();
        let meant = Rule::parse(&said.rule, Use::Decision).unwrap();
        assert_eq!((rule.name, rule.rule), (said.name.as_str(), &meant));
        assert_eq!(&snapshot.distinct_rules()[rule.distinct], rule.rule);
    }
}

#[test]
fn nothing_that_the_starter_says_is_lost() {
    let import = starter();
    let snapshot = prepare(parts(&import)).unwrap();
    let (policy, names) = (snapshot.policy(), snapshot.names());
    assert_eq!(Some(policy), import.policy.as_ref().map(Valid::get));
    assert_eq!(snapshot.revision(), 7);
    assert_eq!(snapshot.engine().settings().version, 7);
    assert_eq!(snapshot.engine().actions().len(), import.actions.len());
    let mut caps = 0;
    for (definition, _) in &import.actions {
        let of = definition.get();
        let made = prepared(&snapshot, &of.id);
        rules_are(&snapshot, &made.eligibility, &of.eligibility);
        rules_are(&snapshot, &made.applicability, &of.applicability);
        rules_are(&snapshot, &made.suitability, &of.suitability);
        assert_eq!(made.context.len(), of.context.len());
        for ((index, points), weight) in made.context.iter().zip(&of.context) {
            let rule = snapshot.rule(*index).unwrap();
            assert_eq!((rule.name, *points), (weight.name.as_str(), weight.points));
        }
        let through = |name: &str| made.channels.holds(names.channel(name).unwrap());
        for channel in &policy.channels {
            assert_eq!(through(&channel.name), of.channels.contains(&channel.name));
        }
        let placements = made
            .placements
            .iter()
            .map(|p| snapshot.placement_name(*p).unwrap());
        assert!(placements.eq(of.placements.iter().map(String::as_str)));
        assert_eq!(snapshot.group_name(made.group), Some(of.group.as_str()));
        let purposes = made
            .purposes
            .iter()
            .map(|p| names.purpose_name(*p).unwrap());
        assert!(purposes.eq(of.consent.iter().map(String::as_str)));
        assert_eq!(made.value.to_string(), policy.worth(&of.value).to_string());
        assert_eq!(made.lever, i64::from(policy.levers(of).sum()));
        assert_eq!(
            (made.high_risk, made.mandatory),
            (of.high_risk, of.mandatory)
        );
        assert_eq!(
            (made.valid_from, made.valid_to),
            (of.valid_from, of.valid_to)
        );
        let own = snapshot.engine().contact(made.key.id);
        let own: Vec<_> = own.filter(|(_, policy)| policy.binds.is_some()).collect();
        assert_eq!(own.len(), of.caps.len());
        for ((at, _), cap) in own.iter().zip(&of.caps) {
            let name = snapshot.contact(*at).unwrap();
            assert_eq!((&name.rule, name.binds), (cap, Some(made.key.id)));
        }
        caps += of.caps.len();
        let locale = "en-GB".parse().unwrap();
        let text = snapshot.text(made.key, &locale).unwrap();
        assert_eq!(text.locale.as_str(), "en");
    }
    let settings = snapshot.engine().settings();
    assert_eq!(settings.contact.len(), policy.contact.len() + caps);
    assert_eq!(snapshot.segments().len(), import.segments.len());
    for (place, said) in policy.placements.iter().map(|said| {
        let place = snapshot.engine().place(PlacementKey::of(&said.name));
        (place.unwrap(), said)
    }) {
        assert_eq!(
            names.channel_name(place.channel),
            Some(said.channel.as_str())
        );
        assert_eq!(place.disturbs, policy.reach(said) == Some(Reach::Outbound));
        let fallback = said.fallback.as_ref().or(policy.fallback.as_ref());
        assert_eq!(place.fallback, fallback.map(|id| ActionKey::id_of(id)));
    }
    for channel in &policy.channels {
        let index = names.channel(&channel.name).unwrap();
        assert_eq!(snapshot.channel(ChannelKey::of(&channel.name)), Some(index));
        let wanted = policy.pending(&channel.name).micros();
        assert_eq!(settings.reservation(index), wanted);
    }
}

#[test]
fn an_action_may_be_worth_less_than_the_policy_says_of_others() {
    let mut import = starter();
    let policy = import.policy.as_ref().unwrap().get().clone();
    assert!(policy.worth.floor > 1);
    import.actions.retain(|(d, _)| d.get().id == "shop_home");
    let snapshot = prepare(parts(&import)).unwrap();
    let (ln_v, _) = snapshot.engine().fixed(0);
    assert!(ln_v.abs() < 1e-12, "the floor of the action is 1: {ln_v}");
}

#[test]
fn what_is_retired_is_known_and_not_offered() {
    let import = starter();
    let mut parts = parts(&import);
    let retired = parts.actions[0].0.clone();
    parts.actions[0].1 = Status::Retired;
    let snapshot = prepare(parts).unwrap();
    assert!(
        snapshot
            .engine()
            .actions()
            .iter()
            .all(|a| a.key != retired.key())
    );
    assert_eq!(
        snapshot.newest(retired.key().id),
        Some((&retired, Status::Retired))
    );
    assert_eq!(snapshot.version(retired.key()), Some(&retired));
    let other = ActionKey {
        version: 4,
        ..retired.key()
    };
    assert_eq!(snapshot.version(other), None);
}

#[test]
fn a_rule_that_two_actions_share_is_made_once() {
    let import = starter();
    let snapshot = prepare(parts(&import)).unwrap();
    let said: usize = import
        .actions
        .iter()
        .map(|(d, _)| d.get().rules().map(|(_, r)| r.len()).sum::<usize>() + d.get().context.len())
        .sum();
    let texts: std::collections::HashSet<&str> =
        snapshot.distinct_rules().iter().map(Rule::text).collect();
    assert_eq!(texts.len(), snapshot.distinct_rules().len());
    assert!(texts.len() < said, "{} of {said}", texts.len());
}

#[test]
fn an_order_changes_nothing() {
    let import = starter();
    let (one, mut other) = (parts(&import), parts(&import));
    other.actions.reverse();
    other.segments.reverse();
    let (one, other) = (prepare(one).unwrap(), prepare(other).unwrap());
    assert_eq!(one.engine(), other.engine());
    assert_eq!(one.rule_count(), other.rule_count());
    for index in 0..u32::try_from(one.rule_count()).unwrap() {
        assert_eq!(one.rule(RuleIndex(index)), other.rule(RuleIndex(index)));
    }
    assert_eq!(one.attributes(), other.attributes());
    assert!(one.attributes().len() > 10);
    for (place, attribute) in (0..).zip(one.attributes()) {
        assert_eq!(one.attribute(attribute), Some(place));
    }
    for at in 0..one.engine().settings().contact.len() {
        assert_eq!(one.contact(at), other.contact(at));
    }
}

#[test]
fn a_stored_rule_that_cannot_be_read_is_named() {
    let mut import = starter();
    let (definition, _) = import.actions.swap_remove(0);
    let mut definition = definition.into_inner();
    definition.id = "bad".to_owned();
    definition.eligibility = vec![model::Rule {
        name: "none".to_owned(),
        rule: "no_such_thing".to_owned(),
    }];
    import
        .actions
        .push((Valid::vouch(definition), Status::Active));
    let why = prepare(parts(&import)).unwrap_err();
    assert_eq!(why.place, "rule none of action bad");
    assert!(why.why.contains("no_such_thing"), "{why}");
}

#[test]
fn keys_of_groups_and_placements_never_change() {
    assert_eq!(GroupKey::of("offers").0, 15_993_562_489_029_189_568);
    let layout = crate::next_best_action::hashing::text(&["placement", "banner"]);
    assert_eq!(PlacementKey::of("banner").0, layout);
}

fn policy_with(channels: &[u8]) -> Policy {
    let channel = |n: &u8| Channel {
        name: format!("c{n}"),
        reach: Reach::Inbound,
        pending: None,
    };
    Policy {
        channels: channels.iter().map(channel).collect(),
        ..sound::policy()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_number_is_never_given_to_another_name(
        policies in prop::collection::vec(prop::collection::btree_set(0..70_u8, 1..16), 1..12),
    ) {
        let mut names = Names::default();
        let mut given = std::collections::HashMap::new();
        for channels in policies {
            let channels: Vec<u8> = channels.into_iter().rev().collect();
            let before = names.clone();
            match names.number(&policy_with(&channels), std::iter::empty()) {
                Err(exhausted) => {
                    prop_assert_eq!(exhausted, Exhausted(Kind::Channel));
                    let fresh = channels.iter().filter(|n| !given.contains_key(&format!("c{n}")));
                    prop_assert!(given.len() + fresh.count() > MOST_CHANNELS);
                    names = before;
                }
                Ok(new) => for one in new {
                    prop_assert!(given.values().all(|number| *number != one.number));
                    prop_assert_eq!(given.insert(one.name, one.number), None);
                },
            }
            for (name, number) in &given {
                let index = ChannelIndex(u8::try_from(*number).unwrap());
                prop_assert_eq!(names.channel(name), Some(index));
                prop_assert_eq!(names.channel_name(index), Some(name.as_str()));
            }
        }
    }

    #[test]
    fn what_is_stored_is_read_as_it_was(document in strategies::document()) {
        let import = import(&[&super::export(&document)], &Known::default()).unwrap();
        let policy = import.policy.unwrap();
        prop_assert_eq!(&Valid::<Policy>::from_text(&policy.to_text()).unwrap(), &policy);
        for segment in import.segments {
            prop_assert_eq!(&Valid::from_text(&segment.to_text()).unwrap(), &segment);
        }
        for (definition, _) in import.actions {
            let read = Valid::<Definition>::from_text(&definition.to_text()).unwrap();
            prop_assert_eq!(of_action(read.get()), of_action(definition.get()));
            prop_assert_eq!(read, definition);
        }
    }
}
