//! What a decision is a function of, besides the policy and the model that it names.

use rust_decimal::Decimal;

use crate::{
    calendar::{Day, Zone},
    clock::Micros,
    next_best_action::{
        consent::Word,
        contact::Offers,
        empathy::Mood,
        holdout::Pins,
        keys::{ChannelIndex, DecisionKey, PlacementKey},
        learning::features::Keys,
    },
};

/// Placements of a page at most.
pub const PLACEMENTS: usize = 8;

/// Slots of a placement at most.
pub const SLOTS: usize = 16;

/// Everything that is stored with a decision, so that it can be decided again.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    /// The decision.
    pub decision: DecisionKey,
    /// The policy's version.
    pub policy_version: u64,
    /// The snapshot of the model.
    pub model_snapshot: u64,
    /// The profile as it was read; none for a customer who is not known.
    pub profile: Option<ReadProfile>,
    /// When it is decided.
    pub at: Micros,
    /// The customer's time zone, or the tenant's; none when neither is known.
    pub zone: Option<Zone>,
    /// The tenant's time zone: that of the days of rules.
    pub calendar: Zone,
    /// What is asked for, in the order of the page; at most [`PLACEMENTS`].
    pub placements: Vec<Wanted>,
    /// Attributes of the profile and of the context that rules and models use.
    pub facts: Vec<Fact>,
    /// What level 2 looks at, on no channel; absent from decisions of releases that had none, which knew neither level 2 nor that
    /// something may be in doubt.
    pub situation: Option<Keys>,
    /// Words about consent.
    pub consents: Vec<Word>,
    /// How the customer feels.
    pub mood: Mood,
    /// What became of past offers.
    pub offers: Offers,
    /// Groups that the profile has been given.
    pub pins: Pins,
    /// Whether nothing may come of it.
    pub dry_run: bool,
    /// Whether all gates are to be given of each action; it changes no choice.
    pub explain: bool,
}

/// A profile as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadProfile {
    /// The bits of its UUID.
    pub id: u128,
    /// Its version.
    pub version: u64,
}

/// A placement that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The placement.
    pub placement: PlacementKey,
    /// Its channel.
    pub channel: ChannelIndex,
    /// How many actions, at most [`SLOTS`].
    pub count: u8,
    /// A hash of the address that will be used, where that is known.
    pub address: Option<u64>,
}

/// An attribute that is known. One that is missing is not in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// Which attribute, by its place among those that the rules of the policy version ask for.
    pub attribute: u32,
    /// Its value.
    pub value: Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// A decimal number.
    Number(Decimal),
    /// A day.
    Date(Day),
    /// A text.
    Text(String),
    /// A time.
    Time(Micros),
    /// Texts.
    Texts(Vec<String>),
}
