//! The commands with which a person looks at customers, run as the program, on the small shop of the examples.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Output, Stdio},
};

use customer_profile::proto::DESCRIPTORS;
use prost_reflect::DescriptorPool;
use serde_json::{Value, json};

use crate::{
    harness::{Service, make, process::program, shop, wait::until},
    imports::{printed, run},
};

/// A service that has imported the shop.
async fn with_shop() -> Service {
    let service = Service::start().await;
    let directory = tempfile::tempdir().unwrap();
    let mut command = program();
    command.arg("import").arg(shop::example("shop.csv"));
    command.arg("--mapping").arg(shop::example("shop.toml"));
    command.arg("--state-dir").arg(directory.path());
    command.args(["--to", &service.url]);
    printed(command).await;
    service
}

fn asking(service: &Service, arguments: &[&str]) -> Command {
    let mut command = program();
    command.args(arguments).args(["--to", &service.url]);
    command
}

async fn shown(service: &Service, arguments: &[&str]) -> String {
    printed(asking(service, arguments)).await
}

/// What a command says that fails with 1 and prints nothing.
async fn refused(command: Command) -> String {
    let output = run(command).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty(), "{said}");
    said
}

/// Runs a command with something on its standard input.
async fn fed(mut command: Command, input: String) -> Output {
    tokio::task::spawn_blocking(move || {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        child.wait_with_output().unwrap()
    })
    .await
    .unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_the_same_screen_by_every_identifier() {
    let service = with_shop().await;
    let screen = shown(&service, &["get", "customer_id=C-0001"]).await;
    for wanted in [
        "山田 花子",
        "known by 3 identifiers",
        "hanako@example.com",
        "T-214",
        "order placed #P-0101",
        "spent 6,630 JPY",
        "denied   marketing by email",
        "times in UTC",
    ] {
        assert!(screen.contains(wanted), "{wanted}: {screen}");
    }
    assert!(screen.lines().count() <= 40, "{screen}");
    assert!(!screen.contains('\u{1b}'), "no colours in a pipe");
    for who in ["email=Hanako@Example.com", "phone=090-1234-5601"] {
        assert_eq!(shown(&service, &["get", who]).await, screen);
    }
    let coloured = shown(
        &service,
        &["get", "customer_id=C-0001", "--color", "always"],
    )
    .await;
    assert!(
        coloured.contains("\u{1b}[1;31mdenied\u{1b}[0m"),
        "{coloured}"
    );
    let tokyo = shown(
        &service,
        &["get", "customer_id=C-0001", "--time-zone", "+09:00"],
    )
    .await;
    assert!(tokyo.contains("2024-04-06 09:00"), "{tokyo}");
    let several = ["get", "email=nobody@example.com", "phone=090-1234-5601"];
    let screen = shown(&service, &several).await;
    assert!(screen.contains("found by phone=090-1234-5601"), "{screen}");

    let said = refused(asking(&service, &["get", "email=nobody@example.com"])).await;
    assert_eq!(
        said,
        "customer-profile: nobody is known by email=nobody@example.com\n"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_is_filtered_and_can_be_recorded_again() {
    let service = with_shop().await;
    let who = "customer_id=C-0001";
    let all = shown(&service, &["timeline", who, "--all", "--json"]).await;
    let all = lines(&all);
    let found = shown(&service, &["timeline", who, "--limit", "3"]).await;
    assert!(found.starts_with("WHEN (UTC)"), "{found}");
    assert!(found.contains("お茶の種類が多くて楽しいです"), "{found}");
    assert!(found.contains("denied marketing by email"), "{found}");
    for (filter, count) in [
        (vec!["--department", "support"], 5),
        (vec!["--department", "store,web"], 2),
        (vec!["--type", "order.placed"], 2),
        (vec!["--channel", "phone"], 1),
        (vec!["--direction", "outbound"], 2),
        (vec!["--about", "ticket=T-201"], 4),
        (
            vec!["--from", "2024-04-01", "--before", "2024-04-06T00:00:00Z"],
            2,
        ),
        (vec!["--limit", "1"], 1),
    ] {
        let mut arguments = vec!["timeline", who, "--json"];
        arguments.extend(&filter);
        let found = lines(&shown(&service, &arguments).await);
        assert_eq!(found.len(), count, "{filter:?}");
        assert!(found.iter().all(|one| all.contains(one)), "{filter:?}");
    }
    let full = shown(
        &service,
        &["timeline", who, "--full", "--about", "ticket=T-201"],
    )
    .await;
    assert!(full.contains("交換していただけますか。\n"), "{full}");

    let again = json!({ "interactions": all }).to_string();
    let results = shown(&service, &["call", "RecordInteractions", &again]).await;
    let results: Value = serde_json::from_str(&results).unwrap();
    let results = results["results"].as_array().unwrap();
    assert_eq!(results.len(), all.len());
    for result in results {
        assert_eq!(
            result["outcome"], "INTERACTION_OUTCOME_DUPLICATE",
            "{result}"
        );
    }
    let said = refused(asking(&service, &["timeline", "email=nobody@example.com"])).await;
    assert!(said.contains("nobody is known"), "{said}");
    let said = refused(asking(&service, &["timeline", who, "--from", "noon"])).await;
    assert!(said.contains("is no time"), "{said}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_has_seen_enough_ends_a_timeline_quietly() {
    let service = Service::start().await;
    let made = (0..2_000).map(|n| make::seen(&n.to_string(), n, &["customer_id=C-1"]));
    service.record_all(made.collect()).await;
    for json in [true, false] {
        let mut command = asking(&service, &["timeline", "customer_id=C-1", "--all"]);
        command.args(json.then_some("--json"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().unwrap();
            let mut line = String::new();
            BufReader::with_capacity(1, child.stdout.take().unwrap())
                .read_line(&mut line)
                .unwrap();
            assert!(!line.is_empty());
            child.wait_with_output().unwrap()
        })
        .await
        .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
    let all = shown(
        &service,
        &["timeline", "customer_id=C-1", "--all", "--json"],
    )
    .await;
    assert_eq!(all.lines().count(), 2_000);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_a_table_or_profiles_line_by_line() {
    let service = with_shop().await;
    let table = shown(&service, &["search", "--trait", "full_name=山田 花子"]).await;
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 2, "{table}");
    assert!(rows[0].starts_with("PROFILE "), "{table}");
    assert!(
        rows[1].contains("山田 花子") && rows[1].contains("2024-04-06"),
        "{table}"
    );
    let id = rows[1].split(' ').next().unwrap();
    let screen = shown(&service, &["get", id]).await;
    assert!(screen.contains("C-0001"), "{screen}");

    let seen = [
        "search",
        "--seen-from",
        "2024-03-01",
        "--limit",
        "100",
        "--json",
    ];
    let found = lines(&shown(&service, &seen).await);
    assert_eq!(found.len(), 12);
    assert!(
        found.iter().all(|profile| profile["version"].is_string()),
        "{found:?}"
    );
    let typed = ["search", "--trait", "interests:list=tea|ceramics", "--json"];
    assert_eq!(lines(&shown(&service, &typed).await).len(), 1);
    let limited = [
        "search",
        "--seen-before",
        "2030-01-01",
        "--limit",
        "5",
        "--json",
    ];
    assert_eq!(lines(&shown(&service, &limited).await).len(), 5);
    assert_eq!(
        shown(&service, &["search", "--trait", "city=nowhere"]).await,
        ""
    );

    let said = refused(asking(&service, &["search"])).await;
    assert!(said.contains("InvalidArgument"), "{said}");
    let said = refused(asking(&service, &["search", "--trait", "a:colour=red"])).await;
    assert!(said.contains("unknown type"), "{said}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_joins_identifiers_is_a_tree() {
    let service = with_shop().await;
    let tree = shown(&service, &["explain", "phone=090-1234-5601"]).await;
    let found: Vec<&str> = tree.lines().collect();
    assert!(found[0].ends_with("is known by 3 identifiers"), "{tree}");
    assert_eq!(found[1], "customer_id C-0001", "{tree}");
    assert_eq!(found[2], "├─ email hanako@example.com", "{tree}");
    assert!(
        found[3].contains("together 3 times, 2024-03-01 to 2024-04-06"),
        "{tree}"
    );
    assert!(found[3].contains("consent.changed of shop"), "{tree}");
    assert_eq!(found[4], "└─ phone +819012345601", "{tree}");
    assert!(
        found[5].contains("together once, on 2024-03-10 (order.placed of pos)"),
        "{tree}"
    );
    let alone = shown(&service, &["explain", "email=olivia@example.com"]).await;
    assert!(alone.contains("only identifier"), "{alone}");
    let json = shown(&service, &["explain", "email=hanako@example.com", "--json"]).await;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["linksTotal"], 2, "{json}");
    let phone = "phone=090-1234-5601";
    let svg = shown(&service, &["explain", phone, "--svg", "-"]).await;
    assert!(svg.starts_with("<svg ") && svg.contains("hanako@example.com"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("why.dot");
    let named = file.to_str().unwrap();
    assert_eq!(
        shown(&service, &["explain", phone, "--dot", named]).await,
        ""
    );
    let dot = std::fs::read_to_string(&file).unwrap();
    assert!(dot.starts_with("graph identity {") && dot.contains("hanako@example.com"));
    let nowhere = folder.path().join("none").join("why.svg");
    let nowhere = ["explain", phone, "--svg", nowhere.to_str().unwrap()];
    let said = refused(asking(&service, &nowhere)).await;
    assert!(said.contains("why.svg"), "{said}");
    let said = refused(asking(&service, &["explain", "email=nobody@example.com"])).await;
    assert!(said.contains("nobody is known"), "{said}");
    service.stop().await;
}

/// A request for each method, and the field of its answer that shows that it worked.
fn examples() -> Vec<(&'static str, Value, &'static str)> {
    let lookup = json!({"identifiers": [{"namespace": "email", "value": "hanako@example.com"}]});
    let other = json!({"identifiers": [{"namespace": "email", "value": "olivia@example.com"}]});
    let interaction = json!({
        "source": "test", "eventId": "1", "occurredAt": "2024-05-01T00:00:00Z",
        "department": "support", "channel": "chat", "type": "note.taken",
        "identifiers": [{"namespace": "customer_id", "value": "C-0001"}],
    });
    let references = json!({"references": [{"source": "test", "eventId": "1"}]});
    vec![
        (
            "RecordInteractions",
            json!({"interactions": [interaction]}),
            "results",
        ),
        (
            "StreamInteractions",
            json!({"sequence": "7", "interactions": [interaction]}),
            "sequence",
        ),
        (
            "ListInteractions",
            json!({"lookup": lookup}),
            "interactions",
        ),
        (
            "RetractInteractions",
            json!({"operationId": "1", "references": references, "reason": "a test"}),
            "retracted",
        ),
        ("GetProfile", json!({"lookup": lookup}), "profile"),
        ("BatchGetProfiles", json!({"lookups": [lookup]}), "results"),
        ("ListIdentifiers", json!({"lookup": lookup}), "identifiers"),
        ("ListTraits", json!({"lookup": lookup}), "traits"),
        (
            "SearchProfiles",
            json!({"lastSeenFrom": "2024-03-01T00:00:00Z"}),
            "profiles",
        ),
        (
            "WatchProfiles",
            json!({"lookup": lookup, "untilNow": true}),
            "resumeToken",
        ),
        ("ExplainIdentity", json!({"lookup": lookup}), "links"),
        ("SuggestMerges", json!({"lookup": lookup}), "readInfo"),
        (
            "AnalyzeText",
            json!({"texts": ["It broke twice."]}),
            "analyses",
        ),
        (
            "GetSentimentHistory",
            json!({"lookup": lookup, "bucket": "BUCKET_WIDTH_WEEK"}),
            "profileId",
        ),
        (
            "GetExperienceMetrics",
            json!({"period": "METRIC_PERIOD_QUARTER"}),
            "countedTo",
        ),
        (
            "ReanalyzeInteractions",
            json!({"operationId": "again"}),
            "modelVersion",
        ),
        (
            "MergeProfiles",
            json!({"operationId": "merge", "target": lookup, "source": other, "reason": "a test"}),
            "outcome",
        ),
        (
            "SeparateIdentifiers",
            json!({"operationId": "separate", "identifiers": other["identifiers"]}),
            "outcome",
        ),
        (
            "UndoDecision",
            json!({"operationId": "undo", "decisionOperationId": "merge"}),
            "outcome",
        ),
        ("GetRules", json!({}), "revisions"),
        (
            "PreviewRules",
            json!({"rules": {"namespaces": [{"namespace": "email", "limit": 1}]}}),
            "profilesAfter",
        ),
        (
            "ApplyRules",
            json!({"operationId": "rules", "rules": {"sizeCap": 5000}, "reason": "a test"}),
            "revision",
        ),
    ]
}

/// The same of the catalogue of actions.
fn examples_of_actions() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        (
            "CreateAction",
            json!({"operationId": "create", "activate": true, "definition": gloves(1_200)}),
            "action",
        ),
        (
            "UpdateAction",
            json!({"operationId": "update", "definition": gloves(900)}),
            "action",
        ),
        (
            "PauseAction",
            json!({"operationId": "pause", "actionId": "gloves"}),
            "action",
        ),
        (
            "ResumeAction",
            json!({"operationId": "resume", "actionId": "gloves"}),
            "action",
        ),
        (
            "RetireAction",
            json!({"operationId": "retire", "actionId": "gloves"}),
            "action",
        ),
        ("GetAction", json!({"actionId": "gloves"}), "versions"),
        ("ListActions", json!({"pageSize": 3}), "actions"),
        (
            "ImportActions",
            json!({"operationId": "import", "documents": ["catalogue: 1\n"]}),
            "policyVersion",
        ),
        ("ExportActions", json!({}), "document"),
    ]
}

/// The same of decisions.
fn examples_of_decisions() -> Vec<(&'static str, Value, &'static str)> {
    let lookup = json!({"identifiers": [{"namespace": "email", "value": "hanako@example.com"}]});
    vec![
        (
            "GetNextBestActions",
            json!({"decisionId": "page", "placements": [{"placement": "web_home_hero", "channel": "web"}]}),
            "decision",
        ),
        (
            "RecordOutcomes",
            json!({"outcomes": [{
                "source": "shop", "eventId": "seen", "outcome": "ACTION_OUTCOME_IMPRESSION",
                "occurredAt": "2026-03-01T10:00:00Z", "decisionId": "page"
            }]}),
            "results",
        ),
        ("ExplainDecision", json!({"decisionId": "page"}), "decision"),
        ("ReplayDecision", json!({"decisionId": "page"}), "identical"),
        ("ListSegments", json!({}), "segments"),
        (
            "GetSegments",
            json!({"lookup": lookup, "segments": ["vip"], "explain": true}),
            "memberships",
        ),
        (
            "PreviewSegment",
            json!({"rule": "order_count >= 2", "name": "vip"}),
            "membersNow",
        ),
        (
            "GetActionStats",
            json!({"actionIds": ["shop_home"], "gates": true}),
            "actions",
        ),
        (
            "GetLift",
            json!({"outcome": "LIFT_OUTCOME_ORDERED"}),
            "groups",
        ),
        (
            "EvaluatePolicy",
            json!({"documents": {"documents": ["catalogue: 1\n"]}, "maxDecisions": 100}),
            "weights",
        ),
    ]
}

fn gloves(yen: i64) -> Value {
    json!({
        "actionId": "gloves", "issue": "ACTION_ISSUE_SELL", "group": "offers", "channels": ["web"],
        "value": {"money": {"currency": "JPY", "minorUnits": yen}}, "attributionDays": 14,
        "texts": [{"locale": "ja", "title": "手袋"}]
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_shown_of_all_of_one_and_of_a_rule() {
    let service = with_shop().await;
    let said = run(asking(&service, &["segments"])).await.stderr;
    assert_eq!(String::from_utf8(said).unwrap(), "there are no segments\n");
    service.import_starter("starter").await;
    let seen = "catalogue: 1\nsegments:\n  - {name: seen, rule: interactions > 0}\n";
    service.import("seen", vec![seen.into()]).await.unwrap();
    let said = shown(&service, &["segments"]).await;
    assert!(said.contains("vip  version 1, 0 in it\n"), "{said}");
    assert!(
        said.contains("\n  money_score >= 5 && frequency_score >= 4\n"),
        "{said}"
    );
    let who = "email=hanako@example.com";
    until("the catalogue is known", async || {
        shown(&service, &["segments", who])
            .await
            .contains("  seen\n")
    })
    .await;
    let said = shown(&service, &["segments", who]).await;
    let entry = "in         seen\n           interactions is ";
    assert!(said.contains(entry), "{said}");
    let screen = shown(&service, &["get", who]).await;
    let line = screen.lines().find(|line| line.starts_with("segments  "));
    assert!(line.is_some_and(|line| line.contains("seen")), "{screen}");
    let preview = [
        "segments",
        "--preview",
        "interactions > 0",
        "--name",
        "seen",
    ];
    let said = shown(&service, &preview).await;
    assert!(said.starts_with("interactions > 0\n"), "{said}");
    assert!(said.contains("0 would come, 0 would leave"), "{said}");
    let json = shown(&service, &["segments", who, "--json"]).await;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert!(json["memberships"].is_array());
    let said = refused(asking(&service, &["segments", "email=nobody@example.com"])).await;
    assert!(said.contains("nobody is known"), "{said}");
    let said = refused(asking(&service, &["segments", "--preview", "nothing_such"])).await;
    assert!(said.contains("nothing_such"), "{said}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn next_says_what_to_do_and_why_not_something_else() {
    let service = with_shop().await;
    service.import_starter("starter").await;
    let who = "email=hanako@example.com";
    let said = shown(&service, &["next", who, "--on", "web_home_hero=web"]).await;
    assert!(said.starts_with("web_home_hero (web)\n"), "{said}");
    assert!(
        said.contains("with probability") || said.contains("nothing else"),
        "{said}"
    );
    assert!(said.contains("applicability"), "{said}");
    let everywhere = shown(
        &service,
        &["next", who, "--customer-time-zone", "Asia/Tokyo"],
    )
    .await;
    let places = everywhere
        .lines()
        .filter(|line| line.ends_with(')') && !line.starts_with(' '));
    assert!(places.count() > 1, "the policy's places: {everywhere}");
    assert!(everywhere.contains("web_home_hero (web)\n"), "{everywhere}");
    let said = shown(&service, &["get", who, "--on", "web_home_hero=web"]).await;
    let step = said.lines().find(|line| line.starts_with("NEXT "));
    assert!(
        step.is_some_and(|step| step.contains("web_home_hero ")),
        "{said}"
    );
    let before = said.find("NEXT ").zip(said.find("TICKETS "));
    assert!(
        before.is_some_and(|(next, tickets)| next < tickets),
        "{said}"
    );
    let wrong = asking(&service, &["next", who, "--on", "web_home_hero"]);
    assert!(refused(wrong).await.contains("placement=channel"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_is_watched_from_a_token_to_its_end() {
    let service = with_shop().await;
    let there = ["watch", "--all", "--snapshot", "--until-now"];
    let output = run(asking(&service, &there)).await;
    let screen = String::from_utf8(output.stdout).unwrap();
    // What led to the snapshot may be told again, while older transactions of anybody are under way; also of profiles that went into
    // others on the way.
    let (there, again): (Vec<&str>, Vec<&str>) =
        screen.lines().partition(|line| line.ends_with("is there"));
    assert!(there.len() > 3, "{screen}");
    let id = |line: &str| {
        line.split_whitespace()
            .find(|word| word.len() == 36)
            .map(str::to_owned)
    };
    let gone = again.iter().filter(|line| line.contains("went into"));
    let known: Vec<_> = there.iter().chain(gone).map(|line| id(line)).collect();
    assert!(
        again.iter().all(|line| known.contains(&id(line))),
        "{screen}"
    );
    let said = String::from_utf8(output.stderr).unwrap();
    let token = said.trim().strip_prefix("go on with --from ").unwrap();
    let id = service
        .record_one(make::seen("more", 0, &["customer_id=C-0001"]))
        .await;
    let since = ["watch", "--all", "--from", token, "--until-now"];
    let changes = shown(&service, &since).await;
    let updated = changes
        .lines()
        .filter(|line| line.contains(&id) && line.ends_with("updated"));
    assert!(updated.count() > 0, "{changes}");
    let one = [
        "watch",
        "customer_id=C-0001",
        "--snapshot",
        "--until-now",
        "--json",
        "--with-profile",
    ];
    let messages = lines(&shown(&service, &one).await);
    assert!(
        messages
            .iter()
            .all(|message| message["resumeToken"].is_string())
    );
    assert_eq!(messages[1]["change"]["profile"]["profileId"], id);
    let said = refused(asking(&service, &["watch", "email=nobody@example.com"])).await;
    assert!(said.contains("nobody is known"), "{said}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_of_the_api_can_be_called() {
    let service = with_shop().await;
    service.import_starter("starter").await;
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let mut examples = examples();
    examples.extend(examples_of_actions());
    examples.extend(examples_of_decisions());
    let listed = shown(&service, &["call", "--list"]).await;
    let methods = pool
        .services()
        .flat_map(|s| s.methods().collect::<Vec<_>>());
    for method in methods {
        let example = examples.iter().find(|(name, _, _)| *name == method.name());
        let (name, request, field) =
            example.unwrap_or_else(|| panic!("{} has no example", method.full_name()));
        assert!(listed.contains(&format!("  {name}(")), "{listed}");
        let answer = shown(&service, &["call", name, &request.to_string()]).await;
        // Of a stream the first.
        let mut answers = serde_json::Deserializer::from_str(&answer).into_iter::<Value>();
        let answer = answers.next().unwrap().unwrap();
        assert!(answer.get(field).is_some(), "{name}: {answer}");
    }
    let health = shown(&service, &["call", "Health/Check", "--max-time", "20"]).await;
    assert!(health.contains("SERVING"), "{health}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_fed_from_standard_input_and_files() {
    let service = with_shop().await;
    let (_, request, _) = examples().swap_remove(1);
    let input = format!("{request}\n{request}{request}");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("requests.json");
    std::fs::write(&file, &input).unwrap();
    let from = format!("@{}", file.display());
    let good = input
        .replacen("\"7\"", "\"1\"", 1)
        .replacen("\"7\"", "\"2\"", 1);
    let output = fed(asking(&service, &["call", "StreamInteractions", "-"]), good).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let answers = lines(&String::from_utf8(output.stdout).unwrap());
    let sequences: Vec<&Value> = answers.iter().map(|answer| &answer["sequence"]).collect();
    assert_eq!(sequences, ["1", "2", "7"]);
    // The same number twice: what was acknowledged before is printed, then the error.
    let output = run(asking(&service, &["call", "StreamInteractions", &from])).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    // A mistake in the middle is named, and the stream does not end as if it were whole.
    let broken = format!("{request}\n{{\"sequense\": 8}}");
    let output = fed(
        asking(&service, &["call", "StreamInteractions", "-"]),
        broken,
    )
    .await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("message 2") && said.contains("sequense"),
        "{said}"
    );
    let watched = ["call", "Health/Watch", "--max-time", "1"];
    let output = run(asking(&service, &watched)).await;
    assert_eq!(output.status.code(), Some(1));
    let answers = lines(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(answers[0]["status"], "SERVING");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_calls_are_named() {
    let service = with_shop().await;
    let call = |arguments: &[&str]| {
        let mut all = vec!["call"];
        all.extend(arguments);
        refused(asking(&service, &all))
    };
    let said = call(&["GetProfil"]).await;
    assert!(said.contains("did you mean"), "{said}");
    assert!(
        said.contains("customer_profile.v1.ProfileService/GetProfile"),
        "{said}"
    );
    let said = call(&["GetProfile", "{\"lookupp\": {}}"]).await;
    assert!(said.contains("unrecognized field name 'lookupp'"), "{said}");
    let said = call(&["GetProfile", "{}{}"]).await;
    assert!(said.contains("takes one message"), "{said}");
    let said = call(&["GetProfile", "@no-such-file"]).await;
    assert!(said.contains("no-such-file"), "{said}");
    let deep = "[".repeat(10_000);
    for wrong in [
        "{\"lookup\": \"\\ud800\"}",
        deep.as_str(),
        "{\"lookup\": 1e999}",
    ] {
        let said = call(&["GetProfile", wrong]).await;
        assert!(said.contains("message 1 is no GetProfileRequest"), "{said}");
    }
    let many = json!({
        "lookup": {"identifiers": [{"namespace": "No Slug"}]},
        "fieldMask": "nonsense",
    });
    let said = call(&["GetProfile", &many.to_string()]).await;
    for wanted in [
        "InvalidArgument",
        "reason invalid",
        "lookup.identifiers[0].namespace",
        "lookup.identifiers[0].value",
        "field_mask",
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    let nobody =
        json!({"lookup": {"identifiers": [{"namespace": "email", "value": "a@b.example"}]}});
    let said = call(&["GetProfile", &nobody.to_string()]).await;
    assert!(said.contains("NotFound: profile not found"), "{said}");

    let described = shown(&service, &["call", "--describe", "GetProfile"]).await;
    assert!(
        described.contains("message customer_profile.v1.GetProfileRequest"),
        "{described}"
    );
    assert!(described.contains("fieldMask"), "{described}");
    let mut nowhere = program();
    nowhere.args(["call", "--list", "--to", "unix:/nonexistent/socket"]);
    let said = refused(nowhere).await;
    assert!(said.starts_with("customer-profile: "), "{said}");
    service.stop().await;
}
