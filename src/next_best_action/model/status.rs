//! Where an action stands.
//!
//! ```text
//! Draft --activate--> Active <--activate-- Paused      any but Retired --retire--> Retired
//!                     Active --pause-----> Paused
//! ```

/// Where an action stands. Only an active one is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Not offered yet.
    Draft,
    /// Offered.
    Active,
    /// Not offered for now; outcomes are still counted.
    Paused,
    /// Never offered again; its id stays taken.
    Retired,
}

/// What can be done with an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    /// Offer it, for the first time or again.
    Activate,
    /// Offer it no longer for now.
    Pause,
    /// Offer it never again.
    Retire,
}

/// A move that an action cannot make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an action that is {} cannot be {}", .from.word(), .tried.word())]
pub struct IllegalMove {
    /// Where it stands.
    pub from: Status,
    /// What was tried.
    pub tried: Move,
}

impl Move {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Activate, Self::Pause, Self::Retire];

    /// A stable slug.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::Pause => "pause",
            Self::Retire => "retire",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Activate => "activated",
            Self::Pause => "paused",
            Self::Retire => "retired",
        }
    }
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Draft, Self::Active, Self::Paused, Self::Retired];

    /// Its word in a file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Retired => "retired",
        }
    }

    /// Where it stands after a move.
    ///
    /// # Errors
    /// When it cannot make that move, also where it stands there already.
    pub const fn after(self, tried: Move) -> Result<Self, IllegalMove> {
        match (self, tried) {
            (Self::Draft | Self::Paused, Move::Activate) => Ok(Self::Active),
            (Self::Active, Move::Pause) => Ok(Self::Paused),
            (Self::Draft | Self::Active | Self::Paused, Move::Retire) => Ok(Self::Retired),
            _ => Err(IllegalMove { from: self, tried }),
        }
    }

    /// Whether it may get a new version: a retired one may not.
    #[must_use]
    pub const fn takes_versions(self) -> bool {
        !matches!(self, Self::Retired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_these_moves_are_legal() {
        let legal = [
            (Status::Draft, Move::Activate, Status::Active),
            (Status::Paused, Move::Activate, Status::Active),
            (Status::Active, Move::Pause, Status::Paused),
            (Status::Draft, Move::Retire, Status::Retired),
            (Status::Active, Move::Retire, Status::Retired),
            (Status::Paused, Move::Retire, Status::Retired),
        ];
        for from in Status::ALL {
            for tried in Move::ALL {
                let expected = legal
                    .iter()
                    .find(|(a, b, _)| (*a, *b) == (from, tried))
                    .map(|(_, _, to)| *to)
                    .ok_or(IllegalMove { from, tried });
                assert_eq!(from.after(tried), expected);
            }
        }
    }

    #[test]
    fn an_illegal_move_says_what_is_wrong() {
        let refused = Status::Retired.after(Move::Activate).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "an action that is retired cannot be activated"
        );
        assert!(!Status::Retired.takes_versions() && Status::Draft.takes_versions());
    }
}
