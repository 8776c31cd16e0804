//! What should we do next for a customer, and why.
//!
//! What must stay true:
//!
//! - A decision is a pure function of its [`decide::Inputs`], the policy and the model snapshot that they name, and what the
//!   rules say of the stored facts. No clock, no randomness, no order of a catalogue goes into it: the same inputs end in
//!   the same bytes, for ever.
//! - Everything that is known of past offers is a set: unions of it commute, so merges of customers unite what was shown
//!   to them, and an undo, which folds the sets of the parts again, parts it.
//! - The probability that is logged with a choice is the one that it was drawn with, not an estimate of it.
//! - Nothing here widens a consent, and no score outweighs a gate: gates come first and are yes or no.
//!
//! The path of a decision: [`gates`] in their order, [`arbitration`] of those that pass, [`exploration`] among the best of
//! them, all put together in [`decide`]. What rules see of a
//! customer are their [`facts`]. [`holdout`] says who is decided for in another way, [`outcome`] and
//! [`attribution`] what came of it, [`learning`] what that teaches, and [`evaluation`] whether another policy would have done
//! better. What a tenant may say of its actions is its [`catalogue`]; [`matching`] counts how many customers its rules let through, and [`segments`] says who is in which.

pub mod arbitration;
pub mod attribution;
pub mod catalogue;
pub mod consent;
pub mod contact;
pub mod decide;
pub mod empathy;
pub mod evaluation;
pub mod exploration;
pub mod facts;
pub mod gates;
pub mod hashing;
pub mod holdout;
pub mod keys;
pub mod learning;
pub mod matching;
pub mod model;
pub mod outcome;
pub mod segments;
pub mod situation;
