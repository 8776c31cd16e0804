//! Who the people truly are: what a look-up should find, and what it should not join.

use serde::Serialize;

/// What an identifier is to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Theirs alone.
    Own,
    /// Used by others of the household too.
    Shared,
    /// Theirs, mistyped. Nobody has it.
    Slip,
}

/// An identifier of a person, in the form in which the service compares it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identifier {
    /// Where it is unique.
    pub namespace: &'static str,
    /// Its value.
    pub value: String,
    /// What it is to them.
    pub standing: Standing,
    /// Numbers of the others who use it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub with: Vec<u64>,
}

/// A person. One line of `truth.ndjson`, with its fields in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Truth {
    /// An opaque number, from 0.
    pub person: u64,
    /// The number of the household.
    pub household: u64,
    /// The name as they write it.
    pub name: String,
    /// Its reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_kana: Option<String>,
    /// Language and country.
    pub locale: &'static str,
    /// Numbers of the customer register that are this one person.
    pub customer_ids: Vec<String>,
    /// Everything that may identify them in an interaction.
    pub identifiers: Vec<Identifier>,
    /// How many interactions are theirs, without repeats.
    pub interactions: u64,
}

/// A value that stands for nobody, although it is given as an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Garbage {
    /// Where it is given.
    pub namespace: &'static str,
    /// Its value.
    pub value: &'static str,
    /// Whether the service knows it as a value that stands for nobody. The other one joins whoever gave it.
    pub blocked: bool,
}

/// All values that stand for nobody.
#[must_use]
pub fn garbage() -> Vec<Garbage> {
    let of = |(namespace, value), blocked| Garbage {
        namespace,
        value,
        blocked,
    };
    let blocked = super::contacts::NOBODY.into_iter();
    let mut all: Vec<Garbage> = blocked.map(|pair| of(pair, true)).collect();
    all.push(of(super::contacts::ANYBODY, false));
    all
}
