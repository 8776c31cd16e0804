//! `StreamInteractions`: acknowledged in order, held back, resumed, drained.

use std::time::Duration;

use customer_profile::proto::v1::{
    Interaction, InteractionOutcome, StreamInteractionsRequest, StreamInteractionsResponse,
    interaction_service_client::InteractionServiceClient,
};
use futures_util::stream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming, transport::Endpoint};

use crate::harness::{
    Database, Service,
    calls::{listing, outcomes, recording},
    locks::Stripes,
    make,
    random::Random,
    refused::{assert_invalid, refused},
    wait::{in_time, until},
};
use InteractionOutcome::{Duplicate, Recorded};

const WHO: &str = "email=a@example.com";

fn one(sequence: i64) -> StreamInteractionsRequest {
    many(sequence, 1)
}

/// A request of some interactions that no other sequence has.
fn many(sequence: i64, count: usize) -> StreamInteractionsRequest {
    let interactions = (0..count)
        .map(|n| make::seen(&format!("{sequence}/{n}"), sequence, &[WHO]))
        .collect();
    StreamInteractionsRequest {
        sequence,
        interactions,
        run_id: None,
    }
}

/// Sends requests and closes; answers with what came back and how it ended.
async fn send(
    service: &Service,
    requests: Vec<StreamInteractionsRequest>,
) -> (Vec<StreamInteractionsResponse>, Result<(), Status>) {
    let mut client = service.interactions();
    let answers = client.stream_interactions(stream::iter(requests)).await;
    collect(answers.unwrap().into_inner()).await
}

async fn collect(
    mut answers: Streaming<StreamInteractionsResponse>,
) -> (Vec<StreamInteractionsResponse>, Result<(), Status>) {
    let mut came = Vec::new();
    loop {
        match in_time("the next acknowledgement", answers.message()).await {
            Ok(Some(answer)) => came.push(answer),
            Ok(None) => return (came, Ok(())),
            Err(status) => return (came, Err(status)),
        }
    }
}

fn sequences(answers: &[StreamInteractionsResponse]) -> Vec<i64> {
    answers.iter().map(|answer| answer.sequence).collect()
}

