//! Many decisions on one customer at the same time.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use customer_profile::proto::v1::{ConsentState, GetNextBestActionsRequest, Interaction};

use super::{
    CATALOGUE, HERO, LETTER, SIDE, WHO, actions, asking, assert_replays, decide, import, shop,
};
use crate::harness::{
    Database, Service, make,
    random::{Random, seed_of_race},
};

/// How many callers.
const CALLERS: usize = 32;

async fn at_once(
    service: &Service,
    ask: impl Fn(usize) -> GetNextBestActionsRequest,
) -> Vec<Vec<String>> {
    let calls = (0..CALLERS).map(|n| {
        let request = ask(n);
        async move { actions(&decide(service, request).await.unwrap()) }
    });
    futures_util::future::join_all(calls).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cap_of_one_holds_for_many_callers_at_once() {
    let service = shop(Database::new().await).await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    let shown = at_once(&service, |n| {
        asking(Some(WHO), &format!("race-{n}"), &[HERO, SIDE])
    })
    .await;
    let upsells = shown
        .iter()
        .flatten()
        .filter(|action| *action == "upsell")
        .count();
    assert_eq!(upsells, 1, "{shown:?}");
    for page in &shown {
        let mut distinct = page.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(
            distinct.len(),
            page.len(),
            "an action twice on a page: {page:?}"
        );
    }
    for n in 0..CALLERS {
        assert_replays(&service, &format!("race-{n}")).await;
    }
    service.assert_agrees().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_decision_id_reserves_once_for_many_callers_at_once() {
    let service = shop(Database::new().await).await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    service
        .record_one(make::consent("2", 1, WHO, ConsentState::Granted, None))
        .await;
    let shown = at_once(&service, |_| asking(Some(WHO), "same", &[HERO, LETTER])).await;
    assert!(shown.iter().all(|page| *page == shown[0]), "{shown:?}");
    // One letter is reserved of two that are allowed, so one more is left.
    let one = decide(&service, asking(Some(WHO), "one", &[LETTER]))
        .await
        .unwrap();
    assert_eq!(actions(&one), ["letter"]);
    let none = decide(&service, asking(Some(WHO), "none", &[LETTER]))
        .await
        .unwrap();
    assert_eq!(actions(&none), [""; 0]);
}

/// A complaint that was made so many seconds ago.
fn complaint(event: &str, ago: usize, who: &[&str]) -> Interaction {
    let ago = Duration::from_secs(u64::try_from(ago).unwrap());
    Interaction {
        r#type: "complaint.received".into(),
        occurred_at: Some((SystemTime::now() - ago).into()),
        ..make::seen(event, 0, who)
    }
}

/// Complaints, late ones among them, consents taken back, merges of identifiers and decisions at once, through two services: whoever had complained or
/// taken back when a decision began is not sold to by it, and no cap is exceeded, whatever is merged.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn gates_hold_while_customers_change() {
    let database = Database::new().await;
    let services = [
        shop(database.clone()).await,
        Service::with(database, &[]).await,
    ];
    let services = Arc::new(services);
    let seed = seed_of_race();
    let people = 6;
    let mut tasks = Vec::new();
    for person in 0..people {
        let services = Arc::clone(&services);
        tasks.push(tokio::spawn(
            async move { live(&services, seed, person).await },
        ));
    }
    for task in tasks {
        task.await.unwrap();
    }
    services[0].assert_agrees().await;
}

async fn live(services: &[Service; 2], seed: u64, person: u64) {
    let mut random = Random::new(seed.wrapping_add(person));
    let names = [
        format!("email=p{person}@example.com"),
        format!("customer_id=p{person}"),
    ];
    let mut upset = false;
    let mut allowed = false;
    let mut upsells = 0;
    services[0]
        .record_one(make::seen(&format!("{person}-begin"), 0, &[&names[0]]))
        .await;
    services[1]
        .record_one(make::seen(&format!("{person}-too"), 0, &[&names[1]]))
        .await;
    for step in 0..40_i64 {
        let service = &services[random.below(2)];
        let who = names[random.below(2)].as_str();
        let event = format!("{person}-{step}");
        match random.below(8) {
            0 if step > 10 => {
                // One in two comes late: it was made before what has been decided since.
                let late = random.below(2) * random.below(6 * 86_400);
                let complaint = complaint(&event, late, &[&names[0], &names[1]]);
                service.record_one(complaint).await;
                upset = true;
            }
            1 => {
                allowed = random.below(2) == 0;
                let state = if allowed {
                    ConsentState::Granted
                } else {
                    ConsentState::Denied
                };
                let mut both = make::consent(&event, 100 + step, &names[0], state, None);
                both.identifiers.push(make::identifier(&names[1]));
                service.record_one(both).await;
            }
            2 => {
                service
                    .record_one(make::seen(&event, step, &[&names[0], &names[1]]))
                    .await;
            }
            _ => {
                let calls = [
                    (event.clone() + "a", service),
                    (event.clone() + "b", service),
                ];
                let pages = calls.map(|(id, service)| async move {
                    let places = [HERO, SIDE, LETTER];
                    actions(
                        &decide(service, asking(Some(who), &id, &places))
                            .await
                            .unwrap(),
                    )
                });
                for page in futures_util::future::join_all(pages).await {
                    let has = |wanted: &str| page.iter().any(|action| action == wanted);
                    assert!(
                        !upset || !has("upsell") && !has("letter"),
                        "{person} {step}: {page:?}"
                    );
                    assert!(allowed || !has("letter"), "{person} {step}: {page:?}");
                    upsells += usize::from(has("upsell"));
                }
            }
        }
    }
    // Before the two identifiers met they were two people, and each may have seen it once.
    assert!(upsells <= 2, "{person}: {upsells}");
}

/// What reserves nothing is decided on what an instance remembers; who complained or took a consent back through another one is not
/// sold to all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_caps_gates_hold_across_instances_too() {
    let database = Database::new().await;
    let here = Service::with(database.clone(), &[]).await;
    let caps = |line: &&str| !line.contains("caps:") && !line.contains("scope: action");
    let without_caps: Vec<&str> = CATALOGUE.lines().filter(caps).collect();
    import(&here, "first", &without_caps.join("\n")).await;
    let there = Service::with(database, &[]).await;
    // One in two complains late, and one in two of all takes back what was granted.
    let lives = (0..24_usize).map(|person| {
        let (here, there) = (&here, &there);
        async move {
            let who = format!("email=q{person}@example.com");
            let granted = make::consent(
                &format!("{person}-yes"),
                1,
                &who,
                ConsentState::Granted,
                None,
            );
            there.record_one(granted).await;
            let asked = || asking(Some(&who), "", &[HERO, SIDE, LETTER]);
            // Nobody chose an id, so nothing but memory is touched when it is asked again.
            for _ in 0..2 {
                let before = actions(&decide(here, asked()).await.unwrap());
                assert!(before.contains(&"upsell".to_owned()), "{before:?}");
                assert!(before.contains(&"letter".to_owned()), "{before:?}");
            }
            let no = format!("{person}-no");
            let complains = person % 2 == 0;
            if complains {
                let late = (person % 4) * 40_000;
                there.record_one(complaint(&no, late, &[&who])).await;
            } else {
                let denied = make::consent(&no, 2, &who, ConsentState::Denied, None);
                there.record_one(denied).await;
            }
            let after = actions(&decide(here, asked()).await.unwrap());
            assert!(!after.contains(&"letter".to_owned()), "{person}: {after:?}");
            let sold = after.contains(&"upsell".to_owned());
            assert_eq!(sold, !complains, "{person}: {after:?}");
        }
    });
    futures_util::future::join_all(lives).await;
    here.assert_agrees().await;
}
