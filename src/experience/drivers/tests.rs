use proptest::prelude::*;

use super::*;

type Line = (Vec<Option<i32>>, i32);

fn moments(rows: &[Line]) -> Moments {
    let mut moments = Moments::new(rows[0].0.len()).unwrap();
    for (topics, outcome) in rows {
        moments.add(topics, *outcome).unwrap();
    }
    moments
}

/// Whole numbers that look like chance.
fn noise(i: usize, salt: usize) -> i32 {
    let mixed = (i * 7_919 + salt * 104_729) ^ (((i + salt) * 15_485_863) >> 3);
    i32::try_from(mixed % 21).unwrap() - 10
}

/// Rows of as many topics, whose outcome is mostly the first, some of the second and nothing of the others.
fn rows(topics: usize, count: usize) -> Vec<Line> {
    (0..count)
        .map(|i| {
            let values: Vec<i32> = (0..topics).map(|topic| noise(i, topic)).collect();
            let outcome = 3 * values[0] + values[1] + noise(i, 99);
            (values.into_iter().map(Some).collect(), outcome)
        })
        .collect()
}

#[test]
fn the_topic_that_makes_the_outcome_comes_first_and_importances_add_up_to_1() {
    for (topics, method) in [
        (4, Method::Shapley),
        (12, Method::Shapley),
        (13, Method::RelativeWeights),
    ] {
        let found = drivers(&moments(&rows(topics, 400)), 10).unwrap();
        assert_eq!(found.method, method);
        assert_eq!((found.drivers[0].topic, found.drivers[1].topic), (0, 1));
        let sum: f64 = found.drivers.iter().map(|driver| driver.importance).sum();
        assert!((sum - 1.0).abs() < 1e-12);
        assert!(found.drivers.iter().all(|driver| driver.importance >= 0.0));
        assert!(found.r_squared > 0.8 && found.r_squared <= 1.0);
        assert!(found.adjusted_r_squared < found.r_squared && found.adjusted_r_squared > 0.8);
        assert_eq!((found.n, found.unseen_pairs), (400, 0));
    }
}

#[test]
fn a_driver_has_a_sign_and_says_how_sure_its_figures_are() {
    let mut turned = rows(2, 200);
    for (topics, _) in &mut turned {
        topics[0] = topics[0].map(i32::wrapping_neg);
    }
    let found = drivers(&moments(&turned), 10).unwrap();
    let (worse, better) = (found.drivers[0], found.drivers[1]);
    assert!(worse.correlation < -0.8 && better.correlation > 0.0);
    for driver in [worse, better] {
        let (low, high) = driver.correlation_within.unwrap();
        assert!(-1.0 < low && low < driver.correlation && driver.correlation < high && high < 1.0);
        let (low, high) = driver.performance_within.unwrap();
        assert!(low < driver.performance && driver.performance < high);
    }
    // By hand: tanh(atanh(0.5) -+ 1.96 / sqrt 100), and a mean of 0 with a variance of 4/3.
    let (low, high) = fisher(0.5, 103).unwrap();
    assert!(
        (low - 0.339_308).abs() < 1e-5 && (high - 0.632_338).abs() < 1e-5,
        "{low} {high}"
    );
    assert_eq!((fisher(0.5, 3), fisher(1.0, 10)), (None, Some((1.0, 1.0))));
    let lines: Vec<Line> = [-1, -1, 1, 1]
        .map(|value| (vec![Some(value)], value))
        .to_vec();
    let error = moments(&lines).pair(0, 1).error_of_first().unwrap();
    assert!((error - (4.0 / 3.0_f64).sqrt() / 2.0).abs() < 1e-12);
}

#[test]
fn fewer_than_ten_rows_a_topic_are_refused() {
    let refused = drivers(&moments(&rows(4, 39)), 10);
    assert_eq!(refused, Err(Refused::TooFew { n: 39, needed: 40 }));
    let found = drivers(&moments(&rows(4, 40)), 10).unwrap();
    let adjusted = 1.0 - (1.0 - found.r_squared) * 39.0 / 35.0;
    assert!((found.adjusted_r_squared - adjusted).abs() < 1e-12);
}

#[test]
fn topics_that_explain_less_than_5_percent_are_refused() {
    let mut unrelated = rows(3, 600);
    for (i, (_, outcome)) in unrelated.iter_mut().enumerate() {
        *outcome = noise(i, 1_234);
    }
    let refused = drivers(&moments(&unrelated), 10).unwrap_err();
    assert!(
        matches!(refused, Refused::Weak { r_squared } if r_squared < 0.05),
        "{refused}"
    );
}

#[test]
fn a_topic_not_mentioned_is_missing_and_not_zero() {
    // Mentioned in every second row, and there the outcome is exactly the topic.
    let half: Vec<Line> = (0..200)
        .map(|i| {
            let second = Some(noise(i, 7));
            if i % 2 == 0 {
                let value = noise(i, 3) + 50;
                (vec![Some(value), second], value)
            } else {
                (vec![None, second], noise(i, 5))
            }
        })
        .collect();
    let found = drivers(&moments(&half), 10).unwrap();
    let first = found.drivers[0];
    assert_eq!((first.topic, first.n), (0, 100));
    assert!((first.correlation - 1.0).abs() < 1e-12);
    // Neither is its mean drawn to zero by rows that do not mention it.
    assert!(first.performance > 40.0);
    assert!(found.effective_n < 200.0);
}

