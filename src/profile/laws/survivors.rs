//! Survivorship: every rule is total, and no order of the words changes what survives.

use std::cmp::Ordering;

use proptest::{collection::vec, prelude::*, sample::select};

use super::made_up::kind;
use crate::{
    profile::{
        stamp::Stamped as _,
        survivorship::{Rule, survive},
        trait_value::{compare, is_unset},
    },
    proto::{
        state::v1::{TraitFact, TraitStatement},
        v1::{TraitValue, trait_value::Kind},
    },
};

fn rules() -> Vec<Rule> {
    let list = vec!["b".to_owned(), "d".to_owned()];
    vec![
        Rule::Newest,
        Rule::Oldest,
        Rule::SourcePriority(list.clone()),
        Rule::DepartmentPriority(list),
        Rule::MostFrequent,
        Rule::Smallest,
        Rule::Largest,
        Rule::SetUnion,
    ]
}

fn statement() -> impl Strategy<Value = TraitStatement> {
    (0..3i64, 0..3u64, select(vec!["b", "c"]), kind()).prop_map(|(at, id_lo, department, kind)| {
        TraitStatement {
            at,
            id_hi: 0,
            id_lo,
            department: department.into(),
            value: Some(TraitValue { kind: Some(kind) }),
        }
    })
}

/// The words of up to five sources, in any order.
fn facts() -> impl Strategy<Value = Vec<TraitFact>> {
    let word = (statement(), proptest::option::of(statement()));
    vec(word, 1..6)
        .prop_map(|words| {
            let sources = ["a", "b", "c", "d", "e"];
            let named = sources.into_iter().zip(words);
            named
                .map(|(source, (latest, first))| TraitFact {
                    name: "city".into(),
                    source: source.into(),
                    first: first.filter(|first| first.stamp() < latest.stamp()),
                    latest: Some(latest),
                })
                .collect::<Vec<_>>()
        })
        .prop_shuffle()
}

fn value() -> impl Strategy<Value = TraitValue> {
    let any_text = "[0-9]{1,3}(\\.[0-9]{1,2})?";
    let kind = prop_oneof![
        4 => kind(),
        1 => any_text.prop_map(Kind::Decimal),
        1 => any::<i64>().prop_map(Kind::Integer),
    ];
    kind.prop_map(|kind| TraitValue { kind: Some(kind) })
}

proptest! {
    #[test]
    fn no_order_of_the_words_changes_what_survives(facts in facts()) {
        let mut sorted = facts.clone();
        sorted.sort_by(|a, b| a.source.cmp(&b.source));
        for rule in rules() {
            let (one, other) = (survive(&rule, &facts).unwrap(), survive(&rule, &sorted).unwrap());
            prop_assert_eq!(&one.value, &other.value, "{}", rule);
            let sources = |ranking: &[crate::profile::survivorship::Candidate<'_>]| {
                ranking.iter().map(|c| c.source.to_owned()).collect::<Vec<_>>()
            };
            prop_assert_eq!(sources(&one.ranking), sources(&other.ranking), "{}", rule);
            prop_assert_eq!(one.ranking.len(), facts.len(), "every word is ranked: {}", rule);
        }
    }

    #[test]
    fn the_extremes_are_what_looking_at_every_word_says(facts in facts()) {
        let latest = || facts.iter().filter_map(|f| f.latest.as_ref());
        let newest = survive(&Rule::Newest, &facts).unwrap();
        let stamp = latest().map(TraitStatement::stamp).max();
        prop_assert_eq!(newest.ranking.first().map(|c| c.statement.stamp()), stamp);

        let oldest = survive(&Rule::Oldest, &facts).unwrap();
        let all = facts.iter().flat_map(|f| [&f.first, &f.latest]).flatten();
        let stamp = all.map(TraitStatement::stamp).min();
        prop_assert_eq!(oldest.ranking.first().map(|c| c.statement.stamp()), stamp);

        let set = || latest().filter_map(|s| s.value.as_ref()).filter(|v| !is_unset(v));
        for (rule, beaten_by) in [(Rule::Smallest, Ordering::Less), (Rule::Largest, Ordering::Greater)] {
            let survivor = survive(&rule, &facts).unwrap();
            prop_assert!(set().all(|v| compare(v, &survivor.value) != beaten_by), "{}", rule);
            prop_assert_eq!(is_unset(&survivor.value), set().next().is_none(), "{}", rule);
        }
    }

    #[test]
    fn values_are_in_a_total_order(a in value(), b in value(), c in value()) {
        prop_assert_eq!(compare(&a, &a), Ordering::Equal);
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
            prop_assert!(compare(&a, &c).is_le(), "transitive");
        }
    }
}
