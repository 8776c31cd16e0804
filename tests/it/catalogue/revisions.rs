//! Revisions of the catalogue: one a change, and each as it was for ever.

use std::collections::BTreeMap;

use customer_profile::{ids::TenantId, proto::v1::UpdateActionRequest};
use sqlx::Row as _;
use tonic::Code;

use super::{create, in_force, pause, retire, update, worth};
use crate::harness::{Service, actions::starter};

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_make_one_revision_each_and_none_is_lost() {
    const CALLERS: usize = 16;
    let service = Service::start().await;
    service.import_starter("starter").await;
    create(&service, "create").await.unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let mut client = service.actions();
        calls.spawn(async move {
            for turn in 0..3 {
                let yen = i64::try_from(caller * 10 + turn).unwrap();
                let request = UpdateActionRequest {
                    operation_id: format!("{caller} {turn}"),
                    definition: Some(worth(1_000 + yen)),
                    ..UpdateActionRequest::default()
                };
                loop {
                    match client.update_action(request.clone()).await {
                        Ok(_) => break,
                        Err(status) if status.code() == Code::Aborted => {}
                        Err(status) => panic!("{status:?}"),
                    }
                }
            }
        });
    }
    calls.join_all().await;
    let changes = i64::try_from(CALLERS * 3).unwrap();
    assert_eq!(in_force(&service).await, 2 + changes);
    let mut connection = service.database.connect().await;
    let rows = sqlx::query(
        "SELECT revision, version FROM action_changes WHERE action_id = 'gloves' ORDER BY revision",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let stored: Vec<(i64, i32)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let wanted: Vec<(i64, i32)> = (2..).zip(1..).take(CALLERS * 3 + 1).collect();
    assert_eq!(stored, wanted);
    let made = sqlx::query(
        "SELECT count(*), count(DISTINCT operation_id), max(revision) FROM catalogue_revisions",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    let made: (i64, i64, i64) = (made.get(0), made.get(1), made.get(2));
    assert_eq!(made, (2 + changes, 2 + changes, 2 + changes));
    service.stop().await;
}

/// Everything that a revision says.
#[derive(Debug, PartialEq)]
struct Seen {
    engine: customer_profile::next_best_action::decide::Policy,
    actions: BTreeMap<String, (u32, String, String)>,
    segments: Vec<String>,
    rules: Vec<String>,
    email: u8,
}

fn seen(snapshot: &customer_profile::next_best_action::catalogue::Snapshot) -> Seen {
    let actions = snapshot.actions().iter().map(|(version, status)| {
        let said = (
            version.number,
            version.digest.to_string(),
            status.word().to_owned(),
        );
        (version.id().to_owned(), said)
    });
    let segments = snapshot.segments().iter().map(|s| s.rule.to_string());
    let rules = snapshot.distinct_rules().iter().map(ToString::to_string);
    Seen {
        engine: snapshot.engine().clone(),
        actions: actions.collect(),
        segments: segments.collect(),
        rules: rules.collect(),
        email: snapshot.names().channel("email").unwrap().0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_revision_is_what_it_was() {
    use customer_profile::actions::Catalogues;

    let service = Service::start().await;
    let storage = service.server().opened().storage.clone();
    let tenant = TenantId::parse("default").unwrap();
    let kept = Catalogues::new(storage.clone());
    assert!(kept.current(&tenant, 0).await.unwrap().is_none());
    let mut was = Vec::new();
    for step in 0..6 {
        match step {
            0 => drop(service.import_starter("starter").await),
            1 => drop(create(&service, "create").await.unwrap()),
            2 => drop(update(&service, "update", worth(5), 0).await.unwrap()),
            3 => drop(pause(&service, "pause", "gloves").await.unwrap()),
            4 => {
                // Another order of channels, and one more: numbers stay.
                let policy = starter()[0]
                    .replace("    - {name: web, reach: inbound, pending: 1h}\n", "")
                    .replace(
                        "  placements:\n",
                        "    - {name: letter, reach: outbound}\n    - {name: web, reach: inbound, pending: 2h}\n  placements:\n",
                    );
                let segment = "catalogue: 1\nsegments:\n  - {name: vip, rule: order_count > 3}\n";
                let documents = vec![policy, segment.to_owned()];
                let answer = service.import("policy", documents).await.unwrap();
                assert_eq!(answer.segments_changed, ["vip"]);
            }
            _ => drop(retire(&service, "retire", "gloves").await.unwrap()),
        }
        let revision = u64::try_from(in_force(&service).await).unwrap();
        assert_eq!(revision, step + 1);
        let now = kept.current(&tenant, revision).await.unwrap().unwrap();
        assert_eq!(now.revision(), revision, "at once for who asks for it");
        was.push(seen(&now));
    }
    for pair in was.windows(2) {
        assert_ne!(pair[0], pair[1]);
        assert_eq!(pair[0].email, pair[1].email);
    }
    let fresh = Catalogues::new(storage);
    for (revision, was) in (1_u32..7).zip(&was).rev() {
        for catalogues in [&kept, &fresh] {
            let then = catalogues
                .at(&tenant, u64::from(revision))
                .await
                .unwrap()
                .unwrap();
            assert_eq!(seen(&then), *was, "revision {revision}");
        }
    }
    for none in [0, 7, u64::MAX] {
        assert!(fresh.at(&tenant, none).await.unwrap().is_none());
    }
    service.stop().await;
}
