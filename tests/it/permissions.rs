//! What each call needs, and what is masked from whom.

use customer_profile::proto::v1::{
    AnalyzeTextRequest, ApplyRulesRequest, BatchGetProfilesRequest, ExplainIdentityRequest,
    GetExperienceMetricsRequest, GetRulesRequest, GetSentimentHistoryRequest,
    ListIdentifiersRequest, ListTraitsRequest, MergeProfilesRequest, PreviewRulesRequest,
    ReanalyzeInteractionsRequest, SearchProfilesRequest, SeparateIdentifiersRequest,
    StreamInteractionsRequest, SuggestMergesRequest, UndoDecisionRequest, apply_rules_request,
    identity_service_client::IdentityServiceClient,
    interaction_service_client::InteractionServiceClient, preview_rules_request,
    profile_service_client::ProfileServiceClient, sentiment_service_client::SentimentServiceClient,
};
use futures_util::stream;
use tonic::{Code, Status, transport::Channel};

use crate::harness::{
    Service,
    calls::{getting, listing, recording, retracting},
    make,
    refused::refused,
    service::with_metadata,
};

pub const WHO: &str = "email=a@example.com";
pub const CALLS: [(&str, &[&str]); 21] = [
    ("RecordInteractions", &["record"]),
    ("StreamInteractions", &["record"]),
    ("ListInteractions", &["read"]),
    ("RetractInteractions", &["steward"]),
    ("GetProfile", &["read"]),
    ("BatchGetProfiles", &["read"]),
    ("ListIdentifiers", &["read", "read_identifiers"]),
    ("ListTraits", &["read"]),
    ("SearchProfiles", &["read"]),
    ("ExplainIdentity", &["read", "read_identifiers"]),
    ("SuggestMerges", &["steward", "read_identifiers"]),
    ("MergeProfiles", &["steward"]),
    ("SeparateIdentifiers", &["steward"]),
    ("UndoDecision", &["steward"]),
    ("GetRules", &["steward"]),
    ("PreviewRules", &["steward"]),
    ("ApplyRules", &["administer"]),
    ("AnalyzeText", &["read"]),
    ("GetSentimentHistory", &["read"]),
    ("GetExperienceMetrics", &["read"]),
    ("ReanalyzeInteractions", &["administer"]),
];
pub const PERMISSIONS: [&str; 7] = [
    "record",
    "read",
    "read_identifiers",
    "read_text",
    "steward",
    "decide",
    "administer",
];

/// Makes a call that succeeds for whoever may make it.
async fn call(service: &Service, name: &str, permissions: &str) -> Result<(), Status> {
    call_with(service.channel(), name, &[("x-permissions", permissions)]).await
}

