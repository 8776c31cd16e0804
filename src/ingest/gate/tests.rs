use std::task::Poll;

use futures_util::{FutureExt as _, poll};
use proptest::prelude::*;

use super::{Class::*, Patience::*, *};

const TARGET: Duration = Duration::from_millis(100);
const LATE: Option<Duration> = Some(Duration::from_millis(500));

fn gate(most: usize) -> Arc<Gate> {
    let bounds = Bounds {
        least: 8,
        most,
        first: 256,
        target: TARGET,
    };
    Gate::new(bounds, bounds)
}

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

/// Lets somebody in, without a wait.
fn at_once(gate: &Arc<Gate>, tenant: &TenantId, class: Class, items: usize) -> Option<Held> {
    gate.enter(tenant, class, items, Brief)
        .now_or_never()
        .flatten()
}

fn is_empty(gate: &Gate) -> bool {
    let parts = &gate.lock().0;
    parts.iter().all(|part| {
        let (brief, _) = part.line.brief(&tenant("one"));
        part.held == 0 && part.of_tenant.is_empty() && brief == 0
    })
}

#[tokio::test]
async fn a_call_is_let_in_whole_and_the_next_when_there_is_room_again() {
    let gate = gate(16);
    let (one, other) = (tenant("one"), tenant("other"));
    let large = at_once(&gate, &one, Bulk, 500).unwrap();
    assert_eq!(gate.load(Bulk), (500, 16));
    assert!(at_once(&gate, &other, Bulk, 1).is_none());
    drop(large);
    assert_eq!(gate.load(Bulk), (0, 16));
    assert!(at_once(&gate, &other, Bulk, 1).is_some());
    assert!(is_empty(&gate));
}

#[tokio::test]
async fn a_tenant_leaves_a_quarter_to_the_others() {
    let gate = gate(16);
    let (greedy, other) = (tenant("greedy"), tenant("other"));
    let taken: Vec<_> = std::iter::from_fn(|| at_once(&gate, &greedy, Bulk, 1)).collect();
    assert_eq!(taken.len(), 12);
    let others: Vec<_> = std::iter::from_fn(|| at_once(&gate, &other, Bulk, 1)).collect();
    assert_eq!(others.len(), 4);
    drop((taken, others));
    assert!(is_empty(&gate));
}

#[tokio::test]
async fn parts_are_given_back_one_by_one() {
    let gate = gate(16);
    let mut held = at_once(&gate, &tenant("one"), Bulk, 10).unwrap();
    let part = held.split(7).unwrap();
    assert!(held.split(4).is_none());
    drop(part);
    assert_eq!(gate.load(Bulk).0, 3);
    drop(held);
    assert!(is_empty(&gate));
}

#[tokio::test]
async fn who_comes_first_is_let_in_first_and_tenants_take_turns() {
    let gate = gate(16);
    let (one, other) = (tenant("one"), tenant("other"));
    let full = (
        at_once(&gate, &one, Bulk, 12),
        at_once(&gate, &other, Bulk, 4),
    );
    let mut first = Box::pin(gate.enter(&one, Bulk, 3, Endless));
    let mut second = Box::pin(gate.enter(&other, Bulk, 12, Endless));
    let mut third = Box::pin(gate.enter(&other, Bulk, 1, Endless));
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    assert!(poll!(&mut third).is_pending());
    drop(full.1);
    // The first is of a tenant that has its share: the second need not wait for it, the third comes after the second.
    assert!(poll!(&mut first).is_pending() && poll!(&mut third).is_pending());
    let Poll::Ready(Some(second)) = poll!(&mut second) else {
        panic!("there is room")
    };
    drop(full.0);
    let first = first.now_or_never().unwrap();
    assert!(poll!(&mut third).is_pending());
    assert_eq!(gate.load(Bulk).0, 15);
    drop(second);
    let third = third.now_or_never().unwrap();
    assert_eq!(gate.load(Bulk).0, 4);
    drop((first, third));
    assert!(is_empty(&gate));
}

