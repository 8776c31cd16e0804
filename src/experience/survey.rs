//! Survey scales, and which answers count.
//!
//! What must stay true:
//!
//! - An answer keeps the scale it was given on, and scales are never mixed: a metric of one scale refuses the others.
//! - A response id counts once, however often it arrives.
//! - A customer who was asked twice counts as [`Repeats`] says. A customer is a profile: its merged identifiers are one.
//! - A histogram holds whole numbers, so that a population's is the sum of its profiles', in any order.

use std::collections::BTreeMap;

use super::measure::{Measure, Reporting, design_effect};
use super::number::length;

/// Survey scales, numbered as in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scale {
    /// Net promoter score, 0 to 10.
    Nps,
    /// Customer satisfaction, 1 to 5.
    Csat5,
    /// Customer satisfaction, 1 to 7.
    Csat7,
    /// Customer satisfaction, 1 to 10.
    Csat10,
    /// Customer effort 2.0: agreement that it was easy, 1 to 7.
    Ces7,
    /// Customer effort 1.0: effort needed, 1 to 5; high is bad.
    Ces5,
    /// Stars, 1 to 5.
    Stars5,
}

/// Why answers do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The metric is defined on other scales.
    #[error("{0:?} is not a scale of this metric")]
    Scale(Scale),
    /// The answer lies outside its scale.
    #[error("{value} is outside the scale {scale:?}")]
    Range {
        /// The scale it was given on.
        scale: Scale,
        /// The answer.
        value: i32,
    },
    /// The histogram has not one count for each value of its scale.
    #[error("{got} counts for the {expected} values of the scale")]
    Length {
        /// Values on the scale.
        expected: usize,
        /// Counts given.
        got: usize,
    },
    /// The counts add up to more than 64 bits hold.
    #[error("more answers than can be counted")]
    Overflow,
}

impl Scale {
    /// All of them, by number.
    pub const ALL: [Self; 7] = [
        Self::Nps,
        Self::Csat5,
        Self::Csat7,
        Self::Csat10,
        Self::Ces7,
        Self::Ces5,
        Self::Stars5,
    ];

    /// The scale of a number of the API, 1 to 7.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        Self::ALL.get(index).copied()
    }

    /// Its number in the API, 1 to 7.
    #[must_use]
    pub fn number(self) -> i32 {
        let place = Self::ALL.iter().position(|one| *one == self);
        place
            .and_then(|n| i32::try_from(n + 1).ok())
            .unwrap_or_default()
    }

    /// Lowest and highest answer.
    #[must_use]
    pub const fn bounds(self) -> (u8, u8) {
        match self {
            Self::Nps => (0, 10),
            Self::Csat5 | Self::Ces5 | Self::Stars5 => (1, 5),
            Self::Csat7 | Self::Ces7 => (1, 7),
            Self::Csat10 => (1, 10),
        }
    }

    /// How many values the scale has, the length of its histograms.
    #[must_use]
    pub fn values(self) -> usize {
        let (low, high) = self.bounds();
        usize::from(high - low) + 1
    }

    /// Where an answer is counted in a histogram of this scale.
    ///
    /// # Errors
    /// The answer lies outside the scale.
    pub fn place(self, value: i32) -> Result<usize, Refused> {
        let (low, high) = self.bounds();
        let refused = Refused::Range { scale: self, value };
        if value > i32::from(high) {
            return Err(refused);
        }
        usize::try_from(value - i32::from(low)).map_err(|_| refused)
    }

    /// The number of answers in a histogram of this scale.
    ///
    /// # Errors
    /// It has not one count for each value, or holds more answers than can be counted.
    pub fn answers(self, counts: &[u64]) -> Result<u64, Refused> {
        let expected = self.values();
        if counts.len() != expected {
            let got = counts.len();
            return Err(Refused::Length { expected, got });
        }
        counts
            .iter()
            .try_fold(0_u64, |sum, &count| sum.checked_add(count))
            .ok_or(Refused::Overflow)
    }
}

/// Which answers of a customer who was asked more than once in a window count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeats {
    /// The latest.
    #[default]
    Latest,
    /// All of them; see [`Counted::design_effect`].
    All,
}

/// One answer to one question on a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Answer {
    /// When it was given, microseconds since 1970.
    pub at: i64,
    /// The response's id, which never counts twice.
    pub response: u128,
    /// The customer's profile, after merges.
    pub customer: u128,
    /// The answer.
    pub value: i32,
}

/// The answers of one scale that count.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    /// How often each value was given, from the lowest of the scale up.
    pub counts: Vec<u64>,
    /// How many answers are worth one independent answer, 1 or more.
    pub design_effect: f64,
}

/// Counts answers of one scale; their order and repetitions do not matter. Of two answers with one response id the later
/// counts, of two at one time the one with the greater ids.
///
/// # Errors
/// An answer lies outside the scale.
pub fn count(scale: Scale, answers: &[Answer], repeats: Repeats) -> Result<Counted, Refused> {
    let mut responses: BTreeMap<u128, Answer> = BTreeMap::new();
    for &answer in answers {
        scale.place(answer.value)?;
        let kept = responses.entry(answer.response).or_insert(answer);
        *kept = answer.max(*kept);
    }
    let mut customers: BTreeMap<u128, Vec<Answer>> = BTreeMap::new();
    for answer in responses.into_values() {
        customers.entry(answer.customer).or_default().push(answer);
    }
    let mut counts = vec![0; scale.values()];
    let mut answered = Vec::with_capacity(customers.len());
    for mut given in customers.into_values() {
        if repeats == Repeats::Latest {
            given.sort_unstable();
            given.drain(..given.len() - 1);
        }
        answered.push(length(&given));
        for answer in given {
            counts[scale.place(answer.value)?] += 1;
        }
    }
    Ok(Counted {
        counts,
        design_effect: design_effect(&answered),
    })
}

/// The sum of two histograms of one scale.
///
/// # Errors
/// A histogram does not fit the scale, or the sum is too large.
pub fn plus(scale: Scale, one: &[u64], other: &[u64]) -> Result<Vec<u64>, Refused> {
    scale.answers(one)?;
    scale.answers(other)?;
    let sum: Option<Vec<u64>> = one
        .iter()
        .zip(other)
        .map(|(a, b)| a.checked_add(*b))
        .collect();
    sum.ok_or(Refused::Overflow)
}

/// The mean answer on any one scale, in its own units, with a normal interval cut at the scale's ends.
///
/// # Errors
/// The histogram does not fit the scale.
pub fn mean(
    scale: Scale,
    counts: &[u64],
    reporting: &Reporting,
    definition: u32,
) -> Result<Measure, Refused> {
    scale.answers(counts)?;
    let (low, high) = scale.bounds();
    let values = (low..=high).map(f64::from).zip(counts.iter().copied());
    Ok(reporting.mean(values, (f64::from(low), f64::from(high)), definition))
}

#[cfg(test)]
mod tests;
