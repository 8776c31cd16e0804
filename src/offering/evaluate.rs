//! What another policy would have brought, by decisions as they are stored.
//!
//! What must stay true:
//!
//! - Each decision is made again under the candidate from its own inputs and with the snapshot of models that it was made with: what was
//!   learnt later, also from what it brought, is not known to the candidate.
//! - What was decided for customers who are held out is passed over: a policy is judged by those that it may decide for.
//! - It writes nothing. A page of decisions is read and made again at a time, with no connection held meanwhile, on a thread that is no
//!   other caller's; who goes away ends it after its page. One evaluation is carried out at once.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use tokio::sync::OwnedSemaphorePermit;

use super::{Desk, Past, Period, figures::by_click, period::Look};
use crate::{
    clock::Micros,
    error::Error,
    ids::{IdentityKey, ProfileId, TenantId},
    next_best_action::{
        catalogue::Snapshot,
        decide::would,
        evaluation::{
            bootstrap::Resampling,
            estimators::Evaluation,
            replayed::{Brought, Made, Rows},
            report::{Report, report},
            reward::ShrunkMeans,
        },
        holdout::Group,
        keys::{ActionKey, DecisionKey},
        outcome::{Outcome, Record},
        situation::{Models, Questions, Told, carried},
    },
    storage::{identities, offers, outcomes},
    tenants::Tenant,
};

/// Decisions made again at once.
const PAGE: usize = 250;
/// Snapshots of models that are kept meanwhile.
const MODELS: usize = 8;
/// What was not asked is named so often at most.
const NAMED: usize = 100;

/// What an offer brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reward {
    /// 1 for a success.
    Success,
    /// What a success is worth, in minor units.
    Value,
}

/// What a policy is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Decisions of this period, the newest ones.
    pub period: Period,
    /// How many at most.
    pub most: usize,
    /// What an offer brings.
    pub reward: Reward,
}

/// What was found.
#[derive(Debug)]
pub struct Judged {
    /// The report.
    pub report: Report,
    /// Decisions that were looked at.
    pub decisions: u64,
    /// Slots that did not count.
    pub left_out: u64,
    /// Decisions for customers who are held out.
    pub held_out: u64,
    /// Whether there were more decisions.
    pub more: bool,
    /// When the first and the last were made.
    pub within: Option<(Micros, Micros)>,
    /// What the candidate asks for and the decisions did not.
    pub not_asked: BTreeSet<String>,
}

/// A decision with what it takes to make it again.
pub(super) struct Again {
    pub(super) past: Past,
    /// The catalogue that it was made by.
    pub(super) by: Arc<Snapshot>,
    pub(super) models: Arc<Models>,
    /// The customer as who they are now.
    pub(super) profile: u128,
    pub(super) known: Vec<outcomes::Offer>,
}

/// What is gathered on the way.
struct Judging {
    _turn: OwnedSemaphorePermit,
    _look: Look,
    candidate: Arc<Snapshot>,
    asks: Arc<Questions>,
    tenant: Tenant,
    reward: Reward,
    rows: Rows<1>,
    decisions: u64,
    held_out: u64,
    within: Option<(Micros, Micros)>,
    not_asked: BTreeSet<String>,
    compared: BTreeSet<u64>,
}

impl Desk {
    /// Judges a policy by decisions that were made.
    ///
    /// # Errors
    /// Overloaded while another one looks at many decisions; and when the database fails or what is stored cannot be read.
    #[tracing::instrument(name = "decision.evaluate", skip_all, fields(decisions = tracing::field::Empty))]
    pub async fn evaluate(
        &self,
        tenant: &Tenant,
        candidate: Arc<Snapshot>,
        asked: Asked,
    ) -> Result<Judged, Error> {
        let mut judging = Judging {
            _turn: self.turn()?,
            _look: Look::at("evaluation"),
            asks: Arc::new(Questions::of(&candidate)),
            candidate,
            tenant: tenant.clone(),
            reward: asked.reward,
            rows: Rows::default(),
            decisions: 0,
            held_out: 0,
            within: None,
            not_asked: BTreeSet::new(),
            compared: BTreeSet::new(),
        };
        let mut models = HashMap::new();
        let mut before = (asked.period.before, DecisionKey::default());
        let (mut left, mut more) = (asked.most, true);
        while more && left > 0 {
            // One more than is wanted says whether there are more.
            let wanted = left.min(PAGE);
            let limit = i64::try_from(wanted + 1).unwrap_or(i64::MAX);
            let mut connection = self.storage.acquire().await?;
            let stretch = (asked.period.from, before);
            let page = offers::between(&mut connection, &tenant.id, stretch, None, limit);
            let mut page = page.await?;
            drop(connection);
            more = page.len() > wanted;
            page.truncate(wanted);
            let Some(last) = page.last() else { break };
            before = (last.decided_at(), last.key());
            left -= page.len();
            let candidate = Arc::clone(&judging.candidate);
            let page = self
                .gathered(&tenant.id, &candidate, page, &mut models)
                .await?;
            let adding = tokio::task::spawn_blocking(move || {
                for again in &page {
                    judging.add(again);
                }
                judging
            });
            judging = adding
                .await
                .map_err(|e| Error::bug("judging a policy", e))?;
        }
        tracing::Span::current().record("decisions", judging.decisions);
        let ending = tokio::task::spawn_blocking(move || judging.end(more));
        ending
            .await
            .map_err(|e| Error::bug("judging a policy", e))?
    }

