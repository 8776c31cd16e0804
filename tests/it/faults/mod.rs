//! What callers see while something that the service stands on fails, on real processes: Postgres, its standby, Redis, the disk,
//! the clock.
//!
//! Callers write, read, and read what may be old, all the time. A fault begins, lasts, and ends. What each call came to and how
//! long it took is held against what `docs/operations.md` promises; afterwards everything that was acknowledged is there, and
//! `verify` finds nothing. With `CUSTOMER_PROFILE_FAULTS_TABLE=FILE` the figures are written into the table of that file.

mod callers;
mod clock;
mod disk;
pub mod failover;
mod feed;
mod figures;
pub mod postgres;
mod redis;
pub mod stage;
