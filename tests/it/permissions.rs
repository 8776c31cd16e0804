//! What each call needs, and what is masked from whom.

use customer_profile::proto::v1::{
    AnalyzeTextRequest, ApplyRulesRequest, BatchGetProfilesRequest, CreateActionRequest,
    EvaluatePolicyRequest, ExplainDecisionRequest, ExplainIdentityRequest, ExportActionsRequest,
    GetActionRequest, GetActionStatsRequest, GetExperienceMetricsRequest, GetLiftRequest,
    GetNextBestActionsRequest, GetRulesRequest, GetSegmentsRequest, GetSentimentHistoryRequest,
    ImportActionsRequest, ListActionsRequest, ListIdentifiersRequest, ListSegmentsRequest,
    ListTraitsRequest, MergeProfilesRequest, OutcomeEvent, PauseActionRequest, PlacementRequest,
    PreviewRulesRequest, PreviewSegmentRequest, ReanalyzeInteractionsRequest,
    RecordOutcomesRequest, ReplayDecisionRequest, ResumeActionRequest, RetireActionRequest,
    SearchProfilesRequest, SeparateIdentifiersRequest, StreamInteractionsRequest,
    SuggestMergesRequest, UndoDecisionRequest, UpdateActionRequest, WatchProfilesRequest,
    apply_rules_request, identity_service_client::IdentityServiceClient,
    interaction_service_client::InteractionServiceClient,
    next_best_action_service_client::NextBestActionServiceClient, preview_rules_request,
    profile_service_client::ProfileServiceClient, segment_service_client::SegmentServiceClient,
    sentiment_service_client::SentimentServiceClient,
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
pub const CALLS: [(&str, &[&str]); 41] = [
    ("RecordInteractions", &["record"]),
    ("StreamInteractions", &["record"]),
    ("ListInteractions", &["read"]),
    ("RetractInteractions", &["steward"]),
    ("GetProfile", &["read"]),
    ("BatchGetProfiles", &["read"]),
    ("ListIdentifiers", &["read", "read_identifiers"]),
    ("ListTraits", &["read"]),
    ("SearchProfiles", &["read"]),
    ("WatchProfiles", &["read"]),
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
    ("ImportActions", &["administer"]),
    ("CreateAction", &["administer"]),
    ("UpdateAction", &["administer"]),
    ("PauseAction", &["administer"]),
    ("ResumeAction", &["administer"]),
    ("RetireAction", &["administer"]),
    ("GetAction", &["decide"]),
    ("ListActions", &["decide"]),
    ("ExportActions", &["decide"]),
    ("GetNextBestActions", &["decide"]),
    ("RecordOutcomes", &["record"]),
    ("ExplainDecision", &["decide", "read"]),
    ("ReplayDecision", &["decide", "read"]),
    ("GetActionStats", &["decide"]),
    ("GetLift", &["decide"]),
    ("EvaluatePolicy", &["administer"]),
    ("ListSegments", &["decide"]),
    ("GetSegments", &["read"]),
    ("PreviewSegment", &["administer"]),
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
            let request = with_metadata(recording(vec![make::seen("1", 0, &[WHO])]), allowed);
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
        "WatchProfiles" => watched(profiles, WatchProfilesRequest::default(), allowed).await,
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
        name if name.contains("Segment") => sort(channel, name, allowed).await,
        _ => act(channel, name, allowed).await,
    }
}

