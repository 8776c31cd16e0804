//! What callers of a department see: no answer holds what is hidden from them, and no question can be asked of it.

mod explained;
mod lists;

use customer_profile::proto::v1::{
    BatchGetProfilesRequest, CallerSentiment, ConsentState, ExplainIdentityRequest,
    GetProfileRequest, GetSentimentHistoryRequest, Interaction, ListIdentifiersRequest,
    ListInteractionsRequest, ListTraitsRequest, Money, Profile, SearchProfilesRequest, SubjectKind,
    SubjectStatus, SurveyScale, Trait, sentiment_service_client::SentimentServiceClient,
};
use prost::Message;
use prost_types::{FieldMask, Struct, Value, value};
use tonic::{Code, Request, Status};

use crate::harness::{
    Database, Service, calls::recording, make, refused::refused, service::with_metadata,
};

const WHO: &str = "customer_id=CANARY-NUMBER";

/// What is planted in the interactions, by the kind of facts that it belongs to.
const CANARIES: [(&str, &[&str]); 10] = [
    (
        "identifiers",
        &["canary@example.com", "+819011112222", "CANARY-NUMBER"],
    ),
    ("traits", &["canary-trait", "canary-other"]),
    ("orders", &["canary-order"]),
    ("tickets", &["canary-ticket"]),
    ("surveys", &["canary-question"]),
    ("consents", &["canary-consent"]),
    ("timeline", &["canary.type"]),
    ("texts", &["canary-text", "canary-call"]),
    ("attributes", &["canary-attribute"]),
    ("sentiment", &["canary-judge"]),
];

/// Where canaries are seen by those who may see them: the calls whose answers hold any of a kind.
const CALLS: [&str; 10] = [
    "GetProfile",
    "GetProfile as it was",
    "GetProfile of all fields by name",
    "BatchGetProfiles",
    "SearchProfiles by trait",
    "SearchProfiles by day",
    "ListIdentifiers",
    "ListTraits",
    "ListInteractions",
    "GetSentimentHistory",
];

fn attributes() -> Struct {
    let kind = Some(value::Kind::StringValue("canary-attribute".into()));
    Struct {
        fields: [("note".to_owned(), Value { kind })].into(),
    }
}

fn planted() -> Vec<Interaction> {
    let who = [WHO, "email=canary@example.com", "phone=090-1111-2222"];
    let mut complaint = make::ticket("1", 10, WHO, "opened", "canary-ticket");
    complaint.text = Some("canary-text".into());
    complaint.attributes = Some(attributes());
    let mut order = make::order("2", 20, WHO, "canary-order", 987_654);
    order.text = Some("canary-call".into());
    let mut survey = make::answer("3", 30, WHO, SurveyScale::Nps, 3);
    survey.survey_scores[0].question = Some("canary-question".into());
    survey.identifiers = make::seen("3", 30, &who).identifiers;
    let traits = [
        ("secret", make::text("canary-trait")),
        ("city", make::text("canary-other")),
        ("harmless", make::text("yes")),
    ];
    let address = Some("email=canary@example.com");
    let mut consent = make::consent("4", 40, WHO, ConsentState::Granted, address);
    consent.consent_changes[0].purpose = "canary-consent".into();
    consent.traits = make::stating("4", 40, WHO, &traits).traits;
    let mut typed = make::seen("5", 50, &[WHO]);
    typed.r#type = "canary.type".into();
    typed.sentiment = Some(CallerSentiment {
        polarity: -0.5,
        confidence: None,
        method: "canary-judge".into(),
    });
    // About an order and a ticket without being of their types.
    let mut about = make::seen("6", 60, &[WHO]);
    about.subject = Some(make::subject(
        SubjectKind::Order,
        "canary-order",
        SubjectStatus::Unspecified,
    ));
    about.money = Some(Money {
        currency: "JPY".into(),
        minor_units: 987_654,
    });
    let mut also = make::seen("7", 70, &[WHO]);
    also.subject = Some(make::subject(
        SubjectKind::Ticket,
        "canary-ticket",
        SubjectStatus::Pending,
    ));
    vec![complaint, order, survey, consent, typed, about, also]
}

async fn service(settings: &[(&str, &str)]) -> Service {
    let service = Service::with(Database::new().await, settings).await;
    service.record_all(planted()).await;
    service
}

fn as_of<T>(department: &str, message: T) -> Request<T> {
    with_metadata(message, &[("x-department", department)])
}

fn field_names() -> FieldMask {
    let pool = prost_reflect::DescriptorPool::decode(customer_profile::proto::DESCRIPTORS).unwrap();
    let profile = pool
        .get_message_by_name("customer_profile.v1.Profile")
        .unwrap();
    FieldMask {
        paths: profile.fields().map(|f| f.name().to_owned()).collect(),
    }
}

