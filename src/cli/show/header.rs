//! Who it is, how sure that is, and where the answer came from.

use super::{View, more, prose};
use crate::{
    cli::{
        terminal::{Line, Tone, line::flow, time::ago},
        words,
    },
    proto::v1::{ProfileTrait, ReadInfo, ReadSource, TraitValue, trait_value::Kind},
};

/// Identifiers that are shown; they come strongest first.
const IDENTIFIERS: usize = 6;

/// Names of traits that say who somebody is, the first that is known counts.
const NAMES: [&str; 3] = ["name", "full_name", "display_name"];
const READINGS: [&str; 3] = ["name_kana", "full_name_kana", "name_reading"];
const FAMILY: [&str; 2] = ["family_name", "last_name"];
const GIVEN: [&str; 2] = ["given_name", "first_name"];
const PLACES: [&str; 3] = ["city", "prefecture", "country"];
const LANGUAGES: [&str; 3] = ["language", "preferred_language", "locale"];
const TIERS: [&str; 4] = ["membership_tier", "tier", "loyalty_tier", "membership"];

/// Whether a trait is shown here and not among the facts.
pub(super) fn shows(name: &str) -> bool {
    let known: [&[&str]; 7] = [
        &NAMES, &READINGS, &FAMILY, &GIVEN, &PLACES, &LANGUAGES, &TIERS,
    ];
    known.iter().any(|names| names.contains(&name))
}

/// The text of the first of these traits that has one.
fn first<'a>(traits: &'a [ProfileTrait], names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| {
        let shown = traits.iter().find(|shown| shown.name == *name)?;
        match &shown.value {
            Some(TraitValue {
                kind: Some(Kind::Text(text)),
            }) if !text.trim().is_empty() => Some(text.trim()),
            _ => None,
        }
    })
}

/// The name that a profile's traits give.
pub(crate) fn name(traits: &[ProfileTrait]) -> Option<String> {
    if let Some(name) = first(traits, &NAMES) {
        return Some(name.to_owned());
    }
    match (first(traits, &GIVEN), first(traits, &FAMILY)) {
        (Some(given), Some(family)) if family_first(family) => Some(format!("{family} {given}")),
        (Some(given), Some(family)) => Some(format!("{given} {family}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

/// Whether a name is written with the family's first: in kana, han characters or hangul.
fn family_first(name: &str) -> bool {
    name.contains(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'))
}

/// The name, what to know at once, and by what the customer is known.
pub(super) fn who(view: &View<'_>) -> Vec<Line> {
    let (profile, screen) = (view.profile, view.screen);
    let name = name(&profile.traits);
    let mut title = match &name {
        Some(name) => Line::default().with(Tone::Strong, name),
        None => Line::default().with(Tone::Faint, "no name known"),
    };
    // Some systems know a name by its sound alone.
    let reading = first(&profile.traits, &READINGS);
    if let Some(reading) = reading.filter(|reading| name.as_deref() != Some(*reading)) {
        title = title.plain(&format!(" ({reading})"));
    }
    let mut lines = vec![title.cut(screen.width)];

    let place = PLACES.map(|name| first(&profile.traits, &[name]));
    let place: Vec<&str> = place.into_iter().flatten().collect();
    let mut notes: Vec<Line> = Vec::new();
    if !place.is_empty() {
        notes.push(Line::of(&place.join(", ")));
    }
    if let Some(language) = first(&profile.traits, &LANGUAGES) {
        notes.push(Line::of(&format!("language {language}")));
    }
    if let Some(tier) = first(&profile.traits, &TIERS) {
        notes.push(Line::of("member ").with(Tone::Strong, tier));
    }
    lines.extend(flow(notes, " · ", screen.width));
    lines.extend(prose(&known_by(view), screen.width));
    lines.extend(identifiers(view));
    if let Some(answered) = view.answered {
        lines.extend(prose(&format!("found by {answered}"), screen.width));
    }
    lines
}

fn known_by(view: &View<'_>) -> String {
    let (profile, screen) = (view.profile, view.screen);
    let departments: std::collections::BTreeSet<&str> = profile
        .interaction_counts
        .iter()
        .map(|counted| counted.department.as_str())
        .collect();
    let departments = i64::try_from(departments.len()).unwrap_or(i64::MAX);
    format!(
        "known by {} to {}, since {}; {}, the last one {}",
        words::count(i64::from(profile.identifiers_total), "identifier"),
        words::count(departments, "department"),
        screen.zone.day(profile.first_seen.as_ref()),
        words::count(profile.interactions_total, "interaction"),
        ago(profile.last_seen.as_ref(), screen.now),
    )
}

/// The strongest identifiers. What identity rules say of one will stand behind it.
fn identifiers(view: &View<'_>) -> Vec<Line> {
    let shown = view.profile.identifiers.iter().take(IDENTIFIERS);
    let mut items: Vec<Line> = shown
        .map(|identifier| {
            let namespace = format!("{} ", identifier.namespace);
            Line::default()
                .with(Tone::Faint, &namespace)
                .plain(&identifier.value)
        })
        .collect();
    let all = usize::try_from(view.profile.identifiers_total).unwrap_or_default();
    let left = if items.is_empty() {
        None
    } else {
        more(all, items.len(), "")
    };
    items.extend(left);
    let lines = flow(items, " · ", view.screen.width - 2);
    lines
        .into_iter()
        .map(|line| Line::of("  ").then(line))
        .collect()
}

/// Id, version, freshness, zone, and what the caller may not see.
pub(super) fn origin(view: &View<'_>) -> Vec<Line> {
    let (profile, screen) = (view.profile, view.screen);
    let faint = |text: String| Line::default().with(Tone::Faint, &text);
    let items = vec![
        faint(format!("profile {}", profile.profile_id)),
        faint(match profile.version {
            0 => "as it was".to_owned(),
            version => format!("version {version}"),
        }),
        faint(freshness(view.answer.read_info.as_ref())),
        faint(format!("times in {}", screen.zone.name(screen.now))),
    ];
    let mut lines = flow(items, " · ", screen.width);
    if !view.answer.masked_fields.is_empty() {
        let masked = format!("not shown to you: {}", view.answer.masked_fields.join(", "));
        for line in prose(&masked, screen.width) {
            lines.push(Line::default().with(Tone::Notice, &line.render(false)));
        }
    }
    lines
}

fn freshness(info: Option<&ReadInfo>) -> String {
    let Some(info) = info else {
        return "of unknown freshness".to_owned();
    };
    let tier = match info.source() {
        ReadSource::Unspecified => "an unknown tier",
        ReadSource::Memory => "memory",
        ReadSource::Redis => "the shared cache",
        ReadSource::Primary => "the primary database",
        ReadSource::Replica => "a replica",
    };
    match info.stale_by.map(|by| (by.seconds, by.nanos)) {
        None => format!("from {tier}"),
        Some((0, 0)) => format!("from {tier}, up to date"),
        Some((0, nanos)) => format!("from {tier}, at most {} ms behind", nanos / 1_000_000 + 1),
        Some((seconds, nanos)) => {
            let whole = seconds + i64::from(nanos > 0);
            format!("from {tier}, at most {whole} s behind")
        }
    }
}
