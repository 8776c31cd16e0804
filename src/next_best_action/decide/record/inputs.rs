//! Inputs as messages.

use super::{Unreadable, at_place, fit, place};
use crate::{
    calendar::Day,
    clock::Micros,
    next_best_action::{
        consent::Word,
        contact::{Offered, Offers, Reservation},
        decide::{Fact, Inputs, ReadProfile, Value, Wanted},
        empathy::Mood,
        holdout::{Group, Pin, Pins},
        keys::{ChannelIndex, DecisionKey, GroupKey, PlacementKey, PurposeIndex, join, split},
        learning::features::Keys,
        outcome::Outcome,
    },
    proto::state::v1 as stored,
};

/// Groups by their numbers.
pub(super) const GROUPS: [Group; 3] = [Group::HeldOut, Group::Random, Group::Policy];

pub(super) fn to_proto(inputs: &Inputs) -> stored::DecisionInputs {
    let (decision_hi, decision_lo) = inputs.decision.halves();
    stored::DecisionInputs {
        decision_hi,
        decision_lo,
        policy_version: inputs.policy_version,
        model_snapshot: inputs.model_snapshot,
        profile: inputs.profile.map(|profile| {
            let (id_hi, id_lo) = split(profile.id);
            stored::DecisionProfile {
                id_hi,
                id_lo,
                version: profile.version,
            }
        }),
        at: inputs.at.0,
        zone: inputs.zone.map(|zone| zone.to_string()).unwrap_or_default(),
        calendar: inputs.calendar.to_string(),
        placements: inputs.placements.iter().map(wanted).collect(),
        facts: inputs.facts.iter().map(fact).collect(),
        situation: inputs.situation.as_ref().map(situation),
        consents: inputs.consents.iter().map(word).collect(),
        mood: Some(stored::DecisionMood {
            open_complaint: inputs.mood.open_complaint,
            leaving_at: inputs.mood.leaving_at.map(|at| at.0),
            level: inputs.mood.level,
            feelings: inputs.mood.feelings,
        }),
        offers: Some(offers(&inputs.offers)),
        pins: inputs.pins.pins().iter().map(pin).collect(),
        dry_run: inputs.dry_run,
        explain: inputs.explain,
    }
}

pub(super) fn from_proto(inputs: stored::DecisionInputs) -> Result<Inputs, Unreadable> {
    let mood = inputs.mood.unwrap_or_default();
    let zone = Some(inputs.zone).filter(|zone| !zone.is_empty());
    let zone = zone.map(|zone| {
        zone.parse()
            .map_err(|()| Unreadable::Impossible("time zone"))
    });
    let calendar = inputs.calendar.parse();
    let calendar = calendar.map_err(|()| Unreadable::Impossible("time zone"))?;
    let pins: Result<_, _> = inputs.pins.iter().map(to_pin).collect();
    let (placements, consents): (Result<_, _>, Result<_, _>) = (
        inputs.placements.iter().map(to_wanted).collect(),
        inputs.consents.iter().map(to_word).collect(),
    );
    let facts: Result<_, _> = inputs.facts.into_iter().map(to_fact).collect();
    Ok(Inputs {
        decision: DecisionKey(join(inputs.decision_hi, inputs.decision_lo)),
        policy_version: inputs.policy_version,
        model_snapshot: inputs.model_snapshot,
        profile: inputs.profile.map(|profile| ReadProfile {
            id: join(profile.id_hi, profile.id_lo),
            version: profile.version,
        }),
        at: Micros(inputs.at),
        zone: zone.transpose()?,
        calendar,
        placements: placements?,
        facts: facts?,
        situation: inputs.situation.as_ref().map(to_situation).transpose()?,
        consents: consents?,
        mood: Mood {
            open_complaint: mood.open_complaint,
            leaving_at: mood.leaving_at.map(Micros),
            level: mood.level,
            feelings: mood.feelings,
        },
        offers: to_offers(&inputs.offers.unwrap_or_default())?,
        pins: Pins::of(pins?),
        dry_run: inputs.dry_run,
        explain: inputs.explain,
    })
}

fn wanted(wanted: &Wanted) -> stored::WantedPlacement {
    stored::WantedPlacement {
        placement: wanted.placement.0,
        channel: wanted.channel.0.into(),
        count: wanted.count.into(),
        address: wanted.address,
    }
}

fn to_wanted(wanted: &stored::WantedPlacement) -> Result<Wanted, Unreadable> {
    Ok(Wanted {
        placement: PlacementKey(wanted.placement),
        channel: ChannelIndex(fit(wanted.channel, "channel")?),
        count: fit(wanted.count, "count")?,
        address: wanted.address,
    })
}

fn fact(fact: &Fact) -> stored::DecisionFact {
    use stored::decision_fact::Value as Stored;
    let value = match &fact.value {
        Value::Flag(flag) => Stored::Flag(*flag),
        Value::Whole(whole) => Stored::Whole(*whole),
        Value::Number(number) => Stored::Number(number.to_string()),
        Value::Date(day) => Stored::Date(day.0),
        Value::Text(text) => Stored::Text(text.clone()),
        Value::Time(at) => Stored::Time(at.0),
        Value::Texts(texts) => Stored::Texts(stored::FactTexts {
            texts: texts.clone(),
        }),
    };
    stored::DecisionFact {
        attribute: fact.attribute,
        value: Some(value),
    }
}

