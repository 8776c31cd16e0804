//! Histories are functions of a set of interactions: unchanged by order and by how the set is dealt to states, and equal to
//! what is computed from the interactions directly, without the code under test.

use chrono::{Datelike as _, FixedOffset, NaiveDate};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;
use crate::{
    identity::Region,
    ids::{InteractionId, TenantId},
    profile::{Fact, State, fold::fold},
    proto::v1::{
        Analysis, AnalysisMethod, CallerSentiment, Feeling, Interaction, SentimentBucket,
        SentimentGroup, SentimentSummary, TopicFeeling, TrendDirection,
    },
};

/// 2024-03-01 in Japan, a Friday.
const FIRST: i64 = 1_709_218_800;

#[derive(Clone, Debug)]
struct Said {
    id: InteractionId,
    at: Micros,
    message: Interaction,
    analyses: Vec<Analysis>,
}

impl Said {
    fn fact(&self) -> Fact<'_> {
        Fact {
            id: self.id,
            occurred_at: self.at,
            message: &self.message,
            analyses: &self.analyses,
            region: Region::JP,
            zone: Zone::TOKYO,
        }
    }
}

/// Feelings over `days` days in two departments: callers' and analyzers', of one or two methods, sure or not.
fn said(days: i64) -> impl Strategy<Value = Vec<Said>> {
    let polarity = || select(vec![-1.0, -0.7, -0.25, -0.1, 0.0, 0.249, 0.25, 0.6, 1.0]);
    let feeling = move || {
        (polarity(), select(vec![0.3, 0.45, 0.9])).prop_map(|(polarity, confidence)| Feeling {
            polarity,
            confidence,
            ..Feeling::default()
        })
    };
    let analysis = move || {
        (
            option::weighted(0.8, feeling()),
            option::of(polarity()),
            option::of(option::of(polarity())),
        )
    };
    let one = (
        (
            0..days,
            0..86_400i64,
            select(vec!["sales", "support"]),
            select(vec!["web", "phone"]),
            0..3i32,
        ),
        option::weighted(0.3, (polarity(), option::of(select(vec![0.0004, 0.5])))),
        vec(option::weighted(0.7, analysis()), 2),
    );
    vec(one, 0..60).prop_map(|all| {
        all.into_iter()
            .enumerate()
            .map(
                |(n, ((day, second, department, channel, direction), caller, made))| {
                    let methods = [AnalysisMethod::BuiltIn, AnalysisMethod::External];
                    let made = methods
                        .into_iter()
                        .zip(made)
                        .filter_map(|(method, one)| Some((method, one?)));
                    Said {
                        id: InteractionId::of(&TenantId::default_tenant(), "shop", &n.to_string()),
                        at: Micros((FIRST + day * 86_400 + second) * Micros::SECOND),
                        message: Interaction {
                            department: department.into(),
                            channel: channel.into(),
                            direction,
                            sentiment: caller.map(|(polarity, confidence)| CallerSentiment {
                                polarity,
                                confidence,
                                method: "agent".into(),
                            }),
                            ..Interaction::default()
                        },
                        analyses: made
                            .map(|(method, (feeling, effort, about))| Analysis {
                                method: method.into(),
                                model_version: 1,
                                feeling,
                                effort,
                                topics: about
                                    .map(|polarity| TopicFeeling {
                                        topic: "price".into(),
                                        polarity,
                                    })
                                    .into_iter()
                                    .collect(),
                                ..Analysis::default()
                            })
                            .collect(),
                    }
                },
            )
            .collect()
    })
}

/// A set, an order of it, and a part of three for each.
fn cases(days: i64) -> impl Strategy<Value = (Vec<Said>, Vec<usize>, Vec<usize>)> {
    said(days).prop_flat_map(|all| {
        let count = all.len();
        let order: Vec<usize> = (0..count).collect();
        (Just(all), Just(order).prop_shuffle(), vec(0..3usize, count))
    })
}

/// Everything that is shown of a state.
#[derive(Debug, PartialEq)]
struct Shown {
    buckets: Vec<Vec<SentimentBucket>>,
    groups: Vec<Vec<SentimentGroup>>,
    summary: SentimentSummary,
    turns: Vec<Turn>,
}

