//! What a batch writes, statement by statement.

use sqlx::PgConnection;

use super::{
    failure::Failure,
    plan::{Context, Writes},
    record::{Item, keys_of},
};
use crate::storage::{
    analyses, identities, identity_moves, identity_traits, interactions, links, offers, outbox,
    profiles,
};

/// Stores the interactions themselves, and what was made of their texts.
pub(super) async fn insert(
    connection: &mut PgConnection,
    context: Context<'_>,
    items: &[Item],
    new: &[usize],
) -> Result<(), Failure> {
    let mut rows = Vec::with_capacity(new.len());
    let mut heard = Vec::new();
    let noted = new.iter().filter_map(|n| items[*n].decision.as_deref());
    let noted: Vec<&offers::New> = noted.collect();
    for item in new.iter().map(|n| &items[*n].prepared) {
        let Some(anchor) = item.anchor() else {
            continue;
        };
        let place = interactions::Place {
            occurred_at: item.occurred_at,
            id: item.id,
            anchor,
        };
        rows.push(interactions::New {
            place,
            keys: keys_of(item).collect(),
            body: item.body.clone(),
        });
        let of_item = item.analyses.iter();
        heard.extend(of_item.map(|one| analyses::New::of(place, one)));
    }
    interactions::insert(connection, context.tenant, &rows).await?;
    if !heard.is_empty() {
        let heard: Vec<&analyses::New> = heard.iter().collect();
        analyses::insert(connection, context.tenant, &heard).await?;
    }
    if !noted.is_empty() {
        offers::insert(connection, context.tenant, &noted).await?;
    }
    Ok(())
}

/// Stores everything that a batch changes.
pub(super) async fn write(
    connection: &mut PgConnection,
    context: Context<'_>,
    position: i64,
    items: &[Item],
    new: &[usize],
    mut writes: Writes,
) -> Result<(), Failure> {
    let tenant = context.tenant;
    insert(connection, context, items, new).await?;
    if !writes.links.is_empty() {
        let new = links::add(connection, tenant, &writes.links).await?;
        writes.count_new_links(&new);
    }
    identities::upsert(connection, tenant, &writes.identities).await?;
    for (keys, profile) in &writes.moves {
        identity_moves::move_to(connection, tenant, keys, *profile).await?;
    }
    if !writes.former.is_empty() {
        identity_moves::add_former(connection, tenant, &writes.former).await?;
    }
    if !writes.index.removed.is_empty() {
        identity_traits::delete(connection, tenant, &writes.index.removed).await?;
    }
    if !writes.index.added.is_empty() {
        identity_traits::insert(connection, tenant, &writes.index.added).await?;
    }
    profiles::upsert(connection, tenant, &writes.profiles).await?;
    outbox::append(connection, tenant, position, &writes.changes).await?;
    Ok(())
}
