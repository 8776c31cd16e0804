//! `ProfileService`.

use std::sync::Arc;

use prost::bytes::Bytes;
use tonic::{Request, Response, Status};

use super::{
    Api, context,
    get_profile::{self, encoded},
    layers::answers::answered,
    page_token::{self, IdentityCursor, NameCursor, SearchCursor},
    read::{PageOf, Read, not_found},
    replies::{BatchGetProfilesResponse, BatchGetProfilesResult, GetProfileResponse},
    shows_identifiers,
    sight::Sight,
    validate::{self, ProfileMask, limits},
    watch,
};
use crate::{
    auth::{Caller, Permission},
    config::Facts,
    error::Error,
    lookup::{self, Who, search},
    proto::{
        served::profile_service_server::ProfileService,
        v1::{
            BatchGetProfilesRequest, GetProfileRequest, ListIdentifiersRequest,
            ListIdentifiersResponse, ListTraitsRequest, ListTraitsResponse, Profile,
            SearchProfilesRequest, SearchProfilesResponse, WatchProfilesRequest,
        },
    },
    storage::{profile_documents::Document, profiles},
    tenants::Tenant,
};

/// The service.
#[derive(Clone, Debug)]
pub struct Profiles(pub Arc<Api>);

#[tonic::async_trait]
impl ProfileService for Profiles {
    async fn get_profile(
        &self,
        request: Request<GetProfileRequest>,
    ) -> Result<Response<GetProfileResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Read)?;
        answered(
            self.0
                .within(get_profile::get(&self.0, &caller, request.get_ref()))
                .await?,
        )
    }

    async fn batch_get_profiles(
        &self,
        request: Request<BatchGetProfilesRequest>,
    ) -> Result<Response<BatchGetProfilesResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Read)?;
        answered(
            self.0
                .within(batch_get(&self.0, &caller, request.get_ref()))
                .await?,
        )
    }

    async fn list_identifiers(
        &self,
        request: Request<ListIdentifiersRequest>,
    ) -> Result<Response<ListIdentifiersResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Read)?;
        caller.require(Permission::ReadIdentifiers)?;
        answered(
            self.0
                .within(list_identifiers(&self.0, &caller, request.get_ref()))
                .await?,
        )
    }

    async fn list_traits(
        &self,
        request: Request<ListTraitsRequest>,
    ) -> Result<Response<ListTraitsResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Read)?;
        answered(
            self.0
                .within(list_traits(&self.0, &caller, request.get_ref()))
                .await?,
        )
    }

    async fn search_profiles(
        &self,
        request: Request<SearchProfilesRequest>,
    ) -> Result<Response<SearchProfilesResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Read)?;
        answered(
            self.0
                .within(search_profiles(&self.0, &caller, request.get_ref()))
                .await?,
        )
    }

    type WatchProfilesStream = watch::Messages;

    async fn watch_profiles(
        &self,
        request: Request<WatchProfilesRequest>,
    ) -> Result<Response<Self::WatchProfilesStream>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Read)?;
        let messages = watch::begin(Arc::clone(&self.0), caller, request.into_inner()).await?;
        Ok(Response::new(messages))
    }
}

/// What a caller sees of a profile now.
pub(super) async fn show(
    api: &Api,
    tenant: &Tenant,
    sight: &Sight<'_>,
    mask: ProfileMask,
    document: &Document,
) -> Result<Profile, Error> {
    let models = api.tenants.models();
    let moment = (api.moment(tenant), models.get(&tenant.id));
    let mut profile = lookup::document::show_state(document, &tenant.rules, moment, sight);
    if shows_identifiers(sight, mask) {
        profile.identifiers = if lookup::document::is_sifted(&document.profile, sight) {
            let mut connection = api.storage.acquire().await?;
            lookup::document::sifted(&mut connection, &tenant.id, &document.profile, sight).await?
        } else {
            lookup::document::show_cards(document)
        };
    }
    sight.restrict(mask, &mut profile);
    Ok(profile)
}

async fn batch_get(
    api: &Api,
    caller: &Caller,
    request: &BatchGetProfilesRequest,
) -> Result<BatchGetProfilesResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let sight = read.sight;
    let count = read.take(validate::items(
        "lookups",
        request.lookups.len(),
        limits::MAX_LOOKUPS,
    ));
    let who: Vec<Option<Who>> = request
        .lookups
        .iter()
        .take(limits::MAX_LOOKUPS)
        .enumerate()
        .map(|(n, lookup)| read.who(&format!("lookups[{n}]"), Some(lookup)))
        .collect();
    let who: Option<Vec<Who>> = who.into_iter().collect();
    let mask = read.mask("field_mask", request.field_mask.as_ref());
    let wish = read.options(request.read_options.as_ref());
    let (tenant, ((who, mask), ())) = read.finish(who.zip(mask).zip(count))?;
    let answers = api.reader.find_many(&tenant.id, &who, &wish).await?;
    let mut results = Vec::with_capacity(answers.len());
    for answer in &answers {
        let profile = match &answer.found {
            Some((document, _)) => encoded(api, &tenant, (caller, &sight), mask, document).await?,
            None => Bytes::new(),
        };
        results.push(BatchGetProfilesResult {
            profile: Some(profile),
            answered_by: answer.answered_by().and_then(|n| i32::try_from(n).ok()),
        });
    }
    Ok(BatchGetProfilesResponse {
        results,
        read_info: Some(api.answered_from(&tenant, &answers, wish.position())),
        masked_fields: sight.masked(mask),
    })
}

