use proptest::prelude::*;

use super::*;
use crate::next_best_action::keys::DecisionKey;

fn policy(scope: Scope, limit: u16, window: i64, pause: i64) -> ContactPolicy {
    ContactPolicy {
        scope,
        of: None,
        binds: None,
        channels: ChannelSet::ALL,
        outcome: Outcome::Impression,
        limit,
        window,
        pause,
    }
}

fn offered(decision: u128, action: u64, outcome: Outcome, at: i64) -> Offered {
    Offered {
        outcome,
        decision: DecisionKey(decision),
        slot: 0,
        decided_at: Micros(i64::try_from(decision).unwrap()),
        action,
        group: GroupKey(action / 10),
        channel: ChannelIndex(u8::try_from(action % 3).unwrap()),
        at: Micros(at),
    }
}

fn reservation(decision: u128, action: u64, at: i64, expires_at: i64) -> Reservation {
    Reservation {
        decision: DecisionKey(decision),
        slot: 0,
        action,
        group: GroupKey(action / 10),
        channel: ChannelIndex(0),
        at: Micros(at),
        expires_at: Micros(expires_at),
    }
}

fn asking(action: u64) -> Asking {
    Asking {
        action,
        group: GroupKey(action / 10),
        channel: ChannelIndex(0),
    }
}

fn of(events: &[Offered]) -> Offers {
    let mut offers = Offers::default();
    for event in events {
        offers.add(*event);
    }
    offers
}

/// Of decisions a microsecond apart, or so far that the horizon matters.
fn events(most: usize) -> impl Strategy<Value = Vec<Offered>> {
    let apart = prop::sample::select(vec![1, HORIZON / 700]);
    (apart, close(most)).prop_map(|(apart, mut events)| {
        for event in &mut events {
            event.decided_at.0 *= apart;
        }
        events
    })
}

fn close(most: usize) -> impl Strategy<Value = Vec<Offered>> {
    let outcome = prop::sample::select(Outcome::ALL.to_vec());
    let event = (0..1_000_u128, outcome, 0..900_i64);
    // The action follows from the decision: it never changes.
    let event =
        event.prop_map(|(d, outcome, at)| offered(d, u64::try_from(d % 4).unwrap(), outcome, at));
    prop::collection::vec(event, most / 2..most)
}

fn united(a: &Offers, b: &Offers) -> Offers {
    let mut all = a.clone();
    all.merge(b);
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn offers_are_a_set(
        (events, shuffled) in events(520).prop_flat_map(|e| (Just(e.clone()), Just(e).prop_shuffle())),
        cut in 0..520_usize,
    ) {
        let whole = of(&events);
        prop_assert_eq!(&whole, &of(&shuffled));
        for kept in whole.elements() {
            let same = |e: &&Offered| e.decision == kept.decision && e.outcome.counts_as(kept.outcome);
            let earliest = events.iter().filter(same).map(|e| e.at).min();
            prop_assert_eq!(Some(kept.at), earliest);
        }
        let (left, right) = shuffled.split_at(cut.min(shuffled.len()));
        prop_assert_eq!(&whole, &united(&of(left), &of(right)));
        prop_assert_eq!(&whole, &united(&of(right), &of(left)));
        prop_assert_eq!(&whole, &united(&whole, &whole));
        // Undo: uniting the parts but one is what that one never was in.
        let third = of(&events[..events.len() / 3]);
        prop_assert_eq!(united(&third, &of(left)), united(&of(left), &third));
        prop_assert!(whole.elements().len() <= 5 * 4 * KEPT_NARROW + 5 * 5 * KEPT_WIDE);
    }

    #[test]
    fn what_is_forgotten_changes_no_allowance_of_limits_up_to_half_of_what_is_kept(
        decisions in prop::collection::vec((0..4_u64, 1..9_i64), 0..300),
        limit in 1..=16_u16, window in 1..2_000_i64, pause in 0..2_000_i64,
    ) {
        // Shown in the order of the decisions, one after the other.
        let mut at = 0;
        let mut shown = Vec::new();
        for (n, (action, gap)) in decisions.iter().enumerate() {
            at += gap;
            let mut event = offered(u128::try_from(n).unwrap(), *action, Outcome::Impression, at);
            event.decided_at = Micros(at);
            shown.push(event);
        }
        let offers = of(&shown);
        for (scope, action) in [(Scope::Action, 1), (Scope::All, 1), (Scope::Group, 2)] {
            let policy = policy(scope, limit, window, pause);
            let times: Vec<i64> = shown
                .iter()
                .filter(|e| scope != Scope::Action || e.action == action)
                .map(|e| e.at.0)
                .collect();
            let now = Micros(at);
            let kept = policy.allowance(asking(action), &offers, &[], now);
            let all = policy.judge(&times, now);
            prop_assert_eq!((kept.until, kept.remaining), (all.until, all.remaining));
        }
    }

    #[test]
    fn a_cap_is_never_exceeded_by_deciding_and_reserving(
        steps in prop::collection::vec((0..3_u64, 0..40_i64, 0..6_usize), 1..120),
        limit in 1..=5_u16, window in 1..200_i64, pause in 0..300_i64,
        scope in prop::sample::select(vec![Scope::Action, Scope::Group, Scope::All]),
    ) {
        const HELD: i64 = 30;
        let policy = policy(scope, limit, window, pause);
        let mut offers = Offers::default();
        let mut now = 0;
        let mut made: Vec<(u128, u64, i64, usize)> = Vec::new();
        let mut shown: Vec<(u64, i64)> = Vec::new();
        for (n, (action, gap, fate)) in steps.into_iter().enumerate() {
            now += gap;
            // What was decided is shown, clicked, rejected, bounces or is never heard of, all within its time.
            made.retain(|(decision, action, at, fate)| {
                let due = now - at >= HELD / 2;
                let outcome = [
                    Outcome::Impression, Outcome::Pending, Outcome::Rejected, Outcome::NotDelivered,
                    Outcome::Accepted,
                ];
                if due && let Some(outcome) = outcome.get(*fate) {
                    let mut event = offered(*decision, *action, *outcome, at + HELD / 2);
                    (event.channel, event.decided_at) = (ChannelIndex(0), Micros(*at));
                    offers.add(event);
                    if *outcome != Outcome::NotDelivered {
                        shown.push((*action, at + HELD / 2));
                    }
                }
                !due
            });
            let allowance = policy.allowance(asking(action), &offers, &[], Micros(now));
            prop_assert_eq!(allowance.until.is_some(), allowance.remaining == 0);
            if allowance.remaining > 0 {
                let decision = u128::try_from(n).unwrap();
                offers.reserve(reservation(decision, action, now, now + HELD));
                made.push((decision, action, now, fate));
            }
        }
        for (action, end) in &shown {
            let counted = shown.iter().filter(|(a, at)| {
                let scoped = scope != Scope::Action || a == action;
                scoped && *at <= *end && *at > end - window
            });
            prop_assert!(counted.count() <= usize::from(limit));
        }
    }
}

