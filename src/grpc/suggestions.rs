//! `SuggestMerges`.
//!
//! What must stay true: a suggestion says something of every fact that it is computed from, so whoever may not see one of
//! them is refused, and nobody else gets less than all.

use std::collections::HashMap;

use sqlx::PgConnection;
use tokio::time::Instant;

use super::{
    Api,
    page_token::{self, SuggestionCursor},
    read::{Read, answered_by, not_found},
    validate,
};
use crate::{
    auth::Caller,
    decide,
    error::Error,
    identity::{
        Members,
        suggest::{DEFAULT_THRESHOLD, Field, Level, Reason},
    },
    ids::IdentityKey,
    lookup::{
        self,
        suggest::{self, Pair, Point},
    },
    proto::v1::{
        Identifier, MergeSuggestion, SuggestMergesRequest, SuggestMergesResponse, SuggestedProfile,
        SuggestionAgreement, SuggestionField, SuggestionReason,
    },
    storage::{identity_cards, profiles::Profile},
    telemetry::names,
    tenants::Tenant,
};

/// Identifiers that are shown of a profile.
const IDENTIFIERS: usize = 8;

pub(super) async fn suggest(
    api: &Api,
    caller: &Caller,
    request: &SuggestMergesRequest,
) -> Result<SuggestMergesResponse, Error> {
    let started = Instant::now();
    let mut read = Read::begin(api, caller).await?;
    read.sight.require_likenesses()?;
    let who = match &request.lookup {
        None => Some(None),
        lookup => read.who("lookup", lookup.as_ref()).map(Some),
    };
    let threshold = read.take(validate::threshold(request.threshold, DEFAULT_THRESHOLD));
    let size = read.size(request.page_size, 20, 100);
    let cursor = read.cursor::<SuggestionCursor>(request);
    let wish = read.options(request.read_options.as_ref());
    let (tenant, (((who, threshold), size), cursor)) =
        read.finish(who.zip(threshold).zip(size).zip(cursor))?;
    let mut connection = api.storage.acquire().await?;
    let context = suggest::Context {
        tenant: &tenant.id,
        rules: &tenant.resolution,
        secret: &api.secret,
        threshold,
    };
    let mut response = SuggestMergesResponse::default();
    let (pairs, skipped, unindexed) = if let Some(who) = who {
        let found = lookup::find_with(&mut connection, &tenant.id, &who, &wish.tokens).await?;
        let found = found.ok_or_else(not_found)?;
        response.answered_by = answered_by(&found);
        response.read_info = Some(api.read_info(&tenant, Some(&found)));
        let mut alike = suggest::alike(&mut connection, context, found.profile).await?;
        response.suggestions_total = i32::try_from(alike.pairs.len()).unwrap_or(i32::MAX);
        alike.pairs.truncate(size);
        (alike.pairs, alike.skipped, usize::from(alike.unindexed))
    } else {
        let after = cursor.map(Point::from);
        let walked = suggest::walk(&mut connection, context, after, size).await?;
        response.read_info = Some(api.primary(String::new()));
        response.profiles_looked_at = signed(walked.at.looked_at);
        response.profiles_total = signed(walked.at.total.max(walked.at.looked_at));
        if !walked.done {
            let cursor = SuggestionCursor::from(walked.at);
            response.next_page_token =
                page_token::encode(&cursor, request, &tenant.id, &api.page_tokens);
        }
        (walked.pairs, walked.skipped, walked.unindexed)
    };
    response.blocks_skipped = i32::try_from(skipped).unwrap_or(i32::MAX);
    response.profiles_unindexed = i32::try_from(unindexed).unwrap_or(i32::MAX);
    response.suggestions = show(api, &mut connection, &tenant, &pairs).await?;
    count(&response, started);
    Ok(response)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn count(response: &SuggestMergesResponse, started: Instant) {
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    metrics::counter!(names::IDENTITY_SUGGESTIONS).increment(number(response.suggestions.len()));
    metrics::counter!(names::IDENTITY_BLOCKS_SKIPPED)
        .increment(u64::try_from(response.blocks_skipped).unwrap_or_default());
    metrics::histogram!(names::IDENTITY_SUGGESTION_SECONDS).record(started.elapsed().as_secs_f64());
}

async fn show(
    api: &Api,
    connection: &mut PgConnection,
    tenant: &Tenant,
    pairs: &[Pair],
) -> Result<Vec<MergeSuggestion>, Error> {
    let names = names(connection, tenant, pairs).await?;
    let context = tenant.context(&api.secret);
    let mut shown = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let ends = (pair.first.id, pair.second.id);
        let refused = decide::merge_refused(connection, context, ends).await?;
        shown.push(MergeSuggestion {
            first: Some(profile(&pair.first, &names)),
            second: Some(profile(&pair.second, &names)),
            score: i32::from(pair.score.probability),
            reasons: pair.score.reasons.iter().map(reason).collect(),
            merge_allowed: refused.is_none(),
            merge_refused_because: refused.unwrap_or_default(),
        });
    }
    Ok(shown)
}

