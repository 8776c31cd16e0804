//! Stored texts are analysed anew while an analyzer of the operator's answers, times out and fails at random, and while
//! others record, merge, undo and retract: the laws hold, and a history is that of what is stored.

use customer_profile::{
    ids::InteractionId,
    proto::v1::{
        Analysis, BucketWidth, GetSentimentHistoryRequest, GetSentimentHistoryResponse,
        MergeProfilesRequest, SentimentBucket, UndoDecisionRequest,
        sentiment_service_client::SentimentServiceClient,
    },
};

use super::*;
use crate::reanalysis::{NEW, OLD, ask, done, retract};

const PEOPLE: [&str; 4] = [
    "email=anna@example.com",
    "customer_id=anna",
    "email=ben@example.com",
    "customer_id=ben",
];
const DAY: i64 = 86_400;
const JAPAN: i64 = 9 * 3_600;
const HALF_LIFE: i32 = 730;

fn said(n: usize) -> Interaction {
    let seconds = i64::try_from(n).unwrap() * 5 * DAY;
    let who = PEOPLE[n % PEOPLE.len()];
    Interaction {
        department: ["support", "sales", "web"][n % 3].into(),
        text: Some(format!("text {n}, {}", 31 * n)),
        ..make::seen(&format!("s{n}"), seconds, &[who])
    }
}

/// A feeling that is stored: its day in Japan, and polarity and weight; none for a text of which none is told.
type Felt = (i64, Option<(f64, f64)>);

fn id_of(one: &Interaction) -> InteractionId {
    let read = pure::read_by(std::slice::from_ref(one), NEW);
    *read.keys().next().unwrap()
}

/// What counts of an interaction: the analyzer's word, else the newest of our own.
fn felt(one: &Interaction, heard: &Heard) -> Felt {
    let mut analyses: Vec<&Analysis> = heard[&id_of(one)].iter().collect();
    analyses.sort_by_key(|analysis| analysis.method);
    let feeling = analyses.iter().find_map(|analysis| analysis.feeling);
    let day = (one.occurred_at.unwrap().seconds + JAPAN).div_euclid(DAY);
    (day, feeling.map(|one| (one.polarity, one.confidence)))
}

