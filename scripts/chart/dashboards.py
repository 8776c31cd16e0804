"""The dashboards, in few words: rows of panels, a panel being a title, a unit, and (expression, legend) pairs.

Every expression has SELECT where a selector belongs; it becomes the release that is looked at. Only metrics of
docs/metrics.md, which the check compares.
"""

SELECT = 'namespace=~"$namespace",job=~"$job"'
RATE = "$__rate_interval"


def calls(more=""):
    return f"customer_profile_grpc_requests_total{{SELECT{more}}}"


def total(metric, by=""):
    """Sum of the rates of a counter."""
    return f"sum {by and f'by ({by}) '}(rate({metric}[{RATE}]))"


def quantile(q, metric, by="", more=""):
    labels = ", ".join(filter(None, ["le", by]))
    return f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket{{SELECT{more}}}[{RATE}])))"


def quantiles(metric, more=""):
    return [(quantile(q, metric, more=more), f"p{str(q)[2:].ljust(2, '0')}") for q in (0.5, 0.95, 0.99)]


OURS = ',code=~"INTERNAL|UNAVAILABLE|RESOURCE_EXHAUSTED|UNKNOWN|DATA_LOSS"'
UNARY = ',method!~"StreamInteractions|WatchProfiles|other"'
BATCH = "customer_profile_ingest_batch_seconds"

SERVICE = [
    ("Calls", [
        ("Calls by method", "reqps", [(total(calls(), "method"), "{{method}}")]),
        ("GetProfile answered at once", "reqps", [(total("customer_profile_grpc_at_once_total{SELECT}"), "calls")]),
        ("Answers by code", "reqps", [(total(calls(), "code"), "{{code}}")]),
        ("Failed for our reasons, share of calls", "percentunit",
         [(f"{total(calls(OURS + UNARY))} / {total(calls(UNARY))}", "share")]),
        ("Error budget burnt, 1 is just spent in 30 days", "none",
         [(f"customer_profile:unavailability:ratio_rate{window}{{SELECT}} / 0.001", window) for window in ("1h", "6h", "3d")]),
    ]),
    ("Latency", [
        ("Look-ups: GetProfile", "s", quantiles("customer_profile_grpc_request_seconds", ',method="GetProfile"')),
        ("99th percentile by method", "s",
         [(quantile(0.99, "customer_profile_grpc_request_seconds", "method"), "{{method}}")]),
        ("Traces sent because of how they ended", "cps",
         [(total("customer_profile_traces_kept_total{SELECT}", "reason"), "{{reason}}")]),
    ]),
    ("Connections and access", [
        ("Connections", "none", [("sum by (pod) (customer_profile_connections{SELECT})", "{{pod}}")]),
        ("Connections refused, handshakes failed", "cps", [
            (total("customer_profile_connections_refused_total{SELECT}", "reason"), "refused: {{reason}}"),
            (total("customer_profile_tls_handshakes_failed_total{SELECT}", "reason"), "handshake: {{reason}}"),
        ]),
        ("Calls denied", "cps", [(total("customer_profile_denied_total{SELECT}", "reason"), "{{reason}}")]),
        ("Age of keys and certificates in use", "s",
         [("time() - max by (file) (customer_profile_access_files_loaded_seconds{SELECT})", "{{file}}")]),
    ]),
    ("What runs", [
        ("Instances by version", "none", [("count by (version) (customer_profile_build_info{SELECT})", "{{version}}")]),
        ("Keys and certificates that changed", "none",
         [("sum by (file, outcome) (increase(customer_profile_access_files_total{SELECT}[1h]))", "{{file}} {{outcome}}")]),
    ]),
]

