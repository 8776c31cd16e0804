//! Freezing a merge.
//!
//! It becomes one assertion between the strongest oldest identifiers of the two profiles. An identifier that several
//! people share stands for nobody else, so it is taken only when a profile has no other; a hub never is.
//!
//! What a merge asserts must hold. Where it voids a separation other links come into force with it. Those of identifiers that
//! people have of their own come after the assertion and yield to it; one of a shared identifier comes after them all, so that they
//! could refuse it. Such a merge is not made.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use super::{
    frozen::Frozen,
    plan::{Plan, found, rows_of},
};
use crate::{
    error::Error,
    identity::{Refusal, Standing},
    ids::{DecisionId, IdentityKey, ProfileId},
    ingest::plan::Context,
    lookup::find::Who,
    storage::{identities::Identity, profiles::Profile},
};

pub(super) async fn freeze(
    connection: &mut PgConnection,
    context: Context<'_>,
    stays: &Who,
    goes: &Who,
) -> Result<Plan, Error> {
    let stays = found(connection, context, stays, "target").await?;
    let goes = found(connection, context, goes, "source").await?;
    if stays.id == goes.id {
        return Err(Error::Refused {
            reason: "already_one_profile",
            description: "both are the same profile".into(),
        });
    }
    let (key, key_standing) = end_of(connection, context, &stays).await?;
    let (other, other_standing) = end_of(connection, context, &goes).await?;
    if key_standing == Standing::Hub || other_standing == Standing::Hub {
        return Err(refused(
            "one of the profiles is a hub: an identifier that many people have",
        ));
    }
    if key_standing == Standing::Shared && other_standing == Standing::Shared {
        return Err(refused(
            "both profiles are identifiers that several people share",
        ));
    }
    let voids = allowed(context, &stays, &goes)?;
    let is_shared = key_standing == Standing::Shared || other_standing == Standing::Shared;
    if is_shared && !voids.is_empty() {
        return Err(refused(
            "one of the profiles is an identifier that several people share, and a separation keeps it apart from the other: undo that first",
        ));
    }
    let frozen = Frozen::Merge {
        stays: key,
        goes: other,
        voids: voids.clone(),
    };
    let mut plan = Plan::new(frozen, [stays.id, goes.id]);
    plan.chosen = Some(stays.id);
    plan.about = [key, other].into();
    for id in voids {
        plan.void(connection, context, id).await?;
    }
    Ok(plan)
}

/// Why a merge of two profiles would be refused now; `None` when it would be made.
///
/// # Errors
/// When the database fails.
pub async fn merge_refused(
    connection: &mut PgConnection,
    context: Context<'_>,
    (stays, goes): (ProfileId, ProfileId),
) -> Result<Option<String>, Error> {
    match freeze(connection, context, &Who::Id(stays), &Who::Id(goes)).await {
        Ok(_) => Ok(None),
        Err(Error::Refused { description, .. }) => Ok(Some(description.into_owned())),
        // Joined or gone since the pair was found.
        Err(Error::NotFound { .. }) => Ok(Some("one of them is no more".to_owned())),
        Err(other) => Err(other),
    }
}

fn refused(description: &'static str) -> Error {
    Error::Refused {
        reason: "merge_refused",
        description: description.into(),
    }
}

/// The separations that a merge has to void.
fn allowed(
    context: Context<'_>,
    stays: &Profile,
    goes: &Profile,
) -> Result<Vec<DecisionId>, Error> {
    let (mut one, two) = (stays.makeup.clone(), &goes.makeup);
    let against =
        |(decision, sides): (&DecisionId, &u8)| sides | two.sides.get(decision).unwrap_or(&0) == 3;
    let voids: BTreeSet<DecisionId> = one
        .sides
        .iter()
        .filter(|(decision, sides)| against((decision, sides)))
        .map(|(decision, _)| *decision)
        .collect();
    one.sides.retain(|decision, _| !voids.contains(decision));
    match one.refuses(two, context.rules) {
        None => Ok(voids.into_iter().collect()),
        Some(Refusal::Limit { namespace, limit }) => Err(Error::Refused {
            reason: "merge_refused",
            description: format!(
                "together they have more than {limit} of {namespace}, which a profile may not have"
            )
            .into(),
        }),
        Some(_) => Err(refused(
            "together they have more identifiers than a profile may have",
        )),
    }
}

/// The identifier that stands for a profile.
async fn end_of(
    connection: &mut PgConnection,
    context: Context<'_>,
    profile: &Profile,
) -> Result<(IdentityKey, Standing), Error> {
    let rows = rows_of(connection, context, profile).await?;
    let strongest = |standing: Standing| {
        rows.iter()
            .filter(|row| row.standing == standing)
            .min_by(|a, b| a.home().order().cmp(&b.home().order()))
            .map(|row: &Identity| (row.key, standing))
    };
    strongest(Standing::Own)
        .or_else(|| strongest(Standing::Shared))
        .or_else(|| strongest(Standing::Hub))
        .ok_or_else(|| Error::bug("merging", "a profile has no identifiers"))
}
