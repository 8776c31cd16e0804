//! Pairwise precision and recall of records.
//!
//! A pair of records is *put together* when one cluster has both. What must stay true:
//!
//! - **Precision** is the share of the pairs put together that are of one person as lived, or at one anchor that several
//!   people use and that is nobody's. So whoever shows a stranger's record is charged, whether it could be known or not.
//! - **Recall** is the share of the pairs of one person that evidence connects that are put together.
//! - **As lived** both ask for the person alone: precision also charges what lies at a shared anchor, though it is shown in
//!   no profile, and recall asks for what no evidence connects.
//!
//! Pairs are counted by cells of (cluster, person), never one by one.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use crate::{read::Read, truth::Truth};

/// The cluster of each record that has one, by its place; records that were refused have none.
pub(crate) type Clusters = HashMap<usize, u64>;

/// Pairs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Score {
    pub(crate) records: u64,
    put_together: u64,
    right: u64,
    connected: u64,
    connected_together: u64,
    lived: u64,
    lived_together: u64,
}

impl Score {
    /// Of the pairs of which at least one record is touched.
    pub(crate) fn touching(
        self,
        clusters: &Clusters,
        truth: &Truth,
        touched: impl Fn(usize) -> bool,
    ) -> Self {
        let others = Self::of(clusters, truth, |n| !touched(n));
        Self {
            records: self.records - others.records,
            put_together: self.put_together - others.put_together,
            right: self.right - others.right,
            connected: self.connected - others.connected,
            connected_together: self.connected_together - others.connected_together,
            lived: self.lived - others.lived,
            lived_together: self.lived_together - others.lived_together,
        }
    }

    /// Of the pairs of records that `counts` admits.
    pub(crate) fn of(clusters: &Clusters, truth: &Truth, counts: impl Fn(usize) -> bool) -> Self {
        let cells = Cells::of(clusters, truth, counts);
        let connected_together = pairs(&cells.of_all);
        let lived_together = pairs(&cells.of_lived);
        Self {
            records: cells.of_cluster.values().sum(),
            put_together: pairs(&cells.of_cluster),
            right: lived_together + pairs(&cells.of_evident) - connected_together,
            connected: pairs(&cells.connected),
            connected_together,
            lived: pairs(&cells.lived),
            lived_together,
        }
    }

    pub(crate) fn precision(self) -> f64 {
        ratio(self.right, self.put_together)
    }

    pub(crate) fn recall(self) -> f64 {
        ratio(self.connected_together, self.connected)
    }

    pub(crate) fn lived_precision(self) -> f64 {
        ratio(self.lived_together, self.put_together)
    }

    pub(crate) fn lived_recall(self) -> f64 {
        ratio(self.lived_together, self.lived)
    }
}

fn pairs<K>(cells: &HashMap<K, u64>) -> u64 {
    cells.values().map(|n| n * n.saturating_sub(1) / 2).sum()
}

/// How many records there are of each cluster and person.
#[derive(Default)]
struct Cells {
    of_cluster: HashMap<u64, u64>,
    of_lived: HashMap<(u64, u64), u64>,
    of_evident: HashMap<(u64, u64), u64>,
    of_all: HashMap<(u64, u64, u64), u64>,
    lived: HashMap<u64, u64>,
    connected: HashMap<(u64, u64), u64>,
}

impl Cells {
    fn of(clusters: &Clusters, truth: &Truth, counts: impl Fn(usize) -> bool) -> Self {
        let mut cells = Self::default();
        for (n, cluster, lived, evident) in known(clusters, truth) {
            if counts(n) {
                *cells.of_cluster.entry(cluster).or_default() += 1;
                *cells.of_lived.entry((cluster, lived)).or_default() += 1;
                *cells.of_evident.entry((cluster, evident)).or_default() += 1;
                *cells.of_all.entry((cluster, lived, evident)).or_default() += 1;
                *cells.lived.entry(lived).or_default() += 1;
                *cells.connected.entry((lived, evident)).or_default() += 1;
            }
        }
        cells
    }
}

/// The records that are somebody's: which, cluster, person, and part of the person.
pub(crate) fn known(
    clusters: &Clusters,
    truth: &Truth,
) -> impl Iterator<Item = (usize, u64, u64, u64)> {
    let both = truth.lived.iter().zip(&truth.evident).enumerate();
    both.filter_map(|(n, (lived, evident))| Some((n, *clusters.get(&n)?, (*lived)?, (*evident)?)))
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
    pub(crate) fn of(clusters: &Clusters, truth: &Truth) -> Self {
        let somebodys: HashSet<u64> = known(clusters, truth).map(|(_, c, ..)| c).collect();
        let nobodys = truth.evident.iter().enumerate();
        let mut apart = Self::default();
        for (n, _) in nobodys.filter(|(_, part)| part.is_none()) {
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

/// How pairs go wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wrong {
    /// Put together wrongly.
    False,
    /// Not put together though evidence connects them.
    Missed,
}

/// What was done in the records that are the fewer in a wrong pair: the name, how many records, and their share of the
/// wrong pairs that such records are in. `whose` says more about a record's person.
pub(crate) fn blame(
    read: &Read<'_>,
    clusters: &Clusters,
    truth: &Truth,
    wrong: Wrong,
    whose: impl Fn(usize) -> &'static str,
) -> Vec<(String, u64, f64)> {
    let cells = Cells::of(clusters, truth, |_| true);
    let mut rows: HashMap<String, (u64, u64)> = HashMap::new();
    let mut total = 0;
    for (n, cluster, lived, evident) in known(clusters, truth) {
        let own = cells.of_all[&(cluster, lived, evident)];
        let (all, right) = match wrong {
            Wrong::False => {
                let other = cells.of_evident[&(cluster, evident)] - own;
                (
                    cells.of_cluster[&cluster],
                    cells.of_lived[&(cluster, lived)] + other,
                )
            }
            Wrong::Missed => (cells.connected[&(lived, evident)], own),
        };
        let partners = all - right;
        if partners > 0 && 2 * partners >= all {
            let kind = read.records[n].kind;
            let name = format!("{kind} [{}] {}", namespaces(read, n), whose(n));
            let row = rows.entry(name).or_default();
            row.0 += 1;
            row.1 += partners;
            total += partners;
        }
    }
    let rows = rows.into_iter();
    let mut rows: Vec<(String, u64, f64)> = rows
        .map(|(name, (records, partners))| (name, records, ratio(partners, total)))
        .collect();
    rows.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    rows
}

fn namespaces(read: &Read<'_>, n: usize) -> String {
    let places = read.rows[n].identifiers.iter();
    let names: Vec<&str> = places
        .map(|i| read.identifiers[*i].namespace.as_str())
        .collect();
    names.join(" ")
}

/// Groups records.
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
