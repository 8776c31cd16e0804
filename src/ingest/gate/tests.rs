use std::task::Poll;

use futures_util::{FutureExt as _, poll};

use super::{Class::*, *};

fn gate(most: usize) -> Arc<Gate> {
    let bounds = Bounds {
        least: 8,
        most,
        first: 256,
        target: Duration::from_millis(100),
    };
    Gate::new(bounds, bounds)
}

const LATE: Option<Duration> = Some(Duration::from_millis(500));

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

#[test]
fn a_call_is_let_in_whole_and_the_next_when_there_is_room_again() {
    let gate = gate(16);
    let (one, other) = (tenant("one"), tenant("other"));
    let large = gate.enter(&one, Bulk, 500).unwrap();
    assert_eq!(gate.load(Bulk), (500, 16));
    assert!(gate.enter(&other, Bulk, 1).is_none());
    drop(large);
    assert_eq!(gate.load(Bulk), (0, 16));
    assert!(gate.enter(&other, Bulk, 1).is_some());
}

#[test]
fn a_tenant_leaves_a_quarter_to_the_others() {
    let gate = gate(16);
    let (greedy, other) = (tenant("greedy"), tenant("other"));
    let taken: Vec<_> = std::iter::from_fn(|| gate.enter(&greedy, Bulk, 1)).collect();
    assert_eq!(taken.len(), 12);
    let others: Vec<_> = std::iter::from_fn(|| gate.enter(&other, Bulk, 1)).collect();
    assert_eq!(others.len(), 4);
    drop((taken, others));
    assert_eq!(gate.load(Bulk).0, 0);
    assert!(gate.lock().of_tenant.is_empty());
}

#[test]
fn parts_are_given_back_one_by_one() {
    let gate = gate(16);
    let one = tenant("one");
    let mut held = gate.enter(&one, Bulk, 10).unwrap();
    let part = held.split(7).unwrap();
    assert!(held.split(4).is_none());
    drop(part);
    assert_eq!(gate.load(Bulk).0, 3);
    drop(held);
    assert_eq!(gate.load(Bulk).0, 0);
}

#[tokio::test]
async fn streams_wait_in_line_and_unary_calls_leave_them_a_quarter() {
    let gate = gate(16);
    let (one, other) = (tenant("one"), tenant("other"));
    let full = (gate.enter(&one, Bulk, 12), gate.enter(&other, Bulk, 4));
    let mut first = Box::pin(gate.wait(&one, 3));
    let mut second = Box::pin(gate.wait(&other, 3));
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    drop(full.1);
    // The first is of a tenant that has its share: the second need not wait for it.
    assert!(poll!(&mut first).is_pending());
    let Poll::Ready(second) = poll!(&mut second) else {
        panic!("there is room")
    };
    // While somebody waits, unary calls have three quarters.
    assert!(gate.enter(&other, Bulk, 1).is_none());
    drop(full.0);
    let first = first.now_or_never().unwrap();
    assert_eq!(gate.load(Bulk).0, 6);
    assert!(gate.enter(&other, Bulk, 1).is_some());
    drop((first, second));
    assert_eq!(gate.load(Bulk).0, 0);
}

#[tokio::test]
async fn who_gives_up_waiting_keeps_nothing_and_nobody_waiting() {
    let gate = gate(16);
    let one = tenant("one");
    let full = gate.enter(&one, Bulk, 16).unwrap();
    let mut gone = Box::pin(gate.wait(&one, 5));
    let mut next = Box::pin(gate.wait(&one, 2));
    assert!(poll!(&mut gone).is_pending() && poll!(&mut next).is_pending());
    drop(gone);
    drop(full);
    let next = next.now_or_never().unwrap();
    assert_eq!(gate.load(Bulk).0, 2);
    // One that was called in and gave up before it heard of it.
    let full = gate.enter(&one, Bulk, 16).unwrap();
    let mut gone = Box::pin(gate.wait(&one, 5));
    assert!(poll!(&mut gone).is_pending());
    drop((full, next));
    assert_eq!(gate.load(Bulk).0, 5);
    drop(gone);
    assert_eq!(gate.load(Bulk).0, 0);
}

#[test]
fn a_wait_that_is_too_long_lets_fewer_in() {
    let gate = gate(1_000);
    let one = tenant("one");
    let _held = gate.enter(&one, Small, 200).unwrap();
    gate.observe(LATE, None);
    assert_eq!(gate.load(Small), (200, 150));
    gate.observe(LATE, None);
    assert_eq!(gate.load(Small), (200, 150));
    assert_eq!(gate.load(Bulk), (0, 256));
}

#[test]
fn bulk_gives_way_when_small_calls_wait_for_it() {
    let gate = gate(1_000);
    let one = tenant("one");
    let _small = gate.enter(&one, Small, 20).unwrap();
    let _bulk = gate.enter(&one, Bulk, 250).unwrap();
    gate.observe(LATE, None);
    assert_eq!(gate.load(Small), (20, 256));
    assert_eq!(gate.load(Bulk), (250, 188));
}

#[test]
fn small_calls_and_bulk_do_not_shut_each_other_out() {
    let gate = gate(16);
    let one = tenant("one");
    let _bulk = gate.enter(&one, Bulk, 500).unwrap();
    assert!(!gate.is_full_for(&one));
    let _small = gate.enter(&one, Small, 16).unwrap();
    assert!(gate.is_full_for(&one));
}
