//! Counts what was proposed: right and wrong, by threshold, by change and by trap.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use customer_profile::identity::suggest::DEFAULT_THRESHOLD;

use super::{
    Scored,
    people::Person,
    ratio,
    records::{CHANGES, Record},
};

pub(crate) fn print(people: &[Person], records: &[Record], scored: &[Scored]) {
    let truth: BTreeSet<(usize, usize)> = (1..records.len())
        .filter(|at| records[at - 1].person == records[*at].person)
        .map(|at| (at - 1, at))
        .collect();
    let found = scored
        .iter()
        .filter(|(pair, _)| truth.contains(pair))
        .count();
    println!(
        "figure suggest_blocking_recall {:.4} ratio",
        ratio(found, truth.len())
    );
    println!("\nthreshold  proposed  precision  recall");
    for threshold in [500, 700, 800, 850, 900, 950, 990] {
        let (proposed, right) = proposals(scored, &truth, threshold);
        println!(
            "    0.{threshold}  {proposed:8}     {:.4}  {:.4}",
            ratio(right, proposed),
            ratio(right, truth.len())
        );
    }
    by_change(records, scored, &truth);
    by_trap(people, records, scored, &truth);
    let (proposed, right) = proposals(scored, &truth, DEFAULT_THRESHOLD);
    println!(
        "\nfigure suggest_precision {:.4} ratio",
        ratio(right, proposed)
    );
    println!(
        "figure suggest_recall {:.4} ratio",
        ratio(right, truth.len())
    );
}

fn proposals(
    scored: &[Scored],
    truth: &BTreeSet<(usize, usize)>,
    threshold: u16,
) -> (usize, usize) {
    let proposed = scored
        .iter()
        .filter(|(_, score)| score.probability >= threshold);
    proposed.fold((0, 0), |(all, right), (pair, _)| {
        (all + 1, right + usize::from(truth.contains(pair)))
    })
}

fn by_change(records: &[Record], scored: &[Scored], truth: &BTreeSet<(usize, usize)>) {
    let candidates: HashMap<(usize, usize), u16> = scored
        .iter()
        .map(|(pair, score)| (*pair, score.probability))
        .collect();
    println!("\nchange           pairs  candidates  recall  (alone: pairs  recall)");
    for change in CHANGES {
        let of = |alone: bool| -> Vec<&(usize, usize)> {
            truth
                .iter()
                .filter(|pair| records[pair.1].changes.contains(&change))
                .filter(|pair| !alone || records[pair.1].changes.len() == 1)
                .collect()
        };
        let proposed = |pairs: &[&(usize, usize)]| {
            let found = pairs.iter().filter(|pair| {
                candidates
                    .get(pair)
                    .is_some_and(|p| *p >= DEFAULT_THRESHOLD)
            });
            ratio(found.count(), pairs.len())
        };
        let (all, alone) = (of(false), of(true));
        let found = all
            .iter()
            .filter(|pair| candidates.contains_key(pair))
            .count();
        println!(
            "{:15} {:6}  {:10.4}  {:.4}  {:13}  {:.4}",
            format!("{change:?}"),
            all.len(),
            ratio(found, all.len()),
            proposed(&all),
            alone.len(),
            proposed(&alone)
        );
    }
}

/// What two different people are to each other.
fn trap(a: &Person, b: &Person) -> &'static str {
    let named = (&a.family, &a.given) == (&b.family, &b.given);
    match (a.household == b.household, a.birth == b.birth) {
        (true, true) => "twins",
        (true, false) if named => "father and son",
        (true, false) => "family",
        (false, _) if named => "namesakes",
        (false, _) => "strangers",
    }
}

fn by_trap(
    people: &[Person],
    records: &[Record],
    scored: &[Scored],
    truth: &BTreeSet<(usize, usize)>,
) {
    let mut traps: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let mut groups: BTreeMap<(usize, &str, &str, &str, &str), Vec<&Person>> = BTreeMap::new();
    for person in people {
        let (family, given) = (&person.family, &person.given);
        let name = (
            0,
            family.kanji.as_str(),
            family.latin.as_str(),
            given.kanji.as_str(),
            given.latin.as_str(),
        );
        groups.entry(name).or_default().push(person);
        groups
            .entry((1 + person.household, "", "", "", ""))
            .or_default()
            .push(person);
    }
    for ((kind, ..), group) in &groups {
        for (at, a) in group.iter().enumerate() {
            for b in &group[at + 1..] {
                let trap = trap(a, b);
                if *kind > 0 || trap == "namesakes" {
                    traps.entry(trap).or_default()[0] += 1;
                }
            }
        }
    }
    for (pair, score) in scored.iter().filter(|(pair, _)| !truth.contains(pair)) {
        let of = |record: usize| &people[records[record].person];
        let counts = traps.entry(trap(of(pair.0), of(pair.1))).or_default();
        counts[1] += 1;
        counts[2] += usize::from(score.probability >= DEFAULT_THRESHOLD);
    }
    println!("\ntrap             pairs of people  pairs of records compared  proposed");
    for (trap, [pairs, compared, proposed]) in traps {
        println!("{trap:15}  {pairs:15}  {compared:25}  {proposed:8}");
    }
}
