//! The digest of a population, read from what is stored.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Observer, PAGE, Report};
use crate::{
    error::Error,
    identity::{Members, Normalised},
    ids::{IdentityKey, ProfileId, TenantId},
    profile::digest::{Population, of_profile},
    storage::{Storage, identity_cards, profiles},
};

/// The digest of all profiles of some tenants.
///
/// # Errors
/// When the database fails or a profile cannot be read.
pub async fn digest(
    storage: &Storage,
    tenants: &[TenantId],
    observer: &Observer,
) -> Result<Population, Error> {
    let mut population = Population::default();
    let mut report = Report::default();
    let mut snapshot = storage.begin_snapshot().await?;
    for tenant in tenants {
        let total = profiles::count(&mut snapshot, tenant).await?;
        report.total += u64::try_from(total).unwrap_or_default();
    }
    for tenant in tenants {
        let mut last = ProfileId::from_uuid(Uuid::nil());
        loop {
            let page = profiles::after(&mut snapshot, tenant, last, PAGE).await?;
            let Some(end) = page.last().map(|p| p.id) else {
                break;
            };
            last = end;
            let keys: Vec<IdentityKey> = page
                .iter()
                .flat_map(|p| p.members.iter().flat_map(Members::keys))
                .collect();
            let cards: HashMap<IdentityKey, Normalised> =
                identity_cards::cards(&mut snapshot, tenant, &keys)
                    .await?
                    .into_iter()
                    .map(|card| (card.key, card.identifier))
                    .collect();
            for profile in page.iter().filter(|p| p.members_total > 0) {
                let identifiers: Vec<Normalised> = profile
                    .members
                    .iter()
                    .flat_map(Members::keys)
                    .filter_map(|key| cards.get(&key).cloned())
                    .collect();
                let digest = of_profile(&identifiers, &profile.state)
                    .ok_or_else(|| Error::bug("digesting a profile", "its subjects are missing"))?;
                population.add(&digest);
                report.profiles += 1;
            }
            observer(&report);
        }
    }
    Ok(population)
}
