//! Law 1 on a live server: any order, batching, repetition or concurrency of the same interactions gives the same
//! partition and the same digest. And the digest is that of the set, computed without a database.

use std::time::Instant;

use customer_profile::proto::v1::Interaction;

use crate::harness::{
    Random, Service, in_full, make, population,
    pure::{self, expected, stored_partition},
    random::seed_of_now,
    say,
    send::{self, Tally},
};

/// Sends parts by as many connections at once, every other one as a stream.
async fn by_many(service: &Service, parts: Vec<Vec<Vec<Interaction>>>) -> Tally {
    let sending: Vec<_> = parts
        .into_iter()
        .enumerate()
        .map(|(n, batches)| {
            let client = service.interactions();
            tokio::spawn(async move {
                if n % 2 == 0 {
                    send::stream(client, batches).await
                } else {
                    send::unary(client, batches).await
                }
            })
        })
        .collect();
    let mut tally = Tally::default();
    for sent in sending {
        tally.join(sent.await.unwrap());
    }
    tally
}

/// Deals interactions to connections and cuts what each gets into batches.
fn deal(
    random: &mut Random,
    interactions: Vec<Interaction>,
    connections: usize,
    most: usize,
) -> Vec<Vec<Vec<Interaction>>> {
    let mut dealt = vec![Vec::new(); connections];
    for one in interactions {
        dealt[random.below(connections)].push(one);
    }
    dealt
        .into_iter()
        .map(|part| random.cut(part, most))
        .collect()
}

async fn no_differences(service: &Service) {
    let report = service.verify("default").await;
    assert_eq!(report.differences, 0, "{:#?}", report.described);
}

/// The stored partition is that of the interactions.
async fn partition_is(service: &Service, expected: &pure::Expected) {
    assert!(
        stored_partition(&service.database).await == expected.partition,
        "not what was sent resolves to"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn in_order_by_one_or_shuffled_with_repeats_by_sixteen_the_digest_is_the_same() {
    let (count, people) = if in_full() {
        (40_000, 8_000)
    } else {
        (6_000, 1_200)
    };
    let interactions = population::interactions(20_260, count, people);
    let expected = expected(&interactions);
    let mut random = Random::new(seed_of_now());
    say(format_args!(
        "law 1: {count} interactions, order {random:?}"
    ));

    let service = Service::start().await;
    let begun = Instant::now();
    let batches = interactions.chunks(200).map(<[_]>::to_vec).collect();
    let tally = send::unary(service.interactions(), batches).await;
    let in_order = begun.elapsed();
    assert_eq!((tally.recorded, tally.others), (count, vec![]));
    let one = service.digest("default").await;
    no_differences(&service).await;
    partition_is(&service, &expected).await;
    service.stop().await;

    let mut shuffled = population::with_repeats(&interactions);
    let repeats = shuffled.len() - count;
    random.shuffle(&mut shuffled);
    let parts = deal(&mut random, shuffled, 16, 120);
    let service = Service::start().await;
    let begun = Instant::now();
    let tally = by_many(&service, parts).await;
    say(format_args!(
        "law 1: in order {:.1} s, by 16 {:.1} s, {} profiles, digest {one}",
        in_order.as_secs_f64(),
        begun.elapsed().as_secs_f64(),
        expected.profiles
    ));
    assert_eq!(tally.others, Vec::<String>::new());
    assert_eq!((tally.recorded, tally.duplicates), (count, repeats));
    assert_eq!(service.digest("default").await, one);
    assert_eq!(expected.digest, one, "the digest is that of the set");
    no_differences(&service).await;
    partition_is(&service, &expected).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_batching_changes_what_is_stored() {
    for seed in 1..=if in_full() { 40 } else { 5 } {
        let interactions = population::interactions(seed, 300, 20);
        let expected = expected(&interactions);
        let mut random = Random::new(seed);
        let mut shuffled = population::with_repeats(&interactions);
        random.shuffle(&mut shuffled);
        let connections = 1 + random.below(4);
        let most = 1 + random.below(60);
        let parts = deal(&mut random, shuffled, connections, most);
        let service = Service::start().await;
        let tally = by_many(&service, parts).await;
        assert_eq!(tally.others, Vec::<String>::new(), "seed {seed}");
        assert_eq!((tally.recorded, tally.duplicates), (300, 30), "seed {seed}");
        let digest = service.digest("default").await;
        assert_eq!(digest, expected.digest, "seed {seed}");
        no_differences(&service).await;
        partition_is(&service, &expected).await;
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_finds_a_join_that_was_lost() {
    let service = Service::start().await;
    let apart = vec![
        make::seen("1", 1, &["email=a@example.com", "phone=090-1234-5678"]),
        make::seen("2", 2, &["customer_id=1", "cookie=c"]),
    ];
    send::unary(service.interactions(), vec![apart]).await;
    no_differences(&service).await;
    // As if the join of an interaction with both had been lost: the link is there, the profiles are two.
    let mut connection = service.database.connect().await;
    sqlx::query(
        "INSERT INTO links (tenant, identity_key, other_key, anchored, first_seen, last_seen, seen)
         SELECT a.tenant, a.identity_key, b.identity_key, a.namespace = 'customer_id', now(), now(), 1
         FROM identities AS a JOIN identities AS b
         ON a.tenant = b.tenant
             AND a.namespace IN ('customer_id', 'email')
             AND b.namespace IN ('customer_id', 'email')
             AND a.namespace <> b.namespace",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    let report = service.verify("default").await;
    let lost = |line: &&String| line.contains("is one with");
    assert_eq!(
        report.described.iter().filter(lost).count(),
        2,
        "{:#?}",
        report.described
    );
    service.stop().await;
}
