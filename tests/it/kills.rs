//! Processes that are killed: what was acknowledged is stored, exactly once.

use customer_profile::{
    cli::client,
    proto::v1::{
        Interaction, InteractionOutcome, StreamInteractionsRequest,
        interaction_service_client::InteractionServiceClient,
        profile_service_client::ProfileServiceClient,
    },
};
use futures_util::stream;
use tonic::{Status, transport::Channel};

use crate::harness::{
    calls::{getting, outcomes, recording},
    cluster::scratch,
    make,
    process::{Process, signal},
    wait::{in_time, until},
};

const WHO: &str = "email=a@example.com";

fn request(sequence: i64) -> StreamInteractionsRequest {
    let interactions = (0..4)
        .map(|n| make::seen(&format!("{sequence}/{n}"), sequence, &[WHO]))
        .collect();
    StreamInteractionsRequest {
        sequence,
        interactions,
        run_id: None,
    }
}

fn interactions(process: &Process) -> InteractionServiceClient<Channel> {
    InteractionServiceClient::new(client::channel(&process.url).unwrap())
}

async fn serve(name: &'static str) -> Process {
    let data_dir = scratch().join(name);
    std::fs::create_dir_all(&data_dir).unwrap();
    tokio::task::spawn_blocking(move || Process::serve(&data_dir))
        .await
        .unwrap()
}

/// Sends without end until the stream breaks; says so after each acknowledgement. Answers with the last one's number.
async fn send_until_it_breaks(
    mut client: InteractionServiceClient<Channel>,
    acknowledged: tokio::sync::mpsc::UnboundedSender<i64>,
) -> Result<(), Status> {
    let answers = client.stream_interactions(stream::iter((1..).map(request)));
    let mut answers = answers.await?.into_inner();
    while let Some(answer) = answers.message().await? {
        // Whoever counts may have seen enough.
        let _ = acknowledged.send(answer.sequence);
    }
    Ok(())
}

/// What was acknowledged up to a number must be stored once.
async fn assert_stored(process: &Process, last: i64) {
    let sure: Vec<Interaction> = (1..=last).flat_map(|n| request(n).interactions).collect();
    for part in sure.chunks(1_000) {
        let response = interactions(process)
            .record_interactions(recording(part.to_vec()))
            .await;
        let results = response.unwrap().into_inner().results;
        let twice = outcomes(&results);
        assert!(twice.iter().all(|o| *o == InteractionOutcome::Duplicate));
    }
    let channel = client::channel(&process.url).unwrap();
    let response = ProfileServiceClient::new(channel)
        .get_profile(getting(WHO))
        .await;
    let profile = response.unwrap().into_inner().profile.unwrap();
    assert!(profile.interactions_total >= last * 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_killed_while_it_records_has_stored_what_it_acknowledged() {
    let mut process = serve("killed").await;
    for _ in 0..3 {
        let (acknowledged, mut counted) = tokio::sync::mpsc::unbounded_channel();
        let sending = tokio::spawn(send_until_it_breaks(interactions(&process), acknowledged));
        for _ in 0..20 {
            in_time("an acknowledgement", counted.recv()).await.unwrap();
        }
        process.kill();
        in_time("the stream", sending).await.unwrap().unwrap_err();
        let mut last = 20;
        while let Some(sequence) = counted.recv().await {
            last = sequence;
        }
        process = serve("killed").await;
        assert_stored(&process, last).await;
    }
    let ended = tokio::task::spawn_blocking(|| process.terminate())
        .await
        .unwrap();
    assert!(ended.success(), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_database_that_is_killed_comes_back_with_what_was_acknowledged() {
    let process = serve("database-killed").await;
    for round in 0..3 {
        let (acknowledged, mut counted) = tokio::sync::mpsc::unbounded_channel();
        let sending = tokio::spawn(send_until_it_breaks(interactions(&process), acknowledged));
        for _ in 0..20 {
            in_time("an acknowledgement", counted.recv()).await.unwrap();
        }
        let killed = process.postgres_pid().unwrap();
        assert_ne!(killed, process.pid());
        signal("KILL", killed);
        until("another is started", async || {
            process.postgres_pid().is_some_and(|pid| pid != killed)
        })
        .await;
        until("it records again", async || {
            let one = make::seen(&format!("round {round}"), 0, &[WHO]);
            let mut client = interactions(&process);
            client
                .record_interactions(recording(vec![one]))
                .await
                .is_ok()
        })
        .await;
        let mut last = 20;
        while let Ok(sequence) = counted.try_recv() {
            last = sequence;
        }
        // Of a batch that was under way the stream broke; one that waited for a connection meanwhile goes on. None hangs.
        if let Some(sequence) = in_time("the stream or a wait in it", counted.recv()).await {
            last = sequence;
        }
        sending.abort();
        while let Some(sequence) = counted.recv().await {
            last = sequence;
        }
        assert_stored(&process, last).await;
    }
    let ended = tokio::task::spawn_blocking(|| process.terminate())
        .await
        .unwrap();
    assert!(ended.success(), "{ended}");
}
