//! Every field of every request, one at a time, with values that it must not take.
//!
//! Requests and fields come from the descriptors, so a field that is added is tried without anybody thinking of it.

use bytes::Bytes;
use customer_profile::proto::{
    DESCRIPTORS,
    v1::{InteractionOutcome, RecordInteractionsResponse},
};
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage as _, Value,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::{Service, raw, refused::refused, say};

/// A request that is taken as it is, with all that can be said in it.
const INTERACTION: &str = r#"{
    "source": "test", "event_id": "1", "occurred_at": "2024-03-09T16:00:00Z", "department": "support",
    "channel": "chat", "type": "ticket.opened", "subject": {"kind": 2, "id": "T-1", "status": 1},
    "direction": 1, "identifiers": [{"namespace": "email", "value": "a@example.com"}],
    "traits": [{"name": "city", "value": {"text": "大阪市"}}], "text": "困っています", "language": "ja",
    "survey_scores": [{"scale": 2, "value": 3, "question": "q1"}],
    "money": {"currency": "JPY", "minor_units": "100"},
    "consent_changes": [{"purpose": "marketing", "state": 1, "channel": "email",
        "address": {"namespace": "email", "value": "a@example.com"}}],
    "attributes": {"a": {"b": [1, "x", true, null]}}
}"#;

const LOOKUP: &str =
    r#""lookup": {"identifiers": [{"namespace": "email", "value": "a@example.com"}]}"#;

const WHO: &str = r#"{"identifiers": [{"namespace": "email", "value": "a@example.com"}]}"#;

const RULES: &str = r#"{"namespaces": [{"namespace": "till", "priority": 5, "limit": 2, "hub_limit": 9,
    "shared": "SHARED_MEANING_APART", "blocked_values": ["nobody"]}], "size_cap": 900}"#;

