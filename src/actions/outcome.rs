//! What a change came to, and how that is stored with its operation.

use prost::Message as _;

use crate::{next_best_action::model::Status, proto::state::v1 as stored};

/// What became of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is new.
    Created,
    /// It has a new version.
    Updated,
    /// Only its status changed.
    Moved,
    /// It was like this already.
    Unchanged,
}

/// An action that a change was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// Its id.
    pub action: String,
    /// Its newest version then.
    pub version: u32,
    /// Where it stood then.
    pub status: Status,
    /// What became of it.
    pub fate: Fate,
}

/// What a change came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The revision that it made, or found. In a dry run the one that it would be made from.
    pub revision: i64,
    /// Whether anything changed, or would.
    pub changed: bool,
    /// Whether the policy is new or changed.
    pub policy_changed: bool,
    /// Names of segments that are new or changed.
    pub segments_changed: Vec<String>,
    /// The actions that it was about, in the order of the request.
    pub actions: Vec<Touched>,
    /// Whether an earlier call made it.
    pub repeated: bool,
    /// Everything that is committed before is seen by who sees this; 0 in a dry run.
    pub position: i64,
}

const STATUSES: [Status; 4] = [
    Status::Draft,
    Status::Active,
    Status::Paused,
    Status::Retired,
];
const FATES: [Fate; 4] = [Fate::Created, Fate::Updated, Fate::Moved, Fate::Unchanged];

/// The number of something among all of its kind, from 1.
fn number<T: PartialEq>(all: &[T], one: &T) -> u32 {
    let at = all.iter().position(|other| other == one);
    at.and_then(|at| u32::try_from(at + 1).ok())
        .unwrap_or_default()
}

fn of_number<T: Copy>(all: &[T], number: u32) -> Option<T> {
    let at = usize::try_from(number).ok()?.checked_sub(1)?;
    all.get(at).copied()
}

impl Outcome {
    /// As it is stored.
    pub(super) fn encode(&self) -> Vec<u8> {
        let actions = self.actions.iter().map(|one| stored::CatalogueAction {
            action_id: one.action.clone(),
            version: one.version,
            status: number(&STATUSES, &one.status),
            fate: number(&FATES, &one.fate),
        });
        stored::CatalogueOutcome {
            revision: self.revision,
            changed: self.changed,
            policy_changed: self.policy_changed,
            segments_changed: self.segments_changed.clone(),
            actions: actions.collect(),
        }
        .encode_to_vec()
    }

    /// From what is stored, for whoever asks again.
    pub(super) fn decode(progress: &[u8], position: i64) -> Option<Self> {
        let stored = stored::CatalogueOutcome::decode(progress).ok()?;
        let action = |one: stored::CatalogueAction| {
            Some(Touched {
                action: one.action_id,
                version: one.version,
                status: of_number(&STATUSES, one.status)?,
                fate: of_number(&FATES, one.fate)?,
            })
        };
        let actions: Option<Vec<Touched>> = stored.actions.into_iter().map(action).collect();
        Some(Self {
            revision: stored.revision,
            changed: stored.changed,
            policy_changed: stored.policy_changed,
            segments_changed: stored.segments_changed,
            actions: actions?,
            repeated: true,
            position,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_read_as_it_was_stored() {
        let touched = STATUSES
            .into_iter()
            .zip(FATES)
            .map(|(status, fate)| Touched {
                action: "a".to_owned(),
                version: 3,
                status,
                fate,
            });
        let outcome = Outcome {
            revision: 7,
            changed: true,
            policy_changed: true,
            segments_changed: vec!["vip".to_owned()],
            actions: touched.collect(),
            repeated: true,
            position: 9,
        };
        assert_eq!(Outcome::decode(&outcome.encode(), 9), Some(outcome));
        assert_eq!(Outcome::decode(b"\x08", 1), None);
    }
}