#[test]
fn rare_and_constant_topics_are_named_and_take_no_part() {
    let mut some = rows(4, 100);
    for (i, (topics, _)) in some.iter_mut().enumerate() {
        topics[2] = Some(5);
        topics[3] = topics[3].filter(|_| i < 9);
    }
    let found = drivers(&moments(&some), 10).unwrap();
    assert_eq!(
        found.omitted,
        [(2, Omission::Constant), (3, Omission::TooFew)]
    );
    assert_eq!(found.drivers.len(), 2);
}

#[test]
fn without_rows_or_with_a_constant_outcome_there_are_no_topics() {
    assert_eq!(
        drivers(&Moments::new(3).unwrap(), 10),
        Err(Refused::NoTopics)
    );
    let mut same = rows(3, 100);
    for (_, outcome) in &mut same {
        *outcome = 4;
    }
    assert_eq!(drivers(&moments(&same), 10), Err(Refused::NoTopics));
}

#[test]
fn correlations_that_contradict_each_other_are_shrunk_and_explain_at_most_everything() {
    // Two topics never seen together, each equal to the outcome: taken as uncorrelated, they would explain 200%.
    let apart: Vec<Line> = (0..100)
        .map(|i| {
            let value = noise(i, 1);
            if i % 2 == 0 {
                (vec![Some(value), None], value)
            } else {
                (vec![None, Some(value)], value)
            }
        })
        .collect();
    let found = drivers(&moments(&apart), 10).unwrap();
    assert_eq!(found.unseen_pairs, 1);
    assert!(found.shrunk > 0.2 && found.r_squared <= 1.0);
    assert!((found.drivers[0].importance - 0.5).abs() < 1e-6);
}

#[test]
fn two_topics_that_say_the_same_share_alike() {
    let mut twins = rows(3, 200);
    for (topics, _) in &mut twins {
        topics[1] = topics[0];
    }
    let found = drivers(&moments(&twins), 10).unwrap();
    let of = |topic| {
        found
            .drivers
            .iter()
            .find(|driver| driver.topic == topic)
            .unwrap()
            .importance
    };
    assert!((of(0) - of(1)).abs() < 1e-3 && of(0) > 0.4);
}

#[test]
fn what_matters_and_does_badly_is_to_be_improved() {
    let mut low = rows(2, 200);
    for (topics, _) in &mut low {
        topics[0] = topics[0].map(|value| value - 30);
    }
    let found = drivers(&moments(&low), 10).unwrap();
    assert_eq!(found.drivers[0].quadrant, Quadrant::Improve);
    assert_eq!(found.drivers[1].quadrant, Quadrant::Enough);
}

#[test]
fn rows_that_do_not_fit_are_refused_and_change_nothing() {
    let mut moments = Moments::new(2).unwrap();
    assert!(moments.add(&[Some(1)], 1).is_err());
    assert_eq!(
        moments.add(&[Some(1), Some(LARGEST + 1)], 1),
        Err(Misfit::Value(LARGEST + 1))
    );
    assert_eq!(
        moments.add(&[Some(1), None], i32::MIN),
        Err(Misfit::Value(i32::MIN))
    );
    assert!(moments.add(&[None, None], 1).is_ok());
    assert_eq!(moments, Moments::new(2).unwrap());
    assert!(
        moments
            .clone()
            .add(&[Some(LARGEST), None], -LARGEST)
            .is_ok()
    );
    assert!(Moments::new(TOPICS + 1).is_err());
    assert!(moments.merge(&Moments::new(3).unwrap()).is_err());
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let value = proptest::option::of(-LARGEST..=LARGEST);
    let row = (proptest::collection::vec(value, 3), -LARGEST..=LARGEST);
    proptest::collection::vec(row, 1..30)
}

proptest! {
    #[test]
    fn sums_are_exact_in_any_order_and_what_is_added_can_be_taken_away(one in lines(), other in lines()) {
        let mut merged = moments(&one);
        merged.merge(&moments(&other)).unwrap();
        let all: Vec<_> = other.iter().rev().chain(&one).cloned().collect();
        prop_assert_eq!(&merged, &moments(&all));
        let (rows, pairs) = merged.sums();
        prop_assert_eq!(Moments::from_sums(3, rows, &pairs), Ok(merged.clone()));
        prop_assert!(Moments::from_sums(2, rows, &pairs).is_err());
        let mut back = merged.clone();
        back.subtract(&moments(&other)).unwrap();
        prop_assert_eq!(&back, &moments(&one));
        for (topics, outcome) in &other {
            merged.remove(topics, *outcome).unwrap();
        }
        prop_assert_eq!(merged, moments(&one));
    }
}
