//! Names of metrics. `docs/metrics.md` shows this catalogue (tested both ways).
//!
//! What must stay true: labels are bounded - a service, a method, a code, a reason, a state; never a tenant, an identifier or
//! anything a caller can make up.

use metrics::Unit;

/// Calls by service, method and gRPC code.
pub const GRPC_REQUESTS: &str = "customer_profile_grpc_requests_total";
/// How long calls took, to the end of the response.
pub const GRPC_REQUEST_SECONDS: &str = "customer_profile_grpc_request_seconds";
/// Calls that were answered at once.
pub const GRPC_AT_ONCE: &str = "customer_profile_grpc_at_once_total";
/// Calls of those who may not make them.
pub const DENIED: &str = "customer_profile_denied_total";
/// Connections of callers.
pub const CONNECTIONS: &str = "customer_profile_connections";
/// Connections that were closed before they said anything.
pub const CONNECTIONS_REFUSED: &str = "customer_profile_connections_refused_total";
/// Connections that never got as far as a call.
pub const TLS_HANDSHAKES_FAILED: &str = "customer_profile_tls_handshakes_failed_total";
/// Files with keys or certificates that changed.
pub const ACCESS_FILES: &str = "customer_profile_access_files_total";
/// When the keys or certificates that are in use were read.
pub const ACCESS_FILES_LOADED: &str = "customer_profile_access_files_loaded_seconds";
/// Interactions by outcome.
pub const INGEST_INTERACTIONS: &str = "customer_profile_ingest_interactions_total";
/// How many interactions a batch held.
pub const INGEST_BATCH_ITEMS: &str = "customer_profile_ingest_batch_items";
/// How long a batch took to commit.
pub const INGEST_BATCH_SECONDS: &str = "customer_profile_ingest_batch_seconds";
/// Interactions that wait to be stored.
pub const INGEST_QUEUE_ITEMS: &str = "customer_profile_ingest_queue_items";
/// How many interactions may wait to be stored.
pub const INGEST_LIMIT_ITEMS: &str = "customer_profile_ingest_limit_items";
/// Calls that were told to back off.
pub const SHED: &str = "customer_profile_shed_total";
/// Batches that began again because a profile changed under them.
pub const INGEST_LOCK_RESTARTS: &str = "customer_profile_ingest_lock_restarts_total";
/// Identifiers that were not used.
pub const IDENTIFIERS_UNUSABLE: &str = "customer_profile_identifiers_unusable_total";
/// Joins of profiles.
pub const IDENTITY_JOINS: &str = "customer_profile_identity_joins_total";
/// Profiles whose identifiers changed because sets came apart.
pub const IDENTITY_SPLITS: &str = "customer_profile_identity_splits_total";
/// Links that resolutions found cut.
pub const IDENTITY_CUTS: &str = "customer_profile_identity_cuts_total";
/// Identifiers whose standing changed.
pub const IDENTITY_STANDINGS: &str = "customer_profile_identity_standings_total";
/// Identifiers that several people contend for, and that stopped lending what was done by them, or lend again.
pub const IDENTITY_CONTESTED: &str = "customer_profile_identity_contested_total";
/// Profiles that were counted for figures.
pub const FIGURES_COUNTED: &str = "customer_profile_figures_counted_total";
/// Next-best-action decisions.
pub const ACTION_DECISIONS: &str = "customer_profile_action_decisions_total";
/// How long a next-best-action decision took.
pub const ACTION_DECISION_SECONDS: &str = "customer_profile_action_decision_seconds";
/// Decisions that were made anew because the customer had changed.
pub const ACTION_DECISIONS_OUTDATED: &str = "customer_profile_action_decisions_outdated_total";
/// Writes of decisions that failed and are tried again.
pub const ACTION_DECISIONS_UNSTORED: &str = "customer_profile_action_decisions_unstored_total";
/// Candidates that a gate kept out.
pub const ACTION_GATE_STOPS: &str = "customer_profile_action_gate_stops_total";
/// Offers of an action.
pub const ACTION_OFFERS: &str = "customer_profile_action_offers_total";
/// The probabilities with which offers of an action were chosen.
pub const ACTION_PROPENSITY: &str = "customer_profile_action_propensity";
/// Outcomes of offers of an action.
pub const ACTION_OFFER_OUTCOMES: &str = "customer_profile_action_offer_outcomes_total";
/// Successes that were expected of an action.
pub const ACTION_SUCCESSES_EXPECTED: &str = "customer_profile_action_successes_expected";
/// Successes of an action.
pub const ACTION_SUCCESSES: &str = "customer_profile_action_successes";
/// Outcomes of offers that were told.
pub const ACTION_OUTCOMES: &str = "customer_profile_action_outcomes_total";
/// Actions that are not what they are believed to be.
pub const ACTIONS_MISCALIBRATED: &str = "customer_profile_actions_miscalibrated";
/// Actions whose success has changed.
pub const ACTIONS_DRIFTING: &str = "customer_profile_actions_drifting";
/// Actions for which level 2 speaks.
pub const ACTIONS_CONTEXTUAL: &str = "customer_profile_actions_contextual";
/// How long calls took that look at many customers or decisions.
pub const ACTION_FIGURES_SECONDS: &str = "customer_profile_action_figures_seconds";
/// Interactions that took the slow path.
pub const IDENTITY_SLOW_PATHS: &str = "customer_profile_identity_slow_paths_total";
/// How many identifiers a resolution looked at.
pub const IDENTITY_REGION_IDENTIFIERS: &str = "customer_profile_identity_region_identifiers";
/// How long a resolution took.
pub const IDENTITY_RESOLUTION_SECONDS: &str = "customer_profile_identity_resolution_seconds";
/// Operators' decisions.
pub const IDENTITY_DECISIONS: &str = "customer_profile_identity_decisions_total";
/// How long previews of rules took.
pub const IDENTITY_PREVIEW_SECONDS: &str = "customer_profile_identity_preview_seconds";
/// Profiles that were resolved in the background.
pub const IDENTITY_RESOLVED_PROFILES: &str = "customer_profile_identity_resolved_profiles_total";
/// Tenants with profiles that are not under the rules in force.
pub const IDENTITY_SWITCHES: &str = "customer_profile_identity_switches";
/// How long resolutions waited for locks.
pub const IDENTITY_LOCK_WAIT_SECONDS: &str = "customer_profile_identity_lock_wait_seconds";
/// Pairs that were suggested.
pub const IDENTITY_SUGGESTIONS: &str = "customer_profile_identity_suggestions_total";
/// Keys under which too many look-alikes were found.
pub const IDENTITY_BLOCKS_SKIPPED: &str = "customer_profile_identity_blocks_skipped_total";
/// How long a page of suggestions took.
pub const IDENTITY_SUGGESTION_SECONDS: &str = "customer_profile_identity_suggestion_seconds";
/// Texts of customers that were analysed.
pub const SENTIMENT_TEXTS: &str = "customer_profile_sentiment_texts_total";
/// How long the analysis of a text took.
pub const SENTIMENT_TEXT_SECONDS: &str = "customer_profile_sentiment_text_seconds";
/// Calls to an external analyzer.
pub const ANALYZER_CALLS: &str = "customer_profile_analyzer_calls_total";
/// How long calls to an external analyzer took.
pub const ANALYZER_SECONDS: &str = "customer_profile_analyzer_call_seconds";
/// Texts that an external analyzer answered about.
pub const ANALYZER_TEXTS: &str = "customer_profile_analyzer_texts_total";
/// Whether an external analyzer is called.
pub const ANALYZER_BREAKER: &str = "customer_profile_analyzer_breaker";
/// Re-analyses that are under way.
pub const REANALYSES: &str = "customer_profile_reanalyses";
/// Identifiers that re-analyses looked at.
pub const REANALYSIS_IDENTIFIERS: &str = "customer_profile_reanalysis_identifiers_total";
/// Texts that re-analyses analysed.
pub const REANALYSIS_TEXTS: &str = "customer_profile_reanalysis_texts_total";
/// What look-ups found where they asked.
pub const CACHE_READS: &str = "customer_profile_cache_reads_total";
/// Kept values that were not served.
pub const CACHE_STALE: &str = "customer_profile_cache_stale_total";
/// Bytes that a cache holds.
pub const CACHE_BYTES: &str = "customer_profile_cache_bytes";
/// How old what is known of the outbox is.
pub const CACHE_OUTBOX_LAG: &str = "customer_profile_cache_outbox_lag_seconds";
/// Profiles whose changes are remembered.
pub const CACHE_REMEMBERED: &str = "customer_profile_cache_remembered_profiles";
/// Watches of profiles.
pub const FEED_WATCHES: &str = "customer_profile_feed_watches";
/// Messages of watches.
pub const FEED_MESSAGES: &str = "customer_profile_feed_messages_total";
/// How far the slowest watch is behind.
pub const FEED_LAG: &str = "customer_profile_feed_lag_seconds";
/// Changes that were relayed.
pub const RELAY_EVENTS: &str = "customer_profile_relay_events_total";
/// How far the relay is behind.
pub const RELAY_LAG: &str = "customer_profile_relay_lag_seconds";
/// Profiles that were held against the rules of segments.
pub const SEGMENTS_LOOKS: &str = "customer_profile_segments_looks_total";
/// Profiles that came into a segment or went from one.
pub const SEGMENTS_MOVES: &str = "customer_profile_segments_moves_total";
/// How far memberships are behind.
pub const SEGMENTS_LAG: &str = "customer_profile_segments_lag_seconds";
/// Tenants of whom everybody is looked at.
pub const SEGMENTS_WALKS: &str = "customer_profile_segments_walks";
/// Whether Redis is asked.
pub const REDIS_BREAKER: &str = "customer_profile_redis_breaker";
/// How long calls to Redis took.
pub const REDIS_SECONDS: &str = "customer_profile_redis_call_seconds";
/// Look-ups that replicas were asked for.
pub const REPLICA_READS: &str = "customer_profile_replica_reads_total";
/// Whether replicas are asked.
pub const REPLICA_STATE: &str = "customer_profile_replica_state";
/// How far replicas are behind.
pub const REPLICA_LAG: &str = "customer_profile_replica_lag_seconds";
/// Connections of the pool.
pub const DB_CONNECTIONS: &str = "customer_profile_db_connections";
/// What the database was found to be.
pub const DB_STATE: &str = "customer_profile_db_state";
/// What commits of the database wait for.
pub const DB_COMMITS: &str = "customer_profile_db_commits";
/// What is served.
pub const SERVING: &str = "customer_profile_serving";
/// How far the clock is ahead of that of the database.
pub const CLOCK_AHEAD: &str = "customer_profile_clock_ahead_seconds";
/// Traces that were sent because of how they ended.
pub const TRACES_KEPT: &str = "customer_profile_traces_kept_total";
/// What runs.
pub const BUILD_INFO: &str = "customer_profile_build_info";

