//! A decision as callers see it.

use super::gates::gate;
use crate::{
    auth::{Caller, Permission},
    grpc::sight::Sight,
    next_best_action::{
        decide::{Choice, Decision, Inputs, Placed, Slot, Survivor},
        gates::Judge as _,
        holdout::Group,
        keys::{ActionKey, ChannelIndex, Verdict},
        learning::{Arm, estimate::Estimate},
        model::{Definition, Issue, LanguageTag},
        outcome::{Outcome, Record},
        situation::{Page, Told},
    },
    offering::ready::Ready,
    proto::v1::{
        ActionCandidate, ActionDecision, ActionIssue, ActionOutcome, ActionText, CandidateFate,
        ChosenAction, HoldoutGroup, PlacementDecision, PriorityTerms, PropensityLevel,
    },
    storage::outcomes::Offer,
};

/// A decision with what showing it needs.
pub(super) struct Shown<'a> {
    pub(super) ready: &'a Ready,
    pub(super) inputs: &'a Inputs,
    pub(super) decision: &'a Decision,
    pub(super) sight: &'a Sight<'a>,
    pub(super) told: Told<'a>,
    /// Whether the caller may see what is known of customers.
    pub(super) values: bool,
    /// Whether contacts are reserved.
    reserved: bool,
    locale: LanguageTag,
}

impl<'a> Shown<'a> {
    pub(super) fn new(
        ready: &'a Ready,
        inputs: &'a Inputs,
        decision: &'a Decision,
        page: &'a [Page],
        sight: &'a Sight<'a>,
    ) -> Self {
        let catalogue = &*ready.catalogue;
        Self {
            told: Told::new(catalogue, &ready.questions, inputs, page),
            locale: catalogue.policy().default_locale.clone(),
            ready,
            inputs,
            decision,
            sight,
            values: false,
            reserved: false,
        }
    }

    pub(super) fn seen_by(mut self, caller: &Caller) -> Self {
        self.values = caller.may(Permission::Read);
        self
    }

    pub(super) fn reserving(mut self, reserved: bool) -> Self {
        self.reserved = reserved;
        self
    }

    pub(super) fn in_locale(mut self, locale: Option<&LanguageTag>) -> Self {
        if let Some(locale) = locale {
            self.locale = locale.clone();
        }
        self
    }

    /// What of explained candidates may be left out for the caller.
    pub(super) fn masked(&self) -> Vec<String> {
        if self.values && self.sight.may_see_all_facts() {
            Vec::new()
        } else {
            vec!["decision.placements.candidates.gates.values".to_owned()]
        }
    }

    pub(super) fn definition(&self, key: ActionKey) -> Option<&'a Definition> {
        let version = self.ready.catalogue.version(key)?;
        Some(version.definition.get())
    }
}

/// A decision, with what became of its offers, and with every candidate where that is wanted.
pub(super) fn decision(
    shown: &Shown<'_>,
    id: &str,
    known: &[Offer],
    candidates: bool,
) -> ActionDecision {
    let Shown {
        inputs, decision, ..
    } = shown;
    let placements = decision.placements.iter().enumerate();
    ActionDecision {
        decision_id: id.to_owned(),
        profile_id: inputs.profile.map_or_else(String::new, |profile| {
            uuid::Uuid::from_u128(profile.id).to_string()
        }),
        decided_at: Some(inputs.at.to_proto()),
        placements: placements
            .map(|(at, placed)| placement(shown, (at, placed), known, candidates))
            .collect(),
        holdout_group: match decision.assigned.group {
            Group::HeldOut => HoldoutGroup::HeldOut,
            Group::Random => HoldoutGroup::Random,
            Group::Policy => HoldoutGroup::Policy,
        }
        .into(),
        policy_version: i64::try_from(decision.policy_version).unwrap_or(i64::MAX),
        model_snapshot: i64::try_from(decision.model_snapshot).unwrap_or(i64::MAX),
        profile_version: inputs.profile.map_or(0, |profile| {
            i64::try_from(profile.version).unwrap_or(i64::MAX)
        }),
    }
}

