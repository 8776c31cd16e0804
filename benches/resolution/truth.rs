//! What is right: whose each record is.
//!
//! What must stay true: the truth is made from what people did, and never asks what any method makes of it.
//!
//! - **As lived**: a record is of the person who did it.
//! - **As evidence allows**: an identifier that several people use in the same time (a shared tablet and its cookies, a
//!   family's address) is evidence for none of them. A person's records are one as far as the identifiers chain them that
//!   this person alone used; a card never entered in the account is another *part* of the person, and so is a browser that
//!   never said who used it. A record that has only identifiers of several or of another person is of nobody but its
//!   anchor. A phone handed on is not shared: at any time one person had it.
//! - **Counted apart** are records known only by the kiosk or by fillers: no method may put them to anybody.

use std::collections::HashMap;

use customer_profile::identity::components::components;

use crate::{population::Held, read::Read};

/// Whose each record is; `None` for those counted apart.
pub(crate) struct Truth {
    pub(crate) lived: Vec<Option<u64>>,
    pub(crate) evident: Vec<Option<u64>>,
    /// Records that are of nobody but their anchor.
    pub(crate) anchors_only: usize,
    /// Parts beyond the first of each person.
    pub(crate) further_parts: usize,
}

impl Truth {
    pub(crate) fn of(read: &Read<'_>) -> Self {
        let shared = shared(read);
        let own = |n: usize| {
            let row = &read.rows[n];
            let held = row.identifiers.iter().zip(&row.held);
            let own = held.filter(|(i, held)| **held == Held::Own && !shared[**i]);
            own.map(|(i, _)| *i)
        };
        let mut nodes = Vec::new();
        let mut links = Vec::new();
        for (n, record) in read.records.iter().enumerate() {
            let first = own(n).next().map(|i| (record.person, i));
            nodes.extend(first);
            links.extend(
                first
                    .into_iter()
                    .flat_map(|first| own(n).skip(1).map(move |i| (first, (record.person, i)))),
            );
        }
        let parts = components(nodes, links);
        let mut people: Vec<usize> = parts.iter().map(|part| part[0].0).collect();
        let all = people.len();
        people.sort_unstable();
        people.dedup();
        let further_parts = all - people.len();
        let mut part_of: HashMap<(usize, usize), usize> = HashMap::new();
        for (part, nodes) in parts.iter().enumerate() {
            part_of.extend(nodes.iter().map(|node| (*node, part)));
        }
        let mut truth = Self {
            lived: Vec::new(),
            evident: Vec::new(),
            anchors_only: 0,
            further_parts,
        };
        for (n, record) in read.records.iter().enumerate() {
            let row = &read.rows[n];
            let somebodys = row
                .held
                .iter()
                .any(|h| matches!(h, Held::Own | Held::Anothers));
            let evident = match own(n).next().and_then(|i| part_of.get(&(record.person, i))) {
                Some(part) => Some(*part),
                None if somebodys => {
                    truth.anchors_only += 1;
                    row.anchor().map(|anchor| all + anchor)
                }
                None => None,
            };
            let number = |n: usize| u64::try_from(n).unwrap();
            truth.evident.push(evident.map(number));
            truth.lived.push(somebodys.then(|| number(record.person)));
        }
        truth
    }
}

/// Which identifiers several people used in the same time.
fn shared(read: &Read<'_>) -> Vec<bool> {
    let mut holder: Vec<Option<usize>> = vec![None; read.identifiers.len()];
    let mut shared = vec![false; read.identifiers.len()];
    for (row, record) in read.rows.iter().zip(read.records) {
        for (i, held) in row.identifiers.iter().zip(&row.held) {
            if *held == Held::Own && read.identifiers[*i].namespace != "phone" {
                shared[*i] |= *holder[*i].get_or_insert(record.person) != record.person;
            }
        }
    }
    shared
}
