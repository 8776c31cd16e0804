//! The gRPC face of the service: checks requests, calls the domain, shows what comes of it.
//!
//! What must stay true: a handler first asks for the permission its call needs, then checks all of the request at once,
//! and only then touches anything; the tenant comes from the caller and from nowhere else; [`status`] alone turns an
//! error into a `Status`.

mod catalogue;
pub mod codec;
pub mod context;
mod decisions;
mod experience;
mod figures;
mod get_profile;
mod hearing;
pub mod identity_service;
pub mod interaction_service;
pub mod layers;
pub mod next_best_action_service;
mod offers;
pub mod page_token;
mod past;
pub mod profile_service;
mod read;
mod reanalysis;
pub mod reasons;
pub mod replies;
pub mod resume_token;
mod rules;
pub mod segment_service;
mod segments;
mod sentiment_history;
pub mod sentiment_service;
mod sight;
pub mod status;
mod stream;
mod suggestions;
pub mod token;
pub mod validate;
mod watch;
pub mod weight;

use std::{sync::Arc, time::Duration};

use crate::{
    actions::Catalogues,
    analyzer::External,
    auth::Caller,
    clock::Clock,
    config::Policies,
    error::Error,
    feed::seats::Seats,
    identity::{HashSecret, Keyed},
    ids::IdentityKey,
    ingest::Ingest,
    lookup::{Answer, Found, Reader, Who},
    offering::Desk,
    proto::v1::{ReadInfo, ReadSource},
    sentiment::history::{self, Moment},
    storage::Storage,
    tenants::{Tenant, Tenants},
};
use page_token::PageTokenKey;
use resume_token::ResumeTokenKey;
use sight::Sight;
use token::{TokenKey, WriteToken};
use validate::{ProfileField, ProfileMask};

/// What handlers share.
#[derive(Debug)]
pub struct Api {
    /// The database.
    pub storage: Storage,
    /// Look-ups of profiles.
    pub reader: Reader,
    /// How far an answer may be behind when the caller has no wish.
    pub max_staleness: Duration,
    /// The way in.
    pub ingest: Arc<Ingest>,
    /// The operator's own analyzer of texts, if there is one.
    pub analyzer: Option<External>,
    /// The tenants.
    pub tenants: Arc<Tenants>,
    /// The hash secret.
    pub secret: HashSecret,
    /// The catalogues of actions.
    pub catalogues: Arc<Catalogues>,
    /// Where next best actions are decided on.
    pub desk: Arc<Desk>,
    /// What departments may not see.
    pub policies: Policies,
    /// The time.
    pub clock: Clock,
    /// Seals consistency tokens.
    pub tokens: TokenKey,
    /// Seals page tokens.
    pub page_tokens: PageTokenKey,
    /// Seals resume tokens.
    pub resume_tokens: ResumeTokenKey,
    /// Who watches.
    pub seats: Arc<Seats>,
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

    /// Something was committed that mentions these identifiers: who is told of it reads it here afterwards.
    async fn committed(&self, identifiers: Vec<IdentityKey>) {
        let caches = self.reader.caches();
        caches.committed(identifiers.into_iter()).await;
    }

    /// Where some answers came from. The token proves what they include, and what those proved that were asked with.
    fn answered_from(&self, tenant: &Tenant, answers: &[Answer], asked: i64) -> ReadInfo {
        let found = || answers.iter().filter_map(|answer| answer.found.as_ref());
        // What may be in them, so that no later answer has less.
        let seen = found().map(|(document, _)| document.next - 1).max();
        let anchor = match answers {
            [one] => one.found.as_ref().map(|(document, _)| {
                let profile = &document.profile;
                (profile.home_key, profile.version)
            }),
            _ => None,
        };
        let source = answers.iter().map(|answer| answer.source).max();
        let behind = answers.iter().map(|answer| answer.behind).max();
        ReadInfo {
            token: self.token(tenant, asked.max(seen.unwrap_or_default()), anchor),
            source: source.map_or(ReadSource::Primary, ReadSource::from).into(),
            stale_by: Some(duration(behind.unwrap_or_default())),
        }
    }

    #[expect(clippy::unused_self, reason = "as its neighbours")]
    fn primary(&self, token: String) -> ReadInfo {
        ReadInfo {
            token,
            source: ReadSource::Primary.into(),
            stale_by: Some(prost_types::Duration::default()),
        }
    }
}

fn duration(of: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(of.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(of.subsec_nanos()).unwrap_or_default(),
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

fn shows_identifiers(sight: &Sight<'_>, mask: ProfileMask) -> bool {
    mask.contains(ProfileField::Identifiers) && sight.identifiers()
}
