//! Tenants: what is fixed about each, and the rules its profiles are made and read under.
//!
//! The region and the time zone of a tenant are stored when it is first written to and never change after that, because
//! stored identity keys depend on the region and stored days will depend on the zone. A configuration that says otherwise
//! is named in the log and not followed.
//!
//! The rules of identity resolution are those of the configuration when a tenant is first written to. After that they
//! change by revisions in the store only, because stored profiles were resolved under them; see `rule_sets`.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    calendar::Zone,
    error::Error,
    experience::Purchasing,
    identity::{self, HashSecret, Region},
    ids::TenantId,
    ingest::plan::Context,
    profile::survivorship::Rules,
    sentiment::Listening,
    storage::{
        Storage,
        rule_sets::{self, InForce, Revision},
        store,
    },
};

/// What is configured for a tenant.
#[derive(Clone, Debug)]
pub struct Configured {
    /// Country of phone numbers without a prefix.
    pub region: Region,
    /// IANA time zone.
    pub time_zone: Zone,
    /// Survivorship.
    pub rules: Arc<Rules>,
    /// How texts are read.
    pub listening: Arc<Listening>,
    /// Rules of identity resolution, of a tenant that was never written to.
    pub resolution: Arc<identity::Rules>,
}

/// What holds for a tenant.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Country of phone numbers without a prefix.
    pub region: Region,
    /// Time zone of its days.
    pub zone: Zone,
    /// Survivorship.
    pub rules: Arc<Rules>,
    /// How texts are read.
    pub listening: Arc<Listening>,
    /// Rules of identity resolution.
    pub resolution: Arc<identity::Rules>,
    /// The number of their revision; 0 while the tenant was never written to.
    pub revision: i64,
    /// Identifiers that one change may look at.
    pub resolve_limit: usize,
}

impl Tenant {
    /// What writes to it are made under.
    #[must_use]
    pub fn context<'a>(&'a self, secret: &'a HashSecret) -> Context<'a> {
        Context {
            tenant: &self.id,
            region: self.region,
            zone: self.zone,
            secret,
            rules: &self.resolution,
            revision: self.revision,
            resolve_limit: self.resolve_limit,
        }
    }
}

/// What is stored of a tenant.
#[derive(Clone, Debug)]
struct Met {
    region: Region,
    zone: Zone,
    resolution: Arc<identity::Rules>,
    revision: i64,
}

/// The tenants that this process has met.
#[derive(Debug)]
pub struct Tenants {
    storage: Storage,
    defaults: Configured,
    configured: HashMap<TenantId, Configured>,
    resolve_limit: usize,
    /// Tenants that are stored.
    met: RwLock<HashMap<TenantId, Met>>,
    /// How their customers buy.
    models: RwLock<Arc<HashMap<TenantId, Purchasing>>>,
    /// How often they were put in place of others.
    models_put: AtomicU64,
}

impl Tenants {
    /// From configuration; a change may look at `resolve_limit` identifiers.
    #[must_use]
    pub fn new(
        storage: Storage,
        defaults: Configured,
        configured: HashMap<TenantId, Configured>,
        resolve_limit: usize,
    ) -> Self {
        Self {
            storage,
            defaults,
            configured,
            resolve_limit,
            met: RwLock::default(),
            models: RwLock::default(),
            models_put: AtomicU64::new(0),
        }
    }

    /// How the customers of tenants buy, as last modelled.
    #[must_use]
    pub fn models(&self) -> Arc<HashMap<TenantId, Purchasing>> {
        let models = self.models.read();
        Arc::clone(&models.unwrap_or_else(PoisonError::into_inner))
    }

    /// Which models are in place: who takes this before the models has those of that number, or later ones.
    #[must_use]
    pub fn models_number(&self) -> u64 {
        self.models_put.load(Ordering::Acquire)
    }

    /// Puts new models in place of those before.
    pub fn put_models(&self, new: HashMap<TenantId, Purchasing>) {
        let models = self.models.write();
        *models.unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
        self.models_put.fetch_add(1, Ordering::AcqRel);
    }

    fn configured(&self, id: &TenantId) -> &Configured {
        self.configured.get(id).unwrap_or(&self.defaults)
    }

    /// A tenant that this process has met.
    #[must_use]
    pub fn known(&self, id: &TenantId) -> Option<Tenant> {
        let met = self.met.read().unwrap_or_else(PoisonError::into_inner);
        met.get(id).map(|met| self.show(id, met))
    }

