//! Whether rows that were copied are those that ingest writes: the same people, recorded through gRPC into one database and copied into
//! another of the same server and secret, compared row by row.
//!
//! What must stay true: all that is stored is compared, but for what ingest draws (ids of profiles), what a clock says
//! (`recorded_at`), and what depends on how interactions were dealt into batches, which no digest sees (versions, profiles that were
//! merged away, the outbox). Profiles are named by their homes instead. States are compared as bytes.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use customer_profile::{
    cli::client,
    ids::TenantId,
    proto::v1::{
        Interaction, InteractionOutcome, RecordInteractionsRequest,
        interaction_service_client::InteractionServiceClient,
    },
    verify,
};
use sqlx::{Connection as _, Row as _};
use tonic::Code;

use crate::{
    filling,
    opening::{maker, opened},
    people::life,
    stage::Stage,
    steps::{Limits, Stop},
};

/// People in a call, and calls under way at once.
const TOGETHER: usize = 50;
const CALLERS: usize = 4;

/// Of each table how many rows there are and the sum of their hashes.
const TABLES: [(&str, &str); 9] = [
    (
        "event_keys",
        "SELECT count(*), coalesce(sum(hashtextextended(one::text, 0)), 0)::text FROM event_keys AS one",
    ),
    (
        "interactions",
        "SELECT count(*), coalesce(sum(hashtextextended(one::text, 0)), 0)::text FROM (
            SELECT tenant, anchor, occurred_at, interaction_id, identity_keys, retracted_by, body FROM interactions
        ) AS one",
    ),
    (
        "analyses",
        "SELECT count(*), coalesce(sum(hashtextextended(one::text, 0)), 0)::text FROM (
            SELECT tenant, anchor, occurred_at, interaction_id, method, version, body FROM analyses
        ) AS one",
    ),
    (
        "identities",
        "SELECT count(*), coalesce(sum(hashtextextended(one::text, 0)), 0)::text FROM (
            SELECT
                i.tenant, i.identity_key, i.namespace, i.value, p.home, i.first_seen, i.last_seen, i.state, i.subjects,
                i.standing, i.apart, i.present, i.neighbours
            FROM identities AS i
            JOIN profiles AS p USING (tenant, profile_id)
        ) AS one",
    ),
    (
        "links",
        "SELECT count(*), coalesce(sum(hashtextextended(one::text, 0)), 0)::text FROM links AS one",
    ),
    (
        "identity_traits",
        "SELECT count(*), coalesce(sum(hashtextextended(one::text, 0)), 0)::text FROM identity_traits AS one",
    ),
    (
        "profiles",
        "SELECT count(*), coalesce(sum(hashtextextended(one::text, 0)), 0)::text FROM (
            SELECT tenant, home, summary, last_day, state, members, subjects, rules FROM profiles WHERE last_day IS NOT NULL
        ) AS one",
    ),
    (
        "contributions",
        "SELECT count(*), coalesce(sum(hashtextextended(one::text, 0)), 0)::text FROM (
            SELECT c.tenant, p.home, c.order_days, c.answered, c.body
            FROM contributions AS c
            JOIN profiles AS p USING (tenant, profile_id)
        ) AS one",
    ),
    (
        "figures",
        "SELECT count(*), coalesce(sum(hashtextextended(one::text, 0)), 0)::text FROM figures AS one",
    ),
];

/// A number of rows and the sum of their hashes.
type Sum = (i64, String);

/// Records people one way and copies them the other; answers with what differs, and says what was compared.
pub(crate) async fn compare(
    stage: &Stage,
    people: usize,
    limits: &Limits,
) -> Result<Vec<String>, Stop> {
    for statement in [
        "DROP DATABASE IF EXISTS copied",
        "DROP DATABASE IF EXISTS ingested",
        "CREATE DATABASE copied",
        "CREATE DATABASE ingested",
    ] {
        stage.admin(statement).await;
    }
    let copied = opened(stage, "copied").await;
    let maker = Arc::new(maker(&copied).await);
    filling::fill((stage, "copied"), &maker, 0..people, limits).await?;
    let ingested = opened(stage, "ingested").await;
    ingest(stage, people).await;
    let tenants = [TenantId::default_tenant()];
    let mut differences = Vec::new();
    let mut digests = Vec::new();
    for (name, opened) in [("copied", &copied), ("ingested", &ingested)] {
        limits.check()?;
        filling::count(&opened.storage, limits).await?;
        let quiet: verify::Observer = Arc::new(|_| ());
        let (storage, secret) = (&opened.storage, &opened.secret);
        let report = verify::verify(storage, secret, &tenants[0], &quiet)
            .await
            .unwrap();
        println!(
            "  {name}: {} interactions, {} identities, {} profiles, {} differences",
            report.interactions, report.identities, report.profiles, report.differences
        );
        differences.extend(report.described);
        let population = verify::digest(storage, &tenants, &quiet).await.unwrap();
        digests.push(population.finish());
    }
    println!("  digests: {} and {}", digests[0], digests[1]);
    if digests[0] != digests[1] {
        differences.push("the digests differ".to_owned());
    }
    let (ours, theirs) = (sums(stage, "copied").await, sums(stage, "ingested").await);
    for (((table, _), ours), theirs) in TABLES.iter().zip(ours).zip(theirs) {
        println!("  {table}: {} rows copied, {} ingested", ours.0, theirs.0);
        if ours != theirs {
            differences.push(format!("rows of {table} differ"));
        }
    }
    copied.close().await;
    ingested.close().await;
    stage.admin("DROP DATABASE copied").await;
    stage.admin("DROP DATABASE ingested").await;
    Ok(differences)
}

async fn sums(stage: &Stage, database: &str) -> Vec<Sum> {
    let mut connection = stage.connect(database).await;
    let mut sums = Vec::new();
    for (_, statement) in TABLES {
        let row = sqlx::query(statement).fetch_one(&mut connection).await;
        let row = row.unwrap();
        sums.push((row.get(0), row.get(1)));
    }
    connection.close().await.unwrap();
    sums
}

/// Records people through a service.
async fn ingest(stage: &Stage, people: usize) {
    let url = stage.database("ingested");
    let settings = [("DATABASE_URL", url.as_str()), ("REDIS_URL", "off")];
    let service = stage.start("ingesting", &settings).await;
    let numbers: Vec<usize> = (0..people).collect();
    let parts: Vec<Vec<usize>> = numbers.chunks(TOGETHER).map(<[usize]>::to_vec).collect();
    let parts = Arc::new(Mutex::new(parts));
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CALLERS {
        let (parts, channel) = (Arc::clone(&parts), client::channel(&service.url).unwrap());
        callers.spawn(async move {
            let mut client = InteractionServiceClient::new(channel);
            loop {
                let part = parts.lock().unwrap().pop();
                let Some(part) = part else { return };
                let request = RecordInteractionsRequest {
                    interactions: part
                        .into_iter()
                        .flat_map(life)
                        .collect::<Vec<Interaction>>(),
                    run_id: None,
                };
                let answer = loop {
                    match client.record_interactions(request.clone()).await {
                        Ok(answer) => break answer.into_inner(),
                        // Many people in a call are more than it lets in beside others.
                        Err(status) if status.code() == Code::ResourceExhausted => {
                            tokio::time::sleep(Duration::from_millis(50)).await;
                        }
                        Err(status) => panic!("{status:?}"),
                    }
                };
                for result in answer.results {
                    let recorded = result.outcome() == InteractionOutcome::Recorded;
                    assert!(recorded, "everything is new and valid: {result:?}");
                }
            }
        });
    }
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
    service.drain();
}