/// Each method with a request that is taken.
fn requests() -> Vec<(&'static str, String)> {
    let options = r#""read_options": {"max_staleness": "1s", "allow_stale": true}"#;
    let mask = r#""field_mask": "traits""#;
    vec![
        (
            "InteractionService/RecordInteractions",
            format!(r#"{{"interactions": [{INTERACTION}], "run_id": "01890000-0000-7000-8000-000000000000"}}"#),
        ),
        (
            "InteractionService/ListInteractions",
            format!(
                r#"{{{LOOKUP}, {options}, "departments": ["support"], "channels": ["chat"], "types": ["ticket.opened"],
                "subject": {{"kind": 2, "id": "T-1"}}, "direction": 1, "occurred_from": "2024-01-01T00:00:00Z",
                "occurred_before": "2025-01-01T00:00:00Z", "page_size": 10}}"#
            ),
        ),
        (
            "InteractionService/RetractInteractions",
            r#"{"operation_id": "op", "reason": "r", "references": {"references": [{"source": "none", "event_id": "none"}]}}"#.to_owned(),
        ),
        (
            "ProfileService/GetProfile",
            format!(r#"{{{LOOKUP}, {options}, {mask}, "allow_missing": true}}"#),
        ),
        (
            "ProfileService/GetProfile",
            format!(
                r#"{{{LOOKUP}, {mask}, "allow_missing": true, "as_of": "2024-03-09T16:00:00Z", "known_at": "2025-01-01T00:00:00Z"}}"#
            ),
        ),
        (
            "ProfileService/BatchGetProfiles",
            format!(r#"{{"lookups": [{{"identifiers": [{{"namespace": "email", "value": "a@example.com"}}]}}], {options}, {mask}}}"#),
        ),
        (
            "ProfileService/ListIdentifiers",
            format!(r#"{{{LOOKUP}, {options}, "page_size": 10}}"#),
        ),
        (
            "ProfileService/ListTraits",
            format!(r#"{{{LOOKUP}, {options}, "page_size": 10}}"#),
        ),
        (
            "ProfileService/SearchProfiles",
            format!(
                r#"{{"traits": [{{"name": "city", "value": {{"text": "大阪市"}}}}], {options}, {mask}, "page_size": 10,
                "last_seen_from": "2024-01-01T00:00:00Z", "last_seen_before": "2025-01-01T00:00:00Z"}}"#
            ),
        ),
        (
            "ProfileService/WatchProfiles",
            format!(r#"{{{LOOKUP}, {mask}, "with_profile": true, "snapshot": true, "until_now": true}}"#),
        ),
        (
            "IdentityService/ExplainIdentity",
            format!(r#"{{{LOOKUP}, {options}, "picture_format": 2}}"#),
        ),
        (
            "IdentityService/MergeProfiles",
            format!(
                r#"{{"operation_id": "m", "reason": "r", "target": {WHO}, "source": {WHO}, "dry_run": true}}"#
            ),
        ),
        (
            "IdentityService/SeparateIdentifiers",
            r#"{"operation_id": "s", "reason": "r", "identifiers": [{"namespace": "email", "value": "a@example.com"}],
                "apart_from": {"identifiers": [{"namespace": "email", "value": "b@example.com"}]}, "dry_run": true}"#
                .to_owned(),
        ),
        (
            "IdentityService/SuggestMerges",
            r#"{"lookup": {"identifiers": [{"namespace": "email", "value": "a@example.com"}]}, "threshold": 900,
                "page_size": 5, "read_options": {}}"#
                .to_owned(),
        ),
        (
            "IdentityService/UndoDecision",
            r#"{"operation_id": "u", "reason": "r", "decision_operation_id": "m", "dry_run": true}"#.to_owned(),
        ),
        ("IdentityService/GetRules", "{}".to_owned()),
        (
            "IdentityService/PreviewRules",
            format!(r#"{{"rules": {RULES}, "examples": 3}}"#),
        ),
        (
            "IdentityService/ApplyRules",
            format!(r#"{{"operation_id": "a", "reason": "r", "rules": {RULES}, "expected_revision": 900}}"#),
        ),
    ]
}

/// The same of feelings.
fn requests_about_feelings() -> Vec<(&'static str, String)> {
    let options = r#""read_options": {"max_staleness": "1s", "allow_stale": true}"#;
    vec![
        (
            "SentimentService/GetSentimentHistory",
            format!(
                r#"{{{LOOKUP}, {options}, "from": "2024-01-01T00:00:00Z", "before": "2025-01-01T00:00:00Z", "bucket": 2,
                "departments": ["support"], "channels": ["chat"], "topics": ["delivery"], "half_life_days": 7, "time_zone": "Europe/Oslo", "page_size": 10}}"#
            ),
        ),
        (
            "SentimentService/AnalyzeText",
            r#"{"texts": ["It broke twice."], "channel": "chat"}"#.to_owned(),
        ),
        (
            "SentimentService/GetExperienceMetrics",
            r#"{"period": "METRIC_PERIOD_MONTH", "from": "2024-01-01T00:00:00Z", "before": "2025-01-01T00:00:00Z",
                "breakdown": "METRIC_BREAKDOWN_CHANNEL", "policy": "ANSWER_POLICY_ALL",
                "drivers_of": "SURVEY_SCALE_NPS", "horizon_weeks": 52}"#
                .to_owned(),
        ),
        (
            "SentimentService/ReanalyzeInteractions",
            r#"{"operation_id": "again"}"#.to_owned(),
        ),
    ]
}

/// The same of segments.
fn requests_about_segments() -> Vec<(&'static str, String)> {
    vec![
        ("SegmentService/ListSegments", "{}".to_owned()),
        (
            "SegmentService/GetSegments",
            format!(
                r#"{{{LOOKUP}, "explain": true, "read_options": {{"max_staleness": "1s", "allow_stale": true}}}}"#
            ),
        ),
        (
            "SegmentService/PreviewSegment",
            r#"{"rule": "order_count >= 2 && days_since(last_order) < 30", "name": "back"}"#
                .to_owned(),
        ),
    ]
}

