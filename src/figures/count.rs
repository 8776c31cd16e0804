//! Counting a page of changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::PgConnection;

use crate::{
    clock::Micros,
    error::Error,
    experience::contribution::{Cell, Contribution, add, contribution},
    ids::{ProfileId, TenantId},
    storage::{
        self, Storage,
        contributions::{self, Contributed, Contributing},
        figures::{self, Counted},
        profiles,
    },
};

/// Changes that are counted in one transaction, about.
const PAGE: i64 = 500;

/// What came of looking for something to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// There may be more.
    Counted(usize),
    /// Everything is counted.
    Done(usize),
    /// Somebody else counts.
    Busy,
}

/// Counts what changed since the page before.
///
/// # Errors
/// When the database fails or a profile cannot be read.
#[tracing::instrument(name = "figures.count", skip_all)]
pub async fn count_page(storage: &Storage) -> Result<Counting, Error> {
    let mut transaction = storage.begin().await?;
    let Some(counted) = figures::hold(&mut transaction).await? else {
        return Ok(Counting::Busy);
    };
    let page = match &counted.walked {
        Some(after) => walked(&mut transaction, counted.position, after).await?,
        None => changed(&mut transaction, counted.position).await?,
    };
    let mut number = 0;
    for (tenant, ids) in &page.profiles {
        let ids: Vec<ProfileId> = ids.iter().copied().collect();
        number += ids.len();
        recount(&mut transaction, tenant, &ids).await?;
    }
    figures::advance(&mut transaction, &page.counted, page.counted_to).await?;
    storage::commit(transaction).await?;
    Ok(if page.done {
        Counting::Done(number)
    } else {
        Counting::Counted(number)
    })
}

/// What is to be counted.
struct Page {
    profiles: BTreeMap<TenantId, BTreeSet<ProfileId>>,
    counted: Counted,
    /// Everything that ended before is counted; now, where nothing is said. An earlier time than is known changes nothing.
    counted_to: Option<Micros>,
    done: bool,
}

async fn changed(connection: &mut PgConnection, position: i64) -> Result<Page, Error> {
    let rows = figures::changed(connection, position, PAGE).await?;
    let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) > PAGE;
    let position = rows.last().map_or(position, |row| row.position);
    let mut profiles: BTreeMap<TenantId, BTreeSet<ProfileId>> = BTreeMap::new();
    for row in rows {
        profiles.entry(row.tenant).or_default().insert(row.profile);
    }
    let counted_to = if full {
        // Not known without looking at all that waits.
        Some(Micros(0))
    } else {
        // Transactions that ended while an older one was running wait for it.
        figures::waiting_since(connection, position).await?
    };
    Ok(Page {
        profiles,
        counted: Counted {
            position,
            walked: None,
        },
        counted_to,
        done: !full,
    })
}

/// Profiles that were there before anything was counted. What changes meanwhile is in the outbox and counted again.
async fn walked(
    connection: &mut PgConnection,
    position: i64,
    after: &(String, ProfileId),
) -> Result<Page, Error> {
    let rows = figures::walk(connection, after, PAGE).await?;
    let last = rows.last().map(|(tenant, id)| (tenant.to_string(), *id));
    let mut profiles: BTreeMap<TenantId, BTreeSet<ProfileId>> = BTreeMap::new();
    for (tenant, profile) in rows {
        profiles.entry(tenant).or_default().insert(profile);
    }
    Ok(Page {
        profiles,
        counted: Counted {
            position,
            walked: last,
        },
        counted_to: Some(Micros(0)),
        done: false,
    })
}

/// Counts some profiles as they are now.
async fn recount(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[ProfileId],
) -> Result<(), Error> {
    let before: HashMap<ProfileId, Contributed> = contributions::of(connection, tenant, ids)
        .await?
        .into_iter()
        .map(|one| (one.profile, one))
        .collect();
    let wanted: Vec<profiles::Wanted> = ids
        .iter()
        .map(|id| profiles::Wanted {
            subjects: true,
            ..profiles::Wanted::row(*id)
        })
        .collect();
    let mut differences: BTreeMap<Cell, Vec<i64>> = BTreeMap::new();
    let mut put = Vec::new();
    let mut gone = Vec::new();
    for profile in profiles::load(connection, tenant, &wanted).await? {
        let now = of(&profile)?;
        let was = before.get(&profile.id);
        if let Some(was) = was {
            let was = Contribution::decode(&was.body)
                .map_err(|e| Error::bug("reading a contribution", e))?;
            for (cell, sums) in was.cells {
                let less: Vec<i64> = sums.into_iter().map(i64::wrapping_neg).collect();
                add(&mut differences, cell, &less);
            }
        }
        for (cell, sums) in &now.cells {
            add(&mut differences, cell.clone(), sums);
        }
        if now == Contribution::default() {
            gone.extend(was.map(|was| was.profile));
        } else {
            put.push(contributing(profile.id, profile.version, &now));
        }
    }
    differences.retain(|_, sums| sums.iter().any(|sum| *sum != 0));
    change(connection, tenant, &differences).await?;
    if !put.is_empty() {
        contributions::put(connection, tenant, &put).await?;
    }
    if !gone.is_empty() {
        contributions::delete(connection, tenant, &gone).await?;
    }
    Ok(())
}

/// What a profile adds.
///
/// # Errors
/// When its subjects are not loaded.
pub(crate) fn of(profile: &profiles::Profile) -> Result<Contribution, Error> {
    let orders = profile.state.orders();
    let orders = orders.ok_or_else(|| Error::bug("counting a profile", "no subjects"))?;
    Ok(contribution(profile.state.core(), orders))
}

fn contributing(id: ProfileId, version: i64, contribution: &Contribution) -> Contributing {
    let days = contribution.purchases.as_ref().map(|p| p.days);
    Contributing {
        contributed: Contributed {
            profile: id,
            version,
            body: contribution.encode(),
        },
        order_days: days.map(|days| i32::try_from(days).unwrap_or(i32::MAX)),
        answered: contribution.drivers.is_some(),
    }
}

async fn change(
    connection: &mut PgConnection,
    tenant: &TenantId,
    differences: &BTreeMap<Cell, Vec<i64>>,
) -> Result<(), Error> {
    if differences.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = differences.keys().map(Cell::name).collect();
    let stored = figures::sums(connection, tenant, &names).await?;
    let stored: HashMap<String, Vec<i64>> = stored.into_iter().collect();
    let mut sums = Vec::with_capacity(names.len());
    for (name, difference) in names.into_iter().zip(differences.values()) {
        let mut sum = stored.get(&name).cloned().unwrap_or_default();
        if sum.len() < difference.len() {
            sum.resize(difference.len(), 0);
        }
        for (sum, more) in sum.iter_mut().zip(difference) {
            *sum = sum.wrapping_add(*more);
        }
        sums.push((name, sum));
    }
    figures::put(connection, tenant, &sums).await?;
    Ok(())
}
