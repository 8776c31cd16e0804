//! A catalogue as decisions and answers read it: one revision, made once, never changed.
//!
//! What must stay true:
//!
//! - It is a function of the revision's parts alone, whatever order they come in: a decision that is replayed under its
//!   revision finds the same rules under the same indices, and the same contact policies at the same places.
//! - Nothing that a definition says is lost on the way to the engine: what the engine needs no words for is here, by the
//!   numbers that the engine gives ([`RuleIndex`], places of contact policies, keys).

use std::{collections::HashMap, fmt, sync::Arc};

use super::{Digest, Names};
use crate::{
    clock::Micros,
    criteria::{Attribute, Rule},
    next_best_action::{
        decide,
        keys::{ActionKey, ChannelIndex, ChannelKey, GroupKey, PlacementKey, RuleIndex},
        model::{
            ContactRule, Definition, LanguageTag, Policy, Scope, Segment, Status, Text, Valid,
            choose,
        },
    },
};

/// An immutable version of an action, and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// What it says.
    pub definition: Valid<Definition>,
    /// Its number, from 1.
    pub number: u32,
    /// Of what it means.
    pub digest: Digest,
    /// When it was made.
    pub made_at: Micros,
    /// By whom.
    pub caller: String,
    /// Why, as it was said.
    pub reason: String,
}

impl Version {
    /// Its textual id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.definition.get().id
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> ActionKey {
        ActionKey {
            id: ActionKey::id_of(self.id()),
            version: self.number,
        }
    }
}

/// What a revision of a catalogue consists of.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The revision, from 1.
    pub revision: u64,
    /// The settings.
    pub policy: Arc<Valid<Policy>>,
    /// Numbers of channels and purposes; of everything that the policy and the actions name there is one.
    pub names: Names,
    /// Every segment with its version, from 1.
    pub segments: Vec<(Arc<Valid<Segment>>, i32)>,
    /// The newest version of every action, and where it stands.
    pub actions: Vec<(Arc<Version>, Status)>,
}

/// A rule of an action, made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NamedRule<'s> {
    /// As reasons name it.
    pub name: &'s str,
    /// The rule.
    pub rule: &'s Rule,
    /// Its place among the different rules of the catalogue: two rules with one place say the same, so that a decision asks
    /// each of them once.
    pub distinct: usize,
}

/// A segment, made.
#[derive(Clone, Debug)]
pub struct SegmentRule {
    /// What was said of it.
    pub segment: Arc<Valid<Segment>>,
    /// Who is in it.
    pub rule: Rule,
}

/// A contact policy, as people know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactName {
    /// Where it stands: `contact[2]` of the policy, or `caps[0]` of the action that it binds.
    pub name: String,
    /// The action that it binds, by the hash of its id; none: all.
    pub binds: Option<u64>,
    /// What was said.
    pub rule: ContactRule,
}

impl fmt::Display for ContactName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = &self.rule;
        write!(
            f,
            "at most {} x {} of {}",
            rule.limit,
            rule.counts.word(),
            match rule.scope {
                Scope::Action => "this action",
                Scope::Group => "its group",
                Scope::Channel => "the channel",
                Scope::All => "everything",
            }
        )?;
        write!(f, " within {}", rule.window)?;
        if rule.pause.0 > 0 {
            write!(f, ", then {} of rest", rule.pause)?;
        }
        Ok(())
    }
}

/// A revision of a catalogue, ready for use.
#[derive(Debug)]
pub struct Snapshot {
    pub(super) parts: Parts,
    pub(super) engine: decide::Policy,
    /// Places of `parts.actions` by the hash of their ids.
    pub(super) by_id: HashMap<u64, usize>,
    pub(super) distinct: Vec<Rule>,
    /// Name, and place in `distinct`, by [`RuleIndex`].
    pub(super) rules: Vec<(String, usize)>,
    /// What rules and segments ask for, each once, in the order in which they ask.
    pub(super) attributes: Vec<Attribute>,
    pub(super) attribute_places: HashMap<Attribute, u32>,
    pub(super) channels: HashMap<ChannelKey, ChannelIndex>,
    pub(super) segments: Vec<SegmentRule>,
    pub(super) contact: Vec<ContactName>,
    pub(super) groups: HashMap<GroupKey, usize>,
    pub(super) placements: HashMap<PlacementKey, usize>,
}

