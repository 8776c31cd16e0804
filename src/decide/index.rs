//! Indexing decisions that an older release made: which identifiers they name.

use super::frozen;
use crate::{
    error::Error,
    storage::{self, Storage, decision_keys, decisions},
};

/// Decisions that are looked for at a time.
const SOME: i64 = 500;

/// Indexes every decision that is not. Answers with how many were not. May run in several instances at once.
///
/// # Errors
/// When the database fails or a decision cannot be read.
pub async fn complete(storage: &Storage) -> Result<usize, Error> {
    let mut indexed = 0;
    loop {
        let mut connection = storage.acquire().await?;
        let found = decisions::not_indexed_anywhere(&mut connection, SOME).await?;
        drop(connection);
        if found.is_empty() {
            return Ok(indexed);
        }
        for (tenant, id) in found {
            let mut transaction = storage.begin().await?;
            for decision in decisions::load(&mut transaction, &tenant, &[id]).await? {
                let keys = frozen::read(&decision)?.keys();
                decision_keys::insert(&mut transaction, &tenant, &keys, id).await?;
            }
            decisions::mark_indexed(&mut transaction, &tenant, id).await?;
            storage::commit(transaction).await?;
            indexed += 1;
        }
    }
}
