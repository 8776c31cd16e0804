//! Each rule about many things together, broken one at a time.

use super::{
    super::{check::Known, limits},
    breaks::{Break, long, slugs},
    import, sound, wrong_in,
};
use crate::next_best_action::model::{Definition, Segment, Status};

#[test]
fn ids_and_segments_stand_once_in_all_texts() {
    let mut document = sound::document();
    document.actions.push(document.actions[0].clone());
    document.segments.push(document.segments[0].clone());
    let expected = [
        ("actions[2].id", "duplicate_name"),
        ("segments[1].name", "duplicate_name"),
    ];
    let expected = expected.map(|(path, reason)| (path.to_owned(), reason));
    assert_eq!(wrong_in(&document), expected);
}

#[test]
fn each_rule_about_segments_is_reported_when_it_alone_is_broken() {
    let breaks: &[Break<Segment>] = &[
        ("name", "not_a_slug", |s| s.name = "V I P".to_owned()),
        ("description", "too_long", |s| s.description = long(501)),
        ("rule", "rule_invalid", |s| s.rule = "wrong".to_owned()),
        ("rule", "rule_invalid", |s| {
            s.rule = "context[\"page\"] == \"cart\"".to_owned();
        }),
        ("rule", "required", |s| s.rule.clear()),
    ];
    for (field, reason, break_it) in breaks {
        let mut document = sound::document();
        break_it(&mut document.segments[0]);
        assert_eq!(
            wrong_in(&document),
            [(format!("segments[0].{field}"), *reason)]
        );
    }
}

#[test]
fn so_many_segments_and_actions_are_refused() {
    let mut document = sound::document();
    let segment = document.segments[0].clone();
    document.segments = slugs(limits::MAX_SEGMENTS + 1)
        .into_iter()
        .map(|name| Segment {
            name,
            ..segment.clone()
        })
        .collect();
    let text = super::export(&document);
    let wrong = import(&[&text], &Known::default()).unwrap_err();
    assert_eq!(
        (wrong[0].path.as_str(), wrong[0].reason),
        ("segments", "too_many")
    );

    let definitions: Vec<Definition> = slugs(limits::MAX_ACTIONS - 1)
        .into_iter()
        .map(|id| Definition {
            id,
            ..sound::help()
        })
        .collect();
    let mut there: Vec<(&Definition, Status)> = definitions
        .iter()
        .map(|one| (one, Status::Active))
        .collect();
    let text = super::export(&sound::document());
    let wrong = import(&[&text], &with_actions(&there)).unwrap_err();
    assert_eq!(
        (wrong[0].path.as_str(), wrong[0].reason),
        ("actions", "too_many")
    );
    there[0].1 = Status::Retired;
    assert_eq!(import(&[&text], &with_actions(&there)).err(), None);
}

fn with_actions<'a>(actions: &'a [(&'a Definition, Status)]) -> Known<'a> {
    Known {
        actions,
        ..Known::default()
    }
}
