//! Consent changes.
//!
//! An address that cannot be used is refused here, unlike an identifier: leaving it out would turn a word about one
//! address into a word about the person, or lose a denial.

use super::{
    Context,
    fields::{chosen, count, slug},
    identifiers::{add_unusable, normalised},
    limits::{MAX_CONSENT_CHANGES, MAX_SLUG_BYTES},
    violations::Violations,
};
use crate::proto::v1::{ConsentChange, ConsentState};

/// The consent changes of an interaction.
pub(super) fn consent_changes(out: &mut Violations, given: &[ConsentChange], ctx: &Context<'_>) {
    count(out, &"consent_changes", given.len(), MAX_CONSENT_CHANGES);
    for (i, change) in given.iter().take(MAX_CONSENT_CHANGES).enumerate() {
        let field = format_args!("consent_changes[{i}].purpose");
        slug(out, &field, &change.purpose, MAX_SLUG_BYTES);
        let field = format_args!("consent_changes[{i}].state");
        chosen::<ConsentState>(out, &field, change.state);
        if let Some(channel) = &change.channel {
            let field = format_args!("consent_changes[{i}].channel");
            slug(out, &field, channel, MAX_SLUG_BYTES);
        }
        if let Some(address) = &change.address {
            let path = format_args!("consent_changes[{i}].address");
            if let Some(Err(why)) = normalised(out, &path, address, ctx) {
                add_unusable(out, &format_args!("{path}.value"), why);
            }
        }
    }
}
