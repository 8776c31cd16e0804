//! Links of a profile that join nothing, each with what refused it.

use std::collections::{BTreeSet, HashMap};

use sqlx::PgConnection;

use super::{Shows, Subject, decisions::Decided, graph, tells_standings};
use crate::{
    error::Error,
    identity::{
        Link, Normalised, Refusal, Standing,
        resolve::{Graph, Territory},
    },
    ids::{DecisionId, IdentityKey},
    ingest::region::Resolved,
    lookup::document::{self, Admits},
    proto::v1::{CutRule, IdentityCut, ProfileIdentifier},
    storage::{
        identities::{self, Identity},
        identity_cards::Card,
        links,
    },
};

/// Cuts shown.
pub const CUTS: usize = 256;

/// Links that are read of a profile's hub.
pub const AT_HUB: i64 = 1_024;

/// Values of a limited namespace that are shown of each side.
const VALUES: usize = 8;

/// Links that join nothing, those that are shown first.
#[derive(Default)]
pub(super) struct Cuts {
    found: Vec<Found>,
    ends: HashMap<IdentityKey, Identity>,
    /// How many there are.
    pub(super) total: usize,
}

struct Found {
    /// The place of this profile's end.
    place: usize,
    other: IdentityKey,
    link: Option<Link>,
    asserted_by: Option<DecisionId>,
    refusal: Refusal,
    /// With a limit: the values on this side, and on the other.
    values: [Vec<String>; 2],
}

impl Cuts {
    /// The decisions that they speak of.
    pub(super) fn decisions(&self) -> BTreeSet<DecisionId> {
        let separated = |found: &Found| match found.refusal {
            Refusal::Separated(by) => Some(by),
            _ => None,
        };
        let named = self.found.iter();
        named
            .flat_map(|found| [separated(found), found.asserted_by])
            .flatten()
            .collect()
    }
}

/// Finds the links of the identifiers shown that join nothing.
pub(super) async fn find(
    connection: &mut PgConnection,
    subject: &Subject<'_>,
    resolved: Option<&Resolved>,
    admits: &impl Admits,
) -> Result<Cuts, Error> {
    let mut cuts = Cuts::default();
    if let Some(resolved) = resolved {
        cuts.ends = resolved
            .region
            .identities
            .iter()
            .map(|(key, identity)| (*key, identity.clone()))
            .collect();
        refused(&mut cuts, subject, resolved);
        at_hubs(&mut cuts, subject, resolved.region.graph());
    }
    let admitted = |end: Option<&Identity>| {
        end.is_some_and(|end| admits.admits_namespace(&end.identifier.namespace))
    };
    let ends = &cuts.ends;
    cuts.found.retain(|found| admitted(ends.get(&found.other)));
    cuts.total = cuts.found.len();
    of_hubs(connection, &mut cuts, subject, admits).await?;
    cuts.found.truncate(CUTS);
    Ok(cuts)
}

/// What resolution refused.
fn refused(cuts: &mut Cuts, subject: &Subject<'_>, resolved: &Resolved) {
    let graph = resolved.region.graph();
    for cut in &resolved.cuts {
        let place = |key: &IdentityKey| subject.places.get(key).copied();
        let (place, key, other) = match (place(&cut.key), place(&cut.other)) {
            (Some(one), Some(two)) if two < one => (two, cut.other, cut.key),
            (Some(one), _) => (one, cut.key, cut.other),
            (None, Some(two)) => (two, cut.other, cut.key),
            (None, None) => continue,
        };
        let mut links = graph.links(cut.key).iter();
        let link = links.find(|link| link.other == cut.other);
        let refusal = match taken(graph, [key, other]) {
            Some(shared) if !matches!(cut.refusal, Refusal::Separated(_)) => {
                Refusal::Shared(shared)
            }
            _ => cut.refusal.clone(),
        };
        let values = match &refusal {
            Refusal::Limit { namespace, .. } => {
                [key, other].map(|end| values(graph, end, namespace))
            }
            _ => [Vec::new(), Vec::new()],
        };
        cuts.found.push(Found {
            place,
            other,
            link: link.filter(|_| cut.asserted_by.is_none()).copied(),
            asserted_by: cut.asserted_by,
            refusal,
            values,
        });
    }
}

