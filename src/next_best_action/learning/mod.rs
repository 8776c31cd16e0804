//! What customers say yes to: learning from outcomes.
//!
//! What must stay true:
//!
//! - Everything is a pure function of outcomes, settings and a day: no clock, no store, no global randomness. The same
//!   outcomes end in the same bytes on every machine; what is stored or drawn uses `libm` and never the platform's library.
//! - Level 1 (always on) is whole numbers by day, exact in any order; its estimate is made when it is read.
//! - Level 2 (contextual) is a fold of resolved outcomes in the order of (resolved day, decision, slot) and nothing else.
//! - Snapshots are of a closed day (`as_of`, the last one that has ended in the tenant's zone): nothing later is read.
//! - What a decision needs is made beforehand; reading it allocates nothing.
//!
//! | file | what is in it |
//! |---|---|
//! | `cohorts` | what was delivered and what came of it, by day |
//! | `delay` | how long a yes takes |
//! | `estimate` | level 1: Beta posteriors with forgetting and delay correction |
//! | `draws` | 256 draws for each action and channel, made once for a snapshot |
//! | `features` | what level 2 looks at |
//! | `logistic` | level 2: one step of the Bayesian logistic regression |
//! | `snapshot` | level 2: the fold, its bytes, late corrections |
//! | `standing` | what level 2 was folded from, whether it may speak, what is in doubt |
//! | `switch` | which level speaks for an action |
//! | `beta`, `normal` | the distributions |
//! | `mixing`, `number`, `bytes` | hashes and streams of numbers, whole numbers as reals, stored bytes |

pub mod beta;
mod bytes;
pub mod cohorts;
pub mod delay;
pub mod draws;
pub mod estimate;
pub mod features;
pub mod logistic;
mod mixing;
pub mod normal;
mod number;
pub mod snapshot;
pub mod standing;
pub mod switch;

use super::keys::{ActionKey, ChannelIndex};

pub use bytes::Unreadable;

/// Days after which a past outcome weighs half (`h`).
pub const HALF_LIFE_DAYS: f64 = 30.0;
/// Age in days at which a cohort or a weight is forgotten: `2^(-598/30) < 10^-6 <= 2^(-597/30)`.
pub const OLDEST_DAYS: i32 = 598;
/// The longest attribution window, days.
pub const MAX_WINDOW_DAYS: u16 = 366;

/// An action on a channel: what level 1 learns about.
///
/// Channels are places in a table of the catalogue. What is stored is keyed by them, so that table only ever grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arm {
    /// The action and its version.
    pub action: ActionKey,
    /// The channel.
    pub channel: ChannelIndex,
}

impl Arm {
    /// As words of a hash.
    const fn words(self) -> [u64; 3] {
        [
            self.action.id,
            widened(self.action.version),
            widened_byte(self.channel.0),
        ]
    }
}

const fn widened(word: u32) -> u64 {
    word as u64
}

const fn widened_byte(byte: u8) -> u64 {
    byte as u64
}
