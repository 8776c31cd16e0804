//! Instances that are restarted one after another, as a new release is rolled out, while callers go on.
//!
//! Callers know all instances, and do what clients of gRPC do: a call that ends with UNAVAILABLE is made again, elsewhere.
//! Then none fails in the end, nothing is lost and nothing is there twice; and who hands on the token of a write reads it from
//! any other instance.

use std::{
    error::Error as _,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use customer_profile::{
    cli::client,
    proto::v1::{
        GetProfileRequest, InteractionOutcome, Profile, ReadOptions, StreamInteractionsRequest,
        interaction_service_client::InteractionServiceClient,
        profile_service_client::ProfileServiceClient,
    },
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, transport::Channel};

use crate::harness::{
    Database, Service,
    calls::{getting, recording},
    in_full, make,
    process::Process,
    say,
};

const INSTANCES: usize = 3;
const WRITERS: usize = 6;
const STREAMS: usize = 2;

/// How often a call is made before it has failed: once more than each instance can turn it away.
const ATTEMPTS: usize = 5;

/// Whether a call is made again elsewhere: UNAVAILABLE, and what other clients call so. This one says CANCELLED or UNKNOWN
/// of a connection that closes before a request is on it.
fn is_away(status: &Status) -> bool {
    let broken = || {
        status
            .source()
            .is_some_and(<dyn std::error::Error>::is::<tonic::transport::Error>)
    };
    status.code() == Code::Unavailable || broken()
}

/// What callers saw.
#[derive(Default)]
struct Seen {
    calls: AtomicUsize,
    again: AtomicUsize,
    interactions: AtomicUsize,
    slowest_ms: AtomicUsize,
}

/// Callers of all instances.
#[derive(Clone)]
struct Callers {
    channels: Vec<Channel>,
    seen: Arc<Seen>,
    over: Arc<AtomicBool>,
}

impl Callers {
    /// Makes a call at one instance after another until one answers.
    async fn call<T, F: Future<Output = Result<T, Status>>>(
        &self,
        first: usize,
        call: impl Fn(Channel) -> F,
    ) -> T {
        let begun = Instant::now();
        self.seen.calls.fetch_add(1, Ordering::Relaxed);
        let mut last = None;
        for attempt in 0..ATTEMPTS {
            let channel = self.channels[(first + attempt) % INSTANCES].clone();
            match call(channel).await {
                Ok(answer) => {
                    let took = usize::try_from(begun.elapsed().as_millis()).unwrap();
                    self.seen.slowest_ms.fetch_max(took, Ordering::Relaxed);
                    return answer;
                }
                Err(status) if is_away(&status) => {
                    self.seen.again.fetch_add(1, Ordering::Relaxed);
                    last = Some(status);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(status) => panic!("{status:?}"),
            }
        }
        panic!("nobody answered: {last:?}");
    }

    fn go_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    /// Writes for one customer in single calls, and reads each write elsewhere.
    async fn write(self, number: usize) {
        let who = format!("email=writer-{number}@example.com");
        let mut written = 0_i64;
        let mut version = 0;
        while self.go_on() {
            let round = usize::try_from(written).unwrap();
            let batch: Vec<_> = (0..3)
                .map(|n| make::seen(&format!("{number}/{round}/{n}"), written + n, &[&who]))
                .collect();
            let answer = self.call(number + round, |channel| {
                let mut client = InteractionServiceClient::new(channel);
                let request = recording(batch.clone());
                async move { client.record_interactions(request).await }
            });
            let answer = answer.await.into_inner();
            for result in &answer.results {
                // A call that was cut off may have been stored all the same.
                assert!(
                    [InteractionOutcome::Recorded, InteractionOutcome::Duplicate]
                        .contains(&result.outcome()),
                    "{result:?}"
                );
            }
            written += 3;
            self.seen.interactions.fetch_add(3, Ordering::Relaxed);
            let profile = self.read(number + round + 1, &who, answer.token).await;
            assert_eq!(profile.interactions_total, written, "{who}");
            assert!(profile.version > version, "{who}");
            version = profile.version;
        }
    }

    async fn read(&self, first: usize, who: &str, token: String) -> Profile {
        let request = GetProfileRequest {
            read_options: Some(ReadOptions {
                tokens: vec![token],
                ..ReadOptions::default()
            }),
            ..getting(who)
        };
        let answer = self.call(first, |channel| {
            let mut client = ProfileServiceClient::new(channel);
            let request = request.clone();
            async move { client.get_profile(request).await }
        });
        answer.await.into_inner().profile.unwrap()
    }

    /// Writes for one customer in a stream, which is opened elsewhere when it ends, from the first message on that was not
    /// acknowledged.
    async fn stream(self, number: usize) -> usize {
        let who = format!("email=stream-{number}@example.com");
        let message = |sequence: i64| StreamInteractionsRequest {
            sequence,
            interactions: vec![make::seen(
                &format!("s{number}/{sequence}"),
                sequence,
                &[&who],
            )],
            run_id: None,
        };
        let (mut acknowledged, mut opened) = (0_i64, 0_usize);
        while self.go_on() {
            let (sender, receiver) = mpsc::channel(16);
            let first = number + opened;
            opened += 1;
            assert!(opened < 10_000, "streams end at once");
            let channel = self.channels[first % INSTANCES].clone();
            let mut client = InteractionServiceClient::new(channel);
            let mut next = acknowledged + 1;
            let _ = sender.send(message(next)).await;
            let answers = client
                .stream_interactions(ReceiverStream::new(receiver))
                .await;
            let ended = match answers {
                Ok(answers) => {
                    let mut answers = answers.into_inner();
                    loop {
                        match answers.message().await {
                            Ok(Some(answer)) => {
                                assert_eq!(answer.sequence, acknowledged + 1);
                                acknowledged = answer.sequence;
                            }
                            Ok(None) => break None,
                            Err(status) => break Some(status),
                        }
                        if !self.go_on() {
                            break None;
                        }
                        next += 1;
                        let _ = sender.send(message(next)).await;
                    }
                }
                Err(status) => Some(status),
            };
            if let Some(status) = ended {
                // Told to connect again.
                assert!(is_away(&status), "{status:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        let stored = usize::try_from(acknowledged).unwrap();
        self.seen.interactions.fetch_add(stored, Ordering::Relaxed);
        opened
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_restarted_one_after_another_and_no_caller_notices() {
    let database = Database::new().await;
    let directories: Vec<_> = (0..INSTANCES)
        .map(|_| tempfile::tempdir().unwrap())
        .collect();
    let serve = async |number: usize| {
        let (database, at) = (database.clone(), directories[number].path().to_owned());
        let started = move || Process::serve_on(&database, &at);
        tokio::task::spawn_blocking(started).await.unwrap()
    };
    let mut instances = Vec::new();
    for number in 0..INSTANCES {
        instances.push(serve(number).await);
    }
    let callers = Callers {
        channels: instances
            .iter()
            .map(|instance| client::channel(&instance.url).unwrap())
            .collect(),
        seen: Arc::default(),
        over: Arc::default(),
    };
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| tokio::spawn(callers.clone().write(number)))
        .collect();
    let streams: Vec<_> = (0..STREAMS)
        .map(|number| tokio::spawn(callers.clone().stream(number)))
        .collect();
    let rounds = if in_full() { 5 } else { 1 };
    for _ in 0..rounds {
        for number in 0..INSTANCES {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let old = instances.remove(number);
            let ended = tokio::task::spawn_blocking(move || old.terminate());
            assert!(ended.await.unwrap().success());
            instances.insert(number, serve(number).await);
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    callers.over.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let mut opened = 0;
    for stream in streams {
        opened += stream.await.unwrap();
    }
    for instance in instances {
        let ended = tokio::task::spawn_blocking(move || instance.terminate());
        assert!(ended.await.unwrap().success());
    }
    let Seen {
        calls,
        again,
        interactions,
        slowest_ms,
    } = &*callers.seen;
    let stored = interactions.load(Ordering::Relaxed);
    say(format_args!(
        "rolling restart: {} restarts, {} calls, {} made again, slowest {} ms, {stored} interactions, {opened} streams",
        rounds * INSTANCES,
        calls.load(Ordering::Relaxed),
        again.load(Ordering::Relaxed),
        slowest_ms.load(Ordering::Relaxed),
    ));
    assert!(opened > STREAMS, "streams had to be opened again");
    let service = Service::with(database, &[]).await;
    let report = service.verify("default").await;
    assert_eq!(report.differences, 0);
    // What a stream had sent when all was over may be stored without having been acknowledged to us.
    let found = usize::try_from(report.interactions).unwrap();
    assert!(
        (stored..=stored + STREAMS * 2).contains(&found),
        "{found} of {stored}"
    );
    service.stop().await;
}
