//! A profile of as many identifiers as one may have: record, read, merge, separate and undo work, and others are served
//! beside it.
//!
//! Figures are printed as lines `figure NAME VALUE UNIT`: how long each step took, and what others waited beside the large
//! profile and without it. A thousand identifiers; ten thousand, which is the most, with
//! `CUSTOMER_PROFILE_TEST_SCALE=full`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use customer_profile::{
    identity::rules::SIZE_CAP,
    proto::v1::{
        DecisionOutcome, Interaction, ListIdentifiersRequest, MergeProfilesRequest,
        SeparateIdentifiersRequest, UndoDecisionRequest,
    },
};

use crate::harness::{
    Service,
    calls::{getting, listing, recording},
    in_full, make, say,
};

/// Identifiers of an interaction, and of a call to separate.
const AT_ONCE: usize = 32;
const CHOSEN: usize = 1_000;

const BIG: &str = "customer_id=big";
const SECOND: &str = "email=second@example.com";

fn size() -> usize {
    if in_full() { SIZE_CAP } else { 1_000 }
}

fn cookie(of: &str, n: usize) -> String {
    format!("cookie={}-{n}", of.split_once('=').unwrap().1)
}

/// Interactions from which someone has so many identifiers.
fn growing(who: &str, identifiers: usize) -> Vec<Interaction> {
    let cookies: Vec<String> = (1..identifiers).map(|n| cookie(who, n)).collect();
    let parts = cookies.chunks(AT_ONCE - 1).enumerate();
    parts
        .map(|(n, part)| {
            let named: Vec<&str> = [who]
                .into_iter()
                .chain(part.iter().map(String::as_str))
                .collect();
            make::seen(&format!("{who} {n}"), i64::try_from(n).unwrap(), &named)
        })
        .collect()
}

fn figure(name: &str, took: Duration) {
    let millis = took.as_secs_f64() * 1_000.0;
    say(format_args!("figure large_{name} {millis:.1} ms"));
}

/// Does something, and says how long it took.
async fn timed<T>(name: &str, work: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let done = work.await;
    figure(name, begun.elapsed());
    done
}

async fn merge(service: &Service, operation: &str) -> DecisionOutcome {
    let request = MergeProfilesRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        target: make::by(BIG),
        source: make::by(SECOND),
        dry_run: false,
    };
    let answer = service.identities().merge_profiles(request).await;
    answer.unwrap().into_inner().outcome.unwrap()
}

async fn undo(service: &Service, operation: &str, of: &str) -> DecisionOutcome {
    let request = UndoDecisionRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        decision_operation_id: of.into(),
        dry_run: false,
    };
    let answer = service.identities().undo_decision(request).await;
    answer.unwrap().into_inner().outcome.unwrap()
}

async fn separate(service: &Service, operation: &str, chosen: usize) -> DecisionOutcome {
    let request = SeparateIdentifiersRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        identifiers: (1..=chosen)
            .map(|n| make::identifier(&cookie(BIG, n)))
            .collect(),
        keep_together: true,
        ..SeparateIdentifiersRequest::default()
    };
    let answer = service.identities().separate_identifiers(request).await;
    answer.unwrap().into_inner().outcome.unwrap()
}

/// How many identifiers each part has, the largest first.
fn sizes(outcome: &DecisionOutcome) -> Vec<usize> {
    let sizes = outcome.parts.iter().map(|part| part.identifiers_total);
    let mut sizes: Vec<usize> = sizes.map(|size| usize::try_from(size).unwrap()).collect();
    sizes.sort_unstable_by_key(|size| std::cmp::Reverse(*size));
    sizes
}

/// Every identifier of someone, page by page.
async fn identifiers(service: &Service, who: &str) -> usize {
    let mut request = ListIdentifiersRequest {
        lookup: make::by(who),
        page_size: 1_000,
        ..ListIdentifiersRequest::default()
    };
    let mut all = 0;
    loop {
        let page = service.profiles().list_identifiers(request.clone()).await;
        let page = page.unwrap().into_inner();
        all += page.identifiers.len();
        if page.next_page_token.is_empty() {
            return all;
        }
        request.page_token = page.next_page_token;
    }
}

async fn total(service: &Service, who: &str) -> usize {
    usize::try_from(service.profile(who).await.identifiers_total).unwrap()
}

