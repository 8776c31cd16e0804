//! Against a real server in memory, over a pair of pipes.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use hyper_util::rt::TokioIo;
use opentelemetry::trace::{SpanId, TracerProvider as _};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use tonic::{
    Code, Request, Response, Status, Streaming,
    transport::{Channel, Endpoint, Server},
};
use tonic_types::StatusExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;
use crate::{
    auth::{Caller, Permission},
    error::Error,
    grpc::context,
    ingest::{gate::Gate, limit::Bounds},
    proto::v1::{
        Interaction, ListInteractionsRequest, ListInteractionsResponse, RecordInteractionsRequest,
        RecordInteractionsResponse, RetractInteractionsRequest, RetractInteractionsResponse,
        StreamInteractionsRequest, StreamInteractionsResponse,
        interaction_service_client::InteractionServiceClient,
        interaction_service_server::{InteractionService, InteractionServiceServer},
    },
    telemetry::Metrics,
};

const LIMIT: usize = 1_000;

/// Does what the event id of the first interaction says.
struct Puppet;

#[tonic::async_trait]
impl InteractionService for Puppet {
    type StreamInteractionsStream =
        Pin<Box<dyn Stream<Item = Result<StreamInteractionsResponse, Status>> + Send>>;

    async fn record_interactions(
        &self,
        request: Request<RecordInteractionsRequest>,
    ) -> Result<Response<RecordInteractionsResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Record)?;
        let interactions = request.into_inner().interactions;
        match interactions.first().map(|i| i.event_id.as_str()) {
            Some("panic") => panic!("told to"),
            Some("bug") => Err(Error::bug("testing", "secret of the driver").into()),
            Some("hang") => std::future::pending().await,
            _ => Ok(Response::new(RecordInteractionsResponse {
                token: format!("{}/{}", caller.tenant, caller.name),
                ..Default::default()
            })),
        }
    }

    async fn stream_interactions(
        &self,
        request: Request<Streaming<StreamInteractionsRequest>>,
    ) -> Result<Response<Self::StreamInteractionsStream>, Status> {
        let answers = request.into_inner().map(|next| match next {
            Ok(request) if request.sequence == 13 => panic!("told to"),
            Ok(request) => Ok(StreamInteractionsResponse {
                sequence: request.sequence,
                ..Default::default()
            }),
            Err(error) => Err(map_stream_error(error)),
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn list_interactions(
        &self,
        _: Request<ListInteractionsRequest>,
    ) -> Result<Response<ListInteractionsResponse>, Status> {
        Ok(Response::new(ListInteractionsResponse::default()))
    }

    async fn retract_interactions(
        &self,
        _: Request<RetractInteractionsRequest>,
    ) -> Result<Response<RetractInteractionsResponse>, Status> {
        Err(Error::NotFound {
            kind: "interaction",
            name: String::new(),
        }
        .into())
    }
}

/// Answers nothing at once.
struct Nothing;

impl at_once::AtOnce for Nothing {
    fn answer(&self, _: &Caller, _: &[u8]) -> Option<Bytes> {
        None
    }
}

async fn serve() -> Channel {
    let (near, far) = tokio::io::duplex(64 * 1_024);
    let (_, health) = tonic_health::server::health_reporter();
    let puppet = InteractionServiceServer::new(Puppet).max_decoding_message_size(LIMIT);
    let bounds = Bounds {
        least: 64,
        most: 1_000,
        first: 64,
        target: Duration::from_secs(1),
    };
    let gate = Gate::new(bounds, bounds);
    let most = admission::Most {
        calls: 100,
        heavy: 4,
    };
    let admission = admission::Admission::new(most, gate);
    let serving = Server::builder()
        .layer(layers(
            Authenticator::Believing,
            Arc::new(Nothing),
            admission,
            64 << 20,
        ))
        .add_service(puppet)
        .add_service(health)
        .serve_with_incoming(stream::iter([Ok::<_, std::io::Error>(far)]));
    tokio::spawn(serving);
    let mut near = Some(near);
    let connect = tower::service_fn(move |_| {
        let near = near.take().map(TokioIo::new);
        async move { near.ok_or_else(|| std::io::Error::other("one connection only")) }
    });
    let endpoint = Endpoint::from_static("http://in.memory");
    endpoint.connect_with_connector(connect).await.unwrap()
}

async fn client() -> InteractionServiceClient<Channel> {
    InteractionServiceClient::new(serve().await)
}

fn record(event_id: &str) -> RecordInteractionsRequest {
    let interaction = Interaction {
        event_id: event_id.to_owned(),
        ..Default::default()
    };
    RecordInteractionsRequest {
        interactions: vec![interaction],
        ..Default::default()
    }
}

fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details
        .error_info()
        .map(|i| i.reason.clone())
        .unwrap_or_default()
}

#[track_caller]
fn is_too_large(status: &Status) {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert_eq!(reason(status), "message_too_large");
    let details = status.get_error_details();
    assert_eq!(
        details.error_info().unwrap().metadata["limit_bytes"],
        "1000"
    );
    assert!(details.quota_failure().is_some() && details.retry_info().is_none());
}

#[tokio::test]
async fn a_message_over_the_limit_is_answered_with_the_limit() {
    let mut client = client().await;
    let status = client.record_interactions(record(&"x".repeat(2_000))).await;
    is_too_large(&status.unwrap_err());

    let small = StreamInteractionsRequest {
        sequence: 1,
        ..Default::default()
    };
    let large = StreamInteractionsRequest {
        sequence: 2,
        interactions: record(&"x".repeat(2_000)).interactions,
        ..Default::default()
    };
    let sent = stream::iter([small, large]);
    let mut answers = client.stream_interactions(sent).await.unwrap().into_inner();
    assert_eq!(answers.message().await.unwrap().unwrap().sequence, 1);
    is_too_large(&answers.message().await.unwrap_err());
}

#[tokio::test]
async fn bytes_that_are_no_message_are_the_callers_fault() {
    let mut grpc = tonic::client::Grpc::new(serve().await);
    grpc.ready().await.unwrap();
    let path = "/customer_profile.v1.InteractionService/RecordInteractions";
    let codec = tonic_prost::ProstCodec::<String, RecordInteractionsResponse>::default();
    let request = Request::new("\u{7f}not an interaction".to_owned());
    let status = grpc
        .unary(request, path.parse().unwrap(), codec)
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::InvalidArgument, "undecodable")
    );
}

