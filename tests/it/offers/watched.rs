//! Actions that are not what they are believed to be.

use std::{net::TcpListener, process::Stdio};

use customer_profile::{next_best_action::keys::ActionKey, proto::v1::GetActionStatsRequest};
use sqlx::Executor as _;

use super::{client, shop};
use crate::{
    harness::{Database, cluster::SECRET, process::Process, wait::until},
    health::page,
};

/// Offers that were believed to succeed in one of two cases, ten days ago; one of six did.
const OFFERS: &str = "
    INSERT INTO offers (
        tenant, decision_key, decision_id, request_hash, asked, decided_at, policy_version, model_snapshot, body,
        actions, versions, channels, believed, holdout_epoch
    )
    SELECT
        'default', md5(n::text)::uuid, n::text, md5(n::text)::uuid, '', now() - interval '10 days', 1, 0, '',
        ARRAY[ID], ARRAY[1], ARRAY[0], ARRAY[0.5], 1
    FROM generate_series(1, 600) AS n";
const OUTCOMES: &str = "
    INSERT INTO outcomes (
        tenant, decision_key, slot, action, version, action_group, channel, decided_at, shown_at, accepted_at
    )
    SELECT
        'default', md5(n::text)::uuid, 0, ID, 1, 0, 0, now() - interval '10 days', now() - interval '9 days',
        CASE WHEN n % 6 = 0 THEN now() - interval '8 days' END
    FROM generate_series(1, 600) AS n";

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_come_true_is_counted_and_flagged() {
    let database = Database::new().await;
    let url = database.url();
    let mut connection = database.connect().await;
    let service = shop(database).await;
    let id = ActionKey::id_of("upsell").cast_signed().to_string();
    for statement in [OFFERS, OUTCOMES] {
        let statement = statement.replace("ID", &id);
        connection
            .execute(sqlx::AssertSqlSafe(statement))
            .await
            .unwrap();
    }
    let answer = client(&service)
        .get_action_stats(GetActionStatsRequest::default())
        .await
        .unwrap()
        .into_inner();
    let upsell = answer.actions.iter().find(|a| a.action_id == "upsell");
    let calibration = upsell.unwrap().channels[0].calibration.unwrap();
    assert!(calibration.flagged, "{calibration:?}");
    assert_eq!((calibration.offers, calibration.observed), (600, 100));
    assert!((calibration.expected - 300.0).abs() < 1e-9);
    assert!(calibration.high < 0.8 && calibration.low > 0.2);
    // A process of its own, since gauges are of a process.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let data = tempfile::tempdir().unwrap();
    let listen = format!("127.0.0.1:{port}");
    let settings = [
        ("DATABASE_URL", url.as_str()),
        ("CUSTOMER_PROFILE_HASH_SECRET", SECRET),
        ("CUSTOMER_PROFILE_LISTEN__METRICS", listen.as_str()),
    ];
    let _process = Process::serve_logging(data.path(), &settings, Stdio::null());
    let metrics = format!("http://127.0.0.1:{port}");
    let wanted = [
        "customer_profile_actions_miscalibrated{direction=\"overrated\"} 1",
        "customer_profile_actions_miscalibrated{direction=\"underrated\"} 0",
        "customer_profile_actions_drifting{direction=\"falling\"} 1",
        "customer_profile_actions_drifting{direction=\"rising\"} 0",
        "customer_profile_action_successes_expected{action=\"upsell\"} 300",
        "customer_profile_action_successes{action=\"upsell\"} 100",
    ];
    until("the gauges are set", async || {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            return false;
        }
        let (_, text) = page(&metrics, "/metrics").await;
        wanted.iter().all(|line| text.lines().any(|l| l == *line))
    })
    .await;
    // What it learned says so too.
    until("what is believed is in doubt", async || {
        let request = GetActionStatsRequest::default();
        let answer = client(&service).get_action_stats(request).await.unwrap();
        let answer = answer.into_inner();
        let upsell = answer.actions.iter().find(|a| a.action_id == "upsell");
        let belief = upsell.unwrap().channels[0].belief.unwrap();
        belief.widened > 1.2
    })
    .await;
}
