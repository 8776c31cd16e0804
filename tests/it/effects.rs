//! What interactions do to a profile: orders, tickets, surveys, consents, counters, touchpoints.

use customer_profile::proto::v1::{
    Consent, ConsentState, Interaction, Money, Profile, SubjectKind, SubjectStatus, SurveyScale,
};

use crate::harness::{Service, make, random::Random};

const WHO: &str = "email=a@example.com";

fn of_order(
    event_id: &str,
    seconds: i64,
    step: &str,
    order: &str,
    amount: Option<i64>,
) -> Interaction {
    Interaction {
        r#type: format!("order.{step}"),
        money: amount.map(|minor_units| Money {
            currency: "JPY".into(),
            minor_units,
        }),
        ..make::order(event_id, seconds, WHO, order, 0)
    }
}

/// Records the same interactions in several orders and batches; every way gives the same profile but for ids and versions.
async fn however_they_arrive(interactions: &[Interaction]) -> Profile {
    let mut found: Option<(String, Profile)> = None;
    for seed in 0..3 {
        let service = Service::start().await;
        let mut shuffled = interactions.to_vec();
        if seed > 0 {
            Random::new(seed).shuffle(&mut shuffled);
        }
        for part in shuffled.chunks(if seed == 2 { 1 } else { 4 }) {
            service.record_all(part.to_vec()).await;
        }
        service.assert_agrees().await;
        let digest = service.digest("default").await;
        let mut profile = service.profile(WHO).await;
        service.stop().await;
        (profile.profile_id, profile.version) = (String::new(), 0);
        match &found {
            None => found = Some((digest, profile)),
            Some(first) => assert_eq!(*first, (digest, profile)),
        }
    }
    found.unwrap().1
}

