//! Each rule about settings, broken one at a time.

use super::{breaks::Break, sound, wrong_in};
use crate::next_best_action::model::{LanguageTag, Minutes, Policy, Scope};

/// Changes an action.
type Change = fn(&mut crate::next_best_action::model::Definition);

const BREAKS: &[Break<Policy>] = &[
    ("worth.point", "out_of_range", |p| p.worth.point = 0),
    ("worth.floor", "out_of_range", |p| p.worth.floor = 0),
    ("issue_levers.serve", "out_of_range", |p| {
        p.issue_levers[0] = 201;
    }),
    ("issue_levers.listen", "out_of_range", |p| {
        p.issue_levers[4] = -101;
    }),
    ("groups", "too_many", |p| {
        let one = p.groups[0].clone();
        p.groups.extend((0..99).map(|i| {
            let name = format!("group{i}");
            crate::next_best_action::model::Group {
                name,
                ..one.clone()
            }
        }));
    }),
    ("groups[2].name", "duplicate_name", |p| {
        p.groups.push(p.groups[0].clone());
    }),
    ("groups[0].lever", "out_of_range", |p| {
        p.groups[0].lever = -101;
    }),
    ("channels[2].name", "duplicate_name", |p| {
        p.channels.push(p.channels[0].clone());
    }),
    ("channels[0].pending", "out_of_range", |p| {
        p.channels[0].pending = Some(Minutes(0));
    }),
    ("channels[0].pending", "out_of_range", |p| {
        p.channels[0].pending = Some(Minutes::days(31));
    }),
    ("placements[2].name", "duplicate_name", |p| {
        p.placements.push(p.placements[0].clone());
    }),
    ("contact", "too_many", |p| {
        p.contact = vec![sound::cap(Scope::All); 33];
    }),
    ("contact[0].limit", "out_of_range", |p| {
        p.contact[0].limit = 65;
    }),
    ("contact[0].of", "unknown_name", |p| {
        p.contact[0].of = Some("fax".to_owned());
    }),
    ("contact[1].of", "unknown_name", |p| {
        p.contact[1].of = Some("email".to_owned());
    }),
    ("contact[1].channels[0]", "unknown_name", |p| {
        p.contact[1].channels[0] = "fax".to_owned();
    }),
    ("contact[0].of", "not_allowed_here", |p| {
        p.contact[0].scope = Scope::All;
    }),
    ("quiet_hours", "too_many", |p| {
        p.quiet_hours = vec![p.quiet_hours[0].clone(); 17];
    }),
    ("quiet_hours[0].channels[0]", "unknown_name", |p| {
        p.quiet_hours[0].channels = vec!["fax".to_owned()];
    }),
    ("quiet_hours[0].channels[1]", "duplicate_name", |p| {
        p.quiet_hours[0].channels = vec!["web".to_owned(), "web".to_owned()];
    }),
    ("quiet_hours[0].to", "contradicts", |p| {
        p.quiet_hours[0].to = p.quiet_hours[0].from;
    }),
    ("holdouts.salt", "required", |p| p.holdouts.salt.clear()),
    ("holdouts.salt", "too_long", |p| {
        p.holdouts.salt = "x".repeat(65);
    }),
    ("holdouts.salt", "control_characters", |p| {
        p.holdouts.salt = "a\tb".to_owned();
    }),
    ("holdouts.universal", "out_of_range", |p| {
        p.holdouts.universal = 0.21;
    }),
    ("holdouts.random", "out_of_range", |p| {
        p.holdouts.random = -0.1;
    }),
    ("upset.leaving_days", "out_of_range", |p| {
        p.upset.leaving_days = 0;
    }),
    ("upset.level", "out_of_range", |p| p.upset.level = -1.1),
    ("upset.feelings", "out_of_range", |p| {
        p.upset.feelings = 101.0;
    }),
    ("exploration.epsilon", "out_of_range", |p| {
        p.exploration.epsilon = 0.0;
    }),
    ("exploration.candidates", "out_of_range", |p| {
        p.exploration.candidates = 17;
    }),
    ("default_locale", "malformed", |p| {
        p.default_locale = LanguageTag::undetermined();
    }),
    ("fallback", "unknown_name", |p| {
        p.fallback = Some("nobody".to_owned());
    }),
    ("fallback", "not_a_slug", |p| {
        p.fallback = Some("No Body".to_owned());
    }),
    ("placements[0].fallback", "unknown_name", |p| {
        p.placements[0].fallback = Some("nobody".to_owned());
    }),
    ("placements[0].fallback", "fallback_not_safe", |p| {
        p.placements[0].fallback = Some("offer".to_owned());
    }),
    ("placements[0].channel", "unknown_name", |p| {
        p.placements[0].channel = "fax".to_owned();
    }),
    ("worth.currency", "unknown_currency", |p| {
        p.worth.currency = "XYZ".to_owned();
    }),
];