/// The same of actions.
fn requests_about_actions() -> Vec<(&'static str, String)> {
    let definition = r#""definition": {"action_id": "gloves", "description": "d", "issue": 3, "group": "offers", "channels": ["web"],
        "placements": ["web_home_hero"], "valid_from": "2026-01-01T00:00:00Z", "valid_to": "2027-01-01T00:00:00Z",
        "value": {"money": {"currency": "JPY", "minor_units": 900}, "floor": 1000}, "lever": 5,
        "context": [{"name": "cart", "when": "context[\"page\"] == \"cart\"", "points": 30}],
        "eligibility": [{"name": "buys", "rule": "order_count > 0"}], "applicability": [{"name": "calm", "rule": "open_tickets == 0"}],
        "suitability": [{"name": "near", "rule": "known"}], "consent_purposes": ["marketing"],
        "caps": [{"scope": 1, "channels": ["web"], "counts": 3, "limit": 3, "window_minutes": 60, "pause_minutes": 60}],
        "attribution_days": 7, "rewards": {"impression": 0.1, "clicked": 0.2, "accepted": 1, "rejected": 0.05},
        "prior": {"propensity": 0.1, "evidence": 50}, "high_risk": true,
        "texts": [{"locale": "ja", "title": "t", "body": "b", "call_to_action": "c", "link": "/l"}]}"#;
    let moved = r#"{"operation_id": "m", "reason": "r", "action_id": "nobody"}"#;
    vec![
        (
            "NextBestActionService/CreateAction",
            format!(r#"{{"operation_id": "c", "reason": "r", {definition}, "activate": true, "dry_run": true}}"#),
        ),
        (
            "NextBestActionService/UpdateAction",
            format!(
                r#"{{"operation_id": "u", "reason": "r", "expected_version": 1, "dry_run": true, {}}}"#,
                definition.replace("gloves", "complaint_apology")
            ),
        ),
        ("NextBestActionService/PauseAction", moved.to_owned()),
        ("NextBestActionService/ResumeAction", moved.to_owned()),
        ("NextBestActionService/RetireAction", moved.to_owned()),
        (
            "NextBestActionService/GetAction",
            r#"{"action_id": "shop_home", "version": 1}"#.to_owned(),
        ),
        (
            "NextBestActionService/ListActions",
            r#"{"statuses": [2], "issue": 1, "group": "home", "channel": "web", "page_size": 5}"#.to_owned(),
        ),
        (
            "NextBestActionService/ImportActions",
            r#"{"operation_id": "i", "reason": "r", "documents": ["catalogue: 1"], "dry_run": true}"#.to_owned(),
        ),
        ("NextBestActionService/ExportActions", "{}".to_owned()),
        (
            "NextBestActionService/GetNextBestActions",
            r#"{"lookup": {"identifiers": [{"namespace": "email", "value": "a@example.com"}]}, "locale": "ja", "time_zone": "Asia/Tokyo",
                "placements": [{"placement": "web_home_hero", "channel": "web", "count": 2}], "dry_run": true, "explain": true}"#
                .to_owned(),
        ),
        (
            "NextBestActionService/ExplainDecision",
            r#"{"decision_id": "nothing"}"#.to_owned(),
        ),
        (
            "NextBestActionService/ReplayDecision",
            r#"{"decision_id": "nothing"}"#.to_owned(),
        ),
        (
            "NextBestActionService/GetActionStats",
            r#"{"from": "2026-01-01T00:00:00Z", "before": "2026-02-01T00:00:00Z", "action_ids": ["shop_home"], "gates": true,
                "page_size": 5}"#
                .to_owned(),
        ),
        (
            "NextBestActionService/GetLift",
            r#"{"from": "2026-01-01T00:00:00Z", "before": "2026-02-01T00:00:00Z", "outcome": 2, "epoch": 1}"#.to_owned(),
        ),
        (
            "NextBestActionService/EvaluatePolicy",
            r#"{"from": "2026-01-01T00:00:00Z", "before": "2026-02-01T00:00:00Z", "documents": {"documents": ["catalogue: 1"]},
                "reward": 2, "max_decisions": 100}"#
                .to_owned(),
        ),
        (
            "NextBestActionService/EvaluatePolicy",
            r#"{"policy_version": 1}"#.to_owned(),
        ),
    ]
}

/// Faults that no field may take, unless it is listed in [`TAKEN`].
const FATAL: [&str; 9] = [
    "long",
    "nul",
    "control",
    "least",
    "greatest",
    "unknown value",
    "many",
    "impossible time",
    "not finite",
];

/// What is taken all the same, because it is within the rules: (path, fault).
const TAKEN: [(&str, &str); 11] = [
    // White space and line breaks belong to texts, and BEL with them.
    ("interactions[0].text", "control"),
    ("interactions[0].traits[0].value.text", "control"),
    ("traits[0].value.text", "control"),
    ("reason", "control"),
    ("texts[0]", "control"),
    // What is not looked at.
    ("subject.status", "unknown value"),
    // Any version may be expected or asked for; another one is there.
    ("expected_version", "greatest"),
    ("version", "greatest"),
    // Any revision may be expected; another one is in force.
    ("expected_revision", "greatest"),
    ("policy_version", "greatest"),
    // Nobody is held out in that epoch yet.
    ("epoch", "greatest"),
];

