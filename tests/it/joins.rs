//! Many connections join the same few people at once: nobody hears an error, and nothing is lost.
//!
//! People are joined a group at a time, so that everyone is at the same ones; every interaction is a transaction of its
//! own and there are as many writers as there may be, so that what one has read is often joined before it has its locks.

use customer_profile::proto::v1::Interaction;

use crate::harness::{
    Database, Random, Service, in_full, make,
    pure::{expected, stored_partition},
    random::seed_of_now,
    say,
    send::{self, Tally},
};

/// Identifiers of a group, connections, and interactions of each connection about a group.
const WHO: usize = 24;
const CONNECTIONS: usize = 16;
const EACH: usize = 6;

const BUSY: [(&str, &str); 2] = [
    ("CUSTOMER_PROFILE_INGEST__WRITERS", "8"),
    ("CUSTOMER_PROFILE_INGEST__BATCH_ITEMS", "1"),
];

fn who(group: usize, n: usize) -> String {
    match n % 3 {
        0 => format!("customer_id=C-{group}-{n}"),
        1 => format!("email=person{n}@{group}.example.com"),
        _ => format!("cookie=c-{group}-{n}"),
    }
}

/// Which two the interactions of a group join: a ring, a star, neighbours in both directions, or anyone.
fn ends(random: &mut Random, group: usize, step: usize) -> [usize; 2] {
    let any = random.below(WHO);
    match group % 4 {
        0 => [step % WHO, (step + 1) % WHO],
        1 => [0, step % WHO],
        2 => [any, any ^ (1 << random.below(3))],
        _ => [any, random.below(WHO)],
    }
}

/// What each connection says of a group; first of all, in `alone`, everyone is somebody.
struct Group {
    alone: Vec<Interaction>,
    parts: Vec<Vec<Interaction>>,
}

fn group(random: &mut Random, group: usize) -> Group {
    let alone = (0..WHO).map(|n| make::seen(&format!("{group}-{n}"), 0, &[&who(group, n)]));
    let mut steps: Vec<usize> = (0..CONNECTIONS * EACH).collect();
    random.shuffle(&mut steps);
    let parts = steps.chunks(EACH).map(|steps| {
        let joining = steps.iter().map(|step| {
            let [one, mut other] = ends(random, group, *step);
            // No interaction names two customers.
            if one % 3 == 0 && other % 3 == 0 && one != other {
                other += 1;
            }
            let mut ends = [one, other].map(|n| who(group, n));
            random.shuffle(&mut ends);
            let late = i64::try_from(random.below(1_000)).unwrap();
            let name = format!("{group}/{step}");
            make::seen(&name, late, &[&ends[0], &ends[1]])
        });
        joining.collect()
    });
    Group {
        alone: alone.collect(),
        parts: parts.collect(),
    }
}

/// Records the groups one after another, each by all connections at once, dealt to the services in turn.
async fn record(services: &[&Service], groups: Vec<Group>) -> Tally {
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|n| services[n % services.len()].interactions())
        .collect();
    let mut tally = Tally::default();
    for group in groups {
        tally.join(send::unary(clients[0].clone(), vec![group.alone]).await);
        let sending: Vec<_> = clients
            .iter()
            .zip(group.parts)
            .map(|(client, part)| {
                let calls = part.into_iter().map(|one| vec![one]).collect();
                tokio::spawn(send::unary(client.clone(), calls))
            })
            .collect();
        for sent in sending {
            tally.join(sent.await.unwrap());
        }
    }
    tally
}

async fn nothing_is_lost(services: &[&Service]) {
    let seed = seed_of_now();
    let groups = if in_full() { 120 } else { 16 };
    say(format_args!("joins of {groups} groups: seed {seed}"));
    let mut random = Random::new(seed);
    let groups: Vec<Group> = (0..groups).map(|n| group(&mut random, n)).collect();
    let all: Vec<Interaction> = groups
        .iter()
        .flat_map(|group| [group.alone.clone(), group.parts.concat()].concat())
        .collect();
    let expected = expected(&all);
    let tally = record(services, groups).await;
    assert_eq!(tally.others, Vec::<String>::new());
    assert_eq!((tally.recorded, tally.duplicates), (all.len(), 0));
    let report = services[0].verify("default").await;
    assert_eq!(report.differences, 0, "{:#?}", report.described);
    assert_eq!(services[0].digest("default").await, expected.digest);
    let stored = stored_partition(&services[0].database).await;
    assert!(stored == expected.partition, "not those of what was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_connections_join_the_same_people_and_nobody_hears_an_error() {
    let service = Service::with(Database::new().await, &BUSY).await;
    nothing_is_lost(&[&service]).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_on_one_database_join_the_same_people() {
    let one = Service::with(Database::new().await, &BUSY).await;
    let other = Service::with(one.database.clone(), &BUSY).await;
    nothing_is_lost(&[&one, &other]).await;
    other.stop().await;
    one.stop().await;
}
