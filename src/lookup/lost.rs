//! Tokens that stand for writes which the database does not have any more: it was restored, or another took its place.
//!
//! What must stay true: of a primary that has lost nothing no token is ever said to be lost. It is asked after the token was made,
//! so it counts further than the token, knows its anchor, and has the profile with it at that version or a later one.

use sqlx::PgConnection;

use super::{Found, Who, find, tiers::facts};
use crate::{
    cache::rule::{self, Facts, Token},
    error::Error,
    identity::Members,
    ids::{IdentityKey, TenantId},
    storage::{identity_cards, profile_documents::Document},
};

/// What a caller with such a token is told.
pub(super) const LOST: Error = Error::Conflict {
    reason: "token_lost",
};

/// Finds one profile for a caller with tokens.
///
/// # Errors
/// When the database fails, or has lost what a token stands for.
pub async fn find_with(
    connection: &mut PgConnection,
    tenant: &TenantId,
    who: &Who,
    tokens: &[Token],
) -> Result<Option<Found>, Error> {
    let found = find(connection, tenant, who).await?;
    if tokens.is_empty() {
        return Ok(found);
    }
    let Some(found) = found else {
        check_of_nobody(connection, tenant, std::slice::from_ref(who), tokens).await?;
        return Ok(None);
    };
    let profile = &found.profile;
    let facts = Facts {
        profile: profile.id,
        version: profile.version,
        position: found.position,
        lists: |key: &IdentityKey| {
            let mut members = profile.members.iter().flat_map(Members::keys);
            members.any(|member| member == *key)
        },
    };
    let mut tokens = tokens.iter();
    if tokens.any(|token| rule::is_lost(&facts, found.position + 1, token)) {
        return Err(LOST);
    }
    Ok(Some(found))
}

/// Whether a document that the primary has said lacks the write of one of some tokens, which is lost then.
pub(super) fn lacks(document: &Document, tokens: &[Token]) -> bool {
    let mut tokens = tokens.iter();
    tokens.any(|token| rule::is_lost(&facts(document), document.next, token))
}

/// Who brings a token and finds nobody may look for somebody whom the database has lost.
pub(super) async fn check_of_nobody(
    connection: &mut PgConnection,
    tenant: &TenantId,
    who: &[Who],
    tokens: &[Token],
) -> Result<(), Error> {
    let asked = |key: &IdentityKey| {
        let has = |who: &Who| match who {
            Who::Id(_) => false,
            Who::Identifiers(keys) => keys.contains(&Some(*key)),
        };
        who.iter().any(has)
    };
    let anchors = tokens.iter().filter_map(|token| token.anchor);
    let anchors: Vec<IdentityKey> = anchors.map(|(key, _)| key).filter(asked).collect();
    let (next, known) = identity_cards::ever_known(connection, tenant, &anchors).await?;
    let lost = anchors.iter().any(|anchor| !known.contains(anchor))
        || tokens.iter().any(|token| token.position >= next);
    if lost { Err(LOST) } else { Ok(()) }
}