/// The bytes of an answer and the fields that it says are masked.
async fn ask(
    service: &Service,
    call: &str,
    department: &str,
    who: &str,
) -> Result<(Vec<u8>, Vec<String>), Status> {
    let (mut interactions, mut profiles) = (service.interactions(), service.profiles());
    let lookup = make::by(who);
    macro_rules! answer {
        ($answer:expr) => {{
            let answer = $answer.await?.into_inner();
            Ok((answer.encode_to_vec(), answer.masked_fields))
        }};
    }
    match call {
        "GetProfile" | "GetProfile as it was" | "GetProfile of all fields by name" => {
            let request = GetProfileRequest {
                lookup,
                field_mask: call.ends_with("by name").then(field_names),
                as_of: call
                    .ends_with("as it was")
                    .then(|| make::at(1_000_000))
                    .flatten(),
                ..GetProfileRequest::default()
            };
            answer!(profiles.get_profile(as_of(department, request)))
        }
        "BatchGetProfiles" => {
            let request = BatchGetProfilesRequest {
                lookups: lookup.into_iter().collect(),
                ..BatchGetProfilesRequest::default()
            };
            answer!(profiles.batch_get_profiles(as_of(department, request)))
        }
        "SearchProfiles by trait" => {
            let request = SearchProfilesRequest {
                traits: vec![make::fact("harmless", make::text("yes"))],
                ..SearchProfilesRequest::default()
            };
            answer!(profiles.search_profiles(as_of(department, request)))
        }
        "SearchProfiles by day" => {
            let request = SearchProfilesRequest {
                last_seen_from: make::at(0),
                ..SearchProfilesRequest::default()
            };
            answer!(profiles.search_profiles(as_of(department, request)))
        }
        "ListIdentifiers" => {
            let request = ListIdentifiersRequest {
                lookup,
                ..ListIdentifiersRequest::default()
            };
            answer!(profiles.list_identifiers(as_of(department, request)))
        }
        "ListTraits" => {
            let request = ListTraitsRequest {
                lookup,
                ..ListTraitsRequest::default()
            };
            answer!(profiles.list_traits(as_of(department, request)))
        }
        "ListInteractions" => {
            let request = ListInteractionsRequest {
                lookup,
                ..ListInteractionsRequest::default()
            };
            answer!(interactions.list_interactions(as_of(department, request)))
        }
        "GetSentimentHistory" => {
            let request = GetSentimentHistoryRequest {
                lookup,
                ..GetSentimentHistoryRequest::default()
            };
            let mut sentiments = SentimentServiceClient::new(service.channel());
            answer!(sentiments.get_sentiment_history(as_of(department, request)))
        }
        "ExplainIdentity" => {
            let request = ExplainIdentityRequest {
                lookup,
                ..ExplainIdentityRequest::default()
            };
            let mut identities = service.identities();
            answer!(identities.explain_identity(as_of(department, request)))
        }
        other => panic!("no call {other}"),
    }
}

