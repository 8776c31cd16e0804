//! Fuzzy suggestions: which profiles look as if they were one person's, how likely, and why.
//!
//! What must stay true:
//!
//! - Nothing here joins anything. A suggestion is for a steward, who accepts it (a merge) or rejects it (a separation);
//!   the partition is made by links and decisions alone.
//! - Candidates are found by [`blocking_keys`] and never by comparing everybody with everybody, so the work grows with
//!   the number of profiles and not with its square.
//! - A score comes with its reasons, and reasons hold no personal data.
//! - What is compared is folded first ([`fold`], [`sound`]), and every folding is idempotent. A change of folding changes
//!   blocking keys, so stored ones have to be made anew.
//!
//! Unlike an identity key none of this decides anything, so it may be changed and improved.
//!
//! The caller leaves out pairs that a steward has separated, and pairs that a rule keeps apart (two numbers of a register
//! that gives each customer one): neither is known here.

mod address;
mod birth;
mod blocking;
mod email;
mod fold;
#[cfg(test)]
mod laws;
mod level;
mod likeness;
mod name;
mod score;
mod slips;
mod sound;
mod weights;

pub use blocking::{BLOCK_LIMIT, MOST_KEYS, blocking_keys, stored_keys};
pub use fold::fold;
pub use level::{Field, Level};
pub use likeness::Likeness;
pub use score::{DEFAULT_THRESHOLD, Reason, Score, compare};
pub use slips::slips;
pub use sound::sound;
