use proptest::prelude::*;

use super::*;

const W: i64 = 100;

fn outcomes() -> impl Strategy<Value = Vec<(Outcome, Micros)>> {
    let outcome = prop::sample::select(Outcome::ALL.to_vec());
    prop::collection::vec((outcome, (0..400_i64).prop_map(Micros)), 0..12)
}

fn record(of: &[(Outcome, Micros)]) -> Record {
    let mut record = Record::default();
    for (outcome, at) in of {
        record.add(*outcome, *at);
    }
    record
}

fn united(a: Record, b: Record) -> Record {
    let mut all = a;
    all.merge(&b);
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merging_is_commutative_associative_and_idempotent(
        a in outcomes(), b in outcomes(), c in outcomes(),
    ) {
        let (a, b, c) = (record(&a), record(&b), record(&c));
        prop_assert_eq!(united(a, b), united(b, a));
        prop_assert_eq!(united(united(a, b), c), united(a, united(b, c)));
        prop_assert_eq!(united(a, a), a);
        prop_assert_eq!(united(a, Record::default()), a);
    }

    #[test]
    fn neither_order_nor_repeats_change_anything(
        (events, shuffled) in outcomes().prop_flat_map(|e| (Just(e.clone()), Just(e).prop_shuffle())),
        now in 0..800_i64,
    ) {
        let once = record(&events);
        prop_assert_eq!(once, record(&shuffled));
        let mut again = record(&shuffled);
        for (outcome, at) in &events {
            again.add(*outcome, *at);
        }
        prop_assert_eq!(once, again);
        prop_assert_eq!(once.state(), events.iter().map(|e| e.0).max());
        let label = |r: Record| r.label(Outcome::Accepted, W, Micros(now));
        prop_assert_eq!(label(once), label(again));
    }

    #[test]
    fn a_yes_is_never_lost_and_a_label_never_turns_from_yes_to_waiting(
        events in outcomes(), now in 0..800_i64, later in 0..800_i64,
    ) {
        let record = record(&events);
        let label = |at| record.label(Outcome::Clicked, W, Micros(at));
        let later = now.max(later);
        match label(now) {
            Label::Yes { .. } => {
                let stays = matches!(label(later), Label::Yes { .. } | Label::No);
                prop_assert!(stays);
            }
            Label::Open { .. } => prop_assert!(label(later) != Label::None),
            Label::No | Label::None => (),
        }
        let rejected = record.first(Outcome::Rejected).is_some();
        let said_yes = record.first(Outcome::Clicked).or(record.first(Outcome::Accepted)).is_some();
        if said_yes && !rejected {
            let yes = matches!(label(10_000), Label::Yes { delay: 0..=W, .. });
            prop_assert!(yes);
        }
        if rejected {
            prop_assert_eq!(label(10_000), Label::No);
        }
    }

    #[test]
    fn each_event_id_is_consumed_once_whatever_the_order(
        (ids, shuffled) in prop::collection::vec(0..6_u128, 0..20)
            .prop_flat_map(|ids| (Just(ids.clone()), Just(ids).prop_shuffle())),
    ) {
        let event = |id: u128| OutcomeEvent {
            id, decision: DecisionKey(id * 3), slot: 0, outcome: Outcome::Clicked, at: Micros(5),
        };
        let run = |ids: &[u128]| {
            let mut consumed = Consumed::default();
            let new = ids.iter().filter(|id| consumed.consume(&event(**id)) == Consumption::New).count();
            (consumed, new)
        };
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        prop_assert_eq!(run(&ids).1, distinct.len());
        prop_assert_eq!(run(&ids), run(&shuffled));
    }
}

#[test]
fn an_offer_that_was_not_delivered_has_no_label() {
    let record = record(&[(Outcome::NotDelivered, Micros(0))]);
    assert_eq!(record.state(), Some(Outcome::NotDelivered));
    assert_eq!(
        record.label(Outcome::Accepted, W, Micros(1_000)),
        Label::None
    );
    assert_eq!(record.delivered_at(), None);
}

#[test]
fn a_bounce_after_a_delivery_is_harmless_and_a_delivery_after_a_bounce_counts() {
    let events = [
        (Outcome::Pending, Micros(3)),
        (Outcome::NotDelivered, Micros(1)),
    ];
    assert_eq!(record(&events).state(), Some(Outcome::Pending));
    assert_eq!(record(&events).delivered_at(), Some(Micros(3)));
}

#[test]
fn a_late_yes_corrects_the_earlier_no() {
    let mut offer = record(&[(Outcome::Impression, Micros(10))]);
    let label = |r: &Record, now| r.label(Outcome::Accepted, W, Micros(now));
    assert_eq!(label(&offer, 50), Label::Open { until: Micros(110) });
    assert_eq!(label(&offer, 110), Label::No);
    // Heard of after the window, happened within it.
    let mut heard = offer;
    heard.add(Outcome::Accepted, Micros(60));
    assert_eq!(
        label(&heard, 300),
        Label::Yes {
            delay: 50,
            late: false
        }
    );
    // Happened after it.
    offer.add(Outcome::Accepted, Micros(250));
    assert_eq!(label(&offer, 249), Label::No);
    assert_eq!(
        label(&offer, 250),
        Label::Yes {
            delay: W,
            late: true
        }
    );
}

#[test]
fn a_spoken_no_is_terminal() {
    let offer = record(&[
        (Outcome::Accepted, Micros(30)),
        (Outcome::Rejected, Micros(20)),
    ]);
    assert_eq!(offer.state(), Some(Outcome::Rejected));
    assert_eq!(offer.label(Outcome::Accepted, W, Micros(40)), Label::No);
}

#[test]
fn an_event_id_with_another_content_is_refused() {
    let event = OutcomeEvent {
        id: 1,
        decision: DecisionKey(2),
        slot: 0,
        outcome: Outcome::Clicked,
        at: Micros(5),
    };
    let mut consumed = Consumed::default();
    assert_eq!(consumed.consume(&event), Consumption::New);
    assert_eq!(consumed.consume(&event), Consumption::Duplicate);
    let other = OutcomeEvent {
        outcome: Outcome::Rejected,
        ..event
    };
    assert_eq!(consumed.consume(&other), Consumption::Conflict);
}

#[test]
fn what_counts_as_an_impression() {
    let counting = |o: Outcome| Outcome::ALL.into_iter().filter(move |x| x.counts_as(o));
    assert_eq!(counting(Outcome::Impression).count(), 4);
    assert_eq!(counting(Outcome::Pending).count(), 5);
    assert_eq!(counting(Outcome::Clicked).count(), 2);
    assert_eq!(counting(Outcome::NotDelivered).count(), 1);
}
