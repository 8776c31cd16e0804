//! Whether a customer may be approached for a purpose through a channel.
//!
//! What must stay true: nothing is allowed that was not granted. Of the words about a purpose that are about the channel or
//! about every channel the newest counts, and of words of one instant the denial. Besides, a denial given for an address
//! binds that address until a newer grant for that address, whatever was granted otherwise; where it is not known which
//! address will be used, any standing denial of an address binds. A grant for an address allows that address alone.

use crate::{
    clock::Micros,
    next_best_action::keys::{ChannelIndex, PurposeIndex},
};

/// The newest word about a purpose, a channel and an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The purpose.
    pub purpose: PurposeIndex,
    /// The channel; none for every channel.
    pub channel: Option<ChannelIndex>,
    /// A hash of the address that it was given for; none for every address.
    pub address: Option<u64>,
    /// When it was given.
    pub at: Micros,
    /// Whether it is a denial.
    pub denied: bool,
}

/// What is said of a purpose on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Granted, and by nothing taken back.
    Granted,
    /// Denied.
    Denied,
    /// Denied for the address, or for one of the addresses that may be used.
    AddressDenied,
    /// Never spoken of: not allowed.
    NeverGiven,
}

impl Standing {
    /// Whether it allows a contact.
    #[must_use]
    pub fn allows(self) -> bool {
        self == Self::Granted
    }
}

/// What is said of a purpose on a channel; `address` is a hash of the address that will be used, where that is known.
#[must_use]
pub fn standing(
    words: &[Word],
    purpose: PurposeIndex,
    channel: ChannelIndex,
    address: Option<u64>,
) -> Standing {
    let about =
        |word: &&Word| word.purpose == purpose && word.channel.is_none_or(|of| of == channel);
    let newest = |of: Option<u64>| {
        let words = words.iter().filter(about).filter(|w| w.address == of);
        words.max_by_key(|w| (w.at, w.denied)).map(|w| w.denied)
    };
    let bound = if address.is_some() {
        newest(address)
    } else {
        let denied = |w: &Word| w.address.is_some() && newest(w.address) == Some(true);
        let any = words.iter().filter(about).any(denied);
        any.then_some(true)
    };
    match (bound, newest(None)) {
        (Some(true), _) => Standing::AddressDenied,
        (_, Some(true)) => Standing::Denied,
        (Some(false), None) | (_, Some(false)) => Standing::Granted,
        (None, None) => Standing::NeverGiven,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAIL: ChannelIndex = ChannelIndex(1);
    const NEWS: PurposeIndex = PurposeIndex(0);

    fn word(channel: Option<u8>, address: Option<u64>, at: i64, denied: bool) -> Word {
        Word {
            purpose: NEWS,
            channel: channel.map(ChannelIndex),
            address,
            at: Micros(at),
            denied,
        }
    }

    fn says(words: &[Word], address: Option<u64>) -> Standing {
        standing(words, NEWS, MAIL, address)
    }

    #[test]
    fn nothing_is_allowed_that_was_not_granted() {
        assert_eq!(says(&[], None), Standing::NeverGiven);
        assert_eq!(
            says(&[word(Some(2), None, 1, false)], None),
            Standing::NeverGiven
        );
        let other = standing(&[word(None, None, 1, false)], PurposeIndex(1), MAIL, None);
        assert_eq!(other, Standing::NeverGiven);
    }

    #[test]
    fn the_newest_word_counts_and_of_one_instant_the_denial() {
        let (grant, deny) = (word(None, None, 1, false), word(Some(1), None, 2, true));
        assert_eq!(says(&[grant, deny], None), Standing::Denied);
        assert_eq!(
            says(&[deny, word(None, None, 3, false)], None),
            Standing::Granted
        );
        let same = [word(None, None, 2, false), deny];
        assert_eq!(says(&same, None), Standing::Denied);
    }

    #[test]
    fn a_denial_of_an_address_binds_it_whatever_else_was_granted() {
        let words = [word(None, Some(7), 1, true), word(None, None, 9, false)];
        assert_eq!(says(&words, Some(7)), Standing::AddressDenied);
        assert_eq!(says(&words, None), Standing::AddressDenied);
        assert_eq!(says(&words, Some(8)), Standing::Granted);
        let again = [words[0], words[1], word(None, Some(7), 2, false)];
        assert_eq!(says(&again, Some(7)), Standing::Granted);
        assert_eq!(says(&again, None), Standing::Granted);
    }

    #[test]
    fn a_grant_for_an_address_allows_that_address_alone() {
        let words = [word(None, Some(7), 1, false)];
        assert_eq!(says(&words, Some(7)), Standing::Granted);
        assert_eq!(says(&words, Some(8)), Standing::NeverGiven);
        assert_eq!(says(&words, None), Standing::NeverGiven);
        let denied = [words[0], word(None, None, 0, true)];
        assert_eq!(
            says(&denied, Some(7)),
            Standing::Denied,
            "a denial of all stands"
        );
    }

    fn words() -> impl Strategy<Value = Vec<Word>> {
        let parts = (
            prop::option::of(0..3_u8),
            prop::option::of(0..2_u64),
            0..5_i64,
            any::<bool>(),
        );
        let word =
            parts.prop_map(|(channel, address, at, denied)| word(channel, address, at, denied));
        prop::collection::vec(word, 0..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn order_does_not_matter_and_a_further_denial_never_allows_more(
            (words, shuffled) in words().prop_flat_map(|w| (Just(w.clone()), Just(w).prop_shuffle())),
            address in prop::option::of(0..2_u64),
            (channel, of, at) in (prop::option::of(0..3_u8), prop::option::of(0..2_u64), 0..5_i64),
        ) {
            prop_assert_eq!(says(&words, address), says(&shuffled, address));
            let mut more = words.clone();
            more.push(word(channel, of, at, true));
            prop_assert!(!says(&more, address).allows() || says(&words, address).allows());
        }
    }
}
