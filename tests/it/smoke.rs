//! The shortest way through everything.

use customer_profile::proto::v1::{
    GetProfileRequest, InteractionOutcome, RecordInteractionsRequest,
};

use crate::harness::{Service, make};

#[tokio::test(flavor = "multi_thread")]
async fn what_two_departments_record_is_one_profile_by_either_identifier() {
    let service = Service::start().await;
    let mut both = make::seen("2", 20, &["email=a@example.com", "phone=090-1234-5678"]);
    both.department = "support".into();
    let response = service
        .interactions()
        .record_interactions(RecordInteractionsRequest {
            interactions: vec![
                make::order("1", 10, "email=A@Example.com", "o-1", 500),
                both,
            ],
            run_id: None,
        })
        .await
        .unwrap()
        .into_inner();
    for result in &response.results {
        assert_eq!(result.outcome(), InteractionOutcome::Recorded, "{result:?}");
    }
    for who in ["email=a@example.com", "phone=+819012345678"] {
        let profile = service
            .profiles()
            .get_profile(GetProfileRequest {
                lookup: make::by(who),
                ..GetProfileRequest::default()
            })
            .await
            .unwrap()
            .into_inner()
            .profile
            .unwrap();
        assert_eq!(profile.interactions_total, 2);
        assert_eq!(profile.identifiers_total, 2);
        assert_eq!(profile.orders.unwrap().spend[0].minor_units, 500);
    }
    assert_eq!(service.verify("default").await.differences, 0);
    service.stop().await;
}
