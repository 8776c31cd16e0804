//! Which services there are, and the limits of their messages.

use std::sync::Arc;

use tonic::{codec::CompressionEncoding, service::Routes};

use crate::{
    grpc::{
        Api, identity_service::Identities, interaction_service::Interactions,
        next_best_action_service::NextBestActions, profile_service::Profiles,
        segment_service::SegmentsOf, sentiment_service::Sentiments,
        validate::limits::MAX_MESSAGE_BYTES,
    },
    proto::{
        DESCRIPTORS,
        served::profile_service_server::ProfileServiceServer,
        v1::{
            identity_service_server::IdentityServiceServer,
            interaction_service_server::InteractionServiceServer,
            next_best_action_service_server::NextBestActionServiceServer,
            segment_service_server::SegmentServiceServer,
            sentiment_service_server::SentimentServiceServer,
        },
    },
};

/// All services.
///
/// # Errors
/// When the descriptors of the API are broken.
pub(super) fn routes(api: &Arc<Api>) -> Result<Routes, tonic_reflection::server::Error> {
    let interactions = InteractionServiceServer::new(Interactions(Arc::clone(api)))
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .accept_compressed(CompressionEncoding::Gzip);
    let profiles = ProfileServiceServer::new(Profiles(Arc::clone(api)))
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .accept_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Gzip);
    let identities = IdentityServiceServer::new(Identities(Arc::clone(api)))
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .accept_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Gzip);
    let sentiments = SentimentServiceServer::new(Sentiments(Arc::clone(api)))
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .accept_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Gzip);
    let actions = NextBestActionServiceServer::new(NextBestActions(Arc::clone(api)))
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .accept_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Gzip);
    let segments = SegmentServiceServer::new(SegmentsOf(Arc::clone(api)))
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .accept_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Gzip);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    Ok(Routes::new(interactions)
        .add_service(profiles)
        .add_service(identities)
        .add_service(sentiments)
        .add_service(actions)
        .add_service(segments)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?))
}
