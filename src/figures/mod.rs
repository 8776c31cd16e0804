//! Figures of whole populations: counting what each profile adds, modelling how customers buy, and reading both.
//!
//! What must stay true:
//!
//! - Sums are those of the contributions of all profiles as they were at some moment: a page of changes is one transaction,
//!   which takes off what a profile added before and puts on what it adds now, and says how far is counted.
//! - Counting is safe to repeat and to do in several processes: one row is held meanwhile, and who does not get it leaves.
//! - Nothing that is asked for waits for the counting; answers say up to when is counted.

mod count;
mod model;
mod read;

pub(crate) use count::of;
pub use count::{Counting, count_page};
pub use model::fit_models;
pub use read::{Asked, Figures, Policy, read};
