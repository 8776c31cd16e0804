//! Lists that are sorted by a key and hold each key once.

use std::{cmp::Ordering, mem};

/// Merges `theirs` into `mine`; entries of one key are combined.
///
/// Both must be sorted by `compare` without repeats, and the result is so again. A few entries are put in place one by
/// one, which is the common case of folding one interaction into a large state; many are merged in one pass.
pub(super) fn merge<T>(
    mine: &mut Vec<T>,
    theirs: Vec<T>,
    compare: impl Fn(&T, &T) -> Ordering,
    mut combine: impl FnMut(&mut T, T),
) {
    const FEW: usize = 8;
    if mine.is_empty() {
        *mine = theirs;
        return;
    }
    if theirs.len() <= FEW {
        for entry in theirs {
            match mine.binary_search_by(|probe| compare(probe, &entry)) {
                Ok(at) => combine(&mut mine[at], entry),
                Err(at) => mine.insert(at, entry),
            }
        }
        return;
    }
    let mut left = mem::take(mine).into_iter().peekable();
    let mut right = theirs.into_iter().peekable();
    mine.reserve(left.len() + right.len());
    loop {
        let order = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) => compare(a, b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return,
        };
        match order {
            Ordering::Less => mine.extend(left.next()),
            Ordering::Greater => mine.extend(right.next()),
            Ordering::Equal => {
                if let (Some(mut entry), Some(other)) = (left.next(), right.next()) {
                    combine(&mut entry, other);
                    mine.push(entry);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn merging_lists_equals_merging_maps(
            a in prop::collection::btree_map(0u8..40, 0u32..9, 0..30),
            b in prop::collection::btree_map(0u8..40, 0u32..9, 0..30),
        ) {
            let mut expected: BTreeMap<u8, u32> = a.clone();
            for (&key, &value) in &b {
                *expected.entry(key).or_default() += value;
            }
            let mut merged: Vec<(u8, u32)> = a.into_iter().collect();
            merge(&mut merged, b.into_iter().collect(), |x, y| x.0.cmp(&y.0), |x, y| x.1 += y.1);
            prop_assert_eq!(merged, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
