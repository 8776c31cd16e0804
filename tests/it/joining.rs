//! Who becomes one person: joins through shared identifiers.

use customer_profile::proto::v1::Interaction;

use crate::harness::{
    Service,
    calls::{by_id, getting},
    make,
    random::Random,
};

/// The profile that an id leads to.
async fn led_to(service: &Service, id: &str) -> String {
    let mut request = getting("email=unused@example.com");
    request.lookup = by_id(id);
    service.get(request).await.unwrap().profile_id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_of_identifiers_is_one_person_however_its_links_arrive() {
    let names: Vec<String> = (0..12).map(|n| format!("cookie=c{n:02}")).collect();
    let links: Vec<Interaction> = (0..11)
        .map(|n| {
            let ends = [names[n].as_str(), names[n + 1].as_str()];
            make::seen(&n.to_string(), i64::try_from(n).unwrap(), &ends)
        })
        .collect();
    let mut digests = Vec::new();
    for seed in 0..3 {
        let service = Service::start().await;
        let mut links = links.clone();
        Random::new(seed).shuffle(&mut links);
        if seed == 0 {
            service.record_all(links).await;
        } else {
            for link in links {
                service.record_one(link).await;
            }
        }
        let first = service.profile(&names[0]).await;
        let last = service.profile(&names[11]).await;
        assert_eq!(first, last);
        assert_eq!(
            (first.identifiers_total, first.interactions_total),
            (12, 11)
        );
        service.assert_agrees().await;
        digests.push(service.digest("default").await);
        service.stop().await;
    }
    assert!(
        digests.windows(2).all(|pair| pair[0] == pair[1]),
        "{digests:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_star_joins_as_many_people_as_it_has_points() {
    let service = Service::start().await;
    let mut points: Vec<String> = (0..31).map(|n| format!("social_handle=p{n}")).collect();
    for (n, point) in points.iter().enumerate() {
        let order = make::order(&n.to_string(), 10, point, &format!("o{n}"), 100);
        service.record_one(order).await;
    }
    points.push("customer_id=7".into());
    let all: Vec<&str> = points.iter().map(String::as_str).collect();
    service.record_one(make::seen("star", 20, &all)).await;
    let profile = service.profile("social_handle=p30").await;
    assert_eq!(
        (profile.identifiers_total, profile.interactions_total),
        (32, 32)
    );
    assert_eq!(
        profile.identifiers[0].namespace, "customer_id",
        "strongest first"
    );
    let orders = profile.orders.unwrap();
    assert_eq!((orders.count, orders.spend[0].minor_units), (31, 3_100));
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_of_two_equal_identifiers_gives_its_id_to_both() {
    let service = Service::start().await;
    let (a, b) = ("email=a@example.com", "email=b@example.com");
    let young = service.record_one(make::seen("1", 50, &[a])).await;
    let old = service.record_one(make::seen("2", 40, &[b])).await;
    let joined = service.record_one(make::seen("3", 60, &[a, b])).await;
    assert_eq!(joined, old);
    for id in [&young, &old] {
        assert_eq!(led_to(&service, id).await, old);
    }
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_event_that_makes_an_identifier_older_moves_the_home_with_it() {
    let service = Service::start().await;
    let [a, b, c] = [
        "email=a@example.com",
        "email=b@example.com",
        "email=c@example.com",
    ];
    let of_a = service.record_one(make::seen("1", 50, &[a])).await;
    let of_b = service.record_one(make::seen("2", 40, &[b])).await;
    // Late: a was there before b. One batch brings that and the join.
    let joined = service
        .record_all(vec![
            make::seen("3", 30, &[a]),
            make::seen("4", 60, &[a, b]),
        ])
        .await;
    assert!(joined.iter().all(|r| r.profile_id == of_a), "{joined:?}");
    assert_eq!(led_to(&service, &of_b).await, of_a);
    // A late one within a profile: b becomes its oldest, and keeps the id when c comes, who is between.
    service.record_one(make::seen("5", 10, &[b])).await;
    let of_c = service.record_one(make::seen("6", 20, &[c])).await;
    let joined = service.record_one(make::seen("7", 70, &[c, a])).await;
    assert_eq!(joined, of_a);
    for id in [&of_a, &of_b, &of_c] {
        assert_eq!(led_to(&service, id).await, of_a);
    }
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_grow_along_every_id_and_every_identifier() {
    let service = Service::start().await;
    let (a, b) = ("email=a@example.com", "email=b@example.com");
    let mut last = 0;
    for n in 0..5 {
        service
            .record_one(make::seen(&format!("b{n}"), n, &[b]))
            .await;
        let version = service.profile(b).await.version;
        assert!(version > last, "{version} after {last}");
        last = version;
    }
    service.record_one(make::seen("a", -10, &[a])).await;
    service.record_one(make::seen("join", 10, &[a, b])).await;
    let joined = service.profile(b).await;
    assert!(
        joined.version > last,
        "b had {last}, the union has {}",
        joined.version
    );
    // What changes nothing is no new version.
    service.record(vec![make::seen("a", -10, &[a])]).await;
    assert_eq!(service.profile(a).await.version, joined.version);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_one_identifier_are_one_person_and_ids_keep_their_zeros() {
    let service = Service::start().await;
    let mut ids = Vec::new();
    for (n, who) in [
        "phone=090-1234-5678",
        "phone=+81 90 1234 5678",
        "phone=０９０ー１２３４ー５６７８",
        "phone=tel:09012345678",
    ]
    .iter()
    .enumerate()
    {
        ids.push(
            service
                .record_one(make::seen(&n.to_string(), 0, &[who]))
                .await,
        );
    }
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
    let with_zeros = service
        .record_one(make::seen("z", 0, &["customer_id=007"]))
        .await;
    let without = service
        .record_one(make::seen("y", 0, &["customer_id=7"]))
        .await;
    assert_ne!(with_zeros, without);
    let shown = &service.profile("phone=09012345678").await.identifiers[0];
    assert_eq!(shown.value, "+819012345678");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_joined_from_many_connections_at_once_are_joined_completely() {
    let service = Service::start().await;
    let mut random = Random::new(11);
    let mut interactions: Vec<Interaction> = (0..240)
        .map(|n| {
            let ends: Vec<String> = (0..3)
                .map(|_| format!("cookie=c{}", random.below(60)))
                .collect();
            let ends: Vec<&str> = ends.iter().map(String::as_str).collect();
            make::seen(&n.to_string(), random.upto(1_000), &ends)
        })
        .collect();
    interactions.push(make::seen(
        "last",
        0,
        &["cookie=c0", "email=hub@example.com"],
    ));
    let tasks: Vec<_> = interactions
        .chunks(10)
        .map(|part| {
            let (mut client, part) = (service.interactions(), part.to_vec());
            tokio::spawn(async move {
                for one in part {
                    let request = crate::harness::calls::recording(vec![one]);
                    client.record_interactions(request).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    service.assert_agrees().await;
    let in_order = Service::start().await;
    in_order.record_all(interactions).await;
    assert_eq!(
        service.digest("default").await,
        in_order.digest("default").await
    );
    service.stop().await;
    in_order.stop().await;
}
