//! What operators do to a store in memory.

use std::collections::BTreeSet;

use super::{
    facts::{Decision, What, in_force},
    world::World,
};
use crate::{
    clock::Micros,
    identity::{Home, Standing, resolve::Territory, settle::Wishes},
    ids::{DecisionId, IdentityKey, ProfileId},
};

impl World {
    /// The profile that holds an identifier.
    pub(super) fn holder(&self, key: IdentityKey) -> Option<ProfileId> {
        self.present(key).map(|row| row.profile)
    }

    /// The strongest oldest identifier of a profile that may hold it together with another.
    fn end_of(&self, id: ProfileId) -> Option<IdentityKey> {
        let of = |standing| {
            self.profiles[&id]
                .members
                .iter()
                .filter(|key| self.rows[key].standing == standing)
                .min_by(|a, b| self.home(**a).order().cmp(&self.home(**b).order()))
                .copied()
        };
        of(Standing::Own).or_else(|| of(Standing::Shared))
    }

    fn home(&self, key: IdentityKey) -> Home {
        Home {
            identifier: self.rows[&key].identifier.clone(),
            first_seen: self.rows[&key].first_seen,
        }
    }

    /// An operator merges two profiles; the first is to stay. Answers whether it was done.
    pub(super) fn merge(
        &mut self,
        decision: (DecisionId, Micros),
        stays: ProfileId,
        goes: ProfileId,
    ) -> bool {
        let (Some(key), Some(other)) = (self.end_of(stays), self.end_of(goes)) else {
            return false;
        };
        let shared = [key, other]
            .iter()
            .filter(|k| self.rows[k].standing == Standing::Shared)
            .count();
        if stays == goes || shared == 2 {
            return false;
        }
        let (mut one, two) = (
            self.profiles[&stays].makeup.clone(),
            self.profiles[&goes].makeup.clone(),
        );
        let voids: BTreeSet<DecisionId> = one
            .sides
            .iter()
            .filter(|(decision, sides)| *sides | two.sides.get(decision).unwrap_or(&0) == 3)
            .map(|(decision, _)| *decision)
            .collect();
        one.sides.retain(|decision, _| !voids.contains(decision));
        let wakes_links_before_it = shared == 1 && !voids.is_empty();
        if wakes_links_before_it || one.refuses(&two, &self.rules).is_some() {
            return false;
        }
        let what = What::Merge {
            ends: (key, other),
            voids,
        };
        self.decide(decision, what, Some(stays), BTreeSet::from([stays, goes]));
        true
    }

    /// An operator separates some identifiers of a profile from its others, or from all of another profile. Answers whether
    /// it was done.
    pub(super) fn separate(
        &mut self,
        decision: (DecisionId, Micros),
        id: ProfileId,
        chosen: &BTreeSet<IdentityKey>,
        keep_together: bool,
        apart_from: Option<ProfileId>,
    ) -> bool {
        let members = &self.profiles[&id].members;
        let chosen: BTreeSet<IdentityKey> = chosen.intersection(members).copied().collect();
        let rest: BTreeSet<IdentityKey> = match apart_from {
            None => members.difference(&chosen).copied().collect(),
            Some(other) => self.profiles[&other].members.clone(),
        };
        if chosen.is_empty() || rest.is_empty() || apart_from == Some(id) {
            return false;
        }
        let mut own: Vec<IdentityKey> = chosen
            .iter()
            .filter(|k| self.rows[k].standing == Standing::Own)
            .copied()
            .collect();
        own.sort_by(|a, b| self.home(*a).order().cmp(&self.home(*b).order()));
        let together = match own.split_first() {
            Some((first, others)) if keep_together => {
                others.iter().map(|other| (*first, *other)).collect()
            }
            _ => Vec::new(),
        };
        let what = What::Separation {
            chosen,
            rest,
            together,
        };
        let profiles = [id].into_iter().chain(apart_from).collect();
        self.decide(decision, what, None, profiles);
        true
    }

    /// An operator takes a decision back. Answers whether it was done.
    pub(super) fn undo(&mut self, decision: (DecisionId, Micros), of: DecisionId) -> bool {
        let undone = |d: &Decision| matches!(d.what, What::Undo(other) if other == of);
        let exists = self
            .decisions
            .iter()
            .any(|d| d.id == of && !matches!(d.what, What::Undo(_)));
        if !exists || self.decisions.iter().any(undone) {
            return false;
        }
        self.decide(decision, What::Undo(of), None, BTreeSet::new());
        true
    }

    /// Tells of a decision that was recorded before.
    pub(super) fn replay(&mut self, decision: Decision) {
        self.decide(
            (decision.id, decision.made_at),
            decision.what,
            None,
            BTreeSet::new(),
        );
    }

    fn decide(
        &mut self,
        (id, made_at): (DecisionId, Micros),
        what: What,
        chosen: Option<ProfileId>,
        profiles: BTreeSet<ProfileId>,
    ) {
        let before = self.force.clone();
        self.decisions.push(Decision { id, made_at, what });
        self.force = in_force(&self.decisions);
        // Everything of which decisions now say something else.
        let concerned = before
            .sides
            .keys()
            .chain(self.force.sides.keys())
            .filter(|key| before.sides.get(key) != self.force.sides.get(key))
            .chain(
                before
                    .assertions
                    .keys()
                    .chain(self.force.assertions.keys())
                    .filter(|key| before.assertions.get(key) != self.force.assertions.get(key)),
            );
        let inside: BTreeSet<Territory> = concerned
            .filter_map(|key| self.holder(*key))
            .chain(profiles)
            .map(Territory::Profile)
            .collect();
        let wishes = Wishes {
            chosen,
            ..Wishes::default()
        };
        self.resolve_inside(inside, wishes);
    }
}
