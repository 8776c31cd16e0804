//! The phases of a round, and what is printed of them.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use customer_profile::proto::v1::{
    Direction, GetProfileRequest, Identifier, Interaction, RecordInteractionsRequest,
};
use prost::{Message as _, bytes::Bytes};

use crate::{
    Plan,
    empty::Empty,
    load::{Target, median},
    offered::{Became, Phase, Seen, offer},
    people,
    stage::Stage,
};

const GET: &str = "/customer_profile.v1.ProfileService/GetProfile";
const RECORD: &str = "/customer_profile.v1.InteractionService/RecordInteractions";

/// How many times the sustainable rate is offered.
const TIMES: f64 = 5.0;

/// Look-ups a second, all along.
const READS: f64 = 200.0;

/// More interactions a second than any such machine stores one by one, and for how long they come before anything counts.
const MORE: f64 = 4_000.0;
const WARM: Duration = Duration::from_secs(8);

/// The parts of what is stored then that are tried.
const PARTS: [f64; 6] = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4];

/// What is looked at of what comes after, piece by piece.
const PIECE: Duration = Duration::from_millis(500);

/// Interactions, each of another number.
struct Source {
    next: AtomicU64,
    people: usize,
}

impl Source {
    fn message(&self) -> Bytes {
        let event = self.next.fetch_add(1, Ordering::Relaxed);
        let person = usize::try_from(event.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33).unwrap();
        let interaction = Interaction {
            source: "overload".into(),
            event_id: format!("e{event}"),
            occurred_at: Some(prost_types::Timestamp {
                seconds: 1_750_000_000,
                nanos: 0,
            }),
            department: "support".into(),
            channel: "email".into(),
            r#type: "message.received".into(),
            direction: Direction::Inbound.into(),
            identifiers: vec![Identifier {
                namespace: "customer_id".into(),
                value: format!("C{:07}", person % self.people),
            }],
            text: Some(
                "The parcel was late again and nobody could tell me why. Please call me back."
                    .into(),
            ),
            ..Interaction::default()
        };
        let request = RecordInteractionsRequest {
            interactions: vec![interaction],
            run_id: None,
        };
        request.encode_to_vec().into()
    }
}

struct Round<'a> {
    writes: Target,
    reads: Target,
    bare: Target,
    source: &'a Source,
    people: usize,
}

impl Round<'_> {
    /// Writes and reads for so long, and `surplus` calls a second of nobody else's concern.
    async fn phase(&self, rate: f64, surplus: f64, lasting: Duration) -> (Phase, Phase) {
        let writes = offer(&self.writes, rate, lasting, |_| self.source.message());
        let reads = offer(&self.reads, READS, lasting, |number| {
            let person = usize::try_from(number).unwrap() * 7_919 % self.people;
            let request = GetProfileRequest {
                lookup: Some(people::lookup(person)),
                ..GetProfileRequest::default()
            };
            request.encode_to_vec().into()
        });
        let others = async {
            if surplus > 0.0 {
                offer(&self.bare, surplus, lasting, |_| self.source.message()).await;
            }
        };
        let (writes, reads, ()) = tokio::join!(writes, reads, others);
        (writes, reads)
    }

    /// The largest rate of these at which no more than one in a hundred is refused.
    async fn sustainable(&self) -> f64 {
        // What is asked for the first time takes longer.
        self.phase(MORE, 0.0, WARM).await;
        let lasting = Duration::from_secs(5);
        let (most, _) = self.phase(MORE, 0.0, lasting).await;
        let stored = u32::try_from(most.count(|became| became == Became::Answered)).unwrap();
        let most = f64::from(stored) / lasting.as_secs_f64();
        println!("of {MORE} interactions a second {most:.0} are stored");
        for part in PARTS {
            let rate = part * most;
            let (writes, _) = self.phase(rate, 0.0, lasting).await;
            let (refused, p99) = (writes.refused(), writes.quantile(0.99));
            println!("{rate:.0} a second: {refused} refused, p99 {p99:.0} ms");
            if 100 * refused <= writes.0.len() {
                return rate;
            }
        }
        most * PARTS[PARTS.len() - 1]
    }
}

/// What the calls that were due in each piece of a phase came to: 99th percentile in ms, and the part that was refused.
fn pieces(phase: &Phase) -> Vec<(f64, f64)> {
    let last = phase.0.iter().map(|seen| seen.due).max().unwrap();
    let mut from = Duration::ZERO;
    let mut pieces = Vec::new();
    // The last piece may be a small rest.
    while from + PIECE <= last {
        let due = |seen: &&Seen| seen.due >= from && seen.due < from + PIECE;
        let piece = Phase(phase.0.iter().filter(due).copied().collect());
        let of = |count: usize| f64::from(u32::try_from(count).unwrap());
        let refused = of(piece.refused()) / of(piece.0.len());
        pieces.push((piece.quantile(0.99), refused));
        from += PIECE;
    }
    pieces
}

