//! Recency, frequency and money, each scored 1 to 5.
//!
//! What must stay true:
//!
//! - Money is the net sum: returns are negative. A return is no order and does not make a customer recent.
//! - Money is of one currency. Who ordered in another one has no sum in it ([`in_one_currency`]): neither 0 nor a part.
//! - Scores come from cut points that were frozen from a sample of the population and carry a version, so a customer's
//!   score changes when the customer does, not when others do; and equal figures have equal scores, which ranks would not.
//! - Who never ordered has no score.

use super::number::length;

/// Version of the definition.
pub const DEFINITION: u32 = 2;

/// Five classes have four cut points between them.
const CUTS: usize = 4;
const CLASSES: usize = CUTS + 1;

/// The three figures of a customer, money in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Figures {
    /// Days since the last order, 0 or more.
    pub days_since: i64,
    /// Orders.
    pub orders: u64,
    /// What they paid minus what they were given back, in minor units of the currency; `None` of who ordered in another.
    pub net: Option<i64>,
}

/// Something bought or given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The day, numbered from any day.
    pub day: i64,
    /// The amount in minor units, 0 or more.
    pub amount: i64,
    /// What happened.
    pub kind: MovementKind,
}

/// Ways in which money moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovementKind {
    /// An order.
    Order,
    /// A return, of which the amount is negative in the sum.
    Return,
}

/// Scores from 1 (the lowest fifth) to 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scores {
    /// 5 for the most recent.
    pub recency: u8,
    /// 5 for the most orders.
    pub frequency: u8,
    /// 5 for the largest net sum; `None` without a sum in the currency of the cut points.
    pub money: Option<u8>,
    /// The version of the cut points.
    pub version: u64,
}

/// Quintiles of a population, frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutPoints {
    /// Which freezing they come from.
    pub version: u64,
    /// Customers in the sample.
    pub n: u64,
    /// Days since the last order at the 20th, 40th, 60th and 80th percentile.
    pub days_since: [i64; CUTS],
    /// Orders at these percentiles.
    pub orders: [u64; CUTS],
    /// Net sums at these percentiles, of those who have one; `None` where they are fewer than the floor.
    pub net: Option<[i64; CUTS]>,
}

impl Figures {
    /// From a customer's orders and returns in one currency; those after the day `as_of` do not count. `None` without an
    /// order.
    #[must_use]
    pub fn of(movements: &[Movement], as_of: i64) -> Option<Self> {
        let mut last = None;
        let (mut orders, mut net) = (0, 0_i64);
        for movement in movements.iter().filter(|movement| movement.day <= as_of) {
            match movement.kind {
                MovementKind::Order => {
                    last = last.max(Some(movement.day));
                    orders += 1;
                    net = net.saturating_add(movement.amount);
                }
                MovementKind::Return => net = net.saturating_sub(movement.amount),
            }
        }
        Some(Self {
            days_since: as_of.saturating_sub(last?),
            orders,
            net: Some(net),
        })
    }
}

impl CutPoints {
    /// The quintiles of a sample, by nearest rank; `None` from fewer customers than `floor` (or than one).
    #[must_use]
    pub fn of(sample: &[Figures], floor: u64, version: u64) -> Option<Self> {
        let n = length(sample);
        if sample.is_empty() || n < floor {
            return None;
        }
        let net: Vec<i64> = sample.iter().filter_map(|figures| figures.net).collect();
        let enough = !net.is_empty() && length(&net) >= floor;
        Some(Self {
            version,
            n,
            days_since: quintiles(sample.iter().map(|figures| figures.days_since)),
            orders: quintiles(sample.iter().map(|figures| figures.orders)),
            net: enough.then(|| quintiles(net.into_iter())),
        })
    }

    /// The scores of a customer, by cut point: a figure equal to a cut point is in the class below it.
    #[must_use]
    pub fn score(&self, figures: &Figures) -> Scores {
        Scores {
            recency: 6 - class(figures.days_since, &self.days_since),
            frequency: class(figures.orders, &self.orders),
            money: figures
                .net
                .zip(self.net)
                .map(|(net, cuts)| class(net, &cuts)),
            version: self.version,
        }
    }
}

/// The sum of amounts in minor units that are all of one currency; `None` when one is of another, or none is of this. What has
/// no currency came to nothing.
#[must_use]
pub fn in_one_currency<'a>(
    amounts: impl IntoIterator<Item = (&'a str, i64)>,
    currency: &str,
) -> Option<i64> {
    let mut sum = None;
    for (of, minor_units) in amounts {
        if of == currency {
            sum = Some(minor_units.wrapping_add(sum.unwrap_or_default()));
        } else if !of.is_empty() {
            return None;
        }
    }
    sum
}

/// The values at 20, 40, 60 and 80% of a list that is not empty.
fn quintiles<T: Ord + Copy>(values: impl Iterator<Item = T>) -> [T; CUTS] {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    std::array::from_fn(|cut| values[(values.len() * (cut + 1)).div_ceil(CLASSES) - 1])
}