/// The end that is shared and goes with someone: whatever else would refuse its other links, they are cut for that. Seen from
/// the set that has it, resolution may name a limit, and from the other one that it is shared.
fn taken(graph: &Graph, ends: [IdentityKey; 2]) -> Option<IdentityKey> {
    ends.into_iter().find(|end| {
        graph.node(*end).is_some_and(|node| {
            node.standing == Standing::Shared
                && graph
                    .members(node.territory)
                    .is_some_and(|set| set.len() > 1)
        })
    })
}

/// The values of a namespace in the set of an identifier, as far as it was looked at.
fn values(graph: &Graph, key: IdentityKey, namespace: &str) -> Vec<String> {
    let Some(node) = graph.node(key) else {
        return Vec::new();
    };
    let whole: Vec<&Normalised> = match (node.territory, graph.members(node.territory)) {
        (Territory::Profile(_), Some(members)) => members
            .iter()
            .filter_map(|key| graph.node(*key))
            .map(|node| &node.identifier)
            .collect(),
        _ => vec![&node.identifier],
    };
    let mut values: Vec<String> = whole
        .into_iter()
        .filter(|identifier| identifier.namespace == namespace)
        .map(|identifier| identifier.value.clone())
        .collect();
    values.sort_unstable();
    values.truncate(VALUES);
    values
}

/// Links to hubs, which resolution leaves out.
fn at_hubs(cuts: &mut Cuts, subject: &Subject<'_>, graph: &Graph) {
    for (place, card) in subject.cards.iter().enumerate() {
        if subject.standing(card.key) == Standing::Hub {
            continue;
        }
        let mut hubs: Vec<(&Normalised, &Link)> = graph
            .links(card.key)
            .iter()
            .filter_map(|link| Some((graph.node(link.other)?, link)))
            .filter(|(node, _)| node.standing == Standing::Hub)
            .map(|(node, link)| (&node.identifier, link))
            .collect();
        hubs.sort_unstable_by_key(|(identifier, _)| *identifier);
        let hubs = hubs.into_iter();
        cuts.found
            .extend(hubs.map(|(_, link)| at_hub(place, *link, link.other)));
    }
}

fn at_hub(place: usize, link: Link, hub: IdentityKey) -> Found {
    Found {
        place,
        other: link.other,
        link: Some(link),
        asserted_by: None,
        refusal: Refusal::Hub(hub),
        values: [Vec::new(), Vec::new()],
    }
}

/// Links of the profile's own hubs: it has one when it has no other identifier.
async fn of_hubs(
    connection: &mut PgConnection,
    cuts: &mut Cuts,
    subject: &Subject<'_>,
    admits: &impl Admits,
) -> Result<(), Error> {
    let tenant = subject.context.tenant;
    let hubs = subject.cards.iter().enumerate();
    let mut hubs = hubs.filter(|(_, card)| subject.standing(card.key) == Standing::Hub);
    let Some((place, hub)) = hubs.next() else {
        return Ok(());
    };
    let links = links::some_of(connection, tenant, hub.key, AT_HUB).await?;
    let wanted: Vec<identities::Wanted> = links
        .iter()
        .filter(|link| !cuts.ends.contains_key(&link.other))
        .map(|link| identities::Wanted::row(link.other))
        .collect();
    let rows = identities::load(connection, tenant, &wanted).await?;
    cuts.ends.extend(rows.into_iter().map(|row| (row.key, row)));
    let mut found: Vec<(&Normalised, Link)> = links
        .into_iter()
        .filter_map(|link| Some((&cuts.ends.get(&link.other)?.identifier, link)))
        .filter(|(end, _)| admits.admits_namespace(&end.namespace))
        .collect();
    found.sort_unstable_by_key(|(end, _)| *end);
    let found = found.into_iter();
    cuts.found
        .extend(found.map(|(_, link)| at_hub(place, link, hub.key)));
    let counts = subject.rows.get(&hub.key).map(|row| row.neighbours.iter());
    let seen = counts.into_iter().flatten();
    let seen = seen.filter(|(namespace, _)| admits.admits_namespace(namespace));
    cuts.total += seen.map(|(_, count)| count as usize).sum::<usize>();
    Ok(())
}

