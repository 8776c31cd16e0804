//! `ListInteractions`: filters and pages, compared with a list that is filtered the naive way.

use std::time::{Duration, Instant};

use customer_profile::proto::v1::{
    ConsentState, Direction, Interaction, ListInteractionsRequest, RecordedInteraction,
    SubjectKind, SubjectStatus,
};
use prost_types::Timestamp;

use crate::harness::{
    Service,
    calls::{listing, retracting},
    make,
    random::Random,
    service::with_metadata,
};

const WHO: &str = "email=a@example.com";
/// Weaker than handles and badges, stronger than cookies; a profile may have any number of these.
const DEVICE: &str = "device_id=d";
const DEPARTMENTS: [&str; 3] = ["sales", "support", "web"];
const CHANNELS: [&str; 3] = ["chat", "email", "web"];
const TYPES: [&str; 4] = ["page.viewed", "call.made", "message.sent", "ticket.replied"];
/// Few, so that many interactions share an instant.
const INSTANTS: i64 = 60;

/// What was recorded, with its id.
struct Known {
    id: String,
    interaction: Interaction,
}

impl Known {
    /// Greatest is newest.
    fn order(&self) -> (i64, i32, &str) {
        let at = self.interaction.occurred_at.unwrap();
        (at.seconds, at.nanos, &self.id)
    }
}

fn random_interaction(random: &mut Random, n: usize, identifiers: &[String]) -> Interaction {
    let r#type = *random.pick(&TYPES);
    let ticket = format!("t{}", random.below(3));
    let subject = (r#type == "ticket.replied" || random.once_in(3))
        .then(|| make::subject(SubjectKind::Ticket, &ticket, SubjectStatus::Pending));
    let who = [random.pick(identifiers).as_str(), DEVICE];
    Interaction {
        department: (*random.pick(&DEPARTMENTS)).into(),
        channel: (*random.pick(&CHANNELS)).into(),
        r#type: r#type.into(),
        direction: i32::try_from(random.below(3)).unwrap(),
        subject,
        ..make::seen(&n.to_string(), random.upto(INSTANTS), &who)
    }
}

/// Records interactions and remembers them with their ids.
async fn remember(service: &Service, interactions: Vec<Interaction>) -> Vec<Known> {
    let results = service.record_all(interactions.clone()).await;
    results
        .into_iter()
        .zip(interactions)
        .map(|(result, interaction)| Known {
            id: result.interaction_id,
            interaction,
        })
        .collect()
}

fn random_filter(random: &mut Random, who: &str) -> ListInteractionsRequest {
    let mut request = listing(who);
    let some = |random: &mut Random, of: &[&str]| -> Vec<String> {
        let mut chosen = Vec::new();
        if random.once_in(3) {
            for _ in 0..=random.below(2) {
                chosen.push((*random.pick(of)).to_owned());
            }
        }
        chosen
    };
    request.departments = some(random, &DEPARTMENTS);
    request.channels = some(random, &CHANNELS);
    request.types = some(random, &TYPES);
    if random.once_in(4) {
        let ticket = format!("t{}", random.below(4));
        request.subject = Some(make::subject(
            SubjectKind::Ticket,
            &ticket,
            SubjectStatus::Closed,
        ));
    }
    if random.once_in(4) {
        request.direction = i32::try_from(random.below(3)).unwrap();
    }
    if random.once_in(3) {
        request.occurred_from = make::at(random.upto(INSTANTS));
    }
    if random.once_in(3) {
        let from = request
            .occurred_from
            .map_or(-1, |at| at.seconds - make::at(0).unwrap().seconds);
        request.occurred_before = make::at(from + 1 + random.upto(INSTANTS));
    }
    request
}

fn admits(request: &ListInteractionsRequest, interaction: &Interaction) -> bool {
    let among = |list: &[String], value: &String| list.is_empty() || list.contains(value);
    let time = |at: &Timestamp| (at.seconds, at.nanos);
    let at = time(&interaction.occurred_at.unwrap());
    among(&request.departments, &interaction.department)
        && among(&request.channels, &interaction.channel)
        && among(&request.types, &interaction.r#type)
        && (request.direction() == Direction::Unspecified
            || request.direction == interaction.direction)
        && request.subject.as_ref().is_none_or(|wanted| {
            interaction
                .subject
                .as_ref()
                .is_some_and(|s| s.kind == wanted.kind && s.id == wanted.id)
        })
        && request
            .occurred_from
            .as_ref()
            .is_none_or(|from| at >= time(from))
        && request
            .occurred_before
            .as_ref()
            .is_none_or(|before| at < time(before))
}

/// The ids that a timeline must show, newest first.
fn wanted<'a>(known: &'a [Known], request: &ListInteractionsRequest) -> Vec<&'a str> {
    let mut admitted: Vec<&Known> = known
        .iter()
        .filter(|one| admits(request, &one.interaction))
        .collect();
    admitted.sort_by(|a, b| b.order().cmp(&a.order()));
    admitted.into_iter().map(|one| one.id.as_str()).collect()
}

