//! `NextBestActionService`: which permission each call needs, and who carries it out.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{Api, catalogue, context, figures, layers::answers::answered, offers};
use crate::{
    auth::Permission,
    proto::v1::{
        CreateActionRequest, CreateActionResponse, EvaluatePolicyRequest, EvaluatePolicyResponse,
        ExplainDecisionRequest, ExplainDecisionResponse, ExportActionsRequest,
        ExportActionsResponse, GetActionRequest, GetActionResponse, GetActionStatsRequest,
        GetActionStatsResponse, GetLiftRequest, GetLiftResponse, GetNextBestActionsRequest,
        GetNextBestActionsResponse, ImportActionsRequest, ImportActionsResponse,
        ListActionsRequest, ListActionsResponse, PauseActionRequest, PauseActionResponse,
        RecordOutcomesRequest, RecordOutcomesResponse, ReplayDecisionRequest,
        ReplayDecisionResponse, ResumeActionRequest, ResumeActionResponse, RetireActionRequest,
        RetireActionResponse, UpdateActionRequest, UpdateActionResponse,
        next_best_action_service_server::NextBestActionService,
    },
};

/// The service.
#[derive(Clone, Debug)]
pub struct NextBestActions(pub Arc<Api>);

#[tonic::async_trait]
impl NextBestActionService for NextBestActions {
    async fn get_next_best_actions(
        &self,
        request: Request<GetNextBestActionsRequest>,
    ) -> Result<Response<GetNextBestActionsResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Decide)?;
        let work = offers::get(&self.0, &caller, request.get_ref());
        // What a decision is made from is large for a future.
        answered(Box::pin(self.0.within(work)).await?)
    }

    async fn record_outcomes(
        &self,
        request: Request<RecordOutcomesRequest>,
    ) -> Result<Response<RecordOutcomesResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Record)?;
        let work = offers::record(&self.0, &caller, request.get_ref());
        answered(self.0.within(work).await?)
    }

    async fn explain_decision(
        &self,
        request: Request<ExplainDecisionRequest>,
    ) -> Result<Response<ExplainDecisionResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Decide)?;
        caller.require(Permission::Read)?;
        let work = offers::explain(&self.0, &caller, request.get_ref());
        answered(self.0.within(work).await?)
    }

    async fn replay_decision(
        &self,
        request: Request<ReplayDecisionRequest>,
    ) -> Result<Response<ReplayDecisionResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Decide)?;
        caller.require(Permission::Read)?;
        let work = offers::replay(&self.0, &caller, request.get_ref());
        answered(self.0.within(work).await?)
    }

    async fn get_action_stats(
        &self,
        request: Request<GetActionStatsRequest>,
    ) -> Result<Response<GetActionStatsResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Decide)?;
        // Each of its statements is bounded by itself.
        answered(figures::stats(&self.0, &caller, request.get_ref()).await?)
    }

    async fn get_lift(
        &self,
        request: Request<GetLiftRequest>,
    ) -> Result<Response<GetLiftResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Decide)?;
        // As above.
        answered(figures::lift(&self.0, &caller, request.get_ref()).await?)
    }

    async fn evaluate_policy(
        &self,
        request: Request<EvaluatePolicyRequest>,
    ) -> Result<Response<EvaluatePolicyResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Administer)?;
        // As above.
        answered(Box::pin(figures::evaluate(&self.0, &caller, request.get_ref())).await?)
    }

    async fn create_action(
        &self,
        request: Request<CreateActionRequest>,
    ) -> Result<Response<CreateActionResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Administer)?;
        let work = catalogue::create(&self.0, &caller, request.get_ref());
        answered(self.0.within(work).await?)
    }

    async fn update_action(
        &self,
        request: Request<UpdateActionRequest>,
    ) -> Result<Response<UpdateActionResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Administer)?;
        let work = catalogue::update(&self.0, &caller, request.get_ref());
        answered(self.0.within(work).await?)
    }

    async fn pause_action(
        &self,
        request: Request<PauseActionRequest>,
    ) -> Result<Response<PauseActionResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Administer)?;
        let work = catalogue::pause(&self.0, &caller, request.get_ref());
        answered(self.0.within(work).await?)
    }

    async fn resume_action(
        &self,
        request: Request<ResumeActionRequest>,
    ) -> Result<Response<ResumeActionResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Administer)?;
        let work = catalogue::resume(&self.0, &caller, request.get_ref());
        answered(self.0.within(work).await?)
    }

    async fn retire_action(
        &self,
        request: Request<RetireActionRequest>,
    ) -> Result<Response<RetireActionResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Administer)?;
        let work = catalogue::retire(&self.0, &caller, request.get_ref());
        answered(self.0.within(work).await?)
    }

    async fn get_action(
        &self,
        request: Request<GetActionRequest>,
    ) -> Result<Response<GetActionResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Decide)?;
        let work = catalogue::get(&self.0, &caller, request.get_ref());
        answered(self.0.within(work).await?)
    }

    async fn list_actions(
        &self,
        request: Request<ListActionsRequest>,
    ) -> Result<Response<ListActionsResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Decide)?;
        let work = catalogue::list(&self.0, &caller, request.get_ref());
        answered(self.0.within(work).await?)
    }

    async fn import_actions(
        &self,
        request: Request<ImportActionsRequest>,
    ) -> Result<Response<ImportActionsResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Administer)?;
        let work = catalogue::import(&self.0, &caller, request.get_ref());
        answered(self.0.within(work).await?)
    }

    async fn export_actions(
        &self,
        request: Request<ExportActionsRequest>,
    ) -> Result<Response<ExportActionsResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Decide)?;
        let work = catalogue::export(&self.0, &caller, request.get_ref());
        answered(self.0.within(work).await?)
    }
}
