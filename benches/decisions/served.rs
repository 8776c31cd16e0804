//! `GetNextBestActions` through gRPC, beside a bare call that answers with the same bytes, and beside durable ingest, in turn, round by
//! round. The service is a process of its own with everything on that is on by default.
//!
//! | figure | what |
//! |---|---|
//! | `decisions_ratio_10`, `_100`, `_1000` | decisions that reserve nothing, of so many actions of which 16 (at ten, all) survive the gates, to bare calls |
//! | `decisions_reserving_ratio` | decisions that each reserve a contact, of 100 actions, to interactions that are recorded (`benches/ingest`) |
//! | `decisions_p99_ms` | the 99th percentile of the first, of 100 actions, at half the rate that was seen |
//! | `decisions_reserving_p99_ms` | the same of those that reserve |
//!
//! Every decision is another customer's than the one before, of a catalogue's own tenant.

use std::{sync::Arc, time::Duration};

use customer_profile::{
    cli::client,
    proto::v1::{
        GetNextBestActionsRequest, GetNextBestActionsResponse, ImportActionsRequest,
        PlacementRequest, next_best_action_service_client::NextBestActionServiceClient,
    },
};
use prost::{Message as _, bytes::Bytes};
use tonic::metadata::MetadataValue;

use crate::{
    catalogue,
    empty::Empty,
    load::{Questions, Target, flat_out, median, paced, ratio},
    machine, people,
    stage::Stage,
    workload,
};

const DECIDE: &str = "/customer_profile.v1.NextBestActionService/GetNextBestActions";

/// Tenants by how many actions their catalogues have, and the one whose decisions reserve.
const SIZES: [(usize, &str); 3] = [(10, "ten"), (100, "hundred"), (1_000, "thousand")];
const RESERVING: &str = "default";

/// Callers at once, on each of four connections, of what waits for a commit.
const WAITING: usize = 32;

pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) seconds: u64,
    pub(crate) people: usize,
}

#[derive(Default)]
struct Rates {
    bare: [Vec<f64>; 3],
    plain: [Vec<f64>; 3],
    ingest: Vec<f64>,
    reserving: Vec<f64>,
}

pub(crate) async fn run(plan: &Plan) {
    println!("machine: {}, everything on one machine", machine::machine());
    println!(
        "plan: {} rounds of {} s for each figure, {} people of a tenant",
        plan.rounds, plan.seconds, plan.people
    );
    let stage = Stage::set_up().await;
    for (actions, tenant) in SIZES {
        people::record(&stage.url, tenant, 0..plan.people).await;
        import(&stage.url, tenant, &catalogue::of(actions)).await;
    }
    people::record(&stage.url, RESERVING, 0..plan.people).await;
    import(&stage.url, RESERVING, &catalogue::of(100)).await;

    stage.settle().await;
    let targets = SIZES.map(|(_, tenant)| Target::new(&stage.url, DECIDE).of_tenant(tenant));
    let reserving = Target::new(&stage.url, DECIDE)
        .of_tenant(RESERVING)
        .with(WAITING);
    let (page, mail) = (
        questions(plan.people, catalogue::WEB),
        questions(plan.people, catalogue::MAIL),
    );
    // The first decision about a customer writes down to which holdout group they belong.
    let everybody = (0, page.len());
    for target in targets.iter().chain([&reserving]) {
        flat_out(target, &page, everybody, Duration::from_mins(1)).await;
    }
    let mut answers = Vec::new();
    for (target, (actions, name)) in targets.iter().zip(SIZES) {
        let answer = target.call(0, page.get(0)).await.unwrap();
        println!("an answer of {actions} actions has {} bytes", answer.len());
        assert!(!reserves(&answer), "what the web shows is not reserved");
        answers.push((name, answer));
    }
    let one = reserving.call(0, mail.get(0)).await.unwrap();
    assert!(reserves(&one), "a mail is reserved");
    let empty = Empty::start(&stage.scratch, &answers).await;
    let bare = SIZES.map(|(_, name)| Target::new(&empty.url, &format!("/Empty/{name}")));

    let limit = Duration::from_secs(plan.seconds);
    let (mut rates, mut next, mut event) = (Rates::default(), 1, 0);
    for round in 1..=plan.rounds {
        for n in 0..SIZES.len() {
            let from = (0, u64::MAX);
            let rate = flat_out(&bare[n], &page, from, limit).await.0;
            rates.bare[n].push(rate);
            let rate = flat_out(&targets[n], &page, from, limit).await.0;
            rates.plain[n].push(rate);
        }
        let begun = std::time::Instant::now();
        let sent = workload::send(&stage.url, plan.people, &mut event, limit).await;
        rates.ingest.push(crate::load::rate(sent, begun.elapsed()));
        let (rate, after) = flat_out(&reserving, &mail, (next, u64::MAX), limit).await;
        rates.reserving.push(rate);
        next = after;
        print_round(round, &rates);
    }
    print(&rates);
    let half = median(&rates.plain[1]) / 2.0;
    let (times, _) = paced(&targets[1], &page, 0, half, limit * 2).await;
    print_time("decisions_p99_ms", half, &times);
    let half = median(&rates.reserving) / 2.0;
    let (times, _) = paced(&reserving, &mail, next, half, limit * 2).await;
    print_time("decisions_reserving_p99_ms", half, &times);
    println!(
        "figure decisions_service_memory {} MB",
        stage.service().peak_memory_mb()
    );
    stage.tear_down().await;
}

