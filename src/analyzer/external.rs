//! The call to an analyzer, within its limits.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Semaphore, SemaphorePermit};
use tonic::{
    Code, Request, Status,
    transport::{Channel, ClientTlsConfig, Endpoint},
};

use super::answer::{self, Checked};
use crate::{
    breaker::{Admission, Breaker, End, Shown},
    proto::{
        analyzer::v1::{
            AnalyzeRequest, AnalyzeResponse, CustomerText,
            analyzer_service_client::AnalyzerServiceClient,
        },
        v1::Analysis,
    },
    telemetry::names,
};

/// Bytes of an answer at most: so many, and so many more for each text.
const ANSWER_BYTES: usize = 64 << 10;

/// As [`ANSWER_BYTES`].
const TEXT_ANSWER_BYTES: usize = 2 << 10;

/// How often a connection with calls on it is tried, and how long the answer may take: half-open ones are noticed.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// How an analyzer is called.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is, `http://host:port` or `https://host:port`.
    pub url: String,
    /// How long it may take for all texts of a call.
    pub timeout: Duration,
    /// How long it is left alone after it failed; longer when it goes on failing.
    pub pause: Duration,
    /// Calls at a time; one more is not made.
    pub calls: usize,
}

/// Why an analyzer cannot be called.
#[derive(Debug, thiserror::Error)]
#[error("analyzer.url cannot be used: {0}")]
pub struct Unusable(#[from] tonic::transport::Error);

/// A text to ask about.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The text.
    pub text: &'a str,
    /// Through what it came.
    pub channel: &'a str,
    /// Its language, as the protocol names it.
    pub language: &'a str,
}

impl std::fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What customers write never reaches a log.
        write!(f, "Asked({} bytes)", self.text.len())
    }
}

/// An analyzer of the operator's own.
#[derive(Debug)]
pub struct External {
    client: AnalyzerServiceClient<Channel>,
    timeout: Duration,
    turns: Semaphore,
    breaker: Mutex<Breaker>,
    begun: Instant,
}

impl External {
    /// Ready to call; the connection is made when it is first used, and again when it breaks.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn new(options: &Options) -> Result<Self, Unusable> {
        let mut endpoint = Endpoint::from_shared(options.url.clone())?
            .connect_timeout(options.timeout)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE);
        if options.url.starts_with("https://") {
            endpoint = endpoint.tls_config(ClientTlsConfig::new().with_enabled_roots())?;
        }
        let external = Self {
            client: AnalyzerServiceClient::new(endpoint.connect_lazy()),
            timeout: options.timeout,
            turns: Semaphore::new(options.calls),
            breaker: Mutex::new(Breaker::new(options.pause)),
            begun: Instant::now(),
        };
        show(Shown::Closed);
        Ok(external)
    }

    /// What the analyzer says of some texts, for each in their order; `None` where it says nothing that can be used. Takes
    /// no longer than the timeout, and never fails.
    #[tracing::instrument(name = "analyzer.call", skip_all, fields(texts = asked.len(), outcome = tracing::field::Empty))]
    pub async fn analyze(&self, asked: &[Asked<'_>]) -> Vec<Option<Analysis>> {
        let nothing = || vec![None; asked.len()];
        if asked.is_empty() {
            return nothing();
        }
        let turn = match self.turn() {
            Ok(turn) => turn,
            Err(outcome) => {
                note(outcome);
                return nothing();
            }
        };
        let begun = Instant::now();
        let called = tokio::time::timeout(self.timeout, self.call(asked)).await;
        metrics::histogram!(names::ANALYZER_SECONDS).record(begun.elapsed().as_secs_f64());
        let (outcome, code, answers) = match called {
            Err(_) => ("timeout", Code::DeadlineExceeded, None),
            Ok(Err(status)) if timed_out(&status) => ("timeout", status.code(), None),
            Ok(Err(status)) => ("failed", status.code(), None),
            Ok(Ok(response)) => match read(asked, response) {
                Some(answers) => ("answered", Code::Ok, Some(answers)),
                None => ("invalid", Code::Ok, None),
            },
        };
        note(outcome);
        let end = match answers {
            Some(_) => End::Well,
            None => End::Badly,
        };
        turn.ended(end, (outcome, code));
        answers.unwrap_or_else(nothing)
    }

    async fn call(&self, asked: &[Asked<'_>]) -> Result<AnalyzeResponse, Status> {
        let texts = asked.iter().map(|asked| CustomerText {
            text: asked.text.to_owned(),
            channel: asked.channel.to_owned(),
            language_hint: asked.language.to_owned(),
        });
        let mut request = Request::new(AnalyzeRequest {
            texts: texts.collect(),
        });
        request.set_timeout(self.timeout);
        let most = ANSWER_BYTES + asked.len() * TEXT_ANSWER_BYTES;
        let mut client = self.client.clone().max_decoding_message_size(most);
        Ok(client.analyze(request).await?.into_inner())
    }

    /// A place among those who call, unless the breaker is open or the places are taken: the outcome says which.
    fn turn(&self) -> Result<Turn<'_>, &'static str> {
        let permit = self.turns.try_acquire().map_err(|_| "busy")?;
        let admission = self.with_breaker(Breaker::admit);
        Ok(Turn {
            external: self,
            admission: Some(admission.ok_or("open")?),
            _permit: permit,
        })
    }

    /// Something done to the breaker; what it is afterwards is shown, and said once when it changes.
    fn with_breaker<T>(&self, work: impl FnOnce(&mut Breaker, Duration) -> T) -> T {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let before = breaker.shown();
        let done = work(&mut breaker, self.begun.elapsed());
        let after = breaker.shown();
        drop(breaker);
        if after != before {
            show(after);
        }
        done
    }
}

fn timed_out(status: &Status) -> bool {
    // The deadline goes with the call, so it may be the analyzer, or the channel, that notices.
    matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled)
}

