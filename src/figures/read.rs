//! Reading figures: the metrics of a stretch of periods.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;

use super::model;
use crate::{
    calendar::{Day, Zone},
    clock::Micros,
    error::Error,
    experience::{
        Measure, Purchasing, Reporting, bg_nbd,
        ces::{ease, effort},
        contribution::{Cell, Contribution, Grain, Group},
        csat::{self, csat},
        drivers::{self, Moments},
        nps::nps,
        retention::{self, Cohort},
        survey::Scale,
        value::{self, Horizon},
    },
    ids::TenantId,
    proto::{
        state::v1::ValueModel,
        v1::{ExperienceMetric, KeyDriver, KeyDrivers, MetricBreakdown, SurveyScale},
    },
    storage::{contributions, figures},
};

/// Customers whose answers are looked at for drivers.
const LOOKED_AT: i64 = 20_000;

/// Version of the definition of mean sentiment.
const SENTIMENT: u32 = 1;

/// Which answers of one customer count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The latest of each period.
    Latest,
    /// All.
    All,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Width of the periods.
    pub grain: Grain,
    /// First days of the periods, in their order.
    pub periods: Vec<Day>,
    /// Among whom.
    pub breakdown: MetricBreakdown,
    /// Which answers count.
    pub policy: Policy,
    /// The outcome whose drivers are wanted.
    pub outcome: Option<Scale>,
    /// Weeks ahead.
    pub horizon: u16,
}

/// The answer.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// By name, period and group.
    pub metrics: Vec<ExperienceMetric>,
    /// What drives the outcome.
    pub drivers: Option<KeyDrivers>,
    /// Everything committed before is counted.
    pub counted_to: Micros,
}

/// Reads figures.
///
/// # Errors
/// When the database fails or what is stored cannot be read.
#[tracing::instrument(name = "figures.read", skip_all)]
pub async fn read(
    connection: &mut PgConnection,
    tenant: &TenantId,
    zone: Zone,
    asked: &Asked,
) -> Result<Figures, Error> {
    let counted_to = figures::counted_to(connection).await?;
    let mut sums = Sums::default();
    if let (Some(first), Some(last)) = (asked.periods.first(), asked.periods.last()) {
        let end = asked.grain.later(*last, 1);
        for (from, before) in ranges(asked, *first, end) {
            for (name, numbers) in figures::range(connection, tenant, &from, &before).await? {
                if let Some(cell) = Cell::parse(&name) {
                    sums.add(asked, cell, &numbers);
                }
            }
        }
    }
    let mut metrics = Vec::new();
    for period in &asked.periods {
        sums.show(asked, zone, *period, &mut metrics);
    }
    if let Some(stored) = model::read(connection, tenant).await? {
        metrics.extend(of_model(&stored, asked.horizon));
    }
    metrics.sort_by(|a, b| {
        let begin = |one: &ExperienceMetric| one.begin.map(|at| at.seconds);
        (&a.name, begin(a), &a.group).cmp(&(&b.name, begin(b), &b.group))
    });
    let drivers = match asked.outcome {
        Some(outcome) => Some(drivers_of(connection, tenant, outcome).await?),
        None => None,
    };
    Ok(Figures {
        metrics,
        drivers,
        counted_to,
    })
}

/// Names of cells from the first to before the last of what is asked for.
fn ranges(asked: &Asked, first: Day, end: Day) -> Vec<(String, String)> {
    let mut ranges = vec![
        (
            Cell::Felt(first, Group::All).name(),
            Cell::Felt(end, Group::All).name(),
        ),
        (Cell::Orders(first).name(), Cell::Orders(end).name()),
        (
            Cell::Active(asked.grain, first).name(),
            // That of the period after says who stayed; retention of a period needs who was there before.
            Cell::Active(asked.grain, end).name(),
        ),
        {
            let before = asked.grain.begin(Day(first.0 - 1));
            (
                Cell::Active(asked.grain, before).name(),
                Cell::Active(asked.grain, first).name(),
            )
        },
    ];
    for scale in Scale::ALL {
        let cell = |day| match asked.policy {
            Policy::All => Cell::Answers(scale, day, Group::All),
            Policy::Latest => Cell::Latest(scale, asked.grain, day, Group::All),
        };
        ranges.push((cell(first).name(), cell(end).name()));
    }
    ranges
}

/// Sums by period.
#[derive(Default)]
struct Sums {
    answers: BTreeMap<(Scale, Day, Group), Vec<u64>>,
    felt: BTreeMap<(Day, Group), Vec<i64>>,
    active: BTreeMap<Day, (u64, u64)>,
    orders: BTreeMap<Day, i64>,
}

fn counts(numbers: &[i64]) -> Vec<u64> {
    let count = |number: &i64| u64::try_from(*number).unwrap_or_default();
    numbers.iter().map(count).collect()
}

