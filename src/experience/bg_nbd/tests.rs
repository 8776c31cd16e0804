use proptest::prelude::*;

use super::*;
use crate::experience::measure::Reporting;

fn history(repeats: u32, last: u32, age: u32) -> History {
    History::new(repeats, last, age).unwrap()
}

fn parameters(r: f64, alpha: f64, a: f64, b: f64) -> Parameters {
    Parameters::new(r, alpha, a, b).unwrap()
}

/// The published parameters of the sample of music buyers.
fn published() -> Parameters {
    parameters(0.243, 4.414, 0.793, 2.426)
}

fn close(found: f64, wanted: f64, tolerance: f64) {
    let off = (found / wanted - 1.0).abs();
    assert!(off < tolerance, "{found} for {wanted}");
}

/// Parameters, history, weeks; P(alive) and expected orders by the textbook's formula in 40 digits.
type Reference = ([f64; 4], (u32, u32, u32), f64, f64, f64);
const REFERENCES: [Reference; 14] = [
    // z above a half, by Euler.
    (
        [0.243, 4.414, 0.793, 2.426],
        (0, 0, 272),
        39.0,
        1.0,
        0.195_109_664_993_088_5,
    ),
    (
        [0.243, 4.414, 0.793, 2.426],
        (2, 213, 272),
        39.0,
        0.726_589_721_835_494_9,
        1.226_115_806_149_321_8,
    ),
    (
        [0.243, 4.414, 0.793, 2.426],
        (7, 250, 272),
        39.0,
        0.860_217_716_272_379_6,
        4.473_266_345_053_378,
    ),
    // Far ahead.
    (
        [0.243, 4.414, 0.793, 2.426],
        (26, 260, 272),
        520.0,
        0.922_912_378_761_693_9,
        85.217_532_509_516_57,
    ),
    // One day after the only repeat order; z below a half.
    (
        [0.243, 4.414, 0.793, 2.426],
        (1, 1, 2),
        1.0,
        0.746_457_317_249_881_5,
        0.189_207_175_870_680_5,
    ),
    // Many orders.
    (
        [0.243, 4.414, 0.793, 2.426],
        (300, 690, 700),
        300.0,
        0.858_663_260_254_628_5,
        403.906_203_869_621_97,
    ),
    // So many that (1-z)^-R is beyond the largest number.
    (
        [0.243, 4.414, 0.793, 2.426],
        (1_200, 1_290, 1_300),
        180.0,
        0.150_696_457_285_949_56,
        129.237_255_045_379_2,
    ),
    (
        [20.0, 1.0, 0.05, 12.0],
        (150, 700, 702),
        104.0,
        0.999_498_251_823_507,
        170.924_026_511_419_07,
    ),
    (
        [0.243, 4.414, 1.5, 2.426],
        (4, 213, 272),
        52.0,
        0.590_614_940_061_305_1,
        1.936_889_938_717_027_3,
    ),
    (
        [0.7, 5.0, 4.0, 1.5],
        (2, 50, 60),
        1_000.0,
        0.316_411_435_700_462_8,
        0.685_350_085_416_805_4,
    ),
    // c below and near 0.
    (
        [0.5, 10.0, 0.3, 0.4],
        (0, 0, 70),
        20.0,
        1.0,
        0.398_922_882_521_640_65,
    ),
    (
        [0.5, 10.0, 0.3, 0.700_000_1],
        (0, 0, 70),
        20.0,
        1.0,
        0.424_680_709_041_224_35,
    ),
    // Where the Euler transform would cancel.
    (
        [55.0, 60.0, 0.8, 2.5],
        (3, 30, 70),
        80.0,
        0.038_719_163_719_195_225,
        0.721_717_695_416_643_2,
    ),
    (
        [55.0, 60.0, 0.8, 0.3],
        (3, 30, 70),
        80.0,
        0.020_171_631_035_591_015,
        0.283_054_862_747_109_06,
    ),
];

#[test]
fn p_alive_and_expected_orders_agree_with_figures_computed_in_40_digits() {
    for ([r, alpha, a, b], (repeats, last, age), weeks, p, orders) in REFERENCES {
        let (parameters, history) = (parameters(r, alpha, a, b), history(repeats, last, age));
        if repeats > 0 {
            close(parameters.p_alive(history).unwrap(), p, 1e-13);
        }
        close(
            parameters.expected_orders(history, weeks).unwrap(),
            orders,
            1e-11,
        );
    }
}

#[test]
fn without_a_repeat_order_being_alive_is_unknown_and_not_certain() {
    assert_eq!(published().p_alive(history(0, 0, 0)), None);
    assert_eq!(published().p_alive(history(0, 0, 5_000)), None);
    assert!(published().p_alive(history(1, 1, 5_000)).is_some());
}

