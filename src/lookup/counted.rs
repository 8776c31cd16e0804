//! Counting what look-ups find where they ask.
//!
//! What must stay true: a look-up counts once as missed in a tier, however often it looks there, and once as what it finds; what
//! another read for it meanwhile counts as shared.

use super::tiers::{Sought, Source};
use crate::telemetry::names;

/// What was counted of a look-up in each tier.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted([InTier; 4]);

#[derive(Clone, Copy, Debug, Default)]
struct InTier {
    found: usize,
    missed: bool,
}

impl Counted {
    fn of(&mut self, source: Source) -> &mut InTier {
        let [memory, redis, replica, primary] = &mut self.0;
        match source {
            Source::Memory => memory,
            Source::Redis => redis,
            Source::Replica => replica,
            Source::Primary => primary,
        }
    }

    /// How many of those that were found in a tier have not been counted.
    fn found(&mut self, source: Source, found: usize) -> usize {
        let before = std::mem::replace(&mut self.of(source).found, found);
        found.saturating_sub(before)
    }

    /// The same of those that were not found: they are counted the first time.
    fn missed(&mut self, source: Source, missed: usize) -> usize {
        if std::mem::replace(&mut self.of(source).missed, true) {
            0
        } else {
            missed
        }
    }
}

impl Sought<'_> {
    /// Counts what a tier was asked for.
    pub(super) fn count(&mut self, source: Source) {
        self.count_found(source, "hit");
        let open = self.answers.iter().filter(|a| a.is_none()).count();
        add(source, "miss", self.counted.missed(source, open));
    }

    /// The same of what was found alone.
    pub(super) fn count_found(&mut self, source: Source, outcome: &'static str) {
        let answers = self.answers.iter().flatten();
        let found = answers.filter(|(_, by)| *by == source).count();
        add(source, outcome, self.counted.found(source, found));
    }
}

/// Counts look-ups that were answered by the read of another.
pub(super) fn shared(source: Source, look_ups: usize) {
    add(source, SHARED, look_ups);
}

/// What another read.
pub(super) const SHARED: &str = "shared";

fn add(source: Source, outcome: &'static str, look_ups: usize) {
    if look_ups > 0 {
        let count = u64::try_from(look_ups).unwrap_or(u64::MAX);
        metrics::counter!(names::CACHE_READS, "tier" => source.label(), "outcome" => outcome)
            .increment(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_that_is_asked_again_is_counted_for_what_is_new() {
        let mut counted = Counted::default();
        assert_eq!(counted.found(Source::Redis, 2), 2);
        assert_eq!(counted.missed(Source::Redis, 3), 3);
        assert_eq!(counted.missed(Source::Redis, 3), 0);
        assert_eq!(counted.found(Source::Redis, 4), 2);
        assert_eq!(counted.found(Source::Redis, 4), 0);
        assert_eq!(counted.missed(Source::Primary, 1), 1, "of each tier");
    }
}
