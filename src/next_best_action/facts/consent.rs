//! What the customer consented to.
//!
//! What must stay true: it is what [`standing`](crate::next_best_action::consent::standing) says where it is not known which
//! address will be used, so that a rule and the gate of consent never disagree (a property test compares them).

use crate::{
    criteria::{Attribute, Value},
    proto::state::v1::ConsentFact,
};

pub(super) fn get(facts: &[ConsentFact], attribute: &Attribute) -> Value<'static> {
    let (purpose, channel) = (attribute.text(0), attribute.text(1));
    // Without a channel, only words about every channel.
    let about = || {
        let of_purpose = facts.iter().filter(move |fact| fact.purpose == purpose);
        of_purpose.filter(move |fact| fact.channel.is_empty() || fact.channel == channel)
    };
    let newest = |address: &ConsentFact| {
        let words = about().filter(|fact| address_of(fact) == address_of(address));
        words.max_by_key(|fact| (fact.at, fact.denied))
    };
    let bound = about().any(|fact| {
        let standing = fact.denied && !fact.address_value.is_empty();
        standing && newest(fact).is_some_and(|newest| newest.denied)
    });
    if bound {
        return Value::Boolean(false);
    }
    let of_all = about().filter(|fact| fact.address_value.is_empty());
    let newest = of_all.max_by_key(|fact| (fact.at, fact.denied));
    newest.map_or(Value::Missing, |newest| Value::Boolean(!newest.denied))
}

fn address_of(fact: &ConsentFact) -> (&str, &str) {
    (&fact.address_namespace, &fact.address_value)
}
