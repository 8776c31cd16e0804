use std::sync::{Arc, Mutex};

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    trace::v1::ResourceSpans,
};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::*;

/// A writer into memory.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn of(settings: &Settings, log: impl FnOnce()) -> String {
        let lines = Self::default();
        let writer = lines.clone();
        let provider = provider(settings).unwrap();
        let dispatch = dispatch(settings, &provider, move || writer.clone());
        tracing::dispatcher::with_default(&dispatch, log);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }
}

fn settings(format: LogFormat, filter: &str) -> Settings {
    let mut settings = Settings::default();
    settings.log.format = format;
    settings.log.filter = filter.to_owned();
    settings
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn within_the_callers_trace(log: impl FnOnce()) {
    let caller = SpanContext::new(
        TraceId::from_hex(TRACE).unwrap(),
        SpanId::from_hex("00f067aa0ba902b7").unwrap(),
        TraceFlags::SAMPLED,
        true,
        opentelemetry::trace::TraceState::default(),
    );
    let span = tracing::info_span!("grpc.request", rpc.method = "GetProfile");
    let parent = opentelemetry::Context::new().with_remote_span_context(caller);
    span.set_parent(parent).unwrap();
    span.in_scope(log);
}

#[test]
fn json_lines_carry_the_callers_trace_and_their_fields() {
    let line = Lines::of(&settings(LogFormat::Json, "info"), || {
        within_the_callers_trace(|| tracing::info!(profile.id = 7, "merged two \"profiles\""));
    });
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["trace_id"], TRACE);
    assert_eq!(line["span_id"].as_str().unwrap().len(), 16);
    assert_ne!(line["span_id"], "00f067aa0ba902b7");
    assert_eq!(line["message"], "merged two \"profiles\"");
    assert_eq!(line["profile.id"], 7);
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["span"]["rpc.method"], "GetProfile");
}

#[test]
fn text_lines_end_with_the_trace_also_when_the_filter_leaves_the_span_out() {
    let line = Lines::of(&settings(LogFormat::Text, "warn"), || {
        within_the_callers_trace(|| {
            tracing::info!("not shown");
            tracing::warn!("shown");
        });
    });
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(
        line.contains("shown") && line.contains(&format!("trace_id={TRACE} span_id=")),
        "{line}"
    );
}

#[test]
fn a_filter_may_speak_of_spans_and_have_pieces_of_nothing() {
    let chatter = || {
        tracing::info!("outside");
        tracing::info_span!("chosen").in_scope(|| tracing::debug!("within"));
    };
    for (filter, outside, within) in [
        ("info", true, false),
        ("info,", true, false),
        ("info,,h2=debug", true, false),
        ("info,[chosen]=debug", true, true),
        ("warn,[chosen]=debug", false, true),
        ("warn,customer_profile=debug", true, true),
    ] {
        let said = Lines::of(&settings(LogFormat::Text, filter), chatter);
        assert_eq!(said.contains("outside"), outside, "{filter}: {said}");
        assert_eq!(said.contains("within"), within, "{filter}: {said}");
    }
}

#[test]
fn a_line_outside_of_any_span_names_no_trace() {
    for format in [LogFormat::Text, LogFormat::Json] {
        let line = Lines::of(&settings(format, "info"), || tracing::info!("bound"));
        assert!(
            line.contains("bound") && !line.contains("trace_id"),
            "{line}"
        );
    }
}

#[test]
fn carriers_are_quiet_unless_asked_for_by_name() {
    let chatter = || {
        tracing::info!(target: "h2::client", "frame");
        tracing::info!(target: "tonic::transport", "call");
    };
    assert_eq!(Lines::of(&settings(LogFormat::Text, "debug"), chatter), "");
    let shown = Lines::of(&settings(LogFormat::Text, "info,h2=info"), chatter);
    assert!(
        shown.contains("frame") && !shown.contains("call"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_second_start_in_the_process_is_tolerated_and_an_end_does_not_hang() {
    let first = Telemetry::start(&Settings::default()).unwrap();
    let mut sending = Settings::default();
    sending.telemetry.otlp_endpoint = Some("http://127.0.0.1:9".to_owned());
    let second = Telemetry::start(&sending).unwrap();
    assert!(
        second
            .metrics()
            .render()
            .contains("customer_profile_build_info")
    );
    first.shutdown().await;
    second.shutdown().await;
}

/// Keeps what is exported to it.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<ResourceSpans>>>);

#[tonic::async_trait]
impl TraceService for Sink {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let spans = request.into_inner().resource_spans;
        self.0.lock().unwrap().extend(spans);
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tokio::test]
async fn spans_reach_the_collector_at_the_latest_when_the_service_ends() {
    let sink = Sink::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tonic::transport::Server::builder()
        .add_service(TraceServiceServer::new(sink.clone()))
        .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener));
    let serving = tokio::spawn(serving);

    let mut settings = settings(LogFormat::Text, "off");
    settings.telemetry.otlp_endpoint = Some(format!("http://{address}"));
    settings.telemetry.sample_ratio = 0.0;
    let provider = provider(&settings).unwrap();
    // See the tests of grpc::layers on the second one.
    let _second = Dispatch::new(tracing_subscriber::registry());
    let dispatch = dispatch(&settings, &provider, io::sink);
    tracing::dispatcher::with_default(&dispatch, || {
        within_the_callers_trace(|| tracing::info_span!("db.profile.get").in_scope(|| {}));
        // Begins here, where nothing is chosen.
        tracing::info_span!("left out").in_scope(|| {});
    });
    let metrics = Metrics::install().unwrap();
    Telemetry { provider, metrics }.shutdown().await;
    serving.abort();

    let exported = sink.0.lock().unwrap();
    let resource = exported[0].resource.as_ref().unwrap();
    let shown = format!("{:?}", resource.attributes);
    assert!(
        shown.contains("service.name") && shown.contains("service.version"),
        "{shown}"
    );
    let spans = exported
        .iter()
        .flat_map(|r| &r.scope_spans)
        .flat_map(|s| &s.spans);
    let mut names: Vec<_> = spans
        .map(|s| (s.name.as_str(), hex::encode(&s.trace_id)))
        .collect();
    names.sort();
    let trace = TRACE.to_owned();
    assert_eq!(
        names,
        [("db.profile.get", trace.clone()), ("grpc.request", trace)]
    );
}