async fn sort(
    channel: Channel,
    name: &str,
    allowed: &[(&'static str, &str)],
) -> Result<(), Status> {
    let mut segments = SegmentServiceClient::new(channel);
    match name {
        "ListSegments" => {
            let request = with_metadata(ListSegmentsRequest::default(), allowed);
            segments.list_segments(request).await.map(drop)
        }
        "GetSegments" => {
            let request = GetSegmentsRequest {
                lookup: make::by(WHO),
                ..GetSegmentsRequest::default()
            };
            let request = with_metadata(request, allowed);
            segments.get_segments(request).await.map(drop)
        }
        _ => {
            let request = PreviewSegmentRequest {
                rule: "known".into(),
                ..PreviewSegmentRequest::default()
            };
            let request = with_metadata(request, allowed);
            segments.preview_segment(request).await.map(drop)
        }
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

/// The first message of a watch.
async fn watched(
    mut profiles: ProfileServiceClient<Channel>,
    request: WatchProfilesRequest,
    allowed: &[(&'static str, &str)],
) -> Result<(), Status> {
    let answer = profiles
        .watch_profiles(with_metadata(request, allowed))
        .await?;
    answer.into_inner().message().await.map(drop)
}

/// A call that decides.
async fn offer(
    mut actions: NextBestActionServiceClient<Channel>,
    name: &str,
    allowed: &[(&'static str, &str)],
) -> Result<(), Status> {
    match name {
        "GetNextBestActions" => {
            let place = PlacementRequest {
                placement: "web_home_hero".into(),
                channel: "web".into(),
                count: 1,
            };
            let request = GetNextBestActionsRequest {
                placements: vec![place],
                ..GetNextBestActionsRequest::default()
            };
            let request = with_metadata(request, allowed);
            considered(actions.get_next_best_actions(request).await)
        }
        "RecordOutcomes" => {
            let request = RecordOutcomesRequest {
                outcomes: vec![OutcomeEvent::default()],
            };
            let request = with_metadata(request, allowed);
            actions.record_outcomes(request).await.map(drop)
        }
        "ExplainDecision" => {
            let request = ExplainDecisionRequest {
                decision_id: name.to_owned(),
                ..ExplainDecisionRequest::default()
            };
            considered(
                actions
                    .explain_decision(with_metadata(request, allowed))
                    .await,
            )
        }
        "ReplayDecision" => {
            let request = ReplayDecisionRequest {
                decision_id: name.to_owned(),
            };
            considered(
                actions
                    .replay_decision(with_metadata(request, allowed))
                    .await,
            )
        }
        "GetActionStats" => {
            let request = with_metadata(GetActionStatsRequest::default(), allowed);
            considered(actions.get_action_stats(request).await)
        }
        "GetLift" => {
            let request = with_metadata(GetLiftRequest::default(), allowed);
            considered(actions.get_lift(request).await)
        }
        "EvaluatePolicy" => {
            let request = with_metadata(EvaluatePolicyRequest::default(), allowed);
            considered(actions.evaluate_policy(request).await)
        }
        other => panic!("no call {other}"),
    }
}

/// A call of the catalogue, on which nothing is there yet.
async fn act(channel: Channel, name: &str, allowed: &[(&'static str, &str)]) -> Result<(), Status> {
    let mut actions = NextBestActionServiceClient::new(channel);
    let (operation_id, action_id) = (name.to_owned(), "gloves".to_owned());
    let definition = Some(crate::catalogue::gloves());
    match name {
        "ImportActions" => {
            let request = ImportActionsRequest {
                operation_id,
                documents: vec!["catalogue: 1\n".to_owned()],
                dry_run: true,
                ..ImportActionsRequest::default()
            };
            // There is no policy yet.
            let answer = actions
                .import_actions(with_metadata(request, allowed))
                .await;
            match answer {
                Err(status) if status.code() == Code::InvalidArgument => Ok(()),
                other => other.map(drop),
            }
        }
        "CreateAction" => {
            let request = CreateActionRequest {
                operation_id,
                definition,
                ..CreateActionRequest::default()
            };
            considered(actions.create_action(with_metadata(request, allowed)).await)
        }
        "UpdateAction" => {
            let request = UpdateActionRequest {
                operation_id,
                definition,
                ..UpdateActionRequest::default()
            };
            considered(actions.update_action(with_metadata(request, allowed)).await)
        }
        "PauseAction" => {
            let request = PauseActionRequest {
                operation_id,
                action_id,
                ..PauseActionRequest::default()
            };
            considered(actions.pause_action(with_metadata(request, allowed)).await)
        }
        "ResumeAction" => {
            let request = ResumeActionRequest {
                operation_id,
                action_id,
                ..ResumeActionRequest::default()
            };
            considered(actions.resume_action(with_metadata(request, allowed)).await)
        }
        "RetireAction" => {
            let request = RetireActionRequest {
                operation_id,
                action_id,
                ..RetireActionRequest::default()
            };
            considered(actions.retire_action(with_metadata(request, allowed)).await)
        }
        "GetAction" => {
            let request = GetActionRequest {
                action_id,
                version: 0,
            };
            considered(actions.get_action(with_metadata(request, allowed)).await)
        }
        "ListActions" => {
            let request = with_metadata(ListActionsRequest::default(), allowed);
            actions.list_actions(request).await.map(drop)
        }
        "ExportActions" => {
            let request = with_metadata(ExportActionsRequest::default(), allowed);
            actions.export_actions(request).await.map(drop)
        }
        _ => offer(actions, name, allowed).await,
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
