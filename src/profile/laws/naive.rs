//! What a state must be, written from `docs/interactions.md` and without the code under test: the interactions are
//! sorted once, and then each fact is looked up in the sorted list.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    made_up::Recorded,
    naive_contacts, naive_feelings,
    naive_offers::{self, complains},
};
use crate::{
    identity::{Region, normalise::normalise},
    profile::{
        State,
        model::{FORMAT, Slot},
        subjects::hash,
    },
    proto::{
        state::v1 as stored,
        v1::{ConsentState, SubjectKind, SubjectStatus, SurveyScale},
    },
};

/// The state of a set of interactions.
pub(super) fn naive(interactions: &[Recorded]) -> State {
    let mut sorted: Vec<&Recorded> = interactions.iter().collect();
    sorted.sort_by_key(|r| (r.at, *r.id.as_bytes()));
    let subjects = stored::Subjects {
        orders: orders(&sorted),
        tickets: tickets(&sorted),
    };
    let nothing_seen = subjects.orders.is_empty() && subjects.tickets.is_empty();
    let core = stored::State {
        format: FORMAT,
        interactions: count(sorted.len()),
        first_at: sorted.first().map(|r| r.at.0),
        last_at: sorted.last().map(|r| r.at.0),
        traits: traits(&sorted),
        counters: counters(&sorted),
        touches: sorted.iter().rev().take(20).map(|r| touch(r)).collect(),
        surveys: surveys(&sorted),
        consents: consents(&sorted),
        returned: sums(
            sorted
                .iter()
                .filter(|r| r.message.r#type == "order.returned")
                .filter_map(|r| r.message.money.as_ref())
                .map(|money| (money.currency.clone(), money.minor_units)),
        ),
        feelings: naive_feelings::feelings(&sorted),
        last_feeling: naive_feelings::last(&sorted),
        signals: naive_feelings::signals(&sorted),
        survey_months: naive_feelings::survey_months(&sorted),
        offers: naive_offers::offers(&sorted),
        pending_offers: naive_offers::pending(&sorted),
        pins: naive_offers::pins(&sorted),
        complaints: naive_offers::complaints(&sorted),
        contacts: naive_contacts::contacts(&sorted),
        totals: (!nothing_seen).then(|| totals(&sorted, &subjects)),
        ..stored::State::default()
    };
    State {
        core,
        subjects: Slot::Held(subjects),
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap()
}

pub(super) fn halves(recorded: &Recorded) -> (u64, u64) {
    let value = u128::from_be_bytes(*recorded.id.as_bytes());
    let low = u64::try_from(value & u128::from(u64::MAX)).unwrap();
    (u64::try_from(value >> 64).unwrap(), low)
}

fn sums(amounts: impl Iterator<Item = (String, i64)>) -> Vec<stored::Amount> {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for (currency, minor_units) in amounts {
        *sums.entry(currency).or_default() += minor_units;
    }
    let sums = sums.into_iter();
    sums.map(|(currency, minor_units)| stored::Amount {
        currency,
        minor_units,
    })
    .collect()
}

fn traits(sorted: &[&Recorded]) -> Vec<stored::TraitFact> {
    let mut said: BTreeMap<(String, String), Vec<stored::TraitStatement>> = BTreeMap::new();
    for recorded in sorted {
        let (id_hi, id_lo) = halves(recorded);
        for given in &recorded.message.traits {
            let key = (given.name.clone(), recorded.message.source.clone());
            said.entry(key).or_default().push(stored::TraitStatement {
                at: recorded.at.0,
                id_hi,
                id_lo,
                department: recorded.message.department.clone(),
                value: given.value.clone(),
            });
        }
    }
    said.into_iter()
        .map(|((name, source), words)| stored::TraitFact {
            name,
            source,
            latest: words.last().cloned(),
            first: (words.len() > 1).then(|| words[0].clone()),
        })
        .collect()
}

fn counters(sorted: &[&Recorded]) -> Vec<stored::Counter> {
    let name = |r: &Recorded| {
        let message = &r.message;
        (
            message.department.clone(),
            message.channel.clone(),
            message.r#type.clone(),
        )
    };
    let names: BTreeSet<_> = sorted.iter().map(|r| name(r)).collect();
    names
        .into_iter()
        .map(|wanted| stored::Counter {
            count: count(sorted.iter().filter(|r| name(r) == wanted).count()),
            department: wanted.0,
            channel: wanted.1,
            r#type: wanted.2,
        })
        .collect()
}

fn touch(recorded: &Recorded) -> stored::Touch {
    let (id_hi, id_lo) = halves(recorded);
    let message = recorded.message.clone();
    stored::Touch {
        at: recorded.at.0,
        id_hi,
        id_lo,
        department: message.department,
        channel: message.channel,
        r#type: message.r#type,
        direction: message.direction,
        subject: message.subject,
    }
}

/// The lowest and the highest answer on a scale that is made up here.
pub(super) fn range(scale: i32) -> (i32, i32) {
    match SurveyScale::try_from(scale).unwrap() {
        SurveyScale::Nps => (0, 10),
        SurveyScale::Csat5 => (1, 5),
        SurveyScale::Csat7 => (1, 7),
        other => panic!("{other:?}"),
    }
}

fn surveys(sorted: &[&Recorded]) -> Vec<stored::Survey> {
    let scales = [
        (SurveyScale::Nps, 0..=10),
        (SurveyScale::Csat5, 1..=5),
        (SurveyScale::Csat7, 1..=7),
    ];
    let mut surveys = Vec::new();
    for (scale, range) in scales {
        let of_scale = |r: &Recorded| -> Vec<i32> {
            let scores = r.message.survey_scores.iter();
            scores
                .filter(|score| score.scale == i32::from(scale))
                .map(|score| score.value)
                .collect()
        };
        let Some(newest) = sorted.iter().rev().find(|r| !of_scale(r).is_empty()) else {
            continue;
        };
        let all: Vec<i32> = sorted.iter().flat_map(|r| of_scale(r)).collect();
        let (id_hi, id_lo) = halves(newest);
        surveys.push(stored::Survey {
            scale: scale.into(),
            histogram: range
                .map(|value| count(all.iter().filter(|given| **given == value).count()))
                .collect(),
            at: newest.at.0,
            id_hi,
            id_lo,
            value: of_scale(newest).into_iter().min().unwrap(),
        });
    }
    surveys.sort_by_key(|survey| survey.scale);
    surveys
}

fn consents(sorted: &[&Recorded]) -> Vec<stored::ConsentFact> {
    let mut words: BTreeMap<[String; 4], Vec<stored::ConsentFact>> = BTreeMap::new();
    for recorded in sorted {
        let (id_hi, id_lo) = halves(recorded);
        for change in &recorded.message.consent_changes {
            if change.state() == ConsentState::Unspecified {
                continue;
            }
            let address = match &change.address {
                None => [String::new(), String::new()],
                Some(given) => match normalise(&given.namespace, &given.value, Region::JP) {
                    Ok(address) => [address.namespace, address.value],
                    Err(_) => continue,
                },
            };
            let channel = change.channel.clone().unwrap_or_default();
            let [namespace, value] = address;
            let key = [change.purpose.clone(), channel, namespace, value];
            let [purpose, channel, address_namespace, address_value] = key.clone();
            words.entry(key).or_default().push(stored::ConsentFact {
                purpose,
                channel,
                address_namespace,
                address_value,
                at: recorded.at.0,
                id_hi,
                id_lo,
                denied: change.state() == ConsentState::Denied,
                source: recorded.message.source.clone(),
                department: recorded.message.department.clone(),
            });
        }
    }
    words
        .into_values()
        .map(|words| {
            let newest = words.iter().map(|word| word.at).max().unwrap();
            let of_instant = || words.iter().filter(move |word| word.at == newest).rev();
            let denial = of_instant().find(|word| word.denied);
            denial.or_else(|| of_instant().next()).unwrap().clone()
        })
        .collect()
}

/// The interactions about each subject of a kind, in the order of the subjects' hashes.
fn by_subject<'a>(
    sorted: &[&'a Recorded],
    kind: SubjectKind,
) -> BTreeMap<u64, (String, Vec<&'a Recorded>)> {
    let mut found: BTreeMap<u64, (String, Vec<&Recorded>)> = BTreeMap::new();
    for recorded in sorted {
        if let Some(subject) = &recorded.message.subject
            && subject.kind() == kind
        {
            let entry = found.entry(hash(kind, &subject.id)).or_default();
            entry.0.clone_from(&subject.id);
            entry.1.push(recorded);
        }
    }
    found
}

fn orders(sorted: &[&Recorded]) -> Vec<stored::Order> {
    let is = |r: &Recorded, wanted: &str| r.message.r#type == wanted;
    let mut orders = Vec::new();
    for (hash, (_, about)) in by_subject(sorted, SubjectKind::Order) {
        let speaks = |r: &&&Recorded| is(r, "order.placed") || is(r, "order.cancelled");
        let Some(newest) = about.iter().rev().find(speaks) else {
            continue;
        };
        let (id_hi, id_lo) = halves(newest);
        let mut order = stored::Order {
            hash,
            at: newest.at.0,
            id_hi,
            id_lo,
            cancelled: is(newest, "order.cancelled"),
            ..stored::Order::default()
        };
        let placings = || about.iter().filter(|r| is(r, "order.placed"));
        if let (Some(first), Some(last)) = (placings().next(), placings().next_back()) {
            let money = last.message.money.clone().unwrap();
            (order.amount_id_hi, order.amount_id_lo) = halves(last);
            order.amount_at = last.at.0;
            order.currency = money.currency;
            order.minor_units = money.minor_units;
            order.placed_at = Some(first.at.0);
            order.placed_day = Some(naive_feelings::date(first).to_epoch_days());
        }
        orders.push(order);
    }
    orders
}

fn named_status(recorded: &Recorded) -> SubjectStatus {
    let subject = recorded.message.subject.as_ref().unwrap();
    match (subject.status(), recorded.message.r#type.as_str()) {
        (SubjectStatus::Unspecified, "ticket.opened" | "ticket.reopened") => SubjectStatus::Open,
        (SubjectStatus::Unspecified, "ticket.closed") => SubjectStatus::Closed,
        (named, _) => named,
    }
}

fn tickets(sorted: &[&Recorded]) -> Vec<stored::Ticket> {
    let mut tickets = Vec::new();
    for (hash, (id, about)) in by_subject(sorted, SubjectKind::Ticket) {
        let mut ticket = stored::Ticket {
            hash,
            first_at: about[0].at.0,
            complains: about.iter().any(|r| complains(r)),
            ..stored::Ticket::default()
        };
        let spoke = |r: &&&Recorded| named_status(r) != SubjectStatus::Unspecified;
        if let Some(newest) = about.iter().rev().find(spoke) {
            let status = named_status(newest);
            ticket.at = newest.at.0;
            (ticket.id_hi, ticket.id_lo) = halves(newest);
            ticket.status = status.into();
            if matches!(status, SubjectStatus::Open | SubjectStatus::Pending) {
                ticket.id = id;
                ticket.department.clone_from(&newest.message.department);
                ticket.channel.clone_from(&newest.message.channel);
            }
        }
        tickets.push(ticket);
    }
    tickets
}

/// When tickets were first seen, in order.
fn first_seen(sorted: &[&Recorded], wanted: impl Fn(&str) -> bool) -> Vec<i64> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut times = Vec::new();
    for recorded in sorted {
        let subject = recorded.message.subject.as_ref();
        if let Some(ticket) = subject.filter(|s| s.kind() == SubjectKind::Ticket)
            && wanted(&ticket.id)
            && seen.insert(&ticket.id)
        {
            times.push(recorded.at.0);
        }
    }
    times
}

fn totals(sorted: &[&Recorded], subjects: &stored::Subjects) -> stored::Totals {
    let counting: Vec<&stored::Order> = subjects.orders.iter().filter(|o| !o.cancelled).collect();
    let dates = || counting.iter().filter_map(|order| order.placed_at);
    let mut open: Vec<&stored::Ticket> = subjects
        .tickets
        .iter()
        .filter(|t| !t.id.is_empty())
        .collect();
    // The newest first, by where the interaction that opened it stands among all.
    open.sort_by_key(|t| {
        let place = sorted
            .iter()
            .position(|r| (r.at.0, halves(r)) == (t.at, (t.id_hi, t.id_lo)));
        std::cmp::Reverse(place.unwrap())
    });
    let days: BTreeSet<i32> = counting.iter().filter_map(|o| o.placed_day).collect();
    stored::Totals {
        orders: count(counting.len()),
        orders_cancelled: count(subjects.orders.len() - counting.len()),
        ordered: sums(
            counting
                .iter()
                .map(|order| (order.currency.clone(), order.minor_units)),
        ),
        order_days: count(days.len()),
        repeat_ordered: sums(
            counting
                .iter()
                .filter(|order| {
                    order
                        .placed_day
                        .is_some_and(|day| Some(&day) != days.first())
                })
                .map(|order| (order.currency.clone(), order.minor_units)),
        ),
        first_order_day: days.first().copied(),
        last_order_day: days.last().copied(),
        first_order_at: dates().min(),
        last_order_at: dates().max(),
        tickets: count(subjects.tickets.len()),
        tickets_open: count(open.len()),
        complaints_open: count(open.iter().filter(|t| t.complains).count()),
        last_ticket_at: first_seen(sorted, |_| true).last().copied(),
        open_since: first_seen(sorted, |ticket| {
            open.iter()
                .any(|o| o.hash == hash(SubjectKind::Ticket, ticket))
        })
        .first()
        .copied(),
        open: open.into_iter().take(20).cloned().collect(),
    }
}
