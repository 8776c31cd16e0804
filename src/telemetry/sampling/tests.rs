use opentelemetry::{
    InstrumentationScope,
    trace::{TraceFlags, TraceState},
};
use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};

use super::*;

fn context(trace: u128, span: u64) -> SpanContext {
    SpanContext::new(
        TraceId::from(trace),
        SpanId::from(span),
        TraceFlags::default(),
        false,
        TraceState::default(),
    )
}

/// A span of a trace; its parent is a number of the same trace, 0 for none.
fn span(trace: u128, number: u64, parent: u64) -> SpanData {
    let begun = std::time::SystemTime::UNIX_EPOCH;
    SpanData {
        span_context: context(trace, number),
        parent_span_id: SpanId::from(parent),
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: "made up".into(),
        start_time: begun,
        end_time: begun,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::default(),
    }
}

fn slow(mut span: SpanData) -> SpanData {
    span.attributes.push(KeyValue::new(SLOW, true));
    span
}

fn failed(mut span: SpanData) -> SpanData {
    span.status = Status::error("x");
    span
}

fn linked(mut span: SpanData, traces: &[u128]) -> SpanData {
    for trace in traces {
        let link = Link::with_context(context(*trace, 1));
        span.links.links.push(link);
    }
    span
}

fn numbers(spans: &[SpanData]) -> Vec<(u128, u64)> {
    assert!(spans.iter().all(|span| span.span_context.is_sampled()));
    spans
        .iter()
        .map(|span| {
            let context = &span.span_context;
            (
                u128::from_be_bytes(context.trace_id().to_bytes()),
                u64::from_be_bytes(context.span_id().to_bytes()),
            )
        })
        .collect()
}

#[test]
fn a_trace_that_ends_slow_or_failed_is_sent_whole_and_any_other_is_forgotten() {
    let now = Instant::now();
    let mut held = Held::default();
    for (trace, first) in [
        (1, slow(span(1, 1, 0))),
        (2, failed(span(2, 1, 0))),
        (3, span(3, 1, 0)),
    ] {
        assert!(held.end(span(trace, 3, 2), now).is_empty());
        assert!(held.end(span(trace, 2, 1), now).is_empty());
        let sent = numbers(&held.end(first, now));
        let all = [(trace, 3), (trace, 2), (trace, 1)];
        assert_eq!(sent, if trace == 3 { &all[..0] } else { &all });
    }
    assert_eq!((held.spans, held.traces.len()), (0, 0));
}

#[test]
fn what_fails_within_is_no_reason_when_the_whole_went_well() {
    let now = Instant::now();
    let mut held = Held::default();
    assert!(held.end(failed(span(1, 2, 1)), now).is_empty());
    assert!(held.end(span(1, 1, 0), now).is_empty());
    assert_eq!(held.spans, 0);
}

#[test]
fn the_parent_of_a_caller_does_not_make_a_span_an_inner_one() {
    let mut held = Held::default();
    let mut first = slow(span(1, 1, 9));
    first.parent_span_is_remote = true;
    assert_eq!(numbers(&held.end(first, Instant::now())), [(1, 1)]);
}

#[test]
fn a_batch_is_sent_with_a_call_that_it_wrote_for_and_forgotten_with_the_last_of_them() {
    let now = Instant::now();
    for slow_one in [Some(1), Some(2), None] {
        let mut held = Held::default();
        held.end(span(9, 2, 1), now);
        assert!(held.end(linked(span(9, 1, 0), &[1, 2]), now).is_empty());
        let mut sent = Vec::new();
        for call in [1, 2] {
            let first = span(call, 1, 0);
            let first = if slow_one == Some(call) {
                slow(first)
            } else {
                first
            };
            sent.extend(held.end(first, now));
        }
        let wanted = slow_one.map(|call| vec![(call, 1), (9, 2), (9, 1)]);
        assert_eq!(numbers(&sent), wanted.unwrap_or_default());
        assert_eq!((held.spans, held.traces.len()), (0, 0), "{slow_one:?}");
        assert!(held.batches.is_empty());
    }
}

#[test]
fn what_never_ends_is_bounded_in_number_and_in_time() {
    let begun = Instant::now();
    let mut held = Held::default();
    for number in 1..50_000 {
        held.end(span(7, number, 1), begun);
    }
    assert_eq!(held.spans, MOST_SPANS / 8);
    for trace in 100..100_000 {
        held.end(span(trace, 2, 1), begun);
        // A batch whose callers have gone.
        held.end(linked(span(trace << 20, 1, 0), &[trace << 40]), begun);
        assert!(held.spans <= MOST_SPANS && held.order.len() <= MOST_SPANS + 1);
    }
    assert!(held.batches.len() <= MOST_SPANS);
    // The newest is there still.
    let last = held.end(slow(span(99_999, 1, 0)), begun);
    assert_eq!(numbers(&last), [(99_999, 2), (99_999, 1)]);
    held.end(span(1, 2, 1), begun + LONGEST);
    assert_eq!(
        (held.spans, held.traces.len(), held.batches.len()),
        (1, 1, 0)
    );
}

#[test]
fn a_caller_chooses_for_its_trace_the_ratio_for_others_and_a_batch_goes_with_its_calls() {
    let chosen = SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    let decide = |ratio: f64, parent: Option<&SpanContext>, links: &[Link]| {
        let parent = parent.map(|parent| Context::new().with_remote_span_context(parent.clone()));
        let trace = TraceId::from(u128::MAX / 2);
        AtTheBeginning::new(ratio)
            .should_sample(parent.as_ref(), trace, "x", &SpanKind::Server, &[], links)
            .decision
    };
    let (sent, recorded) = (
        SamplingDecision::RecordAndSample,
        SamplingDecision::RecordOnly,
    );
    assert_eq!(decide(0.0, Some(&chosen), &[]), sent);
    assert_eq!(decide(1.0, Some(&context(1, 1)), &[]), recorded);
    assert_eq!(decide(1.0, None, &[]), sent);
    assert_eq!(decide(0.0, None, &[]), recorded);
    assert_eq!(decide(0.0, None, &[Link::with_context(chosen)]), sent);
    assert_eq!(
        decide(0.0, None, &[Link::with_context(context(1, 1))]),
        recorded
    );
}
