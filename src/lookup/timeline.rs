//! The timeline: the interactions of a profile, newest first, page by page.
//!
//! Interactions lie under their anchors, and a profile may have 10,000 of those, so a page is a merge of many lists. Each
//! anchor's times are known without reading its interactions, so anchors are asked in the order of their latest possible
//! interaction and only while they could still add to the page; each is asked for few at first and for more only when all
//! it gave is on the page. A page of n thus costs at most one index read for each anchor that could add to it and a number
//! of rows in proportion to n and those anchors, not to the length of the history.
//!
//! A page ends at a point (occurred-at, id); the next begins before it. So pages are stable while writes go on: what is
//! recorded meanwhile and is older than the point appears, what is newer does not, nothing appears twice.

use std::collections::HashMap;

use prost::Message as _;
use sqlx::PgConnection;

use crate::{
    clock::Micros,
    error::Error,
    ids::{IdentityKey, InteractionId, TenantId},
    proto::v1::{Direction, Interaction, RecordedInteraction, Subject, SubjectKind},
    storage::{
        identity_cards::{self, Span},
        interactions::{self, Place, Stored, Window},
    },
};

/// Anchors asked in one statement.
const WAVE: usize = 1_000;

/// Interactions that one call looks at.
pub const LOOKED_AT: usize = 5_000;

/// Which interactions are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only these departments, when any.
    pub departments: Vec<String>,
    /// Only these channels, when any.
    pub channels: Vec<String>,
    /// Only these types, when any.
    pub types: Vec<String>,
    /// Only this subject, by (kind, id).
    pub subject: Option<(i32, String)>,
    /// Only this direction.
    pub direction: Option<Direction>,
    /// Only from this time on.
    pub from: Option<Micros>,
    /// Only before this time.
    pub before: Option<Micros>,
    /// Nothing of these matters. It is as if it were not there: it takes no place on a page.
    pub without: Vec<Matter>,
}

/// What interactions can be about, to leave all of it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matter {
    /// Orders: their subjects, and the types `order.*`.
    Orders,
    /// Support cases: their subjects, and the types `ticket.*`.
    Tickets,
}

impl Matter {
    /// Whether an interaction of a type and a subject is about it.
    #[must_use]
    pub fn is_of(self, kind: &str, subject: Option<&Subject>) -> bool {
        let (prefix, wanted) = match self {
            Self::Orders => ("order.", SubjectKind::Order),
            Self::Tickets => ("ticket.", SubjectKind::Ticket),
        };
        kind.starts_with(prefix) || subject.is_some_and(|subject| subject.kind() == wanted)
    }

    /// In the singular.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Orders => "order",
            Self::Tickets => "ticket",
        }
    }
}

