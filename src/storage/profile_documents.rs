//! Profiles as look-ups read them and caches keep them.

#[cfg(test)]
use std::collections::BTreeSet;

use prost::Message as _;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{
    Error, Result,
    identity_cards::Card,
    profiles::{Profile, Row},
};
use crate::{
    clock::Micros,
    identity::{Members, Normalised},
    ids::{IdentityKey, ProfileId, TenantId},
    proto::state::v1::{CachedIdentifier, CachedProfile},
};
#[cfg(test)]
use crate::{
    identity::{Home, Makeup},
    profile::State,
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("profiles.documents", DOCUMENTS),
    ("profiles.documents_with_origin", WITH_ORIGIN),
];

// No subjects, since the totals in the state show them.
const DOCUMENTS: &str = "
SELECT
    profile_id,
    version,
    rules,
    home,
    summary,
    state,
    segments,
    octet_length(members) AS members_length,
    members,
    NULL::bytea AS subjects,
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next
FROM profiles
WHERE tenant = $1 AND profile_id = ANY($2::uuid[])";

// The same of a replica, with the transaction that made the version; none where the outbox does not have it any more.
const WITH_ORIGIN: &str = "
SELECT
    profile_id,
    version,
    rules,
    home,
    summary,
    state,
    segments,
    octet_length(members) AS members_length,
    members,
    NULL::bytea AS subjects,
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next,
    (
        SELECT outbox.position
        FROM outbox
        WHERE outbox.tenant = profiles.tenant
            AND outbox.profile_id = profiles.profile_id
            AND outbox.version = profiles.version
    ) AS origin
FROM profiles
WHERE tenant = $1 AND profile_id = ANY($2::uuid[])";

#[derive(FromRow)]
struct DocumentRow {
    #[sqlx(flatten)]
    row: Row,
    oldest: i64,
    next: i64,
}

#[derive(FromRow)]
struct OriginRow {
    #[sqlx(flatten)]
    document: DocumentRow,
    origin: Option<i64>,
}

/// A profile with the identifiers that it shows. Nothing in it depends on who asks, or when.
#[derive(Clone, Debug)]
pub struct Document {
    /// The profile with its members.
    pub profile: Profile,
    /// The identifiers that it shows: the first members by rank, in no order.
    pub cards: Vec<Card>,
    /// Every change below this position is in it.
    pub position: i64,
    /// No change from this position on is in it.
    pub next: i64,
    /// When it was read.
    pub read_at: Micros,
    /// As it is kept elsewhere, but for its identifiers.
    encoded: CachedProfile,
}

impl Document {
    /// With the identifiers that it shows.
    #[must_use]
    pub fn with_cards(mut self, cards: Vec<Card>) -> Self {
        self.encoded.identifiers = cards.iter().map(encode_card).collect();
        self.cards = cards;
        self
    }

    /// As the primary would have said it at a time: with no change from a position on.
    #[must_use]
    pub fn as_of(mut self, read_at: Micros, next: i64) -> Self {
        (self.encoded.read_at, self.read_at) = (read_at.0, read_at);
        (self.encoded.next_position, self.next) = (next, next);
        self
    }

    /// Without what is only kept to be encoded.
    #[must_use]
    pub fn lean(mut self) -> Self {
        self.encoded = CachedProfile::default();
        self
    }

    /// Whether it lists an identifier.
    #[must_use]
    pub fn lists(&self, key: &IdentityKey) -> bool {
        let mut members = self.profile.members.iter().flat_map(Members::keys);
        members.any(|member| member == *key)
    }

    /// As bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.encoded.encode_to_vec()
    }

    /// How many bytes that are.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.encoded.encoded_len()
    }

    /// From its bytes.
    ///
    /// # Errors
    /// When they are none of a document.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let encoded = CachedProfile::decode(bytes).map_err(corrupt)?;
        Self::of(encoded)
    }

    fn of(encoded: CachedProfile) -> Result<Self> {
        let row = Row {
            profile_id: Uuid::from_slice(&encoded.profile_id).map_err(corrupt)?,
            version: encoded.version,
            rules: encoded.rules,
            home: Uuid::from_slice(&encoded.home).map_err(corrupt)?,
            summary: encoded.summary.to_vec(),
            state: encoded.state.to_vec(),
            members_length: i32::try_from(encoded.members.len()).map_err(corrupt)?,
            members: Some(encoded.members.to_vec()),
            subjects: None,
            segments: Some(encoded.segments.clone()),
        };
        let cards: Result<Vec<Card>> = encoded.identifiers.iter().map(decode_card).collect();
        Ok(Self {
            profile: Profile::try_from(row)?,
            cards: cards?,
            position: encoded.position,
            next: encoded.next_position,
            read_at: Micros(encoded.read_at),
            encoded,
        })
    }
}

