//! Calls, in the words of tests.

use customer_profile::proto::v1::{
    GetProfileRequest, Interaction, InteractionOutcome, InteractionReference,
    InteractionReferences, InteractionResult, ListInteractionsRequest, Profile, ProfileLookup,
    RecordInteractionsRequest, RecordedInteraction, RetractInteractionsRequest,
    RetractInteractionsResponse, retract_interactions_request::Selection,
};
use tonic::Status;

use super::{Service, make, service::of_tenant};

/// A request to record.
pub fn recording(interactions: Vec<Interaction>) -> RecordInteractionsRequest {
    RecordInteractionsRequest {
        interactions,
        run_id: None,
    }
}

/// A request to retract interactions of the source `test`.
pub fn retracting(operation: &str, event_ids: &[&str]) -> RetractInteractionsRequest {
    let references = event_ids
        .iter()
        .map(|id| InteractionReference {
            source: "test".into(),
            event_id: (*id).into(),
        })
        .collect();
    RetractInteractionsRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        selection: Some(Selection::References(InteractionReferences { references })),
    }
}

/// A request to retract a run.
pub fn retracting_run(operation: &str, run: &str) -> RetractInteractionsRequest {
    RetractInteractionsRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        selection: Some(Selection::RunId(run.into())),
    }
}

/// A request for a profile by one identifier.
pub fn getting(who: &str) -> GetProfileRequest {
    GetProfileRequest {
        lookup: make::by(who),
        ..GetProfileRequest::default()
    }
}

/// A look-up by profile id.
pub fn by_id(id: &str) -> Option<ProfileLookup> {
    Some(ProfileLookup {
        profile_id: id.into(),
        identifiers: Vec::new(),
    })
}

/// A request for the first page of a timeline.
pub fn listing(who: &str) -> ListInteractionsRequest {
    ListInteractionsRequest {
        lookup: make::by(who),
        ..ListInteractionsRequest::default()
    }
}

/// The outcomes of results.
pub fn outcomes(results: &[InteractionResult]) -> Vec<InteractionOutcome> {
    results.iter().map(InteractionResult::outcome).collect()
}

/// The violations of a result, as (field, reason).
pub fn violations(result: &InteractionResult) -> Vec<(&str, &str)> {
    result
        .violations
        .iter()
        .map(|v| (v.field.as_str(), v.reason.as_str()))
        .collect()
}

impl Service {
    /// Records; answers with the results.
    pub async fn record(&self, interactions: Vec<Interaction>) -> Vec<InteractionResult> {
        self.record_of("default", interactions).await
    }

    /// The same, of a tenant.
    pub async fn record_of(
        &self,
        tenant: &str,
        interactions: Vec<Interaction>,
    ) -> Vec<InteractionResult> {
        self.interactions()
            .record_interactions(of_tenant(tenant, recording(interactions)))
            .await
            .unwrap()
            .into_inner()
            .results
    }

    /// Records any number, all of which must be new; answers with the results.
    pub async fn record_all(&self, interactions: Vec<Interaction>) -> Vec<InteractionResult> {
        let mut all = Vec::with_capacity(interactions.len());
        for batch in interactions.chunks(1_000) {
            let results = self.record(batch.to_vec()).await;
            for result in &results {
                assert_eq!(result.outcome(), InteractionOutcome::Recorded, "{result:?}");
            }
            all.extend(results);
        }
        all
    }

    /// Records one, which must be new; answers with its profile's id.
    pub async fn record_one(&self, interaction: Interaction) -> String {
        let mut results = self.record_all(vec![interaction]).await;
        results.pop().unwrap().profile_id
    }

    /// The profile of someone.
    pub async fn profile(&self, who: &str) -> Profile {
        self.get(getting(who)).await.unwrap()
    }

    /// What a request for a profile answers.
    pub async fn get(&self, request: GetProfileRequest) -> Result<Profile, Status> {
        let response = self.profiles().get_profile(request).await?.into_inner();
        Ok(response.profile.unwrap())
    }

    /// All of a timeline, page by page from the one asked for.
    pub async fn timeline(&self, mut request: ListInteractionsRequest) -> Vec<RecordedInteraction> {
        let mut client = self.interactions();
        let mut all = Vec::new();
        loop {
            let page = client
                .list_interactions(request.clone())
                .await
                .unwrap()
                .into_inner();
            all.extend(page.interactions);
            if page.next_page_token.is_empty() {
                return all;
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Retracts; answers with how far the operation has come.
    pub async fn retract(
        &self,
        request: RetractInteractionsRequest,
    ) -> Result<RetractInteractionsResponse, Status> {
        let response = self.interactions().retract_interactions(request).await?;
        Ok(response.into_inner())
    }

    /// Nothing is stored, and a customer who comes now is served.
    pub async fn assert_unharmed(&self) {
        let report = self.verify("default").await;
        assert_eq!((report.interactions, report.differences), (0, 0));
        self.record_all(vec![make::seen(
            "afterwards",
            0,
            &["email=afterwards@example.com"],
        )])
        .await;
        assert!(self.profile("email=afterwards@example.com").await.known);
    }

    /// Recomputing the default tenant must find nothing.
    pub async fn assert_agrees(&self) {
        let report = self.verify("default").await;
        assert_eq!(report.differences, 0, "{:?}", report.described);
    }
}