#[test]
fn at_a_equal_to_1_expected_orders_are_the_limit() {
    for (h, weeks, orders) in [
        (history(2, 213, 272), 39.0, 1.102_216_332_509_126),
        (history(2, 100, 100), 39.0, 2.384_834_966_941_111),
    ] {
        let at = |a| {
            parameters(0.243, 4.414, a, 2.426)
                .expected_orders(h, weeks)
                .unwrap()
        };
        close(at(1.0), orders, 1e-13);
        for step in [1e-12, 1e-9, 1e-6] {
            close(at(1.0 - step), orders, 3.0 * step + 1e-12);
            close(at(1.0 + step), orders, 3.0 * step + 1e-12);
        }
        // Where one form takes over from the other.
        for seam in [0.99, 1.01] {
            close(at(seam - 1e-13), at(seam + 1e-13), 1e-11);
        }
    }
}

#[test]
fn expected_orders_have_no_seam_where_z_is_a_half() {
    for h in [history(0, 0, 70), history(3, 50, 70), history(40, 69, 70)] {
        let half = published().alpha() + 10.0;
        let at = |weeks| published().expected_orders(h, weeks).unwrap();
        close(at(half - 1e-12), at(half + 1e-12), 1e-12);
    }
}

#[test]
fn no_weeks_make_no_orders_and_impossible_weeks_no_value() {
    let h = history(2, 100, 272);
    assert_eq!(published().expected_orders(h, 0.0), Some(0.0));
    for weeks in [-1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(published().expected_orders(h, weeks), None);
    }
}

#[test]
fn orders_of_one_day_are_one_and_later_days_are_not_seen() {
    let h = History::of(&[14, 0, 0, 14, 7, 100], 50).unwrap();
    assert_eq!((h.repeats(), h.last(), h.age()), (2, 14, 50));
    assert_eq!(History::of(&[5, 5, 5], 12), Some(history(0, 0, 7)));
    assert_eq!(History::of(&[], 12), None);
    assert_eq!(History::of(&[13], 12), None);
    assert_eq!(History::of(&[i64::MIN, i64::MAX], i64::MAX), None);
}

#[test]
fn histories_that_nobody_can_have_are_refused() {
    assert!(History::new(1, 8, 7).is_err());
    assert!(History::new(8, 7, 9).is_err());
    assert!(History::new(0, 1, 9).is_err());
    for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(Parameters::new(wrong, 1.0, 1.0, wrong), None);
    }
}

/// A population drawn without a generator: every rate and leaving by fixed fractions.
fn population() -> Sample {
    let mut sample = Sample::default();
    for i in 0..400_u32 {
        let gap = 5 + (i * 37) % 90;
        let orders = (i * 13) % 7;
        let repeats = orders.min(250 / gap);
        sample.add(
            history(repeats, repeats * gap, 250 + i % 30),
            1 + u64::from(i % 3),
        );
    }
    sample
}

#[test]
fn a_fit_is_the_top_of_the_likelihood_and_the_same_every_time() {
    let sample = population();
    let found = fit(&sample).unwrap();
    assert_eq!(fit(&sample), Ok(found));
    let Parameters { r, alpha, a, b } = found.parameters;
    for other in [
        parameters(r * 1.01, alpha, a, b),
        parameters(r, alpha * 0.99, a, b),
        parameters(r, alpha, a * 1.01, b),
        parameters(r, alpha, a, b * 0.99),
        parameters(r * 1.001, alpha * 1.001, a * 1.001, b * 1.001),
    ] {
        assert!(sample.log_likelihood(&other) < found.log_likelihood);
    }
}

#[test]
fn where_nobody_leaves_everybody_is_alive_and_orders_as_before() {
    let mut loyal = Sample::default();
    for i in 1..40 {
        loyal.add(history(i % 20 + 1, 200 + i, 200 + i), 15);
    }
    let found = fit(&loyal).unwrap().parameters;
    let customer = history(10, 215, 215);
    assert!(found.p_alive(customer).unwrap() > 0.999);
    let orders = found.expected_orders(customer, 10.0).unwrap();
    let rate = (found.r() + 10.0) / (found.alpha() + 215.0 / 7.0);
    close(orders, 10.0 * rate, 1e-3);
}

#[test]
fn samples_that_say_nothing_are_refused() {
    let mut sample = Sample::default();
    assert_eq!(fit(&sample), Err(Unfit::TooFew { n: 0, fewest: 40 }));
    sample.add(history(0, 0, 100), 500);
    assert_eq!(fit(&sample), Err(Unfit::NoRepeats));
    let mut few = Sample::default();
    few.add(history(3, 50, 100), 39);
    assert_eq!(fit(&few), Err(Unfit::TooFew { n: 39, fewest: 40 }));
    // All left after their first repeat order: the probability of leaving runs to 1.
    let mut fled = Sample::default();
    for i in 1..30 {
        fled.add(history(1, 1, 200 + i), 20);
    }
    assert_eq!(fit(&fled), Err(Unfit::NoMaximum));
    // All alike: no spread of rates, so the shape runs away.
    few.add(history(3, 50, 100), 1_000);
    assert_eq!(fit(&few), Err(Unfit::NoMaximum));
}

