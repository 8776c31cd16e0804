//! `IdentityService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{
    Api, context, decisions,
    layers::answers::answered,
    read::{Read, answered_by, not_found},
    rules,
};
use crate::{
    auth::{Caller, Permission},
    config::Facts,
    error::Error,
    lookup::{self, explain},
    proto::v1::{
        ApplyRulesRequest, ApplyRulesResponse, ExplainIdentityRequest, ExplainIdentityResponse,
        GetRulesRequest, GetRulesResponse, Interaction, MergeProfilesRequest,
        MergeProfilesResponse, PreviewRulesRequest, PreviewRulesResponse,
        SeparateIdentifiersRequest, SeparateIdentifiersResponse, UndoDecisionRequest,
        UndoDecisionResponse, identity_service_server::IdentityService,
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
    read.options(request.read_options.as_ref());
    let (tenant, who) = read.finish(who)?;
    let mut connection = api.storage.acquire().await?;
    let found = lookup::find(&mut connection, &tenant.id, &who)
        .await?
        .ok_or_else(not_found)?;
    let shows = |interaction: &Interaction| sight.may_see_as_evidence(interaction);
    let (id, profile) = (&tenant.id, &found.profile);
    let graph = explain::graph(&mut connection, id, profile, &sight, shows).await?;
    Ok(ExplainIdentityResponse {
        profile_id: found.profile.id.to_string(),
        version: found.profile.version,
        answered_by: answered_by(&found),
        identifiers: graph.identifiers,
        identifiers_total: sight.identifiers_total(&found.profile),
        links: graph.links,
        links_total: i32::try_from(graph.links_total).unwrap_or(i32::MAX),
        read_info: Some(api.read_info(&tenant, Some(&found))),
        masked_fields: sight.masked_in_graph(),
    })
}
