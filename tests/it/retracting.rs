//! `RetractInteractions`: as if it had never been recorded, and for good.

use customer_profile::proto::v1::{
    ConsentState, Interaction, InteractionOutcome, RecordInteractionsRequest,
    RetractInteractionsRequest, RetractInteractionsResponse, SurveyScale,
};
use tonic::Code;

use crate::harness::{
    Service,
    calls::{by_id, getting, outcomes, recording, retracting, retracting_run, violations},
    make,
    random::Random,
    wait::in_time,
};

const A: &str = "email=a@example.com";
const B: &str = "email=b@example.com";
const RUN: &str = "018f0000-0000-7000-8000-000000000001";

/// Retracts as callers are told to: again with the same id while it lost a race or is not done.
async fn finish(
    service: &Service,
    request: RetractInteractionsRequest,
) -> RetractInteractionsResponse {
    let work = async {
        loop {
            match service.retract(request.clone()).await {
                Ok(answer) if answer.done => return answer,
                Ok(_) => (),
                Err(status) => assert_eq!(status.code(), Code::Aborted, "{status:?}"),
            }
        }
    };
    in_time("a retraction", work).await
}

/// The digest of a store that recorded these and nothing else.
async fn digest_of(interactions: &[Interaction]) -> String {
    let service = Service::start().await;
    service.record_all(interactions.to_vec()).await;
    let digest = service.digest("default").await;
    service.stop().await;
    digest
}

async fn id_of(service: &Service, who: &str) -> String {
    service.profile(who).await.profile_id
}

/// Interactions of everything that has an effect, of people who share identifiers.
fn varied(random: &mut Random, count: usize) -> Vec<Interaction> {
    let person = |random: &mut Random| match random.below(3) {
        0 => format!("email=p{}@example.com", random.below(12)),
        1 => format!("customer_id=c{}", random.below(12)),
        _ => format!("cookie=k{}", random.below(30)),
    };
    (0..count)
        .map(|n| {
            let (id, at, who) = (n.to_string(), random.upto(5_000), person(random));
            let subject = random.below(60).to_string();
            let mut one = match random.below(7) {
                0 | 1 => make::order(&id, at, &who, &subject, random.upto(500)),
                2 => make::ticket(&id, at, &who, "opened", &subject),
                3 => make::ticket(&id, at, &who, "closed", &subject),
                4 => make::answer(&id, at, &who, SurveyScale::Nps, 7),
                5 => make::consent(&id, at, &who, ConsentState::Denied, None),
                _ => make::stating(&id, at, &who, &[("plan", make::text(&subject))]),
            };
            if random.once_in(3) {
                let other = person(random);
                // No interaction names two customers.
                if !(who.starts_with("customer_id") && other.starts_with("customer_id")) {
                    one.identifiers.push(make::identifier(&other));
                }
            }
            one
        })
        .collect()
}