fn corrupt(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::corrupt("cached profile", error)
}

fn encode_card(card: &Card) -> CachedIdentifier {
    CachedIdentifier {
        key: card.key.as_bytes().to_vec().into(),
        namespace: card.identifier.namespace.clone(),
        value: card.identifier.value.clone(),
        first_seen: card.first_seen.0,
        last_seen: card.last_seen.0,
    }
}

fn decode_card(card: &CachedIdentifier) -> Result<Card> {
    Ok(Card {
        key: IdentityKey::from_uuid(Uuid::from_slice(&card.key).map_err(corrupt)?),
        identifier: Normalised {
            namespace: card.namespace.clone(),
            value: card.value.clone(),
        },
        first_seen: Micros(card.first_seen),
        last_seen: Micros(card.last_seen),
    })
}

/// Reads profiles for look-ups, without the identifiers that they show.
///
/// # Errors
/// When the database fails or a profile cannot be read.
#[tracing::instrument(name = "db.profiles.documents", skip_all, fields(rows = ids.len()))]
pub async fn read(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[ProfileId],
    now: Micros,
) -> Result<Vec<Document>> {
    let rows: Vec<DocumentRow> = sqlx::query_as(DOCUMENTS)
        .bind(tenant.as_str())
        .bind(ids.iter().map(|id| id.as_uuid()).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    let documents = rows.into_iter().map(|row| document(row, now));
    documents.collect()
}

/// The same from a replica: each with the transaction that made its version, unless that is longer ago than changes are kept.
///
/// # Errors
/// When the database fails or a profile cannot be read.
#[tracing::instrument(name = "db.profiles.documents_with_origin", skip_all, fields(rows = ids.len()))]
pub async fn read_with_origin(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: &[ProfileId],
    now: Micros,
) -> Result<Vec<(Document, Option<i64>)>> {
    let rows: Vec<OriginRow> = sqlx::query_as(WITH_ORIGIN)
        .bind(tenant.as_str())
        .bind(ids.iter().map(|id| id.as_uuid()).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    let documents = rows.into_iter();
    let documents = documents.map(|row| Ok((document(row.document, now)?, row.origin)));
    documents.collect()
}

fn document(found: DocumentRow, now: Micros) -> Result<Document> {
    let row = found.row;
    Document::of(CachedProfile {
        profile_id: row.profile_id.into_bytes().to_vec().into(),
        version: row.version,
        rules: row.rules,
        home: row.home.into_bytes().to_vec().into(),
        summary: row.summary.into(),
        state: row.state.into(),
        members: row.members.unwrap_or_default().into(),
        identifiers: Vec::new(),
        position: found.oldest,
        next_position: found.next,
        read_at: now.0,
        segments: row.segments.unwrap_or_default(),
    })
}

#[cfg(test)]
impl Document {
    /// A reading of a profile of which nothing is known, for tests.
    pub(crate) fn of_nothing(version: i64, position: i64) -> Self {
        let identifier = Normalised {
            namespace: String::new(),
            value: String::new(),
        };
        Self {
            profile: Profile {
                id: ProfileId::from_uuid(Uuid::nil()),
                version,
                home_key: IdentityKey::from_uuid(Uuid::nil()),
                home: Home {
                    identifier,
                    first_seen: Micros(0),
                },
                state: State::default(),
                keeps_home: false,
                makeup: Makeup::default(),
                apart: BTreeSet::new(),
                rules: 0,
                members_total: 0,
                members: None,
                segments: Vec::new(),
            },
            cards: Vec::new(),
            position,
            next: position,
            read_at: Micros(0),
            encoded: CachedProfile::default(),
        }
    }
}
