//! Reading figures: the metrics of a stretch of periods.
//!
//! What must stay true: a figure without a value says why ([`Absent`]), and none has a value that is bound to change because
//! its period is still being counted.

mod drivers;
mod orders;
mod surveys;

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::model;
use crate::{
    calendar::{Day, Zone},
    clock::Micros,
    error::Error,
    experience::{
        Measure, Reporting,
        contribution::{Cell, Grain, Group},
        retention::{self, Cohort},
        survey::Scale,
    },
    ids::TenantId,
    proto::v1::{ExperienceMetric, KeyDrivers, MetricBreakdown},
    storage::figures,
};

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

impl Asked {
    /// From the begin of the first period to the end of the last.
    #[must_use]
    pub fn within(&self, zone: Zone) -> (Micros, Micros) {
        let (first, last) = (self.periods.first(), self.periods.last());
        let begin = first.map_or(Micros(0), |first| zone.begin(*first));
        let end = last.map_or(begin, |last| zone.begin(self.grain.later(*last, 1)));
        (begin, end)
    }
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
    /// The day of the model of purchases, if there is one.
    pub modelled_on: Option<Micros>,
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
        sums.show(asked, (zone, counted_to), *period, &mut metrics);
    }
    let modelled = model::read(connection, tenant).await?;
    if let Some(stored) = &modelled {
        metrics.extend(orders::of_model(stored, asked.horizon));
    }
    metrics.sort_by(|a, b| {
        let begin = |one: &ExperienceMetric| one.begin.map(|at| at.seconds);
        (&a.name, begin(a), &a.group).cmp(&(&b.name, begin(b), &b.group))
    });
    let drivers = match asked.outcome {
        Some(outcome) => {
            let within = asked.within(zone);
            Some(drivers::of(connection, tenant, outcome, within).await?)
        }
        None => None,
    };
    Ok(Figures {
        metrics,
        drivers,
        counted_to,
        modelled_on: modelled.map(|stored| zone.begin(Day(stored.day))),
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
        // Where all answers count, these say how many customers they are of.
        let latest = |day| Cell::Latest(scale, asked.grain, day, Group::All).name();
        ranges.push((latest(first), latest(end)));
        if asked.policy == Policy::All {
            let answers = |day| Cell::Answers(scale, day, Group::All).name();
            ranges.push((answers(first), answers(end)));
        }
    }
    ranges
}

/// The answers that count.
#[derive(Default)]
struct Answers {
    /// How many of each value.
    histogram: Vec<u64>,
    /// Sum of the squares of the numbers that each customer gave; 0 where one of each counts.
    squares: u64,
}

/// Sums by period.
#[derive(Default)]
struct Sums {
    answers: BTreeMap<(Scale, Day, Group), Answers>,
    felt: BTreeMap<(Day, Group), Vec<i64>>,
    active: BTreeMap<Day, (u64, u64)>,
    orders: BTreeMap<Day, i64>,
}

fn counts(numbers: &[i64]) -> Vec<u64> {
    let count = |number: &i64| u64::try_from(*number).unwrap_or_default();
    numbers.iter().map(count).collect()
}

