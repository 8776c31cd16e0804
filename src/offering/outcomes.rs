//! What became of offers.
//!
//! What must stay true:
//!
//! - An outcome is an interaction of the customer, recorded once by its source and event id; what is known of an offer is kept
//!   besides, by minima, so that storing it again after a crash between the two changes nothing.
//! - An outcome with a decision goes to that decision. One without goes to the last offer that reached the customer within the
//!   attribution window. The answer says where it went.
//! - One that can be attributed to nothing is answered so, and teaches nothing.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    time::Duration,
};

use super::{Desk, Past, Prepare};
use crate::{
    clock::Micros,
    error::{Error, Violation},
    ids::{IdentityKey, TenantId},
    ingest::{Outcome as Stored, Patience, record::Item},
    lookup::{self, Who},
    next_best_action::{
        attribution::{Target, last_touch},
        catalogue::Snapshot,
        keys::{ActionKey, ChannelKey, DecisionKey, GroupKey},
        outcome::{Outcome, Record},
    },
    profile::{State, offers as noted},
    proto::v1::{Identifier, Interaction, Money, OfferNote, OfferedSlot, Subject, SubjectKind},
    storage::{
        identity_cards,
        outcomes::{self, Offer},
    },
    tenants::Tenant,
};

/// How often, and after how long, a decision that is not found is looked for again: another instance may hold it for up to a
/// second before it is stored.
const LOOKS: usize = 4;
const PAUSE: Duration = Duration::from_millis(350);

/// An outcome that is told, checked.
#[derive(Clone)]
pub struct Told {
    /// The system that reports it.
    pub source: String,
    /// The event's id there.
    pub event_id: String,
    /// What became of it.
    pub outcome: Outcome,
    /// When.
    pub at: Micros,
    /// The decision, where it is known.
    pub decision: Option<String>,
    /// The action, where it is known.
    pub action: Option<String>,
    /// The group, where that is all that is known.
    pub group: Option<String>,
    /// Whose, where no decision is known.
    pub who: Option<Who>,
    /// Through what, where only that counts.
    pub channel: Option<String>,
    /// What it brought.
    pub money: Option<Money>,
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told")
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// What became of an outcome that was told.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// What became of it; none of one that went to no offer.
    pub stored: Option<Stored>,
    /// What is wrong with it, which only the decision that it names shows.
    pub wrong: Vec<Violation>,
    /// The decision that it went to.
    pub decision: String,
    /// The action that it went to.
    pub action: String,
    /// What is known of that offer now.
    pub state: Option<Outcome>,
}

/// An outcome with the offer that it goes to.
struct Attributed {
    place: usize,
    offer: Offer,
    anchor: Option<IdentityKey>,
    decision: String,
    slot: OfferedSlot,
}

impl Desk {
    /// Takes outcomes; answers in their order, with the position of what was written, 0 when nothing was, and the
    /// identifiers that it is anchored at.
    ///
    /// # Errors
    /// When the database fails. What was written then is not written again when they are told again.
    #[tracing::instrument(name = "decision.outcomes", skip_all, fields(outcomes = told.len()))]
    pub async fn tell(
        &self,
        tenant: &Tenant,
        told: &[Told],
        prepare: Prepare<'_>,
    ) -> Result<(Vec<Answer>, i64, Vec<IdentityKey>), Error> {
        let mut answers = vec![Answer::default(); told.len()];
        let named = self.attribute(tenant, told).await?;
        let wanted = named.iter().flatten().copied().collect();
        let decisions = self.decisions(&tenant.id, wanted).await?;
        let mut attributed = Vec::new();
        for (place, one) in told.iter().enumerate() {
            let Some(past) = named[place].and_then(|key| decisions.get(&key)) else {
                continue;
            };
            match self.offer(tenant, (place, one), past).await? {
                Ok(offer) => attributed.push(offer),
                Err(wrong) => answers[place].wrong.push(wrong),
            }
        }
        let position = self
            .record(tenant, told, (&attributed, &mut answers), prepare)
            .await?;
        self.show(&tenant.id, &attributed, &mut answers).await?;
        let told_of = attributed.iter().filter_map(|one| one.anchor);
        Ok((answers, position, told_of.collect()))
    }

    /// Which decision each outcome is about.
    async fn attribute(
        &self,
        tenant: &Tenant,
        told: &[Told],
    ) -> Result<Vec<Option<DecisionKey>>, Error> {
        let unnamed = told.iter().filter(|one| one.decision.is_none());
        let who: Vec<Who> = unnamed.filter_map(|one| one.who.clone()).collect();
        let mut found = Vec::new();
        let mut catalogue = None;
        if !who.is_empty() {
            let mut connection = self.storage.acquire().await?;
            found = lookup::find::find_many(&mut connection, &tenant.id, &who).await?;
            catalogue = self.shelf.catalogue(&tenant.id).await?;
        }
        let mut found = found.into_iter();
        let named = told.iter().map(|one| {
            if let Some(id) = &one.decision {
                return Some(DecisionKey::of(id));
            }
            one.who.as_ref()?;
            let found = found.next().flatten()?;
            last(one, &found.profile.state, catalogue.as_deref()?)
        });
        Ok(named.collect())
    }