STORAGE = [
    ("Taking in", [
        ("Interactions by outcome", "cps",
         [(total("customer_profile_ingest_interactions_total{SELECT}", "outcome"), "{{outcome}}")]),
        ("Interactions that wait to be stored", "none",
         [("sum by (pod) (customer_profile_ingest_queue_items{SELECT})", "{{pod}}")]),
        ("Interactions that may wait", "none",
         [("sum by (pod, calls) (customer_profile_ingest_limit_items{SELECT})", "{{pod}} {{calls}}")]),
        ("Calls that were told to back off", "cps", [(total("customer_profile_shed_total{SELECT}", "what"), "{{what}}")]),
        ("Batch, from the queue to its commit", "s", quantiles(BATCH)),
        ("Interactions in a batch", "none", quantiles("customer_profile_ingest_batch_items")),
        ("Batches committed", "cps", [(total(f"{BATCH}_count{{SELECT}}"), "batches")]),
        ("Batches that took their locks again", "cps",
         [(total("customer_profile_ingest_lock_restarts_total{SELECT}"), "restarts")]),
    ]),
    ("Database", [
        ("Connections of the pools", "none",
         [("sum by (pod, state) (customer_profile_db_connections{SELECT})", "{{pod}} {{state}}")]),
        ("What the database was found to be, instances", "none",
         [("sum by (state) (customer_profile_db_state{SELECT})", "{{state}}")]),
        ("What commits wait for, instances", "none",
         [("sum by (state) (customer_profile_db_commits{SELECT})", "{{state}}")]),
        ("What is served, instances", "none",
         [("sum by (service) (customer_profile_serving{SELECT})", "{{service}}")]),
        ("Calls that storage failed", "reqps", [(total(calls(',code="UNAVAILABLE"'), "method"), "{{method}}")]),
    ]),
    ("Behind the writes", [
        ("Profiles counted into figures", "cps", [(total("customer_profile_figures_counted_total{SELECT}"), "profiles")]),
    ]),
    ("Caches", [
        ("Profiles asked for, by tier", "cps",
         [(total("customer_profile_cache_reads_total{SELECT}", "tier, outcome"), "{{tier}} {{outcome}}")]),
        ("Kept values that were not served", "cps",
         [(total("customer_profile_cache_stale_total{SELECT}", "tier, reason"), "{{tier}} {{reason}}")]),
        ("How old what is known of the outbox is", "s",
         [("max by (pod) (customer_profile_cache_outbox_lag_seconds{SELECT})", "{{pod}}")]),
        ("Profiles whose changes are remembered", "none",
         [("sum by (pod) (customer_profile_cache_remembered_profiles{SELECT})", "{{pod}}")]),
        ("Bytes in the memory of processes", "bytes",
         [("sum by (pod) (customer_profile_cache_bytes{SELECT})", "{{pod}}")]),
        ("Calls to Redis", "s", quantiles("customer_profile_redis_call_seconds")),
        ("How far the slowest watch is behind", "s", [("max by (pod) (customer_profile_feed_lag_seconds{SELECT})", "{{pod}}")]),
        ("Watches of profiles", "none", [("sum by (pod) (customer_profile_feed_watches{SELECT})", "{{pod}}")]),
        ("Messages of watches", "cps", [(total("customer_profile_feed_messages_total{SELECT}", "kind"), "{{kind}}")]),
        ("Changes relayed", "cps", [(total("customer_profile_relay_events_total{SELECT}"), "events")]),
        ("How far the relay is behind", "s", [("max by (pod) (customer_profile_relay_lag_seconds{SELECT})", "{{pod}}")]),
        ("Profiles held against segments", "cps", [(total("customer_profile_segments_looks_total{SELECT}", "why"), "{{why}}")]),
        ("Segments joined and parted from", "cps", [(total("customer_profile_segments_moves_total{SELECT}", "what"), "{{what}}")]),
        ("How far memberships are behind", "s", [("max by (pod) (customer_profile_segments_lag_seconds{SELECT})", "{{pod}}")]),
        ("Walks over everybody", "none", [("sum by (pod) (customer_profile_segments_walks{SELECT})", "{{pod}}")]),
        ("Whether Redis is asked", "none", [("sum by (state) (customer_profile_redis_breaker{SELECT})", "{{state}}")]),
        ("Look-ups asked of replicas", "cps", [(total("customer_profile_replica_reads_total{SELECT}", "replica, outcome"), "{{replica}} {{outcome}}")]),
        ("What replicas were found to be, instances", "none", [("sum by (replica, state) (customer_profile_replica_state{SELECT})", "{{replica}} {{state}}")]),
        ("How far replicas are behind", "s", [("max by (replica) (customer_profile_replica_lag_seconds{SELECT})", "{{replica}}")]),
    ]),
]

