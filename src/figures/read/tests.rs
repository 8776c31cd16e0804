use super::*;

/// Twenty customers were there in January 1970, fifteen of them in February.
fn shown(counted_to: Day) -> Vec<ExperienceMetric> {
    let february = Day(31);
    let asked = Asked {
        grain: Grain::Month,
        periods: vec![february],
        breakdown: MetricBreakdown::Unspecified,
        policy: Policy::Latest,
        outcome: None,
        horizon: 52,
    };
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
