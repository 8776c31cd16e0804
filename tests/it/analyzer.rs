//! An analyzer of the operator's own: real calls over loopback, to one that answers, dawdles, talks nonsense, fails or dies.

mod anew;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use customer_profile::{
    profile::feelings::counted,
    proto::{
        analyzer::v1::{
            Abstention, AnalyzeRequest, AnalyzeResponse, AnalyzedText, CustomerText, TextAnalysis,
            analyzed_text::Outcome,
            analyzer_service_server::{AnalyzerService, AnalyzerServiceServer},
        },
        v1::{
            AnalysisMethod, CallerSentiment, Direction, EvidenceKind, EvidenceSpan, Feeling,
            Interaction,
        },
    },
    sentiment::Reader,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::harness::{
    Database, Random, Service,
    calls::retracting,
    in_full, make, population,
    pure::{self, Heard},
    say, send,
    wait::until,
};

/// What an analyzer does with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Answers.
    Answers,
    /// Answers when nobody waits any more.
    Dawdles,
    /// Fails.
    Fails,
    /// Answers what cannot be.
    Raves,
    /// Any of these, by turns that nobody can foresee.
    Whims,
}

struct Analyzer {
    manner: Mutex<Manner>,
    random: Mutex<Random>,
    calls: AtomicUsize,
    seen: Mutex<Vec<CustomerText>>,
    version: u32,
}

/// What a text says: by its bytes, so that it is always the same.
fn judged(text: &str) -> AnalyzedText {
    let sum: u32 = text.bytes().map(u32::from).sum();
    if sum.is_multiple_of(7) {
        return AnalyzedText {
            outcome: Some(Outcome::Abstained(Abstention {})),
        };
    }
    let first = text.chars().next().map_or(0, char::len_utf8);
    let analysis = TextAnalysis {
        feeling: Some(Feeling {
            polarity: f64::from(sum % 201) / 100.0 - 1.0,
            confidence: 0.75,
            ..Feeling::default()
        }),
        leaving: sum.is_multiple_of(5),
        emotions: vec![1],
        spans: vec![EvidenceSpan {
            start: 0,
            end: u32::try_from(first).unwrap(),
            kind: EvidenceKind::Negative.into(),
            ..EvidenceSpan::default()
        }],
        ..TextAnalysis::default()
    };
    AnalyzedText {
        outcome: Some(Outcome::Analysis(analysis)),
    }
}

#[tonic::async_trait]
impl AnalyzerService for Analyzer {
    async fn analyze(
        &self,
        request: Request<AnalyzeRequest>,
    ) -> Result<Response<AnalyzeResponse>, Status> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let mut names: Vec<String> = request
            .metadata()
            .keys()
            .map(|key| format!("{key:?}"))
            .collect();
        names.sort();
        assert!(
            names.iter().all(|name| !name.contains("x-")),
            "nothing of ours goes with it: {names:?}"
        );
        let texts = request.into_inner().texts;
        self.seen.lock().unwrap().extend(texts.iter().cloned());
        let mut answer = AnalyzeResponse {
            texts: texts.iter().map(|one| judged(&one.text)).collect(),
            model_version: self.version,
        };
        let (manner, turn) = {
            let manner = *self.manner.lock().unwrap();
            let mut random = self.random.lock().unwrap();
            let whims = [
                Manner::Answers,
                Manner::Answers,
                Manner::Answers,
                Manner::Dawdles,
                Manner::Fails,
                Manner::Raves,
            ];
            let manner = match manner {
                Manner::Whims => *random.pick(&whims),
                other => other,
            };
            (manner, random.below(4))
        };
        match (manner, turn) {
            (Manner::Answers | Manner::Whims, _) => (),
            (Manner::Dawdles, _) => tokio::time::sleep(Duration::from_secs(2)).await,
            (Manner::Fails, _) => return Err(Status::internal("a secret text of a customer")),
            (Manner::Raves, 0) => answer.model_version = 0,
            (Manner::Raves, 1) => answer.texts.push(AnalyzedText::default()),
            (Manner::Raves, _) => {
                for one in &mut answer.texts {
                    if let Some(Outcome::Analysis(said)) = &mut one.outcome {
                        said.spans[0].end += 1_000_000;
                    } else {
                        let feeling = Some(Feeling::default());
                        one.outcome = Some(Outcome::Analysis(TextAnalysis {
                            feeling,
                            ..TextAnalysis::default()
                        }));
                    }
                }
            }
        }
        Ok(Response::new(answer))
    }
}