fn seconds(at: Option<prost_types::Timestamp>) -> i64 {
    at.unwrap().seconds - make::at(0).unwrap().seconds
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_counts_once_and_its_newest_amount_counts() {
    let profile = however_they_arrive(&[
        of_order("1", 10, "placed", "o1", Some(1_000)),
        of_order("2", 20, "placed", "o1", Some(1_500)),
        of_order("3", 30, "shipped", "o1", None),
        of_order("4", 40, "placed", "o2", Some(0)),
    ])
    .await;
    let orders = profile.orders.unwrap();
    assert_eq!((orders.count, orders.cancelled), (2, 0));
    assert_eq!(orders.spend[0].minor_units, 1_500);
    assert_eq!(
        seconds(orders.first_order_at),
        10,
        "the earliest gives its date"
    );
    assert_eq!(seconds(orders.last_order_at), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_orders_do_not_count_until_they_are_placed_again() {
    let profile = however_they_arrive(&[
        of_order("1", 10, "placed", "o1", Some(1_000)),
        of_order("2", 20, "cancelled", "o1", None),
        of_order("3", 30, "placed", "o2", Some(200)),
        of_order("4", 5, "cancelled", "o3", None),
        of_order("5", 40, "placed", "o4", Some(30)),
        of_order("6", 50, "cancelled", "o4", None),
        of_order("7", 60, "placed", "o4", Some(4)),
    ])
    .await;
    let orders = profile.orders.unwrap();
    assert_eq!((orders.count, orders.cancelled), (2, 2));
    assert_eq!(orders.spend[0].minor_units, 204);
    assert_eq!(seconds(orders.first_order_at), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn returns_are_subtracted_once_each_and_spend_may_be_negative() {
    let mut euros = of_order("4", 40, "placed", "o9", Some(999));
    euros.money.as_mut().unwrap().currency = "EUR".into();
    let profile = however_they_arrive(&[
        of_order("1", 10, "placed", "o1", Some(1_000)),
        of_order("2", 20, "returned", "o1", Some(700)),
        of_order("3", 30, "returned", "o1", Some(500)),
        euros,
    ])
    .await;
    let orders = profile.orders.unwrap();
    assert_eq!(orders.count, 2, "an order that was returned still counts");
    let amounts = |list: &[Money]| -> Vec<(String, i64)> {
        list.iter()
            .map(|m| (m.currency.clone(), m.minor_units))
            .collect()
    };
    assert_eq!(
        amounts(&orders.spend),
        [("EUR".into(), 999), ("JPY".into(), -200)]
    );
    assert_eq!(amounts(&orders.returned), [("JPY".into(), 1_200)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_open_while_its_newest_status_is_in_whatever_order_they_came() {
    let mut pending = make::ticket("5", 35, WHO, "replied", "t3");
    pending.subject = Some(make::subject(
        SubjectKind::Ticket,
        "t3",
        SubjectStatus::Pending,
    ));
    let mut about = make::answer("8", 90, WHO, SurveyScale::Csat5, 4);
    about.subject = Some(make::subject(
        SubjectKind::Ticket,
        "t4",
        SubjectStatus::Unspecified,
    ));
    let profile = however_they_arrive(&[
        make::ticket("2", 20, WHO, "closed", "t1"),
        make::ticket("1", 10, WHO, "opened", "t1"),
        make::ticket("3", 10, WHO, "opened", "t2"),
        make::ticket("4", 30, WHO, "replied", "t2"),
        make::ticket("6", 15, WHO, "opened", "t3"),
        pending,
        make::ticket("7", 40, WHO, "reopened", "t1"),
        make::ticket("9", 50, WHO, "closed", "t1"),
        about,
    ])
    .await;
    let tickets = profile.tickets.unwrap();
    assert_eq!((tickets.total, tickets.open), (4, 2));
    let open: Vec<_> = tickets
        .open_tickets
        .iter()
        .map(|t| {
            (
                t.ticket_id.as_str(),
                t.status(),
                seconds(t.since),
                seconds(t.first_seen),
            )
        })
        .collect();
    assert_eq!(
        open,
        [
            ("t3", SubjectStatus::Pending, 35, 15),
            ("t2", SubjectStatus::Open, 10, 10),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn survey_answers_are_added_up_by_scale() {
    let mut two = make::answer("4", 40, WHO, SurveyScale::Nps, 9);
    two.survey_scores
        .extend(make::answer("", 0, WHO, SurveyScale::Nps, 3).survey_scores);
    let profile = however_they_arrive(&[
        make::answer("1", 10, WHO, SurveyScale::Nps, 10),
        make::answer("2", 30, WHO, SurveyScale::Ces7, 2),
        make::answer("3", 20, WHO, SurveyScale::Nps, 0),
        two,
    ])
    .await;
    let shown: Vec<_> = profile
        .surveys
        .iter()
        .map(|s| (s.scale(), s.count, s.sum, s.latest_value, s.histogram.len()))
        .collect();
    assert_eq!(
        shown,
        [
            (SurveyScale::Nps, 4, 22, 3, 11),
            (SurveyScale::Ces7, 1, 2, 2, 7),
        ]
    );
    assert_eq!(
        profile.surveys[0].histogram,
        [1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_word_about_a_consent_counts_and_a_tie_is_a_denial() {
    use ConsentState::{Denied, Granted};
    let mut by_mail = make::consent("5", 10, WHO, Denied, None);
    by_mail.consent_changes[0].channel = Some("email".into());
    let address = Some("email=Ａ@Example.com");
    let profile = however_they_arrive(&[
        make::consent("1", 20, WHO, Granted, None),
        make::consent("2", 20, WHO, Denied, None),
        make::consent("3", 10, WHO, Granted, None),
        make::consent("4", 30, WHO, Granted, address),
        by_mail,
        make::consent("6", 29, WHO, Denied, Some("email=a@example.com")),
    ])
    .await;
    let mut shown: Vec<_> = profile.consents.iter().map(word).collect();
    shown.sort_unstable();
    let of_address = "a@example.com".to_owned();
    let mut wanted = vec![
        (String::new(), String::new(), Denied as i32, 20),
        (String::new(), of_address, Granted as i32, 30),
        ("email".into(), String::new(), Denied as i32, 10),
    ];
    wanted.sort_unstable();
    assert_eq!(shown, wanted);
}

fn word(consent: &Consent) -> (String, String, i32, i64) {
    let address = consent.address.as_ref().map(|a| a.value.clone());
    (
        consent.channel.clone(),
        address.unwrap_or_default(),
        consent.state,
        seconds(consent.occurred_at),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_counted_and_the_latest_twenty_are_touchpoints() {
    let mut all: Vec<Interaction> = (0..30)
        .map(|n| make::seen(&n.to_string(), n / 2, &[WHO]))
        .collect();
    all[3].r#type = "my.own".into();
    all[4].department = "store".into();
    let profile = however_they_arrive(&all).await;
    assert_eq!(profile.interactions_total, 30);
    let counts: Vec<_> = profile
        .interaction_counts
        .iter()
        .map(|c| (c.department.as_str(), c.r#type.as_str(), c.count))
        .collect();
    assert_eq!(
        counts,
        [
            ("store", "page.viewed", 1),
            ("web", "my.own", 1),
            ("web", "page.viewed", 28),
        ]
    );
    let touches: Vec<_> = profile
        .touchpoints
        .iter()
        .map(|t| (seconds(t.occurred_at), t.interaction_id.as_str()))
        .collect();
    assert_eq!(touches.len(), 20);
    assert!(
        touches.windows(2).all(|pair| pair[0] > pair[1]),
        "{touches:?}"
    );
    assert_eq!((touches[0].0, touches[19].0), (14, 5));
    assert_eq!(
        (seconds(profile.first_seen), seconds(profile.last_seen)),
        (0, 14)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_with_many_subjects_stay_exact_also_when_they_are_joined_later() {
    let service = Service::start().await;
    let (a, b) = ("email=a@example.com", "email=b@example.com");
    let mut all = Vec::new();
    for n in 0..45 {
        all.push(make::order(&format!("a{n}"), n, a, &format!("o{n}"), 10));
        // Every second order is told of under both names.
        all.push(make::order(
            &format!("b{n}"),
            100 + n,
            b,
            &format!("o{}", n * 2),
            7,
        ));
    }
    all.push(make::ticket("t", 5, a, "opened", "t1"));
    for part in all.chunks(9) {
        service.record_all(part.to_vec()).await;
    }
    for n in [3, 50] {
        let mut cancelled = make::order(&format!("c{n}"), 500, a, &format!("o{n}"), 0);
        cancelled.r#type = "order.cancelled".into();
        cancelled.money = None;
        service.record_one(cancelled.clone()).await;
        all.push(cancelled);
    }
    let join = make::seen("join", 600, &[a, b]);
    service.record_one(join.clone()).await;
    all.push(join);
    // 45 + 45 orders of which 23 are the same ones; o3 and o50 are called off.
    let late = make::order("late", 700, b, "o3", 1);
    service.record_one(late.clone()).await;
    all.push(late);
    service.assert_agrees().await;
    let profile = service.profile(b).await;
    let orders = profile.orders.unwrap();
    assert_eq!((orders.count, orders.cancelled), (45 + 45 - 23 - 1, 1));
    // Told of last: 44 by b at 7 each (o50 is off), 21 only by a at 10 each, and o3 again at 1.
    assert_eq!(orders.spend[0].minor_units, 44 * 7 + 21 * 10 + 1);
    assert_eq!(profile.tickets.unwrap().open, 1);
    let at_once = Service::start().await;
    at_once.record_all(all).await;
    assert_eq!(
        service.digest("default").await,
        at_once.digest("default").await
    );
    service.stop().await;
    at_once.stop().await;
}