#[tokio::test]
async fn streams_and_unary_calls_of_a_tenant_take_turns() {
    let gate = gate(8);
    let one = tenant("one");
    let mut held = at_once(&gate, &one, Bulk, 8);
    let mut streams: Vec<_> = (0..4)
        .map(|_| Box::pin(gate.enter(&one, Bulk, 6, Endless)))
        .collect();
    for stream in &mut streams {
        assert!(poll!(stream).is_pending());
    }
    let mut unary = Box::pin(gate.enter(&one, Bulk, 6, Brief));
    assert!(poll!(&mut unary).is_pending());
    let mut turns = Vec::new();
    for _ in 0..3 {
        drop(held.take());
        for (n, stream) in streams.iter_mut().enumerate() {
            if !turns.contains(&n)
                && let Poll::Ready(room) = poll!(stream)
            {
                turns.push(n);
                held = room;
            }
        }
        if held.is_none()
            && let Poll::Ready(room) = poll!(&mut unary)
        {
            turns.push(9);
            held = room;
        }
    }
    assert_eq!(turns, [0, 9, 1]);
}

#[tokio::test]
async fn a_unary_call_waits_as_long_as_others_take_and_is_turned_away_then() {
    let gate = gate(16);
    let one = tenant("one");
    let full = at_once(&gate, &one, Small, 16).unwrap();
    let begun = Instant::now();
    assert!(gate.enter(&one, Small, 4, Brief).await.is_none());
    assert!(begun.elapsed() >= TARGET);
    // Somebody leaves in time.
    let mut waiting = Box::pin(gate.enter(&one, Small, 4, Brief));
    assert!(poll!(&mut waiting).is_pending());
    drop(full);
    let came = waiting.now_or_never().flatten();
    assert!(came.is_some());
    drop(came);
    assert!(is_empty(&gate));
}

#[tokio::test]
async fn a_line_that_is_too_long_turns_away_at_once_and_a_tenant_leaves_room_in_it() {
    let gate = gate(16);
    let (greedy, other) = (tenant("greedy"), tenant("other"));
    let _full = (
        at_once(&gate, &greedy, Small, 12),
        at_once(&gate, &other, Small, 4),
    );
    let mut waiting = Vec::new();
    for who in [&greedy, &other] {
        loop {
            let mut next = Box::pin(gate.enter(who, Small, 1, Brief));
            match poll!(&mut next) {
                Poll::Pending => waiting.push(next),
                Poll::Ready(answer) => break assert!(answer.is_none()),
            }
        }
        assert_eq!(waiting.len(), if *who == greedy { 12 } else { 16 });
    }
    // A stream waits all the same.
    let mut stream = Box::pin(gate.enter(&other, Small, 1, Endless));
    assert!(poll!(&mut stream).is_pending());
    drop(waiting);
    let mut next = Box::pin(gate.enter(&greedy, Small, 1, Brief));
    assert!(poll!(&mut next).is_pending());
}

#[tokio::test]
async fn who_gives_up_waiting_keeps_nothing_and_nobody_waiting() {
    let gate = gate(16);
    let one = tenant("one");
    let full = at_once(&gate, &one, Bulk, 16).unwrap();
    let mut gone = Box::pin(gate.enter(&one, Bulk, 5, Endless));
    let mut next = Box::pin(gate.enter(&one, Bulk, 2, Endless));
    assert!(poll!(&mut gone).is_pending() && poll!(&mut next).is_pending());
    drop(gone);
    drop(full);
    let next = next.now_or_never().unwrap();
    assert_eq!(gate.load(Bulk).0, 2);
    // One that was called in and gave up before it heard of it.
    let full = at_once(&gate, &one, Bulk, 16).unwrap();
    let mut gone = Box::pin(gate.enter(&one, Bulk, 5, Endless));
    assert!(poll!(&mut gone).is_pending());
    drop((full, next));
    assert_eq!(gate.load(Bulk).0, 5);
    drop(gone);
    assert!(is_empty(&gate));
}