/// A request with one fault.
struct Mutant {
    path: String,
    fault: &'static str,
    message: DynamicMessage,
}

/// Every way to spoil a field of a message, and what is below it.
fn mutants(message: &DynamicMessage) -> Vec<Mutant> {
    let mut out = Vec::new();
    for field in message.descriptor().fields() {
        let value = message.get_field(&field).into_owned();
        let mut put = |path: String, fault, value: Option<Value>| {
            let mut spoilt = message.clone();
            match value {
                Some(value) => spoilt.set_field(&field, value),
                None => spoilt.clear_field(&field),
            }
            out.push(Mutant {
                path,
                fault,
                message: spoilt,
            });
        };
        let name = field.name().to_owned();
        put(name.clone(), "absent", None);
        if field.is_map() {
            // Of Struct alone; its own mutants are made below, for the field that holds it.
            continue;
        }
        if let Value::List(items) = &value {
            let Some(first) = items.first().cloned() else {
                continue;
            };
            put(
                name.clone(),
                "many",
                Some(Value::List(vec![first.clone(); 1_500])),
            );
            for (fault, item) in spoilt(&field, &first) {
                put(format!("{name}[0]"), fault, Some(Value::List(vec![item])));
            }
            if let Value::Message(inner) = &first {
                for below in mutants(inner) {
                    let list = Value::List(vec![Value::Message(below.message)]);
                    put(format!("{name}[0].{}", below.path), below.fault, Some(list));
                }
            }
            continue;
        }
        // A value that is not there in a oneof is another alternative: it would replace the one that is.
        if field.containing_oneof().is_some() && !message.has_field(&field) {
            continue;
        }
        for (fault, value) in spoilt(&field, &value) {
            put(name.clone(), fault, Some(value));
        }
        if let Value::Message(inner) = &value
            && !inner
                .descriptor()
                .full_name()
                .starts_with("google.protobuf.")
        {
            for below in mutants(inner) {
                let value = Value::Message(below.message);
                put(format!("{name}.{}", below.path), below.fault, Some(value));
            }
        }
    }
    out
}

/// Values that a single value must not have.
fn spoilt(field: &FieldDescriptor, value: &Value) -> Vec<(&'static str, Value)> {
    let text = |text: &str| Value::String(text.to_owned());
    match field.kind() {
        Kind::String => vec![
            ("empty", text("")),
            ("long", text(&"x".repeat(70_000))),
            ("nul", text("a\0b")),
            ("control", text("a\u{7}b")),
            ("bidirectional", text("a\u{202e}b")),
            // Becomes bytes that are no UTF-8, see `bytes`.
            ("no text", text("a\u{fffd}b")),
        ],
        Kind::Int32 => vec![
            ("least", Value::I32(i32::MIN)),
            ("greatest", Value::I32(i32::MAX)),
        ],
        Kind::Int64 => vec![
            ("least", Value::I64(i64::MIN)),
            ("greatest", Value::I64(i64::MAX)),
        ],
        Kind::Enum(_) => vec![
            ("unknown value", Value::EnumNumber(99)),
            ("unknown value", Value::EnumNumber(-1)),
            ("zero", Value::EnumNumber(0)),
        ],
        Kind::Message(kind) => match kind.full_name() {
            "google.protobuf.Timestamp" | "google.protobuf.Duration" => {
                let of = |seconds: i64, nanos: i32| {
                    let mut message = DynamicMessage::new(kind.clone());
                    message.set_field_by_name("seconds", Value::I64(seconds));
                    message.set_field_by_name("nanos", Value::I32(nanos));
                    ("impossible time", Value::Message(message))
                };
                vec![
                    of(i64::MAX, 0),
                    of(i64::MIN, 0),
                    of(1_700_000_000, -1),
                    of(1_700_000_000, i32::MAX),
                    of(253_402_300_800, 0),
                ]
            }
            "google.protobuf.Struct" => structs(value),
            "google.protobuf.FieldMask" => {
                let of = |paths: Vec<Value>| {
                    let mut message = DynamicMessage::new(kind.clone());
                    message.set_field_by_name("paths", Value::List(paths));
                    Value::Message(message)
                };
                vec![
                    ("many", of(vec![text("traits"); 1_500])),
                    ("long", of(vec![text(&"x".repeat(70_000))])),
                    ("nul", of(vec![text("a\0b")])),
                ]
            }
            _ => vec![("bare", Value::Message(DynamicMessage::new(kind)))],
        },
        _ => Vec::new(),
    }
}

