//! The feed: changes of a tenant's profiles, told to those who watch.
//!
//! What must stay true:
//!
//! - **Nothing is left out.** A watch goes past a position only when no transaction below it can still commit: up to the horizon
//!   of `cache::tail`, which every instance keeps by looking at the outbox many times a second. The tail also wakes watches, and
//!   knows of whom nothing is new, so a watch that has caught up asks the database only when there is something to tell.
//! - **Of one profile versions are told in their order**, although positions need not be in it ([`order`]). What is repeated,
//!   after a snapshot and after resuming, is the exception that callers are told of.
//! - **A place is enough to go on**, on any instance: position, profile and version of what was told last, and which profiles
//!   are followed ([`place`]). It is good for as long as the outbox keeps what comes after it.
//! - **A place is of a run of the database.** Where the server was only started again, a watch goes on a little before, since positions
//!   may come again. In another history, which a failover or a restore begins, other changes may have the same positions: nobody goes
//!   on there, and whoever follows hears it.
//! - **Who does not read costs no more than who does**: a watch reads a page when the one before was taken ([`seats`]).

mod follow;
#[cfg(test)]
mod laws;
pub mod order;
pub mod place;
mod read;
pub mod seats;

pub use read::{Change, OtherRun, Page, Seen, Tape};
