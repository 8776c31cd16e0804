//! Making a decision, and keeping it.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use uuid::Uuid;

use super::{Desk, Guard, Past, Situation, ready::Ready};
use crate::{
    cache::rule::Wish,
    calendar::Zone,
    clock::Micros,
    error::Error,
    experience::Purchasing,
    identity::Normalised,
    ids::{IdentityKey, TenantId, draw_name},
    ingest::{Answer, Outcome, Patience, Prepared, record::Item},
    lookup::{self, Who},
    next_best_action::{
        decide::{self, Choice, Decision, Inputs},
        keys::{ActionKey, ChannelIndex, DecisionKey, PlacementKey},
        model::LanguageTag,
        situation::Page,
    },
    profile::offers as noted,
    proto::v1::{
        HoldoutNote, Identifier, Interaction, OfferNote, OfferedSlot, Subject, SubjectKind,
    },
    storage::{offers, profiles::Profile},
    telemetry::names,
    tenants::Tenant,
};

/// How often a decision is made anew because what it was made from has changed. Of callers who want the same customer at the
/// same time at least one is through in every round.
const ROUNDS: usize = 64;

/// A request for a decision, checked.
#[derive(Clone)]
pub struct Call {
    /// The caller's id of it; none means that one is drawn.
    pub id: Option<String>,
    /// Hash of the request.
    pub request_hash: Uuid,
    /// What explaining needs of the request.
    pub asked: Vec<u8>,
    /// Whose; none means a customer of whom nothing is known.
    pub who: Option<Who>,
    /// How fresh what is known of them has to be.
    pub wish: Wish,
    /// The first of the identifiers asked by that can be one: a customer who is not known comes to be under it, when something is
    /// reserved for them.
    pub first: Option<Normalised>,
    /// What is asked for.
    pub page: Vec<Page>,
    /// The customer's language.
    pub locale: Option<LanguageTag>,
    /// The customer's time zone.
    pub zone: Option<Zone>,
    /// What is known of the moment.
    pub context: Vec<(String, decide::Value)>,
    /// Whether nothing may come of it.
    pub dry_run: bool,
    /// Whether every gate of every candidate is wanted.
    pub explain: bool,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Identifiers and context are personal data and never reach a log.
        f.debug_struct("Call")
            .field("page", &self.page)
            .finish_non_exhaustive()
    }
}

/// A decision that was made, now or before.
#[derive(Debug)]
pub struct Made {
    /// The caller's id of it, or the one that was drawn.
    pub id: String,
    /// What it was made by.
    pub ready: Arc<Ready>,
    /// What it was made from.
    pub inputs: Inputs,
    /// What was decided.
    pub decision: Decision,
    /// What was found of whom it is about; none when nobody was named. Of a decision that was made before it is what is known now.
    pub found: Option<lookup::Answer>,
    /// Whether an earlier call made it.
    pub repeated: bool,
    /// Whether its contacts are reserved: not of somebody who is not known and came without an identifier to be known by.
    pub reserved: bool,
    /// The transaction that reserved; 0 when this call wrote nothing.
    pub position: i64,
    /// The identifier that what was reserved is anchored at, with the version of its profile.
    pub anchor: Option<(IdentityKey, i64)>,
}

/// Makes an interaction of the service's own fit to be recorded.
pub type Prepare<'a> = &'a (dyn Fn(Interaction) -> Result<Prepared, Error> + Sync);

impl Desk {
    /// Decides.
    ///
    /// # Errors
    /// `policy_missing` without a catalogue, `decision_id_reused` for another request under one id, or as reading and recording.
    #[tracing::instrument(name = "decision.make", skip_all, fields(rounds = tracing::field::Empty, reserved = tracing::field::Empty))]
    pub async fn make(
        &self,
        tenant: &Tenant,
        call: &Arc<Call>,
        prepare: Prepare<'_>,
        at_least: u64,
    ) -> Result<Made, Error> {
        let id = call.id.clone();
        if let Some(id) = &id
            && let Some(past) = self.past(&tenant.id, DecisionKey::of(id)).await?
        {
            return self.again(tenant, past, call).await;
        }
        let id = id.unwrap_or_else(draw_name);
        let ready = self.shelf.current(&tenant.id, at_least).await?;
        let ready = ready.ok_or_else(no_catalogue)?;
        for round in 0..ROUNDS {
            // What was decided on something old is not decided on it again.
            let wish = Wish {
                bound: if round > 0 {
                    Duration::ZERO
                } else {
                    call.wish.bound
                },
                ..call.wish.clone()
            };
            let made = self
                .once(tenant, (call, &ready, &id), &wish, prepare)
                .await?;
            if let Some(made) = made {
                let span = tracing::Span::current();
                span.record("rounds", round + 1);
                span.record("reserved", made.decision.reservations.len());
                return Ok(made);
            }
            metrics::counter!(names::ACTION_DECISIONS_OUTDATED).increment(1);
        }
        Err(Error::Conflict { reason: "conflict" })
    }