/// What kind of metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// Its unit.
    pub unit: Unit,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub meaning: &'static str,
}

const fn metric(
    (name, kind, unit): (&'static str, Kind, Unit),
    labels: &'static [&'static str],
    meaning: &'static str,
) -> Metric {
    Metric {
        name,
        kind,
        unit,
        labels,
        meaning,
    }
}

use Kind::{Counter, Gauge, Histogram};

/// Every metric of the service.
pub const METRICS: &[Metric] = &[
    metric(
        (GRPC_REQUESTS, Counter, Unit::Count),
        &["service", "method", "code"],
        "calls that ended, by gRPC code in capitals; methods that are not the API's are other",
    ),
    metric(
        (GRPC_REQUEST_SECONDS, Histogram, Unit::Seconds),
        &["service", "method"],
        "from the first byte of a call to the last of its answer",
    ),
    metric(
        (GRPC_AT_ONCE, Counter, Unit::Count),
        &[],
        "calls of GetProfile that were answered without waiting, from what the process remembers",
    ),
    metric(
        (DENIED, Counter, Unit::Count),
        &["service", "method", "reason"],
        "calls that were UNAUTHENTICATED or PERMISSION_DENIED, by reason",
    ),
    metric(
        (CONNECTIONS, Gauge, Unit::Count),
        &[],
        "connections of callers that are open",
    ),
    metric(
        (CONNECTIONS_REFUSED, Counter, Unit::Count),
        &["reason"],
        "connections that were closed: crowded (more than limits.connections) or silent (no request begun for 10 s)",
    ),
    metric(
        (TLS_HANDSHAKES_FAILED, Counter, Unit::Count),
        &["reason"],
        "connections without a TLS handshake: timeout, certificate (the caller's was refused), protocol, closed, or crowded",
    ),
    metric(
        (ACCESS_FILES, Counter, Unit::Count),
        &["file", "outcome"],
        "times that jwks or tls files had changed: loaded, or refused and the old ones kept",
    ),
    metric(
        (ACCESS_FILES_LOADED, Gauge, Unit::Seconds),
        &["file"],
        "when the jwks or tls files in use were read, in seconds since 1970",
    ),
    metric(
        (INGEST_INTERACTIONS, Counter, Unit::Count),
        &["outcome"],
        "interactions by outcome: recorded, duplicate, conflict or rejected",
    ),
    metric(
        (INGEST_BATCH_ITEMS, Histogram, Unit::Count),
        &[],
        "interactions in a committed batch",
    ),
    metric(
        (INGEST_BATCH_SECONDS, Histogram, Unit::Seconds),
        &[],
        "from taking a batch off the queue to its commit",
    ),
    metric(
        (INGEST_QUEUE_ITEMS, Gauge, Unit::Count),
        &[],
        "interactions that wait to be stored",
    ),
    metric(
        (INGEST_LIMIT_ITEMS, Gauge, Unit::Count),
        &["calls"],
        "interactions that may wait, of small calls and of bulk, by how long they take to be stored; beyond it unary calls wait for a moment and are told to back off then, and streams are held back",
    ),
    metric(
        (SHED, Counter, Unit::Count),
        &["what"],
        "calls that were told to back off, and what of: calls, heavy calls, calls of a method or of a tenant, the ingest queue, the memory for requests, and others",
    ),
    metric(
        (INGEST_LOCK_RESTARTS, Counter, Unit::Count),
        &[],
        "batches that took their locks again because a profile changed meanwhile",
    ),
    metric(
        (IDENTIFIERS_UNUSABLE, Counter, Unit::Count),
        &["reason"],
        "identifiers that were kept but not used: blocked, or not of their namespace's form",
    ),
    metric(
        (IDENTITY_JOINS, Counter, Unit::Count),
        &[],
        "profiles that were joined into another",
    ),
    metric(
        (IDENTITY_SPLITS, Counter, Unit::Count),
        &[],
        "profiles that lost identifiers, or came back",
    ),
    metric(
        (IDENTITY_CUTS, Counter, Unit::Count),
        &[],
        "links that a resolution on the slow path found cut, each time it found them",
    ),
    metric(
        (IDENTITY_STANDINGS, Counter, Unit::Count),
        &["to"],
        "identifiers that became shared or a hub, or their own again",
    ),
    metric(
        (IDENTITY_CONTESTED, Counter, Unit::Count),
        &["to"],
        "identifiers that stopped lending what was done by them because several people contend for them: apart; or lend again: lent",
    ),
    metric(
        (FIGURES_COUNTED, Counter, Unit::Count),
        &[],
        "profiles whose changes were counted into the figures of their tenant",
    ),
    metric(
        (ACTION_DECISIONS, Counter, Unit::Count),
        &["outcome"],
        "next-best-action decisions: reserved, kept (nothing to reserve), repeated (made before under the same id), dry_run",
    ),
    metric(
        (ACTION_DECISION_SECONDS, Histogram, Unit::Seconds),
        &[],
        "a next-best-action decision, from its check to its answer",
    ),
    metric(
        (ACTION_DECISIONS_OUTDATED, Counter, Unit::Count),
        &[],
        "decisions that were made anew because the customer had changed when they were to be stored or answered",
    ),
    metric(
        (ACTION_DECISIONS_UNSTORED, Counter, Unit::Count),
        &[],
        "writes of decisions that failed and are tried again",
    ),
    metric(
        (ACTION_GATE_STOPS, Counter, Unit::Count),
        &["gate", "reason"],
        "candidates that a gate kept out first, and why: status (draft, paused, retired, not_now), placement (no_placement, not_on_channel, not_on_placement), eligibility, applicability and suitability (fails, unknown), consent (denied, address_denied, never_given), contact (capped), quiet_hours (quiet, no_zone), empathy (open_complaint, complaint_not_known, leaving, low_sentiment), holdout (held_out)",
    ),
    metric(
        (ACTION_OFFERS, Counter, Unit::Count),
        &["action"],
        "offers that were made, fallbacks among them; neither dry runs nor repeated answers",
    ),
    metric(
        (ACTION_PROPENSITY, Histogram, Unit::Count),
        &["action"],
        "the logged probability with which an offer was chosen, of those that are no fallback: the sum is that of the probabilities",
    ),
    metric(
        (ACTION_OFFER_OUTCOMES, Counter, Unit::Count),
        &["action", "outcome"],
        "outcomes of offers that were recorded now: not_delivered, sent, shown, clicked, accepted, rejected",
    ),
    metric(
        (ACTION_SUCCESSES_EXPECTED, Gauge, Unit::Count),
        &["action"],
        "successes that were expected of the offers of the last 120 days that are older than their attribution window, when the last day had closed",
    ),
    metric(
        (ACTION_SUCCESSES, Gauge, Unit::Count),
        &["action"],
        "successes of the same offers: this over what was expected is the calibration of the action",
    ),
    metric(
        (ACTION_OUTCOMES, Counter, Unit::Count),
        &["receipt"],
        "outcomes of offers that were told: recorded, duplicate, conflict, rejected, unattributed",
    ),
    metric(
        (ACTIONS_MISCALIBRATED, Gauge, Unit::Count),
        &["direction"],
        "actions, by channel, that succeed less (overrated) or more (underrated) often than was believed: below 0.8 or above 1.25 of what was expected, over 500 offers or more of the last 120 days; the log names them",
    ),
    metric(
        (ACTIONS_DRIFTING, Gauge, Unit::Count),
        &["direction"],
        "actions, by channel, whose success has changed within 14 days (Page-Hinkley): rising, falling; the log names them",
    ),
    metric(
        (ACTIONS_CONTEXTUAL, Gauge, Unit::Count),
        &[],
        "actions, by channel, of which the situation of the customer speaks (level 2)",
    ),
    metric(
        (ACTION_FIGURES_SECONDS, Histogram, Unit::Seconds),
        &["call"],
        "a look at many customers or decisions: matches, stats, lift, evaluation, levels",
    ),
    metric(
        (IDENTITY_SLOW_PATHS, Counter, Unit::Count),
        &["reason"],
        "interactions that were resolved in a transaction of their own: standing, shared, rules, makeup, returning, kept_home, binding_consent, waiting",
    ),
    metric(
        (IDENTITY_REGION_IDENTIFIERS, Histogram, Unit::Count),
        &[],
        "identifiers that a resolution on the slow path loaded",
    ),
    metric(
        (IDENTITY_RESOLUTION_SECONDS, Histogram, Unit::Seconds),
        &[],
        "a resolution on the slow path, from its first read to its commit",
    ),
    metric(
        (IDENTITY_DECISIONS, Counter, Unit::Count),
        &["kind"],
        "operators' decisions that were carried out: merge_profiles, separate_identifiers, undo_decision",
    ),
    metric(
        (IDENTITY_PREVIEW_SECONDS, Histogram, Unit::Seconds),
        &[],
        "a preview of rules, from its first read to its answer",
    ),
    metric(
        (IDENTITY_RESOLVED_PROFILES, Counter, Unit::Count),
        &[],
        "profiles that were brought under the rules in force in the background",
    ),
    metric(
        (IDENTITY_SWITCHES, Gauge, Unit::Count),
        &["state"],
        "tenants of which not every profile is under the rules in force: under_way, or stuck when some cannot be resolved",
    ),
    metric(
        (IDENTITY_LOCK_WAIT_SECONDS, Histogram, Unit::Seconds),
        &[],
        "how long a resolution waited for its locks",
    ),
    metric(
        (IDENTITY_SUGGESTIONS, Counter, Unit::Count),
        &[],
        "pairs of profiles that SuggestMerges answered",
    ),
    metric(
        (IDENTITY_BLOCKS_SKIPPED, Counter, Unit::Count),
        &[],
        "values by which SuggestMerges looked for nobody, since too many have them",
    ),
    metric(
        (IDENTITY_SUGGESTION_SECONDS, Histogram, Unit::Seconds),
        &[],
        "how long an answer of SuggestMerges took",
    ),
    metric(
        (SENTIMENT_TEXTS, Counter, Unit::Count),
        &["language", "label"],
        "texts of customers that were analysed as they came or anew: ja, en or und, and negative, neutral, positive, or abstained",
    ),
    metric(
        (SENTIMENT_TEXT_SECONDS, Histogram, Unit::Seconds),
        &[],
        "the analysis of one text by the built-in analyzer",
    ),
    metric(
        (ANALYZER_CALLS, Counter, Unit::Count),
        &["outcome"],
        "calls to an external analyzer: answered, timeout, failed, invalid (nothing of the answer can be used); and those that were not made: open (it is left alone), busy (too many at a time)",
    ),
    metric(
        (ANALYZER_SECONDS, Histogram, Unit::Seconds),
        &[],
        "a call to an external analyzer that was made",
    ),
    metric(
        (ANALYZER_TEXTS, Counter, Unit::Count),
        &["outcome"],
        "texts in answers of an external analyzer: stored, abstained, silent (neither analysis nor abstention), or dropped since something is out of its range",
    ),
    metric(
        (ANALYZER_BREAKER, Gauge, Unit::Count),
        &["state"],
        "1 for what holds of an external analyzer: closed (it is called), open (it is left alone), probing (one call decides)",
    ),
    metric(
        (REANALYSES, Gauge, Unit::Count),
        &[],
        "re-analyses that are not done, those that wait for another among them",
    ),
    metric(
        (REANALYSIS_IDENTIFIERS, Counter, Unit::Count),
        &[],
        "identifiers whose interactions re-analyses looked at",
    ),
    metric(
        (REANALYSIS_TEXTS, Counter, Unit::Count),
        &[],
        "texts that re-analyses analysed",
    ),
    metric(
        (CACHE_READS, Counter, Unit::Count),
        &["tier", "outcome"],
        "profiles that were asked for in a tier (memory, redis, replica, primary): hit, miss, or shared with a read that was under way",
    ),
    metric(
        (CACHE_STALE, Counter, Unit::Count),
        &["tier", "reason"],
        "kept values, and readings of replicas, that were not served: changed (the profile has changed), too_old (older than what is remembered), token (a token asks for more), behind (the outbox was not read lately), moved (the identifier lies elsewhere), ahead (a replica has what the primary may not show yet)",
    ),
    metric(
        (CACHE_BYTES, Gauge, Unit::Bytes),
        &["tier"],
        "about how many bytes a tier holds in this process",
    ),
    metric(
        (CACHE_OUTBOX_LAG, Gauge, Unit::Seconds),
        &[],
        "how long ago the last complete look at the outbox began; caches are not used beyond half of `reads.max_staleness_ms`",
    ),
    metric(
        (CACHE_REMEMBERED, Gauge, Unit::Count),
        &[],
        "profiles whose changes are remembered",
    ),
    metric(
        (FEED_WATCHES, Gauge, Unit::Count),
        &[],
        "watches of profiles that are open",
    ),
    metric(
        (FEED_MESSAGES, Counter, Unit::Count),
        &["kind"],
        "messages of watches: created, updated, merged, merged_away, split, emptied or segments, a profile of a snapshot, or progress",
    ),
    metric(
        (FEED_LAG, Gauge, Unit::Seconds),
        &[],
        "how long ago the time lies up to which the slowest watcher has taken everything; a few seconds while nothing happens",
    ),
    metric(
        (RELAY_EVENTS, Counter, Unit::Count),
        &[],
        "changes that were handed over to streams in Redis, repeated ones among them",
    ),
    metric(
        (RELAY_LAG, Gauge, Unit::Seconds),
        &[],
        "how long ago the time lies up to which this instance has relayed everything of the tenants that it relays, growing while Redis or the database is away; 0 where it relays none",
    ),
    metric(
        (SEGMENTS_LOOKS, Counter, Unit::Count),
        &["why"],
        "profiles that were held against the rules of segments: after a change, since time had come, or since rules had changed",
    ),
    metric(
        (SEGMENTS_MOVES, Counter, Unit::Count),
        &["what"],
        "segments that profiles joined and parted from, those of profiles that were merged away left out",
    ),
    metric(
        (SEGMENTS_LAG, Gauge, Unit::Seconds),
        &[],
        "how long ago the time lies up to which this instance has looked at every change, and at everybody for whom time had come, of the tenants that it looks after; 0 where it looks after none",
    ),
    metric(
        (SEGMENTS_WALKS, Gauge, Unit::Count),
        &[],
        "tenants of whom this instance looks at everybody, since a rule of their segments has changed",
    ),
    metric(
        (REDIS_BREAKER, Gauge, Unit::Count),
        &["state"],
        "1 for what holds of Redis: closed (it is asked), open (it is left alone), probing (one call decides)",
    ),
    metric(
        (REDIS_SECONDS, Histogram, Unit::Seconds),
        &["operation", "outcome"],
        "how long calls to Redis took: get, put, turn or publish; ok, failed or timeout",
    ),
    metric(
        (REPLICA_READS, Counter, Unit::Count),
        &["replica", "outcome"],
        "look-ups that replicas (1, 2, .. as they are configured) were asked for: answered, slow (not within `database.replica_timeout_ms`), conflict (replay was in the way), failed, or promoted, foreign or timeline as their state is; of none those that no replica was asked for: unfit (none is fit), busy, paused (after failures), unknown (the run of the store is new)",
    ),
    metric(
        (REPLICA_STATE, Gauge, Unit::Count),
        &["replica", "state"],
        "1 for what a replica was found to be within the last seconds: fit, away, promoted (it follows nobody), foreign (of another database, or it has not what the primary has), timeline (not known to follow the primary since a failover)",
    ),
    metric(
        (REPLICA_LAG, Gauge, Unit::Seconds),
        &["replica"],
        "how long ago the first change was seen on the primary that a fit replica lacks; 0 while it lacks none",
    ),
    metric(
        (DB_CONNECTIONS, Gauge, Unit::Count),
        &["state"],
        "connections of the pool: idle or used",
    ),
    metric(
        (DB_STATE, Gauge, Unit::Count),
        &["state"],
        "1 for what the database was found to be when it was last asked: serving, read_only (it takes no writes), away",
    ),
    metric(
        (DB_COMMITS, Gauge, Unit::Count),
        &["state"],
        "1 for what commits of a database that takes writes wait for: alone (nobody: a failover can lose what was acknowledged), standby, stuck (a standby, and none is connected: nothing is acknowledged)",
    ),
    metric(
        (SERVING, Gauge, Unit::Count),
        &["service"],
        "1 while a service has what it needs, as health says: IdentityService, InteractionService, NextBestActionService, ProfileService, SegmentService, SentimentService; and readiness, which is that of the process",
    ),
    metric(
        (CLOCK_AHEAD, Gauge, Unit::Seconds),
        &[],
        "how far the clock of this instance is ahead of that of the database, at least; negative where it is behind",
    ),
    metric(
        (TRACES_KEPT, Counter, Unit::Count),
        &["reason"],
        "traces that were not chosen when they began and are sent because they turned out slow or failed",
    ),
    metric(
        (BUILD_INFO, Gauge, Unit::Count),
        &["version"],
        "always 1; the label says what runs",
    ),
];

impl Metric {
    /// Its line in `docs/metrics.md`.
    #[must_use]
    pub fn row(&self) -> String {
        let kind = match self.kind {
            Counter => "counter",
            Gauge => "gauge",
            Histogram => "histogram",
        };
        let unit = self.unit.as_str();
        let labels: Vec<_> = self.labels.iter().map(|l| format!("`{l}`")).collect();
        let (name, labels, meaning) = (self.name, labels.join(", "), self.meaning);
        format!("| `{name}` | {kind} | {unit} | {labels} | {meaning} |")
    }
}

#[cfg(test)]
mod tests;
