//! Servers that the program starts for itself when it is given none.
//!
//! What must stay true of the private Postgres:
//!
//! * **It is nobody else's.** Own data directory, a unix socket in a directory of mode 0700 and no TCP port; a cluster of
//!   the system is neither used nor stopped. Started by root, it runs as `postgres` or else `nobody`, and root writes only
//!   to files in a directory that root owns, so that this user cannot redirect it with a link.
//! * **One server per data directory.** A `flock` on `lock` is taken before anything is touched and is handed down to
//!   `initdb`, the server, each of its processes and the watcher. So a start that holds the lock knows that nothing of an
//!   earlier run is left, however that run ended; until then it waits, or names the process that is in its way.
//! * **A half-made cluster is never opened.** `initdb` fills `cluster.new`, which becomes `cluster` by a rename.
//! * **It does not outlive its parent**, not even one that is killed: see `supervise`.
//!
//! The private Redis is a cache and keeps nothing; the rest is as true of it ([`redis`]).
//!
//! Everything here blocks; asynchronous callers go through `spawn_blocking`.

mod binaries;
mod directory;
mod error;
pub mod postgres;
pub mod redis;
mod run_as;
mod supervise;

#[cfg(test)]
mod tests;