#[tokio::test]
async fn a_panic_is_answered_and_the_connection_lives_on() {
    let mut client = client().await;
    let status = client
        .record_interactions(record("panic"))
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Internal, "internal")
    );
    assert_eq!(status.message(), "internal error");

    let (send, requests) = tokio::sync::mpsc::channel(1);
    let request = |sequence| StreamInteractionsRequest {
        sequence,
        ..Default::default()
    };
    send.send(request(1)).await.unwrap();
    let requests = tokio_stream::wrappers::ReceiverStream::new(requests);
    let answers = client.stream_interactions(requests).await;
    let mut answers = answers.unwrap().into_inner();
    assert_eq!(answers.message().await.unwrap().unwrap().sequence, 1);
    send.send(request(13)).await.unwrap();
    let status = answers.message().await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Internal, "internal")
    );

    assert!(client.record_interactions(record("fine")).await.is_ok());
}

#[tokio::test]
async fn the_caller_reaches_the_handler_and_strangers_are_told_so() {
    let mut client = client().await;
    let mut request = Request::new(record("fine"));
    request
        .metadata_mut()
        .insert("x-tenant-id", "shop".parse().unwrap());
    request
        .metadata_mut()
        .insert("x-caller", "till".parse().unwrap());
    let answer = client.record_interactions(request).await.unwrap();
    assert_eq!(answer.into_inner().token, "shop/till");

    let mut request = Request::new(record("fine"));
    request
        .metadata_mut()
        .insert("x-permissions", "read".parse().unwrap());
    let status = client.record_interactions(request).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::PermissionDenied, "permission_denied")
    );

    // Answered before the message is looked at, which would be too large.
    let mut request = Request::new(record(&"x".repeat(2_000)));
    request
        .metadata_mut()
        .insert("x-tenant-id", "No Tenant".parse().unwrap());
    let status = client.record_interactions(request).await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::Unauthenticated, "tenant_invalid")
    );
}

