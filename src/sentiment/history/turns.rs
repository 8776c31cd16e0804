//! Where the feeling turned: two-sided CUSUM over daily means.
//!
//! Each day's mean is compared with the mean and the deviation of the days that had feelings within the 90 days before it,
//! `z = (x - m)/s`; with less than 8 of them nothing is said. `up = max(0, up + z - 0.5)`, `down = max(0, down - z - 0.5)`;
//! an alarm is raised at 5. After it all begins anew, and only days since the turn began are compared with.

use super::Dated;
use crate::{
    calendar::{Day, Zone},
    proto::v1::ChangePoint,
};

/// Days that a day is compared with, back from it.
const DAYS: i32 = 90;

/// Of which so many at least have feelings.
const LEAST: usize = 8;

const SLACK: f64 = 0.5;
const ALARM: f64 = 5.0;

/// A deviation is at least this: what differs by less is not told apart by whoever judges.
const LEAST_DEVIATION: f64 = 0.1;

/// A turn of the feeling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    /// The day of the alarm.
    pub day: Day,
    /// The day on which the turn began.
    pub began: Day,
    /// For the worse, or for the better.
    pub worse: bool,
    /// Mean of the daily means within the 90 days before the turn began, -1 to 1.
    pub before: f64,
    /// Mean of the daily means since, up to the alarm, -1 to 1.
    pub after: f64,
}

impl Turn {
    /// As the protocol shows it.
    #[must_use]
    pub fn shown(&self, zone: Zone) -> ChangePoint {
        ChangePoint {
            at: Some(zone.begin(self.day).to_proto()),
            worse: self.worse,
            before: self.before,
            after: self.after,
        }
    }
}

/// A sum that rises while the feeling is off to one side, and where it began to.
#[derive(Clone, Copy, Default)]
struct Side {
    sum: f64,
    began: usize,
}

impl Side {
    fn add(&mut self, at: usize, z: f64) {
        if self.sum <= 0.0 {
            self.began = at;
        }
        self.sum = (self.sum + z - SLACK).max(0.0);
    }
}

/// The turns of a series in the order of days. Months say nothing of days and are left out.
#[must_use]
pub fn turns(series: &[Dated]) -> Vec<Turn> {
    let days = series.iter().filter(|dated| !dated.month);
    let days: Vec<(Day, f64)> = days
        .filter_map(|dated| Some((dated.day, dated.sums.mean()?)))
        .collect();
    let mut turns = Vec::new();
    let (mut worse, mut better) = (Side::default(), Side::default());
    // The first day that may be compared with.
    let mut first = 0;
    for (at, (day, mean)) in days.iter().enumerate() {
        let Some((usual, deviation)) = usual(&days[first..at], *day) else {
            continue;
        };
        let z = (mean - usual) / deviation;
        better.add(at, z);
        worse.add(at, -z);
        let side = if worse.sum >= better.sum {
            worse
        } else {
            better
        };
        if side.sum < ALARM {
            continue;
        }
        let began = days[side.began].0;
        let before = since(&days[first..side.began], began).map(|(_, mean)| *mean);
        turns.push(Turn {
            day: *day,
            began,
            worse: worse.sum >= better.sum,
            before: average(before),
            after: average(days[side.began..=at].iter().map(|(_, mean)| *mean)),
        });
        first = side.began;
        (worse, better) = (Side::default(), Side::default());
    }
    turns
}

/// Days within the 90 before a day.
fn since(days: &[(Day, f64)], day: Day) -> impl Iterator<Item = &(Day, f64)> + Clone {
    days.iter()
        .filter(move |(known, _)| known.0 >= day.0 - DAYS)
}

/// Mean and deviation of the daily means within the 90 days before a day, when there are enough.
fn usual(days: &[(Day, f64)], day: Day) -> Option<(f64, f64)> {
    let means = since(days, day).map(|(_, mean)| *mean);
    let count = means.clone().count();
    if count < LEAST {
        return None;
    }
    let mean = average(means.clone());
    let squares: f64 = means.map(|x| (x - mean) * (x - mean)).sum();
    let deviation = (squares / f64::from(u32::try_from(count - 1).ok()?)).sqrt();
    Some((mean, deviation.max(LEAST_DEVIATION)))
}

fn average(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = u32::try_from(values.clone().count()).unwrap_or(u32::MAX);
    if count == 0 {
        return 0.0;
    }
    values.sum::<f64>() / f64::from(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{profile::feelings::Counted, proto::v1::AnalysisMethod, sentiment::history::Sums};

    /// Every third day one feeling.
    fn story(polarities: &[i16]) -> Vec<Dated> {
        let days = polarities.iter().zip((20_000..).step_by(3));
        days.map(|(polarity, day)| Dated {
            day: Day(day),
            month: false,
            sums: Sums::one(
                Some(Counted {
                    polarity: *polarity,
                    weight: 800,
                    method: AnalysisMethod::BuiltIn,
                }),
                None,
            ),
        })
        .collect()
    }

    #[test]
    fn a_customer_whose_mood_breaks_is_noticed_once_and_when_it_mends_again() {
        let good = [500, 700, 400, 600, 550, 650, 450, 600, 500, 700, 500, 600];
        let bad = good.map(|polarity| polarity - 1_100);
        let found = turns(&story(&[good, bad, good].concat()));
        let told: Vec<(bool, i32, i32)> = found
            .iter()
            .map(|turn| (turn.worse, turn.began.0, turn.day.0))
            .collect();
        assert_eq!(told.len(), 2, "{found:?}");
        assert_eq!((told[0].0, told[0].1), (true, 20_036));
        assert_eq!((told[1].0, told[1].1), (false, 20_072));
        assert!((found[0].before - 0.5625).abs() < 1e-9);
        assert!(found[0].after < -0.4);
        assert!(told[0].2 <= 20_042, "{found:?}");
    }

    #[test]
    fn nothing_is_said_before_eight_days_are_known_nor_of_a_gap() {
        let few = [900, 900, 900, 900, 900, 900, 900];
        assert_eq!(turns(&story(&[&few[..], &[-900]].concat())), []);
        let mut late = story(&[&few[..], &[900, -900, -900, -900]].concat());
        for dated in late.iter_mut().skip(8) {
            dated.day.0 += 200;
        }
        assert_eq!(turns(&late), []);
    }

    #[test]
    fn a_constant_mood_never_turns_and_the_least_deviation_bounds_what_does() {
        assert_eq!(turns(&story(&[300; 40])), []);
        let small = [[300; 10], [340; 10]].concat();
        assert_eq!(turns(&story(&small)), []);
    }
}
