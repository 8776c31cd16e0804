//! How many customers the rules of actions let through, over a sample ([`super::sampling`]).

use std::{sync::Arc, time::Duration};

use uuid::Uuid;

use super::{Call, Desk, Situation, ready::Ready};
use crate::{
    cache::rule::Wish,
    clock::Micros,
    error::Error,
    next_best_action::{
        catalogue::Snapshot,
        keys::DecisionKey,
        matching::{Matching, OfAction},
        situation::{Learnt, Models, Questions},
    },
    storage::profiles::Profile,
    tenants::Tenant,
};

/// What was counted of each action, in the order that was asked for.
pub type Matches = Vec<OfAction>;

impl Desk {
    /// How many customers the rules of actions of a catalogue let through, over a sample of at most 1,000 profiles. None when
    /// others look already and do not end in time.
    ///
    /// # Errors
    /// When the database fails.
    #[tracing::instrument(name = "decision.matches", skip_all)]
    pub async fn matches(
        &self,
        tenant: &Tenant,
        catalogue: Arc<Snapshot>,
        actions: &[String],
    ) -> Result<Option<Matches>, Error> {
        // Nothing is decided, so nothing needs to be believed.
        let making = tokio::task::spawn_blocking(move || Ready {
            questions: Questions::of(&catalogue),
            models: Models::new(&catalogue, 0, Learnt::default()),
            catalogue,
            snapshot: 0,
        });
        let ready = making
            .await
            .map_err(|e| Error::bug("sampling profiles", e))?;
        let matching = Matching::of(&ready.catalogue, &ready.questions, actions);
        let looking = Looking {
            call: Arc::new(asking(&matching)),
            ready: Arc::new(ready),
            now: self.clock.now(),
            tenant: tenant.clone(),
            models: self.tenants.models(),
            matching,
        };
        let found = self
            .sample(&tenant.id, (looking, "matches"), Looking::add)
            .await?;
        Ok(found.map(|(looking, _)| looking.matching.into_actions()))
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
}

impl Looking {
    fn add(&mut self, profile: &Profile) {
        let situation = Situation::new(
            (&self.ready, &self.call),
            &self.tenant,
            Arc::clone(&self.models),
            (DecisionKey::default(), self.now),
            Some(profile),
        );
        let inputs = situation.inputs_of_rules(Some(&profile.state));
        let ready = &*self.ready;
        self.matching
            .add(&ready.catalogue, &ready.questions, &inputs);
    }
}
