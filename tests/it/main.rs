//! Integration tests: real processes, real Postgres, real sockets.
//!
//! One private Postgres for the whole run, one database a test, made from a migrated template.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::unnecessary_wraps,
    reason = "fields of messages are optional, and what is made for them is so too"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "the name of a database cannot be bound"
)]
#![expect(
    unreachable_pub,
    reason = "nothing outside this binary can reach anything"
)]

mod access;
mod acknowledged;
mod analyzer;
mod architecture;
mod at_once;
mod backups;
mod caches;
mod cancelled;
mod catalogue;
mod clients;
mod commands;
mod constructions;
mod crashes;
mod decisions;
mod departments;
mod docs;
mod doctor;
mod effects;
mod errors;
mod experience;
mod explaining;
mod facts;
mod faults;
mod feed;
mod generated;
mod golden;
mod half_done;
mod harness;
mod health;
mod hostile;
mod imports;
mod joining;
mod joins;
mod kills;
mod large;
mod laws;
mod lifetimes;
mod lookups;
mod migrations;
mod offers;
mod overload;
mod past;
mod permissions;
mod program;
mod readme;
mod reanalysis;
mod recording;
mod redis_cluster;
mod replicas;
mod retracting;
mod retractions;
mod rolling;
mod searching;
mod segments;
mod sentiment_history;
mod shared_reads;
mod sharing;
mod smoke;
mod staleness;
mod statements;
mod stewards;
mod streaming;
mod suggestions;
mod switching;
mod timelines;
mod tokens;
mod traces;
mod trouble;
mod web;
