//! Keeping what became of offers: as interactions of the customer, and as what is known of the offers themselves.
//!
//! What must stay true: an outcome is an interaction once, whatever becomes of the second change; what is known of an offer is kept by
//! minima, so it may be added again.

use std::collections::HashMap;

use super::{
    Desk,
    outcomes::{Answer, Attributed, Kept, Telling, Told},
};
use crate::{
    error::Error,
    ids::{IdentityKey, TenantId},
    ingest::{Outcome as Stored, Patience, record::Item},
    next_best_action::{
        keys::DecisionKey,
        outcome::{Outcome, Record},
    },
    profile::offers as noted,
    proto::v1::{Identifier, Interaction, OfferNote, Subject, SubjectKind},
    storage::{
        identity_cards,
        outcomes::{self, Offer},
    },
    tenants::Tenant,
};

impl Desk {
    /// Records what is attributed, as interactions and as what is known of offers.
    pub(super) async fn record(
        &self,
        tenant: &Tenant,
        telling: &mut Telling<'_>,
        attributed: &[Attributed],
    ) -> Result<(), Error> {
        let mut keys: Vec<IdentityKey> = attributed.iter().filter_map(|one| one.anchor).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut cards = HashMap::new();
        if !keys.is_empty() {
            let mut connection = self.storage.acquire().await?;
            let found = identity_cards::cards(&mut connection, &tenant.id, &keys).await?;
            cards.extend(found.into_iter().map(|card| (card.key, card.identifier)));
        }
        let (mut items, mut places, mut strangers) = (Vec::new(), Vec::new(), Vec::new());
        for one in attributed {
            let answer = &mut telling.answers[one.place];
            answer.decision.clone_from(&one.decision);
            answer.action.clone_from(&one.slot.action_id);
            let Some(identifier) = one.anchor.and_then(|anchor| cards.get(&anchor)) else {
                strangers.push(one);
                continue;
            };
            let holder = Identifier {
                namespace: identifier.namespace.clone(),
                value: identifier.value.clone(),
            };
            let noted = note(&telling.told[one.place], one, holder);
            items.push(Item::plain((telling.prepare)(noted)?, None));
            places.push(one.place);
        }
        self.of_strangers(&tenant.id, &strangers, &mut telling.answers)
            .await?;
        if !items.is_empty() {
            let room = self.ingest.room(&tenant.id, &items, Patience::Brief);
            let room = room.await?;
            let stored = self.ingest.record(tenant, items, room).await?;
            for (place, stored) in places.into_iter().zip(stored) {
                telling.answers[place].stored = Some(Kept::AsInteraction(stored.outcome));
                telling.position = telling.position.max(stored.position);
            }
        }
        self.note(&tenant.id, attributed, &telling.answers).await
    }

    /// Says of outcomes for strangers whether they are new: nobody's history has them, so only what is known of their offers tells.
    async fn of_strangers(
        &self,
        tenant: &TenantId,
        attributed: &[&Attributed],
        answers: &mut [Answer],
    ) -> Result<(), Error> {
        let mut known = self
            .known_of_offers(tenant, attributed.iter().copied())
            .await?;
        for one in attributed {
            let (mut all, told) = (Record::default(), Record::from_earliest(one.offer.earliest));
            let same = |offer: &&Offer| {
                (offer.decision, offer.slot) == (one.offer.decision, one.offer.slot)
            };
            if let Some(known) = known.iter().find(same) {
                all = Record::from_earliest(known.earliest);
            }
            let before = all;
            all.merge(&told);
            let is_new = all != before;
            answers[one.place].stored = Some(Kept::WithOffer { is_new });
            let earliest = Outcome::ALL.map(|outcome| all.first(outcome));
            known.retain(|offer| !same(&offer));
            known.push(Offer {
                earliest,
                ..one.offer
            });
        }
        Ok(())
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
                Some(
                    Kept::WithOffer { .. }
                        | Kept::AsInteraction(Stored::Recorded { .. } | Stored::Duplicate)
                )
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
}

/// The interaction that notes an outcome.
fn note(told: &Told, attributed: &Attributed, holder: Identifier) -> Interaction {
    Interaction {
        source: noted::SOURCE.to_owned(),
        event_id: event_id(&told.source, &told.event_id),
        occurred_at: Some(attributed.at.to_proto()),
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
