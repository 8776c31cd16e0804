//! What a request is frozen into, and what that changes.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use super::{
    frozen::{self, Frozen},
    outcome::{self, Outcome, Tie},
};
use crate::{
    clock::Micros,
    error::Error,
    identity::{Members, resolve::Assertion},
    ids::{DecisionId, IdentityKey, ProfileId},
    ingest::{
        plan::Context,
        region::{Overlay, Reached, Resolved, resolve_around},
    },
    lookup::find::{self, Who},
    storage::{
        decisions::{self, Decision},
        identities::{self, Identity},
        locks,
        profiles::Profile,
    },
};

/// What a request was frozen into, and what that changes.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) frozen: Frozen,
    /// Profiles that are resolved whatever else is.
    start: BTreeSet<ProfileId>,
    /// The id that is to stay.
    pub(super) chosen: Option<ProfileId>,
    /// Identifiers whose parts are the outcome.
    pub(super) about: BTreeSet<IdentityKey>,
    /// What a merge that is undone had joined.
    pub(super) parted: Option<(IdentityKey, IdentityKey)>,
    /// Separations that go out of force, or come back.
    pub(super) voided: Vec<DecisionId>,
    returned: Vec<(DecisionId, Micros, Frozen)>,
    pub(super) revoked: BTreeSet<DecisionId>,
    /// Identifiers of which decisions now say something else.
    concerned: BTreeSet<IdentityKey>,
}

impl Plan {
    pub(super) fn new(frozen: Frozen, start: impl IntoIterator<Item = ProfileId>) -> Self {
        Self {
            concerned: frozen.keys().into_iter().collect(),
            frozen,
            start: start.into_iter().collect(),
            chosen: None,
            about: BTreeSet::new(),
            parted: None,
            voided: Vec::new(),
            returned: Vec::new(),
            revoked: BTreeSet::new(),
        }
    }

    /// A separation goes out of force because a merge voids it.
    pub(super) async fn void(
        &mut self,
        connection: &mut PgConnection,
        context: Context<'_>,
        id: DecisionId,
    ) -> Result<(), Error> {
        for separation in decisions::load(connection, context.tenant, &[id]).await? {
            self.revoke(id, &frozen::read(&separation)?);
        }
        self.voided.push(id);
        Ok(())
    }

    /// What a decision says goes out of force.
    pub(super) fn revoke(&mut self, id: DecisionId, said: &Frozen) {
        self.revoked.insert(id);
        self.concerned.extend(said.keys());
    }

    /// A separation comes back into force.
    pub(super) fn bring_back(&mut self, separation: &Decision) -> Result<(), Error> {
        let said = frozen::read(separation)?;
        self.concerned.extend(said.keys());
        self.returned
            .push((separation.id, separation.made_at, said));
        Ok(())
    }

    /// What comes into force: each with when it was made.
    pub(super) fn coming(
        &self,
        id: DecisionId,
        made_at: Micros,
    ) -> Vec<(DecisionId, Micros, &Frozen)> {
        let returned = self.returned.iter().map(|(id, at, said)| (*id, *at, said));
        returned.chain([(id, made_at, &self.frozen)]).collect()
    }

    fn overlay(&self, id: DecisionId, made_at: Micros) -> Overlay {
        let mut overlay = Overlay {
            revoked: self.revoked.clone(),
            ..Overlay::default()
        };
        for (decision, made_at, said) in self.coming(id, made_at) {
            for (key, other) in said.assertions() {
                overlay.assertions.push(Assertion {
                    key,
                    other,
                    made_at,
                    decision,
                });
            }
            for (key, side) in said.sides() {
                overlay.sides.entry(key).or_default().push((decision, side));
            }
        }
        overlay
    }

    pub(super) async fn resolve(
        &self,
        connection: &mut PgConnection,
        context: Context<'_>,
        id: DecisionId,
        made_at: Micros,
    ) -> Result<Reached, Error> {
        let concerned: Vec<IdentityKey> = self.concerned.iter().copied().collect();
        let holders = identities::profiles_of(connection, context.tenant, &concerned).await?;
        let mut start = self.start.clone();
        start.extend(holders.into_iter().map(|(_, profile)| profile));
        resolve_around(
            connection,
            context,
            &self.overlay(id, made_at),
            &start,
            context.resolve_limit,
        )
        .await
    }

    pub(super) fn stripes(&self, resolved: &Resolved) -> locks::Stripes {
        let mut stripes = resolved.region.stripes();
        // A separation may name thousands; the stripes of their profiles keep them where they are.
        let named = match &self.frozen {
            Frozen::Merge { stays, goes, .. } => vec![*stays, *goes],
            Frozen::Separation { .. } | Frozen::Undo { .. } => Vec::new(),
        };
        for key in named {
            stripes.add(key.as_uuid());
        }
        stripes
    }

    /// What came of it, from the sets with their ids and versions.
    pub(super) fn outcome<'a>(
        &self,
        resolved: &Resolved,
        sets: impl Iterator<Item = (Option<ProfileId>, i64, &'a BTreeSet<IdentityKey>)> + Clone,
    ) -> Outcome {
        let graph = resolved.region.graph();
        let mut outcome = Outcome {
            parts: outcome::parts(graph, sets.clone(), &self.about),
            separations: self
                .voided
                .iter()
                .copied()
                .chain(self.returned.iter().map(|(id, _, _)| *id))
                .collect(),
            ..Outcome::default()
        };
        if let Some((key, other)) = self.parted {
            for (_, _, set) in sets {
                if set.contains(&key) && set.contains(&other) {
                    outcome.still_joined = true;
                    outcome.joined_by = outcome::path(graph, set, Tie { key, other });
                }
            }
        }
        outcome
    }
}

/// The profile that is asked for, with its members.
pub(super) async fn found(
    connection: &mut PgConnection,
    context: Context<'_>,
    who: &Who,
    name: &'static str,
) -> Result<Profile, Error> {
    let found = find::find(connection, context.tenant, who).await?;
    found.map(|f| f.profile).ok_or_else(|| Error::NotFound {
        kind: "profile",
        name: match who {
            Who::Id(id) => id.to_string(),
            Who::Identifiers(_) => name.to_owned(),
        },
    })
}

/// The identifiers of a profile.
pub(super) async fn rows_of(
    connection: &mut PgConnection,
    context: Context<'_>,
    profile: &Profile,
) -> Result<Vec<Identity>, Error> {
    let wanted: Vec<identities::Wanted> = profile
        .members
        .iter()
        .flat_map(Members::keys)
        .map(identities::Wanted::row)
        .collect();
    let mut rows = identities::load(connection, context.tenant, &wanted).await?;
    rows.sort_unstable_by_key(|row| row.key);
    Ok(rows)
}
