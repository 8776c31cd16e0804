//! States as they are stored, and what may be done to one whose subjects were not loaded.

use proptest::prelude::*;

use super::{
    algebra::exact,
    made_up::{Recorded, interactions},
};
use crate::profile::{
    State,
    encoding::{Beside, Encoded},
    fold::fold,
    model::{FORMAT, SUBJECTS_INLINE, Slot, SubjectsBeside},
};

fn state(interactions: &[Recorded]) -> State {
    fold(interactions.iter().map(Recorded::fact))
}

fn subjects(state: &State) -> usize {
    match &state.subjects {
        Slot::Held(held) => held.orders.len() + held.tickets.len(),
        Slot::Beside => 0,
    }
}

/// What a reader that loads everything gets, when the column beside held `column` before.
fn reloaded(written: &Encoded, column: Option<&[u8]>) -> State {
    let column = match &written.beside {
        Beside::Keep => column,
        Beside::Nothing => Some(&[][..]),
        Beside::Subjects(subjects) => Some(subjects.as_slice()),
    };
    State::decode(&written.state, column).unwrap()
}

fn column(written: &Encoded) -> Vec<u8> {
    match &written.beside {
        Beside::Subjects(subjects) => subjects.clone(),
        Beside::Keep | Beside::Nothing => panic!("the subjects are not beside"),
    }
}

/// Enough orders and tickets that they lie beside.
fn many() -> impl Strategy<Value = Vec<Recorded>> {
    interactions(90..140, 2_000).prop_filter("too few subjects", |made| {
        subjects(&state(made)) > SUBJECTS_INLINE
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_state_survives_being_stored(made in interactions(0..120, 60)) {
        let state = state(&made);
        let written = state.clone().encode();
        let beside = matches!(written.beside, Beside::Subjects(_));
        prop_assert_eq!(beside, subjects(&state) > SUBJECTS_INLINE);
        let read = reloaded(&written, None);
        prop_assert!(read == state);
        prop_assert_eq!(read.canonical(), state.canonical());
        let again = read.encode();
        prop_assert!(again == written, "equal states have equal bytes");
    }

    #[test]
    fn equal_states_have_equal_bytes_wherever_their_subjects_lie(
        few in interactions(0..20, 3),
        many in many(),
    ) {
        let (few, many) = (renamed(few), many);
        let one = exact(state(&few), state(&many));
        let other = exact(reloaded(&state(&many).encode(), None), state(&few));
        prop_assert_eq!(one.canonical(), other.canonical());
        prop_assert!(one.encode() == other.encode());
    }

    #[test]
    fn what_is_about_no_subject_is_added_without_loading_them(
        many in many(),
        more in interactions(1..20, 3),
    ) {
        let mut more = renamed(more);
        more.retain(|r| !State::of(r.fact()).touches_subjects());
        let whole = state(&many).encode();
        let column = column(&whole);
        let mut light = State::decode(&whole.state, None).unwrap();
        prop_assert!(light.subjects_are_beside());
        prop_assert_eq!(light.canonical(), None);

        prop_assert_eq!(light.merge(state(&more)), Ok(()));
        let written = light.encode();
        prop_assert!(written.beside == Beside::Keep);
        let expected = exact(state(&many), state(&more));
        prop_assert!(reloaded(&written, Some(&column)) == expected);
    }

    #[test]
    fn what_is_about_a_subject_needs_them_and_changes_nothing_without(
        many in many(),
        more in interactions(1..20, 3),
    ) {
        let more = renamed(more);
        let added = state(&more);
        prop_assume!(added.touches_subjects());
        let light = State::decode(&state(&many).encode().state, None).unwrap();

        let mut left = light.clone();
        prop_assert_eq!(left.merge(added.clone()), Err(SubjectsBeside));
        prop_assert!(left == light);
        let mut right = added.clone();
        prop_assert_eq!(right.merge(light.clone()), Err(SubjectsBeside));
        prop_assert!(right == added);
        let mut both = light.clone();
        prop_assert_eq!(both.merge(light.clone()), Err(SubjectsBeside));
        prop_assert!(both == light);
    }
}

/// The same interactions under other names, disjoint from those of another set.
fn renamed(mut interactions: Vec<Recorded>) -> Vec<Recorded> {
    let tenant = crate::ids::TenantId::default_tenant();
    for recorded in &mut interactions {
        recorded.message.event_id.push_str(" again");
        let message = &recorded.message;
        recorded.id = crate::ids::InteractionId::of(&tenant, &message.source, &message.event_id);
    }
    interactions
}

#[test]
fn a_state_of_a_newer_format_is_refused() {
    use prost::Message as _;
    let newer = crate::proto::state::v1::State {
        format: FORMAT + 1,
        ..Default::default()
    };
    let refused = State::decode(&newer.encode_to_vec(), None);
    assert!(refused.is_err_and(|error| error.to_string().contains("format 2")));
}