IDENTITY = [
    ("Profiles", [
        ("Joins, splits, cuts", "cps", [
            (total("customer_profile_identity_joins_total{SELECT}"), "joins"),
            (total("customer_profile_identity_splits_total{SELECT}"), "splits"),
            (total("customer_profile_identity_cuts_total{SELECT}"), "cuts"),
        ]),
        ("Identifiers not used", "cps",
         [(total("customer_profile_identifiers_unusable_total{SELECT}", "reason"), "{{reason}}")]),
        ("Standings changed", "cps", [
            (total("customer_profile_identity_standings_total{SELECT}", "to"), "to {{to}}"),
            (total("customer_profile_identity_contested_total{SELECT}", "to"), "contested: {{to}}"),
        ]),
    ]),
    ("The slow path", [
        ("Interactions by reason", "cps",
         [(total("customer_profile_identity_slow_paths_total{SELECT}", "reason"), "{{reason}}")]),
        ("Resolution", "s", quantiles("customer_profile_identity_resolution_seconds")),
        ("Waiting for locks", "s", quantiles("customer_profile_identity_lock_wait_seconds")),
        ("Identifiers loaded", "none", quantiles("customer_profile_identity_region_identifiers")),
    ]),
    ("Stewards and rules", [
        ("Decisions carried out", "none",
         [("sum by (kind) (increase(customer_profile_identity_decisions_total{SELECT}[1h]))", "{{kind}}")]),
        ("Tenants not under their rules yet", "none",
         [("max by (state) (customer_profile_identity_switches{SELECT})", "{{state}}")]),
        ("Profiles resolved in the background", "cps",
         [(total("customer_profile_identity_resolved_profiles_total{SELECT}"), "profiles")]),
        ("Previews and suggestions, 95th percentile", "s", [
            (quantile(0.95, "customer_profile_identity_preview_seconds"), "preview"),
            (quantile(0.95, "customer_profile_identity_suggestion_seconds"), "suggestions"),
        ]),
        ("Suggested pairs, values passed over", "cps", [
            (total("customer_profile_identity_suggestions_total{SELECT}"), "pairs"),
            (total("customer_profile_identity_blocks_skipped_total{SELECT}"), "passed over"),
        ]),
    ]),
]

SENTIMENT = [
    ("Texts", [
        ("Texts by label", "cps", [(total("customer_profile_sentiment_texts_total{SELECT}", "label"), "{{label}}")]),
        ("Texts by language", "cps", [(total("customer_profile_sentiment_texts_total{SELECT}", "language"), "{{language}}")]),
        ("Abstained, share of texts", "percentunit", [(
            total('customer_profile_sentiment_texts_total{SELECT,label="abstained"}') + " / "
            + total("customer_profile_sentiment_texts_total{SELECT}"), "share")]),
        ("Analysis of a text", "s", quantiles("customer_profile_sentiment_text_seconds")),
    ]),
    ("Your own analyzer", [
        ("Calls by outcome", "cps", [(total("customer_profile_analyzer_calls_total{SELECT}", "outcome"), "{{outcome}}")]),
        ("Calls", "s", quantiles("customer_profile_analyzer_call_seconds")),
        ("Texts by outcome", "cps", [(total("customer_profile_analyzer_texts_total{SELECT}", "outcome"), "{{outcome}}")]),
        ("Breaker", "none", [("sum by (state) (customer_profile_analyzer_breaker{SELECT})", "{{state}}")]),
    ]),
    ("Analysing anew", [
        ("Re-analyses not done", "none", [("max(customer_profile_reanalyses{SELECT})", "re-analyses")]),
        ("Progress", "cps", [
            (total("customer_profile_reanalysis_identifiers_total{SELECT}"), "identifiers"),
            (total("customer_profile_reanalysis_texts_total{SELECT}"), "texts"),
        ]),
    ]),
]

