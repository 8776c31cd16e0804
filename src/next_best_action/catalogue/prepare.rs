//! Makes what the engine reads of what a tenant said.
//!
//! What must stay true: see [`Snapshot`]. Values come with their own floor already in them (`V = max(value, floor)` in minor units,
//! at least 1), so the engine's floor is 1 and lifts nothing. Caps of an action bind that action alone.

use std::collections::HashMap;

use super::{
    Names,
    snapshot::{ContactName, Parts, SegmentRule, Snapshot, Version},
};
use crate::{
    criteria::{self, Attribute, Rule, RuleVersion, Use, evaluation_order},
    next_best_action::{
        contact::{ContactPolicy, QuietHours, Scope},
        decide::{self, Place, Prepared, Settings},
        empathy::Thresholds,
        hashing,
        holdout::Shares,
        keys::{ChannelIndex, ChannelKey, GroupKey, PlacementKey, RuleIndex},
        model::{self, ActionKey, ContactRule, Counted, Minutes, Policy, Reach, Status},
        outcome::Outcome,
    },
};

/// What is stored cannot be made ready: an earlier release let something through that this one cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place} of the catalogue cannot be prepared: {why}")]
pub struct Unprepared {
    /// Where: names of the tenant's own.
    pub place: String,
    /// Why not.
    pub why: String,
}

/// Rules of actions, each different one once.
#[derive(Default)]
struct Rules {
    distinct: Vec<Rule>,
    places: HashMap<RuleVersion, usize>,
    named: Vec<(String, usize)>,
    indices: HashMap<(String, usize), RuleIndex>,
}

impl Rules {
    fn add(&mut self, action: &str, name: &str, text: &str) -> Result<RuleIndex, Unprepared> {
        let rule = parse(
            &format!("rule {name} of action {action}"),
            text,
            Use::Decision,
        )?;
        let next = self.distinct.len();
        let place = *self.places.entry(rule.version()).or_insert(next);
        if place == next {
            self.distinct.push(rule);
        }
        let known = (name.to_owned(), place);
        if let Some(index) = self.indices.get(&known) {
            return Ok(*index);
        }
        let index = RuleIndex(u32::try_from(self.named.len()).unwrap_or(u32::MAX));
        self.named.push(known.clone());
        self.indices.insert(known, index);
        Ok(index)
    }

    fn all(&mut self, action: &str, rules: &[model::Rule]) -> Result<Vec<RuleIndex>, Unprepared> {
        let rules = rules.iter();
        rules
            .map(|rule| self.add(action, &rule.name, &rule.rule))
            .collect()
    }
}

/// What rules ask for, each once.
#[derive(Default)]
struct Asked {
    attributes: Vec<Attribute>,
    places: HashMap<Attribute, u32>,
}

impl Asked {
    fn add(&mut self, rule: &Rule) {
        for attribute in rule.attributes() {
            let next = u32::try_from(self.attributes.len()).unwrap_or(u32::MAX);
            if !self.places.contains_key(attribute) {
                self.places.insert(attribute.clone(), next);
                self.attributes.push(attribute.clone());
            }
        }
    }
}

fn parse(place: &str, text: &str, used_in: Use) -> Result<Rule, Unprepared> {
    Rule::parse(text, used_in).map_err(|faults| Unprepared {
        place: place.to_owned(),
        why: faults
            .first()
            .map_or_else(String::new, |fault| fault.describe(text)),
    })
}