/// Attributes that are too much.
fn structs(value: &Value) -> Vec<(&'static str, Value)> {
    let Value::Message(value) = value else {
        return Vec::new();
    };
    let descriptor = value.descriptor();
    let pool = descriptor.parent_pool();
    let kind = pool.get_message_by_name("google.protobuf.Value").unwrap();
    let leaf = |name: &str, value: Value| {
        let mut message = DynamicMessage::new(kind.clone());
        message.set_field_by_name(name, value);
        message
    };
    let of = |entries: Vec<(String, DynamicMessage)>| {
        let entries = entries.into_iter();
        let map = entries.map(|(key, value)| (MapKey::String(key), Value::Message(value)));
        let mut message = DynamicMessage::new(descriptor.clone());
        message.set_field_by_name("fields", Value::Map(map.collect()));
        message
    };
    let one = |key: &str, value: DynamicMessage| Value::Message(of(vec![(key.to_owned(), value)]));
    let text = |text: &str| leaf("string_value", Value::String(text.to_owned()));
    let mut deep = text("x");
    for _ in 0..20 {
        deep = leaf(
            "struct_value",
            Value::Message(of(vec![("k".to_owned(), deep)])),
        );
    }
    let many = (0..1_500).map(|n| (format!("k{n}"), text("x")));
    vec![
        ("many", Value::Message(of(many.collect()))),
        ("long", one("k", text(&"x".repeat(70_000)))),
        ("long", one(&"k".repeat(2_000), text("x"))),
        ("nul", one("k", text("a\0b"))),
        ("nul", one("a\0b", text("x"))),
        ("empty", one("", text("x"))),
        ("many", one("k", deep)),
        (
            "not finite",
            one("k", leaf("number_value", Value::F64(f64::NAN))),
        ),
        (
            "not finite",
            one("k", leaf("number_value", Value::F64(f64::INFINITY))),
        ),
    ]
}

/// The bytes of a request, with what stands for bytes that are no text replaced by such.
fn bytes(mutant: &Mutant) -> Bytes {
    let mut bytes = mutant.message.encode_to_vec();
    if mutant.fault == "no text" {
        let marks: Vec<usize> = (0..bytes.len().saturating_sub(2))
            .filter(|n| bytes[*n..].starts_with(&[0xef, 0xbf, 0xbd]))
            .collect();
        for mark in marks {
            bytes[mark..mark + 3].fill(0xff);
        }
    }
    bytes.into()
}

/// What came of a request: taken, or the fields that were named as wrong.
enum Came {
    Taken,
    Named(Vec<String>),
}

fn came(answer: Result<Bytes, Status>, recording: bool, about: &str) -> Came {
    match answer {
        Ok(bytes) if recording => {
            let answer = RecordInteractionsResponse::decode(bytes).unwrap();
            let mut named = Vec::new();
            for result in &answer.results {
                let refused = [InteractionOutcome::Rejected, InteractionOutcome::Conflict];
                assert_eq!(
                    refused.contains(&result.outcome()),
                    !result.violations.is_empty(),
                    "{about}"
                );
                named.extend(result.violations.iter().map(|v| v.field.clone()));
            }
            if named.is_empty() {
                Came::Taken
            } else {
                Came::Named(named)
            }
        }
        Ok(_) => Came::Taken,
        Err(status) => match status.code() {
            Code::NotFound => {
                refused(&status, Code::NotFound, "not_found");
                Came::Taken
            }
            Code::ResourceExhausted => {
                refused(&status, Code::ResourceExhausted, "message_too_large");
                Came::Named(vec![about.to_owned()])
            }
            Code::InvalidArgument => {
                let details = status.get_error_details();
                if details
                    .error_info()
                    .is_some_and(|info| info.reason == "undecodable")
                {
                    refused(&status, Code::InvalidArgument, "undecodable");
                    return Came::Named(vec![about.to_owned()]);
                }
                refused(&status, Code::InvalidArgument, "invalid");
                let violations = &details.bad_request().unwrap().field_violations;
                Came::Named(violations.iter().map(|v| v.field.clone()).collect())
            }
            // Nothing is wrong with the request itself; there is only nothing to decide.
            Code::FailedPrecondition if decides(about) => Came::Taken,
            _ => panic!("{about}: {status:?}"),
        },
    }
}

