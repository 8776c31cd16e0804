//! `fold`: what an interaction does to a state. `docs/interactions.md` is this file in prose.

use super::{
    complaints, contacts, feelings,
    model::{FORMAT, Slot, State, SubjectsBeside},
    offers,
    stamp::Stamp,
    subjects,
};
use crate::{
    calendar::Zone,
    clock::Micros,
    identity::{Region, normalise::normalise},
    ids::InteractionId,
    proto::{
        state::v1 as stored,
        v1::{
            Analysis, ConsentState, Interaction, Subject, SubjectKind, SubjectStatus, SurveyScale,
        },
    },
};

/// An interaction that is recorded, with what folding it needs.
#[derive(Clone, Copy)]
pub struct Fact<'a> {
    /// Its id.
    pub id: InteractionId,
    /// When it occurred.
    pub occurred_at: Micros,
    /// Its content, valid.
    pub message: &'a Interaction,
    /// What was made of its text: of each method at most the newest, in any order.
    pub analyses: &'a [Analysis],
    /// The tenant's region, for consent addresses.
    pub region: Region,
    /// The tenant's time zone, for days.
    pub zone: Zone,
}

impl std::fmt::Debug for Fact<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fact({})", self.id)
    }
}

/// The state of a set of interactions.
#[must_use]
pub fn fold<'a>(facts: impl IntoIterator<Item = Fact<'a>>) -> State {
    let mut state = State::default();
    for fact in facts {
        let merged = state.merge(State::of(fact));
        debug_assert_eq!(merged, Ok(()), "a fold holds its subjects");
    }
    state
}

impl State {
    /// The state of one interaction.
    #[must_use]
    pub fn of(fact: Fact<'_>) -> Self {
        let message = fact.message;
        let stamp = Stamp::new(fact.occurred_at, fact.id);
        let subjects = stored::Subjects {
            orders: order(message, stamp, fact.zone).into_iter().collect(),
            tickets: ticket(fact, stamp).into_iter().collect(),
        };
        let mut core = stored::State {
            format: FORMAT,
            interactions: 1,
            first_at: Some(stamp.at),
            last_at: Some(stamp.at),
            traits: traits(message, stamp),
            counters: vec![stored::Counter {
                department: message.department.clone(),
                channel: message.channel.clone(),
                r#type: message.r#type.clone(),
                count: 1,
            }],
            touches: vec![touch(message, stamp)],
            surveys: surveys(message, stamp),
            consents: consents(fact, stamp),
            returned: returned(message),
            contacts: contacts::of(fact, stamp),
            totals: subjects::totals(&subjects),
            ..stored::State::default()
        };
        feelings::tell(&mut core, fact, stamp);
        offers::tell(&mut core, message);
        complaints::tell(&mut core, fact, stamp);
        Self {
            core,
            subjects: Slot::Held(subjects),
        }
    }

    /// Adds one interaction.
    ///
    /// # Errors
    /// When it is about a subject and the subjects are not loaded.
    pub fn add(&mut self, fact: Fact<'_>) -> Result<(), SubjectsBeside> {
        self.merge(Self::of(fact))
    }
}

fn subject_of(message: &Interaction, kind: SubjectKind) -> Option<&Subject> {
    let subject = message.subject.as_ref()?;
    (subject.kind() == kind).then_some(subject)
}

fn order(message: &Interaction, stamp: Stamp, zone: Zone) -> Option<stored::Order> {
    let cancelled = match message.r#type.as_str() {
        "order.placed" => false,
        "order.cancelled" => true,
        _ => return None,
    };
    let subject = subject_of(message, SubjectKind::Order)?;
    let mut order = stored::Order {
        hash: subjects::hash(SubjectKind::Order, &subject.id),
        at: stamp.at,
        id_hi: stamp.id_hi,
        id_lo: stamp.id_lo,
        cancelled,
        ..stored::Order::default()
    };
    if !cancelled {
        let money = message.money.as_ref()?;
        order.currency.clone_from(&money.currency);
        order.minor_units = money.minor_units;
        order.placed_at = Some(stamp.at);
        order.placed_day = Some(zone.day(Micros(stamp.at)).0);
        order.amount_at = stamp.at;
        order.amount_id_hi = stamp.id_hi;
        order.amount_id_lo = stamp.id_lo;
    }
    Some(order)
}

/// The status that an interaction gives its subject: its own word, or what its type implies.
fn status_of(message: &Interaction, subject: &Subject) -> SubjectStatus {
    match (subject.status(), message.r#type.as_str()) {
        (SubjectStatus::Unspecified, "ticket.opened" | "ticket.reopened") => SubjectStatus::Open,
        (SubjectStatus::Unspecified, "ticket.closed") => SubjectStatus::Closed,
        (status, _) => status,
    }
}