#[test]
fn a_limit_reached_pauses_from_the_event_that_reached_it() {
    let offers = of(&[
        offered(1, 5, Outcome::Impression, 100),
        offered(2, 5, Outcome::Rejected, 150),
    ]);
    let twice = policy(Scope::Action, 2, 60, 1_000);
    let say = |policy: &ContactPolicy, now| policy.allowance(asking(5), &offers, &[], Micros(now));
    assert_eq!(
        say(&twice, 160).until,
        Some(Micros(1_150)),
        "a rejection was an impression"
    );
    assert_eq!(say(&twice, 1_150).until, None);
    assert_eq!(
        say(&policy(Scope::Action, 2, 50, 1_000), 160).until,
        None,
        "not within the window"
    );
    let rejected = ContactPolicy {
        outcome: Outcome::Rejected,
        ..policy(Scope::Group, 1, 1, 500)
    };
    assert_eq!(say(&rejected, 200).until, Some(Micros(650)));
    let rolling = policy(Scope::All, 2, 60, 0);
    assert_eq!(say(&rolling, 151).until, Some(Micros(160)));
    assert_eq!(say(&rolling, 160).remaining, 1);
    assert_eq!(say(&rolling, 160).counted, 1);
}

#[test]
fn a_reservation_counts_until_its_time_is_over_or_its_outcome_is_known() {
    let once = policy(Scope::Action, 1, 1_000, 0);
    let mut offers = Offers::default();
    offers.reserve(reservation(1, 5, 100, 130));
    let left = |offers: &Offers, now| {
        once.allowance(asking(5), offers, &[], Micros(now))
            .remaining
    };
    assert_eq!((left(&offers, 129), left(&offers, 130)), (0, 1));
    let mut bounced = offers.clone();
    bounced.add(offered(1, 5, Outcome::NotDelivered, 110));
    assert_eq!(left(&bounced, 120), 1, "what did not arrive is free again");
    offers.add(offered(1, 5, Outcome::Pending, 110));
    assert_eq!(left(&offers, 140), 0, "what was sent will be seen");
    offers.add(offered(1, 5, Outcome::Impression, 115));
    assert_eq!((left(&offers, 120), left(&offers, 1_115)), (0, 1));
    let page = [reservation(9, 5, 2_000, 2_030)];
    assert_eq!(
        once.allowance(asking(5), &offers, &page, Micros(2_000))
            .remaining,
        0
    );
}

#[test]
fn what_was_delivered_can_be_converted_to() {
    let offers = of(&[
        offered(1, 5, Outcome::Clicked, 100),
        offered(2, 5, Outcome::NotDelivered, 120),
        offered(3, 6, Outcome::Pending, 130),
    ]);
    let touches: Vec<_> = offers.touches(|a| (a == 5).then_some(50)).collect();
    assert_eq!(touches.len(), 1);
    assert_eq!(
        (touches[0].decision, touches[0].at),
        (DecisionKey(1), Micros(100))
    );
}

#[test]
fn a_policy_binds_whom_it_names() {
    let mut one = policy(Scope::Group, 1, 10, 0);
    assert!(one.binds(asking(5)));
    one.binds = Some(6);
    assert!(!one.binds(asking(5)));
    (one.binds, one.of) = (None, Some(3));
    assert!(!one.binds(asking(5)) && one.binds(asking(31)));
    one.channels = ChannelSet::of(&[ChannelIndex(4)]);
    assert!(!one.binds(asking(31)));
}
