//! What who runs the service sees of calls: for each one tree, from the caller's span down to the statements; and nothing of
//! the customer in spans, log lines or metrics.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    sync::{Arc, Mutex},
    time::Duration,
};

use customer_profile::{
    cli::client,
    proto::v1::{
        AnalyzeTextRequest, ImportActionsRequest, Interaction, SearchProfilesRequest, SubjectKind,
        SubjectStatus, interaction_service_client::InteractionServiceClient,
        next_best_action_service_client::NextBestActionServiceClient,
        profile_service_client::ProfileServiceClient,
        sentiment_service_client::SentimentServiceClient,
    },
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::any_value::Value,
    trace::v1::{Span, span::SpanKind},
};
use prost::bytes::Bytes;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status, transport::Channel};

use crate::{
    harness::{
        Database,
        actions::starter,
        calls::{getting, recording},
        cluster::SECRET,
        locks::Stripes,
        make,
        process::Process,
        raw,
        service::with_metadata,
    },
    health::page,
    permissions::{CALLS, WHO, call_with},
};

/// A collector of spans in this process.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let spans = request.into_inner().resource_spans.into_iter();
        let spans = spans
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans);
        self.0.lock().unwrap().extend(spans);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    /// Where it listens.
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(self.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(serving);
        format!("http://{address}")
    }

    fn spans(&self) -> Vec<Span> {
        self.0.lock().unwrap().clone()
    }
}

/// A service of its own process, its collector, and what it logs.
struct Watched {
    process: Process,
    collector: Collector,
    directory: tempfile::TempDir,
    metrics: String,
}

impl Watched {
    async fn start(database: &Database, ratio: &str, more: &[(&str, &str)]) -> Self {
        let collector = Collector::default();
        let endpoint = collector.start().await;
        let directory = tempfile::tempdir().unwrap();
        // Nobody else is given this port in the moment until it is bound.
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let metrics = free.local_addr().unwrap().to_string();
        drop(free);
        let url = database.url();
        let settings = [
            ("DATABASE_URL", url.as_str()),
            ("CUSTOMER_PROFILE_HASH_SECRET", SECRET),
            ("CUSTOMER_PROFILE_TELEMETRY__OTLP_ENDPOINT", &endpoint),
            ("CUSTOMER_PROFILE_TELEMETRY__SAMPLE_RATIO", ratio),
            ("CUSTOMER_PROFILE_LISTEN__METRICS", &metrics),
            ("CUSTOMER_PROFILE_LOG__FILTER", "debug"),
        ];
        let log = File::create(directory.path().join("log")).unwrap();
        let process =
            Process::serve_logging(directory.path(), &[&settings, more].concat(), log.into());
        Self {
            process,
            collector,
            directory,
            metrics,
        }
    }

    fn channel(&self) -> Channel {
        client::channel(&self.process.url).unwrap()
    }

    async fn page(&self) -> String {
        page(&format!("http://{}", self.metrics), "/metrics")
            .await
            .1
    }

    /// Ends it, so that it sends its last spans; gives those and its log.
    fn end(self) -> (Vec<Span>, String) {
        assert!(self.process.terminate().success());
        let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap();
        (self.collector.spans(), log)
    }
}

/// A W3C context of a caller: its trace and its span are told by a number.
fn traceparent(number: usize, sampled: bool) -> String {
    format!(
        "00-{:032x}-{:016x}-0{}",
        number + 1,
        number + 1_000,
        u8::from(sampled)
    )
}

fn bytes(number: usize, length: usize) -> Vec<u8> {
    let number = u128::try_from(number).unwrap().to_be_bytes();
    number[16 - length..].to_vec()
}

/// What a customer said and is: words that are found nowhere else.
const CANARIES: [&str; 9] = [
    "a@example.com",
    "zyxzeisig",
    "+819011122233",
    "9011122233",
    "カナリア",
    "goldhaehnchen",
    "girlitz-7781",
    "stieglitz",
    "dompfaff",
];

fn telling() -> Interaction {
    let mut interaction = make::seen("canary", -50, &[WHO, "phone=+819011122233"]);
    interaction.traits = vec![make::fact("name", make::text("zyxzeisig"))];
    interaction.text = Some("カナリアが届きません。goldhaehnchen".to_owned());
    interaction.department = "support".into();
    interaction.channel = "mail".into();
    interaction.subject = Some(make::subject(
        SubjectKind::Order,
        "girlitz-7781",
        SubjectStatus::Unspecified,
    ));
    interaction
}

/// The trace of a look-up that memory answers.
const KNOWN: usize = 903;