fn moment(days: i64) -> Moment {
    Moment::new(
        Micros((FIRST + days * 86_400 + 5_000) * Micros::SECOND),
        Zone::TOKYO,
        0.1,
    )
}

fn shown(state: &State, moment: Moment) -> Shown {
    let core = state.core();
    let series = series(core.feelings.iter().map(Dated::from));
    let widths = [Width::Day, Width::Week, Width::Month];
    let known = Known {
        series: &series,
        last: core.last_feeling.as_ref(),
        signals: &core.signals,
    };
    Shown {
        buckets: widths
            .iter()
            .map(|width| {
                let found = buckets(&series, *width, Zone::TOKYO);
                let levels = levels_of(&found, &series, moment);
                let shown = found.iter().zip(levels);
                shown.map(|(stretch, level)| stretch.shown(level)).collect()
            })
            .collect(),
        groups: vec![
            by_department(core.feelings.iter()),
            by_channel(core.feelings.iter()),
        ],
        summary: summary(known, moment, HALF_LIFE_DAYS),
        turns: turns(&series),
    }
}

fn levels_of(stretches: &[Stretch], series: &[Dated], moment: Moment) -> Vec<Option<f64>> {
    let parts = series.iter().map(|d| Part::of_series(d, Zone::TOKYO));
    levels(stretches, parts, Zone::TOKYO, moment, 30.0)
}

/// A feeling as the direct computation reads it: its date in Japan, polarity and weight; none for a text that says nothing.
type Direct = (NaiveDate, Option<(f64, f64)>);

fn direct(all: &[Said]) -> Vec<Direct> {
    let tokyo = FixedOffset::east_opt(9 * 3600).unwrap();
    let speaks = |said: &&Said| {
        said.message.direction != 2
            && (said.message.sentiment.is_some() || !said.analyses.is_empty())
    };
    all.iter()
        .filter(speaks)
        .map(|said| {
            let date = said
                .at
                .to_datetime()
                .unwrap()
                .with_timezone(&tokyo)
                .date_naive();
            let felt = if let Some(caller) = &said.message.sentiment {
                Some((caller.polarity, caller.confidence.unwrap_or(1.0).max(0.001)))
            } else {
                let of = |method| {
                    said.analyses
                        .iter()
                        .find(|one| one.method() == method)?
                        .feeling
                        .as_ref()
                };
                let feeling: Option<&Feeling> =
                    of(AnalysisMethod::External).or_else(|| of(AnalysisMethod::BuiltIn));
                feeling.map(|feeling| (feeling.polarity, feeling.confidence))
            };
            (date, felt)
        })
        .collect()
}

fn first_of_month(date: NaiveDate) -> NaiveDate {
    date.with_day(1).unwrap()
}

/// What a level, a fast or a slow mean comes to: N, D and the sum of squares of the weights, of the dates as they age.
fn decayed(felt: &[(i64, f64, f64)], half_life: f64) -> (f64, f64, f64) {
    felt.iter().fold(
        (0.0, 0.0, 0.0),
        |(n, d, squares), (age, polarity, weight)| {
            #[expect(clippy::cast_precision_loss, reason = "some years in days")]
            let left = weight * 0.5f64.powf(*age as f64 / half_life);
            (n + left * polarity, d + left, squares + left * left)
        },
    )
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9 * (1.0 + a.abs())
}

