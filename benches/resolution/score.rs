//! Pairwise precision and recall of records.
//!
//! A pair of records is *put together* when one cluster has both, and *belongs together* when they are of one person.
//! Precision is the share of pairs put together that belong together; recall the share of pairs that belong together that
//! are put together. Pairs are counted by cells of (cluster, person), never one by one.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use crate::read::Read;

/// The cluster of each record that has one, by its place; records that were refused have none.
pub(crate) type Clusters = HashMap<usize, u64>;

/// Pairs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Score {
    pub(crate) records: u64,
    both: u64,
    put_together: u64,
    belong_together: u64,
}

impl Score {
    /// Of the records that `counts` admits.
    pub(crate) fn of(
        clusters: &Clusters,
        truth: &[Option<u64>],
        counts: impl Fn(usize) -> bool,
    ) -> Self {
        let cells = Cells::of(clusters, truth, counts);
        let pairs =
            |sizes: &mut dyn Iterator<Item = u64>| sizes.map(|n| n * n.saturating_sub(1) / 2).sum();
        Self {
            records: cells.both.values().sum(),
            both: pairs(&mut cells.both.values().copied()),
            put_together: pairs(&mut cells.of_cluster.values().copied()),
            belong_together: pairs(&mut cells.of_person.values().copied()),
        }
    }

    pub(crate) fn precision(self) -> f64 {
        ratio(self.both, self.put_together)
    }

    pub(crate) fn recall(self) -> f64 {
        ratio(self.both, self.belong_together)
    }
}

/// How many records are in each cluster, of each person, and both.
struct Cells {
    both: HashMap<(u64, u64), u64>,
    of_cluster: HashMap<u64, u64>,
    of_person: HashMap<u64, u64>,
}

impl Cells {
    fn of(clusters: &Clusters, truth: &[Option<u64>], counts: impl Fn(usize) -> bool) -> Self {
        let mut cells = Self {
            both: HashMap::new(),
            of_cluster: HashMap::new(),
            of_person: HashMap::new(),
        };
        for (n, person) in truth.iter().enumerate() {
            let (Some(person), Some(cluster)) = (person, clusters.get(&n)) else {
                continue;
            };
            if counts(n) {
                *cells.both.entry((*cluster, *person)).or_default() += 1;
                *cells.of_cluster.entry(*cluster).or_default() += 1;
                *cells.of_person.entry(*person).or_default() += 1;
            }
        }
        cells
    }
}

/// Records known only by hubs or blocked values.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Apart {
    pub(crate) records: usize,
    /// Those without a usable identifier.
    pub(crate) refused: usize,
    /// Those that share a cluster with a record that is somebody's.
    pub(crate) not_alone: usize,
}

impl Apart {
    pub(crate) fn of(clusters: &Clusters, truth: &[Option<u64>]) -> Self {
        let somebodys: HashSet<u64> = truth
            .iter()
            .enumerate()
            .filter_map(|(n, person)| person.and(clusters.get(&n)).copied())
            .collect();
        let mut apart = Self::default();
        for (n, _) in truth.iter().enumerate().filter(|(_, p)| p.is_none()) {
            apart.records += 1;
            match clusters.get(&n) {
                None => apart.refused += 1,
                Some(cluster) if somebodys.contains(cluster) => apart.not_alone += 1,
                Some(_) => (),
            }
        }
        apart
    }
}

/// Where pairs go wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wrong {
    /// Put together and do not belong together.
    False,
    /// Belong together and are not put together.
    Missed,
}

/// What was done in the records of wrong pairs, with the traps in them: records, and their share of the wrong pairs. A
/// pair counts half for each of its records.
pub(crate) fn blame(
    read: &Read<'_>,
    clusters: &Clusters,
    truth: &[Option<u64>],
    wrong: Wrong,
) -> Vec<(String, u64, f64)> {
    let cells = Cells::of(clusters, truth, |_| true);
    let mut rows: HashMap<String, (u64, u64)> = HashMap::new();
    let mut total = 0;
    for (n, person) in truth.iter().enumerate() {
        let (Some(person), Some(cluster)) = (person, clusters.get(&n)) else {
            continue;
        };
        let all = match wrong {
            Wrong::False => cells.of_cluster[cluster],
            Wrong::Missed => cells.of_person[person],
        };
        let partners = all - cells.both[&(*cluster, *person)];
        // The few among many, not the many they are with.
        if partners > 0 && 2 * partners >= all {
            let record = &read.records[n];
            let name = format!("{} [{}]", record.kind, namespaces(read, n));
            let row = rows.entry(name).or_default();
            row.0 += 1;
            row.1 += partners;
            total += partners;
        }
    }
    let mut rows: Vec<(String, u64, f64)> = rows
        .into_iter()
        .map(|(name, (records, partners))| (name, records, ratio(partners, total)))
        .collect();
    rows.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    rows
}

fn namespaces(read: &Read<'_>, n: usize) -> String {
    let names = read.rows[n].identifiers.iter();
    let names: Vec<&str> = names
        .map(|i| read.identifiers[*i].namespace.as_str())
        .collect();
    names.join(" ")
}

/// Groups records by a number.
pub(crate) fn grouped<K: Hash + Eq>(
    of: impl Iterator<Item = (K, usize)>,
) -> HashMap<K, Vec<usize>> {
    let mut groups: HashMap<K, Vec<usize>> = HashMap::new();
    for (key, n) in of {
        groups.entry(key).or_default().push(n);
    }
    groups
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a ratio of pairs is read to four places"
)]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}
