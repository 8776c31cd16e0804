//! `IdentityService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{
    Api, context, decisions,
    layers::answers::answered,
    read::{Read, answered_by, not_found},
    rules, suggestions, validate,
};
use crate::{
    auth::{Caller, Permission},
    config::Facts,
    error::Error,
    explain,
    ingest::Ruling,
    lookup, picture,
    proto::v1::{
        ApplyRulesRequest, ApplyRulesResponse, ExplainIdentityRequest, ExplainIdentityResponse,
        GetRulesRequest, GetRulesResponse, MergeProfilesRequest, MergeProfilesResponse,
        PreviewRulesRequest, PreviewRulesResponse, SeparateIdentifiersRequest,
        SeparateIdentifiersResponse, SuggestMergesRequest, SuggestMergesResponse,
        UndoDecisionRequest, UndoDecisionResponse, identity_service_server::IdentityService,
    },
};

/// The service.
#[derive(Clone, Debug)]
pub struct Identities(pub Arc<Api>);

#[tonic::async_trait]
impl IdentityService for Identities {
    async fn merge_profiles(
        &self,
        request: Request<MergeProfilesRequest>,
    ) -> Result<Response<MergeProfilesResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Steward)?;
        answered(
            self.0
                .within(decisions::merge(&self.0, &caller, request.get_ref()))
                .await?,
        )
    }

    async fn separate_identifiers(
        &self,
        request: Request<SeparateIdentifiersRequest>,
    ) -> Result<Response<SeparateIdentifiersResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Steward)?;
        answered(
            self.0
                .within(decisions::separate(&self.0, &caller, request.get_ref()))
                .await?,
        )
    }

    async fn undo_decision(
        &self,
        request: Request<UndoDecisionRequest>,
    ) -> Result<Response<UndoDecisionResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Steward)?;
        answered(
            self.0
                .within(decisions::undo(&self.0, &caller, request.get_ref()))
                .await?,
        )
    }

    async fn get_rules(
        &self,
        request: Request<GetRulesRequest>,
    ) -> Result<Response<GetRulesResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Steward)?;
        answered(
            self.0
                .within(rules::get(&self.0, &caller, request.get_ref()))
                .await?,
        )
    }

    async fn preview_rules(
        &self,
        request: Request<PreviewRulesRequest>,
    ) -> Result<Response<PreviewRulesResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Steward)?;
        // It takes its time; each of its statements is bounded by itself.
        answered(rules::preview(&self.0, &caller, request.get_ref()).await?)
    }

    async fn apply_rules(
        &self,
        request: Request<ApplyRulesRequest>,
    ) -> Result<Response<ApplyRulesResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Administer)?;
        answered(
            self.0
                .within(rules::apply(&self.0, &caller, request.get_ref()))
                .await?,
        )
    }

    async fn suggest_merges(
        &self,
        request: Request<SuggestMergesRequest>,
    ) -> Result<Response<SuggestMergesResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Steward)?;
        caller.require(Permission::ReadIdentifiers)?;
        answered(
            self.0
                .within(suggestions::suggest(&self.0, &caller, request.get_ref()))
                .await?,
        )
    }

    async fn explain_identity(
        &self,
        request: Request<ExplainIdentityRequest>,
    ) -> Result<Response<ExplainIdentityResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Read)?;
        caller.require(Permission::ReadIdentifiers)?;
        answered(
            self.0
                .within(explain_identity(&self.0, &caller, request.get_ref()))
                .await?,
        )
    }
}

async fn explain_identity(
    api: &Api,
    caller: &Caller,
    request: &ExplainIdentityRequest,
) -> Result<ExplainIdentityResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let sight = read.sight;
    sight.require(Facts::Identifiers)?;
    let who = read.who("lookup", request.lookup.as_ref());
    let wish = read.options(request.read_options.as_ref());
    let format = read.take(validate::picture_format(request.picture_format));
    let (tenant, (who, format)) = read.finish(who.zip(format))?;
    let mut snapshot = api.storage.begin_snapshot().await?;
    let found = lookup::find_with(&mut snapshot, &tenant.id, &who, &wish.tokens)
        .await?
        .ok_or_else(not_found)?;
    let ruling = Ruling::read(&mut snapshot, &tenant.id).await?;
    let context = tenant.context(&api.secret).under(ruling.as_ref());
    let why = explain::explain(&mut snapshot, context, &found.profile, &sight).await?;
    drop(snapshot);
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let mut answer = ExplainIdentityResponse {
        profile_id: found.profile.id.to_string(),
        version: found.profile.version,
        answered_by: answered_by(&found),
        identifiers: why.identifiers,
        identifiers_total: sight.identifiers_total(&found.profile),
        links: why.links,
        links_total: count(why.links_total),
        read_info: Some(api.read_info(&tenant, Some(&found))),
        masked_fields: sight.masked_in_graph(context.rules),
        cuts: why.cuts,
        cuts_total: count(why.cuts_total),
        cuts_unknown: why.cuts_unknown,
        decisions: why.decisions,
        decisions_total: count(why.decisions_total),
        picture: String::new(),
        rules_revision: found.profile.rules,
        rules_in_force: context.revision,
    };
    answer.picture = picture::draw(&answer, format);
    Ok(answer)
}
