//! What tests stand on: a cluster, a database each, a service in this process or one of its own.

pub mod actions;
pub mod away;
pub mod calls;
pub mod cluster;
pub mod credentials;
pub mod documents;
pub mod link;
pub mod locks;
pub mod make;
pub mod population;
pub mod process;
pub mod pure;
pub mod random;
pub mod raw;
pub mod redis;
pub mod redis_cluster;
pub mod refused;
pub mod send;
pub mod service;
pub mod shop;
pub mod stage;
pub mod steps;
pub mod wait;

pub use cluster::Database;
pub use random::Random;
pub use service::Service;

/// Whether everything is to be tried in full: `CUSTOMER_PROFILE_TEST_SCALE=full`.
pub fn in_full() -> bool {
    std::env::var("CUSTOMER_PROFILE_TEST_SCALE").is_ok_and(|scale| scale == "full")
}

/// A line for who runs the tests: figures, seeds, what was skipped.
pub fn say(line: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    // Nobody may be looking.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Says that a test is not run because something is missing, which must not happen where everything is to be checked.
pub fn skipped(what: &str) {
    say(format_args!("SKIPPED: {what}"));
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "missing where everything is to be checked: {what}"
    );
}
