//! A block of people: their lives side by side, in the order in which the interactions arrive.

use super::{
    Arguments, DAY,
    life::{self, Event},
    people,
    random::Random,
    truth::Truth,
};
use crate::{clock::Micros, proto::v1::Interaction};

const WEIGHTS: u64 = 40;
const REPEATS: u64 = 41;

/// The fewest interactions of a person, where there are enough.
const FEWEST: u64 = 3;

/// An interaction as it arrives.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The interaction.
    pub interaction: Interaction,
    /// The number of the person.
    pub person: u64,
    /// When it arrives, which no interaction says.
    pub at: Micros,
    /// Whether it has arrived before, byte for byte.
    pub repeat: bool,
}

/// People with their interactions.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its number, from 0.
    pub number: u64,
    /// In order of arrival.
    pub arrivals: Vec<Arrival>,
    /// In order of their numbers.
    pub truth: Vec<Truth>,
}

impl Block {
    /// The block of `count` people from the number `first`.
    pub(super) fn make(arguments: &Arguments, number: u64, first: u64, count: u64) -> Self {
        let people = people::people(arguments.seed, number, first, count);
        let shares = shares(arguments, number, count);
        let mut repeats = Random::of(arguments.seed, REPEATS, number);
        let mut arrivals = Vec::new();
        let mut truth = Vec::with_capacity(people.len());
        for (person, wanted) in people.iter().zip(shares) {
            let events = life::live(arguments, person, wanted);
            truth.push(person.truth(u64::try_from(events.len()).unwrap_or_default()));
            for event in events {
                arrive(&mut arrivals, &mut repeats, person.number, event);
            }
        }
        // Stable, so what arrives at once stays in the order of people and of time.
        arrivals.sort_by_key(|arrival| arrival.at.0);
        Self {
            number,
            arrivals,
            truth,
        }
    }
}

/// A few arrive twice: sent again within seconds because an answer was lost, or days later by an export.
fn arrive(arrivals: &mut Vec<Arrival>, repeats: &mut Random, person: u64, event: Event) {
    let first = Arrival {
        interaction: event.interaction,
        person,
        at: Micros(event.arrives),
        repeat: false,
    };
    let later = match repeats.below(1_000) {
        0..=3 => Some(repeats.between(1, 40) * Micros::SECOND),
        4 | 5 => Some(repeats.between(1, 7) * DAY),
        _ => None,
    };
    if let Some(later) = later {
        arrivals.push(Arrival {
            at: Micros(first.at.0 + later),
            repeat: true,
            ..first.clone()
        });
    }
    arrivals.push(first);
}

/// How many interactions each has: few have many. The sum is exact.
fn shares(arguments: &Arguments, number: u64, count: u64) -> Vec<u64> {
    let mut random = Random::of(arguments.seed, WEIGHTS, number);
    let weights: Vec<u64> = (0..count)
        .map(|_| {
            let (low, high) = match random.below(1_000) {
                0..500 => (4, 14),
                500..800 => (10, 25),
                800..950 => (25, 60),
                950..995 => (60, 150),
                _ => (150, 400),
            };
            u64::try_from(random.between(low, high)).unwrap_or(1)
        })
        .collect();
    let total: u64 = weights.iter().sum();
    let to_share = count * (arguments.per_customer - FEWEST);
    let mut given = 0;
    let mut sum = 0;
    let shares = weights.iter().map(|weight| {
        // Cut at the running sum, so nothing is lost to rounding.
        sum += weight;
        let until = to_share * sum / total;
        let share = until - given;
        given = until;
        FEWEST + share
    });
    shares.collect()
}