#[tokio::test]
async fn a_wait_that_is_too_long_lets_fewer_in() {
    let gate = gate(1_000);
    let _held = at_once(&gate, &tenant("one"), Small, 200).unwrap();
    gate.observe(LATE, None);
    assert_eq!(gate.load(Small), (200, 150));
    gate.observe(LATE, None);
    assert_eq!(gate.load(Small), (200, 150));
    assert_eq!(gate.load(Bulk), (0, 256));
}

#[tokio::test]
async fn bulk_gives_way_when_small_calls_wait_for_it() {
    let gate = gate(1_000);
    let one = tenant("one");
    let _small = at_once(&gate, &one, Small, 20).unwrap();
    let _bulk = at_once(&gate, &one, Bulk, 250).unwrap();
    gate.observe(LATE, None);
    assert_eq!(gate.load(Small), (20, 256));
    assert_eq!(gate.load(Bulk), (250, 188));
}

#[tokio::test]
async fn small_calls_and_bulk_do_not_shut_each_other_out() {
    let gate = gate(16);
    let one = tenant("one");
    let _bulk = at_once(&gate, &one, Bulk, 500).unwrap();
    assert!(at_once(&gate, &one, Small, 16).is_some());
}

/// What somebody does at the gate.
#[derive(Clone, Copy, Debug)]
enum Step {
    Come(usize, Class, usize, Patience),
    Leave(usize),
    GiveUp(usize),
    Stored(Option<u64>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let class = prop_oneof![Just(Small), Just(Bulk)];
    let patience = prop_oneof![Just(Brief), Just(Endless)];
    let step = prop_oneof![
        4 => (0_usize..3, class, 1_usize..12, patience).prop_map(|(t, c, i, p)| Step::Come(t, c, i, p)),
        3 => any::<usize>().prop_map(Step::Leave),
        1 => any::<usize>().prop_map(Step::GiveUp),
        1 => prop::option::of(0_u64..300).prop_map(Step::Stored),
    ];
    prop::collection::vec(step, 1..80)
}

proptest! {
    #[test]
    fn nobody_waits_for_room_that_is_there_and_all_is_given_back(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let gate = gate(64);
            let tenants = ["a", "b", "c"].map(tenant);
            let (mut inside, mut waiting) = (Vec::new(), Vec::new());
            for step in steps {
                match step {
                    Step::Come(who, class, items, patience) => {
                        let (gate, tenant) = (Arc::clone(&gate), tenants[who].clone());
                        let coming = async move { gate.enter(&tenant, class, items, patience).await };
                        waiting.push((who, class, Box::pin(coming)));
                    }
                    Step::Leave(n) if !inside.is_empty() => drop(inside.swap_remove(n % inside.len())),
                    Step::GiveUp(n) if !waiting.is_empty() => drop(waiting.remove(n % waiting.len())),
                    Step::Stored(took) => gate.observe(took.map(Duration::from_millis), None),
                    _ => (),
                }
                let mut still = Vec::new();
                for (who, class, mut coming) in waiting {
                    match poll!(&mut coming) {
                        Poll::Ready(Some(held)) => inside.push(held),
                        Poll::Ready(None) => (),
                        Poll::Pending => still.push((who, class, coming)),
                    }
                }
                waiting = still;
                for (who, class, _) in &waiting {
                    prop_assert!(!gate.lock().0[*class as usize].admits(&tenants[*who]));
                }
                for class in [Small, Bulk] {
                    let held: usize = inside.iter().filter(|h| h.class() == class).map(|h| h.items).sum();
                    prop_assert_eq!(gate.load(class).0, held);
                }
            }
            drop((waiting, inside));
            prop_assert!(is_empty(&gate));
            Ok(())
        })?;
    }
}