impl Filter {
    fn admits(&self, message: &Interaction) -> bool {
        let among =
            |list: &[String], value: &str| list.is_empty() || list.iter().any(|l| l == value);
        among(&self.departments, &message.department)
            && among(&self.channels, &message.channel)
            && among(&self.types, &message.r#type)
            && self
                .direction
                .is_none_or(|wanted| wanted == message.direction())
            && self.subject.as_ref().is_none_or(|(kind, id)| {
                message
                    .subject
                    .as_ref()
                    .is_some_and(|s| s.kind == *kind && s.id == *id)
            })
            && !self
                .without
                .iter()
                .any(|matter| matter.is_of(&message.r#type, message.subject.as_ref()))
    }
}

/// Where a page ended.
pub type Point = (Micros, InteractionId);

/// A page of a timeline.
#[derive(Default)]
pub struct Page {
    /// The interactions, newest first.
    pub interactions: Vec<RecordedInteraction>,
    /// Where the next page begins; absent at the end.
    pub next: Option<Point>,
}

/// The greatest id, so that a point at a time takes in nothing of that instant when it is the least, everything when
/// it is this.
const GREATEST: InteractionId = InteractionId::from_uuid(uuid::Uuid::max());

/// Reads a page.
///
/// # Errors
/// When the database fails or an interaction cannot be read.
pub async fn page(
    connection: &mut PgConnection,
    tenant: &TenantId,
    members: &[IdentityKey],
    filter: &Filter,
    after: Option<Point>,
    size: usize,
) -> Result<Page, Error> {
    let mut spans = identity_cards::spans(connection, tenant, members).await?;
    let latest = spans.iter().map(|s| s.last).max();
    let Some(latest) = latest else {
        return Ok(Page::default());
    };
    let from = filter.from.unwrap_or(Micros(0));
    let end = filter.before.map_or((latest, GREATEST), |before| {
        (before, InteractionId::from_halves(0, 0))
    });
    let mut point = after.map_or(end, |after| after.min(end));
    let mut page = Page::default();
    let mut looked_at = 0;
    loop {
        spans.retain(|s| s.first <= point.0 && s.last >= from);
        let chunk = (size - page.interactions.len())
            .max(100)
            .min(LOOKED_AT - looked_at);
        let window = Window {
            from,
            before: point,
        };
        let places = newest(connection, tenant, &spans, window, chunk).await?;
        let full = places.len() == chunk;
        looked_at += places.len();
        if !places.is_empty() {
            let mut stored = load(connection, tenant, &places).await?;
            for place in &places {
                point = (place.occurred_at, place.id);
                if let Some(one) = stored.remove(&place.id) {
                    let shown = decode(&one)?;
                    if shown.interaction.as_ref().is_some_and(|i| filter.admits(i)) {
                        page.interactions.push(shown);
                    }
                }
                if page.interactions.len() == size {
                    break;
                }
            }
        }
        let complete = page.interactions.len() == size;
        if complete || looked_at >= LOOKED_AT {
            page.next = Some(point);
        }
        if complete || !full || looked_at >= LOOKED_AT {
            return Ok(page);
        }
    }
}

/// The newest `wanted` interactions of some anchors within a period, newest first.
pub(super) async fn newest_places(
    connection: &mut PgConnection,
    tenant: &TenantId,
    members: &[IdentityKey],
    (from, before): (Option<Micros>, Option<Micros>),
    wanted: usize,
) -> Result<Vec<Place>, Error> {
    let from = from.unwrap_or(Micros(i64::MIN));
    let mut spans = identity_cards::spans(connection, tenant, members).await?;
    spans.retain(|s| s.last >= from && before.is_none_or(|before| s.first < before));
    let Some(latest) = spans.iter().map(|s| s.last).max() else {
        return Ok(Vec::new());
    };
    let window = Window {
        from: spans
            .iter()
            .map(|s| s.first)
            .min()
            .unwrap_or(latest)
            .max(from),
        before: before.map_or((latest, GREATEST), |before| {
            (before, InteractionId::from_halves(0, 0)).min((latest, GREATEST))
        }),
    };
    newest(connection, tenant, &spans, window, wanted).await
}

async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    places: &[Place],
) -> Result<HashMap<InteractionId, Stored>, Error> {
    Ok(interactions::load(connection, tenant, places)
        .await?
        .into_iter()
        .map(|stored| (stored.place.id, stored))
        .collect())
}

fn decode(stored: &Stored) -> Result<RecordedInteraction, Error> {
    let message = Interaction::decode(stored.body.as_slice())
        .map_err(|e| Error::bug("reading a stored interaction", e))?;
    Ok(RecordedInteraction {
        interaction_id: stored.place.id.to_string(),
        recorded_at: Some(stored.recorded_at.to_proto()),
        interaction: Some(message),
    })
}

/// The newest `wanted` interactions of some anchors within a window, newest first.
async fn newest(
    connection: &mut PgConnection,
    tenant: &TenantId,
    spans: &[Span],
    window: Window,
    wanted: usize,
) -> Result<Vec<Place>, Error> {
    let mut anchors: Vec<(Micros, IdentityKey)> = spans
        .iter()
        .map(|s| (s.last.min(window.before.0), s.key))
        .collect();
    anchors.sort_unstable_by(|a, b| b.cmp(a));
    let mut best: Vec<Place> = Vec::new();
    for wave in anchors.chunks(WAVE) {
        // The wave is in the order of its latest possible interactions; those below the page's end add nothing.
        let floor = floor(&best, wanted);
        let wave: Vec<IdentityKey> = wave
            .iter()
            .take_while(|(latest, _)| *latest >= floor)
            .map(|(_, key)| *key)
            .collect();
        if wave.is_empty() {
            break;
        }
        ask(connection, tenant, wave, window, wanted, &mut best).await?;
    }
    Ok(best)
}

/// The time below which nothing adds to the best any more.
fn floor(best: &[Place], wanted: usize) -> Micros {
    if best.len() < wanted {
        return Micros(i64::MIN);
    }
    best.last()
        .map_or(Micros(i64::MIN), |last| last.occurred_at)
}

/// Asks anchors for their newest, and those again whose answer is on the page to the last.
async fn ask(
    connection: &mut PgConnection,
    tenant: &TenantId,
    anchors: Vec<IdentityKey>,
    window: Window,
    wanted: usize,
    best: &mut Vec<Place>,
) -> Result<(), Error> {
    let mut open = anchors;
    let mut each = (2 * wanted / open.len()).clamp(2, wanted.max(2));
    while !open.is_empty() {
        let limit = i64::try_from(each).unwrap_or(i64::MAX);
        let places = interactions::page(connection, tenant, &open, window, limit).await?;
        let mut last_of: HashMap<IdentityKey, (usize, Place)> = HashMap::new();
        for place in &places {
            let (count, oldest) = last_of.entry(place.anchor).or_insert((0, *place));
            *count += 1;
            *oldest = (*oldest).min(*place);
        }
        // What was seen before is in the answer again.
        best.retain(|place| !last_of.contains_key(&place.anchor));
        best.extend(places);
        best.sort_unstable_by(|a, b| b.cmp(a));
        best.truncate(wanted);
        let floor = floor(best, wanted);
        open.retain(|anchor| {
            last_of
                .get(anchor)
                .is_some_and(|(count, oldest)| *count == each && oldest.occurred_at >= floor)
        });
        if each >= wanted {
            break;
        }
        each = (each * 4).min(wanted);
    }
    Ok(())
}