impl Answers {
    /// Adds a histogram; what comes after it is something else.
    fn add(&mut self, scale: Scale, numbers: &[u64]) {
        self.histogram.resize(scale.values(), 0);
        for (sum, more) in self.histogram.iter_mut().zip(numbers) {
            *sum += more;
        }
    }
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
            Cell::Answers(scale, day, group) if wanted(&group) => {
                let key = (scale, asked.grain.begin(day), group);
                let answers = self.answers.entry(key).or_default();
                answers.add(scale, &counts(numbers));
            }
            Cell::Latest(scale, _, day, group) if wanted(&group) => {
                let answers = self.answers.entry((scale, day, group)).or_default();
                let numbers = counts(numbers);
                match asked.policy {
                    Policy::Latest => answers.add(scale, &numbers),
                    Policy::All => {
                        answers.squares += numbers.get(scale.values()).copied().unwrap_or_default();
                    }
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

    /// The metrics of a period, of which all that was committed before `counted_to` is counted.
    fn show(
        &self,
        asked: &Asked,
        (zone, counted_to): (Zone, Micros),
        period: Day,
        out: &mut Vec<ExperienceMetric>,
    ) {
        let end = asked.grain.later(period, 1);
        let over = zone.begin(end) <= counted_to;
        let placed = |metric: ExperienceMetric, group: &Group| ExperienceMetric {
            begin: Some(zone.begin(period).to_proto()),
            end: Some(zone.begin(end).to_proto()),
            group: match group {
                Group::All => String::new(),
                Group::Department(name) | Group::Channel(name) => name.clone(),
            },
            ..metric
        };
        let mut put = |name: &str, unit: &str, group: &Group, measure: &Measure| {
            out.push(placed(metric(name, unit, measure), group));
        };
        for ((scale, _, group), answers) in self.answers.iter().filter(|(k, _)| k.1 == period) {
            for (name, unit, measure) in surveys::figures(*scale, answers) {
                put(name, unit, group, &measure);
            }
        }
        for ((_, group), sums) in self.felt.iter().filter(|(k, _)| k.0 == period) {
            put("sentiment", "mean", group, &surveys::sentiment(sums));
        }
        let before = asked.grain.begin(Day(period.0 - 1));
        let started = self.active.get(&before).map_or(0, |(active, _)| *active);
        let (active, stayed) = self.active.get(&period).copied().unwrap_or_default();
        let reporting = Reporting::default();
        let count = |n: u64| reporting.measure(n, retention::DEFINITION, |_| (real(n), None));
        put("active_customers", "count", &Group::All, &count(active));
        let orders = self.orders.get(&period).copied().unwrap_or_default();
        let each = reporting.measure(active, retention::DEFINITION, |_| {
            (real(orders.unsigned_abs()) / real(active), None)
        });
        put("orders_per_customer", "mean", &Group::All, &each);
        if let Ok(cohort) = Cohort::new(started, stayed) {
            let kept = of_cohort(cohort, asked.grain, over);
            out.extend(kept.into_iter().map(|kept| placed(kept, &Group::All)));
        }
    }
}

/// Who stayed and who left. As long as a period is not over whoever has not come back still may.
fn of_cohort(cohort: Cohort, grain: Grain, over: bool) -> Vec<ExperienceMetric> {
    let reporting = Reporting::default();
    let churn = cohort.churn(&reporting);
    let mut figures = vec![
        ("retention", cohort.retention(&reporting)),
        ("churn", churn),
    ];
    if grain == Grain::Month {
        figures.push(("churn_annual", retention::annual(churn)));
    }
    let shown = |(name, measure): (&str, Measure)| {
        let shown = metric(name, "share", &measure);
        if over {
            shown
        } else {
            without(shown, Absent::NotOver)
        }
    };
    figures.into_iter().map(shown).collect()
}

/// Why a figure has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absent {
    /// There is nothing to count.
    Nothing,
    /// It would be made of fewer than the floor.
    TooFew,
    /// The period is not over, or not yet counted to its end.
    NotOver,
}

impl Absent {
    /// Its name in the API.
    const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing_to_count",
            Self::TooFew => "too_few",
            Self::NotOver => "not_over",
        }
    }
}

/// The figure without its value.
fn without(metric: ExperienceMetric, why: Absent) -> ExperienceMetric {
    ExperienceMetric {
        value: None,
        low: None,
        high: None,
        withheld: why == Absent::TooFew,
        absent: why.name().to_owned(),
        ..metric
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and amounts are far below 2^53"
)]
fn real(count: u64) -> f64 {
    count as f64
}

fn signed(sum: i64) -> f64 {
    let magnitude = real(sum.unsigned_abs());
    if sum < 0 { -magnitude } else { magnitude }
}

fn metric(name: &str, unit: &str, measure: &Measure) -> ExperienceMetric {
    let metric = ExperienceMetric {
        name: name.to_owned(),
        value: measure.value,
        n: i64::try_from(measure.n).unwrap_or(i64::MAX),
        effective_n: measure.effective_n,
        low: measure.interval.map(|(low, _)| low),
        high: measure.interval.map(|(_, high)| high),
        definition: measure.definition,
        unit: unit.to_owned(),
        ..ExperienceMetric::default()
    };
    match (measure.value, measure.n) {
        (Some(_), _) => metric,
        (None, 0) => without(metric, Absent::Nothing),
        (None, _) => without(metric, Absent::TooFew),
    }
}

#[cfg(test)]
mod tests;
