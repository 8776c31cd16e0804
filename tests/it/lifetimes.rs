//! Lifetimes of customers, on a real cohort of buyers, and on a small one of our own making.
//!
//! The real file holds the purchases of a tenth of those who first bought music from a shop in early 1997. What is
//! expected of it was published with the model (Fader, Hardie, Lee 2005; Fader and Hardie 2013).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use customer_profile::experience::{
    bg_nbd::{
        self, History, Parameters, Sample,
        holdout::{Customer, Row, table},
    },
    gamma_gamma::{self, Spending},
};

use crate::harness::say;

/// Weeks that are looked at, and as many that are foretold.
const WEEKS: i64 = 39;
/// The last day of the former, 1997-09-30.
const UNTIL: i64 = day(1997, 9, 30);

/// Days with what was paid on them, in cents.
type Days = BTreeMap<i64, i64>;

fn real(name: &str) -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let root = std::env::var_os("CUSTOMER_PROFILE_DATA").map_or_else(default, PathBuf::from);
    let path = root.join(name);
    if path.is_file() {
        Some(path)
    } else {
        say(format_args!("SKIPPED: real data"));
        None
    }
}

/// Days from any fixed day, by the calendar of Gregory.
const fn day(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month < 3 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day
}

/// Purchases by customer and day: id, number in the sample, date, discs, dollars.
fn read(text: &str) -> BTreeMap<String, Days> {
    let mut customers: BTreeMap<String, Days> = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let date: i64 = fields[2].parse().unwrap();
        let (dollars, cents) = fields[4].split_once('.').unwrap();
        assert_eq!(cents.len(), 2);
        let cents: i64 = format!("{dollars}{cents}").parse().unwrap();
        let on = day(date / 10_000, date / 100 % 100, date % 100);
        let days = customers.entry(fields[1].to_owned()).or_default();
        *days.entry(on).or_default() += cents;
    }
    customers
}

/// What was known of each customer on the day, and how many days with an order followed within as many weeks.
fn at(customers: &BTreeMap<String, Days>, until: i64) -> Vec<Customer> {
    let customer = |days: &Days| {
        let all: Vec<i64> = days.keys().copied().collect();
        let later = all
            .iter()
            .filter(|&&on| until < on && on <= until + 7 * WEEKS);
        Customer {
            history: History::of(&all, until).unwrap(),
            later: u32::try_from(later.count()).unwrap(),
        }
    };
    customers.values().map(customer).collect()
}

fn sample(customers: &[Customer]) -> Sample {
    customers.iter().map(|customer| customer.history).collect()
}

/// What each customer paid on days after the first, up to a day.
fn spending(customers: &BTreeMap<String, Days>, until: i64) -> BTreeMap<Spending, u64> {
    let mut groups = BTreeMap::new();
    for days in customers.values() {
        let repeats: Vec<i64> = days
            .range(..=until)
            .skip(1)
            .map(|(_, cents)| *cents)
            .collect();
        let count = u32::try_from(repeats.len()).unwrap();
        if let Some(spending) = Spending::new(count, repeats.iter().sum()) {
            *groups.entry(spending).or_default() += 1;
        }
    }
    groups
}

fn print(rows: &[Row]) {
    say(format_args!(
        "repeats  customers  P(alive)  expected  happened"
    ));
    for (row, last) in rows.iter().zip((1..=rows.len()).map(|at| at == rows.len())) {
        let p = row
            .p_alive
            .map_or_else(|| "-".to_owned(), |p| format!("{p:.3}"));
        let repeats = format!("{}{}", row.repeats, if last { "+" } else { "" });
        let customers = row.customers;
        let (expected, actual) = (row.expected, row.actual);
        say(format_args!(
            "{repeats:>7}  {customers:>9}  {p:>8}  {expected:>8.1}  {actual:>8}"
        ));
    }
    let expected: f64 = rows.iter().map(|row| row.expected).sum();
    let actual: u64 = rows.iter().map(|row| row.actual).sum();
    say(format_args!(
        "{:>7}  {:>9}  {:>8}  {expected:>8.1}  {actual:>8}",
        "all", "", ""
    ));
}

fn near(found: f64, wanted: f64, tolerance: f64) {
    assert!(
        (found / wanted - 1.0).abs() <= tolerance,
        "{found} for {wanted}"
    );
}

#[test]
fn the_published_parameters_of_the_music_buyers_are_found() {
    let Some(path) = real("purchases/CDNOW_sample.txt") else {
        return;
    };
    let customers = at(&read(&std::fs::read_to_string(path).unwrap()), UNTIL);
    let sample = sample(&customers);
    assert_eq!(
        (sample.customers(), sample.repeaters(), sample.repeats()),
        (2_357, 946, 2_457)
    );
    let fit = bg_nbd::fit(&sample).unwrap();
    let found = fit.parameters;
    say(format_args!(
        "r {:.4} alpha {:.4} a {:.4} b {:.4} log-likelihood {:.3}",
        found.r(),
        found.alpha(),
        found.a(),
        found.b(),
        fit.log_likelihood
    ));
    near(found.r(), 0.243, 0.005);
    near(found.alpha(), 4.414, 0.005);
    near(found.a(), 0.793, 0.005);
    near(found.b(), 2.426, 0.005);
    assert!((fit.log_likelihood + 9_582.4).abs() < 0.05);
    // The same maximum as found by another program in another language.
    near(found.r(), 0.242_594_53, 1e-5);
    near(found.alpha(), 4.413_602_33, 1e-5);
    near(found.a(), 0.792_922_06, 1e-5);
    near(found.b(), 2.425_907_07, 1e-5);
    near(fit.log_likelihood, -9_582.429_206_673_929, 1e-11);
}

