//! Calls that are made again until they succeed or there is no sense in it.
//!
//! A call is made again when the service asks for it (unavailable, aborted, resource exhausted), when the connection
//! breaks, and when no answer comes in time. Every call of an import may be made again as it was: rows are named by their
//! event ids and an undo by its operation id.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use tonic::Status;

use super::super::error::{ImportError, describe, is_turned_away, retry_after};

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(30);
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

/// Makes calls again for at most this long without getting anywhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retry {
    pub(crate) give_up_after: Duration,
}

/// An answer, and whether a try before it began and failed: what that one did is then not known.
#[derive(Debug)]
pub(crate) struct Answered<T> {
    pub(crate) answer: T,
    pub(crate) tried_before: bool,
}

impl Retry {
    /// Calls until there is an answer.
    pub(crate) async fn call<T, F>(
        &self,
        mut attempt: impl FnMut() -> F,
    ) -> Result<Answered<T>, ImportError>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let started = Instant::now();
        let mut tries = 0_u32;
        let mut tried_before = false;
        loop {
            let left = self.give_up_after.saturating_sub(started.elapsed());
            let patience = PATIENCE.min(left.max(SHORTEST));
            let (asked, last) = match tokio::time::timeout(patience, attempt()).await {
                Ok(Ok(answer)) => {
                    return Ok(Answered {
                        answer,
                        tried_before,
                    });
                }
                Ok(Err(status)) => match retry_after(&status) {
                    None => return Err(ImportError::Refused(Box::new(status))),
                    Some(asked) => {
                        tried_before |= !is_turned_away(&status);
                        (asked, describe(&status))
                    }
                },
                Err(_) => {
                    tried_before = true;
                    let said = format!("none within {patience:.0?}");
                    (Duration::ZERO, said)
                }
            };
            let pause = asked.max(backoff(tries));
            let waited = started.elapsed();
            if waited + pause > self.give_up_after {
                return Err(ImportError::GaveUp { waited, last });
            }
            tokio::time::sleep(pause).await;
            tries += 1;
        }
    }
}

fn backoff(tries: u32) -> Duration {
    SHORTEST
        .saturating_mul(2_u32.saturating_pow(tries))
        .min(LONGEST)
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, collections::HashMap};

    use tonic::Code;
    use tonic_types::{ErrorDetails, StatusExt as _};

    use super::*;

    async fn failing(times: u32, status: Status) -> Result<Answered<()>, ImportError> {
        let left = Cell::new(times);
        let retry = Retry {
            give_up_after: Duration::from_millis(400),
        };
        retry
            .call(|| {
                let fails = left.get() > 0;
                left.set(left.get().saturating_sub(1));
                let status = status.clone();
                async move { if fails { Err(status) } else { Ok(()) } }
            })
            .await
    }

    #[tokio::test]
    async fn a_call_is_made_again_until_it_succeeds_and_says_so() {
        assert!(
            !failing(0, Status::unavailable("x"))
                .await
                .unwrap()
                .tried_before
        );
        assert!(
            failing(2, Status::unavailable("x"))
                .await
                .unwrap()
                .tried_before
        );
    }

    #[tokio::test]
    async fn a_call_that_was_turned_away_was_not_tried() {
        let details = ErrorDetails::with_error_info("overloaded", "d", HashMap::new());
        let status = Status::with_error_details(Code::ResourceExhausted, "busy", details);
        assert!(!failing(2, status).await.unwrap().tried_before);
    }

    #[tokio::test]
    async fn a_call_is_given_up_with_the_last_answer() {
        let error = failing(u32::MAX, Status::aborted("later"))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, ImportError::GaveUp { last, .. } if last == "Aborted: later"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_refusal_is_final() {
        let error = failing(1, Status::permission_denied("no"))
            .await
            .unwrap_err();
        assert!(matches!(error, ImportError::Refused(_)), "{error}");
    }

    #[test]
    fn pauses_grow_to_a_bound() {
        assert_eq!(backoff(0), SHORTEST);
        assert_eq!(backoff(3), Duration::from_millis(400));
        assert_eq!(backoff(u32::MAX), LONGEST);
    }
}
