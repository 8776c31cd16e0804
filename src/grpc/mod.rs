//! The gRPC face of the service: checks requests, calls the domain, shows what comes of it.
//!
//! What must stay true: a handler first asks for the permission its call needs, then checks all of the request at once,
//! and only then touches anything; the tenant comes from the caller and from nowhere else; [`status`] alone turns an
//! error into a `Status`.

pub mod codec;
pub mod context;
mod decisions;
mod experience;
mod hearing;
pub mod identity_service;
pub mod interaction_service;
pub mod layers;
pub mod page_token;
mod past;
pub mod profile_service;
mod read;
mod reanalysis;
pub mod reasons;
mod rules;
mod sentiment_history;
pub mod sentiment_service;
mod sight;
pub mod status;
mod stream;
mod suggestions;
pub mod token;
pub mod validate;
pub mod weight;

use std::{sync::Arc, time::Duration};

use crate::{
    analyzer::External,
    auth::Caller,
    clock::Clock,
    config::Policies,
    error::Error,
    identity::{HashSecret, Keyed},
    ids::IdentityKey,
    ingest::Ingest,
    lookup::{Found, Who},
    proto::v1::{ReadInfo, ReadSource},
    sentiment::history::{self, Moment},
    storage::Storage,
    tenants::{Tenant, Tenants},
};
use page_token::PageTokenKey;
use sight::Sight;
use token::{TokenKey, WriteToken};

/// What handlers share.
#[derive(Debug)]
pub struct Api {
    /// The database.
    pub storage: Storage,
    /// The way in.
    pub ingest: Arc<Ingest>,
    /// The operator's own analyzer of texts, if there is one.
    pub analyzer: Option<External>,
    /// The tenants.
    pub tenants: Arc<Tenants>,
    /// The hash secret.
    pub secret: HashSecret,
    /// What departments may not see.
    pub policies: Policies,
    /// The time.
    pub clock: Clock,
    /// Seals consistency tokens.
    pub tokens: TokenKey,
    /// Seals page tokens.
    pub page_tokens: PageTokenKey,
    /// Short name of the store.
    pub store: [u8; 4],
    /// Interactions that one stream may have in flight.
    pub stream_window: usize,
    /// The longest that a call waits for the database. A server that hangs, or a host that is gone, ends no statement by
    /// itself.
    pub patience: Duration,
    /// Identifiers of a tenant at most for a preview of rules.
    pub preview_identifiers: usize,
    /// Turns of those who preview rules.
    pub previews: Arc<tokio::sync::Semaphore>,
    /// Ends streams when the service drains.
    pub draining: tokio_util::sync::CancellationToken,
}

impl Api {
    fn validation<'a>(&'a self, tenant: &'a Tenant) -> validate::Context<'a> {
        validate::Context {
            tenant: &tenant.id,
            region: tenant.region,
            now: self.clock.now(),
            secret: &self.secret,
            rules: &tenant.resolution,
        }
    }

    /// The time to which an answer of now is computed.
    fn moment(&self, tenant: &Tenant) -> Moment {
        Moment::new(self.clock.now(), tenant.zone, self.prior(tenant))
    }

    /// To what levels of feelings are drawn while there are few: the mean of the tenant's customers.
    fn prior(&self, tenant: &Tenant) -> f64 {
        let models = self.tenants.models();
        let model = models.get(&tenant.id);
        model.map_or_else(history::prior, |model| model.mean_feeling)
    }

    fn sight(&self, caller: &Caller) -> Sight<'_> {
        Sight::of(caller, &self.policies)
    }

    /// A token that says what a write or a read has seen; empty when that is nothing.
    fn token(&self, tenant: &Tenant, position: i64, anchor: Option<(IdentityKey, i64)>) -> String {
        match u64::try_from(position) {
            Ok(position) if position > 0 => WriteToken {
                store: self.store,
                position,
                anchor,
                issued_at: self.clock.now(),
            }
            .encode(&tenant.id, &self.tokens),
            _ => String::new(),
        }
    }

    /// The primary's answer is never behind; a token of another store can be satisfied by none.
    fn can_satisfy(&self, options: &validate::ReadOptions) -> bool {
        options.tokens.iter().all(|token| token.store == self.store)
    }

    /// The outcome of some work, or that storage is away when there is none in time.
    async fn within<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let outcome = tokio::time::timeout(self.patience, work).await;
        outcome.unwrap_or_else(|_| {
            Err(Error::StorageAway {
                source: "no answer in time".into(),
            })
        })
    }

    fn read_info(&self, tenant: &Tenant, found: Option<&Found>) -> ReadInfo {
        let token = found.map_or_else(String::new, |found| {
            let anchor = (found.profile.home_key, found.profile.version);
            self.token(tenant, found.position, Some(anchor))
        });
        self.primary(token)
    }

    #[expect(clippy::unused_self, reason = "caches will be asked here")]
    fn primary(&self, token: String) -> ReadInfo {
        ReadInfo {
            token,
            source: ReadSource::Primary.into(),
            stale_by: Some(prost_types::Duration::default()),
        }
    }
}

impl From<validate::Lookup> for Who {
    fn from(lookup: validate::Lookup) -> Self {
        match lookup {
            validate::Lookup::Id(id) => Self::Id(id),
            validate::Lookup::Identifiers(identifiers) => Self::Identifiers(
                identifiers
                    .into_iter()
                    .map(|keyed| keyed.map(|Keyed { key, .. }| key))
                    .collect(),
            ),
        }
    }
}
