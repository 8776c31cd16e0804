//! A merge, a separation and an undo that are stopped at every step: after the retry there is one outcome, and nothing is
//! half done.
//!
//! The transaction of each is held before and after every statement that writes, and within COMMIT (`harness::steps`).
//! Then the service is killed with signal 9, or its connection is ended, or the process of the database that serves the
//! connection is killed, which takes the whole database through its recovery. Once the service is also killed when
//! everything is committed and the answer is not out. Whatever was done, the same call again must leave exactly what it
//! leaves where nothing happened: outcome, profiles with their versions, records and feed; and what `verify` recomputes.
//!
//! Each try has a tenant of its own. All steps of all three ways with `CUSTOMER_PROFILE_TEST_SCALE=full`; else all steps
//! of the second, and some of the others.

mod story;

use customer_profile::proto::v1::identity_service_client::IdentityServiceClient;
use tonic::{Code, transport::Channel};

use crate::harness::{
    Database, Service,
    cluster::scratch,
    in_full,
    process::{Process, signal},
    random::seed_of_now,
    say,
    steps::Steps,
    wait::{in_time, until},
};
use story::{Kind, Story, Trace};

const KINDS: [Kind; 3] = [Kind::Merge, Kind::Separation, Kind::Undo];

/// One in so many steps; all of them in full.
fn sparse(step: usize, one_in: u64, seed: u64) -> bool {
    in_full() || (u64::try_from(step).unwrap() + seed).is_multiple_of(one_in)
}

/// What each decision leaves where nothing happens, and the steps of its transaction.
async fn undisturbed(service: &Service, steps: &mut Steps) -> Vec<(Kind, Vec<String>, Trace)> {
    let mut calm = Vec::new();
    for kind in KINDS {
        let story = Story::new(kind, format!("calm-{kind:?}").to_lowercase());
        story.begin(service).await;
        steps.ran().await;
        let outcome = story.decide(&mut service.identities()).await.unwrap();
        assert!(!outcome.repeated);
        let ran = steps.ran().await.pop().unwrap();
        assert_eq!(ran.last().map(String::as_str), Some("commit"), "{ran:?}");
        // The first statement makes the operation known, and the last one says that it is done.
        assert_eq!(ran[0], "before insert operations");
        assert_eq!(ran[ran.len() - 2], "after update operations");
        say(format_args!(
            "{kind:?}: {} steps: {}",
            ran.len(),
            ran.join(", ")
        ));
        let trace = story.trace(service, outcome).await;
        calm.push((kind, ran, trace));
    }
    calm
}

/// Decides until it is answered; while the database recovers, callers are told that it is away.
async fn decide_until_answered(story: &Story, service: &Service) -> Trace {
    let mut outcome = None;
    until("the decision is answered", async || {
        match story.decide(&mut service.identities()).await {
            Ok(answer) => outcome = Some(answer),
            Err(status) => assert_eq!(status.code(), Code::Unavailable, "{status:?}"),
        }
        outcome.is_some()
    })
    .await;
    story.trace(service, outcome.unwrap()).await
}

/// Asks for a decision that will not be answered.
fn ask(
    story: &Story,
    mut client: IdentityServiceClient<Channel>,
) -> tokio::task::JoinHandle<Option<Code>> {
    let story = story.clone();
    tokio::spawn(async move { story.decide(&mut client).await.err().map(|s| s.code()) })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_killed_at_any_step_of_a_decision_leaves_nothing_half_done() {
    let service = Service::start().await;
    let database = service.database.clone();
    let mut steps = Steps::install(&database).await;
    let seed = seed_of_now();
    say(format_args!("services killed at steps: seed {seed}"));
    let directory = scratch().join("half-done");
    std::fs::create_dir_all(&directory).unwrap();
    let mut process = serve(&database, &directory).await;
    for (kind, ran, calm) in undisturbed(&service, &mut steps).await {
        // One step more: committed, and not answered.
        for step in 1..=ran.len() + 1 {
            let answering = step > ran.len();
            let committing = step >= ran.len();
            if !committing && !sparse(step, 5, seed) {
                continue;
            }
            let story = Story::new(kind, format!("killed-{step}-{kind:?}").to_lowercase());
            story.begin(&service).await;
            steps.stop_at(step.min(ran.len())).await;
            let asked = ask(&story, process.identities());
            steps.reached().await;
            let held = if answering {
                Some(steps.after_commit().await)
            } else {
                None
            };
            process.kill();
            assert!(in_time("the call", asked).await.unwrap().is_some());
            if held.is_none() {
                steps.release().await;
            }
            drop(held);
            // By another instance, while the database may not know yet that the first is gone.
            let outcome = story.decide(&mut service.identities()).await.unwrap();
            // What was asked to commit does so, though nobody hears of it.
            let name = ran.get(step - 1).map_or("answer", String::as_str);
            assert_eq!(outcome.repeated, committing, "{kind:?}, {name}");
            let trace = story.trace(&service, outcome).await;
            assert_eq!(trace, calm, "{kind:?}, {name}");
            process = serve(&database, &directory).await;
        }
    }
    process.kill();
    steps.close().await;
    service.stop().await;
}

async fn serve(database: &Database, directory: &std::path::Path) -> Process {
    let (database, directory) = (database.clone(), directory.to_owned());
    tokio::task::spawn_blocking(move || Process::serve_on(&database, &directory))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_ends_at_any_step_of_a_decision_leaves_nothing_half_done() {
    let service = Service::start().await;
    let mut steps = Steps::install(&service.database).await;
    for (kind, ran, calm) in undisturbed(&service, &mut steps).await {
        for (n, name) in ran.iter().enumerate() {
            let story = Story::new(kind, format!("ended-{n}-{kind:?}").to_lowercase());
            story.begin(&service).await;
            steps.stop_at(n + 1).await;
            let asked = ask(&story, service.identities());
            let pid = steps.reached().await;
            steps.terminate(pid).await;
            let code = in_time("the call", asked).await.unwrap();
            assert_eq!(code, Some(Code::Unavailable), "{kind:?}, {name}");
            steps.release().await;
            let outcome = story.decide(&mut service.identities()).await.unwrap();
            assert!(!outcome.repeated, "{kind:?}, {name}");
            let trace = story.trace(&service, outcome).await;
            assert_eq!(trace, calm, "{kind:?}, {name}");
        }
    }
    steps.close().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_killed_at_any_step_of_a_decision_leaves_nothing_half_done() {
    let (server, database) = Database::alone(scratch().join("half-done-database")).await;
    let service = Service::with(database.clone(), &[]).await;
    let mut steps = Steps::install(&database).await;
    let seed = seed_of_now();
    say(format_args!("databases killed at steps: seed {seed}"));
    for (kind, ran, calm) in undisturbed(&service, &mut steps).await {
        for (n, name) in ran.iter().enumerate() {
            if !sparse(n, 11, seed) && n + 1 < ran.len() {
                continue;
            }
            let story = Story::new(kind, format!("crashed-{n}-{kind:?}").to_lowercase());
            story.begin(&service).await;
            steps.stop_at(n + 1).await;
            let asked = ask(&story, service.identities());
            let pid = steps.reached().await;
            signal("KILL", u32::try_from(pid).unwrap());
            let code = in_time("the call", asked).await.unwrap();
            assert_eq!(code, Some(Code::Unavailable), "{kind:?}, {name}");
            steps = Steps::recovered(&database).await;
            let trace = decide_until_answered(&story, &service).await;
            assert_eq!(trace, calm, "{kind:?}, {name}");
        }
    }
    steps.close().await;
    service.stop().await;
    drop(server);
}