/// The cuts as they are shown.
pub(super) async fn show(
    connection: &mut PgConnection,
    subject: &Subject<'_>,
    cuts: Cuts,
    decided: &Decided,
    shows: &impl Shows,
) -> Result<Vec<IdentityCut>, Error> {
    let anchored = |link: &Link| {
        if link.anchored {
            *link
        } else {
            link.reversed()
        }
    };
    // What was done with an identifier that lends its profile nothing may be someone else's.
    let lent: Vec<Link> = cuts
        .found
        .iter()
        .filter_map(|found| found.link.as_ref().map(anchored))
        .filter(|link| {
            let row = cuts.ends.get(&link.key);
            !row.or_else(|| subject.rows.get(&link.key))
                .is_some_and(|r| r.apart)
        })
        .collect();
    let evidence = graph::evidence(connection, subject.context.tenant, &lent, shows).await?;
    let told = tells_standings(subject.context.rules, shows);
    let listed = cuts.found.into_iter().filter_map(|found| {
        let end = cuts.ends.get(&found.other)?;
        let link = found.link.as_ref().map(anchored);
        let cut = IdentityCut {
            from: i32::try_from(found.place).unwrap_or(i32::MAX),
            to: Some(outer(end, told)),
            profile_id: end.profile.to_string(),
            first_seen: link.map(|link| link.first_seen.to_proto()),
            last_seen: link.map(|link| link.last_seen.to_proto()),
            interactions: link.map_or(0, |link| link.seen),
            evidence: link.map_or_else(Vec::new, |link| graph::of(&evidence, &link)),
            asserted_by: decided.operation(found.asserted_by),
            ..IdentityCut::default()
        };
        Some(ruled(cut, found, decided, shows, told))
    });
    Ok(listed.collect())
}

/// The other end, as far as its links say what it is.
fn outer(end: &Identity, told: bool) -> ProfileIdentifier {
    let shown = document::show(&Card {
        key: end.key,
        identifier: end.identifier.clone(),
        first_seen: end.first_seen,
        last_seen: end.last_seen,
    });
    ProfileIdentifier {
        hub: told.then_some(end.standing == Standing::Hub),
        shared: told.then_some(end.standing == Standing::Shared),
        ..shown
    }
}

/// A cut with its rule, unless that would tell of identifiers that the caller may not see.
fn ruled(
    mut cut: IdentityCut,
    found: Found,
    decided: &Decided,
    admits: &impl Admits,
    told: bool,
) -> IdentityCut {
    let rule = match found.refusal {
        Refusal::Limit { namespace, limit } => {
            if !admits.admits_namespace(&namespace) {
                return cut;
            }
            let [mine, theirs] = found.values;
            cut.namespace = namespace;
            cut.limit = i32::try_from(limit).unwrap_or(i32::MAX);
            cut.values = mine;
            cut.other_values = theirs;
            CutRule::Limit
        }
        Refusal::Separated(by) => {
            cut.separated_by = decided.operation(Some(by));
            CutRule::Separated
        }
        Refusal::Size => CutRule::Size,
        Refusal::Shared(_) | Refusal::Hub(_) if !told => return cut,
        Refusal::Shared(_) => CutRule::Shared,
        Refusal::Hub(_) => CutRule::Hub,
    };
    cut.rule = rule.into();
    cut
}
