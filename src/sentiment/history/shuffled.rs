//! How often a trend is seen in feelings that have none: the same feelings, dealt to their days at random.

use super::{Dated, Moment, series, sums::Sums, trend::trend};
use crate::{
    calendar::{Day, Zone},
    profile::feelings::Counted,
    proto::v1::{AnalysisMethod, TrendDirection},
};

/// Numbers that look random: splitmix64.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 up to and without `end`.
    fn below(&mut self, end: i32) -> i32 {
        i32::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            let other = self.below(i32::try_from(at + 1).unwrap());
            list.swap(at, usize::try_from(other).unwrap());
        }
    }
}

/// How old each feeling is in days, what is felt in thousandths, and how sure that is.
type Series = Vec<(i32, i32, i32)>;

type Shape = (&'static str, fn(&mut Numbers) -> Series);

const TODAY: i32 = 20_500;

/// One feeling every `gap` days.
fn spread(count: i32, gap: i32, mut felt: impl FnMut(i32) -> i32) -> Series {
    (0..count).map(|n| (n * gap, felt(n), 1000)).collect()
}

const SHAPES: [Shape; 9] = [
    ("even, daily", |n| spread(200, 1, |_| n.below(2001) - 1000)),
    ("even, every third day", |n| {
        spread(60, 3, |_| n.below(2001) - 1000)
    }),
    ("love or hate, every other day", |n| {
        spread(60, 2, |_| if n.below(2) == 0 { -800 } else { 800 })
    }),
    ("content, rarely furious", |n| {
        spread(60, 2, |_| {
            if n.below(10) == 0 {
                -900
            } else {
                300 + n.below(200)
            }
        })
    }),
    ("a bell", |n| {
        spread(100, 2, |_| (0..6).map(|_| n.below(401) - 200).sum::<i32>())
    }),
    ("a plunge in the last month", |n| {
        spread(60, 2, |at| if at < 15 { -600 } else { 400 } + n.below(300))
    }),
    ("bursts of three", |n| {
        (0..60)
            .map(|at| (at / 3 * 9 + n.below(2), n.below(2001) - 1000, 1000))
            .collect()
    }),
    ("of differing confidence", |n| {
        (0..90)
            .map(|at| (at * 2, n.below(2001) - 1000, 250 + n.below(751)))
            .collect()
    }),
    ("few, just enough", |n| {
        (0..10)
            .map(|_| (n.below(40), n.below(2001) - 1000, 1000))
            .collect()
    }),
];

fn told(given: &Series) -> TrendDirection {
    let moment = Moment::new(Zone::UTC.begin(Day(TODAY)), Zone::UTC, 0.0);
    let dated = given.iter().map(|(age, polarity, weight)| Dated {
        day: Day(TODAY - age),
        month: false,
        sums: Sums::one(
            Some(Counted {
                polarity: i16::try_from((*polarity).clamp(-1000, 1000)).unwrap(),
                weight: u16::try_from(*weight).unwrap(),
                method: AnalysisMethod::BuiltIn,
            }),
            None,
        ),
    });
    trend(&series(dated), moment).direction()
}

#[test]
fn of_shuffled_feelings_at_most_one_in_twenty_shows_a_trend() {
    for (seed, (shape, make)) in SHAPES.iter().enumerate() {
        let mut numbers = Numbers(1 + u64::try_from(seed).unwrap());
        let (mut judged, mut alarms) = (0, 0);
        for _ in 0..400 {
            let mut one = make(&mut numbers);
            let mut felt: Vec<(i32, i32)> = one.iter().map(|(_, p, w)| (*p, *w)).collect();
            for _ in 0..5 {
                numbers.shuffle(&mut felt);
                for (place, (polarity, weight)) in one.iter_mut().zip(&felt) {
                    (place.1, place.2) = (*polarity, *weight);
                }
                match told(&one) {
                    TrendDirection::Insufficient => (),
                    TrendDirection::Stable => judged += 1,
                    _ => {
                        judged += 1;
                        alarms += 1;
                    }
                }
            }
        }
        assert!(judged >= 500, "{shape}: only {judged} were judged");
        assert!(alarms * 20 <= judged, "{shape}: {alarms} of {judged}");
    }
}

#[test]
fn a_trend_that_is_there_is_seen() {
    let mut numbers = Numbers(7);
    for (late, want) in [
        (-600, TrendDirection::Declining),
        (800, TrendDirection::Improving),
        (100, TrendDirection::Stable),
    ] {
        let noise = &mut numbers;
        let given = spread(
            60,
            2,
            |at| if at < 7 { late } else { 100 } + noise.below(201) - 100,
        );
        assert_eq!(told(&given), want, "{late}");
    }
}

#[test]
fn too_little_is_no_trend() {
    let mut numbers = Numbers(3);
    let two = spread(2, 1, |_| numbers.below(1000));
    assert_eq!(told(&two), TrendDirection::Insufficient);
    assert_eq!(told(&Series::new()), TrendDirection::Insufficient);
    // One a month: the last week is one feeling.
    let rare = spread(12, 30, |at| if at == 0 { -1000 } else { 1000 });
    assert_eq!(told(&rare), TrendDirection::Insufficient);
    let same = spread(60, 1, |_| 300);
    assert_eq!(
        told(&same),
        TrendDirection::Stable,
        "no variance, and no difference"
    );
}
