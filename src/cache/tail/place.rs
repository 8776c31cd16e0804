//! How far the outbox was read: page by page, so that a look that is cut off does not begin where it began. Pure.
//!
//! What must stay true: every change of a transaction before [`Place::position`] that was committed when the last page was read has
//! been read, but for those of [`Place::running`], which the next look reads by name.

use std::collections::BTreeSet;

/// Where the next look begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub position: i64,
    /// Transactions before the position that ran when they would have been read.
    pub running: Vec<i64>,
}

/// What ran when a page was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Then {
    /// The oldest transaction that ran.
    pub oldest: i64,
    /// None from this one on had begun.
    pub next: i64,
    /// Those that ran.
    pub running: Vec<i64>,
}

/// A look that is under way.
#[derive(Debug)]
pub(super) struct Look {
    /// The next page begins here.
    pub from: i64,
    /// Transactions before it that are read too.
    pub before: Vec<i64>,
    /// Changes in a page.
    pub limit: i64,
    first: Option<Then>,
}

impl Look {
    pub(super) fn at(place: &Place, limit: i64) -> Self {
        Self {
            from: place.position,
            before: place.running.clone(),
            limit,
            first: None,
        }
    }

    /// Of nothing but what database it is.
    pub(super) fn nowhere() -> Self {
        let nowhere = Place {
            position: i64::MAX,
            running: Vec::new(),
        };
        Self::at(&nowhere, 1)
    }

    /// A page was read, with changes at these positions. Moves the place on, and answers with the oldest transaction that ran when
    /// the look began, once it is complete.
    pub(super) fn read(
        &mut self,
        place: &mut Place,
        then: Then,
        positions: impl Iterator<Item = i64>,
    ) -> Option<i64> {
        let later = positions.filter(|position| *position >= self.from);
        let (rows, last) = later.fold((0, self.from), |(rows, last), at| (rows + 1, last.max(at)));
        let mut running: BTreeSet<i64> = then.running.iter().copied().collect();
        let first = match &self.first {
            // What those before had committed is in this page; those that ran still are among those that run.
            None => self.first.insert(then),
            Some(first) => {
                running.extend(&place.running);
                first
            }
        };
        if rows < self.limit {
            // What began later is read again: that is simple, and seldom much.
            *place = Place {
                position: first.next,
                running: first.running.clone(),
            };
            return Some(first.oldest);
        }
        *place = Place {
            position: last,
            running: running.into_iter().take_while(|id| *id < last).collect(),
        };
        self.before.clear();
        if last == self.from {
            // One transaction alone fills it.
            self.limit = self.limit.saturating_mul(4);
        }
        self.from = last;
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Transactions with how many changes each makes: those that run, and those that were committed.
    #[derive(Default)]
    struct Database {
        next: i64,
        running: BTreeSet<i64>,
        changes: Vec<(i64, usize)>,
    }

    impl Database {
        fn then(&self) -> Then {
            Then {
                oldest: self.running.first().copied().unwrap_or(self.next),
                next: self.next,
                running: self.running.iter().copied().collect(),
            }
        }

        fn begin(&mut self) {
            self.running.insert(self.next);
            self.next += 1;
        }

        fn commit(&mut self, which: usize, changes: usize) {
            let running: Vec<i64> = self.running.iter().copied().collect();
            if let Some(id) = running.get(which % running.len().max(1)) {
                self.running.remove(id);
                self.changes.extend((0..changes).map(|n| (*id, n)));
            }
        }

        fn page(&self, look: &Look) -> Vec<(i64, usize)> {
            let mut later: Vec<(i64, usize)> = self.changes.clone();
            later.retain(|(at, _)| *at >= look.from);
            later.sort_unstable();
            later.truncate(usize::try_from(look.limit).unwrap());
            let named = self.changes.iter();
            later.extend(named.filter(|(at, _)| look.before.contains(at)));
            later
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Begin,
        Commit(usize, usize),
        /// A page is read of the look that is under way.
        Page,
        /// The look that is under way is cut off.
        Cut,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => Just(Step::Begin),
            3 => (any::<usize>(), 0..6_usize).prop_map(|(which, changes)| Step::Commit(which, changes)),
            4 => Just(Step::Page),
            1 => Just(Step::Cut),
        ];
        prop::collection::vec(step, 1..200)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn a_look_that_is_complete_has_seen_all_that_was_committed_when_it_began(steps in steps()) {
            let mut database = Database { next: 10, ..Database::default() };
            let mut place = Place { position: 10, running: Vec::new() };
            let mut seen: BTreeSet<(i64, usize)> = BTreeSet::new();
            let mut look: Option<(Look, Vec<(i64, usize)>)> = None;
            for step in steps {
                match step {
                    Step::Begin => database.begin(),
                    Step::Commit(which, changes) => database.commit(which, changes),
                    Step::Cut => look = None,
                    Step::Page => {
                        let (now, committed) = look.get_or_insert_with(|| {
                            (Look::at(&place, 3), database.changes.clone())
                        });
                        let page = database.page(now);
                        seen.extend(&page);
                        let positions = page.iter().map(|(at, _)| *at);
                        let oldest = now.read(&mut place, database.then(), positions);
                        if let Some(oldest) = oldest {
                            for change in &*committed {
                                prop_assert!(seen.contains(change), "{change:?} of {seen:?}");
                            }
                            prop_assert!(oldest <= database.then().oldest);
                            look = None;
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn looks_that_are_all_cut_off_after_a_page_come_to_the_end() {
        let mut database = Database {
            next: 1,
            ..Database::default()
        };
        for _ in 0..100 {
            database.begin();
            database.commit(0, 2);
        }
        let mut place = Place::default();
        let mut pages = 0;
        loop {
            let mut look = Look::at(&place, 5);
            let page = database.page(&look);
            let positions = page.iter().map(|(at, _)| *at);
            pages += 1;
            if look.read(&mut place, database.then(), positions).is_some() {
                break;
            }
        }
        assert_eq!(place.position, database.next);
        assert!(pages <= 100, "{pages}");
    }
}