#[test]
fn a_population_has_the_means_of_its_customers_and_unknown_ones_are_not_in_n() {
    let mut sample = Sample::default();
    sample.add(history(0, 0, 272), 30);
    sample.add(history(2, 213, 272), 10);
    sample.add(history(7, 250, 272), 20);
    let alive = published().mean_p_alive(&sample, &Reporting::default());
    assert_eq!(alive.n, 30);
    close(
        alive.value.unwrap(),
        (0.726_589_721_835_494_9 + 2.0 * 0.860_217_716_272_379_6) / 3.0,
        1e-13,
    );
    let orders = published().mean_expected_orders(&sample, 39.0, &Reporting::own());
    assert_eq!(orders.n, 60);
    close(
        orders.value.unwrap(),
        (3.0 * 0.195_109_664_993_088_5 + 1.226_115_806_149_321_7 + 2.0 * 4.473_266_345_053_378)
            / 6.0,
        1e-11,
    );
    let nobody = published().mean_p_alive(&Sample::default(), &Reporting::own());
    assert_eq!((nobody.value, nobody.n), (None, 0));
    let nine = published().mean_p_alive(
        &std::iter::repeat_n(history(1, 9, 90), 9).collect(),
        &Reporting::default(),
    );
    assert_eq!((nine.value, nine.n), (None, 9));
}

#[test]
fn a_table_has_every_customer_in_one_row() {
    let of = |repeats, later| holdout::Customer {
        history: history(repeats, repeats * 9, 272),
        later,
    };
    let customers = [of(0, 1), of(0, 0), of(1, 2), of(3, 3), of(9, 4)];
    let rows = holdout::table(&published(), &customers, 39.0, 3).unwrap();
    let found: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.repeats,
                row.customers,
                row.actual,
                row.p_alive.is_some(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (0, 2, 1, false),
            (1, 1, 2, true),
            (2, 0, 0, false),
            (3, 2, 7, true)
        ]
    );
    assert_eq!(holdout::table(&published(), &customers, -1.0, 3), None);
}

fn histories() -> impl Strategy<Value = History> {
    (0_u32..60, 0_u32..400, 0_u32..400).prop_map(|(repeats, last, idle)| {
        let last = if repeats == 0 { 0 } else { last.max(repeats) };
        history(repeats, last, last + idle)
    })
}

fn models() -> impl Strategy<Value = Parameters> {
    let log = || (-4.0..4.0_f64).prop_map(f64::exp);
    (log(), log(), log(), log()).prop_map(|(r, alpha, a, b)| parameters(r, alpha, a, b))
}

proptest! {
    #[test]
    fn p_alive_is_a_probability_and_falls_with_every_idle_day(model in models(), h in histories(), more in 1_u32..500) {
        let later = history(h.repeats(), h.last(), h.age() + more);
        if let (Some(now), Some(then)) = (model.p_alive(h), model.p_alive(later)) {
            prop_assert!((0.0..=1.0).contains(&now) && (0.0..=1.0).contains(&then));
            prop_assert!(then < now || now == 0.0);
        } else {
            prop_assert_eq!(h.repeats(), 0);
        }
    }

    #[test]
    fn expected_orders_grow_with_the_weeks_and_stay_below_those_of_one_who_never_leaves(
        model in models(), h in histories(), weeks in 0.1_f64..200.0, more in 0.1_f64..200.0,
    ) {
        let near = model.expected_orders(h, weeks).unwrap();
        let far = model.expected_orders(h, weeks + more).unwrap();
        prop_assert!(0.0 < near || model.p_alive(h) < Some(1e-300));
        prop_assert!(near <= far * (1.0 + 1e-12), "{near} {far}");
        let never = (model.r() + f64::from(h.repeats())) * weeks / (model.alpha() + f64::from(h.age()) / 7.0);
        prop_assert!(near <= never * (1.0 + 1e-9), "{near} {never}");
    }

    #[test]
    fn expected_orders_have_no_seam_anywhere(model in models(), h in histories(), weeks in 0.1_f64..200.0) {
        let (here, there) = (model.expected_orders(h, weeks).unwrap(), model.expected_orders(h, weeks * (1.0 + 1e-10)).unwrap());
        prop_assert!((here - there).abs() <= 1e-8 * there + 1e-300, "{here} {there}");
    }

    #[test]
    fn a_sample_is_the_sum_of_its_customers_in_any_order(
        one in proptest::collection::vec(histories(), 0..20), other in proptest::collection::vec(histories(), 0..20),
    ) {
        let mut merged: Sample = one.iter().copied().collect();
        merged.merge(&other.iter().copied().collect());
        let all: Sample = other.iter().chain(&one).copied().collect();
        prop_assert_eq!(&merged, &all);
        for &h in &other {
            prop_assert!(merged.remove(h));
        }
        prop_assert_eq!(merged, one.iter().copied().collect());
    }
}
