//! Which traces are sent: those that are chosen when they begin, and those that turn out slow or failed.
//!
//! What must stay true:
//!
//! - A caller that sampled its trace gets our part of it, whatever the ratio says.
//! - A trace that was not chosen is recorded all the same and held until its first span here ends. Is that slow or failed,
//!   everything that is held of it is sent, with the batches that wrote for it; else it is forgotten.
//! - What is held is bounded by `MOST_SPANS` and `LONGEST`: a stream that lives for hours, or a caller that vanished,
//!   costs its oldest spans, never memory.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use opentelemetry::{
    Context, KeyValue, Value,
    trace::{Link, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceId},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{
        Sampler, SamplingDecision, SamplingResult, ShouldSample, Span, SpanData, SpanProcessor,
    },
};

use super::names;

/// The attribute of a span that took longer than it should: `true`.
pub const SLOW: &str = "slow";

/// How many spans are held at most, of all traces together; of one trace an eighth of it.
const MOST_SPANS: usize = 16_384;

/// How long a trace is held at most after its first span ended.
const LONGEST: Duration = Duration::from_mins(1);

/// Chooses what the caller chose, a part of what begins here, and what a chosen trace is linked to; records all the rest.
#[derive(Clone, Debug)]
pub struct AtTheBeginning {
    ratio: Sampler,
}

impl AtTheBeginning {
    /// Chooses this part, 0 to 1, of the traces that begin here.
    #[must_use]
    pub fn new(ratio: f64) -> Self {
        let ratio = Sampler::TraceIdRatioBased(ratio);
        Self { ratio }
    }
}

impl ShouldSample for AtTheBeginning {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let parent = parent.map(|parent| parent.span().span_context().clone());
        let mut result = self
            .ratio
            .should_sample(None, trace_id, name, kind, attributes, links);
        let chosen = match parent.filter(SpanContext::is_valid) {
            Some(parent) => {
                result.trace_state = parent.trace_state().clone();
                parent.is_sampled()
            }
            None => {
                result.decision == SamplingDecision::RecordAndSample
                    || links.iter().any(|link| link.span_context.is_sampled())
            }
        };
        result.decision = if chosen {
            SamplingDecision::RecordAndSample
        } else {
            SamplingDecision::RecordOnly
        };
        result
    }
}

/// Passes spans of chosen traces on at once, and others when their trace turns out slow or failed.
#[derive(Debug)]
pub struct AtTheEnd<P> {
    next: P,
    held: Mutex<Held>,
}

impl<P> AtTheEnd<P> {
    /// Before another processor.
    pub fn new(next: P) -> Self {
        let held = Mutex::default();
        Self { next, held }
    }
}

impl<P: SpanProcessor> SpanProcessor for AtTheEnd<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.next.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            return self.next.on_end(span);
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let released = held.end(span, Instant::now());
        drop(held);
        for span in released {
            self.next.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

/// Spans of traces of which nobody knows yet whether they are sent.
#[derive(Debug, Default)]
struct Held {
    traces: HashMap<TraceId, Trace>,
    /// By when they began to be held, the oldest first; also those that are gone.
    order: VecDeque<(Instant, TraceId)>,
    /// Batches that ended, by the traces that they wrote for.
    batches: HashMap<TraceId, Vec<TraceId>>,
    spans: usize,
}

#[derive(Debug, Default)]
struct Trace {
    spans: Vec<SpanData>,
    /// It ended and waits for this many traces that it wrote for.
    awaited: usize,
}

impl Held {
    /// Takes a span that ended; gives what is to be sent now.
    fn end(&mut self, span: SpanData, now: Instant) -> Vec<SpanData> {
        self.forget(now);
        let id = span.span_context.trace_id();
        if span.parent_span_id != SpanId::INVALID && !span.parent_span_is_remote {
            self.hold(id, span, now);
            return Vec::new();
        }
        let kept = kept_for(&span);
        let links: Vec<TraceId> = span
            .links
            .iter()
            .map(|link| link.span_context.trace_id())
            .collect();
        if let Some(reason) = kept {
            metrics::counter!(names::TRACES_KEPT, "reason" => reason).increment(1);
            let mut released = self.take(id);
            released.push(span);
            for batch in self.batches.remove(&id).unwrap_or_default() {
                released.extend(self.take(batch));
            }
            return released.into_iter().map(sampled).collect();
        }
        if links.is_empty() {
            self.take(id);
        } else {
            self.hold(id, span, now);
            if let Some(trace) = self.traces.get_mut(&id) {
                trace.awaited = links.len();
            }
            for link in links {
                self.batches.entry(link).or_default().push(id);
            }
        }
        // What was written for this one is of no more interest to it.
        for batch in self.batches.remove(&id).unwrap_or_default() {
            let last = self.traces.get_mut(&batch).is_some_and(|trace| {
                trace.awaited = trace.awaited.saturating_sub(1);
                trace.awaited == 0
            });
            if last {
                self.take(batch);
            }
        }
        Vec::new()
    }

    fn hold(&mut self, id: TraceId, span: SpanData, now: Instant) {
        let trace = self.traces.entry(id).or_insert_with(|| {
            self.order.push_back((now, id));
            Trace::default()
        });
        if trace.spans.len() < MOST_SPANS / 8 {
            trace.spans.push(span);
            self.spans += 1;
        }
    }

    fn take(&mut self, id: TraceId) -> Vec<SpanData> {
        let spans = self.traces.remove(&id).unwrap_or_default().spans;
        self.spans -= spans.len();
        spans
    }

    /// Lets go of what is too old, and of the oldest where there is too much.
    fn forget(&mut self, now: Instant) {
        while let Some(&(begun, id)) = self.order.front() {
            let gone = !self.traces.contains_key(&id);
            let old = now.saturating_duration_since(begun) >= LONGEST;
            if !(gone || old || self.spans >= MOST_SPANS || self.order.len() > MOST_SPANS) {
                break;
            }
            self.order.pop_front();
            let spans = self.take(id);
            for link in spans.iter().flat_map(|span| span.links.iter()) {
                self.batches.remove(&link.span_context.trace_id());
            }
        }
    }
}

/// Why a trace is sent that was not chosen.
fn kept_for(first: &SpanData) -> Option<&'static str> {
    let slow = |attribute: &KeyValue| {
        attribute.key.as_str() == SLOW && attribute.value == Value::Bool(true)
    };
    if matches!(first.status, Status::Error { .. }) {
        Some("failed")
    } else if first.attributes.iter().any(slow) {
        Some("slow")
    } else {
        None
    }
}

/// The same span, chosen.
fn sampled(mut span: SpanData) -> SpanData {
    let context = &span.span_context;
    span.span_context = SpanContext::new(
        context.trace_id(),
        context.span_id(),
        context.trace_flags().with_sampled(true),
        context.is_remote(),
        context.trace_state().clone(),
    );
    span
}

#[cfg(test)]
mod tests;