fn placement(
    shown: &Shown<'_>,
    (at, placed): (usize, &Placed),
    known: &[Offer],
    candidates: bool,
) -> PlacementDecision {
    let catalogue = &shown.ready.catalogue;
    let mut actions = Vec::with_capacity(placed.slots.len());
    for slot in &placed.slots {
        let Some(key) = slot.choice.action() else {
            continue;
        };
        let rank = i32::try_from(actions.len() + 1).unwrap_or(i32::MAX);
        actions.push(chosen(shown, (at, placed), (slot, key, rank), known));
    }
    PlacementDecision {
        placement: catalogue
            .placement_name(placed.placement)
            .unwrap_or_default()
            .to_owned(),
        channel: catalogue
            .names()
            .channel_name(placed.channel)
            .unwrap_or_default()
            .to_owned(),
        actions,
        candidates: if candidates {
            candidates_of(shown, at, placed)
        } else {
            Vec::new()
        },
    }
}

fn chosen(
    shown: &Shown<'_>,
    (at, placed): (usize, &Placed),
    (slot, key, rank): (&Slot, ActionKey, i32),
    known: &[Offer],
) -> ChosenAction {
    let definition = shown.definition(key);
    let text = shown.ready.catalogue.text(key, &shown.locale);
    let fallback = matches!(slot.choice, Choice::Fallback(_));
    let mut reservations = shown.decision.reservations.iter();
    let reserved = reservations.find(|one| shown.reserved && one.slot == slot.number);
    let survivor = placed
        .survivors
        .iter()
        .find(|s| s.action == key && !fallback);
    let offer = known
        .iter()
        .find(|offer| (offer.decision, offer.slot) == (shown.decision.decision, slot.number));
    let state = offer.and_then(|offer| Record::from_earliest(offer.earliest).state());
    ChosenAction {
        rank,
        action_id: definition.map(|d| d.id.clone()).unwrap_or_default(),
        version: i32::try_from(key.version).unwrap_or(i32::MAX),
        issue: definition
            .map_or(ActionIssue::Unspecified, |d| issue(d.issue))
            .into(),
        group: definition.map(|d| d.group.clone()).unwrap_or_default(),
        text: text.map(|text| ActionText {
            locale: text.locale.to_string(),
            title: text.title.clone(),
            body: text.body.clone(),
            call_to_action: text.call_to_action.clone(),
            link: text.link.clone(),
        }),
        propensity: slot.pi,
        fallback,
        terms: survivor.map(|survivor| terms(shown, at, survivor, placed.channel)),
        reserved_until: reserved.map(|reserved| reserved.expires_at.to_proto()),
        outcome: outcome(state.unwrap_or(Outcome::Pending)).into(),
    }
}

fn terms(
    shown: &Shown<'_>,
    at: usize,
    survivor: &Survivor,
    channel: ChannelIndex,
) -> PriorityTerms {
    let bars = survivor.terms;
    let finite = |bar: f64| bar.is_finite().then_some(bar);
    let models = &shown.ready.models;
    let estimate = models.estimate(survivor.action, channel);
    let arm = Arm {
        action: survivor.action,
        channel,
    };
    let contextual = shown.inputs.situation.filter(|_| survivor.level == 2);
    let contextual = contextual.and_then(|keys| models.logit(arm, &keys.on(channel)));
    let interval = match contextual {
        Some(logit) => Some(logit.interval()),
        None => estimate.and_then(Estimate::interval),
    };
    let definition = shown.definition(survivor.action);
    let levers = definition.map(|d| shown.ready.catalogue.policy().levers(d));
    let level = match (survivor.level, estimate) {
        (1, Some(estimate)) if estimate.effective_n > 0.0 => PropensityLevel::Counts,
        (1, _) => PropensityLevel::Prior,
        _ => PropensityLevel::Contextual,
    };
    PriorityTerms {
        ln_propensity: bars.ln_p,
        ln_context: finite(bars.ln_c),
        ln_value: bars.ln_v,
        ln_levers: bars.ln_l,
        ln_priority: finite(bars.priority()),
        propensity: bars.ln_p.exp(),
        propensity_low: interval.map_or(0.0, |(low, _)| low),
        propensity_high: interval.map_or(1.0, |(_, high)| high),
        level: level.into(),
        evidence: estimate.map_or(0.0, |e| e.alpha() + e.beta()),
        context_weights: context_weights(shown, at, survivor),
        levers: levers.map_or_else(Vec::new, |l| vec![l.issue, l.group, l.action]),
    }
}