/// 1 to 5: one more than the cut points that the value lies above.
fn class<T: Ord + Copy>(value: T, cuts: &[T; CUTS]) -> u8 {
    cuts.iter()
        .fold(1, |class, cut| class + u8::from(value > *cut))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(day: i64, amount: i64) -> Movement {
        let kind = MovementKind::Order;
        Movement { day, amount, kind }
    }

    fn returned(day: i64, amount: i64) -> Movement {
        let kind = MovementKind::Return;
        Movement { day, amount, kind }
    }

    fn sample() -> Vec<Figures> {
        (1..=10)
            .map(|i| Figures {
                days_since: i * 10,
                orders: i.unsigned_abs(),
                net: Some(i * 1_000),
            })
            .collect()
    }

    #[test]
    fn returns_are_negative_and_neither_orders_nor_recent() {
        let figures = Figures::of(&[order(0, 500), returned(9, 700)], 10).unwrap();
        assert_eq!(
            figures,
            Figures {
                days_since: 10,
                orders: 1,
                net: Some(-200)
            }
        );
        let cuts = CutPoints::of(&sample(), 10, 1).unwrap();
        assert_eq!(cuts.score(&figures).money, Some(1));
    }

    #[test]
    fn who_never_ordered_has_no_figures() {
        assert_eq!(Figures::of(&[], 10), None);
        assert_eq!(Figures::of(&[returned(1, 5)], 10), None);
        assert_eq!(Figures::of(&[order(11, 5)], 10), None);
    }

    #[test]
    fn quintiles_are_the_values_at_each_fifth_of_the_sample() {
        let cuts = CutPoints::of(&sample(), 10, 7).unwrap();
        assert_eq!(cuts.days_since, [20, 40, 60, 80]);
        assert_eq!(cuts.orders, [2, 4, 6, 8]);
        assert_eq!(cuts.net, Some([2_000, 4_000, 6_000, 8_000]));
        assert_eq!((cuts.version, cuts.n), (7, 10));
    }

    #[test]
    fn equal_figures_have_equal_scores_because_cut_points_decide_and_not_ranks() {
        // Nine of ten ordered once: by rank they would be spread over all five classes.
        let mut sample = vec![
            Figures {
                days_since: 5,
                orders: 1,
                net: Some(100)
            };
            9
        ];
        sample.push(Figures {
            days_since: 1,
            orders: 40,
            net: Some(9_000),
        });
        let cuts = CutPoints::of(&sample, 10, 1).unwrap();
        assert_eq!(cuts.score(&sample[0]), cuts.score(&sample[8]));
        assert_eq!(cuts.score(&sample[0]).frequency, 1);
        assert_eq!(cuts.score(&sample[9]).frequency, 5);
    }

    #[test]
    fn a_score_stays_until_the_cut_points_are_frozen_anew() {
        let cuts = CutPoints::of(&sample(), 10, 1).unwrap();
        let customer = Figures {
            days_since: 15,
            orders: 9,
            net: Some(3_000),
        };
        let scores = Scores {
            recency: 5,
            frequency: 5,
            money: Some(2),
            version: 1,
        };
        assert_eq!(cuts.score(&customer), scores);
    }

    #[test]
    fn the_most_recent_score_five_and_those_outside_the_sample_the_ends() {
        let cuts = CutPoints::of(&sample(), 10, 1).unwrap();
        let newest = Figures {
            days_since: 0,
            orders: 999,
            net: Some(i64::MAX),
        };
        let oldest = Figures {
            days_since: 9_999,
            orders: 1,
            net: Some(i64::MIN),
        };
        let five = Scores {
            recency: 5,
            frequency: 5,
            money: Some(5),
            version: 1,
        };
        let one = Scores {
            recency: 1,
            frequency: 1,
            money: Some(1),
            version: 1,
        };
        assert_eq!((cuts.score(&newest), cuts.score(&oldest)), (five, one));
    }

    #[test]
    fn who_ordered_in_another_currency_has_no_sum_and_no_score_and_moves_no_cut_point() {
        let abroad = Figures {
            net: None,
            ..sample()[9]
        };
        let cuts = CutPoints::of(&[sample(), vec![abroad; 90]].concat(), 10, 1).unwrap();
        assert_eq!((cuts.n, cuts.net.unwrap()[3]), (100, 8_000));
        assert_eq!(cuts.score(&abroad).money, None);
        let few = CutPoints::of(&[&sample()[1..], &[abroad]].concat(), 10, 1).unwrap();
        assert_eq!((few.net, few.score(&sample()[5]).money), (None, None));
    }

    #[test]
    fn amounts_of_several_currencies_are_no_sum_in_any() {
        let sum = |amounts: &[(&str, i64)]| in_one_currency(amounts.iter().copied(), "JPY");
        assert_eq!(sum(&[("JPY", 500), ("JPY", -200), ("", 0)]), Some(300));
        assert_eq!(sum(&[("JPY", 500), ("USD", 1)]), None);
        assert_eq!(sum(&[("USD", 500)]), None);
        assert_eq!(sum(&[("", 0)]), None);
        assert_eq!(sum(&[]), None);
    }

    #[test]
    fn a_sample_below_the_floor_makes_no_cut_points() {
        assert_eq!(CutPoints::of(&sample()[..9], 10, 1), None);
        assert_eq!(CutPoints::of(&[], 0, 1), None);
    }

    proptest! {
        #[test]
        fn more_money_never_scores_less(nets in proptest::collection::vec(-500_i64..500, 1..60), a in -600_i64..600, b in -600_i64..600) {
            let of = |net| Figures { days_since: 1, orders: 1, net: Some(net) };
            let sample: Vec<_> = nets.into_iter().map(of).collect();
            let cuts = CutPoints::of(&sample, 1, 1).unwrap();
            let (low, high) = (cuts.score(&of(a.min(b))), cuts.score(&of(a.max(b))));
            let (low, high) = (low.money.unwrap(), high.money.unwrap());
            prop_assert!(low <= high && (1..=5).contains(&low) && high <= 5);
        }
    }
}
