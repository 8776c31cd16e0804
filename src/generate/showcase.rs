//! A customer to show: somebody with a story, found in what was generated and the same every time.

use std::collections::BTreeSet;

use super::{
    Arguments,
    block::Block,
    truth::{Standing, Truth},
};
use crate::{
    identity::{Region, normalise::normalise},
    proto::v1::Interaction,
};

/// Somebody to look up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Showcase {
    /// Who they are.
    pub truth: Truth,
    /// Their address, as it is compared.
    pub email: String,
    /// Their number as people of their country write it.
    pub phone: String,
    /// Where they live.
    pub city: String,
}

/// The first Japanese customer who complained and was answered and asked, who has an address, a number and a card that
/// belong to nobody else, and whose interactions link them all; of several, one who still waits for an answer.
#[must_use]
pub fn showcase(arguments: &Arguments) -> Option<Showcase> {
    let found = |waiting| {
        let mut blocks = arguments.blocks().take(8);
        blocks.find_map(|block| in_block(&block, waiting))
    };
    found(true).or_else(|| found(false))
}

/// Whether one of the tickets is not closed.
fn waits(theirs: &[&Interaction]) -> bool {
    let mut steps: Vec<(i64, &str, &str)> = theirs
        .iter()
        .filter_map(|i| {
            let step = i.r#type.strip_prefix("ticket.")?;
            let at = i.occurred_at.as_ref()?.seconds;
            Some((at, step, i.subject.as_ref()?.id.as_str()))
        })
        .collect();
    steps.sort_unstable();
    let mut open = BTreeSet::new();
    for (_, step, ticket) in steps {
        match step {
            "opened" | "reopened" => drop(open.insert(ticket)),
            "closed" => drop(open.remove(ticket)),
            _ => (),
        }
    }
    !open.is_empty()
}

fn in_block(block: &Block, waiting: bool) -> Option<Showcase> {
    let fitting = block.truth.iter().filter(|truth| {
        truth.locale == "ja-JP"
            && truth
                .identifiers
                .iter()
                .all(|i| i.standing == Standing::Own)
    });
    fitting
        .filter(|truth| (25..=80).contains(&truth.interactions))
        .find_map(|truth| {
            let theirs: Vec<&Interaction> = block
                .arrivals
                .iter()
                .filter(|arrival| arrival.person == truth.person)
                .map(|arrival| &arrival.interaction)
                .collect();
            rich(truth, &theirs).filter(|_| !waiting || waits(&theirs))
        })
}

fn rich(truth: &Truth, theirs: &[&Interaction]) -> Option<Showcase> {
    for needed in [
        "ticket.opened",
        "ticket.closed",
        "delivery.delayed",
        "survey.answered",
        "order.placed",
    ] {
        theirs.iter().find(|i| i.r#type == needed)?;
    }
    let value = |namespace: &str| {
        let mut of = truth.identifiers.iter();
        of.find(|i| i.namespace == namespace)
            .map(|i| i.value.clone())
    };
    let (email, phone) = (value("email")?, value("phone")?);
    let linked = linked(("email", &email), theirs);
    for (namespace, value) in [
        ("phone", &phone),
        ("loyalty_id", &value("loyalty_id")?),
        ("customer_id", truth.customer_ids.first()?),
    ] {
        linked.get(&(namespace.to_owned(), value.clone()))?;
    }
    let city = theirs.iter().flat_map(|i| &i.traits).find_map(|t| {
        let kind = t.value.as_ref()?.kind.as_ref()?;
        match kind {
            crate::proto::v1::trait_value::Kind::Text(city) if t.name == "city" => {
                Some(city.clone())
            }
            _ => None,
        }
    })?;
    let digits = phone.strip_prefix("+81")?;
    let phone = format!(
        "0{}-{}-{}",
        digits.get(..2)?,
        digits.get(2..6)?,
        digits.get(6..)?
    );
    Some(Showcase {
        truth: truth.clone(),
        email,
        phone,
        city,
    })
}

/// Everything that is linked with an identifier.
fn linked(first: (&str, &str), theirs: &[&Interaction]) -> BTreeSet<(String, String)> {
    let mut known = BTreeSet::from([(first.0.to_owned(), first.1.to_owned())]);
    loop {
        let before = known.len();
        for interaction in theirs {
            let given: Vec<(String, String)> = interaction
                .identifiers
                .iter()
                .filter_map(|i| normalise(&i.namespace, &i.value, Region::JP).ok())
                .map(|n| (n.namespace, n.value))
                .collect();
            if given.iter().any(|pair| known.contains(pair)) {
                known.extend(given);
            }
        }
        if known.len() == before {
            return known;
        }
    }
}