fn to_fact(fact: stored::DecisionFact) -> Result<Fact, Unreadable> {
    use stored::decision_fact::Value as Stored;
    let value = match fact.value.ok_or(Unreadable::Impossible("fact"))? {
        Stored::Flag(flag) => Value::Flag(flag),
        Stored::Whole(whole) => Value::Whole(whole),
        Stored::Number(number) => Value::Number(
            number
                .parse()
                .map_err(|_| Unreadable::Impossible("number"))?,
        ),
        Stored::Date(day) => Value::Date(Day(day)),
        Stored::Text(text) => Value::Text(text),
        Stored::Time(at) => Value::Time(Micros(at)),
        Stored::Texts(texts) => Value::Texts(texts.texts),
    };
    Ok(Fact {
        attribute: fact.attribute,
        value,
    })
}

fn situation(keys: &Keys) -> stored::DecisionSituation {
    let (keys, values) = keys.as_slice().iter().copied().unzip();
    stored::DecisionSituation { keys, values }
}

fn to_situation(situation: &stored::DecisionSituation) -> Result<Keys, Unreadable> {
    let (keys, values) = (&situation.keys, &situation.values);
    let pairs: Vec<(u64, f64)> = keys.iter().copied().zip(values.iter().copied()).collect();
    let whole = keys.len() == values.len();
    let found = Keys::from_stored(&pairs).filter(|_| whole);
    found.ok_or(Unreadable::Impossible("situation"))
}

fn word(word: &Word) -> stored::ConsentWord {
    stored::ConsentWord {
        purpose: word.purpose.0.into(),
        channel: word.channel.map(|channel| channel.0.into()),
        address: word.address,
        at: word.at.0,
        denied: word.denied,
    }
}

fn to_word(word: &stored::ConsentWord) -> Result<Word, Unreadable> {
    let channel = word.channel.map(|channel| fit(channel, "channel"));
    Ok(Word {
        purpose: PurposeIndex(fit(word.purpose, "purpose")?),
        channel: channel.transpose()?.map(ChannelIndex),
        address: word.address,
        at: Micros(word.at),
        denied: word.denied,
    })
}

/// The offers of a customer, also as a profile keeps them.
pub(super) fn offers(offers: &Offers) -> stored::OffersState {
    let outcome = |offered: &Offered| {
        let (decision_hi, decision_lo) = offered.decision.halves();
        stored::OfferOutcome {
            outcome: place(&Outcome::ALL, &offered.outcome),
            decision_hi,
            decision_lo,
            slot: offered.slot.into(),
            decided_at: offered.decided_at.0,
            action: offered.action,
            group: offered.group.0,
            channel: offered.channel.0.into(),
            at: offered.at.0,
        }
    };
    stored::OffersState {
        outcomes: offers.elements().iter().map(outcome).collect(),
        reservations: offers.reservations().iter().map(reservation).collect(),
    }
}

fn to_offers(offers: &stored::OffersState) -> Result<Offers, Unreadable> {
    let outcome = |offered: &stored::OfferOutcome| {
        Ok(Offered {
            outcome: at_place(&Outcome::ALL, offered.outcome, "outcome")?,
            decision: DecisionKey(join(offered.decision_hi, offered.decision_lo)),
            slot: fit(offered.slot, "slot")?,
            decided_at: Micros(offered.decided_at),
            action: offered.action,
            group: GroupKey(offered.group),
            channel: ChannelIndex(fit(offered.channel, "channel")?),
            at: Micros(offered.at),
        })
    };
    let outcomes: Result<_, Unreadable> = offers.outcomes.iter().map(outcome).collect();
    let reservations: Result<_, _> = offers.reservations.iter().map(to_reservation).collect();
    Ok(Offers::of(outcomes?, reservations?))
}

pub(super) fn reservation(reservation: &Reservation) -> stored::OfferReservation {
    let (decision_hi, decision_lo) = reservation.decision.halves();
    stored::OfferReservation {
        decision_hi,
        decision_lo,
        slot: reservation.slot.into(),
        action: reservation.action,
        group: reservation.group.0,
        channel: reservation.channel.0.into(),
        at: reservation.at.0,
        expires_at: reservation.expires_at.0,
    }
}

pub(super) fn to_reservation(
    reservation: &stored::OfferReservation,
) -> Result<Reservation, Unreadable> {
    Ok(Reservation {
        decision: DecisionKey(join(reservation.decision_hi, reservation.decision_lo)),
        slot: fit(reservation.slot, "slot")?,
        action: reservation.action,
        group: GroupKey(reservation.group),
        channel: ChannelIndex(fit(reservation.channel, "channel")?),
        at: Micros(reservation.at),
        expires_at: Micros(reservation.expires_at),
    })
}

pub(super) fn pin(pin: &Pin) -> stored::HoldoutPin {
    let (profile_hi, profile_lo) = split(pin.profile);
    stored::HoldoutPin {
        epoch: pin.epoch,
        profile_hi,
        profile_lo,
        group: place(&GROUPS, &pin.group),
    }
}

pub(super) fn to_pin(pin: &stored::HoldoutPin) -> Result<Pin, Unreadable> {
    Ok(Pin {
        epoch: pin.epoch,
        profile: join(pin.profile_hi, pin.profile_lo),
        group: at_place(&GROUPS, pin.group, "group")?,
    })
}
