//! What must hold for everything that is generated.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage};

use super::{block::Arrival, truth::Standing, *};
use crate::{
    grpc::validate::{self, Context},
    identity::{HashSecret, Region, Rules, normalise::normalise},
    ids::TenantId,
    proto::{DESCRIPTORS, v1::Interaction},
};

fn lines(arguments: &Arguments) -> Vec<String> {
    let mut lines = Vec::new();
    for block in arguments.blocks() {
        for arrival in &block.arrivals {
            let mut line = String::new();
            json::write(&mut line, &arrival.interaction);
            lines.push(line);
        }
        for truth in &block.truth {
            lines.push(serde_json::to_string(truth).unwrap());
        }
    }
    lines
}

fn arrivals(arguments: &Arguments) -> Vec<Arrival> {
    arguments
        .blocks()
        .flat_map(|block| block.arrivals)
        .collect()
}

/// The same body is a repeat; another one under the same id must not be.
fn ids_are_unique_but_for_repeats(arrivals: &[Arrival]) {
    let mut seen: BTreeMap<(&str, &str), (&Interaction, usize)> = BTreeMap::new();
    for arrival in arrivals {
        let interaction = &arrival.interaction;
        let name = (interaction.source.as_str(), interaction.event_id.as_str());
        let first = seen.entry(name).or_insert((interaction, 0));
        assert!(first.0 == interaction, "{name:?} has two contents");
        first.1 += usize::from(!arrival.repeat);
    }
    assert!(seen.values().all(|(_, originals)| *originals == 1));
}

fn every_interaction_is_sound(arguments: &Arguments, arrivals: &[Arrival]) {
    let tenant = TenantId::default_tenant();
    let secret = HashSecret::new(&[7; 32]).unwrap();
    let ctx = Context {
        tenant: &tenant,
        region: Region::JP,
        now: Micros(arguments.end()),
        secret: &secret,
        rules: &Rules::default(),
    };
    for arrival in arrivals {
        let interaction = arrival.interaction.clone();
        let name = interaction.event_id.clone();
        let prepared = validate::interaction(interaction, &ctx)
            .unwrap_or_else(|wrong| panic!("{name}: {wrong:?}"));
        let at = prepared.occurred_at.0;
        assert!((arguments.start()..arguments.end()).contains(&at), "{name}");
        assert!(arrival.at.0 > at, "{name} arrives before it happens");
        let text = arrival.interaction.text.as_deref();
        let language = arrival.interaction.language.as_deref();
        assert_eq!(text.is_some(), language.is_some(), "{name}");
        if let (Some(text), Some(language)) = (text, language) {
            assert!(!text.trim().is_empty(), "{name}");
            assert!(!text.contains(['{', '}']), "{text}");
            // Kana tell Japanese from English; only very short Japanese texts have none.
            let kana = |c: char| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{ff66}'..='\u{ff9f}');
            assert_eq!(text.contains(kana), language == "ja", "{text}");
        }
    }
}

fn every_identifier_is_in_the_truth(arguments: &Arguments) {
    let garbage = truth::garbage();
    for block in arguments.blocks() {
        let mut known: BTreeMap<(&str, &str), BTreeSet<u64>> = BTreeMap::new();
        let mut own: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        for person in &block.truth {
            for identifier in &person.identifiers {
                let pair = (identifier.namespace, identifier.value.as_str());
                known.entry(pair).or_default().insert(person.person);
                if identifier.standing == Standing::Shared {
                    assert!(!identifier.with.is_empty(), "{pair:?}");
                } else {
                    assert_eq!(own.insert(pair, person.person), None, "{pair:?}");
                }
                let same = normalise(pair.0, pair.1, Region::JP).unwrap();
                assert_eq!(same.value, pair.1, "the truth has what is compared");
            }
        }
        for (pair, people) in &known {
            assert!(people.len() == 1 || !own.contains_key(pair), "{pair:?}");
        }
        for arrival in &block.arrivals {
            for given in &arrival.interaction.identifiers {
                let nobody = garbage
                    .iter()
                    .any(|g| g.namespace == given.namespace && g.value == given.value);
                if nobody {
                    continue;
                }
                let form = normalise(&given.namespace, &given.value, Region::JP);
                let form = form.unwrap_or_else(|_| panic!("{} {}", given.namespace, given.value));
                let people = known.get(&(form.namespace.as_str(), form.value.as_str()));
                let people = people.unwrap_or_else(|| panic!("{} {}", form.namespace, form.value));
                assert!(people.contains(&arrival.person));
            }
        }
    }
}

#[test]
fn the_same_arguments_give_the_same_lines_and_another_seed_gives_others() {
    let one = lines(&Arguments::new(300, 1));
    assert_eq!(one, lines(&Arguments::new(300, 1)));
    let other: BTreeSet<String> = lines(&Arguments::new(300, 2)).into_iter().collect();
    assert!(one.iter().all(|line| !other.contains(line)));
}

/// A change of these bytes is a change of the format: raise [`FORMAT`] and write the new hash down.
#[test]
fn the_bytes_are_those_of_this_format() {
    let mut hash = blake3::Hasher::new();
    for line in lines(&Arguments::new(100, 1)) {
        hash.update(line.as_bytes());
    }
    let hash = hash.finalize().to_hex();
    assert_eq!((FORMAT, &hash[..16]), (1, "cb270616d21c90b3"));
}

