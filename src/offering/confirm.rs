//! Whether what was decided on a kept profile may be answered, when nothing is reserved and so no lock says it.
//!
//! What must stay true: who complained or took a consent back before a decision was asked for, of whatever instance, gets nothing by
//! it that sells or needs a consent. What neither sells nor needs one costs no read.

use super::{Call, Desk, Made};
use crate::{error::Error, ids::TenantId, next_best_action::keys::Issue};

impl Desk {
    /// Whether a decision that reserves nothing was made from what the primary has, as far as that matters for it.
    pub(super) async fn confirms(
        &self,
        tenant: &TenantId,
        call: &Call,
        made: &Made,
    ) -> Result<bool, Error> {
        let (Some(who), Some(found)) = (&call.who, &made.found) else {
            return Ok(true);
        };
        if found.is_of_now() || !made.is_delicate() {
            return Ok(true);
        }
        let takes_old = call.wish.allow_stale;
        if takes_old && self.reader.caches().is_away() {
            return Ok(true);
        }
        match self.reader.is_newest(tenant, who, found).await {
            Err(Error::StorageAway { .. }) if takes_old => Ok(true),
            newest => newest,
        }
    }
}

impl Made {
    /// Whether it offers something that sells or needs a consent.
    fn is_delicate(&self) -> bool {
        let actions = self.ready.catalogue.engine().actions();
        let placements = self.decision.placements.iter();
        let mut offered = placements
            .flat_map(|placed| &placed.slots)
            .filter_map(|slot| slot.choice.action());
        offered.any(|key| {
            let at = actions.binary_search_by_key(&key, |action| action.key);
            let action = at.ok().and_then(|at| actions.get(at));
            action.is_none_or(|action| action.issue == Issue::Sell || !action.purposes.is_empty())
        })
    }
}
