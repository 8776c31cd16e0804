//! How many customers the rules of actions let through, over a sample.
//!
//! What must stay true: what it costs is bounded in rows, in time and in turns, whatever the population and the catalogue; it writes
//! nothing, and who deletes or merges meanwhile waits for nobody. The same customers are looked at each time, as long as there is
//! time.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use uuid::Uuid;

use super::{Call, Desk, Situation, period::Look, ready::Ready};
use crate::{
    cache::rule::Wish,
    calendar::Day,
    clock::Micros,
    error::Error,
    ids::IdentityKey,
    next_best_action::{
        catalogue::Snapshot,
        keys::DecisionKey,
        learning::cohorts::Table,
        matching::{Matching, OfAction},
        situation::{Models, Questions},
    },
    storage::{profiles::Profile, samples},
    tenants::Tenant,
};

/// Profiles that are looked at.
const SAMPLED: usize = 1_000;
/// Identifiers that are read at most to find them.
const LOOKED_AT: usize = 10_000;
/// Identifiers read at once: few, since others wait while their profiles are decoded.
const PAGE: i64 = 200;
/// How long is looked, a turn included.
const BUDGET: Duration = Duration::from_secs(2);

/// What was counted of each action, in the order that was asked for.
pub type Matches = Vec<OfAction>;

impl Desk {
    /// How many customers the rules of actions of a catalogue let through, over a sample of at most 1,000 profiles. None when
    /// others look already and do not end in time.
    ///
    /// # Errors
    /// When the database fails.
    #[tracing::instrument(name = "decision.matches", skip_all, fields(sampled = tracing::field::Empty))]
    pub async fn matches(
        &self,
        tenant: &Tenant,
        catalogue: Arc<Snapshot>,
        actions: &[String],
    ) -> Result<Option<Matches>, Error> {
        let end = Instant::now() + BUDGET;
        let Ok(Ok(_turn)) = tokio::time::timeout_at(end, self.turns.acquire()).await else {
            return Ok(None);
        };
        let _look = Look::at("matches");
        // Nothing is decided, so nothing needs to be believed.
        let making = tokio::task::spawn_blocking(move || Ready {
            questions: Questions::of(&catalogue),
            models: Models::new(&catalogue, 0, &Table::default(), Day(0)),
            catalogue,
            snapshot: 0,
        });
        let ready = making
            .await
            .map_err(|e| Error::bug("sampling profiles", e))?;
        let matching = Matching::of(&ready.catalogue, &ready.questions, actions);
        let mut looking = Looking {
            call: Arc::new(asking(&matching)),
            ready: Arc::new(ready),
            now: self.clock.now(),
            tenant: tenant.clone(),
            models: self.tenants.models(),
            matching,
            sampled: 0,
            end,
        };
        let mut after = IdentityKey::from_uuid(Uuid::nil());
        let mut read = 0;
        while looking.sampled < SAMPLED && read < LOOKED_AT && Instant::now() < end {
            let mut connection = self.storage.acquire().await?;
            let keys = samples::keys(&mut connection, &tenant.id, after, PAGE).await?;
            let Some((last, _)) = keys.last() else { break };
            after = *last;
            read += keys.len();
            let profiles = samples::profiles(&mut connection, &tenant.id, &keys).await?;
            drop(connection);
            let adding = tokio::task::spawn_blocking(move || {
                looking.add(&profiles);
                looking
            });
            looking = adding
                .await
                .map_err(|e| Error::bug("sampling profiles", e))?;
        }
        tracing::Span::current().record("sampled", looking.sampled);
        Ok(Some(looking.matching.into_actions()))
    }
}

/// A call that asks for every placement and says nothing of itself.
fn asking(matching: &Matching) -> Call {
    Call {
        id: None,
        request_hash: Uuid::nil(),
        asked: Vec::new(),
        who: None,
        first: None,
        wish: Wish {
            tokens: Vec::new(),
            bound: Duration::ZERO,
            allow_stale: false,
        },
        page: matching.page().to_vec(),
        locale: None,
        zone: None,
        context: Vec::new(),
        dry_run: true,
        explain: false,
    }
}

/// Customers that are being looked at.
struct Looking {
    ready: Arc<Ready>,
    call: Arc<Call>,
    tenant: Tenant,
    models: Arc<std::collections::HashMap<crate::ids::TenantId, crate::experience::Purchasing>>,
    now: Micros,
    matching: Matching,
    sampled: usize,
    end: Instant,
}

impl Looking {
    fn add(&mut self, profiles: &[Profile]) {
        for profile in profiles {
            if self.sampled == SAMPLED || Instant::now() >= self.end {
                break;
            }
            let situation = Situation::new(
                (&self.ready, &self.call),
                &self.tenant,
                Arc::clone(&self.models),
                (DecisionKey::default(), self.now),
                Some(profile),
            );
            let inputs = situation.inputs(Some(&profile.state));
            let ready = &*self.ready;
            self.matching
                .add(&ready.catalogue, &ready.questions, &inputs);
            self.sampled += 1;
        }
    }
}
