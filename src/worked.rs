//! How long a test has worked: time of the processor, since a machine that does other things says nothing of a piece of code.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Time of the processor that this thread has taken since it had taken so much.
pub(crate) fn since(begun: Duration) -> Duration {
    so_far().saturating_sub(begun)
}

/// Time of the processor that this thread has taken so far.
pub(crate) fn so_far() -> Duration {
    let taken = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(taken.tv_sec).unwrap_or_default(),
        u32::try_from(taken.tv_nsec).unwrap_or_default(),
    )
}
