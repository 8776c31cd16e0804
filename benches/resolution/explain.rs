//! Examples of what goes wrong, to read.

use std::collections::HashMap;

use crate::{
    population::{Population, Trap},
    read::Read,
    score::{Clusters, Wrong, blame, grouped, known},
    truth::Truth,
};

/// Clusters of more records than this are too long to read.
const READABLE: usize = 24;

/// Prints what was done in the records of wrong pairs, and for each trap some clusters with two people in them and some
/// people in two clusters.
pub(crate) fn explain(
    population: &Population,
    read: &Read<'_>,
    clusters: &Clusters,
    truth: &Truth,
    examples: usize,
) {
    let whose = |n: usize| match population.people[read.records[n].person].account {
        Some(_) => "by somebody with an account",
        None => "by somebody without",
    };
    for wrong in [Wrong::False, Wrong::Missed] {
        println!("\n{wrong:?} pairs: the records in them that are the fewer");
        for (name, records, share) in blame(read, clusters, truth, wrong, whose).iter().take(14) {
            println!("  {:>6.2} % {records:>8} {name}", share * 100.0);
        }
    }
    let by_cluster = grouped(known(clusters, truth).map(|(n, cluster, ..)| (cluster, n)));
    let by_part = grouped(known(clusters, truth).map(|(n, _, _, part)| (part, n)));
    let cluster = |n: usize| clusters.get(&n).copied();
    let person = |n: usize| truth.lived[n];
    for trap in Trap::ALL {
        let touched = |ns: &[usize]| {
            ns.iter()
                .any(|n| population.touched[read.records[*n].person].has(trap))
        };
        println!("\n== {}: people put together wrongly", trap.name());
        for records in mixed(&by_cluster, &touched, person, examples) {
            print_records(read, records, |n| truth.evident[n]);
        }
        println!("\n== {}: people torn apart", trap.name());
        for records in mixed(&by_part, &touched, cluster, examples) {
            print_records(read, records, cluster);
        }
    }
}

/// Groups that differ in something, in an order without a pattern.
fn mixed<'g>(
    groups: &'g HashMap<u64, Vec<usize>>,
    touched: &dyn Fn(&[usize]) -> bool,
    differs: impl Fn(usize) -> Option<u64>,
    examples: usize,
) -> Vec<&'g [usize]> {
    let mut found: Vec<(u64, &[usize])> = groups
        .iter()
        .filter(|(_, ns)| ns.len() <= READABLE && touched(ns))
        .filter(|(_, ns)| ns.iter().any(|n| differs(*n) != differs(ns[0])))
        .map(|(group, ns)| (group.wrapping_mul(0x9e37_79b9_7f4a_7c15), ns.as_slice()))
        .collect();
    found.sort_unstable();
    found.into_iter().take(examples).map(|(_, ns)| ns).collect()
}

fn print_records(read: &Read<'_>, records: &[usize], differs: impl Fn(usize) -> Option<u64>) {
    println!("  --");
    for n in records {
        let record = &read.records[*n];
        let names: Vec<String> = read.rows[*n]
            .identifiers
            .iter()
            .map(|i| &read.identifiers[*i])
            .map(|i| format!("{}={}", i.namespace, i.value))
            .collect();
        println!(
            "  {} {:<8} {:<22} person {:<6} {:>8} | {} {}",
            &record.occurred_at.to_string()[..10],
            record.source,
            record.kind,
            record.person,
            differs(*n).map_or("-".to_owned(), |d| d.to_string()),
            names.join(" "),
            record.traps.names().join(" ")
        );
    }
}
