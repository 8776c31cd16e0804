//! What one profile adds to the figures of its tenant.
//!
//! What must stay true:
//!
//! - A contribution is a pure function of the profile's state, so a change of the profile changes the figures by the new
//!   one less the old one, and figures are the sum of the contributions whatever the order. No clock: what depends on the
//!   time of reading is computed from sums then.
//! - A customer who answered several times in a period is counted once where only the latest answer counts, however many
//!   profiles they had before: that is why the periods are here and not put together from months.
//! - Sums that add up over months are kept by month alone.

mod stored;

use std::collections::{BTreeMap, BTreeSet};

use super::{idle, rfm::in_one_currency, survey::Scale};
use crate::{
    calendar::Day,
    clock::Micros,
    profile::stamp::{Stamp, Stamped as _},
    proto::state::v1::{Feelings, Order, State, Survey, SurveyMonth},
};

/// Widths of periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grain {
    /// A calendar month.
    Month,
    /// A calendar quarter.
    Quarter,
    /// A calendar year.
    Year,
}

impl Grain {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Month, Self::Quarter, Self::Year];

    /// The first day of the period that holds a day.
    #[must_use]
    pub fn begin(self, day: Day) -> Day {
        match self {
            Self::Month => day.month(),
            Self::Quarter => day.quarter(),
            Self::Year => day.year(),
        }
    }

    /// The first day of the period so many later.
    #[must_use]
    pub fn later(self, day: Day, periods: u32) -> Day {
        self.begin(day).months_later(self.months() * periods)
    }

    fn letter(self) -> char {
        match self {
            Self::Month => 'm',
            Self::Quarter => 'q',
            Self::Year => 'y',
        }
    }

    fn parse(letter: &str) -> Option<Self> {
        let named = |grain: &Self| letter.chars().eq([grain.letter()]);
        Self::ALL.into_iter().find(named)
    }

    /// How many months it has.
    #[must_use]
    pub fn months(self) -> u32 {
        match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        }
    }
}

/// Among whom something is counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Everybody.
    All,
    /// What one department dealt with.
    Department(String),
    /// What came through one channel.
    Channel(String),
}

impl Group {
    /// The groups that something of a department and a channel counts in.
    fn of(department: &str, channel: &str) -> [Self; 3] {
        [
            Self::All,
            Self::Department(department.to_owned()),
            Self::Channel(channel.to_owned()),
        ]
    }
}

impl Group {
    fn name(&self) -> String {
        match self {
            Self::All => String::new(),
            Self::Department(name) => format!("d:{name}"),
            Self::Channel(name) => format!("c:{name}"),
        }
    }

    fn parse(name: &str) -> Option<Self> {
        match name.split_once(':') {
            None => name.is_empty().then_some(Self::All),
            Some(("d", name)) => Some(Self::Department(name.to_owned())),
            Some(("c", name)) => Some(Self::Channel(name.to_owned())),
            Some(_) => None,
        }
    }
}

/// Something that is counted, as whole numbers that add up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// All answers on a scale in a month: how many of each value from the lowest up.
    Answers(Scale, Day, Group),
    /// The latest answer of each customer on a scale in a period, likewise; and after these, of the numbers of all that each
    /// gave in it, the sum of the squares, which says how far answers come in clusters.
    Latest(Scale, Grain, Day, Group),
    /// Feelings of a month: bad, neither, good, abstained, weight, weight squared, weighted, weighted squares.
    Felt(Day, Group),
    /// Customers who ordered in a period, and of them those who did in the period before.
    Active(Grain, Day),
    /// Orders of a month.
    Orders(Day),
}

