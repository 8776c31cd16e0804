//! What a decision is made from: the customer, the call and the moment.

use super::Questions;
use crate::{
    calendar::Zone,
    clock::Micros,
    criteria::Facts as _,
    next_best_action::{
        catalogue::{Names, Snapshot},
        consent::Word,
        contact::Offers,
        decide::{self, Inputs, ReadProfile, Wanted},
        empathy::Mood,
        facts::{Asked, Call, Customer},
        hashing,
        holdout::Pins,
        keys::{ChannelIndex, DecisionKey, PlacementKey},
        learning::features::{Keys, MOST_SEGMENTS},
        segments::Within,
    },
    profile::State,
    proto::state::v1::ConsentFact,
};

/// A channel that no catalogue has: it is in no set of channels.
const NOWHERE: ChannelIndex = ChannelIndex(u8::MAX);

/// Segments that level 2 looks at, the first of the catalogue: each costs a decision the evaluation of a rule.
const LOOKED_AT: usize = 32;

/// A placement that is asked for, by its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The placement.
    pub placement: String,
    /// Its channel.
    pub channel: String,
    /// How many actions at most.
    pub count: u8,
}

impl Page {
    /// The placement's key.
    #[must_use]
    pub fn key(&self) -> PlacementKey {
        PlacementKey::of(&self.placement)
    }
}

/// A customer and a call.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The decision.
    pub decision: DecisionKey,
    /// The profile, where there is one.
    pub profile: Option<ReadProfile>,
    /// Its state.
    pub state: Option<&'a State>,
    /// The same, as rules see it.
    pub customer: &'a Customer<'a>,
    /// What is asked for.
    pub page: &'a [Page],
    /// The customer's zone, or the policy's.
    pub zone: Option<Zone>,
    /// The call's locale.
    pub locale: Option<&'a str>,
    /// What the call says of its context.
    pub context: &'a [(String, decide::Value)],
    /// Whether nothing may come of it.
    pub dry_run: bool,
    /// Whether all gates are wanted.
    pub explain: bool,
}

impl<'a> Seen<'a> {
    /// The call. Channel and placement differ on the page and are asked for by it.
    const fn call(&self) -> Call<'a> {
        Call {
            channel: "",
            placement: "",
            locale: self.locale,
            zone: self.zone,
            context: self.context,
        }
    }
}

/// The inputs of a decision under a revision and a model's snapshot.
#[must_use]
pub fn inputs(seen: &Seen<'_>, catalogue: &Snapshot, questions: &Questions, model: u64) -> Inputs {
    let moment = seen.customer.moment();
    let names = catalogue.names();
    let asked = Asked {
        customer: seen.customer,
        call: &seen.call(),
    };
    Inputs {
        decision: seen.decision,
        policy_version: catalogue.revision(),
        model_snapshot: model,
        profile: seen.profile,
        at: moment.now,
        zone: seen.zone,
        calendar: moment.zone,
        placements: seen.page.iter().map(|page| wanted(page, names)).collect(),
        facts: questions.ask(catalogue, &asked),
        situation: None,
        consents: seen.state.map_or_else(Vec::new, |s| words(s, names)),
        mood: mood(seen, moment.now),
        offers: seen
            .state
            .map_or_else(Offers::default, |s| offers(s, catalogue)),
        pins: seen.state.map_or_else(Pins::default, State::pins),
        dry_run: seen.dry_run,
        explain: seen.explain,
    }
}

/// What level 2 looks at. The rules of segments are asked for it once more, so only decisions that are made have it.
#[must_use]
pub fn situation(seen: &Seen<'_>, catalogue: &Snapshot) -> Keys {
    let asked = &Asked {
        customer: seen.customer,
        call: &seen.call(),
    };
    let within = Within::new(asked);
    let mut segments = [0; MOST_SEGMENTS];
    let mut held = 0;
    for segment in catalogue.segments().iter().take(LOOKED_AT) {
        let name = segment.segment.get().name.as_str();
        let inside = segment.rule.evaluate(&within).is_pass();
        within.learn(name, inside);
        if inside && let Some(place) = segments.get_mut(held) {
            *place = hashing::text(&[name]);
            held += 1;
        }
    }
    let now = asked.moment().now;
    let hour = asked.call.zone.map(|zone| zone.minute_of_day(now) / 60);
    let hour = hour.and_then(|hour| u8::try_from(hour).ok());
    let segments = segments.get(..held).unwrap_or_default();
    Keys::of(&asked.customer.situation(segments, hour))
}

fn wanted(page: &Page, names: &Names) -> Wanted {
    Wanted {
        placement: page.key(),
        channel: names.channel(&page.channel).unwrap_or(NOWHERE),
        count: page.count,
        address: None,
    }
}

fn mood(seen: &Seen<'_>, now: Micros) -> Mood {
    let Some(state) = seen.state else {
        return Mood::of_a_stranger();
    };
    let leaving = state.core().signals.iter().find(|s| s.name == "leaving");
    let (level, feelings) = seen.customer.level();
    Mood {
        open_complaint: Some(state.open_complaints(now) > 0),
        leaving_at: leaving.map(|signal| Micros(signal.at)),
        level,
        feelings,
    }
}

/// Words about purposes and channels that the catalogue can ask for.
fn words(state: &State, names: &Names) -> Vec<Word> {
    let word = |fact: &ConsentFact| {
        let channel = match fact.channel.as_str() {
            "" => None,
            name => Some(names.channel(name)?),
        };
        let address = [&fact.address_namespace, &fact.address_value];
        let address = address.map(String::as_str);
        Some(Word {
            purpose: names.purpose(&fact.purpose)?,
            channel,
            address: (!address[1].is_empty()).then(|| hashing::text(&address)),
            at: Micros(fact.at),
            denied: fact.denied,
        })
    };
    state.core().consents.iter().filter_map(word).collect()
}

/// Past offers, with the catalogue's numbers of channels. Every channel of an offer was one of the catalogue's.
fn offers(state: &State, catalogue: &Snapshot) -> Offers {
    let number = |key| catalogue.channel(key).unwrap_or(NOWHERE);
    state.offers().through(number)
}