/// The same over any connection, with any metadata.
pub async fn call_with(
    channel: Channel,
    name: &str,
    allowed: &[(&'static str, &str)],
) -> Result<(), Status> {
    let mut interactions = InteractionServiceClient::new(channel.clone());
    let mut profiles = ProfileServiceClient::new(channel.clone());
    let lookup = make::by(WHO);
    match name {
        "RecordInteractions" => {
            let request = recording(vec![make::seen("1", 0, &[WHO])]);
            let request = with_metadata(request, allowed);
            interactions.record_interactions(request).await.map(drop)
        }
        "StreamInteractions" => {
            let one = StreamInteractionsRequest {
                sequence: 1,
                interactions: vec![make::seen("1", 0, &[WHO])],
                run_id: None,
            };
            let request = with_metadata(stream::iter([one]), allowed);
            let answer = interactions.stream_interactions(request).await?;
            answer.into_inner().message().await.map(drop)
        }
        "ListInteractions" => {
            let request = with_metadata(listing(WHO), allowed);
            interactions.list_interactions(request).await.map(drop)
        }
        "RetractInteractions" => {
            let request = with_metadata(retracting("op", &["unknown"]), allowed);
            interactions.retract_interactions(request).await.map(drop)
        }
        "GetProfile" => {
            let request = with_metadata(getting(WHO), allowed);
            profiles.get_profile(request).await.map(drop)
        }
        "BatchGetProfiles" => {
            let request = BatchGetProfilesRequest {
                lookups: lookup.into_iter().collect(),
                ..BatchGetProfilesRequest::default()
            };
            let request = with_metadata(request, allowed);
            profiles.batch_get_profiles(request).await.map(drop)
        }
        "ListIdentifiers" => {
            let request = ListIdentifiersRequest {
                lookup,
                ..ListIdentifiersRequest::default()
            };
            let request = with_metadata(request, allowed);
            profiles.list_identifiers(request).await.map(drop)
        }
        "ListTraits" => {
            let request = ListTraitsRequest {
                lookup,
                ..ListTraitsRequest::default()
            };
            profiles
                .list_traits(with_metadata(request, allowed))
                .await
                .map(drop)
        }
        "SearchProfiles" => {
            let request = SearchProfilesRequest {
                last_seen_from: make::at(0),
                ..SearchProfilesRequest::default()
            };
            let request = with_metadata(request, allowed);
            profiles.search_profiles(request).await.map(drop)
        }
        "MergeProfiles"
        | "SeparateIdentifiers"
        | "UndoDecision"
        | "GetRules"
        | "PreviewRules"
        | "ApplyRules" => decide(channel, name, allowed).await,
        "ExplainIdentity" => {
            let request = ExplainIdentityRequest {
                lookup,
                ..ExplainIdentityRequest::default()
            };
            let request = with_metadata(request, allowed);
            let mut identities = IdentityServiceClient::new(channel);
            identities.explain_identity(request).await.map(drop)
        }
        "SuggestMerges" => {
            let request = SuggestMergesRequest {
                lookup,
                ..SuggestMergesRequest::default()
            };
            let request = with_metadata(request, allowed);
            let mut identities = IdentityServiceClient::new(channel);
            identities.suggest_merges(request).await.map(drop)
        }
        "AnalyzeText"
        | "GetSentimentHistory"
        | "GetExperienceMetrics"
        | "ReanalyzeInteractions" => feel(channel, name, allowed).await,
        other => panic!("no call {other}"),
    }
}

async fn feel(
    channel: Channel,
    name: &str,
    allowed: &[(&'static str, &str)],
) -> Result<(), Status> {
    let mut sentiments = SentimentServiceClient::new(channel);
    match name {
        "AnalyzeText" => {
            let request = AnalyzeTextRequest {
                texts: vec!["It broke.".to_owned()],
                channel: String::new(),
            };
            let request = with_metadata(request, allowed);
            sentiments.analyze_text(request).await.map(drop)
        }
        "GetSentimentHistory" => {
            let request = GetSentimentHistoryRequest {
                lookup: make::by(WHO),
                ..GetSentimentHistoryRequest::default()
            };
            let request = with_metadata(request, allowed);
            sentiments.get_sentiment_history(request).await.map(drop)
        }
        "GetExperienceMetrics" => {
            let request = GetExperienceMetricsRequest::default();
            let request = with_metadata(request, allowed);
            sentiments.get_experience_metrics(request).await.map(drop)
        }
        _ => {
            let request = ReanalyzeInteractionsRequest {
                operation_id: "again".to_owned(),
            };
            let request = with_metadata(request, allowed);
            sentiments.reanalyze_interactions(request).await.map(drop)
        }
    }
}

async fn decide(
    channel: Channel,
    name: &str,
    allowed: &[(&'static str, &str)],
) -> Result<(), Status> {
    let lookup = make::by(WHO);
    let mut identities = IdentityServiceClient::new(channel);
    match name {
        "MergeProfiles" => {
            let request = MergeProfilesRequest {
                operation_id: "merge".into(),
                target: lookup.clone(),
                source: lookup,
                ..MergeProfilesRequest::default()
            };
            let request = with_metadata(request, allowed);
            considered(identities.merge_profiles(request).await)
        }
        "SeparateIdentifiers" => {
            let request = SeparateIdentifiersRequest {
                operation_id: "separate".into(),
                identifiers: vec![make::identifier(WHO)],
                ..SeparateIdentifiersRequest::default()
            };
            let request = with_metadata(request, allowed);
            considered(identities.separate_identifiers(request).await)
        }
        "GetRules" => {
            let request = with_metadata(GetRulesRequest {}, allowed);
            identities.get_rules(request).await.map(drop)
        }
        "PreviewRules" => {
            let request = PreviewRulesRequest {
                change: Some(preview_rules_request::Change::Revision(1)),
                ..PreviewRulesRequest::default()
            };
            let request = with_metadata(request, allowed);
            considered(identities.preview_rules(request).await)
        }
        "ApplyRules" => {
            let request = ApplyRulesRequest {
                operation_id: "apply".into(),
                change: Some(apply_rules_request::Change::Revision(1)),
                ..ApplyRulesRequest::default()
            };
            let request = with_metadata(request, allowed);
            considered(identities.apply_rules(request).await)
        }
        _ => {
            let request = UndoDecisionRequest {
                operation_id: "undo".into(),
                decision_operation_id: "merge".into(),
                ..UndoDecisionRequest::default()
            };
            let request = with_metadata(request, allowed);
            considered(identities.undo_decision(request).await)
        }
    }
}

/// A decision was permitted, whether or not there is anything to decide.
fn considered<T>(answer: Result<T, Status>) -> Result<(), Status> {
    match answer {
        Err(status) if !matches!(status.code(), Code::FailedPrecondition | Code::NotFound) => {
            Err(status)
        }
        _ => Ok(()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_the_api_is_in_the_table() {
    let set = prost_reflect::DescriptorPool::decode(customer_profile::proto::DESCRIPTORS).unwrap();
    let mut described: Vec<String> = set
        .services()
        .filter(|service| service.full_name().starts_with("customer_profile."))
        .flat_map(|service| {
            service
                .methods()
                .map(|m| m.name().to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    described.sort();
    let mut named: Vec<&str> = CALLS.iter().map(|(name, _)| *name).collect();
    named.sort_unstable();
    assert_eq!(described, named);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_needs_its_own_permissions_and_no_other() {
    let service = Service::start().await;
    service.record_all(vec![make::seen("1", 0, &[WHO])]).await;
    for (name, needed) in CALLS {
        call(&service, name, &needed.join(",")).await.unwrap();
        for lacking in needed {
            let others: Vec<&str> = PERMISSIONS.into_iter().filter(|p| p != lacking).collect();
            let status = call(&service, name, &others.join(",")).await.unwrap_err();
            let details = refused(&status, Code::PermissionDenied, "permission_denied");
            let info = details.error_info().unwrap();
            assert_eq!(info.metadata.get("permission").unwrap(), lacking, "{name}");
        }
        let status = call(&service, name, "").await.unwrap_err();
        refused(&status, Code::PermissionDenied, "permission_denied");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_do_something_learns_nothing_of_the_request() {
    let service = Service::start().await;
    let request = with_metadata(recording(Vec::new()), &[("x-permissions", "read")]);
    let status = service.interactions().record_interactions(request).await;
    refused(
        &status.unwrap_err(),
        Code::PermissionDenied,
        "permission_denied",
    );
    let request = with_metadata(
        getting("email=nobody@example.com"),
        &[("x-permissions", "record")],
    );
    let status = service.profiles().get_profile(request).await;
    refused(
        &status.unwrap_err(),
        Code::PermissionDenied,
        "permission_denied",
    );
    service.stop().await;
}