    /// Decisions by their keys; those that are stored nowhere are left out.
    async fn decisions(
        &self,
        tenant: &TenantId,
        mut wanted: HashSet<DecisionKey>,
    ) -> Result<HashMap<DecisionKey, Past>, Error> {
        let mut found = HashMap::new();
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            for key in &wanted {
                if let Some(waiting) = self.logbook.find(tenant, *key) {
                    found.insert(*key, Past::of((&*waiting).into())?);
                }
            }
            wanted.retain(|key| !found.contains_key(key));
            if wanted.is_empty() {
                break;
            }
            let keys: Vec<DecisionKey> = wanted.iter().copied().collect();
            let mut connection = self.storage.acquire().await?;
            let stored = crate::storage::offers::load(&mut connection, tenant, &keys).await?;
            for one in stored {
                let key = one.key();
                wanted.remove(&key);
                found.insert(key, Past::of(one)?);
            }
            if wanted.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    /// The offer of a decision that an outcome goes to.
    async fn offer(
        &self,
        tenant: &Tenant,
        (place, told): (usize, &Told),
        past: &Past,
    ) -> Result<Result<Attributed, Violation>, Error> {
        let inputs = &past.record.inputs;
        let catalogue = self
            .shelf
            .catalogue_at(&tenant.id, inputs.policy_version)
            .await?;
        let catalogue =
            catalogue.ok_or_else(|| Error::bug("taking outcomes", "a policy is gone"))?;
        let wanted = told.action.as_deref().map(ActionKey::id_of);
        let group = told.group.as_deref();
        let channel = told.channel.as_deref();
        let mut found = Vec::new();
        for placed in &past.record.decision.placements {
            for slot in &placed.slots {
                let Some(key) = slot.choice.action() else {
                    continue;
                };
                let version = catalogue.version(key);
                let version =
                    version.ok_or_else(|| Error::bug("taking outcomes", "a version is gone"))?;
                let definition = version.definition.get();
                let through = catalogue
                    .names()
                    .channel_name(placed.channel)
                    .unwrap_or_default();
                let fits = wanted.is_none_or(|id| id == key.id)
                    && group.is_none_or(|group| group == definition.group)
                    && channel.is_none_or(|channel| channel == through);
                if fits {
                    let slot_of = OfferedSlot {
                        slot: slot.number.into(),
                        action_id: definition.id.clone(),
                        version: i32::try_from(key.version).unwrap_or(i32::MAX),
                        group: definition.group.clone(),
                        channel: through.to_owned(),
                        placement: catalogue
                            .placement_name(placed.placement)
                            .unwrap_or_default()
                            .to_owned(),
                        reserved_until: None,
                    };
                    found.push((key, placed.channel, slot_of));
                }
            }
        }
        let several = found.len() > 1;
        let Some((action, channel, slot)) = found.into_iter().next().filter(|_| !several) else {
            let description = if several {
                "the decision offered several actions; say which one"
            } else {
                "the decision offered no such action"
            };
            return Ok(Err(Violation {
                field: "action_id".to_owned(),
                reason: if several { "required" } else { "unknown_name" },
                description: description.into(),
            }));
        };
        let mut known = Record::default();
        known.add(told.outcome, told.at);
        Ok(Ok(Attributed {
            place,
            offer: Offer {
                decision: past.record.decision.decision,
                slot: u16::try_from(slot.slot).unwrap_or(u16::MAX),
                action,
                group: GroupKey::of(&slot.group),
                channel,
                decided_at: inputs.at,
                earliest: Outcome::ALL.map(|outcome| known.first(outcome)),
            },
            anchor: past.anchor,
            decision: past.id.clone(),
            slot,
        }))
    }

    /// Records what is attributed, as interactions and as what is known of offers.
    async fn record(
        &self,
        tenant: &Tenant,
        told: &[Told],
        (attributed, answers): (&[Attributed], &mut [Answer]),
        prepare: Prepare<'_>,
    ) -> Result<i64, Error> {
        let mut keys: Vec<IdentityKey> = attributed.iter().filter_map(|one| one.anchor).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut cards = HashMap::new();
        if !keys.is_empty() {
            let mut connection = self.storage.acquire().await?;
            let found = identity_cards::cards(&mut connection, &tenant.id, &keys).await?;
            cards.extend(found.into_iter().map(|card| (card.key, card.identifier)));
        }
        let (mut items, mut places) = (Vec::new(), Vec::new());
        for one in attributed {
            let answer = &mut answers[one.place];
            answer.decision.clone_from(&one.decision);
            answer.action.clone_from(&one.slot.action_id);
            let Some(identifier) = one.anchor.and_then(|anchor| cards.get(&anchor)) else {
                // A stranger's: nobody's history has it, and telling it again changes nothing.
                answer.stored = Some(Stored::Duplicate);
                continue;
            };
            let holder = Identifier {
                namespace: identifier.namespace.clone(),
                value: identifier.value.clone(),
            };
            let prepared = prepare(note(&told[one.place], one, holder))?;
            items.push(Item::plain(prepared, None));
            places.push(one.place);
        }
        let mut position = 0;
        if !items.is_empty() {
            let room = self.ingest.room(&tenant.id, &items, Patience::Brief);
            let room = room.await?;
            let stored = self.ingest.record(tenant, items, room).await?;
            for (place, stored) in places.into_iter().zip(stored) {
                answers[place].stored = Some(stored.outcome);
                position = position.max(stored.position);
            }
        }
        self.note(&tenant.id, attributed, answers).await?;
        Ok(position)
    }

    /// Adds to what is known of offers what was stored.
    async fn note(
        &self,
        tenant: &TenantId,
        attributed: &[Attributed],
        answers: &[Answer],
    ) -> Result<(), Error> {
        let mut known: HashMap<(DecisionKey, u16), Offer> = HashMap::new();
        for one in attributed {
            let kept = matches!(
                answers[one.place].stored,
                Some(Stored::Recorded { .. } | Stored::Duplicate)
            );
            if !kept {
                continue;
            }
            let entry = known
                .entry((one.offer.decision, one.offer.slot))
                .or_insert(one.offer);
            let mut all = Record::from_earliest(entry.earliest);
            all.merge(&Record::from_earliest(one.offer.earliest));
            entry.earliest = Outcome::ALL.map(|outcome| all.first(outcome));
        }
        if !known.is_empty() {
            let known: Vec<Offer> = known.into_values().collect();
            let mut connection = self.storage.acquire().await?;
            outcomes::add(&mut connection, tenant, &known).await?;
        }
        Ok(())
    }

    /// What is known of the offers now.
    async fn show(
        &self,
        tenant: &TenantId,
        attributed: &[Attributed],
        answers: &mut [Answer],
    ) -> Result<(), Error> {
        if attributed.is_empty() {
            return Ok(());
        }
        let mut keys: Vec<DecisionKey> = attributed.iter().map(|one| one.offer.decision).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut connection = self.storage.acquire().await?;
        let known = outcomes::load(&mut connection, tenant, &keys).await?;
        for one in attributed {
            let same = |offer: &&Offer| {
                (offer.decision, offer.slot) == (one.offer.decision, one.offer.slot)
            };
            let known = known.iter().find(same);
            answers[one.place].state =
                known.and_then(|offer| Record::from_earliest(offer.earliest).state());
        }
        Ok(())
    }
}

/// The last offer that an outcome can be due to.
fn last(told: &Told, state: &State, catalogue: &Snapshot) -> Option<DecisionKey> {
    const DAY: i64 = 86_400 * Micros::SECOND;
    let target = match (&told.action, &told.group) {
        (Some(action), _) => Target::Action(ActionKey::id_of(action)),
        (None, Some(group)) => Target::Group(GroupKey::of(group)),
        (None, None) => return None,
    };
    let through = told.channel.as_deref().map(ChannelKey::of);
    let offers = state.offers();
    let elements = offers.elements().iter();
    let allowed: HashSet<(DecisionKey, u16)> = elements
        .filter(|offer| through.is_none_or(|channel| channel == offer.channel))
        .map(|offer| (offer.decision, offer.slot))
        .collect();
    let window = |action: u64| {
        let (version, _) = catalogue.newest(action)?;
        Some(i64::from(version.definition.get().attribution_days) * DAY)
    };
    let touches = offers.touches(window);
    let touches = touches.filter(|touch| allowed.contains(&(touch.decision, touch.slot)));
    last_touch(touches, target, told.at).map(|touch| touch.decision)
}

/// The interaction that notes an outcome.
fn note(told: &Told, attributed: &Attributed, holder: Identifier) -> Interaction {
    Interaction {
        source: noted::SOURCE.to_owned(),
        event_id: event_id(&told.source, &told.event_id),
        occurred_at: Some(told.at.to_proto()),
        department: "marketing".to_owned(),
        channel: attributed.slot.channel.clone(),
        r#type: noted::type_of(told.outcome).to_owned(),
        subject: Some(Subject {
            kind: SubjectKind::Decision.into(),
            id: attributed.decision.clone(),
            ..Subject::default()
        }),
        identifiers: vec![holder],
        money: told.money.clone(),
        offer: Some(OfferNote {
            decision_id: attributed.decision.clone(),
            decided_at: Some(attributed.offer.decided_at.to_proto()),
            slots: vec![attributed.slot.clone()],
            holdout: None,
        }),
        ..Interaction::default()
    }
}

/// One name for an event of a system: both names, or a hash of the second where that would be too long. A source holds no
/// slash, and the id of a decision none after the source of an outcome.
fn event_id(source: &str, event: &str) -> String {
    const MOST: usize = 256;
    let plain = format!("outcome/{source}/{event}");
    if plain.len() <= MOST {
        return plain;
    }
    format!(
        "outcome/{source}/#{}",
        blake3::hash(event.as_bytes()).to_hex()
    )
}