/// A server of it that can die.
struct Host {
    analyzer: Arc<Analyzer>,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Host {
    async fn start(manner: Manner) -> Self {
        let analyzer = Arc::new(Analyzer {
            manner: Mutex::new(manner),
            random: Mutex::new(Random::new(5)),
            calls: AtomicUsize::new(0),
            seen: Mutex::default(),
            version: 7,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = serve(listener, &analyzer);
        Self {
            analyzer,
            address,
            serving,
        }
    }

    async fn service(&self, more: &[(&str, &str)]) -> Service {
        let url = self.url();
        Service::with(Database::new().await, &settings(&url, more)).await
    }

    /// A service whose own analyzer is somebody's.
    async fn reading(&self, database: Database, more: &[(&str, &str)], reader: Reader) -> Service {
        let url = self.url();
        Service::reading(database, &settings(&url, more), reader).await
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn behave(&self, manner: Manner) {
        *self.analyzer.manner.lock().unwrap() = manner;
    }

    fn calls(&self) -> usize {
        self.analyzer.calls.load(Ordering::SeqCst)
    }
}

fn settings<'a>(url: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![
        ("CUSTOMER_PROFILE_ANALYZER__URL", url),
        ("CUSTOMER_PROFILE_ANALYZER__PAUSE_MS", "300"),
        // Longer than a busy machine takes.
        ("CUSTOMER_PROFILE_ANALYZER__TIMEOUT_MS", "8000"),
    ];
    all.extend(more);
    all
}

fn serve(listener: TcpListener, analyzer: &Arc<Analyzer>) -> JoinHandle<()> {
    let service = AnalyzerServiceServer::from_arc(Arc::clone(analyzer));
    tokio::spawn(async move {
        tonic::transport::Server::builder()
            .add_service(service)
            .serve_with_incoming(TcpListenerStream::new(listener))
            .await
            .unwrap();
    })
}

fn saying(event_id: &str, who: &str, text: &str) -> Interaction {
    Interaction {
        channel: "chat".into(),
        text: Some(text.into()),
        ..make::seen(event_id, 10, &[who])
    }
}

fn methods(heard: &Heard) -> HashMap<AnalysisMethod, usize> {
    let mut counts = HashMap::new();
    for analysis in heard.values().flatten() {
        *counts.entry(analysis.method()).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn its_word_counts_before_the_built_in_one_and_after_the_callers() {
    let host = Host::start(Manner::Answers).await;
    let service = host.service(&[]).await;
    let interactions = vec![
        saying("1", "customer_id=ana-1", "もう解約します"),
        Interaction {
            sentiment: Some(CallerSentiment {
                polarity: 0.5,
                confidence: None,
                method: "agent".into(),
            }),
            ..saying("2", "customer_id=ana-2", "thank you")
        },
        Interaction {
            direction: Direction::Outbound.into(),
            ..saying("3", "customer_id=ana-3", "our own words")
        },
        make::seen("4", 10, &["customer_id=ana-4"]),
    ];
    service.record_all(interactions.clone()).await;
    let seen = host.analyzer.seen.lock().unwrap().clone();
    let sent: Vec<_> = seen
        .iter()
        .map(|t| (t.text.as_str(), t.channel.as_str()))
        .collect();
    assert_eq!(
        sent,
        [("もう解約します", "chat"), ("thank you", "chat")],
        "what customers say, and nothing else, in one call"
    );
    assert_eq!(host.calls(), 1);
    let heard = pure::stored_analyses(&service.database).await;
    assert_eq!(
        methods(&heard),
        [(AnalysisMethod::External, 2), (AnalysisMethod::BuiltIn, 2)].into()
    );
    let external = heard.values().flatten();
    let mut external = external.filter(|one| one.method() == AnalysisMethod::External);
    assert!(external.all(|one| one.model_version == 7));
    for (interaction, wanted) in interactions
        .iter()
        .zip([AnalysisMethod::External, AnalysisMethod::Caller])
    {
        let one = &pure::unread(std::slice::from_ref(interaction))[0];
        let counts = counted(&one.message, &heard[&one.id]).unwrap();
        assert_eq!(counts.method, wanted);
    }
    let expected = pure::expected_hearing(&interactions, &[], &heard);
    assert_eq!(service.digest("default").await, expected.digest);
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_it_does_everything_is_recorded_and_the_laws_hold() {
    let (count, people) = if in_full() {
        (9_000, 1_500)
    } else {
        (900, 150)
    };
    let host = Host::start(Manner::Whims).await;
    let patience = [
        ("CUSTOMER_PROFILE_ANALYZER__TIMEOUT_MS", "60"),
        ("CUSTOMER_PROFILE_ANALYZER__PAUSE_MS", "100"),
        ("CUSTOMER_PROFILE_ANALYZER__CALLS", "3"),
    ];
    let service = host.service(&patience).await;
    let mut interactions = population::interactions(81, count, people);
    Random::new(8).shuffle(&mut interactions);
    let sending: Vec<_> = interactions
        .chunks(count / 6)
        .enumerate()
        .map(|(n, part)| {
            let client = service.interactions();
            let batches: Vec<_> = part.chunks(5).map(<[_]>::to_vec).collect();
            tokio::spawn(async move {
                if n % 2 == 0 {
                    send::stream(client, batches).await
                } else {
                    send::unary(client, batches).await
                }
            })
        })
        .collect();
    for sent in sending {
        assert_eq!(sent.await.unwrap().others, Vec::<String>::new());
    }
    let heard = pure::stored_analyses(&service.database).await;
    let by_method = methods(&heard);
    let external = by_method[&AnalysisMethod::External];
    say(format_args!(
        "analyzer: {by_method:?}, {} calls",
        host.calls()
    ));
    assert_eq!(by_method[&AnalysisMethod::BuiltIn], heard.len());
    assert!(external > 0 && external < heard.len(), "{by_method:?}");
    let expected = pure::expected_hearing(&interactions, &[], &heard);
    assert_eq!(service.digest("default").await, expected.digest);
    service.assert_agrees().await;

    // Whoever sends again hears DUPLICATE, and what is stored stays.
    host.behave(Manner::Answers);
    let again = send::unary(
        service.interactions(),
        vec![interactions.clone()[..500].to_vec()],
    );
    assert_eq!(again.await.duplicates, 500);
    assert_eq!(service.digest("default").await, expected.digest);

    // What is taken out leaves no trace.
    let gone: Vec<_> = interactions.split_off(count - count / 10);
    for (n, one) in gone.iter().enumerate() {
        let mut request = retracting(&format!("r{n}"), &[&one.event_id]);
        if let Some(
            customer_profile::proto::v1::retract_interactions_request::Selection::References(of),
        ) = &mut request.selection
        {
            of.references[0].source.clone_from(&one.source);
        }
        assert_eq!(service.retract(request).await.unwrap().retracted, 1);
    }
    let expected = pure::expected_hearing(&interactions, &[], &heard);
    assert_eq!(service.digest("default").await, expected.digest);
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_answers_gives_the_same_digest_in_any_order() {
    let host = Host::start(Manner::Answers).await;
    let mut interactions = population::interactions(82, 300, 40);
    let mut digests = Vec::new();
    for size in [100, 7] {
        let service = host.service(&[]).await;
        let batches = interactions.chunks(size).map(<[_]>::to_vec).collect();
        let tally = send::unary(service.interactions(), batches).await;
        assert_eq!((tally.recorded, tally.others), (300, vec![]));
        digests.push(service.digest("default").await);
        service.assert_agrees().await;
        service.stop().await;
        Random::new(3).shuffle(&mut interactions);
    }
    assert_eq!(digests[0], digests[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_is_left_alone_and_tried_again() {
    let host = Host::start(Manner::Fails).await;
    let pause = ("CUSTOMER_PROFILE_ANALYZER__PAUSE_MS", "3000");
    let service = host.service(&[pause]).await;
    let mut n = 0;
    let mut record = async || {
        n += 1;
        let one = saying(&format!("{n}"), "customer_id=ana-1", "so slow again");
        service.record_all(vec![one]).await;
    };
    for _ in 0..12 {
        record().await;
    }
    assert_eq!(host.calls(), 5, "after five failures nobody calls");
    tokio::time::sleep(Duration::from_millis(3_100)).await;
    record().await;
    record().await;
    assert_eq!(host.calls(), 6, "one probe, which fails");
    host.behave(Manner::Answers);
    tokio::time::sleep(Duration::from_millis(6_100)).await;
    for _ in 0..5 {
        record().await;
    }
    assert_eq!(
        host.calls(),
        11,
        "the probe goes well, and so do the others"
    );
    let heard = pure::stored_analyses(&service.database).await;
    assert_eq!(
        methods(&heard),
        [(AnalysisMethod::External, 5), (AnalysisMethod::BuiltIn, 19)].into()
    );
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_dies_holds_up_nobody_and_is_found_when_it_is_back() {
    let mut host = Host::start(Manner::Answers).await;
    let service = host.service(&[]).await;
    service
        .record_all(vec![saying("1", "customer_id=ana-1", "first words")])
        .await;
    assert_eq!(host.calls(), 1);
    host.serving.abort();
    let _ = (&mut host.serving).await;
    for n in 0..8 {
        let begun = std::time::Instant::now();
        let one = saying(&format!("dead {n}"), "customer_id=ana-1", "nobody listens");
        service.record_all(vec![one]).await;
        assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits");
    }
    let listener = TcpListener::bind(host.address).await.unwrap();
    host.serving = serve(listener, &host.analyzer);
    let mut n = 0;
    until("it is called again", async || {
        n += 1;
        let one = saying(&format!("back {n}"), "customer_id=ana-1", "heard again");
        service.record_all(vec![one]).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        host.calls() > 1
    })
    .await;
    service.assert_agrees().await;
    service.stop().await;
}