/// From the end of the load until the first two pieces in a row that are no worse than the worst before it.
fn recovered(after: &Phase, quiet: &Phase) -> f64 {
    let before = pieces(quiet);
    let worst = |of: fn(&(f64, f64)) -> f64| before.iter().map(of).fold(0.0, f64::max);
    let (p99, refused) = (worst(|piece| piece.0), worst(|piece| piece.1).max(0.01));
    let after = pieces(after);
    let is_well = |piece: &(f64, f64)| piece.0 <= p99 && piece.1 <= refused;
    let well = after.windows(2).position(|two| two.iter().all(is_well));
    let pieces = u32::try_from(well.unwrap_or(after.len())).unwrap();
    (PIECE * pieces).as_secs_f64()
}

fn tell(name: &str, rate: f64, (writes, reads): &(Phase, Phase)) {
    println!(
        "  {name}: {rate:.0} offered a second: {} stored, {} told to back off ({} of them not when to come again), {} failed; writes p50 {:.1} p99 {:.1} ms, reads p50 {:.1} p99 {:.1} ms, {} of {} reads answered",
        writes.count(|became| became == Became::Answered),
        writes.refused(),
        writes.count(|became| became == Became::RefusedForGood),
        writes.count(|became| matches!(became, Became::Failed(_))),
        writes.quantile(0.5),
        writes.quantile(0.99),
        reads.quantile(0.5),
        reads.quantile(0.99),
        reads.count(|became| became == Became::Answered),
        reads.0.len(),
    );
}

pub(crate) async fn run(stage: &Stage, plan: &Plan) {
    let source = Source {
        next: AtomicU64::new(0),
        people: plan.people,
    };
    let empty = Empty::start(&stage.scratch, &[("Call", Bytes::from_static(b"none"))]).await;
    let round = Round {
        writes: Target::new(&stage.url, RECORD),
        reads: Target::new(&stage.url, GET),
        bare: Target::new(&empty.url, "/Empty/Call"),
        source: &source,
        people: plan.people,
    };
    let lasting = Duration::from_secs(plan.seconds);
    let rate = round.sustainable().await;
    println!("sustainable: {rate:.0} interactions a second");
    let (mut p99, mut p99_quiet, mut reads, mut reads_quiet) = (vec![], vec![], vec![], vec![]);
    let (mut recovery, mut stored) = (vec![], vec![]);
    let (mut for_good, mut failed) = (0, 0);
    let before = stage.service().memory("VmRSS:");
    for number in 1..=plan.rounds {
        println!("round {number}");
        let quiet = round.phase(rate, 0.0, lasting).await;
        tell("quiet", rate, &quiet);
        let normal = round.phase(rate, (TIMES - 1.0) * rate, lasting).await;
        tell("normal", rate, &normal);
        let overload = round.phase(TIMES * rate, 0.0, lasting).await;
        tell("overload", TIMES * rate, &overload);
        let after = round.phase(rate, 0.0, lasting).await;
        tell("after", rate, &after);
        recovery.push(recovered(&after.0, &quiet.0));
        p99.push(overload.0.quantile(0.99) / normal.0.quantile(0.99));
        p99_quiet.push(overload.0.quantile(0.99) / quiet.0.quantile(0.99));
        reads.push(overload.1.quantile(0.99) / normal.1.quantile(0.99));
        reads_quiet.push(overload.1.quantile(0.99) / quiet.1.quantile(0.99));
        let count = |phase: &Phase| phase.count(|became| became == Became::Answered);
        let share = u32::try_from(count(&overload.0)).unwrap();
        stored.push(f64::from(share) / (rate * lasting.as_secs_f64()));
        for phase in [&quiet, &normal, &overload, &after] {
            for calls in [&phase.0, &phase.1] {
                for_good += calls.count(|became| became == Became::RefusedForGood);
                failed += calls.count(|became| matches!(became, Became::Failed(_)));
            }
        }
    }
    println!("figure overload_sustainable_rate {rate:.0} interactions/s");
    println!("figure overload_p99_ratio {:.2} ratio", median(&p99));
    println!("figure overload_reads_ratio {:.2} ratio", median(&reads));
    println!(
        "figure overload_p99_ratio_quiet {:.2} ratio",
        median(&p99_quiet)
    );
    println!(
        "figure overload_reads_ratio_quiet {:.2} ratio",
        median(&reads_quiet)
    );
    println!("figure overload_stored_ratio {:.2} ratio", median(&stored));
    println!("figure overload_recovery {:.2} s", median(&recovery));
    println!("figure overload_without_retry_info {for_good} calls");
    println!("figure overload_failed {failed} calls");
    println!("figure overload_memory_before {before} MB");
    println!(
        "figure overload_memory_peak {} MB",
        stage.service().peak_memory_mb()
    );
}