/// The names of the context weights that counted.
fn context_weights(shown: &Shown<'_>, at: usize, survivor: &Survivor) -> Vec<String> {
    let actions = shown.ready.catalogue.engine().actions();
    let index = usize::try_from(survivor.index).unwrap_or(usize::MAX);
    let (Some(action), Some(wanted)) = (actions.get(index), shown.inputs.placements.get(at)) else {
        return Vec::new();
    };
    let counted = action
        .context
        .iter()
        .filter(|(rule, _)| shown.told.judge(*rule, wanted) == Verdict::Pass);
    let names = counted.filter_map(|(rule, _)| shown.ready.catalogue.rule(*rule));
    names.map(|named| named.name.to_owned()).collect()
}

/// Every action that goes through the channel, by fate and then by priority.
fn candidates_of(shown: &Shown<'_>, at: usize, placed: &Placed) -> Vec<ActionCandidate> {
    let channel = placed.channel;
    let actions = shown.ready.catalogue.engine().actions().iter();
    let through = actions.filter(|action| action.channels.holds(channel));
    let mut candidates: Vec<(ActionCandidate, f64)> = through
        .map(|action| candidate(shown, at, placed, action.key))
        .collect();
    candidates.sort_by(|(a, x), (b, y)| a.fate.cmp(&b.fate).then(y.total_cmp(x)));
    candidates
        .into_iter()
        .map(|(candidate, _)| candidate)
        .collect()
}

fn candidate(
    shown: &Shown<'_>,
    at: usize,
    placed: &Placed,
    key: ActionKey,
) -> (ActionCandidate, f64) {
    let place = placed.survivors.iter().position(|s| s.action == key);
    let survivor = place.and_then(|place| placed.survivors.get(place));
    let share = |slot: &Slot| {
        let mut shares = slot.shares.iter();
        let of = |share: &&crate::next_best_action::decide::Share| {
            usize::try_from(share.survivor).ok() == place
        };
        shares.find(of).map_or(0.0, |share| share.pi)
    };
    let propensities: Vec<f64> = placed.slots.iter().map(share).collect();
    let here = placed
        .slots
        .iter()
        .any(|slot| slot.choice.action() == Some(key));
    let page = shown
        .decision
        .placements
        .iter()
        .flat_map(|placed| &placed.slots);
    let elsewhere = page
        .filter_map(|slot| slot.choice.action())
        .any(|shown| shown.id == key.id);
    let fate = if here {
        CandidateFate::Chosen
    } else if survivor.is_none() {
        CandidateFate::Gated
    } else if propensities.iter().any(|pi| *pi > 0.0) {
        CandidateFate::Lost
    } else if elsewhere {
        CandidateFate::ShownElsewhere
    } else {
        CandidateFate::Outranked
    };
    let definition = shown.definition(key);
    let reports = placed.explained.iter().find(|one| one.action == key);
    let candidate = ActionCandidate {
        action_id: definition.map(|d| d.id.clone()).unwrap_or_default(),
        version: i32::try_from(key.version).unwrap_or(i32::MAX),
        fate: fate.into(),
        gates: reports.map_or_else(Vec::new, |reports| {
            reports
                .gates
                .iter()
                .map(|report| gate(shown, report))
                .collect()
        }),
        terms: survivor.map(|survivor| terms(shown, at, survivor, placed.channel)),
        propensities: if survivor.is_some() {
            propensities
        } else {
            Vec::new()
        },
    };
    let priority = survivor.map_or(f64::NEG_INFINITY, |s| s.terms.priority());
    (candidate, priority)
}

pub(super) fn issue(issue: Issue) -> ActionIssue {
    match issue {
        Issue::Serve => ActionIssue::Serve,
        Issue::Retain => ActionIssue::Retain,
        Issue::Sell => ActionIssue::Sell,
        Issue::Nurture => ActionIssue::Nurture,
        Issue::Listen => ActionIssue::Listen,
    }
}

pub(super) fn outcome(outcome: Outcome) -> ActionOutcome {
    match outcome {
        Outcome::NotDelivered => ActionOutcome::NotDelivered,
        Outcome::Pending => ActionOutcome::Pending,
        Outcome::Impression => ActionOutcome::Impression,
        Outcome::Clicked => ActionOutcome::Clicked,
        Outcome::Accepted => ActionOutcome::Accepted,
        Outcome::Rejected => ActionOutcome::Rejected,
    }
}
