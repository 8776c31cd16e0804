//! Calls at a steady rate, whatever becomes of those before.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use prost::bytes::Bytes;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::load::Target;

/// How often calls that are due are begun.
const TICK: Duration = Duration::from_millis(2);

/// What became of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    /// When it was due, from the beginning of the phase.
    pub(crate) due: Duration,
    /// From when it was due to its answer.
    pub(crate) took: Duration,
    pub(crate) became: Became,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Became {
    Answered,
    /// Told to back off, and when to come again.
    Refused,
    /// Told to back off, and not when to come again.
    RefusedForGood,
    Failed(Code),
}

/// What became of the calls of a phase.
pub(crate) struct Phase(pub(crate) Vec<Seen>);

impl Phase {
    pub(crate) fn count(&self, of: impl Fn(Became) -> bool) -> usize {
        self.0.iter().filter(|seen| of(seen.became)).count()
    }

    pub(crate) fn refused(&self) -> usize {
        self.count(|became| matches!(became, Became::Refused | Became::RefusedForGood))
    }

    /// Milliseconds below which this part of the answers came.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let mut times = Histogram::<u64>::new_with_bounds(1, 120_000_000, 3).unwrap();
        for seen in &self.0 {
            if seen.became == Became::Answered {
                times.saturating_record(u64::try_from(seen.took.as_micros()).unwrap());
            }
        }
        Duration::from_micros(times.value_at_quantile(part)).as_secs_f64() * 1e3
    }
}

/// Begins `each_second` calls for so long, and waits for all of them.
pub(crate) async fn offer(
    target: &Target,
    each_second: f64,
    lasting: Duration,
    message: impl Fn(u64) -> Bytes,
) -> Phase {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let begun = Instant::now();
    let mut calls = tokio::task::JoinSet::new();
    let mut ticks = tokio::time::interval(TICK);
    let mut number = 0_u32;
    while begun.elapsed() < lasting {
        ticks.tick().await;
        let now = begun.elapsed().min(lasting);
        loop {
            let due = Duration::from_secs_f64(f64::from(number) / each_second);
            if due >= now {
                break;
            }
            let (target, seen) = (target.clone(), Arc::clone(&seen));
            let message = message(u64::from(number));
            let connection = usize::try_from(number).unwrap();
            calls.spawn(async move {
                let became = match target.call(connection, message).await {
                    Ok(_) => Became::Answered,
                    Err(status) if status.code() == Code::ResourceExhausted => {
                        if status.get_details_retry_info().is_some() {
                            Became::Refused
                        } else {
                            Became::RefusedForGood
                        }
                    }
                    Err(status) => Became::Failed(status.code()),
                };
                let took = begun.elapsed().saturating_sub(due);
                seen.lock().unwrap().push(Seen { due, took, became });
            });
            number += 1;
        }
        while calls.try_join_next().is_some() {}
    }
    while let Some(ended) = calls.join_next().await {
        ended.unwrap();
    }
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    Phase(seen)
}
