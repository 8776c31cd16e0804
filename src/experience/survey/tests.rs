use proptest::prelude::*;

use super::*;

fn answer(customer: u128, response: u128, at: i64, value: i32) -> Answer {
    Answer {
        at,
        response,
        customer,
        value,
    }
}

#[test]
fn numbers_and_ranges_are_those_of_the_api() {
    let ranges = [(0, 10), (1, 5), (1, 7), (1, 10), (1, 7), (1, 5), (1, 5)];
    for (number, (scale, range)) in (1..).zip(Scale::ALL.into_iter().zip(ranges)) {
        assert_eq!(Scale::from_number(number), Some(scale));
        assert_eq!(scale.bounds(), range);
    }
    for number in [i32::MIN, -1, 0, 8, i32::MAX] {
        assert_eq!(Scale::from_number(number), None);
    }
}

#[test]
fn answers_outside_the_scale_are_refused() {
    for value in [i32::MIN, -1, 11, i32::MAX] {
        let refused = Refused::Range {
            scale: Scale::Nps,
            value,
        };
        assert_eq!(Scale::Nps.place(value), Err(refused));
        let answers = [answer(1, 1, 0, value)];
        assert_eq!(count(Scale::Nps, &answers, Repeats::All), Err(refused));
    }
    assert_eq!(Scale::Nps.place(0), Ok(0));
    assert_eq!(Scale::Nps.place(10), Ok(10));
    assert!(Scale::Csat5.place(0).is_err());
    assert_eq!(Scale::Csat5.place(5), Ok(4));
}

#[test]
fn histograms_of_another_length_are_refused() {
    let refused = Refused::Length {
        expected: 11,
        got: 10,
    };
    assert_eq!(Scale::Nps.answers(&[0; 10]), Err(refused));
    assert!(plus(Scale::Nps, &[0; 11], &[0; 5]).is_err());
    assert_eq!(
        Scale::Csat5.answers(&[u64::MAX, 1, 0, 0, 0]),
        Err(Refused::Overflow)
    );
}

#[test]
fn one_response_counts_once_however_often_it_arrives() {
    let answers = [answer(1, 7, 5, 9), answer(1, 7, 5, 9), answer(1, 7, 5, 9)];
    let counted = count(Scale::Nps, &answers, Repeats::All).unwrap();
    assert_eq!(counted.counts.iter().sum::<u64>(), 1);
    assert_eq!(counted.counts[9], 1);
}

#[test]
fn a_customer_asked_twice_counts_with_the_latest_answer_or_with_all() {
    // The later answer has the lower id.
    let answers = [answer(1, 2, 10, 2), answer(1, 1, 20, 9), answer(2, 3, 5, 7)];
    let latest = count(Scale::Nps, &answers, Repeats::default()).unwrap();
    assert_eq!(latest.counts, [0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0]);
    assert!((latest.design_effect - 1.0).abs() < 1e-15);
    let all = count(Scale::Nps, &answers, Repeats::All).unwrap();
    assert_eq!(all.counts, [0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0]);
    assert!((all.design_effect - 5.0 / 3.0).abs() < 1e-15);
}

#[test]
fn a_merged_profile_counts_once_and_twice_again_when_it_is_taken_apart() {
    let apart = [answer(1, 1, 10, 3), answer(2, 2, 20, 10)];
    let merged = apart.map(|given| Answer {
        customer: 1,
        ..given
    });
    let of = |answers: &[Answer]| {
        count(Scale::Nps, answers, Repeats::Latest)
            .unwrap()
            .counts
            .iter()
            .sum::<u64>()
    };
    assert_eq!(of(&merged), 1);
    assert_eq!(of(&apart), 2);
}

#[test]
fn a_mean_without_answers_is_none_and_a_single_answer_has_no_interval() {
    let none = mean(Scale::Stars5, &[0; 5], &Reporting::own(), 1).unwrap();
    assert_eq!((none.value, none.n), (None, 0));
    let one = mean(Scale::Stars5, &[0, 0, 0, 1, 0], &Reporting::own(), 1).unwrap();
    assert_eq!((one.value, one.interval), (Some(4.0), None));
}

fn given() -> impl Strategy<Value = Vec<Answer>> {
    let one = (0_u128..6, 0_u128..12, 0_i64..4, 0_i32..=10);
    let answers =
        one.prop_map(|(customer, response, at, value)| answer(customer, response, at, value));
    proptest::collection::vec(answers, 0..30)
}

proptest! {
    #[test]
    fn order_and_repetition_do_not_matter(answers in given(), seed in any::<prop::sample::Index>()) {
        for repeats in [Repeats::Latest, Repeats::All] {
            let counted = count(Scale::Nps, &answers, repeats).unwrap();
            let mut other: Vec<_> = answers.iter().rev().chain(&answers).copied().collect();
            let at = seed.index(other.len() + 1);
            other.rotate_left(at);
            prop_assert_eq!(count(Scale::Nps, &other, repeats).unwrap(), counted);
        }
    }

    #[test]
    fn the_merge_of_histograms_is_their_sum(one in given(), other in given()) {
        let apart = |answers: &[Answer], shift: u128| -> Vec<Answer> {
            let moved = |given: &Answer| Answer { customer: given.customer + shift, response: given.response + shift, ..*given };
            answers.iter().map(moved).collect()
        };
        let (one, other) = (apart(&one, 0), apart(&other, 100));
        let all: Vec<_> = one.iter().chain(&other).copied().collect();
        let of = |answers: &[Answer]| count(Scale::Nps, answers, Repeats::Latest).unwrap().counts;
        prop_assert_eq!(plus(Scale::Nps, &of(&one), &of(&other)).unwrap(), of(&all));
    }

    #[test]
    fn a_mean_lies_in_its_interval_and_both_on_the_scale(counts in proptest::collection::vec(0_u64..50, 7)) {
        let found = mean(Scale::Ces7, &counts, &Reporting::own(), 1).unwrap();
        if let (Some(value), Some((low, high))) = (found.value, found.interval) {
            prop_assert!(1.0 <= low && low <= value && value <= high && high <= 7.0);
        }
    }
}