/// Of what a break leads to besides, nothing but these is reported.
const FOLLOWS: &[(&str, &str)] = &[
    ("actions[0].value.currency", "contradicts"),
    ("actions[0].texts", "text_missing"),
    ("actions[1].texts", "text_missing"),
    ("actions[0].placements[0]", "contradicts"),
    ("policy.placements[0].fallback", "fallback_not_safe"),
    ("policy.fallback", "unknown_name"),
];

#[test]
fn each_rule_about_settings_is_reported_when_it_alone_is_broken() {
    for (field, reason, break_it) in BREAKS {
        let mut document = sound::document();
        break_it(document.policy.as_mut().unwrap());
        let expected = (format!("policy.{field}"), *reason);
        let wrong = wrong_in(&document);
        assert!(wrong.contains(&expected), "{expected:?} in {wrong:?}");
        let others = wrong.iter().filter(|one| **one != expected);
        for (path, reason) in others {
            assert!(
                FOLLOWS.contains(&(path.as_str(), reason)),
                "{path} {reason} of {expected:?}"
            );
        }
    }
}

#[test]
fn a_policy_without_groups_or_channels_is_refused() {
    let mut document = sound::document();
    document.actions.clear();
    let policy = document.policy.as_mut().unwrap();
    policy.groups.clear();
    policy.channels.clear();
    policy.placements.clear();
    policy.contact.clear();
    policy.quiet_hours.clear();
    policy.fallback = None;
    let expected = [
        ("policy.groups", "required"),
        ("policy.channels", "required"),
    ];
    assert_eq!(
        wrong_in(&document),
        expected.map(|(path, reason)| (path.to_owned(), reason))
    );
}

#[test]
fn a_fallback_is_for_everyone_at_any_time_in_every_place() {
    use crate::{
        clock::Micros,
        next_best_action::model::{Issue, Status},
    };
    let breaks: &[(Change, Status)] = &[
        (|_| {}, Status::Paused),
        (|_| {}, Status::Draft),
        (|_| {}, Status::Retired),
        (|a| a.high_risk = true, Status::Active),
        (
            |a| a.eligibility = vec![sound::rule("adult")],
            Status::Active,
        ),
        (|a| a.caps = vec![sound::cap(Scope::Action)], Status::Active),
        (|a| a.consent = vec!["marketing".to_owned()], Status::Active),
        (|a| a.valid_from = Some(Micros(1)), Status::Active),
        (|a| a.valid_to = Some(Micros(1)), Status::Active),
        (
            |a| a.placements = vec!["newsletter".to_owned()],
            Status::Active,
        ),
        (|a| a.channels = vec!["email".to_owned()], Status::Active),
        (
            |a| {
                a.issue = Issue::Sell;
                a.group = "offers".to_owned();
                a.mandatory = false;
                a.channels = vec!["web".to_owned()];
            },
            Status::Active,
        ),
    ];
    for (place, (break_it, status)) in breaks.iter().enumerate() {
        let mut document = sound::document();
        let policy = document.policy.as_mut().unwrap();
        policy.fallback = None;
        let offer = &mut document.actions[0].definition;
        offer.placements.clear();
        let entry = &mut document.actions[1];
        break_it(&mut entry.definition);
        entry.status = *status;
        let expected = (
            "policy.placements[0].fallback".to_owned(),
            "fallback_not_safe",
        );
        assert_eq!(wrong_in(&document), [expected], "break {place}");
    }
}
