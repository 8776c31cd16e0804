//! The links of a profile, with the interactions that gave them.
//!
//! What must stay true: a link's first and last time are those of interactions at its anchor, so evidence is found by key
//! and not by search.

use std::collections::{BTreeSet, HashMap};

use prost::Message as _;
use sqlx::PgConnection;

use super::{Shows, Subject};
use crate::{
    clock::Micros,
    error::Error,
    identity::{Link, Standing},
    ids::{IdentityKey, TenantId},
    proto::v1::{IdentityLink, Interaction, LinkEvidence},
    storage::{
        interactions::{self, OfLink, Stored},
        links,
    },
};

/// Links shown.
pub const LINKS: usize = 1_024;

/// Links shown with evidence.
pub const EVIDENCED: usize = 256;

/// The links between the identifiers that are shown of a profile.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    /// The links, by the places of their ends.
    pub(super) links: Vec<IdentityLink>,
    /// How many there are.
    pub(super) links_total: usize,
}

/// Interactions that gave links.
pub(super) type Evidence = HashMap<OfLink, LinkEvidence>;

/// Reads the links between the identifiers that are shown, with those interactions as evidence that may be seen.
pub(super) async fn read(
    connection: &mut PgConnection,
    subject: &Subject<'_>,
    shows: &impl Shows,
) -> Result<Links, Error> {
    let tenant = subject.context.tenant;
    let mut links = links::among(connection, tenant, &subject.keys()).await?;
    // Those at a hub join nothing: they are cuts.
    links.retain(|link| {
        let ends = [link.key, link.other];
        ends.iter()
            .all(|key| subject.standing(*key) != Standing::Hub)
    });
    let links_total = links.len();
    let place = |key: &IdentityKey| subject.places.get(key).copied().unwrap_or(usize::MAX);
    links.sort_by_key(|link| (place(&link.key), place(&link.other)));
    links.truncate(LINKS);
    // What was done with an identifier that lends the profile nothing may be someone else's.
    let lent: Vec<Link> = links
        .iter()
        .filter(|link| !subject.profile.apart.contains(&link.key))
        .take(EVIDENCED)
        .copied()
        .collect();
    let evidence = evidence(connection, tenant, &lent, shows).await?;
    Ok(Links {
        links: links
            .iter()
            .map(|link| show(link, place(&link.key), place(&link.other), &evidence))
            .collect(),
        links_total,
    })
}

/// The interactions in which links, given from their anchors, were first and last seen.
pub(super) async fn evidence(
    connection: &mut PgConnection,
    tenant: &TenantId,
    links: &[Link],
    shows: &impl Shows,
) -> Result<Evidence, Error> {
    let wanted: BTreeSet<OfLink> = links
        .iter()
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
        if shows.shows_evidence(&message) {
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

/// What was found of a link that is given from its anchor.
pub(super) fn of(evidence: &Evidence, link: &Link) -> Vec<LinkEvidence> {
    let mut shown: Vec<LinkEvidence> = [link.first_seen, link.last_seen]
        .into_iter()
        .filter_map(|at| evidence.get(&(link.key, link.other, at)).cloned())
        .collect();
    shown.dedup_by(|a, b| a.interaction_id == b.interaction_id);
    shown
}

fn show(link: &Link, from: usize, to: usize, evidence: &Evidence) -> IdentityLink {
    let (from, to) = (from.min(to), from.max(to));
    IdentityLink {
        from: i32::try_from(from).unwrap_or(i32::MAX),
        to: i32::try_from(to).unwrap_or(i32::MAX),
        first_seen: Some(link.first_seen.to_proto()),
        last_seen: Some(link.last_seen.to_proto()),
        interactions: link.seen,
        evidence: of(evidence, link),
    }
}
