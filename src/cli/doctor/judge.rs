//! What is said of what was found: pure, so that each finding can be tried without breaking a database.

use std::{fmt, time::Duration};

use crate::storage::diagnosis::Server;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// As it should be.
    Fine,
    /// It works, and will hurt some day.
    Warning,
    /// Something is wrong.
    Fault,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fine => "ok",
            Self::Warning => "warning",
            Self::Fault => "FAULT",
        })
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// What was looked at, in a word or two.
    pub(super) about: &'static str,
    /// How bad it is.
    pub(super) level: Level,
    /// What was found; no personal data.
    pub(super) found: String,
    /// What to do about it; nothing where it is fine.
    pub(super) remedy: &'static str,
}

impl Finding {
    pub(super) fn fine(about: &'static str, found: impl Into<String>) -> Self {
        Self::new(about, Level::Fine, found, "")
    }

    pub(super) fn warning(
        about: &'static str,
        found: impl Into<String>,
        remedy: &'static str,
    ) -> Self {
        Self::new(about, Level::Warning, found, remedy)
    }

    pub(super) fn fault(
        about: &'static str,
        found: impl Into<String>,
        remedy: &'static str,
    ) -> Self {
        Self::new(about, Level::Fault, found, remedy)
    }

    fn new(
        about: &'static str,
        level: Level,
        found: impl Into<String>,
        remedy: &'static str,
    ) -> Self {
        let found = found.into();
        Self {
            about,
            level,
            found,
            remedy,
        }
    }
}

/// What the settings want of a database.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// Connections that this instance opens at most.
    pub(super) connections: u32,
    /// How long changes are kept.
    pub(super) keep: Duration,
}

/// The oldest release of Postgres that the tests run on.
const TRIED: i32 = 15;

/// Clocks that differ by more make what is recorded look early or late.
const SKEW: Duration = Duration::from_secs(1);

/// Clocks that differ by more have interactions refused, which may be five minutes ahead.
const SKEW_THAT_REFUSES: Duration = Duration::from_mins(2);

/// A transaction that runs longer holds back cleaning and the outbox.
const LONG: Duration = Duration::from_mins(10);

/// What is to be said of the database.
pub(super) fn database(server: &Server, wanted: Wanted) -> Vec<Finding> {
    let mut said = vec![version(server)];
    if server.in_recovery || server.read_only {
        said.push(Finding::fault(
            "writing",
            if server.in_recovery {
                "this is a standby: nothing can be recorded"
            } else {
                "transactions are read-only: nothing can be recorded"
            },
            "let DATABASE_URL name the primary, for instance with target_session_attrs=read-write; \
             unset default_transaction_read_only; a full disk is also made read-only by some operators",
        ));
    }
    said.push(durability(server));
    said.push(standby(server));
    said.push(connections(server, wanted));
    said.push(transactions(server));
    said.push(outbox(server, wanted));
    said
}

fn version(server: &Server) -> Finding {
    let (major, minor) = (server.version / 10_000, server.version % 10_000);
    let found = format!("PostgreSQL {major}.{minor}");
    if major < TRIED {
        let remedy = "upgrade Postgres to 15 or later";
        return Finding::warning("database", format!("{found} is older than tested"), remedy);
    }
    Finding::fine("database", found)
}

fn durability(server: &Server) -> Finding {
    if !server.durable {
        return Finding::fault(
            "durability",
            "fsync or full_page_writes is off: a crash can lose what was acknowledged, or the whole database",
            "turn both on",
        );
    }
    if server.synchronous_commit == "off" {
        return Finding::fault(
            "durability",
            "synchronous_commit is off: a crash can lose what was acknowledged",
            "turn it on, for the user of this service at least",
        );
    }
    let found = format!("synchronous_commit is {}", server.synchronous_commit);
    Finding::fine("durability", found)
}

fn standby(server: &Server) -> Finding {
    let about = "standby";
    if server.standby_names.is_empty() {
        return Finding::warning(
            about,
            format!(
                "commits wait for no standby ({} connected): a failover can lose what was acknowledged, and tokens with it",
                server.standbys
            ),
            "set synchronous_standby_names, best with ANY 1 of two or more",
        );
    }
    if server.standbys == 0 {
        return Finding::fault(
            about,
            "commits wait for a standby, and none is connected: nothing is acknowledged",
            "bring a standby back, or take its name from synchronous_standby_names",
        );
    }
    let found = match server.synchronous {
        0 => "a synchronous standby is asked for; which one there is this user may not see"
            .to_owned(),
        n => format!("commits wait for {n} of {}", server.standbys),
    };
    Finding::fine(about, found)
}

fn connections(server: &Server, wanted: Wanted) -> Finding {
    let left = i64::from(server.most_connections) - server.connections;
    let found = format!(
        "{} of {} in use, this instance opens up to {}",
        server.connections, server.most_connections, wanted.connections
    );
    if left < i64::from(wanted.connections) {
        return Finding::warning(
            "connections",
            found,
            "raise max_connections, or lower database.connections of all instances",
        );
    }
    Finding::fine("connections", found)
}

