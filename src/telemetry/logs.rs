//! Log lines with the ids of the trace they belong to.
//!
//! Entering a span makes its OpenTelemetry context current, so a line finds its trace without knowing the span; lines of a
//! span that the log filter leaves out have it too. The line itself is tracing-subscriber's; the ids are put at its end.

use std::fmt;

use opentelemetry::{Context, trace::TraceContextExt as _};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format, format::Writer},
    registry::LookupSpan,
};

/// The ids of the trace and the span that are current, when a trace is.
#[must_use]
pub fn current_ids() -> Option<(String, String)> {
    Context::map_current(|context| {
        let span = context.span();
        let ids = span.span_context();
        ids.is_valid()
            .then(|| (ids.trace_id().to_string(), ids.span_id().to_string()))
    })
}

/// How the ids are put at the end of a line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// `trace_id=.. span_id=..`
    Text,
    /// Two more fields of the line's object.
    Json,
}

/// A format whose lines end with ids.
pub(super) struct WithIds<F> {
    inner: F,
    ending: Ending,
}

/// Lines for people.
pub(super) fn text() -> WithIds<format::Format<format::Full>> {
    WithIds {
        inner: format().with_ansi(false),
        ending: Ending::Text,
    }
}

/// One JSON object a line: `timestamp`, `level`, `target`, the event's fields with `message`, `span`, and the ids.
pub(super) fn json() -> WithIds<format::Format<format::Json>> {
    WithIds {
        inner: format()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false),
        ending: Ending::Json,
    }
}

impl<S, N, F> FormatEvent<S, N> for WithIds<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some((trace, span)) = current_ids() else {
            return self.inner.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.inner
            .format_event(context, Writer::new(&mut line), event)?;
        let line = line.trim_end();
        match (self.ending, line.strip_suffix('}')) {
            (Ending::Json, Some(open)) => {
                writeln!(
                    writer,
                    "{open},\"trace_id\":\"{trace}\",\"span_id\":\"{span}\"}}"
                )
            }
            _ => writeln!(writer, "{line} trace_id={trace} span_id={span}"),
        }
    }
}
