//! The profile algebra: states of identities and profiles, as a pure function of interactions.
//!
//! What must stay true:
//!
//! - `⊕` ([`State::merge`]) is exact, commutative and associative over states of disjoint sets of interactions, and
//!   `fold(A ⊎ B) = fold(A) ⊕ fold(B)`. So a state holds counts, integers, sets and maxima with total tie-breaks, never a
//!   float and never the order of arrival. [`fold`] is defined through `⊕`, so there is only one place to get this wrong.
//! - Ties fall by (occurred-at, interaction id): the [`stamp`]. Consent ties fall to the denial first.
//! - Equal states have equal bytes ([`encoding`]): every list is sorted by its key and holds each key once. The digest
//!   rests on it.
//! - What is averaged, decayed or chosen (survivorship) is computed when a profile is read; a change of rule rewrites
//!   nothing.
//!
//! Everything here is pure.

pub mod complaints;
pub mod contacts;
pub mod digest;
pub mod encoding;
pub mod feelings;
pub mod fold;
#[cfg(test)]
pub(crate) mod laws;
mod merge;
pub mod model;
pub mod offers;
mod sorted;
pub mod stamp;
mod stated;
pub mod subjects;
pub mod survivorship;
pub mod trait_value;
pub mod view;

pub use fold::Fact;
pub use model::{State, SubjectsBeside};
