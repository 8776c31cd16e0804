//! Callers that go on whatever happens, and note what they saw.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use customer_profile::{
    cli::client,
    proto::v1::{
        GetProfileRequest, GetProfileResponse, Interaction, InteractionOutcome, ReadOptions,
        interaction_service_client::InteractionServiceClient,
        profile_service_client::ProfileServiceClient,
    },
};
use tokio::task::JoinHandle;
use tonic::{Response, Status, transport::Channel};
use tonic_types::StatusExt as _;

use super::figures::{Call, Kind};
use crate::harness::{
    Random,
    calls::{getting, recording},
    make,
    wait::until,
};

/// Customers whom readers ask for.
pub const KNOWN: usize = 10;

/// Customers of each writer.
const OWN: usize = 8;

const WRITERS: usize = 2;

/// Between calls.
const PAUSE: Duration = Duration::from_millis(12);

/// Successes of a kind in a row after which it has recovered.
const IN_A_ROW: usize = 20;

/// Bytes of a write that fills pages.
const HEAVY: usize = 6_000;

pub fn known(n: usize) -> String {
    format!("email=known-{n}@example.com")
}

#[derive(Default)]
struct Notes {
    calls: Vec<Call>,
    /// Acknowledged events by customer.
    acknowledged: BTreeMap<String, Vec<String>>,
    /// Answers that lack what they must have.
    wrong: Vec<String>,
}

/// The callers of a fault.
pub struct Callers {
    notes: Arc<Mutex<Notes>>,
    over: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

/// What they noted.
pub struct Noted {
    pub calls: Vec<Call>,
    pub acknowledged: BTreeMap<String, Vec<String>>,
    pub wrong: Vec<String>,
}

/// One of them.
#[derive(Clone)]
struct Caller {
    channel: Channel,
    notes: Arc<Mutex<Notes>>,
    over: Arc<AtomicBool>,
    heavy: bool,
}

/// The code and the reason of an answer.
pub fn outcome<T>(answer: &Result<T, Status>) -> String {
    let Err(status) = answer else {
        return "OK".into();
    };
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone());
    let code = match status.code() {
        tonic::Code::Unavailable => "UNAVAILABLE".to_owned(),
        tonic::Code::Aborted => "ABORTED".to_owned(),
        tonic::Code::ResourceExhausted => "RESOURCE_EXHAUSTED".to_owned(),
        tonic::Code::Internal => "INTERNAL".to_owned(),
        other => format!("{other:?}"),
    };
    match reason {
        Some(reason) => format!("{code} `{reason}`"),
        None => format!("{code} {}", status.message()),
    }
}

impl Callers {
    /// Begins to call. `run` tells events of this fault from those of others.
    pub fn start(url: &str, run: &str, heavy: bool) -> Self {
        let caller = Caller {
            channel: client::channel(url).unwrap(),
            notes: Arc::default(),
            over: Arc::default(),
            heavy,
        };
        let mut tasks = Vec::new();
        for writer in 0..WRITERS {
            let name = format!("{run}-{writer}");
            tasks.push(tokio::spawn(caller.clone().write(name)));
        }
        for kind in [Kind::Read, Kind::Stale, Kind::Stale] {
            tasks.push(tokio::spawn(caller.clone().read(kind)));
        }
        Self {
            notes: caller.notes,
            over: caller.over,
            tasks,
        }
    }

    /// Waits until calls of every kind succeed again and again; answers with when they began to.
    pub async fn recovered(&self, since: Instant) -> Instant {
        let recovered = |kind: Kind| {
            let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
            let after = |call: &&Call| call.kind == kind && call.began >= since;
            let mut row: Vec<Instant> = Vec::new();
            for call in notes.calls.iter().filter(after) {
                if call.is_ok() {
                    row.push(call.began + call.took);
                } else {
                    row.clear();
                }
            }
            (row.len() >= IN_A_ROW).then(|| row.first().copied())?
        };
        let mut all = since;
        for kind in [Kind::Read, Kind::Stale, Kind::Write] {
            until("callers are served again", async || {
                recovered(kind).is_some()
            })
            .await;
            all = all.max(recovered(kind).unwrap());
        }
        all
    }

    /// Ends them.
    pub async fn end(self) -> Noted {
        self.over.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let Notes {
            calls,
            acknowledged,
            wrong,
        } = std::mem::take(&mut *notes);
        Noted {
            calls,
            acknowledged,
            wrong,
        }
    }
}

fn incompressible(seed: usize) -> String {
    let mut random = Random::new(u64::try_from(seed).unwrap());
    let letters: Vec<u8> = (b'a'..=b'z').collect();
    let text = (0..HEAVY).map(|_| char::from(*random.pick(&letters)));
    text.collect()
}

impl Caller {
    fn note<T>(&self, kind: Kind, began: Instant, answer: &Result<T, Status>) {
        let call = Call {
            kind,
            began,
            took: began.elapsed(),
            outcome: outcome(answer),
        };
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.calls.push(call);
    }

    fn wrong(&self, what: String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.wrong.push(what);
    }

    async fn ask(
        &self,
        kind: Kind,
        who: &str,
        options: ReadOptions,
    ) -> Result<GetProfileResponse, Status> {
        let request = GetProfileRequest {
            read_options: Some(options),
            ..getting(who)
        };
        let began = Instant::now();
        let mut client = ProfileServiceClient::new(self.channel.clone());
        let answer = client.get_profile(request).await.map(Response::into_inner);
        self.note(kind, began, &answer);
        answer
    }

    /// Writes, and reads with the token of each write what was written.
    async fn write(self, name: String) {
        let mut written = [0; OWN];
        let mut n = 0;
        while !self.over.load(Ordering::Relaxed) {
            let own = n % OWN;
            let who = format!("email={name}-{own}@example.com");
            let event = format!("{name}-{n}");
            n += 1;
            let interaction = Interaction {
                text: self.heavy.then(|| incompressible(n)),
                ..make::seen(&event, i64::try_from(n).unwrap(), &[&who])
            };
            let began = Instant::now();
            let mut client = InteractionServiceClient::new(self.channel.clone());
            let answer = client
                .record_interactions(recording(vec![interaction]))
                .await
                .map(Response::into_inner);
            self.note(Kind::Write, began, &answer);
            if let Ok(response) = answer {
                let outcome = response.results[0].outcome();
                if outcome != InteractionOutcome::Recorded {
                    self.wrong(format!("{event}: {outcome:?}"));
                }
                written[own] += 1;
                {
                    let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
                    notes
                        .acknowledged
                        .entry(who.clone())
                        .or_default()
                        .push(event);
                }
                let options = ReadOptions {
                    tokens: vec![response.token],
                    ..ReadOptions::default()
                };
                if let Ok(answer) = self.ask(Kind::Read, &who, options).await {
                    let total = answer.profile.unwrap().interactions_total;
                    if total < written[own] {
                        self.wrong(format!("{who} has {total} and not {}", written[own]));
                    }
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Asks for those whom everybody knows.
    async fn read(self, kind: Kind) {
        let mut n = 0;
        while !self.over.load(Ordering::Relaxed) {
            let options = ReadOptions {
                allow_stale: kind == Kind::Stale,
                ..ReadOptions::default()
            };
            let who = known(n % KNOWN);
            n += 1;
            if let Ok(answer) = self.ask(kind, &who, options).await
                && answer.profile.unwrap().interactions_total != 1
            {
                self.wrong(format!("{who} is another"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
