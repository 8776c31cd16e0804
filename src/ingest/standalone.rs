//! Profiles resolved each by itself, with nothing changed: what `verify` compares with what is stored.

use std::collections::{BTreeSet, HashMap};

use sqlx::PgConnection;

use super::{
    plan::Context,
    region::{Overlay, Region},
};
use crate::{
    error::Error,
    identity::{
        Makeup,
        resolve::{Resolution, Territory, resolve},
        settle,
    },
    ids::{IdentityKey, ProfileId},
};

/// What becomes of a profile when it is resolved with nothing changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standalone {
    /// These sets; one, when all is well.
    Sets {
        /// Its sets.
        sets: Vec<Vec<IdentityKey>>,
        /// Its members that lend it nothing.
        apart: BTreeSet<IdentityKey>,
        /// What it is made of.
        makeup: Makeup,
    },
    /// Something outside would join it.
    Joins(ProfileId),
}

/// Resolves profiles each by itself. If each stays what it is, all of them are what everything at once resolves to: along
/// the order of links each set grows by links within it and refuses every link that leads out.
pub(crate) async fn standalone(
    connection: &mut PgConnection,
    context: Context<'_>,
    ids: &[ProfileId],
) -> Result<HashMap<ProfileId, Standalone>, Error> {
    let overlay = Overlay::default();
    let mut region = Region::default();
    let all: BTreeSet<ProfileId> = ids.iter().copied().collect();
    region.load(connection, context, &overlay, &all).await?;
    region.inside = all.iter().copied().map(Territory::Profile).collect();
    region.surround(connection, context, &overlay).await?;
    let mut found = HashMap::new();
    for id in all {
        let inside = BTreeSet::from([Territory::Profile(id)]);
        let alone = loop {
            match resolve(&region.graph, context.rules, &inside) {
                Resolution::Resolved { sets, .. } => break region.describe(context, id, sets),
                Resolution::Wants(wants) => {
                    if let Some(other) = wants.join.first() {
                        break Standalone::Joins(*other);
                    }
                    let compare = &wants.compare;
                    region.load(connection, context, &overlay, compare).await?;
                }
            }
        };
        found.insert(id, alone);
    }
    Ok(found)
}

impl Region {
    fn describe(
        &self,
        context: Context<'_>,
        id: ProfileId,
        sets: Vec<Vec<IdentityKey>>,
    ) -> Standalone {
        let members = self.graph.members(Territory::Profile(id));
        let members = members.cloned().unwrap_or_default();
        Standalone::Sets {
            sets,
            apart: settle::apart(&self.graph, context.rules, &members),
            makeup: settle::makeup(&self.graph, &members),
        }
    }
}
