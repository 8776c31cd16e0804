//! Records as the service reads them: normalised, without what is blocked, the anchor first.

use std::collections::HashMap;

use customer_profile::{
    clock::Micros,
    identity::{Normalised, Region, key::anchor_order, normalise::normalise},
};

use crate::population::{Held, Record};

/// Everything that was sent, as it is read.
pub(crate) struct Read<'a> {
    pub(crate) records: &'a [Record],
    /// The identifiers, each once.
    pub(crate) identifiers: Vec<Normalised>,
    /// A row a record.
    pub(crate) rows: Vec<Row>,
}

/// A record, in identifiers by their places.
pub(crate) struct Row {
    pub(crate) at: Micros,
    /// The anchor first; nothing for a record without a usable identifier, which is refused.
    pub(crate) identifiers: Vec<usize>,
    /// Whose each of them is in truth.
    pub(crate) held: Vec<Held>,
}

impl Row {
    pub(crate) fn anchor(&self) -> Option<usize> {
        self.identifiers.first().copied()
    }

    /// From the anchor to each of the others.
    pub(crate) fn links(&self) -> impl Iterator<Item = (usize, usize)> {
        let anchor = self.anchor();
        let others = self.identifiers.iter().skip(1);
        others.filter_map(move |other| Some((anchor?, *other)))
    }
}

impl<'a> Read<'a> {
    pub(crate) fn of(records: &'a [Record]) -> Self {
        let mut usable: HashMap<(&str, &str), Option<usize>> = HashMap::new();
        let mut places: HashMap<Normalised, usize> = HashMap::new();
        let mut identifiers: Vec<Normalised> = Vec::new();
        let mut place = |namespace: &'static str, value: &'a str| {
            *usable.entry((namespace, value)).or_insert_with(|| {
                let normalised = normalise(namespace, value, Region::JP).ok()?;
                let next = places.len();
                let place = *places.entry(normalised.clone()).or_insert(next);
                if place == next {
                    identifiers.push(normalised);
                }
                Some(place)
            })
        };
        let mut rows: Vec<(Micros, Vec<(usize, Held)>)> = Vec::with_capacity(records.len());
        for record in records {
            let sent = record.identifiers.iter();
            let read = sent.filter_map(|i| Some((place(i.namespace, &i.value)?, i.held)));
            rows.push((record.occurred_at, read.collect()));
        }
        let rows = rows.into_iter().map(|(at, mut read)| {
            read.sort_by(|(a, _), (b, _)| {
                anchor_order(&identifiers[*a]).cmp(&anchor_order(&identifiers[*b]))
            });
            let (identifiers, held) = read.into_iter().unzip();
            Row {
                at,
                identifiers,
                held,
            }
        });
        let rows = rows.collect();
        Self {
            records,
            identifiers,
            rows,
        }
    }
}
