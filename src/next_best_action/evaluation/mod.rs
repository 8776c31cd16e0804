//! Is what we do next any good, and would something else be better?
//!
//! What must stay true:
//!
//! - Everything is a pure function of logged rows and a seed: no clock, no store, no randomness. Rows in any order give the same
//!   figures, bit for bit: what is added up is whole numbers, or is added up in the order (day, decision id).
//! - Memory is bounded, whatever comes: sums, or at most [`log::CAP`] rows, chosen by a hash of the profile.
//! - A figure comes with its interval and what it rests on; where that is too little there is no figure but a reason.
//! - Profiles are what is drawn at random, so intervals are clustered by profile.
//!
//! | file | what is in it |
//! |---|---|
//! | `logbook`, `log` | logged rows: checked, bounded, sorted |
//! | `policy` | policies to be judged: greedy, uniform, mixtures, any function |
//! | `replayed` | rows from stored decisions, with what another policy would have done |
//! | `reward` | the reward model q, cross-fitted by profile |
//! | `estimators` | IPW, SNIPW, DM and DR with their intervals |
//! | `bootstrap` | those intervals |
//! | `report` | the report, or every reason why there is none |
//! | `decides` | whether the contextual model wins for an action |
//! | `lift` | policy against holdout and uniform group |
//! | `calibration` | observed over expected, reliability, Brier score |
//! | `drift` | Page-Hinkley on residuals, and how much to widen |
//! | `stats` | what was shown and what came of it, by day and channel |

pub mod bootstrap;
pub mod calibration;
pub mod decides;
pub mod drift;
pub mod estimators;
pub mod lift;
pub mod log;
mod logbook;
mod number;
pub mod policy;
mod random;
pub mod replayed;
pub mod report;
pub mod reward;
#[cfg(test)]
mod scene;
pub mod stats;
