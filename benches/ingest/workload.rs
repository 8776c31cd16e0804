//! What is sent: support messages of 300 bytes by known people, every fourth with a second identifier.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use customer_profile::{
    cli::client,
    proto::v1::{
        Direction, Identifier, Interaction, InteractionOutcome, RecordInteractionsRequest,
        interaction_service_client::InteractionServiceClient,
    },
};

pub(crate) const TEXT_BYTES: usize = 300;

/// Interactions in a call, and calls under way at once.
const BATCH: usize = 500;
const CALLERS: usize = 4;

/// A spread of numbers without a pattern (splitmix64).
pub(crate) fn scatter(n: u64) -> u64 {
    let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The interaction of a number.
pub(crate) fn interaction(event: u64, person: u64) -> Interaction {
    let mut identifiers = vec![Identifier {
        namespace: "customer_id".into(),
        value: format!("C{person:07}"),
    }];
    if event.is_multiple_of(4) {
        identifiers.push(Identifier {
            namespace: "email".into(),
            value: format!("person{person}@example.com"),
        });
    }
    let mut text =
        format!("message {event}: the parcel was late again and nobody could tell me why. ");
    while text.len() < TEXT_BYTES {
        text.push_str("Please call me back. ");
    }
    text.truncate(TEXT_BYTES);
    Interaction {
        source: "bench".into(),
        event_id: format!("e{event}"),
        occurred_at: Some(prost_types::Timestamp {
            seconds: 1_750_000_000 + i64::try_from(event % 10_000_000).unwrap(),
            nanos: 0,
        }),
        department: "support".into(),
        channel: "email".into(),
        r#type: "message.received".into(),
        direction: Direction::Inbound.into(),
        identifiers,
        text: Some(text),
        ..Interaction::default()
    }
}

fn batch(first: u64, people: usize) -> RecordInteractionsRequest {
    let people = u64::try_from(people).unwrap();
    let last = first + u64::try_from(BATCH).unwrap();
    RecordInteractionsRequest {
        interactions: (first..last)
            .map(|event| interaction(event, scatter(event) % people))
            .collect(),
        run_id: None,
    }
}

/// Sends batches from several connections until the time is up; answers with how many interactions were recorded.
pub(crate) async fn send(url: &str, people: usize, event: &mut u64, limit: Duration) -> u64 {
    let next = Arc::new(AtomicU64::new(*event));
    let until = Instant::now() + limit;
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (next, url) = (Arc::clone(&next), url.to_owned());
            tokio::spawn(async move {
                let mut client = InteractionServiceClient::new(client::channel(&url).unwrap());
                let mut recorded = 0;
                while Instant::now() < until {
                    let first = next.fetch_add(u64::try_from(BATCH).unwrap(), Ordering::Relaxed);
                    recorded += record(&mut client, batch(first, people)).await;
                }
                recorded
            })
        })
        .collect();
    let mut recorded = 0;
    for caller in callers {
        recorded += caller.await.unwrap();
    }
    *event = next.load(Ordering::Relaxed);
    recorded
}

/// Records one interaction of every person.
pub(crate) async fn introduce(url: &str, people: usize) {
    const FIRST: u64 = 1 << 40;
    let mut client = InteractionServiceClient::new(client::channel(url).unwrap());
    let everyone: Vec<u64> = (0..u64::try_from(people).unwrap()).collect();
    for part in everyone.chunks(BATCH) {
        let request = RecordInteractionsRequest {
            // A multiple of four, so that everyone is known by both identifiers.
            interactions: part
                .iter()
                .map(|p| interaction(FIRST + 4 * p, *p))
                .collect(),
            run_id: None,
        };
        record(&mut client, request).await;
    }
}

async fn record(
    client: &mut InteractionServiceClient<tonic::transport::Channel>,
    request: RecordInteractionsRequest,
) -> u64 {
    let sent = request.interactions.len();
    let response = client
        .record_interactions(request)
        .await
        .unwrap()
        .into_inner();
    let recorded = response
        .results
        .iter()
        .filter(|r| r.outcome() == InteractionOutcome::Recorded)
        .count();
    assert_eq!(recorded, sent, "everything that is sent is new and valid");
    u64::try_from(recorded).unwrap()
}