/// Sum of weight and polarity, and of weight, each as it has decayed by a day.
fn sums(all: &[Felt], until: i64) -> (f64, f64) {
    let felt = all.iter().filter(|(day, _)| *day <= until);
    let felt = felt.filter_map(|(day, felt)| Some((day, (*felt)?)));
    felt.fold((0.0, 0.0), |(n, d), (day, (polarity, weight))| {
        let age = f64::from(i32::try_from(until - day).unwrap());
        let left = weight * (-age / f64::from(HALF_LIFE)).exp2();
        (n + left * polarity, d + left)
    })
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

async fn history(service: &Service, who: &str) -> GetSentimentHistoryResponse {
    let request = GetSentimentHistoryRequest {
        lookup: make::by(who),
        bucket: BucketWidth::Day.into(),
        half_life_days: HALF_LIFE,
        page_size: 100,
        ..GetSentimentHistoryRequest::default()
    };
    let mut client = SentimentServiceClient::new(service.channel());
    let answer = client.get_sentiment_history(request).await;
    answer.unwrap().into_inner()
}

/// Holds a history against what is stored of the interactions that it is about.
fn assert_told(answer: &GetSentimentHistoryResponse, all: &[Felt]) {
    let count = |of: usize| i64::try_from(of).unwrap();
    let known: Vec<(f64, f64)> = all.iter().filter_map(|(_, felt)| *felt).collect();
    let summary = answer.summary.as_ref().unwrap();
    assert_eq!(summary.count, count(known.len()));
    assert_eq!(summary.abstained, count(all.len() - known.len()));
    let bad = known.iter().filter(|(polarity, _)| *polarity <= -0.25);
    assert_eq!(summary.negative, count(bad.count()));
    let day = |at: Option<prost_types::Timestamp>| (at.unwrap().seconds + JAPAN).div_euclid(DAY);
    let (n, d) = sums(all, day(summary.computed_at));
    assert!(near(summary.level.unwrap(), n / (d + 2.0)));
    assert_eq!(answer.items.len(), all.len());
    assert_eq!(
        answer.buckets.len(),
        all.len(),
        "each is on a day of its own"
    );
    let told = |bucket: &SentimentBucket, (today, felt): &Felt| {
        let counts = bucket.counts.as_ref().unwrap();
        assert_eq!(day(bucket.begin), *today);
        assert_eq!(counts.mean.is_some(), felt.is_some());
        assert!(
            counts
                .mean
                .zip(*felt)
                .is_none_or(|(mean, (x, _))| near(mean, x))
        );
        let (n, d) = sums(all, *today);
        assert!(
            bucket
                .level
                .map_or(d == 0.0, |level| near(level, n / (d + 2.0)))
        );
    };
    for (bucket, felt) in answer.buckets.iter().zip(all) {
        told(bucket, felt);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_laws_hold_while_it_times_out_and_texts_are_analysed_anew() {
    let all: Vec<Interaction> = (0..64).map(said).collect();
    let (before, meanwhile) = all.split_at(32);
    let patience = [
        ("CUSTOMER_PROFILE_ANALYZER__TIMEOUT_MS", "250"),
        ("CUSTOMER_PROFILE_ANALYZER__PAUSE_MS", "100"),
    ];
    let host = Host::start(Manner::Answers).await;
    let alone = |some: &[Interaction]| -> Vec<_> { some.chunks(1).map(<[_]>::to_vec).collect() };
    let old = host.reading(Database::new().await, &patience, OLD).await;
    send::unary(old.interactions(), alone(&before[..8])).await;
    host.behave(Manner::Fails);
    send::unary(old.interactions(), alone(&before[8..12])).await;
    host.behave(Manner::Whims);
    send::unary(old.interactions(), alone(&before[12..])).await;
    let database = old.database.clone();
    old.stop().await;

    let new = host.reading(database.clone(), &patience, NEW).await;
    assert!(!ask(&new, "anew").await.done);
    let sending: Vec<_> = meanwhile
        .chunks(16)
        .map(|part| tokio::spawn(send::unary(new.interactions(), alone(part))))
        .collect();
    for (operation, target, source) in [("one", 0, 1), ("two", 2, 3)] {
        let merge = MergeProfilesRequest {
            operation_id: operation.into(),
            reason: "a test".into(),
            target: make::by(PEOPLE[target]),
            source: make::by(PEOPLE[source]),
            dry_run: false,
        };
        new.identities().merge_profiles(merge).await.unwrap();
    }
    let undo = UndoDecisionRequest {
        operation_id: "undo two".into(),
        reason: "a test".into(),
        decision_operation_id: "two".into(),
        dry_run: false,
    };
    new.identities().undo_decision(undo).await.unwrap();
    assert_eq!(retract(&new, &all[5]).await, 1);
    for sent in sending {
        assert_eq!(sent.await.unwrap().others, Vec::<String>::new());
    }
    let ended = done(&new, "anew").await;

    let heard = pure::stored_analyses(&database).await;
    let by_method = methods(&heard);
    say(format_args!("{by_method:?}, {ended:?}"));
    let external = by_method[&AnalysisMethod::External];
    assert!(external > 0 && external < all.len(), "{by_method:?}");
    let mut left = all.clone();
    left.remove(5);
    for (id, read) in pure::read_by(&left, NEW) {
        assert!(heard[&id].contains(&read[0]), "every text is read anew");
    }
    // The laws: what is stored is what the interactions, the decisions and the analyses come to, in whatever order.
    let decisions = pure::recorded_decisions(&database).await;
    let expected = pure::expected_hearing(&left, &decisions, &heard);
    assert_eq!(new.digest("default").await, expected.digest);
    new.assert_agrees().await;

    for (who, of) in [
        (PEOPLE[0], &PEOPLE[..2]),
        (PEOPLE[1], &PEOPLE[..2]),
        (PEOPLE[2], &PEOPLE[2..3]),
        (PEOPLE[3], &PEOPLE[3..]),
    ] {
        let theirs = left.iter().filter(|one| {
            let identifier = &one.identifiers[0];
            of.contains(&format!("{}={}", identifier.namespace, identifier.value).as_str())
        });
        let felt: Vec<Felt> = theirs.map(|one| felt(one, &heard)).collect();
        assert_told(&history(&new, who).await, &felt);
    }
    new.stop().await;
}