    fn show(&self, id: &TenantId, met: &Met) -> Tenant {
        Tenant {
            id: id.clone(),
            region: met.region,
            zone: met.zone,
            rules: Arc::clone(&self.configured(id).rules),
            listening: Arc::clone(&self.configured(id).listening),
            resolution: Arc::clone(&met.resolution),
            revision: met.revision,
            resolve_limit: self.resolve_limit,
        }
    }

    /// The tenant, for reading. One that was never written to is as configured.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get(&self, id: &TenantId) -> Result<Tenant, Error> {
        if let Some(tenant) = self.known(id) {
            return Ok(tenant);
        }
        // On the heap, so that a call of a tenant that is known moves little.
        Box::pin(self.load(id)).await
    }

    async fn load(&self, id: &TenantId) -> Result<Tenant, Error> {
        let mut connection = self.storage.acquire().await?;
        let stored = store::load_tenant(&mut connection, id).await?;
        let revision = rule_sets::latest(&mut connection, id, 1).await?.pop();
        if let (Some(stored), Some(revision)) = (&stored, revision) {
            return self.meet(id, stored, revision);
        }
        let configured = self.configured(id);
        let as_configured = Met {
            region: stored.as_ref().map_or(Ok(configured.region), region)?,
            zone: stored.as_ref().map_or(Ok(configured.time_zone), zone)?,
            resolution: Arc::clone(&configured.resolution),
            revision: 0,
        };
        Ok(self.show(id, &as_configured))
    }

    /// The tenant, for writing: from now on its region is fixed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open(&self, id: &TenantId) -> Result<Tenant, Error> {
        if let Some(tenant) = self.known(id) {
            return Ok(tenant);
        }
        let configured = self.configured(id);
        let candidate = store::Tenant {
            default_region: configured.region.to_string(),
            time_zone: configured.time_zone.to_string(),
        };
        let mut connection = self.storage.acquire().await?;
        let stored = store::open_tenant(&mut connection, id, &candidate).await?;
        if stored != candidate {
            tracing::warn!(
                tenant = %id,
                stored.region = stored.default_region,
                stored.time_zone = stored.time_zone,
                "configuration of a tenant differs from what is stored, which stays"
            );
        }
        let revision = rule_sets::open(&mut connection, id, configured.resolution.said())
            .await?
            .ok_or_else(|| Error::bug("opening a tenant", "it has no rules"))?;
        self.meet(id, &stored, revision)
    }

    fn meet(
        &self,
        id: &TenantId,
        stored: &store::Tenant,
        revision: Revision,
    ) -> Result<Tenant, Error> {
        if revision.rules != *self.configured(id).resolution.said() {
            tracing::info!(
                tenant = %id,
                revision = revision.number,
                "rules of identity resolution in force are not those of the configuration: `customer-profile rules` shows and applies them"
            );
        }
        let met = Met {
            region: region(stored)?,
            zone: zone(stored)?,
            revision: revision.number,
            resolution: Arc::new(identity::Rules::from(revision.rules)),
        };
        let tenant = self.show(id, &met);
        self.put(id, met);
        Ok(tenant)
    }

    fn put(&self, id: &TenantId, new: Met) {
        let mut met = self.met.write().unwrap_or_else(PoisonError::into_inner);
        // Of two readings that race the one that saw more counts.
        if met
            .get(id)
            .is_none_or(|known| known.revision <= new.revision)
        {
            met.insert(id.clone(), new);
        }
    }

    /// Brings the rules of the tenants that this process has met up to date.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refresh(&self, in_force: &[InForce]) -> Result<(), Error> {
        for InForce {
            tenant: id,
            revision,
            ..
        } in in_force
        {
            let behind = self.known(id).is_some_and(|t| t.revision < *revision);
            if !behind {
                continue;
            }
            let mut connection = self.storage.acquire().await?;
            let stored = store::load_tenant(&mut connection, id).await?;
            let latest = rule_sets::latest(&mut connection, id, 1).await?.pop();
            if let (Some(stored), Some(latest)) = (stored, latest) {
                tracing::info!(tenant = %id, revision = latest.number, "rules of identity resolution changed");
                self.meet(id, &stored, latest)?;
            }
        }
        Ok(())
    }
}

fn zone(stored: &store::Tenant) -> Result<Zone, Error> {
    let zone = stored.time_zone.parse();
    zone.map_err(|()| Error::bug("reading a tenant", "its stored time zone is none"))
}

fn region(stored: &store::Tenant) -> Result<Region, Error> {
    let region = stored.default_region.parse();
    region.map_err(|()| Error::bug("reading a tenant", "its stored region is no country"))
}
