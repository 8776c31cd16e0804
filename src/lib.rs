//! One profile per customer from every department's interactions, over gRPC.
//!
//! | module | what is in it |
//! |---|---|
//! | [`app`] | wiring: database, services, background work, drain |
//! | [`cli`] | the commands |
//! | [`config`], [`telemetry`], [`auth`] | settings, logs with traces and metrics, callers |
//! | [`tls`] | encrypted connections, and who is at their other end |
//! | [`grpc`] | the services, one file each; checks of requests; errors as statuses |
//! | [`analyzer`] | an analyzer of the operator's own, asked over gRPC |
//! | [`ingest`] | recording and retracting, one transaction a batch |
//! | [`decide`] | operators' merges, separations and undos |
//! | [`rulebook`] | changing the rules of resolution: preview, apply, go back |
//! | [`explain`] | why identifiers are one person, and why others are not |
//! | [`picture`] | such an explanation as a picture: pure |
//! | [`feed`] | changes of profiles, told to those who watch |
//! | [`relay`] | the same, handed over to Redis Streams |
//! | [`memberships`] | keeping who is in which segment |
//! | [`figures`] | counting what all profiles of a tenant come to |
//! | [`experience`] | formulas of experience and value: pure |
//! | [`lookup`] | finding and showing profiles, timelines, searches |
//! | [`past`] | profiles as they were |
//! | [`verify`] | recomputing a store, and its digest |
//! | [`identity`] | which identifiers are one person: pure |
//! | [`sentiment`] | how the writer of a text feels, and how a customer has felt: pure |
//! | [`next_best_action`] | what to do next for a customer, and why: pure |
//! | [`offering`] | deciding on next best actions for callers, and what became of them |
//! | [`actions`] | the catalogue of actions: changed, and kept ready |
//! | [`criteria`] | the language of rules about customers: pure |
//! | [`profile`] | what a set of interactions says about a person: pure |
//! | [`storage`] | Postgres; all SQL |
//! | [`cache`] | what look-ups keep in memory and in Redis, and when it may be served |
//! | [`replicas`] | standbys that look-ups are asked of, and which of them may be |
//! | [`generate`] | a made-up retailer and its customers: pure |
//! | [`embedded`] | a private Postgres and a private Redis for those who have none |
//! | [`worker`] | what runs beside the calls |
//! | [`visible`] | text of customers, made fit to be looked at: pure |
//! | [`tenants`], [`error`], [`clock`], [`calendar`], [`ids`], [`proto`] | what all of them speak of |
//!
//! Calls go `grpc -> ingest, decide, rulebook, actions, lookup, explain, past -> storage`, and everything may use the pure rooms, which
//! know none of tokio, sqlx and tonic. `tests/it/architecture.rs` looks for breaches.

pub mod actions;
pub mod analyzer;
pub mod app;
pub mod auth;
mod breaker;
pub mod cache;
pub mod calendar;
pub mod cli;
pub mod clock;
pub mod config;
pub mod criteria;
pub mod decide;
pub mod embedded;
pub mod error;
pub mod experience;
pub mod explain;
pub mod feed;
pub mod figures;
pub mod generate;
pub mod grpc;
pub mod identity;
pub mod ids;
pub mod ingest;
pub mod lookup;
pub mod memberships;
pub mod next_best_action;
pub mod offering;
pub mod past;
pub mod picture;
pub mod profile;
pub mod proto;
pub mod relay;
pub mod replicas;
pub mod rulebook;
pub mod sentiment;
pub mod storage;
pub mod telemetry;
pub mod tenants;
pub mod tls;
pub mod verify;
pub mod visible;
#[cfg(test)]
mod worked;
pub mod worker;
