use super::*;

const FEBRUARY: Day = Day(31);

fn of_february(policy: Policy) -> Asked {
    Asked {
        grain: Grain::Month,
        periods: vec![FEBRUARY],
        breakdown: MetricBreakdown::Unspecified,
        policy,
        outcome: None,
        horizon: 52,
    }
}

/// Twenty customers were there in January 1970, fifteen of them in February.
fn shown(counted_to: Day) -> Vec<ExperienceMetric> {
    let (february, asked) = (FEBRUARY, of_february(Policy::Latest));
    let mut sums = Sums::default();
    sums.add(&asked, Cell::Active(Grain::Month, Day(0)), &[20, 0]);
    sums.add(&asked, Cell::Active(Grain::Month, february), &[19, 15]);
    let mut out = Vec::new();
    let counted_to = Zone::TOKYO.begin(counted_to);
    sums.show(&asked, (Zone::TOKYO, counted_to), february, &mut out);
    out
}

fn named<'a>(metrics: &'a [ExperienceMetric], name: &str) -> &'a ExperienceMetric {
    metrics.iter().find(|one| one.name == name).unwrap()
}

#[test]
fn who_left_is_not_told_before_the_period_is_over_and_counted() {
    let (before, after) = (shown(Day(58)), shown(Day(59)));
    for name in ["retention", "churn", "churn_annual"] {
        let open = named(&before, name);
        assert_eq!((open.value, open.low, open.high), (None, None, None));
        assert_eq!((open.n, open.withheld), (20, false));
        assert_eq!(open.absent, "not_over");
        let closed = named(&after, name);
        assert!(closed.value.is_some() && closed.absent.is_empty());
    }
    assert_eq!(named(&after, "retention").value, Some(0.75));
    assert_eq!(named(&after, "churn").value, Some(0.25));
    let year = named(&after, "churn_annual").value.unwrap();
    assert!((year - (1.0 - 0.75_f64.powi(12))).abs() < 1e-12);
    // What is counted of a period is told while it goes on.
    assert_eq!(named(&before, "active_customers").value, Some(19.0));
}

#[test]
fn a_figure_without_a_value_says_why() {
    let of = |n| metric("churn", "share", &Reporting::default().share(0, n, 1));
    assert_eq!(
        (of(0).absent.as_str(), of(0).withheld),
        ("nothing_to_count", false)
    );
    assert_eq!((of(9).absent.as_str(), of(9).withheld), ("too_few", true));
    assert_eq!((of(10).absent.as_str(), of(10).withheld), ("", false));
}

/// Twenty customers answer once and ten of them three times more, all of it 10.
#[test]
fn answers_of_one_customer_are_worth_one_where_all_count() {
    let nps = |policy| {
        let asked = of_february(policy);
        let mut sums = Sums::default();
        let mut add = |cell: Cell, tens: i64, squares: Option<i64>| {
            let mut numbers = vec![0; 10];
            numbers.push(tens);
            numbers.extend(squares);
            sums.add(&asked, cell, &numbers);
        };
        let latest = Cell::Latest(Scale::Nps, Grain::Month, FEBRUARY, Group::All);
        add(latest, 20, Some(10 + 10 * 16));
        if policy == Policy::All {
            add(Cell::Answers(Scale::Nps, FEBRUARY, Group::All), 50, None);
        }
        let mut out = Vec::new();
        sums.show(&asked, (Zone::TOKYO, Micros(0)), FEBRUARY, &mut out);
        named(&out, "nps").clone()
    };
    let (latest, all) = (nps(Policy::Latest), nps(Policy::All));
    assert_eq!((latest.n, all.n), (20, 50));
    assert!((latest.effective_n - 20.0).abs() < 1e-9);
    assert!((all.effective_n - 50.0 * 50.0 / 170.0).abs() < 1e-9);
    assert!(
        all.low < latest.low,
        "more answers of the same customers tell less"
    );
}

#[test]
fn effort_of_either_version_has_a_mean_and_a_share() {
    let of = |scale: Scale, histogram: &[u64]| {
        let answers = Answers {
            histogram: histogram.to_vec(),
            squares: 0,
        };
        let named = |(name, _, measure): (_, _, Measure)| (name, measure.value);
        surveys::figures(scale, &answers)
            .into_iter()
            .map(named)
            .collect::<Vec<_>>()
    };
    let hard = of(Scale::Ces5, &[3, 2, 0, 2, 3]);
    assert_eq!(hard, [("ces_5", Some(3.0)), ("ces_5_hard", Some(0.5))]);
    let easy = of(Scale::Ces7, &[5, 0, 0, 0, 0, 0, 5]);
    assert_eq!(easy, [("ces_7", Some(4.0)), ("ces_7_agree", Some(0.5))]);
}
