//! The population of the benchmark `suggestions`, smaller, recorded and then asked for through the call.

#![expect(
    clippy::print_stdout,
    reason = "what is found is a measurement, which is to be read"
)]

#[path = "../../../benches/suggestions/names.rs"]
mod names;
#[path = "../../../benches/suggestions/people.rs"]
mod people;
#[path = "../../../benches/suggestions/random.rs"]
mod random;
#[path = "../../../benches/suggestions/records.rs"]
mod records;
#[path = "../../../benches/suggestions/tally.rs"]
mod tally;

use std::collections::{BTreeMap, HashMap, HashSet};

use customer_profile::{
    identity::suggest::{DEFAULT_THRESHOLD, Score, compare},
    proto::v1::{Interaction, SuggestMergesRequest},
};

use super::ask;
use crate::harness::{Service, make};
use random::Random;
use records::Record;

/// Two records by number, the lower first, and how alike they are.
type Scored = ((usize, usize), Score);

fn ratio(part: usize, whole: usize) -> f64 {
    let number = |n: usize| f64::from(u32::try_from(n).unwrap());
    number(part) / number(whole.max(1))
}

/// What is recorded of each, under identifiers that nobody else has.
fn interactions(records: &[Record]) -> Vec<Interaction> {
    let mut taken = HashSet::new();
    let of = |(number, record): (usize, &Record)| {
        let traits = record.facts.traits.iter();
        let traits: Vec<_> = traits
            .map(|(name, value)| (*name, make::text(value)))
            .collect();
        let cookie = format!("cookie=r{number}");
        let mut said = make::stating(&number.to_string(), 0, &cookie, &traits);
        for (namespace, value) in &record.facts.identifiers {
            if taken.insert((*namespace, value.clone())) {
                let identifier = make::identifier(&format!("{namespace}={value}"));
                said.identifiers.push(identifier);
            }
        }
        said
    };
    records.iter().enumerate().map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_population_is_found_by_the_call_as_by_comparing_it() {
    let mut random = Random::new(2);
    let people = people::people(&mut random, 1_500);
    let records = records::records(&mut random, &people);
    let service = Service::start().await;
    let results = service.record_all(interactions(&records)).await;
    let number: HashMap<String, usize> = results
        .into_iter()
        .enumerate()
        .map(|(n, result)| (result.profile_id, n))
        .collect();
    assert_eq!(number.len(), records.len());
    let mut request = SuggestMergesRequest {
        threshold: Some(1),
        page_size: 100,
        ..SuggestMergesRequest::default()
    };
    let mut found: BTreeMap<(usize, usize), u16> = BTreeMap::new();
    loop {
        let page = ask(&service, request.clone()).await;
        for pair in page.suggestions {
            let [a, b] = [pair.first, pair.second].map(|p| number[&p.unwrap().profile_id]);
            let score = u16::try_from(pair.score).unwrap();
            let before = found.insert((a.min(b), a.max(b)), score);
            assert_eq!(before, None, "a pair is given once");
        }
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let scored: Vec<Scored> = found
        .iter()
        .map(|(ends, probability)| {
            let score = Score {
                probability: *probability,
                reasons: Vec::new(),
            };
            (*ends, score)
        })
        .collect();
    println!("through the call, {} records:", records.len());
    tally::print(&people, &records, &scored);

    let likenesses: Vec<_> = records.iter().map(Record::likeness).collect();
    let (mut right, mut proposed, mut missed) = (0, 0, 0);
    for a in 0..records.len() {
        for b in a + 1..records.len() {
            let is_one = records[a].person == records[b].person;
            let given = (found.get(&(a, b))).is_some_and(|p| *p >= DEFAULT_THRESHOLD);
            proposed += usize::from(given);
            right += usize::from(given && is_one);
            if is_one && !given {
                let score = compare(&likenesses[a], &likenesses[b]).probability;
                missed += usize::from(score >= DEFAULT_THRESHOLD);
            }
        }
    }
    println!("{missed} more look alike when everybody is compared with everybody");
    assert!(ratio(right, proposed) >= 0.9, "{right} of {proposed}");
    let all = records.iter().filter(|r| !r.changes.is_empty()).count();
    assert!(ratio(right, all) >= 0.6, "{right} of {all}");
    assert!(missed * 20 <= all, "{missed} of {all}");
    service.assert_agrees().await;
    service.stop().await;
}