#[tokio::test]
async fn health_answers_strangers() {
    let mut health = tonic_health::pb::health_client::HealthClient::new(serve().await);
    let mut request = Request::new(tonic_health::pb::HealthCheckRequest::default());
    request
        .metadata_mut()
        .insert("x-tenant-id", "No Tenant".parse().unwrap());
    assert!(health.check(request).await.is_ok());
}

/// Keeps the spans that ended.
#[derive(Clone, Debug, Default)]
struct Spans(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Spans {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

#[tokio::test]
async fn a_call_is_a_span_of_the_callers_trace_and_an_internal_answer_names_it() {
    let spans = Spans::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(spans.clone())
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    // With one subscriber alone, tracing asks the current thread's whether a call site is of interest; other tests' threads
    // have none, and would switch the call sites of this one off for good.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    // The runtime of the test has this thread alone, so the server's tasks log here as well.
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));

    let mut client = client().await;
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let mut request = Request::new(record("bug"));
    let context = format!("00-{trace}-{parent}-01").parse().unwrap();
    request.metadata_mut().insert("traceparent", context);
    let status = client.record_interactions(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().metadata["trace_id"], trace);
    assert!(!format!("{status:?} {details:?}").contains("secret"));

    drop(client);
    tokio::task::yield_now().await;
    let spans = spans.0.lock().unwrap();
    let call = spans
        .iter()
        .find(|s| s.name == "customer_profile.v1.InteractionService/RecordInteractions")
        .unwrap();
    assert_eq!(call.span_context.trace_id().to_string(), trace);
    assert_eq!(call.parent_span_id, SpanId::from_hex(parent).unwrap());
    assert_eq!(call.span_kind, opentelemetry::trace::SpanKind::Server);
    let attribute = |name: &str| {
        let found = call.attributes.iter().find(|a| a.key.as_str() == name);
        found.map(|a| a.value.to_string()).unwrap_or_default()
    };
    assert_eq!(
        attribute("rpc.service"),
        "customer_profile.v1.InteractionService"
    );
    assert_eq!(attribute("rpc.method"), "RecordInteractions");
    assert_eq!(attribute("rpc.grpc.status_code"), "13");
}

#[tokio::test]
async fn calls_are_counted_by_method_and_code_once_each() {
    let metrics = Metrics::install().unwrap();
    let count = |method: &str, code: &str| {
        let service = "customer_profile.v1.InteractionService";
        let series = format!(
            "customer_profile_grpc_requests_total{{service=\"{service}\",method=\"{method}\",code=\"{code}\"}} "
        );
        let shown = metrics.render();
        let line = shown.lines().find_map(|line| line.strip_prefix(&series));
        line.map_or(0, |number| number.parse::<u64>().unwrap())
    };
    let mut client = client().await;
    // Methods that no other test calls: the recorder is the process's.
    client
        .list_interactions(ListInteractionsRequest::default())
        .await
        .unwrap();
    client
        .list_interactions(ListInteractionsRequest::default())
        .await
        .unwrap();
    let missing = client
        .retract_interactions(RetractInteractionsRequest::default())
        .await;
    assert_eq!(missing.unwrap_err().code(), Code::NotFound);
    assert_eq!(count("ListInteractions", "OK"), 2);
    assert_eq!(count("RetractInteractions", "NOT_FOUND"), 1);
    assert!(metrics.render().contains(
        "customer_profile_grpc_request_seconds_bucket{service=\"customer_profile.v1.InteractionService\",method=\"ListInteractions\",le=\"0.0001\"}"
    ));

    // A caller that goes away is counted too.
    let hanging = tokio::time::timeout(
        Duration::from_millis(50),
        client.record_interactions(record("hang")),
    );
    assert!(hanging.await.is_err());
    for _ in 0..100 {
        if count("RecordInteractions", "CANCELLED") > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the call of a caller that went away was not counted");
}
