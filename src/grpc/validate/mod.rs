//! Checks of requests, all of a request at once.
//!
//! What must stay true:
//!
//! - Everything here is pure: the time, the tenant and the secret are handed in, nothing is looked up, and no message,
//!   however hostile, makes it fail or costs more than the limits allow.
//! - A check names every rule that is broken, by the path of the field and a stable slug ([`reason`]), up to
//!   [`limits::MAX_VIOLATIONS`]; it never mends what a caller meant. Descriptions hold no values of fields.
//! - The limits are those of the protocol's comments.
//!
//! A handler checks the parts of a request one by one and refuses with all that is wrong:
//!
//! ```text
//! let mut wrong = Violations::default();
//! let lookup = wrong.take(lookup("lookup", request.lookup.as_ref(), &ctx));
//! let mask = wrong.take(field_mask("field_mask", request.field_mask.as_ref()));
//! let (lookup, mask) = wrong.finish(lookup.zip(mask)).map_err(Error::Invalid)?;
//! ```

mod action;
mod attributes;
#[cfg(test)]
mod breaks;
mod consents;
mod decide;
mod experience;
pub mod fields;
pub mod figures;
mod identifiers;
mod interaction;
#[cfg(test)]
mod interaction_tests;
pub mod limits;
mod lookup;
mod mask;
mod money;
pub mod offers;
mod read_options;
pub mod reason;
mod retract;
mod rules;
mod search;
pub mod segments;
mod sentiment;
mod sentiment_history;
#[cfg(test)]
pub(crate) mod strategies;
mod then;
mod timeline;
mod traits;
pub mod violations;
mod watch;

pub use action::{
    ActionsFilter, action_id, actions_filter, add_what_does_not_follow, definition,
    definition_shown, definition_violation, document_violation, version,
};
pub use decide::{Operation, chosen, decision_named, operation, threshold};
pub use experience::experience;
pub use fields::{items, page_size, picture_format, run_id};
pub use interaction::{interaction, interaction_id, own_interaction};
pub use lookup::{Lookup, lookup};
pub use mask::{ProfileField, ProfileMask, field_mask};
pub use money::scale_range;
pub use read_options::{ReadOptions, read_options};
pub use retract::{Retract, Retracted, retract};
pub use rules::{apply_rules, preview_rules};
pub use search::{Search, search};
pub use sentiment::texts;
pub use sentiment_history::{SentimentHistory, sentiment_history};
pub use then::then;
pub use timeline::{Timeline, timeline};
pub use violations::Violations;
pub use watch::watch;

use crate::{
    clock::Micros,
    identity::{HashSecret, Keyed, Normalised, Region, Rules},
    ids::TenantId,
};

/// What a check knows besides the request.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The caller's tenant.
    pub tenant: &'a TenantId,
    /// Where phone numbers without a prefix belong.
    pub region: Region,
    /// The server's time.
    pub now: Micros,
    /// The store's secret.
    pub secret: &'a HashSecret,
    /// The tenant's rules of identity resolution.
    pub rules: &'a Rules,
}

impl Context<'_> {
    fn keyed(&self, identifier: Normalised) -> Keyed {
        Keyed {
            key: self.secret.identity_key(self.tenant, &identifier),
            identifier,
        }
    }
}