/// Whether a request, called by its method first, is for an operator's decision or changes the rules or the catalogue.
fn decides(about: &str) -> bool {
    let decisions = [
        "MergeProfiles ",
        "SeparateIdentifiers ",
        "UndoDecision ",
        "ApplyRules ",
    ];
    if about.starts_with("NextBestActionService/") {
        return true;
    }
    about
        .strip_prefix("IdentityService/")
        .is_some_and(|rest| decisions.iter().any(|name| rest.starts_with(name)))
}

/// Whether a fault of a field may be named by this path: by the field's own, or by that of what holds it.
fn names(named: &str, path: &str) -> bool {
    let plain = |text: &str| {
        let letters = text.chars().filter(|c| !c.is_ascii_digit());
        letters
            .collect::<String>()
            .replace("[]", "")
            .replace("interactions.", "")
    };
    let (named, path) = (plain(named), plain(path));
    named.contains(&path) || path.starts_with(&named) || named.starts_with(&path)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_of_every_request_is_checked_and_its_faults_are_named() {
    let service = Service::start().await;
    service.import_starter("starter").await;
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let (mut tried, mut taken) = (0, 0);
    let mut escaped = Vec::new();
    let all = requests()
        .into_iter()
        .chain(requests_about_feelings())
        .chain(requests_about_segments())
        .chain(requests_about_actions());
    for (method, json) in all {
        let path: &'static str =
            Box::leak(format!("/customer_profile.v1.{method}").into_boxed_str());
        let (of, name) = method.split_once('/').unwrap();
        let found = pool
            .get_service_by_name(&format!("customer_profile.v1.{of}"))
            .unwrap();
        let described = found.methods().find(|m| m.name() == name).unwrap();
        let (input, streams) = (described.input(), described.is_server_streaming());
        let mut reader = serde_json::Deserializer::from_str(&json);
        let base = DynamicMessage::deserialize(input, &mut reader).unwrap();
        let recording = name == "RecordInteractions";
        for (n, mut mutant) in mutants(&base).into_iter().enumerate() {
            let about = format!("{method} {} {}", mutant.path, mutant.fault);
            if recording && !mutant.path.contains("event_id") {
                fresh(&mut mutant.message, &format!("event {n}"));
            }
            if name == "RetractInteractions" && mutant.path != "operation_id" {
                let operation = Value::String(format!("operation {n}"));
                mutant.message.set_field_by_name("operation_id", operation);
            }
            let answer = if streams {
                raw::first(service.channel(), path, bytes(&mutant)).await
            } else {
                raw::unary(service.channel(), path, bytes(&mutant)).await
            };
            tried += 1;
            match came(answer, recording, &about) {
                Came::Taken => {
                    // A decision and an outcome are recorded as an interaction too.
                    let offering = ["GetNextBestActions", "RecordOutcomes"].contains(&name);
                    taken += usize::from(recording || offering);
                    let excused = TAKEN
                        .iter()
                        .any(|(path, fault)| mutant.path == *path && *fault == mutant.fault);
                    if (FATAL.contains(&mutant.fault) && !excused) || mutant.fault == "no text" {
                        escaped.push(about);
                    }
                }
                Came::Named(named) => {
                    // What is missing is named by what should be there.
                    let missing = ["absent", "bare"].contains(&mutant.fault);
                    let named_right = |n: &String| n == &about || names(n, &mutant.path);
                    let right = missing || named.iter().any(named_right);
                    if !right {
                        escaped.push(format!("{about} is called {named:?}"));
                    }
                }
            }
        }
    }
    assert!(tried > 500, "{tried}");
    assert_eq!(escaped, Vec::<String>::new());
    say(format_args!(
        "hostile fields: {tried} requests, {taken} interactions within the rules"
    ));
    let report = service.verify("default").await;
    assert_eq!(report.differences, 0);
    assert!(report.interactions <= u64::try_from(taken).unwrap());
    service.stop().await;
}

/// Gives the interactions of a request an event id of their own, so that none is a duplicate.
fn fresh(message: &mut DynamicMessage, event_id: &str) {
    let Some(Value::List(items)) = message.get_field_by_name_mut("interactions") else {
        return;
    };
    for item in items {
        if let Value::Message(interaction) = item {
            interaction.set_field_by_name("event_id", Value::String(event_id.to_owned()));
        }
    }
}
