//! What a decision was made from, as another revision of the catalogue reads it.
//!
//! What must stay true: numbers of channels and purposes are the same under every revision; places of what rules ask for are not, so
//! answers are put where the other revision looks for them. What was not asked then is not known: it is named, and never made up.

use super::{Page, Questions};
use crate::next_best_action::{
    catalogue::Snapshot,
    decide::{Fact, Inputs},
};

/// The inputs of a decision under another revision than theirs.
#[must_use]
pub fn carried(inputs: &Inputs, from: &Snapshot, to: &Snapshot) -> Inputs {
    Inputs {
        facts: moved(&inputs.facts, from, to),
        policy_version: to.revision(),
        ..inputs.clone()
    }
}

/// Answers, where another revision looks for them.
fn moved(facts: &[Fact], from: &Snapshot, to: &Snapshot) -> Vec<Fact> {
    let place = |fact: &Fact| {
        let at = usize::try_from(fact.attribute).ok()?;
        to.attribute(from.attributes().get(at)?)
    };
    let moved = facts.iter().filter_map(|fact| {
        Some(Fact {
            attribute: place(fact)?,
            value: fact.value.clone(),
        })
    });
    let mut moved: Vec<Fact> = moved.collect();
    moved.sort_by_key(|fact| fact.attribute);
    moved
}

/// What was asked for, by its names under the revision of the decision.
#[must_use]
pub fn page(inputs: &Inputs, catalogue: &Snapshot) -> Vec<Page> {
    let name = |found: Option<&str>| found.unwrap_or_default().to_owned();
    let wanted = inputs.placements.iter();
    wanted
        .map(|wanted| Page {
            placement: name(catalogue.placement_name(wanted.placement)),
            channel: name(catalogue.names().channel_name(wanted.channel)),
            count: wanted.count,
        })
        .collect()
}

/// What the rules of one revision ask for and those of another did not, in the words of rules.
pub fn not_asked<'a>(
    (from, asked): (&'a Snapshot, &'a Questions),
    (to, asks): (&'a Snapshot, &'a Questions),
) -> impl Iterator<Item = String> + 'a {
    let wanted = to.attributes().iter().take(asks.places());
    let known = |place: u32| usize::try_from(place).is_ok_and(|at| at < asked.places());
    wanted
        .filter(|attribute| !super::questions::is_of_page(attribute))
        .filter(move |attribute| !from.attribute(attribute).is_some_and(known))
        .map(ToString::to_string)
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        clock::Micros,
        next_best_action::{
            catalogue::{
                Language, Names, Parts, Version, check::Known, digest::of_action, prepare,
                take_apart,
            },
            decide::Value,
        },
    };

    const CATALOGUE: &str = "
catalogue: 1
policy:
  default_locale: en
  time_zone: Asia/Tokyo
  worth: {currency: JPY, point: 1, floor: 100}
  groups: [{name: home, issue: serve}]
  channels: [{name: web, reach: inbound, pending: 1h}]
  placements: [{name: hero, channel: web}]
  holdouts: {salt: test, epoch: 1, universal: 0.0, random: 0.0}
actions:
  - id: asks
    description: It asks.
    issue: serve
    group: home
    channels: [web]
    value: {points: 1}
    attribution_days: 1
    eligibility: [RULES]
    texts: {en: {title: Welcome}}
";

    /// A catalogue with an action that asks these questions.
    pub(in super::super) fn asking(rules: &[&str]) -> Snapshot {
        let rules: Vec<String> = rules
            .iter()
            .enumerate()
            .map(|(n, rule)| format!("{{name: r{n}, rule: '{rule}'}}"))
            .collect();
        prepared(&CATALOGUE.replace("RULES", &rules.join(", ")))
    }

    /// A catalogue from its text.
    pub(in super::super) fn prepared(text: &str) -> Snapshot {
        let decoded = take_apart(&[text]);
        let language = Language::with([], decoded.segments());
        let import = decoded.check(&Known::default(), &language).unwrap();
        let policy = import.policy.unwrap();
        let mut names = Names::default();
        let definitions = import.actions.iter().map(|(d, _)| d.get());
        names.number(policy.get(), definitions).unwrap();
        let actions = import.actions.into_iter().map(|(definition, status)| {
            let version = Version {
                number: 1,
                digest: of_action(definition.get()),
                definition,
                made_at: Micros(0),
                caller: String::new(),
                reason: String::new(),
            };
            (Arc::new(version), status)
        });
        let parts = Parts {
            revision: 1,
            policy: Arc::new(policy),
            names,
            segments: Vec::new(),
            actions: actions.collect(),
        };
        prepare(parts).unwrap()
    }

    #[test]
    fn answers_follow_their_questions_and_what_was_not_asked_is_named() {
        let from = asking(&["order_count > 3", "known", "open_tickets == 0"]);
        let to = asking(&["open_tickets == 0", "ticket_count > 1", "order_count > 3"]);
        let place = |of: &Snapshot, text: &str| {
            let mut all = of.attributes().iter();
            u32::try_from(all.position(|a| a.to_string() == text).unwrap()).unwrap()
        };
        let fact = |of: &Snapshot, text: &str, value: Value| Fact {
            attribute: place(of, text),
            value,
        };
        let known = [
            fact(&from, "order_count", Value::Whole(7)),
            fact(&from, "known", Value::Flag(true)),
            fact(&from, "open_tickets", Value::Whole(0)),
        ];
        let mut expected = [
            fact(&to, "order_count", Value::Whole(7)),
            fact(&to, "open_tickets", Value::Whole(0)),
        ];
        expected.sort_by_key(|fact| fact.attribute);
        assert_ne!(place(&from, "order_count"), place(&to, "order_count"));
        assert_eq!(moved(&known, &from, &to), expected);
        let (asked, asks) = (Questions::of(&from), Questions::of(&to));
        let missing: Vec<String> = not_asked((&from, &asked), (&to, &asks)).collect();
        assert_eq!(missing, ["ticket_count"]);
        assert_eq!(not_asked((&from, &asked), (&from, &asked)).count(), 0);
    }
}