fn ids(listed: &[RecordedInteraction]) -> Vec<&str> {
    listed
        .iter()
        .map(|one| one.interaction_id.as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn timelines_are_what_a_naive_filter_gives_for_all_filters_and_page_sizes() {
    let service = Service::start().await;
    let mut random = Random::new(2);
    // Strong and weak ones, so that some are anchors beside the device and some are not.
    let identifiers: Vec<String> = (0..250)
        .map(|n| format!("{}=i{n}", ["social_handle", "cookie", "badge"][n % 3]))
        .collect();
    let interactions = (0..700)
        .map(|n| random_interaction(&mut random, n, &identifiers))
        .collect();
    let known = remember(&service, interactions).await;
    assert!(service.profile(DEVICE).await.identifiers_total > 200);
    for round in 0..60 {
        let mut request = random_filter(&mut random, DEVICE);
        request.page_size = *random.pick(&[0, 1, 2, 3, 10, 99, 100, 101, 700, 1_000]);
        let wanted = wanted(&known, &request);
        if request.page_size == 1 && wanted.len() > 60 {
            request.page_size = 7;
        }
        let listed = service.timeline(request.clone()).await;
        assert_eq!(ids(&listed), wanted, "round {round}: {request:?}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_size_gives_the_same_list_and_no_page_is_larger() {
    let service = Service::start().await;
    let interactions = (0..37)
        .map(|n| make::seen(&n.to_string(), n / 5, &[WHO, &format!("cookie=c{}", n % 4)]))
        .collect();
    let known = remember(&service, interactions).await;
    let wanted = wanted(&known, &listing(WHO));
    for size in 1..=40 {
        let mut request = listing("cookie=c3");
        request.page_size = size;
        let (mut listed, mut pages) = (Vec::new(), 0);
        loop {
            let answer = service
                .interactions()
                .list_interactions(request.clone())
                .await;
            let page = answer.unwrap().into_inner();
            assert!(page.interactions.len() <= usize::try_from(size).unwrap());
            listed.extend(page.interactions);
            pages += 1;
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(ids(&listed), wanted, "pages of {size}");
        assert!(pages <= 37 / size + 2);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interaction_comes_back_as_it_was_sent() {
    let service = Service::start().await;
    let mut sent = make::order("1", 0, WHO, "o", 5);
    sent.identifiers = vec![
        make::identifier("email= Ａ@Example.com "),
        make::identifier("phone=unknown"),
    ];
    sent.text = Some("箱がつぶれていた。".into());
    sent.language = Some("ja".into());
    let before = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    service.record_all(vec![sent.clone()]).await;
    let listed = service.timeline(listing(WHO)).await;
    assert_eq!(listed[0].interaction.as_ref().unwrap(), &sent);
    let recorded = u64::try_from(listed[0].recorded_at.unwrap().seconds).unwrap();
    assert!((before - 1..before + 600).contains(&recorded));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_stable_while_writes_joins_and_retractions_go_on() {
    let service = Service::start().await;
    let other = "email=b@example.com";
    let seen = |n: i64, at: i64, who: &str| make::seen(&n.to_string(), at, &[who]);
    let mut known = remember(&service, (0..40).map(|n| seen(n, 10 + n, WHO)).collect()).await;
    known.extend(remember(&service, (40..60).map(|n| seen(n, n - 40, other)).collect()).await);
    let mut request = listing(WHO);
    request.page_size = 7;
    let mut listed = Vec::new();
    let mut client = service.interactions();
    for page in 0.. {
        let answer = client
            .list_interactions(request.clone())
            .await
            .unwrap()
            .into_inner();
        listed.extend(answer.interactions);
        if answer.next_page_token.is_empty() {
            break;
        }
        request.page_token = answer.next_page_token;
        match page {
            // Newer than the page, which does not appear; older, which does; and of the page's very instant.
            0 => {
                service.record_one(seen(100, 1_000, WHO)).await;
                known.extend(remember(&service, vec![seen(101, 11, WHO)]).await);
            }
            // People who join in the middle: their older interactions appear.
            1 => {
                let join = make::seen("102", 5, &[WHO, other]);
                known.extend(remember(&service, vec![join]).await);
            }
            // What is taken out does not appear any more.
            2 => {
                service.retract(retracting("op", &["5"])).await.unwrap();
                known.retain(|one| one.interaction.event_id != "5");
            }
            _ => (),
        }
    }
    let shown = ids(&listed);
    // The first two pages were read before the others joined.
    let point = known
        .iter()
        .find(|one| one.id == shown[13])
        .unwrap()
        .order();
    let expected: Vec<&str> = wanted(&known, &listing(WHO))
        .into_iter()
        .filter(|id| {
            let one = known.iter().find(|one| one.id == *id).unwrap();
            one.order() < point || shown[..14].contains(id)
        })
        .collect();
    assert_eq!(shown, expected);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_admits_little_of_a_long_history_ends_all_the_same() {
    let service = Service::start().await;
    let all = (0..6_000)
        .map(|n| {
            let mut one = make::seen(&n.to_string(), n / 3, &[WHO]);
            if n % 2_500 == 7 {
                one.department = "rare".into();
            }
            one
        })
        .collect();
    service.record_all(all).await;
    let mut request = listing(WHO);
    request.departments = vec!["rare".into()];
    let first = service
        .interactions()
        .list_interactions(request.clone())
        .await;
    let first = first.unwrap().into_inner();
    assert!(
        !first.next_page_token.is_empty(),
        "a call looks at no more than 5,000"
    );
    let found = service.timeline(request.clone()).await;
    assert_eq!(found.len(), 3);
    request.departments = vec!["none".into()];
    assert!(service.timeline(request).await.is_empty());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_and_identifiers_are_masked_from_whoever_may_not_read_them() {
    let service = Service::start().await;
    let mut one = make::consent("1", 0, WHO, ConsentState::Denied, Some(WHO));
    one.text = Some("private".into());
    service.record_all(vec![one]).await;
    let fields = [
        "interactions.interaction.text",
        "interactions.interaction.identifiers",
        "interactions.interaction.consent_changes.address",
    ];
    for (permissions, masked) in [
        ("read", &fields[..]),
        ("read,read_text", &fields[1..]),
        ("read,read_identifiers", &fields[..1]),
        ("read,read_text,read_identifiers", &[]),
    ] {
        let request = with_metadata(listing(WHO), &[("x-permissions", permissions)]);
        let page = service
            .interactions()
            .list_interactions(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(page.masked_fields, masked, "{permissions}");
        let shown = page.interactions[0].interaction.as_ref().unwrap();
        assert_eq!(shown.text.is_some(), permissions.contains("read_text"));
        let identified = permissions.contains("read_identifiers");
        assert_eq!(!shown.identifiers.is_empty(), identified);
        assert_eq!(shown.consent_changes[0].address.is_some(), identified);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_of_ten_thousand_identifiers_is_listed_like_any_other() {
    let service = Service::start().await;
    let interactions = (0..9_999)
        .map(|n| {
            make::seen(
                &n.to_string(),
                n % 977,
                &[&format!("social_handle=c{n}"), WHO],
            )
        })
        .collect();
    let known = remember(&service, interactions).await;
    assert_eq!(service.profile(WHO).await.identifiers_total, 10_000);
    let mut request = listing("social_handle=c77");
    request.page_size = 1_000;
    let begun = Instant::now();
    let listed = service.timeline(request.clone()).await;
    assert_eq!(ids(&listed), wanted(&known, &request));
    assert!(
        begun.elapsed() < Duration::from_mins(1),
        "{:?}",
        begun.elapsed()
    );
    request.occurred_from = make::at(500);
    request.occurred_before = make::at(501);
    let listed = service.timeline(request.clone()).await;
    assert_eq!(ids(&listed), wanted(&known, &request));
    service.stop().await;
}