    /// One try; nothing when what it was made from has changed.
    async fn once(
        &self,
        tenant: &Tenant,
        (call, ready, id): (&Arc<Call>, &Arc<Ready>, &str),
        wish: &Wish,
        prepare: Prepare<'_>,
    ) -> Result<Option<Made>, Error> {
        let found = match &call.who {
            Some(who) => Some(self.reader.find(&tenant.id, who, wish).await?),
            None => None,
        };
        let now = self.clock.now();
        let key = DecisionKey::of(id);
        let models: Arc<HashMap<TenantId, Purchasing>> = self.tenants.models();
        let profile = found.as_ref().and_then(lookup::Answer::profile);
        let situation = Situation::new((ready, call), tenant, models, (key, now), profile);
        let inputs = situation.inputs(profile.map(|profile| &profile.state));
        let decision = situation.decide(&inputs);
        let mut made = Made {
            id: id.to_owned(),
            ready: Arc::clone(ready),
            inputs,
            decision,
            found,
            repeated: false,
            reserved: false,
            position: 0,
            anchor: None,
        };
        if call.dry_run {
            return Ok(Some(made));
        }
        let holder = made
            .profile()
            .map(|profile| profile.home.identifier.clone());
        let holder = holder.or_else(|| call.first.clone());
        let reserves =
            !made.decision.reservations.is_empty() || made.decision.assigned.pin.is_some();
        let Some(holder) = holder.filter(|_| reserves) else {
            if !self.confirms(&tenant.id, call, &made).await? {
                return Ok(None);
            }
            let new = made.row(call, made.profile().map(|profile| profile.home_key));
            if call.id.is_none() {
                self.logbook.keep(&tenant.id, new).await?;
            } else if !self.logbook.store(&tenant.id, &new).await? {
                return self.first(tenant, key, call).await.map(Some);
            }
            return Ok(Some(made));
        };
        let answer = self.reserve(tenant, (call, &mut made), situation, (holder, now), prepare);
        match answer.await?.outcome {
            Outcome::Recorded { .. } => Ok(Some(made)),
            Outcome::Outdated => Ok(None),
            Outcome::Duplicate | Outcome::Conflict | Outcome::Retracted => {
                self.first(tenant, key, call).await.map(Some)
            }
            Outcome::Refused | Outcome::Broken => {
                Err(Error::bug("keeping a decision", "it cannot be recorded"))
            }
        }
    }

    async fn reserve(
        &self,
        tenant: &Tenant,
        (call, made): (&Arc<Call>, &mut Made),
        situation: Situation,
        (holder, now): (Normalised, Micros),
        prepare: Prepare<'_>,
    ) -> Result<Answer, Error> {
        let prepared = prepare(made.note(&holder, now))?;
        let anchor = prepared.anchor();
        let row = made.row(call, anchor);
        let (decision, then) = (made.decision.clone(), made.inputs.clone());
        let guard = Guard::new(move |state| situation.holds(&decision, &then, state));
        let items = vec![Item {
            guard: Some(guard),
            decision: Some(Arc::new(row)),
            ..Item::plain(prepared, None)
        }];
        let room = self
            .ingest
            .room(&tenant.id, &items, Patience::Brief)
            .await?;
        let answers = self.ingest.record(tenant, items, room).await?;
        let answer = answers.into_iter().next();
        let answer = answer.ok_or_else(|| Error::bug("keeping a decision", "no answer"))?;
        if let Outcome::Recorded { version, .. } = answer.outcome {
            made.position = answer.position;
            made.reserved = true;
            made.anchor = anchor.map(|anchor| (anchor, version));
        }
        Ok(answer)
    }

    /// The decision of whoever was first under an id.
    async fn first(&self, tenant: &Tenant, key: DecisionKey, call: &Call) -> Result<Made, Error> {
        let past = self.past(&tenant.id, key).await?;
        let past = past.ok_or(Error::Conflict { reason: "conflict" })?;
        self.again(tenant, past, call).await
    }

    /// A decision that was made before, to whoever asks the same again, with the customer as they are known now.
    async fn again(&self, tenant: &Tenant, past: Past, call: &Call) -> Result<Made, Error> {
        if past.request_hash != call.request_hash {
            return Err(Error::Refused {
                reason: "decision_id_reused",
                description: "this decision id belongs to another request".into(),
            });
        }
        let inputs = &past.record.inputs;
        let at = (inputs.policy_version, inputs.model_snapshot);
        let ready = self.shelf.at(&tenant.id, at.0, at.1).await?;
        let ready = ready.ok_or_else(|| Error::bug("reading a decision", "its policy is gone"))?;
        let reserved = past.reserved();
        let decision = if call.explain {
            past.explained(&ready, &call.page)?.now
        } else {
            past.record.decision
        };
        let found = match &call.who {
            None => None,
            // What was reserved is in what is read.
            Some(who) if reserved => {
                let wish = Wish {
                    bound: Duration::ZERO,
                    ..call.wish.clone()
                };
                Some(self.reader.find(&tenant.id, who, &wish).await?)
            }
            Some(who) => Some(self.reader.find(&tenant.id, who, &call.wish).await?),
        };
        Ok(Made {
            id: past.id,
            ready,
            inputs: past.record.inputs,
            decision,
            found,
            repeated: true,
            reserved,
            position: 0,
            anchor: None,
        })
    }
}