impl Cell {
    /// Its name in the store. Names of one kind sort by scale, then by day.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Answers(scale, day, group) => {
                format!("a/{}/{:05}/{}", scale.number(), day.0, group.name())
            }
            Self::Latest(scale, grain, day, group) => {
                let (scale, grain) = (scale.number(), grain.letter());
                format!("l/{scale}/{grain}/{:05}/{}", day.0, group.name())
            }
            Self::Felt(day, group) => format!("f/{:05}/{}", day.0, group.name()),
            Self::Active(grain, day) => format!("c/{}/{:05}", grain.letter(), day.0),
            Self::Orders(day) => format!("o/{:05}", day.0),
        }
    }

    /// From its name; `None` when it is none that this release knows.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (kind, rest) = name.split_once('/')?;
        let day = |text: &str| text.parse().ok().map(Day);
        match kind {
            "a" => {
                let mut parts = rest.splitn(3, '/');
                let scale = Scale::from_number(parts.next()?.parse().ok()?)?;
                let at = day(parts.next()?)?;
                Some(Self::Answers(scale, at, Group::parse(parts.next()?)?))
            }
            "l" => {
                let mut parts = rest.splitn(4, '/');
                let scale = Scale::from_number(parts.next()?.parse().ok()?)?;
                let grain = Grain::parse(parts.next()?)?;
                let at = day(parts.next()?)?;
                Some(Self::Latest(scale, grain, at, Group::parse(parts.next()?)?))
            }
            "f" => {
                let (at, group) = rest.split_once('/')?;
                Some(Self::Felt(day(at)?, Group::parse(group)?))
            }
            "c" => {
                let (grain, at) = rest.split_once('/')?;
                Some(Self::Active(Grain::parse(grain)?, day(at)?))
            }
            "o" => Some(Self::Orders(day(rest)?)),
            _ => None,
        }
    }
}

/// What one profile adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contribution {
    /// Sums by what is counted; none is all zero.
    pub cells: BTreeMap<Cell, Vec<i64>>,
    /// Days on which the customer ordered; `None` when there is none.
    pub purchases: Option<Purchases>,
    /// What goes with answers: the latest answer on each scale, and the mean feeling about each topic in thousandths.
    pub drivers: Option<Drivers>,
}

/// The rhythm of a customer's orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchases {
    /// Days with orders that count, at least 1.
    pub days: u32,
    /// The first of them.
    pub first: Day,
    /// The last of them.
    pub last: Day,
    /// What the orders after the first day came to, by currency, in minor units.
    pub repeat_spend: BTreeMap<String, i64>,
    /// What all came to less what was given back, likewise.
    pub spend: BTreeMap<String, i64>,
    /// Twice the median gap between the days, in days; `None` of fewer than three days, and when an earlier release counted it.
    pub twice_median_gap: Option<u32>,
}

impl Purchases {
    /// What all came to in a currency less what was given back, in minor units; `None` of who ordered in another one.
    #[must_use]
    pub fn net_in(&self, currency: &str) -> Option<i64> {
        in_one_currency(sums(&self.spend), currency)
    }

    /// What the orders after the first day came to, likewise; 0 without such.
    #[must_use]
    pub fn repeat_spend_in(&self, currency: &str) -> Option<i64> {
        self.net_in(currency)?;
        in_one_currency(sums(&self.repeat_spend).chain([(currency, 0)]), currency)
    }
}

fn sums(amounts: &BTreeMap<String, i64>) -> impl Iterator<Item = (&str, i64)> {
    amounts
        .iter()
        .map(|(currency, minor_units)| (currency.as_str(), *minor_units))
}

/// Answers and what was spoken of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drivers {
    /// The latest answer by scale.
    pub answers: BTreeMap<Scale, Answered>,
    /// By topic: 1000 when it was never spoken of badly, -1000 when always.
    pub topics: BTreeMap<String, i32>,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// What was answered.
    pub value: i32,
    /// When; `None` when an earlier release counted it.
    pub at: Option<Micros>,
}

/// What a state adds; `orders` are its subjects.
#[must_use]
pub fn contribution(state: &State, orders: &[Order]) -> Contribution {
    let mut cells = BTreeMap::new();
    surveys(&mut cells, &state.survey_months);
    feelings(&mut cells, &state.feelings);
    let counting: Vec<&Order> = orders
        .iter()
        .filter(|order| !order.cancelled && order.placed_day.is_some())
        .collect();
    activity(&mut cells, &counting);
    Contribution {
        cells,
        purchases: purchases(state, &counting),
        drivers: drivers(state),
    }
}

