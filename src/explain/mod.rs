//! Why the identifiers of a profile are one person, and why others are not: links with the interactions that gave them,
//! links that were refused with the rule that refused them, and operators' decisions in force.
//!
//! What must stay true:
//!
//! - Everything is read from one snapshot, so that identifiers, links, cuts and decisions are of one moment.
//! - Cuts are derived and not stored: the part of the store around the profile is resolved again, as a decision's dry run
//!   does it, and what that refuses is told. So the rule that is named is the one that refuses the link now.
//! - A call costs a bounded number of reads, however large the profile: at most [`view::IDENTIFIERS`] nodes,
//!   [`graph::LINKS`] links and [`cuts::CUTS`] cuts are shown. To find the cuts, the profile with all its members and links
//!   is read, the other ends of its links, and profiles that have to be compared with; where these are more than [`REACH`]
//!   identifiers the answer says so and goes without. Of a hub, which may have any number of links, [`cuts::AT_HUB`] are read.
//! - What a caller may not see is left out before anything is counted. Rules and standings that follow from identifiers
//!   which it may not see are not told either.

pub mod cuts;
pub mod decisions;
pub mod graph;

use std::collections::{BTreeSet, HashMap};

use sqlx::PgConnection;

use crate::{
    error::Error,
    identity::{Members, Rules, Standing, settle},
    ids::IdentityKey,
    ingest::{
        plan::Context,
        region::{Overlay, Resolved, resolve_around},
    },
    lookup::document::{self, Admits},
    proto::v1::{IdentityCut, IdentityDecision, IdentityLink, Interaction, ProfileIdentifier},
    storage::{
        identities::{self, Identity},
        identity_cards::Card,
        profiles::Profile,
    },
};

#[cfg(doc)]
use crate::profile::view;

/// Identifiers that one call looks at to find cuts.
pub const REACH: usize = 20_000;

/// What may be shown of an explanation.
pub trait Shows: Admits {
    /// Whether an interaction may be shown as evidence.
    fn shows_evidence(&self, interaction: &Interaction) -> bool;
    /// Whether the words in which operators gave their reasons may be shown.
    fn shows_reasons(&self) -> bool;
}

/// Whether standings and rules may be told: where a namespace that rules limit is hidden they would tell of its values.
#[must_use]
pub fn tells_standings(rules: &Rules, admits: &impl Admits) -> bool {
    let mut limited = rules.limited().iter();
    limited.all(|(namespace, _)| admits.admits_namespace(namespace))
}

/// Why a profile is one person.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// Its strongest identifiers, strongest first.
    pub identifiers: Vec<ProfileIdentifier>,
    /// The links between them, by the places of their ends.
    pub links: Vec<IdentityLink>,
    /// How many links there are between them.
    pub links_total: usize,
    /// Their links that join nothing.
    pub cuts: Vec<IdentityCut>,
    /// How many of these there are.
    pub cuts_total: usize,
    /// Whether there was too much to look at to find the cuts.
    pub cuts_unknown: bool,
    /// Operators' decisions in force about them, newest first.
    pub decisions: Vec<IdentityDecision>,
    /// How many there are.
    pub decisions_total: usize,
}

/// A profile with what is shown of it.
struct Subject<'a> {
    context: Context<'a>,
    profile: &'a Profile,
    /// The identifiers that are shown, strongest first.
    cards: Vec<Card>,
    places: HashMap<IdentityKey, usize>,
    rows: HashMap<IdentityKey, Identity>,
}

impl Subject<'_> {
    fn keys(&self) -> Vec<IdentityKey> {
        self.cards.iter().map(|card| card.key).collect()
    }

    fn standing(&self, key: IdentityKey) -> Standing {
        self.rows.get(&key).map_or(Standing::Own, |r| r.standing)
    }
}

/// Explains a profile. The connection should be in a snapshot.
///
/// # Errors
/// When the database fails or something stored cannot be read.
pub async fn explain(
    connection: &mut PgConnection,
    context: Context<'_>,
    profile: &Profile,
    shows: &impl Shows,
) -> Result<Explanation, Error> {
    let subject = read(connection, context, profile, shows).await?;
    let resolved = around(connection, context, profile).await?;
    let graph = graph::read(connection, &subject, shows).await?;
    let cuts = cuts::find(connection, &subject, resolved.as_ref(), shows).await?;
    let named = cuts.decisions();
    let decided = decisions::in_force(connection, &subject, &named, shows).await?;
    let cuts_total = cuts.total;
    Ok(Explanation {
        identifiers: identifiers(&subject, resolved.as_ref(), shows),
        links: graph.links,
        links_total: graph.links_total,
        cuts: cuts::show(connection, &subject, cuts, &decided, shows).await?,
        cuts_total,
        cuts_unknown: resolved.is_none(),
        decisions: decided.shown,
        decisions_total: decided.total,
    })
}

async fn read<'a>(
    connection: &mut PgConnection,
    context: Context<'a>,
    profile: &'a Profile,
    admits: &impl Admits,
) -> Result<Subject<'a>, Error> {
    let mut cards = document::cards(connection, context.tenant, profile, admits).await?;
    cards.sort_by(document::stronger);
    let wanted: Vec<identities::Wanted> = cards
        .iter()
        .map(|card| identities::Wanted::row(card.key))
        .collect();
    let rows = identities::load(connection, context.tenant, &wanted).await?;
    let places = cards.iter().enumerate().map(|(n, card)| (card.key, n));
    Ok(Subject {
        context,
        profile,
        places: places.collect(),
        rows: rows.into_iter().map(|row| (row.key, row)).collect(),
        cards,
    })
}

/// The part of the store around a profile, resolved; none when it is too large, or waits for other rules.
async fn around(
    connection: &mut PgConnection,
    context: Context<'_>,
    profile: &Profile,
) -> Result<Option<Resolved>, Error> {
    // One that waits to be brought under other rules is not yet what they make of it.
    if profile.members_total > REACH || profile.rules != context.revision {
        return Ok(None);
    }
    let start = BTreeSet::from([profile.id]);
    let overlay = Overlay::default();
    resolve_around(connection, context, &overlay, &start, REACH)
        .await?
        .whole()
}

/// The identifiers with what their links say of them.
fn identifiers(
    subject: &Subject<'_>,
    resolved: Option<&Resolved>,
    admits: &impl Admits,
) -> Vec<ProfileIdentifier> {
    let rules = subject.context.rules;
    let shown = subject.cards.iter().map(document::show);
    if !tells_standings(rules, admits) {
        return shown.collect();
    }
    let members: BTreeSet<IdentityKey> = subject
        .profile
        .members
        .iter()
        .flat_map(Members::keys)
        .collect();
    let contested = |key, resolved: &Resolved| {
        settle::is_contested(resolved.region.graph(), rules, key, &members)
    };
    let judged = subject.cards.iter().zip(shown).map(|(card, shown)| {
        let standing = subject.standing(card.key);
        ProfileIdentifier {
            hub: Some(standing == Standing::Hub),
            shared: Some(standing == Standing::Shared),
            contested: resolved.map(|resolved| contested(card.key, resolved)),
            apart: Some(subject.profile.apart.contains(&card.key)),
            ..shown
        }
    });
    judged.collect()
}