impl Sums {
    fn add(&mut self, asked: &Asked, cell: Cell, numbers: &[i64]) {
        let wanted = |group: &Group| {
            matches!(
                (asked.breakdown, group),
                (_, Group::All)
                    | (MetricBreakdown::Department, Group::Department(_))
                    | (MetricBreakdown::Channel, Group::Channel(_))
            )
        };
        match cell {
            Cell::Answers(scale, day, group) | Cell::Latest(scale, _, day, group)
                if wanted(&group) =>
            {
                let key = (scale, asked.grain.begin(day), group);
                let sums = self.answers.entry(key).or_default();
                sums.resize(scale.values(), 0);
                for (sum, more) in sums.iter_mut().zip(counts(numbers)) {
                    *sum += more;
                }
            }
            Cell::Felt(day, group) if wanted(&group) => {
                let sums = self
                    .felt
                    .entry((asked.grain.begin(day), group))
                    .or_default();
                sums.resize(numbers.len(), 0);
                for (sum, more) in sums.iter_mut().zip(numbers) {
                    *sum += more;
                }
            }
            Cell::Active(_, day) => {
                if let [active, stayed] = counts(numbers)[..] {
                    self.active.insert(day, (active, stayed));
                }
            }
            Cell::Orders(day) => {
                let sum = self.orders.entry(asked.grain.begin(day)).or_default();
                *sum += numbers.first().copied().unwrap_or_default();
            }
            _ => (),
        }
    }

    fn show(&self, asked: &Asked, zone: Zone, period: Day, out: &mut Vec<ExperienceMetric>) {
        let end = asked.grain.later(period, 1);
        let mut put = |name: &str, unit: &str, group: &Group, measure: &Measure| {
            out.push(ExperienceMetric {
                begin: Some(zone.begin(period).to_proto()),
                end: Some(zone.begin(end).to_proto()),
                group: match group {
                    Group::All => String::new(),
                    Group::Department(name) | Group::Channel(name) => name.clone(),
                },
                ..metric(name, unit, measure)
            });
        };
        for ((scale, _, group), histogram) in self.answers.iter().filter(|(k, _)| k.1 == period) {
            for (name, unit, measure) in survey(*scale, histogram) {
                put(name, unit, group, &measure);
            }
        }
        for ((_, group), sums) in self.felt.iter().filter(|(k, _)| k.0 == period) {
            put("sentiment", "mean", group, &sentiment(sums));
        }
        let before = asked.grain.begin(Day(period.0 - 1));
        let started = self.active.get(&before).map_or(0, |(active, _)| *active);
        let (active, stayed) = self.active.get(&period).copied().unwrap_or_default();
        let reporting = Reporting::default();
        if let Ok(cohort) = Cohort::new(started, stayed) {
            let (retention, churn) = (cohort.retention(&reporting), cohort.churn(&reporting));
            put("retention", "share", &Group::All, &retention);
            put("churn", "share", &Group::All, &churn);
        }
        let count = |n: u64| reporting.measure(n, retention::DEFINITION, |_| (real(n), None));
        put("active_customers", "count", &Group::All, &count(active));
        let orders = self.orders.get(&period).copied().unwrap_or_default();
        let each = reporting.measure(active, retention::DEFINITION, |_| {
            (real(orders.unsigned_abs()) / real(active), None)
        });
        put("orders_per_customer", "mean", &Group::All, &each);
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of people and orders are far below 2^53"
)]
fn real(count: u64) -> f64 {
    count as f64
}

fn metric(name: &str, unit: &str, measure: &Measure) -> ExperienceMetric {
    ExperienceMetric {
        name: name.to_owned(),
        value: measure.value,
        n: i64::try_from(measure.n).unwrap_or(i64::MAX),
        effective_n: measure.effective_n,
        low: measure.interval.map(|(low, _)| low),
        high: measure.interval.map(|(_, high)| high),
        withheld: measure.n > 0 && measure.value.is_none(),
        definition: measure.definition,
        unit: unit.to_owned(),
        ..ExperienceMetric::default()
    }
}

type Named = (&'static str, &'static str, Measure);

/// The figures of a scale.
fn survey(scale: Scale, histogram: &[u64]) -> Vec<Named> {
    let reporting = Reporting::default();
    let satisfied = |name| {
        let measure = csat(scale, histogram, &reporting);
        measure.map(|measure| vec![(name, "share", measure)])
    };
    let measures = match scale {
        Scale::Nps => nps(scale, histogram, &reporting).map(|m| vec![("nps", "points", m)]),
        Scale::Csat5 => satisfied("csat_5"),
        Scale::Csat7 => satisfied("csat_7"),
        Scale::Csat10 => satisfied("csat_10"),
        Scale::Ces7 => ease(scale, histogram, &reporting).map(|ease| {
            vec![
                ("ces_7", "mean", ease.mean),
                ("ces_7_agree", "share", ease.easy),
            ]
        }),
        Scale::Ces5 => {
            effort(scale, histogram, &reporting).map(|effort| vec![("ces_5", "mean", effort.mean)])
        }
        Scale::Stars5 => {
            crate::experience::survey::mean(scale, histogram, &reporting, csat::DEFINITION)
                .map(|mean| vec![("stars_5", "mean", mean)])
        }
    };
    // Histograms of the store fit their scales.
    measures.unwrap_or_default()
}