fn ticket(fact: Fact<'_>, stamp: Stamp) -> Option<stored::Ticket> {
    let message = fact.message;
    let subject = subject_of(message, SubjectKind::Ticket)?;
    let status = status_of(message, subject);
    let mut ticket = stored::Ticket {
        hash: subjects::hash(SubjectKind::Ticket, &subject.id),
        first_at: stamp.at,
        complains: complaints::complains(message, fact.analyses),
        ..stored::Ticket::default()
    };
    if status != SubjectStatus::Unspecified {
        ticket.status = status.into();
        (ticket.at, ticket.id_hi, ticket.id_lo) = (stamp.at, stamp.id_hi, stamp.id_lo);
    }
    if subjects::is_open(ticket.status) {
        ticket.id.clone_from(&subject.id);
        ticket.department.clone_from(&message.department);
        ticket.channel.clone_from(&message.channel);
    }
    Some(ticket)
}

fn traits(message: &Interaction, stamp: Stamp) -> Vec<stored::TraitFact> {
    let mut facts: Vec<stored::TraitFact> = message
        .traits
        .iter()
        .map(|given| stored::TraitFact {
            name: given.name.clone(),
            source: message.source.clone(),
            latest: Some(stored::TraitStatement {
                at: stamp.at,
                id_hi: stamp.id_hi,
                id_lo: stamp.id_lo,
                department: message.department.clone(),
                value: given.value.clone(),
            }),
            first: None,
        })
        .collect();
    facts.sort_by(|a, b| a.name.cmp(&b.name));
    facts
}

fn touch(message: &Interaction, stamp: Stamp) -> stored::Touch {
    stored::Touch {
        at: stamp.at,
        id_hi: stamp.id_hi,
        id_lo: stamp.id_lo,
        department: message.department.clone(),
        channel: message.channel.clone(),
        r#type: message.r#type.clone(),
        direction: message.direction,
        subject: message.subject.clone(),
    }
}

/// The lowest and highest answer of a scale.
#[must_use]
pub fn scale_range(scale: SurveyScale) -> Option<(i32, i32)> {
    match scale {
        SurveyScale::Unspecified => None,
        SurveyScale::Nps => Some((0, 10)),
        SurveyScale::Csat5 | SurveyScale::Ces5 | SurveyScale::Stars5 => Some((1, 5)),
        SurveyScale::Csat7 | SurveyScale::Ces7 => Some((1, 7)),
        SurveyScale::Csat10 => Some((1, 10)),
    }
}

fn surveys(message: &Interaction, stamp: Stamp) -> Vec<stored::Survey> {
    let mut surveys: Vec<stored::Survey> = Vec::new();
    for score in &message.survey_scores {
        let Some((low, high)) = scale_range(score.scale()) else {
            continue;
        };
        let place = |value: i32| usize::try_from(value - low).unwrap_or_default();
        let at = match surveys.binary_search_by_key(&score.scale, |s| s.scale) {
            Ok(at) => at,
            Err(at) => {
                surveys.insert(
                    at,
                    stored::Survey {
                        scale: score.scale,
                        histogram: vec![0; place(high) + 1],
                        at: stamp.at,
                        id_hi: stamp.id_hi,
                        id_lo: stamp.id_lo,
                        value: score.value,
                    },
                );
                at
            }
        };
        surveys[at].histogram[place(score.value.clamp(low, high))] += 1;
        surveys[at].value = surveys[at].value.min(score.value);
    }
    surveys
}

fn consents(fact: Fact<'_>, stamp: Stamp) -> Vec<stored::ConsentFact> {
    let mut state = State::default();
    for change in &fact.message.consent_changes {
        let denied = match change.state() {
            ConsentState::Unspecified => continue,
            ConsentState::Granted => false,
            ConsentState::Denied => true,
        };
        let (address_namespace, address_value) = match &change.address {
            None => (String::new(), String::new()),
            Some(address) => {
                match normalise(&address.namespace, &address.value, fact.region) {
                    Ok(address) => (address.namespace, address.value),
                    // Refused when it was recorded; a word about an unknown address says nothing about the person.
                    Err(_) => continue,
                }
            }
        };
        let mut one = State::default();
        one.core.consents.push(stored::ConsentFact {
            purpose: change.purpose.clone(),
            channel: change.channel.clone().unwrap_or_default(),
            address_namespace,
            address_value,
            at: stamp.at,
            id_hi: stamp.id_hi,
            id_lo: stamp.id_lo,
            denied,
            source: fact.message.source.clone(),
            department: fact.message.department.clone(),
        });
        // Two words about one purpose in one interaction fall like any other tie.
        let merged = state.merge(one);
        debug_assert_eq!(merged, Ok(()), "neither has subjects");
    }
    state.core.consents
}

fn returned(message: &Interaction) -> Vec<stored::Amount> {
    match &message.money {
        Some(money) if message.r#type == "order.returned" => vec![stored::Amount {
            currency: money.currency.clone(),
            minor_units: money.minor_units,
        }],
        _ => Vec::new(),
    }
}
