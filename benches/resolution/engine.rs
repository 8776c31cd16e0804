//! The same records through the service, on a `PostgreSQL` as shipped.
//!
//! Records that the service refuses (two values of a unique namespace, nothing usable) are left out. Batches go one after
//! the other by one caller, so they arrive in the order of the records; what is said of an interaction is the time of all
//! by their number, group commit and all.

use std::time::{Duration, Instant};

use customer_profile::{
    cli::client,
    proto::v1::{
        Direction, GetRulesRequest, Identifier, IdentityRules, Interaction, InteractionOutcome,
        NamespaceRules, PreviewRulesRequest, PreviewRulesResponse, RecordInteractionsRequest,
        identity_service_client::IdentityServiceClient,
        interaction_service_client::InteractionServiceClient, preview_rules_request,
    },
};
use sqlx::Row as _;
use tonic::transport::Channel;

use crate::{population::Record, read::Read, score::Clusters, stage::Stage};

/// Interactions in a call.
const BATCH: usize = 500;

/// Sends everything, and prints what came of it.
pub(crate) fn run(read: &Read<'_>, pure: &Clusters) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(through(read, pure));
}

async fn through(read: &Read<'_>, pure: &Clusters) {
    let stage = Stage::set_up().await;
    println!("\nthrough the service");
    let channel = client::channel(&stage.url).unwrap();
    let mut interactions = InteractionServiceClient::new(channel.clone());
    let sent: Vec<&Record> = read
        .rows
        .iter()
        .zip(read.records)
        .filter(|(row, _)| row.anchor().is_some())
        .map(|(_, record)| record)
        .collect();
    let begun = Instant::now();
    let (mut recorded, mut refused) = (0_u32, 0_u32);
    for batch in sent.chunks(BATCH) {
        let (more, others) = send(&mut interactions, batch).await;
        recorded += more;
        refused += others;
    }
    let taken = begun.elapsed();
    let page = stage.service().page();
    let slow = metric(&page, "customer_profile_identity_slow_paths_total{");
    let each = taken.as_secs_f64() * 1e6 / f64::from(recorded.max(1));
    println!(
        "{recorded} recorded in {:.0} s, {refused} refused",
        taken.as_secs_f64()
    );
    println!("figure resolution_us {each:.0} us/interaction");
    println!(
        "figure resolution_slow_share {:.4} ratio",
        slow / f64::from(recorded.max(1))
    );
    for line in page.lines() {
        if line.starts_with("customer_profile_identity_slow_paths_total{") {
            println!("  {line}");
        }
    }
    println!(
        "figure resolution_largest_region {} identifiers (upper end of its bucket)",
        largest(&page, "customer_profile_identity_region_identifiers_bucket")
    );
    let seconds = metric(&page, "customer_profile_identity_resolution_seconds_sum");
    println!(
        "figure resolution_slow_path_ms {:.2} ms",
        seconds * 1e3 / slow.max(1.0)
    );
    let profiles = profiles(&stage).await;
    let distinct: std::collections::BTreeSet<u64> = pure.values().copied().collect();
    println!(
        "{profiles} profiles; the pure partition shows {} clusters of records",
        distinct.len()
    );
    println!(
        "figure resolution_service_memory {} MB",
        stage.service().peak_memory_mb()
    );
    preview(&stage, channel).await;
    stage.tear_down().await;
}

async fn send(client: &mut InteractionServiceClient<Channel>, batch: &[&Record]) -> (u32, u32) {
    let request = RecordInteractionsRequest {
        interactions: batch.iter().map(|record| interaction(record)).collect(),
        run_id: None,
    };
    let answer = client.record_interactions(request).await.unwrap();
    let results = answer.into_inner().results;
    let recorded = results
        .iter()
        .filter(|r| r.outcome() == InteractionOutcome::Recorded)
        .count();
    let count = |n: usize| u32::try_from(n).unwrap();
    (count(recorded), count(results.len() - recorded))
}

fn interaction(record: &Record) -> Interaction {
    Interaction {
        source: record.source.to_owned(),
        event_id: record.event_id.to_string(),
        occurred_at: Some(record.occurred_at.to_proto()),
        department: "web".into(),
        channel: "web".into(),
        // Not what was done: orders would need a subject and an amount, which say nothing of who is who.
        r#type: "page.viewed".into(),
        direction: Direction::Inbound.into(),
        identifiers: record
            .identifiers
            .iter()
            .map(|sent| Identifier {
                namespace: sent.namespace.to_owned(),
                value: sent.value.clone(),
            })
            .collect(),
        ..Interaction::default()
    }
}

async fn profiles(stage: &Stage) -> i64 {
    let mut connection = stage.connect("service").await;
    let row = sqlx::query("SELECT count(*) FROM profiles WHERE last_day IS NOT NULL")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    row.get(0)
}

/// What a change that concerns many would do.
async fn preview(stage: &Stage, channel: Channel) {
    let mut identities = IdentityServiceClient::new(channel);
    let before = stage.service().peak_memory_mb();
    let request = PreviewRulesRequest {
        change: Some(preview_rules_request::Change::Rules(IdentityRules {
            namespaces: vec![NamespaceRules {
                namespace: "email".into(),
                limit: Some(1),
                ..NamespaceRules::default()
            }],
            size_cap: 0,
        })),
        examples: 1,
    };
    let begun = Instant::now();
    let answer: PreviewRulesResponse = identities
        .preview_rules(request)
        .await
        .unwrap()
        .into_inner();
    let taken: Duration = begun.elapsed();
    println!(
        "preview of unique e-mail addresses: {} profiles to {}, {} joined, {} split, {} of {} identifiers moved",
        answer.profiles_before,
        answer.profiles_after,
        answer.profiles_joined,
        answer.profiles_split,
        answer.identifiers_moved,
        answer.identifiers_total
    );
    println!(
        "figure preview_seconds_{} {:.2} s",
        thousands(answer.profiles_before),
        taken.as_secs_f64()
    );
    println!(
        "figure preview_memory {} MB (peak of the service, {before} before)",
        stage.service().peak_memory_mb()
    );
    let rules = identities.get_rules(GetRulesRequest {}).await.unwrap();
    assert_eq!(rules.into_inner().profiles_waiting, 0);
}

/// How many profiles, down to a hundred thousand.
fn thousands(profiles: i64) -> String {
    format!("{}k", (profiles / 1_000).min(100))
}

/// The sum over all labels of a metric.
fn metric(page: &str, name: &str) -> f64 {
    page.lines()
        .filter(|line| line.starts_with(name))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum()
}

/// The upper end of the highest bucket of a histogram that something fell into.
fn largest(page: &str, name: &str) -> String {
    let mut last = (String::from("0"), 0.0);
    for line in page.lines().filter(|line| line.starts_with(name)) {
        let Some((labels, count)) = line.rsplit_once(' ') else {
            continue;
        };
        let count: f64 = count.parse().unwrap_or_default();
        let end = labels
            .split("le=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        if count > last.1 {
            last = (end.unwrap_or("?").to_owned(), count);
        }
    }
    last.0
}
