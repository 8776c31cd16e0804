//! What was acknowledged before a kill is there after it.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use customer_profile::{
    cli::client,
    proto::v1::{
        Interaction, InteractionOutcome, InteractionResult, RecordInteractionsRequest,
        interaction_service_client::InteractionServiceClient,
    },
};
use tonic::Code;

use crate::{
    crashes::{alone, digest, fresh_directory, living_postgres, rounds, verify},
    harness::{
        Random, population,
        process::{Process, signal},
        pure::expected,
        random::seed_of_now,
        say,
    },
};

/// Sends batches until a call fails; notes those that were acknowledged.
async fn send(url: String, batches: Vec<Vec<Interaction>>, stored: Arc<Mutex<Vec<Interaction>>>) {
    let mut client = InteractionServiceClient::new(client::channel(&url).unwrap());
    for interactions in batches {
        let request = RecordInteractionsRequest {
            interactions: interactions.clone(),
            run_id: None,
        };
        let Ok(response) = client.record_interactions(request).await else {
            return;
        };
        for result in response.into_inner().results {
            assert_eq!(result.outcome(), InteractionOutcome::Recorded, "{result:?}");
        }
        stored.lock().unwrap().extend(interactions);
    }
}

/// Outcomes of interactions that are sent again, once the service answers.
async fn send_again(url: &str, interactions: &[Interaction]) -> Vec<InteractionOutcome> {
    let mut client = InteractionServiceClient::new(client::channel(url).unwrap());
    let begun = Instant::now();
    let mut outcomes = Vec::new();
    for part in interactions.chunks(300) {
        let results = loop {
            let request = RecordInteractionsRequest {
                interactions: part.to_vec(),
                run_id: None,
            };
            match client.record_interactions(request).await {
                Ok(response) => break response.into_inner().results,
                // The database is being started again: that is what the code says.
                Err(status) if status.code() == Code::Unavailable => {
                    assert!(begun.elapsed() < Duration::from_mins(1), "{status:?}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(status) => panic!("{status:?}"),
            }
        };
        outcomes.extend(results.iter().map(InteractionResult::outcome));
    }
    outcomes
}

/// Sends from four connections, kills, and checks what is there then.
fn killed_while_sending(what: &str, round: usize, kill: impl FnOnce(Process, &Path) -> Process) {
    let seed = seed_of_now();
    let mut random = Random::new(seed);
    let all = population::interactions(seed, 4_000, 700);
    let directory = fresh_directory();
    let process = Process::serve(&directory);
    let stored = Arc::new(Mutex::new(Vec::new()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let senders: Vec<_> = all
        .chunks(1_000)
        .map(|part| {
            let batches = random.cut(part.to_vec(), 40);
            runtime.spawn(send(process.url.clone(), batches, Arc::clone(&stored)))
        })
        .collect();
    // Not before something was stored: a kill of a service that has done nothing shows nothing.
    let begun = Instant::now();
    while stored.lock().unwrap().is_empty() {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "nothing is stored"
        );
        std::thread::sleep(Duration::from_millis(1));
    }
    let wait = u64::try_from(random.below(700)).unwrap();
    std::thread::sleep(Duration::from_millis(wait));
    let process = kill(process, &directory);
    for sender in senders {
        runtime.block_on(sender).unwrap();
    }
    let stored = std::mem::take(&mut *stored.lock().unwrap());
    say(format_args!(
        "{what} killed while sending, round {round}, seed {seed}: {} of {} acknowledged",
        stored.len(),
        all.len()
    ));
    let outcomes = runtime.block_on(send_again(&process.url, &stored));
    let lost = outcomes
        .iter()
        .filter(|o| **o != InteractionOutcome::Duplicate);
    assert_eq!(lost.count(), 0, "acknowledged and lost, or changed");
    runtime.block_on(send_again(&process.url, &all));
    assert_eq!(digest(&directory), expected(&all).digest);
    verify(&directory);
    assert!(process.terminate().success());
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn what_a_killed_service_acknowledged_is_a_duplicate_afterwards() {
    let _alone = alone();
    for round in 1..=rounds() {
        killed_while_sending("service", round, |process, directory| {
            process.kill();
            Process::serve(directory)
        });
    }
}

#[test]
fn what_was_acknowledged_before_the_database_was_killed_is_a_duplicate_afterwards() {
    let _alone = alone();
    for round in 1..=rounds() {
        killed_while_sending("database", round, |process, _| {
            signal("KILL", living_postgres(&process));
            process
        });
    }
}

#[test]
fn a_service_that_drains_loses_nothing_it_acknowledged() {
    let _alone = alone();
    killed_while_sending("drained service", 1, |process, directory| {
        assert!(process.terminate().success());
        Process::serve(directory)
    });
}
