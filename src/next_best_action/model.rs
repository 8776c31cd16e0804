//! What a tenant says of its actions and of how they are chosen.
//!
//! What must stay true:
//!
//! - A [`Definition`] is what a person wrote and says nothing of versions, status or learning. What decides takes a
//!   [`Valid`] one, and only the checks of the [catalogue](super::catalogue) make that.
//! - A version of an action never changes: a decision stores its [`ActionKey`] and is replayed from it. Another definition is
//!   another version. The [`Status`] belongs to the action, not to a version, and changes by [`Status::after`] alone.
//! - What is added up is whole numbers (percent points, minor units, minutes), so that one definition has one text and one
//!   digest.

mod contact;
mod policy;
mod status;
mod text;
mod value;

pub use contact::{ContactRule, Counted, Minutes, Scope};
pub use policy::{
    Channel, Exploration, Group, Holdouts, LocalTime, Placement, Policy, QuietHours, Reach, Upset,
    Worth,
};
pub use status::{IllegalMove, Move, Status};
pub use text::{LanguageTag, Text, choose};
pub use value::{Amount, Levers, Prior, Rewards, Value};

pub use super::keys::{ActionKey, Issue};
use crate::clock::Micros;

/// A rule with a name that a person can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// A slug, unique among the rules of its action: reasons name it.
    pub name: String,
    /// Text in the rule language; it must come out true.
    pub rule: String,
}

/// Percent points that an action gains or loses where a rule holds; a rule that is unknown adds nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextWeight {
    /// A slug, unique among the weights of its action.
    pub name: String,
    /// When it counts.
    pub when: String,
    /// -100 to 400 percent points. `C = clamp(1 + sum / 100, 0, 5)`.
    pub points: i32,
}

/// What a tenant says of one action. Units and ranges are those that the checks enforce.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// A slug of at most 64 bytes; never used again for something else.
    pub id: String,
    /// What it is, for those who keep the catalogue; at most 500 characters.
    pub description: String,
    /// What it is for.
    pub issue: Issue,
    /// A group of the policy, with the same issue.
    pub group: String,
    /// Channels of the policy that it may go through, 1 to 16.
    pub channels: Vec<String>,
    /// Placements of the policy that it may fill, at most 32; empty means every placement of its channels.
    pub placements: Vec<String>,
    /// Not before this time.
    pub valid_from: Option<Micros>,
    /// Before this time.
    pub valid_to: Option<Micros>,
    /// What an acceptance is worth.
    pub value: Value,
    /// The lever of the action itself, -100 to 200 percent points.
    pub lever: i32,
    /// What the moment adds, at most 16.
    pub context: Vec<ContextWeight>,
    /// Hard conditions, for example of law; at most 8.
    pub eligibility: Vec<Rule>,
    /// Whether it makes sense now; at most 8.
    pub applicability: Vec<Rule>,
    /// Whether it is good for the customer; at most 8.
    pub suitability: Vec<Rule>,
    /// Purposes for which consent on the channel is needed, all of them, at most 4.
    pub consent: Vec<String>,
    /// When it rests, at most 8.
    pub caps: Vec<ContactRule>,
    /// W: days within which an outcome is attributed to it, 1 to 90.
    pub attribution_days: u32,
    /// What each outcome counts.
    pub rewards: Rewards,
    /// What is believed before anything is known; absent means the mean of the group with the weight of 50 trials.
    pub prior: Option<Prior>,
    /// Whether a mistake would be dear: never explored.
    pub high_risk: bool,
    /// Whether it is a notice that has to be given: outside every holdout.
    pub mandatory: bool,
    /// The same in each language, 1 to 16, each tag once.
    pub texts: Vec<Text>,
}

impl Definition {
    /// In the one order that means the same: what is a set is sorted, and nothing else is touched. Rules and caps keep their
    /// order, which is that of their reasons.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        self.channels.sort();
        self.placements.sort();
        self.consent.sort();
        for cap in &mut self.caps {
            cap.channels.sort();
        }
        self.texts.sort_by(|a, b| a.locale.cmp(&b.locale));
        self
    }

    /// All of its rules with the stage they belong to, in the order of the gates.
    pub fn rules(&self) -> impl Iterator<Item = (&'static str, &[Rule])> {
        [
            ("eligibility", self.eligibility.as_slice()),
            ("applicability", self.applicability.as_slice()),
            ("suitability", self.suitability.as_slice()),
        ]
        .into_iter()
    }

    /// Whether its time has come and not gone.
    #[must_use]
    pub fn is_valid_at(&self, at: Micros) -> bool {
        self.valid_from.is_none_or(|from| from <= at) && self.valid_to.is_none_or(|to| at < to)
    }

    /// Whether nothing that is known of a customer can keep it from being shown: no rule, consent, cap or period.
    #[must_use]
    pub fn is_unconditional(&self) -> bool {
        self.rules().all(|(_, rules)| rules.is_empty())
            && self.consent.is_empty()
            && self.caps.is_empty()
            && self.valid_from.is_none()
            && self.valid_to.is_none()
    }
}

/// Something that passed its checks. Only the [catalogue](super::catalogue) makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct Valid<T>(T);

impl<T> Valid<T> {
    pub(super) const fn vouch(checked: T) -> Self {
        Self(checked)
    }

    /// What was checked.
    #[must_use]
    pub const fn get(&self) -> &T {
        &self.0
    }

    /// What was checked, to be changed and checked again.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// A version of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// What it says.
    pub definition: Valid<Definition>,
    /// Its version, from 1.
    pub version: u32,
    /// Where the action stands.
    pub status: Status,
}

impl Action {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> ActionKey {
        ActionKey {
            id: ActionKey::id_of(&self.definition.get().id),
            version: self.version,
        }
    }

    /// Whether it may be offered at a time, as far as it alone says.
    #[must_use]
    pub fn is_offered_at(&self, at: Micros) -> bool {
        self.status == Status::Active && self.definition.get().is_valid_at(at)
    }
}

/// A named rule over profiles, which other rules refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// A slug of at most 64 bytes.
    pub name: String,
    /// What it is, for people; at most 500 characters.
    pub description: String,
    /// Who is in it, in the rule language.
    pub rule: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_an_id_never_changes() {
        assert_eq!(ActionKey::id_of("shop_home"), 9_234_390_695_729_307_654);
    }
}