/// Mean polarity, each feeling by its weight, with a normal interval.
fn sentiment(sums: &[i64]) -> Measure {
    let [
        bad,
        neither,
        good,
        _,
        weight,
        weight_squares,
        weighted,
        weighted_squares,
    ] = sums[..]
    else {
        return Reporting::default().measure(0, SENTIMENT, |_| (0.0, None));
    };
    let real = |number: i64| {
        let magnitude = real(number.unsigned_abs());
        if number < 0 { -magnitude } else { magnitude }
    };
    let n = u64::try_from(bad + neither + good).unwrap_or_default();
    let effective = if weight_squares > 0 {
        real(weight) * real(weight) / real(weight_squares)
    } else {
        0.0
    };
    let reporting = Reporting {
        design_effect: if effective > 0.0 {
            (self::real(n) / effective).max(1.0)
        } else {
            1.0
        },
        ..Reporting::default()
    };
    reporting.measure(n, SENTIMENT, |effective| {
        let mean = real(weighted) / real(weight);
        let variance = (real(weighted_squares) / real(weight) - mean * mean).max(0.0);
        let interval = (effective > 1.0).then(|| {
            let half = reporting.z * (variance / (effective - 1.0)).sqrt() / 1000.0;
            let mean = mean / 1000.0;
            ((mean - half).max(-1.0), (mean + half).min(1.0))
        });
        (mean / 1000.0, interval)
    })
}

/// What the model of purchases says of the customers who ordered.
fn of_model(stored: &ValueModel, weeks: u16) -> Vec<ExperienceMetric> {
    let model = Purchasing::of(stored);
    let reporting = Reporting::default();
    let mut metrics = Vec::new();
    let Some(ordering) = &model.ordering else {
        return metrics;
    };
    let mut sample = bg_nbd::Sample::default();
    for (history, _) in model::sample(stored) {
        sample.add(history, 1);
    }
    let alive = ordering.mean_p_alive(&sample, &reporting);
    metrics.push(metric("customers_alive", "share", &alive));
    let orders = ordering.mean_expected_orders(&sample, f64::from(weeks), &reporting);
    metrics.push(metric("expected_orders", "mean", &orders));
    if let (Some(paying), Some(horizon)) = (&model.paying, Horizon::new(weeks, 0.0)) {
        let customers = model::sample(stored).map(|(history, spent)| (history, spent, 1));
        let worth = value::mean_lifetime(ordering, paying, customers, horizon, &reporting);
        metrics.push(metric("lifetime_value", &model.currency, &worth));
    }
    metrics
}

/// What goes with the answers on a scale.
async fn drivers_of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    outcome: Scale,
) -> Result<KeyDrivers, Error> {
    let bodies = contributions::who_answered(connection, tenant, LOOKED_AT).await?;
    let mut rows = Vec::new();
    for body in bodies {
        let contribution =
            Contribution::decode(&body).map_err(|e| Error::bug("reading a contribution", e))?;
        rows.extend(contribution.drivers.and_then(|said| {
            let answer = *said.answers.get(&outcome)?;
            Some((said.topics, answer))
        }));
    }
    let names: BTreeSet<&String> = rows.iter().flat_map(|(topics, _)| topics.keys()).collect();
    let names: Vec<&String> = names.into_iter().take(drivers::TOPICS).collect();
    let scale = SurveyScale::try_from(outcome.number()).unwrap_or_default();
    let mut answer = KeyDrivers {
        outcome: scale.into(),
        n: i64::try_from(rows.len()).unwrap_or(i64::MAX),
        ..KeyDrivers::default()
    };
    let Ok(mut moments) = Moments::new(names.len()) else {
        "too_few_answers".clone_into(&mut answer.refused);
        return Ok(answer);
    };
    for (topics, value) in &rows {
        let felt: Vec<Option<i32>> = names.iter().map(|n| topics.get(*n).copied()).collect();
        moments
            .add(&felt, *value)
            .map_err(|e| Error::bug("finding drivers", e))?;
    }
    match drivers::drivers(&moments, Reporting::default().floor) {
        Ok(found) => {
            answer.r_squared = Some(found.r_squared);
            answer.drivers = found
                .drivers
                .iter()
                .map(|driver| KeyDriver {
                    topic: names
                        .get(driver.topic)
                        .map_or_else(String::new, |n| (*n).clone()),
                    importance: driver.importance,
                    performance: driver.performance / 1000.0,
                    n: i64::try_from(driver.n).unwrap_or(i64::MAX),
                })
                .collect();
        }
        Err(drivers::Refused::Weak { r_squared }) => {
            answer.r_squared = Some(r_squared);
            "explains_too_little".clone_into(&mut answer.refused);
        }
        Err(_) => "too_few_answers".clone_into(&mut answer.refused),
    }
    Ok(answer)
}
