//! A backup as the operations page tells to make one, restored elsewhere.

use std::process::Command;

use customer_profile::proto::v1::InteractionOutcome;

use crate::harness::{
    Database, Service,
    calls::{getting, outcomes},
    cluster::{program_of_the_run, scratch},
    make, population,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dumped_and_restored_is_the_same_store() {
    let everything = population::interactions(8, 300, 40);
    let service = Service::start().await;
    for part in everything.chunks(100) {
        service.record_all(part.to_vec()).await;
    }
    let digest = service.digest("default").await;
    let dump = scratch().join("customers.dump");
    let file = format!("--file={}", dump.display());
    // Beside a service that goes on.
    run(
        "pg_dump",
        &["--format=custom", &file, &service.database.url()],
    )
    .await;
    let restored = Database::empty().await;
    let into = format!("--dbname={}", restored.url());
    run(
        "pg_restore",
        &["--exit-on-error", &into, &dump.to_string_lossy()],
    )
    .await;
    let again = Service::with(restored, &[]).await;
    assert_eq!(again.digest("default").await, digest);
    assert_eq!(again.verify("default").await.differences, 0);
    // What the sources send again is there, and what is new is taken in.
    let results = again.record(everything[..50].to_vec()).await;
    assert_eq!(outcomes(&results), [InteractionOutcome::Duplicate; 50]);
    let who = "email=new@example.com";
    let new = make::seen("new", 0, &[who]);
    again.record_all(vec![new]).await;
    assert!(again.get(getting(who)).await.is_ok());
    again.stop().await;
    service.stop().await;
}

/// Runs a program that came with the server to its end.
async fn run(program: &str, arguments: &[&str]) {
    let mut command = Command::new(program_of_the_run(program).await);
    command.args(arguments);
    let ended = tokio::task::spawn_blocking(move || command.output());
    let ended = ended.await.unwrap().unwrap();
    assert!(
        ended.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&ended.stderr)
    );
}
