//! `SentimentService`.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{
    Api, context, experience, layers::answers::answered, reanalysis::reanalyze, sentiment_history,
    validate,
};
use crate::{
    auth::{Caller, Permission},
    error::Error,
    proto::v1::{
        AnalyzeTextRequest, AnalyzeTextResponse, GetExperienceMetricsRequest,
        GetExperienceMetricsResponse, GetSentimentHistoryRequest, GetSentimentHistoryResponse,
        ReanalyzeInteractionsRequest, ReanalyzeInteractionsResponse,
        sentiment_service_server::SentimentService,
    },
};

/// The service.
#[derive(Clone, Debug)]
pub struct Sentiments(pub Arc<Api>);

#[tonic::async_trait]
impl SentimentService for Sentiments {
    async fn analyze_text(
        &self,
        request: Request<AnalyzeTextRequest>,
    ) -> Result<Response<AnalyzeTextResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Read)?;
        answered(
            self.0
                .within(analyze(&self.0, &caller, request.get_ref()))
                .await?,
        )
    }

    async fn get_sentiment_history(
        &self,
        request: Request<GetSentimentHistoryRequest>,
    ) -> Result<Response<GetSentimentHistoryResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Read)?;
        answered(
            self.0
                .within(sentiment_history::history(
                    &self.0,
                    &caller,
                    request.get_ref(),
                ))
                .await?,
        )
    }

    async fn get_experience_metrics(
        &self,
        request: Request<GetExperienceMetricsRequest>,
    ) -> Result<Response<GetExperienceMetricsResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Read)?;
        answered(
            self.0
                .within(experience::metrics(&self.0, &caller, request.get_ref()))
                .await?,
        )
    }

    async fn reanalyze_interactions(
        &self,
        request: Request<ReanalyzeInteractionsRequest>,
    ) -> Result<Response<ReanalyzeInteractionsResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Administer)?;
        answered(
            self.0
                .within(reanalyze(&self.0, &caller, request.get_ref()))
                .await?,
        )
    }
}

async fn analyze(
    api: &Api,
    caller: &Caller,
    request: &AnalyzeTextRequest,
) -> Result<AnalyzeTextResponse, Error> {
    let mut wrong = validate::Violations::default();
    let checked = wrong.take(validate::texts(request));
    let () = wrong.finish(checked).map_err(Error::Invalid)?;
    let tenant = api.tenants.get(&caller.tenant).await?;
    let mut analyses = Vec::with_capacity(request.texts.len());
    for text in &request.texts {
        analyses.push(tenant.listening.read(text, &request.channel));
        // A hundred long texts take some milliseconds, and others wait for this thread.
        tokio::task::yield_now().await;
    }
    Ok(AnalyzeTextResponse { analyses })
}