fn transactions(server: &Server) -> Finding {
    let about = "transactions";
    match server.longest_transaction.filter(|longest| *longest > LONG) {
        Some(longest) => Finding::warning(
            about,
            format!("one has run for {} minutes", longest.as_secs() / 60),
            "find it in pg_stat_activity by xact_start; it holds back cleaning, and caches and the feed fall behind",
        ),
        None => Finding::fine(about, "none runs for long"),
    }
}

fn outbox(server: &Server, wanted: Wanted) -> Finding {
    let about = "outbox";
    let hours = |age: Duration| age.as_secs() / 3_600;
    match server.oldest_change {
        Some(age) if age > wanted.keep + Duration::from_hours(2) => Finding::warning(
            about,
            format!(
                "its oldest change is {} hours old, {} are kept",
                hours(age),
                hours(wanted.keep)
            ),
            "changes are cleaned up by any instance that runs: is one running, and what does its log say of cleaning?",
        ),
        Some(age) => Finding::fine(about, format!("changes of {} hours", hours(age) + 1)),
        None => Finding::fine(about, "no change yet"),
    }
}

/// What is to be said of two clocks that differ.
pub(super) fn clock(skew: Duration) -> Finding {
    let found = format!("differs from the database's by {} ms", skew.as_millis());
    let remedy = "run NTP (chrony, systemd-timesyncd) on both machines";
    if skew > SKEW_THAT_REFUSES {
        Finding::fault("clock", found, remedy)
    } else if skew > SKEW {
        Finding::warning("clock", found, remedy)
    } else {
        Finding::fine("clock", found)
    }
}

/// What is to be said of profiles in Redis: how many were looked for, how many were there, and how many claim a version that
/// the database has not reached, or another content for its version.
pub(super) fn coherence(sampled: usize, kept: usize, wrong: usize) -> Finding {
    if wrong > 0 {
        return Finding::fault(
            "cache",
            format!(
                "{wrong} of {kept} profiles in Redis are not what the database says of their version"
            ),
            "flush this Redis (everything in it is made again), then report it: it should not be able to happen",
        );
    }
    let found = format!(
        "{kept} of {sampled} profiles are in Redis, and none claims what the database does not say"
    );
    Finding::fine("cache", found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Micros;

    fn healthy() -> Server {
        Server {
            version: 150_004,
            in_recovery: false,
            read_only: false,
            durable: true,
            synchronous_commit: "on".to_owned(),
            standby_names: "ANY 1 (a, b)".to_owned(),
            standbys: 2,
            synchronous: 2,
            most_connections: 97,
            connections: 12,
            now: Micros(0),
            oldest_change: Some(Duration::from_hours(20)),
            longest_transaction: Some(Duration::from_secs(1)),
        }
    }

    const WANTED: Wanted = Wanted {
        connections: 16,
        keep: Duration::from_hours(168),
    };

    fn worst(change: impl FnOnce(&mut Server)) -> Vec<(&'static str, Level)> {
        let mut server = healthy();
        change(&mut server);
        let bad = database(&server, WANTED).into_iter();
        bad.filter(|finding| finding.level > Level::Fine)
            .inspect(|finding| assert!(!finding.remedy.is_empty(), "{finding:?}"))
            .map(|finding| (finding.about, finding.level))
            .collect()
    }

    #[test]
    fn a_healthy_database_is_fine_and_each_fault_is_told_alone() {
        assert_eq!(worst(|_| ()), []);
        assert_eq!(
            worst(|s| s.version = 130_001),
            [("database", Level::Warning)]
        );
        assert_eq!(worst(|s| s.in_recovery = true), [("writing", Level::Fault)]);
        assert_eq!(worst(|s| s.read_only = true), [("writing", Level::Fault)]);
        assert_eq!(worst(|s| s.durable = false), [("durability", Level::Fault)]);
        assert_eq!(
            worst(|s| "off".clone_into(&mut s.synchronous_commit)),
            [("durability", Level::Fault)]
        );
        assert_eq!(
            worst(|s| s.standby_names.clear()),
            [("standby", Level::Warning)]
        );
        assert_eq!(worst(|s| s.standbys = 0), [("standby", Level::Fault)]);
        assert_eq!(worst(|s| s.synchronous = 0), []);
        assert_eq!(
            worst(|s| s.connections = 82),
            [("connections", Level::Warning)]
        );
        assert_eq!(worst(|s| s.connections = 81), []);
        assert_eq!(
            worst(|s| s.longest_transaction = Some(Duration::from_mins(11))),
            [("transactions", Level::Warning)]
        );
        assert_eq!(
            worst(|s| s.oldest_change = Some(Duration::from_hours(171))),
            [("outbox", Level::Warning)]
        );
        assert_eq!(worst(|s| s.oldest_change = None), []);
    }

    #[test]
    fn clocks_and_caches_are_told_apart_by_how_bad_it_is() {
        let level = |millis| clock(Duration::from_millis(millis)).level;
        assert_eq!(level(999), Level::Fine);
        assert_eq!(level(1_001), Level::Warning);
        assert_eq!(level(120_001), Level::Fault);
        assert_eq!(coherence(10, 5, 0).level, Level::Fine);
        assert_eq!(coherence(10, 5, 1).level, Level::Fault);
    }
}