fn names(interactions: &[Interaction]) -> Vec<&str> {
    interactions
        .iter()
        .map(|one| one.event_id.as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_is_as_if_the_rest_had_never_been_recorded() {
    for seed in 0..4 {
        let mut random = Random::new(seed);
        let service = Service::start().await;
        let all = varied(&mut random, 400);
        service.record_all(all.clone()).await;
        let mut left = all;
        random.shuffle(&mut left);
        for (round, size) in [1, 5, 70, 150, 100].into_iter().enumerate() {
            let gone = left.split_off(left.len() - size);
            let request = retracting(&format!("op{round}"), &names(&gone));
            let answer = finish(&service, request).await;
            assert_eq!(
                (answer.retracted, answer.not_found),
                (i64::try_from(size).unwrap(), 0)
            );
            service.assert_agrees().await;
            assert_eq!(
                service.digest("default").await,
                digest_of(&left).await,
                "{seed}/{round}"
            );
        }
        // And on: what comes later finds a sound store.
        let mut later = varied(&mut random, 50);
        for one in &mut later {
            one.event_id.insert_str(0, "later-");
        }
        service.record_all(later.clone()).await;
        left.extend(later);
        service.assert_agrees().await;
        assert_eq!(service.digest("default").await, digest_of(&left).await);
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_joined_only_by_what_is_retracted_part_and_get_their_ids_back() {
    let service = Service::start().await;
    let of_a = service.record_one(make::order("1", 0, A, "o1", 5)).await;
    let of_b = service.record_one(make::order("2", 10, B, "o2", 7)).await;
    let joined = service.record_one(make::seen("join", 20, &[A, B])).await;
    assert_eq!(joined, of_a);
    let before = service.profile(B).await.version;
    service.retract(retracting("op", &["join"])).await.unwrap();
    let (a, b) = (service.profile(A).await, service.profile(B).await);
    assert_eq!((&a.profile_id, &b.profile_id), (&of_a, &of_b));
    assert!(
        a.version > before && b.version > before,
        "no version goes back"
    );
    assert_eq!(
        (
            a.orders.unwrap().count,
            b.orders.unwrap().spend[0].minor_units
        ),
        (1, 7)
    );
    let mut by_old_id = getting(A);
    by_old_id.lookup = by_id(&of_b);
    assert_eq!(service.get(by_old_id).await.unwrap().profile_id, of_b);
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_split_gives_a_new_id_only_to_a_part_that_never_had_one() {
    let service = Service::start().await;
    let c = "cookie=c";
    let id = service.record_one(make::seen("1", 0, &[A, B, c])).await;
    service.record_one(make::seen("2", 5, &[B])).await;
    service.record_one(make::seen("3", 6, &[A])).await;
    service.retract(retracting("op", &["1"])).await.unwrap();
    // a is the home still; b was never a profile of its own; nothing is left of c.
    // Seen later now, b is the older of the two: but the home of the profile was a.
    let (of_a, of_b) = (id_of(&service, A).await, id_of(&service, B).await);
    assert_ne!(of_a, of_b);
    assert!(of_a == id || of_b == id, "one of them keeps it");
    assert_eq!(
        service.get(getting(c)).await.unwrap_err().code(),
        Code::NotFound
    );
    service.assert_agrees().await;
    // They may be joined again.
    service.record_one(make::seen("4", 9, &[A, B, c])).await;
    assert_eq!(id_of(&service, A).await, id_of(&service, c).await);
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_retracted_whole_is_unknown_and_may_come_back_as_somebody_new() {
    let service = Service::start().await;
    let id = service.record_one(make::order("1", 0, A, "o1", 5)).await;
    service.retract(retracting("op", &["1"])).await.unwrap();
    let mut by_old_id = getting(A);
    by_old_id.lookup = by_id(&id);
    for request in [getting(A), by_old_id.clone()] {
        let status = service.get(request).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
    }
    assert_eq!(service.digest("default").await, digest_of(&[]).await);
    service.assert_agrees().await;
    let new = service.record_one(make::seen("2", 0, &[A])).await;
    assert_eq!(
        service.get(by_old_id).await.unwrap().profile_id,
        new,
        "who holds its home"
    );
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_retracted_whole_and_nothing_else() {
    let service = Service::start().await;
    let mut random = Random::new(9);
    let of_run = varied(&mut random, 1_300);
    let mut others = varied(&mut random, 100);
    for one in &mut others {
        one.event_id.insert_str(0, "other-");
    }
    service.record_all(others.clone()).await;
    for part in of_run.chunks(650) {
        let request = RecordInteractionsRequest {
            interactions: part.to_vec(),
            run_id: Some(RUN.into()),
        };
        service
            .interactions()
            .record_interactions(request)
            .await
            .unwrap();
    }
    // What a run only repeats is not the run's.
    let request = RecordInteractionsRequest {
        interactions: others[..10].to_vec(),
        run_id: Some(RUN.into()),
    };
    service
        .interactions()
        .record_interactions(request)
        .await
        .unwrap();
    let first = service.retract(retracting_run("op", RUN)).await.unwrap();
    assert!(
        !first.done && first.retracted < 1_300,
        "a call is bounded: {first:?}"
    );
    let answer = finish(&service, retracting_run("op", RUN)).await;
    assert_eq!((answer.retracted, answer.not_found), (1_300, 0));
    service.assert_agrees().await;
    assert_eq!(service.digest("default").await, digest_of(&others).await);
    // Another operation finds nothing left, nor does one of a run that never was.
    for (operation, run) in [
        ("op2", RUN),
        ("op3", "018f0000-0000-7000-8000-000000000002"),
    ] {
        let answer = service
            .retract(retracting_run(operation, run))
            .await
            .unwrap();
        assert_eq!((answer.retracted, answer.done), (0, true));
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_gets_the_same_answer_also_when_the_interactions_came_again() {
    let service = Service::start().await;
    service
        .record_all(vec![make::seen("1", 0, &[A]), make::seen("2", 0, &[A])])
        .await;
    let request = retracting("op", &["1", "unknown", "1"]);
    let first = service.retract(request.clone()).await.unwrap();
    assert_eq!((first.retracted, first.done), (1, true));
    assert!(!first.token.is_empty());
    let results = service.record(vec![make::seen("1", 0, &[A])]).await;
    assert_eq!(outcomes(&results), [InteractionOutcome::Rejected]);
    for _ in 0..2 {
        let again = service.retract(request.clone()).await.unwrap();
        assert_eq!(
            (again.retracted, again.not_found),
            (first.retracted, first.not_found)
        );
        assert!(again.done && !again.token.is_empty());
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn references_to_nothing_are_counted_wherever_they_stand() {
    let service = Service::start().await;
    let all: Vec<Interaction> = (0..150)
        .map(|n| make::seen(&n.to_string(), n, &[A]))
        .collect();
    service.record_all(all).await;
    service
        .retract(retracting("op0", &["0", "70"]))
        .await
        .unwrap();
    // Present, unknown and retracted ones in turn, beyond what one transaction deals with.
    let unknown: Vec<String> = (0..150).map(|n| format!("u{n}")).collect();
    let known: Vec<String> = (0..150).map(|n| n.to_string()).collect();
    let mixed: Vec<&str> = (0..300)
        .map(|n| {
            if n % 2 == 0 {
                known[n / 2].as_str()
            } else {
                unknown[n / 2].as_str()
            }
        })
        .collect();
    let answer = finish(&service, retracting("op1", &mixed)).await;
    assert_eq!((answer.retracted, answer.not_found), (148, 152));
    let answer = finish(&service, retracting("op2", &mixed)).await;
    assert_eq!((answer.retracted, answer.not_found), (0, 300));
    assert_eq!(service.digest("default").await, digest_of(&[]).await);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_with_many_subjects_shrink_and_grow_again() {
    let service = Service::start().await;
    let all: Vec<Interaction> = (0..50)
        .map(|n| {
            make::order(
                &n.to_string(),
                n,
                if n % 2 == 0 { A } else { B },
                &format!("o{n}"),
                1,
            )
        })
        .chain([make::seen("join", 60, &[A, B])])
        .collect();
    service.record_all(all.clone()).await;
    service.retract(retracting("op0", &["join"])).await.unwrap();
    service.assert_agrees().await;
    service.record_one(make::seen("again", 60, &[A, B])).await;
    let gone: Vec<&str> = names(&all[10..50]);
    finish(&service, retracting("op1", &gone)).await;
    service.assert_agrees().await;
    assert_eq!(service.profile(A).await.orders.unwrap().count, 10);
    let more: Vec<Interaction> = (0..40)
        .map(|n| make::order(&format!("m{n}"), n, A, &format!("o{n}"), 1))
        .collect();
    service.record_all(more.clone()).await;
    service.assert_agrees().await;
    assert_eq!(service.profile(B).await.orders.unwrap().count, 40);
    let left: Vec<Interaction> = all[..10]
        .iter()
        .cloned()
        .chain(more)
        .chain([make::seen("again", 60, &[A, B])])
        .collect();
    assert_eq!(service.digest("default").await, digest_of(&left).await);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn retractions_among_recordings_of_the_same_people_lose_nothing() {
    let service = Service::start().await;
    let mut random = Random::new(5);
    let all = varied(&mut random, 600);
    let (early, late) = all.split_at(300);
    service.record_all(early.to_vec()).await;
    let recording_tasks: Vec<_> = late
        .chunks(75)
        .map(|part| {
            let (mut client, part) = (service.interactions(), part.to_vec());
            tokio::spawn(async move {
                for few in part.chunks(3) {
                    let response = client.record_interactions(recording(few.to_vec())).await;
                    let results = response.unwrap().into_inner().results;
                    assert!(
                        results
                            .iter()
                            .all(|r| r.outcome() == InteractionOutcome::Recorded)
                    );
                }
            })
        })
        .collect();
    let gone = &early[..200];
    let retractions = gone.chunks(50).enumerate().map(|(n, part)| {
        let request = retracting(&format!("op{n}"), &names(part));
        finish(&service, request)
    });
    let answers = futures_util::future::join_all(retractions).await;
    assert!(
        answers
            .iter()
            .all(|a| (a.retracted, a.not_found) == (50, 0)),
        "{answers:?}"
    );
    for task in recording_tasks {
        in_time("a recorder", task).await.unwrap();
    }
    service.assert_agrees().await;
    assert_eq!(
        service.digest("default").await,
        digest_of(&all[200..]).await
    );
    let results = service.record(gone[..5].to_vec()).await;
    assert!(results.iter().all(|r| violations(r) == [("", "retracted")]));
    service.stop().await;
}
