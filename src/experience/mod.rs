//! Formulas of experience and value: how customers say they feel, whether they stay, what they are worth.
//!
//! What must stay true:
//!
//! - Everything is a pure function of counts and facts: no clock, no store, no randomness. The same facts give the same
//!   figures, bit for bit on one machine.
//! - What is added up over a population is whole numbers (histograms, cohorts, equal histories, sums of products), so the
//!   population's are the exact sum of its profiles', in any order, and a change is the new minus the old.
//! - No answers make no figure: `n = 0` gives `None`, never 0; an aggregate of fewer answers than the floor is withheld.
//! - What does not belong together is never mixed: survey scales, currencies, versions of a definition.
//! - Every figure names the version of its definition (`DEFINITION` of its file), which changes with the formula.
//!
//! | file | what is in it |
//! |---|---|
//! | `measure` | the form of an answer: value, n, effective n, interval, definition; floor; Wilson's interval |
//! | `survey` | scales, and which answers count |
//! | `nps`, `csat`, `ces` | net promoter score, satisfaction, effort |
//! | `retention`, `idle` | cohorts; churn where no contract ends |
//! | `contribution` | what one profile adds to the figures of its tenant |
//! | `rfm` | recency, frequency, money by frozen cut points |
//! | `bg_nbd`, `gamma_gamma`, `value` | P(alive), expected orders, expected spend, lifetime value |
//! | `purchasing`, `customer` | a fitted model, and what one customer is worth and risks by it |
//! | `drivers` | which topics go with an outcome |
//! | `leaving` | risk of leaving, with the reasons |

pub mod bg_nbd;
pub mod ces;
pub mod contribution;
pub mod csat;
pub mod customer;
pub mod drivers;
pub mod gamma_gamma;
pub mod idle;
pub mod leaving;
pub mod measure;
pub mod nps;
mod number;
pub mod purchasing;
pub mod retention;
pub mod rfm;
mod simplex;
pub mod survey;
pub mod value;

pub use measure::{Measure, Reporting};
pub use purchasing::Purchasing;
