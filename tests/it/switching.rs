//! Rules of resolution: previews, switches, going back, and what is written meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use customer_profile::{
    identity::{
        Region, Rules,
        rules::{RuleSet, parse, wire},
    },
    proto::v1::{
        ApplyRulesRequest, ApplyRulesResponse, GetRulesRequest, GetRulesResponse, IdentityRules,
        MergeProfilesRequest, NamespaceRules, PreviewRulesRequest, PreviewRulesResponse,
        SeparateIdentifiersRequest, apply_rules_request, preview_rules_request,
    },
};
use sqlx::Row as _;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{
    harness::{
        Database, Service, in_full, make, population,
        pure::{expected_under, stored_partition},
        refused::{invalid, refused},
        say, send,
    },
    health::page,
};

/// Rules from text, as they are asked for and as they are computed with.
fn rules(said: &[(&str, &str)], size_cap: usize) -> (IdentityRules, Rules) {
    let mut set = RuleSet {
        size_cap,
        ..RuleSet::default()
    };
    for (namespace, text) in said {
        let parsed = parse(namespace, text, Region::JP).unwrap();
        set.namespaces.insert((*namespace).to_owned(), parsed);
    }
    let namespaces = set.namespaces.iter().map(|(name, of)| wire(name, of));
    let asked = IdentityRules {
        namespaces: namespaces.collect(),
        size_cap: i32::try_from(size_cap).unwrap(),
    };
    (asked, Rules::from(set))
}

async fn get(service: &Service) -> GetRulesResponse {
    let answer = service.identities().get_rules(GetRulesRequest {}).await;
    answer.unwrap().into_inner()
}

async fn preview(service: &Service, rules: &IdentityRules) -> PreviewRulesResponse {
    let request = PreviewRulesRequest {
        change: Some(preview_rules_request::Change::Rules(rules.clone())),
        examples: 50,
    };
    let answer = service.identities().preview_rules(request).await;
    answer.unwrap().into_inner()
}

async fn apply(
    service: &Service,
    operation: &str,
    change: apply_rules_request::Change,
    expected_revision: i64,
) -> Result<ApplyRulesResponse, Status> {
    let request = ApplyRulesRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        change: Some(change),
        expected_revision,
    };
    let answer = service.identities().apply_rules(request).await?;
    Ok(answer.into_inner())
}

fn to(rules: &IdentityRules) -> apply_rules_request::Change {
    apply_rules_request::Change::Rules(rules.clone())
}