/// Makes a revision ready.
///
/// # Errors
/// When a stored rule is none of the language, or segments refer to each other in a way that they may not.
pub fn prepare(mut parts: Parts) -> Result<Snapshot, Unprepared> {
    parts.actions.sort_by(|(a, _), (b, _)| a.id().cmp(b.id()));
    parts
        .segments
        .sort_by(|(a, _), (b, _)| a.get().name.cmp(&b.get().name));
    let mut living: Vec<(&Version, Status)> = parts
        .actions
        .iter()
        .filter(|(_, status)| *status != Status::Retired)
        .map(|(version, status)| (version.as_ref(), *status))
        .collect();
    living.sort_by_key(|(version, _)| version.key());
    let (policy, names) = (parts.policy.get(), &parts.names);
    let mut rules = Rules::default();
    let mut prepared = Vec::with_capacity(living.len());
    for (version, status) in &living {
        prepared.push(action(version, *status, policy, names, &mut rules)?);
    }
    let (contact, contact_names) = contact(policy, names, &living);
    let segments = segments(&parts)?;
    let mut asked = Asked::default();
    let of_segments = segments.iter().map(|segment| &segment.rule);
    for rule in rules.distinct.iter().chain(of_segments) {
        asked.add(rule);
    }
    let channels = names.all_channels();
    let channels = channels.map(|(name, index)| (ChannelKey::of(name), index));
    let by_id = parts.actions.iter().enumerate();
    let by_id = by_id.map(|(at, (version, _))| (version.key().id, at));
    let groups = policy.groups.iter().enumerate();
    let placements = policy.placements.iter().enumerate();
    Ok(Snapshot {
        engine: decide::Policy::new(settings(parts.revision, policy, names, contact), prepared),
        by_id: by_id.collect(),
        distinct: rules.distinct,
        rules: rules.named,
        attributes: asked.attributes,
        attribute_places: asked.places,
        channels: channels.collect(),
        segments,
        contact: contact_names,
        groups: groups.map(|(at, g)| (GroupKey::of(&g.name), at)).collect(),
        placements: placements
            .map(|(at, p)| (PlacementKey::of(&p.name), at))
            .collect(),
        parts,
    })
}

fn action(
    version: &Version,
    status: Status,
    policy: &Policy,
    names: &Names,
    rules: &mut Rules,
) -> Result<Prepared, Unprepared> {
    let of = version.definition.get();
    let context = of.context.iter().map(|weight| {
        let rule = rules.add(&of.id, &weight.name, &weight.when)?;
        Ok((rule, weight.points))
    });
    let context = context.collect::<Result<_, Unprepared>>()?;
    Ok(Prepared {
        key: version.key(),
        status: match status {
            Status::Draft => decide::Status::Draft,
            Status::Active => decide::Status::Active,
            Status::Paused => decide::Status::Paused,
            Status::Retired => decide::Status::Retired,
        },
        issue: of.issue,
        group: GroupKey::of(&of.group),
        channels: names.channels(&of.channels),
        placements: of.placements.iter().map(|p| PlacementKey::of(p)).collect(),
        valid_from: of.valid_from,
        valid_to: of.valid_to,
        eligibility: rules.all(&of.id, &of.eligibility)?,
        applicability: rules.all(&of.id, &of.applicability)?,
        suitability: rules.all(&of.id, &of.suitability)?,
        purposes: of.consent.iter().filter_map(|p| names.purpose(p)).collect(),
        context,
        value: real(policy.worth(&of.value)),
        lever: i64::from(policy.levers(of).sum()),
        high_risk: of.high_risk,
        mandatory: of.mandatory,
    })
}

fn settings(
    revision: u64,
    policy: &Policy,
    names: &Names,
    contact: Vec<ContactPolicy>,
) -> Settings {
    let quiet = policy.quiet_hours.iter().map(|hours| QuietHours {
        channels: names.channels_or_all(&hours.channels),
        from: hours.from.minutes(),
        to: hours.to.minutes(),
    });
    Settings {
        version: revision,
        value_floor: 1.0,
        epsilon: policy.exploration.epsilon,
        candidates: usize::try_from(policy.exploration.candidates).unwrap_or(usize::MAX),
        reservations: reservations(policy, names),
        empathy: Thresholds {
            leaving: Minutes::days(policy.upset.leaving_days).micros(),
            level: policy.upset.level,
            feelings: policy.upset.feelings,
        },
        holdout: Shares {
            salt: hashing::text(&["salt", &policy.holdouts.salt]),
            epoch: policy.holdouts.epoch,
            held_out: policy.holdouts.universal,
            random: policy.holdouts.random,
        },
        contact,
        quiet: quiet.collect(),
        places: places(policy, names),
    }
}

