//! Retractions while others record: what is left is the set without the retracted.

use customer_profile::proto::v1::{
    Interaction, InteractionOutcome, InteractionReference, InteractionReferences,
    RecordInteractionsRequest, RetractInteractionsRequest,
    interaction_service_client::InteractionServiceClient, retract_interactions_request::Selection,
};
use tonic::{Code, transport::Channel};

use crate::harness::{
    Random, Service, in_full, population,
    pure::{expected, stored_partition},
    random::seed_of_now,
    say, send,
};

fn references(interactions: &[Interaction]) -> InteractionReferences {
    let references = interactions.iter().map(|one| InteractionReference {
        source: one.source.clone(),
        event_id: one.event_id.clone(),
    });
    InteractionReferences {
        references: references.collect(),
    }
}

/// Retracts until it is done; answers with how many were retracted and how often the call lost a race. `ABORTED` asks
/// for the same call again, which is the protocol and no failure.
async fn retract(
    mut client: InteractionServiceClient<Channel>,
    operation: String,
    interactions: &[Interaction],
) -> (i64, u32) {
    let mut aborted = 0;
    loop {
        let request = RetractInteractionsRequest {
            operation_id: operation.clone(),
            selection: Some(Selection::References(references(interactions))),
            reason: "sent by mistake".into(),
        };
        match client.retract_interactions(request).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                if answer.done {
                    assert_eq!(answer.not_found, 0);
                    return (answer.retracted, aborted);
                }
            }
            Err(status) => {
                assert_eq!(status.code(), Code::Aborted, "{status:?}");
                aborted += 1;
                assert!(aborted < 500, "it never gets through");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_retracted_while_others_record_is_as_if_it_had_never_been() {
    let (count, people) = if in_full() {
        (6_000, 400)
    } else {
        (1_200, 100)
    };
    let seed = seed_of_now();
    say(format_args!("retractions: seed {seed}"));
    let mut random = Random::new(seed);
    let mut interactions = population::interactions(77, count, people);
    random.shuffle(&mut interactions);
    let mistaken: Vec<Interaction> = interactions.drain(..count / 4).collect();
    let expected = expected(&interactions);

    let service = Service::start().await;
    let later = interactions.split_off(interactions.len() / 2);
    let mut first = [interactions, mistaken.clone()].concat();
    random.shuffle(&mut first);
    let tally = send::unary(service.interactions(), random.cut(first, 200)).await;
    assert_eq!(tally.others, Vec::<String>::new());

    let recording: Vec<_> = later
        .chunks(later.len().div_ceil(6))
        .map(|part| {
            let batches = random.cut(part.to_vec(), 20);
            tokio::spawn(send::unary(service.interactions(), batches))
        })
        .collect();
    let retracting: Vec<_> = mistaken
        .chunks(mistaken.len().div_ceil(3))
        .enumerate()
        .map(|(n, part)| {
            let (client, part) = (service.interactions(), part.to_vec());
            tokio::spawn(async move { retract(client, format!("operation-{n}"), &part).await })
        })
        .collect();
    let (mut retracted, mut aborted) = (0, 0);
    for done in retracting {
        let (interactions, races) = done.await.unwrap();
        retracted += interactions;
        aborted += races;
    }
    for done in recording {
        assert_eq!(done.await.unwrap().others, Vec::<String>::new());
    }
    say(format_args!(
        "retractions: {retracted} retracted, {aborted} calls lost a race"
    ));
    assert_eq!(usize::try_from(retracted).unwrap(), mistaken.len());
    assert_eq!(service.digest("default").await, expected.digest);
    let report = service.verify("default").await;
    assert_eq!(report.differences, 0, "{:#?}", report.described);
    assert!(stored_partition(&service.database).await == expected.partition);
    refuses_replays(&service, &mistaken).await;
    assert_eq!(service.digest("default").await, expected.digest);
    service.stop().await;
}

async fn refuses_replays(service: &Service, mistaken: &[Interaction]) {
    for part in mistaken.chunks(500) {
        let request = RecordInteractionsRequest {
            interactions: part.to_vec(),
            run_id: None,
        };
        let response = service.interactions().record_interactions(request).await;
        for result in response.unwrap().into_inner().results {
            assert_eq!(result.outcome(), InteractionOutcome::Rejected);
            assert_eq!(result.violations[0].reason, "retracted");
        }
    }
}
