//! May this value be served? Which of two is the newer? Pure.
//!
//! What must stay true:
//!
//! - Without a token an answer is right as of a time that lies no further back than the caller bears; half of that is for finding
//!   out, the rest for answering, so a look at the outbox that is older than half the bound vouches for nothing.
//! - With a token it includes what the token has seen: either it lists the token's anchor at its version or a later one, or
//!   everything up to the token's position is in it. Along an identifier versions never go back, so an anchor at an earlier
//!   version is a no, whatever the positions say.

use std::time::Duration;

use super::memory::{Memory, Standing};
use crate::ids::{IdentityKey, ProfileId};

/// The oldest answer that a caller gets who welcomes old ones while the database is away.
pub const OLDEST: Duration = Duration::from_hours(1);

/// What an answer has to include.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What transactions up to this one did.
    pub position: i64,
    /// This version, or a later one, of whoever holds this identifier.
    pub anchor: Option<(IdentityKey, i64)>,
}

/// How fresh an answer has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What it has to include.
    pub tokens: Vec<Token>,
    /// How far it may be behind.
    pub bound: Duration,
    /// Whether an old one is welcome while the database is away.
    pub allow_stale: bool,
}

impl Wish {
    /// The position up to which tokens ask for everything; an answer hands it on.
    #[must_use]
    pub fn position(&self) -> i64 {
        let positions = self.tokens.iter().map(|token| token.position);
        positions.max().unwrap_or_default()
    }
}

/// What of a value matters.
#[derive(Clone, Copy, Debug)]
pub struct Facts<F> {
    /// The profile.
    pub profile: ProfileId,
    /// Its version.
    pub version: i64,
    /// Every change below is in it.
    pub position: i64,
    /// Whether it lists an identifier.
    pub lists: F,
}

/// Why a value is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The outbox has not been looked at lately.
    Behind,
    /// Its profile has changed.
    Changed,
    /// It is older than what is remembered.
    TooOld,
    /// A token asks for more.
    Token,
    /// A replica has a version of which it is not known that the primary shows it.
    Ahead,
}

impl Why {
    /// For a metric.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Behind => "behind",
            Self::Changed => "changed",
            Self::TooOld => "too_old",
            Self::Token => "token",
            Self::Ahead => "ahead",
        }
    }
}

/// When the memory vouches for what it knows; none while it lags by more than half of what the caller bears.
#[must_use]
pub fn vouched(memory: &Memory, bound: Duration, now: Duration) -> Option<Duration> {
    let as_of = memory.as_of()?;
    (now.saturating_sub(as_of) <= bound / 2 && !bound.is_zero()).then_some(as_of)
}

/// When a kept value was right, if it may be served now.
///
/// # Errors
/// With why it may not.
pub fn judge<F: Fn(&IdentityKey) -> bool>(
    facts: &Facts<F>,
    wish: &Wish,
    memory: &Memory,
    now: Duration,
) -> Result<Duration, Why> {
    let as_of = vouched(memory, wish.bound, now).ok_or(Why::Behind)?;
    match memory.standing(facts.profile, facts.version, facts.position) {
        Standing::Changed => return Err(Why::Changed),
        Standing::TooOld => return Err(Why::TooOld),
        Standing::Unchanged => (),
    }
    let position = facts.position.max(memory.horizon());
    if includes(facts, position, &wish.tokens) {
        Ok(as_of)
    } else {
        Err(Why::Token)
    }
}

/// Whether a value that includes everything below a position includes what tokens ask for.
#[must_use]
pub fn includes<F: Fn(&IdentityKey) -> bool>(
    facts: &Facts<F>,
    position: i64,
    tokens: &[Token],
) -> bool {
    tokens.iter().all(|token| match token.anchor {
        Some((anchor, version)) if (facts.lists)(&anchor) => facts.version >= version,
        _ => position > token.position,
    })
}

/// Whether what the primary itself says shows that the write of a token is gone: it counts up to `next`, and no transaction
/// from there on has begun; or a profile that lists the anchor is of an older version, and versions never go back.
#[must_use]
pub fn is_lost<F: Fn(&IdentityKey) -> bool>(facts: &Facts<F>, next: i64, token: &Token) -> bool {
    let older =
        |(anchor, version): (IdentityKey, i64)| (facts.lists)(&anchor) && facts.version < version;
    token.position >= next || token.anchor.is_some_and(older)
}

/// How far a kept value of some age is behind, if whoever takes old ones gets it while the database is away.
///
/// # Errors
/// With why it may not be served.
pub fn judge_old<F: Fn(&IdentityKey) -> bool>(
    facts: &Facts<F>,
    age: Duration,
    wish: &Wish,
    memory: &Memory,
    now: Duration,
) -> Result<Duration, Why> {
    let standing = memory.standing(facts.profile, facts.version, facts.position);
    let (behind, position) = match (standing, memory.as_of()) {
        (Standing::Unchanged, Some(as_of)) => (
            now.saturating_sub(as_of),
            facts.position.max(memory.horizon()),
        ),
        _ => (age, facts.position),
    };
    if behind > OLDEST {
        return Err(Why::TooOld);
    }
    if includes(facts, position, &wish.tokens) {
        Ok(behind)
    } else {
        Err(Why::Token)
    }
}

