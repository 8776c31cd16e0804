//! Sending interactions, and counting what became of them.

use customer_profile::proto::v1::{
    Interaction, InteractionOutcome, InteractionResult, RecordInteractionsRequest,
    StreamInteractionsRequest, interaction_service_client::InteractionServiceClient,
};
use tonic::{Code, transport::Channel};
use tonic_types::StatusExt as _;

use super::refused::refused;

/// Outcomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub recorded: usize,
    pub duplicates: usize,
    /// What should not happen here.
    pub others: Vec<String>,
}

impl Tally {
    pub fn add(&mut self, results: &[InteractionResult]) {
        for result in results {
            match result.outcome() {
                InteractionOutcome::Recorded => self.recorded += 1,
                InteractionOutcome::Duplicate => self.duplicates += 1,
                _ => self.others.push(format!("{result:?}")),
            }
        }
    }

    pub fn join(&mut self, other: Self) {
        self.recorded += other.recorded;
        self.duplicates += other.duplicates;
        self.others.extend(other.others);
    }
}

/// Records batch after batch, each in a call of its own. Who is told to come again does so.
pub async fn unary(
    mut client: InteractionServiceClient<Channel>,
    batches: Vec<Vec<Interaction>>,
) -> Tally {
    let mut tally = Tally::default();
    for interactions in batches {
        let sent = interactions.len();
        let request = RecordInteractionsRequest {
            interactions,
            run_id: None,
        };
        let response = loop {
            match client.record_interactions(request.clone()).await {
                Ok(response) => break response,
                Err(status) => {
                    refused(&status, Code::ResourceExhausted, "overloaded");
                    let asked = status.get_error_details().retry_info().unwrap().retry_delay;
                    tokio::time::sleep(asked.unwrap()).await;
                }
            }
        };
        let results = response.into_inner().results;
        assert_eq!(results.len(), sent);
        tally.add(&results);
    }
    tally
}

/// Records all batches in one stream.
pub async fn stream(
    mut client: InteractionServiceClient<Channel>,
    batches: Vec<Vec<Interaction>>,
) -> Tally {
    let requests: Vec<StreamInteractionsRequest> = batches
        .into_iter()
        .zip(1..)
        .map(|(interactions, sequence)| StreamInteractionsRequest {
            sequence,
            interactions,
            run_id: None,
        })
        .collect();
    let sent = requests.len();
    let outgoing = tokio_stream::iter(requests);
    let response = client.stream_interactions(outgoing).await.unwrap();
    let mut acknowledgements = response.into_inner();
    let mut tally = Tally::default();
    let mut last = 0;
    while let Some(acknowledged) = acknowledgements.message().await.unwrap() {
        assert_eq!(acknowledged.sequence, last + 1, "in order, none left out");
        last = acknowledged.sequence;
        tally.add(&acknowledged.results);
    }
    assert_eq!(usize::try_from(last).unwrap(), sent, "all acknowledged");
    tally
}
