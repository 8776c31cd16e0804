//! The words that show what an analysis says, in the original text.
//!
//! What must stay true: every span holds at least one character of the original and lies on its
//! character boundaries; of more than [`Analysis::SPANS_MAX`] the strongest stay, in order.

use std::ops::Range;

use crate::sentiment::model::{Analysis, Span, SpanKind};
use crate::sentiment::text::Prepared;

/// Spans with their strength.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    found: Vec<(f32, Span)>,
}

impl Evidence {
    /// Adds a range of the prepared text; answers its bytes in the original.
    pub(super) fn add(
        &mut self,
        prepared: &Prepared,
        range: Range<usize>,
        kind: SpanKind,
        strength: f32,
    ) -> Option<(u32, u32)> {
        if range.is_empty() || prepared.text().get(range.clone()).is_none() {
            return None;
        }
        let original = prepared.original(&range);
        let start = u32::try_from(original.start).ok()?;
        let end = u32::try_from(original.end).ok()?;
        if start >= end {
            return None;
        }
        self.found.push((strength, Span { start, end, kind }));
        Some((start, end))
    }

    /// Whether there is evidence of a kind.
    pub(super) fn has(&self, kind: SpanKind) -> bool {
        self.found.iter().any(|(_, span)| span.kind == kind)
    }

    /// The strongest, by position.
    pub(super) fn spans(mut self) -> Vec<Span> {
        self.found
            .sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
        let mut spans: Vec<Span> = Vec::with_capacity(self.found.len().min(Analysis::SPANS_MAX));
        for (_, span) in self.found {
            if spans.len() == Analysis::SPANS_MAX {
                break;
            }
            if !spans.contains(&span) {
                spans.push(span);
            }
        }
        spans.sort_unstable();
        spans
    }
}