async fn stored(service: &Service) -> Vec<String> {
    let mut ids: Vec<String> = service
        .timeline(listing(WHO))
        .await
        .into_iter()
        .map(|recorded| recorded.interaction.unwrap().event_id)
        .collect();
    ids.sort();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_acknowledged_in_their_order_with_their_numbers() {
    let service = Service::start().await;
    let mut random = Random::new(3);
    let mut sequence = -5;
    // Of very different sizes and for many people, so that they would finish in another order.
    let requests: Vec<StreamInteractionsRequest> = (0..60)
        .map(|_| {
            sequence += 1 + random.upto(9);
            let mut request = many(sequence, 1 + random.below(40));
            for (n, interaction) in request.interactions.iter_mut().enumerate() {
                let who = format!("cookie=c{}", (n * 7) % 13);
                interaction.identifiers = vec![make::identifier(&who)];
            }
            request
        })
        .collect();
    let wanted: Vec<(i64, usize)> = requests
        .iter()
        .map(|request| (request.sequence, request.interactions.len()))
        .collect();
    let (answers, ended) = send(&service, requests).await;
    ended.unwrap();
    let found: Vec<(i64, usize)> = answers
        .iter()
        .map(|answer| (answer.sequence, answer.results.len()))
        .collect();
    assert_eq!(found, wanted);
    for answer in &answers {
        assert!(outcomes(&answer.results).iter().all(|o| *o == Recorded));
        assert!(!answer.token.is_empty());
    }
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_interaction_fails_neither_its_request_nor_the_stream() {
    let service = Service::start().await;
    let mut bad = many(1, 3);
    bad.interactions[1].source = String::new();
    let (answers, ended) = send(&service, vec![bad, one(2)]).await;
    ended.unwrap();
    assert_eq!(
        outcomes(&answers[0].results),
        [Recorded, InteractionOutcome::Rejected, Recorded]
    );
    assert_eq!(outcomes(&answers[1].results), [Recorded]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_does_not_grow_ends_the_stream_after_all_before_it() {
    let service = Service::start().await;
    for wrong in [7, 6, i64::MIN] {
        let start = one(5);
        let (answers, ended) = send(&service, vec![start, one(7), one(wrong), one(8)]).await;
        assert_eq!(sequences(&answers), [5, 7]);
        assert_invalid(&ended.unwrap_err(), &[("sequence", "out_of_range")]);
    }
    let mut empty = one(9);
    empty.interactions.clear();
    empty.run_id = Some("x".into());
    let (answers, ended) = send(&service, vec![one(8), empty]).await;
    assert_eq!(sequences(&answers), [8]);
    assert_invalid(
        &ended.unwrap_err(),
        &[("interactions", "required"), ("run_id", "malformed")],
    );
    assert_eq!(stored(&service).await, ["5/0", "7/0", "8/0"]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_after_a_break_is_a_duplicate() {
    let service = Service::start().await;
    let (answers, _) = send(&service, (1..=10).map(|n| many(n, 3)).collect()).await;
    assert_eq!(answers.len(), 10);
    // The sender saw only the first three answers.
    let (answers, ended) = send(&service, (4..=12).map(|n| many(n, 3)).collect()).await;
    ended.unwrap();
    for answer in answers {
        let wanted = if answer.sequence <= 10 {
            Duplicate
        } else {
            Recorded
        };
        assert_eq!(
            outcomes(&answer.results),
            [wanted; 3],
            "{}",
            answer.sequence
        );
    }
    assert_eq!(stored(&service).await.len(), 36);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_breaks_off_at_any_moment_and_begins_again_loses_nothing() {
    let service = Service::start().await;
    let mut next = 1;
    let mut breaks = 0;
    while next <= 60 {
        let (sender, requests) = mpsc::channel(4);
        let mut client = service.interactions();
        let from = next;
        let sending = tokio::spawn(async move {
            for sequence in from..=60 {
                if sender.send(many(sequence, 5)).await.is_err() {
                    return;
                }
            }
        });
        let answers = client
            .stream_interactions(ReceiverStream::new(requests))
            .await;
        let mut answers = answers.unwrap().into_inner();
        // Breaks off after five answers, with more under way.
        for _ in 0..5 {
            match in_time("an answer", answers.message()).await.unwrap() {
                Some(answer) => {
                    assert_eq!(answer.sequence, next);
                    let fine = |o: &InteractionOutcome| matches!(o, Recorded | Duplicate);
                    assert!(outcomes(&answer.results).iter().all(fine));
                    next += 1;
                }
                None => break,
            }
        }
        drop(answers);
        drop(client);
        sending.abort();
        breaks += 1;
    }
    assert!(breaks > 10);
    assert_eq!(stored(&service).await.len(), 300);
    service.assert_agrees().await;
    service.stop().await;
}

/// Sends until nothing more is taken for a while; answers with how many were taken. On a slow machine that may be fewer
/// than there is room for, which no test minds.
async fn send_until_held_back(
    sender: &mpsc::Sender<StreamInteractionsRequest>,
    make: impl Fn(i64) -> StreamInteractionsRequest,
) -> i64 {
    for sequence in 1..5_000 {
        let sending = sender.send(make(sequence));
        if tokio::time::timeout(Duration::from_secs(2), sending)
            .await
            .is_err()
        {
            return sequence - 1;
        }
    }
    panic!("a sender that does not read is never held back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_reads_no_acknowledgement_is_held_back() {
    let service = Service::start().await;
    let (sender, requests) = mpsc::channel(1);
    let mut client = service.interactions();
    let answers = client
        .stream_interactions(ReceiverStream::new(requests))
        .await;
    let answers = answers.unwrap().into_inner();
    // Large results, so that they soon fill what HTTP/2 lets wait: each interaction has a hundred violations.
    let sent = send_until_held_back(&sender, |sequence| {
        let mut request = many(sequence, 50);
        for interaction in &mut request.interactions {
            interaction.traits = vec![make::fact("", make::text("\0")); 64];
        }
        request
    })
    .await;
    assert!(sent < 400, "{sent} requests were taken");
    drop(sender);
    let (answers, ended) = collect(answers).await;
    ended.unwrap();
    assert!(i64::try_from(answers.len()).unwrap() >= sent);
    let wanted: Vec<i64> = (1..=i64::try_from(answers.len()).unwrap()).collect();
    assert_eq!(sequences(&answers), wanted);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_reads_nothing_leaves_the_queue_to_others() {
    let database = Database::new().await;
    let settings = [
        ("CUSTOMER_PROFILE_INGEST__STREAM_WINDOW", "1000"),
        ("CUSTOMER_PROFILE_INGEST__QUEUE_ITEMS", "1000"),
        ("CUSTOMER_PROFILE_DATABASE__LOCK_TIMEOUT_MS", "60000"),
        ("CUSTOMER_PROFILE_DATABASE__STATEMENT_TIMEOUT_MS", "60000"),
    ];
    let service = Service::with(database.clone(), &settings).await;
    let locks = Stripes::hold(&database).await;
    // Takes a few acknowledgements and then no more.
    let narrow = Endpoint::from_shared(service.url.clone()).unwrap();
    let narrow = narrow.initial_stream_window_size(1_024).connect_lazy();
    let (sender, requests) = mpsc::channel(300);
    let answers = InteractionServiceClient::new(narrow)
        .stream_interactions(ReceiverStream::new(requests))
        .await
        .unwrap();
    // All but four of the queue, then one that needs the whole of it and has to wait.
    for sequence in 1..=249 {
        sender.send(many(sequence, 4)).await.unwrap();
    }
    sender.send(many(250, 1_000)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    locks.release().await;
    until("another caller finds room in the queue", async || {
        let request = recording(vec![make::seen("other", 0, &["email=b@example.com"])]);
        service
            .interactions()
            .record_interactions(request)
            .await
            .is_ok()
    })
    .await;
    drop(sender);
    let (answers, ended) = collect(answers.into_inner()).await;
    ended.unwrap();
    assert_eq!(answers.len(), 250);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_holds_no_more_than_its_window_while_the_database_is_blocked() {
    let database = Database::new().await;
    let settings = [
        ("CUSTOMER_PROFILE_INGEST__STREAM_WINDOW", "1000"),
        ("CUSTOMER_PROFILE_DATABASE__LOCK_TIMEOUT_MS", "60000"),
        ("CUSTOMER_PROFILE_DATABASE__STATEMENT_TIMEOUT_MS", "60000"),
    ];
    let service = Service::with(database.clone(), &settings).await;
    let locks = Stripes::hold(&database).await;
    let (sender, requests) = mpsc::channel(1);
    let mut client = service.interactions();
    let answers = client
        .stream_interactions(ReceiverStream::new(requests))
        .await;
    let answers = answers.unwrap().into_inner();
    // A megabyte each, so that HTTP/2 itself holds a request or two.
    let sent = send_until_held_back(&sender, |sequence| {
        let mut request = many(sequence, 100);
        for interaction in &mut request.interactions {
            interaction.text = Some("x".repeat(10_000));
        }
        request
    })
    .await;
    assert!(sent <= 15, "{sent} requests of 100 were taken");
    locks.release().await;
    drop(sender);
    let (answers, ended) = collect(answers).await;
    ended.unwrap();
    assert!(i64::try_from(answers.len()).unwrap() >= sent);
    assert_eq!(stored(&service).await.len(), answers.len() * 100);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_acknowledges_what_was_accepted_and_then_ends_every_stream() {
    let database = Database::new().await;
    let service = Service::with(database.clone(), &[]).await;
    let (acknowledged, mut counted) = mpsc::unbounded_channel();
    let streams: Vec<_> = (0..4)
        .map(|n| {
            let mut client = service.interactions();
            let acknowledged = acknowledged.clone();
            // Never ends by itself.
            let requests = stream::iter((1..).map(move |sequence| of_sender(n, sequence)));
            tokio::spawn(async move {
                let answers = client.stream_interactions(requests).await.unwrap();
                let mut answers = answers.into_inner();
                let mut last = 0;
                loop {
                    match answers.message().await {
                        Ok(Some(answer)) => {
                            assert_eq!(answer.sequence, last + 1);
                            last = answer.sequence;
                            acknowledged.send(()).unwrap();
                        }
                        Ok(None) => panic!("a stream ended as if all were sent"),
                        Err(status) => return (n, last, status),
                    }
                }
            })
        })
        .collect();
    for _ in 0..40 {
        in_time("an acknowledgement", counted.recv()).await.unwrap();
    }
    in_time("the drain", service.stop()).await;
    let mut sure = Vec::new();
    for stream in streams {
        let (n, last, status) = in_time("a stream", stream).await.unwrap();
        refused(&status, Code::Unavailable, "storage_away");
        sure.extend((1..=last).flat_map(|sequence| of_sender(n, sequence).interactions));
    }
    let service = Service::with(database, &[]).await;
    for part in sure.chunks(1_000) {
        let results = service.record(part.to_vec()).await;
        assert!(outcomes(&results).iter().all(|o| *o == Duplicate));
    }
    service.assert_agrees().await;
    service.stop().await;
}

/// A request of one of several senders.
fn of_sender(n: i64, sequence: i64) -> StreamInteractionsRequest {
    let interactions: Vec<Interaction> = (0..3)
        .map(|i| make::seen(&format!("{n}/{sequence}/{i}"), sequence, &[WHO]))
        .collect();
    StreamInteractionsRequest {
        sequence,
        interactions,
        run_id: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_nobody_sends_on_ends_with_the_service_and_new_calls_are_refused() {
    let service = Service::start().await;
    let (_sender, requests) = mpsc::channel::<StreamInteractionsRequest>(1);
    let mut client = service.interactions();
    let answers = client
        .stream_interactions(ReceiverStream::new(requests))
        .await;
    let mut answers = answers.unwrap().into_inner();
    let mut late = service.interactions();
    in_time("the drain", service.stop()).await;
    let status = in_time("the stream", answers.message()).await.unwrap_err();
    refused(&status, Code::Unavailable, "storage_away");
    until("nobody listens", async || {
        late.stream_interactions(stream::iter([one(1)]))
            .await
            .is_err()
    })
    .await;
}
