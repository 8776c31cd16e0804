//! All identifiers of a profile, page by page.
//!
//! A page goes by the members of the profile's row, so it costs index reads in proportion to its size. Where a namespace is
//! not admitted, its identifiers are passed over as if they were not there: no page is shorter for them.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::{
    error::Error,
    ids::{IdentityKey, TenantId},
    storage::{
        identity_cards::{self, Card},
        profiles::Profile,
    },
};

/// Where a page ended: the rank of the namespace and the key.
pub type Point = (u8, IdentityKey);

/// Identifiers read at a time at least, so that passing over many takes few statements.
const CHUNK: usize = 500;

/// A page of identifiers.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Strongest namespaces first.
    pub cards: Vec<Card>,
    /// Where the next page begins; absent at the end.
    pub next: Option<Point>,
}

/// Reads a page of `size` identifiers after a point, of those that `admits` the namespace of.
///
/// # Errors
/// When the database fails.
pub async fn page(
    connection: &mut PgConnection,
    tenant: &TenantId,
    profile: &Profile,
    after: Option<Point>,
    size: usize,
    admits: impl Fn(&str) -> bool,
) -> Result<Page, Error> {
    let mut page = Page::default();
    let Some(members) = &profile.members else {
        return Ok(page);
    };
    let mut last = None;
    let mut point = after;
    loop {
        let chunk: Vec<Point> = members.after(point).take(CHUNK.max(size + 1)).collect();
        let keys: Vec<IdentityKey> = chunk.iter().map(|(_, key)| *key).collect();
        if keys.is_empty() {
            return Ok(page);
        }
        let cards = identity_cards::cards(connection, tenant, &keys).await?;
        let mut cards: HashMap<IdentityKey, Card> =
            cards.into_iter().map(|card| (card.key, card)).collect();
        for member in chunk {
            let card = cards.remove(&member.1);
            point = Some(member);
            let Some(card) = card.filter(|card| admits(&card.identifier.namespace)) else {
                continue;
            };
            if page.cards.len() == size {
                page.next = last;
                return Ok(page);
            }
            page.cards.push(card);
            last = Some(member);
        }
    }
}