pub(super) fn no_catalogue() -> Error {
    Error::Refused {
        reason: "policy_missing",
        description: "there is no policy yet: import one first, see docs/actions.md".into(),
    }
}

impl Made {
    /// The profile that was found; none of a stranger.
    #[must_use]
    pub fn profile(&self) -> Option<&Profile> {
        self.found.as_ref().and_then(lookup::Answer::profile)
    }

    /// What is stored of it.
    fn row(&self, call: &Call, anchor: Option<IdentityKey>) -> offers::New {
        let profile = self.profile().map(|profile| profile.id);
        offers::New {
            key: self.decision.decision,
            id: self.id.clone(),
            request_hash: call.request_hash,
            asked: call.asked.clone(),
            profile,
            anchor,
            decided_at: self.inputs.at,
            policy_version: self.decision.policy_version,
            model_snapshot: self.decision.model_snapshot,
            body: decide::encode(&self.inputs, &self.decision),
            offered: self.offers(),
            epoch: self.ready.catalogue.engine().settings().holdout.epoch,
        }
    }

    /// What is offered by the number of the slot, in short.
    fn offers(&self) -> Vec<Option<offers::Offered>> {
        let mut offered = Vec::new();
        for placed in &self.decision.placements {
            for slot in &placed.slots {
                let at = usize::from(slot.number);
                offered.resize(offered.len().max(at + 1), None);
                offered[at] = slot.choice.action().map(|action| {
                    let survivor = placed.survivors.iter().find(|s| s.action == action);
                    let won = matches!(slot.choice, Choice::Action(_));
                    offers::Offered {
                        action,
                        channel: placed.channel,
                        believed: survivor.filter(|_| won).map(|s| libm::exp(s.terms.ln_p)),
                    }
                });
            }
        }
        offered
    }

    /// The interaction that notes it.
    fn note(&self, holder: &Normalised, now: Micros) -> Interaction {
        let slots = self.slots();
        let channel = slots.iter().find(|slot| slot.reserved_until.is_some());
        let channel = channel.or(slots.first()).map(|slot| slot.channel.clone());
        let pin = self.decision.assigned.pin;
        Interaction {
            source: noted::SOURCE.to_owned(),
            event_id: self.id.clone(),
            occurred_at: Some(now.to_proto()),
            department: "marketing".to_owned(),
            channel: channel.unwrap_or_else(|| "decision".to_owned()),
            r#type: noted::MADE.to_owned(),
            subject: Some(Subject {
                kind: SubjectKind::Decision.into(),
                id: self.id.clone(),
                ..Subject::default()
            }),
            identifiers: vec![Identifier {
                namespace: holder.namespace.clone(),
                value: holder.value.clone(),
            }],
            offer: Some(OfferNote {
                decision_id: self.id.clone(),
                decided_at: Some(now.to_proto()),
                slots,
                holdout: pin.map(|pin| HoldoutNote {
                    epoch: pin.epoch.into(),
                    profile_id: Uuid::from_u128(pin.profile).to_string(),
                    group: noted::group_name(pin.group).to_owned(),
                }),
            }),
            ..Interaction::default()
        }
    }

    /// What is offered, slot by slot.
    #[must_use]
    pub fn slots(&self) -> Vec<OfferedSlot> {
        let mut slots = Vec::new();
        for placed in &self.decision.placements {
            for slot in &placed.slots {
                let Some(key) = slot.choice.action() else {
                    continue;
                };
                let mut reserved = self.decision.reservations.iter();
                let reserved = reserved.find(|r| r.slot == slot.number);
                slots.push(OfferedSlot {
                    reserved_until: reserved.map(|r| r.expires_at.to_proto()),
                    ..self.offered(key, (placed.placement, placed.channel), slot.number)
                });
            }
        }
        slots
    }

    fn offered(
        &self,
        key: ActionKey,
        (placement, channel): (PlacementKey, ChannelIndex),
        slot: u16,
    ) -> OfferedSlot {
        let catalogue = &self.ready.catalogue;
        let version = catalogue.version(key);
        let definition = version.map(|version| version.definition.get());
        OfferedSlot {
            slot: slot.into(),
            action_id: definition.map(|d| d.id.clone()).unwrap_or_default(),
            version: i32::try_from(key.version).unwrap_or(i32::MAX),
            group: definition.map(|d| d.group.clone()).unwrap_or_default(),
            channel: catalogue
                .names()
                .channel_name(channel)
                .unwrap_or_default()
                .to_owned(),
            placement: catalogue
                .placement_name(placement)
                .unwrap_or_default()
                .to_owned(),
            reserved_until: None,
        }
    }
}