impl Snapshot {
    /// The revision, which decisions store as their policy version.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.parts.revision
    }

    /// As the engine reads it. Retired actions are not in it.
    #[must_use]
    pub fn engine(&self) -> &decide::Policy {
        &self.engine
    }

    /// The settings, as they were said.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        self.parts.policy.get()
    }

    /// What it was made of.
    #[must_use]
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Numbers of channels and purposes.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.parts.names
    }

    /// Every action in its newest version, by textual id, retired ones too.
    #[must_use]
    pub fn actions(&self) -> &[(Arc<Version>, Status)] {
        &self.parts.actions
    }

    /// The newest version of an action.
    #[must_use]
    pub fn named(&self, id: &str) -> Option<(&Arc<Version>, Status)> {
        self.newest(ActionKey::id_of(id))
    }

    /// The newest version of an action, by the hash of its id.
    #[must_use]
    pub fn newest(&self, id: u64) -> Option<(&Arc<Version>, Status)> {
        let (version, status) = self.parts.actions.get(*self.by_id.get(&id)?)?;
        Some((version, *status))
    }

    /// A version of an action; none when this revision has another version of it.
    #[must_use]
    pub fn version(&self, key: ActionKey) -> Option<&Arc<Version>> {
        let (version, _) = self.newest(key.id)?;
        (version.number == key.version).then_some(version)
    }

    /// What a customer reads of an action in a locale.
    #[must_use]
    pub fn text(&self, key: ActionKey, locale: &LanguageTag) -> Option<&Text> {
        let texts = &self.version(key)?.definition.get().texts;
        choose(texts, locale, &self.policy().default_locale)
    }

    /// How many rules there are: indices are below this.
    #[must_use]
    pub fn rule_count(&self) -> usize {
        self.rules.len()
    }

    /// The rule at an index.
    #[must_use]
    pub fn rule(&self, index: RuleIndex) -> Option<NamedRule<'_>> {
        let (name, distinct) = self.rules.get(usize::try_from(index.0).ok()?)?;
        Some(NamedRule {
            name,
            rule: self.distinct.get(*distinct)?,
            distinct: *distinct,
        })
    }

    /// The different rules of all actions, each once.
    #[must_use]
    pub fn distinct_rules(&self) -> &[Rule] {
        &self.distinct
    }

    /// What rules and segments ask for, each once: facts of decisions name their places. Rules of actions come first, in the order
    /// of their places, then segments.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The place of something that rules ask for.
    #[must_use]
    pub fn attribute(&self, wanted: &Attribute) -> Option<u32> {
        self.attribute_places.get(wanted).copied()
    }

    /// The number of a channel, by the hash under which profiles keep it.
    #[must_use]
    pub fn channel(&self, key: ChannelKey) -> Option<ChannelIndex> {
        self.channels.get(&key).copied()
    }

    /// Segments, each after those that it refers to.
    #[must_use]
    pub fn segments(&self) -> &[SegmentRule] {
        &self.segments
    }

    /// The contact policy at a place of the engine's settings.
    #[must_use]
    pub fn contact(&self, at: usize) -> Option<&ContactName> {
        self.contact.get(at)
    }

    /// The name of a group.
    #[must_use]
    pub fn group_name(&self, key: GroupKey) -> Option<&str> {
        let group = self.policy().groups.get(*self.groups.get(&key)?)?;
        Some(&group.name)
    }

    /// The name of a placement of the policy.
    #[must_use]
    pub fn placement_name(&self, key: PlacementKey) -> Option<&str> {
        let place = self.policy().placements.get(*self.placements.get(&key)?)?;
        Some(&place.name)
    }
}