/// Waits until every profile is under the rules in force.
async fn switched(service: &Service) -> GetRulesResponse {
    for _ in 0..2_400 {
        let now = get(service).await;
        if now.profiles_waiting == 0 && now.revisions[0].switched_at.is_some() {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the switch does not end: {:?}", get(service).await);
}

async fn no_differences(service: &Service) {
    let report = service.verify("default").await;
    assert_eq!(report.waiting, 0);
    assert_eq!(report.differences, 0, "{:#?}", report.described);
}

/// Where each identifier lies, and which are homes.
async fn stored(database: &Database) -> (BTreeMap<Uuid, Uuid>, BTreeMap<Uuid, Uuid>) {
    let mut connection = database.connect().await;
    let lies_in = sqlx::query("SELECT identity_key, profile_id FROM identities WHERE present")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let homes = sqlx::query("SELECT profile_id, home FROM profiles WHERE last_day IS NOT NULL")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let pairs =
        |rows: &[sqlx::postgres::PgRow]| rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    (pairs(&lies_in), pairs(&homes))
}

/// Sets joined and sets split, counted in the plainest way.
fn differences(before: &BTreeMap<Uuid, Uuid>, after: &BTreeMap<Uuid, Uuid>) -> (i64, i64) {
    let mut from: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    let mut into: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    for (key, old) in before {
        let new = after[key];
        from.entry(new).or_default().insert(*old);
        into.entry(*old).or_default().insert(new);
    }
    let several = |of: &BTreeMap<Uuid, BTreeSet<Uuid>>| {
        i64::try_from(of.values().filter(|set| set.len() > 1).count()).unwrap()
    };
    (several(&from), several(&into))
}

/// What is said of namespaces.
type Said = Vec<(&'static str, &'static str)>;

/// Changes of rules of every kind.
fn changes() -> Vec<(&'static str, Said, usize)> {
    vec![
        ("e-mail addresses unique", vec![("email", "unique")], 10_000),
        (
            "numbers shared by all",
            vec![("customer_id", "free"), ("phone", "free")],
            10_000,
        ),
        (
            "devices of two are hubs",
            vec![("device_id", "hub 1"), ("cookie", "newest")],
            10_000,
        ),
        (
            "phones of two at once are nobody's",
            vec![("phone", "nobody, priority 1"), ("email", "priority 8")],
            10_000,
        ),
        ("small profiles", vec![], 4),
        (
            "blocked devices",
            vec![("device_id", "block d-1-0, block home-0, block kiosk-0")],
            10_000,
        ),
    ]
}

async fn peopled(seed: u64, count: usize, people: usize) -> Service {
    let service = Service::start().await;
    let interactions = population::interactions(seed, count, people);
    let batches = interactions.chunks(200).map(<[_]>::to_vec).collect();
    let tally = send::unary(service.interactions(), batches).await;
    assert_eq!((tally.recorded, tally.others), (count, vec![]));
    service
}

/// A few decisions, so that assertions and separations are there.
async fn decide(service: &Service) {
    for n in 0..4 {
        let merge = MergeProfilesRequest {
            operation_id: format!("merge {n}"),
            reason: "a test".into(),
            target: make::by(&format!("customer_id=C-{:06}", 7 * n + 1)),
            source: make::by(&format!("email=person{}@mail.example.jp", 11 * n + 3)),
            dry_run: false,
        };
        // Some are refused, which is as good.
        let _ = service.identities().merge_profiles(merge).await;
        let separate = SeparateIdentifiersRequest {
            operation_id: format!("separate {n}"),
            reason: "a test".into(),
            identifiers: vec![make::identifier(&format!(
                "email=person{}@example.com",
                5 * n + 2
            ))],
            ..SeparateIdentifiersRequest::default()
        };
        let _ = service.identities().separate_identifiers(separate).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_does_what_its_preview_said_and_going_back_restores_everything() {
    let (count, people) = if in_full() {
        (12_000, 3_000)
    } else {
        (1_500, 300)
    };
    let service = peopled(77, count, people).await;
    decide(&service).await;
    let first = service.digest("default").await;
    let (before, homes) = stored(&service.database).await;
    let now = get(&service).await;
    let in_force = now.revisions[0].rules.clone().unwrap();
    assert_eq!((now.revisions[0].revision, now.profiles_waiting), (1, 0));
    let same = preview(&service, &in_force).await;
    assert_eq!(
        (
            same.profiles_joined,
            same.profiles_split,
            same.identifiers_moved
        ),
        (0, 0, 0),
        "nothing changes under the same rules"
    );
    assert_eq!(same.profiles_before, i64::try_from(homes.len()).unwrap());
    let mut different = 0;
    for (what, said, cap) in changes() {
        let (asked, _) = rules(&said, cap);
        let foreseen = preview(&service, &asked).await;
        let revision = get(&service).await.revisions[0].revision;
        let applied = apply(&service, what, to(&asked), revision).await.unwrap();
        assert_eq!(applied.revision.unwrap().revision, revision + 1);
        switched(&service).await;
        no_differences(&service).await;
        let (after, homes) = stored(&service.database).await;
        let seen = preview(&service, &asked).await;
        assert_eq!(seen.partition_digest, foreseen.partition_digest, "{what}");
        assert_eq!(
            (
                seen.profiles_joined,
                seen.profiles_split,
                seen.identifiers_moved
            ),
            (0, 0, 0),
            "{what}"
        );
        assert_eq!(
            (seen.hubs_before, seen.apart_before, seen.largest_before),
            (
                foreseen.hubs_after,
                foreseen.apart_after,
                foreseen.largest_after
            ),
            "{what}"
        );
        assert_eq!(foreseen.profiles_after, i64::try_from(homes.len()).unwrap());
        let (joined, split) = differences(&before, &after);
        assert_eq!(
            (foreseen.profiles_joined, foreseen.profiles_split),
            (joined, split),
            "{what}"
        );
        let moved = before
            .iter()
            .filter(|(key, id)| after[*key] != **id)
            .count();
        assert_eq!(
            foreseen.identifiers_moved,
            i64::try_from(moved).unwrap(),
            "{what}"
        );
        different += joined + split;
        say(format_args!(
            "rules: {what}: {} profiles to {}, {joined} joined, {split} split, {moved} identifiers moved",
            foreseen.profiles_before, foreseen.profiles_after
        ));

        let back = apply_rules_request::Change::Revision(1);
        apply(&service, &format!("back from {what}"), back, revision + 1)
            .await
            .unwrap();
        switched(&service).await;
        no_differences(&service).await;
        assert_eq!(service.digest("default").await, first, "{what}");
        assert_eq!(
            stored(&service.database).await.0,
            before,
            "{what}: every id is back"
        );
    }
    assert!(different > 20, "the changes change something: {different}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_during_a_switch_is_all_there_under_the_new_rules() {
    let (count, people) = if in_full() {
        (12_000, 2_000)
    } else {
        (2_400, 400)
    };
    let interactions = population::interactions(78, 2 * count, people);
    let (stored_first, sent_meanwhile) = interactions.split_at(count);
    let service = Service::start().await;
    let other = Service::with(service.database.clone(), &[]).await;
    let batches = stored_first.chunks(200).map(<[_]>::to_vec).collect();
    let tally = send::unary(service.interactions(), batches).await;
    assert_eq!((tally.recorded, tally.others), (count, vec![]));
    let sending: Vec<_> = sent_meanwhile
        .chunks(count / 4)
        .enumerate()
        .map(|(n, part)| {
            let by = if n % 2 == 0 { &service } else { &other };
            let client = by.interactions();
            let batches: Vec<_> = part.chunks(20).map(<[_]>::to_vec).collect();
            tokio::spawn(send::unary(client, batches))
        })
        .collect();
    let mut last = None;
    for (n, (what, said, cap)) in changes().into_iter().skip(1).take(4).enumerate() {
        let (asked, computed) = rules(&said, cap);
        let by = if n % 2 == 0 { &other } else { &service };
        apply(by, what, to(&asked), 0).await.unwrap();
        last = Some(computed);
        // The next change comes while this one is under way.
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    let mut recorded = 0;
    for sent in sending {
        let tally = sent.await.unwrap();
        assert_eq!(tally.others, Vec::<String>::new());
        recorded += tally.recorded;
    }
    assert_eq!(recorded, count);
    switched(&service).await;
    no_differences(&service).await;
    let expected = expected_under(&interactions, &last.unwrap());
    assert!(stored_partition(&service.database).await == expected.partition);
    assert_eq!(service.digest("default").await, expected.digest);
    other.stop().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_is_broken_off_is_taken_up_by_another_process() {
    let service = peopled(79, 3_000, 900).await;
    let (asked, _) = rules(&[("email", "unique"), ("phone", "limit 1")], 10_000);
    let foreseen = preview(&service, &asked).await;
    apply(&service, "switch", to(&asked), 1).await.unwrap();
    let database = service.database.clone();
    service.stop().await;
    let mut connection = database.connect().await;
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM profiles WHERE rules <> 2")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(
        left > 0,
        "the switch was over before it could be broken off"
    );
    let next = Service::with(database, &[]).await;
    switched(&next).await;
    no_differences(&next).await;
    let now = preview(&next, &asked).await;
    assert_eq!(now.partition_digest, foreseen.partition_digest);
    next.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interaction_that_reaches_too_much_is_stored_and_resolved_in_the_background() {
    let database = Database::new().await;
    let limited = [("CUSTOMER_PROFILE_INGEST__RESOLVE_LIMIT", "100")];
    let service = Service::with(database, &limited).await;
    // Two accounts with 80 addresses of a kind each, and a device that both use.
    let mut sent = Vec::new();
    for (who, at) in [("customer_id=a", 0), ("customer_id=b", 100)] {
        for n in 0..80 {
            let cookie = format!("cookie={who}-{n}");
            sent.push(make::seen(&cookie, at, &[who, &cookie]));
        }
    }
    let own = make::seen("own", 200, &["customer_id=a", "device_id=d"]);
    let theirs = make::seen("theirs", 300, &["customer_id=b", "device_id=d"]);
    sent.extend([own, theirs]);
    service.record_all(sent.clone()).await;
    switched(&service).await;
    no_differences(&service).await;
    let expected = expected_under(&sent, &Rules::default());
    assert_eq!(service.digest("default").await, expected.digest);
    let (_, page) = page(&service.metrics_url(), "/metrics").await;
    assert!(
        page.lines().any(|line| {
            line.starts_with("customer_profile_identity_resolved_profiles_total")
                && !line.ends_with(" 0")
        }),
        "the background had nothing to do"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_made_once_and_refused_with_every_reason() {
    let service = peopled(80, 60, 20).await;
    let (asked, _) = rules(&[("email", "unique")], 10_000);
    let made = apply(&service, "one", to(&asked), 1).await.unwrap();
    assert!(!made.repeated && !made.unchanged);
    let again = apply(&service, "one", to(&asked), 1).await.unwrap();
    assert!(again.repeated);
    assert_eq!(again.revision.unwrap().revision, 2);
    let reused = apply(&service, "one", apply_rules_request::Change::Revision(1), 0).await;
    refused(
        &reused.unwrap_err(),
        Code::FailedPrecondition,
        "operation_id_reused",
    );
    let unchanged = apply(&service, "two", to(&asked), 2).await.unwrap();
    assert!(unchanged.unchanged);
    let stale = apply(
        &service,
        "three",
        apply_rules_request::Change::Revision(1),
        1,
    )
    .await;
    refused(
        &stale.unwrap_err(),
        Code::FailedPrecondition,
        "revision_not_in_force",
    );
    let unknown = apply(
        &service,
        "four",
        apply_rules_request::Change::Revision(9),
        0,
    )
    .await;
    refused(&unknown.unwrap_err(), Code::NotFound, "not_found");
    let wrong = IdentityRules {
        namespaces: vec![
            NamespaceRules {
                namespace: "email".into(),
                priority: Some(256),
                limit: Some(-1),
                hub_limit: Some(0),
                shared: 9,
                blocked_values: vec![String::new(), "nobody@example.com".into()],
            },
            NamespaceRules {
                namespace: "email".into(),
                ..NamespaceRules::default()
            },
        ],
        size_cap: 1,
    };
    let status = apply(&service, "", to(&wrong), -1).await.unwrap_err();
    let named = invalid(&status);
    let fields: Vec<&str> = named.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "operation_id",
            "rules.size_cap",
            "rules.namespaces[0].priority",
            "rules.namespaces[0].limit",
            "rules.namespaces[0].hub_limit",
            "rules.namespaces[0].shared",
            "rules.namespaces[0].blocked_values[0]",
            "rules.namespaces[1].namespace",
            "expected_revision",
        ]
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_begins_with_the_rules_of_the_configuration_and_keeps_them() {
    let configured = [(
        "CUSTOMER_PROFILE_TENANT_DEFAULTS__IDENTITY__EMAIL",
        "unique, block nobody@example.com",
    )];
    let service = Service::with(Database::new().await, &configured).await;
    let before = get(&service).await;
    assert_eq!(before.revisions[0].revision, 0, "nothing is stored yet");
    service
        .record_all(vec![make::seen(
            "1",
            0,
            &["email=a@example.com", "cookie=c"],
        )])
        .await;
    let now = get(&service).await;
    assert_eq!(now.revisions[0].revision, 1);
    let email = &now.revisions[0].rules.as_ref().unwrap().namespaces[0];
    assert_eq!((email.namespace.as_str(), email.limit), ("email", Some(1)));
    assert_eq!(email.blocked_values, ["nobody@example.com"]);
    let database = service.database.clone();
    service.stop().await;
    let other = Service::with(database, &[]).await;
    let kept = get(&other).await;
    assert_eq!(kept.revisions[0].rules, now.revisions[0].rules);
    other.stop().await;
}