#[test]
fn a_customer_is_the_same_however_many_there_are() {
    let few = Arguments::new(500, 3).blocks().next().unwrap();
    let many = Arguments::new(100_000, 3).blocks().next().unwrap();
    assert_eq!(few.truth, many.truth);
}

#[test]
fn the_average_is_exact_and_few_customers_have_many() {
    let arguments = Arguments::new(2_000, 1);
    let mut counts = Vec::new();
    let (mut lines, mut repeats) = (0_u64, 0_u64);
    for block in arguments.blocks() {
        counts.extend(block.truth.iter().map(|person| person.interactions));
        lines += u64::try_from(block.arrivals.len()).unwrap();
        let again = block.arrivals.iter().filter(|arrival| arrival.repeat);
        repeats += u64::try_from(again.count()).unwrap();
    }
    assert_eq!(counts.iter().sum::<u64>(), 40_000);
    assert_eq!(lines - repeats, 40_000);
    assert!((40_000..=40_400).contains(&lines), "{lines}");
    assert!(repeats > 100, "{repeats}");
    counts.sort_unstable();
    let best: u64 = counts.iter().rev().take(200).sum();
    assert!(best > 14_000, "the best tenth has {best}");
    assert!(counts[0] >= 3);
}

#[test]
fn six_of_ten_customers_are_japanese_and_all_departments_report() {
    let arguments = Arguments::new(5_000, 1);
    let blocks: Vec<_> = arguments.blocks().collect();
    let people = blocks.iter().flat_map(|block| &block.truth);
    let japanese = people.filter(|person| person.locale == "ja-JP").count();
    assert!((2_850..3_150).contains(&japanese), "{japanese}");
    let all = blocks.iter().flat_map(|block| &block.arrivals);
    let departments: BTreeSet<&str> = all.map(|a| a.interaction.department.as_str()).collect();
    let wanted = [
        "billing",
        "logistics",
        "marketing",
        "product",
        "sales",
        "store",
        "support",
        "web",
    ];
    assert_eq!(departments.into_iter().collect::<Vec<_>>(), wanted);
}

#[test]
fn a_block_is_small_however_many_customers_there_are() {
    for (customers, each) in [(MOST, 20), (MOST, MOST_EACH), (MOST, 5)] {
        let arguments = Arguments {
            per_customer: each,
            ..Arguments::new(customers, 1)
        };
        let block = arguments.block(arguments.block_count() - 1);
        assert!(block.truth.len() <= 500);
        assert!(block.arrivals.len() < 11_000, "{}", block.arrivals.len());
        ids_are_unique_but_for_repeats(&block.arrivals);
    }
}

#[test]
fn a_line_is_what_the_protocol_reads() {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let interaction = pool
        .get_message_by_name("customer_profile.v1.Interaction")
        .unwrap();
    let strict = DeserializeOptions::new().deny_unknown_fields(true);
    for arrival in arrivals(&Arguments::new(100, 5)) {
        let mut line = String::new();
        json::write(&mut line, &arrival.interaction);
        let mut read = serde_json::Deserializer::from_str(&line);
        let message =
            DynamicMessage::deserialize_with_options(interaction.clone(), &mut read, &strict)
                .unwrap_or_else(|error| panic!("{error}: {line}"));
        let back: Interaction = message.transcode_to().unwrap();
        assert!(back == arrival.interaction, "{line}");
    }
}

#[test]
fn names_tell_the_parts_of_an_address_apart() {
    let names = include_str!("data/names.txt").lines();
    let latin: Vec<&str> = names
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit('|').next())
        .collect();
    let distinct: BTreeSet<&&str> = latin.iter().collect();
    assert_eq!(latin.len(), distinct.len());
}

#[test]
fn there_is_somebody_to_show() {
    for seed in 1..4 {
        let arguments = Arguments::new(2_000, seed);
        let shown = showcase::showcase(&arguments).unwrap();
        assert_eq!(showcase::showcase(&arguments), Some(shown));
    }
}

#[test]
fn blocks_far_from_the_first_are_as_sound() {
    let arguments = Arguments::new(MOST, 9);
    let block = arguments.block(1_999);
    every_interaction_is_sound(&arguments, &block.arrivals);
    ids_are_unique_but_for_repeats(&block.arrivals);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 4, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_arguments_everything_is_sound(
        seed in any::<u64>(),
        customers in 100_u64..260,
        per_customer in 5_u64..40,
        days in 60_u64..1_500,
    ) {
        let base = Arguments::new(customers, seed);
        let from = base.to - chrono::Days::new(days);
        let arguments = Arguments { per_customer, from, ..base };
        prop_assert_eq!(arguments.mistake(), None);
        let arrivals = arrivals(&arguments);
        let first = arrivals.iter().filter(|arrival| !arrival.repeat).count();
        prop_assert_eq!(u64::try_from(first).unwrap(), arguments.interactions());
        every_interaction_is_sound(&arguments, &arrivals);
        ids_are_unique_but_for_repeats(&arrivals);
        every_identifier_is_in_the_truth(&arguments);
    }
}
