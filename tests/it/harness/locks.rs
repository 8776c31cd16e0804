//! Locks that somebody else holds.

use sqlx::{Connection as _, PgConnection};

use super::{Database, wait::until};

/// Every stripe that a writer could take, held by a session that is no service's.
pub struct Stripes(PgConnection);

impl Stripes {
    pub async fn hold(database: &Database) -> Self {
        let mut connection = database.connect().await;
        sqlx::query(
            "SELECT pg_advisory_lock(6516785, stripe) FROM generate_series(0, 4095) AS s (stripe)",
        )
        .execute(&mut connection)
        .await
        .unwrap();
        Self(connection)
    }

    /// Waits until so many transactions wait for them.
    pub async fn waited_for_by(&mut self, wanted: i64) {
        let connection = &mut self.0;
        until("writers wait for locks", async || {
            let waiting: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            )
            .fetch_one(&mut *connection)
            .await
            .unwrap();
            waiting >= wanted
        })
        .await;
    }

    pub async fn release(self) {
        self.0.close().await.unwrap();
    }
}
