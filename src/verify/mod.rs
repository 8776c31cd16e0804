//! Checking a store against its own interactions, and the digest of what it says.
//!
//! Both read one snapshot of a live database, page by page, in memory that does not grow with it. Verification recomputes
//! with the same pure code that ingest uses, from interactions and links alone: laws 1 to 4 of the design say that
//! nothing may differ.

mod decisions;
mod digest;
mod figures;
mod identities;
mod profiles;
mod tally;

use std::sync::Arc;

use sqlx::PgConnection;
use uuid::Uuid;

pub use digest::digest;

use crate::{
    calendar::Zone,
    error::Error,
    identity::{HashSecret, Region, Rules},
    ids::{ProfileId, TenantId},
    ingest::{Ruling, plan::Context},
    storage::{
        Storage,
        identity_cards::count as stored_identities,
        profile_rules,
        profiles::{after as profiles_after, count as stored_profiles},
        store,
    },
};

/// Rows of a page.
const PAGE: i64 = 500;

/// Differences that are described; more are only counted.
const DESCRIBED: usize = 100;

/// What a verification found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Interactions read.
    pub interactions: u64,
    /// Identities checked.
    pub identities: u64,
    /// Profiles checked.
    pub profiles: u64,
    /// Operators' decisions checked.
    pub decisions: u64,
    /// Profiles that wait to be resolved under the rules in force: what their rules make of them is not compared.
    pub waiting: u64,
    /// Identities and profiles to check, as they were counted at the start.
    pub total: u64,
    /// Differences found.
    pub differences: u64,
    /// The first of them, by table and key; no personal data.
    pub described: Vec<String>,
}

impl Report {
    fn differs(&mut self, what: String) {
        self.differences += 1;
        if self.described.len() < DESCRIBED {
            self.described.push(what);
        }
    }
}

/// Told now and then how far a long work has come: profiles or identities done, and of how many when that is known.
pub type Observer = Arc<dyn Fn(&Report) + Send + Sync>;

/// The tenants to look at: the one given, or all.
///
/// # Errors
/// When the database fails.
pub async fn tenants(storage: &Storage, only: Option<&TenantId>) -> Result<Vec<TenantId>, Error> {
    if let Some(tenant) = only {
        return Ok(vec![tenant.clone()]);
    }
    let mut connection = storage.acquire().await?;
    Ok(store::tenants(&mut connection).await?)
}

/// A part of a tenant that was checked.
#[derive(Debug, Default)]
pub struct Sample {
    /// What was found.
    pub report: Report,
    /// The profiles that were looked at.
    pub profiles: Vec<ProfileId>,
}

/// Checks 500 profiles at most against their identities, links and decisions, in one snapshot. They are those that were made
/// after a moment: `part` of 2^32 of the time between the first of all and now, since ids are in the order of time.
///
/// # Errors
/// When the database fails or something stored cannot be read.
pub async fn sample(
    storage: &Storage,
    secret: &HashSecret,
    tenant: &TenantId,
    part: u32,
) -> Result<Sample, Error> {
    let mut snapshot = storage.begin_snapshot().await?;
    let mut sample = Sample::default();
    let Some(ground) = Ground::read(&mut snapshot, tenant).await? else {
        return Ok(sample);
    };
    let context = ground.context(tenant, secret);
    let nobody = ProfileId::from_uuid(Uuid::nil());
    let first = profiles_after(&mut snapshot, tenant, nobody, PAGE).await?;
    let mut from = nobody;
    // Few are all looked at.
    let many = i64::try_from(first.len()) == Ok(PAGE);
    if let Some(oldest) = first.first().filter(|_| many) {
        let oldest = oldest.id.as_uuid().as_u128();
        let span = ProfileId::draw().as_uuid().as_u128().saturating_sub(oldest);
        let at = oldest + (span >> 32) * u128::from(part);
        from = ProfileId::from_uuid(Uuid::from_u128(at));
    }
    let page = profiles::page(&mut snapshot, context, from, &mut sample).await?;
    if page.is_none() {
        // None was made since: the first ones instead.
        profiles::page(&mut snapshot, context, nobody, &mut sample).await?;
    }
    Ok(sample)
}

/// What a tenant's profiles rest on besides its interactions.
struct Ground {
    region: Region,
    zone: Zone,
    ruling: Option<Ruling>,
    rules: Rules,
}

impl Ground {
    /// Nothing for a tenant that is not there.
    async fn read(connection: &mut PgConnection, tenant: &TenantId) -> Result<Option<Self>, Error> {
        let Some(stored) = store::load_tenant(connection, tenant).await? else {
            return Ok(None);
        };
        let region: Region = stored
            .default_region
            .parse()
            .map_err(|()| Error::bug("reading a tenant", "its stored region is no country"))?;
        let zone: Zone = stored
            .time_zone
            .parse()
            .map_err(|()| Error::bug("reading a tenant", "its stored time zone is none"))?;
        Ok(Some(Self {
            region,
            zone,
            ruling: Ruling::read(connection, tenant).await?,
            rules: Rules::default(),
        }))
    }

    fn context<'a>(&'a self, tenant: &'a TenantId, secret: &'a HashSecret) -> Context<'a> {
        let context = Context {
            tenant,
            region: self.region,
            zone: self.zone,
            secret,
            rules: &self.rules,
            revision: 0,
            resolve_limit: usize::MAX,
        };
        context.under(self.ruling.as_ref())
    }
}

/// Recomputes everything of a tenant and reports what differs.
///
/// # Errors
/// When the database fails or something stored cannot be read.
pub async fn verify(
    storage: &Storage,
    secret: &HashSecret,
    tenant: &TenantId,
    observer: &Observer,
) -> Result<Report, Error> {
    let mut snapshot = storage.begin_snapshot().await?;
    let mut report = Report::default();
    let Some(ground) = Ground::read(&mut snapshot, tenant).await? else {
        return Ok(report);
    };
    let context = ground.context(tenant, secret);
    let waiting =
        profile_rules::count_under_others(&mut snapshot, tenant, context.revision).await?;
    report.waiting = u64::try_from(waiting).unwrap_or_default();
    let total = stored_identities(&mut snapshot, tenant).await?
        + stored_profiles(&mut snapshot, tenant).await?;
    report.total = u64::try_from(total).unwrap_or_default();
    identities::verify(&mut snapshot, context, &mut report, observer).await?;
    profiles::verify(&mut snapshot, context, &mut report, observer).await?;
    decisions::verify(&mut snapshot, context, &mut report).await?;
    figures::verify(&mut snapshot, tenant, &mut report).await?;
    Ok(report)
}