    /// What it takes to make a page of decisions again.
    pub(super) async fn gathered(
        &self,
        tenant: &TenantId,
        candidate: &Arc<Snapshot>,
        page: Vec<offers::Stored>,
        models: &mut HashMap<u64, Arc<Models>>,
    ) -> Result<Vec<Again>, Error> {
        let keys: Vec<DecisionKey> = page.iter().map(offers::Stored::key).collect();
        let anchors: Vec<IdentityKey> = page.iter().filter_map(offers::Stored::anchor).collect();
        let mut connection = self.storage.acquire().await?;
        let known = outcomes::load(&mut connection, tenant, &keys).await?;
        let holders = identities::profiles_of(&mut connection, tenant, &anchors).await?;
        drop(connection);
        let holders: HashMap<IdentityKey, ProfileId> = holders.into_iter().collect();
        let mut by_decision: HashMap<DecisionKey, Vec<outcomes::Offer>> = HashMap::new();
        for offer in known {
            by_decision.entry(offer.decision).or_default().push(offer);
        }
        let mut all = Vec::with_capacity(page.len());
        for stored in page {
            let (key, snapshot) = (stored.key(), stored.model_snapshot());
            let by = self
                .shelf
                .catalogue_at(tenant, stored.policy_version())
                .await?;
            if !models.contains_key(&snapshot) {
                if models.len() >= MODELS {
                    models.clear();
                }
                let made = self
                    .shelf
                    .models(tenant, Arc::clone(candidate), snapshot)
                    .await?;
                models.insert(snapshot, Arc::new(made));
            }
            let holder = stored.anchor().and_then(|anchor| holders.get(&anchor));
            let models = models.get(&snapshot);
            let gone = || Error::bug("judging a policy", "what a decision was made by is gone");
            all.push(Again {
                by: by.ok_or_else(gone)?,
                models: models.cloned().ok_or_else(gone)?,
                profile: holder.map_or(key.0, |profile| profile.as_uuid().as_u128()),
                known: by_decision.remove(&key).unwrap_or_default(),
                past: Past::of(stored)?,
            });
        }
        Ok(all)
    }
}

impl Judging {
    fn add(&mut self, again: &Again) {
        let inputs = &again.past.record.inputs;
        let then = &again.past.record.decision;
        self.decisions += 1;
        let (first, last) = self.within.unwrap_or((inputs.at, inputs.at));
        self.within = Some((first.min(inputs.at), last.max(inputs.at)));
        if then.assigned.group == Group::HeldOut {
            self.held_out += 1;
            return;
        }
        let (by, candidate) = (&*again.by, &*self.candidate);
        if self.compared.insert(by.revision()) {
            let asked = Questions::of(by);
            let missing = carried::not_asked((by, &asked), (candidate, &self.asks));
            self.not_asked.extend(missing);
        }
        let page = carried::page(inputs, by);
        let carried = carried::carried(inputs, by, candidate);
        let told = Told::new(candidate, &self.asks, &carried, &page);
        let slots = then.placements.iter().flat_map(|placed| &placed.slots);
        let stood: Vec<Option<u64>> = slots
            .map(|slot| slot.choice.action().map(|action| action.id))
            .collect();
        let would = would(&carried, candidate.engine(), &*again.models, &told, &stood);
        let made = Made {
            profile: again.profile,
            day: self.tenant.zone.day(inputs.at),
        };
        let reward = self.reward;
        self.rows.add(made, (then, [&would]), |slot, action| {
            brought(&again.known, by, reward, (slot, action))
        });
    }

    fn end(self, more: bool) -> Result<Judged, Error> {
        let left_out = self.rows.left_out();
        let (log, [policy]) = self.rows.close();
        let evaluation = Evaluation::new(&log, &ShrunkMeans::default());
        let report = report(&evaluation, &policy, Resampling::default());
        Ok(Judged {
            report: report.map_err(|error| Error::bug("judging a policy", error))?,
            decisions: self.decisions,
            left_out,
            held_out: self.held_out,
            more,
            within: self.within,
            not_asked: self.not_asked.into_iter().take(NAMED).collect(),
        })
    }
}

/// What a slot brought, as far as is known.
pub(super) fn brought(
    known: &[outcomes::Offer],
    by: &Snapshot,
    reward: Reward,
    (slot, action): (u16, Option<ActionKey>),
) -> Brought {
    let told = known.iter().find(|offer| offer.slot == slot);
    let (Some(told), Some(action)) = (told, action) else {
        return Brought::Reward(0.0);
    };
    let record = Record::from_earliest(told.earliest);
    if record.state() == Some(Outcome::NotDelivered) {
        return Brought::NotDelivered;
    }
    let has = |outcome| record.first(outcome).is_some();
    let clicked = by_click(by, action.id) && has(Outcome::Clicked);
    if has(Outcome::Rejected) || !(has(Outcome::Accepted) || clicked) {
        return Brought::Reward(0.0);
    }
    let worth = || {
        let actions = by.engine().actions();
        let at = actions.binary_search_by_key(&action, |one| one.key).ok()?;
        actions.get(at).map(|one| one.value)
    };
    Brought::Reward(match reward {
        Reward::Success => 1.0,
        Reward::Value => worth().unwrap_or_default(),
    })
}