DECISIONS = [
    ("Next best actions", [
        ("Decisions by outcome", "cps", [(total("customer_profile_action_decisions_total{SELECT}", "outcome"), "{{outcome}}")]),
        ("A decision", "s", quantiles("customer_profile_action_decision_seconds")),
        ("Candidates kept out, by gate and reason", "cps", [
            (total("customer_profile_action_gate_stops_total{SELECT}", "gate, reason"), "{{gate}}: {{reason}}")]),
        ("Decided anew, not stored at once", "cps", [
            (total("customer_profile_action_decisions_outdated_total{SELECT}"), "decided anew"),
            (total("customer_profile_action_decisions_unstored_total{SELECT}"), "writes that failed"),
        ]),
    ]),
    ("Actions", [
        ("Offers by action", "cps", [(total("customer_profile_action_offers_total{SELECT}", "action"), "{{action}}")]),
        ("Outcomes by action", "cps", [
            (total("customer_profile_action_offer_outcomes_total{SELECT}", "action, outcome"), "{{action}}: {{outcome}}")]),
        ("Mean probability of what was chosen, by action", "percentunit", [(
            total("customer_profile_action_propensity_sum{SELECT}", "action") + " / "
            + total("customer_profile_action_propensity_count{SELECT}", "action"), "{{action}}")]),
        ("Successes over those that were expected, by action", "none", [(
            "max by (action) (customer_profile_action_successes{SELECT}) / "
            "max by (action) (customer_profile_action_successes_expected{SELECT})", "{{action}}")]),
    ]),
    ("Outcomes", [
        ("Outcomes by receipt", "cps", [(total("customer_profile_action_outcomes_total{SELECT}", "receipt"), "{{receipt}}")]),
        ("Actions that are not what they are believed to be", "none", [
            ("max by (direction) (customer_profile_actions_miscalibrated{SELECT})", "{{direction}}"),
            ("max by (direction) (customer_profile_actions_drifting{SELECT})", "{{direction}}"),
        ]),
        ("Actions of which the customer's situation speaks", "none", [("max(customer_profile_actions_contextual{SELECT})", "actions")]),
        ("A look at many customers or decisions", "s", quantiles("customer_profile_action_figures_seconds")),
    ]),
]

DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def target(index, expression, legend):
    return {
        "refId": chr(ord("A") + index),
        "datasource": DATA_SOURCE,
        "expr": expression.replace("SELECT", SELECT),
        "legendFormat": legend,
    }


def panel(number, place, title, unit, series):
    return {
        "id": number,
        "type": "timeseries",
        "title": title,
        "datasource": DATA_SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0, "custom": {"fillOpacity": 5, "showPoints": "never"}}, "overrides": []},
        "options": {"legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
                    "tooltip": {"mode": "multi", "sort": "desc"}},
        "targets": [target(index, *one) for index, one in enumerate(series)],
    }


def variable(name, query):
    return {
        "name": name,
        "type": "query",
        "datasource": DATA_SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def board(name, title, rows):
    panels, number, top = [], 0, 0
    for heading, parts in rows:
        number += 1
        panels.append({"id": number, "type": "row", "title": heading, "collapsed": False, "panels": [],
                       "gridPos": {"h": 1, "w": 24, "x": 0, "y": top}})
        top += 1
        for index, part in enumerate(parts):
            number += 1
            place = {"h": 8, "w": 12, "x": 12 * (index % 2), "y": top + 8 * (index // 2)}
            panels.append(panel(number, place, *part))
        top += 8 * ((len(parts) + 1) // 2)
    return {
        "uid": f"customer-profile-{name}",
        "title": f"customer-profile: {title}",
        "tags": ["customer-profile"],
        "schemaVersion": 38,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "links": [{"type": "dashboards", "tags": ["customer-profile"], "title": "Others", "asDropdown": True, "keepTime": True,
                   "includeVars": True}],
        "templating": {"list": [
            {"name": "datasource", "type": "datasource", "query": "prometheus", "current": {}},
            variable("namespace", "label_values(customer_profile_build_info, namespace)"),
            variable("job", 'label_values(customer_profile_build_info{namespace=~"$namespace"}, job)'),
        ]},
        "panels": panels,
    }


def boards():
    """Name and JSON of each."""
    yield "service", board("service", "service", SERVICE)
    yield "storage", board("storage", "storage", STORAGE)
    yield "identity", board("identity", "identity", IDENTITY)
    yield "sentiment", board("sentiment", "sentiment", SENTIMENT)
    yield "decisions", board("decisions", "decisions", DECISIONS)
