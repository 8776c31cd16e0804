//! Identities, links, event keys and the trait index, against the interactions.

use std::collections::{BTreeMap, HashMap};

use prost::Message as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Observer, PAGE, Report, tally::Tally};
use crate::{
    clock::Micros,
    error::Error,
    identity::{
        Neighbours,
        link::{Link, add_link, links_of},
        standing::{meet, standing},
    },
    ids::{IdentityKey, InteractionId},
    ingest::{index_keys::index_keys, plan::Context},
    profile::{Fact, State, fold},
    proto::v1,
    storage::{
        analyses::{self, Analyses},
        event_keys, identities, identity_cards, identity_traits,
        interactions::{self, Stored},
        links,
    },
};

/// Sums over whole tables that must agree.
#[derive(Default)]
struct Tallies {
    interactions: Tally,
    event_keys: Tally,
    links: Tally,
    mirrored_links: Tally,
    traits_expected: Tally,
    traits_stored: Tally,
}

pub(super) async fn verify(
    connection: &mut PgConnection,
    context: Context<'_>,
    report: &mut Report,
    observer: &Observer,
) -> Result<(), Error> {
    let mut tallies = Tallies::default();
    let mut last = IdentityKey::from_uuid(Uuid::nil());
    loop {
        let page = identities::after(connection, context.tenant, last, PAGE).await?;
        let full = page.len() == usize::try_from(PAGE).unwrap_or_default();
        let until = match page.last() {
            Some(identity) if full => identity.key,
            _ => IdentityKey::from_uuid(Uuid::max()),
        };
        let stored = interactions::in_key_range(connection, context.tenant, last, until).await?;
        let heard = analyses::in_key_range(connection, context.tenant, last, until).await?;
        let linked = links::in_key_range(connection, context.tenant, last, until).await?;
        report.interactions += count(stored.len());
        let names = namespaces(connection, context, &page, &linked).await?;
        let found = Found {
            stored: &stored,
            heard: &heard,
            linked: &linked,
            names: &names,
        };
        check_page(context, page, found, &mut tallies, report)?;
        observer(report);
        if !full {
            break;
        }
        last = until;
    }
    tally_tables(connection, context, &mut tallies).await?;
    let mut compare = |what: &str, a: Tally, b: Tally| {
        if a != b {
            report.differs(format!(
                "{what}: {} against {} entries, or different ones",
                a.entries, b.entries
            ));
        }
    };
    compare(
        "event_keys and interactions",
        tallies.event_keys,
        tallies.interactions,
    );
    compare(
        "links and their mirrors",
        tallies.links,
        tallies.mirrored_links,
    );
    compare(
        "identity_traits and states",
        tallies.traits_stored,
        tallies.traits_expected,
    );
    Ok(())
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Checks a page of identities against all interactions and links in the same range of keys.
fn check_page(
    context: Context<'_>,
    page: Vec<identities::Identity>,
    found: Found<'_>,
    tallies: &mut Tallies,
    report: &mut Report,
) -> Result<(), Error> {
    let mut of_anchor: HashMap<IdentityKey, &[Stored]> = HashMap::new();
    for group in found
        .stored
        .chunk_by(|a, b| a.place.anchor == b.place.anchor)
    {
        of_anchor.insert(group[0].place.anchor, group);
    }
    let mut of_key: HashMap<IdentityKey, &[Link]> = HashMap::new();
    for group in found.linked.chunk_by(|a, b| a.key == b.key) {
        of_key.insert(group[0].key, group);
    }
    for identity in page {
        let key = identity.key;
        if !identity.present {
            // What nothing speaks of keeps its row; interactions and links of it would be left over below.
            if identity.state.is_some() {
                report.differs(format!(
                    "identity {key}: nothing speaks of it, but it has a state"
                ));
            }
            continue;
        }
        let interactions = of_anchor.remove(&key).unwrap_or_default();
        let links = of_key.remove(&key).unwrap_or_default();
        let recomputed = recompute(context, interactions, found.heard, tallies)?;
        check_standing(context, &identity, links, found.names, report);
        let stored = identity.state.unwrap_or_default();
        if stored != recomputed.state {
            report.differs(format!(
                "identity {key}: its state is not the fold of its interactions"
            ));
        }
        check_links(key, links, &recomputed, tallies, report);
        let seen = seen(&recomputed.state, links);
        if seen != Some((identity.first_seen, identity.last_seen)) {
            report.differs(format!("identity {key}: first or last seen is wrong"));
        }
        if context
            .secret
            .identity_key(context.tenant, &identity.identifier)
            != key
        {
            report.differs(format!("identity {key}: is not the key of its identifier"));
        }
        for index_key in index_keys(&identity.identifier, &recomputed.state, context) {
            tallies
                .traits_expected
                .add(&[index_key.as_bytes(), key.as_bytes()]);
        }
        report.identities += 1;
    }
    for anchor in of_anchor.keys() {
        report.differs(format!(
            "interactions are anchored at {anchor}, which is no identity"
        ));
    }
    for key in of_key.keys() {
        report.differs(format!("links end at {key}, which is no identity"));
    }
    Ok(())
}

/// What was read beside a page of identities.
#[derive(Clone, Copy)]
struct Found<'a> {
    stored: &'a [Stored],
    heard: &'a Analyses,
    linked: &'a [Link],
    names: &'a HashMap<IdentityKey, String>,
}

