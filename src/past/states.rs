//! What identifiers held at some time: the fold of the interactions that were anchored at them.

use std::collections::HashMap;

use prost::Message as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Budget, Context, Then, spend};
use crate::{
    clock::Micros,
    error::Error,
    ids::{IdentityKey, InteractionId},
    profile::{Fact, State},
    proto::v1,
    storage::{
        analyses,
        interactions::Place,
        past::{self, Point},
    },
};

/// Anchors that are read at a time, and interactions of each.
const ANCHORS: usize = 16;
const EACH: usize = 64;

/// The states of anchors. Few interactions are in memory at a time.
pub(super) async fn states(
    connection: &mut PgConnection,
    context: Context<'_>,
    then: Then,
    anchors: impl IntoIterator<Item = IdentityKey>,
    budget: &mut Budget,
) -> Result<HashMap<IdentityKey, State>, Error> {
    let mut states: HashMap<IdentityKey, State> = HashMap::new();
    // Nothing occurs before 1970.
    let begin = (Micros(-1), InteractionId::from_uuid(Uuid::nil()));
    let mut open: Vec<Point> = anchors
        .into_iter()
        .map(|anchor| (anchor, begin.0, begin.1))
        .collect();
    let each = i64::try_from(EACH).unwrap_or(i64::MAX);
    while !open.is_empty() {
        let points: Vec<Point> = open.split_off(open.len().saturating_sub(ANCHORS));
        let page = past::interactions(connection, context.tenant, &points, then, each).await?;
        spend(&mut budget.interactions, page.len())?;
        let places: Vec<Place> = page.iter().map(|stored| stored.place).collect();
        let heard = analyses::then(connection, context.tenant, &places, then).await?;
        let mut last: HashMap<IdentityKey, (usize, Point)> = HashMap::new();
        for stored in page {
            let message = v1::Interaction::decode(stored.body.as_slice())
                .map_err(|e| Error::bug("reading a stored interaction", e))?;
            let place = stored.place;
            let point = (place.anchor, place.occurred_at, place.id);
            let (count, furthest) = last.entry(place.anchor).or_insert((0, point));
            *count += 1;
            *furthest = (*furthest).max(point);
            states
                .entry(place.anchor)
                .or_default()
                .add(Fact {
                    id: place.id,
                    occurred_at: place.occurred_at,
                    message: &message,
                    analyses: heard.of(place.id),
                    region: context.region,
                    zone: context.zone,
                })
                .map_err(|e| Error::bug("folding the past", e))?;
        }
        let full = last.into_values().filter(|(count, _)| *count == EACH);
        open.extend(full.map(|(_, point)| point));
    }
    Ok(states)
}
