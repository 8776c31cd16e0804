//! Traces, logs and metrics of the process.
//!
//! What must stay true:
//!
//! - Every call has a trace, also when spans are sent nowhere: then they are not recorded, but have ids, the caller's if it
//!   sent W3C context, so log lines and INTERNAL answers can name the trace.
//! - Whatever part of the traces is chosen, slow and failed ones are sent: see [`sampling`].
//! - What is sent by OTLP does not follow `log.filter`: a quiet log does not blind traces. The libraries that carry the
//!   exporter are silenced in both, or exporting would feed itself.
//! - Nothing here is personal data: types that hold it print none in `Debug`.
//! - The process has one subscriber and one recorder. The first service to start sets them; later ones in the same process,
//!   as in tests, find them and leave them.

pub mod actions;
pub mod http;
pub mod limiter;
mod logs;
pub mod metrics;
pub mod names;
pub mod sampling;

use std::{io, time::Duration};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchSpanProcessor, Sampler, SdkTracerProvider},
};
use tracing::{Dispatch, Level, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::Targets,
    fmt::MakeWriter,
    layer::{Filter, SubscriberExt as _},
};

pub use logs::current_ids;
pub use metrics::Metrics;

use sampling::{AtTheBeginning, AtTheEnd};

use crate::config::{LogFormat, Settings};

/// Libraries that carry the exporter and the server: their spans and chatter stay out.
const CARRIERS: [&str; 6] = [
    "h2",
    "hyper",
    "hyper_util",
    "tonic",
    "opentelemetry",
    "tower",
];

/// How long the last spans may take to be sent.
const FLUSH: Duration = Duration::from_secs(5);

/// The telemetry of a service; shut it down last.
#[derive(Debug)]
pub struct Telemetry {
    provider: SdkTracerProvider,
    metrics: Metrics,
}

/// Why telemetry did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The exporter of spans cannot be built.
    #[error("cannot send spans: {0}")]
    Exporter(#[from] ExporterBuildError),
    /// The recorder of metrics cannot be installed.
    #[error(transparent)]
    Metrics(#[from] metrics::Error),
}

impl Telemetry {
    /// Starts logging to stderr, sending spans when there is an endpoint, and counting. With an endpoint it must be called
    /// inside a tokio runtime that outlives it.
    ///
    /// # Errors
    /// When the endpoint is of no use, or something else counts in this process.
    pub fn start(settings: &Settings) -> Result<Self, Error> {
        let metrics = Metrics::install()?;
        let provider = provider(settings)?;
        let dispatch = dispatch(settings, &provider, io::stderr);
        if tracing::dispatcher::set_global_default(dispatch).is_err() {
            tracing::debug!("this process logs already; its first subscriber stays");
        }
        Ok(Self { provider, metrics })
    }

    /// What `/metrics` shows.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// Sends the spans that were not sent yet, for at most five seconds.
    pub async fn shutdown(self) {
        let provider = self.provider;
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH));
        match tokio::time::timeout(FLUSH + Duration::from_secs(1), ended).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "the last spans were not sent"),
            Ok(Err(error)) => tracing::warn!(%error, "the last spans were not sent"),
            Err(_) => tracing::warn!("the last spans were not sent in time"),
        }
    }
}

fn provider(settings: &Settings) -> Result<SdkTracerProvider, ExporterBuildError> {
    let telemetry = &settings.telemetry;
    let Some(endpoint) = &telemetry.otlp_endpoint else {
        let silent = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff);
        return Ok(silent.build());
    };
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build()?;
    let resource = Resource::builder()
        .with_service_name(telemetry.service_name.clone())
        .with_attribute(opentelemetry::KeyValue::new(
            "service.version",
            env!("CARGO_PKG_VERSION"),
        ))
        .build();
    let sender = BatchSpanProcessor::builder(exporter).build();
    Ok(SdkTracerProvider::builder()
        .with_sampler(AtTheBeginning::new(telemetry.sample_ratio))
        .with_resource(resource)
        .with_span_processor(AtTheEnd::new(sender))
        .build())
}

/// The subscriber: logs to `writer`, spans to `provider`.
fn dispatch<W>(settings: &Settings, provider: &SdkTracerProvider, writer: W) -> Dispatch
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(false);
    let lines = match settings.log.format {
        LogFormat::Text => lines.event_format(logs::text()).boxed(),
        LogFormat::Json => lines.json().event_format(logs::json()).boxed(),
    };
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("customer-profile"))
        .with_threads(false)
        // How long spans were idle is an attribute that nobody sees of spans that are sent nowhere, and a look at the clock
        // whenever one is entered or left.
        .with_tracked_inactivity(settings.telemetry.otlp_endpoint.is_some())
        .with_location(false);
    let recorded = CARRIERS
        .iter()
        .fold(Targets::new().with_default(Level::INFO), |targets, name| {
            targets.with_target(*name, LevelFilter::OFF)
        });
    let registry = tracing_subscriber::registry()
        .with(spans.with_filter(recorded))
        .with(lines.with_filter(log_filter(&settings.log.filter)));
    Dispatch::new(registry)
}

/// The operator's filter over the carriers at warn: what it says of one of them counts. One that speaks of targets alone, as most
/// do, costs nothing when spans are entered and left.
fn log_filter<S: Subscriber>(directives: &str) -> Box<dyn Filter<S> + Send + Sync> {
    let quiet = CARRIERS.map(|name| format!("{name}=warn")).join(",");
    let both = format!("{quiet},{directives}");
    // Of spans and fields, of nothing, and of targets without a level the two read different things.
    let mut pieces = directives.split(',').map(str::trim);
    let is_plain =
        !directives.contains('[') && pieces.all(|one| !one.is_empty() && !one.ends_with('='));
    if let Some(targets) = both.parse::<Targets>().ok().filter(|_| is_plain) {
        return Box::new(targets);
    }
    // The settings were checked; should they not have been, everything of note is logged.
    Box::new(EnvFilter::try_new(both).unwrap_or_else(|_| EnvFilter::new("info")))
}

/// Has panics logged where they happen, with their trace, instead of printed. For the program; tests want them printed.
pub fn log_panics() {
    std::panic::set_hook(Box::new(log_panic));
}

/// This is the one line of a panic in the log.
fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("no text");
    let location = panic.location().map(ToString::to_string);
    let thread = std::thread::current();
    tracing::error!(
        panic.message = message,
        panic.location = location.as_deref(),
        panic.thread = thread.name(),
        "panicked"
    );
}

#[cfg(test)]
mod tests;
