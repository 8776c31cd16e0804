use super::*;

const UNKNOWN: Known<1> = Known {
    expected: None,
    of: [true],
};

fn groups(values: &[f64]) -> Vec<Group<1>> {
    let group = |value: &f64| Group {
        parts: [Part {
            over: *value,
            under: 1.0,
        }],
        squares: 1.0,
    };
    values.iter().map(group).collect()
}

fn skewed(n: u32) -> Vec<f64> {
    (0..n)
        .map(|at| f64::from((at * at * 7 + at) % 101).powi(3) / 1e5)
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_interval_and_another_one_another() {
    let groups = groups(&skewed(90));
    let of = |seed| {
        let resampling = Resampling {
            seed,
            ..Resampling::default()
        };
        intervals(&groups, UNKNOWN, resampling).unwrap()[0]
    };
    assert_eq!(of(1), of(1));
    assert_ne!(of(1).interval, of(2).interval);
}

#[test]
fn value_and_standard_error_are_those_of_a_mean() {
    let values = skewed(90);
    let found = intervals(&groups(&values), UNKNOWN, Resampling::default()).unwrap()[0];
    let mean = values.iter().sum::<f64>() / 90.0;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    assert!((found.value - mean).abs() < 1e-12);
    assert!((found.standard_error - (squares / 89.0 / 90.0).sqrt()).abs() < 1e-12);
    assert!(found.interval.0 < mean && mean < found.interval.1);
    // Rewards are skewed to the right, and so is the studentized interval; more than the percentiles.
    let reach = |(low, high): (f64, f64)| (high - mean) / (mean - low);
    assert!(reach(found.interval) > reach(found.percentile));
}

#[test]
fn rows_of_one_profile_count_as_one() {
    let alone = intervals(&groups(&skewed(90)), UNKNOWN, Resampling::default()).unwrap()[0];
    let mut twice = groups(&skewed(90));
    for group in &mut twice {
        group.parts[0].over *= 2.0;
        group.parts[0].under *= 2.0;
    }
    let twice = intervals(&twice, UNKNOWN, Resampling::default()).unwrap()[0];
    assert!((alone.standard_error - twice.standard_error).abs() < 1e-12);
    assert!((alone.interval.0 - twice.interval.0).abs() < 1e-9);
}

#[test]
fn squares_that_are_known_to_be_larger_widen_and_those_as_found_change_nothing() {
    let groups = groups(&skewed(90));
    let of = |expected| {
        let known = Known {
            expected,
            of: [true],
        };
        intervals(&groups, known, Resampling::default()).unwrap()[0]
    };
    assert_eq!(of(Some(90.0)), of(None));
    assert!((of(Some(360.0)).standard_error / of(None).standard_error - 2.0).abs() < 1e-12);
}

#[test]
fn the_ends_leave_a_fortieth_on_each_side() {
    let mut values: Vec<f64> = (1..=399).rev().map(f64::from).collect();
    assert_eq!(tails(&mut values, 0.0), (10.0, 390.0));
    let mut values: Vec<f64> = (1..=1_999).map(f64::from).collect();
    assert_eq!(tails(&mut values, 0.0), (50.0, 1_950.0));
    assert_eq!(tails(&mut [], 3.0), (3.0, 3.0));
}

#[test]
fn one_group_or_nothing_below_the_line_says_nothing() {
    assert!(intervals(&groups(&[1.0]), UNKNOWN, Resampling::default()).is_none());
    let mut none = groups(&[1.0, 2.0]);
    for group in &mut none {
        group.parts[0].under = 0.0;
    }
    assert!(intervals(&none, UNKNOWN, Resampling::default()).is_none());
}
