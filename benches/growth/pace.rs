//! Calls at a steady rate from a thread that does nothing else: each is begun when it is due, however many are under way, and its time
//! counts from then. The timers of a runtime are a millisecond apart, which is more than some of what is measured.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::load::{Questions, Target};

/// What became of the calls.
pub(crate) struct Paced {
    /// How long each waited from when it was due, in microseconds.
    pub(crate) waited: Histogram<u64>,
    pub(crate) failed: u64,
}

impl Paced {
    /// Milliseconds within which this part of the answers came.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        Duration::from_micros(self.waited.value_at_quantile(part)).as_secs_f64() * 1e3
    }
}

/// Asks so many times a second until the time is up, from the question `first` on.
pub(crate) async fn paced(
    target: &Target,
    questions: &Questions,
    first: u64,
    each_second: f64,
    limit: Duration,
) -> Paced {
    let (sender, mut answers) = tokio::sync::mpsc::unbounded_channel();
    let (target, questions) = (target.clone(), questions.clone());
    let runtime = tokio::runtime::Handle::current();
    let begun = Instant::now();
    let asking = std::thread::spawn(move || {
        for number in 0_u32.. {
            let due = Duration::from_secs_f64(f64::from(number) / each_second);
            if due >= limit {
                return;
            }
            if let Some(early) = due.checked_sub(begun.elapsed()) {
                std::thread::sleep(early);
            }
            let (target, sender) = (target.clone(), sender.clone());
            let question = questions.get(first + u64::from(number));
            let connection = usize::try_from(number).unwrap();
            runtime.spawn(async move {
                let answered = target.call(connection, question).await.is_ok();
                let waited = begun.elapsed().saturating_sub(due);
                // Whoever asked is there until the last answer.
                let _ = sender.send((waited, answered));
            });
        }
    });
    let mut paced = Paced {
        waited: Histogram::new_with_bounds(1, 60_000_000, 3).unwrap(),
        failed: 0,
    };
    while let Some((waited, answered)) = answers.recv().await {
        if answered {
            let micros = u64::try_from(waited.as_micros()).unwrap();
            paced.waited.saturating_record(micros);
        } else {
            paced.failed += 1;
        }
    }
    asking.join().unwrap();
    paced
}
