//! How likely each agreement is, by who the two are: one person, two of one household, or two strangers.
//!
//! The model is that of Fellegi and Sunter ("A Theory for Record Linkage", 1969), with a third class. Theirs has two, with
//! the probability `m` of an agreement between records of one person and `u` between records of others, and takes fields
//! as independent in each. Among people who live together they are not: whoever shares an address shares the family name.
//! So "others" is split into household members and strangers, and in each of the three classes independence is fair.
//! Without the third class twins would be one person, since their agreements outweigh one other given name.
//!
//! What must stay true: in each field the probabilities of a class sum to one (a test adds them up), so that a field that
//! always agrees or always differs cannot move the sum on its own.
//!
//! Where the numbers come from:
//! - strangers: the chance that two people at random agree. Family names: the sum of squared shares, some 0.3 % with the
//!   ten most frequent names of Japan (1.5 % to 0.7 % each), the USA and Britain making up most of it. Given names: 0.4 %.
//!   Birth dates: 1 in 20,000 (55 years, not quite even); one date in two has one other by swapping day and month, each some 30 by one slip, and some
//!   100 that share two of their three parts. Addresses: households of a million people. Phones: a number of ten digits has about
//!   100 neighbours by one slip among some 100 million in use.
//! - one person: rates of error as reported for customer and patient registers (2 % to 6 % of names and 2 % to 4 % of
//!   dates of birth mistyped), a move in one of three pairs, since what was told years apart differs; phones and e-mail
//!   addresses differ mostly, because with the same one the two would have been joined by it.
//! - household: one family name in five of six; given names that are the same are father's and son's, those that are
//!   nearly the same brothers' and sisters'; the same birth date is twins'.
//!
//! They are set by hand, looked at on a generated development set and left as they are on others; they are not fitted.

use super::level::{Field, Level};

/// Probabilities of one agreement, or of one kind of pair, in the three classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Odds {
    /// The two are one person.
    pub(super) same: f64,
    /// They live together.
    pub(super) household: f64,
    /// Neither.
    pub(super) stranger: f64,
}

/// Of all pairs among a million profiles of which one in ten is a person's second, and with two others in a household.
pub(super) const PRIOR: Odds = odds(2e-7, 2e-6, 0.999_997_8);

const fn odds(same: f64, household: f64, stranger: f64) -> Odds {
    Odds {
        same,
        household,
        stranger,
    }
}

/// The probabilities of a level of a field.
pub(super) const fn of(field: Field, level: Level) -> Odds {
    match field {
        Field::FamilyName => match level {
            Level::Exact => odds(0.70, 0.66, 0.000_6),
            Level::ExactCommon => odds(0.18, 0.17, 0.002_4),
            Level::Close => odds(0.02, 0.005, 0.001),
            Level::Typo => odds(0.04, 0.005, 0.003),
            Level::Near => odds(0.015, 0.01, 0.02),
            Level::Different => odds(0.045, 0.15, 0.973),
        },
        Field::GivenName => match level {
            Level::Exact | Level::ExactCommon => odds(0.87, 0.003, 0.004),
            Level::Close => odds(0.03, 0.004, 0.003),
            Level::Typo => odds(0.045, 0.015, 0.003),
            Level::Near => odds(0.025, 0.09, 0.02),
            Level::Different => odds(0.03, 0.888, 0.97),
        },
        Field::BirthDate => match level {
            Level::Exact | Level::ExactCommon => odds(0.90, 0.006, 0.000_05),
            Level::Close => odds(0.012, 0.000_5, 0.000_03),
            Level::Typo => odds(0.028, 0.005_5, 0.001_47),
            Level::Near => odds(0.02, 0.012, 0.004_5),
            Level::Different => odds(0.04, 0.976, 0.993_95),
        },
        Field::Address => match level {
            Level::Exact | Level::ExactCommon => odds(0.40, 0.70, 0.000_005),
            Level::Close | Level::Typo => odds(0.20, 0.18, 0.000_05),
            Level::Near => odds(0.10, 0.02, 0.01),
            Level::Different => odds(0.30, 0.10, 0.989_945),
        },
        Field::Phone => match level {
            Level::Exact | Level::ExactCommon => odds(0.10, 0.20, 0.000_001),
            Level::Close | Level::Typo | Level::Near => odds(0.05, 0.005, 0.000_002),
            Level::Different => odds(0.85, 0.795, 0.999_997),
        },
        Field::Email => match level {
            Level::Exact | Level::ExactCommon => odds(0.02, 0.03, 0.000_001),
            Level::Close => odds(0.10, 0.002, 0.000_2),
            Level::Typo | Level::Near => odds(0.03, 0.001, 0.000_02),
            Level::Different => odds(0.85, 0.967, 0.999_779),
        },
    }
}

/// Family names of more than about 0.5 % of the people of Japan, the USA or Britain, in kanji and as they sound.
const COMMON: [&str; 30] = [
    "佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村", "小林", "加藤", "sato",
    "suzuki", "takahasi", "tanaka", "ito", "watanabe", "yamamoto", "nakamura", "kobayasi", "kato",
    "smith", "zyones", "zyonson", "davies", "williams", "brown", "taylor", "garcia", "nguyen",
    "lee",
];

/// Whether the folded family name is one of the most frequent.
pub(super) fn is_common(family: &str) -> bool {
    COMMON.contains(&family)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{fold::fold, sound::sound},
        *,
    };

    #[test]
    fn the_probabilities_of_a_class_sum_to_one() {
        use Level::{Close, Different, Exact, ExactCommon, Near, Typo};
        let all = [
            (
                Field::FamilyName,
                vec![Exact, ExactCommon, Close, Typo, Near, Different],
            ),
            (Field::GivenName, vec![Exact, Close, Typo, Near, Different]),
            (Field::BirthDate, vec![Exact, Close, Typo, Near, Different]),
            (Field::Address, vec![Exact, Close, Near, Different]),
            (Field::Phone, vec![Exact, Typo, Different]),
            (Field::Email, vec![Exact, Close, Typo, Different]),
        ];
        for (field, levels) in all {
            for class in [
                |o: Odds| o.same,
                |o: Odds| o.household,
                |o: Odds| o.stranger,
            ] {
                let sum: f64 = levels.iter().map(|level| class(of(field, *level))).sum();
                assert!((sum - 1.0).abs() < 1e-9, "{field:?} {sum}");
            }
        }
        assert!((PRIOR.same + PRIOR.household + PRIOR.stranger - 1.0).abs() < 1e-9);
    }

    #[test]
    fn frequent_names_are_in_the_form_in_which_names_are_compared() {
        for name in COMMON {
            let folded = fold(name);
            assert_eq!(sound(&folded).unwrap_or(folded), name);
        }
    }
}
