//! Figures of the population: each contribution is what its profile adds, and sums are those of the contributions.

use std::collections::{BTreeMap, HashMap};

use sqlx::PgConnection;
use uuid::Uuid;

use super::Report;
use crate::{
    error::Error,
    experience::contribution::{Cell, Contribution, add},
    figures::of,
    ids::{ProfileId, TenantId},
    storage::{
        contributions::{self, Contributed},
        figures, profiles,
    },
};

/// Profiles that are looked at together.
const PAGE: i64 = 500;

/// Compares what is counted with what should be. A profile that changed since it was counted is left to the sums.
pub(super) async fn verify(
    connection: &mut PgConnection,
    tenant: &TenantId,
    report: &mut Report,
) -> Result<(), Error> {
    let mut sums: BTreeMap<Cell, Vec<i64>> = BTreeMap::new();
    let mut last = ProfileId::from_uuid(Uuid::nil());
    loop {
        let page = contributions::after(connection, tenant, last, PAGE).await?;
        let Some(end) = page.last() else {
            break;
        };
        last = end.profile;
        check_page(connection, tenant, &page, &mut sums, report).await?;
    }
    sums.retain(|_, sums| sums.iter().any(|sum| *sum != 0));
    let mut stored: BTreeMap<Cell, Vec<i64>> = BTreeMap::new();
    // Names begin with a letter.
    for (name, numbers) in figures::range(connection, tenant, "a", "z").await? {
        if let Some(cell) = Cell::parse(&name).filter(|_| numbers.iter().any(|n| *n != 0)) {
            stored.insert(cell, numbers);
        }
    }
    for (cell, numbers) in &sums {
        if stored.remove(cell).as_ref() != Some(numbers) {
            let name = cell.name();
            report.differs(format!(
                "figure {name}: is not the sum of what profiles add"
            ));
        }
    }
    for cell in stored.keys() {
        report.differs(format!("figure {}: no profile adds to it", cell.name()));
    }
    Ok(())
}

async fn check_page(
    connection: &mut PgConnection,
    tenant: &TenantId,
    page: &[Contributed],
    sums: &mut BTreeMap<Cell, Vec<i64>>,
    report: &mut Report,
) -> Result<(), Error> {
    let wanted: Vec<profiles::Wanted> = page
        .iter()
        .map(|one| profiles::Wanted {
            subjects: true,
            ..profiles::Wanted::row(one.profile)
        })
        .collect();
    let profiles: HashMap<ProfileId, profiles::Profile> =
        profiles::load(connection, tenant, &wanted)
            .await?
            .into_iter()
            .map(|profile| (profile.id, profile))
            .collect();
    for one in page {
        let said =
            Contribution::decode(&one.body).map_err(|e| Error::bug("reading a contribution", e))?;
        let profile = profiles.get(&one.profile);
        if let Some(profile) = profile.filter(|profile| profile.version == one.version)
            && of(profile)? != said
        {
            let id = one.profile;
            report.differs(format!("profile {id}: adds other than its state says"));
        }
        for (cell, numbers) in &said.cells {
            add(sums, cell.clone(), numbers);
        }
    }
    Ok(())
}