async fn list_identifiers(
    api: &Api,
    caller: &Caller,
    request: &ListIdentifiersRequest,
) -> Result<ListIdentifiersResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let sight = read.sight;
    sight.require(Facts::Identifiers)?;
    let page = read.page::<IdentityCursor>(request, request.lookup.as_ref(), request.page_size);
    let wish = read.options(request.read_options.as_ref());
    let (tenant, PageOf { who, size, after }) = read.finish(page)?;
    let mut connection = api.storage.acquire().await?;
    let found = lookup::find_with(&mut connection, &tenant.id, &who, &wish.tokens)
        .await?
        .ok_or_else(not_found)?;
    let last = after.and_then(|c| Some((u8::try_from(c.position).ok()?, c.key)));
    let admits = |namespace: &str| sight.namespace(namespace);
    let (id, profile) = (&tenant.id, &found.profile);
    let page = lookup::identifiers::page(&mut connection, id, profile, last, size, admits).await?;
    let next = page.next.map(|(rank, key)| IdentityCursor {
        position: i64::from(rank),
        key,
    });
    Ok(ListIdentifiersResponse {
        identifiers: page.cards.iter().map(lookup::document::show).collect(),
        total: sight.identifiers_total(&found.profile),
        next_page_token: next.map_or_else(String::new, |cursor| {
            page_token::encode(&cursor, request, &tenant.id, &api.page_tokens)
        }),
        masked_fields: sight.masked_in_identifiers("total"),
        read_info: Some(api.read_info(&tenant, Some(&found))),
    })
}

async fn list_traits(
    api: &Api,
    caller: &Caller,
    request: &ListTraitsRequest,
) -> Result<ListTraitsResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let sight = read.sight;
    sight.require(Facts::Traits)?;
    let page = read.page::<NameCursor>(request, request.lookup.as_ref(), request.page_size);
    let wish = read.options(request.read_options.as_ref());
    let (tenant, PageOf { who, size, after }) = read.finish(page)?;
    let mut connection = api.storage.acquire().await?;
    let found = lookup::find_with(&mut connection, &tenant.id, &who, &wish.tokens)
        .await?
        .ok_or_else(not_found)?;
    let after = after.as_ref().map(|c| c.name.as_str());
    let mut traits: Vec<_> = found
        .profile
        .state
        .show_traits(&tenant.rules, after)
        .filter(|shown| sight.may_see_trait(&shown.name))
        .take(size + 1)
        .collect();
    let more = traits.len() > size;
    traits.truncate(size);
    let next = traits.last().filter(|_| more).map(|last| NameCursor {
        name: last.name.clone(),
    });
    Ok(ListTraitsResponse {
        traits,
        total: if sight.all_traits() {
            found.profile.state.traits_total()
        } else {
            0
        },
        next_page_token: next.map_or_else(String::new, |cursor| {
            page_token::encode(&cursor, request, &tenant.id, &api.page_tokens)
        }),
        masked_fields: sight.masked_in_traits(),
        read_info: Some(api.read_info(&tenant, Some(&found))),
    })
}

async fn search_profiles(
    api: &Api,
    caller: &Caller,
    request: &SearchProfilesRequest,
) -> Result<SearchProfilesResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let sight = read.sight;
    sight.searching_by(&request.traits)?;
    let criteria = read.take(validate::search(request));
    let size = read.size(request.page_size, 20, 100);
    let cursor = read.cursor::<SearchCursor>(request);
    let mask = read.mask("field_mask", request.field_mask.as_ref());
    read.options(request.read_options.as_ref());
    let (tenant, (((criteria, size), cursor), mask)) =
        read.finish(criteria.zip(size).zip(cursor).zip(mask))?;
    let mut connection = api.storage.acquire().await?;
    let context = search::Context {
        tenant: &tenant.id,
        rules: &tenant.rules,
        secret: &api.secret,
    };
    let criteria = search::Criteria {
        traits: criteria.traits,
        from: criteria.from,
        before: criteria.before,
    };
    let after = cursor.map(|cursor| match cursor {
        SearchCursor::ByTrait { identity } => search::Point::Identity(identity),
        SearchCursor::ByDay { day, profile_id } => search::Point::Day(day, profile_id),
    });
    let page = search::search(&mut connection, context, &criteria, after, size).await?;
    let found: Vec<&profiles::Profile> = page.profiles.iter().collect();
    let with_identifiers = shows_identifiers(&sight, mask);
    let models = api.tenants.models();
    let mut profiles = lookup::document(
        &mut connection,
        &tenant.id,
        &tenant.rules,
        &found,
        (api.moment(&tenant), models.get(&tenant.id)),
        with_identifiers,
        &sight,
    )
    .await?;
    for profile in &mut profiles {
        sight.restrict(mask, profile);
    }
    let next_page_token = page.next.map_or_else(String::new, |point| {
        let cursor = match point {
            search::Point::Identity(identity) => SearchCursor::ByTrait { identity },
            search::Point::Day(day, profile_id) => SearchCursor::ByDay { day, profile_id },
        };
        page_token::encode(&cursor, request, &tenant.id, &api.page_tokens)
    });
    Ok(SearchProfilesResponse {
        profiles,
        next_page_token,
        read_info: Some(api.primary(String::new())),
        masked_fields: sight.masked(mask),
    })
}
