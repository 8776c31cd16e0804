//! Why the identifiers of a profile are one person: the graph of its links, with the interactions that gave them.
//!
//! What must stay true: a call costs a bounded number of index reads, however large the profile: at most
//! [`view::IDENTIFIERS`] nodes and [`LINKS`] edges are shown, and evidence is looked up for the first [`EVIDENCED`] of them.
//! A link's first and last time are those of interactions at its anchor, so evidence is found by key and not by search.

use std::collections::{BTreeSet, HashMap};

use prost::Message as _;
use sqlx::PgConnection;

use crate::{
    clock::Micros,
    error::Error,
    identity::Link,
    ids::{IdentityKey, TenantId},
    lookup::document::{self, Admits},
    proto::v1::{IdentityLink, Interaction, LinkEvidence, ProfileIdentifier},
    storage::{
        interactions::{self, OfLink, Stored},
        links,
        profiles::Profile,
    },
};

#[cfg(doc)]
use crate::profile::view;

/// Links shown.
pub const LINKS: usize = 1_024;

/// Links shown with evidence.
pub const EVIDENCED: usize = 256;

/// The graph of a profile.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Its strongest identifiers, strongest first.
    pub identifiers: Vec<ProfileIdentifier>,
    /// The links between them, by the places of their ends.
    pub links: Vec<IdentityLink>,
    /// How many links there are between them.
    pub links_total: usize,
}

/// Reads the graph of a profile, of those identifiers that are admitted, with those interactions as evidence that `shows`
/// lets through.
///
/// # Errors
/// When the database fails or an interaction cannot be read.
pub async fn graph(
    connection: &mut PgConnection,
    tenant: &TenantId,
    profile: &Profile,
    admits: &impl Admits,
    shows: impl Fn(&Interaction) -> bool,
) -> Result<Graph, Error> {
    let mut cards = document::cards(connection, tenant, profile, admits).await?;
    cards.sort_by(document::stronger);
    let keys: Vec<IdentityKey> = cards.iter().map(|card| card.key).collect();
    let places: HashMap<IdentityKey, usize> =
        keys.iter().enumerate().map(|(n, key)| (*key, n)).collect();
    let mut links = links::among(connection, tenant, &keys).await?;
    let links_total = links.len();
    let place = |key: &IdentityKey| places.get(key).copied().unwrap_or(usize::MAX);
    links.sort_by_key(|link| (place(&link.key), place(&link.other)));
    links.truncate(LINKS);
    // What was done with an identifier that lends the profile nothing may be someone else's.
    let lent: Vec<Link> = links
        .iter()
        .filter(|link| !profile.apart.contains(&link.key))
        .copied()
        .collect();
    let evidence = evidence(connection, tenant, &lent, shows).await?;
    Ok(Graph {
        identifiers: cards.iter().map(document::show).collect(),
        links: links
            .iter()
            .map(|link| show(link, place(&link.key), place(&link.other), &evidence))
            .collect(),
        links_total,
    })
}

/// The interactions in which links were first and last seen.
async fn evidence(
    connection: &mut PgConnection,
    tenant: &TenantId,
    links: &[Link],
    shows: impl Fn(&Interaction) -> bool,
) -> Result<HashMap<OfLink, LinkEvidence>, Error> {
    let wanted: BTreeSet<OfLink> = links
        .iter()
        .take(EVIDENCED)
        .flat_map(|link| [link.first_seen, link.last_seen].map(|at| (link.key, link.other, at)))
        .collect();
    let wanted: Vec<OfLink> = wanted.into_iter().collect();
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let mut found: HashMap<(IdentityKey, Micros), Vec<Stored>> = HashMap::new();
    for stored in interactions::of_links(connection, tenant, &wanted).await? {
        let at = (stored.place.anchor, stored.place.occurred_at);
        found.entry(at).or_default().push(stored);
    }
    let mut evidence = HashMap::new();
    for (anchor, other, at) in wanted {
        let giving = found
            .get(&(anchor, at))
            .into_iter()
            .flatten()
            .filter(|stored| stored.keys.contains(&other))
            .min_by_key(|stored| stored.place.id);
        let Some(stored) = giving else { continue };
        let message = Interaction::decode(stored.body.as_slice())
            .map_err(|e| Error::bug("reading a stored interaction", e))?;
        if shows(&message) {
            evidence.insert((anchor, other, at), describe(stored, message));
        }
    }
    Ok(evidence)
}

fn describe(stored: &Stored, message: Interaction) -> LinkEvidence {
    LinkEvidence {
        interaction_id: stored.place.id.to_string(),
        occurred_at: Some(stored.place.occurred_at.to_proto()),
        source: message.source,
        department: message.department,
        channel: message.channel,
        r#type: message.r#type,
    }
}

fn show(
    link: &Link,
    from: usize,
    to: usize,
    evidence: &HashMap<OfLink, LinkEvidence>,
) -> IdentityLink {
    let (key, other) = (link.key, link.other);
    let mut shown: Vec<LinkEvidence> = [link.first_seen, link.last_seen]
        .into_iter()
        .filter_map(|at| evidence.get(&(key, other, at)).cloned())
        .collect();
    shown.dedup_by(|a, b| a.interaction_id == b.interaction_id);
    let (from, to) = (from.min(to), from.max(to));
    IdentityLink {
        from: i32::try_from(from).unwrap_or(i32::MAX),
        to: i32::try_from(to).unwrap_or(i32::MAX),
        first_seen: Some(link.first_seen.to_proto()),
        last_seen: Some(link.last_seen.to_proto()),
        interactions: link.seen,
        evidence: shown,
    }
}
