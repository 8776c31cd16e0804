//! Who is in which segment, as it is kept with profiles, listed, and told.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use customer_profile::{
    clock::Clock,
    proto::v1::{
        GetSegmentsRequest, ListSegmentsRequest, MembershipStatus, MergeProfilesRequest, Profile,
        ProfileChange, ProfileChangeKind, UndoDecisionRequest, WatchProfilesRequest,
        WatchProfilesResponse, watch_profiles_response::Event,
    },
};
use tokio::time::Instant;
use tonic::Code;
use uuid::Uuid;

use super::{
    A, B, crowded, of,
    watcher::{begins, everything, from_here, next, told, watch},
};
use crate::{
    harness::{
        Database, Random, Service,
        calls::by_id,
        in_full, make,
        random::seed_of_now,
        refused::{assert_invalid, refused},
        say,
        service::with_metadata,
        wait::until,
    },
    stewards::crowd::Crowd,
};

const POLICY: &str = "catalogue: 1
policy:
  default_locale: en
  time_zone: Asia/Tokyo
  worth: {currency: JPY, point: 1, floor: 100}
  groups:
    - {name: home, issue: serve}
  channels:
    - {name: web, reach: inbound, pending: 1h}
  placements:
    - {name: home, channel: web}
  holdouts: {salt: test, epoch: 1, universal: 0.0, random: 0.0}
";

const SEGMENTS: &str = r#"catalogue: 1
segments:
  - name: busy
    rule: interactions >= 3
  - name: quiet
    rule: '!segment("busy")'
"#;

async fn with_segments(service: &Service, operation: &str, text: &str) {
    let texts = vec![POLICY.to_owned(), text.to_owned()];
    service.import(operation, texts).await.unwrap();
}

fn of_segment(segment: &str) -> WatchProfilesRequest {
    WatchProfilesRequest {
        segment: segment.into(),
        ..WatchProfilesRequest::default()
    }
}

async fn come_to(service: &Service, who: &str, segments: &[&str]) -> Profile {
    until("the customer is in the segments", async || {
        service.profile(who).await.segments == segments
    })
    .await;
    service.profile(who).await
}