/// What must at least be seen within a call.
fn within(method: &str) -> &'static [&'static str] {
    match method {
        "ListInteractions" | "GetSentimentHistory" => &["db.interactions.page"],
        "RetractInteractions" => &["db.event_keys.retract", "db.transaction.commit"],
        "GetProfile" => &["lookup.find", "lookup.primary", "db.profiles.documents"],
        "BatchGetProfiles" => &["lookup.find_many"],
        "ListIdentifiers" => &["db.identities.cards"],
        "ListTraits" | "SearchProfiles" => &["db.profiles.read"],
        "ExplainIdentity" => &["db.links.of", "db.identities.load"],
        "SuggestMerges" => &["lookup.suggest"],
        "MergeProfiles" | "UndoDecision" => &["identity.decide", "db.operations.load"],
        "SeparateIdentifiers" => &["identity.decide", "db.locks.take", "db.transaction.commit"],
        "GetRules" => &["db.rule_sets.latest"],
        "PreviewRules" => &["rules.preview"],
        "ApplyRules" => &["rules.apply", "db.transaction.commit"],
        "GetExperienceMetrics" => &["figures.read"],
        "ReanalyzeInteractions" => &["db.reanalyses.begin"],
        "CreateAction" => &["catalogue.change", "db.transaction.commit"],
        "UpdateAction" | "PauseAction" | "ResumeAction" | "RetireAction" => &["catalogue.change"],
        "ImportActions" => &["catalogue.rehearse"],
        "GetAction" | "ListActions" | "ExportActions" => &["db.catalogues.revision"],
        "GetNextBestActions" => &["decision.make"],
        "ExplainDecision" | "ReplayDecision" => &["db.offers.load"],
        // What is recorded is in the trace of the batch; texts and outcomes that are invalid ask nobody.
        _ => &[],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_is_one_tree_below_its_callers_span_and_nothing_in_it_is_personal() {
    let database = Database::new().await;
    let watched = Watched::start(&database, "0", &[]).await;
    let channel = watched.channel();
    let request = ImportActionsRequest {
        operation_id: "starter".into(),
        documents: starter(),
        ..ImportActionsRequest::default()
    };
    let mut actions = NextBestActionServiceClient::new(channel.clone());
    actions.import_actions(request).await.unwrap();
    let mut interactions = InteractionServiceClient::new(channel.clone());
    let request = with_metadata(
        recording(vec![telling()]),
        &[("traceparent", &traceparent(900, true))],
    );
    interactions.record_interactions(request).await.unwrap();
    let mut texts = SentimentServiceClient::new(channel.clone());
    let request = AnalyzeTextRequest {
        texts: vec!["stieglitz".into()],
        ..AnalyzeTextRequest::default()
    };
    let context = traceparent(901, true);
    let request = with_metadata(request, &[("traceparent", &context)]);
    texts.analyze_text(request).await.unwrap();
    // What is refused is logged at most by what is wrong with it.
    let mut profiles = ProfileServiceClient::new(channel.clone());
    let request = SearchProfilesRequest {
        page_token: "dompfaff".into(),
        ..SearchProfilesRequest::default()
    };
    let context = traceparent(902, true);
    let refused = profiles.search_profiles(with_metadata(request, &[("traceparent", &context)]));
    refused.await.unwrap_err();
    for (number, (name, _)) in CALLS.iter().enumerate() {
        let context = traceparent(number, true);
        let outcome = call_with(channel.clone(), name, &[("traceparent", &context)]).await;
        assert!(outcome.is_ok(), "{name}: {outcome:?}");
    }
    // The first of them is kept.
    profiles.get_profile(getting(WHO)).await.unwrap();
    let context = traceparent(KNOWN, true);
    let known = with_metadata(getting(WHO), &[("traceparent", &context)]);
    profiles.get_profile(known).await.unwrap();
    let page = watched.page().await;
    let (spans, log) = watched.end();

    for (number, (name, _)) in CALLS.iter().enumerate() {
        let trace = bytes(number + 1, 16);
        let ours: Vec<&Span> = spans.iter().filter(|span| span.trace_id == trace).collect();
        let caller = bytes(number + 1_000, 8);
        let (first, inner): (Vec<&Span>, Vec<&Span>) =
            ours.iter().partition(|span| span.parent_span_id == caller);
        let [first] = &first[..] else {
            panic!("{name}: {first:?}");
        };
        assert!(first.name.ends_with(&format!("/{name}")), "{}", first.name);
        assert_eq!(first.kind, i32::from(SpanKind::Server));
        let known: HashSet<&[u8]> = ours.iter().map(|span| &span.span_id[..]).collect();
        for span in &inner {
            assert!(known.contains(&span.parent_span_id[..]), "{name}: {span:?}");
            assert!(
                first.start_time_unix_nano <= span.start_time_unix_nano,
                "{name}: {span:?}"
            );
        }
        let names: HashSet<&str> = inner.iter().map(|span| span.name.as_str()).collect();
        for wanted in within(name) {
            assert!(names.contains(wanted), "{name}: {names:?}");
        }
        if *name == "GetProfile" {
            assert_eq!(source(first).as_deref(), Some("primary"));
        }
        if *name == "BatchGetProfiles" {
            assert!(source(first).is_some(), "{first:?}");
        }
    }
    // Whom memory knows: said of the call, and of nothing else.
    let known = |span: &&Span| span.trace_id == bytes(KNOWN + 1, 16);
    let spans_of_the_known: Vec<&Span> = spans.iter().filter(known).collect();
    let [call] = &spans_of_the_known[..] else {
        panic!("{spans_of_the_known:?}");
    };
    assert_eq!(source(call).as_deref(), Some("memory"));
    let batches = batches(&spans);
    for recorded in ["RecordInteractions", "StreamInteractions"] {
        let number = CALLS.iter().position(|(name, _)| *name == recorded);
        let names = &batches[&bytes(number.unwrap() + 1, 16)];
        for wanted in [
            "db.event_keys.claim",
            "db.locks.take",
            "db.transaction.commit",
        ] {
            assert!(names.contains(wanted), "{recorded}: {names:?}");
        }
    }
    for canary in CANARIES {
        let spoken = spans
            .iter()
            .find(|span| format!("{span:?}").contains(canary));
        assert!(spoken.is_none(), "{canary}: {spoken:?}");
        let line = log.lines().find(|line| line.contains(canary));
        assert!(line.is_none(), "{canary}: {line:?}");
        assert!(!page.contains(canary), "{canary}");
    }
}

/// Which tier answered, as a span says.
fn source(span: &Span) -> Option<String> {
    let said = span.attributes.iter().find(|one| one.key == "cache.source");
    match said?.value.clone()?.value? {
        Value::StringValue(source) => Some(source),
        _ => None,
    }
}

/// Names of what is within a batch, by the traces that it wrote for.
fn batches(spans: &[Span]) -> HashMap<Vec<u8>, HashSet<String>> {
    let mut found = HashMap::new();
    for batch in spans.iter().filter(|span| span.name == "ingest.batch") {
        let within = spans.iter().filter(|span| span.trace_id == batch.trace_id);
        let names: HashSet<String> = within.map(|span| span.name.clone()).collect();
        for link in &batch.links {
            found.insert(link.trace_id.clone(), names.clone());
        }
    }
    found
}

/// The traces that the log says were slow.
fn told_slow(log: &str) -> Vec<&str> {
    log.lines()
        .filter(|line| line.contains("a call was slow"))
        .map(|line| {
            let (_, rest) = line.split_once("trace_id=").unwrap();
            &rest[..32]
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_failed_calls_are_sent_whatever_was_chosen_and_slow_ones_are_logged_once() {
    let database = Database::new().await;
    let watched = Watched::start(&database, "0", &[]).await;
    let channel = watched.channel();
    let mut interactions = InteractionServiceClient::new(channel.clone());
    for number in 0..20 {
        let event = format!("quick {number}");
        let request = recording(vec![make::seen(&event, number, &[WHO])]);
        interactions.record_interactions(request).await.unwrap();
    }
    // A caller that did not choose its trace, and a call that no service has.
    let nothing = "/customer_profile.v1.ProfileService/MakeCoffee";
    let context = traceparent(5, false);
    let request = with_metadata(Bytes::new(), &[("traceparent", &context)]);
    let failed = raw::unary_with(channel.clone(), nothing, request).await;
    assert_eq!(failed.unwrap_err().code(), Code::Unimplemented);
    // One that waits for a lock for longer than it may take.
    let mut stripes = Stripes::hold(&database).await;
    let request = recording(vec![make::seen("slow", 0, &[WHO])]);
    let slow = tokio::spawn(async move { interactions.record_interactions(request).await });
    stripes.waited_for_by(1).await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    stripes.release().await;
    slow.await.unwrap().unwrap();
    let page = watched.page().await;
    let (spans, log) = watched.end();

    let told = told_slow(&log);
    assert_eq!(told.iter().collect::<HashSet<_>>().len(), told.len());
    let firsts: Vec<&Span> = spans
        .iter()
        .filter(|span| span.kind == i32::from(SpanKind::Server))
        .collect();
    let (failed, slow): (Vec<&Span>, Vec<&Span>) = firsts
        .iter()
        .partition(|span| span.trace_id == bytes(6, 16));
    let mut sent: Vec<String> = slow
        .iter()
        .map(|span| hex::encode(&span.trace_id))
        .collect();
    sent.sort();
    let mut wanted = told.clone();
    wanted.sort_unstable();
    assert_eq!(sent, wanted, "what was slow was sent, and nothing else");
    assert_eq!(failed.len(), 1);
    let recorded = slow
        .iter()
        .find(|span| batches(&spans).contains_key(&span.trace_id))
        .expect("what was recorded slowly");
    let names = &batches(&spans)[&recorded.trace_id];
    assert!(names.contains("db.locks.take"), "{names:?}");
    for reason in ["slow", "failed"] {
        let counted = format!("customer_profile_traces_kept_total{{reason=\"{reason}\"}}");
        assert!(page.contains(&counted), "{page}");
    }
}
