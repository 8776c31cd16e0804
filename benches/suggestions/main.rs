//! Fuzzy suggestions on a generated population: how many proposals are right, and how many of the right ones are made.
//!
//! Everybody has a record; one in ten has a second one under other identifiers, with one or two changes: a slip in the
//! name, kana or Latin letters for kanji, other width and shapes of kanji, a new address, a slip in the phone number, no
//! birth date, a birth date with day and month swapped or another digit, and rarely another family name. Fields are
//! missing besides, so that about one second record in eight shares no key with the first. Traps are twins, fathers and sons of one
//! name, families, and strangers with frequent names. Candidates are found by blocking keys only.
//!
//! The weights and the threshold were looked at with seed 1; figures are of seed 2, which is the default. Every figure is
//! a line `figure NAME VALUE UNIT`. Run it with `cargo bench --bench suggestions`; `-- --people 5000 --seed 3` changes
//! what is generated.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints and stops when something is wrong"
)]

#[path = "../machine/mod.rs"]
mod machine;
mod names;
mod people;
mod random;
mod records;
mod tally;

use std::{
    collections::{BTreeSet, HashMap},
    time::Instant,
};

use customer_profile::identity::suggest::{
    BLOCK_LIMIT, DEFAULT_THRESHOLD, Likeness, Score, blocking_keys, compare,
};

use random::Random;
use records::Record;

/// Two records by number, the lower first, and how alike they are.
pub(crate) type Scored = ((usize, usize), Score);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, default: usize| {
        let at = arguments.iter().position(|a| a == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok())
            .unwrap_or(default)
    };
    let (count, seed) = (number("--people", 20_000), number("--seed", 2));
    println!("machine: {}, one of them used", machine::machine());
    let mut random = Random::new(u64::try_from(seed).unwrap());
    let people = people::people(&mut random, count);
    let records = records::records(&mut random, &people);
    let seconds = records.iter().filter(|r| !r.changes.is_empty()).count();
    println!(
        "population: seed {seed}, {count} people, {} records, {} of them a second with changes, threshold {:.3}",
        records.len(),
        seconds,
        f64::from(DEFAULT_THRESHOLD) / 1_000.0
    );
    let likenesses: Vec<Likeness> = records.iter().map(Record::likeness).collect();
    let pairs = candidates(&likenesses);
    let started = Instant::now();
    let scored: Vec<Scored> = pairs
        .iter()
        .map(|&(a, b)| ((a, b), compare(&likenesses[a], &likenesses[b])))
        .collect();
    let each = started.elapsed().as_secs_f64() * 1e6 / ratio(scored.len(), 1);
    println!("figure suggest_compare_time {each:.2} us");
    tally::print(&people, &records, &scored);
}

/// Pairs that share a key under which there are not too many.
fn candidates(likenesses: &[Likeness]) -> BTreeSet<(usize, usize)> {
    let started = Instant::now();
    let keys: Vec<BTreeSet<String>> = likenesses.iter().map(blocking_keys).collect();
    let each = started.elapsed().as_secs_f64() * 1e6 / ratio(likenesses.len(), 1);
    println!("figure suggest_keys_time {each:.2} us");
    let total: usize = keys.iter().map(BTreeSet::len).sum();
    println!(
        "figure suggest_keys_mean {:.1} keys",
        ratio(total, likenesses.len())
    );
    let most = keys.iter().map(BTreeSet::len).max().unwrap();
    println!("figure suggest_keys_max {most} keys");
    let mut blocks: HashMap<&str, Vec<usize>> = HashMap::new();
    for (record, keys) in keys.iter().enumerate() {
        for key in keys {
            blocks.entry(key).or_default().push(record);
        }
    }
    let over = blocks.values().filter(|b| b.len() > BLOCK_LIMIT).count();
    let largest = blocks.values().map(Vec::len).max().unwrap();
    println!(
        "blocks: {}, the largest of {largest}, {over} passed over",
        blocks.len()
    );
    let mut pairs = BTreeSet::new();
    let mut of: HashMap<usize, BTreeSet<usize>> = HashMap::new();
    for block in blocks.into_values().filter(|b| b.len() <= BLOCK_LIMIT) {
        for (at, &a) in block.iter().enumerate() {
            for &b in &block[at + 1..] {
                pairs.insert((a, b));
                of.entry(a).or_default().insert(b);
                of.entry(b).or_default().insert(a);
            }
        }
    }
    let most = of.values().map(BTreeSet::len).max().unwrap_or(0);
    println!(
        "figure suggest_candidates_mean {:.2} profiles",
        ratio(2 * pairs.len(), likenesses.len())
    );
    println!("figure suggest_candidates_max {most} profiles");
    pairs
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of records are far below 2^52"
)]
pub(crate) fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}