fn holds(bytes: &[u8], canary: &str) -> bool {
    bytes.windows(canary.len()).any(|w| w == canary.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_holds_what_is_hidden_and_others_see_it() {
    let policies: Vec<(String, &str)> = CANARIES
        .iter()
        .map(|(kind, _)| {
            let variable = format!(
                "CUSTOMER_PROFILE_DEPARTMENTS__NO_{}__HIDDEN",
                kind.to_uppercase()
            );
            (variable, *kind)
        })
        .collect();
    let policies: Vec<(&str, &str)> = policies.iter().map(|(k, v)| (k.as_str(), *v)).collect();
    let service = service(&policies).await;
    for (kind, canaries) in CANARIES {
        let department = format!("no_{kind}");
        let mut refusals = 0;
        let mut seen = false;
        for call in CALLS.into_iter().chain(["ExplainIdentity"]) {
            let open = ask(&service, call, "sales", WHO).await.unwrap();
            assert_eq!(open.1, Vec::<String>::new(), "{call}");
            seen |= canaries.iter().all(|canary| holds(&open.0, canary));
            match ask(&service, call, &department, WHO).await {
                Err(status) => {
                    refused(&status, Code::PermissionDenied, "field_masked");
                    refusals += 1;
                }
                Ok((bytes, masked)) => {
                    for canary in canaries {
                        assert!(!holds(&bytes, canary), "{call} shows {canary}");
                    }
                    let shown = canaries.iter().any(|canary| holds(&open.0, canary));
                    assert!(
                        !shown || !masked.is_empty(),
                        "{call} hides {kind} in silence"
                    );
                }
            }
        }
        assert!(seen, "nobody sees {kind}, so nothing was tested");
        let expected = match kind {
            "identifiers" | "traits" | "timeline" => 2,
            "sentiment" => 1,
            _ => 0,
        };
        assert_eq!(refusals, expected, "{kind}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_totals_and_survey_values_are_hidden_with_their_facts() {
    let service = service(&[
        (
            "CUSTOMER_PROFILE_DEPARTMENTS__A__HIDDEN",
            "orders, surveys, tickets",
        ),
        ("CUSTOMER_PROFILE_DEPARTMENTS__B__HIDDEN_TRAITS", "secret"),
        (
            "CUSTOMER_PROFILE_DEPARTMENTS__B__HIDDEN_NAMESPACES",
            "phone",
        ),
    ])
    .await;
    let profile = async |department: &str| -> Profile {
        let request = GetProfileRequest {
            lookup: make::by(WHO),
            ..GetProfileRequest::default()
        };
        let request = as_of(department, request);
        let answer = service.profiles().get_profile(request).await.unwrap();
        answer.into_inner().profile.unwrap()
    };
    let open = profile("sales").await;
    assert!(open.orders.is_some() && open.tickets.is_some() && open.surveys.len() == 1);
    assert_eq!((open.traits_total, open.identifiers_total), (3, 3));
    let less = profile("a").await;
    assert_eq!(
        (less.orders, less.tickets, less.surveys.len()),
        (None, None, 0)
    );
    let types: Vec<&str> = less.touchpoints.iter().map(|t| &*t.r#type).collect();
    assert_eq!(types, ["canary.type", "consent.changed", "survey.answered"]);
    let some = profile("b").await;
    assert_eq!((some.traits.len(), some.identifiers.len()), (2, 2));
    assert_eq!((some.traits_total, some.identifiers_total), (0, 0));

    let request = ListInteractionsRequest {
        lookup: make::by(WHO),
        page_size: 1,
        types: vec!["order.placed".into(), "ticket.opened".into()],
        ..ListInteractionsRequest::default()
    };
    let mut interactions = service.interactions();
    let answer = interactions.list_interactions(as_of("a", request));
    let answer = answer.await.unwrap().into_inner();
    assert_eq!(answer.interactions.len(), 0);
    assert_eq!(
        answer.next_page_token, "",
        "a page that would tell that there is one"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_of_a_link_is_hidden_with_the_interaction_that_gave_it() {
    let service = Service::with(
        Database::new().await,
        &[
            ("CUSTOMER_PROFILE_DEPARTMENTS__A__HIDDEN", "orders"),
            ("CUSTOMER_PROFILE_DEPARTMENTS__B__HIDDEN", "tickets"),
            ("CUSTOMER_PROFILE_DEPARTMENTS__C__HIDDEN", "timeline"),
        ],
    )
    .await;
    let (email, cookie) = ("email=a@example.com", "cookie=c");
    let both = make::seen("1", 10, &[email, cookie]).identifiers;
    let mut order = make::order("1", 10, email, "canary-order", 5);
    let mut complaint = make::ticket("2", 20, email, "opened", "canary-ticket");
    order.identifiers.clone_from(&both);
    complaint.identifiers = both;
    service.record_all(vec![order, complaint]).await;
    let explain = async |department: &str| {
        let request = ExplainIdentityRequest {
            lookup: make::by(email),
            ..ExplainIdentityRequest::default()
        };
        let request = as_of(department, request);
        let answer = service.identities().explain_identity(request).await;
        let answer = answer.unwrap().into_inner();
        assert_eq!(answer.links.len(), 1);
        let evidence = answer.links[0].evidence.iter();
        let types: Vec<String> = evidence.map(|one| one.r#type.clone()).collect();
        (types.join(" "), answer.masked_fields.join(" "))
    };
    for (department, types, masked) in [
        ("sales", "order.placed ticket.opened", ""),
        (
            "a",
            "ticket.opened",
            "links.evidence[order] cuts.evidence[order]",
        ),
        (
            "b",
            "order.placed",
            "links.evidence[ticket] cuts.evidence[ticket]",
        ),
        ("c", "", "links.evidence cuts.evidence"),
    ] {
        let wanted = (types.to_owned(), masked.to_owned());
        assert_eq!(explain(department).await, wanted, "{department}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_hidden_by_the_department_that_heard_them() {
    let service = service(&[(
        "CUSTOMER_PROFILE_DEPARTMENTS__BILLING__HIDDEN_TEXTS_OF",
        "support, store",
    )])
    .await;
    let (bytes, masked) = ask(&service, "ListInteractions", "billing", WHO)
        .await
        .unwrap();
    assert!(!holds(&bytes, "canary-text") && !holds(&bytes, "canary-attribute"));
    assert!(holds(&bytes, "canary-call"), "sales' texts are not hidden");
    assert_eq!(
        masked,
        [
            "interactions.interaction.text[store]",
            "interactions.interaction.text[support]",
            "interactions.interaction.event_id[store]",
            "interactions.interaction.event_id[support]",
            "interactions.interaction.attributes[store]",
            "interactions.interaction.attributes[support]",
        ]
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_cannot_be_asked_by() {
    let service = service(&[
        (
            "CUSTOMER_PROFILE_DEPARTMENTS__B__HIDDEN_TRAITS",
            "secret, city",
        ),
        (
            "CUSTOMER_PROFILE_DEPARTMENTS__B__HIDDEN_NAMESPACES",
            "phone",
        ),
        ("CUSTOMER_PROFILE_DEPARTMENTS__C__HIDDEN", "traits"),
    ])
    .await;
    // The answer is the same for a value that there is and one that there is not.
    for who in ["phone=090-1111-2222", "phone=090-9999-9999"] {
        for call in [
            "GetProfile",
            "BatchGetProfiles",
            "ListIdentifiers",
            "ListTraits",
            "ListInteractions",
            "ExplainIdentity",
        ] {
            let status = ask(&service, call, "b", who).await.unwrap_err();
            let details = refused(&status, Code::PermissionDenied, "field_masked");
            let fields = &details.error_info().unwrap().metadata["fields"];
            assert_eq!(fields, "identifiers[phone]", "{call}");
        }
    }
    let search = async |department: &str, traits: Vec<Trait>| {
        let request = SearchProfilesRequest {
            traits,
            ..SearchProfilesRequest::default()
        };
        let mut profiles = service.profiles();
        let answer = profiles.search_profiles(as_of(department, request)).await;
        answer.map(|answer| answer.into_inner().profiles.len())
    };
    for value in ["canary-trait", "something else"] {
        let secret = || {
            vec![
                make::fact("harmless", make::text("yes")),
                make::fact("secret", make::text(value)),
            ]
        };
        for (department, fields) in [("b", "traits[secret]"), ("c", "traits")] {
            let status = search(department, secret()).await.unwrap_err();
            let details = refused(&status, Code::PermissionDenied, "field_masked");
            assert_eq!(details.error_info().unwrap().metadata["fields"], fields);
        }
        let found = search("sales", secret()).await.unwrap();
        assert_eq!(found, usize::from(value == "canary-trait"));
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_department_without_a_policy_and_a_caller_of_none_see_what_others_see() {
    let service = service(&[
        ("CUSTOMER_PROFILE_DEPARTMENTS__OTHER__HIDDEN", "texts"),
        ("CUSTOMER_PROFILE_DEPARTMENTS__SUPPORT__HIDDEN", ""),
    ])
    .await;
    let shows = async |metadata: &[(&'static str, &str)]| {
        let request = ListInteractionsRequest {
            lookup: make::by(WHO),
            ..ListInteractionsRequest::default()
        };
        let request = with_metadata(request, metadata);
        let answer = service.interactions().list_interactions(request).await;
        holds(&answer.unwrap().into_inner().encode_to_vec(), "canary-text")
    };
    assert!(shows(&[("x-department", "support")]).await);
    assert!(!shows(&[("x-department", "marketing")]).await);
    assert!(!shows(&[]).await);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_record_cannot_guess_what_is_hidden_by_recording() {
    let service = service(&[
        ("CUSTOMER_PROFILE_DEPARTMENTS__A__HIDDEN", "surveys"),
        (
            "CUSTOMER_PROFILE_DEPARTMENTS__B__HIDDEN_NAMESPACES",
            "phone",
        ),
    ])
    .await;
    // Without its name an interaction cannot be sent again, with a guess of what is hidden of it.
    let request = ListInteractionsRequest {
        lookup: make::by(WHO),
        ..ListInteractionsRequest::default()
    };
    let answer = service
        .interactions()
        .list_interactions(as_of("a", request))
        .await
        .unwrap()
        .into_inner();
    let listed = answer
        .interactions
        .iter()
        .filter_map(|i| i.interaction.as_ref());
    assert!(listed.clone().count() > 0);
    assert!(listed.clone().all(|i| i.event_id.is_empty()));
    let masked = "interactions.interaction.event_id";
    assert!(answer.masked_fields.iter().any(|field| field == masked));
    // Whose a hidden identifier is, is not said to who records under it.
    for (phone, department) in [
        ("090-1111-2222", "b"),
        ("090-9999-9999", "b"),
        ("090-1111-2222", "a"),
    ] {
        let guess = make::seen(
            &format!("{phone} {department}"),
            500,
            &[&format!("phone={phone}")],
        );
        let answer = service
            .interactions()
            .record_interactions(as_of(department, recording(vec![guess])))
            .await
            .unwrap()
            .into_inner();
        let said = !answer.results[0].profile_id.is_empty();
        assert_eq!(said, department == "a", "{phone} {department}");
    }
    service.stop().await;
}