fn changes(messages: Vec<WatchProfilesResponse>) -> Vec<ProfileChange> {
    let events = messages.into_iter().filter_map(|message| message.event);
    events
        .filter_map(|event| match event {
            Event::Change(change) => Some(change),
            Event::Progress(_) => None,
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_into_a_segment_and_goes_from_it_is_told() {
    let service = Service::start().await;
    with_segments(&service, "segments", SEGMENTS).await;
    let mut all = from_here(&service, of(None)).await;
    let mut busy = from_here(&service, of_segment("busy")).await;
    service.record_one(make::seen("1", 0, &[A])).await;
    let (created, _) = next(&mut all).await;
    assert_eq!(created.kind(), ProfileChangeKind::Created);
    let (quiet, _) = next(&mut all).await;
    assert_eq!(quiet.kind(), ProfileChangeKind::Segments);
    assert_eq!(
        (quiet.version, &quiet.joined[..]),
        (2, &["quiet".into()][..])
    );
    assert!(quiet.parted.is_empty() && !quiet.feelings_changed);
    assert_eq!(come_to(&service, A, &["quiet"]).await.version, 2);

    // Of another nobody in the segment is told, of this one from when it comes.
    service.record_one(make::seen("other", 0, &[B])).await;
    let more = vec![make::seen("2", 1, &[A]), make::seen("3", 2, &[A])];
    service.record_all(more).await;
    let profile = come_to(&service, A, &["busy"]).await;
    let came = loop {
        let (change, _) = next(&mut busy).await;
        assert_eq!(change.profile_id, profile.profile_id);
        if change.kind() == ProfileChangeKind::Segments {
            break change;
        }
    };
    assert_eq!(came.joined, ["busy"]);
    assert_eq!(came.parted, ["quiet"]);
    service.record_one(make::seen("4", 3, &[A])).await;
    let (updated, _) = next(&mut busy).await;
    assert_eq!(updated.kind(), ProfileChangeKind::Updated);
    assert_eq!(updated.version, came.version + 1);

    // A snapshot is of its members, and a token is of one watch.
    let request = WatchProfilesRequest {
        snapshot: true,
        until_now: true,
        ..of_segment("busy")
    };
    let there = changes(told(&service, request).await.unwrap());
    let snapshot = ProfileChangeKind::Snapshot;
    let there = there.iter().filter(|change| change.kind() == snapshot);
    let there: Vec<&str> = there.map(|change| change.profile_id.as_str()).collect();
    assert_eq!(there, [&profile.profile_id]);
    let mut stream = watch(&service, of(None)).await.unwrap();
    let token = begins(&mut stream).await;
    let request = WatchProfilesRequest {
        resume_token: token,
        ..of_segment("busy")
    };
    let status = told(&service, request).await.unwrap_err();
    assert_invalid(&status, &[("resume_token", "token_invalid")]);

    let request = ListSegmentsRequest { with_members: true };
    let listed = service.segments().list_segments(request).await.unwrap();
    let listed = listed.into_inner().segments;
    let sizes: Vec<_> = listed
        .iter()
        .map(|s| (s.name.as_str(), s.members))
        .collect();
    assert_eq!(sizes, [("busy", Some(1)), ("quiet", Some(1))]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_says_whether_it_tells_how_the_customer_feels() {
    let service = Service::start().await;
    let mut all = from_here(&service, of(None)).await;
    service.record_one(make::seen("1", 0, &[A])).await;
    let mut said = make::ticket("2", 1, A, "ticket.opened", "T-1");
    said.text = Some("The parcel came broken and nobody answers. I am very angry.".into());
    service.record_one(said).await;
    service.record_one(make::seen("3", 2, &[A])).await;
    for felt in [false, true, false] {
        let (change, _) = next(&mut all).await;
        assert_eq!(change.feelings_changed, felt, "{change:?}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_merged_away_goes_from_all_segments_in_that_change() {
    let service = Service::start().await;
    with_segments(&service, "segments", SEGMENTS).await;
    for who in [A, B] {
        service.record_one(make::seen(who, 0, &[who])).await;
        come_to(&service, who, &["quiet"]).await;
    }
    let request = MergeProfilesRequest {
        operation_id: "merge".into(),
        target: make::by(A),
        source: make::by(B),
        ..MergeProfilesRequest::default()
    };
    let mut all = from_here(&service, of(None)).await;
    service.identities().merge_profiles(request).await.unwrap();
    let mut told = Vec::new();
    while told.len() < 2 {
        told.push(next(&mut all).await.0);
    }
    let away = told
        .iter()
        .find(|change| change.kind() == ProfileChangeKind::MergedAway);
    let away = away.unwrap();
    assert_eq!(
        (&away.joined[..], &away.parted[..]),
        (&[][..], &["quiet".into()][..])
    );
    let request = UndoDecisionRequest {
        operation_id: "undo".into(),
        decision_operation_id: "merge".into(),
        ..UndoDecisionRequest::default()
    };
    service.identities().undo_decision(request).await.unwrap();
    loop {
        let (change, _) = next(&mut all).await;
        if change.profile_id == away.profile_id && !change.joined.is_empty() {
            assert_eq!(change.joined, ["quiet"]);
            break;
        }
    }
    come_to(&service, B, &["quiet"]).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_changes_is_held_against_everybody() {
    let database = Database::new().await;
    let service = Service::with(database.clone(), &[]).await;
    let people: Vec<String> = (0..40).map(|n| format!("email=p{n}@example.com")).collect();
    let seen = people.iter().map(|who| make::seen(who, 0, &[who]));
    service.record_all(seen.collect()).await;
    // Of before there was any segment.
    with_segments(&service, "segments", SEGMENTS).await;
    for who in [&people[0], &people[39]] {
        come_to(&service, who, &["quiet"]).await;
    }
    service.stop().await;

    let service = Service::with(database.clone(), &[]).await;
    let changed = SEGMENTS.replace(">= 3", ">= 1");
    with_segments(&service, "changed", &changed).await;
    for who in [&people[0], &people[39]] {
        assert_eq!(come_to(&service, who, &["busy"]).await.version, 3);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_alone_ends_a_membership() {
    let service = Service::start().await;
    let text = "catalogue: 1\nsegments:\n  - name: fresh\n    rule: within(last_seen, hours(1))\n";
    with_segments(&service, "segments", text).await;
    let now = Clock::system().now().to_proto();
    let mut seen = make::seen("1", 0, &[A]);
    seen.occurred_at = Some(prost_types::Timestamp {
        seconds: now.seconds - 3_600 + 5,
        ..now
    });
    service.record_one(seen).await;
    let version = come_to(&service, A, &["fresh"]).await.version;
    assert_eq!(come_to(&service, A, &[]).await.version, version + 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_see_all_hears_nothing_of_segments() {
    let hidden = [("CUSTOMER_PROFILE_DEPARTMENTS__DESK__HIDDEN", "orders")];
    let service = Service::with(Database::new().await, &hidden).await;
    with_segments(&service, "segments", SEGMENTS).await;
    let mut stream = watch(&service, of(None)).await.unwrap();
    let token = begins(&mut stream).await;
    drop(stream);
    service.record_one(make::seen("1", 0, &[A])).await;
    come_to(&service, A, &["quiet"]).await;
    let desk = [("x-department", "desk")];
    let request = with_metadata(of_segment("quiet"), &desk);
    let status = service.profiles().watch_profiles(request).await;
    let Err(status) = status else {
        panic!("it was let in");
    };
    refused(&status, Code::PermissionDenied, "field_masked");
    let request = with_metadata(crate::harness::calls::getting(A), &desk);
    let answer = service.profiles().get_profile(request).await.unwrap();
    let answer = answer.into_inner();
    assert!(answer.profile.unwrap().segments.is_empty());
    assert!(answer.masked_fields.contains(&"segments".to_owned()));
    let request = WatchProfilesRequest {
        resume_token: token,
        ..everything()
    };
    let stream = with_metadata(request, &desk);
    let stream = service.profiles().watch_profiles(stream).await.unwrap();
    let mut stream = stream.into_inner();
    let mut heard = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        if let Some(Event::Change(change)) = message.event {
            assert!(change.joined.is_empty() && change.parted.is_empty());
            heard.push(change.kind());
        }
    }
    let kinds = [ProfileChangeKind::Created, ProfileChangeKind::Updated];
    assert_eq!(heard, kinds);
    let status = told(&service, of_segment("none")).await.unwrap_err();
    assert_invalid(&status, &[("segment", "unknown_name")]);
    service.stop().await;
}

/// What profiles are in, as their rows say, of those that are there; and as rows by segment do.
async fn stored(database: &Database) -> [BTreeMap<Uuid, BTreeSet<String>>; 2] {
    let mut connection = database.connect().await;
    let rows: Vec<(Uuid, Option<Vec<String>>)> = sqlx::query_as(
        "SELECT profile_id, segments FROM profiles WHERE segments <> '{}' OR last_day IS NOT NULL",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let of_profiles = rows.into_iter();
    let of_profiles = of_profiles.map(|(id, names)| (id, names.into_iter().flatten().collect()));
    let rows: Vec<(Uuid, String)> = sqlx::query_as("SELECT profile_id, segment FROM memberships")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let mut by_segment: BTreeMap<Uuid, BTreeSet<String>> = BTreeMap::new();
    for (id, name) in rows {
        by_segment.entry(id).or_default().insert(name);
    }
    [of_profiles.collect(), by_segment]
}

/// Which segments a profile is in, worked out now.
async fn worked_out(service: &Service, id: Uuid) -> BTreeSet<String> {
    let request = GetSegmentsRequest {
        lookup: by_id(&id.to_string()),
        ..GetSegmentsRequest::default()
    };
    let answer = service.segments().get_segments(request).await.unwrap();
    let all = answer.into_inner().memberships.into_iter();
    let members = all.filter(|one| one.status() == MembershipStatus::Member);
    members.map(|one| one.segment).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_adds_up_to_what_is_kept_under_merges_separations_and_retractions() {
    let seed = seed_of_now();
    let database = Database::new().await;
    let services = crowded::services(&database, 2).await;
    let text = "catalogue: 1\nsegments:\n  - name: 'null'\n    rule: interactions == 1\n  - name: few\n    rule: interactions >= 2 && interactions < 5\n  - name: many\n    rule: 'interactions >= 4 && !segment(\"few\")'\n";
    with_segments(&services[0], "segments", text).await;
    let mut stream = watch(&services[0], of(None)).await.unwrap();
    let token = begins(&mut stream).await;
    drop(stream);
    Crowd::new().come(&services[0]).await;
    let long = Duration::from_secs(if in_full() { 60 } else { 4 });
    crowded::write(&services, seed, Instant::now() + long).await;

    until("everybody is in what they belong to", async || {
        let [kept, by_segment] = stored(&database).await;
        let mut random = Random::new(seed);
        let mut ids: Vec<Uuid> = kept.keys().copied().collect();
        // All of them in the end, some of them to begin with.
        random.shuffle(&mut ids);
        for id in ids {
            if worked_out(&services[1], id).await != kept[&id] {
                return false;
            }
        }
        let some = kept.iter().filter(|(_, names)| !names.is_empty());
        let some: BTreeMap<_, _> = some.map(|(id, names)| (*id, names.clone())).collect();
        some == by_segment
    })
    .await;

    let request = WatchProfilesRequest {
        resume_token: token,
        ..everything()
    };
    let mut known: BTreeMap<Uuid, BTreeSet<String>> = BTreeMap::new();
    let mut moves = 0;
    for change in changes(told(&services[0], request).await.unwrap()) {
        let id: Uuid = change.profile_id.parse().unwrap();
        let of_profile = known.entry(id).or_default();
        for name in &change.parted {
            assert!(of_profile.remove(name), "{change:?}");
        }
        for name in &change.joined {
            assert!(of_profile.insert(name.clone()), "{change:?}");
        }
        moves += change.parted.len() + change.joined.len();
    }
    let [kept, _] = stored(&database).await;
    known.retain(|id, names| kept.contains_key(id) || !names.is_empty());
    assert_eq!(known, kept);
    say(format_args!(
        "segments: seed {seed}, {} profiles, {moves} moves were told",
        kept.len()
    ));
    for service in &services {
        let report = service.verify("default").await;
        assert_eq!(report.differences, 0, "{report:?}");
    }
    for service in services {
        std::sync::Arc::into_inner(service).unwrap().stop().await;
    }
}
