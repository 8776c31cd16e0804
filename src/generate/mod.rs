//! A made-up retailer: people, what they do, and who they truly are. Pure.
//!
//! What must stay true:
//!
//! - **The same arguments give the same bytes**, on every machine and in every run of one release: whole numbers only, one
//!   stream of numbers for each person, nothing that depends on a clock, a thread or the order of a hash map.
//! - **Memory does not grow with the number of customers**: they are made in blocks, and nothing crosses blocks but
//!   numbers that are unique by construction (`random::scrambled`).
//! - **Every identifier in an interaction is in the truth**: a person's own, shared, a slip of the pen, or garbage that
//!   stands for nobody.
//! - Every interaction passes the checks of the service, and is written as the protocol's JSON says.
//!
//! | module | what is in it |
//! |---|---|
//! | `random` | numbers from a seed |
//! | `catalogue`, `texts` | products, names, places and what people say, from `data/` |
//! | `contacts`, `people` | identifiers and how they are written; persons and households |
//! | `desks`, `parts` | the systems that report; parts of interactions |
//! | `life`, `shopping`, `service`, `contact_points` | what a person lives through |
//! | [`block`], [`truth`], [`json`] | what comes out |
//! | [`showcase`] | a customer to show |
//!
//! `docs/generate.md` is what a user reads.

pub mod block;
mod catalogue;
mod contact_points;
mod contacts;
mod desks;
pub mod json;
mod life;
mod parts;
mod people;
mod random;
mod service;
mod shopping;
pub mod showcase;
#[cfg(test)]
mod tests;
mod texts;
pub mod truth;

use chrono::NaiveDate;

use crate::clock::Micros;

/// The version of what is made. Another number means that the same arguments give other bytes.
pub const FORMAT: u32 = 1;

/// The fewest customers.
pub const FEWEST: u64 = 100;
/// The most customers: numbers are unique up to here.
pub const MOST: u64 = 1_000_000;
/// The most interactions that a customer has on average.
pub const MOST_EACH: u64 = 100;

/// People in a block at most, and interactions of a block about.
const BLOCK: u64 = 500;
const BLOCK_INTERACTIONS: u64 = 10_000;

/// What is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arguments {
    /// How many people.
    pub customers: u64,
    /// Another seed gives other people.
    pub seed: u64,
    /// Interactions per customer, on average; repeats come on top.
    pub per_customer: u64,
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
}

impl Arguments {
    /// With the default days: two years up to a fixed one, so that nothing depends on today.
    #[must_use]
    pub fn new(customers: u64, seed: u64) -> Self {
        Self {
            customers,
            seed,
            per_customer: 20,
            from: date(2024, 11, 1),
            to: date(2026, 10, 31),
        }
    }

    /// What is wrong with them, if anything.
    #[must_use]
    pub fn mistake(&self) -> Option<&'static str> {
        if !(FEWEST..=MOST).contains(&self.customers) {
            return Some("customers must be 100 to 1,000,000");
        }
        if !(5..=MOST_EACH).contains(&self.per_customer) {
            return Some("interactions per customer must be 5 to 100");
        }
        if self.from < date(1970, 1, 2) || self.to > date(2100, 1, 1) {
            return Some("days must be from 1970-01-02 to 2100-01-01");
        }
        if (self.to - self.from).num_days() < 60 {
            return Some("there must be 60 days or more between the first and the last day");
        }
        None
    }

    /// Interactions in all, without repeats.
    #[must_use]
    pub fn interactions(&self) -> u64 {
        self.customers * self.per_customer
    }

    /// How many blocks there are.
    #[must_use]
    pub fn block_count(&self) -> u64 {
        self.customers.div_ceil(self.block_size())
    }

    /// One of the blocks, made without those before it.
    #[must_use]
    pub fn block(&self, number: u64) -> block::Block {
        let size = self.block_size();
        let first = (number * size).min(self.customers);
        block::Block::make(self, number, first, size.min(self.customers - first))
    }

    /// The blocks, in the order of the file.
    pub fn blocks(&self) -> impl Iterator<Item = block::Block> + use<> {
        let arguments = *self;
        (0..self.block_count()).map(move |number| arguments.block(number))
    }

    fn block_size(&self) -> u64 {
        BLOCK.min(BLOCK_INTERACTIONS / self.per_customer)
    }

    /// Midnight of the first day.
    fn start(&self) -> i64 {
        midnight(self.from)
    }

    /// The end of the last day.
    fn end(&self) -> i64 {
        midnight(self.to) + DAY
    }

    fn days(&self) -> i64 {
        (self.to - self.from).num_days()
    }
}

/// Microseconds.
const MINUTE: i64 = 60 * Micros::SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn midnight(date: NaiveDate) -> i64 {
    date.signed_duration_since(NaiveDate::default()).num_days() * DAY
}

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}