/// A call that is made. When it is dropped without an end, nobody knows how it went.
struct Turn<'a> {
    external: &'a External,
    admission: Option<Admission>,
    _permit: SemaphorePermit<'a>,
}

impl Turn<'_> {
    fn ended(mut self, end: End, (outcome, code): (&'static str, Code)) {
        let Some(admission) = self.admission.take() else {
            return;
        };
        let (before, after) = self.external.with_breaker(|breaker, now| {
            let before = breaker.shown();
            breaker.ended(admission, end, now);
            (before, breaker.shown())
        });
        if (before, after) == (Shown::Closed, Shown::Open) {
            tracing::warn!(outcome, code = ?code, "the external analyzer fails and is left alone for a while");
        } else if (before, after) == (Shown::Probing, Shown::Closed) {
            tracing::info!("the external analyzer answers again");
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(admission) = self.admission.take() {
            self.external
                .with_breaker(|breaker, now| breaker.ended(admission, End::Unknown, now));
        }
    }
}

/// What can be used of an answer; `None` when that is nothing although it should be.
fn read(asked: &[Asked<'_>], response: AnalyzeResponse) -> Option<Vec<Option<Analysis>>> {
    let count = |outcome: &'static str, texts: usize| {
        metrics::counter!(names::ANALYZER_TEXTS, "outcome" => outcome)
            .increment(u64::try_from(texts).unwrap_or(u64::MAX));
    };
    let version = answer::version(response.model_version);
    let Some(version) = version.filter(|_| response.texts.len() == asked.len()) else {
        count("dropped", asked.len());
        return None;
    };
    let (mut sound, mut abstained, mut dropped, mut silent) = (0, 0, 0, 0);
    let mut answers = Vec::with_capacity(asked.len());
    for (asked, answer) in asked.iter().zip(response.texts) {
        let says_nothing = answer.outcome.is_none();
        answers.push(
            match answer::check(answer, asked.text, asked.language, version) {
                Checked::Sound(analysis) => {
                    sound += 1;
                    Some(analysis)
                }
                Checked::Abstained(analysis) => {
                    abstained += 1;
                    Some(analysis)
                }
                Checked::Dropped if says_nothing => {
                    silent += 1;
                    None
                }
                Checked::Dropped => {
                    dropped += 1;
                    None
                }
            },
        );
    }
    for (outcome, texts) in [
        ("stored", sound),
        ("abstained", abstained),
        ("dropped", dropped),
        ("silent", silent),
    ] {
        if texts > 0 {
            count(outcome, texts);
        }
    }
    (dropped < asked.len()).then_some(answers)
}

fn note(outcome: &'static str) {
    metrics::counter!(names::ANALYZER_CALLS, "outcome" => outcome).increment(1);
    tracing::Span::current().record("outcome", outcome);
}

fn show(shown: Shown) {
    for (state, name) in [
        (Shown::Closed, "closed"),
        (Shown::Open, "open"),
        (Shown::Probing, "probing"),
    ] {
        let now = if shown == state { 1.0 } else { 0.0 };
        metrics::gauge!(names::ANALYZER_BREAKER, "state" => name).set(now);
    }
}
