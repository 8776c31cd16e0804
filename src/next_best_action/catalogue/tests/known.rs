//! What an import and a change do to what is there already.

use super::{
    super::{
        Document,
        check::{self, Known},
        export,
    },
    AnyRule, import, sound,
};
use crate::next_best_action::model::{Definition, Issue, Status};

fn paths(result: Result<impl Sized, Vec<super::Violation>>) -> Vec<(String, &'static str)> {
    let violations = result.err().unwrap_or_default();
    violations.into_iter().map(|v| (v.path, v.reason)).collect()
}

fn alone(definition: Definition, status: Status) -> String {
    let mut document = Document::default();
    document
        .actions
        .push(super::super::Entry { definition, status });
    export(&document)
}

#[test]
fn actions_alone_are_checked_against_the_policy_that_is_there() {
    let text = alone(sound::offer(), Status::Active);
    let missing = import(&[&text], &Known::default());
    assert_eq!(paths(missing), [("documents".to_owned(), "required")]);
    let (policy, help) = (sound::policy(), sound::help());
    let known = Known {
        policy: Some(&policy),
        actions: &[(&help, Status::Active)],
        segments: &[],
    };
    let brought = import(&[&text], &known).unwrap();
    assert_eq!(brought.policy, None);
    assert_eq!(brought.actions.len(), 1);
}

#[test]
fn a_policy_is_said_once_in_all_texts() {
    let text = export(&sound::document());
    let policy = export(&Document {
        policy: Some(sound::policy()),
        ..Document::default()
    });
    let wrong = import(&[&text, &policy], &Known::default());
    assert_eq!(
        paths(wrong),
        [("documents[1].policy".to_owned(), "duplicate_name")]
    );
}

#[test]
fn texts_are_one_catalogue() {
    let document = sound::document();
    let first = export(&Document {
        actions: document.actions[..1].to_vec(),
        ..document.clone()
    });
    let second = alone(document.actions[1].definition.clone(), Status::Active);
    let together = import(&[&first, &second], &Known::default()).unwrap();
    let whole = import(&[&export(&document)], &Known::default()).unwrap();
    assert_eq!(together, whole);
}

#[test]
fn an_import_moves_an_action_only_where_it_may_go() {
    let (policy, offer, help) = (sound::policy(), sound::offer(), sound::help());
    for from in Status::ALL {
        for to in Status::ALL {
            let known = Known {
                policy: Some(&policy),
                actions: &[(&offer, from), (&help, Status::Active)],
                segments: &[],
            };
            let result = paths(import(&[&alone(offer.clone(), to)], &known));
            let legal = match (from, to) {
                (Status::Retired, _) => false,
                (Status::Draft, to) => to != Status::Paused,
                (_, to) => to != Status::Draft,
            };
            assert_eq!(result.is_empty(), legal, "{from:?} to {to:?}: {result:?}");
            if from == Status::Retired {
                let expected = ("documents[0].actions[0].id".to_owned(), "not_allowed_here");
                assert_eq!(result, [expected]);
            } else if !legal {
                let expected = ("documents[0].actions[0].status".to_owned(), "contradicts");
                assert_eq!(result, [expected]);
            }
        }
    }
}

#[test]
fn new_settings_strand_nobody() {
    let (offer, help) = (sound::offer(), sound::help());
    let mut policy = sound::policy();
    policy.groups[0].issue = Issue::Nurture;
    policy.placements.remove(1);
    policy.contact.remove(0);
    policy.channels.remove(1);
    policy.quiet_hours.clear();
    let text = export(&Document {
        policy: Some(policy),
        ..Document::default()
    });
    let known = |status| Known {
        policy: None,
        actions: [
            &[(&offer, Status::Retired), (&help, Status::Active)][..],
            &[(&offer, Status::Paused), (&help, Status::Active)][..],
        ][usize::from(status != Status::Retired)]
        .to_vec()
        .leak(),
        segments: &[],
    };
    let expected = [
        ("stored.offer.group".to_owned(), "unknown_name"),
        ("stored.offer.channels".to_owned(), "unknown_name"),
        ("stored.offer.placements".to_owned(), "unknown_name"),
        ("stored.help.channels".to_owned(), "unknown_name"),
    ];
    assert_eq!(paths(import(&[&text], &known(Status::Paused))), expected);
    let expected = [("stored.help.channels".to_owned(), "unknown_name")];
    assert_eq!(paths(import(&[&text], &known(Status::Retired))), expected);
}

#[test]
fn the_fallback_cannot_be_paused_or_given_a_rule() {
    let (policy, help) = (sound::policy(), sound::help());
    let known = Known {
        policy: Some(&policy),
        actions: &[(&help, Status::Active)],
        segments: &[],
    };
    let change = |definition, status| {
        paths(check::action_alone(
            definition, status, &known, &policy, &AnyRule,
        ))
    };
    assert_eq!(change(help.clone(), Status::Active), []);
    let unsafe_now = [
        (
            "stored.placements[0].fallback".to_owned(),
            "fallback_not_safe",
        ),
        ("stored.fallback".to_owned(), "fallback_not_safe"),
    ];
    assert_eq!(change(help.clone(), Status::Paused), unsafe_now);
    let ruled = Definition {
        suitability: vec![sound::rule("adult")],
        ..help.clone()
    };
    assert_eq!(change(ruled, Status::Active), unsafe_now);
    let broken = Definition {
        lever: 300,
        ..sound::offer()
    };
    let expected = [("definition.lever".to_owned(), "out_of_range")];
    assert_eq!(change(broken, Status::Draft), expected);
}
