//! Waiting for something to become so.

use std::time::Duration;

/// The longest that anything here may take; only a failing test waits so long.
pub const LIMIT: Duration = Duration::from_mins(1);

/// Waits until a condition holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let ended = tokio::time::timeout(LIMIT, waiting).await;
    assert!(ended.is_ok(), "waited in vain until {what}");
}

/// The outcome of something that must end.
pub async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(LIMIT, work).await;
    outcome.unwrap_or_else(|_| panic!("{what} did not end"))
}
