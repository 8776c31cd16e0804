//! `SegmentService`: which permission each call needs, and who carries it out.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::{Api, context, layers::answers::answered, segments};
use crate::{
    auth::Permission,
    proto::v1::{
        GetSegmentsRequest, GetSegmentsResponse, ListSegmentsRequest, ListSegmentsResponse,
        PreviewSegmentRequest, PreviewSegmentResponse, segment_service_server::SegmentService,
    },
};

/// The service.
#[derive(Clone, Debug)]
pub struct SegmentsOf(pub Arc<Api>);

#[tonic::async_trait]
impl SegmentService for SegmentsOf {
    async fn list_segments(
        &self,
        request: Request<ListSegmentsRequest>,
    ) -> Result<Response<ListSegmentsResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Decide)?;
        let work = segments::list(&self.0, &caller, request.get_ref().with_members);
        answered(self.0.within(work).await?)
    }

    async fn get_segments(
        &self,
        request: Request<GetSegmentsRequest>,
    ) -> Result<Response<GetSegmentsResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Read)?;
        let work = segments::get(&self.0, &caller, request.get_ref());
        answered(self.0.within(work).await?)
    }

    async fn preview_segment(
        &self,
        request: Request<PreviewSegmentRequest>,
    ) -> Result<Response<PreviewSegmentResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Administer)?;
        let work = segments::preview(&self.0, &caller, request.get_ref());
        answered(self.0.within(work).await?)
    }
}
