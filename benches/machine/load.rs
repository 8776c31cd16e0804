//! Calls whose messages are bytes on both sides, so that a caller costs the same whatever it asks: as fast as they are answered,
//! or at a steady rate.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use customer_profile::cli::client;
use hdrhistogram::Histogram;
use http::uri::PathAndQuery;
use prost::bytes::{Buf as _, BufMut as _, Bytes};
use tonic::{
    Code, Request, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Channel,
};
use tonic_types::StatusExt as _;

/// Connections, and calls under way on each unless more are wanted.
const CONNECTIONS: usize = 4;
const EACH: usize = 8;

/// Messages as they are.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

/// Where something is called, and as whom.
#[derive(Clone)]
pub(crate) struct Target {
    channels: Vec<Channel>,
    path: PathAndQuery,
    tenant: Option<&'static str>,
    /// Calls under way on each connection.
    each: usize,
}

impl Target {
    pub(crate) fn new(url: &str, path: &str) -> Self {
        Self {
            channels: (0..CONNECTIONS)
                .map(|_| client::channel(url).unwrap())
                .collect(),
            path: path.parse().unwrap(),
            tenant: None,
            each: EACH,
        }
    }

    /// With so many calls under way on each connection.
    pub(crate) fn with(mut self, each: usize) -> Self {
        self.each = each;
        self
    }

    /// As a tenant of this name.
    pub(crate) fn of_tenant(mut self, tenant: &'static str) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// Asks until it is answered, and comes again when it is told to; answers 1.
    pub(crate) async fn patient(&self, connection: usize, message: Bytes) -> u64 {
        loop {
            match self.call(connection, message.clone()).await {
                Ok(_) => return 1,
                Err(status) => {
                    let details = status.get_error_details();
                    let after = details.retry_info().and_then(|info| info.retry_delay);
                    let again = after.filter(|_| status.code() == Code::ResourceExhausted);
                    let after = again.ok_or(status).unwrap();
                    tokio::time::sleep(after).await;
                }
            }
        }
    }

    /// One call over the nth connection.
    pub(crate) async fn call(&self, connection: usize, message: Bytes) -> Result<Bytes, Status> {
        let channel = self.channels[connection % self.channels.len()].clone();
        let mut caller = tonic::client::Grpc::new(channel).max_decoding_message_size(usize::MAX);
        caller
            .ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let mut request = Request::new(message);
        if let Some(tenant) = self.tenant {
            let tenant = tonic::metadata::MetadataValue::from_static(tenant);
            request.metadata_mut().insert("x-tenant-id", tenant);
        }
        let answer = caller.unary(request, self.path.clone(), Raw).await?;
        Ok(answer.into_inner())
    }
}

/// What is asked: one of these messages after the other, in this order and then from the beginning.
#[derive(Clone)]
pub(crate) struct Questions {
    messages: Arc<Vec<Bytes>>,
    order: Arc<Vec<u32>>,
}

impl Questions {
    pub(crate) fn new(messages: Arc<Vec<Bytes>>, order: Vec<u32>) -> Self {
        Self {
            messages,
            order: Arc::new(order),
        }
    }

    /// The same in another order.
    pub(crate) fn in_order(&self, order: Vec<u32>) -> Self {
        Self::new(Arc::clone(&self.messages), order)
    }

    pub(crate) fn len(&self) -> u64 {
        u64::try_from(self.order.len()).unwrap()
    }

    pub(crate) fn get(&self, number: u64) -> Bytes {
        let at = usize::try_from(number % self.len()).unwrap();
        let message = usize::try_from(self.order[at]).unwrap();
        self.messages[message].clone()
    }
}

/// Asks as fast as answers come until the time is up or `most` were asked, from the question `first` on; answers with calls a
/// second and the number of the next question.
pub(crate) async fn flat_out(
    target: &Target,
    questions: &Questions,
    (first, most): (u64, u64),
    limit: Duration,
) -> (f64, u64) {
    let next = Arc::new(AtomicU64::new(first));
    let begun = Instant::now();
    let callers: Vec<_> = (0..CONNECTIONS * target.each)
        .map(|caller| {
            let (target, questions, next) = (target.clone(), questions.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                let mut answered = 0_u64;
                while begun.elapsed() < limit {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number - first >= most {
                        break;
                    }
                    answered += target.patient(caller, questions.get(number)).await;
                }
                answered
            })
        })
        .collect();
    let mut answered = 0;
    for caller in callers {
        answered += caller.await.unwrap();
    }
    let rate = rate(answered, begun.elapsed());
    (rate, next.load(Ordering::Relaxed))
}

/// Asks at a steady rate of calls a second until the time is up; answers with how long each waited from when it was due, in
/// microseconds.
pub(crate) async fn paced(
    target: &Target,
    questions: &Questions,
    first: u64,
    each_second: f64,
    limit: Duration,
) -> (Histogram<u64>, u64) {
    let calls = CONNECTIONS * target.each * 8;
    let every = Duration::from_secs_f64(1.0 / each_second);
    let next = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let callers: Vec<_> = (0..calls)
        .map(|caller| {
            let (target, questions, next) = (target.clone(), questions.clone(), Arc::clone(&next));
            tokio::spawn(async move {
                let mut waited = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let due = every.mul_f64(f64::from(u32::try_from(number).unwrap()));
                    if due > limit {
                        return waited;
                    }
                    tokio::time::sleep_until((begun + due).into()).await;
                    let question = questions.get(first + number);
                    target.patient(caller, question).await;
                    waited.push(begun.elapsed().saturating_sub(due));
                }
            })
        })
        .collect();
    let mut times = Histogram::new_with_bounds(1, 60_000_000, 3).unwrap();
    for caller in callers {
        for waited in caller.await.unwrap() {
            times.saturating_record(u64::try_from(waited.as_micros()).unwrap());
        }
    }
    (times, first + next.load(Ordering::Relaxed))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn rate(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The median of what one was, round by round, to the other.
pub(crate) fn ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
    median(&ratios)
}