/// Lengths by the number of the channel; one that the policy does not have counts as a day.
fn reservations(policy: &Policy, names: &Names) -> Vec<i64> {
    let mut lengths = Vec::new();
    for channel in &policy.channels {
        let Some(ChannelIndex(index)) = names.channel(&channel.name) else {
            continue;
        };
        let at = usize::from(index);
        if lengths.len() <= at {
            lengths.resize(at + 1, Minutes::days(1).micros());
        }
        if let Some(place) = lengths.get_mut(at) {
            *place = policy.pending(&channel.name).micros();
        }
    }
    lengths
}

fn places(policy: &Policy, names: &Names) -> Vec<Place> {
    let place = |place: &model::Placement| {
        let fallback = place.fallback.as_deref().or(policy.fallback.as_deref());
        Some(Place {
            key: PlacementKey::of(&place.name),
            channel: names.channel(&place.channel)?,
            disturbs: policy.reach(place) == Some(Reach::Outbound),
            fallback: fallback.map(ActionKey::id_of),
        })
    };
    policy.placements.iter().filter_map(place).collect()
}

/// Those of the policy, then caps by action: the order in which the engine keeps them.
fn contact(
    policy: &Policy,
    names: &Names,
    living: &[(&Version, Status)],
) -> (Vec<ContactPolicy>, Vec<ContactName>) {
    let mut all = Vec::new();
    let mut said = Vec::new();
    for (at, rule) in policy.contact.iter().enumerate() {
        all.push(contact_policy(rule, None, names));
        said.push(ContactName {
            name: format!("contact[{at}]"),
            binds: None,
            rule: rule.clone(),
        });
    }
    for (version, _) in living {
        let id = version.key().id;
        for (at, rule) in version.definition.get().caps.iter().enumerate() {
            all.push(contact_policy(rule, Some(id), names));
            said.push(ContactName {
                name: format!("caps[{at}]"),
                binds: Some(id),
                rule: rule.clone(),
            });
        }
    }
    (all, said)
}

fn contact_policy(rule: &ContactRule, binds: Option<u64>, names: &Names) -> ContactPolicy {
    let of = rule.of.as_deref().and_then(|of| match rule.scope {
        model::Scope::Group => Some(GroupKey::of(of).0),
        model::Scope::Channel => names.channel(of).map(|index| u64::from(index.0)),
        model::Scope::Action | model::Scope::All => None,
    });
    ContactPolicy {
        scope: match rule.scope {
            model::Scope::Action => Scope::Action,
            model::Scope::Group => Scope::Group,
            model::Scope::Channel => Scope::Channel,
            model::Scope::All => Scope::All,
        },
        of,
        binds,
        channels: names.channels_or_all(&rule.channels),
        outcome: match rule.counts {
            Counted::Impression => Outcome::Impression,
            Counted::Clicked => Outcome::Clicked,
            Counted::Accepted => Outcome::Accepted,
            Counted::Rejected => Outcome::Rejected,
        },
        limit: u16::try_from(rule.limit).unwrap_or(u16::MAX),
        window: rule.window.micros(),
        pause: rule.pause.micros(),
    }
}

fn segments(parts: &Parts) -> Result<Vec<SegmentRule>, Unprepared> {
    let mut made = Vec::with_capacity(parts.segments.len());
    for (segment, _) in &parts.segments {
        let (name, text) = (&segment.get().name, &segment.get().rule);
        made.push(SegmentRule {
            rule: parse(&format!("segment {name}"), text, Use::Segment)?,
            segment: segment.clone(),
        });
    }
    let named: Vec<criteria::Segment<'_>> = made
        .iter()
        .map(|one| criteria::Segment {
            name: &one.segment.get().name,
            rule: &one.rule,
        })
        .collect();
    let order = evaluation_order(&named).map_err(|faults| Unprepared {
        place: "segments".to_owned(),
        why: faults.first().map_or_else(String::new, ToString::to_string),
    })?;
    let mut made: Vec<Option<SegmentRule>> = made.into_iter().map(Some).collect();
    let in_order = order
        .into_iter()
        .filter_map(|at| made.get_mut(at).and_then(Option::take));
    Ok(in_order.collect())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a value, rounded once, to the nearest"
)]
const fn real(value: i64) -> f64 {
    value as f64
}
