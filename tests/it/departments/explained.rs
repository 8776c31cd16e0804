//! What departments hear of why identifiers are one person.

use customer_profile::proto::v1::{
    CutRule, ExplainIdentityRequest, IdentityCut, PictureFormat, ProfileIdentifier,
    SeparateIdentifiersRequest,
};
use prost::Message;

use super::{as_of, holds};
use crate::harness::{Database, Service, make};

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_and_its_picture_hold_nothing_of_hidden_namespaces() {
    let service = Service::with(
        Database::new().await,
        &[
            (
                "CUSTOMER_PROFILE_DEPARTMENTS__A__HIDDEN_NAMESPACES",
                "customer_id, loyalty_id",
            ),
            ("CUSTOMER_PROFILE_DEPARTMENTS__B__HIDDEN", "texts"),
        ],
    )
    .await;
    let (mail, tablet) = ("email=a@example.com", "device_id=tablet");
    service
        .record_all(vec![
            make::seen("1", 10, &["customer_id=CANARY-1", mail, tablet]),
            make::seen("2", 20, &["customer_id=CANARY-2", tablet]),
            make::seen("3", 30, &["customer_id=CANARY-2", mail]),
            make::seen("4", 40, &[mail, "cookie=c"]),
            make::seen("5", 50, &["loyalty_id=CANARY-3", "cookie=c"]),
        ])
        .await;
    let request = SeparateIdentifiersRequest {
        operation_id: "op".into(),
        reason: "canary-reason".into(),
        identifiers: vec![make::identifier("cookie=c")],
        ..SeparateIdentifiersRequest::default()
    };
    let mut identities = service.identities();
    identities.separate_identifiers(request).await.unwrap();
    let mut seen = 0;
    for format in [PictureFormat::Dot, PictureFormat::Svg] {
        for (department, hidden) in [("sales", ""), ("a", "CANARY-"), ("b", "canary-reason")] {
            let request = ExplainIdentityRequest {
                lookup: make::by(mail),
                picture_format: format.into(),
                ..ExplainIdentityRequest::default()
            };
            let answer = identities
                .explain_identity(as_of(department, request))
                .await;
            let answer = answer.unwrap().into_inner();
            let bytes = answer.encode_to_vec();
            assert!(!answer.picture.is_empty());
            if department == "sales" {
                seen += usize::from(holds(&bytes, "CANARY-1") && holds(&bytes, "canary-reason"));
                assert!(answer.cuts_total > 0);
                continue;
            }
            assert!(!holds(&bytes, hidden), "{department}: {answer:?}");
            if department == "a" {
                // Nor does it hear what follows from them.
                let told = |i: &ProfileIdentifier| i.shared.or(i.contested).or(i.hub).or(i.apart);
                assert!(answer.identifiers.iter().all(|i| told(i).is_none()));
                let rules = answer.cuts.iter().map(IdentityCut::rule);
                assert!(rules.into_iter().all(|rule| {
                    rule != CutRule::Limit && rule != CutRule::Shared && rule != CutRule::Hub
                }));
                assert!(answer.masked_fields.contains(&"cuts.rule".to_owned()));
            } else {
                assert_eq!(answer.masked_fields, ["decisions.reason"]);
            }
        }
    }
    assert_eq!(seen, 2, "nobody sees them, so nothing was tested");
    service.stop().await;
}
