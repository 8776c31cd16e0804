//! What became of offers.
//!
//! What must stay true:
//!
//! - An outcome is an interaction of the customer, recorded once by its source and event id; what is known of an offer is kept
//!   besides, by minima, so that storing it again after a crash between the two changes nothing.
//! - An outcome with a decision goes to that decision. One without, or with one that is stored nowhere, goes to the last offer that
//!   reached the customer within the attribution window (`attributing`). The answer says where it went.
//! - Nothing becomes of an offer before it is decided on: clocks of other systems differ, and what they tell of earlier times is taken
//!   as of the decision.
//! - One that can be attributed to nothing is answered so, and teaches nothing.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    time::Duration,
};

use super::{Desk, Past, Prepare, attributing::Due};
use crate::{
    clock::Micros,
    error::{Error, Violation},
    ids::{IdentityKey, TenantId},
    ingest::Outcome as Stored,
    lookup::Who,
    next_best_action::{
        keys::{ActionKey, DecisionKey, GroupKey},
        outcome::{Outcome, Record},
    },
    proto::v1::{Money, OfferedSlot},
    storage::outcomes::{self, Offer},
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

/// How an outcome was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// As an interaction of the customer.
    AsInteraction(Stored),
    /// With an offer to a stranger alone, whose history nobody has.
    WithOffer {
        /// Whether it said something of the offer that was not known.
        is_new: bool,
    },
}

/// What became of an outcome that was told.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// How it was kept; none of one that went to no offer.
    pub stored: Option<Kept>,
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
pub(super) struct Attributed {
    pub(super) place: usize,
    pub(super) offer: Offer,
    pub(super) anchor: Option<IdentityKey>,
    pub(super) decision: String,
    pub(super) slot: OfferedSlot,
    /// When it happened, not before the decision.
    pub(super) at: Micros,
}

/// Outcomes on their way, with what came of them so far.
pub(super) struct Telling<'a> {
    pub(super) told: &'a [Told],
    pub(super) prepare: Prepare<'a>,
    pub(super) answers: Vec<Answer>,
    /// The position of what was written.
    pub(super) position: i64,
    /// What that is anchored at.
    pub(super) anchors: Vec<IdentityKey>,
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
        let mut telling = Telling {
            told,
            prepare,
            answers: vec![Answer::default(); told.len()],
            position: 0,
            anchors: Vec::new(),
        };
        let to = |(place, one): (usize, &Told)| {
            let decision = DecisionKey::of(one.decision.as_deref()?);
            Some((place, Due::to(decision)))
        };
        let named: Vec<(usize, Due)> = told.iter().enumerate().filter_map(to).collect();
        // First, since others of this call may be due to offers of which these tell that they reached the customer.
        let mut open = self.take(tenant, &mut telling, &named).await?;
        open.extend((0..told.len()).filter(|place| told[*place].decision.is_none()));
        open.retain(|place| told[*place].who.is_some());
        open.sort_unstable();
        let others: Vec<(usize, &Told)> =
            open.iter().map(|place| (*place, &told[*place])).collect();
        let due = self.attribute(tenant, &others).await?;
        self.take(tenant, &mut telling, &due).await?;
        Ok((telling.answers, telling.position, telling.anchors))
    }

    /// Takes outcomes that are due to decisions; answers the places of those whose decision is stored nowhere.
    async fn take(
        &self,
        tenant: &Tenant,
        telling: &mut Telling<'_>,
        due: &[(usize, Due)],
    ) -> Result<Vec<usize>, Error> {
        let wanted = due.iter().map(|(_, due)| due.decision).collect();
        let decisions = self.decisions(&tenant.id, wanted).await?;
        let (mut attributed, mut open) = (Vec::new(), Vec::new());
        for (place, due) in due {
            let Some(past) = decisions.get(&due.decision) else {
                open.push(*place);
                continue;
            };
            let one = (*place, &telling.told[*place], due.slot);
            match self.offer(tenant, one, past).await? {
                Ok(offer) => attributed.push(offer),
                Err(wrong) => telling.answers[*place].wrong.push(wrong),
            }
        }
        self.record(tenant, telling, &attributed).await?;
        self.show(&tenant.id, &attributed, &mut telling.answers)
            .await?;
        let anchors = attributed.iter().filter_map(|one| one.anchor);
        telling.anchors.extend(anchors);
        Ok(open)
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
        (place, told, slot): (usize, &Told, Option<u16>),
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
            for one in &placed.slots {
                let Some(key) = one.choice.action() else {
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
                let fits = slot.is_none_or(|slot| slot == one.number)
                    && wanted.is_none_or(|id| id == key.id)
                    && group.is_none_or(|group| group == definition.group)
                    && channel.is_none_or(|channel| channel == through);
                if fits {
                    let slot_of = OfferedSlot {
                        slot: one.number.into(),
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
        let at = told.at.max(inputs.at);
        let mut known = Record::default();
        known.add(told.outcome, at);
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
            at,
        }))
    }

    /// What is stored of the offers that outcomes go to.
    pub(super) async fn known_of_offers(
        &self,
        tenant: &TenantId,
        attributed: impl Iterator<Item = &Attributed>,
    ) -> Result<Vec<Offer>, Error> {
        let mut keys: Vec<DecisionKey> = attributed.map(|one| one.offer.decision).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        keys.sort_unstable();
        keys.dedup();
        let mut connection = self.storage.acquire().await?;
        Ok(outcomes::load(&mut connection, tenant, &keys).await?)
    }

    /// What is known of the offers now.
    async fn show(
        &self,
        tenant: &TenantId,
        attributed: &[Attributed],
        answers: &mut [Answer],
    ) -> Result<(), Error> {
        let known = self.known_of_offers(tenant, attributed.iter()).await?;
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
