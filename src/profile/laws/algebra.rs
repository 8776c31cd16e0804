//! The laws, as checks of any combination of states.

use proptest::{prelude::*, test_runner::TestCaseError};

use super::{
    made_up::{Case, Recorded, cases},
    naive::naive,
};
use crate::profile::{State, fold::fold};

/// A combination of two states of disjoint sets of interactions: the one on the right came later.
pub(super) type Combination = fn(State, State) -> State;

/// `⊕` itself.
pub(super) fn exact(mut mine: State, theirs: State) -> State {
    mine.merge(theirs).unwrap();
    mine
}

fn fold_by<'a>(facts: impl Iterator<Item = &'a Recorded>, combine: Combination) -> State {
    facts
        .map(|recorded| State::of(recorded.fact()))
        .fold(State::default(), combine)
}

/// Identity, commutativity, associativity, and `fold(A ⊎ B ⊎ C)` in any order as the sum of the folds of the parts.
pub(super) fn obeys_the_laws(case: &Case, combine: Combination) -> Result<(), TestCaseError> {
    let [a, b, c] = [0, 1, 2].map(|part| fold_by(case.part(part), combine));
    let sum = |x: &State, y: &State| combine(x.clone(), y.clone());
    let nothing = State::default();
    same("identity on the left", &sum(&nothing, &a), &a)?;
    same("identity on the right", &sum(&a, &nothing), &a)?;
    same("commutative", &sum(&a, &b), &sum(&b, &a))?;
    let all = sum(&sum(&a, &b), &c);
    same("associative", &all, &sum(&a, &sum(&b, &c)))?;
    let whole = fold_by(case.in_order(), combine);
    same("the fold of a union is the sum of the folds", &whole, &all)
}

/// The state is what its interactions say, computed without fold and merge.
pub(super) fn is_what_was_said(case: &Case, combine: Combination) -> Result<(), TestCaseError> {
    let whole = fold_by(case.in_order(), combine);
    let expected = naive(&case.interactions);
    prop_assert_eq!(
        whole.core().totals.as_ref(),
        expected.core().totals.as_ref()
    );
    prop_assert_eq!(&whole.core().traits, &expected.core().traits);
    prop_assert_eq!(&whole.core().consents, &expected.core().consents);
    prop_assert_eq!(&whole.core().surveys, &expected.core().surveys);
    prop_assert_eq!(&whole.core().feelings, &expected.core().feelings);
    prop_assert_eq!(&whole.core().last_feeling, &expected.core().last_feeling);
    prop_assert_eq!(&whole.core().signals, &expected.core().signals);
    prop_assert_eq!(&whole.core().survey_months, &expected.core().survey_months);
    prop_assert_eq!(&whole.core().offers, &expected.core().offers);
    prop_assert_eq!(
        &whole.core().pending_offers,
        &expected.core().pending_offers
    );
    prop_assert_eq!(&whole.core().pins, &expected.core().pins);
    prop_assert_eq!(&whole.core().complaints, &expected.core().complaints);
    prop_assert_eq!(&whole.core().contacts, &expected.core().contacts);
    prop_assert_eq!(&whole.core().touches, &expected.core().touches);
    prop_assert_eq!(&whole.core().counters, &expected.core().counters);
    same("everything else", &whole, &expected)
}

fn same(what: &str, one: &State, other: &State) -> Result<(), TestCaseError> {
    prop_assert!(one == other, "not equal: {what}");
    prop_assert_eq!(one.canonical(), other.canonical(), "bytes: {}", what);
    Ok(())
}

proptest! {
    #[test]
    fn states_add_up_whatever_the_order_and_the_grouping(case in cases(40, 3)) {
        obeys_the_laws(&case, exact)?;
    }

    #[test]
    fn a_fold_is_what_sorting_the_interactions_says(case in cases(40, 3)) {
        is_what_was_said(&case, exact)?;
        let folded = fold(case.in_order().map(Recorded::fact));
        prop_assert!(folded == naive(&case.interactions));
    }

    #[test]
    fn adding_one_by_one_is_folding(case in cases(30, 3)) {
        let mut state = State::default();
        for recorded in case.in_order() {
            state.add(recorded.fact()).unwrap();
        }
        prop_assert!(state == fold(case.interactions.iter().map(Recorded::fact)));
        prop_assert_eq!(state.interactions(), u64::try_from(case.interactions.len()).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn states_of_many_subjects_add_up_too(case in cases(120, 60)) {
        obeys_the_laws(&case, exact)?;
    }

    #[test]
    fn a_fold_of_many_subjects_is_what_sorting_the_interactions_says(case in cases(120, 60)) {
        is_what_was_said(&case, exact)?;
    }
}