/// When a kept answer that nobody is known was right, if it may be served now. Tokens ask for the position itself.
///
/// # Errors
/// With why it may not.
pub fn judge_unknown(
    position: i64,
    wish: &Wish,
    memory: &Memory,
    now: Duration,
) -> Result<Duration, Why> {
    vouched(memory, wish.bound, now).ok_or(Why::Behind)?;
    let right = memory.right_at(position).ok_or(Why::TooOld)?;
    if now.saturating_sub(right) > wish.bound / 2 {
        return Err(Why::TooOld);
    }
    // Nothing has changed since when the look vouches for it.
    let position = if memory.as_of() == Some(right) {
        position.max(memory.horizon())
    } else {
        position
    };
    if wish.tokens.iter().all(|token| position > token.position) {
        Ok(right)
    } else {
        Err(Why::Token)
    }
}

/// What orders values of one key: of two the one with the greater version, of one version the one that was read later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age {
    /// The version; 0 of what has none.
    pub version: i64,
    /// Every change below is in it; 0 of a mark that says only that the version exists.
    pub position: i64,
}

impl Age {
    /// As text that sorts as it does, 32 hexadecimal digits.
    #[must_use]
    pub fn text(self) -> String {
        let digits = |number: i64| u64::try_from(number).unwrap_or_default();
        format!(
            "{:016x}{:016x}",
            digits(self.version),
            digits(self.position)
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::{super::memory::Changed, *};

    fn key(n: u128) -> IdentityKey {
        IdentityKey::from_uuid(Uuid::from_u128(n))
    }

    fn facts(version: i64, position: i64) -> Facts<impl Fn(&IdentityKey) -> bool> {
        Facts {
            profile: ProfileId::from_uuid(Uuid::nil()),
            version,
            position,
            lists: |asked: &IdentityKey| *asked == key(1),
        }
    }

    fn wish(tokens: Vec<Token>) -> Wish {
        Wish {
            tokens,
            bound: Duration::from_secs(2),
            allow_stale: false,
        }
    }

    fn memory(horizon: i64) -> Memory {
        let mut memory = Memory::new(Duration::from_mins(1), 100);
        memory.begin(5);
        memory.looked(Duration::from_secs(10), horizon);
        memory
    }

    const NOW: Duration = Duration::from_millis(10_400);

    #[test]
    fn a_value_is_served_until_it_changed_or_nobody_looks() {
        let mut memory = memory(20);
        let as_of = Duration::from_secs(10);
        assert_eq!(judge(&facts(3, 9), &wish(vec![]), &memory, NOW), Ok(as_of));
        let late = Duration::from_millis(11_001);
        let behind = judge(&facts(3, 9), &wish(vec![]), &memory, late);
        assert_eq!(behind, Err(Why::Behind));
        let old = judge(&facts(3, 4), &wish(vec![]), &memory, NOW);
        assert_eq!(old, Err(Why::TooOld));
        memory.saw(Changed {
            profile: ProfileId::from_uuid(Uuid::nil()),
            version: 4,
            position: 21,
        });
        let changed = judge(&facts(3, 9), &wish(vec![]), &memory, NOW);
        assert_eq!(changed, Err(Why::Changed));
        let zero = Wish {
            bound: Duration::ZERO,
            ..wish(vec![])
        };
        let exact = Duration::from_secs(10);
        assert_eq!(
            judge(&facts(4, 22), &zero, &memory, exact),
            Err(Why::Behind)
        );
    }

    #[test]
    fn a_token_is_met_by_its_anchor_or_by_the_position() {
        let memory = memory(20);
        let token = |position, anchor| Token { position, anchor };
        let ask = |token| judge(&facts(3, 9), &wish(vec![token]), &memory, NOW).is_ok();
        assert!(ask(token(19, None)), "unchanged up to the horizon");
        assert!(!ask(token(20, None)));
        assert!(ask(token(25, Some((key(1), 3)))));
        assert!(!ask(token(25, Some((key(2), 3)))), "it does not list it");
        assert!(!ask(token(2, Some((key(1), 4)))), "versions never go back");
    }

    #[test]
    fn a_write_that_the_primary_does_not_have_is_lost() {
        let lost = |position, anchor| is_lost(&facts(3, 9), 12, &Token { position, anchor });
        assert!(!lost(11, None));
        assert!(lost(12, None), "it has not counted so far");
        assert!(!lost(11, Some((key(1), 3))));
        assert!(lost(11, Some((key(1), 4))), "its number was given again");
        assert!(!lost(11, Some((key(2), 4))), "of somebody else");
    }

    #[test]
    fn nobody_is_nobody_for_half_the_bound_or_while_nothing_changes() {
        let mut memory = memory(20);
        let ask =
            |memory: &Memory, position, tokens| judge_unknown(position, &wish(tokens), memory, NOW);
        assert!(ask(&memory, 20, vec![]).is_ok());
        let token = Token {
            position: 19,
            anchor: Some((key(1), 1)),
        };
        assert!(
            ask(&memory, 12, vec![token]).is_ok(),
            "nothing changed up to the horizon"
        );
        memory.saw(Changed {
            profile: ProfileId::from_uuid(Uuid::nil()),
            version: 1,
            position: 20,
        });
        assert_eq!(ask(&memory, 12, vec![]), Err(Why::TooOld));
        assert_eq!(ask(&memory, 21, vec![token]), Ok(Duration::from_secs(10)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn ages_sort_as_their_texts_do(
            a in (0..i64::MAX, 0..i64::MAX), b in (0..i64::MAX, 0..i64::MAX), same in any::<bool>(),
        ) {
            let age = |(version, position)| Age { version, position };
            let (a, mut b) = (age(a), age(b));
            if same {
                b.version = a.version;
            }
            prop_assert_eq!(a.cmp(&b), a.text().cmp(&b.text()));
            prop_assert_eq!(a.text().len(), 32);
        }
    }
}