/// The members of a profile that are shown.
fn strongest(profile: &Profile) -> impl Iterator<Item = IdentityKey> {
    let members = profile.members.iter().flat_map(Members::keys);
    members.take(IDENTIFIERS)
}

async fn names(
    connection: &mut PgConnection,
    tenant: &Tenant,
    pairs: &[Pair],
) -> Result<HashMap<IdentityKey, Identifier>, Error> {
    let both = pairs.iter().flat_map(|pair| [&pair.first, &pair.second]);
    let mut keys: Vec<IdentityKey> = both.flat_map(strongest).collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let cards = identity_cards::cards(connection, &tenant.id, &keys).await?;
    let named = cards.into_iter().map(|card| {
        let shown = Identifier {
            namespace: card.identifier.namespace,
            value: card.identifier.value,
        };
        (card.key, shown)
    });
    Ok(named.collect())
}

fn profile(profile: &Profile, names: &HashMap<IdentityKey, Identifier>) -> SuggestedProfile {
    SuggestedProfile {
        profile_id: profile.id.to_string(),
        version: profile.version,
        identifiers: strongest(profile)
            .filter_map(|key| names.get(&key).cloned())
            .collect(),
        identifiers_total: i32::try_from(profile.members_total).unwrap_or(i32::MAX),
    }
}

fn reason(reason: &Reason) -> SuggestionReason {
    let field = match reason.field {
        Field::FamilyName => SuggestionField::FamilyName,
        Field::GivenName => SuggestionField::GivenName,
        Field::BirthDate => SuggestionField::BirthDate,
        Field::Address => SuggestionField::Address,
        Field::Phone => SuggestionField::Phone,
        Field::Email => SuggestionField::Email,
    };
    let agreement = match reason.level {
        Level::Different => SuggestionAgreement::Different,
        Level::Near => SuggestionAgreement::Near,
        Level::Typo => SuggestionAgreement::Typo,
        Level::Close => SuggestionAgreement::Close,
        Level::ExactCommon => SuggestionAgreement::ExactCommon,
        Level::Exact => SuggestionAgreement::Exact,
    };
    SuggestionReason {
        field: field.into(),
        agreement: agreement.into(),
        weight: reason.weight,
        weight_in_household: reason.against_household,
    }
}

impl From<SuggestionCursor> for Point {
    fn from(cursor: SuggestionCursor) -> Self {
        Self {
            profile: cursor.profile_id,
            partner: cursor.partner,
            looked_at: cursor.looked_at,
            total: cursor.total,
        }
    }
}

impl From<Point> for SuggestionCursor {
    fn from(point: Point) -> Self {
        Self {
            profile_id: point.profile,
            partner: point.partner,
            looked_at: point.looked_at,
            total: point.total,
        }
    }
}
