//! Identity resolution: which identifiers are one person.
//!
//! What must stay true:
//!
//! - The key of an identifier is a keyed hash of (tenant, namespace, normalised value), so anyone who holds the secret can
//!   compute it without a look-up. A change of normaliser is a new namespace, because stored keys cannot follow.
//! - The anchor of an interaction is its highest-ranking usable identifier, by (anchor rank, normalised value). It is
//!   stored with the interaction; ranks never change, so every instance, retry and replay finds the same one.
//! - An interaction links its anchor to each of its other identifiers. The partition is what [`resolve`] makes of links,
//!   operators' decisions and rules, whatever order they came in; joining moves identifiers between sets and rewrites no
//!   history.
//! - A profile's home is its strongest oldest identifier ([`home`]); when sets change, ids follow homes.
//!
//! Everything here is pure; transactions that apply it are in `ingest`.

pub mod blocked;
pub mod components;
pub mod fast;
pub mod home;
pub mod key;
#[cfg(test)]
mod laws;
pub mod link;
pub mod makeup;
pub mod members;
pub mod model;
pub mod namespace;
pub mod normalise;
pub mod population;
pub mod resolve;
pub mod rules;
pub mod settle;
pub mod standing;
pub mod succession;
pub mod suggest;
pub mod whole;

pub use home::Home;
pub use key::HashSecret;
pub use link::Link;
pub use makeup::{Makeup, Refusal, Side, Weight};
pub use members::Members;
pub use model::{Keyed, Normalised, Unusable};
pub use normalise::Region;
pub use rules::Rules;
pub use standing::{Neighbours, Standing};