#[test]
fn what_the_music_buyers_did_next_stands_beside_what_was_expected() {
    let Some(path) = real("purchases/CDNOW_sample.txt") else {
        return;
    };
    let customers = at(&read(&std::fs::read_to_string(path).unwrap()), UNTIL);
    let fit = bg_nbd::fit(&sample(&customers)).unwrap();
    let rows = table(&fit.parameters, &customers, 39.0, 7).unwrap();
    print(&rows);
    let seen = [
        (1_411, None, 317.598_23, 334),
        (439, Some(0.473_59), 229.654_6, 306),
        (214, Some(0.539_567), 223.444_71, 298),
        (100, Some(0.552_117), 152.027_95, 156),
        (62, Some(0.616_741), 134.159_68, 157),
        (38, Some(0.611_35), 100.846_14, 112),
        (29, Some(0.691_009), 101.617_23, 112),
        (64, Some(0.721_625), 394.060_19, 407),
    ];
    for (row, (count, p_alive, expected, actual)) in rows.iter().zip(seen) {
        assert_eq!((row.customers, row.actual), (count, actual));
        assert_eq!(row.p_alive.is_some(), p_alive.is_some());
        near(row.p_alive.unwrap_or(1.0), p_alive.unwrap_or(1.0), 1e-5);
        near(row.expected, expected, 1e-5);
    }
    let expected: f64 = rows.iter().map(|row| row.expected).sum();
    let actual: u64 = rows.iter().map(|row| row.actual).sum();
    assert_eq!(actual, 1_882);
    near(expected, 1_653.41, 1e-4);
}

#[test]
fn the_published_spending_of_the_music_buyers_is_found() {
    let Some(path) = real("purchases/CDNOW_sample.txt") else {
        return;
    };
    let customers = read(&std::fs::read_to_string(path).unwrap());
    let fit = gamma_gamma::fit(&spending(&customers, UNTIL)).unwrap();
    let found = fit.parameters;
    say(format_args!(
        "p {:.4} q {:.4} gamma {:.2} cents, log-likelihood {:.3}",
        found.p(),
        found.q(),
        found.gamma(),
        fit.log_likelihood
    ));
    assert_eq!(fit.n, 946);
    near(found.p(), 6.25, 0.005);
    near(found.q(), 3.74, 0.005);
    near(found.gamma(), 1_544.0, 0.005);
    near(fit.log_likelihood, -8_412.408_690_746_603, 1e-10);
}

/// A small shop of our own making: 600 customers who order at rates of their own and leave by their own chance, in a
/// fixed order of fractions, one line a purchase as in the real file.
fn made_up() -> String {
    use std::fmt::Write as _;
    let mut state = 20_260_101_u64;
    let mut fraction = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 33).unwrap()) / f64::from(1_u32 << 31)
    };
    let mut text = String::new();
    for customer in 0..600 {
        let rate = -(1.0 - fraction()).ln() / 8.0;
        let leaves = 0.4 * fraction();
        let mut days = 84.0 * fraction();
        let mut alive = true;
        while alive && days < 630.0 {
            let on = (0..630)
                .take_while(|&on| f64::from(on) <= days)
                .last()
                .unwrap();
            let on = date(day(1997, 1, 1) + i64::from(on));
            let dollars = 9.0 + 40.0 * fraction();
            writeln!(text, " {customer:05} {customer:04} {on} 1 {dollars:.2}").unwrap();
            alive = fraction() >= leaves;
            days += -7.0 * (1.0 - fraction()).ln() / rate;
        }
    }
    text
}

/// A day as it is written in the file.
fn date(on: i64) -> String {
    // Backwards, since a 31st that does not exist is the 1st of the next month.
    let days = (1997..=1998).rev().flat_map(|year| {
        let months = (1..=12).rev();
        months.flat_map(move |month| (1..=31).rev().map(move |day| (year, month, day)))
    });
    let (year, month, day) = days
        .into_iter()
        .find(|&(year, month, of_month)| day(year, month, of_month) == on)
        .unwrap();
    format!("{year}{month:02}{day:02}")
}

#[test]
fn a_made_up_shop_is_foretold_as_its_customers_were_made() {
    let customers = at(&read(&made_up()), UNTIL);
    let sample = sample(&customers);
    assert_eq!(sample.customers(), 600);
    let fit = bg_nbd::fit(&sample).unwrap();
    let rows = table(&fit.parameters, &customers, 39.0, 5).unwrap();
    print(&rows);
    let expected: f64 = rows.iter().map(|row| row.expected).sum();
    let actual: u64 = rows.iter().map(|row| row.actual).sum();
    let actual = f64::from(u32::try_from(actual).unwrap());
    near(expected, actual, 0.15);
    let counted: u64 = rows.iter().map(|row| row.customers).sum();
    assert_eq!(counted, 600);
    // Another population is told apart: likelihoods are comparable.
    let other = Parameters::new(2.0, 40.0, 0.5, 9.0).unwrap();
    assert!(sample.log_likelihood(&other) < fit.log_likelihood);
}