/// What is done to the large profile; `n` tells the rounds apart.
async fn large_work(service: &Service, n: usize) {
    let (half, name) = (size() / 2, |what: &str| format!("{what}-{n}"));
    let whole = timed("get_half_ms", total(service, BIG)).await;
    assert_eq!(whole, half);
    let merged = timed("merge_ms", merge(service, &name("merge"))).await;
    assert_eq!(sizes(&merged), [half * 2]);
    assert_eq!(
        timed("get_whole_ms", total(service, SECOND)).await,
        half * 2
    );
    let listed = timed("list_identifiers_ms", identifiers(service, SECOND)).await;
    assert_eq!(listed, half * 2);
    let timeline = timed("timeline_ms", service.timeline(listing(SECOND))).await;
    assert!(timeline.len() >= half * 2 / AT_ONCE);
    let order = make::order(&name("order"), 7, BIG, &name("order"), 100);
    timed("record_ms", service.record_one(order)).await;
    let seen = make::seen(&name("seen"), 8, &[SECOND, &cookie(BIG, 1)]);
    timed("record_with_link_ms", service.record_one(seen)).await;
    let chosen = CHOSEN.min(half / 2);
    let separated = timed("separate_ms", separate(service, &name("apart"), chosen)).await;
    assert_eq!(sizes(&separated), [half * 2 - chosen, chosen]);
    let (again, of) = (name("undo-apart"), name("apart"));
    let undone = timed("undo_separation_ms", undo(service, &again, &of)).await;
    assert_eq!(sizes(&undone), [half * 2]);
    let (again, of) = (name("undo-merge"), name("merge"));
    let undone = timed("undo_merge_ms", undo(service, &again, &of)).await;
    // A link by an interaction holds them together.
    assert_eq!(sizes(&undone), [half * 2]);
}

/// Others' waiting times, of reads and of records.
#[derive(Default)]
struct Waited([Vec<Duration>; 2]);

impl Waited {
    fn say(mut self, beside: &str) {
        for (what, times) in ["get", "record"].into_iter().zip(&mut self.0) {
            times.sort_unstable();
            assert!(times.len() > 20, "others were hardly served");
            for (name, part) in [("p50", 50), ("p99", 99)] {
                let at = (times.len() - 1) * part / 100;
                figure(&format!("{beside}_{what}_{name}_ms"), times[at]);
            }
        }
    }
}

/// People who have nothing to do with the large profile are looked up and recorded, until it is enough.
async fn others(service: Arc<Service>, name: String, enough: Arc<AtomicBool>) -> Waited {
    let (mut waited, mut n) = (Waited::default(), 0);
    let (mut profiles, mut interactions) = (service.profiles(), service.interactions());
    while !enough.load(Ordering::Relaxed) {
        n += 1;
        let who = format!("email={name}-{}@example.com", n % 50);
        let one = make::order(&format!("{name} {n}"), n, &who, &n.to_string(), 100);
        let begun = Instant::now();
        let answer = interactions.record_interactions(recording(vec![one])).await;
        assert!(
            answer.unwrap().into_inner().results[0]
                .violations
                .is_empty()
        );
        waited.0[1].push(begun.elapsed());
        let begun = Instant::now();
        profiles.get_profile(getting(&who)).await.unwrap();
        waited.0[0].push(begun.elapsed());
    }
    waited
}

/// Lets others be served during some work; answers with what they waited.
async fn beside(service: &Arc<Service>, name: &str, work: impl Future<Output = ()>) -> Waited {
    let enough = Arc::new(AtomicBool::new(false));
    let serving: Vec<_> = (0..4)
        .map(|n| {
            let name = format!("{name}{n}");
            tokio::spawn(others(Arc::clone(service), name, Arc::clone(&enough)))
        })
        .collect();
    work.await;
    enough.store(true, Ordering::Relaxed);
    let mut waited = Waited::default();
    for one in serving {
        let Waited([reads, records]) = one.await.unwrap();
        waited.0[0].extend(reads);
        waited.0[1].extend(records);
    }
    waited
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_profile_is_worked_with_and_holds_nobody_up() {
    let service = Arc::new(Service::start().await);
    let half = size() / 2;
    say(format_args!("figure large_identifiers {} count", half * 2));
    for who in [BIG, SECOND] {
        timed("build_half_ms", service.record_all(growing(who, half))).await;
        assert_eq!(total(&service, who).await, half);
    }
    let idle = tokio::time::sleep(Duration::from_secs(if in_full() { 15 } else { 3 }));
    beside(&service, "idle", idle).await.say("without");
    let begun = Instant::now();
    beside(&service, "busy", large_work(&service, 0))
        .await
        .say("beside");
    figure("all_ms", begun.elapsed());
    service.assert_agrees().await;

    if in_full() {
        // No profile has one more: the weakest of all links joins nothing, be it this one or another.
        let one_more = make::seen("one more", -100, &[BIG, "cookie=one-more"]);
        timed("record_one_too_many_ms", service.record_one(one_more)).await;
        assert_eq!(total(&service, BIG).await, SIZE_CAP);
        service.assert_agrees().await;
    }
    Arc::into_inner(service).unwrap().stop().await;
}
