//! Tenants: what is fixed about each, and the rules its profiles are read under.
//!
//! The region and the time zone of a tenant are stored when it is first written to and never change after that, because
//! stored identity keys depend on the region and stored days will depend on the zone. A configuration that says otherwise
//! is named in the log and not followed.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use crate::{
    error::Error,
    identity::{self, Region},
    ids::TenantId,
    profile::survivorship::Rules,
    storage::{Storage, store},
};

/// What is configured for a tenant.
#[derive(Clone, Debug)]
pub struct Configured {
    /// Country of phone numbers without a prefix.
    pub region: Region,
    /// IANA time zone.
    pub time_zone: String,
    /// Survivorship.
    pub rules: Arc<Rules>,
    /// Rules of identity resolution.
    pub resolution: Arc<identity::Rules>,
}

/// What holds for a tenant.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Country of phone numbers without a prefix.
    pub region: Region,
    /// Survivorship.
    pub rules: Arc<Rules>,
    /// Rules of identity resolution.
    pub resolution: Arc<identity::Rules>,
}

/// The tenants that this process has met.
#[derive(Debug)]
pub struct Tenants {
    storage: Storage,
    defaults: Configured,
    configured: HashMap<TenantId, Configured>,
    /// Region of tenants that are stored.
    met: RwLock<HashMap<TenantId, Region>>,
}

impl Tenants {
    /// From configuration.
    #[must_use]
    pub fn new(
        storage: Storage,
        defaults: Configured,
        configured: HashMap<TenantId, Configured>,
    ) -> Self {
        Self {
            storage,
            defaults,
            configured,
            met: RwLock::default(),
        }
    }

    fn configured(&self, id: &TenantId) -> &Configured {
        self.configured.get(id).unwrap_or(&self.defaults)
    }

    fn known(&self, id: &TenantId) -> Option<Region> {
        let met = self.met.read().unwrap_or_else(PoisonError::into_inner);
        met.get(id).copied()
    }

    fn with_region(&self, id: &TenantId, region: Region) -> Tenant {
        Tenant {
            id: id.clone(),
            region,
            rules: Arc::clone(&self.configured(id).rules),
            resolution: Arc::clone(&self.configured(id).resolution),
        }
    }

    /// The tenant, for reading. One that was never written to is as configured.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get(&self, id: &TenantId) -> Result<Tenant, Error> {
        if let Some(region) = self.known(id) {
            return Ok(self.with_region(id, region));
        }
        let mut connection = self.storage.acquire().await?;
        match store::load_tenant(&mut connection, id).await? {
            Some(stored) => self.meet(id, &stored),
            None => Ok(self.with_region(id, self.configured(id).region)),
        }
    }

    /// The tenant, for writing: from now on its region is fixed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn open(&self, id: &TenantId) -> Result<Tenant, Error> {
        if let Some(region) = self.known(id) {
            return Ok(self.with_region(id, region));
        }
        let configured = self.configured(id);
        let candidate = store::Tenant {
            default_region: configured.region.to_string(),
            time_zone: configured.time_zone.clone(),
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
        self.meet(id, &stored)
    }

    fn meet(&self, id: &TenantId, stored: &store::Tenant) -> Result<Tenant, Error> {
        let region: Region = stored
            .default_region
            .parse()
            .map_err(|()| Error::bug("reading a tenant", "its stored region is no country"))?;
        let mut met = self.met.write().unwrap_or_else(PoisonError::into_inner);
        met.insert(id.clone(), region);
        drop(met);
        Ok(self.with_region(id, region))
    }
}
