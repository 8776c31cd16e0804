//! Who is asked for, one after the other: the same in each run.

/// A spread of numbers without a pattern (splitmix64).
fn scatter(n: usize) -> usize {
    let mut z = u64::try_from(n)
        .unwrap()
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((z ^ (z >> 31)) >> 1).unwrap()
}

/// So many draws of people all of whom are asked for alike.
pub(crate) fn alike(people: usize, draws: usize) -> Vec<u32> {
    let person = |n: usize| u32::try_from(scatter(n) % people).unwrap();
    (0..draws).map(person).collect()
}

/// Everybody once, by chance.
pub(crate) fn shuffled(people: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..u32::try_from(people).unwrap()).collect();
    for at in (1..people).rev() {
        order.swap(at, scatter(at) % (at + 1));
    }
    order
}

/// So many draws of people of whom the nth is asked for as often as 1/n.
pub(crate) fn zipf(people: usize, draws: usize) -> Vec<u32> {
    let ranked = shuffled(people);
    let mut sum = 0.0;
    let shares: Vec<f64> = (1..=u32::try_from(people).unwrap())
        .map(|rank| {
            sum += 1.0 / f64::from(rank);
            sum
        })
        .collect();
    (0..draws)
        .map(|n| {
            let at = u32::try_from(scatter(n) & 0xffff_ffff).unwrap();
            let height = sum * f64::from(at) / 4_294_967_296.0;
            let rank = shares.partition_point(|share| *share <= height);
            ranked[rank.min(people - 1)]
        })
        .collect()
}
