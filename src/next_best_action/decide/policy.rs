//! A policy as decisions read it: made once for each version of the catalogue, never changed.
//!
//! What must stay true: actions are in the order of their keys, whatever order they came in, so a decision does not depend
//! on the order of a catalogue. Logarithms that depend on the policy alone are taken here.

use crate::{
    clock::Micros,
    next_best_action::{
        arbitration::{ln_lever, ln_value},
        contact::{Asking, ContactPolicy, QuietHours},
        empathy::Thresholds,
        holdout::{Shares, stands_outside},
        keys::{
            ActionKey, ChannelIndex, ChannelSet, GroupKey, Issue, PlacementKey, PurposeIndex,
            RuleIndex,
        },
    },
};

/// Whether an action may be offered, as far as its keepers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It may.
    Active,
    /// It rests.
    Paused,
    /// It is over.
    Retired,
    /// It is not yet out.
    Draft,
}

/// A version of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// Its key.
    pub key: ActionKey,
    /// Where it stands.
    pub status: Status,
    /// What it is for.
    pub issue: Issue,
    /// Its group.
    pub group: GroupKey,
    /// Channels that it may go through.
    pub channels: ChannelSet,
    /// Placements that it may fill; empty means every placement of its channels.
    pub placements: Vec<PlacementKey>,
    /// Not before this time.
    pub valid_from: Option<Micros>,
    /// Before this time.
    pub valid_to: Option<Micros>,
    /// Hard conditions; all must hold.
    pub eligibility: Vec<RuleIndex>,
    /// Whether it makes sense now; all must hold.
    pub applicability: Vec<RuleIndex>,
    /// Whether it is good for the customer; all must hold.
    pub suitability: Vec<RuleIndex>,
    /// Purposes that need consent on the channel, all of them.
    pub purposes: Vec<PurposeIndex>,
    /// Percent points that the context adds where a rule holds; where it fails or is unknown it adds nothing.
    pub context: Vec<(RuleIndex, i32)>,
    /// What a yes is worth, in the unit of the catalogue, 0 or more.
    pub value: f64,
    /// Percent points of the issue, the group and the action together.
    pub lever: i64,
    /// Whether it is never explored.
    pub high_risk: bool,
    /// Whether it has to be given: outside every holdout.
    pub mandatory: bool,
}

impl Prepared {
    /// As who it asks contact policies.
    #[must_use]
    pub fn asking(&self, channel: ChannelIndex) -> Asking {
        Asking {
            action: self.key.id,
            group: self.group,
            channel,
        }
    }

    /// Whether it stands outside every holdout.
    #[must_use]
    pub fn stands_outside(&self) -> bool {
        stands_outside(self.issue, self.mandatory)
    }
}

/// A place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its key.
    pub key: PlacementKey,
    /// Its channel.
    pub channel: ChannelIndex,
    /// Whether what it shows disturbs the customer, as mail does: quiet hours hold.
    pub disturbs: bool,
    /// What is shown where there is nothing else: the id of an action.
    pub fallback: Option<u64>,
}

/// What a tenant has said, but for its actions.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The version: another whenever anything here or any action is another.
    pub version: u64,
    /// The least that an action counts as, above 0, in the unit of the catalogue.
    pub value_floor: f64,
    /// Share of chance in the choice among candidates, 0 to 1; 0.02 where nothing else is said.
    pub epsilon: f64,
    /// Candidates that take part in the choice, 1 to [`K`](crate::next_best_action::exploration::K); anything else means one or K.
    pub candidates: usize,
    /// Microseconds for which a reservation counts, above 0, by the index of the channel; beyond the list it is a day.
    pub reservations: Vec<i64>,
    /// Who is upset.
    pub empathy: Thresholds,
    /// Who is held out.
    pub holdout: Shares,
    /// Contact policies. A policy has those that bind everyone first and then those of each action; reasons name their place in
    /// that order.
    pub contact: Vec<ContactPolicy>,
    /// When nobody is disturbed.
    pub quiet: Vec<QuietHours>,
    /// Places.
    pub places: Vec<Place>,
}

impl Settings {
    /// Microseconds for which a reservation on a channel counts.
    #[must_use]
    pub fn reservation(&self, channel: ChannelIndex) -> i64 {
        const DAY: i64 = 86_400 * Micros::SECOND;
        let said = self.reservations.get(usize::from(channel.0));
        said.copied().filter(|length| *length > 0).unwrap_or(DAY)
    }
}

/// A policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    settings: Settings,
    actions: Vec<Prepared>,
    /// `ln V` and `ln L`, in the order of the actions.
    fixed: Vec<(f64, f64)>,
    /// How many contact policies bind everyone.
    common: usize,
}

impl Policy {
    /// Of any actions; of several with one key the first is taken.
    #[must_use]
    pub fn new(mut settings: Settings, mut actions: Vec<Prepared>) -> Self {
        actions.sort_by_key(|action| action.key);
        actions.dedup_by_key(|action| action.key);
        settings.places.sort_by_key(|place| place.key);
        settings.contact.sort_by_key(|policy| policy.binds);
        let common = settings
            .contact
            .partition_point(|policy| policy.binds.is_none());
        let floor = settings.value_floor;
        let fixed = |action: &Prepared| (ln_value(action.value, floor), ln_lever(action.lever));
        Self {
            fixed: actions.iter().map(fixed).collect(),
            settings,
            actions,
            common,
        }
    }

    /// The contact policies that may bind an action, each with its place in the settings: those of everyone, and its own.
    pub fn contact(&self, action: u64) -> impl Iterator<Item = (usize, &ContactPolicy)> {
        let all = self.settings.contact.as_slice();
        let (common, own) = all.split_at_checked(self.common).unwrap_or((all, &[]));
        let from = own.partition_point(|policy| policy.binds < Some(action));
        let own = own.iter().enumerate().skip(from);
        let own = own.take_while(move |(_, policy)| policy.binds == Some(action));
        let own = own.map(|(at, policy)| (common.len() + at, policy));
        common.iter().enumerate().chain(own)
    }

    /// All but the actions.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The actions, by key.
    #[must_use]
    pub fn actions(&self) -> &[Prepared] {
        &self.actions
    }

    /// `ln V` and `ln L` of the action at an index.
    #[must_use]
    pub fn fixed(&self, index: usize) -> (f64, f64) {
        self.fixed.get(index).copied().unwrap_or_default()
    }

    /// A place.
    #[must_use]
    pub fn place(&self, key: PlacementKey) -> Option<&Place> {
        let at = self.settings.places.binary_search_by_key(&key, |p| p.key);
        self.settings.places.get(at.ok()?)
    }

    /// The latest version of an action that is active, with its index.
    #[must_use]
    pub fn active(&self, id: u64) -> Option<(usize, &Prepared)> {
        let from = self.actions.partition_point(|action| action.key.id < id);
        let of = self.actions.iter().enumerate().skip(from);
        of.take_while(|(_, action)| action.key.id == id)
            .filter(|(_, action)| action.status == Status::Active)
            .last()
    }
}