/// Feelings with a polarity by their age: those that are kept by month are as old as the middle day of it.
fn aged(direct: &[Direct], moment: Moment) -> Vec<(i64, f64, f64)> {
    let Some(newest) = direct.iter().map(|(date, _)| *date).max() else {
        return Vec::new();
    };
    let kept_from = first_of_month(newest - chrono::Duration::days(365));
    let tokyo = FixedOffset::east_opt(9 * 3600).unwrap();
    let today = moment
        .at()
        .to_datetime()
        .unwrap()
        .with_timezone(&tokyo)
        .date_naive();
    direct
        .iter()
        .filter_map(|(date, felt)| {
            let (polarity, weight) = (*felt)?;
            let reckoned = if *date < kept_from {
                let first = first_of_month(*date);
                let length = (first + chrono::Months::new(1) - first).num_days();
                first + chrono::Duration::days(length / 2)
            } else {
                *date
            };
            Some(((today - reckoned).num_days(), polarity, weight))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn neither_order_nor_parts_nor_merging_and_undoing_change_a_history((all, order, part) in cases(500)) {
        let moment = moment(500);
        let want = shown(&fold(all.iter().map(Said::fact)), moment);
        let in_order = fold(order.iter().map(|n| all[*n].fact()));
        prop_assert_eq!(&shown(&in_order, moment), &want);
        let part_of = |wanted: usize| {
            let facts = order.iter().filter(|n| part[**n] == wanted).map(|n| all[*n].fact());
            fold(facts)
        };
        let parts = [part_of(0), part_of(1), part_of(2)];
        for [a, b, c] in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
            let mut merged = parts[a].clone();
            merged.merge(parts[b].clone()).unwrap();
            merged.merge(parts[c].clone()).unwrap();
            prop_assert_eq!(&shown(&merged, moment), &want);
        }
        // Undoing a merge folds each side's interactions anew.
        let before = shown(&parts[1], moment);
        let again = fold(all.iter().zip(&part).filter(|(_, p)| **p == 1).map(|(said, _)| said.fact()));
        prop_assert_eq!(shown(&again, moment), before);
    }

    #[test]
    fn level_and_trend_are_those_of_the_interactions((all, _, _) in cases(800)) {
        let moment = moment(800);
        let shown = shown(&fold(all.iter().map(Said::fact)), moment).summary;
        let direct = direct(&all);
        let felt = aged(&direct, moment);
        prop_assert_eq!(shown.count, i64::try_from(felt.len()).unwrap());
        prop_assert_eq!(shown.abstained, i64::try_from(direct.len() - felt.len()).unwrap());
        let (n, d, squares) = decayed(&felt, 30.0);
        match shown.level {
            None => prop_assert!(felt.is_empty()),
            Some(level) => {
                prop_assert!(near(level, (n + 0.2) / (d + 2.0)));
                prop_assert!(near(shown.effective_n, d * d / squares));
            }
        }
        let trend = shown.trend.unwrap();
        let ((n, d, squares), (slow_n, slow_d, slow_squares)) = (decayed(&felt, 7.0), decayed(&felt, 60.0));
        if felt.is_empty() {
            prop_assert_eq!(trend.direction(), TrendDirection::Insufficient);
            return Ok(());
        }
        let (fast, slow) = (n / d, slow_n / slow_d);
        prop_assert!(near(trend.fast.unwrap(), fast) && near(trend.slow.unwrap(), slow));
        let (n_fast, n_slow) = (d * d / squares, slow_d * slow_d / slow_squares);
        prop_assert!(near(trend.effective_n_fast, n_fast) && near(trend.effective_n_slow, n_slow));
        let spread: Vec<_> = felt.iter().map(|(age, x, w)| (*age, (x - slow) * (x - slow), *w)).collect();
        let variance = decayed(&spread, 60.0).0 / slow_d * n_slow / (n_slow - 1.0);
        let error = (variance * (1.0 / n_fast + 1.0 / n_slow)).sqrt();
        if let Some(shown) = trend.standard_error {
            prop_assert!((shown - error).abs() < 1e-6, "{} {}", shown, error);
        }
        let far = (fast - slow).abs();
        let sure = |limit: f64| (far - limit).abs() > 1e-6;
        if sure(0.15) && sure(2.0 * error) && n_fast > 3.0 + 1e-9 && n_slow > 6.0 + 1e-9 {
            let want = match far >= 0.15 && far >= 2.0 * error {
                false => TrendDirection::Stable,
                true if fast > slow => TrendDirection::Improving,
                true => TrendDirection::Declining,
            };
            prop_assert_eq!(trend.direction(), want);
        }
    }

    #[test]
    fn buckets_are_those_of_the_interactions((all, _, _) in cases(800)) {
        let state = fold(all.iter().map(Said::fact));
        let series = series(state.core().feelings.iter().map(Dated::from));
        let direct = direct(&all);
        let tokyo = FixedOffset::east_opt(9 * 3600).unwrap();
        for width in [Width::Day, Width::Week, Width::Month] {
            let found = buckets(&series, width, Zone::TOKYO);
            let mut counted = 0;
            for stretch in &found {
                let date = |at: Micros| at.to_datetime().unwrap().with_timezone(&tokyo).date_naive();
                let within: Vec<&Direct> = direct.iter()
                    .filter(|(day, _)| (date(stretch.begin)..date(stretch.end)).contains(day)).collect();
                counted += within.len();
                let felt: Vec<(f64, f64)> = within.iter().filter_map(|(_, felt)| *felt).collect();
                let counts = stretch.sums.counts();
                prop_assert_eq!(counts.count, i64::try_from(felt.len()).unwrap());
                prop_assert_eq!(counts.abstained, i64::try_from(within.len() - felt.len()).unwrap());
                prop_assert_eq!(counts.negative, i64::try_from(felt.iter().filter(|(x, _)| *x <= -0.25).count()).unwrap());
                let total: f64 = felt.iter().map(|(_, w)| w).sum();
                let mean = felt.iter().map(|(x, w)| x * w).sum::<f64>() / total;
                prop_assert!(counts.mean.map_or(felt.is_empty(), |shown| near(shown, mean)));
                prop_assert_eq!(counts.lowest, felt.iter().map(|(x, _)| *x).reduce(f64::min));
            }
            prop_assert_eq!(counted, direct.len(), "every text stands in one bucket");
        }
    }

    #[test]
    fn the_level_of_a_bucket_is_that_of_a_summary_at_its_end((all, _, _) in cases(800)) {
        let state = fold(all.iter().map(Said::fact));
        let series = series(state.core().feelings.iter().map(Dated::from));
        let now = moment(790);
        for width in [Width::Day, Width::Week, Width::Month] {
            let found = buckets(&series, width, Zone::TOKYO);
            for (stretch, level) in found.iter().zip(levels_of(&found, &series, now)) {
                let known: Vec<Dated> = series.iter().copied()
                    .filter(|dated| Zone::TOKYO.begin(dated.day) < stretch.end).collect();
                let last = Zone::TOKYO.day(Micros(stretch.end.0 - 1)).min(now.today());
                let then = Moment::on(last, Zone::TOKYO, 0.1);
                let known = Known { series: &known, ..Known::default() };
                let wanted = summary(known, then, 30).level;
                prop_assert_eq!(level.is_some(), wanted.is_some());
                prop_assert!(level.zip(wanted).is_none_or(|(level, wanted)| near(level, wanted)), "{:?} {:?}", level, wanted);
            }
        }
    }

    #[test]
    fn within_a_year_interactions_and_sums_tell_the_same((all, order, _) in cases(300)) {
        let state = fold(all.iter().map(Said::fact));
        let by_sums = series(state.core().feelings.iter().map(Dated::from));
        let felt: Vec<Felt> = order.iter()
            .filter_map(|n| Felt::of(all[*n].at, all[*n].id, &all[*n].message, &all[*n].analyses)).collect();
        let one_by_one = series(felt.iter().map(|one| one.dated(Zone::TOKYO)));
        prop_assert_eq!(&one_by_one, &by_sums);
        let hours = hours(felt.iter(), Zone::TOKYO);
        let of_hours = series(hours.iter().map(|stretch| Dated {
            day: Zone::TOKYO.day(stretch.begin),
            month: false,
            sums: stretch.sums,
        }));
        prop_assert_eq!(&of_hours, &by_sums);
        let mut in_time = felt.clone();
        in_time.sort_by_key(|one| (one.at, one.id));
        let parts = in_time.iter().map(|one| Part::of_felt(one, Zone::TOKYO));
        let by_hour = levels(&hours, parts, Zone::TOKYO, moment(900), 30.0);
        let days = buckets(&by_sums, Width::Day, Zone::TOKYO);
        let by_day = levels_of(&days, &by_sums, moment(900));
        let last = |levels: &[Option<f64>]| levels.last().copied().flatten();
        prop_assert!(last(&by_hour).zip(last(&by_day)).is_none_or(|(one, other)| near(one, other)));
        for one in &felt {
            prop_assert_eq!(hours.iter().filter(|s| s.begin <= one.at && one.at < s.end).count(), 1);
        }
        let about = felt.iter().filter(|one| !one.topics.is_empty()).count();
        let told: i64 = by_topic(felt.iter()).iter().filter_map(|g| g.counts.as_ref()).map(|c| c.count + c.abstained).sum();
        prop_assert_eq!(told, i64::try_from(about).unwrap());
    }
}