/// Adds numbers to a cell.
pub fn add(cells: &mut BTreeMap<Cell, Vec<i64>>, cell: Cell, numbers: &[i64]) {
    let sums = cells.entry(cell).or_default();
    if sums.len() < numbers.len() {
        sums.resize(numbers.len(), 0);
    }
    for (sum, number) in sums.iter_mut().zip(numbers) {
        *sum = sum.wrapping_add(*number);
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The answers of a period and group: the stamp and the value of the newest, and how many there are.
type Given = (Stamp, i32, i64);

fn surveys(cells: &mut BTreeMap<Cell, Vec<i64>>, months: &[SurveyMonth]) {
    let mut given: BTreeMap<(Scale, Grain, Day, Group), Given> = BTreeMap::new();
    for entry in months {
        let Some(scale) = Scale::from_number(entry.scale) else {
            continue;
        };
        let month = Day(entry.month);
        let histogram: Vec<i64> = entry.histogram.iter().map(|n| signed(*n)).collect();
        let answers = histogram
            .iter()
            .fold(0_i64, |n, more| n.wrapping_add(*more));
        for group in Group::of(&entry.department, &entry.channel) {
            for grain in Grain::ALL {
                let key = (scale, grain, grain.begin(month), group.clone());
                let all = given.entry(key).or_insert((entry.stamp(), entry.value, 0));
                if entry.stamp() > all.0 {
                    (all.0, all.1) = (entry.stamp(), entry.value);
                }
                all.2 = all.2.wrapping_add(answers);
            }
            add(cells, Cell::Answers(scale, month, group), &histogram);
        }
    }
    for ((scale, grain, day, group), (_, value, answers)) in given {
        if let Ok(place) = scale.place(value) {
            let mut numbers = vec![0; scale.values()];
            numbers[place] = 1;
            numbers.push(answers.wrapping_mul(answers));
            add(cells, Cell::Latest(scale, grain, day, group), &numbers);
        }
    }
}

fn feelings(cells: &mut BTreeMap<Cell, Vec<i64>>, days: &[Feelings]) {
    for entry in days {
        let numbers = [
            signed(entry.negative),
            signed(entry.neutral),
            signed(entry.positive),
            signed(entry.abstained),
            signed(entry.weight),
            signed(entry.weight_squares),
            entry.weighted,
            signed(entry.weighted_squares),
        ];
        for group in Group::of(&entry.department, &entry.channel) {
            let cell = Cell::Felt(Day(entry.day).month(), group);
            add(cells, cell, &numbers);
        }
    }
}

fn activity(cells: &mut BTreeMap<Cell, Vec<i64>>, orders: &[&Order]) {
    let days = || orders.iter().filter_map(|order| order.placed_day).map(Day);
    for day in days() {
        add(cells, Cell::Orders(day.month()), &[1]);
    }
    for grain in Grain::ALL {
        let active: BTreeSet<Day> = days().map(|day| grain.begin(day)).collect();
        for period in &active {
            let before = grain.begin(Day(period.0 - 1));
            let stayed = i64::from(active.contains(&before));
            add(cells, Cell::Active(grain, *period), &[1, stayed]);
        }
    }
}

fn purchases(state: &State, orders: &[&Order]) -> Option<Purchases> {
    let days: BTreeSet<i32> = orders.iter().filter_map(|order| order.placed_day).collect();
    let (first, last) = (*days.first()?, *days.last()?);
    let numbered: Vec<i64> = days.iter().copied().map(i64::from).collect();
    let gap = idle::twice_median_gap(&numbered);
    let mut repeat_spend: BTreeMap<String, i64> = BTreeMap::new();
    let mut spend: BTreeMap<String, i64> = BTreeMap::new();
    for order in orders {
        let to = |sums: &mut BTreeMap<String, i64>| {
            let sum = sums.entry(order.currency.clone()).or_default();
            *sum = sum.wrapping_add(order.minor_units);
        };
        to(&mut spend);
        if order.placed_day != Some(first) {
            to(&mut repeat_spend);
        }
    }
    for given_back in &state.returned {
        let sum = spend.entry(given_back.currency.clone()).or_default();
        *sum = sum.wrapping_sub(given_back.minor_units);
    }
    Some(Purchases {
        days: u32::try_from(days.len()).unwrap_or(u32::MAX),
        first: Day(first),
        last: Day(last),
        repeat_spend,
        spend,
        twice_median_gap: gap.and_then(|gap| u32::try_from(gap).ok()),
    })
}

fn drivers(state: &State) -> Option<Drivers> {
    let answered = |survey: &Survey| Answered {
        value: survey.value,
        at: Some(Micros(survey.at)),
    };
    let answers: BTreeMap<Scale, Answered> = state
        .surveys
        .iter()
        .filter_map(|survey| Some((Scale::from_number(survey.scale)?, answered(survey))))
        .collect();
    let topics: BTreeMap<String, i32> = state
        .signals
        .iter()
        .filter_map(|signal| {
            let topic = signal.name.strip_prefix("topic:")?;
            let bad = signal.negative.checked_mul(2000)? / signal.count.max(1);
            Some((topic.to_owned(), 1000 - i32::try_from(bad).ok()?))
        })
        .collect();
    (!answers.is_empty()).then_some(Drivers { answers, topics })
}

#[cfg(test)]
mod tests;