/// The namespaces of the identities of a page and of what they are linked to.
async fn namespaces(
    connection: &mut PgConnection,
    context: Context<'_>,
    page: &[identities::Identity],
    linked: &[Link],
) -> Result<HashMap<IdentityKey, String>, Error> {
    let mut names: HashMap<IdentityKey, String> = page
        .iter()
        .map(|i| (i.key, i.identifier.namespace.clone()))
        .collect();
    let mut others: Vec<IdentityKey> = linked.iter().map(|link| link.other).collect();
    others.sort_unstable();
    others.dedup();
    others.retain(|key| !names.contains_key(key));
    for chunk in others.chunks(5_000) {
        let cards = identity_cards::cards(connection, context.tenant, chunk).await?;
        names.extend(cards.into_iter().map(|c| (c.key, c.identifier.namespace)));
    }
    Ok(names)
}

/// Checks what an identity is by its links.
fn check_standing(
    context: Context<'_>,
    identity: &identities::Identity,
    links: &[Link],
    names: &HashMap<IdentityKey, String>,
    report: &mut Report,
) {
    let key = identity.key;
    let mut neighbours = Neighbours::default();
    let mut to_unique = Vec::new();
    for link in links {
        let Some(namespace) = names.get(&link.other) else {
            report.differs(format!("link {key} to {}: leads to nothing", link.other));
            continue;
        };
        neighbours.add(namespace);
        if context.rules.of(namespace).is_unique() {
            to_unique.push((namespace.as_str(), *link));
        }
    }
    if neighbours != identity.neighbours {
        report.differs(format!("identity {key}: counts its neighbours wrong"));
    }
    let stands = standing(
        context.rules,
        &identity.identifier,
        &neighbours,
        meet(&to_unique),
    );
    if stands != identity.standing && report.waiting == 0 {
        report.differs(format!(
            "identity {key}: stands as {:?}, but its links say {stands:?}",
            identity.standing
        ));
    }
}

struct Recomputed {
    state: State,
    links: BTreeMap<(IdentityKey, IdentityKey), Link>,
}

fn recompute(
    context: Context<'_>,
    stored: &[Stored],
    heard: &Analyses,
    tallies: &mut Tallies,
) -> Result<Recomputed, Error> {
    let mut messages = Vec::with_capacity(stored.len());
    let mut links = BTreeMap::new();
    for one in stored {
        let message = v1::Interaction::decode(one.body.as_slice())
            .map_err(|e| Error::bug("reading a stored interaction", e))?;
        messages.push((one.place, message));
        for link in links_of(one.place.occurred_at, one.keys.iter().copied()) {
            add_link(&mut links, link);
        }
        let hash = blake3::hash(&one.body);
        tallies.interactions.add(&[
            one.place.id.as_bytes(),
            one.place.anchor.as_bytes(),
            &one.place.occurred_at.0.to_le_bytes(),
            &hash.as_bytes()[..16],
        ]);
    }
    let state = fold::fold(messages.iter().map(|(place, message)| Fact {
        id: place.id,
        occurred_at: place.occurred_at,
        message,
        analyses: heard.of(place.id),
        region: context.region,
        zone: context.zone,
    }));
    Ok(Recomputed { state, links })
}

fn check_links(
    key: IdentityKey,
    stored: &[Link],
    recomputed: &Recomputed,
    tallies: &mut Tallies,
    report: &mut Report,
) {
    let mut anchored = 0;
    for link in stored {
        if link.anchored {
            anchored += 1;
            if recomputed.links.get(&(key, link.other)) != Some(link) {
                report.differs(format!(
                    "link {key} to {}: is not what its interactions say",
                    link.other
                ));
            }
            add(&mut tallies.links, *link);
        } else {
            add(&mut tallies.mirrored_links, link.reversed());
        }
    }
    if anchored != recomputed.links.len() {
        report.differs(format!(
            "identity {key}: {anchored} links against {}",
            recomputed.links.len()
        ));
    }
}

fn add(tally: &mut Tally, link: Link) {
    tally.add(&[
        link.key.as_bytes(),
        link.other.as_bytes(),
        &link.first_seen.0.to_le_bytes(),
        &link.last_seen.0.to_le_bytes(),
        &link.seen.to_le_bytes(),
    ]);
}

/// When an identifier was first and last in an interaction: its own, or one that linked it.
fn seen(state: &State, links: &[Link]) -> Option<(Micros, Micros)> {
    let core = state.core();
    let own = core
        .first_at
        .zip(core.last_at)
        .map(|(first, last)| (Micros(first), Micros(last)));
    links
        .iter()
        .map(|link| (link.first_seen, link.last_seen))
        .chain(own)
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// Adds up the tables that are not in the order of identity keys.
async fn tally_tables(
    connection: &mut PgConnection,
    context: Context<'_>,
    tallies: &mut Tallies,
) -> Result<(), Error> {
    const ROWS: i64 = 5_000;
    let mut last = InteractionId::from_halves(0, 0);
    loop {
        let page = event_keys::after(connection, context.tenant, last, ROWS).await?;
        for key in page.iter().filter(|key| key.retracted_by.is_none()) {
            tallies.event_keys.add(&[
                key.id.as_bytes(),
                key.anchor.as_bytes(),
                &key.occurred_at.0.to_le_bytes(),
                key.body_hash.as_bytes(),
            ]);
        }
        match page.last() {
            Some(key) => last = key.id,
            None => break,
        }
    }
    let mut last = (Uuid::nil(), IdentityKey::from_uuid(Uuid::nil()));
    loop {
        let page = identity_traits::after(connection, context.tenant, last, ROWS).await?;
        for (trait_key, identity) in &page {
            tallies
                .traits_stored
                .add(&[trait_key.as_bytes(), identity.as_bytes()]);
        }
        match page.last() {
            Some(entry) => last = *entry,
            None => return Ok(()),
        }
    }
}
