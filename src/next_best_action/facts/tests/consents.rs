//! A rule about consent and the gate of consent agree.

use proptest::{collection::vec, prelude::*, sample::select};

use super::attribute;
use crate::{
    clock::Micros,
    criteria::Value,
    next_best_action::{
        consent::{Standing, Word, standing},
        facts::consent,
        keys::{ChannelIndex, PurposeIndex},
    },
    proto::state::v1::ConsentFact,
};

const PURPOSES: [&str; 2] = ["marketing", "profiling"];
const CHANNELS: [&str; 3] = ["", "email", "phone"];
const ADDRESSES: [(&str, &str); 4] = [
    ("", ""),
    ("email", "a@x.example"),
    ("email", "b@x.example"),
    ("phone", "a@x.example"),
];

fn index(list: &[&str], name: &str) -> u8 {
    u8::try_from(list.iter().position(|known| *known == name).unwrap()).unwrap()
}

/// As the gate has it.
fn word(fact: &ConsentFact) -> Word {
    let address = (fact.address_namespace.as_str(), fact.address_value.as_str());
    let place = ADDRESSES.iter().position(|known| *known == address);
    Word {
        purpose: PurposeIndex(index(&PURPOSES, &fact.purpose).into()),
        channel: (!fact.channel.is_empty()).then(|| ChannelIndex(index(&CHANNELS, &fact.channel))),
        address: place.filter(|n| *n > 0).map(|n| n.try_into().unwrap()),
        at: Micros(fact.at),
        denied: fact.denied,
    }
}

fn facts() -> impl Strategy<Value = Vec<ConsentFact>> {
    let fact = (
        select(&PURPOSES[..]),
        select(&CHANNELS[..]),
        select(&ADDRESSES[..]),
        0..4_i64,
        any::<bool>(),
    );
    let fact = fact.prop_map(|(purpose, channel, address, at, denied)| ConsentFact {
        purpose: purpose.to_owned(),
        channel: channel.to_owned(),
        address_namespace: address.0.to_owned(),
        address_value: address.1.to_owned(),
        at,
        denied,
        ..ConsentFact::default()
    });
    vec(fact, 0..10)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_rule_about_consent_agrees_with_its_gate(facts in facts()) {
        let words: Vec<Word> = facts.iter().map(word).collect();
        for purpose in PURPOSES {
            for channel in CHANNELS {
                let asked = match channel {
                    "" => attribute(&format!("consent(\"{purpose}\")")),
                    _ => attribute(&format!("consent(\"{purpose}\", \"{channel}\")")),
                };
                // A channel that nobody spoke of: what is left is about every channel.
                let of = if channel.is_empty() { 63 } else { index(&CHANNELS, channel) };
                let purpose = PurposeIndex(index(&PURPOSES, purpose).into());
                let expected = match standing(&words, purpose, ChannelIndex(of), None) {
                    Standing::Granted => Value::Boolean(true),
                    Standing::Denied | Standing::AddressDenied => Value::Boolean(false),
                    Standing::NeverGiven => Value::Missing,
                };
                prop_assert_eq!(consent::get(&facts, &asked), expected, "{} {:?}", asked, facts);
            }
        }
    }
}
