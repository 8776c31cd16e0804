//! Callers that go away while a transaction begins.

use std::time::Duration;

use tokio::time::sleep;

use crate::harness::Service;

const IN_TRANSACTION: &str = "
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'";

#[tokio::test(flavor = "multi_thread")]
async fn no_connection_is_left_in_a_transaction() {
    let service = Service::start().await;
    let storage = service.server().opened().storage.clone();
    for n in 0..400 {
        let mut begun = Box::pin(storage.begin_snapshot());
        for _ in 0..=n % 8 {
            if futures_util::poll!(&mut begun).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(begun);
    }
    // What has begun for nobody is rolled back by itself.
    let mut left = i64::MAX;
    let mut connection = service.database.connect().await;
    for _ in 0..100 {
        left = sqlx::query_scalar(IN_TRANSACTION)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        if left == 0 {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(left, 0);
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut snapshot = storage.begin_snapshot().await.unwrap();
        let one: i32 = sqlx::query_scalar("SELECT 1")
            .fetch_one(&mut *snapshot)
            .await
            .unwrap();
        held.push((snapshot, one));
    }
    drop(held);
    service.stop().await;
}
