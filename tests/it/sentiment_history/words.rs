//! Words, topics and surveys, and who sees them.

use customer_profile::proto::v1::{
    Analysis, AnalysisMethod, EvidenceKind, EvidenceSpan, Feeling, SentimentSignal, SurveyScale,
    TopicFeeling,
};
use prost::Message as _;

use super::*;

/// A complaint with words and a topic, analysed by an analyzer of the operator's.
async fn complaint(service: &Service) {
    let mut said = make::ticket("1", 10, WHO, "opened", "t1");
    said.department = "support".into();
    said.text = Some("配送が遅い。canary".into());
    let recorded = service.record_all(vec![said]).await;
    let id = &recorded[0].interaction_id;
    let analysis = Analysis {
        method: AnalysisMethod::External.into(),
        model_version: 1,
        language: "ja".into(),
        feeling: Some(Feeling {
            polarity: -0.8,
            confidence: 0.9,
            ..Feeling::default()
        }),
        topics: vec![TopicFeeling {
            topic: "delivery".into(),
            polarity: Some(-0.6),
        }],
        spans: vec![EvidenceSpan {
            start: 0,
            end: 15,
            kind: EvidenceKind::Negative.into(),
            ..EvidenceSpan::default()
        }],
        ..Analysis::default()
    };
    let inserted = sqlx::query(
        "INSERT INTO analyses (tenant, anchor, occurred_at, interaction_id, method, version, body)
         SELECT tenant, anchor, occurred_at, interaction_id, 2, 1, $2 FROM interactions WHERE interaction_id = $1",
    )
    .bind(uuid::Uuid::parse_str(id).unwrap())
    .bind(analysis.encode_to_vec())
    .execute(&service.database.pool().await)
    .await
    .unwrap();
    assert_eq!(inserted.rows_affected(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_counted_by_what_is_felt_about_them() {
    let service = Service::start().await;
    complaint(&service).await;
    service.record_one(felt("2", 20, WHO, 0.5)).await;
    service
        .record_one(make::answer("3", 30, WHO, SurveyScale::Nps, 9))
        .await;
    let request = GetSentimentHistoryRequest {
        topics: vec!["delivery".into(), "price".into()],
        ..asking(WHO)
    };
    let answer = ask(&service, request).await;
    assert_eq!(answer.topics.len(), 1);
    let counts = answer.topics[0].counts.as_ref().unwrap();
    assert_eq!(
        (answer.topics[0].name.as_str(), counts.mean),
        ("delivery", Some(-0.6))
    );
    let summary = answer.summary.unwrap();
    assert_eq!(
        (summary.count, summary.last.unwrap().words),
        (1, vec!["配送が遅い".to_owned()])
    );
    let of_topic = |signal: &&SentimentSignal| signal.name == "topic:delivery";
    assert_eq!(summary.signals.iter().filter(of_topic).count(), 1);
    assert_eq!(answer.items.len(), 1);
    let item = &answer.items[0];
    assert_eq!(
        (item.polarity, item.method()),
        (Some(-0.8), AnalysisMethod::External)
    );
    assert_eq!(
        item.analyses[0].method(),
        AnalysisMethod::External,
        "what counts is first"
    );
    assert_eq!(item.text, "配送が遅い。canary");
    assert_eq!(answer.surveys.len(), 1, "an answer is about no topic");
    assert_eq!(answer.surveys[0].value, 9);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_and_what_is_hidden_from_a_department_are_in_no_answer() {
    let service = Service::with(
        Database::new().await,
        &[
            (
                "CUSTOMER_PROFILE_DEPARTMENTS__BILLING__HIDDEN_TEXTS_OF",
                "support",
            ),
            ("CUSTOMER_PROFILE_DEPARTMENTS__A__HIDDEN", "tickets"),
            ("CUSTOMER_PROFILE_DEPARTMENTS__B__HIDDEN", "sentiment"),
            ("CUSTOMER_PROFILE_DEPARTMENTS__C__HIDDEN", "timeline"),
            ("CUSTOMER_PROFILE_DEPARTMENTS__D__HIDDEN", "surveys"),
        ],
    )
    .await;
    complaint(&service).await;
    service.record_one(felt("2", 5, WHO, 0.5)).await;
    service
        .record_one(make::answer("3", 30, WHO, SurveyScale::Nps, 9))
        .await;
    let holds = |answer: &GetSentimentHistoryResponse, text: &str| {
        answer
            .encode_to_vec()
            .windows(text.len())
            .any(|w| w == text.as_bytes())
    };
    let open = ask(&service, asking(WHO)).await;
    assert!(holds(&open, "canary") && holds(&open, "配送") && open.masked_fields.is_empty());
    assert_eq!(open.items.len(), 2);

    for (metadata, path) in [
        (("x-permissions", "read"), "items.text"),
        (("x-department", "billing"), "items.text[support]"),
    ] {
        let answer = ask_with(&service, asking(WHO), &[metadata]).await.unwrap();
        assert!(
            !holds(&answer, "canary") && !holds(&answer, "配送"),
            "{metadata:?}"
        );
        assert!(
            answer
                .items
                .iter()
                .all(|item| item.analyses.iter().all(|a| a.spans.is_empty()))
        );
        assert!(answer.masked_fields.iter().any(|field| field == path));
        assert_eq!(
            answer.items[0].polarity,
            Some(-0.8),
            "how it was felt is no text"
        );
        let profile = with_metadata(getting(WHO), &[metadata]);
        let answer = service
            .profiles()
            .get_profile(profile)
            .await
            .unwrap()
            .into_inner();
        let masked = path.replace("items.text", "sentiment.last.words");
        assert!(
            answer.masked_fields.contains(&masked),
            "{:?}",
            answer.masked_fields
        );
    }
    let answer = ask_with(&service, asking(WHO), &[("x-department", "a")])
        .await
        .unwrap();
    assert!(!holds(&answer, "ticket.opened") && !holds(&answer, "delivery"));
    assert_eq!((answer.items.len(), answer.summary.unwrap().count), (1, 1));
    assert!(answer.masked_fields.contains(&"items[ticket]".to_owned()));
    for department in ["b", "c"] {
        let status = ask_with(&service, asking(WHO), &[("x-department", department)]).await;
        refused(&status.unwrap_err(), Code::PermissionDenied, "field_masked");
    }
    for (department, shown) in [("a", false), ("b", false), ("c", true), ("d", true)] {
        let request = with_metadata(getting(WHO), &[("x-department", department)]);
        let answer = service
            .profiles()
            .get_profile(request)
            .await
            .unwrap()
            .into_inner();
        let sentiment = answer.profile.unwrap().sentiment;
        assert_eq!(sentiment.is_some(), shown, "{department}");
        assert_eq!(
            answer.masked_fields.contains(&"sentiment".to_owned()),
            !shown
        );
        if department == "c" {
            assert_eq!(sentiment.unwrap().last, None);
        }
    }
    let answer = ask_with(&service, asking(WHO), &[("x-department", "d")])
        .await
        .unwrap();
    assert!(answer.surveys.is_empty() && answer.masked_fields == ["surveys"]);
    service.stop().await;
}
