//! Which rows are done, in which order they became so being nobody's concern. Pure.
//!
//! What must stay true: the mark is the row up to which every row is done; the counts and the rejects handed out cover
//! exactly the rows up to the mark. So whatever is written down with the mark is a beginning of the file, and an import
//! that goes on after it counts and reports every row once.

use std::collections::{BTreeMap, VecDeque};

use super::super::summary::{Counts, Fate};

/// A row for the rejects file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reject {
    pub(crate) line: u64,
    pub(crate) event_id: String,
    pub(crate) reasons: Vec<String>,
}

/// What became of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) number: u64,
    pub(crate) fate: Fate,
    pub(crate) reject: Option<Box<Reject>>,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    mark: u64,
    counts: Counts,
    /// The rows after the mark.
    ahead: VecDeque<Option<Fate>>,
    rejects: BTreeMap<u64, Box<Reject>>,
}

impl Ledger {
    pub(crate) fn resume(mark: u64, counts: Counts) -> Self {
        Self {
            mark,
            counts,
            ..Self::default()
        }
    }

    pub(crate) fn mark(&self) -> u64 {
        self.mark
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Notes a row; hands out the rejects that the mark has passed, in the order of the file.
    pub(crate) fn note(&mut self, done: Done) -> Vec<(Fate, Box<Reject>)> {
        let Some(place) = done.number.checked_sub(self.mark + 1) else {
            return Vec::new();
        };
        let place = usize::try_from(place).unwrap_or(usize::MAX);
        if self.ahead.len() <= place {
            self.ahead.resize(place + 1, None);
        }
        self.ahead[place] = Some(done.fate);
        if let Some(reject) = done.reject {
            self.rejects.insert(done.number, reject);
        }
        let mut passed = Vec::new();
        while let Some(Some(fate)) = self.ahead.front().copied() {
            self.ahead.pop_front();
            self.mark += 1;
            self.counts.add(fate);
            let reject = self.rejects.remove(&self.mark);
            passed.extend(reject.map(|reject| (fate, reject)));
        }
        passed
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn done(number: u64, fate: Fate) -> Done {
        let reject = Reject {
            line: number + 1,
            event_id: String::new(),
            reasons: Vec::new(),
        };
        let rejected = matches!(fate, Fate::Conflict | Fate::Rejected);
        Done {
            number,
            fate,
            reject: rejected.then(|| Box::new(reject)),
        }
    }

    #[test]
    fn the_mark_waits_for_the_oldest_row() {
        let mut ledger = Ledger::resume(10, Counts::default());
        assert!(ledger.note(done(13, Fate::Rejected)).is_empty());
        assert!(ledger.note(done(12, Fate::Duplicate)).is_empty());
        assert_eq!(ledger.mark(), 10);
        let passed = ledger.note(done(11, Fate::Conflict));
        assert_eq!(ledger.mark(), 13);
        let lines: Vec<_> = passed.iter().map(|(_, reject)| reject.line).collect();
        assert_eq!(lines, [12, 14]);
        assert_eq!(ledger.counts().rows(), 3);
    }

    proptest! {
        #[test]
        fn any_order_gives_the_same_counts_and_rejects(
            fates in prop::collection::vec(prop::sample::select(vec![Fate::Recorded, Fate::Unsure, Fate::Rejected]), 1..60),
            seed in any::<u64>(),
        ) {
            let rows: Vec<Done> = (1..).zip(&fates).map(|(n, fate)| done(n, *fate)).collect();
            let mut shuffled = rows.clone();
            shuffled.sort_by_key(|row| (row.number ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let run = |rows: Vec<Done>| {
                let mut ledger = Ledger::default();
                let passed: Vec<_> = rows.into_iter().flat_map(|row| ledger.note(row)).collect();
                (ledger.mark(), ledger.counts(), passed)
            };
            let (mark, counts, passed) = run(shuffled);
            prop_assert_eq!(mark, counts.rows());
            prop_assert_eq!((mark, counts, passed), run(rows));
        }
    }
}
