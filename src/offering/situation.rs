//! A customer and a call, owned, so that the same question can be asked again under a lock.

use std::{collections::HashMap, sync::Arc};

use super::{Call, ready::Ready};
use crate::{
    clock::Micros,
    criteria::Moment,
    experience::Purchasing,
    identity::Makeup,
    ids::TenantId,
    next_best_action::{
        decide::{Decision, Inputs, ReadProfile, decide, holds},
        facts::{Customer, Identity, Surroundings},
        keys::DecisionKey,
        model::LanguageTag,
        situation::{Page, Seen, Told, inputs, situation},
    },
    profile::{State, survivorship::Rules},
    sentiment::history,
    storage::profiles::Profile,
    tenants::Tenant,
};

/// What customers of a tenant are seen with at a moment: the same for decisions and for segments.
#[derive(Clone, Debug)]
pub struct Seeing {
    tenant: TenantId,
    moment: Moment,
    rules: Arc<Rules>,
    models: Arc<HashMap<TenantId, Purchasing>>,
}

impl Seeing {
    /// Of a tenant.
    #[must_use]
    pub fn new(tenant: &Tenant, models: Arc<HashMap<TenantId, Purchasing>>, now: Micros) -> Self {
        Self {
            tenant: tenant.id.clone(),
            moment: Moment {
                now,
                zone: tenant.zone,
            },
            rules: Arc::clone(&tenant.rules),
            models,
        }
    }

    /// The moment.
    #[must_use]
    pub const fn now(&self) -> Micros {
        self.moment.now
    }

    /// A customer, as rules see them.
    #[must_use]
    pub fn profile<'p>(&'p self, profile: &'p Profile) -> Customer<'p> {
        let identity = Identity::of(&profile.makeup, profile.members_total);
        self.customer(Some(&profile.state), identity)
    }

    /// A customer with a state; without one, who is not known.
    #[must_use]
    pub fn customer<'p>(
        &'p self,
        state: Option<&'p State>,
        identity: Identity<'p>,
    ) -> Customer<'p> {
        let model = self.models.get(&self.tenant);
        let surroundings = Surroundings {
            moment: self.moment,
            prior: model.map_or_else(history::prior, |model| model.mean_feeling),
            rules: &self.rules,
            model,
            segments: &[],
        };
        Customer::new(state, identity, surroundings)
    }
}

/// Everything that a decision is made from but the customer's state.
#[derive(Debug)]
pub struct Situation {
    ready: Arc<Ready>,
    call: Arc<Call>,
    seeing: Seeing,
    decision: DecisionKey,
    profile: Option<ReadProfile>,
    makeup: Makeup,
    members: usize,
}

impl Situation {
    /// Of a call about a profile, where there is one.
    #[must_use]
    pub fn new(
        (ready, call): (&Arc<Ready>, &Arc<Call>),
        tenant: &Tenant,
        models: Arc<HashMap<TenantId, Purchasing>>,
        (decision, now): (DecisionKey, Micros),
        profile: Option<&Profile>,
    ) -> Self {
        Self {
            ready: Arc::clone(ready),
            call: Arc::clone(call),
            seeing: Seeing::new(tenant, models, now),
            decision,
            profile: profile.map(|profile| ReadProfile {
                id: profile.id.as_uuid().as_u128(),
                version: u64::try_from(profile.version).unwrap_or_default(),
            }),
            makeup: profile.map(|p| p.makeup.clone()).unwrap_or_default(),
            members: profile.map_or(0, |profile| profile.members_total),
        }
    }

    /// The inputs of a decision, with a state; none is that of a customer who is not known.
    #[must_use]
    pub fn inputs(&self, state: Option<&State>) -> Inputs {
        self.inputs_with(state, true)
    }

    /// The same without what level 2 looks at, for what asks rules alone.
    #[must_use]
    pub fn inputs_of_rules(&self, state: Option<&State>) -> Inputs {
        self.inputs_with(state, false)
    }

    fn inputs_with(&self, state: Option<&State>, learned: bool) -> Inputs {
        let identity = Identity::of(&self.makeup, self.members);
        let customer = self.seeing.customer(state, identity);
        let call = &*self.call;
        let catalogue = &*self.ready.catalogue;
        let seen = Seen {
            decision: self.decision,
            profile: self.profile,
            state,
            customer: &customer,
            page: &call.page,
            zone: Some(call.zone.unwrap_or(catalogue.policy().time_zone)),
            locale: call.locale.as_ref().map(LanguageTag::as_str),
            context: &call.context,
            dry_run: call.dry_run,
            explain: call.explain,
        };
        Inputs {
            situation: (learned && !self.ready.models.unreadable())
                .then(|| situation(&seen, catalogue)),
            ..inputs(&seen, catalogue, &self.ready.questions, self.ready.snapshot)
        }
    }

    /// What is decided.
    #[must_use]
    pub fn decide(&self, inputs: &Inputs) -> Decision {
        decide_by(&self.ready, inputs, &self.call.page)
    }

    /// Whether a decision still holds with the state of now.
    #[must_use]
    pub fn holds(&self, decision: &Decision, then: &Inputs, state: &State) -> bool {
        let state = (state.interactions() > 0).then_some(state);
        let now = self.inputs_of_rules(state);
        let catalogue = &*self.ready.catalogue;
        let told = Told::new(catalogue, &self.ready.questions, &now, &self.call.page);
        holds(decision, then, &now, catalogue.engine(), &told)
    }
}

/// What is decided from inputs.
#[must_use]
pub fn decide_by(ready: &Ready, inputs: &Inputs, page: &[Page]) -> Decision {
    let catalogue = &*ready.catalogue;
    let told = Told::new(catalogue, &ready.questions, inputs, page);
    decide(inputs, catalogue.engine(), &ready.models, &told)
}
