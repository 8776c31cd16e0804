//! What the process's memory answers by itself, without waiting and without gathering: the common look-up.
//!
//! What must stay true: nothing is answered here that [`super::tiers`] would not answer with from memory, by the same rules;
//! whatever takes more than one document is left to it, and so is counting what memory does not have.

use metrics::counter;

use super::{
    Source, Who,
    reader::{Answer, Reader},
    tiers::facts,
};
use crate::{cache::rule::Wish, ids::TenantId, telemetry::names};

impl Reader {
    /// A profile that memory has and may be served, asked for by its id or by an identifier that is the first of those asked
    /// for; nothing where more has to be looked at. Whoever answers with it says so to [`Self::used`].
    #[must_use]
    pub fn remembered(&self, tenant: &TenantId, who: &Who, wish: &Wish) -> Option<Answer> {
        let caches = &*self.caches;
        let local = caches.local()?;
        let (epoch, began) = (caches.epoch(), caches.now());
        let (id, asked_by) = match who {
            Who::Id(id) => (*id, None),
            Who::Identifiers(keys) => {
                // Values that are no identifiers are nobody's.
                let mut known = keys.iter().enumerate();
                let (number, key) = known.find_map(|(n, key)| key.map(|key| (n, key)))?;
                let holder = local.entry(epoch, tenant, key)?.lies_in?;
                (holder, Some((number, key)))
            }
        };
        let document = local.document(epoch, tenant, id)?;
        let answers = match asked_by {
            Some((_, key)) => document.lists(&key),
            // An id that was merged away leads elsewhere.
            None => document.profile.members_total != 0,
        };
        if !answers {
            return None;
        }
        let behind = caches.judge(epoch, &facts(&document), wish, began).ok()?;
        Some(Answer {
            found: Some((document, asked_by.map(|(number, _)| number))),
            source: Source::Memory,
            behind,
        })
    }

    /// Something remembered is an answer: it is counted, and the current span is told.
    pub fn used(&self, answer: &Answer) {
        self.count_remembered(1);
        answer.tell();
    }

    /// Counts answers that were remembered.
    pub(super) fn count_remembered(&self, answers: u64) {
        let tier = Source::Memory.label();
        let hits = self
            .hits
            .get_or_init(|| counter!(names::CACHE_READS, "tier" => tier, "outcome" => "hit"));
        hits.increment(answers);
    }
}
