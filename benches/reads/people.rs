//! Customers as a shop has them: who they are, an order, a message, a ticket and a survey's answer of each.

use std::sync::Arc;

use customer_profile::{
    cli::client,
    proto::v1::{
        Direction, Identifier, Interaction, InteractionOutcome, Money, ProfileLookup,
        RecordInteractionsRequest, Subject, SubjectKind, SubjectStatus, SurveyScale, SurveyScore,
        Trait, TraitValue, interaction_service_client::InteractionServiceClient, trait_value,
    },
};
use tonic::{metadata::MetadataValue, transport::Channel};

/// Interactions of each person.
pub(crate) const EACH: usize = 5;

/// People in a call, and calls under way at once.
const TOGETHER: usize = 100;
const CALLERS: usize = 4;

pub(crate) fn customer_id(person: usize) -> Identifier {
    Identifier {
        namespace: "customer_id".into(),
        value: format!("C{person:07}"),
    }
}

/// The person of a number, by the identifier that a shop knows.
pub(crate) fn lookup(person: usize) -> ProfileLookup {
    ProfileLookup {
        identifiers: vec![customer_id(person)],
        ..ProfileLookup::default()
    }
}

fn identifier(namespace: &str, value: String) -> Identifier {
    Identifier {
        namespace: namespace.into(),
        value,
    }
}

fn text(name: &str, value: &str) -> Trait {
    Trait {
        name: name.into(),
        value: Some(TraitValue {
            kind: Some(trait_value::Kind::Text(value.into())),
        }),
    }
}

fn subject(kind: SubjectKind, id: String, status: SubjectStatus) -> Subject {
    Subject {
        kind: kind.into(),
        id,
        status: status.into(),
    }
}

/// What happened between a person and the shop.
fn life(person: usize) -> [Interaction; EACH] {
    let day = i64::try_from(person % 300).unwrap();
    let happened = |n: i64, department: &str, channel: &str, kind: &str| Interaction {
        source: "bench".into(),
        event_id: format!("p{person}-{n}"),
        occurred_at: Some(prost_types::Timestamp {
            seconds: 1_720_000_000 + 86_400 * (day + n),
            nanos: 0,
        }),
        department: department.into(),
        channel: channel.into(),
        r#type: kind.into(),
        direction: Direction::Inbound.into(),
        identifiers: vec![customer_id(person)],
        ..Interaction::default()
    };
    let email = identifier("email", format!("person{person}@example.com"));
    let city = ["Sapporo", "Sendai", "Nagoya", "Kobe", "Hakata"][person % 5];
    [
        Interaction {
            identifiers: vec![customer_id(person), email],
            traits: vec![
                text("given_name", "Anna"),
                text("family_name", &format!("Person{person}")),
                text("city", city),
                text("language", "en"),
                text("membership", ["bronze", "silver", "gold"][person % 3]),
            ],
            ..happened(0, "store", "store", "store.visited")
        },
        Interaction {
            subject: Some(subject(
                SubjectKind::Order,
                format!("O{person}"),
                SubjectStatus::Unspecified,
            )),
            money: Some(Money {
                currency: "EUR".into(),
                minor_units: 1_000 + i64::try_from(person % 9_000).unwrap(),
            }),
            ..happened(1, "sales", "web", "order.placed")
        },
        Interaction {
            text: Some("The parcel was late again and nobody could tell me why.".into()),
            language: Some("en".into()),
            ..happened(2, "support", "email", "message.received")
        },
        Interaction {
            subject: Some(subject(
                SubjectKind::Ticket,
                format!("T{person}"),
                SubjectStatus::Open,
            )),
            text: Some("Thank you, that was quick and friendly help.".into()),
            language: Some("en".into()),
            ..happened(3, "support", "phone", "ticket.opened")
        },
        Interaction {
            survey_scores: vec![SurveyScore {
                scale: SurveyScale::Nps.into(),
                value: i32::try_from(person % 11).unwrap(),
                question: None,
            }],
            ..happened(4, "marketing", "email", "survey.answered")
        },
    ]
}

/// Records what happened to people of these numbers, for a tenant.
pub(crate) async fn record(url: &str, tenant: &'static str, people: std::ops::Range<usize>) {
    let people: Vec<usize> = people.collect();
    let parts: Vec<Vec<usize>> = people.chunks(TOGETHER).map(<[usize]>::to_vec).collect();
    let parts = Arc::new(std::sync::Mutex::new(parts));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (parts, url) = (Arc::clone(&parts), url.to_owned());
            tokio::spawn(async move {
                let mut client = InteractionServiceClient::new(client::channel(&url).unwrap());
                loop {
                    let part = parts.lock().unwrap().pop();
                    let Some(part) = part else { return };
                    send(&mut client, tenant, &part).await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

async fn send(
    client: &mut InteractionServiceClient<Channel>,
    tenant: &'static str,
    people: &[usize],
) {
    let mut request = tonic::Request::new(RecordInteractionsRequest {
        interactions: people.iter().flat_map(|person| life(*person)).collect(),
        run_id: None,
    });
    let tenant = MetadataValue::from_static(tenant);
    request.metadata_mut().insert("x-tenant-id", tenant);
    let answer = client.record_interactions(request).await.unwrap();
    for result in answer.into_inner().results {
        let recorded = result.outcome() == InteractionOutcome::Recorded;
        assert!(recorded, "everything is new and valid: {result:?}");
    }
}