fn print_round(round: usize, rates: &Rates) {
    let last = |of: &[f64]| of.last().copied().unwrap_or_default();
    for (n, (actions, _)) in SIZES.iter().enumerate() {
        println!(
            "round {round}: {actions} actions, {:.0} decisions/s, {:.0} bare calls/s",
            last(&rates.plain[n]),
            last(&rates.bare[n])
        );
    }
    println!(
        "round {round}: {:.0} reserving decisions/s, {:.0} interactions/s",
        last(&rates.reserving),
        last(&rates.ingest)
    );
}

fn print(rates: &Rates) {
    for (n, (actions, _)) in SIZES.iter().enumerate() {
        let (plain, bare) = (&rates.plain[n], &rates.bare[n]);
        println!(
            "figure decisions_rate_{actions} {:.0} decisions/s",
            median(plain)
        );
        println!(
            "figure decisions_ratio_{actions} {:.3} ratio",
            ratio(plain, bare)
        );
    }
    let (reserving, ingest) = (&rates.reserving, &rates.ingest);
    println!("figure ingest_rate {:.0} interactions/s", median(ingest));
    println!(
        "figure decisions_reserving_rate {:.0} decisions/s",
        median(reserving)
    );
    println!(
        "figure decisions_reserving_ratio {:.3} ratio",
        ratio(reserving, ingest)
    );
}

fn print_time(name: &str, rate: f64, times: &hdrhistogram::Histogram<u64>) {
    let at = |quantile: f64| {
        let microseconds = u32::try_from(times.value_at_quantile(quantile)).unwrap_or(u32::MAX);
        f64::from(microseconds) / 1e3
    };
    println!("at {rate:.0} decisions/s the median is {:.2} ms", at(0.5));
    println!("figure {name} {:.2} ms", at(0.99));
}

/// Decisions for a placement, of one person after the other.
fn questions(people: usize, (placement, channel): (&str, &str)) -> Questions {
    let ask = |person: usize| -> Bytes {
        let request = GetNextBestActionsRequest {
            lookup: Some(people::lookup(person)),
            placements: vec![PlacementRequest {
                placement: placement.into(),
                channel: channel.into(),
                count: 1,
            }],
            ..GetNextBestActionsRequest::default()
        };
        request.encode_to_vec().into()
    };
    let order = (0..u32::try_from(people).unwrap()).collect();
    Questions::new(Arc::new((0..people).map(ask).collect()), order)
}

/// Whether a decision reserved something.
fn reserves(answer: &Bytes) -> bool {
    let answer = GetNextBestActionsResponse::decode(answer.clone()).unwrap();
    !answer.token.is_empty()
}

async fn import(url: &str, tenant: &'static str, catalogue: &str) {
    let mut client = NextBestActionServiceClient::new(client::channel(url).unwrap());
    let mut request = tonic::Request::new(ImportActionsRequest {
        operation_id: "bench".into(),
        reason: "a benchmark".into(),
        documents: vec![catalogue.to_owned()],
        dry_run: false,
    });
    let tenant = MetadataValue::from_static(tenant);
    request.metadata_mut().insert("x-tenant-id", tenant);
    client.import_actions(request).await.unwrap();
}
