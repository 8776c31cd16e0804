//! Every statement of the program, against the schema it is for.

use customer_profile::storage::STATEMENTS;
use sqlx::{Executor as _, SqlSafeStr as _};

use crate::harness::Database;

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_can_be_prepared_on_a_migrated_database() {
    let database = Database::new().await;
    let mut connection = database.connect().await;
    let mut names = Vec::new();
    for (name, statement) in STATEMENTS.iter().copied().flatten() {
        let prepared = (&mut connection).prepare(statement.into_sql_str()).await;
        assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
        names.push(*name);
    }
    assert!(names.len() > 30, "{}", names.len());
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), names.len(), "each name is of one statement");
}
